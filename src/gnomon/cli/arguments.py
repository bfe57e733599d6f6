"""What commands share: how they are declared, what they look in, how values are read."""

from __future__ import annotations

import argparse
import math
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NoReturn

from gnomon.config import Config, load
from gnomon.errors import InputError

if TYPE_CHECKING:
    from gnomon.assemble import Gnomon
    from gnomon.types import Filter

DONE, FAILED, USAGE, UNKNOWN, INTERRUPTED = 0, 1, 2, 3, 130


class UsageError(Exception):
    """The command line itself is wrong."""


class Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message}; `{self.prog} --help` says more.")


def command(
    commands: Any, name: str, run: Callable[[argparse.Namespace], int], summary: str, detail: str
) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(
        name,
        help=summary,
        description=f"{summary[0].upper()}{summary[1:]}. {detail}",
    )
    parser.set_defaults(run=run, parser=parser)
    parser.add_argument("--json", action="store_true", help="print one JSON document, no more")
    return parser


def scope(parser: argparse.ArgumentParser, *, file: bool = True) -> None:
    """What to look in."""
    if file:
        parser.add_argument(
            "--file", action="append", default=[], metavar="PATH",
            help="look in this file or folder only, with nothing else set up (repeatable)",
        )  # fmt: skip
    parser.add_argument("--sample", action="store_true", help="look in the sample world (fiction)")
    parser.add_argument("--since", metavar="TIME", help="only posts from this time on (ISO 8601)")
    parser.add_argument("--until", metavar="TIME", help="only posts before this time")
    parser.add_argument("--source", action="append", default=[], help="only this source")
    parser.add_argument("--author", action="append", default=[], help="only this author")
    parser.add_argument("--lang", action="append", default=[], help="only this language (en, zh)")


def risk(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--risk", type=share, metavar="SHARE",
        help="the share of checked claims that may get a wrong verdict (default 0.05): what is "
        "less sure is not said; 1 says everything",
    )  # fmt: skip


def positive(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is no number from 1 on")
    return int(text)


def share(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is no share from 0 to 1, such as 0.05")
    return value


def seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value < threading.TIMEOUT_MAX:
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is no number of seconds above 0")
    return value


def config_of(args: argparse.Namespace, **overrides: Any) -> Config:
    return load(args.home, **overrides)


@contextmanager
def opened(args: argparse.Namespace, how: str = "read", **overrides: Any) -> Iterator[Gnomon]:
    """What the arguments name: files, the sample world, or the owner's store, opened to "read",
    to "ask" (and journal, if it can be), to "take" in more while asking, or to "write"."""
    config = config_of(args, **overrides)
    from gnomon import assemble

    if getattr(args, "file", None):
        gnomon = assemble.open_files(config, args.file)
    elif getattr(args, "sample", False):
        gnomon = assemble.open_sample(config)
    elif how in ("ask", "take"):
        gnomon = assemble.open_for_asking(config, make=how == "take")
    else:
        gnomon = assemble.open_gnomon(config, readonly=how == "read")
    with gnomon:
        yield gnomon


def filter_of(args: argparse.Namespace) -> Filter:
    from gnomon.types import Filter
    from gnomon.wire import parse_time

    since = parse_time(args.since) if args.since else None
    until = parse_time(args.until) if args.until else None
    if since is not None and until is not None and since >= until:
        raise InputError(f"--since {args.since} is not before --until {args.until}; swap them.")
    return Filter(since, until, tuple(args.source), tuple(args.author), tuple(args.lang))
