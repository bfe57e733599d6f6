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
from gnomon.lab.model.rows import Stream


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
    a function of the seed and the step alone. A step has ``rows`` of them and is cut into
    ``pieces``, one a process."""

    def __init__(
        self, windows: Sequence[Rendered], *, context: int, rows: int, seed: int, pieces: int = 1
    ) -> None:
        packed = pack([len(one) for one in windows], context)
        self._rows = [[windows[i] for i in row] for row in packed]
        while len(self._rows) < pieces:
            self._rows += self._rows[: pieces - len(self._rows)]
        self.rows = max(pieces, min(rows, len(self._rows)))
        self.pieces = pieces
        self._seed = seed
        self._epoch, self._order = -1, list(range(len(self._rows)))

    @property
    def steps(self) -> int:
        """Of one epoch."""
        return max(1, len(self._rows) // self.rows)

    def __call__(self, step: int) -> list[Packed]:
        """The pieces of a step."""
        epoch, place = divmod(step, self.steps)
        if epoch != self._epoch:
            self._order = list(range(len(self._rows)))
            Random(f"{self._seed}/{epoch}").shuffle(self._order)
            self._epoch = epoch
        mine = self._order[place * self.rows :][: self.rows]
        return [batch([self._rows[i] for i in mine[n :: self.pieces]]) for n in range(self.pieces)]


class Rehearsal:
    """The pieces of a step of ``talks``, and beside them rows of the text that the model comes
    from, the ``share`` of all rows, so that it is not forgotten for conversations
    (https://arxiv.org/abs/2205.12393; in learning by trying it is InstructGPT's pretraining mix,
    https://arxiv.org/abs/2203.02155). Every token of theirs is learnt. Which rows is a function of
    the step alone."""

    def __init__(self, talks: Schedule, texts: Stream, share: float) -> None:
        assert 0 < share < 1, share
        self._talks, self._texts = talks, texts
        self._a_step = talks.rows * share / (1 - share) / talks.pieces

    @property
    def steps(self) -> int:
        """Of one epoch of the conversations."""
        return self._talks.steps

    def __call__(self, step: int) -> list[Packed]:
        """The pieces of a step: as many more for each process as there are rows for each."""
        pieces, parts = self._talks(step), self._talks.pieces
        first, last = (int(one * self._a_step) * parts for one in (step, step + 1))
        if last > first:
            rows = self._texts.take(first, last - first)
            for one in rows.cut(parts):
                assert one.segments is not None
                pieces.append(Packed(one.ids, one.targets, one.weights, one.segments))
        return pieces


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
