"""Origins: which posts are one origin, by ``bench/origins.py``: families of edits on real posts,
news articles of shared events, Weibo cascades, RumourEval threads; MinHash alone beside it.
"""

from __future__ import annotations

import importlib
import random
import sys
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from bench.truth import data
from bench.truth.rows import Row
from bench.truth.run import Run

FAMILIES, NEWS = "edits of real posts", "news of shared events"
COUNT = "origins, exact count"
FALSE = "origins, false merges of witnesses"
NOTES = {
    FAMILIES: "Ten families of edits on real tweets and Weibo posts (`bench/origins.py`). False is "
    "the merge of a changed number, negation or name, or of a newly named witness. Beside it "
    "MinHash alone: 128 permutations, Jaccard .6, union-find.",
    NEWS: "204 articles of 35 events; only syndicated ones are one origin.",
}


def script() -> Any:
    """``bench/origins.py``, which finds its neighbours as a script does."""
    folder = str(Path(__file__).resolve().parents[1])
    if folder not in sys.path:
        sys.path.append(folder)
    return importlib.import_module("origins")


def _families(run: Run) -> dict[str, Any]:
    origins, rng = script(), random.Random(2026)
    posts, gold, family = origins.families(origins.seeds(run.data, rng), rng)
    if run.quick:
        posts = [post for post in posts if int(post.id.split("/")[0]) < 60]
        gold = {post.id: gold[post.id] for post in posts}
        family = {post.id: family[post.id] for post in posts}
    return {
        "n": len(posts),
        "ours": origins.judge(origins.by_us(posts), gold, family),
        "minhash": origins.judge(origins.by_minhash(posts), gold, family),
    }


def _news(run: Run) -> dict[str, Any]:
    origins = script()
    peers = {"ours": origins.by_us, "minhash": origins.by_minhash}
    found: dict[str, Any] = origins.sets.news(run.data, peers)
    return {**found, "n": found["articles"]}


def _cascades(run: Run) -> dict[str, Any]:
    origins = script()
    return {
        "weibo": origins.weibo(run.data, random.Random(2026)),
        "threads": origins.rumoureval(run.data),
    }


def measure(run: Run) -> Iterator[Row]:
    """B-cubed F1, exact counts and false merges; then cascades and threads."""
    if not (run.data / "social").is_dir():
        raise data.Absent("social/ is not here")
    for title, made in ((FAMILIES, _families), (NEWS, _news)):
        name = f"origins-{made.__name__.strip('_')}"
        yield from _scored(run.kept(name, partial(made, run), "origins", "store"), title)
    found = run.kept("origins-cascades", lambda: _cascades(run), "origins", "store")
    weibo, threads = found["weibo"], found["threads"]
    yield Row(
        "origins, bare reposts in their origin", "Weibo cascades", weibo["posts"],
        weibo["bare_reposts_in_their_origin"],
    )  # fmt: skip
    yield Row(
        "origins, posts in a foreign cascade", "Weibo cascades", weibo["posts"],
        weibo["posts_in_a_foreign_cascade"], aim=0.02, more=False,
    )  # fmt: skip
    own = threads["replies_falsely_merged"]
    yield Row(
        "origins, replies falsely merged", "RumourEval threads", own["n"], own["value"],
        own["low"], own["high"], {"MinHash": threads["minhash"]["value"]}, aim=0.02, more=False,
    )  # fmt: skip


def _scored(found: Mapping[str, Any], title: str) -> Iterator[Row]:
    ours, peer = found["ours"], found["minhash"]
    one, other = ours["b_cubed"]["f1"], peer["b_cubed"]["f1"]
    yield Row(
        "origins, B-cubed F1", title, found["n"], one["value"], one["low"], one["high"],
        {"MinHash": other["value"]}, floor=other["value"], aim=0.95, note=NOTES[title],
    )  # fmt: skip
    one, other = ours["exact_count"], peer["exact_count"]
    yield Row(
        COUNT, title, one["n"], one["value"], one["low"], one["high"], {"MinHash": other["value"]},
        floor=other["value"], note=f"{one['origins']:,} origins found, {one['gold']:,} there are.",
    )  # fmt: skip
    one, other = ours["false_merges"], peer["false_merges"]
    yield Row(
        FALSE, title, one["n"], one["value"], one["low"], one["high"], {"MinHash": other["value"]},
        floor=other["value"], aim=0.02, more=False, note=NOTES[title],
    )  # fmt: skip
