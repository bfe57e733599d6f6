"""What grows while posts come in: the posts of the soak, as fast as they are taken.

    python bench/soak_memory.py                    200,000 events into a store on disk, with origins
    python bench/soak_memory.py --events 1000000 --rising       trends and stories kept up, too

The server, the socket and the faults of ``soak`` are left out, so that all of the time goes to what
keeps memory. A row every ``--every`` events: resident memory, apart what is ours (anonymous) and
what is the system's cache of mapped files, which it takes back when it needs it; of ours what
SQLite holds, what the C library has in use and what it keeps free, and the filter of keys, which
has two bytes for each (about ten for a post) and is bounded by what the disk may hold.
"""

from __future__ import annotations

import argparse
import ctypes
import gc
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import apsw

from gnomon.ingest import take
from gnomon.sources.bluesky import post_id
from gnomon.store.engine import open_store
from gnomon.trends import TrendsView
from gnomon.trends.story_view import StoryView
from gnomon.types import Batch, Deletion, Post
from gnomon.wire import parse_time
from soak import event

BATCH = 1000
RATE = 600.0
BEGAN = 1_790_000_000.0


class _Malloc(ctypes.Structure):
    """``struct mallinfo2`` of glibc 2.33 and later."""

    _fields_ = [
        (name, ctypes.c_size_t)
        for name in ("arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks",
                     "uordblks", "fordblks", "keepcost")
    ]  # fmt: skip


def batches(events: int) -> Iterator[Batch]:
    """The events of the soak, ``BATCH`` at a time."""
    for first in range(1, events + 1, BATCH):
        posts: dict[str, Post] = {}
        gone = []
        for seq in range(first, min(first + BATCH, events + 1)):
            made = event(seq, BEGAN, RATE)
            name = post_id(made["did"], made["rkey"], made["collection"])
            at = parse_time(made["time"])
            if made["operation"] == "delete":
                gone.append(Deletion("bluesky", at, post=name))
                continue
            record = made["record"]
            subject = record.get("subject", {}).get("uri", "")
            posts[name] = Post(
                name, record.get("text", ""), "bluesky", at, made["did"], at, lang="en",
                repost_of=subject,
            )  # fmt: skip
        deleted = {one.post for one in gone}
        kept = tuple(post for post in posts.values() if post.id not in deleted)
        yield Batch("bluesky", posts=kept, deletions=tuple(gone), cursor=str(first))


def resident() -> dict[str, float]:
    """MiB by kind."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    fields = dict(line.split(":", 1) for line in lines)
    return {name: int(fields[name].split()[0]) / 1024 for name in ("RssAnon", "RssFile")}


def malloc() -> dict[str, float]:
    """MiB that the C library has in use and keeps free; nothing where it is another library."""
    try:
        info = ctypes.CDLL("libc.so.6").mallinfo2
    except (OSError, AttributeError):
        return {}
    info.restype = _Malloc
    found = info()
    return {
        "in use": (found.uordblks + found.hblkhd) / 2**20,
        "kept free": found.fordblks / 2**20,
    }


def run(folder: Path, events: int, every: int, rising: bool) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    began = time.process_time()
    with open_store(folder / "store") as store:
        trends = TrendsView(store, folder / "trends.db") if rising else None
        stories = StoryView(store, folder / "stories.db") if rising else None
        done = 0
        for batch in batches(events):
            take(batch, store)
            for view in (trends, stories):
                if view is not None:
                    view.catch_up()
            done += BATCH
            if done % every:
                continue
            gc.collect()
            row: dict[str, Any] = {"events": done, **resident(), **malloc()}
            row["SQLite"] = apsw.memory_used() / 2**20
            row["keys"] = store._keys.nbytes / 2**20 if hasattr(store, "_keys") else 0.0
            if trends is not None:
                row["tallies"] = trends.nbytes() / 2**20
            row["CPU s"] = time.process_time() - began
            rows.append(row)
            print("  ".join(f"{name} {value:,.0f}" for name, value in row.items()),
                  file=sys.stderr, flush=True)  # fmt: skip
    return rows


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--events", type=int, default=200_000)
    parser.add_argument("--every", type=int, default=20_000)
    parser.add_argument("--rising", action="store_true")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        rows = run(Path(folder), args.events, args.every, args.rising)
    print("| " + " | ".join(rows[0]) + " |\n" + "|---" * len(rows[0]) + "|")
    for row in rows:
        print("| " + " | ".join(f"{value:,.0f}" for value in row.values()) + " |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
