"""What a run takes of memory, before it begins: a refusal that says what would fit is kinder than a
process that the kernel ends."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import torch

from gnomon.errors import InputError
from gnomon.lab import dial
from gnomon.lab.model.gpt import Shape
from gnomon.lab.model.loss import PIECE

STATE_BYTES = 20
"""A parameter's weight, gradient, two moments and average in float32; Muon keeps one moment less
(https://arxiv.org/abs/1910.02054, section 3.1, without the copies in half precision)."""
BASE_BYTES = 600 * 2**20
"""The process itself, its libraries and what it reads."""


@dataclass(frozen=True, slots=True)
class Need:
    """Bytes that a run takes: what it always holds, and what each row of a piece adds."""

    held: int
    row: int

    def total(self, rows: int) -> int:
        return self.held + rows * self.row


def need(shape: Shape, *, bf16: bool, short: bool) -> Need:
    """What learning takes. Each layer keeps for the way back, of each token, what went into its
    products and norms: 14 times the width and 4 times the inner width
    (https://arxiv.org/abs/2205.05198, section 4.1, counted anew for this model). ``short``: scores
    of attention are kept whole, ``heads * context`` numbers a token, twice."""
    size = 2 if bf16 else 4
    numbers = 14 * shape.width + 4 * shape.ffn
    if short:
        numbers += 2 * shape.heads * shape.context
    token = shape.layers * numbers * size + 12 * shape.width
    held = BASE_BYTES + STATE_BYTES * shape.parameters + 3 * PIECE * 4
    return Need(held, token * shape.context)


def available(device: torch.device) -> int:
    """Bytes that a process could have now: of the GPU, or as the kernel estimates it
    (MemAvailable, https://docs.kernel.org/filesystems/proc.html), within the control group's limit.
    0: not known."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    try:
        told = re.search(r"MemAvailable:\s+(\d+) kB", Path("/proc/meminfo").read_text())
    except OSError:
        return 0
    free = int(told[1]) * 1024 if told else 0
    return min(free, _left_in_group() or free)


def _left_in_group() -> int:
    """What the control group of this process still allows (cgroup v2); 0: no limit is known."""
    group = Path("/sys/fs/cgroup")
    try:
        limit = (group / "memory.max").read_text().strip()
        used = int((group / "memory.current").read_text())
    except (OSError, ValueError):
        return 0
    return 0 if limit == "max" else max(1, int(limit) - used)


def pieces(shape: Shape, rows: int, free: int, *, bf16: bool, short: bool) -> int:
    """In how many parts the rows of a step are computed so that one fits in ``free`` bytes.

    Raises InputError where not even one row fits, and says which depth would."""
    if not free:
        return 1
    wanted = need(shape, bf16=bf16, short=short)
    for parts in range(1, rows + 1):
        if wanted.total(-(-rows // parts)) <= free:
            return parts
    raise InputError(
        f"A model of {shape.layers} layers takes {wanted.total(1) / 2**30:.1f} GiB to train and "
        f"{free / 2**30:.1f} GiB are free; {_fitting(shape, free, bf16, short)}."
    )


def _fitting(shape: Shape, free: int, bf16: bool, short: bool) -> str:
    for depth in range(min(shape.layers, dial.MAX_DEPTH) - 1, 0, -1):
        smaller = Shape.of(dial.sizes(depth), vocab=min(shape.vocab, dial.sizes(depth).vocab))
        if need(smaller, bf16=bf16, short=short).total(1) <= free:
            return f"--depth {depth} would fit"
    return "not even --depth 1 fits: free some memory"
