"""Event detection and an injected campaign, on one stream of real posts.

The stream is four weeks of chatter (titles of Reddit and of Hacker News, each at its own second of
its own week, spread over the four) into which twelve real events of CrisisLex are put, one on each
day or so of the last two weeks, each from 12 hours before its onset to 24 hours after it, its posts
as far apart as they were. An event's onset is when its fifth post within an hour comes: as soon as
anybody could know. So chatter holds no event that is real there, and an alarm about it is false.
"""

from __future__ import annotations

import gzip
import json
import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gnomon import origins
from gnomon.store.memory import MemoryStore
from gnomon.trends import TrendsView, explain, rising
from gnomon.types import Batch, Deletion, Post, Trends

HOUR, DAY, WEEK = 3600.0, 86400.0, 604800.0
START = 1_700_006_400.0 - 1_700_006_400.0 % WEEK
FIRST_DAY, DAYS = 14, 28
ONSET_POSTS, ONSET_S = 5, HOUR
CLOSE_S = 3 * HOUR


@dataclass(frozen=True)
class Event:
    name: str
    number: int
    onset: float


def lines(path: Path) -> Iterator[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)


def chatter(data: Path, seed: int = 1) -> list[Post]:
    rng = random.Random(seed)
    said: list[tuple[float, str, str, str]] = []
    for row in lines(data / "social/reddit_top.jsonl.gz"):
        said.append((float(row["created_utc"]), row["title"], f"r_{row['id']}", f"r_{row['id']}"))
    for row in lines(data / "social/hackernews_2015_2016.jsonl.gz"):
        at = datetime.strptime(row["created_at"], "%m/%d/%Y %H:%M").replace(tzinfo=UTC)
        said.append((at.timestamp(), row["title"], f"h_{row['id']}", f"h_{row['author']}"))
    posts = []
    for at, title, name, author in said:
        when = START + rng.randrange(DAYS // 7) * WEEK + at % WEEK
        posts.append(Post(name, title, "chatter", when, author, when, lang="en"))
    return posts


def events(data: Path, seed: int = 2) -> tuple[list[Post], list[Event]]:
    held: dict[str, list[tuple[float, str, str]]] = defaultdict(list)
    for row in lines(data / "social/crisislex_tweets.jsonl.gz"):
        at = datetime.fromisoformat(row["created_at"]).timestamp()
        held[f"{row['set']} {row['event']}"].append((at, row["id"], row["text"]))
    rng = random.Random(seed)
    posts, found = [], []
    for number, name in enumerate(sorted(held)):
        tweets = sorted(held[name])
        times = [at for at, _, _ in tweets]
        onset = next(
            times[i + ONSET_POSTS - 1]
            for i in range(len(times))
            if times[i + ONSET_POSTS - 1] - times[i] <= ONSET_S
        )
        day = FIRST_DAY + number * (DAYS - FIRST_DAY) / len(held)
        placed = START + day * DAY + rng.random() * 12 * HOUR
        for at, tweet, text in tweets:
            if onset - 12 * HOUR <= at <= onset + DAY:
                when = at - onset + placed
                posts.append(Post(f"e{number}_{tweet}", text, "x", when, f"x{tweet}", when))
        found.append(Event(name, number, placed))
    return posts, found


def campaign(at: float, accounts: int, *, reworded: bool, seed: int = 3) -> list[Post]:
    """One text by so many accounts within the hour before ``at``; ``reworded``: three of its words
    changed and one put in by each of them."""
    rng = random.Random(seed)
    text = (
        "Governor Valdemar Quist secretly sold the Norrbridge harbour to foreign investors "
        "while families cannot pay their winter heating bills"
    ).split()
    spare = (
        "really totally shameful outrage again today folks wake people truth hidden media silent "
        "corrupt everyone knows share widely before deleted unbelievable sources confirm proof"
    ).split()
    posts = []
    for n in range(accounts):
        words = list(text)
        if reworded:
            for _ in range(3):
                words[rng.randrange(3, len(words))] = rng.choice(spare)
            words.insert(rng.randrange(len(words)), rng.choice(spare))
        when = at - rng.random() * HOUR
        name = f"campaign_{int(reworded)}_{n}"
        posts.append(Post(name, " ".join(words), "x", when, f"agent{n}", when, lang="en"))
    return posts


class Replay:
    """The stream, taken in as far as ``until`` says."""

    def __init__(self, posts: Sequence[Post]) -> None:
        self._posts = sorted(posts, key=lambda post: post.time)
        self._next = 0
        self.store = MemoryStore()
        self.view = TrendsView(self.store)

    def until(self, time: float) -> None:
        first = self._next
        while self._next < len(self._posts) and self._posts[self._next].time < time:
            self._next += 1
        for start in range(first, self._next, 1000):
            self.put(self._posts[start : min(start + 1000, self._next)])
        self.view.catch_up()

    def put(self, posts: Sequence[Post]) -> None:
        links, bands = origins.link(self.store, posts)
        self.store.write(Batch("stream", posts=tuple(posts), links=links, bands=bands))

    def trends(self, now: float, k: int = 10) -> Trends:
        return rising(self.view, self.store, HOUR, now=now, k=k, unsure=False)


@dataclass
class Alarms:
    """What one method said: by event when it was first right; and what was false, once a day."""

    first: dict[int, float]
    false: dict[str, list[float]]

    def say(self, now: float, term: str, of: int | None) -> None:
        """``of`` is the event that most of its carriers belong to, None: chatter."""
        if of is not None:
            self.first.setdefault(of, now)
        elif not self.false[term] or now - self.false[term][-1] > DAY:
            self.false[term].append(now)

    @property
    def a_day(self) -> float:
        return sum(map(len, self.false.values())) / (DAYS - FIRST_DAY)


def event_of(ids: Sequence[str]) -> int | None:
    """The event of most of these posts, None where most are chatter."""
    counts: dict[int | None, int] = defaultdict(int)
    for one in ids:
        counts[int(one[1:].split("_")[0]) if one.startswith("e") else None] += 1
    return max(counts, key=lambda of: counts[of]) if counts else None


def moments(found: Sequence[Event], every_s: float) -> list[float]:
    """When it is looked: every five minutes in the hours after an onset, ``every_s`` elsewhere."""
    last = START + DAYS * DAY
    grid = {
        START + FIRST_DAY * DAY + n * every_s
        for n in range(int((DAYS - FIRST_DAY) * DAY / every_s))
    }
    for event in found:
        first = event.onset // 300 * 300
        grid |= {first + n * 300 for n in range(int(CLOSE_S / 300) + 1)}
    return sorted(at for at in grid if at < last)


def injected(replay: Replay, now: float, accounts: int, *, reworded: bool) -> dict[str, Any]:
    """The list before and with a campaign, which is deleted again afterwards."""
    before = [one.term for one in replay.trends(now).trends]
    posts = campaign(now, accounts, reworded=reworded)
    replay.put(posts)
    replay.view.catch_up()
    after = replay.trends(now, k=50)
    pushed = explain(replay.view, replay.store, "Norrbridge", HOUR, now=now)
    terms = [one.term for one in after.trends]
    ours = {"valdemar quist", "quist", "valdemar", "norrbridge", "harbour", "heating", "investors"}
    louder = sum(one.posts > pushed.posts for one in after.trends)
    gone = tuple(Deletion("stream", now, post=post.id) for post in posts)
    replay.store.write(Batch("stream", deletions=gone))
    replay.view.catch_up()
    return {
        "unmoved": [term for term in terms if term not in ours][: len(before)] == before
        and not ours & set(terms[: len(before)]),
        "listed": bool(ours & set(terms)),
        "rank_by_posts": louder + 1,
        "posts": pushed.posts,
        "independent": pushed.independent,
        "restored": [one.term for one in replay.trends(now).trends] == before,
    }
