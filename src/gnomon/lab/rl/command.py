"""`gnomon lab rl`: tasks, replies, rewards; a cut run goes on."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any

from gnomon.lab.command import Bench, add_common, require

SUMMARY = "let the model try tasks that a machine can check"
DETAIL = (
    "The model replies to tasks at the edge of what it can do; what did better than its other "
    "tries becomes likelier (GRPO). Reports the gain in pass@1 on held-out tasks with its "
    "interval; no gain is a result. A hidden monitor ends a run whose own score rises while what "
    "is right falls. Ctrl-C keeps what was learnt: the same command goes on."
)
NEEDS = ("torch", "safetensors")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `gnomon lab rl` is told."""
    add_common(parser)
    parser.add_argument("--arm", default="verifiable",
                        choices=("verifiable", "self-judged", "majority", "random"),
                        help="what replies are paid by; all but the first are there to be compared "
                        "with it (verifiable)")  # fmt: skip
    parser.add_argument("--families", default="", metavar="A,B",
                        help="only these kinds of tasks: arithmetic, units, dates, strings, "
                        "reading, grounded (all)")  # fmt: skip
    parser.add_argument("--steps", type=int, metavar="N",
                        help="steps of learning (default: by the dial)")  # fmt: skip
    parser.add_argument("--minutes", type=float, metavar="M",
                        help="end the learning after so long")  # fmt: skip
    parser.add_argument("--form", choices=("dr-grpo", "grpo"), default="dr-grpo",
                        help="the loss: without or with division by length and deviation "
                        "(dr-grpo)")  # fmt: skip
    parser.add_argument("--kl", type=float, default=0.0, metavar="X",
                        help="weight of the distance to the model before (0)")  # fmt: skip
    parser.add_argument("--rate-scale", type=float, default=1.0, metavar="X",
                        help="times the learning rate (1)")  # fmt: skip


def run(args: argparse.Namespace, bench: Bench) -> Mapping[str, Any]:
    """Do the stage. Raises InputError where the lab's packages or the model are not here."""
    require(NEEDS)
    from gnomon.lab.rl.families import FAMILIES
    from gnomon.lab.rl.stage import Settings, rl

    named = tuple(name.strip() for name in args.families.split(",") if name.strip())
    settings = Settings(
        depth=args.depth, seed=args.seed, arm=args.arm, families=named or FAMILIES,
        steps=args.steps, minutes=args.minutes, form=args.form, kl=args.kl,
        rate_scale=args.rate_scale,
    )  # fmt: skip
    return rl(bench.workspace(args.name), bench, settings)
