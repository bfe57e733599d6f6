"""A window as it would be had coordinated groups said nothing in it.

A campaign does more than push its own words: its voices would raise what is expected of everything
else, its new words would count among the terms that were looked at and among those that tell how
dispersed terms are. Each of that moves other terms a little, and near-ties change places. So what
is expected, and of how many, is read from the window without them; what a group says itself still
counts as one voice.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from gnomon.trends.history import Window
from gnomon.trends.rows import Group, Row, shares
from gnomon.trends.terms import TOTAL, bases, lang_bits
from gnomon.trends.view import TrendsView
from gnomon.trends.windows import HOUR_S, pane

LARGE = 5
"""Accounts from which on a group is taken out of what others are judged by."""
_LEAST_LEFT = 0.05
_TOTALS = np.uint64(TOTAL << 61)


def large(groups: Iterable[Sequence[Row]]) -> list[Sequence[Row]]:
    """Those of the groups that are of ``LARGE`` accounts and more."""
    return [group for group in groups if len({row.author for row in group}) >= LARGE]


def without(
    view: TrendsView, window: Window, groups: Sequence[Sequence[Row]], lang: str, sampled: float
) -> Window:
    """``window`` as it would be had the authors of ``groups`` not written those posts: its
    exposure and how many terms were heard. Of its ``voices`` each group keeps one. ``sampled`` is
    the share of all posts that was looked at. Raises StoreError."""
    pushed = {row.seq for group in groups for row in group}
    hours: dict[Group, list[Row]] = defaultdict(list)
    for row in view.rows.of_groups(sorted({row.group for group in groups for row in group})):
        hours[row.group].append(row)
    gone: list[np.ndarray] = []
    back: list[np.ndarray] = []
    silent = np.zeros(len(window.exposure))
    for hour, rows in hours.items():
        before = [share for share in shares(rows) if window.since <= share.row.time < window.until]
        left = [row for row in rows if row.seq not in pushed]
        after = [share for share in shares(left) if window.since <= share.row.time < window.until]
        said = [share.row.keys[share.voiced] for share in before]
        still = [share.row.keys[share.voiced] for share in after]
        gone += said
        back += still
        place = np.searchsorted(window.slots, pane(hour[1], HOUR_S))
        silent[place] += _totals(said, lang) - _totals(still, lang)
    heads = [group[0].keys for group in groups]
    fewer = _counts(window.heard, gone, lang) - _counts(window.heard, back, lang)
    fewer = np.round(fewer / sampled).astype(np.int64)
    kept = _counts(window.heard, heads, lang)
    at = np.searchsorted(window.heard, window.base)
    exposure = np.maximum(window.exposure - silent / sampled, _LEAST_LEFT * window.exposure)
    return replace(
        window,
        voices=np.maximum(window.voices - fewer[at] + kept[at], 0),
        exposure=exposure,
        tested=int(np.count_nonzero(window.heard_voices > fewer)),
    )


def _counts(heard: np.ndarray, keys: Sequence[np.ndarray], lang: str) -> np.ndarray:
    """How often each of ``heard`` (sorted bases ``[n]``) is among ``keys``, int64 ``[n]``."""
    found = np.zeros(len(heard), np.int64)
    if not keys or not len(heard):
        return found
    some = _of_lang(np.concatenate(keys), lang)
    base, counts = np.unique(bases(some), return_counts=True)
    place = np.minimum(np.searchsorted(heard, base), len(heard) - 1)
    hit = heard[place] == base
    found[place[hit]] = counts[hit]
    return found


def _totals(keys: Sequence[np.ndarray], lang: str) -> int:
    """How many voices of the stream those keys hold."""
    if not keys:
        return 0
    some = _of_lang(np.concatenate(keys), lang)
    return int(np.count_nonzero(some >= _TOTALS))


def _of_lang(keys: np.ndarray, lang: str) -> np.ndarray:
    return keys[(keys & np.uint64(0xFFFF)) == np.uint64(lang_bits(lang))] if lang else keys
