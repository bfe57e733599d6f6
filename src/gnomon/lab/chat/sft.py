"""The stage *sft*: from a model that goes on with texts to one that answers in turns."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from gnomon.energy import Ledger
from gnomon.errors import InputError
from gnomon.lab.chat import sets
from gnomon.lab.chat.conversations import Turn
from gnomon.lab.chat.gathering import Amounts, Gathered, gather, keep_lists, summary
from gnomon.lab.chat.packing import (
    Packed,
    Rehearsal,
    Schedule,
    answer_loss,
    batch,
    held_out_loss,
    pack,
)
from gnomon.lab.chat.render import prompt
from gnomon.lab.command import Bench
from gnomon.lab.model.generate import generate
from gnomon.lab.model.gpt import GPT
from gnomon.lab.model.loop import Job, Trained, train
from gnomon.lab.model.optimizer import Recipe, optimizers
from gnomon.lab.model.parallel import World, world
from gnomon.lab.model.pretrain import measure
from gnomon.lab.model.rows import Stream
from gnomon.lab.model.stock import load, save
from gnomon.lab.shards import Tokens, open_tokens
from gnomon.lab.tokenizer import encoding
from gnomon.lab.tokenizer.encoding import Words
from gnomon.lab.workspace import Workspace, fingerprint, write_json

STAGE = "sft"
MODEL = "model"
PLAN = "plan.json"
ENERGY = "energy.json"
MATRIX_RATE, RATE = 0.02, 3e-3
"""Pretraining's peaks."""
EPOCHS = 3.0
TEXT = 0.25
"""Share of the rows that are text (docs/lab-chat.md has what it keeps, and what it costs)."""
_LOOK_TOKENS = 2**15
"""So many tokens of the validation split tell how well text is still known."""
_WATCHED_ROWS = 64
_ASKED = (
    "Hello",
    "Who are you?",
    "What is 2 + 3?",
    "Say: river",
    "Which day is 2 days after Monday?",
)


@dataclass(frozen=True, slots=True)
class Settings:
    """``sets`` is a folder of published conversations and ``own`` files of the owner's. ``epochs``
    are passes over all of it; ``minutes``: no more steps than this machine does in that time.
    ``text`` is the share of rows that are of the text of *pretrain*, so that it is not forgotten.
    ``rate_scale`` multiplies the learning rates."""

    depth: int = 2
    seed: int = 0
    sets: str | None = None
    own: tuple[str, ...] = ()
    epochs: float | None = None
    minutes: float | None = None
    text: float = TEXT
    rate_scale: float = 1.0


def sft(work: Workspace, bench: Bench, settings: Settings) -> dict[str, Any]:
    """Learn from conversations what *pretrain* left; the report, with ``folder`` that of the model.

    Raises InputError for settings or conversations that cannot be used, ModelError where the loss
    is no longer a number, StoreFull where a checkpoint does not fit. Ctrl-C leaves a checkpoint;
    the same call goes on."""
    _check(settings)
    before = work.needs("pretrain", wanted_by=STAGE)
    folder = Path(settings.sets) if settings.sets else None
    own = [Path(path) for path in settings.own]
    licences = sets.licences(own, folder)
    inputs = {
        "settings": asdict(settings), "pretrain": before.get("inputs"), "licences": licences
    }  # fmt: skip
    if (found := work.current(STAGE, inputs)) is not None:
        return found
    if work.report(STAGE) is not None:
        shutil.rmtree(work.stage(STAGE))
    torch.set_num_threads(bench.threads)
    words = encoding.load(work.stage("tokenizer"))
    model = load(Path(before["folder"]))
    learnt, unseen = (
        open_tokens(work.stage("tokenizer") / "tokens", split) for split in ("train", "val")
    )
    gathered = gather(
        work, words, context=model.shape.context, amounts=Amounts.of(settings.depth),
        seed=settings.seed, sets_folder=folder, own=own, say=bench.reporter.say,
    )  # fmt: skip
    with world() as at:
        place = work.begin(STAGE, inputs) if at.first else work.folder / STAGE
        if at.first:
            keep_lists(place, gathered)
        ledger = Ledger(place / ENERGY) if at.first else None
        with ledger or nullcontext():
            model = model.to(at.device)
            known = text_known(model, unseen)
            trained = _learn(
                model, gathered, (learnt, unseen), settings, place, bench, at, inputs, ledger
            )
        report = {
            "folder": str(place / MODEL),
            **summary(gathered),
            "licences": licences,
            "steps": trained.steps,
            "tokens": trained.seen,
            "train_loss": round(trained.loss, 4),
            **{f"{name}_before": round(value, 4) for name, value in known.items()},
            **{name: round(value, 4) for name, value in trained.looks.items()},
            "seconds": round(trained.seconds, 1),
            "tokens_per_s": round(trained.per_s, 1),
            "replies": replies(model, words, _ASKED),
            "seed": settings.seed,
        }
        if not at.first:
            return report
        if ledger:
            report["energy"] = ledger.spent().as_json()
        save(model, place / MODEL)
        return work.finish(STAGE, inputs, report, text(report))


def _check(settings: Settings) -> None:
    if settings.epochs is not None and not 0 < settings.epochs <= 1000:
        raise InputError(f"--epochs is {settings.epochs}; give a number above 0, up to 1000.")
    if settings.minutes is not None and settings.minutes <= 0:
        raise InputError(f"--minutes is {settings.minutes}; give a number above 0.")
    if not 0 <= settings.text <= 0.9:
        raise InputError(f"--text is {settings.text}; give a share from 0 to 0.9.")
    if not settings.rate_scale > 0:
        raise InputError(f"--rate-scale is {settings.rate_scale}; give a number above 0.")


def _learn(
    model: GPT, gathered: Gathered, texts: tuple[Tokens, Tokens], settings: Settings, folder: Path,
    bench: Bench, at: World, inputs: Mapping[str, Any], ledger: Ledger | None,
) -> Trained:  # fmt: skip
    context = model.shape.context
    if not gathered.learnt:
        raise InputError("there is no conversation to learn from; give --own FILE or --sets DIR.")
    talks = Schedule(
        gathered.learnt, context=context, rows=_rows(settings.depth, context), seed=settings.seed,
        pieces=at.size,
    )  # fmt: skip
    schedule: Schedule | Rehearsal = talks
    if settings.text and texts[0].documents:
        schedule = Rehearsal(talks, Stream(texts[0], context, settings.seed), settings.text)
    steps = _steps(model, schedule, settings, folder, at, fingerprint(inputs))
    watched = _watched(gathered, context)
    recipe = Recipe(
        steps=steps, matrix_rate=MATRIX_RATE * settings.rate_scale,
        rate=RATE * settings.rate_scale, decay=0.05, cool_down=0.8, seed=settings.seed,
    )  # fmt: skip
    job = Job(
        stage=STAGE, folder=folder, reporter=bench.reporter,
        identity={"inputs": fingerprint(inputs)}, bf16=at.device.type == "cuda",
        look_every=max(1, steps // 6), save_every_s=60, energy=ledger,
    )  # fmt: skip

    def look(one: Any) -> dict[str, float]:
        found = {"held_out_loss": held_out_loss(one, watched)} if watched else {}
        return found | text_known(one, texts[1])

    return train(model, schedule, answer_loss, recipe, job, at, look=look)


def _rows(depth: int, context: int) -> int:
    """Rows a step: a small model does better with many small steps."""
    return max(1, (1024 if depth <= 3 else 16_384 if depth <= 8 else 131_072) // context)


def text_known(model: Any, unseen: Tokens) -> dict[str, float]:
    """Bits a byte of texts that nothing was learnt from; {} where there are none."""
    was = model.training
    model.eval()
    with torch.no_grad():
        found = measure(model, unseen, most=_LOOK_TOKENS)
    model.train(was)
    return {name: value for name, value in found.items() if name == "bits_per_byte"}


def _steps(
    model: GPT,
    schedule: Schedule | Rehearsal,
    settings: Settings,
    folder: Path,
    at: World,
    inputs: str,
) -> int:
    """How many; where the clock has a say, what was found stays for a run that was cut."""
    wanted = max(1, round((settings.epochs or EPOCHS) * schedule.steps))
    if settings.minutes is None:
        return wanted
    plan = folder / PLAN
    steps = 0
    if at.first:
        held = json.loads(plan.read_text("utf-8")) if plan.exists() else {}
        steps = int(held["steps"]) if held.get("inputs") == inputs else 0
        possible = int(settings.minutes * 60 / _a_step(model, schedule, at))
        steps = steps or max(1, min(wanted, possible))
        write_json(plan, {"inputs": inputs, "steps": steps})
    return round(float(at.sums([steps])))


def _a_step(model: GPT, schedule: Schedule | Rehearsal, at: World) -> float:
    """Seconds that one step takes, roughly, tried on other weights of that shape."""
    other = GPT(model.shape).to(at.device)
    moving = optimizers(other, Recipe(steps=1))
    spent = []
    for number in range(4):
        pieces = schedule(number)[:: at.size]
        began = time.perf_counter()
        for piece in pieces:
            value, count = answer_loss(other, piece.to(at.device))
            (value / max(1.0, count)).backward()
        for optimizer in moving:
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        spent.append(time.perf_counter() - began)
    return sum(spent[1:]) / len(spent[1:])


def _watched(gathered: Gathered, context: int) -> list[Packed]:
    """Held-out conversations, a few thousand tokens at a time."""
    rows = pack([len(one) for one in gathered.watched], context)[:_WATCHED_ROWS]
    held = [[gathered.watched[i] for i in row] for row in rows]
    return [batch(held[first : first + 16]) for first in range(0, len(held), 16)]


def replies(model: GPT, words: Words, asked: Sequence[str], most: int = 40) -> dict[str, str]:
    """What the model answers to each, by its likeliest tokens."""
    prompts = [prompt(words, (Turn("user", one),)) for one in asked]
    found = generate(model, prompts, max_new=most, temperature=0, stop=(words.turn_end, words.end))
    return {one: words.decode(said.ids).strip() for one, said in zip(asked, found, strict=True)}


def text(report: Mapping[str, Any]) -> str:
    """The report for a person."""
    lines = ["# Conversations learnt", "", "| | |", "|---|---|"]
    plain = {k: v for k, v in report.items() if not isinstance(v, dict)}
    lines += [f"| {name.replace('_', ' ')} | {value} |" for name, value in plain.items()]
    lines += ["", "![loss](curve.svg)", "", "## Conversations", "", "| from | used | licence |"]
    lines += ["|---|---|---|"]
    for source, count in report["conversations"].items():
        licence = report["licences"].get(source, {}).get("licence", "made here")
        lines.append(f"| {source} | {count:,} | {licence} |")
    if report["dropped"]:
        lines += ["", "## Left out or cut (dropped.jsonl.gz has each)", "", "| why | how many |"]
        lines += ["|---|---|", *(f"| {why} | {n:,} |" for why, n in report["dropped"].items())]
    lines += ["", "## What it answers now", ""]
    lines += [f"- {asked} -> {said}" for asked, said in report["replies"].items()]
    return "\n".join(lines) + "\n"
