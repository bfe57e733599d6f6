"""The stage *draw*: scenes and the words of a CLIP to a model that draws."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from gnomon.energy import Ledger
from gnomon.errors import InputError
from gnomon.lab.command import Bench
from gnomon.lab.draw import sheet, stock
from gnomon.lab.draw.dit import Dit, Shape, shape_of
from gnomon.lab.draw.flow import Batch, as_floats, errors, flow_loss, noise_of, sample
from gnomon.lab.draw.prompts import Reader
from gnomon.lab.model.checkpoint import ENERGY, PLAN, forget
from gnomon.lab.model.loop import Job, Trained, train
from gnomon.lab.model.optimizer import Recipe
from gnomon.lab.model.parallel import World, gathered, spread, world
from gnomon.lab.model.planning import can_compile
from gnomon.lab.pictures.held import Pictures, open_pictures
from gnomon.lab.pictures.scenes import MIXES, Scenes
from gnomon.lab.progress import Silence
from gnomon.lab.workspace import Workspace, fingerprint, write_json

STAGE = "draw"
PIPELINE = "pipeline"
SHEETS = "sheets"
EMPTY = 0.1
"""Share of the captions that are left out, so that guidance has something to lead away from
(https://arxiv.org/abs/2207.12598)."""
SHEET_STEPS, SHEET_GUIDANCE = 20, 3.0
LOOKS = 128
"""Scenes that the error is told on, between trainings' steps: of drawings that are learnt from, in
compositions that are not."""
LATER = 10**9  # steps from which on scenes are nobody's to learn from


@dataclass(frozen=True, slots=True)
class Settings:
    """``depth`` layers; ``steps`` of ``batch`` scenes, or as many as fit into ``minutes``.
    ``splits`` of the set are learnt from, in ``styles`` (none: all), composed as ``mix`` says.
    ``start`` is a pipeline whose weights are learnt on from, "" for none. ``piece`` scenes are
    computed at once. ``sheet_every`` steps a sheet is drawn; 0: twelve in all."""

    depth: int = 6
    seed: int = 0
    side: int = 64
    steps: int | None = None
    minutes: float | None = None
    batch: int = 192
    piece: int = 64
    rate_scale: float = 1.0
    splits: tuple[str, ...] = ("train",)
    styles: tuple[str, ...] = ()
    mix: str = "scenes"
    start: str = ""
    sheet_every: int = 0
    bf16: bool = True
    compile: bool | None = None
    spread: str = "ddp"

    def check(self) -> None:
        """Raises InputError."""
        shape_of(self.depth, self.side)
        for name in ("steps", "batch", "piece"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise InputError(f"--{name} is {value}; give a number from 1 up.")
        if self.minutes is not None and self.minutes <= 0:
            raise InputError(f"--minutes is {self.minutes}; give a number above 0.")
        if self.rate_scale <= 0:
            raise InputError(f"--rate-scale is {self.rate_scale}; give a number above 0.")
        if self.mix not in MIXES:
            raise InputError(f"--mix is {self.mix!r}; give one of: {', '.join(MIXES)}.")


def draw(
    work: Workspace, bench: Bench, settings: Settings, *, anew: bool = False
) -> dict[str, Any]:
    """Learn to draw; the report, with ``folder`` that of the stock pipeline.

    A run that was cut goes on from its checkpoint, unless ``anew``. Raises InputError for settings,
    pictures or a CLIP that cannot be used, ModelError where the loss is no longer a number."""
    settings.check()
    pictures = work.needs("pictures", wanted_by=STAGE)
    clip = work.needs("clip", wanted_by=STAGE)
    inputs = {
        "settings": asdict(settings),
        "pictures": pictures.get("inputs"),
        "clip": clip.get("inputs"),
    }
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
        held = open_pictures(Path(pictures["folder"]))
        report = _learn(held, Path(clip["folder"]), bench, settings, folder, at)
        if at.first:
            report = work.finish(STAGE, inputs, report, text(report))
            forget(folder)
        at.wait()
        return report


def recipe_of(settings: Settings, steps: int) -> Recipe:
    """Rates found on short runs (LOG.md); Muon for the matrices of the layers."""
    return Recipe(
        steps=steps,
        matrix_rate=0.03 * settings.rate_scale,
        rate=1.5e-3 * settings.rate_scale,
        decay=0.02,
        warm_up=min(0.1, 40 / steps),
        cool_down=0.6,
        average=0.1,
        seed=settings.seed,
    )


def _learn(
    held: Pictures, clip: Path, bench: Bench, settings: Settings, folder: Path, at: World
) -> dict[str, Any]:
    reader = Reader(clip)
    scenes = scenes_of(held, settings)
    shape = shape_of(settings.depth, settings.side, reader.width)
    torch.manual_seed(settings.seed)
    model = started(settings, shape).to(at.device)
    bf16 = settings.bf16
    steps = _steps(settings, model, shape, scenes, reader, folder, at)
    spread(model, settings.spread, at)
    long = steps * settings.batch > 20_000 and can_compile(at.device)
    ledger = Ledger(folder / ENERGY) if at.first else None
    job = Job(
        stage=STAGE,
        folder=folder,
        reporter=bench.reporter if at.first else Silence(),
        identity={"shape": asdict(shape), "scenes": len(scenes), "batch": settings.batch},
        unit="pictures",
        spread=settings.spread,
        bf16=bf16,
        compile=long if settings.compile is None else settings.compile,
        look_every=settings.sheet_every or max(1, steps // 12),
    )
    look = Look(scenes, reader, settings, folder / SHEETS)
    with ledger or nullcontext():
        trained = train(
            model, batches(scenes, reader, settings, at.size), flow_loss,
            recipe_of(settings, steps), replace(job, energy=ledger), at, look=look,
        )  # fmt: skip
    whole = gathered(model)
    if at.first:
        stock.save(shape, whole, clip, folder / PIPELINE)
    report = _report(folder, shape, scenes, trained, job, settings)
    return report | ({"energy": ledger.spent().as_json()} if ledger else {})


def started(settings: Settings, shape: Shape) -> Dit:
    """A model that has not learnt, or that of ``settings.start``. Raises InputError."""
    if not settings.start:
        return Dit(shape)
    model = stock.load(Path(settings.start).expanduser())
    if model.shape != shape:
        raise InputError(
            f"--start {settings.start!r} is a model of {model.shape.layers} layers for "
            f"{model.shape.side} px; this run is of {shape.layers} for {shape.side}: give --depth "
            "and --side to fit."
        )
    return model


def scenes_of(held: Pictures, settings: Settings) -> Scenes:
    """What is learnt from. Raises InputError where nothing is."""
    scenes = Scenes(
        held, split=settings.splits, seed=settings.seed, side=settings.side,
        styles=settings.styles or None, mix=MIXES[settings.mix],
    )  # fmt: skip
    if not len(scenes):
        known = sorted({item.style for item in held.items})
        raise InputError(
            f"{held.folder} has no picture of the splits {', '.join(settings.splits)} and the "
            f"styles {', '.join(settings.styles) or '(all)'}; its styles are: {', '.join(known)}."
        )
    return scenes


def batches(
    scenes: Scenes, reader: Reader, settings: Settings, ranks: int = 1
) -> Callable[[int], Sequence[Batch]]:
    """The scenes of a step and their captions' words, in pieces."""
    parts = max(1, -(-settings.batch // settings.piece))
    parts = -(-parts // ranks) * ranks

    def take(step: int) -> Sequence[Batch]:
        return batch_of(scenes, reader, step, settings.batch, empty=EMPTY).halves(parts)

    return take


def batch_of(scenes: Scenes, reader: Reader, step: int, n: int, *, empty: float = 0.0) -> Batch:
    """``n`` scenes of a step, of which the share ``empty`` has no caption."""
    pictures, captions = scenes.take(step, n)
    chance = np.random.default_rng((scenes.seed, step))
    said = ["" if chance.random() < empty else caption for caption in captions]
    words, mask = reader(said)
    return Batch(torch.from_numpy(pictures).permute(0, 3, 1, 2).contiguous(), words, mask)


class Look:
    """What is measured between steps: the error on scenes that stay the same, and a sheet."""

    def __init__(self, scenes: Scenes, reader: Reader, settings: Settings, folder: Path) -> None:
        self.watched = [batch_of(scenes, reader, LATER + n, 64) for n in range(LOOKS // 64)]
        self.words, self.empty = reader(sheet.PROMPTS), reader([""])
        self.noise = noise_of(range(len(sheet.PROMPTS)), settings.side)
        self.folder = folder
        self.drawn = 0

    def __call__(self, model: Any) -> Mapping[str, float]:
        chance = torch.Generator().manual_seed(0)
        total = 0.0
        for batch in self.watched:
            clean = as_floats(batch.pictures)
            times = (0.8 + 0.8 * torch.randn(batch.size, generator=chance)).sigmoid()
            noise = torch.randn(clean.shape, generator=chance)
            total += float(errors(model, batch, clean, noise, times).sum())
        self.folder.mkdir(parents=True, exist_ok=True)
        drawn = sample(
            model, self.words, self.empty, self.noise, steps=SHEET_STEPS, guidance=SHEET_GUIDANCE
        )
        self.drawn = len(list(self.folder.glob("sheet-*.png"))) + 1
        sheet.write(self.folder / f"sheet-{self.drawn:03d}.png", list(drawn), sheet.PROMPTS)
        return {"val_loss": total / LOOKS}


def _steps(
    settings: Settings, model: Dit, shape: Shape, scenes: Scenes, reader: Reader, folder: Path,
    at: World,
) -> int:  # fmt: skip
    """As many as were asked for, or as fit into the minutes at the speed measured here; kept, so
    that a run that goes on is the one that was begun."""
    if settings.minutes is None:
        return settings.steps or 2000
    path = folder / PLAN
    asked = fingerprint({"settings": asdict(settings), "shape": asdict(shape)})
    kept: dict[str, Any] = json.loads(path.read_text("utf-8")) if path.exists() else {}
    if kept.get("asked") != asked:
        some = batch_of(scenes, reader, LATER, settings.piece).to(at.device)
        for turn in range(3):
            if turn == 1:
                began = time.perf_counter()
            with torch.autocast(at.device.type, torch.bfloat16, enabled=settings.bf16):
                value, _ = flow_loss(model, some)
            value.backward()
            model.zero_grad(set_to_none=True)
        speed = 2 * some.size / (time.perf_counter() - began)
        steps = max(1, round(settings.minutes * 60 * speed / settings.batch))
        kept = {"asked": asked, "steps": steps}
        if at.first:
            write_json(path, kept)
    return int(kept["steps"])


def _report(
    folder: Path, shape: Shape, scenes: Scenes, trained: Trained, job: Job, settings: Settings
) -> dict[str, Any]:
    return {
        "folder": str(folder / PIPELINE),
        "parameters": sum(one.numel() for one in Dit(shape).parameters()),
        "shape": asdict(shape),
        "drawings": len(scenes),
        "concepts": len(scenes.concepts),
        "styles": sorted({item.style for item in scenes.items}),
        "splits": list(settings.splits),
        "mix": settings.mix,
        "started_from": settings.start,
        "steps": trained.steps,
        "pictures": trained.seen,
        "train_loss": trained.loss,
        **trained.looks,
        "seconds": round(trained.seconds, 1),
        "pictures_per_s": round(trained.per_s, 1),
        "gflops_per_picture": round(shape.flops / 1e9, 2),
        "precision": "bf16" if job.bf16 else "f32",
        "compiled": job.compile,
    }


def text(report: Mapping[str, Any]) -> str:
    """The report for a person."""
    rows = "\n".join(
        f"| {name.replace('_', ' ')} | {value} |"
        for name, value in report.items()
        if not isinstance(value, dict)
    )
    return (
        f"# Learning to draw\n\n| | |\n|---|---|\n{rows}\n\n![loss](curve.svg)\n\n"
        f"What it drew on the way is in {SHEETS}/.\n"
    )
