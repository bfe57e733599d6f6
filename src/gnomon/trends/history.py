"""What a window holds, and what the weeks before it held, as arrays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gnomon.trends.bursts import Past, new_dispersion
from gnomon.trends.sketches import Tally
from gnomon.trends.terms import KINDS, TOTAL, bases, key_range, lang_bits
from gnomon.trends.view import TrendsView
from gnomon.trends.windows import DAY_S, HOUR_S, KEPT_S, pane, steps, window

_SHIFT = np.uint64(16)
_LANG = np.uint64(0xFFFF)
_TOTAL_BASE = TOTAL << 45
_NEW_HOURS, _NEW_BEFORE_S = 6, DAY_S


@dataclass(frozen=True, slots=True)
class Window:
    """The terms said in a window by enough voices: ``base`` (uint64 ``[n]``, sorted), ``posts`` and
    ``voices`` (int64 ``[n]``). ``heard`` (uint64 ``[m]``, sorted) and ``heard_voices`` are all that
    were said, ``tested`` how many those are. ``slots`` ``[k]`` are the starts of its hours,
    ``exposure`` ``[k]`` all voices in each; ``total_posts`` the posts."""

    since: float
    until: float
    langs: tuple[str, ...]
    base: np.ndarray
    posts: np.ndarray
    voices: np.ndarray
    heard: np.ndarray
    heard_voices: np.ndarray
    tested: int
    slots: np.ndarray
    exposure: np.ndarray
    total_posts: int

    @property
    def seconds(self) -> float:
        return self.until - self.since


def held_window(
    view: TrendsView, window_s: float, now: float, kinds: tuple[str, ...], lang: str, fewest: int
) -> Window:
    """What the view holds of the window that ends at ``now``. Raises InputError, StoreError."""
    panes = window(window_s, now)
    tallies = [(start, view.tally(length, start)) for length, start in panes]
    held = [(start, tally) for start, tally in tallies if tally is not None]
    total = _ranges([_TOTAL_BASE], lang)
    slots: dict[int, int] = {}
    posts = 0
    for start, tally in held:
        hour = pane(start, HOUR_S)
        slots[hour] = slots.get(hour, 0) + int(_sums(tally, total)[0])
        posts += int(_sums(tally, total, posts=True)[0])
    parts = [_part(tally, kinds, lang) for _, tally in held]
    if parts:
        base = np.concatenate([part[0] for part in parts])
        found, where = np.unique(base, return_inverse=True)
        said = np.bincount(where, np.concatenate([part[1] for part in parts]), len(found))
        voices = np.bincount(where, np.concatenate([part[2] for part in parts]), len(found))
    else:
        found = np.zeros(0, np.uint64)
        said = voices = np.zeros(0, np.int64)
    enough, heard = voices >= fewest, voices > 0
    return Window(
        since=panes[0][1],
        until=now,
        langs=(lang,) if lang else (),
        base=found[enough],
        posts=said[enough].astype(np.int64),
        voices=voices[enough].astype(np.int64),
        heard=found[heard],
        heard_voices=voices[heard].astype(np.int64),
        tested=int(np.count_nonzero(heard)),
        slots=np.array(sorted(slots), np.float64),
        exposure=np.array([slots[hour] for hour in sorted(slots)], np.float64),
        total_posts=posts,
    )


def _part(
    tally: Tally, kinds: tuple[str, ...], lang: str
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The bases, posts and voices of a tally's terms of ``kinds``."""
    edges = [np.searchsorted(tally.keys, np.array(ends, np.uint64)) for ends in key_range(kinds)]
    which = np.concatenate([np.arange(first, past) for first, past in edges])
    if lang:
        which = which[(tally.keys[which] & _LANG) == np.uint64(lang_bits(lang))]
    return bases(tally.keys[which]), tally.posts[which], tally.voices[which]


def _ranges(base: list[int] | np.ndarray, lang: str) -> tuple[np.ndarray, np.ndarray]:
    """The keys of each base in a language, or in all: ``[first, past the last)``."""
    first = np.asarray(base, np.uint64) << _SHIFT
    if lang:
        first = first | np.uint64(lang_bits(lang))
        return first, first + np.uint64(1)
    return first, first + np.uint64(1 << 16)


def _sums(
    tally: Tally, ranges: tuple[np.ndarray, np.ndarray], *, posts: bool = False
) -> np.ndarray:
    counts = tally.posts if posts else tally.voices
    total = np.concatenate([[0], np.cumsum(counts, dtype=np.int64)])
    low, high = (np.searchsorted(tally.keys, ends) for ends in ranges)
    found: np.ndarray = total[high] - total[low]
    return found


def past_of(view: TrendsView, base: np.ndarray, lang: str, before: float) -> Past:
    """The counts of terms in each hour of the weeks before, as far as anything is held."""
    until = pane(before, HOUR_S)
    return _past(view, base, lang, view.hours(before - KEPT_S, until))


def recent_past_of(view: TrendsView, base: np.ndarray, lang: str, before: float) -> Past:
    """The same of the two days before, and of the same hours of the weeks before that."""
    until = pane(before, HOUR_S)
    hours = view.hours(before - KEPT_S, until)
    week = 7 * DAY_S
    chosen = [h for h in hours if until - h <= 2 * DAY_S or (until - h) % week <= 2 * HOUR_S]
    return _past(view, base, lang, chosen)


def _past(view: TrendsView, base: np.ndarray, lang: str, hours: list[int]) -> Past:
    counts = np.zeros((len(base), len(hours)))
    exposure = np.zeros(len(hours))
    ranges, total = _ranges(base, lang), _ranges([_TOTAL_BASE], lang)
    for column, hour in enumerate(hours):
        tally = view.tally(HOUR_S, hour)
        if tally is not None:
            counts[:, column] = _sums(tally, ranges)
            exposure[column] = _sums(tally, total)[0]
    said = exposure > 0
    return Past(np.array(hours, np.float64)[said], exposure[said], counts[:, said])


def sparks(
    view: TrendsView, base: np.ndarray, lang: str, length: float, edges: list[float]
) -> np.ndarray:
    """The voices of terms in each bin, ``[terms, bins]``."""
    found = np.zeros((len(base), len(edges) - 1), np.int64)
    ranges = _ranges(base, lang)
    step = HOUR_S if length >= HOUR_S and edges[-1] % HOUR_S == 0 else 300.0
    for column in range(len(edges) - 1):
        for size, start in steps(step, int(edges[column]), edges[column + 1]):
            tally = view.tally(size, start)
            if tally is not None:
                found[:, column] += _sums(tally, ranges)
    return found


def usual_dispersion(view: TrendsView, kinds: tuple[str, ...], lang: str, before: float) -> float:
    """Of terms that were new in one of the hours before: variance by mean of their counts."""
    until = pane(before, HOUR_S)
    hours = view.hours(until - _NEW_HOURS * HOUR_S - _NEW_BEFORE_S, until)
    earlier: list[np.ndarray] = []
    new: list[np.ndarray] = []
    for hour in hours:
        tally = view.tally(HOUR_S, hour)
        if tally is None:
            continue
        base, _, voices = _part(tally, kinds, lang)
        if until - hour <= _NEW_HOURS * HOUR_S and earlier:
            known = np.isin(base, np.concatenate(earlier))
            new.append(voices[~known & (voices > 0)])
        earlier.append(base)
    return new_dispersion(np.concatenate(new)) if new else new_dispersion(np.zeros(0))


def kind_of(base: int) -> str:
    return KINDS[int(base) >> 45]
