"""`gnomon lab export`: the run's model as a stock folder and GGUF."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any

from gnomon.lab.command import Bench, add_common, require

SUMMARY = "a stock folder and GGUF of the run's model"
DETAIL = (
    "Writes a folder that transformers, vLLM and llama.cpp open, with a card: data, licence, "
    "numbers, joules, SHA-256. The result is held side by side in all three before it counts. "
    "`gnomon models` lists it then, and `gnomon ask --model NAME` runs it."
)
NEEDS = ("torch", "transformers", "safetensors", "gguf")
KINDS = ("f32", "f16", "q8_0")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `gnomon lab export` is told."""
    add_common(parser)
    parser.add_argument("--gguf", action="append", choices=KINDS, metavar="KIND",
                        help="f32, f16 or q8_0; may be repeated, the first is what gnomon runs "
                        "(f16)")  # fmt: skip
    parser.add_argument("--licence", default="", metavar="NAME",
                        help="what you give the weights, as apache-2.0 (not stated)")  # fmt: skip
    parser.add_argument("--from", dest="source", choices=("pretrain", "sft", "rl"), default="",
                        help="the stage whose model it is (the last one done)")  # fmt: skip
    parser.add_argument("--no-check", action="store_true",
                        help="do not compare trainer, transformers and llama.cpp")  # fmt: skip


def run(args: argparse.Namespace, bench: Bench) -> Mapping[str, Any]:
    """Do the stage. Raises InputError where the lab's packages or the model are not here."""
    require(NEEDS)
    import torch

    from gnomon.lab.export.stage import Settings, stage

    torch.set_num_threads(bench.threads)
    settings = Settings(
        gguf=tuple(args.gguf or ("f16",)),
        licence=args.licence,
        source=args.source,
        check=not args.no_check,
    )
    return stage(bench.workspace(args.name), bench, settings)
