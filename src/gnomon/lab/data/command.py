"""`gnomon lab data`: the corpus, from the owner's record and files."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any

from gnomon.lab.command import Bench, add_common

SUMMARY = "make a corpus of the record and of files"
DETAIL = (
    "Public posts only, without those whose authors asked not to be used; dropped with a reason "
    "that can be listed; one document for each origin; nothing of the evaluation sets. Fails where "
    "a source cannot be read, fewer than two documents are left, or the disk is full."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `gnomon lab data` is told."""
    add_common(parser)
    parser.add_argument("--from", dest="sources", action="append", metavar="SOURCE",
                        help="'record' (the default), a file or folder; repeatable")  # fmt: skip
    parser.add_argument("--lang", action="append", default=[], metavar="CODE",
                        help="keep documents of this language only, as en; repeatable")  # fmt: skip
    parser.add_argument("--val", type=float, default=0.05, metavar="SHARE",
                        help="share of origins held out to measure on (0.05)")  # fmt: skip
    parser.add_argument("--eval-dir", default="", metavar="DIR",
                        help="evaluation sets that must not be in the corpus")  # fmt: skip
    parser.add_argument("--leave-out", default="", metavar="FILE",
                        help="authors and posts to leave out, one a line")  # fmt: skip
    parser.add_argument("--limit", type=int, default=0, metavar="N",
                        help="read N documents only, to try it")  # fmt: skip
    parser.add_argument("--check", action="store_true",
                        help="mark corpora and models that hold posts since deleted")  # fmt: skip
    parser.add_argument("--anew", action="store_true", help="forget what was made, start again")


def run(args: argparse.Namespace, bench: Bench) -> Mapping[str, Any]:
    """The stage into the run of ``--name``. Raises InputError, StoreError, StoreFull."""
    if args.check:
        return _check(bench)
    from gnomon.lab.data.stage import Settings, stage

    work = bench.workspace(args.name)
    settings = Settings(
        sources=tuple(args.sources or ("record",)),
        languages=tuple(args.lang),
        val=args.val,
        eval_dir=args.eval_dir,
        left_out=args.leave_out,
        limit=args.limit,
        seed=args.seed,
    )
    if args.anew:
        work.clear("data")
    try:
        return stage(work, bench, settings)
    except KeyboardInterrupt:
        bench.reporter.say("stopped; the same command goes on")
        raise


def _check(bench: Bench) -> Mapping[str, Any]:
    """Follow deletions into every corpus and model; say what was found."""
    from dataclasses import asdict

    from gnomon.lab.data import marks
    from gnomon.store.engine import open_store

    with open_store(bench.home / "store", readonly=True) as store:
        found = marks.check(store, bench.home, bench.models_dir)
    for mark in found:
        bench.reporter.say(mark.line)
    if not found:
        bench.reporter.say("no corpus and no model here holds a post since deleted")
    folder = str(bench.home / "lab")
    return {"stage": "data", "folder": folder, "marks": [asdict(mark) for mark in found]}
