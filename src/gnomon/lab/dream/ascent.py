"""A picture changed so that a layer makes more of what it sees in it: DeepDream (Mordvintsev, Olah
and Tyka 2015, https://research.google/blog/inceptionism-going-deeper-into-neural-networks/).

From small to large: at each octave the detail found so far is laid over the picture of that size,
and the picture climbs the layer's gradient for some steps. The gradient is blurred over several
widths and brought to one mean size, so that no frequency and no layer runs away; the picture is
rolled by chance before every look, so that neither tiles nor the edges of patches stay visible.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from gnomon.errors import InputError
from gnomon.lab.dream.seers import Seer

Aim = Callable[[Tensor], Tensor]
"""What to climb: activations [n, places, channels] to one number."""
TOGETHER = 8
"""Tiles that are looked at at once."""


@dataclass(frozen=True, slots=True)
class Dream:
    """``octaves`` sizes, each ``scale`` times the one before; ``steps`` at each, of ``rate``
    256ths of full brightness on average; rolled by up to ``jitter`` pixels; ``tile`` is the largest
    side that is looked at at once. ``smooth`` is how wide the gradient is blurred, in pixels."""

    octaves: int = 4
    scale: float = 1.4
    steps: int = 20
    rate: float = 1.5
    jitter: int = 16
    smooth: float = 1.0
    tile: int = 384
    seed: int = 0

    def check(self) -> None:
        """Raises InputError for a value that cannot be used."""
        bounds = {
            "octaves": (self.octaves, 1, 20), "scale": (self.scale, 1.01, 4),
            "steps": (self.steps, 1, 10_000), "rate": (self.rate, 1e-6, 255),
            "jitter": (self.jitter, 0, 4096), "smooth": (self.smooth, 0, 64),
            "tile": (self.tile, 16, 8192),
        }  # fmt: skip
        for name, (value, low, high) in bounds.items():
            if not low <= value <= high:
                raise InputError(f"--{name} is {value}; give a number from {low:g} to {high:g}.")


def loudest(values: Tensor) -> Tensor:
    """The layer's mean square: more of whatever it sees."""
    return values.square().mean()


def unit(number: int) -> Aim:
    """One channel's mean."""

    def aim(values: Tensor) -> Tensor:
        if not 0 <= number < values.shape[2]:
            raise InputError(
                f"--unit is {number}; that layer has units from 0 to {values.shape[2] - 1}."
            )
        return values[..., number].mean()

    return aim


def like(guide: Tensor) -> Aim:
    """Each place is driven towards what is most like it among a guide's places [m, channels]: the
    guided dream of the authors' notebook (https://github.com/google/deepdream)."""

    def aim(values: Tensor) -> Tensor:
        with torch.no_grad():
            best = guide[(values @ guide.T).argmax(-1)]
        return (values * best).mean()

    return aim


def sizes(height: int, width: int, dream: Dream, least: int) -> list[tuple[int, int]]:
    """Of the octaves, from small to large; those with a side below ``least`` are left out, but for
    the last."""
    found = [
        (round(height / dream.scale**n), round(width / dream.scale**n))
        for n in range(dream.octaves)
    ]
    return [size for n, size in enumerate(found) if n == 0 or min(size) >= least][::-1]


def dreamt(
    picture: Tensor, seer: Seer, layer: str, aim: Aim, dream: Dream
) -> Iterator[tuple[int, int, Tensor]]:
    """``picture`` [3, height, width] from 0 to 1. After every step: how many are done, of how many,
    and the picture as it is, which at the last is of the first's size."""
    dream.check()
    chance = torch.Generator().manual_seed(dream.seed)
    octaves = sizes(
        picture.shape[1], picture.shape[2], dream, seer.side if seer.fixed else min(seer.side, 64)
    )
    detail = torch.zeros(3, *octaves[0])
    total = len(octaves) * dream.steps
    for number, size in enumerate(octaves):
        base = resized(picture, size)
        detail = resized(detail, size)
        now = (base + detail).clamp(0, 1)
        for step in range(dream.steps):
            slope = climbed(now, seer, layer, aim, dream, chance)
            now = (now + dream.rate / 255 * slope).clamp(0, 1)
            yield number * dream.steps + step + 1, total, now
        detail = now - base


def resized(picture: Tensor, size: tuple[int, int]) -> Tensor:
    """[3, height, width] brought to ``size``, without new frequencies on the way down."""
    if tuple(picture.shape[1:]) == tuple(size):
        return picture
    return functional.interpolate(picture[None], size, mode="bicubic", antialias=True)[0]


def climbed(
    picture: Tensor, seer: Seer, layer: str, aim: Aim, dream: Dream, chance: torch.Generator
) -> Tensor:
    """The blurred gradient, of mean size one; zero where the layer feels nothing."""
    rows, columns = _tiles(picture, seer, dream, chance)
    total, count = torch.zeros_like(picture), torch.zeros(picture.shape[1:])
    places = [(row, column) for row in rows for column in columns]
    for first in range(0, len(places), TOGETHER):
        some = places[first : first + TOGETHER]
        cut = torch.stack([picture[:, row[:, None], column] for row, column in some])
        cut.requires_grad_(True)
        with torch.enable_grad():
            value = aim(seer.at(cut, layer)) * len(some)
            (slope,) = torch.autograd.grad(value, cut)
        for (row, column), one in zip(some, slope, strict=True):
            where = (row[:, None].expand(-1, len(column)), column.expand(len(row), -1))
            for channel in range(3):
                total[channel].index_put_(where, one[channel], accumulate=True)
            count.index_put_(where, torch.ones_like(one[0]), accumulate=True)
    slope = blurred(total / count.clamp(min=1), dream.smooth)
    return slope / (slope.abs().mean() + 1e-12)


def _tiles(
    picture: Tensor, seer: Seer, dream: Dream, chance: torch.Generator
) -> tuple[list[Tensor], list[Tensor]]:
    """The rows and the columns of each tile, counted around the edges: a roll by chance, then tiles
    side by side until all is covered. A picture that is seen whole is rolled by the jitter alone.
    """
    found = []
    for size in picture.shape[1:]:
        side = seer.side if seer.fixed else min(size, dream.tile)
        reach = dream.jitter if size <= side else max(dream.jitter, side // 2)
        roll = int(torch.randint(-reach, reach + 1, (1,), generator=chance))
        found.append([(torch.arange(side) + roll + start) % size for start in range(0, size, side)])
    return found[0], found[1]


def blurred(slope: Tensor, width: float) -> Tensor:
    """The mean of three Gaussian blurs, of half, one and two times ``width``: low frequencies gain,
    as with the authors' pyramid, and high ones are not lost."""
    if not width:
        return slope
    return torch.stack([_gauss(slope, width * by) for by in (0.5, 1.0, 2.0)]).mean(0)


def _gauss(slope: Tensor, deviation: float) -> Tensor:
    reach = min(max(1, round(3 * deviation)), min(slope.shape[1:]) - 1)
    taps = torch.exp(-torch.arange(-reach, reach + 1).square() / (2 * deviation**2))
    taps = (taps / taps.sum()).expand(3, 1, 1, -1)
    wide = functional.pad(slope[None], [reach] * 4, mode="circular")
    across = functional.conv2d(wide, taps, groups=3)
    return functional.conv2d(across, taps.transpose(2, 3), groups=3)[0]
