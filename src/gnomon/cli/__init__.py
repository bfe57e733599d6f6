"""The command line: thin commands over ``assemble.Gnomon``; no logic of its own.

Exit codes: 0 done; 1 it could not be done (one sentence on standard error); 2 wrong usage;
3 the answer is "I don't know"; 130 interrupted (Ctrl-C, or SIGTERM). ``check`` ends with 1 where a
claim is refuted, and with 2 where it could not be done.

With ``--json`` standard output holds one JSON document and nothing else, whatever happens; where
it could not be done that is ``{"error": {"type", "message"}}``.
"""

from __future__ import annotations

import argparse
import io
import os
import signal
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from typing import NoReturn

from gnomon import __version__
from gnomon.cli import (
    asking,
    checking,
    debating,
    digesting,
    drawing,
    keys,
    lab,
    looking,
    mcp,
    models,
    provenance,
    quizzing,
    reading,
    receipts,
    serving,
    sources,
    stories,
    taking,
    translating,
    trends,
    users,
    voice,
)
from gnomon.cli.arguments import DONE, FAILED, INTERRUPTED, USAGE, Parser, UsageError
from gnomon.cli.output import print_json
from gnomon.errors import GnomonError

COMMANDS = (
    asking.add_ask,
    checking.add_check,
    looking.add_search,
    looking.add_show,
    trends.add_trends,
    stories.add_stories,
    stories.add_story,
    taking.add_pull,
    sources.add_sources,
    digesting.add_digest,
    debating.add_debate,
    translating.add_translate,
    reading.add_read,
    looking.add_status,
    models.add_models,
    drawing.add_draw,
    quizzing.add_quiz,
    serving.add_serve,
    mcp.add_mcp,
    keys.add_keys,
    users.add_users,
    provenance.add_provenance,
    receipts.add_receipt,
    voice.add_say,
    voice.add_listen,
    lab.add_lab,
)
"""Declares a command each, in the order in which help lists them."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    as_json = "--json" in words
    parser = build_parser()
    failed = FAILED
    try:
        _prepare_streams()
        args, unread = parser.parse_known_args(words)
        if unread:
            where: argparse.ArgumentParser = getattr(args, "parser", parser)
            where.error(f"unrecognized arguments: {' '.join(unread)}")
        failed = getattr(args, "failed", FAILED)
        if not getattr(args, "run", None):
            parser.print_help()
            return USAGE
        code = int(args.run(args))
        sys.stdout.flush()
        return code
    except UsageError as error:
        return _failed("UsageError", str(error), as_json, USAGE)
    except GnomonError as error:
        return _failed(type(error).__name__, str(error), as_json, failed)
    except KeyboardInterrupt:
        said = "stopped; what was acknowledged is kept."
        return _failed("Interrupted", said, as_json, INTERRUPTED)
    except BrokenPipeError:
        # The reader of our output went away (`| head`): not an error, but stdout is gone.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        said = f"{place}{error.strerror or error}; see whether it may be used, then try again."
        return _failed(type(error).__name__, said, as_json, failed)


def _prepare_streams() -> None:
    """What an output cannot show becomes an escape, not an error; SIGTERM ends as Ctrl-C does."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, signal.default_int_handler)


def _failed(kind: str, message: str, as_json: bool, code: int) -> int:
    """Say on standard error what went wrong, and as JSON where that is what was asked for."""
    try:
        if as_json:
            print_json({"error": {"type": kind, "message": message}})
            sys.stdout.flush()
    except OSError:  # the output is what failed; standard error still tells
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    print(f"gnomon: {message}", file=sys.stderr)
    return code


def build_parser() -> argparse.ArgumentParser:
    """The whole command line, as argparse sees it."""
    parser = Parser(
        prog="gnomon",
        description="Ask what is going on, and get an answer whose every sentence was checked.",
        epilog='exit codes: 0 done, 1 failed, 2 wrong usage, 3 the answer is "I don\'t know" or '
        "what one origin alone says, 130 interrupted",
    )
    parser.add_argument("--version", action="version", version=f"gnomon {__version__}")
    parser.add_argument("--home", help="where everything lives (default $GNOMON_HOME or ~/.gnomon)")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    for add in COMMANDS:
        add(commands)
    return parser


def entry() -> NoReturn:
    """The ``gnomon`` command: ``main``, and then out.

    A thread that still waits in a read (a pipe, a name look-up) would be torn down inside native
    code while the interpreter finalises, which can abort the process. All that must be kept is
    closed by then, so it leaves at once instead.
    """
    code = main()
    if threading.active_count() > 1:
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError):
                stream.flush()
        os._exit(code)
    sys.exit(code)
