"""`gnomon lab dream`: a classifier run backwards over a picture, and one of our own for it."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gnomon.errors import InputError
from gnomon.lab.command import Bench, require

SUMMARY = "run a classifier backwards over a picture (DeepDream)"
DETAIL = (
    "Changes a picture so that a layer of a model makes more of what it sees in it. The model is "
    "an ONNX file, a folder of transformers' with safetensors, or the run's own: its classifier "
    "(--train makes one) or its CLIP. PNG, JPEG and WebP of any size in, PNG out."
)
NEEDS = ("torch", "safetensors", "PIL")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `gnomon lab dream` is told."""
    parser.add_argument("picture", nargs="?", type=Path, help="what to dream over")
    parser.add_argument("--name", default="my-pictures", help="the run (my-pictures)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--model", type=Path, metavar="FOLDER|FILE",
                        help="what sees (the run's classifier, or its CLIP)")  # fmt: skip
    parser.add_argument("--scaling", choices=("imagenet", "unit", "signed", "bytes"),
                        help="range of its inputs (as it says, else imagenet)")  # fmt: skip
    parser.add_argument("--layer", metavar="NAME", help="which layer (one past the middle)")
    parser.add_argument("--list-layers", action="store_true", help="say which there are")
    aim = parser.add_mutually_exclusive_group()
    aim.add_argument("--unit", metavar="N", help="one channel of it, or a label's word")
    aim.add_argument("--like", type=Path, metavar="PICTURE",
                     help="what the layer sees in another picture")  # fmt: skip
    parser.add_argument("--octaves", type=int, default=4, metavar="N", help="sizes (4)")
    parser.add_argument("--scale", type=float, default=1.4, metavar="X",
                        help="from one size to the next (1.4)")  # fmt: skip
    parser.add_argument("--steps", type=int, metavar="N",
                        help="at each size (20); with --train: in all")  # fmt: skip
    parser.add_argument("--rate", type=float, default=1.5, metavar="X",
                        help="256ths of brightness a step (1.5)")  # fmt: skip
    parser.add_argument("--jitter", type=int, default=16, metavar="PX", help="of each look (16)")
    parser.add_argument("--smooth", type=float, default=1.0, metavar="PX",
                        help="blur of the gradient (1)")  # fmt: skip
    parser.add_argument("--tile", type=int, default=384, metavar="PX",
                        help="largest side seen at once (384)")  # fmt: skip
    parser.add_argument("--zoom-frames", type=int, default=0, metavar="N",
                        help="a film of N frames that zooms in, beside --out")  # fmt: skip
    parser.add_argument("--out", type=Path, default=Path("dream.png"), help="(dream.png)")
    parser.add_argument("--train", action="store_true",
                        help="first: train the run's classifier on the set's kinds")  # fmt: skip
    parser.add_argument("--minutes", type=float, metavar="M", help="--train for about so long")
    parser.add_argument("--labels", choices=("kind", "set", "style"), default="kind",
                        help="what --train tells apart (kind)")  # fmt: skip
    parser.add_argument("--width", type=int, default=48, metavar="N",
                        help="channels of --train's first stage (48)")  # fmt: skip
    parser.add_argument("--precision", choices=("auto", "bf16", "f32"), default="auto",
                        help="type of --train's products (auto: the faster one here)")  # fmt: skip
    parser.add_argument("--anew", action="store_true", help="--train: start over")


def run(args: argparse.Namespace, bench: Bench) -> Mapping[str, Any]:
    """Do it. Raises InputError where there is nothing to dream over or with."""
    require(NEEDS)
    work = bench.workspace(args.name)
    trained: Mapping[str, Any] | None = None
    if args.train:
        from gnomon.lab.dream.training import Settings, learn

        learning = Settings(
            seed=args.seed, steps=args.steps if args.picture is None else None,
            minutes=args.minutes, labels=args.labels, width=args.width, precision=args.precision,
        )  # fmt: skip
        trained = learn(work, bench, learning, anew=args.anew)
        if args.picture is None and not args.list_layers:
            return trained
    if args.picture is None and not args.list_layers:
        raise InputError("give a picture to dream over, or --train, or --list-layers.")

    import torch

    from gnomon.lab.dream.ascent import Dream
    from gnomon.lab.dream.dreaming import Wish, dream, open_chosen

    torch.set_num_threads(bench.threads)
    seer = open_chosen(work, args.model, args.scaling)
    if args.list_layers:
        return _listed(seer, shown=not args.json)
    how = Dream(
        octaves=args.octaves, scale=args.scale, steps=20 if args.steps is None else args.steps,
        rate=args.rate, jitter=args.jitter, smooth=args.smooth, tile=args.tile, seed=args.seed,
    )  # fmt: skip
    wish = Wish(args.picture, args.out, args.layer, args.unit, args.like, args.zoom_frames)
    made = dream(seer, wish, how, bench)
    return {**made, "trained": trained} if trained else made


def _listed(seer: Any, *, shown: bool) -> dict[str, Any]:
    layers = seer.layers()
    if shown:
        for one in layers:
            print(f"{one.name}\t{one.kind}\t{' x '.join(map(str, one.shape))}")
    rows = [{"name": one.name, "kind": one.kind, "shape": list(one.shape)} for one in layers]
    return {"folder": seer.name, "side": seer.side, "fixed": seer.fixed, "layers": rows}
