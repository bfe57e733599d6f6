"""A story while its posts are still compared: their sum, their order and their times."""

from __future__ import annotations

import math
from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import chain

from gnomon.trends.story_terms import Terms, figures

INDEXED = 16
"""The terms of a post under which its story is looked up: the heaviest. Two Chinese posts may be
alike by many pairs of characters, none of which is among the ten heaviest of both."""
COUNTED_FROM = 64
"""Posts from which on a story counts the terms that its posts are looked up by."""


@dataclass(frozen=True, slots=True)
class Doc:
    """A post as it is compared. ``n`` counts all that were ever taken in; ``said`` and ``came``
    are its times."""

    n: int
    said: float
    came: float
    terms: Terms
    figures: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "figures", figures(self.terms.words))


class Cluster:
    """A story's posts that are still compared: the sum of their vectors, and the times. A
    story may have tens of thousands, so nothing goes through all of them for each that comes."""

    __slots__ = ("_first", "_last", "_timed", "_under", "docs", "order", "square", "total")

    def __init__(self) -> None:
        self.docs: dict[int, Doc] = {}
        self.order: list[int] = []  # the numbers of ``docs``, rising
        self.total: dict[str, int] = {}
        self.square = 0  # of the length of ``total``
        self._first, self._last = math.inf, -math.inf
        self._timed = True  # whether those two still hold
        self._under: Counter[str] | None = None  # how many are looked up by a term

    @property
    def first(self) -> float:
        """When the earliest was said."""
        return self._times()[0]

    @property
    def last(self) -> float:
        """When the latest was said."""
        return self._times()[1]

    def _times(self) -> tuple[float, float]:
        if not self._timed:
            said = [doc.said for doc in self.docs.values()]
            self._first, self._last = min(said, default=math.inf), max(said, default=-math.inf)
            self._timed = True
        return self._first, self._last

    def add(self, doc: Doc) -> None:
        total = self.total
        square = self.square
        for word, weight in zip(doc.terms.words, doc.terms.weights, strict=True):
            held = total.get(word, 0)
            total[word] = held + weight
            square += weight * (2 * held + weight)
        self.square = square
        self.docs[doc.n] = doc
        insort(self.order, doc.n)
        if self._under is not None:
            self._under.update(doc.terms.words[:INDEXED])
        elif len(self.order) >= COUNTED_FROM:
            looked_up = (held.terms.words[:INDEXED] for held in self.docs.values())
            self._under = Counter(chain.from_iterable(looked_up))
        self._first = min(self._first, doc.said)
        self._last = max(self._last, doc.said)

    def remove(self, n: int) -> Doc:
        doc = self.docs.pop(n)
        del self.order[bisect_left(self.order, n)]
        if self._under is not None:
            for word in doc.terms.words[:INDEXED]:
                self._under[word] -= 1
                if not self._under[word]:
                    del self._under[word]
        for word, weight in zip(doc.terms.words, doc.terms.weights, strict=True):
            held = self.total[word]
            self.square -= weight * (2 * held - weight)
            if held == weight:
                del self.total[word]
            else:
                self.total[word] = held - weight
        if doc.said in (self._first, self._last):
            self._timed = False
        return doc

    def some(self) -> Sequence[Doc]:
        """A few posts that stand for all: the first and the latest."""
        order = self.order
        few = order if len(order) <= 10 else [*order[:4], *order[-6:]]
        return [self.docs[n] for n in few]

    def latest(self, most: int) -> list[Doc]:
        """At most so many, in their order."""
        return [self.docs[n] for n in self.order[-most:]]

    def latest_under(self, word: str) -> int:
        """The number of the latest post that is looked up by that term; -1 where none is."""
        if word not in (self.total if self._under is None else self._under):
            return -1
        docs = self.docs
        return next((n for n in reversed(self.order) if word in docs[n].terms.words[:INDEXED]), -1)
