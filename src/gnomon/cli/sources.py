"""``gnomon sources``: what is followed."""

from __future__ import annotations

import argparse
from typing import Any

from gnomon.cli.arguments import DONE, FAILED, UsageError, command, opened, seconds
from gnomon.cli.output import print_json
from gnomon.cli.taking import SPECS

_ACTIONS = ("list", "add", "pause", "resume", "remove", "test")


def add_sources(commands: Any) -> None:
    parser = command(
        commands, "sources", sources, "list the sources that are followed, or change the list",
        "list shows each with its health: last item, lag, errors, gaps. add SPEC follows one more, "
        "pause and resume SPEC, remove SPEC keeps what was taken in. "
        "test SPEC takes a few items, shows what would be kept and what set aside, and keeps "
        "nothing. A server that runs (`gnomon serve --live`, `make run`) follows a change within "
        "seconds. Fails on a spec that means nothing, one that is not followed, and a test that "
        f"brings nothing. {SPECS} With a mapping, SPEC is in quotes: 'json:FILE --map MAPPING'.",
    )  # fmt: skip
    parser.add_argument("action", nargs="?", choices=_ACTIONS, default="list", help="default: list")
    parser.add_argument("spec", nargs="?", metavar="SPEC", help="the source")
    parser.add_argument("--every", type=seconds, metavar="SECONDS",
                        help="add: how often to ask a source that is polled")  # fmt: skip
    parser.add_argument("--for", type=seconds, dest="for_s", default=20.0, metavar="SECONDS",
                        help="test: how long to wait (default 20)")  # fmt: skip


def sources(args: argparse.Namespace) -> int:
    from gnomon import terminal
    from gnomon.wire import to_json

    if (args.action == "list") == bool(args.spec):
        said = f"say which: gnomon sources {args.action} SPEC."
        none = f"list takes no SPEC, and {(args.spec or '')[:60]!r} was given."
        raise UsageError(none if args.spec else said)
    with opened(args) as gnomon:
        supply = gnomon.supply
        if args.action == "test":
            tried = supply.try_out(args.spec, for_s=args.for_s)
            print_json(to_json(tried)) if args.json else terminal.tried(tried)
            return FAILED if tried.error and not tried.posts else DONE
        if args.action == "add":
            supply.add(args.spec, every_s=args.every)
        elif args.action in ("pause", "resume"):
            supply.pause(args.spec, args.action == "pause")
        elif args.action == "remove":
            supply.remove(args.spec)
        rows = supply.rows()
    print_json(rows) if args.json else terminal.sources(rows)
    return DONE
