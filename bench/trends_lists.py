"""Trends of one place against the real hot list of another, in Chinese.

Each question of Zhihu's hot list of a day is one post (title and the beginning of its text; the
list has no time of day: noon), and what rises among them in 24 hours is looked for among the topics
that entered Weibo's hot search that day; and the other way about (Weibo's topics at the hour they
entered). A label counts as found if it stands in a topic of that day. Common words stand in some
topic of every day, so the same labels are looked for in the topics of two weeks earlier (later, for
the first days): what is found there, is found by chance.

Beside it ``last day against the mean of the days before``: words of two characters, at least three
posts, by count over mean plus one. Phrases are ours; it has none.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from gnomon.store.memory import MemoryStore
from gnomon.trends import TrendsView, rising
from gnomon.trends.terms import extract
from gnomon.types import Batch, Post
from trends_streams import DAY, HOUR, lines

SINCE, UNTIL = "2023-01-01", "2023-03-01"
WARM_UP = 14
TOP = 10
_BOOTSTRAPS = 2_000


def run(data: Path) -> dict[str, Any]:
    zhihu = _zhihu(data)
    weibo = _weibo(data)
    return {
        "zhihu_to_weibo": _one_way(zhihu, _titles(weibo)),
        "weibo_to_zhihu": _one_way(weibo, _titles(zhihu)),
    }


def _zhihu(data: Path) -> dict[str, list[Post]]:
    days: dict[str, list[Post]] = defaultdict(list)
    for row in lines(data / "social/zhihu_hot_questions.jsonl.gz"):
        if SINCE <= row["day"] < UNTIL:
            at = datetime.fromisoformat(f"{row['day']}T12:00:00+08:00").timestamp()
            name = f"z{row['day']}{row['title'][:60]}"
            text = (row.get("excerpt") or "")[:200]
            post = Post(name, text, "zhihu", at, created_at=at, title=row["title"], lang="zh")
            days[row["day"]].append(post)
    return days


def _weibo(data: Path) -> dict[str, list[Post]]:
    days: dict[str, list[Post]] = defaultdict(list)
    for row in lines(data / "social/weibo_hot_search_2023Q1_first_seen.jsonl.gz"):
        at = datetime.fromisoformat(row["first_seen"]).timestamp()
        name = f"w{row['day']}{row['title']}"
        post = Post(name, row["title"], "weibo", at, created_at=at, lang="zh")
        days[row["day"]].append(post)
    return days


def _titles(days: Mapping[str, Sequence[Post]]) -> dict[str, list[str]]:
    return {day: [post.title or post.text for post in posts] for day, posts in days.items()}


def _one_way(days: Mapping[str, Sequence[Post]], truth: Mapping[str, Sequence[str]]) -> Any:
    store = MemoryStore()
    view = TrendsView(store)
    held: dict[str, list[dict[str, list[float]]]] = {"ours": [], "last_day": []}
    counts: list[Counter[str]] = []
    for day in sorted(days):
        store.write(Batch("lists", posts=tuple(sorted(days[day], key=lambda one: one.time))))
        view.catch_up()
        counts.append(_words(days[day]))
        if len(counts) <= WARM_UP or day not in truth:
            continue
        midnight = datetime.fromisoformat(f"{day}T00:00:00+08:00").timestamp() + DAY
        found = rising(view, store, DAY, now=midnight // HOUR * HOUR, lang="zh", k=TOP)
        labels = {
            "ours": [one.label.strip("#") for one in found.trends if one.kind != "link"],
            "last_day": _ratio(counts),
        }
        for name, said in labels.items():
            held[name].append(_hits(said, day, truth))
    return {name: _figures(rows) for name, rows in held.items()}


def _words(posts: Sequence[Post]) -> Counter[str]:
    return Counter(term for post in posts for kind, term in set(extract(post)) if kind == "term")


def _ratio(counts: Sequence[Counter[str]]) -> list[str]:
    today, before = counts[-1], counts[-8:-1]
    score = {
        word: count / (sum(day[word] for day in before) / len(before) + 1)
        for word, count in today.items()
        if count >= 3
    }
    return sorted(score, key=lambda word: (-score[word], word))[:TOP]


def _hits(labels: Sequence[str], day: str, truth: Mapping[str, Sequence[str]]) -> Any:
    when = datetime.fromisoformat(day)
    other = (when - timedelta(days=14)).date().isoformat()
    return {
        "same_day": [any(label in title for title in truth[day]) for label in labels],
        "other_day": [any(label in title for title in truth.get(other, ())) for label in labels],
        "characters": [len(label) for label in labels],
    }


def _figures(rows: Sequence[Mapping[str, Sequence[float]]]) -> dict[str, Any]:
    listed = np.array([len(row["same_day"]) for row in rows], float)
    same = np.array([sum(row["same_day"]) for row in rows], float)
    other = np.array([sum(row["other_day"]) for row in rows], float)
    rng = np.random.default_rng(0)
    draws = rng.integers(0, len(rows), (_BOOTSTRAPS, len(rows)))
    total = np.maximum(listed[draws].sum(axis=1), 1)

    def interval(hits: np.ndarray) -> list[float]:
        low, high = np.percentile(hits[draws].sum(axis=1) / total, [2.5, 97.5])
        return [round(float(one), 3) for one in (hits.sum() / max(1, listed.sum()), low, high)]

    return {
        "days": len(rows),
        "listed_a_day": round(float(listed.mean()), 1),
        "same_day": interval(same),
        "by_chance": interval(other),
        "beyond_chance": interval(same - other),
        "characters": round(float(np.mean([c for row in rows for c in row["characters"]])), 1),
    }
