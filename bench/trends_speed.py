"""Posts a second through origins and trends together, beside the bare store."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import trends_streams as streams
from gnomon.ingest import prepare
from gnomon.store.engine import open_store
from gnomon.trends import TrendsView, rising
from gnomon.types import Batch, Post

POSTS, BATCH = 20_000, 500


def run(data: Path) -> dict[str, Any]:
    """Each in a fresh store on disk over the same posts; CPU seconds of all threads. Posts carry
    their language, as live sources give it, so that detecting it is not measured."""
    chatter = sorted(streams.chatter(data), key=lambda post: post.time)[:POSTS]
    posts = [replace(post, id=f"s{n}") for n, post in enumerate(chatter)]
    bare = _timed(lambda folder: _write(folder, posts, origins=False, trends=False))
    linked = _timed(lambda folder: _write(folder, posts, origins=True, trends=False))
    whole = _timed(lambda folder: _write(folder, posts, origins=True, trends=True))
    found = {
        name: {"per_s": round(POSTS / wall), "per_cpu_s": round(POSTS / cpu)}
        for name, (wall, cpu) in (("store", bare), ("origins", linked), ("trends", whole))
    }
    return {"posts": POSTS, **found, "cores": os.cpu_count(), **_alone(posts)}


def _timed(work: Callable[[Path], None]) -> tuple[float, float]:
    with tempfile.TemporaryDirectory() as folder:
        wall, cpu = time.perf_counter(), time.process_time()
        work(Path(folder))
        return time.perf_counter() - wall, time.process_time() - cpu


def _write(folder: Path, posts: Sequence[Post], *, origins: bool, trends: bool) -> None:
    with open_store(folder / "store") as store:
        view = TrendsView(store, folder / "trends.db") if trends else None
        for start in range(0, len(posts), BATCH):
            batch = Batch("speed", posts=tuple(posts[start : start + BATCH]))
            store.write(prepare(batch, store) if origins else batch)
            if view is not None:
                view.catch_up()
        if view is not None:
            view.close()
        store.refresh()


def _alone(posts: Sequence[Post]) -> dict[str, Any]:
    """The view catching up with a full store, and one list, in CPU seconds; what they take."""
    with tempfile.TemporaryDirectory() as folder, open_store(Path(folder) / "store") as store:
        for start in range(0, len(posts), 2000):
            store.write(Batch("speed", posts=tuple(posts[start : start + 2000])))
        view = TrendsView(store, Path(folder) / "trends.db")
        began = time.process_time()
        view.catch_up()
        view.commit()
        done = time.process_time()
        rising(view, store, 3600.0, now=view.newest)
        listed = time.process_time() - done
        disk = sum(path.stat().st_size for path in Path(folder).glob("trends.db*"))
        held = view.nbytes()
        view.close()
    return {
        "catch_up_per_cpu_s": round(len(posts) / (done - began)),
        "list_cpu_ms": round(listed * 1000),
        "disk_bytes_a_post": round(disk / len(posts)),
        "memory_mb": round(held / 1e6, 1),
    }
