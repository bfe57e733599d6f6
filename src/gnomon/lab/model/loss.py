"""Cross-entropy without all logits at once: a piece of the rows at a time, its gradient with it.

At a vocabulary of 32,768 the logits of 16,384 tokens are 2 GiB and their gradient as much again;
a piece fits the cache. The idea is Liger's fused linear cross-entropy
(https://arxiv.org/abs/2410.10989).
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

PIECE = 2**20
"""Logits in one piece: 4 MiB of float32."""


def summed_loss(hidden: Tensor, head: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
    """The sum of ``weights[i]`` times the nats that ``targets[i]`` costs.

    ``hidden`` ``[n, width]``, ``head`` ``[vocab, width]``, ``targets`` ``[n]``, ``weights``
    ``[n]``. Gradients go to ``hidden`` and ``head``; they are made on the way forward, where the
    logits are, so that no piece is computed twice. Under autocast, products are in its type."""
    dtype = (
        torch.get_autocast_dtype(hidden.device.type)
        if torch.is_autocast_enabled(hidden.device.type)
        else hidden.dtype
    )
    total: Tensor = _Summed.apply(hidden, head, targets, weights, dtype)
    return total


def token_losses(hidden: Tensor, head: Tensor, targets: Tensor) -> Tensor:
    """Nats that each of ``targets`` ``[n]`` costs, ``[n]`` float32, to be differentiated or not."""
    found = [
        torch.nn.functional.cross_entropy(
            torch.nn.functional.linear(rows, head).float(), wanted, reduction="none"
        )
        for rows, wanted in zip(hidden.split(_rows(head)), targets.split(_rows(head)), strict=True)
    ]
    return torch.cat(found) if found else hidden.new_zeros(0)


def _rows(head: Tensor) -> int:
    scale = 16 if head.is_cuda else 1
    return max(64, scale * PIECE // head.shape[0])


class _Summed(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, hidden: Tensor, head: Tensor, targets: Tensor, weights: Tensor, dtype: torch.dtype
    ) -> Tensor:
        with torch.autocast(hidden.device.type, enabled=False):
            low, table = hidden.to(dtype), head.to(dtype)
            to_hidden = torch.empty_like(low)
            to_head = torch.zeros_like(head, dtype=torch.float32)
            total = torch.zeros((), dtype=torch.float32, device=hidden.device)
            pieces = zip(
                low.split(_rows(head)),
                targets.split(_rows(head)),
                weights.split(_rows(head)),
                to_hidden.split(_rows(head)),
                strict=True,
            )
            for rows, wanted, weight, out in pieces:
                logs = torch.log_softmax((rows @ table.T).float(), dim=-1)
                total -= (logs.gather(1, wanted[:, None]).squeeze(1) * weight).sum()
                slope = logs.exp_()
                slope.scatter_add_(1, wanted[:, None], slope.new_full((len(wanted), 1), -1.0))
                slope = slope.mul_(weight[:, None]).to(dtype)
                torch.mm(slope, table, out=out)
                if dtype == torch.float32:
                    to_head.addmm_(slope.T, rows)
                else:
                    to_head += slope.T @ rows
        ctx.save_for_backward(to_hidden, to_head)
        ctx.types = (hidden.dtype, head.dtype)
        return total

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Any:
        to_hidden, to_head = ctx.saved_tensors
        first, second = ctx.types
        scale = grads[0]
        return (to_hidden * scale).to(first), (to_head * scale).to(second), None, None, None
