"""``gnomon pull``."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any

from gnomon.cli.arguments import DONE, FAILED, INTERRUPTED, command, opened, seconds
from gnomon.cli.output import print_json

if TYPE_CHECKING:
    from gnomon.assemble import Gnomon, Report

SPECS = (
    "SPEC is a file or folder (JSONL, JSON, CSV, TSV, Parquet, Markdown, text, HTML, PDF, a "
    "picture with text in it, an X archive, a Stack Exchange dump, .zim, mbox or maildir), a "
    "feed's URL, feeds (the configured list), bluesky, mastodon:HOST (or HOST/local, "
    "HOST/tags/WORD, HOST/@ACCOUNT), hn (or hn:top), "
    "reddit:r/NAME, x:from:HANDLE, x:search:QUERY, page:URL, sitemap:URL, weibo:FILE, json:FILE "
    "with a mapping, map:MAPPING (pages of JSON), or the file's kind before it (x-archive, "
    "x-pages, stackexchange, zim, mail): docs/sources.md says what each does and which need a key."
)
"""What a source is named by, for the help of every command that takes one."""


def add_pull(commands: Any) -> None:
    parser = command(
        commands, "pull", pull, "take in posts from sources",
        f"{SPECS} - is JSON lines on standard input. "
        "Comes back: counts, and how many items were set aside (gnomon status says why). A "
        "source that fails is named and the others go on (exit code 1 at the end). Fails where "
        "another process is writing, or the disk is full. Ctrl-C keeps what was taken in.",
    )  # fmt: skip
    parser.add_argument("source", nargs="+", metavar="SPEC", help="what to take in")
    parser.add_argument("--map", metavar="FILE",
                        help="the mapping by which the JSON of every SPEC is read")  # fmt: skip
    parser.add_argument("--name", default="", help="name of the source; put before ids (NAME:id)")
    parser.add_argument("--encoding", default="", help="encoding of text files that are not UTF-8")
    parser.add_argument("--every", type=seconds, metavar="SECONDS",
                        help="go on: ask again so often, or follow the stream")  # fmt: skip
    parser.add_argument("--for", type=seconds, dest="for_s", metavar="SECONDS",
                        help="stop after so long (bluesky and --every would go on)")  # fmt: skip
    parser.add_argument("--pictures", action="store_true",
                        help="also keep small copies of the posts' pictures, fetched or from "
                        "beside the files, for search --images")  # fmt: skip
    parser.add_argument("--adult", action="store_true", help="take in posts labelled adult")


def _pictures(args: argparse.Namespace, gnomon: Gnomon) -> Any:
    """Take in the wanted pictures, and have the model see them where there is one; how far that
    came."""
    from gnomon import terminal

    with terminal.pictures(not args.json) as show:
        return gnomon.post_pictures.take_all(show)


def pull(args: argparse.Namespace) -> int:
    from gnomon import terminal
    from gnomon.wire import to_json

    specs = [f"{spec} --map {args.map}" for spec in args.source] if args.map else args.source
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
                specs,
                name=args.name,
                encoding=args.encoding,
                every_s=args.every,
                for_s=args.for_s,
                stdin=sys.stdin.buffer,
                on_progress=count,
                pictures=args.pictures,
            )
            kept = _pictures(args, gnomon) if args.pictures else None
        except KeyboardInterrupt:
            reports, kept = None, None
    rows = list(latest.values()) if reports is None else reports
    if args.json:
        told = to_json(rows)
        print_json(told if kept is None else {"reports": told, "pictures": to_json(kept)})
    else:
        terminal.reports(rows)
        terminal.pictures_taken(kept)
    if reports is None:
        print("gnomon: stopped; what was acknowledged is kept.", file=sys.stderr)
        return INTERRUPTED
    return FAILED if any(report.error for report in reports) else DONE
