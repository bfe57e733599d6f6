"""The stage *pretrain*: tokens to a model that has read them."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gnomon.errors import InputError
from gnomon.lab import dial
from gnomon.lab.command import Bench
from gnomon.lab.model import rates
from gnomon.lab.model.gpt import GPT, Shape
from gnomon.lab.model.loop import Job, Trained, train
from gnomon.lab.model.loss import summed_loss, token_losses
from gnomon.lab.model.optimizer import Recipe
from gnomon.lab.model.parallel import World, spread, world
from gnomon.lab.model.rows import PAD, Rows, Stream, once, rows_of
from gnomon.lab.model.stock import save
from gnomon.lab.shards import Tokens, open_tokens
from gnomon.lab.workspace import Workspace

STAGE = "pretrain"
MODEL = "model"
LOOK_TOKENS = 2**20
"""So many tokens of the validation split are measured on, spread evenly over its documents."""


@dataclass(frozen=True, slots=True)
class Settings:
    """``tokens`` to learn from in all, over however many passes; None: what the dial says.
    ``minutes`` instead: as many as this machine learns from in that time. ``rate_scale`` multiplies
    the rates. ``precision`` is "bf16", "f32" or "auto": the faster of the two here."""

    depth: int = 2
    seed: int = 0
    tokens: int | None = None
    minutes: float | None = None
    rate_scale: float = 1.0
    dropout: float | None = None
    precision: str = "auto"
    compile: bool = False
    spread: str = "ddp"


def pretrain(work: Workspace, bench: Bench, settings: Settings) -> dict[str, Any]:
    """Learn from the tokens of the stage before; the report, with ``folder`` that of the model.

    Raises InputError for settings or tokens that cannot be used, ModelError where the loss is no
    longer a number, StoreFull where a checkpoint does not fit."""
    before = work.needs("tokenizer", wanted_by=STAGE)
    inputs = {"settings": asdict(settings), "tokenizer": before.get("inputs")}
    if (found := work.current(STAGE, inputs)) is not None:
        return found
    torch.set_num_threads(bench.threads)
    with world() as at:
        folder = work.begin(STAGE, inputs) if at.first else work.folder / STAGE
        report = _learn(work, bench, settings, folder, at)
        if not at.first:
            return report
        return work.finish(STAGE, inputs, report, text(report))


def _learn(
    work: Workspace, bench: Bench, settings: Settings, folder: Path, at: World
) -> dict[str, Any]:
    sizes = dial.sizes(settings.depth)
    held = work.stage("tokenizer") / "tokens"
    learnt, watched = open_tokens(held, "train"), open_tokens(held, "val")
    if not learnt.documents:
        raise InputError(f"{held} holds no document to learn from; give `gnomon lab data` more.")
    shape = Shape.of(sizes, vocab=learnt.vocab)
    plan = dial.plan(settings.depth, shape.parameters, len(learnt))
    torch.manual_seed(settings.seed)
    model = GPT(shape, plan.dropout if settings.dropout is None else settings.dropout)
    model.to(at.device)
    stream = Stream(learnt, shape.context, settings.seed)
    rows = max(at.size, plan.batch // shape.context)
    bf16 = _bf16(settings.precision, model, stream.take(0, rows), at)
    total = settings.tokens or plan.tokens
    if settings.minutes is not None:
        total = round(settings.minutes * 60 * _speed(model, stream.take(0, rows), bf16, at))
    steps = max(1, total // (rows * shape.context))
    recipe = Recipe(
        steps=steps,
        matrix_rate=plan.matrix_rate * settings.rate_scale,
        rate=plan.rate * settings.rate_scale,
        decay=plan.decay,
        average=plan.average,
        seed=settings.seed,
    )
    spread(model, settings.spread, at)
    top, source = rates.peak(at.device)
    job = Job(
        stage=STAGE,
        folder=folder,
        reporter=bench.reporter,
        identity={"shape": asdict(shape), "tokenizer": learnt.tokenizer_sha256, "rows": rows},
        spread=settings.spread,
        bf16=bf16,
        compile=settings.compile,
        look_every=max(1, steps // 8),
        flops=rates.flops_per_token(shape, shape.context),
        peak_flops=top * at.size,
    )

    def batches(step: int) -> list[Rows]:
        return stream.take(step * rows, rows).cut(at.size)

    trained = train(
        model, batches, row_loss, recipe, job, at, look=lambda one: measure(one, watched)
    )
    if at.first:
        save(model, folder / MODEL)
    return _report(folder, shape, learnt, trained, job, source, settings)


def row_loss(model: Any, rows: Rows) -> tuple[Tensor, float]:
    """Nats over the rows' targets, and how many there are."""
    hidden = model.hidden(rows.ids, segments=rows.segments)
    weights = rows.weights.flatten()
    value = summed_loss(hidden.flatten(0, 1), model.head, rows.targets.flatten(), weights)
    return value, float(weights.sum())


def measure(model: Any, tokens: Tokens, batch: int = 16) -> dict[str, float]:
    """Nats a token and bits a byte over a split, or over ``LOOK_TOKENS`` of it."""
    if not tokens.documents:
        return {}
    every = max(1, len(tokens) // LOOK_TOKENS)
    chosen = np.arange(0, tokens.documents, every)
    width = model.shape.context
    packed = once(tokens, width, chosen)
    total = count = 0.0
    for first in range(0, len(packed), batch):
        rows = rows_of(tokens, packed[first : first + batch], width, tokens.document_starts)
        rows = rows.to(model.head.device)
        hidden = model.hidden(rows.ids, segments=rows.segments).flatten(0, 1)
        kept = rows.segments.flatten() != PAD
        losses = token_losses(hidden[kept], model.head, rows.targets.flatten()[kept])
        total += float(losses.double().sum())
        count += len(losses)
    nats = total / count
    return {"val_loss": nats, "bits_per_byte": nats / math.log(2) / tokens.bytes_per_token}


def _bf16(precision: str, model: GPT, rows: Rows, at: World) -> bool:
    """Whether products are computed in bfloat16 here."""
    if precision not in ("auto", "bf16", "f32"):
        raise InputError(f"--precision is {precision!r}; give auto, bf16 or f32.")
    if precision != "auto" or at.size > 1:
        return precision == "bf16" or (precision == "auto" and at.device.type == "cuda")
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


def _report(
    folder: Path, shape: Shape, learnt: Tokens, trained: Trained, job: Job, source: str,
    settings: Settings,
) -> dict[str, Any]:  # fmt: skip
    return {
        "folder": str(folder / MODEL),
        "parameters": shape.parameters,
        "shape": asdict(shape),
        "steps": trained.steps,
        "tokens": trained.seen,
        "epochs": round(trained.seen / len(learnt), 3),
        "train_loss": trained.loss,
        **trained.looks,
        "seconds": round(trained.seconds, 1),
        "tokens_per_s": round(trained.per_s, 1),
        "precision": "bf16" if job.bf16 else "f32",
        "mfu": round(job.flops * trained.per_s / job.peak_flops, 4),
        "mfu_formula": rates.FORMULA,
        "peak": source,
        "seed": settings.seed,
    }


def text(report: Mapping[str, Any]) -> str:
    """The report for a person."""
    rows = "\n".join(
        f"| {name.replace('_', ' ')} | {value} |"
        for name, value in report.items()
        if not isinstance(value, dict)
    )
    return f"# Pretraining\n\n| | |\n|---|---|\n{rows}\n\n![loss](curve.svg)\n"
