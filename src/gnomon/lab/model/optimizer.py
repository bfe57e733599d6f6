"""How weights move: Muon for matrices, AdamW for the rest, and how fast at which step."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

QUINTIC = (3.4445, -4.7750, 2.0315)
"""Coefficients of one Newton-Schulz step, chosen for a steep slope at zero
(https://kellerjordan.github.io/posts/muon/)."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """What a run of the loop is made of.

    ``matrix_rate`` is Muon's peak and ``rate`` AdamW's; ``matrix_rate`` 0 gives everything to
    AdamW. ``decay`` is the weight decay, times the rate, of matrices and embeddings
    (https://arxiv.org/abs/1711.05101). ``clip`` bounds the norm of the gradient. The rate rises
    over ``warm_up`` and falls to ``floor`` of its peak over ``cool_down``, both shares of
    ``steps`` (https://arxiv.org/abs/2405.18392). ``average`` is the share of the steps done over
    which the weights are averaged with fading memory for what is measured and kept; 0: the last
    weights are."""

    steps: int
    matrix_rate: float = 0.02
    rate: float = 3e-3
    momentum: float = 0.95
    betas: tuple[float, float] = (0.9, 0.95)
    decay: float = 0.1
    clip: float = 1.0
    warm_up: float = 0.02
    cool_down: float = 0.6
    floor: float = 0.0
    average: float = 0.0
    seed: int = 0


def pace(recipe: Recipe, step: int) -> float:
    """The share of its peak that the rate has at ``step``, counted from 0."""
    warm = max(1, round(recipe.steps * recipe.warm_up))
    cool = max(1, round(recipe.steps * recipe.cool_down))
    falling = recipe.floor + (1 - recipe.floor) * min(1.0, (recipe.steps - step) / cool)
    return min((step + 1) / warm, falling, 1.0)


def optimizers(
    module: nn.Module, recipe: Recipe, *, bf16: bool = False
) -> list[torch.optim.Optimizer]:
    """Muon over the matrices of the layers, AdamW over embeddings, norms and biases. ``bf16``:
    Muon's products are in bfloat16, which they bear well."""
    matrices, tables, vectors = _kinds(module)
    if not recipe.matrix_rate:
        matrices, tables = [], matrices + tables
    groups = [
        {"params": tables, "weight_decay": recipe.decay},
        {"params": vectors, "weight_decay": 0.0},
    ]
    made: list[torch.optim.Optimizer] = [
        torch.optim.AdamW(
            [group for group in groups if group["params"]],
            lr=recipe.rate,
            betas=recipe.betas,
            eps=1e-10,
            fused=True,
        )
    ]
    if matrices:
        made.append(Muon(matrices, recipe.matrix_rate, recipe.momentum, recipe.decay, bf16))
    for optimizer in made:
        for group in optimizer.param_groups:
            group["peak"] = group["lr"]
    return made


def _kinds(module: nn.Module) -> tuple[list[Tensor], list[Tensor], list[Tensor]]:
    tables = {id(one.weight) for one in module.modules() if isinstance(one, nn.Embedding)}
    kinds: tuple[list[Tensor], list[Tensor], list[Tensor]] = ([], [], [])
    for weight in module.parameters():
        if weight.requires_grad:
            kinds[2 if weight.ndim < 2 else 1 if id(weight) in tables else 0].append(weight)
    return kinds


class Muon(torch.optim.Optimizer):
    """Momentum, made orthogonal: every direction of a matrix moves alike
    (https://kellerjordan.github.io/posts/muon/). Matrices of one shape are done together."""

    def __init__(
        self, weights: Iterable[Tensor], rate: float, momentum: float = 0.95, decay: float = 0.0,
        bf16: bool = False,
    ) -> None:  # fmt: skip
        self.dtype = torch.bfloat16 if bf16 else torch.float32
        super().__init__(list(weights), {"lr": rate, "momentum": momentum, "weight_decay": decay})

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:
        assert closure is None
        for group in self.param_groups:
            weights = [weight for weight in group["params"] if weight.grad is not None]
            moments = [self._moment(weight) for weight in weights]
            grads = [weight.grad for weight in weights]
            torch._foreach_lerp_(moments, grads, 1 - group["momentum"])
            torch._foreach_lerp_(grads, moments, group["momentum"])
            if group["weight_decay"]:
                torch._foreach_mul_(weights, 1 - group["lr"] * group["weight_decay"])
            for rows in _by_shape(grads):
                self._turn([weights[row] for row in rows], [grads[row] for row in rows], group)

    def _moment(self, weight: Tensor) -> Tensor:
        state = self.state[weight]
        if "momentum" not in state:
            state["momentum"] = torch.zeros_like(weight)
        moment: Tensor = state["momentum"]
        return moment

    def _turn(
        self, weights: Sequence[Tensor], moves: Sequence[Tensor], group: dict[str, Any]
    ) -> None:
        """Move matrices that have one shape or its transpose. A tall one moves by more: its columns
        are longer for the same size of what they do."""
        whole = [move.full_tensor() if hasattr(move, "full_tensor") else move for move in moves]
        wide = [move if move.shape[0] <= move.shape[1] else move.T for move in whole]
        for weight, move, straight in zip(
            weights, moves, orthogonal(torch.stack(wide).to(self.dtype)), strict=True
        ):
            rows, columns = weight.shape
            step = straight if rows <= columns else straight.T
            scale = -group["lr"] * max(1.0, rows / columns) ** 0.5
            weight.add_(_like(step, move), alpha=scale)


def _by_shape(matrices: Sequence[Tensor]) -> list[list[int]]:
    found: dict[tuple[int, ...], list[int]] = {}
    for number, matrix in enumerate(matrices):
        found.setdefault(tuple(sorted(matrix.shape)), []).append(number)
    return list(found.values())


def _like(whole: Tensor, other: Tensor) -> Tensor:
    """``whole``, which every rank has, laid out over the ranks as ``other`` is."""
    if not hasattr(other, "full_tensor"):
        return whole.to(other.dtype)
    from torch.distributed.tensor import DTensor, Replicate

    everywhere = [Replicate()] * other.device_mesh.ndim
    held = DTensor.from_local(whole.to(other.dtype), other.device_mesh, everywhere)
    return held.redistribute(placements=other.placements)


def orthogonal(matrices: Tensor, steps: int = 5) -> Tensor:
    """About U V' of each U S V' in ``[n, rows, columns]``, rows <= columns, by Newton-Schulz."""
    a, b, c = QUINTIC
    x = matrices / (matrices.flatten(1).norm(dim=1)[:, None, None] + 1e-7)
    for _ in range(steps):
        gram = x @ x.mT
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x


class Average:
    """Weights averaged with fading memory over the last ``share`` of the steps done."""

    def __init__(self, module: nn.Module, share: float) -> None:
        self.share = share
        self.live = [weight for weight in module.parameters() if weight.requires_grad]
        self.held = [weight.detach().clone() for weight in self.live] if share else []

    @torch.no_grad()
    def add(self, step: int) -> None:
        """Take in the weights after ``step``, counted from 0."""
        if self.held:
            keep = math.exp(-1.0 / max(1.0, self.share * step))
            torch._foreach_lerp_(self.held, [one.detach() for one in self.live], 1 - keep)

    @torch.no_grad()
    def swap(self) -> None:
        """Put the average in the module's place, or what was there back."""
        for live, held in zip(self.live, self.held, strict=bool(self.held)):
            before = live.detach().clone()
            live.copy_(held)
            held.copy_(before)
