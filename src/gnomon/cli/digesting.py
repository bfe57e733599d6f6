"""``gnomon digest``: a dated brief."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from gnomon.cli.arguments import DONE, command, opened, positive
from gnomon.cli.output import print_json, say_set_aside

_EPOCH_S = 1e9
FORMATS = ("md", "html", "json", "rss")


def add_digest(commands: Any) -> None:
    parser = command(
        commands, "digest", digest, "write a brief of what was spoken of, each sentence checked",
        "Comes back: the top stories by how loud and by how well supported they are, in sentences "
        "that were checked, with citations; what is disputed, what could not be confirmed, what "
        "changed since the digest before. It is kept in the journal. With a strong chat model it "
        "is written and then checked, else composed of quotes. Nothing to tell is not an error.",
    )  # fmt: skip
    parser.add_argument("--since", default="24h", metavar="TIME",
                        help="a length such as 24h or 7d, or a time (default 24h)")  # fmt: skip
    parser.add_argument("--until", metavar="TIME", help="up to this time (default: now)")
    parser.add_argument("--about", default="", metavar="WORDS", help="only stories about this")
    parser.add_argument("--lang", choices=("en", "zh"), default="en",
                        help="the language of gnomon's own words (default en)")  # fmt: skip
    parser.add_argument("--of", action="append", default=[], metavar="LANG",
                        help="only stories told in this language (repeatable)")  # fmt: skip
    parser.add_argument("-k", type=positive, default=8, metavar="N",
                        help="at most N stories (default 8)")  # fmt: skip
    parser.add_argument("--format", choices=FORMATS, default="md",
                        help="md (default), html (one page), json, rss")  # fmt: skip
    parser.add_argument("--model", help="chat model: a name, a GGUF path, a URL, or none")
    parser.add_argument("--quiet", action="store_true", help="do not show the steps")
    parser.add_argument(
        "--file", action="append", default=[], metavar="PATH",
        help="of this file or folder only, with nothing else set up (repeatable)",
    )  # fmt: skip
    parser.add_argument("--sample", action="store_true", help="of the sample world (fiction)")


def digest(args: argparse.Namespace) -> int:
    from gnomon import terminal
    from gnomon.types import Digest
    from gnomon.wire import parse_time, to_json

    made: Digest | None = None
    with opened(args, "ask", chat_model=args.model) as gnomon:
        until = parse_time(args.until) if args.until else None
        since = _since(args.since, until, gnomon)
        with terminal.catching_up(gnomon.rising):
            gnomon.rising.stories_caught_up()
        for event in gnomon.digests.make(
            since=since, until=until, about=args.about, langs=args.of, lang=args.lang, k=args.k
        ):
            if isinstance(event, Digest):
                made = event
            elif not args.quiet and not args.json:
                terminal.step(event)
        assert made is not None, "a digest ends with itself"
        if args.json or args.format == "json":
            print_json(to_json(made))
        else:
            shown = gnomon.digests.shown(made, args.format)
            assert isinstance(shown, str)
            sys.stdout.write(shown)
        if gnomon.unkept:
            terminal.warn(f"This digest is not in the journal: {gnomon.unkept}.")
        say_set_aside(args, gnomon)
    return DONE


def _since(text: str, until: float | None, gnomon: Any) -> float | None:
    """When the digest begins; None for the default of a day, which ends with the newest post."""
    from gnomon.errors import InputError
    from gnomon.wire import parse_span, parse_time

    if text == "24h" and until is None:
        return None
    try:
        span = parse_span(text)
    except InputError:
        return parse_time(text)
    if span >= _EPOCH_S:  # no length of time, but a time
        return parse_time(text)
    newest = gnomon.store.status().newest
    now = gnomon.now()
    end = until if until is not None else min(now, newest + 1 if newest is not None else now)
    return float(end - span)
