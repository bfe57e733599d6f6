"""``gnomon search``, ``show`` and ``status``: what is held."""

from __future__ import annotations

import argparse
from typing import Any

from gnomon.cli.arguments import DONE, command, filter_of, opened, positive, scope
from gnomon.cli.output import print_json, say_set_aside, say_unindexed


def add_search(commands: Any) -> None:
    parser = command(
        commands, "search", search, "find posts, copies shown as one origin",
        "Comes back: the best post of each origin, with its id, time, author and how many posts "
        "the origin stands for. No match is not an error.",
    )  # fmt: skip
    parser.add_argument("words", nargs="+", help="words to look for")
    parser.add_argument("-k", type=positive, default=10, metavar="N",
                        help="at most N origins (default 10)")  # fmt: skip
    parser.add_argument(
        "--images", action="store_true",
        help="find pictures in posts by what they show (docs/search-images.md); a picture that "
        "many posts show is one",
    )  # fmt: skip
    scope(parser)


def add_show(commands: Any) -> None:
    parser = command(
        commands, "show", show, "show a post as it is held",
        "Comes back: its words, author, times, hash, origin, copies, earlier texts and replies. "
        "Fails if no such post is held, or its author deleted it.",
    )  # fmt: skip
    parser.add_argument("post", help="the post's id, as search and citations give it")
    parser.add_argument(
        "--media", action="store_true",
        help="fetch its pictures and say who signed them; only that is kept",
    )  # fmt: skip
    scope(parser)


def add_status(commands: Any) -> None:
    parser = command(
        commands, "status", status, "say what is held, and what is missing",
        "Comes back: posts, origins, sources with their newest post, known gaps, what was set "
        "aside and why, models and what is wrong with them, disk. Reads only; fails where the "
        "configuration or the store cannot be read.",
    )  # fmt: skip
    parser.add_argument("--config", action="store_true", help="also list every setting")
    parser.add_argument("--set-aside", type=positive, default=1000, metavar="N",
                        help="look at the newest N things set aside (default 1000)")  # fmt: skip
    parser.add_argument("--file", action="append", default=[], metavar="PATH",
                        help="of this file or folder alone (repeatable)")  # fmt: skip
    parser.add_argument("--sample", action="store_true", help="of the sample world (fiction)")


def search(args: argparse.Namespace) -> int:
    from gnomon import terminal
    from gnomon.wire import to_json

    where = filter_of(args)
    if args.images:
        return _search_images(args)
    with opened(args) as gnomon:
        held = gnomon.store.status()
        found = gnomon.search(" ".join(args.words), k=args.k, where=where)
        if args.json:
            print_json(to_json(found))
        else:
            terminal.results(found, held=held.posts)
        say_unindexed(held.unindexed)
        say_set_aside(args, gnomon)
    return DONE


def _search_images(args: argparse.Namespace) -> int:
    from gnomon import terminal
    from gnomon.wire import to_json

    where = filter_of(args)
    with opened(args) as gnomon:
        with terminal.pictures(not args.json) as show:
            gnomon.post_pictures.catch_up(show)
        found = gnomon.post_pictures.search(" ".join(args.words), k=args.k, where=where)
        print_json(to_json(found)) if args.json else terminal.pictures_found(found)
        say_set_aside(args, gnomon)
    return DONE


def show(args: argparse.Namespace) -> int:
    from gnomon import terminal
    from gnomon.wire import to_json

    with opened(args) as gnomon:
        if args.media:
            gnomon.media_checks.check(args.post)
        view = gnomon.show(args.post)
        print_json(to_json(view)) if args.json else terminal.post(view)
    return DONE


def status(args: argparse.Namespace) -> int:
    from gnomon import terminal

    with opened(args) as gnomon:
        facts = dict(gnomon.status(args.set_aside))
        if args.config:
            facts["config"] = gnomon.settings()
        print_json(facts) if args.json else terminal.status(facts)
    return DONE
