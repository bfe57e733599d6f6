"""The stage *clip*: a set of captioned pictures to a model that sees and reads.

<run>/clip/
    model/       config.json, model.safetensors, the tokenizer, preprocessor_config.json
    log.jsonl  curve.svg  plan.json  energy.json
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch

from gnomon.energy import Ledger
from gnomon.lab.clip import export
from gnomon.lab.clip import model as models
from gnomon.lab.clip import words as vocabulary
from gnomon.lab.clip.card import table
from gnomon.lab.clip.model import Clip, Shape
from gnomon.lab.clip.pairs import Pairs, Source
from gnomon.lab.clip.recipe import (
    Settings,
    Split,
    loss_of,
    recipe_of,
    scenes_of,
    shape_of,
    split,
    words_of,
)
from gnomon.lab.clip.scores import eyes, measure
from gnomon.lab.clip.words import Words
from gnomon.lab.command import Bench
from gnomon.lab.model import rates
from gnomon.lab.model.checkpoint import ENERGY, PLAN, forget
from gnomon.lab.model.loop import Job, Trained, train
from gnomon.lab.model.parallel import World, world
from gnomon.lab.pictures.held import Pictures, open_pictures
from gnomon.lab.progress import Silence
from gnomon.lab.workspace import Workspace, fingerprint, write_json

STAGE = "clip"
MODEL = "model"
STEPS = 640
LOOKS = 4
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
    export.refuse_foreign(bench.models_dir, work.name)
    rows = split(pictures, settings)
    found = None if anew else work.current(STAGE, inputs)
    if found is not None:
        if export.there(bench.models_dir, work.name):
            return found
        return _finish(work, bench, settings, inputs, found, pictures, rows)
    torch.set_num_threads(bench.threads)
    with world() as at:
        folder = work.folder / STAGE
        if at.first:
            folder = work.begin(STAGE, inputs)
            if anew:
                forget(folder)
        at.wait()
        report = _learn(bench, settings, pictures, rows, folder, at)
        if at.first:
            report = _finish(work, bench, settings, inputs, report, pictures, rows)
            forget(folder)
        at.wait()
    return report


def _finish(
    work: Workspace, bench: Bench, settings: Settings, inputs: Mapping[str, Any],
    report: Mapping[str, Any], pictures: Pictures, rows: Split,
) -> dict[str, Any]:  # fmt: skip
    """Export what was learnt, and declare the stage done."""
    told = {key: value for key, value in report.items() if key not in ("stage", "inputs")}
    told = export.export(
        work.name, bench, work.folder / STAGE / MODEL, told, pictures, rows, settings.licence
    )
    return work.finish(STAGE, inputs, told, text(told))


# ------------------------------------------------------------------------ learning


def _learn(
    bench: Bench, settings: Settings, pictures: Pictures, rows: Split, folder: Path, at: World
) -> dict[str, Any]:
    scenes = scenes_of(pictures, settings, rows.learnt)
    words = words_of(pictures, rows.learnt, scenes)
    shape = shape_of(settings, words, pictures.side)
    source = Source(
        pictures, words, rows.learnt, settings.seed, settings.patch, settings.kept, scenes,
        settings.composed,
    )  # fmt: skip
    torch.manual_seed(settings.seed)
    plan = _planned(settings, shape, source, folder, at)
    model = Clip(shape).to(at.device)
    recipe = recipe_of(settings, plan["steps"])
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
            model, batches, loss_of(settings), recipe, job, at, look=look if rows.val else None
        )
    model.eval()
    if at.first:
        save(model, words, folder / MODEL)
    report = _report(folder, shape, settings, plan, source, rows, trained, job)
    if at.first:
        report["scores"] = _scores(model, words, pictures, rows)
    return report | ({"energy": ledger.spent().as_json()} if ledger else {})


WATCHED = ("zero-shot top-1", "text to picture R@5")


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
        value, _ = loss_of(settings)(model, pairs)
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
