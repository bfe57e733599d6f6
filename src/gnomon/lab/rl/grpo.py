"""GRPO: of several replies to one task, those that did better than the others become likelier.

Group-relative policy optimisation (Shao et al. 2024, https://arxiv.org/abs/2402.03300) with two
forms of the loss. The first divides a group's advantages by their standard deviation, and each
reply's loss by its length; by this, easy and hard tasks weigh more than those between, and of two
wrong replies the longer is punished less a token, so wrong replies grow. Dr. GRPO (Liu et al. 2025,
https://arxiv.org/abs/2503.20783) leaves both out and divides by a constant; it is what we take.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor

from gnomon.lab.model.generate import PAD
from gnomon.lab.model.gpt import GPT
from gnomon.lab.model.loss import token_losses
from gnomon.lab.rl.play import Reply

Form = Literal["dr-grpo", "grpo"]
FORMS = ("dr-grpo", "grpo")
_SPREAD_FLOOR = 1e-4


@dataclass(frozen=True, slots=True)
class Objective:
    """How replies become a loss. The ratio to the policy that drew a reply is clipped to ``1 -
    clip_low .. 1 + clip_high`` (the higher upper bound is DAPO's, https://arxiv.org/abs/2503.14476).
    ``kl`` weighs the distance to the model before; 0: none is kept in memory. ``temperature`` is
    the one that replies are drawn at: ratios are of that distribution. ``max_new`` is the constant
    length of Dr. GRPO."""

    form: Form = "dr-grpo"
    clip_low: float = 0.2
    clip_high: float = 0.28
    kl: float = 0.0
    temperature: float = 1.0
    max_new: int = 32


@dataclass(frozen=True, slots=True)
class Group:
    """Replies to one task, with what each was paid."""

    replies: tuple[Reply, ...]
    rewards: tuple[float, ...]

    @property
    def has_signal(self) -> bool:
        """Whether any reply did better than another."""
        return max(self.rewards) - min(self.rewards) > 1e-6


def advantages(rewards: Sequence[float], form: Form) -> list[float]:
    """Each reply's reward less the group's mean; with "grpo" divided by their deviation."""
    paid = torch.tensor(rewards, dtype=torch.float64)
    above = paid - paid.mean()
    if form == "grpo":
        above = above / (paid.std(correction=1) + _SPREAD_FLOOR)
    found: list[float] = above.tolist()
    return found


@dataclass(frozen=True, slots=True)
class Rollouts:
    """Replies as a piece of a step; every tensor is ``[n, T]``, position t being about the token
    at t + 1. ``weights`` is 0 where that token is not of a reply; ``before`` are the
    log-probabilities under the policy that drew it, ``anchor`` those under the model that must not
    be left (empty: none). ``count`` is what the sum is divided by."""

    ids: Tensor
    segments: Tensor
    targets: Tensor
    weights: Tensor
    gains: Tensor
    before: Tensor
    anchor: Tensor
    count: float

    @property
    def size(self) -> int:
        """Tokens, without padding."""
        return int((self.segments != PAD).sum())

    def to(self, device: torch.device) -> Rollouts:
        return Rollouts(
            self.ids.to(device), self.segments.to(device), self.targets.to(device),
            self.weights.to(device), self.gains.to(device), self.before.to(device),
            self.anchor.to(device), self.count,
        )  # fmt: skip


def rollouts(groups: Sequence[Group], objective: Objective) -> Rollouts:
    """The groups that teach something, side by side; those without signal are left out."""
    flat = [
        (reply, gain)
        for group in groups
        if group.has_signal
        for reply, gain in zip(
            group.replies, advantages(group.rewards, objective.form), strict=True
        )
    ]
    width = max((len(one.asked) + len(one.made.ids) for one, _ in flat), default=1)
    size = (len(flat), width)
    ids = torch.zeros(size, dtype=torch.long)
    segments = torch.full(size, PAD, dtype=torch.int32)
    targets = torch.zeros_like(ids)
    weights, gains, before = torch.zeros(size), torch.zeros(size), torch.zeros(size)
    for row, (reply, gain) in enumerate(flat):
        whole = [*reply.asked, *reply.made.ids]
        first, last = len(reply.asked) - 1, len(whole) - 1
        ids[row, : len(whole)] = torch.tensor(whole)
        segments[row, : len(whole)] = 0
        targets[row, first:last] = torch.tensor(reply.made.ids)
        weights[row, first:last] = 1.0 / (last - first) if objective.form == "grpo" else 1.0
        gains[row, first:last] = gain
        before[row, first:last] = torch.tensor(reply.made.log_probs)
    count = len(flat) * (1.0 if objective.form == "grpo" else float(objective.max_new))
    return Rollouts(ids, segments, targets, weights, gains, before, torch.empty(0), count)


def log_probs(model: Any, piece: Rollouts, temperature: float) -> Tensor:
    """Of every reply's tokens, ``[m]``, row by row."""
    told = piece.weights > 0
    hidden = model.hidden(piece.ids, segments=piece.segments)[told]
    return -token_losses(hidden / temperature, model.head, piece.targets[told])


@torch.no_grad()
def anchored(piece: Rollouts, model: GPT, temperature: float) -> Rollouts:
    """The same with the log-probabilities under the model that must not be left, where that is."""
    piece = piece.to(model.head.device)
    anchor = torch.zeros_like(piece.before)
    anchor[piece.weights > 0] = log_probs(model, piece, temperature)
    return Rollouts(
        piece.ids, piece.segments, piece.targets, piece.weights, piece.gains, piece.before, anchor,
        piece.count,
    )  # fmt: skip


class GroupLoss:
    """The clipped surrogate, as the loop takes it: a sum, and what it is a sum over."""

    def __init__(self, objective: Objective) -> None:
        self.objective = objective

    def __call__(self, model: Any, piece: Rollouts) -> tuple[Tensor, float]:
        told = piece.weights > 0
        if not bool(told.any()):
            nothing: Tensor = model.head.sum() * 0.0
            return nothing, 0.0
        new = log_probs(model, piece, self.objective.temperature)
        each = -surrogate(new, piece.before[told], piece.gains[told], self.objective)
        if piece.anchor.numel():
            each = each + self.objective.kl * divergence(new, piece.anchor[told])
        return (each * piece.weights[told]).sum(), piece.count


def surrogate(new: Tensor, before: Tensor, gains: Tensor, objective: Objective) -> Tensor:
    """PPO's pessimistic bound (https://arxiv.org/abs/1707.06347), to be made large; all ``[m]``."""
    ratio = (new - before).exp()
    clipped = ratio.clamp(1 - objective.clip_low, 1 + objective.clip_high)
    return torch.minimum(ratio * gains, clipped * gains)


def divergence(new: Tensor, anchor: Tensor) -> Tensor:
    """KL(new || anchor) a token, estimated from what the former drew; never negative (k3 of
    http://joschu.net/blog/kl-approx.html)."""
    behind = anchor - new
    return behind.exp() - behind - 1
