"""Windows that speak of the same things as a claim without settling it: "neither" by retrieval."""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from random import Random

import numpy as np

from gnomon.lab.verifier.pairs import Pair

# Okapi BM25 with the usual constants (Robertson and Zaragoza 2009,
# https://doi.org/10.1561/1500000019).
K1, B = 1.2, 0.75
# Terms in more than this share of the windows weigh almost nothing and cost the most.
COMMON = 0.05
CANDIDATES = 24
# A candidate that holds this share of the claim's idf weight may well settle it.
SETTLES = 0.7
# Where it names all that the claim names, this much is enough to leave it out: "Stanley Williams
# lost his life in 2005" shares little with "Stanley Williams (1953 - December 13, 2005) was ...".
SETTLES_NAMED = 0.45

_TERM = re.compile(r"[a-z0-9]+|[\u4e00-\u9fff]{2}")
_STOP = frozenset(
    "the a an of in on at to for from by with and or but is was are were be been has have had it "
    "its he she his her they their that this which who as not s also".split()
)


def terms(text: str) -> list[str]:
    """Content words of ``text``, small; Chinese in pairs of characters."""
    return [t for t in _TERM.findall(text.lower()) if t not in _STOP]


class Index:
    """BM25 over a fixed list of windows."""

    def __init__(self, texts: Sequence[str]) -> None:
        counts = [Counter(terms(text)) for text in texts]
        postings: dict[str, list[tuple[int, int]]] = defaultdict(list)
        for i, count in enumerate(counts):
            for term, n in count.items():
                postings[term].append((i, n))
        lengths = np.array([max(1, sum(c.values())) for c in counts], dtype=np.float32)
        self.size = len(texts)
        self.norm = K1 * (1 - B + B * lengths / lengths.mean()) if self.size else lengths
        self.idf = {
            t: math.log(1 + (self.size - len(p) + 0.5) / (len(p) + 0.5))
            for t, p in postings.items()
        }
        most = max(50, COMMON * self.size)
        self.postings = {
            t: (
                np.fromiter((i for i, _ in p), dtype=np.int64, count=len(p)),
                np.fromiter((n for _, n in p), dtype=np.float32, count=len(p)),
            )
            for t, p in postings.items()
            if len(p) <= most
        }

    def nearest(self, text: str, k: int) -> list[int]:
        """The ``k`` best windows for ``text``, best first; those that share a term only."""
        rows, scores = [], []
        for term in set(terms(text)):
            held = self.postings.get(term)
            if held is None:
                continue
            ids, n = held
            rows.append(ids)
            scores.append(self.idf[term] * n * (K1 + 1) / (n + self.norm[ids]))
        if not rows:
            return []
        ids, where = np.unique(np.concatenate(rows), return_inverse=True)
        total = np.bincount(where, weights=np.concatenate(scores))
        order = np.lexsort((ids, -total))[:k]
        return [int(ids[i]) for i in order]


_NAME = re.compile(r"(?<![.!?] )(?<!^)\b[A-Z][\w'’-]+|^[A-Z][\w'’-]+(?= [A-Z])")


@lru_cache(maxsize=200_000)
def named(claim: str) -> frozenset[str]:
    """The words of the claim that are names, small: capitals, save a lone first word."""
    return frozenset(t for name in _NAME.findall(claim) for t in terms(name))


def settles(claim: str, window: str, idf: Mapping[str, float]) -> bool:
    """Whether ``window`` holds so many of the claim's words that it may support or refute it."""
    return _settles(claim, frozenset(terms(window)), idf)


def _settles(claim: str, held: frozenset[str], idf: Mapping[str, float]) -> bool:
    wanted = set(terms(claim))
    begun = {t[:5] for t in held}
    total = sum(idf.get(t, 10.0) for t in wanted) or 1.0
    share = sum(idf.get(t, 10.0) for t in wanted if t[:5] in begun) / total
    names = named(claim)
    return share >= (SETTLES_NAMED if names and names <= held else SETTLES)


def _speaks_unnamed(claim: str, held: frozenset[str], claims: Iterable[str]) -> bool:
    """Whether a window of the words ``held`` may be about what the claim names without naming it
    ("His debut album ..."): claims that it belongs to name the same, and it does not."""
    names = named(claim) - held
    return bool(names) and any(names & named(other) for other in claims)


def unrelated(pairs: Sequence[Pair], *, seed: int, per: int) -> Iterator[Pair]:
    """For each claim up to ``per`` windows of other groups, near it by BM25, that hold too little
    of it to settle it: "neither".

    Windows that name what the claim names come first. Left out are windows of a group that holds
    the same claim, windows with ``SETTLES`` of the claim's idf weight, and windows that may speak
    of the claim's subject without naming it. Run it on each side of a split by itself: windows are
    shared across groups.
    """
    windows = list(dict.fromkeys(pair.window for pair in pairs))
    owners: dict[str, set[str]] = defaultdict(set)
    stating: dict[str, set[str]] = defaultdict(set)
    claims: dict[str, dict[str, None]] = defaultdict(dict)
    for pair in pairs:
        owners[pair.window].add(pair.group)
        stating[pair.claim].add(pair.group)
        claims[pair.window][pair.claim] = None
    index = Index(windows)
    held = lru_cache(maxsize=20_000)(lambda i: frozenset(terms(windows[i])))
    done: set[str] = set()
    for pair in pairs:
        if pair.claim in done:
            continue
        done.add(pair.claim)
        near = [
            i
            for i in index.nearest(pair.claim, CANDIDATES)
            if not stating[pair.claim] & owners[windows[i]]
            and not _settles(pair.claim, held(i), index.idf)
            and not _speaks_unnamed(pair.claim, held(i), claims[windows[i]])
        ]
        names = named(pair.claim)
        near = [i for i in near if names & held(i)] or near[: 2 * per]
        rng = Random(f"{seed}:unrelated:{pair.claim}")
        for i in rng.sample(near, min(per, len(near))):
            yield Pair(windows[i], pair.claim, 2, "edit:unrelated", pair.group)
