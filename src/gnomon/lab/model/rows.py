"""Documents side by side in rows of one length, none of which sees another.

A document ``d1 .. dn`` is learnt as ``END d1 .. dn`` to ``d1 .. dn END``: what comes first is
predicted, too, from END, as the evaluation harness does it
(https://github.com/EleutherAI/lm-evaluation-harness/blob/main/docs/model_guide.md). One that is
longer than a row is cut; rows are filled best-fit, so that few others are
(https://arxiv.org/abs/2404.10830).
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from gnomon.lab.shards import Tokens

WINDOW = 2**16
"""Documents that are packed together; what is left open at its end is closed."""
PAD = -1

Piece = tuple[int, int, int]
"""A document's number, where in it a piece begins, and its length in tokens."""
Row = list[Piece]


@dataclass(frozen=True, slots=True)
class Rows:
    """``ids``, ``targets`` and ``segments`` ``[B, T]``, ``weights`` ``[B, T]`` float32: 0 where
    nothing is to be learnt. ``segments`` None: each row is of one document."""

    ids: Tensor
    targets: Tensor
    weights: Tensor
    segments: Tensor | None = None

    @property
    def size(self) -> int:
        """Tokens, padding left out."""
        return int((self.segments != PAD).sum()) if self.segments is not None else self.ids.numel()

    def to(self, device: torch.device) -> Rows:
        ids, targets, weights = (
            one.to(device, non_blocking=True) for one in (self.ids, self.targets, self.weights)
        )
        segments = None if self.segments is None else self.segments.to(device, non_blocking=True)
        return Rows(ids, targets, weights, segments)

    def cut(self, pieces: int) -> list[Rows]:
        """The same rows in that many parts, as even as can be."""
        parts = [one.tensor_split(pieces) for one in (self.ids, self.targets, self.weights)]
        if self.segments is not None:
            parts.append(self.segments.tensor_split(pieces))
        return [Rows(*part) for part in zip(*parts, strict=True) if len(part[0])]


def pack(lengths: Sequence[int], width: int) -> list[Row]:
    """Pieces of documents of ``lengths`` tokens in rows of ``width``: each goes where it leaves the
    least room, in their order of length; a row is a list of pieces."""
    rows: list[Row] = []
    pieces = []
    for number, length in enumerate(lengths):
        for begin in range(0, length, width):
            pieces.append((number, begin, min(width, length - begin)))
    order = sorted(range(len(pieces)), key=lambda at: -pieces[at][2])
    open_rows: list[tuple[int, int]] = []
    for at in order:
        piece = pieces[at]
        found = bisect_left(open_rows, (piece[2], -1))
        if found < len(open_rows):
            room, row = open_rows.pop(found)
            rows[row].append(piece)
        else:
            room, row = width, len(rows)
            rows.append([piece])
        if room > piece[2]:
            insort(open_rows, (room - piece[2], row))
    return rows


class Stream:
    """The rows of a split in the order of ``seed``, epoch after epoch: every document once in each.

    Reading goes forward; going back begins anew."""

    def __init__(self, tokens: Tokens, width: int, seed: int) -> None:
        self.tokens, self.width, self.seed = tokens, width, seed
        starts = tokens.document_starts
        self.starts = starts
        self.lengths = np.diff(np.append(starts, len(tokens)))
        self._reset()

    def _reset(self) -> None:
        self._windows = self._packed()
        self._rows: list[Row] = []
        self._first = 0

    def _packed(self) -> Iterator[list[Row]]:
        epoch = 0
        while True:
            chance = np.random.default_rng((self.seed, epoch))
            order = chance.permutation(len(self.starts))
            for begin in range(0, len(order), WINDOW):
                numbers = order[begin : begin + WINDOW]
                rows = pack(self.lengths[numbers].tolist(), self.width)
                named = [[(int(numbers[n]), at, size) for n, at, size in row] for row in rows]
                yield [named[place] for place in chance.permutation(len(named))]
            epoch += 1

    def take(self, first: int, count: int) -> Rows:
        """Rows ``first`` to ``first + count``."""
        if first < self._first:
            self._reset()
        while self._first + len(self._rows) < first + count:
            spent = max(0, min(first - self._first, len(self._rows)))
            self._rows = self._rows[spent:] + next(self._windows)
            self._first += spent
        at = first - self._first
        return rows_of(self.tokens, self._rows[at : at + count], self.width, self.starts)


def once(tokens: Tokens, width: int, documents: npt.NDArray[np.int64]) -> list[Row]:
    """These documents packed, each once."""
    lengths = np.diff(np.append(tokens.document_starts, len(tokens)))[documents]
    rows = pack(lengths.tolist(), width)
    return [[(int(documents[n]), at, size) for n, at, size in row] for row in rows]


def rows_of(tokens: Tokens, rows: Sequence[Row], width: int, starts: npt.NDArray[np.int64]) -> Rows:
    """The tensors of packed rows."""
    count = len(rows)
    ids = np.full((count, width), tokens.end, np.int64)
    targets = np.full((count, width), tokens.end, np.int64)
    segments = np.full((count, width), PAD, np.int32)
    for number, row in enumerate(rows):
        at = 0
        for segment, (document, begin, size) in enumerate(row):
            start = int(starts[document]) + begin
            wanted = tokens.read(start, start + size)
            targets[number, at : at + size] = wanted
            ids[number, at + 1 : at + size] = wanted[:-1]
            if begin:
                ids[number, at] = tokens.read(start - 1, start)[0]
            segments[number, at : at + size] = segment
            at += size
    weights = (segments != PAD).astype(np.float32)
    return Rows(*(torch.from_numpy(one) for one in (ids, targets, weights, segments)))
