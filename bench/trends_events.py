"""Delay and false alarms on the stream of ``trends_streams``, beside two usual ways."""

from __future__ import annotations

import math
import statistics
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import trends_streams as streams
from gnomon.trends.terms import extract
from gnomon.types import Post
from trends_streams import DAY, FIRST_DAY, HOUR, START, Alarms, Event, Replay

ELSEWHERE_S = 900.0
FALSE_A_DAY = 2.0
MOST_ALARMS = 20_000  # far more than any threshold with so few false ones lets through


def run(data: Path, accounts: int = 500) -> dict[str, Any]:
    posts, found = streams.events(data)
    posts += streams.chatter(data)
    replay = Replay(posts)
    replay.until(START + FIRST_DAY * DAY)
    ours = Alarms({}, defaultdict(list))
    pushed = []
    after = {event.onset // 300 * 300 + HOUR: event for event in found}
    for now in streams.moments(found, ELSEWHERE_S):
        replay.until(now)
        for one in replay.trends(now).trends:
            ours.say(now, one.term, streams.event_of([c.post for c in one.carriers]))
        if now in after:
            pushed += [
                {"reworded": reworded, **streams.injected(replay, now, accounts, reworded=reworded)}
                for reworded in (False, True)
            ]
    others = _baselines(posts, found)
    return {
        "events": len(found),
        "ours": _figures(ours, found),
        **{name: _figures(alarms, found) for name, alarms in others.items()},
        "campaign": {
            "lists": len(pushed),
            "unmoved": sum(one["unmoved"] for one in pushed),
            "listed": sum(one["listed"] for one in pushed),
            "restored_by_deletion": sum(one["restored"] for one in pushed),
            "rank_by_posts": statistics.median(one["rank_by_posts"] for one in pushed),
            "independent_max": max(one["independent"] for one in pushed),
        },
    }


def _figures(alarms: Alarms, found: Sequence[Event]) -> dict[str, Any]:
    delays = {
        event.name: round((alarms.first[event.number] - event.onset) / 60, 1)
        if event.number in alarms.first
        else None
        for event in found
    }
    known = [math.inf if delay is None else delay for delay in delays.values()]
    return {
        "median_delay_min": round(statistics.median(known), 1),
        "within_15_min": sum(delay <= 15 for delay in known),
        "missed": sum(math.isinf(delay) for delay in known),
        "false_a_day": round(alarms.a_day, 2),
        "delays_min": delays,
    }


def _baselines(posts: Sequence[Post], found: Sequence[Event]) -> dict[str, Alarms]:
    """Counts of posts in the last hour against the mean of the 24 hours before, and Kleinberg's
    two states (base rate of those 24 hours, bursts of three times that) by the weight of being in
    a burst. Their thresholds are set on this very stream to the lowest that gives at most two
    false alarms a day: better than anybody could know."""
    steps: dict[int, Counter[tuple[str, str]]] = defaultdict(Counter)
    carriers: dict[tuple[str, str], list[tuple[float, str]]] = defaultdict(list)
    for post in sorted(posts, key=lambda one: one.time):
        keys = extract(post)
        steps[int(post.time // 300)].update(keys)
        steps[int(post.time // 300)]["", "total"] += 1
        for key in keys:
            carriers[key].append((post.time, post.id))
    scored: dict[str, list[tuple[float, float, tuple[str, str]]]] = {"ratio": [], "kleinberg": []}
    hour: Counter[tuple[str, str]] = Counter()
    day: Counter[tuple[str, str]] = Counter()
    wanted = set(streams.moments(found, ELSEWHERE_S))
    for step in range(int(START // 300), int((START + streams.DAYS * DAY) // 300)):
        hour.update(steps[step - 1])
        hour.subtract(steps[step - 13])
        day.update(steps[step - 13])
        day.subtract(steps[step - 13 - 288])
        now = step * 300.0
        if now not in wanted:
            continue
        hour += Counter()  # without what is zero by now
        d, n = hour["", "total"], max(1, day["", "total"])
        for key, count in hour.items():
            if count >= 3 and key[0]:
                scored["ratio"].append((count / (day[key] / 24 + 1), now, key))
                base = (day[key] + 1) / n
                high = min(0.9, 3 * base)
                weight = count * math.log(high / base) + (d - count) * math.log(
                    (1 - high) / (1 - base)
                )
                scored["kleinberg"].append((weight, now, key))
    return {name: _best(rows, carriers) for name, rows in scored.items()}


def _best(
    rows: Sequence[tuple[float, float, tuple[str, str]]],
    carriers: dict[tuple[str, str], list[tuple[float, str]]],
) -> Alarms:
    """The alarms of the lowest threshold with few enough false ones."""
    ordered = sorted(rows, reverse=True)[:MOST_ALARMS]
    low, high = 0, len(ordered)
    best = Alarms({}, defaultdict(list))
    while low < high:
        middle = (low + high + 1) // 2
        alarms = Alarms({}, defaultdict(list))
        for _, now, key in sorted(ordered[:middle], key=lambda row: row[1]):
            first = bisect_left(carriers[key], (now - HOUR, ""))
            past = bisect_left(carriers[key], (now, ""))
            recent = [one for _, one in carriers[key][first:past]]
            alarms.say(now, key[1], streams.event_of(recent))
        if alarms.a_day <= FALSE_A_DAY:
            low, best = middle, alarms
        else:
            high = middle - 1
        if high - low < 50:
            break
    return best
