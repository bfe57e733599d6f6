"""``gnomon pull``."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any

from gnomon.cli.arguments import DONE, FAILED, INTERRUPTED, command, opened, seconds
from gnomon.cli.output import print_json

if TYPE_CHECKING:
    from gnomon.assemble import Report


def add_pull(commands: Any) -> None:
    parser = command(
        commands, "pull", pull, "take in posts from sources",
        "SOURCE is a file or folder (JSONL, CSV, Parquet, Markdown, text, HTML, PDF), a feed's "
        "URL, bluesky, feeds (the configured list), or - for JSON lines on standard input. "
        "Comes back: counts, and how many items were set aside (gnomon status says why). A "
        "source that fails is named and the others go on (exit code 1 at the end). Fails where "
        "another process is writing, or the disk is full. Ctrl-C keeps what was taken in.",
    )  # fmt: skip
    parser.add_argument("source", nargs="+", help="what to take in")
    parser.add_argument("--name", default="", help="name of the source; put before ids (NAME:id)")
    parser.add_argument("--encoding", default="", help="encoding of text files that are not UTF-8")
    parser.add_argument("--every", type=seconds, metavar="SECONDS",
                        help="poll feeds again and again")  # fmt: skip
    parser.add_argument("--for", type=seconds, dest="for_s", metavar="SECONDS",
                        help="stop after so long (bluesky and --every would go on)")  # fmt: skip
    parser.add_argument("--adult", action="store_true", help="take in posts labelled adult")


def pull(args: argparse.Namespace) -> int:
    from gnomon import terminal
    from gnomon.wire import to_json

    latest: dict[str, Report] = {}
    with (
        opened(args, "write", adult=args.adult or None) as gnomon,
        terminal.progress(not args.json) as show,
    ):

        def count(report: Report) -> None:
            latest[report.source] = report
            if show is not None:
                show(report)

        try:
            reports = gnomon.pull(
                args.source,
                name=args.name,
                encoding=args.encoding,
                every_s=args.every,
                for_s=args.for_s,
                stdin=sys.stdin.buffer,
                on_progress=count,
            )
        except KeyboardInterrupt:
            reports = None
    rows = list(latest.values()) if reports is None else reports
    print_json(to_json(rows)) if args.json else terminal.reports(rows)
    if reports is None:
        print("gnomon: stopped; what was acknowledged is kept.", file=sys.stderr)
        return INTERRUPTED
    return FAILED if any(report.error for report in reports) else DONE
