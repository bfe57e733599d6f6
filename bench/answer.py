"""Extractive answers end to end, and the memory of the idle server.

    python bench/answer.py [--posts 300000] [--questions 100] [--encoder] [--models DIR] [--seed 1]

Each question is asked through the whole engine over a store on disk: plan, retrieve, compose,
check, journal. Questions are made from real posts: half name three neighbouring words of a post
("What about ...?"), the others are asked as people ask (fixed list). Side by side in the same run,
the same questions as one bare search of the store: ``ratio`` is answer to search. The server is
started for real with the small chat model, if it is in DIR, and its resident memory is read after
``--settle`` seconds. The last line is JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

from gnomon.assemble import open_gnomon
from gnomon.config import load
from gnomon.text.tokens import words
from gnomon.types import Batch, Finished, Post
from store import BATCH, DATA, T0, corpus  # bench/store.py: the same posts

ASKED = (
    "How many people died in the floods?",
    "What magnitude was the earthquake?",
    "Was the suspect arrested?",
    "When did the train crash happen?",
    "Who won the election?",
    "Why was the airport closed?",
    "Did the government resign?",
    "Where did the plane land?",
    "What did the police say about the bombing?",
    "台风造成多少人死亡？",
    "地震是几级？",
    "飞机找到了吗？",
)


def fill(gnomon: Any, texts: list[str]) -> float:
    """Write the texts as posts of their own origins; seconds."""
    began = time.perf_counter()
    for start in range(0, len(texts), BATCH):
        posts = tuple(
            Post(id=f"b/{i}", text=text, source="bench", fetched_at=T0 + i, created_at=T0 + i,
                 author=f"a{i % 5000}")
            for i, text in enumerate(texts[start : start + BATCH], start)
        )  # fmt: skip
        gnomon.store.write(Batch("bench", posts=posts))
    gnomon.store.refresh()
    return time.perf_counter() - began


def questions(texts: list[str], n: int, rng: random.Random) -> list[str]:
    out = list(ASKED)
    while len(out) < n:
        held = [w for w in words(rng.choice(texts)) if len(w) > 3]
        if len(held) >= 3:
            at = rng.randrange(len(held) - 2)
            out.append(f"What about {' '.join(held[at : at + 3])}?")
    return out[:n]


def percentiles(seconds: list[float]) -> dict[str, float]:
    cut = statistics.quantiles(seconds, n=20)
    return {"p50_ms": round(1e3 * cut[9], 1), "p95_ms": round(1e3 * cut[18], 1)}


def timed(gnomon: Any, asked: list[str]) -> tuple[list[float], list[float], int]:
    """Seconds of each answer and of each bare search, and how many answers abstained."""
    answers, searches, abstained = [], [], 0
    now = T0 + 10_000_000
    for question in asked:
        began = time.perf_counter()
        last = list(gnomon.ask(question, now=now))[-1]
        answers.append(time.perf_counter() - began)
        assert isinstance(last, Finished)
        abstained += last.answer.abstained
        began = time.perf_counter()
        gnomon.store.search(question, 10)
        searches.append(time.perf_counter() - began)
    return answers, searches, abstained


def idle_memory(home: Path, models: Path | None, settle_s: float) -> dict[str, float]:
    """Resident MiB of a served store, the model's worker included."""
    command = [sys.executable, "-m", "gnomon.cli", "--home", str(home), "serve", "--port", "0"]
    env = {**os.environ, "PYTHONUNBUFFERED": "1"}
    if models:
        (home / "models").symlink_to(models.absolute())
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=env)
    assert server.stdout is not None
    try:
        address = ""
        while not address:
            line = server.stdout.readline()
            assert line or server.poll() is None, "the server ended before it listened"
            found = re.search(r"http://[\d.:]+", line)
            address = found.group() if found else ""
        body = json.dumps({"input": ASKED[0], "model": "gnomon"}).encode()
        request = urllib.request.Request(
            f"{address}/v1/responses", body, {"Content-Type": "application/json"}
        )
        urllib.request.urlopen(request, timeout=120).read()
        time.sleep(settle_s)
        pids = [server.pid, *children(server.pid)]
        return {"idle_mib": round(sum(map(resident, pids)), 1), "processes": len(pids)}
    finally:
        server.terminate()
        server.wait(30)


def children(pid: int) -> list[int]:
    own = Path(f"/proc/{pid}/task").glob("*/children")
    found = [int(child) for path in own for child in path.read_text().split()]
    return [*found, *(grandchild for child in found for grandchild in children(child))]


def resident(pid: int) -> float:
    """MiB, as /proc counts it: shared pages counted in each process."""
    text = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", text).group(1)) / 1024  # type: ignore[union-attr]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--posts", type=int, default=300_000)
    parser.add_argument("--questions", type=int, default=100)
    parser.add_argument("--encoder", action="store_true")
    parser.add_argument("--models", type=Path, default=Path(".cache/models"))
    parser.add_argument("--settle", type=float, default=5.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--data", type=Path, default=DATA)
    options = parser.parse_args()
    rng = random.Random(options.seed)
    texts, said = corpus(options.posts, rng, options.data)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        home = Path(folder)
        if options.encoder:
            (home / "models").symlink_to(options.models.absolute())
        embed = "auto" if options.encoder else "none"
        config = load(home, {}, chat_model="none", embed_model=embed, max_disk_mb=20_000)
        with open_gnomon(config) as gnomon:
            seconds = fill(gnomon, texts)
            answers, searches, abstained = timed(gnomon, questions(texts, options.questions, rng))
        if (home / "models").is_symlink():
            (home / "models").unlink()
        here = options.models.is_dir()
        memory = idle_memory(home, options.models if here else None, options.settle)
    ratio = statistics.median(answers) / statistics.median(searches)
    print(json.dumps({
        "bench": "answer", "posts": len(texts), "data": said, "questions": len(answers),
        "encoder": options.encoder, "fill_s": round(seconds, 1), "abstained": abstained,
        "answer": percentiles(answers), "search": percentiles(searches),
        "ratio_p50": round(ratio, 1), **memory,
    }))  # fmt: skip


if __name__ == "__main__":
    main()
