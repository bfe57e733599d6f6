"""How far drawn pictures are from people's, in the eyes of a frozen encoder: our own CLIP's
picture tower, named with its SHA-256, because the usual one's weights are not ours to bring."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gnomon.lab.gan.drawings import as_tensor

Eyes = Callable[[NDArray[np.uint8]], Tensor]
"""Uint8 pictures [n, side, side, 3] to float64 features [n, width]."""
FEWEST = 32
"""Pictures of each kind, below which no distance is told."""


def clip_eyes(folder: Path) -> Eyes:
    """The picture features of the CLIP in ``folder``. Raises InputError."""
    from gnomon.lab.clip.model import load

    clip = load(folder)
    side = clip.shape.side

    @torch.no_grad()
    def see(pictures: NDArray[np.uint8]) -> Tensor:
        found = []
        for first in range(0, len(pictures), 64):
            whole = as_tensor(pictures[first : first + 64])
            if whole.shape[-1] != side:
                whole = torch.nn.functional.interpolate(
                    whole, (side, side), mode="bicubic", antialias=True
                ).clamp(-1, 1)
            found.append(clip.embed_pictures(whole).double())
        return torch.cat(found)

    return see


def frechet(one: Tensor, other: Tensor) -> float:
    """Fréchet distance between normal distributions fitted to features [n, width] and [m, width]
    (Heusel et al. 2017, https://arxiv.org/abs/1706.08500). It falls with n and m: only distances
    over equally many can be compared."""
    gap = (one.mean(0) - other.mean(0)).square().sum()
    a, b = torch.cov(one.T), torch.cov(other.T)
    values, vectors = torch.linalg.eigh(a)
    root = vectors * values.clamp(min=0).sqrt() @ vectors.T
    shared = torch.linalg.eigvalsh(root @ b @ root).clamp(min=0).sqrt().sum()
    return float((gap + a.trace() + b.trace() - 2 * shared).clamp(min=0))


def kernel(one: Tensor, other: Tensor) -> float:
    """The kernel distance with the cubic kernel, which has no bias however few there are (Bińkowski
    et al. 2018, https://arxiv.org/abs/1801.01401); below zero is chance. Rows are brought to a
    length of the root of their width, for which that kernel was chosen."""
    width = one.shape[1]
    a, b = (torch.nn.functional.normalize(rows, dim=1) * width**0.5 for rows in (one, other))

    def of(x: Tensor, y: Tensor) -> Tensor:
        return (x @ y.T / width + 1) ** 3

    aa, bb, ab = of(a, a), of(b, b), of(a, b)
    n, m = len(a), len(b)
    within = (aa.sum() - aa.trace()) / (n * (n - 1)) + (bb.sum() - bb.trace()) / (m * (m - 1))
    return float(within - 2 * ab.mean())


def nearest(made: Tensor, learnt: Tensor) -> Tensor:
    """The cosine of each of ``made`` [n] with what it is most like among ``learnt``."""
    a, b = (torch.nn.functional.normalize(rows, dim=1) for rows in (made, learnt))
    return (a @ b.T).max(1).values


def compared(
    see: Eyes,
    made: NDArray[np.uint8],
    kept: NDArray[np.uint8],
    learnt: NDArray[np.uint8],
    seed: int = 0,
) -> dict[str, Any]:
    """Distances of ``made`` to the drawings ``kept`` out of learning, beside those of as many
    drawings ``learnt`` from; and copies: what is more like a drawing that was learnt from than 99
    in 100 of those kept out are. Empty where there are too few of any."""
    if min(len(made), len(kept), len(learnt)) < FEWEST:
        return {}
    chance = np.random.default_rng(seed)
    kept = kept[chance.permutation(len(kept))[: len(made)]]
    theirs, ours, held = see(learnt), see(made), see(kept)
    sample = theirs[torch.from_numpy(chance.permutation(len(learnt))[: len(made)])]
    likeness, usual = nearest(ours, theirs), nearest(held, theirs)
    return {
        "pictures": len(made),
        "held_out": len(kept),
        "frechet": round(frechet(ours, held), 4),
        "frechet_of_learnt": round(frechet(sample, held), 4),
        "kernel": round(kernel(ours, held), 4),
        "kernel_of_learnt": round(kernel(sample, held), 4),
        "nearest_learnt": round(float(likeness.median()), 4),
        "nearest_learnt_of_held_out": round(float(usual.median()), 4),
        "copies": int((likeness > torch.quantile(usual, 0.99)).sum()),
    }
