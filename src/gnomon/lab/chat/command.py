"""`gnomon lab sft`: from conversations to a model that answers; a cut run goes on."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gnomon.errors import InputError
from gnomon.lab.command import Bench, add_common, require

SUMMARY = "teach the model to answer in turns"
DETAIL = (
    "Learns from conversations that the machine makes of the posts held and of small tasks, and "
    "from those that are given. Ctrl-C keeps what was learnt: the same command goes on."
)
NEEDS = ("torch", "safetensors")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `gnomon lab sft` is told."""
    add_common(parser)
    parser.add_argument("--own", action="append", default=[], metavar="FILE",
                        help='conversations of your own: JSON lines of {"messages": [{"role", '
                        '"content"}, ...]}; may be given again')  # fmt: skip
    parser.add_argument("--sets", metavar="DIR",
                        help="a folder of published conversations (docs/lab-chat.md)")  # fmt: skip
    parser.add_argument("--epochs", type=float, metavar="N",
                        help="passes over all conversations (3)")  # fmt: skip
    parser.add_argument("--minutes", type=float, metavar="M",
                        help="learn for about so long at most")  # fmt: skip
    parser.add_argument("--text", type=float, metavar="SHARE",
                        help="share of rows that are of the corpus's own text, so that it is not "
                        "forgotten for conversations (0.25; 0: none)")  # fmt: skip
    parser.add_argument("--rate-scale", type=float, default=1.0, metavar="X",
                        help="times the learning rates (1)")  # fmt: skip


def run(args: argparse.Namespace, bench: Bench) -> Mapping[str, Any]:
    """Do the stage. Raises InputError where the lab's packages, the model or a file are not
    here."""
    require(NEEDS)
    if args.sets and not Path(args.sets).is_dir():
        raise InputError(f"--sets {args.sets!r} is no folder; docs/lab-chat.md says what it holds.")
    from gnomon.lab.chat.sft import TEXT, Settings, sft

    settings = Settings(
        depth=args.depth, seed=args.seed, sets=args.sets, own=tuple(args.own),
        epochs=args.epochs, minutes=args.minutes, rate_scale=args.rate_scale,
        text=TEXT if args.text is None else args.text,
    )  # fmt: skip
    return sft(bench.workspace(args.name), bench, settings)
