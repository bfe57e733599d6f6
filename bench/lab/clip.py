"""CLIP beside open_clip's recipe: the same pictures, towers of one size, equal steps and pairs.

    python bench/lab/clip.py PICTURES --out /tmp/clip-bench [--steps 250] [--arms ours open_clip]

PICTURES is what `gnomon lab pictures` wrote. Arms: ``ours`` (softmax, Muon, half of the patches, a
quarter scenes, captions of one idea are no negatives), ``sigmoid`` (the same with SigLIP's loss),
``whole`` (ours with all patches), ``single`` (ours without scenes), ``adamw`` (ours with AdamW at
open_clip's rate for everything) and ``open_clip``: its CLIP, ClipLoss, tokenizer, augmentation and
published settings (AdamW, rate 5e-4, betas 0.9 and 0.98, eps 1e-6, decay 0.2 but for gains and
biases, cosine; its warm-up of 10,000 steps is a tenth of these few), from
https://github.com/mlfoundations/open_clip. For that arm run this with the Python of an environment
that has open_clip_torch 3.3, timm, ftfy, and torchvision beside the lab's torch; torchvision's
compiled operators are not needed.

Each arm is measured on val, test and the unseen set by the same questions, each with a 95 %
interval. An arm that is done is not done again; one of ours that was cut goes on.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
import time
import types
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from gnomon.lab.clip import recipe
from gnomon.lab.clip.card import table
from gnomon.lab.clip.loss import contrast, sigmoids
from gnomon.lab.clip.model import Clip
from gnomon.lab.clip.pairs import Source, caption, plain
from gnomon.lab.clip.scores import Eyes, eyes, measure
from gnomon.lab.model.loop import Job, train
from gnomon.lab.model.optimizer import Recipe
from gnomon.lab.model.parallel import World
from gnomon.lab.pictures.held import Pictures, open_pictures
from gnomon.lab.progress import Lines
from gnomon.lab.workspace import write_json

ARMS = ("ours", "sigmoid", "whole", "single", "adamw", "open_clip")
MEAN, STD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
WHOLE = recipe.Settings()
RATE, BETAS, EPS, DECAY = 5e-4, (0.9, 0.98), 1e-6, 0.2
"""open_clip's of a ViT (open_clip_train/params.py), which are the paper's."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pictures", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=250)
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--arms", nargs="+", choices=ARMS, default=["ours", "open_clip"])
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "2")))
    pictures = open_pictures(args.pictures)
    args.out.mkdir(parents=True, exist_ok=True)
    for arm in args.arms:
        path = args.out / f"{arm}-{args.steps}-{args.seed}.json"
        if not path.exists():
            began, cpu = time.monotonic(), time.process_time()
            run = open_clip_arm if arm == "open_clip" else our_arm
            told, look, rows = run(arm, pictures, args)
            told |= {
                "seconds": round(time.monotonic() - began),
                "cpu_s": round(time.process_time() - cpu),
                "scores": {
                    name: [one.as_json() for one in measure(look, pictures, some, among)]
                    for name, some, among in (
                        ("val", rows.val, None), ("test", rows.test, None),
                        ("unseen style", rows.styles, rows.learnt),
                    )
                },
            }  # fmt: skip
            write_json(path, told)
        told = json.loads(path.read_text())
        print(f"\n{arm}: {told['steps']} steps, {told['seconds']} s, {told['cpu_s']} CPU-s\n")
        print(table(told["scores"]))


def our_arm(arm: str, pictures: Pictures, args: argparse.Namespace) -> Any:
    settings = recipe.Settings(
        steps=args.steps, batch=args.batch, seed=args.seed,
        loss="sigmoid" if arm == "sigmoid" else "softmax",
        kept=1.0 if arm == "whole" else WHOLE.kept,
        composed=0.0 if arm == "single" else WHOLE.composed,
    )  # fmt: skip
    rows = recipe.split(pictures, settings)
    scenes = recipe.scenes_of(pictures, settings, rows.learnt)
    words = recipe.words_of(pictures, rows.learnt, scenes)
    source = Source(
        pictures, words, rows.learnt, settings.seed, settings.patch, settings.kept, scenes,
        settings.composed,
    )  # fmt: skip
    torch.manual_seed(settings.seed)
    model = Clip(recipe.shape_of(settings, words, pictures.side))
    moves = recipe.recipe_of(settings, args.steps)
    if arm == "adamw":
        moves = Recipe(
            steps=args.steps, matrix_rate=0.0, rate=RATE, betas=BETAS, decay=DECAY, clip=0.0,
            warm_up=0.1, cool_down=0.9, seed=args.seed,
        )  # fmt: skip
    job = Job(arm, args.out / arm, Lines(10), unit="pairs", bf16=True)
    loss = sigmoids if arm == "sigmoid" else contrast
    at = World(0, 1, torch.device("cpu"))
    done = train(model, lambda step: [source.take(step, args.batch)], loss, moves, job, at)
    return {"arm": arm, "steps": done.steps, "loss": done.loss}, eyes(model.eval(), words), rows


def open_clip_arm(arm: str, pictures: Pictures, args: argparse.Namespace) -> Any:
    """open_clip's own model, loss and settings; the loop is the few lines of its train.py that a
    single process without gradient accumulation runs."""
    open_clip, transforms = peers()
    rows = recipe.split(pictures, recipe.Settings())
    torch.manual_seed(args.seed)
    model = open_clip.CLIP(
        embed_dim=256,
        vision_cfg={
            "image_size": pictures.side, "layers": 6, "width": 256, "patch_size": 8,
            "head_width": 64,
        },
        text_cfg={
            "context_length": 32, "vocab_size": 49408, "width": 256, "heads": 4, "layers": 4,
        },
    )  # fmt: skip
    read = open_clip.SimpleTokenizer(context_length=32)
    normal = transforms.Normalize(MEAN, STD)
    crop = transforms.RandomResizedCrop(pictures.side, scale=(0.9, 1.0), antialias=True)
    criterion = open_clip.ClipLoss()
    moving = optimizer_of(model)
    warm = max(1, args.steps // 10)
    log = Lines(10)
    model.train()
    for step in range(args.steps):
        rate = (
            RATE * (step + 1) / warm if step < warm
            else 0.5 * RATE * (1 + math.cos(math.pi * (step - warm) / (args.steps - warm)))
        )  # fmt: skip
        for group in moving.param_groups:
            group["lr"] = rate
        chosen, said = shuffled(pictures, rows.learnt, step, args)
        pixels = plain(pictures.pixels[chosen])
        seen = torch.stack([normal(crop(one.float() / 255)) for one in pixels])
        with torch.autocast("cpu", torch.bfloat16):
            found = model(seen, read(said))
        value = criterion(*(one.float() for one in found[:2]), found[2])
        moving.zero_grad()
        value.backward()
        moving.step()
        with torch.no_grad():
            model.logit_scale.clamp_(0, math.log(100))
        if step % 10 == 0 or step + 1 == args.steps:
            log.say(
                f"open_clip: {step + 1} of {args.steps} steps, loss {float(value.detach()):.3f}"
            )
    model.eval()
    return (
        {"arm": arm, "steps": args.steps, "loss": float(value.detach())},
        theirs(model, read, normal),
        rows,
    )


def peers() -> tuple[Any, Any]:
    """open_clip, and torchvision without its compiled operators, which are for detection."""
    sys.modules.setdefault(
        "torchvision._meta_registrations", types.ModuleType("torchvision._meta_registrations")
    )
    try:
        import open_clip
        from torchvision import transforms
    except ImportError as error:
        raise SystemExit(
            f"the arm open_clip needs {error.name}: in an environment that sees the lab's "
            "packages, pip install --no-deps open_clip_torch==3.3.0 torchvision==0.28.0 "
            "timm ftfy wcwidth"
        ) from error
    return open_clip, transforms


def optimizer_of(model: Any) -> torch.optim.Optimizer:
    """AdamW; gains, biases and the scale do not decay."""
    named = [(name, one) for name, one in model.named_parameters() if one.requires_grad]

    def plain_one(name: str, one: torch.Tensor) -> bool:
        return one.ndim < 2 or "bn" in name or "ln" in name or "bias" in name or "scale" in name

    groups = [
        {"params": [one for name, one in named if plain_one(name, one)], "weight_decay": 0.0},
        {"params": [one for name, one in named if not plain_one(name, one)], "weight_decay": DECAY},
    ]
    return torch.optim.AdamW(groups, lr=RATE, betas=BETAS, eps=EPS)


def shuffled(
    pictures: Pictures, rows: Sequence[int], step: int, args: argparse.Namespace
) -> tuple[list[int], list[str]]:
    """A step's pictures, each once an epoch, and a caption of each, as ours are varied."""
    chosen: list[int] = []
    while len(chosen) < args.batch:
        turn, at = divmod(step * args.batch + len(chosen), len(rows))
        order = np.random.default_rng([args.seed, turn]).permutation(len(rows))
        chosen += [rows[n] for n in order[at : at + args.batch - len(chosen)]]
    rng = np.random.default_rng([args.seed, 1, step])
    return chosen, [caption(pictures.items[row], rng) for row in chosen]


def theirs(model: Any, read: Any, normal: Any) -> Eyes:
    @torch.no_grad()
    def pictures(pixels: torch.Tensor) -> Any:
        return model.encode_image(normal(pixels.float() / 255), normalize=True).float().numpy()

    @torch.no_grad()
    def texts(said: Sequence[str]) -> Any:
        return model.encode_text(read(list(said)), normalize=True).float().numpy()

    return Eyes(pictures, texts)


if __name__ == "__main__":
    main()
