"""`gnomon lab run`: from raw posts to a model that the assistant serves."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any

from gnomon.lab.command import Bench, add_common, require
from gnomon.lab.workspace import STAGES

SUMMARY = "everything: from raw posts to a model of your own that the assistant serves"
DETAIL = (
    "Data, tokenizer, pretraining, chat tuning, learning from tasks it sets itself, evaluation and "
    "export, each as its own command does it. Comes back: the exported folder; `gnomon ask --model "
    "NAME` answers with it. Shows progress, can be interrupted, and the same command goes on."
)
NEEDS = ("torch", "transformers", "safetensors", "gguf")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `gnomon lab run` is told."""
    add_common(parser)
    parser.add_argument("--from", dest="sources", action="append", metavar="SOURCE",
                        help="'record' (the default), a file or folder; repeatable")  # fmt: skip
    parser.add_argument("--lang", action="append", default=[], metavar="CODE",
                        help="documents of this language only, as en; repeatable")  # fmt: skip
    parser.add_argument("--minutes", type=float, default=None, metavar="M",
                        help="about so long for all on this machine (4 up to depth 3; 0: as long "
                        "as the dial says, which deeper models do)")  # fmt: skip
    parser.add_argument("--limit", type=int, default=0, metavar="N",
                        help="read N documents only, to try it")  # fmt: skip
    parser.add_argument("--until", default="export", choices=STAGES, metavar="STAGE",
                        help="stop after this stage")  # fmt: skip
    parser.add_argument("--eval-dir", default="", metavar="DIR",
                        help="evaluation sets (docs/lab-eval.md), which the corpus is kept clear "
                        "of")  # fmt: skip
    parser.add_argument("--chats", default="", metavar="DIR",
                        help="published conversations (docs/lab-chat.md)")  # fmt: skip
    parser.add_argument("--own", action="append", default=[], metavar="FILE",
                        help="conversations of your own; repeatable")  # fmt: skip
    parser.add_argument("--licence", default="", metavar="NAME",
                        help="what you give the weights, as apache-2.0 (not stated)")  # fmt: skip
    parser.add_argument("--anew", action="store_true",
                        help="read the sources again, and all that follows from them")  # fmt: skip


def run(args: argparse.Namespace, bench: Bench) -> Mapping[str, Any]:
    """Run the chain. Raises InputError where the lab's packages are not here, and what the stages
    raise."""
    require(NEEDS)
    from gnomon.lab import chain

    minutes = args.minutes
    if minutes is None:
        minutes = chain.MINUTES if args.depth <= chain.SMALL and not _has_gpu() else 0.0
    order = chain.Order(
        sources=tuple(args.sources or ("record",)),
        languages=tuple(args.lang),
        depth=args.depth,
        seed=args.seed,
        minutes=minutes,
        until=args.until,
        limit=args.limit,
        eval_dir=args.eval_dir,
        chats=args.chats,
        own=tuple(args.own),
        licence=args.licence,
        anew=args.anew,
    )
    try:
        report = chain.run(bench.workspace(args.name), bench, order)
    except KeyboardInterrupt:
        bench.reporter.say("stopped; the same command goes on")
        raise
    whole = sum(report["seconds"].values())
    bench.reporter.say(f"all: {whole:.0f} s; gnomon ask --model {args.name} 'your question'")
    return report


def _has_gpu() -> bool:
    import torch

    return bool(torch.cuda.is_available())
