"""How many voices are one voice.

People who talk about one event use words of their own, at times of their own. What is looked for
is what they do not do:

- *like wording*: two posts share ``ALIKE`` of their terms (Jaccard), or ``ALIKE_AT_ONCE`` of them
  within ``AT_ONCE_S``. Copies are one origin already; this finds the campaign that rewords itself.
  Groups are connected components, as in Pacheco et al. 2021
  (https://doi.org/10.1609/icwsm.v15i1.18075), where such a network finds influence operations.
- *together*: accounts that elsewhere carried ``SHARED_THINGS`` of the same origins or links within
  ``TOGETHER_S`` of each other, as in Giglietto et al. 2020
  (https://doi.org/10.1080/1369118X.2020.1739732), and form groups of four or more in which at least
  half of all pairs did so (a quasi-clique).
- *young*: more accounts younger than ``YOUNG_S`` than the stream has, by a binomial tail below
  ``SURE``; what is above the expected number does not count.

Each group counts as one voice. These are signs and no proof, so nothing is hidden: posts, authors
and the discount stand beside each other.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Sequence
from itertools import combinations
from typing import TypeVar

import numpy as np

from gnomon.trends.rows import Row
from gnomon.types import Discount

ALIKE, FEWEST_SHARED = 0.5, 4
ALIKE_AT_ONCE, FEWEST_AT_ONCE, AT_ONCE_S = 0.35, 3, 60.0
SHARED_THINGS, TOGETHER_S = 3, 600.0
YOUNG_S = 30 * 86400.0
SURE = 1e-3
MOST = 400
"""Posts that are compared; of more, as many evenly spaced in time, and the share found holds."""
_SMALLEST_CLIQUE, _DENSE = 4, 0.5
ACCOUNTS = 120
"""Accounts of which is looked at what they carried elsewhere."""
_THINGS = 40

T = TypeVar("T")
Elsewhere = Callable[[int], Sequence[Row]]
"""What an author (hashed) posted of late."""


def weigh(
    carriers: Sequence[Row],
    trend: set[int],
    young_share: float,
    elsewhere: Elsewhere | None,
    of: int = 0,
) -> tuple[Discount, list[list[Row]]]:
    """The discount of a trend carried by the posts ``carriers`` (in order of time, one for each
    author and hour), whose keys it has in ``trend``; and the groups that count as one voice each,
    the largest first, looked at ``MOST`` of them.

    ``young_share`` is the share of young accounts in the stream, where their age is known; ``of``
    is how many posts there are where ``carriers`` are an even sample of more."""
    some = spread(carriers, MOST)
    words = [frozenset(row.keys[1:].tolist()) - trend for row in some]
    alike = _Groups(len(some))
    for i, j in _alike(some, words):
        alike.join(i, j)
    _same_author(some, alike)
    reworded = alike.sizes()
    like_worded = sum(size for size in reworded if size > 1 and len(reworded) < len(some))
    people = len({row.author for row in some})
    together = 0
    if elsewhere is not None and len(reworded) >= _SMALLEST_CLIQUE:
        for clique in _cliques(some, trend, elsewhere):
            together += len(clique)
            for i in clique[1:]:
                alike.join(clique[0], i)
    groups = alike.members()
    found = [[some[i] for i in group] for group in groups]
    young, expected, excess = _young([group[0] for group in found], young_share)
    scale = max(of, len(carriers)) / len(some) if some else 1.0
    # Of more carriers than were compared, the groups grow no further; the single ones do.
    single = sum(len(group) == 1 for group in groups)
    independent = (single * scale + (len(groups) - single)) - excess * scale
    voices = round(people * scale)
    independent = max(1.0, min(independent, float(voices)))
    copied = max(0, round((like_worded - _own_repeats(found)) * scale))
    discount = _discount(
        voices, independent, copied, round(together * scale), young, expected, excess > 0
    )
    return discount, found


def joined(groups: Sequence[Sequence[Row]]) -> list[list[Row]]:
    """The same groups, those that share a post made one; each in the order of time."""
    rows = {row.seq: row for group in groups for row in group}
    place = {seq: i for i, seq in enumerate(sorted(rows, key=lambda s: (rows[s].time, s)))}
    whole = _Groups(len(place))
    for group in groups:
        for row in group[1:]:
            whole.join(place[group[0].seq], place[row.seq])
    ordered = [rows[seq] for seq in place]
    return [[ordered[i] for i in members] for members in whole.members()]


def _own_repeats(groups: Sequence[Sequence[Row]]) -> int:
    """Posts in groups that are all one author's: repetition, not likeness to another."""
    return sum(
        len(group) for group in groups if len(group) > 1 and len({r.author for r in group}) == 1
    )


def _discount(
    voices: int, independent: float, alike: int, together: int, young: int, expected: float,
    too_young: bool,
) -> Discount:  # fmt: skip
    share = 1.0 - independent / voices if voices else 0.0
    signs = []
    if alike:
        signs.append(f"{alike} say it in nearly the same words as another")
    if together:
        signs.append(f"{together} belong to accounts that keep posting the same things together")
    if too_young:
        signs.append(
            f"{young} have accounts younger than 30 days, where about {expected:.0f} would"
        )
    if not signs:
        reason = f"All {voices} say it in words of their own." if voices > 1 else "One voice."
    else:
        reason = f"{voices} voices count as {independent:.0f}: {'; '.join(signs)}."
    return Discount(
        voices, round(independent, 1), alike, together, young, round(expected, 1),
        round(max(share, 0.0), 4), reason,
    )  # fmt: skip


def spread(rows: Sequence[T], most: int) -> list[T]:
    """Of more than ``most``, as many evenly spaced."""
    if len(rows) <= most:
        return list(rows)
    return [rows[i * len(rows) // most] for i in range(most)]


class _Groups:
    """Union-find over ``n`` things."""

    def __init__(self, n: int) -> None:
        self._up = list(range(n))

    def root(self, i: int) -> int:
        while self._up[i] != i:
            self._up[i] = self._up[self._up[i]]
            i = self._up[i]
        return i

    def join(self, i: int, j: int) -> None:
        a, b = self.root(i), self.root(j)
        self._up[max(a, b)] = min(a, b)

    def members(self) -> list[list[int]]:
        """The largest first, then the earliest; members in order."""
        found: dict[int, list[int]] = defaultdict(list)
        for i in range(len(self._up)):
            found[self.root(i)].append(i)
        return sorted(found.values(), key=lambda group: (-len(group), group[0]))

    def sizes(self) -> list[int]:
        return [len(group) for group in self.members()]


def _same_author(rows: Sequence[Row], groups: _Groups) -> None:
    first: dict[int, int] = {}
    for i, row in enumerate(rows):
        groups.join(first.setdefault(row.author, i), i)


def _alike(rows: Sequence[Row], words: Sequence[frozenset[int]]) -> list[tuple[int, int]]:
    """Pairs that share too many of their terms to have been worded apart."""
    vocabulary = {key: n for n, key in enumerate(sorted(set().union(*words)))} if words else {}
    if not vocabulary:
        return []
    holds = np.zeros((len(rows), len(vocabulary)), np.float32)
    for i, keys in enumerate(words):
        holds[i, [vocabulary[key] for key in keys]] = 1.0
    shared = holds @ holds.T
    size = np.array([len(keys) for keys in words], np.float32)
    jaccard = shared / np.maximum(size[:, None] + size[None, :] - shared, 1.0)
    times = np.array([row.time for row in rows])
    at_once = np.abs(times[:, None] - times[None, :]) <= AT_ONCE_S
    alike = (jaccard >= ALIKE) & (shared >= FEWEST_SHARED)
    alike |= at_once & (jaccard >= ALIKE_AT_ONCE) & (shared >= FEWEST_AT_ONCE)
    first, second = np.nonzero(np.triu(alike, 1))
    return list(zip(first.tolist(), second.tolist(), strict=True))


def _cliques(rows: Sequence[Row], trend: set[int], elsewhere: Elsewhere) -> list[list[int]]:
    """Groups of rows (by number) whose authors keep posting the same things at the same time."""
    first: dict[int, int] = {}
    for i, row in enumerate(rows):
        first.setdefault(row.author, i)
    seen: dict[int, list[tuple[float, int]]] = defaultdict(list)
    for author in list(first)[:ACCOUNTS]:
        for row in elsewhere(author):
            if not trend & set(row.keys.tolist()):
                seen[row.origin].append((row.time, author))
    met: dict[tuple[int, int], int] = defaultdict(int)
    for uses in seen.values():
        if 2 <= len(uses) <= _THINGS:
            for (t, a), (u, b) in combinations(uses, 2):
                if a != b and abs(t - u) <= TOGETHER_S:
                    met[min(a, b), max(a, b)] += 1
    pairs = [pair for pair, times in met.items() if times >= SHARED_THINGS]
    places = {author: n for n, author in enumerate(sorted({a for pair in pairs for a in pair}))}
    groups = _Groups(len(places))
    for a, b in pairs:
        groups.join(places[a], places[b])
    authors = list(places)
    cliques = []
    for members in groups.members():
        inside = {authors[n] for n in members}
        edges = sum(a in inside and b in inside for a, b in pairs)
        possible = len(inside) * (len(inside) - 1) / 2
        if len(inside) >= _SMALLEST_CLIQUE and edges >= _DENSE * possible:
            cliques.append(sorted(first[author] for author in inside))
    return cliques


def young_share(rows: Sequence[Row]) -> float:
    """The share of young accounts among those whose age is known, pulled to 5 % by 20 of them."""
    known = {row.author: is_young(row) for row in rows if row.born is not None}
    return (1.0 + sum(known.values())) / (20.0 + len(known))


def is_young(row: Row) -> bool:
    """Whether the account was young when it posted, as far as that is known."""
    return row.born is not None and row.time - row.born < YOUNG_S


def _young(heads: Sequence[Row], share: float) -> tuple[int, float, float]:
    """Young accounts, how many there should be, and how many do not count for it."""
    known = [is_young(row) for row in heads if row.born is not None]
    young, expected = sum(known), share * len(known)
    if young <= expected or _binomial_tail(young, len(known), share) >= SURE:
        return young, expected, 0.0
    return young, expected, young - expected


def _binomial_tail(k: int, n: int, chance: float) -> float:
    yes, no = math.log(chance), math.log1p(-chance)
    terms = (
        math.lgamma(n + 1) - math.lgamma(j + 1) - math.lgamma(n - j + 1) + j * yes + (n - j) * no
        for j in range(k, n + 1)
    )
    return min(1.0, sum(map(math.exp, terms)))
