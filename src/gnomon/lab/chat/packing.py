"""Several conversations in one row, none of which sees another."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

import torch
from torch import Tensor

from gnomon.lab.chat.render import Rendered
from gnomon.lab.model.generate import PAD
from gnomon.lab.model.gpt import GPT
from gnomon.lab.model.loss import summed_loss, token_losses


@dataclass(frozen=True, slots=True)
class Packed:
    """``ids``, ``targets`` and ``segments`` ``[B, T]``; ``weights`` ``[B, T]`` is 1 where the
    target is part of an answer. A piece of a step, as the loop takes it."""

    ids: Tensor
    targets: Tensor
    weights: Tensor
    segments: Tensor

    @property
    def size(self) -> int:
        """Tokens, without padding."""
        return int((self.segments != PAD).sum())

    def to(self, device: torch.device) -> Packed:
        return Packed(*(one.to(device) for one in
                        (self.ids, self.targets, self.weights, self.segments)))  # fmt: skip


def pack(lengths: Sequence[int], room: int) -> list[list[int]]:
    """Rows of indices whose lengths together fit ``room``: the longest first, each into the fullest
    row that has room (best-fit decreasing, at most 11/9 of the fewest rows and one more;
    https://doi.org/10.1137/0203025)."""
    rows: list[list[int]] = []
    free: list[tuple[int, int]] = []
    for index in sorted(range(len(lengths)), key=lambda i: (-lengths[i], i)):
        length = lengths[index]
        assert length <= room, "what does not fit was left out before"
        place = bisect_left(free, (length, -1))
        if place == len(free):
            rows.append([index])
            insort(free, (room - length, len(rows) - 1))
            continue
        left, row = free.pop(place)
        rows[row].append(index)
        insort(free, (left - length, row))
    return rows


def batch(rows: Sequence[Sequence[Rendered]]) -> Packed:
    """Rows of conversations as tensors; the rest of a row is padding of a segment of its own."""
    width = max(sum(len(one) for one in row) for row in rows)
    ids = torch.zeros((len(rows), width), dtype=torch.long)
    targets = torch.zeros_like(ids)
    weights = torch.zeros((len(rows), width))
    segments = torch.full((len(rows), width), PAD, dtype=torch.int32)
    for number, row in enumerate(rows):
        start = 0
        for segment, one in enumerate(row):
            end = start + len(one)
            ids[number, start:end] = torch.tensor(one.ids)
            targets[number, start : end - 1] = torch.tensor(one.ids[1:])
            weights[number, start : end - 1] = torch.tensor(one.learn[1:], dtype=torch.float)
            segments[number, start:end] = segment
            start = end
    return Packed(ids, targets, weights, segments)


class Schedule:
    """Which rows are learnt from at which step: every row once an epoch, in an order of its own;
    a function of the seed and the step alone. A step is cut into ``pieces``, one a process."""

    def __init__(
        self, windows: Sequence[Rendered], *, context: int, rows: int, seed: int, pieces: int = 1
    ) -> None:
        packed = pack([len(one) for one in windows], context)
        self._rows = [[windows[i] for i in row] for row in packed]
        while len(self._rows) < pieces:
            self._rows += self._rows[: pieces - len(self._rows)]
        self._per_step = max(pieces, min(rows, len(self._rows)))
        self._pieces = pieces
        self._seed = seed
        self._epoch, self._order = -1, list(range(len(self._rows)))

    @property
    def steps(self) -> int:
        """Of one epoch."""
        return max(1, len(self._rows) // self._per_step)

    def __call__(self, step: int) -> list[Packed]:
        """The pieces of a step."""
        epoch, place = divmod(step, self.steps)
        if epoch != self._epoch:
            self._order = list(range(len(self._rows)))
            Random(f"{self._seed}/{epoch}").shuffle(self._order)
            self._epoch = epoch
        mine = self._order[place * self._per_step :][: self._per_step]
        return [
            batch([self._rows[i] for i in mine[n :: self._pieces]]) for n in range(self._pieces)
        ]


def answer_loss(model: Any, piece: Packed) -> tuple[Tensor, float]:
    """The nats of all answer tokens, and how many these are."""
    hidden = model.hidden(piece.ids, segments=piece.segments)
    learnt = piece.weights > 0
    total = summed_loss(hidden[learnt], model.head, piece.targets[learnt], piece.weights[learnt])
    return total, float(piece.weights.sum())


@torch.no_grad()
def held_out_loss(model: GPT, pieces: Sequence[Packed]) -> float:
    """Mean nats of an answer token."""
    total, count = 0.0, 0
    for piece in pieces:
        learnt = piece.weights > 0
        hidden = model.hidden(piece.ids, segments=piece.segments)[learnt]
        total += float(token_losses(hidden, model.head, piece.targets[learnt]).sum())
        count += int(learnt.sum())
    return total / max(1, count)
