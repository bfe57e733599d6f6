"""Origins: which posts are one origin, by ``bench/origins.py`` and over news that share an event.

News articles of one event by different papers are different accounts of it: merging two whose
wording is their own would silence a witness.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

from bench import origins
from bench.truth import data, metrics
from bench.truth.rows import Row
from bench.truth.run import Run

from gnomon.types import Post

FALSE_NOTE = (
    "Edits that must not be merged: another number, a negation, another name, a newly named "
    "witness. Beside it MinHash alone (128 permutations, Jaccard .6, union-find)."
)


def _families(run: Run) -> dict[str, Any]:
    rng = random.Random(2026)
    posts, gold, family = origins.families(origins.seeds(run.data, rng), rng)
    posts = posts if not run.quick else [p for p in posts if int(p.id.split("/")[0]) < 60]
    kept = {post.id for post in posts}
    gold, family = ({k: v for k, v in d.items() if k in kept} for d in (gold, family))
    found, peer = origins.by_us(posts), origins.by_minhash(posts)
    count = [len(set(found.values())), len(set(gold.values())), len(set(peer.values()))]
    return {
        "ours": origins.judge(found, gold, family),
        "minhash": origins.judge(peer, gold, family),
        "origins": count,
        "n": len(posts),
        "must_not": sum(name in origins.MUST_NOT for name in family.values()),
    }


def _news(run: Run) -> dict[str, Any]:
    """Articles that stand under an earlier one with which they share less than half of the shorter
    one's words: accounts of their own."""
    posts: list[Post] = []
    words: dict[str, set[str]] = {}
    for i, row in enumerate(data.rows(run.data / "news/news_cluster_en.jsonl.gz")):
        ref = f"news/{i}"
        posts.append(Post(ref, row["text"], "feed", 1e9 + i, author=row["source_domain"],
                          title=row["title"], url=row["url"], created_at=1e9 + i))  # fmt: skip
        words[ref] = set(row["text"].lower().split())
    found, peer = origins.by_us(posts), origins.by_minhash(posts)

    def false(groups: dict[str, str]) -> int:
        return sum(
            ref != root
            and len(words[ref] & words[root]) < 0.5 * min(len(words[ref]), len(words[root]))
            for ref, root in groups.items()
        )

    return {
        "n": len(posts),
        "false": false(found),
        "minhash": false(peer),
        "merged": sum(ref != root for ref, root in found.items()),
    }


def measure(run: Run) -> Iterator[Row]:
    """B-cubed F1, the number of origins, false merges; cascades, threads and news."""
    if not (run.data / "social").is_dir():
        raise data.Absent("social/ is not here")
    got = run.kept("origins-families", lambda: _families(run), "origins", "store")
    ours, peer = got["ours"], got["minhash"]
    yield Row(
        "origins, B-cubed F1", "ten families of edits on real posts", got["n"],
        ours["b_cubed"]["f1"], baselines={"MinHash": peer["b_cubed"]["f1"]},
        floor=peer["b_cubed"]["f1"], aim=0.95,
    )  # fmt: skip
    found, gold, minhash = got["origins"]
    yield Row(
        "origins, number against the true", "ten families of edits on real posts", got["n"],
        found / gold, baselines={"MinHash": minhash / gold},
        note=f"{found:,} origins found, {gold:,} true ones.",
    )  # fmt: skip
    n = got["must_not"]
    low, high = metrics.of_count(round(ours["false_merge_rate"] * n), n)
    yield Row(
        "origins, false merges of witnesses", "ten families of edits on real posts", n,
        ours["false_merge_rate"], low, high, {"MinHash": peer["false_merge_rate"]},
        floor=peer["false_merge_rate"], aim=0.02, more=False, note=FALSE_NOTE,
    )  # fmt: skip
    yield from _real(run)


def _real(run: Run) -> Iterator[Row]:
    rng = random.Random(2026)
    weibo = run.kept("origins-weibo", lambda: origins.weibo(run.data, rng), "origins", "store")
    yield Row(
        "origins, bare reposts in their origin", "Weibo cascades", weibo["posts"],
        weibo["bare_reposts_in_their_origin"],
    )  # fmt: skip
    yield Row(
        "origins, posts in a foreign cascade", "Weibo cascades", weibo["posts"],
        weibo["posts_in_a_foreign_cascade"], aim=0.02, more=False,
    )  # fmt: skip
    threads = run.kept("origins-threads", lambda: origins.rumoureval(run.data), "origins", "store")
    yield Row(
        "origins, replies falsely merged", "RumourEval threads", threads["posts"],
        threads["replies_falsely_merged"], baselines={"MinHash": threads["minhash"]},
        aim=0.02, more=False,
    )  # fmt: skip
    news = run.kept("origins-news", lambda: _news(run), "origins", "store")
    n = news["n"]
    low, high = metrics.of_count(news["false"], n)
    yield Row(
        "origins, false merges of witnesses", "news articles of shared events", n,
        news["false"] / n, low, high, {"MinHash": news["minhash"] / n}, aim=0.02, more=False,
        note=f"{news['merged']} of {n} articles stand under an earlier one; false is a merge of "
        "texts that share less than half of their words.",
    )  # fmt: skip
