"""Which terms of a window rise: significant against their own past, after the discount."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from gnomon.trends import bursts, coordination, history, pushed
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
_ROUNDS = 3
_PLACES = 6
"""Decimal places to which terms are ordered: sums of products come out a little otherwise with
other terms beside them, and what is equal must keep its order."""
_USUAL = 5_000  # posts of the day before, by which the usual age of accounts is known


@dataclass(slots=True)
class Finalist:
    """A term on its way into the list. ``place`` is its row in the window's arrays; ``carriers``
    are its posts among those looked at, ``scale`` how many of all each of them stands for; ``own``
    are the authors of those of no large group (all of them where there is no such)."""

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
    own: set[int] = field(default_factory=set)

    @property
    def authors(self) -> set[int]:
        return {row.author for row in self.carriers}


Weighed = dict[int, tuple[list[Row], Discount, list[list[Row]]]]


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
    ``fewest`` voices left, the most surprising first.

    Where coordinated groups are found, all is looked at again as if they had said nothing
    (``pushed.without``), so that they move nothing but their own terms."""
    rows, sampled = view.rows.between(window.since, window.until, MOST_ROWS)
    usual, _ = view.rows.between(window.since - DAY_S, window.since, _USUAL)
    look = _Look(view, window, kinds, lang, rows, sampled, coordination.young_share(usual))
    left, taken = window, set[int]()
    found = look.at(left, most, fewest)
    for _ in range(_ROUNDS):
        groups = pushed.large(group for one in found for group in one.groups)
        seqs = {row.seq for group in groups for row in group}
        if seqs <= taken:
            break
        taken |= seqs
        left = pushed.without(view, window, _apart(look, taken), lang, sampled)
        found = look.at(left, most, fewest)
    kept = [one for one in found if one.voices >= fewest]
    for one in kept:
        one.own = {row.author for row in one.carriers if row.seq not in taken} or one.authors
    return sorted(kept, key=lambda one: (round(one.log_p, _PLACES), one.base))


def _apart(look: _Look, taken: set[int]) -> list[list[Row]]:
    """The groups of all terms looked at so far, as groups of which none shares a post with
    another."""
    groups = [
        group for _, _, some in look.weighed.values() for group in pushed.large(some)
        if group[0].seq in taken
    ]  # fmt: skip
    return coordination.joined(groups)


@dataclass(slots=True)
class _Look:
    """A window that is looked at more than once: its posts, and the discounts found."""

    view: TrendsView
    window: Window
    kinds: tuple[str, ...]
    lang: str
    rows: Sequence[Row]
    sampled: float
    young: float
    weighed: Weighed = field(default_factory=dict)

    def at(self, left: Window, most: int, fewest: int) -> list[Finalist]:
        """The finalists, judged by ``left``: the window, or the window without some groups."""
        places = _standing_out(self.view, left, self.lang, fewest)
        if not len(places):
            return []
        expected = _expect(self.view, left, places, self.kinds, self.lang)
        log_p = [
            bursts.log_p(float(left.voices[place]), float(mean), float(variance))
            for place, mean, variance in zip(places, expected.mean, expected.variance, strict=True)
        ]
        order = np.argsort(np.round(log_p, _PLACES), kind="stable").tolist()[:most]
        self._weigh([int(left.base[places[i]]) for i in order])
        found = self._judged(left, places[order], expected.mean[order], expected.variance[order])
        _share(found, left.tested)
        return found + self._beside(left, {one.base for one in found}, left.tested, found)

    def _beside(
        self, left: Window, known: set[int], tested: int, found: list[Finalist]
    ) -> list[Finalist]:
        """What groups said and enough others, too, but not enough to be looked at without them:
        judged apart, so that nothing else is judged by it."""
        bases = [
            base for base, (_, discount, _) in sorted(self.weighed.items())
            if base not in known and discount.independent >= FEWEST
        ]  # fmt: skip
        if not bases:
            return []
        places = np.searchsorted(left.base, np.array(bases, np.uint64))
        expected = _expect(self.view, left, places, self.kinds, self.lang)
        beside = self._judged(left, places, expected.mean, expected.variance)
        both = [*(replace(one) for one in found), *beside]
        _share(both, tested)
        return beside

    def _judged(
        self, left: Window, places: np.ndarray, mean: np.ndarray, variance: np.ndarray
    ) -> list[Finalist]:
        """Those of ``places`` that somebody carries: what each counts for, how surprising it is."""
        judged = []
        for place, expected, spread in zip(
            places.tolist(), mean.tolist(), variance.tolist(), strict=True
        ):
            base = int(left.base[place])
            if base in self.weighed:
                carriers, discount, groups = self.weighed[base]
                voices = float(self.window.voices[place]) * (1.0 - discount.share)
                log_p = bursts.log_p(voices, expected, spread)
                scale = 1.0 / self.sampled
                judged.append(
                    Finalist(place, base, carriers, log_p, discount, groups, voices, expected,
                             scale=scale)
                )  # fmt: skip
        return judged

    def _weigh(self, wanted: Sequence[int]) -> None:
        carried = _carriers(self.rows, [b for b in wanted if b not in self.weighed], self.lang)
        elsewhere = _elsewhere(self.view, self.window)
        for base, carriers in carried.items():
            own = _keys_of_base(carriers, base)
            found = coordination.weigh(carriers, own, self.young, elsewhere)
            self.weighed[base] = carriers, *found


def _share(found: Sequence[Finalist], tested: int) -> None:
    """Set the share of false ones among those that are shown down to each."""
    q = bursts.false_shares([one.log_p for one in found], max(tested, len(found), 1))
    for one, share in zip(found, q, strict=True):
        one.q = share


def _standing_out(view: TrendsView, window: Window, lang: str, fewest: int) -> np.ndarray:
    """The places of the terms with ``fewest`` voices that stand out most by a first, cheap look."""
    places = np.flatnonzero(window.voices >= fewest)
    if len(places) <= MOST_TESTED:
        return places
    past = history.recent_past_of(view, window.base[places], lang, window.since)
    rate = (0.5 + past.counts.sum(axis=1)) / (1.0 + past.exposure.sum())
    mean = rate * window.exposure.sum()
    excess = (window.voices[places] - mean) / np.sqrt(mean + 1.0)
    return places[np.sort(np.argsort(-np.round(excess, _PLACES), kind="stable")[:MOST_TESTED])]


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


def folded(found: Sequence[Finalist]) -> list[tuple[Finalist, list[Finalist]]]:
    """Terms that the same people carry are one trend, under the most surprising of them. Who pushes
    both makes them none."""
    kept: list[tuple[Finalist, set[int], list[Finalist]]] = []
    for one in found:
        authors = one.own
        for _, others, also in kept:
            shared = len(authors & others)
            if shared >= _SAME * len(authors | others) or shared >= _INSIDE * len(authors):
                also.append(one)
                break
        else:
            kept.append((one, authors, []))
    return [(one, also) for one, _, also in kept]
