"""``gnomon check``."""

from __future__ import annotations

import argparse
import sys
from functools import partial
from typing import Any

from gnomon.cli.arguments import (
    DONE,
    INTERRUPTED,
    USAGE,
    UsageError,
    command,
    filter_of,
    opened,
    risk,
    scope,
)
from gnomon.cli.output import print_json, say_set_aside, say_unindexed
from gnomon.errors import InputError

REFUTED = 1  # `check` tells its failures by USAGE


def add_check(commands: Any) -> None:
    parser = command(
        commands, "check", check, "check what a text claims",
        "FILE is plain text, Markdown, HTML, PDF, a picture with text in it (extra ocr), or - for "
        "standard input. Comes back: each "
        "claim with its place, a verdict (supported, refuted, disputed, not enough evidence), "
        "confidence, origins for and against, and exact quotes; opinions, questions and "
        "instructions are listed as not checked. Exit codes: 0 none is refuted, 1 one is (or of "
        "another label that --fail-on names), 2 it could not be checked, 130 interrupted: what "
        "was checked by then is printed. The text itself, where it is held, is no evidence.",
    )  # fmt: skip
    parser.set_defaults(failed=USAGE)
    parser.add_argument("text", nargs="+", metavar="FILE", help="what to check (- for stdin)")
    parser.add_argument(
        "--against", "--file", dest="file", action="extend", nargs="+", default=[],
        metavar="PATH", help="check against these files or folders only, with nothing else set up",
    )  # fmt: skip
    parser.add_argument(
        "--fail-on", action="append", type=_labels, default=[], metavar="LABELS",
        help="exit with 1 on these: refuted (the default), disputed, not_enough_evidence, none; "
        "repeatable, or parted by commas",
    )  # fmt: skip
    parser.add_argument(
        "--format", choices=["text", "markdown", "github"], default="text",
        help="text (default), a Markdown report, or annotations for GitHub Actions",
    )  # fmt: skip
    parser.add_argument("--markdown", dest="format", action="store_const", const="markdown",
                        help="the same as --format markdown")  # fmt: skip
    parser.add_argument("--date", metavar="TIME",
                        help="when the text was written: its \"yesterday\" is the day before "
                        "(default: the date it states, the file's, or today)")  # fmt: skip
    parser.add_argument("--as-of", metavar="TIME", help="check as if it were this time (ISO 8601)")
    parser.add_argument("--as", dest="kind", choices=["text", "markdown", "html", "pdf"],
                        default="", help="what FILE is (default: by its name)")  # fmt: skip
    parser.add_argument("--encoding", default="", help="encoding of a text that is not UTF-8")
    parser.add_argument(
        "--model", help="chat model as second judge: a name, a path, a URL, or none"
    )
    risk(parser)
    parser.add_argument("--quiet", action="store_true", help="no progress on standard error")
    scope(parser, file=False)


def _labels(text: str) -> list[str]:
    names = [name.strip() for name in text.split(",")]
    known = ("refuted", "disputed", "not_enough_evidence", "supported", "none")
    for name in names:
        if name not in known:
            raise argparse.ArgumentTypeError(f"{name[:40]!r} is none of {', '.join(known)}")
    return names


def check(args: argparse.Namespace) -> int:
    from gnomon import assemble, terminal
    from gnomon.types import Label
    from gnomon.wire import parse_time, to_json

    where = filter_of(args)
    date = parse_time(args.date) if args.date else None
    now = parse_time(args.as_of) if args.as_of else None
    named = [name for names in args.fail_on for name in names] or ["refuted"]
    fails = {Label(name) for name in named if name != "none"}
    if args.text.count("-") > 1:
        raise UsageError("standard input (-) can be read only once.")
    read = partial(assemble.open_document, stdin=sys.stdin.buffer, kind=args.kind,
                   encoding=args.encoding, date=date)  # fmt: skip
    with opened(args, "ask", chat_model=args.model, risk=args.risk) as gnomon:
        documents = [read(path, now=gnomon.now()) for path in args.text]
        if not gnomon.store.status().posts:
            raise InputError(
                "Nothing is held to check against; give evidence with --against FILE, or take "
                "posts in with `gnomon pull`."
            )
        checks = (gnomon.check(document, where=where, now=now) for document in documents)
        shown = "json" if args.json else args.format
        done, stopped = terminal.follow_checks(checks, shown, fails, progress=not args.quiet)
        if args.json:
            one = len(documents) == 1 and done
            print_json(to_json(done[0] if one else {"object": "list", "data": done}))
        for trouble in gnomon.trouble.values():
            terminal.warn(f"Checked without a model: {trouble}")
        if gnomon.unkept:
            terminal.warn(f"This check is not in the journal: {gnomon.unkept}.")
        say_unindexed(max((one.unindexed for one in done), default=0))
        say_set_aside(args, gnomon)
    if stopped:
        print("gnomon: stopped; what was checked by then is above.", file=sys.stderr)
        return INTERRUPTED
    labels = {f.verdict.label for one in done for f in one.findings if f.verdict}
    return REFUTED if labels & fails else DONE
