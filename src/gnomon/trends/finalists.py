"""Which terms of a window rise: significant against their own past, after the discount."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gnomon.trends import bursts, coordination, history
from gnomon.trends.bursts import Expectation, Prior
from gnomon.trends.history import Window
from gnomon.trends.rows import Row
from gnomon.trends.terms import lang_bits
from gnomon.trends.view import TrendsView
from gnomon.trends.windows import DAY_S
from gnomon.types import Discount

FEWEST = 3
"""Voices below which nothing is a trend."""
FALSE_SHARE = 0.05
"""The share of trends shown that may be there by chance (Benjamini and Hochberg's q)."""
MOST_TESTED = 1_500
"""Terms whose whole past is looked at: those that stand out most against the last two days."""
MOST_ROWS = 50_000
"""Posts of the window that are looked at one by one, for who carries what."""
_SAME = 0.5
_INSIDE = 0.8
_ELSEWHERE = 30
_USUAL = 5_000  # posts of the day before, by which the usual age of accounts is known


@dataclass(slots=True)
class Finalist:
    """A term on its way into the list. ``place`` is its row in the window's arrays; ``carriers``
    are its posts among those looked at, ``scale`` how many of all each of them stands for."""

    place: int
    base: int
    carriers: list[Row]
    log_p: float
    discount: Discount
    groups: list[list[Row]]
    voices: float = 0.0
    mean: float = 0.0
    q: float = 1.0
    scale: float = 1.0

    @property
    def authors(self) -> set[int]:
        return {row.author for row in self.carriers}


def finalists(
    view: TrendsView,
    window: Window,
    kinds: tuple[str, ...],
    lang: str,
    most: int,
    *,
    fewest: int = FEWEST,
) -> list[Finalist]:
    """The ``most`` terms that look most surprising, as they are after the discount: those with
    ``fewest`` voices left, the most surprising first."""
    places = _standing_out(view, window, lang)
    if not len(places):
        return []
    expected = _expect(view, window, places, kinds, lang)
    log_p = [
        bursts.log_p(float(window.voices[place]), float(mean), float(variance))
        for place, mean, variance in zip(places, expected.mean, expected.variance, strict=True)
    ]
    order = np.argsort(log_p, kind="stable").tolist()[:most]
    rows, sampled = view.rows.between(window.since, window.until, MOST_ROWS)
    carried = _carriers(rows, [int(window.base[places[i]]) for i in order], lang)
    usual, _ = view.rows.between(window.since - DAY_S, window.since, _USUAL)
    young = coordination.young_share(usual)
    found = []
    for i in order:
        base = int(window.base[places[i]])
        carriers = carried.get(base)
        if not carriers:
            continue
        discount, groups = coordination.weigh(
            carriers, _keys_of_base(carriers, base), young, _elsewhere(view, window)
        )
        found.append(Finalist(int(places[i]), base, carriers, log_p[i], discount, groups))
    _discounted(found, window, places, expected, sampled)
    kept = [one for one in found if one.voices >= fewest]
    return sorted(kept, key=lambda one: (one.log_p, one.base))


def _standing_out(view: TrendsView, window: Window, lang: str) -> np.ndarray:
    """The places of the terms that stand out most by a first, cheap look."""
    if len(window.base) <= MOST_TESTED:
        return np.arange(len(window.base))
    past = history.recent_past_of(view, window.base, lang, window.since)
    rate = (0.5 + past.counts.sum(axis=1)) / (1.0 + past.exposure.sum())
    mean = rate * window.exposure.sum()
    excess = (window.voices - mean) / np.sqrt(mean + 1.0)
    return np.sort(np.argsort(-excess, kind="stable")[:MOST_TESTED])


def _expect(
    view: TrendsView, window: Window, places: np.ndarray, kinds: tuple[str, ...], lang: str
) -> Expectation:
    past = history.past_of(view, window.base[places], lang, window.since)
    prior = Prior(dispersion=history.usual_dispersion(view, kinds, lang, window.since))
    return bursts.expect(past, prior, window.slots, window.exposure, window.since, window.seconds)


def _carriers(rows: Sequence[Row], wanted: list[int], lang: str) -> dict[int, list[Row]]:
    """For each base: the rows that carry it and are counted, in order of time."""
    counted = [row for row in rows if row.counted]
    if not counted or not wanted:
        return {}
    keys = np.concatenate([row.keys for row in counted])
    owner = np.repeat(np.arange(len(counted)), [len(row.keys) for row in counted])
    if lang:
        inside = (keys & np.uint64(0xFFFF)) == np.uint64(lang_bits(lang))
        keys, owner = keys[inside], owner[inside]
    keys >>= np.uint64(16)
    bases = np.array(sorted(wanted), np.uint64)
    place = np.minimum(np.searchsorted(bases, keys), len(bases) - 1)
    hit = bases[place] == keys
    found: dict[int, list[Row]] = defaultdict(list)
    for base, i in zip(bases[place[hit]].tolist(), owner[hit].tolist(), strict=True):
        found[base].append(counted[i])
    return found


def _keys_of_base(carriers: Sequence[Row], base: int) -> set[int]:
    return {key for row in carriers[:50] for key in row.keys.tolist() if key >> 16 == base}


def _elsewhere(view: TrendsView, window: Window) -> coordination.Elsewhere:
    def of(author: int) -> Sequence[Row]:
        return view.rows.of_author(author, window.until - DAY_S, window.until, _ELSEWHERE)

    return of


def _discounted(
    found: list[Finalist], window: Window, places: np.ndarray, expected: Expectation,
    sampled: float,
) -> None:  # fmt: skip
    """Set what each counts for, and how surprising that is. Voices that count as one are no voices
    of the stream either: they would lower what is expected of everything else."""
    excess = {
        row.seq for one in found for group in one.groups if len(group) >= 5 for row in group[1:]
    }
    total = max(1.0, float(window.exposure.sum()))
    less = max(0.05, 1.0 - len(excess) / sampled / total)
    index = {int(place): i for i, place in enumerate(places)}
    for one in found:
        i = index[one.place]
        kept = 1.0 - one.discount.share
        one.voices = float(window.voices[one.place]) * kept
        mean, variance = float(expected.mean[i]) * less, float(expected.variance[i]) * less
        one.log_p = bursts.log_p(one.voices, mean, variance)
        one.mean, one.scale = mean, 1.0 / sampled
    shares = bursts.false_shares([one.log_p for one in found], max(window.tested, len(found), 1))
    for one, q in zip(found, shares, strict=True):
        one.q = q


def folded(found: Sequence[Finalist]) -> list[tuple[Finalist, list[Finalist]]]:
    """Terms that the same people carry are one trend, under the most surprising of them."""
    kept: list[tuple[Finalist, set[int], list[Finalist]]] = []
    for one in found:
        authors = one.authors
        for _, others, also in kept:
            shared = len(authors & others)
            if shared >= _SAME * len(authors | others) or shared >= _INSIDE * len(authors):
                also.append(one)
                break
        else:
            kept.append((one, authors, []))
    return [(one, also) for one, _, also in kept]
