"""What CLIP learns by: each picture to its own words among all that are in the step.

Two pairs that show one concept, or have one caption, are no negatives of each other: they are left
out of each other's sums.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, distributed
from torch.nn import functional

from gnomon.lab.clip.model import Clip
from gnomon.lab.clip.pairs import Pairs

LOSSES = ("softmax", "sigmoid")
HEAPS = 4
"""Texts are computed in so many heaps, by their length: captions are short but for a few."""


class Everywhere(torch.autograd.Function):
    """The rows of every process, in their order; what each learns about a row goes back to it."""

    @staticmethod
    def forward(ctx: Any, rows: Tensor) -> Tensor:
        ctx.rows = len(rows)
        parts = [torch.empty_like(rows) for _ in range(distributed.get_world_size())]
        distributed.all_gather(parts, rows.contiguous())
        return torch.cat(parts)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Tensor:
        grad = grads[0].contiguous()
        distributed.all_reduce(grad)
        first = distributed.get_rank() * ctx.rows
        return grad[first : first + ctx.rows]


def everywhere(rows: Tensor) -> Tensor:
    """``[B, ...]`` of this process to those of all; with one process, as it is."""
    if not (distributed.is_available() and distributed.is_initialized()):
        return rows
    gathered: Tensor = Everywhere.apply(rows)
    return gathered


def contrast(model: Clip, pairs: Pairs) -> tuple[Tensor, float]:
    """The softmax loss summed over this process's pairs, and how many they are: the cross-entropy
    of a picture's words among all, and of words' picture, in equal parts
    (https://arxiv.org/abs/2103.00020, figure 3)."""
    pictures, texts, alike = _embedded(model, pairs)
    scale, here = model.scale, _here(len(pictures), pictures.device)
    total = pictures.new_zeros(())
    for one, other in ((pictures, texts), (texts, pictures)):
        logits = (scale * one @ everywhere(other).T).masked_fill(alike, -torch.inf)
        total = total + functional.cross_entropy(logits, here, reduction="sum")
    return total / 2, float(len(pictures))


def sigmoids(model: Clip, pairs: Pairs) -> tuple[Tensor, float]:
    """The sigmoid loss summed over this process's pictures, and how many they are: every pair in
    the step is judged by itself (https://arxiv.org/abs/2303.15343, algorithm 1)."""
    assert model.logit_bias is not None, "Shape(bias=True)"
    pictures, texts, alike = _embedded(model, pairs)
    logits = model.scale * pictures @ everywhere(texts).T + model.logit_bias
    here = _here(len(pictures), pictures.device)
    sign = torch.full_like(logits, -1.0)
    sign[torch.arange(len(here), device=here.device), here] = 1.0
    losses = -functional.logsigmoid(sign * logits).masked_fill(alike, 0.0)
    return losses.sum(), float(len(pictures))


def _here(count: int, device: torch.device) -> Tensor:
    """Where this process's pairs are among all."""
    rank = distributed.get_rank() if distributed.is_initialized() else 0
    return torch.arange(count, device=device) + rank * count


def _embedded(model: Clip, pairs: Pairs) -> tuple[Tensor, Tensor, Tensor]:
    """Unit rows of pictures and texts ``[B, D]``, and ``[B, B of all]``: who is no negative of
    whom."""
    pictures = model.embed_pictures(pairs.values(), pairs.kept)
    texts = _read(model, pairs)
    names = torch.stack([pairs.concepts, pairs.captions], dim=1)
    others = _names(names)
    alike = (names[:, None] == others[None]).any(dim=2)
    here = _here(len(names), names.device)
    alike[torch.arange(len(here), device=here.device), here] = False
    return pictures, texts, alike


def _read(model: Clip, pairs: Pairs) -> Tensor:
    """Texts of like length together, so that little of what is computed is padding."""
    lengths = pairs.mask.sum(dim=1)
    order = lengths.argsort(stable=True)
    rows = []
    for part in order.chunk(HEAPS):
        width = int(lengths[part].max())
        rows.append(model.embed_texts(pairs.ids[part, :width], pairs.mask[part, :width]))
    return torch.cat(rows)[order.argsort()]


def _names(names: Tensor) -> Tensor:
    if not distributed.is_initialized():
        return names
    parts = [torch.empty_like(names) for _ in range(distributed.get_world_size())]
    distributed.all_gather(parts, names)
    return torch.cat(parts)
