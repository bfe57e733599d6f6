"""``gnomon read``: what a document says to a question."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from gnomon.cli.arguments import DONE, UNKNOWN, command, opened
from gnomon.cli.output import print_json


def add_read(commands: Any) -> None:
    parser = command(
        commands, "read", read, "look a question up in a document",
        "FILE is plain text, Markdown, HTML, PDF, Word (.docx), JSON, JSON Lines, CSV, TSV, a "
        "picture with text in it (extra ocr), or - for standard input. Comes back: the words that "
        "answer, the sentence that they stand in, its page or line; or that it does not say, with "
        "the sentence that comes nearest (exit code 3). The file is parsed in a process that "
        "can do nothing else. Works without a chat model; a strong one picks among the best "
        "sentences.",
    )  # fmt: skip
    parser.add_argument("path", metavar="FILE", help="what to read (- for standard input)")
    parser.add_argument("question", nargs="+", help="the question")
    parser.add_argument("--model", help="chat model: a name, a GGUF path, a URL, or none")
    parser.add_argument("--quiet", action="store_true", help="do not show the steps")


def read(args: argparse.Namespace) -> int:
    from gnomon import terminal
    from gnomon.types import Step
    from gnomon.types.skilled import Reading
    from gnomon.wire import to_json

    made: Reading | None = None
    with opened(args, "read", chat_model=args.model) as gnomon, _named(args.path) as (path, name):
        for event in gnomon.skills.read_file(" ".join(args.question), path, name=name):
            if isinstance(event, Reading):
                made = event
            elif isinstance(event, Step) and not args.quiet and not args.json:
                terminal.step(event)
    assert made is not None, "a reading ends with itself"
    if args.json:
        print_json(to_json(made))
    else:
        _show(made)
    return DONE if made.says else UNKNOWN


@contextmanager
def _named(path: str) -> Iterator[tuple[str, str]]:
    """A file to read and its name; standard input is written to one that goes again."""
    if path != "-":
        yield path, ""
        return
    with tempfile.NamedTemporaryFile() as file:
        file.write(sys.stdin.buffer.read())
        file.flush()
        yield file.name, "(stdin)"


def _show(made: Any) -> None:
    from gnomon.terminal import line, prose, safe

    if not made.says:
        prose(f"[italic]{safe(made.reason)}[/]")
    elif made.stance:
        prose(f"[bold]{'It says so' if made.stance == 'supports' else 'It denies that'}:[/]")
    else:
        prose(f"[bold]{safe(made.answer)}[/]")
    for quote in made.quotes:
        where = f"page {quote.page}" if quote.page else f"line {quote.line}" if quote.line else ""
        if not where and quote.part > 1:
            where = f"row {quote.part}"
        prose(f"“{safe(quote.text)}”")
        line(f"    [dim]{safe(made.name)}{', ' if where else ''}{where}[/]")
