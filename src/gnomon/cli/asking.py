"""``gnomon ask``."""

from __future__ import annotations

import argparse
from typing import Any

from gnomon.cli.arguments import (
    DONE,
    UNKNOWN,
    command,
    config_of,
    filter_of,
    opened,
    risk,
    scope,
)
from gnomon.cli.output import print_json, say_set_aside, say_unindexed
from gnomon.errors import ConfigError


def add_ask(commands: Any) -> None:
    parser = command(
        commands, "ask", ask, "answer a question from what is held",
        "Comes back: sentences with citations, each checked, what disagrees, what was left out "
        "and why; or \"I don't know\" with the reason (exit code 3). Fails on an empty or "
        "overlong question, a file that cannot be read, and a model that is not here. While "
        "gnomon serve or pull is writing, the answer is given and not kept in the journal.",
    )  # fmt: skip
    parser.add_argument("question", nargs="+", help="the question")
    parser.add_argument("--as-of", metavar="TIME", help="ask as if it were this time (ISO 8601)")
    parser.add_argument("--model", help="chat model: a name, a GGUF path, a URL, or none")
    risk(parser)
    parser.add_argument("--web", action="store_true",
                        help="put the question to your search engine, too: it leaves this machine "
                        "(settings searxng_url, brave_key)")  # fmt: skip
    parser.add_argument("--quiet", action="store_true", help="do not show the steps")
    scope(parser)


def ask(args: argparse.Namespace) -> int:
    from gnomon import terminal
    from gnomon.types import Finished
    from gnomon.wire import parse_time, to_json

    now, where = parse_time(args.as_of) if args.as_of else None, filter_of(args)
    config = config_of(args)
    if args.web and not (config.searxng_url or config.brave_key):
        raise ConfigError(
            "--web needs a search engine; set searxng_url to an instance of yours, or brave_key."
        )
    how = "take" if args.web else "ask"
    with opened(args, how, chat_model=args.model, risk=args.risk) as gnomon:
        events = gnomon.ask(" ".join(args.question), where=where, now=now, live=args.web)
        if args.json:
            last = [event for event in events if isinstance(event, Finished)][-1]
            print_json(to_json(last.answer))
        else:
            last = terminal.follow(events, steps=not args.quiet)
        for trouble in gnomon.trouble.values():
            terminal.warn(f"Answered without a model: {trouble}")
        if gnomon.unkept:
            terminal.warn(f"This answer is not in the journal: {gnomon.unkept}.")
        say_unindexed(last.answer.unindexed)
        say_set_aside(args, gnomon)
    return UNKNOWN if last.answer.abstained or last.answer.unconfirmed else DONE
