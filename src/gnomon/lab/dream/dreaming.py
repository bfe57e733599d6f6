"""`gnomon lab dream PICTURE`: which model, which layer, and the dream itself, picture or film."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from gnomon.errors import InputError
from gnomon.lab.command import Bench
from gnomon.lab.dream import paper
from gnomon.lab.dream.ascent import Aim, Dream, dreamt, like, loudest, resized, unit
from gnomon.lab.dream.seers import Layer, Seer, open_seer
from gnomon.lab.progress import Progress
from gnomon.lab.workspace import Workspace, file_sha256, fingerprint

STAGE = "dream"
ZOOM = 1.04
"""From one frame of a film to the next."""
BLOCK = re.compile(r"(Stage|Layer|Block|Bottleneck|Bottle[nN]eckLayer|Basic)$")
ACTIVE = ("Relu", "Gelu", "Erf", "Add", "Sum", "Concat", "Mul", "Clip", "LeakyRelu", "PRelu",
          "HardSwish", "LayerNormalization")  # fmt: skip
DEPTH = 0.6
"""Where between the first and the last layer the one is that is taken where none is named: shallow
ones give strokes, the last ones give fragments of things."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What was asked for. ``unit`` is a number or a label's word; ``like`` another picture whose
    features are sought; ``frames`` 0: one picture, else a film that zooms in."""

    picture: Path
    out: Path
    layer: str | None = None
    unit: str | None = None
    like: Path | None = None
    frames: int = 0


def chosen(work: Workspace, model: Path | None) -> Path:
    """The model named, or the run's: its classifier, then its CLIP. Raises InputError."""
    if model is not None:
        if not model.exists():
            raise InputError(f"--model: {model} is not there.")
        return model
    for stage in (STAGE, "clip"):
        folder = work.folder / stage / "model"
        if (folder / "config.json").exists():
            return folder
    raise InputError(
        f"{work.folder} has no model that sees; name one with --model, or make one: "
        f"gnomon lab dream --train --name {work.name} (or gnomon lab clip --name {work.name})"
    )


def usual_layer(layers: Sequence[Layer]) -> Layer:
    """The one to dream with where none is named. Raises InputError where there is none."""
    wide = [one for one in layers if one.places > 1]
    blocks = [one for one in wide if BLOCK.search(one.kind)]
    active = [one for one in wide if one.kind in ACTIVE]
    best = blocks or active or wide or list(layers)
    if not best:
        raise InputError("that model has no layer to dream with.")
    return best[min(len(best) - 1, round(DEPTH * (len(best) - 1)))]


def dream(seer: Seer, wish: Wish, how: Dream, bench: Bench) -> dict[str, Any]:
    """Dream, write the PNG (or the frames), and say what was done. Raises InputError."""
    how.check()
    if wish.unit is not None and wish.like is not None:
        raise InputError("--unit and --like are two aims; give one.")
    if not 0 <= wish.frames <= 10_000:
        raise InputError(f"--zoom-frames is {wish.frames}; give a number from 0 to 10,000.")
    picture = paper.read(wish.picture)
    layer = wish.layer or usual_layer(seer.layers()).name
    aim = _aim(seer, layer, wish, how)
    told: dict[str, Any] = {
        "picture_sha256": file_sha256(wish.picture),
        "model_sha256": seer.sha256,
        "layer": layer,
        "unit": wish.unit,
        "like_sha256": file_sha256(wish.like) if wish.like else None,
        **asdict(how),
    }
    began = time.monotonic()
    if wish.frames:
        last = _film(picture, seer, layer, aim, wish, how, told, bench)
    else:
        last = _told(dreamt(picture, seer, layer, aim, how), bench, STAGE)
    paper.write(wish.out, last, told)
    return {
        "folder": str(wish.out),
        "model": seer.name,
        **told,
        "size": [last.shape[2], last.shape[1]],
        "frames": wish.frames,
        "seconds": round(time.monotonic() - began, 1),
        "signed": False,
    }


def _told(steps: Iterator[tuple[int, int, Tensor]], bench: Bench, name: str) -> Tensor:
    began = time.monotonic()
    picture: Tensor | None = None
    for done, total, now in steps:
        picture = now
        left = (time.monotonic() - began) / done * (total - done)
        bench.reporter.at(Progress(name, done, total, "steps", left))
    assert picture is not None
    return picture


def _aim(seer: Seer, layer: str, wish: Wish, how: Dream) -> Aim:
    if wish.like is not None:
        return like(_guide(paper.read(wish.like), seer, layer, how))
    if wish.unit is None:
        return loudest
    if wish.unit.isdigit():
        return unit(int(wish.unit))
    if wish.unit not in seer.labels:
        words = f" or one of: {', '.join(seer.labels[:40])}" if seer.labels else ""
        raise InputError(f"--unit is {wish.unit!r}; give a number{words}.")
    return unit(seer.labels.index(wish.unit))


def _guide(other: Tensor, seer: Seer, layer: str, how: Dream) -> Tensor:
    """What the layer sees in the other picture, [places, channels]."""
    side = seer.side if seer.fixed else min(how.tile, max(other.shape[1:]))
    size = (side, side)
    if not seer.fixed:
        by = side / max(other.shape[1:])
        size = (max(32, round(other.shape[1] * by)), max(32, round(other.shape[2] * by)))
    with torch.no_grad():
        return seer.at(resized(other, size).clamp(0, 1)[None], layer)[0]


def _film(
    picture: Tensor, seer: Seer, layer: str, aim: Aim, wish: Wish, how: Dream,
    told: dict[str, Any], bench: Bench,
) -> Tensor:  # fmt: skip
    """Frames into a folder named after ``out``, each the middle of the one before, dreamt again.
    Those that an earlier start of the same film left are not made again."""
    folder = wish.out.with_suffix("")
    folder.mkdir(parents=True, exist_ok=True)
    mark = folder / "film"
    key = fingerprint(told)
    if not mark.exists() or mark.read_text("utf-8") != key:
        for old in folder.glob("[0-9]*.png"):
            old.unlink()
        mark.write_text(key, "utf-8")
    now = picture
    for number in range(wish.frames):
        path = folder / f"{number:04d}.png"
        if path.exists():
            now = paper.read(path)
            continue
        here = replace(how, seed=how.seed + number)
        if number:
            now = _nearer(now)
            here = replace(here, octaves=min(2, how.octaves), steps=max(1, how.steps // 4))
        now = paper.as_written(_told(dreamt(now, seer, layer, aim, here), bench, STAGE))
        paper.write(path, now, told)
        bench.reporter.at(Progress("film", number + 1, wish.frames, "frames"))
    return now


def _nearer(picture: Tensor) -> Tensor:
    """The middle of a picture at the whole's size."""
    height, width = picture.shape[1:]
    rows, columns = round(height / ZOOM), round(width / ZOOM)
    top, left = (height - rows) // 2, (width - columns) // 2
    middle = picture[:, top : top + rows, left : left + columns]
    return resized(middle, (height, width)).clamp(0, 1)


def open_chosen(work: Workspace, model: Path | None, scaling: str | None) -> Seer:
    """The seer to dream with. Raises InputError."""
    return open_seer(chosen(work, model), scaling)
