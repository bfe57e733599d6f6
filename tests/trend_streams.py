"""Streams that tests of trends are run on: chatter with a past, events, a campaign."""

from __future__ import annotations

import random
from collections.abc import Sequence

from gnomon.ingest import take
from gnomon.store.contract import Store
from gnomon.types import Batch, Post

MONDAY = 1_772_409_600.0  # 2026-03-02T00:00:00Z
HOUR, DAY = 3600.0, 86400.0
_SYLLABLES = "ba de fi go lu ma ne pi ro su ta ve wi xo yu za ke lo mi nu".split()


def word(rank: int) -> str:
    """The word of that rank: the same for ever."""
    rng = random.Random(rank)
    return "".join(rng.choice(_SYLLABLES) for _ in range(3)) + _SYLLABLES[rank % 20]


def chatter(
    days: float, per_hour: int, *, since: float = MONDAY, vocabulary: int = 3000, seed: int = 1
) -> list[Post]:
    """Posts of twelve words by Zipf's law, by as many authors as there are hours in a month."""
    rng = random.Random(seed)
    weights = [1 / (rank + 5) for rank in range(vocabulary)]
    words = [word(rank) for rank in range(vocabulary)]
    count = int(days * 24 * per_hour)
    times = sorted(since + rng.random() * days * DAY for _ in range(count))
    return [
        post(
            f"c{seed}-{n}",
            " ".join(rng.choices(words, weights, k=12)),
            at,
            f"p{rng.randrange(700)}",
        )
        for n, at in enumerate(times)
    ]


def event(name: str, count: int, at: float, *, minutes: float = 50, seed: int = 2) -> list[Post]:
    """``count`` people who each say ``name`` in words of their own, some chatter around it."""
    rng = random.Random(f"{name}{seed}")
    return [
        post(
            f"{name}-{n}",
            " ".join([name, *(word(rng.randrange(3000)) for _ in range(9))]),
            at + rng.random() * minutes * 60,
            f"{name}-witness-{n}",
        )
        for n in range(count)
    ]


def campaign(
    phrase: str, accounts: int, at: float, *, reworded: bool, minutes: float = 60, seed: int = 3
) -> list[Post]:
    """``accounts`` that push one text: word for word, or each with some words changed."""
    rng = random.Random(seed)
    filler = [word(5000 + n) for n in range(10)]
    spare = [word(6000 + n) for n in range(40)]
    posts = []
    for n in range(accounts):
        text = list(filler)
        if reworded:
            for _ in range(3):
                text[rng.randrange(len(text))] = rng.choice(spare)
            text.insert(rng.randrange(len(text)), rng.choice(spare))
        made = f"{phrase} {' '.join(text)}"
        posts.append(post(f"campaign-{n}", made, at + rng.random() * minutes * 60, f"agent{n}"))
    return posts


def post(name: str, text: str, at: float, author: str, **more: object) -> Post:
    return Post(
        id=name, text=text, source="test", fetched_at=at, created_at=at, author=author, lang="en",
        **more,  # type: ignore[arg-type]
    )  # fmt: skip


def write(store: Store, posts: Sequence[Post], size: int = 500) -> None:
    """Take posts in as a source would bring them, in order of time, through origins."""
    ordered = sorted(posts, key=lambda one: one.time)
    for start in range(0, len(ordered), size):
        take(Batch("test", posts=tuple(ordered[start : start + size])), store)
