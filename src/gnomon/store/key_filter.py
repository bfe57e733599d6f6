"""Which band keys have never been written: a Bloom filter in memory in front of the record.

Most posts are no copies, so most keys that origins ask for were never seen, and saying so here
costs a hundredth of a look-up in the record. A key that was written is never denied (it may be
long deleted: then the record says so); of the others about one in forty passes at a million posts.

Blocks of one 64-bit word after Putze, Sanders and Singler 2007, Cache-, Hash- and Space-Efficient
Bloom Filters (https://doi.org/10.1007/978-3-540-72845-0_9); layers that grow after Almeida and
others 2007, Scalable Bloom Filters (https://doi.org/10.1016/j.ipl.2006.10.007).
"""

from __future__ import annotations

import threading
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Keys = npt.NDArray[np.uint64]

BITS_PER_KEY = 16
BITS_SET = 5
SMALLEST_LAYER = 1 << 16  # keys; a layer takes two bytes for each
# A new layer has room for half as many keys as all before it: little of it lies idle, and there
# are few layers, each of which lets some strangers pass.
_GROWTH = 2
_MASK = (1 << 64) - 1


def as_keys(keys: Sequence[int]) -> Keys:
    """Any 64-bit integers, signed or not, as ``uint64 [n]``."""
    try:
        return np.fromiter(keys, np.int64, len(keys)).view(np.uint64)
    except OverflowError:  # unsigned ones, a little slower
        return np.fromiter((key & _MASK for key in keys), np.uint64, len(keys))


def _mixed(keys: Keys) -> Keys:
    """The finaliser of SplitMix64 (https://doi.org/10.1145/2714064.2660195): keys need not be
    spread well to be spread here."""
    with np.errstate(over="ignore"):
        x = keys + np.uint64(0x9E3779B97F4A7C15)
        x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        mixed: Keys = x ^ (x >> np.uint64(31))
    return mixed


def _pattern(mixed: Keys) -> Keys:
    """The bits that a key sets in its word: six bits of the hash name each."""
    pattern = np.zeros_like(mixed)
    for i in range(BITS_SET):
        pattern |= np.uint64(1) << ((mixed >> np.uint64(6 * i)) & np.uint64(63))
    return pattern


class _Layer:
    def __init__(self, words: Keys, held: int) -> None:
        self.words, self.held = words, held

    @property
    def capacity(self) -> int:
        """Keys that it takes."""
        return len(self.words) * 64 // BITS_PER_KEY

    def places(self, mixed: Keys) -> npt.NDArray[np.int64]:
        # The upper half of the hash times the size: any size will do, and the bits of the pattern
        # lie in the lower half (https://arxiv.org/abs/1805.10941, section 4).
        size = np.uint64(len(self.words))
        at: npt.NDArray[np.int64] = (((mixed >> np.uint64(32)) * size) >> np.uint64(32)).astype(
            np.int64
        )
        return at


class KeyFilter:
    """Safe between threads: one lock, held for microseconds."""

    def __init__(self, expected: int = 0) -> None:
        """``expected`` keys fit into the first layer."""
        self._first = max(SMALLEST_LAYER, expected)
        self._layers: list[_Layer] = []
        self._lock = threading.Lock()

    def __len__(self) -> int:
        """How many keys were added (one added twice counts twice)."""
        return sum(layer.held for layer in self._layers)

    @property
    def nbytes(self) -> int:
        return sum(layer.words.nbytes for layer in self._layers)

    def add(self, keys: Keys) -> None:
        """Remember ``keys``, ``uint64 [n]``; those it thinks it has cost no room."""
        with self._lock:
            mixed = _mixed(keys)
            mixed = np.unique(mixed[~self._seen(mixed)])
            while len(mixed):
                layer = self._open_layer()
                part = mixed[: layer.capacity - layer.held]
                np.bitwise_or.at(layer.words, layer.places(part), _pattern(part))
                layer.held += len(part)
                mixed = mixed[len(part) :]

    def _open_layer(self) -> _Layer:
        if not self._layers or self._layers[-1].held >= self._layers[-1].capacity:
            wanted = max(SMALLEST_LAYER, len(self) // _GROWTH) if self._layers else self._first
            words: Keys = np.zeros(wanted * BITS_PER_KEY // 64, dtype=np.uint64)
            self._layers.append(_Layer(words, 0))
        return self._layers[-1]

    def may_hold(self, keys: Keys) -> npt.NDArray[np.bool_]:
        """For each of ``keys``, ``uint64 [n]``: False where it was never added, for certain."""
        with self._lock:
            return self._seen(_mixed(keys))

    def _seen(self, mixed: Keys) -> npt.NDArray[np.bool_]:
        seen = np.zeros(len(mixed), dtype=np.bool_)
        pattern = _pattern(mixed)
        for layer in self._layers:
            seen |= (layer.words[layer.places(mixed)] & pattern) == pattern
        return seen
