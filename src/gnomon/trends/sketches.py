"""Counts in bounded memory at any vocabulary: exact for the many, sketched for the rest.

A ``Tally`` holds the counts of one stretch of time: up to ``cap`` keys exactly, as sorted arrays;
what comes on top goes through a frequent-items sketch of Apache DataSketches (Misra and Gries 1982
with the purge of Anderson et al. 2017, https://doi.org/10.1145/3131365.3131407), and a key that has
become frequent there changes places with the rarest held. So the memory of a tally is fixed, and a
key's count is at most ``error`` too low and never too high: what is rare may be missed, nothing is
made to rise by what is not there.

Whole streams' distinct authors and origins are counted by CPC sketches (Lang 2017,
https://arxiv.org/abs/1708.06839), which join over any window.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import datasketches
import numpy as np

OVERFLOW_LG = 14
"""The overflow sketch has 2 ** this counters (of which 3/4 are used)."""
ADMIT_EVERY = 50_000
"""Updates of the overflow after which the frequent among them are taken in."""
_LG_K = 11  # relative standard error of a CPC sketch: about 0.7 / sqrt(2 ** 11) = 1.5 %
_FREQUENT = datasketches.frequent_items_error_type.NO_FALSE_POSITIVES


@dataclass(slots=True)
class Tally:
    """``posts`` and ``voices`` by key (sorted uint64 ``[n]``, int32 ``[n]`` each)."""

    cap: int
    keys: np.ndarray = field(default_factory=lambda: np.zeros(0, np.uint64))
    posts: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int32))
    voices: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int32))
    overflow: Any = None
    lost: int = 0  # the largest count that a key had when it left the arrays
    pending: int = 0

    def add(self, keys: np.ndarray, posts: np.ndarray, voices: np.ndarray) -> None:
        """Add (or, below zero, take away) counts; ``keys`` ``[n]`` may repeat. What is taken away
        of a key that is not held exactly stays counted in the overflow."""
        found, where = np.unique(keys, return_inverse=True)
        more_posts = np.bincount(where, posts, len(found)).astype(np.int32)
        more_voices = np.bincount(where, voices, len(found)).astype(np.int32)
        place = np.searchsorted(self.keys, found)
        inside = np.zeros(len(found), bool)
        if len(self.keys):
            inside = self.keys[np.minimum(place, len(self.keys) - 1)] == found
        np.add.at(self.posts, place[inside], more_posts[inside])
        np.add.at(self.voices, place[inside], more_voices[inside])
        fresh = ~inside & (more_posts > 0)
        if fresh.any():
            self._take(found[fresh], more_posts[fresh], np.maximum(more_voices[fresh], 0))
        if (more_posts[inside] < 0).any():
            self._keep(self.posts > 0)

    def _take(self, keys: np.ndarray, posts: np.ndarray, voices: np.ndarray) -> None:
        """Keys (sorted) that are not held: into the arrays while there is room, else past them."""
        room = self.cap - len(self.keys)
        if len(keys) > room:
            if self.overflow is None:
                self.overflow = datasketches.frequent_items_sketch(OVERFLOW_LG)
            for key, count in zip(keys[room:].tolist(), voices[room:].tolist(), strict=True):
                if count:
                    self.overflow.update(key, count)
            self.pending += len(keys) - room
            keys, posts, voices = keys[:room], posts[:room], voices[:room]
        self._insert(keys, posts, voices)
        if self.pending >= ADMIT_EVERY:
            self._admit()

    def _insert(self, keys: np.ndarray, posts: np.ndarray, voices: np.ndarray) -> None:
        place = np.searchsorted(self.keys, keys)
        self.keys = np.insert(self.keys, place, keys)
        self.posts = np.insert(self.posts, place, posts)
        self.voices = np.insert(self.voices, place, np.maximum(voices, 0))

    def _keep(self, which: np.ndarray) -> None:
        self.keys, self.posts = self.keys[which], self.posts[which]
        self.voices = np.maximum(self.voices[which], 0)

    def _admit(self) -> None:
        """The most frequent of the overflow change places with the rarest of the arrays."""
        self.pending = 0
        threshold = int(np.partition(self.voices, len(self.voices) // 4)[len(self.voices) // 4])
        frequent = self.overflow.get_frequent_items(_FREQUENT, max(threshold, 1))
        chosen = {int(key): int(low) for key, _, low, _ in frequent[: self.cap // 4]}
        if not chosen:
            return
        order = np.argsort(self.voices, kind="stable")[: len(chosen)]
        self.lost = max(self.lost, int(self.voices[order[-1]]))
        self._keep(np.isin(np.arange(len(self.keys)), order, invert=True))
        keys = np.array(sorted(chosen), np.uint64)
        keys = keys[~np.isin(keys, self.keys)]
        counts = np.array([chosen[int(key)] for key in keys], np.int32)
        self._insert(keys, counts, counts)

    @property
    def error(self) -> int:
        """A key's voices are at most this many more than ``voices`` says, 0 while all fit."""
        if self.overflow is None:
            return 0
        held = int(self.voices.min()) if len(self.voices) else 0
        offset = int(self.overflow.get_upper_bound(-1) - self.overflow.get_lower_bound(-1))
        return int(self.lost) + max(held, 0) + offset

    def close(self, most: int, always: int) -> None:
        """Keep the ``most`` keys with most voices, and those from ``always`` on, for good."""
        self.overflow = None
        special = self.keys >= np.uint64(always)
        if len(self.keys) - int(special.sum()) <= most:
            return
        order = np.lexsort((self.keys, -self.posts, -self.voices))
        order = order[~special[order]][:most]
        which = special.copy()
        which[order] = True
        self._keep(which)

    @property
    def nbytes(self) -> int:
        """What it takes in memory, without the few bytes of Python's own."""
        sketch = (1 << OVERFLOW_LG) * 18 if self.overflow is not None else 0
        return int(self.keys.nbytes) + int(self.posts.nbytes) + int(self.voices.nbytes) + sketch

    def to_blobs(self) -> tuple[bytes, bytes, bytes, bytes | None, int]:
        sketch = None
        if self.overflow is not None:
            sketch = self.overflow.serialize(datasketches.PyLongsSerDe())
        return (
            self.keys.tobytes(),
            self.posts.tobytes(),
            self.voices.tobytes(),
            sketch,
            self.lost,
        )

    @classmethod
    def from_blobs(
        cls,
        cap: int,
        keys: bytes,
        posts: bytes,
        voices: bytes,
        sketch: bytes | None = None,
        lost: int = 0,
    ) -> Tally:
        tally = cls(
            cap,
            np.frombuffer(keys, np.uint64).copy(),
            np.frombuffer(posts, np.int32).copy(),
            np.frombuffer(voices, np.int32).copy(),
            lost=lost,
        )
        if sketch is not None:
            serde = datasketches.PyLongsSerDe()
            tally.overflow = datasketches.frequent_items_sketch.deserialize(sketch, serde)
        return tally


class Distinct:
    """About how many different things were added, in some 1.3 kB, whatever their number."""

    def __init__(self, sketch: Any = None) -> None:
        self._sketch = sketch or datasketches.cpc_sketch(_LG_K)

    def add(self, hashed: int) -> None:
        self._sketch.update(hashed)

    def to_bytes(self) -> bytes:
        return bytes(self._sketch.serialize())

    @classmethod
    def from_bytes(cls, held: bytes) -> Distinct:
        return cls(datasketches.cpc_sketch.deserialize(held))

    @staticmethod
    def of_all(sketches: list[Distinct]) -> int:
        """About how many different things were added to any of them."""
        union = datasketches.cpc_union(_LG_K)
        for one in sketches:
            union.update(one._sketch)
        return round(float(union.get_result().get_estimate()))
