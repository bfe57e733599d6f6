"""What the drawer is worth: fifty prompts that it was never asked, a judge that it never met.

    python bench/lab/draw.py --model FOLDER --pictures FOLDER --judge FOLDER --out /tmp/drawn
    python bench/lab/draw.py --peers --pictures FOLDER --clip FOLDER --judge FOLDER --out /tmp/peers

The first draws with the folder that `gnomon draw` runs: agreement of picture and prompt and the
share of things found, with 95 % intervals, beside the same with every prompt given to its
neighbour's picture; the Fréchet distance in the judge's space beside that of people's drawings
to other such; how near the nearest drawing of the training is; seconds a picture. Its sheet is
sheet.png. About four minutes of two cores.

The second trains two small drawers for equally many steps on the same scenes: ours, and one with
the settings of minRF (https://github.com/cloneofsimo/minRF: velocity predicted, times from the
logistic of a normal number, AdamW at 5e-4 throughout), in one shape; and ours with their optimizer.
About twelve minutes of one core.
"""

from __future__ import annotations

import argparse
import json
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from gnomon.lab.draw import sheet, stage
from gnomon.lab.draw.blind import IN_DOCS, PROMPTS, Blind
from gnomon.lab.draw.dit import Dit, Shape
from gnomon.lab.draw.flow import Batch, as_floats, flow_loss, noise_of, sample
from gnomon.lab.draw.measure import (
    Judge,
    Rgb,
    agreement,
    found,
    frechet,
    interval,
    nearest,
    on_white,
    shrunk,
)  # fmt: skip
from gnomon.lab.draw.prompts import Reader
from gnomon.lab.model.loop import Job, train
from gnomon.lab.model.optimizer import Recipe
from gnomon.lab.model.parallel import world
from gnomon.lab.pictures.held import Pictures, open_pictures
from gnomon.lab.pictures.scenes import Mix, Scenes
from gnomon.lab.progress import Lines
from gnomon.lab.workspace import write_json
from gnomon.models.draw_onnx import OnnxDraw
from gnomon.types.pictures import Raster, Sketch

STYLES = ("noto", "blob", "flat", "glossy", "3d")
FEW = 200  # pictures of each side of a Fréchet distance
SMALL = 16  # side at which pictures are compared pixel by pixel


def drawn(
    folder: Path, prompts: Sequence[str], seeds: Sequence[int], threads: int
) -> tuple[Rgb, float]:
    """A picture a prompt by the folder that the assistant runs, and the seconds of one, the first
    (which loads the model) not counted."""
    model = OnnxDraw(folder, threads=threads)
    side = model.brush().sizes[0][0]
    made = []
    began = 0.0
    try:
        for number, (prompt, seed) in enumerate(zip(prompts, seeds, strict=True)):
            if number == 1:
                began = time.perf_counter()
            *_, last = model.draw(Sketch(prompt=prompt, width=side, height=side, seed=seed))
            assert isinstance(last, Raster)
            made.append(np.frombuffer(last.rgb, np.uint8).reshape(side, side, 3))
    finally:
        model.close()
    return np.stack(made), (time.perf_counter() - began) / max(1, len(prompts) - 1)


def names_of(pictures: Pictures) -> list[str]:
    return sorted({item.captions[0] for item in pictures.items if item.captions})


def judged(
    judge: Judge, pictures: Rgb, asked: Sequence[Blind], names: Sequence[str]
) -> dict[str, Any]:
    """Agreement and things found, beside those of the neighbour's prompt."""
    prompts = [one.prompt for one in asked]
    other = [*asked[1:], asked[0]]
    return {
        "agreement": asdict(interval(agreement(judge, pictures, prompts))),
        "agreement_with_another_prompt": asdict(
            interval(agreement(judge, pictures, [one.prompt for one in other]))
        ),
        "found_of_10": asdict(interval(found(judge, pictures, asked, names))),
        "found_by_another_prompt": asdict(interval(found(judge, pictures, other, names))),
    }


def measure(args: argparse.Namespace) -> dict[str, Any]:
    pictures, judge = open_pictures(args.pictures), Judge(args.judge)
    names = names_of(pictures)
    asked = PROMPTS
    made, seconds = drawn(
        args.model, [one.prompt for one in asked], range(len(asked)), args.threads
    )
    sheet.write(args.out / "sheet.png", list(made), [one.prompt for one in asked], columns=8)
    sheet.write(
        args.out / "docs.png", list(made[:IN_DOCS]), [one.prompt for one in asked[:IN_DOCS]],
        columns=8,
    )  # fmt: skip
    report: dict[str, Any] = {"seconds_a_picture": seconds, **judged(judge, made, asked, names)}

    scenes = Scenes(pictures, split=("train", "val", "test"), styles=STYLES, seed=5, mix=Mix(zh=0))
    real, captions = scenes.take(1, FEW)
    other, _ = scenes.take(2, FEW)
    like, _ = drawn(args.model, captions, range(1000, 1000 + FEW), args.threads)
    report["agreement_with_captions"] = {
        "drawn": asdict(interval(agreement(judge, like, captions))),
        "scenes": asdict(interval(agreement(judge, real, captions))),
    }
    rows = judge.pictures(real)
    report["frechet"] = {
        "drawn": frechet(judge.pictures(like), rows),
        "other_scenes": frechet(judge.pictures(other), rows),
        "of": FEW,
    }
    report["copies"] = copies(pictures, made, like)
    report["single_names"] = single_names(args, pictures, judge, names)
    return report


def single_names(
    args: argparse.Namespace, pictures: Pictures, judge: Judge, names: Sequence[str]
) -> dict[str, Any]:
    """The share of 80 names of single drawings that the judge finds in what was drawn for them, and
    in those drawings."""
    alone = Mix(pair=0, count=0, colour=0, ground=0, style=0, zh=0)
    scenes = Scenes(pictures, split=("train", "val", "test"), styles=STYLES, seed=78, mix=alone)
    people, captions = scenes.take(0, 80)
    bare = [re.sub(r"^(an? )?(small )?", "", one) for one in captions]
    asked = [Blind(one, (one,)) for one in bare]
    made, _ = drawn(args.model, bare, range(560, 640), args.threads)
    return {
        "drawn": asdict(interval(found(judge, made, asked, names))),
        "people": asdict(interval(found(judge, people, asked, names))),
    }


def copies(pictures: Pictures, *drawn_: Rgb) -> dict[str, Any]:
    """How near the nearest drawing of the training is, at 16 pixels on white, beside how near
    people's drawings of one style come to those of the other styles."""
    learnt = [n for n, item in enumerate(pictures.items) if item.style in STYLES]
    held = on_white(pictures, learnt, SMALL)
    made = np.concatenate(drawn_)
    _, far = nearest(shrunk(made, SMALL), held)
    chance = np.random.default_rng(0)
    some = chance.choice(len(learnt), 300, replace=False)
    styles = np.array([pictures.items[n].style for n in learnt])
    between = []
    for one in some:
        apart = styles != styles[one]
        between.append(float(nearest(held[one][None], held[apart])[1][0]))
    bar = float(np.quantile(between, 0.05))
    return {
        "nearest_median": float(np.median(far)),
        "nearest_least": float(far.min()),
        "peoples_nearest_of_another_style_median": float(np.median(between)),
        "bar": bar,
        "under_bar": int((far < bar).sum()),
        "of": len(far),
    }


# ------------------------------------------------------------------------- peers

PEER_STEPS, PEER_BATCH = 300, 128


def minrf_loss(model: Any, batch: Batch) -> tuple[Tensor, float]:
    """The velocity as it is predicted, at times of the logistic of a normal number."""
    clean = as_floats(batch.pictures)
    times = torch.randn(batch.size).sigmoid()
    noise = torch.randn_like(clean)
    t = times[:, None, None, None]
    guess = model((1 - t) * clean + t * noise, times, batch.words, batch.mask)
    return (guess - (noise - clean)).square().flatten(1).mean(1).sum(), float(batch.size)


class Clean(nn.Module):
    """A model of velocities as one of clean pictures."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, noisy: Tensor, time: Tensor, words: Tensor, mask: Tensor) -> Tensor:
        out: Tensor = noisy - time[:, None, None, None] * self.model(noisy, time, words, mask)
        return out


def peers(args: argparse.Namespace) -> dict[str, Any]:
    torch.set_num_threads(args.threads)
    pictures, judge, reader = open_pictures(args.pictures), Judge(args.judge), Reader(args.clip)
    settings = stage.Settings(
        depth=3, side=32, batch=PEER_BATCH, styles=STYLES, splits=("train", "val", "test")
    )
    scenes = stage.scenes_of(pictures, settings)
    shape = Shape(192, 4, 32, 4, reader.width)
    ours = stage.recipe_of(settings, PEER_STEPS)
    theirs = Recipe(
        steps=PEER_STEPS, matrix_rate=0.0, rate=5e-4, betas=(0.9, 0.999), decay=0.01,
        clip=0.0, warm_up=0.0, cool_down=1e-9,
    )  # fmt: skip
    arms: Mapping[str, tuple[Any, Recipe, Callable[[nn.Module], nn.Module]]] = {
        "ours": (flow_loss, ours, lambda model: model),
        "minRF": (minrf_loss, theirs, Clean),
        "ours, AdamW at 5e-4": (flow_loss, theirs, lambda model: model),
    }
    report: dict[str, Any] = {"steps": PEER_STEPS, "batch": PEER_BATCH, "shape": asdict(shape)}
    for name, (loss, recipe, as_clean) in arms.items():
        torch.manual_seed(args.seed)
        model = Dit(shape)
        folder = args.out / name.replace(", ", "-").replace(" ", "-")
        job = Job(
            name, folder, Lines(10.0), {"arm": name, "seed": args.seed}, unit="pictures",
            bf16=True, compile=True,
        )  # fmt: skip
        with world() as at:
            trained = train(
                model, stage.batches(scenes, reader, settings), loss,
                replace(recipe, seed=args.seed), job, at,
            )  # fmt: skip
        report[name] = {
            "pictures_per_s": round(trained.per_s, 1),
            **peer_scores(as_clean(model).eval(), judge, reader, scenes, pictures, folder),
        }
        write_json(args.out / "report.json", report)
    return report


def peer_scores(
    model: nn.Module, judge: Judge, reader: Reader, scenes: Scenes, pictures: Pictures, folder: Path
) -> dict[str, Any]:
    """What the judge says of an arm: guidance 3, 24 steps, the same seeds for all."""
    real, captions = scenes.take(10**6, FEW)
    empty = reader([""])
    parts = [
        sample(
            model, reader(captions[n : n + 50]), empty,
            noise_of(range(n, n + 50), scenes.side), steps=24, guidance=3.0,
        )
        for n in range(0, FEW, 50)
    ]  # fmt: skip
    made = np.concatenate(parts)
    sheet.write(folder / "sheet.png", list(made[:24]), captions[:24], columns=8)
    asked = PROMPTS
    blind = sample(
        model, reader([one.prompt for one in asked]), empty,
        noise_of(range(len(asked)), scenes.side), steps=24, guidance=3.0,
    )  # fmt: skip
    return {
        "frechet": frechet(judge.pictures(made), judge.pictures(real)),
        "agreement_with_captions": asdict(interval(agreement(judge, made, captions))),
        **judged(judge, blind, asked, names_of(pictures)),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, help="the exported folder")
    parser.add_argument("--pictures", type=Path, required=True)
    parser.add_argument("--clip", type=Path, help="the stock CLIP whose words are learnt with")
    parser.add_argument("--judge", type=Path, required=True, help="another stock CLIP")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--peers", action="store_true")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    report = peers(args) if args.peers else measure(args)
    write_json(args.out / "report.json", report)
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
