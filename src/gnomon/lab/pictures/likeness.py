"""Which pictures are copies of one another: a perceptual hash proposes, the colours decide.

The hash is of the grey picture on white, 63 bits of the lowest frequencies of its cosine transform
(Zauner, "Implementation and Benchmarking of Perceptual Image Hash Functions", 2010,
https://www.phash.org/docs/pubs/thesis_zauner.pdf). It cannot tell a red circle from a blue one, nor
a drawing from a blank one of the same outline, so a pair that is near in it is compared by the
colours themselves, at 16 x 16.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

GRID = 16
NEAR_BITS = 8
NEAR_COLOURS = 0.06
SAME_COLOURS = 0.012
_BLOCK = 2048
_GREY = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601


@dataclass(frozen=True, slots=True)
class Looks:
    """What pictures look like: ``hashes`` uint64 [N], ``colours`` float32 [N, 16, 16, 4],
    premultiplied colours and alpha in 0..1."""

    hashes: NDArray[np.uint64]
    colours: NDArray[np.float32]


def looks_of(pixels: NDArray[np.uint8]) -> Looks:
    """Of RGBA pictures [N, side, side, 4]; ``side`` a multiple of 32."""
    side = pixels.shape[1]
    assert side % 32 == 0, side
    rgba: NDArray[np.float32] = pixels.astype(np.float32) / np.float32(255)
    rgba[..., :3] *= rgba[..., 3:]
    grey: NDArray[np.float32] = rgba[..., :3] @ _GREY + (1 - rgba[..., 3])
    small = _reduced(grey[..., None], 32)[..., 0]
    low = (_COSINES @ small @ _COSINES.T).reshape(len(pixels), 64)[:, 1:]
    bits = low > np.median(low, axis=1, keepdims=True)
    weights = np.uint64(1) << np.arange(63, dtype=np.uint64)
    hashes = (bits * weights).sum(1, dtype=np.uint64)
    return Looks(hashes, _reduced(rgba, GRID))


def _reduced(pictures: NDArray[np.float32], side: int) -> NDArray[np.float32]:
    """The mean over squares: [N, S, S, C] to [N, side, side, C]."""
    n, large, _, channels = pictures.shape
    step = large // side
    out: NDArray[np.float32] = pictures.reshape(n, side, step, side, step, channels).mean((2, 4))
    return out


_COSINES = np.cos(
    np.pi / 32 * (np.arange(32, dtype=np.float32) + 0.5) * np.arange(8, dtype=np.float32)[:, None]
)
"""The first 8 rows of the type-II cosine transform of 32 values."""


def difference(looks: Looks, one: NDArray[np.intp], other: NDArray[np.intp]) -> NDArray[np.float32]:
    """How far apart pairs of pictures are in colour, 0..1: the root of the mean square over 16 x 16
    places, of premultiplied colours and alpha."""
    gaps = looks.colours[one] - looks.colours[other]
    out: NDArray[np.float32] = np.sqrt((gaps**2).mean((1, 2, 3)))
    return out


def copies(
    looks: Looks,
    rows: Sequence[int],
    others: Sequence[int],
    *,
    bits: int = NEAR_BITS,
    colours: float = NEAR_COLOURS,
) -> Iterator[tuple[int, int, float]]:
    """Every pair (row, other, difference) that is nearly one picture; none with itself."""
    theirs = np.asarray(others, np.intp)
    for first in range(0, len(rows), _BLOCK):
        ours = np.asarray(rows[first : first + _BLOCK], np.intp)
        apart = np.bitwise_count(looks.hashes[ours][:, None] ^ looks.hashes[theirs][None])
        mine, their = np.nonzero(apart <= bits)
        one, other = ours[mine], theirs[their]
        one, other = one[one != other], other[one != other]
        for begin in range(0, len(one), _BLOCK):
            a, b = one[begin : begin + _BLOCK], other[begin : begin + _BLOCK]
            gaps = difference(looks, a, b)
            for n in np.nonzero(gaps <= colours)[0]:
                yield int(a[n]), int(b[n]), float(gaps[n])
