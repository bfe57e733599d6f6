"""`gnomon lab tokenizer`: the vocabulary, and the corpus as tokens."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any

from gnomon.lab.command import Bench, add_common
from gnomon.lab.dial import sizes

SUMMARY = "learn a vocabulary from the corpus and write it as tokens"
DETAIL = (
    "Byte-level BPE by `tokenizers`, with the exact split pattern of Qwen2 or GPT-2 and the chat's "
    "specials as the last ids; the report gives bytes a token for each language. Needs the data "
    "stage. Fails where there is no corpus, a file of it was changed, or the disk is full."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `gnomon lab tokenizer` is told."""
    add_common(parser)
    parser.add_argument("--vocab", type=int, default=0, metavar="N",
                        help="tokens, specials included (set by --depth)")  # fmt: skip
    parser.add_argument("--split", default="qwen2", choices=("qwen2", "gpt2"),
                        help="where words end before pairs are merged (qwen2)")  # fmt: skip
    parser.add_argument("--anew", action="store_true", help="forget what was made, start again")


def run(args: argparse.Namespace, bench: Bench) -> Mapping[str, Any]:
    """The stage over the corpus of ``--name``. Raises InputError, CorruptShard, StoreFull."""
    from gnomon.lab.tokenizer.stage import Settings, check_vocab, stage

    size = sizes(args.depth)
    work = bench.workspace(args.name)
    settings = Settings(
        vocab=check_vocab(args.vocab or size.vocab), context=size.context, split=args.split
    )
    if args.anew:
        work.clear("tokenizer")
    try:
        return stage(work, bench, settings)
    except KeyboardInterrupt:
        bench.reporter.say("stopped; the same command goes on")
        raise
