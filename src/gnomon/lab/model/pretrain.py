"""The stage *pretrain*: tokens to a model that has read them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from gnomon.energy import Ledger
from gnomon.errors import InputError
from gnomon.lab import dial
from gnomon.lab.command import Bench
from gnomon.lab.model import rates
from gnomon.lab.model.checkpoint import ENERGY, forget
from gnomon.lab.model.gpt import GPT, Shape
from gnomon.lab.model.loop import Job, Trained, train
from gnomon.lab.model.loss import token_losses
from gnomon.lab.model.optimizer import Recipe
from gnomon.lab.model.parallel import World, gathered, spread, world
from gnomon.lab.model.planning import Settings, planned, row_loss
from gnomon.lab.model.rows import Rows, Stream, once, rows_of
from gnomon.lab.model.stock import save
from gnomon.lab.progress import Silence
from gnomon.lab.shards import Tokens, open_tokens
from gnomon.lab.workspace import Workspace

__all__ = ["Settings", "measure", "pretrain", "row_loss"]

STAGE = "pretrain"
MODEL = "model"
TARGETS = (5.0, 4.5, 4.0, 3.75, 3.5, 3.25, 3.0)
"""Validation losses in nats a token, for which the joules up to them are told."""
LOOK_TOKENS = 2**20
"""So many tokens of the validation split are measured on, spread evenly over its documents."""


def pretrain(
    work: Workspace, bench: Bench, settings: Settings, *, anew: bool = False
) -> dict[str, Any]:
    """Learn from the tokens of the stage before; the report, with ``folder`` that of the model.

    A run that was cut goes on from its checkpoint, unless ``anew``. Raises InputError for settings
    or tokens that cannot be used, ModelError where the loss is no longer a number, StoreFull where
    a checkpoint does not fit."""
    settings.check()
    before = work.needs("tokenizer", wanted_by=STAGE)
    inputs = {"settings": asdict(settings), "tokenizer": before.get("inputs")}
    if not anew and (found := work.current(STAGE, inputs)) is not None:
        return found
    torch.set_num_threads(bench.threads)
    with world() as at:
        folder = work.folder / STAGE
        if at.first:
            folder = work.begin(STAGE, inputs)
            if anew:
                forget(folder)
        at.wait()
        report = _learn(work, bench, settings, folder, at)
        if at.first:
            report = work.finish(STAGE, inputs, report, text(report))
            forget(folder)
        at.wait()
        return report


def _learn(
    work: Workspace, bench: Bench, settings: Settings, folder: Path, at: World
) -> dict[str, Any]:
    held = work.stage("tokenizer") / "tokens"
    learnt, watched = open_tokens(held, "train"), open_tokens(held, "val")
    if not learnt.documents:
        raise InputError(
            f"{held} holds no document to learn from; `gnomon lab data` needs more posts."
        )
    shape = Shape.of(dial.sizes(settings.depth), vocab=learnt.vocab)
    torch.manual_seed(settings.seed)
    stream = Stream(learnt, shape.context, settings.seed)
    plan, run = planned(settings, shape, learnt, stream, folder, at)
    model = GPT(shape, plan.dropout).to(at.device)
    spread(model, settings.spread, at)
    recipe = Recipe(
        steps=run["steps"],
        matrix_rate=plan.matrix_rate * settings.rate_scale,
        rate=plan.rate * settings.rate_scale,
        decay=plan.decay,
        average=plan.average,
        seed=settings.seed,
    )
    job = _job(bench, settings, shape, learnt, run, folder, at)
    parts = at.size * -(-run["pieces"] // at.size)

    def batches(step: int) -> list[Rows]:
        return stream.take(step * run["rows"], run["rows"]).cut(parts)

    few = max(2**14, learnt_tokens(run, shape) // 100)
    ledger = Ledger(folder / ENERGY, targets=TARGETS) if at.first else None
    with ledger or nullcontext():
        job = replace(job, energy=ledger)
        look = partial(measure, tokens=watched, most=few)
        trained = train(model, batches, row_loss, recipe, job, at, look=look)
    model.eval()
    with torch.no_grad():
        last = measure(model, watched, most=max(2**18, learnt_tokens(run, shape) // 20))
    whole = gathered(model)
    if at.first:
        save(model, folder / MODEL, whole)
    report = _report(folder, shape, learnt, trained, job, plan, last)
    return report | ({"energy": ledger.spent().as_json()} if ledger else {})


def learnt_tokens(run: Mapping[str, Any], shape: Shape) -> int:
    """Places for tokens in all steps of a run."""
    return int(run["steps"] * run["rows"] * shape.context)


def _job(
    bench: Bench, settings: Settings, shape: Shape, learnt: Tokens, run: Mapping[str, Any],
    folder: Path, at: World,
) -> Job:  # fmt: skip
    top, source = rates.peak(at.device)
    return Job(
        stage=STAGE,
        folder=folder,
        reporter=bench.reporter if at.first else Silence(),
        identity={
            "shape": asdict(shape),
            "tokenizer": learnt.tokenizer_sha256,
            "tokens": len(learnt),
            "rows": run["rows"],
        },
        spread=settings.spread,
        bf16=run["bf16"],
        compile=run["compile"],
        look_every=max(1, run["steps"] // 8),
        flops=rates.flops_per_token(shape, shape.context),
        peak_flops=top * at.size,
        peak_source=source,
    )


def measure(
    model: Any, tokens: Tokens, batch: int = 16, most: int = LOOK_TOKENS
) -> dict[str, float]:
    """Nats a token and bits a byte over a split, or over about ``most`` tokens of it: every n-th
    document. What is longer than the context is cut, and each part begins without the one before.
    """
    if not tokens.documents:
        return {}
    every = max(1, -(-len(tokens) // most))
    chosen = np.arange(0, tokens.documents, every)
    width = model.shape.context
    packed = once(tokens, width, chosen)
    total = count = 0.0
    for first in range(0, len(packed), batch):
        rows = rows_of(tokens, packed[first : first + batch], width, tokens.document_starts)
        rows = rows.to(model.head.device)
        hidden = model.hidden(rows.ids, segments=rows.segments).flatten(0, 1)
        kept = rows.weights.flatten() > 0
        losses = token_losses(hidden[kept], model.head, rows.targets.flatten()[kept])
        total += float(losses.double().sum())
        count += len(losses)
    nats = total / count
    return {"val_loss": nats, "bits_per_byte": nats / math.log(2) / tokens.bytes_per_token}


def _report(
    folder: Path, shape: Shape, learnt: Tokens, trained: Trained, job: Job, plan: dial.Plan,
    last: Mapping[str, float],
) -> dict[str, Any]:  # fmt: skip
    return {
        "folder": str(folder / MODEL),
        "parameters": shape.parameters,
        "shape": asdict(shape),
        "plan": asdict(plan),
        "steps": trained.steps,
        "tokens": trained.seen,
        "epochs": round(trained.seen / len(learnt), 3),
        "train_loss": trained.loss,
        **last,
        "seconds": round(trained.seconds, 1),
        "tokens_per_s": round(trained.per_s, 1),
        "precision": "bf16" if job.bf16 else "f32",
        "compiled": job.compile,
        "mfu": round(job.flops * trained.per_s / job.peak_flops, 4),
        "mfu_formula": rates.FORMULA,
        "peak": job.peak_source,
    }


def text(report: Mapping[str, Any]) -> str:
    """The report for a person."""
    rows = "\n".join(
        f"| {name.replace('_', ' ')} | {value} |"
        for name, value in report.items()
        if not isinstance(value, dict)
    )
    return f"# Pretraining\n\n| | |\n|---|---|\n{rows}\n\n![loss](curve.svg)\n"
