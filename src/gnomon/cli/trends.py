"""``gnomon trends``: what is rising."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from gnomon.cli.arguments import DONE, command, opened, positive
from gnomon.cli.output import print_json, say_set_aside

if TYPE_CHECKING:
    from gnomon.types import Trend, Trends

KINDS = ("term", "hashtag", "link", "name")
_BARS = "▁▂▃▄▅▆▇█"


def add_trends(commands: Any) -> None:
    parser = command(
        commands, "trends", trends, "say what is rising",
        "Comes back: terms, hashtags, links and names that more independent people say than their "
        "own past explains, each with how loud it is (posts), how well supported (origins, "
        "authors, independent voices), what was expected, how surprising it is, who carried it and "
        "when it was first said. With a TERM: the same of that one, rising or not.",
    )  # fmt: skip
    parser.add_argument("term", nargs="*", help="explain this term, name, #hashtag or link")
    parser.add_argument("--window", default="1h", metavar="SPAN",
                        help="5m to 7d, as 30m, 6h or 1d (default 1h)")  # fmt: skip
    parser.add_argument("--kind", choices=KINDS, help="only this kind")
    parser.add_argument("--lang", metavar="LANG", default="", help="only this language (en, zh)")
    parser.add_argument("-k", type=positive, default=20, metavar="N",
                        help="at most N trends (default 20)")  # fmt: skip
    parser.add_argument("--sure", action="store_true", help="leave out what may be chance")
    parser.add_argument("--now", metavar="TIME", help="as of this time (ISO 8601)")
    parser.add_argument("--file", action="append", default=[], metavar="PATH",
                        help="of this file or folder alone (repeatable)")  # fmt: skip
    parser.add_argument("--sample", action="store_true", help="of the sample world (fiction)")


def trends(args: argparse.Namespace) -> int:
    from gnomon import terminal
    from gnomon.wire import parse_span, parse_time, to_json

    window_s = parse_span(args.window)
    now = parse_time(args.now) if args.now else None
    with opened(args) as gnomon:
        with terminal.catching_up(gnomon.rising):
            gnomon.rising.caught_up()
        if args.term:
            one = gnomon.rising.explain(
                " ".join(args.term), window_s=window_s, lang=args.lang, now=now
            )
            print_json(to_json(one)) if args.json else _show_one(one)
        else:
            found = gnomon.rising.trends(
                window_s,
                kind=args.kind or "",
                lang=args.lang,
                k=args.k,
                now=now,
                unsure=not args.sure,
            )
            print_json(to_json(found)) if args.json else _show(found)
        say_set_aside(args, gnomon)
    return DONE


def _show(found: Trends) -> None:
    from gnomon import terminal

    for one in found.trends:
        doubt = "" if one.sure else "  [dim](may be chance)[/]"
        terminal.line(
            f"[bold]{terminal.safe(one.label)}[/]  {_bars(one.spark)}  "
            f"{one.independent:.0f} voices, {one.expected:.1f} expected, "
            f"{one.surprise:.0f} bits; {terminal.count(one.posts, 'post')}{doubt}"
        )
        if one.also:
            terminal.prose(f"  [dim]with {terminal.safe(', '.join(one.also))}[/]")
        if one.carriers:
            head = one.carriers[0]
            terminal.prose(f"  [dim]{terminal.safe(head.post)}: {terminal.safe(head.excerpt)}[/]")
        if one.discount.share >= 0.1:
            terminal.prose(f"  [yellow]{terminal.safe(one.discount.reason)}[/]")
    if not found.trends:
        terminal.prose("Nothing is said more than its own past explains.")
    behind = f"; {terminal.count(found.behind, 'change')} not counted yet" if found.behind else ""
    terminal.line(
        f"[dim]{terminal.when(found.since)} to {terminal.when(found.until)}: "
        f"{terminal.count(found.posts, 'post')}, about {terminal.count(found.authors, 'author')}, "
        f"{terminal.count(found.tested, 'term')} looked at{behind}[/]"
    )


def _show_one(one: Trend) -> None:
    from gnomon import terminal

    terminal.line(f"[bold]{terminal.safe(one.label)}[/] ({one.kind})  {_bars(one.spark)}")
    terminal.prose(terminal.safe(one.why))
    first = f"First said {terminal.when(one.first_seen)}"
    terminal.prose(f"{first}{'' if one.new else ', or before'}.")
    for carrier in one.carriers:
        terminal.prose(
            f"  {terminal.safe(carrier.post)}, {terminal.when(carrier.said_at)}, "
            f"{terminal.count(carrier.posts, 'post')}: [dim]{terminal.safe(carrier.excerpt)}[/]"
        )


def _bars(counts: tuple[int, ...]) -> str:
    most = max(counts, default=0)
    if not most:
        return _BARS[0] * len(counts)
    return "".join(_BARS[(count * (len(_BARS) - 1) + most - 1) // most] for count in counts)
