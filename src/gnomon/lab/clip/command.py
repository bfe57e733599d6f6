"""`gnomon lab clip`: captioned pictures to a model that sees and reads; a cut run goes on."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any

from gnomon.lab.command import Bench, require

SUMMARY = "train CLIP on the pictures"
DETAIL = (
    "Learns from what `gnomon lab pictures` wrote to put pictures and their words in one place, "
    "measures it on concepts and on a set of drawings that it was not taught, and leaves a stock "
    "CLIPModel folder and, among the models, what `gnomon search --images` runs. Ctrl-C keeps what "
    "was learnt: the same command goes on."
)
NEEDS = ("torch", "safetensors", "onnx", "onnxruntime", "PIL")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `gnomon lab clip` is told."""
    parser.add_argument("--name", default="my-pictures", help="the run (my-pictures)")
    parser.add_argument("--depth", type=int, default=6, metavar="N",
                        help="layers of the image tower; other sizes follow (6)")  # fmt: skip
    parser.add_argument("--patch", type=int, default=8, metavar="N",
                        help="side of the patches that a picture is cut into (8)")  # fmt: skip
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--steps", type=int, metavar="N", help="steps to learn for (640)")
    length.add_argument("--minutes", type=float, metavar="M",
                        help="learn for about so long instead")  # fmt: skip
    parser.add_argument("--batch", type=int, default=256, metavar="N",
                        help="pairs of a step (256)")  # fmt: skip
    parser.add_argument("--loss", choices=("softmax", "sigmoid"), default="softmax",
                        help="CLIP's loss, or SigLIP's (softmax)")  # fmt: skip
    parser.add_argument("--kept", type=float, default=0.4, metavar="P",
                        help="share of patches that a step looks at (0.4)")  # fmt: skip
    parser.add_argument("--composed", type=float, default=0.25, metavar="P",
                        help="share of scenes of several things in a step (0.25)")  # fmt: skip
    parser.add_argument("--hold-out", default="auto", metavar="SET", dest="held_set",
                        help="learn nothing from this set, to measure unseen styles: auto, "
                        "'' for none")  # fmt: skip
    parser.add_argument("--everything", action="store_true",
                        help="learn from every split and set; nothing is measured")  # fmt: skip
    parser.add_argument("--rate-scale", type=float, default=1.0, metavar="X",
                        help="times the learning rates (1)")  # fmt: skip
    parser.add_argument("--precision", choices=("auto", "bf16", "f32"), default="auto",
                        help="type of products (auto: the faster one here)")  # fmt: skip
    parser.add_argument("--licence", default="", metavar="SPDX",
                        help="what you give the weights, for the card")  # fmt: skip
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--anew", action="store_true",
                        help="start over, even where a checkpoint or a report is")  # fmt: skip


def run(args: argparse.Namespace, bench: Bench) -> Mapping[str, Any]:
    """Do the stage. Raises InputError where the lab's packages or the pictures are not here."""
    require(NEEDS)
    from gnomon.lab.clip.recipe import Settings
    from gnomon.lab.clip.stage import clip

    settings = Settings(
        depth=args.depth, patch=args.patch, seed=args.seed, steps=args.steps,
        minutes=args.minutes, batch=args.batch, kept=args.kept, composed=args.composed,
        loss=args.loss, held_set=args.held_set, everything=args.everything,
        rate_scale=args.rate_scale, precision=args.precision, licence=args.licence,
    )  # fmt: skip
    return clip(bench.workspace(args.name), bench, settings, anew=args.anew)
