"""The stage *clip*: a set of captioned pictures to a model that sees and reads.

<run>/clip/
    model/       config.json, model.safetensors, the tokenizer, preprocessor_config.json
    log.jsonl  curve.svg  plan.json  energy.json
"""

from __future__ import annotations

import json
import shutil
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch

from gnomon.energy import Ledger
from gnomon.errors import InputError
from gnomon.lab.clip import export
from gnomon.lab.clip import model as models
from gnomon.lab.clip import words as vocabulary
from gnomon.lab.clip.card import table
from gnomon.lab.clip.loss import LOSSES, contrast, sigmoids
from gnomon.lab.clip.model import Clip, Shape, Tower
from gnomon.lab.clip.pairs import Pairs, Source
from gnomon.lab.clip.scores import eyes, measure
from gnomon.lab.clip.words import Words
from gnomon.lab.command import Bench
from gnomon.lab.model import rates
from gnomon.lab.model.loop import Job, Trained, train
from gnomon.lab.model.optimizer import Recipe
from gnomon.lab.model.parallel import World, world
from gnomon.lab.pictures.held import SPLITS, Pictures, open_pictures
from gnomon.lab.pictures.scenes import Scenes
from gnomon.lab.progress import Silence
from gnomon.lab.workspace import Workspace, fingerprint, write_json

STAGE = "clip"
MODEL, PLAN, ENERGY = "model", "plan.json", "energy.json"
HELD = "held"
"""The split of a set that is learnt nothing from."""
STEPS = 1200
LOOKS = 4
ENOUGH = 200
"""So many pictures of known concepts a set needs to be one that tells about unseen styles."""
PREPROCESSOR = {
    "image_processor_type": "CLIPImageProcessor",
    "do_convert_rgb": True,
    "do_resize": True,
    "resample": 3,
    "do_center_crop": True,
    "do_rescale": True,
    "rescale_factor": 1 / 255,
    "do_normalize": True,
    "image_mean": [0.5, 0.5, 0.5],
    "image_std": [0.5, 0.5, 0.5],
}


@dataclass(frozen=True, slots=True)
class Settings:
    """``depth`` layers of the image tower, from which all widths follow. ``steps`` of ``batch``
    pairs, or as many as ``minutes`` allow. ``kept`` is the share of patches that a step looks at,
    ``composed`` that of scenes in a batch. ``held_set`` is the set that nothing is learnt from, so
    that unseen styles are measured: "auto" the smallest that can tell, "" none. ``everything``:
    learn from every split and set, for a judge that is not to be judged. ``licence`` is what the
    owner gives the weights."""

    depth: int = 6
    patch: int = 8
    seed: int = 0
    steps: int | None = None
    minutes: float | None = None
    batch: int = 256
    kept: float = 0.5
    composed: float = 0.25
    loss: str = "softmax"
    held_set: str = "auto"
    everything: bool = False
    rate_scale: float = 1.0
    precision: str = "auto"
    licence: str = ""

    def check(self, side: int) -> None:
        """Raises InputError for a value that cannot be used with pictures of ``side`` pixels."""
        for name, value in (("steps", self.steps), ("minutes", self.minutes)):
            if value is not None and not value > 0:
                raise InputError(f"--{name} is {value}; give a number above 0.")
        for name, share, top in (("kept", self.kept, 1.0), ("composed", self.composed, 0.9)):
            if not (share > 0 or (name == "composed" and share == 0)) or share > top:
                raise InputError(f"--{name} is {share}; give a share up to {top:g}.")
        if not 1 <= self.depth <= 24:
            raise InputError(f"--depth is {self.depth}; give 1 to 24 layers.")
        if self.patch < 1 or side % self.patch:
            raise InputError(f"--patch is {self.patch}; give a divisor of {side}, such as 8 or 16.")
        if self.batch < 2:
            raise InputError(f"--batch is {self.batch}; a pair needs another to differ from.")
        if self.loss not in LOSSES:
            raise InputError(f"--loss is {self.loss!r}; give {' or '.join(LOSSES)}.")
        if not 0 < self.rate_scale <= 100:
            raise InputError(f"--rate-scale is {self.rate_scale}; give a number up to 100.")


def clip(
    work: Workspace, bench: Bench, settings: Settings, *, anew: bool = False
) -> dict[str, Any]:
    """Learn from the run's pictures, measure, export; the report, with ``folder`` that of the stock
    model and ``exported`` that of what the assistant runs.

    A run that was cut goes on from its checkpoint, unless ``anew``. Raises InputError for settings
    or pictures that cannot be used, ModelError where the loss is no longer a number, StoreFull
    where something does not fit."""
    before = work.needs("pictures", wanted_by=STAGE)
    pictures = open_pictures(work.folder / "pictures")
    settings.check(pictures.side)
    inputs = {"settings": asdict(settings), "pictures": before.get("inputs")}
    found = None if anew else work.current(STAGE, inputs)
    if found is not None and export.there(bench.models_dir, work.name):
        return found
    export.refuse_foreign(bench.models_dir, work.name)
    torch.set_num_threads(bench.threads)
    with world() as at:
        folder = work.folder / STAGE
        if at.first:
            folder = work.begin(STAGE, inputs)
            if anew:
                _forget(folder)
        at.wait()
        rows = split(pictures, settings)
        report = _learn(bench, settings, pictures, rows, folder, at)
        if at.first:
            report = export.export(
                work.name, bench, folder / MODEL, report, pictures, rows.val, settings.licence
            )
            report = work.finish(STAGE, inputs, report, text(report))
            _forget(folder)
        at.wait()
    return report


def _forget(folder: Path) -> None:
    shutil.rmtree(folder / "checkpoints", ignore_errors=True)
    for name in (PLAN, ENERGY):
        (folder / name).unlink(missing_ok=True)


# ------------------------------------------------------------------------ what is learnt from


@dataclass(frozen=True)
class Split:
    """``learnt``, ``val`` and ``test`` rows; ``styles``: those of the held set whose concepts are
    learnt from others."""

    held_set: str
    learnt: Sequence[int]
    val: Sequence[int]
    test: Sequence[int]
    styles: Sequence[int]


def split(pictures: Pictures, settings: Settings) -> Split:
    """What is learnt from and what is not. Raises InputError where nothing is left."""
    items = pictures.items
    if settings.everything:
        rows = [n for n, item in enumerate(items) if item.captions]
        return Split("", rows, (), (), ())
    train_, val, test = ([n for n in pictures.rows(name) if items[n].captions] for name in SPLITS)
    held = _held_set(pictures, train_, settings.held_set)
    learnt = [n for n in train_ if items[n].set != held]
    known = {items[n].concept for n in learnt}
    styles = [n for n in train_ if items[n].set == held and items[n].concept in known]
    if len(known) < 2:
        raise InputError(
            f"{pictures.folder} shows {len(known)} concepts to learn from; CLIP needs two at "
            "least, and thousands to be of use. Add sets: gnomon lab pictures --sets ..."
        )
    return Split(held, learnt, val, test, styles)


def _held_set(pictures: Pictures, rows: Sequence[int], asked: str) -> str:
    """The set that is held out: the one asked for, or the smallest that has enough pictures of
    concepts that others show, too; it costs little to learn without that one."""
    sets = Counter(pictures.items[n].set for n in rows)
    if asked not in ("auto", ""):
        if asked not in sets:
            raise InputError(f"--hold-out is {asked!r}; the sets are: {', '.join(sorted(sets))}.")
        return asked
    if not asked:
        return ""
    by_concept: dict[str, set[str]] = {}
    for n in rows:
        by_concept.setdefault(pictures.items[n].concept, set()).add(pictures.items[n].set)
    shared = Counter(
        pictures.items[n].set for n in rows if len(by_concept[pictures.items[n].concept]) > 1
    )
    fit = [(sets[name], name) for name, count in shared.items() if count >= ENOUGH]
    return min(fit)[1] if len(fit) > 1 else ""


def scenes_of(pictures: Pictures, settings: Settings, kept: Sequence[int]) -> Scenes | None:
    """Compositions of what is learnt from, and of nothing else."""
    if not settings.composed:
        return None
    learnt = set(kept)
    items = [
        replace(item, split="train" if n in learnt else HELD)
        for n, item in enumerate(pictures.items)
    ]
    return Scenes(
        Pictures(pictures.folder, pictures.pixels, items), split="train", seed=settings.seed,
        side=pictures.side,
    )  # fmt: skip


def _words(pictures: Pictures, rows: Sequence[int], scenes: Scenes | None) -> Words:
    """A vocabulary of every way in which pictures are told."""
    items = [pictures.items[n] for n in rows]
    texts = [said for item in items for said in (*item.captions, *item.zh, *item.tags, item.style)]
    if scenes is not None:
        # Scenes name colours and places with words that no item has; each is drawn here without
        # its pixels being used.
        texts += scenes.take(0, 2000)[1]
    return vocabulary.train(texts)


# ------------------------------------------------------------------------ learning


def _learn(
    bench: Bench, settings: Settings, pictures: Pictures, rows: Split, folder: Path, at: World
) -> dict[str, Any]:
    scenes = scenes_of(pictures, settings, rows.learnt)
    words = _words(pictures, rows.learnt, scenes)
    shape = shape_of(settings, words, pictures.side)
    source = Source(
        pictures, words, rows.learnt, settings.seed, settings.patch, settings.kept, scenes,
        settings.composed,
    )  # fmt: skip
    torch.manual_seed(settings.seed)
    plan = _planned(settings, shape, source, folder, at)
    model = Clip(shape).to(at.device)
    recipe = Recipe(
        steps=plan["steps"], matrix_rate=MATRIX_RATE * settings.rate_scale,
        rate=RATE * settings.rate_scale, decay=DECAY, average=AVERAGE, seed=settings.seed,
    )  # fmt: skip
    job = _job(bench, settings, shape, source, plan, folder, at)

    def batches(step: int) -> list[Pairs]:
        return source.take(step, settings.batch - settings.batch % at.size).cut(at.size)

    def look(learner: Any) -> dict[str, float]:
        found = measure(eyes(learner, words), pictures, rows.val[:: max(1, len(rows.val) // 1000)])
        return {f"val {one.name}": one.value for one in found if one.name in WATCHED}

    ledger = Ledger(folder / ENERGY) if at.first else None
    with ledger or nullcontext():
        job = replace(job, energy=ledger)
        trained = train(
            model, batches, _loss(settings), recipe, job, at, look=look if rows.val else None
        )
    model.eval()
    if at.first:
        save(model, words, folder / MODEL)
    report = _report(folder, shape, settings, plan, source, rows, trained, job)
    if at.first:
        report["scores"] = _scores(model, words, pictures, rows)
    return report | ({"energy": ledger.spent().as_json()} if ledger else {})


MATRIX_RATE, RATE, DECAY, AVERAGE = 0.02, 3e-3, 0.1, 0.05
WATCHED = ("zero-shot top-1", "text to picture R@5")


def _loss(settings: Settings) -> Any:
    return contrast if settings.loss == "softmax" else sigmoids


def shape_of(settings: Settings, words: Words, side: int) -> Shape:
    """Every size by the depth: at 6, both towers are 256 wide and the text's has 4 layers."""
    width = 64 * max(1, round(settings.depth * 2 / 3))
    layers = max(1, round(settings.depth * 2 / 3))
    return Shape(
        words.vocab, words.start, words.end, words.pad, vocabulary.CONTEXT, side, settings.patch,
        Tower.of(layers, width), Tower.of(settings.depth, width), width,
        settings.loss == "sigmoid",
    )  # fmt: skip


def _planned(
    settings: Settings, shape: Shape, source: Source, folder: Path, at: World
) -> dict[str, Any]:
    """How many steps, in which precision. What was measured for it stays in ``plan.json``, so that
    a run that goes on is the one that was begun."""
    asked = fingerprint({"settings": asdict(settings), "shape": asdict(shape)})
    path = folder / PLAN
    plan: dict[str, Any] = json.loads(path.read_text("utf-8")) if path.exists() else {}
    if plan.get("asked") == asked:
        return plan
    probe = Clip(shape).to(at.device)
    few = source.take(0, min(settings.batch, 32)).to(at.device)
    bf16 = settings.precision == "bf16" or (
        settings.precision == "auto"
        and rates.faster(
            lambda: _once(probe, few, settings, False),
            lambda: _once(probe, few, settings, True),
            at.device,
        )
    )
    steps = settings.steps or STEPS
    if settings.minutes is not None:
        pairs = source.take(0, settings.batch).to(at.device)
        _once(probe, pairs, settings, bf16)
        began = time.monotonic()
        pairs = source.take(1, settings.batch).to(at.device)
        _once(probe, pairs, settings, bf16)
        steps = max(1, int(settings.minutes * 60 / (time.monotonic() - began)))
    plan = {"asked": asked, "steps": steps, "bf16": bf16}
    if at.size > 1:
        shared = [plan]
        torch.distributed.broadcast_object_list(shared, src=0)
        plan = shared[0]
    if at.first:
        write_json(path, plan)
    return plan


def _once(model: Clip, pairs: Pairs, settings: Settings, bf16: bool) -> None:
    with torch.autocast(pairs.ids.device.type, torch.bfloat16, enabled=bf16):
        value, _ = _loss(settings)(model, pairs)
        value.backward()
    model.zero_grad(set_to_none=True)


def _job(
    bench: Bench, settings: Settings, shape: Shape, source: Source, plan: Mapping[str, Any],
    folder: Path, at: World,
) -> Job:  # fmt: skip
    return Job(
        stage=STAGE,
        folder=folder,
        reporter=bench.reporter if at.first else Silence(),
        identity={
            "shape": asdict(shape),
            "settings": {**asdict(settings), "steps": plan["steps"], "minutes": None},
            "pictures": len(source.rows),
        },
        unit="pairs",
        bf16=plan["bf16"],
        look_every=max(1, plan["steps"] // LOOKS),
    )


def save(model: Clip, words: Words, folder: Path) -> None:
    models.save(model, folder)
    vocabulary.save(words, folder)
    side = model.shape.side
    size = {"size": {"shortest_edge": side}, "crop_size": {"height": side, "width": side}}
    write_json(folder / "preprocessor_config.json", {**PREPROCESSOR, **size})


# ------------------------------------------------------------------------ telling


def _scores(
    model: Clip, words: Words, pictures: Pictures, rows: Split
) -> dict[str, list[dict[str, Any]]]:
    """What was measured, by what it was measured on."""
    look = eyes(model, words)
    told = {
        "val": measure(look, pictures, rows.val),
        "test": measure(look, pictures, rows.test),
        "unseen style": measure(look, pictures, rows.styles, rows.learnt) if rows.styles else [],
    }
    return {name: [one.as_json() for one in found] for name, found in told.items() if found}


def _report(
    folder: Path, shape: Shape, settings: Settings, plan: Mapping[str, Any], source: Source,
    rows: Split, trained: Trained, job: Job,
) -> dict[str, Any]:  # fmt: skip
    items = source.pictures.items
    sets = Counter(items[n].set for n in rows.learnt)
    licences = Counter(items[n].licence for n in rows.learnt)
    return {
        "folder": str(folder / MODEL),
        "shape": asdict(shape),
        "loss": settings.loss,
        "steps": trained.steps,
        "pairs": trained.seen,
        "pictures": len(rows.learnt),
        "concepts": len(source.concepts),
        "held_set": rows.held_set,
        "everything": settings.everything,
        "languages": ["en", "zh"]
        if any(source.pictures.items[n].zh for n in rows.learnt)
        else ["en"],
        "sets": dict(sorted(sets.items())),
        "licences": dict(sorted(licences.items())),
        "train_loss": trained.loss,
        "seconds": round(trained.seconds, 1),
        "pairs_per_s": round(trained.per_s, 1),
        "precision": "bf16" if job.bf16 else "f32",
    }


def text(report: Mapping[str, Any]) -> str:
    """The report for a person."""
    rows = "\n".join(
        f"| {name.replace('_', ' ')} | {value} |"
        for name, value in report.items()
        if not isinstance(value, dict | list)
    )
    return (
        f"# CLIP\n\n| | |\n|---|---|\n{rows}\n\n{table(report['scores'])}\n\n![loss](curve.svg)\n"
    )
