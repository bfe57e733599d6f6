"""The server beside bare llama.cpp, under many clients, and under too many.

``python bench/api.py [--models DIR] [--rounds N] [--tokens N] [--only PART]``: DIR is a models
folder (else $GNOMON_TEST_MODELS or .cache/models). Each server is a process of its own, the bare
one llama.cpp's HTTP server as xllamacpp starts it, with the same model, slots, batch, threads and
waiting policy as our worker. Parts:

* ``overhead``: the same prompts over HTTP, streamed, to both servers turn by turn (so that other
  work on the machine meets both): time to the first token and tokens a second, with 1 client and
  with 8 at once; and CPU-seconds of the server a thousand tokens, which other work disturbs least.
  A ratio above 1 means that ours is slower.
* ``search``: requests a second and latency with wrk (https://github.com/wg/wrk), beside /health of
  the same server, which is as fast as it can be.
* ``idle``: 1,000 streams open at once, all waiting: memory, and the latency of other requests.
* ``overload``: 64 clients where 18 have room: who is answered and how late, who gets 429 and how
  soon, and that nothing else happens.

The last line is JSON.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import re
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from gnomon.models.installed import find
from gnomon.models.process import environment

MODEL = "smollm2-135m-instruct"
SLOTS, CONTEXT, BATCH = 2, 2048, 256
STORY = "The council met again on Tuesday to hear what the engineers had found under the bridge. "
QUESTIONS = (
    "What was the strongest gust of Storm Ottoline?",
    "What was the turnout in the mayoral election?",
    "How many people does Lunde Kiln Works employ?",
)
IDLE = 1000
CROWD, CROWD_S = 64, 8.0

BARE = """
import sys, xllamacpp
path, threads, slots, context, batch = sys.argv[1], *map(int, sys.argv[2:])
params = xllamacpp.CommonParams()
params.model.path, params.model_alias = path, {"bare"}
params.n_parallel, params.n_ctx = slots, context * slots
params.n_batch = params.n_ubatch = batch
params.cpuparams.n_threads = params.cpuparams_batch.n_threads = threads
params.cache_ram_mib, params.cache_idle_slots, params.enable_reasoning = 0, False, 0
params.offline, params.verbosity, params.ui = True, 1, False
params.hostnames, params.port = ["127.0.0.1"], 0
server = xllamacpp.Server(params)
print(server.listening_address, flush=True)
sys.stdin.read()
"""

OURS = """
import sys
from gnomon.assemble import open_sample
from gnomon.config import load
from gnomon.serve import app
home, chat, threads, waiting = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
listening = app.listen("127.0.0.1", 0)
config = load(home, {}, chat_model=chat, embed_model="none", threads=threads)
with open_sample(config) as engine:
    print(app.url_of(listening), flush=True)
    server = app.server(engine, waiting=waiting)
    import threading
    threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True).start()
    sys.stdin.read()
    server.should_exit = True
"""


class Serving:
    """A server in a process of its own: its address, and what it has used."""

    def __init__(self, code: str, *arguments: object, threads: int) -> None:
        command = [sys.executable, "-c", code, *map(str, arguments)]
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment(threads),
            text=True,
        )
        assert self._process.stdout
        self.url = self._process.stdout.readline().strip()
        if not self.url:
            raise SystemExit(f"{command[:2]} did not start (exit {self._process.wait()}).")

    def cpu_s(self) -> float:
        """CPU-seconds of it and its children so far."""
        ticks = 0
        for pid in self._pids():
            with suppress(OSError):
                fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
                ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")

    def rss_mb(self) -> float:
        """Resident memory of the server's own process, in MiB."""
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        found = re.search(r"VmRSS:\s+(\d+) kB", status)
        assert found
        return int(found[1]) / 1024

    def _pids(self) -> list[int]:
        pids = [self._process.pid]
        for pid in pids:
            for task in Path(f"/proc/{pid}/task").glob("*/children"):
                with suppress(OSError):
                    pids += map(int, task.read_text().split())
        return pids

    def close(self) -> None:
        assert self._process.stdin
        self._process.stdin.close()
        try:
            self._process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


@contextmanager
def ours(models: Path, chat: str, threads: int, waiting: int = 16) -> Iterator[Serving]:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "models").symlink_to(models.absolute())
        serving = Serving(OURS, folder, chat, threads, waiting, threads=threads)
        try:
            yield serving
        finally:
            serving.close()


@contextmanager
def bare(models: Path, threads: int) -> Iterator[Serving]:
    held = find(models, MODEL)
    if held is None:
        raise SystemExit(f"{MODEL} is not in {models}; `gnomon models pull {MODEL}`.")
    serving = Serving(BARE, held.path, threads, SLOTS, CONTEXT, BATCH, threads=threads)
    try:
        yield serving
    finally:
        serving.close()


# -- one request --------------------------------------------------------------------------------


class Streamed:
    """One streamed completion: when its first and last words came, seconds from its beginning."""

    def __init__(self, url: str, model: str, prompt: str, tokens: int) -> None:
        body = {
            "model": model,
            "messages": [{"role": "user", "content": prompt}],
            "max_tokens": tokens,
            "temperature": 0,
            "stream": True,
            "stream_options": {"include_usage": True},
            "chat_template_kwargs": {"enable_thinking": False},
        }
        connection = _connect(url)
        began = time.perf_counter()
        connection.request("POST", "/v1/chat/completions", json.dumps(body), _JSON)
        reply = connection.getresponse()
        assert reply.status == 200, reply.read()
        self.first_s = self.last_s = 0.0
        self.tokens = 0
        for line in reply:
            if not line.startswith(b"data: {"):
                continue
            event = json.loads(line[6:])
            if any((c.get("delta") or {}).get("content") for c in event.get("choices") or ()):
                self.last_s = time.perf_counter() - began
                self.first_s = self.first_s or self.last_s
            if event.get("usage"):
                self.tokens = event["usage"]["completion_tokens"]
        connection.close()


_JSON = {"content-type": "application/json"}


def _connect(url: str) -> http.client.HTTPConnection:
    return http.client.HTTPConnection(urlsplit(url).netloc, timeout=300)


def _timed(url: str, path: str) -> tuple[int, float]:
    """Status and seconds of one GET."""
    connection = _connect(url)
    began = time.perf_counter()
    connection.request("GET", path)
    reply = connection.getresponse()
    reply.read()
    connection.close()
    return reply.status, time.perf_counter() - began


def quantile(values: Sequence[float], share: float) -> float:
    """The value that ``share`` of them do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("nan")


# -- the parts ----------------------------------------------------------------------------------


def overhead(models: Path, rounds: int, tokens: int, threads: int) -> dict[str, Any]:
    found: dict[str, Any] = {}
    with bare(models, threads) as plain, ours(models, MODEL, threads) as own:
        servers = {"bare": (plain, "bare"), "ours": (own, MODEL)}
        for serving, model in servers.values():
            Streamed(serving.url, model, "Hello.", 4)
        for clients in (1, 8):
            measured = {name: Measured() for name in servers}
            for turn in range(rounds):
                order = list(servers.items())
                for name, (serving, model) in order if turn % 2 else order[::-1]:
                    measured[name].crowd(serving, model, clients, tokens, turn)
            row = {name: one.figures() for name, one in measured.items()}
            row["ratio"] = {
                "first token": row["ours"]["first_ms"] / row["bare"]["first_ms"],
                "tokens/s": row["bare"]["tokens_s"] / row["ours"]["tokens_s"],
                "CPU": row["ours"]["cpu_s_1000"] / row["bare"]["cpu_s_1000"],
            }
            found[f"{clients} client{'s' * (clients > 1)}"] = row
            _show(clients, row)
    return found


class Measured:
    """What one server did, over all turns."""

    def __init__(self) -> None:
        self._first: list[float] = []
        self._rate: list[float] = []
        self._cpu_s = 0.0
        self._tokens = 0

    def crowd(self, serving: Serving, model: str, clients: int, tokens: int, turn: int) -> None:
        # Prompts share no beginning, so that no cache helps; both servers get the same.
        prompts = [
            f"Case {turn * 100 + i}. {STORY * 6} Tell it as a story." for i in range(clients)
        ]
        cpu, began = serving.cpu_s(), time.perf_counter()
        with ThreadPoolExecutor(clients) as pool:
            made = list(pool.map(lambda p: Streamed(serving.url, model, p, tokens), prompts))
        took = time.perf_counter() - began
        self._cpu_s += serving.cpu_s() - cpu
        written = sum(one.tokens for one in made)
        self._tokens += written
        self._first += [one.first_s for one in made]
        self._rate.append(written / took)

    def figures(self) -> dict[str, float]:
        return {
            "first_ms": statistics.median(self._first) * 1000,
            "tokens_s": statistics.median(self._rate),
            "cpu_s_1000": self._cpu_s / self._tokens * 1000,
        }


def _show(clients: int, row: dict[str, Any]) -> None:
    for name in ("bare", "ours"):
        f = row[name]
        print(
            f"{clients} client(s), {name:4}: first token {f['first_ms']:7.0f} ms, "
            f"{f['tokens_s']:6.1f} tokens/s, {f['cpu_s_1000']:6.2f} CPU-s/1000 tokens"
        )
    print("  ratios:", ", ".join(f"{k} {v:.3f}" for k, v in row["ratio"].items()), flush=True)


def search(models: Path, threads: int) -> dict[str, Any]:
    wrk = shutil.which("wrk")
    if wrk is None:
        print("wrk is not installed; search is not measured.")
        return {}
    found: dict[str, Any] = {}
    with ours(models, "none", threads) as own:
        for path in ("/health", "/v1/search?q=bridge+open&k=10", "/v1/models"):
            for connections in (1, 16):
                command = [wrk, "-t1", f"-c{connections}", "-d4s", "--latency", own.url + path]
                said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
                rate = float(re.findall(r"Requests/sec:\s+([\d.]+)", said)[0])
                tail = re.findall(r"99%\s+(\S+)", said)[0]
                bad = re.findall(r"Non-2xx or 3xx responses: (\d+)", said)
                found[f"{path} x{connections}"] = {"per_s": rate, "p99": tail, "bad": bad}
                print(f"{path:32} {connections:3} connections: {rate:8.0f}/s, p99 {tail} {bad}")
    return found


def idle(models: Path, threads: int) -> dict[str, Any]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, 4 * IDLE)), hard))
    body = {
        "model": MODEL,
        "messages": [{"role": "user", "content": "Tell a very long story."}],
        "max_tokens": 1900,
        "stream": True,
    }
    with ours(models, MODEL, threads, waiting=2 * IDLE) as own:
        Streamed(own.url, MODEL, "Hello.", 2)
        _latencies(own.url, 20)
        before, alone = own.rss_mb(), _latencies(own.url, 100)
        opened = []
        for _ in range(IDLE):
            connection = _connect(own.url)
            connection.request("POST", "/v1/chat/completions", json.dumps(body), _JSON)
            opened.append(connection)
        time.sleep(2.0)
        during, beside = own.rss_mb(), _latencies(own.url, 100)
        for connection in opened:
            connection.close()
        ended = time.perf_counter()
        freed = _until(lambda: Streamed(own.url, MODEL, "Hello.", 2).tokens > 0)
    found = {
        "streams": IDLE,
        "kib_each": (during - before) * 1024 / IDLE,
        "search_p99_ms_alone": quantile(alone, 0.99) * 1000,
        "search_p99_ms_beside": quantile(beside, 0.99) * 1000,
        "answers_again_after_s": freed - ended,
    }
    print(f"{IDLE} streams:", ", ".join(f"{k} {v:.1f}" for k, v in found.items()), flush=True)
    return found


def _latencies(url: str, count: int) -> list[float]:
    taken = [_timed(url, "/v1/search?q=bridge&k=5") for _ in range(count)]
    assert all(status == 200 for status, _ in taken)
    return [seconds for _, seconds in taken]


def _until(done: Callable[[], bool]) -> float:
    assert done()
    return time.perf_counter()


def overload(models: Path, threads: int) -> dict[str, Any]:
    """No chat model: the answers are composed of quotes, so that the server itself is tried."""
    taken: dict[int, list[float]] = {}
    odd: Counter[str] = Counter()
    lock = threading.Lock()
    with ours(models, "none", threads) as own:
        stop = time.perf_counter() + CROWD_S

        def client(number: int) -> None:
            connection = _connect(own.url)
            while time.perf_counter() < stop:
                question = QUESTIONS[number % len(QUESTIONS)]
                message = {"role": "user", "content": question}
                body = json.dumps({"model": "gnomon", "messages": [message]})
                began = time.perf_counter()
                try:
                    connection.request("POST", "/v1/chat/completions", body, _JSON)
                    reply = connection.getresponse()
                    reply.read()
                except (OSError, http.client.HTTPException) as error:
                    odd[type(error).__name__] += 1
                    connection = _connect(own.url)
                    continue
                with lock:
                    taken.setdefault(reply.status, []).append(time.perf_counter() - began)
                if reply.status == 429:
                    if not reply.headers["retry-after"]:
                        odd["429 without retry-after"] += 1
                    time.sleep(0.2)

        with ThreadPoolExecutor(CROWD) as pool:
            list(pool.map(client, range(CROWD)))
    found: dict[str, Any] = {
        str(status): {
            "count": len(seconds),
            "p50_ms": quantile(seconds, 0.5) * 1000,
            "p99_ms": quantile(seconds, 0.99) * 1000,
        }
        for status, seconds in sorted(taken.items())
    }
    for status, row in found.items():
        print(
            f"{CROWD} clients, {status}: {row['count']} answers, p50 {row['p50_ms']:.0f} ms, "
            f"p99 {row['p99_ms']:.0f} ms"
        )
    print(f"  anything else: {dict(odd) or 'nothing'}", flush=True)
    return found | {"odd": dict(odd)}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    default = os.environ.get("GNOMON_TEST_MODELS") or ".cache/models"
    parser.add_argument("--models", type=Path, default=Path(default))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--tokens", type=int, default=64)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--only", choices=("overhead", "search", "idle", "overload"))
    given = parser.parse_args()
    parts: dict[str, Callable[[], dict[str, Any]]] = {
        "overhead": lambda: overhead(given.models, given.rounds, given.tokens, given.threads),
        "search": lambda: search(given.models, given.threads),
        "idle": lambda: idle(given.models, given.threads),
        "overload": lambda: overload(given.models, given.threads),
    }
    found = {name: run() for name, run in parts.items() if given.only in (None, name)}
    print(json.dumps(found))


if __name__ == "__main__":
    main()
