"""Posts a second through the whole of ingest, beside the store alone and a bare SQLite FTS5 table.

    PYTHONPATH=src python bench/ingest.py [--posts 60000] [--seed 1] [--repeat 3] [--data FOLDER]
                                          [--copies 20000]

``whole`` is ``ingest.take`` into a fresh store: language detected, linked into origins, durable,
searchable. ``no_origins`` is the same without links; ``store`` is ``write`` alone; ``sqlite_fts5``
the same rows in the same batches with the same durability (``synchronous = FULL``), our tokens.
Each runs in a process of its own, over the same real posts (``--data``: a folder with the
development data, else words drawn from Zipf's law, and it says so). ``whole`` and ``no_origins``
take turns; the loss by origins is the median over the pairs, by the clock and by CPU seconds (all
threads), which another job on the machine disturbs less. ``copies`` is ``whole`` over that many
edited copies of one post, in the order in which they were said and in no order at all. The last
line is JSON.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import random
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import apsw

from gnomon import ingest, origins
from gnomon.store.database import Database
from gnomon.store.engine import open_store
from gnomon.store.key_lookup import KeyLookup
from gnomon.store.memory import MemoryStore
from gnomon.text.tokens import tokens
from gnomon.types import Batch, Post
from store import DATA, T0, corpus, plain

BATCH = ingest.BATCH_POSTS


def posts_of(texts: Sequence[str]) -> list[Post]:
    return [
        Post(f"bench:{i:08d}/{i * 2654435761 % 2**32:08x}", text, "bench", T0 + i,
             author=f"user{i % 50_021}", created_at=T0 + i / 10)
        for i, text in enumerate(texts)
    ]  # fmt: skip


def batches(posts: Sequence[Post]) -> Iterator[tuple[Post, ...]]:
    for start in range(0, len(posts), BATCH):
        yield tuple(posts[start : start + BATCH])


def timed(folder: Path, posts: Sequence[Post], put: Callable[[Any], object]) -> dict[str, Any]:
    """``put`` fills a fresh store; wall and CPU until everything is durable, then searchable."""
    tokens("warm"), ingest.language("load the model before the clock starts")
    origins.link(MemoryStore(), posts[:10])  # and the tables that are made at first use
    with open_store(folder) as store:
        start, cpu = time.perf_counter(), time.process_time()
        put(store)
        durable = time.perf_counter() - start
        store.refresh()
        searchable = time.perf_counter() - start
        return {
            "posts_per_s": round(len(posts) / searchable),
            "durable_posts_per_s": round(len(posts) / durable),
            "posts_per_cpu_s": round(len(posts) / (time.process_time() - cpu)),
        }


def whole(folder: Path, posts: Sequence[Post]) -> dict[str, Any]:
    out = timed(folder, posts, lambda store: ingest.take(posts, store))
    lookup = KeyLookup(Database(folder / "record.db", readonly=False))
    start = time.perf_counter()
    lookup.make_filter()
    out["key_filter"] = {
        "read_s": round(time.perf_counter() - start, 3),
        "bytes_per_post": round(lookup.nbytes / len(posts), 1),
    }
    with open_store(folder) as store:
        out["origins"] = store.status().origins
    return out


def no_origins(folder: Path, posts: Sequence[Post]) -> dict[str, Any]:
    def put(store: Any) -> None:
        for part in batches(posts):
            said = [replace(p, lang=found) if (found := ingest.language(p.text)) else p
                    for p in part]  # fmt: skip
            store.write(Batch("bench", tuple(said)))

    return timed(folder, posts, put)


def store_alone(folder: Path, posts: Sequence[Post]) -> dict[str, Any]:
    def put(store: Any) -> None:
        for part in batches(posts):
            store.write(Batch("bench", part))

    return timed(folder, posts, put)


def sqlite_fts5(folder: Path, posts: Sequence[Post]) -> dict[str, Any]:
    db = apsw.Connection(str(folder / "fts5.db"))
    db.execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -65536")
    db.execute(
        "CREATE VIRTUAL TABLE posts USING fts5(id UNINDEXED, author UNINDEXED, time UNINDEXED,"
        " text UNINDEXED, terms, tokenize='unicode61 remove_diacritics 0')"
    )
    start, cpu = time.perf_counter(), time.process_time()
    for part in batches(posts):
        with db:
            rows = [(p.id, p.author, p.time, p.text, " ".join(plain(p.text))) for p in part]
            db.executemany("INSERT INTO posts VALUES (?, ?, ?, ?, ?)", rows)
    took = time.perf_counter() - start
    return {
        "posts_per_s": round(len(posts) / took),
        "posts_per_cpu_s": round(len(posts) / (time.process_time() - cpu)),
    }


SIDES = {
    "whole": whole,
    "no_origins": no_origins,
    "store": store_alone,
    "sqlite_fts5": sqlite_fts5,
    "copies": whole,
    "copies_shuffled": whole,
}

COPIED = (
    "Three people were injured when a fire broke out at the old market in Porto Verde on Friday "
    "morning, the mayor Ann Lee said after fourteen engines came"
)
EDITS = {"old": "ancient", "broke": "started", "when": "as", "injured": "hurt", "came": "arrived"}


def copies(n: int, rng: random.Random) -> list[Post]:
    """``n`` copies of one post: a word swapped here and there, a prefix, a tag, a link."""
    out = []
    for i in range(n):
        text = " ".join(EDITS.get(w, w) if rng.random() < 0.3 else w for w in COPIED.split())
        before = rng.choice(("", "BREAKING ", "RT @x: "))
        after = rng.choice(("", " 🔥", " #fire", f" https://t.example/{i}", "!!", " via @a"))
        out.append(f"{before}{text}{after}" if i else COPIED)
    return posts_of(out)


def run(side: str, posts: Sequence[Post]) -> dict[str, Any]:
    """One side in this process: its figures and how much its memory grew at most."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with tempfile.TemporaryDirectory(prefix="bench-ingest-", ignore_cleanup_errors=True) as folder:
        out = SIDES[side](Path(folder), posts)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {**out, "memory_grew_mb": (peak - before) // 1024}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--posts", type=int, default=60_000)
    parser.add_argument("--repeat", type=int, default=3, help="so many pairs, on and off in turn")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--data", type=Path, default=DATA, help="the development data's folder")
    parser.add_argument("--copies", type=int, default=20_000, help="copies of one post")
    given = parser.parse_args()
    rng = random.Random(given.seed)
    texts, said = corpus(given.posts, rng, given.data)
    posts = posts_of(texts)
    flood = copies(given.copies, rng)
    shuffled = rng.sample(flood, len(flood))
    runs: dict[str, list[dict[str, Any]]] = {side: [] for side in SIDES}

    def once(side: str, some: Sequence[Post]) -> None:
        with multiprocessing.get_context("fork").Pool(1) as pool:
            runs[side].append(pool.apply(run, (side, some)))
        print(side, json.dumps(runs[side][-1]), file=sys.stderr, flush=True)

    for _ in range(given.repeat):
        once("whole", posts)
        once("no_origins", posts)
    once("store", posts)
    once("sqlite_fts5", posts)
    once("copies", flood)
    once("copies_shuffled", shuffled)
    out: dict[str, Any] = {"bench": "ingest", "posts": len(posts), "data": said}
    for side, some in runs.items():
        out[side] = max(some, key=lambda one: int(one["posts_per_s"]))

    def ratio(side: str, peer: str) -> float:
        return round(out[side]["posts_per_s"] / out[peer]["posts_per_s"], 3)

    def loss(unit: str) -> float:
        pairs = zip(runs["whole"], runs["no_origins"], strict=True)
        return round(statistics.median(1 - on[unit] / off[unit] for on, off in pairs), 3)

    out["ratios"] = {
        "whole_to_fts5": ratio("whole", "sqlite_fts5"),
        "whole_to_store": ratio("whole", "store"),
        "copies_to_whole": ratio("copies", "whole"),
        "loss_by_origins": loss("posts_per_s"),
        "loss_by_origins_cpu": loss("posts_per_cpu_s"),
    }
    print(json.dumps(out))


if __name__ == "__main__":
    main()
