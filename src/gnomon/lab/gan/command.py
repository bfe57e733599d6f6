"""`gnomon lab gan`: a machine that draws what no prompt asked for, and the quiz about it."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any

from gnomon.lab.command import Bench, require

SUMMARY = "train a creative adversarial network; make the quiz"
DETAIL = (
    "Learns from the set that `gnomon lab pictures` made to draw what passes for a person's and "
    "fits none of the styles it knows (Elgammal et al. 2017). Leaves the model, a sheet of samples "
    'now and then, and the drawings of "human or machine?". Ctrl-C keeps what was learnt: the '
    "same command goes on."
)
NEEDS = ("torch", "safetensors", "PIL")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `gnomon lab gan` is told."""
    parser.add_argument("--name", default="my-pictures", help="the run (my-pictures)")
    parser.add_argument("--seed", type=int, default=0)
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--steps", type=int, metavar="N", help="steps to learn for (4,000)")
    length.add_argument("--minutes", type=float, metavar="M",
                        help="learn for about so long instead")  # fmt: skip
    parser.add_argument("--sets", nargs="+", default=[], metavar="SET",
                        help="to learn from (all)")  # fmt: skip
    parser.add_argument("--styles", default="auto", choices=("auto", "kind", "set", "style"),
                        help="what tells a drawing's style (its set, or its kind)")  # fmt: skip
    parser.add_argument("--width", type=int, default=32, metavar="N",
                        help="channels of the widest maps (32)")  # fmt: skip
    parser.add_argument("--side", type=int, default=64, metavar="PX", help="of a picture (64)")
    parser.add_argument("--batch", type=int, default=32, metavar="N", help="drawings a step (32)")
    parser.add_argument("--rate", type=float, default=5e-4, help="learning rate of both (0.0005)")
    parser.add_argument("--penalty", type=float, default=0.5, metavar="X",
                        help="on the judge's gradient (0.5)")  # fmt: skip
    parser.add_argument("--ambiguity", type=float, default=0.3, metavar="X",
                        help="weight of being hard to place; 0: a plain DCGAN (0.3)")  # fmt: skip
    parser.add_argument("--plain", action="store_true",
                        help="train a plain DCGAN as long beside it, to compare")  # fmt: skip
    parser.add_argument("--samples", type=int, default=200, metavar="N",
                        help="drawings of each kind for the quiz (200)")  # fmt: skip
    parser.add_argument("--sheet-every", type=int, default=0, metavar="N",
                        help="steps from one sheet of samples to the next (a tenth)")  # fmt: skip
    parser.add_argument("--precision", choices=("auto", "bf16", "f32"), default="auto",
                        help="type of products (auto: the faster one here)")  # fmt: skip
    parser.add_argument("--anew", action="store_true",
                        help="start over, even where a checkpoint or a report is")  # fmt: skip


def run(args: argparse.Namespace, bench: Bench) -> Mapping[str, Any]:
    """Do the stage. Raises InputError where the lab's packages or the pictures are not here."""
    require(NEEDS)
    from gnomon.lab.gan.game import Stakes
    from gnomon.lab.gan.stage import Settings, gan

    styled = 1.0 if args.ambiguity else 0.0
    settings = Settings(
        seed=args.seed, steps=args.steps, minutes=args.minutes, sets=tuple(args.sets),
        styles=args.styles, side=args.side, width=args.width, batch=args.batch, rate=args.rate,
        stakes=Stakes(penalty=args.penalty, style=styled, ambiguity=args.ambiguity),
        plain=args.plain, samples=args.samples, sheet_every=args.sheet_every,
        precision=args.precision,
    )  # fmt: skip
    return gan(bench.workspace(args.name), bench, settings, anew=args.anew)
