"""Rectified flow: from noise to a picture along a straight line.

A picture x and noise e are mixed, z = (1 - t) x + t e, and the model says what x was; the way
from noise to picture has the velocity (z - x) / t (https://arxiv.org/abs/2209.03003). The error is
that of the velocity, and times are drawn near the noise, where what is in the picture is decided
(https://arxiv.org/abs/2403.03206, https://arxiv.org/abs/2511.13720).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

LEAST = 0.05
"""The time below which a velocity is not divided further; the stock pipeline's number."""
TIME_MEAN, TIME_SPREAD = 0.8, 0.8
"""Of the logit of the times: arXiv 2511.13720's, for its time that runs the other way."""
EVEN = 0.15
"""Share of the times that are drawn evenly instead. Hardly any of the others is under 0.2, and what
a picture ends in is what the model says there: without them a short training leaves it to chance,
and a grid of patches shows (LOG.md)."""


@dataclass(frozen=True, slots=True)
class Batch:
    """``pictures`` [n,3,h,w] uint8, ``words`` [n,T,D] and ``mask`` [n,T] bool of their captions."""

    pictures: Tensor
    words: Tensor
    mask: Tensor

    @property
    def size(self) -> int:
        return len(self.pictures)

    def to(self, device: torch.device) -> Batch:
        return Batch(*(one.to(device) for one in (self.pictures, self.words, self.mask)))

    def halves(self, parts: int) -> list[Batch]:
        """Cut into so many parts, of nearly the same size."""
        cut = [one.tensor_split(parts) for one in (self.pictures, self.words, self.mask)]
        return [Batch(*part) for part in zip(*cut, strict=True)]


def as_floats(pictures: Tensor) -> Tensor:
    """uint8 to -1..1."""
    return pictures.float() / 127.5 - 1.0


def flow_loss(model: Any, batch: Batch) -> tuple[Tensor, float]:
    """The squared error of the velocity, summed over the pictures and averaged in each; and how
    many they are."""
    clean = as_floats(batch.pictures)
    times = times_of(batch.size, clean.device)
    noise = torch.randn_like(clean)
    return errors(model, batch, clean, noise, times).sum(), float(batch.size)


def times_of(n: int, device: torch.device) -> Tensor:
    """Times [n] to learn from."""
    near = (TIME_MEAN + TIME_SPREAD * torch.randn(n, device=device)).sigmoid()
    anywhere = torch.rand(n, device=device)
    return torch.where(torch.rand(n, device=device) < EVEN, anywhere, near)


def errors(model: Any, batch: Batch, clean: Tensor, noise: Tensor, times: Tensor) -> Tensor:
    """The squared error of the velocity of each picture, [n]."""
    t = times[:, None, None, None]
    guess = model((1 - t) * clean + t * noise, times, batch.words, batch.mask)
    squared = (guess - clean).square().flatten(1).mean(1)
    return squared / times.clamp(min=LEAST).square()


def sigmas(steps: int, shift: float) -> list[float]:
    """Times from 1 down to 0, ``steps`` + 1 of them, as diffusers' FlowMatchEulerDiscreteScheduler
    lays them: straight from 1 to 1/1000, then bent towards the noise by ``shift``."""
    # Its ends are bent once by its own set-up and everything once more by set_timesteps.
    low = shift * 0.001 / (1 + (shift - 1) * 0.001)
    straight = np.linspace(1.0, low, steps)
    bent = shift * straight / (1 + (shift - 1) * straight)
    return [*bent.tolist(), 0.0]


@torch.no_grad()
def sample(
    model: Any,
    words: tuple[Tensor, Tensor],
    empty: tuple[Tensor, Tensor],
    noise: Tensor,
    *,
    steps: int = 28,
    guidance: float = 4.0,
    shift: float = 1.0,
    told: Callable[[int], None] | None = None,
) -> NDArray[np.uint8]:
    """Pictures [n,h,w,3] from ``noise`` [n,3,h,w]: Euler's steps, with the answer to the empty
    prompt as what guidance leads away from (https://arxiv.org/abs/2207.12598)."""
    n = len(noise)
    both = torch.cat([empty[0].expand(n, -1, -1), words[0]])
    mask = torch.cat([empty[1].expand(n, -1), words[1]])
    times = sigmas(steps, shift)
    state = noise
    for step, (now, after) in enumerate(pairwise(times)):
        at = torch.full((2 * n,), now, device=noise.device)
        plain, asked = model(state.repeat(2, 1, 1, 1), at, both, mask).float().chunk(2)
        clean = plain + guidance * (asked - plain)
        state = state + (after - now) * (state - clean) / max(now, LEAST)
        if told is not None:
            told(step + 1)
    return as_pictures(state)


def as_pictures(state: Tensor) -> NDArray[np.uint8]:
    """-1..1 [n,3,h,w] to uint8 [n,h,w,3]."""
    bytes_ = ((state.clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)
    out: NDArray[np.uint8] = bytes_.permute(0, 2, 3, 1).cpu().numpy()
    return out


def noise_of(seeds: Sequence[int], side: int) -> Tensor:
    """[n,3,side,side] of normal numbers, each picture's from its own seed."""
    made = [
        torch.randn(3, side, side, generator=torch.Generator().manual_seed(seed)) for seed in seeds
    ]
    return torch.stack(made)
