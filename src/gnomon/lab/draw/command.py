"""`gnomon lab draw`: captioned pictures and a CLIP to a model that draws; a cut run goes on."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any

from gnomon.lab.command import Bench, require

SUMMARY = "train a model that draws, on pictures and a CLIP"
DETAIL = (
    "Learns to draw what is asked for from what `gnomon lab pictures` holds, with the words of "
    "`gnomon lab clip`: a diffusion transformer over pixels. Draws a sheet now and then, keeps a "
    "checkpoint, and leaves a diffusers pipeline and, with --export, a folder that `gnomon draw` "
    "runs. Ctrl-C keeps what was learnt: the same command goes on."
)
NEEDS = ("torch", "safetensors", "PIL")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `gnomon lab draw` is told."""
    parser.add_argument("--name", default="my-pictures", help="the run (my-pictures)")
    parser.add_argument(
        "--depth", type=int, default=6, metavar="N", help="layers; the width follows (6)"
    )
    parser.add_argument("--side", type=int, default=64, metavar="PX", help="32, 48 or 64 (64)")
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--steps", type=int, metavar="N", help="steps to learn for (2000)")
    length.add_argument(
        "--minutes", type=float, metavar="M", help="learn for about so long instead"
    )
    parser.add_argument("--batch", type=int, default=192, metavar="N", help="scenes a step (192)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--rate-scale", type=float, default=1.0, metavar="X",
                        help="times the learning rates (1)")  # fmt: skip
    parser.add_argument("--styles", default="", metavar="A,B",
                        help="learn from drawings of these styles only")  # fmt: skip
    parser.add_argument("--every-split", action="store_true",
                        help="learn held-out concepts too, for a model to be used")  # fmt: skip
    parser.add_argument("--mix", default="scenes", metavar="NAME",
                        help="what scenes hold: scenes, or things (mostly single)")  # fmt: skip
    parser.add_argument("--start", default="", metavar="FOLDER",
                        help="a pipeline of the lab's to learn on from, in a new run")  # fmt: skip
    parser.add_argument("--sheet-every", type=int, default=0, metavar="N",
                        help="steps between sheets of samples (twelve sheets in all)")  # fmt: skip
    parser.add_argument("--export", action=argparse.BooleanOptionalAction, default=True,
                        help="also write the folder that `gnomon draw` runs")  # fmt: skip
    parser.add_argument("--precision", choices=("int8", "fp16", "fp32"), default="int8",
                        help="of the weights in that folder (int8)")  # fmt: skip
    parser.add_argument("--licence", default="", help="what you give the weights")
    parser.add_argument("--anew", action="store_true",
                        help="start over, even where a checkpoint or a report is")  # fmt: skip


def run(args: argparse.Namespace, bench: Bench) -> Mapping[str, Any]:
    """Do the stage. Raises InputError where the lab's packages, the pictures or the CLIP are not
    here."""
    require(NEEDS)
    from gnomon.lab.draw.onnx_folder import export
    from gnomon.lab.draw.stage import Settings, draw
    from gnomon.lab.pictures.held import SPLITS

    settings = Settings(
        depth=args.depth, seed=args.seed, side=args.side, steps=args.steps, minutes=args.minutes,
        batch=args.batch, rate_scale=args.rate_scale,
        splits=SPLITS if args.every_split else ("train",),
        styles=tuple(one.strip() for one in args.styles.split(",") if one.strip()),
        mix=args.mix, start=args.start, sheet_every=args.sheet_every,
    )  # fmt: skip
    work = bench.workspace(args.name)
    report = draw(work, bench, settings, anew=args.anew)
    if not args.export:
        return report
    made = export(work, bench, precision=args.precision, licence=args.licence)
    return {**report, "exported": made}
