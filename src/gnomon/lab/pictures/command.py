"""`gnomon lab pictures`: a set of captioned pictures, from registries, folders and posts."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any

from gnomon.lab.command import Bench, require

SUMMARY = "make a set of captioned pictures"
DETAIL = (
    "Emoji and clip art that ordinary registries carry (npm, Debian), the owner's folders and "
    "posts with pictures. Drawn in confined processes, captioned, split by concept, without "
    "near-copies across the splits; what is left out is listed with its reason. Ctrl-C keeps what "
    "was drawn: the same command goes on."
)
NEEDS = ("PIL", "resvg_py")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `gnomon lab pictures` is told."""
    parser.add_argument("--name", default="my-pictures", help="the run (my-pictures)")
    parser.add_argument("--sets", default="", metavar="A,B",
                        help="sets, or 'none' (default: those of MIT, Apache-2.0 and public "
                             "domain); 'all' has share-alike ones too")  # fmt: skip
    parser.add_argument("--packages", default="", metavar="DIR",
                        help="archives already downloaded, by name")  # fmt: skip
    parser.add_argument("--from", dest="folders", action="append", default=[], metavar="DIR",
                        help="a folder of pictures of yours; repeatable")  # fmt: skip
    parser.add_argument("--posts", action="store_true",
                        help="also pictures of the record's posts")  # fmt: skip
    parser.add_argument("--fetch", action="store_true",
                        help="with --posts: fetch the pictures that are not here")  # fmt: skip
    parser.add_argument("--leave-out", default="", metavar="FILE",
                        help="authors and posts to leave out, one a line")  # fmt: skip
    parser.add_argument("--limit", type=int, default=0, metavar="N",
                        help="N pictures of each set only, to try it")  # fmt: skip
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--anew", action="store_true", help="forget what was made, start again")


def run(args: argparse.Namespace, bench: Bench) -> Mapping[str, Any]:
    """Do the stage. Raises InputError where the lab's packages are not here."""
    require(NEEDS)
    from gnomon.lab.pictures.packages import DEFAULT, SETS
    from gnomon.lab.pictures.stage import Settings, stage

    named = tuple(name.strip() for name in args.sets.split(",") if name.strip())
    sets = {(): DEFAULT, ("none",): (), ("all",): tuple(SETS)}.get(named, named)
    settings = Settings(
        sets=sets, packages=args.packages, folders=tuple(args.folders), posts=args.posts,
        fetch=args.fetch, left_out=args.leave_out, limit=args.limit, seed=args.seed,
    )  # fmt: skip
    return stage(bench.workspace(args.name), bench, settings, anew=args.anew)
