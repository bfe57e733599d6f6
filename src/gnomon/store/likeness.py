"""Whether two pictures are one: the same to the eye, saved again, made smaller, in another format.

What is compared are the mean colours of a grid of cells over the picture (a block-mean perceptual
hash, after Yang, Gu and Niu 2006, https://doi.org/10.1109/IIH-MSP.2006.265125, kept in colour and
not cut to bits, so that pictures of one shape in two colours stay apart). It serves only to show
one picture once; that two posts show one picture never makes them one witness.
"""

from __future__ import annotations

import numpy as np

GRID = 16
"""Cells along each side."""
COARSE = 4
"""Cells along each side of what is compared first, with every picture that is kept."""
MOST_COARSE = 8.0
"""Largest root mean square of the differences of coarse cells, of 255."""
MOST_RMS = 6.0
"""The same of fine cells."""
MOST_CELL = 32.0
"""Largest difference of one fine cell: what was drawn or written over."""
MOST_ASPECT = 0.03
"""Largest relative difference of width by height."""


def cells_of(rgb: bytes, width: int, height: int) -> bytes:
    """``GRID * GRID * 3`` bytes: the mean colour of each cell, row by row."""
    pixels = np.frombuffer(rgb, np.uint8).reshape(height, width, 3).astype(np.float32)
    rows = _bounds(height)
    columns = _bounds(width)
    # Sums over cells as differences of running sums: cells of any size, also below a pixel.
    down = np.vstack([np.zeros((1, width, 3), np.float64), pixels.cumsum(0, dtype=np.float64)])
    bands = _at(down, rows)
    across = np.concatenate([np.zeros((GRID, 1, 3)), np.diff(bands, axis=0).cumsum(1)], axis=1)
    sums = np.diff(_at(across.transpose(1, 0, 2), columns), axis=0).transpose(1, 0, 2)
    means = sums / (height / GRID * width / GRID)
    return bytes(np.clip(np.rint(means), 0, 255).astype(np.uint8).tobytes())


def _bounds(size: int) -> np.ndarray:
    return np.linspace(0, size, GRID + 1)


def _at(running: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Running sums at places between whole ones."""
    low = np.minimum(np.floor(places).astype(int), len(running) - 1)
    high = np.minimum(low + 1, len(running) - 1)
    part = (places - low)[:, None, None]
    found: np.ndarray = running[low] * (1 - part) + running[high] * part
    return found


def coarse_of(cells: bytes) -> np.ndarray:
    """``[COARSE * COARSE * 3]`` float32: what every picture is compared by first."""
    step = GRID // COARSE
    fine = np.frombuffer(cells, np.uint8).reshape(COARSE, step, COARSE, step, 3)
    coarse: np.ndarray = fine.mean(axis=(1, 3), dtype=np.float32).reshape(-1)
    return coarse


def candidates(coarse: np.ndarray, held: np.ndarray) -> np.ndarray:
    """Places in ``held`` (``[n, COARSE * COARSE * 3]``) that may be copies."""
    if not len(held):
        return np.zeros(0, np.int64)
    rms = np.sqrt(((held - coarse) ** 2).mean(axis=1))
    return np.flatnonzero(rms <= MOST_COARSE)


def same(one: bytes, one_size: tuple[int, int], other: bytes, other_size: tuple[int, int]) -> bool:
    """Whether two pictures, by their cells and their sizes in pixels, are one."""
    aspect = (one_size[0] * other_size[1]) / (one_size[1] * other_size[0])
    # A side of a few pixels is rounded by more than that.
    least = min(*one_size, *other_size)
    if abs(aspect - 1) > MOST_ASPECT + 1.0 / least:
        return False
    apart = np.frombuffer(one, np.uint8).astype(np.float32) - np.frombuffer(other, np.uint8)
    rms = float(np.sqrt((apart**2).mean()))
    return rms <= MOST_RMS and float(np.abs(apart).max()) <= MOST_CELL
