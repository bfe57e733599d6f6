"""What is told of a drawer: does a judge that it never met find in its pictures what was asked for,
are they like people's, and are they copies.

The judge is another CLIP than the one whose words the drawer learnt with. Inception's weights, in
which Fréchet distances are usually taken (https://arxiv.org/abs/1706.08500), are not ours to fetch;
the distance here is in the judge's picture space, and is to be compared with itself alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from gnomon.lab.clip import model as clip
from gnomon.lab.clip import words
from gnomon.lab.draw.blind import Blind
from gnomon.lab.draw.flow import as_floats
from gnomon.lab.pictures.held import Pictures

FOUND = 10
"""A thing is found where the judge has its name among so many of all names."""
DRAWS = 1000  # of the bootstrap
Rows = NDArray[np.float32]
Rgb = NDArray[np.uint8]


class Judge:
    """The CLIP of a stock folder. Raises InputError."""

    def __init__(self, folder: Path) -> None:
        self.clip = clip.load(folder)
        self.words = words.load(folder)
        self.side = self.clip.shape.side

    @torch.no_grad()
    def pictures(self, pictures: Rgb) -> Rows:
        """Unit rows [n, D] of pictures [n, h, w, 3]; smaller ones are enlarged."""
        pixels = as_floats(torch.from_numpy(np.ascontiguousarray(pictures)).permute(0, 3, 1, 2))
        if pixels.shape[2] != self.side:
            pixels = torch.nn.functional.interpolate(pixels, self.side, mode="bicubic")
        parts = [self.clip.embed_pictures(part) for part in pixels.split(64)]
        return torch.cat(parts).numpy()

    @torch.no_grad()
    def texts(self, texts: Sequence[str]) -> Rows:
        """Unit rows [n, D]."""
        parts = []
        for first in range(0, len(texts), 256):
            ids, mask = self.words.encode(texts[first : first + 256])
            parts.append(self.clip.embed_texts(ids, mask))
        return torch.cat(parts).numpy()


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean with its 95 % interval, by bootstrap over the prompts."""

    mean: float
    low: float
    high: float


def interval(values: Sequence[float], seed: int = 0) -> Interval:
    """Of the mean of ``values``."""
    held = np.asarray(values, np.float64)
    chance = np.random.default_rng(seed)
    means = held[chance.integers(0, len(held), (DRAWS, len(held)))].mean(1)
    low, high = np.quantile(means, [0.025, 0.975])
    return Interval(float(held.mean()), float(low), float(high))


def agreement(judge: Judge, pictures: Rgb, prompts: Sequence[str]) -> list[float]:
    """100 times the cosine of each picture and its prompt (CLIP score,
    https://arxiv.org/abs/2104.08718, without its rescaling)."""
    both: Rows = (judge.pictures(pictures) * judge.texts(prompts)).sum(1)
    return [float(100 * one) for one in both]


def found(judge: Judge, pictures: Rgb, asked: Sequence[Blind], names: Sequence[str]) -> list[float]:
    """For each prompt the share of its things whose name is among the first ``FOUND`` of ``names``,
    by the judge. ``names`` are those of all concepts of the sets."""
    every = sorted({*names, *(name for one in asked for name in one.names)})
    place = {name: number for number, name in enumerate(every)}
    likeness = judge.pictures(pictures) @ judge.texts(every).T
    shares = []
    for row, one in zip(likeness, asked, strict=True):
        ranks = [(row > row[place[name]]).sum() for name in one.names]
        shares.append(sum(bool(rank < FOUND) for rank in ranks) / len(ranks))
    return shares


def frechet(first: Rows, second: Rows) -> float:
    """The distance of two normal distributions fitted to rows [n, D] and [m, D]
    (https://arxiv.org/abs/1706.08500, equation 6). It falls with n: compare equal counts."""
    a, b = np.cov(first, rowvar=False), np.cov(second, rowvar=False)
    apart = ((first.mean(0) - second.mean(0)) ** 2).sum()
    # The trace of the root of a b is the sum of the roots of its eigenvalues, which are those of a
    # symmetric matrix where a's root is taken first.
    values, vectors = np.linalg.eigh(a)
    root = (vectors * np.sqrt(values.clip(min=0))) @ vectors.T
    between = np.sqrt(np.linalg.eigvalsh(root @ b @ root).clip(min=0)).sum()
    return float(apart + np.trace(a) + np.trace(b) - 2 * between)


def on_white(pictures: Pictures, rows: Sequence[int], side: int) -> Rows:
    """Drawings laid on white and made small, [n, side * side * 3] in 0..1."""
    times = pictures.side // side
    out = np.empty((len(rows), side * side * 3), np.float32)
    for place, row in enumerate(rows):
        rgba = np.asarray(pictures.pixels[row], np.float32)
        alpha = rgba[..., 3:] / 255
        flat = (rgba[..., :3] * alpha + 255 * (1 - alpha)).astype(np.float32)
        out[place] = _small(flat, side, times)
    return out


def nearest(samples: Rows, drawings: Rows) -> tuple[NDArray[np.intp], Rows]:
    """For each sample the nearest drawing, and the root mean squared difference to it."""
    squares = (drawings**2).sum(1)
    places, far = np.empty(len(samples), np.intp), np.empty(len(samples), np.float32)
    for number, one in enumerate(samples):
        distances = squares - 2 * drawings @ one + (one**2).sum()
        places[number] = distances.argmin()
        far[number] = np.sqrt(max(0.0, distances.min()) / samples.shape[1])
    return places, far


def shrunk(pictures: Rgb, side: int) -> Rows:
    """Pictures [n, h, w, 3] as ``on_white`` gives drawings."""
    times = pictures.shape[1] // side
    return np.stack([_small(one.astype(np.float32), side, times) for one in pictures])


def _small(picture: Rows, side: int, times: int) -> Rows:
    out: Rows = picture.reshape(side, times, side, times, 3).mean((1, 3)).ravel() / 255
    return out
