"""``gnomon debate``: two sides of a motion."""

from __future__ import annotations

import argparse
from typing import Any

from gnomon.cli.arguments import (
    DONE,
    UNKNOWN,
    command,
    filter_of,
    opened,
    positive,
    risk,
    scope,
)
from gnomon.cli.output import print_json, say_set_aside, say_unindexed


def add_debate(commands: Any) -> None:
    parser = command(
        commands, "debate", debate, "argue two sides of a motion from what is held",
        "Comes back: sentences for and against; each that states a fact was checked and is cited; "
        "opinions are marked as such; what is held does not bear out is left out, with the "
        "reason. Without a strong chat model both sides are composed of quotes. Exit code 3 where "
        "nothing held bears on the motion.",
    )  # fmt: skip
    parser.add_argument("motion", nargs="+", help="what is argued, as a sentence")
    parser.add_argument("--rounds", type=positive, default=2, metavar="N",
                        help="how often each side speaks (default 2; with a model)")  # fmt: skip
    parser.add_argument("--as-of", metavar="TIME", help="argue as if it were this time (ISO 8601)")
    parser.add_argument("--model", help="chat model: a name, a GGUF path, a URL, or none")
    risk(parser)
    parser.add_argument("--quiet", action="store_true", help="do not show the steps")
    scope(parser)


_HEADS = {"for": "[bold green]For[/]", "against": "[bold red]Against[/]",
          "neither": "[bold]Takes no side[/]"}  # fmt: skip


def debate(args: argparse.Namespace) -> int:
    from gnomon import terminal
    from gnomon.types import Step
    from gnomon.types.skilled import Debate
    from gnomon.wire import parse_time, to_json

    now, where = parse_time(args.as_of) if args.as_of else None, filter_of(args)
    made: Debate | None = None
    with opened(args, "read", chat_model=args.model, risk=args.risk) as gnomon:
        unindexed = gnomon.store.status().unindexed
        for event in gnomon.skills.debate(
            " ".join(args.motion), where=where, now=now, rounds=args.rounds
        ):
            if isinstance(event, Debate):
                made = event
            elif isinstance(event, Step) and not args.quiet and not args.json:
                terminal.step(event)
        assert made is not None, "a debate ends with itself"
        if args.json:
            print_json(to_json(made))
        else:
            _show(made)
        for trouble in gnomon.trouble.values():
            terminal.warn(f"Argued without a model: {trouble}")
        say_unindexed(unindexed)
        say_set_aside(args, gnomon)
    return UNKNOWN if made.reason else DONE


def _show(made: Any) -> None:
    from gnomon import terminal
    from gnomon.terminal import line, prose, safe

    for side in made.sides:
        if side.sentences or (side.name != "neither" and not made.reason):
            line(f"\n{_HEADS[side.name]}")
        for sentence in side.sentences:
            if sentence.kind == "opinion":
                cited = "".join(f"\\[{n}]" for n in sentence.citations)
                prose(f"  {safe(sentence.text)} [cyan]{cited}[/] [dim]opinion[/]")
            else:
                terminal.sentence(sentence)
        if not side.sentences and side.name != "neither" and not made.reason:
            line("  [dim]nothing that is held[/]")
    if made.reason:
        prose(f"[italic]{safe(made.reason)}[/]")
    line("")
    for citation in made.citations:
        terminal.citation(citation)
    for item in made.left_out:
        prose(f"[dim]left out: {safe(item.text[:160])} ({safe(item.reason)})[/]")
    line(f"[dim]by {safe(made.model)}; as of {terminal.when(made.as_of)}[/]")
