"""What both kinds of pictures go through on their way to the judge, so that it cannot learn a small
set by heart: colour, shift and a hole, all differentiable (Zhao et al. 2020, "Differentiable
Augmentation for Data-Efficient GAN Training", https://arxiv.org/abs/2006.10738)."""

from __future__ import annotations

import torch
from torch import Tensor

SHIFT, HOLE = 1 / 8, 1 / 2
"""The paper's: a shift of up to an eighth of the side, a hole of half the side."""


def augmented(pictures: Tensor) -> Tensor:
    """``pictures`` [n, 3, side, side] from -1 to 1, each changed by chance of torch's own."""
    return _hole(_shifted(_coloured(pictures)))


def _chance(pictures: Tensor) -> Tensor:
    return torch.rand(len(pictures), 1, 1, 1, device=pictures.device, dtype=pictures.dtype)


def _coloured(x: Tensor) -> Tensor:
    """Brightness +-0.5, saturation x0..2, contrast x0.5..1.5."""
    x = x + _chance(x) - 0.5
    grey = x.mean(1, keepdim=True)
    x = (x - grey) * (_chance(x) * 2) + grey
    mean = x.mean((1, 2, 3), keepdim=True)
    return (x - mean) * (_chance(x) + 0.5) + mean


def _shifted(x: Tensor) -> Tensor:
    """What comes in at the edge is zero."""
    count, _, side, _ = x.shape
    most = round(side * SHIFT)
    places = torch.arange(side, device=x.device)
    rows, columns = (
        torch.randint(0, 2 * most + 1, (count, 1), device=x.device) + places for _ in range(2)
    )
    wide = torch.nn.functional.pad(x, [most] * 4).permute(0, 2, 3, 1)
    each = torch.arange(count, device=x.device)[:, None, None]
    return wide[each, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)


def _hole(x: Tensor) -> Tensor:
    """A square of zeros, its middle anywhere."""
    count, _, side, _ = x.shape
    half = round(side * HOLE) // 2
    places = torch.arange(side, device=x.device)
    near = [
        (torch.randint(0, side, (count, 1), device=x.device) - places).abs() < half
        for _ in range(2)
    ]
    keep = ~(near[0][:, None, :, None] & near[1][:, None, None, :])
    return x * keep.to(x.dtype)
