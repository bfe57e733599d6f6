"""`gnomon lab eval`: the run's model, or any other, against the field's sets."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any

from gnomon.lab.command import Bench, add_common, require

SUMMARY = "measure the run's model, or any other"
DETAIL = (
    "Bits per byte, LAMBADA, HellaSwag, PIQA, MMLU, CMMLU, SQuAD, CMRC, FLORES and GSM8K, as far "
    "as the folder --sets has them (docs/lab-eval.md says what its files look like), each number "
    "with its interval and beside what guessing scores; and how much of the training posts can be "
    "drawn out. Nothing is fetched. What a cut run has asked is not asked again."
)
NEEDS = ("torch", "transformers", "safetensors", "sacrebleu")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `gnomon lab eval` is told."""
    add_common(parser)
    parser.add_argument("--sets", default="", metavar="DIR",
                        help="the folder of the sets (none: only the corpus itself)")  # fmt: skip
    parser.add_argument("--only", action="append", default=[], metavar="SET",
                        help="just this set; may be repeated")  # fmt: skip
    parser.add_argument("--limit", type=int, default=0, metavar="N",
                        help="items of each set at most, spread evenly (0: all)")  # fmt: skip
    parser.add_argument("--shots", type=int, default=None, metavar="N",
                        help="solved examples before a question (MMLU 0, GSM8K 5)")  # fmt: skip
    parser.add_argument("--quick", action="store_true",
                        help="a part of each set: a first look within half a minute")  # fmt: skip
    parser.add_argument("--from", dest="source", choices=("pretrain", "sft", "rl"), default="",
                        help="the stage whose model it is (the last one done)")  # fmt: skip
    parser.add_argument("--model", default="", metavar="PATH",
                        help="measure another one: a folder that transformers opens, a GGUF file, "
                        "or a name that `gnomon models` lists")  # fmt: skip


def run(args: argparse.Namespace, bench: Bench) -> Mapping[str, Any]:
    """Do the stage. Raises InputError where the lab's packages or the model are not here."""
    require(NEEDS)
    import torch

    from gnomon.lab.evaluate.stage import Settings, other, stage

    torch.set_num_threads(bench.threads)
    settings = Settings(
        sets=args.sets, only=tuple(args.only), limit=args.limit, shots=args.shots,
        quick=args.quick, source=args.source, seed=args.seed,
    )  # fmt: skip
    work = bench.workspace(args.name)
    return other(work, bench, settings, args.model) if args.model else stage(work, bench, settings)
