"""How a pretraining goes: what was asked, what the dial says, and what this machine can do."""

from __future__ import annotations

import importlib.util
import json
import shutil
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, distributed

from gnomon.errors import InputError
from gnomon.lab import dial
from gnomon.lab.model import memory, rates
from gnomon.lab.model.checkpoint import PLAN
from gnomon.lab.model.gpt import GPT, Shape
from gnomon.lab.model.kernels import SHORT
from gnomon.lab.model.loss import summed_loss
from gnomon.lab.model.parallel import World
from gnomon.lab.model.rows import Rows, Stream
from gnomon.lab.shards import Tokens
from gnomon.lab.workspace import fingerprint, write_json

PRECISIONS = ("auto", "bf16", "f32")
LONG_S = 600.0
"""From this length on a run repays what torch.compile takes at its start."""


@dataclass(frozen=True, slots=True)
class Settings:
    """``tokens`` to learn from in all, over however many passes; None: what the dial says.
    ``minutes`` instead: as many as this machine learns from in that time. ``rate_scale`` multiplies
    the rates. ``dropout`` None: by the number of passes. ``precision`` is "bf16", "f32" or "auto":
    the faster of the two here. ``compile`` None: where the run is long enough to repay it."""

    depth: int = 2
    seed: int = 0
    tokens: int | None = None
    minutes: float | None = None
    rate_scale: float = 1.0
    dropout: float | None = None
    precision: str = "auto"
    compile: bool | None = None
    spread: str = "ddp"

    def check(self) -> None:
        """Raises InputError for a value that cannot be used."""
        for name, value in (("tokens", self.tokens), ("minutes", self.minutes)):
            if value is not None and not value > 0:
                raise InputError(f"--{name} is {value}; give a number above 0.")
        if not 0 < self.rate_scale <= 100:
            raise InputError(
                f"--rate-scale is {self.rate_scale}; give a number above 0, up to 100."
            )
        if self.dropout is not None and not 0 <= self.dropout < 1:
            raise InputError(f"--dropout is {self.dropout}; give a number from 0 to below 1.")
        if self.precision not in PRECISIONS:
            raise InputError(f"--precision is {self.precision!r}; give {', '.join(PRECISIONS)}.")


def planned(
    settings: Settings, shape: Shape, learnt: Tokens, stream: Stream, folder: Path, at: World
) -> tuple[dial.Plan, dict[str, Any]]:
    """How the run goes, and how long. What was measured for it stays in ``plan.json``, so that a
    run that goes on is the one that was begun."""
    path = folder / PLAN
    asked = fingerprint({"settings": asdict(settings), "shape": asdict(shape)})
    run: dict[str, Any] = json.loads(path.read_text("utf-8")) if path.exists() else {}
    if run.get("asked") != asked:
        run = {"asked": asked, **_measured(settings, shape, learnt, stream, at)}
        if at.size > 1:
            found = [run]
            distributed.broadcast_object_list(found, src=0)
            run = found[0]
        if at.first:
            write_json(path, run)
    return dial.Plan(**run["plan"]), run


def _measured(
    settings: Settings, shape: Shape, learnt: Tokens, stream: Stream, at: World
) -> dict[str, Any]:
    """What the dial says, and what this machine can do: in how many pieces a step fits its memory,
    in which precision it is faster, and how many steps the time asked for is."""

    def by_dial(tokens: int | None) -> dial.Plan:
        return dial.plan(settings.depth, shape.parameters, len(learnt), tokens)

    plan = by_dial(settings.tokens)
    rows = max(at.size, plan.batch // shape.context)
    free = memory.available(at.device) // (1 if at.device.type == "cuda" else at.size)
    short = at.device.type == "cpu" and shape.context <= SHORT
    parts = memory.pieces(shape, rows, free, bf16=settings.precision == "bf16", short=short)
    probe = GPT(shape, settings.dropout or 0.0).to(at.device)
    some = stream.take(0, max(1, rows // max(parts, at.size)))
    bf16 = _bf16(settings.precision, probe, some, at)
    speed = _speed(probe, some, bf16, at)
    if settings.minutes is not None:
        plan = by_dial(max(1, round(settings.minutes * 60 * speed)))
    if settings.dropout is not None:
        plan = replace(plan, dropout=settings.dropout)
    long = plan.tokens / speed > LONG_S and can_compile(at.device)
    return {
        "rows": rows,
        "pieces": parts,
        "steps": max(1, plan.tokens // (rows * shape.context)),
        "bf16": bf16,
        "compile": long if settings.compile is None else settings.compile,
        "plan": asdict(plan),
    }


def can_compile(device: torch.device) -> bool:
    """Whether torch.compile has what it needs: Triton for a GPU, a C++ compiler for a CPU."""
    if device.type == "cuda":
        return importlib.util.find_spec("triton") is not None
    return any(shutil.which(name) for name in ("g++", "clang++"))


def row_loss(model: Any, rows: Rows) -> tuple[Tensor, Tensor]:
    """Nats over the rows' targets, and how many there are."""
    hidden = model.hidden(rows.ids, segments=rows.segments)
    weights = rows.weights.flatten()
    value = summed_loss(hidden.flatten(0, 1), model.head, rows.targets.flatten(), weights)
    return value, weights.sum()


def _bf16(precision: str, model: GPT, rows: Rows, at: World) -> bool:
    """Whether products are computed in bfloat16 here."""
    if precision != "auto" or at.device.type == "cuda":
        return precision != "f32"
    return rates.faster(
        lambda: _once(model, rows, False, at), lambda: _once(model, rows, True, at), at.device
    )


def _once(model: GPT, rows: Rows, bf16: bool, at: World) -> None:
    with torch.autocast(at.device.type, torch.bfloat16, enabled=bf16):
        value, _ = row_loss(model, rows.to(at.device))
        value.backward()
    model.zero_grad(set_to_none=True)


def _speed(model: GPT, rows: Rows, bf16: bool, at: World) -> float:
    """Tokens a second of a step, roughly."""
    _once(model, rows, bf16, at)
    began = time.perf_counter()
    for _ in range(3):
        _once(model, rows, bf16, at)
    return 3 * rows.size * at.size / (time.perf_counter() - began)
