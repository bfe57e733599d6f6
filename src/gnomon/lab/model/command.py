"""`gnomon lab pretrain`: tokens to a model, with progress; a cut run goes on."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any

from gnomon.lab.command import Bench, add_common, require

SUMMARY = "train a model on the tokens"
DETAIL = (
    "Learns from what `gnomon lab tokenizer` wrote, shows loss and tokens a second, keeps a "
    "checkpoint, and leaves a stock folder. Ctrl-C keeps what was learnt: the same command goes "
    "on, also under torchrun on another number of processes."
)
NEEDS = ("torch", "safetensors")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `gnomon lab pretrain` is told."""
    add_common(parser)
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--tokens", type=int, metavar="N",
                        help="tokens to learn from in all (default: by the dial)")  # fmt: skip
    length.add_argument("--minutes", type=float, metavar="M",
                        help="learn for about so long instead")  # fmt: skip
    parser.add_argument("--rate-scale", type=float, default=1.0, metavar="X",
                        help="times the learning rates (1)")  # fmt: skip
    parser.add_argument("--dropout", type=float, default=None, metavar="P",
                        help="share of activations dropped (by the number of passes)")  # fmt: skip
    parser.add_argument("--precision", choices=("auto", "bf16", "f32"), default="auto",
                        help="type of products (auto: the faster one here)")  # fmt: skip
    parser.add_argument("--compile", action=argparse.BooleanOptionalAction, default=None,
                        help="torch.compile (default: in long runs)")  # fmt: skip
    parser.add_argument("--spread", choices=("ddp", "fsdp"), default="ddp",
                        help="under torchrun: whole copies, or sharded weights")  # fmt: skip
    parser.add_argument("--anew", action="store_true",
                        help="start over, even where a checkpoint or a report is")  # fmt: skip


def run(args: argparse.Namespace, bench: Bench) -> Mapping[str, Any]:
    """Do the stage. Raises InputError where the lab's packages or the tokens are not here."""
    require(NEEDS)
    from gnomon.lab.model.pretrain import Settings, pretrain

    settings = Settings(
        depth=args.depth, seed=args.seed, tokens=args.tokens, minutes=args.minutes,
        rate_scale=args.rate_scale, dropout=args.dropout, precision=args.precision,
        compile=args.compile, spread=args.spread,
    )  # fmt: skip
    return pretrain(bench.workspace(args.name), bench, settings, anew=args.anew)
