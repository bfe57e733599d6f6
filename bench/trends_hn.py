"""Which stories of Hacker News will rise, said when each is first seen on the front page.

Protocol. A story is judged in the first hourly snapshot that holds it, by what is in that and in
earlier snapshots only. It is a hit if within six hours it has 300 points or stands among the first
three; a story that has or does so already is left out. Each day (UTC) the ten stories of the day
with the highest scores are taken. What is fitted is fitted on January to June; July to December are
scored once. An outcome counts as known, for "own past", six hours after it was asked for.

How old a story is, is told by its number: item numbers grow with time, at the rate of the last 24
hours. Methods:

- ``last_hour``: points that came in since the snapshot before (all of them: it was not there)
  against the mean of what new stories brought in the 24 hours before.
- ``kleinberg``: the weight of a burst of three times the base rate, of its points among all points
  of the page (https://doi.org/10.1145/775047.775061).
- ``place``: where the page itself has put it. No statistics at all, and hard to beat.
- ``ours``: votes and comments by age and hour, and the own past of its site, author and words
  (each a rate of hits shrunk to the mean by gamma-Poisson counts), joined by logistic regression.
- ``ours_with_place``: the same, knowing where the page has put it.
"""

from __future__ import annotations

import math
from collections import defaultdict, deque
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np

from gnomon.text.tokens import tokens
from trends_streams import DAY, HOUR, lines

WITHIN_S = 6 * HOUR
POINTS, PLACE, TOP = 300, 3, 10
_USUAL_RATE = 490.0  # items an hour, where the clock of item numbers has nothing to go by
_BOOTSTRAPS = 2_000


@dataclass(frozen=True)
class Seen:
    """A story at first sight; ``lead_s`` is None where it did not rise."""

    at: float
    place: int
    points: int
    comments: int
    age_h: float
    page_points: int
    title: str
    site: str
    author: str
    lead_s: float | None


def stories(data: Path) -> list[Seen]:
    """All stories that can be judged, in the order in which they were first seen."""
    snapshots = sorted(
        (datetime.fromisoformat(row["at"]).timestamp(), row["front_page"])
        for row in lines(data / "social/hn_frontpage_hourly_2021.jsonl.gz")
    )
    seen: dict[str, list[tuple[float, int, dict[str, Any]]]] = {}
    clock: list[tuple[float, int]] = []
    pages: dict[float, int] = {}
    for at, page in snapshots:
        rows = [(n, row) for n, row in enumerate(page, 1) if "link" in row and "upvotes" in row]
        newest = max([clock[-1][1] if clock else 0, *(_number(row) for _, row in rows)])
        clock.append((at, newest))
        pages[at] = sum(row["upvotes"] or 0 for _, row in rows)
        for place, row in rows:
            seen.setdefault(row["link"], []).append((at, place, row))
    times = np.array([at for at, _ in clock])
    numbers = np.array([number for _, number in clock], float)
    found = []
    for history in seen.values():
        at, place, row = history[0]
        if at == clock[0][0] or row["upvotes"] >= POINTS or place <= PLACE:
            continue
        found.append(_seen(history, _age(row, at, times, numbers), pages[at]))
    return sorted(found, key=lambda one: (one.at, one.place))


def _number(row: dict[str, Any]) -> int:
    return int(row["link"].rpartition("=")[2] or 0)


def _age(row: dict[str, Any], at: float, times: np.ndarray, numbers: np.ndarray) -> float:
    now, before = np.searchsorted(times, at), np.searchsorted(times, at - DAY)
    rate = _USUAL_RATE
    if now > before:
        rate = (numbers[now] - numbers[before]) / ((times[now] - times[before]) / HOUR)
    if not 200 < rate < 1000:
        rate = _USUAL_RATE
    return float(max(0.1, (numbers[now] - _number(row)) / rate + 0.5))


def _seen(
    history: Sequence[tuple[float, int, dict[str, Any]]], age_h: float, page_points: int
) -> Seen:
    at, place, row = history[0]
    lead = next(
        (
            later - at
            for later, stands, then in history[1:]
            if later - at <= WITHIN_S and (then["upvotes"] >= POINTS or stands <= PLACE)
        ),
        None,
    )
    return Seen(
        at, place, row["upvotes"], row.get("comments") or 0, age_h, page_points,
        row.get("title") or "", urlsplit(row.get("url") or "").hostname or "",
        row.get("author") or "", lead,
    )  # fmt: skip


# --------------------------------------------------------------------------- scores


def scores(seen: Sequence[Seen], fit: np.ndarray) -> dict[str, np.ndarray]:
    """Of each method a score for each story; ``fit`` says on which the regressions are fitted."""
    hit = np.array([one.lead_s is not None for one in seen], float)
    points = np.array([one.points for one in seen], float)
    place = np.array([one.place for one in seen], float)
    features = _features(seen)
    with_place = np.column_stack([features, np.log(place)])
    return {
        "last_hour": points / (_usual(seen) + 1),
        "kleinberg": _kleinberg(seen),
        "place": -place,
        "ours": features @ _logistic(features[fit], hit[fit]),
        "ours_with_place": with_place @ _logistic(with_place[fit], hit[fit]),
    }


def _usual(seen: Sequence[Seen]) -> np.ndarray:
    """The mean of the points that a new story brought in the 24 hours before."""
    recent: deque[Seen] = deque()
    total, found = 0, np.zeros(len(seen))
    for n, one in enumerate(seen):
        while recent and recent[0].at < one.at - DAY:
            total -= recent.popleft().points
        found[n] = total / max(1, len(recent))
        recent.append(one)
        total += one.points
    return found


def _kleinberg(seen: Sequence[Seen]) -> np.ndarray:
    found = np.zeros(len(seen))
    for n, one in enumerate(seen):
        base = 1 / 30
        high = 3 * base
        rest = max(0, one.page_points - one.points)
        found[n] = one.points * math.log(high / base) + rest * math.log((1 - high) / (1 - base))
    return found


def _features(seen: Sequence[Seen]) -> np.ndarray:
    points = np.array([one.points for one in seen], float)
    comments = np.array([one.comments for one in seen], float)
    age = np.array([one.age_h for one in seen])
    hour = np.array([one.at / HOUR % 24 for one in seen]) * math.pi / 12
    return np.column_stack(
        [
            np.ones(len(seen)), np.log1p(points), np.log(age), np.log1p(comments),
            np.sin(hour), np.cos(hour),
            _own_past(seen, [[one.site] for one in seen], 5.0),
            _own_past(seen, [[one.author] for one in seen], 5.0),
            _own_past(seen, [sorted(set(tokens(one.title))) for one in seen], 20.0),
        ]
    )  # fmt: skip


def _own_past(
    seen: Sequence[Seen], keys: Sequence[Sequence[Hashable]], shrink: float
) -> np.ndarray:
    """Log of the rate of hits of each story's keys by the usual rate, summed."""
    asked: dict[Hashable, float] = defaultdict(float)
    hits: dict[Hashable, float] = defaultdict(float)
    all_asked, all_hits = 100.0, 10.0
    open_: deque[int] = deque()
    found = np.zeros(len(seen))
    for n, one in enumerate(seen):
        while open_ and seen[open_[0]].at < one.at - WITHIN_S:
            known = open_.popleft()
            hit = seen[known].lead_s is not None
            all_asked, all_hits = all_asked + 1, all_hits + hit
            for key in keys[known]:
                asked[key] += 1
                hits[key] += hit
        usual = all_hits / all_asked
        found[n] = sum(
            math.log((hits[key] + shrink * usual) / (asked[key] + shrink) / usual)
            for key in keys[n]
        )
        open_.append(n)
    return found


def _logistic(features: np.ndarray, hit: np.ndarray) -> np.ndarray:
    weights = np.zeros(features.shape[1])
    for _ in range(30):  # Newton's method
        p = 1 / (1 + np.exp(-features @ weights))
        curve = (features * (p * (1 - p))[:, None]).T @ features + np.eye(len(weights))
        weights += np.linalg.solve(curve, features.T @ (hit - p))
    return weights


# --------------------------------------------------------------------------- figures


def figures(seen: Sequence[Seen], score: np.ndarray, which: np.ndarray, seed: int = 0) -> Any:
    """Precision and recall of each day's ten, and the median lead of the hits among them, each with
    a 95 % interval by a bootstrap over days."""
    days: dict[int, list[int]] = defaultdict(list)
    for n in np.nonzero(which)[0].tolist():
        days[int(seen[n].at // DAY)].append(n)
    rows = []
    leads = []
    for members in days.values():
        best = sorted(members, key=lambda n: (-score[n], n))[:TOP]
        risen = [seen[n].lead_s for n in best if seen[n].lead_s is not None]
        rows.append((len(risen), len(best), sum(seen[n].lead_s is not None for n in members)))
        leads.append([lead / 60 for lead in risen if lead is not None])
    table = np.array(rows, float)
    rng = np.random.default_rng(seed)
    draws = rng.integers(0, len(table), (_BOOTSTRAPS, len(table)))
    drawn, whole = table[draws].sum(axis=1), table.sum(axis=0)
    return {
        "precision_at_10": _interval(whole[0] / whole[1], drawn[:, 0] / drawn[:, 1]),
        "recall": _interval(whole[0] / whole[2], drawn[:, 0] / drawn[:, 2]),
        "median_lead_min": round(float(np.median([lead for day in leads for lead in day])), 0),
        "by_day": (table[:, 0] / table[:, 1]).tolist(),
    }  # fmt: skip


def _interval(value: float, draws: np.ndarray) -> list[float]:
    low, high = np.percentile(draws, [2.5, 97.5])
    return [round(float(one), 3) for one in (value, low, high)]


def run(data: Path) -> dict[str, Any]:
    seen = stories(data)
    july = datetime.fromisoformat("2021-07-01T00:00:00Z").timestamp()
    fit = np.array([one.at < july for one in seen])
    found = scores(seen, fit)
    table = {name: figures(seen, score, ~fit) for name, score in found.items()}
    base = np.array(table["last_hour"]["by_day"])
    rng = np.random.default_rng(1)
    draws = rng.integers(0, len(base), (_BOOTSTRAPS, len(base)))
    for row in table.values():
        mine = np.array(row.pop("by_day"))
        ratios = mine[draws].sum(axis=1) / base[draws].sum(axis=1)
        row["times_last_hour"] = _interval(mine.sum() / base.sum(), ratios)
    return {
        "stories": int((~fit).sum()),
        "hits": sum(one.lead_s is not None for one in seen if one.at >= july),
        "methods": table,
    }
