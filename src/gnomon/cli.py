"""The command line: thin commands over ``assemble.Gnomon``; no logic of its own.

Exit codes: 0 done; 1 it could not be done (one sentence on standard error); 2 wrong usage;
3 the answer is "I don't know"; 130 interrupted.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from gnomon import __version__
from gnomon.config import Config, load
from gnomon.errors import GnomonError, InputError

if TYPE_CHECKING:
    from gnomon.assemble import Gnomon
    from gnomon.types import Filter

DONE, FAILED, USAGE, UNKNOWN, INTERRUPTED = 0, 1, 2, 3, 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code."""
    parser = build_parser()
    args = parser.parse_args(argv)
    if not getattr(args, "run", None):
        parser.print_help()
        return USAGE
    try:
        return int(args.run(args))
    except GnomonError as error:
        if getattr(args, "json", False):
            print(json.dumps({"error": {"type": type(error).__name__, "message": str(error)}}))
        print(f"gnomon: {error}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        print("gnomon: stopped; what was acknowledged is kept.", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        # The reader of our output went away (`| head`): not an error, but stdout is gone.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE


# ------------------------------------------------------------------------------- the parser


def build_parser() -> argparse.ArgumentParser:
    """The whole command line, as argparse sees it."""
    parser = argparse.ArgumentParser(
        prog="gnomon",
        description="Ask what is going on, and get an answer whose every sentence was checked.",
        epilog="exit codes: 0 done, 1 failed, 2 wrong usage, 3 the answer is \"I don't know\"",
    )
    parser.add_argument("--version", action="version", version=f"gnomon {__version__}")
    parser.add_argument("--home", help="where everything lives (default $GNOMON_HOME or ~/.gnomon)")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    for add in (_ask, _search, _show, _pull, _status, _models, _serve):
        add(commands)
    return parser


def _command(
    commands: Any, name: str, run: Callable[[argparse.Namespace], int], summary: str, detail: str
) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(
        name,
        help=summary,
        description=f"{summary[0].upper()}{summary[1:]}. {detail}",
    )
    parser.set_defaults(run=run)
    parser.add_argument("--json", action="store_true", help="print JSON and nothing else")
    return parser


def _scope(parser: argparse.ArgumentParser) -> None:
    """What to look in."""
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


def _ask(commands: Any) -> None:
    parser = _command(
        commands, "ask", ask, "answer a question from what is held",
        "Comes back: sentences with citations, each checked, what disagrees, what was left out "
        "and why; or \"I don't know\" with the reason (exit code 3). Fails on an empty or "
        "overlong question, and on a file that cannot be read.",
    )  # fmt: skip
    parser.add_argument("question", nargs="+", help="the question")
    parser.add_argument("--as-of", metavar="TIME", help="ask as if it were this time (ISO 8601)")
    parser.add_argument("--model", help="chat model: a name, a GGUF path, a URL, or none")
    parser.add_argument("--quiet", action="store_true", help="do not show the steps")
    _scope(parser)


def _search(commands: Any) -> None:
    parser = _command(
        commands, "search", search, "find posts, copies shown as one origin",
        "Comes back: the best post of each origin, with its id, time, author and how many posts "
        "the origin stands for. No match is not an error.",
    )  # fmt: skip
    parser.add_argument("words", nargs="+", help="words to look for")
    parser.add_argument("-k", type=int, default=10, help="how many origins (default 10)")
    _scope(parser)


def _show(commands: Any) -> None:
    parser = _command(
        commands, "show", show, "show a post as it is held",
        "Comes back: its words, author, times, hash, origin, copies, earlier texts and replies. "
        "Fails if no such post is held, or its author deleted it.",
    )  # fmt: skip
    parser.add_argument("post", help="the post's id, as search and citations give it")
    _scope(parser)


def _pull(commands: Any) -> None:
    parser = _command(
        commands, "pull", pull, "take in posts from sources",
        "SOURCE is a file or folder (JSONL, CSV, Parquet, Markdown, text, HTML, PDF), a feed's "
        "URL, bluesky, feeds (the configured list), or - for JSON lines on standard input. "
        "Comes back: counts, and how many items were set aside (gnomon status says why). A "
        "source that fails is named and the others go on (exit code 1 at the end).",
    )  # fmt: skip
    parser.add_argument("source", nargs="+", help="what to take in")
    parser.add_argument("--name", default="", help="name of the source; put before ids (NAME:id)")
    parser.add_argument("--encoding", default="", help="encoding of text files that are not UTF-8")
    parser.add_argument("--every", type=float, metavar="SECONDS", help="poll feeds again and again")
    parser.add_argument("--for", type=float, dest="for_s", metavar="SECONDS",
                        help="stop after so long (bluesky and --every otherwise go on)")  # fmt: skip
    parser.add_argument("--adult", action="store_true", help="take in posts labelled adult")


def _status(commands: Any) -> None:
    parser = _command(
        commands, "status", status, "say what is held, and what is missing",
        "Comes back: posts, origins, sources with their newest post, known gaps, what was set "
        "aside and why, models, disk.",
    )  # fmt: skip
    parser.add_argument("--config", action="store_true", help="also list every setting")
    parser.add_argument("--sample", action="store_true", help="of the sample world")


def _models(commands: Any) -> None:
    parser = _command(
        commands, "models", models, "list models, or pull one",
        "Comes back: task, licence, size, SHA-256 and sources of each known model. pull NAME "
        "fetches one, resumes, and refuses bytes whose hash is not the publisher's. export and "
        "import move pulled models between machines.",
    )  # fmt: skip
    parser.add_argument("action", nargs="?", choices=["list", "pull", "export", "import"],
                        default="list", help="default: list")  # fmt: skip
    parser.add_argument("name", nargs="?", help="model name or URL (pull), folder (export, import)")
    parser.add_argument("--sha256", help="expected hash, for a model that is not in the table")


def _serve(commands: Any) -> None:
    parser = _command(
        commands, "serve", serve, "serve the page and the API",
        "Prints the address. Fails if the port is in use. Without posts and without a network it "
        "opens the sample world and says so.",
    )  # fmt: skip
    parser.add_argument("--host", help="address to listen on (default 127.0.0.1)")
    parser.add_argument("--port", type=int, help="port (default 8080; 0 picks a free one)")
    parser.add_argument("--live", action="store_true", help="also take in live posts")
    parser.add_argument("--sample", action="store_true", help="serve the sample world (fiction)")
    parser.add_argument("--file", action="append", default=[], metavar="PATH",
                        help="serve what these files hold, and nothing else")  # fmt: skip


# ------------------------------------------------------------------------------- the commands


def config_of(args: argparse.Namespace, **overrides: Any) -> Config:
    return load(args.home, **overrides)


@contextmanager
def opened(args: argparse.Namespace, *, readonly: bool = False, **overrides: Any) -> Iterator[Gnomon]:
    """The store that the arguments name: files, the sample world, or the owner's."""
    from gnomon import assemble

    config = config_of(args, **overrides)
    if getattr(args, "file", None):
        gnomon = assemble.open_files(config, args.file)
    elif getattr(args, "sample", False):
        gnomon = assemble.open_sample(config)
    else:
        gnomon = assemble.open_gnomon(config, readonly=readonly)
    with gnomon:
        yield gnomon


def filter_of(args: argparse.Namespace) -> Filter:
    from gnomon.types import Filter
    from gnomon.wire import parse_time

    return Filter(
        since=parse_time(args.since) if args.since else None,
        until=parse_time(args.until) if args.until else None,
        sources=tuple(args.source),
        authors=tuple(args.author),
        langs=tuple(args.lang),
    )


def ask(args: argparse.Namespace) -> int:
    from gnomon import terminal
    from gnomon.types import Finished
    from gnomon.wire import parse_time, to_json

    now = parse_time(args.as_of) if args.as_of else None
    with opened(args, chat_model=args.model) as gnomon:
        events = gnomon.ask(" ".join(args.question), where=filter_of(args), now=now)
        if args.json:
            last = [event for event in events if isinstance(event, Finished)][-1]
            print_json(to_json(last.answer))
        else:
            last = terminal.follow(events, steps=not args.quiet)
    return UNKNOWN if last.answer.abstained else DONE


def search(args: argparse.Namespace) -> int:
    from gnomon import terminal
    from gnomon.wire import to_json

    if args.k < 1:
        raise InputError(f"-k is {args.k}; give at least 1.")
    with opened(args, readonly=True) as gnomon:
        found = gnomon.search(" ".join(args.words), k=args.k, where=filter_of(args))
        print_json(to_json(found)) if args.json else terminal.results(found)
    return DONE


def show(args: argparse.Namespace) -> int:
    from gnomon import terminal
    from gnomon.wire import to_json

    with opened(args, readonly=True) as gnomon:
        view = gnomon.show(args.post)
        print_json(to_json(view)) if args.json else terminal.post(view)
    return DONE


def pull(args: argparse.Namespace) -> int:
    from gnomon import terminal
    from gnomon.wire import to_json

    with opened(args, adult=args.adult or None) as gnomon, terminal.progress(not args.json) as show:
        reports = gnomon.pull(
            args.source,
            name=args.name,
            encoding=args.encoding,
            every_s=args.every,
            for_s=args.for_s,
            stdin=sys.stdin.buffer,
            on_progress=show,
        )
    print_json(to_json(reports)) if args.json else terminal.reports(reports)
    return FAILED if any(report.error for report in reports) else DONE


def status(args: argparse.Namespace) -> int:
    from gnomon import terminal

    with opened(args, readonly=True) as gnomon:
        facts = dict(gnomon.status())
        if args.config:
            facts["config"] = gnomon.settings()
        print_json(facts) if args.json else terminal.status(facts)
    return DONE


def models(args: argparse.Namespace) -> int:
    from gnomon import assemble, terminal

    config = config_of(args)
    if args.action == "list":
        rows = assemble.model_rows(config)
        print_json(rows) if args.json else terminal.models(rows)
        return DONE
    if not args.name:
        raise InputError(f"Say which: gnomon models {args.action} NAME; `gnomon models` lists them.")
    with terminal.download(not args.json) as show:
        paths = assemble.move_model(
            args.action, args.name, config, sha256=args.sha256, on_progress=show
        )
    print_json([str(path) for path in paths]) if args.json else terminal.pulled(paths)
    return DONE


def serve(args: argparse.Namespace) -> int:
    from gnomon import assemble
    from gnomon.serve.app import serve as run_server

    config = config_of(args, host=args.host, port=args.port)
    with assemble.open_for_serving(
        config, files=args.file, use_sample=args.sample, live=args.live, say=print
    ) as gnomon:
        run_server(gnomon, config.host, config.port)
    return DONE


def print_json(value: Any) -> None:
    """JSON on standard output, the same on every machine."""
    print(json.dumps(value, ensure_ascii=False, indent=2, default=str))


if __name__ == "__main__":
    sys.exit(main())
