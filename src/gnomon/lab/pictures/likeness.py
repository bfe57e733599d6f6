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

FINE, GRID = 32, 16
SEEN = 127
"""Of 255: alpha over which a pixel is seen. Half: a soft edge then ends where a hard one does."""
NEAR_BITS, NEAR_COLOURS = 10, 0.07
"""A near-copy. Measured on 600 pictures of the default sets, each altered: of those saved as JPEG
(quality 50) 99% are found, resized and back 95%, made smaller by 5% or 10% 85%, moved by a pixel
92%; of 400,000 pairs of different concepts none was taken for a copy (docs/lab-pictures.md)."""
SAME_BITS, SAME_COLOURS = 2, 0.012
"""The same picture, but for rounding."""
_BLOCK = 2048  # rows compared at once
_GREY = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601


@dataclass(frozen=True, slots=True)
class Looks:
    """What pictures look like: ``hashes`` uint64 [N], ``colours`` float32 [N, 16, 16, 4],
    premultiplied colours and alpha in 0..1."""

    hashes: NDArray[np.uint64]
    colours: NDArray[np.float32]


def looks_of(pixels: NDArray[np.uint8]) -> Looks:
    """Of RGBA pictures [N, side, side, 4]. What is seen is cut out first and made equally large, so
    that a copy which lies elsewhere or is larger looks the same."""
    rgba = np.empty((len(pixels), FINE, FINE, 4), np.float32)
    for n, picture in enumerate(pixels):
        rgba[n] = _framed(picture)
    rgba /= 255
    grey: NDArray[np.float32] = rgba[..., :3] @ _GREY + (1 - rgba[..., 3])
    low = (_COSINES @ grey @ _COSINES.T).reshape(len(pixels), 64)[:, 1:]
    bits = low > np.median(low, axis=1, keepdims=True)
    weights = np.uint64(1) << np.arange(63, dtype=np.uint64)
    hashes = (bits * weights).sum(1, dtype=np.uint64)
    step = FINE // GRID
    colours = rgba.reshape(len(pixels), GRID, step, GRID, step, 4).mean((2, 4))
    return Looks(hashes, colours)


def _framed(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The square around what is seen, [32, 32, 4], colours multiplied with alpha."""
    from PIL import Image

    rows, columns = np.nonzero(picture[..., 3] > SEEN)
    image = Image.fromarray(picture, "RGBA").convert("RGBa")
    box: tuple[float, float, float, float] = (0, 0, image.width, image.height)
    if len(rows):
        top, bottom = rows.min(), rows.max() + 1
        left, right = columns.min(), columns.max() + 1
        half = max(bottom - top, right - left) / 2
        y, x = (top + bottom) / 2, (left + right) / 2
        box = (x - half, y - half, x + half, y + half)
    size = max(1, round(box[2] - box[0]))
    # What lies beyond the picture is empty: an affine copy fills it so.
    cut = image.transform((size, size), Image.Transform.AFFINE, (1, 0, box[0], 0, 1, box[1]))
    small = cut.resize((FINE, FINE), Image.Resampling.BOX)
    return np.frombuffer(small.tobytes(), np.uint8).reshape(FINE, FINE, 4)


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
