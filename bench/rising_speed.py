"""Posts a second through the bare store, origins, trends and stories, as the product runs them: one
thread takes posts in, another follows with both views.

    OMP_NUM_THREADS=1 PYTHONPATH=src python bench/rising_speed.py --data ../shared/data

Each row is a process of its own, with a store on disk that starts empty, and ends when the text
index and the views hold every post. Posts carry their language, as live sources give it, but in the
last row. CPU seconds are those of all threads; on a busy machine only they, and their ratio, mean
anything. Two streams: titles of Reddit and Hacker News spread over four weeks (many hours are open
at once), and tweets about disasters (much alike, so that much is compared).
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import trends_streams as streams
from gnomon.assemble.background import Background
from gnomon.assemble.chronicle import Chronicle
from gnomon.assemble.rising import Pulse
from gnomon.ingest import take
from gnomon.store.engine import open_store
from gnomon.store.memory import MemoryStore
from gnomon.types import Batch, Post

BATCH = 500
ROWS = ("store", "origins", "trends", "stories", "all", "all, language detected")
STREAMS = ("chatter", "tweets")


def posts_of(stream: str, data: Path, number: int) -> list[Post]:
    if stream == "chatter":
        posts = sorted(streams.chatter(data), key=lambda post: post.time)[:number]
        return [replace(post, id=f"s{n}") for n, post in enumerate(posts)]
    rows = sorted(streams.lines(data / "social/crisislex_tweets.jsonl.gz"), key=lambda r: r["id"])
    posts = []
    for n, row in enumerate(rows[:number]):
        at = datetime.fromisoformat(row["created_at"]).timestamp()
        posts.append(Post(f"t{n}", row["text"], "x", at, f"author {n % 5000}", at))
    found = MemoryStore()  # where their languages are found, before the clock runs
    take(posts, found)
    held = found.get_many([post.id for post in posts])
    return [replace(post, lang=held[post.id].lang or "und") for post in posts]


class StoriesAlone(Chronicle):
    """Stories followed, trends not."""

    def _step(self, health: dict[str, str]) -> int:
        return self._take("stories", lambda: self._story_view().step(), health)


def run(row: str, posts: Sequence[Post]) -> dict[str, float]:
    """Wall and CPU seconds until everything is taken in, and held by the views."""
    if row == ROWS[-1]:
        posts = [replace(post, lang="") for post in posts]
    with tempfile.TemporaryDirectory() as folder, open_store(Path(folder) / "store") as store:
        background = Background()
        kinds: dict[str, type[Pulse]] = {"trends": Pulse, "stories": StoriesAlone}
        kind = kinds.get(row, Chronicle)
        view = kind(store, Path(folder) / "views", time.time)
        wall, cpu = time.perf_counter(), time.process_time()
        if row not in ("store", "origins"):
            view.follow(background)
        for start in range(0, len(posts), BATCH):
            batch = Batch("speed", posts=tuple(posts[start : start + BATCH]))
            if row == "store":
                store.write(batch)
            else:
                take(batch, store)
        while row not in ("store", "origins") and view._step({}):
            pass
        store.refresh()
        background.close()
        view.close()
        return {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}


def measured(row: str, stream: str, args: argparse.Namespace) -> dict[str, float]:
    """The median of several runs, each in a process of its own."""
    command = [sys.executable, __file__, "--data", str(args.data), "--posts", str(args.posts)]
    runs = [
        json.loads(subprocess.check_output([*command, "--row", row, "--stream", stream]))
        for _ in range(args.times)
    ]
    return {name: statistics.median(one[name] for one in runs) for name in ("wall", "cpu", "posts")}


def table(stream: str, found: dict[str, dict[str, float]]) -> str:
    bare = found["store"]["cpu"] / found["store"]["posts"]
    lines = [
        f"{stream}, {found['store']['posts']:,.0f} posts, {os.cpu_count()} cores\n",
        "| what | posts/s | posts/s of CPU | microseconds of CPU a post | times the bare store's |",
        "|---|---|---|---|---|",
    ]
    for row, one in found.items():
        a_post = one["cpu"] / one["posts"]
        lines.append(
            f"| {row} | {one['posts'] / one['wall']:,.0f} | {1 / a_post:,.0f} |"
            f" {1e6 * a_post:.0f} | {a_post / bare:.1f} |"
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--posts", type=int, default=20_000)
    parser.add_argument("--times", type=int, default=3)
    parser.add_argument("--stream", choices=STREAMS)
    parser.add_argument("--row", choices=ROWS, help="this row alone, as JSON")
    args = parser.parse_args()
    if args.row:
        posts = posts_of(args.stream or STREAMS[0], args.data, args.posts)
        found: dict[str, Any] = {**run(args.row, posts), "posts": len(posts)}
        print(json.dumps(found))
        return
    for stream in (args.stream,) if args.stream else STREAMS:
        print(table(stream, {row: measured(row, stream, args) for row in ROWS}), "\n")


if __name__ == "__main__":
    main()
