"""``gnomon translate``: a text in another language, held to its source."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from gnomon.cli.arguments import DONE, FAILED, UsageError, command, opened
from gnomon.cli.output import print_json
from gnomon.errors import InputError


def add_translate(commands: Any) -> None:
    parser = command(
        commands, "translate", translate, "translate a text, held to its numbers and names",
        "Comes back: the translation. Addresses, mentions and hashtags are kept to the letter; "
        "numbers, names and the glossary's terms are compared with the source, what was lost is "
        "tried again and then listed (exit code 1 with --strict). Needs a chat model; how good the "
        "words are is the model's.",
    )  # fmt: skip
    parser.add_argument("text", nargs="*", metavar="WORDS",
                        help="what to translate (- or nothing: standard input)")  # fmt: skip
    parser.add_argument("--file", metavar="PATH", help="translate this text file")
    parser.add_argument("--to", required=True, metavar="LANG", help="into: en, zh, fr, ...")
    parser.add_argument("--from", dest="lang", default="", metavar="LANG",
                        help="the source's language (default: found out)")  # fmt: skip
    parser.add_argument("--glossary", metavar="FILE",
                        help="terms to translate alike: source = target, a line each")  # fmt: skip
    parser.add_argument("--strict", action="store_true", help="exit with 1 where something is lost")
    parser.add_argument("--model", help="chat model: a name, a GGUF path or a URL")
    parser.add_argument("--quiet", action="store_true", help="do not show the steps")


def translate(args: argparse.Namespace) -> int:
    from gnomon import terminal
    from gnomon.assemble.skills import read_glossary
    from gnomon.types import Step
    from gnomon.types.skilled import Translation
    from gnomon.wire import to_json

    text = _source(args)
    glossary = read_glossary(_read(args.glossary), args.glossary) if args.glossary else {}
    made: Translation | None = None
    args.file = None  # it is no store to look in
    with opened(args, "read", chat_model=args.model) as gnomon:
        for event in gnomon.skills.translate(text, args.to, lang=args.lang, glossary=glossary):
            if isinstance(event, Translation):
                made = event
            elif isinstance(event, Step) and not args.quiet and not args.json:
                terminal.step(event)
    assert made is not None, "a translation ends with itself"
    if args.json:
        print_json({**to_json(made), "whole": made.whole})
    else:
        terminal.prose(terminal.safe(made.text))
        for stretch in made.segments:
            for loss in stretch.losses:
                terminal.warn(f"{loss.kind}: {loss.what[:80]}: {loss.reason}")
    return FAILED if args.strict and not made.whole else DONE


def _source(args: argparse.Namespace) -> str:
    if args.file and args.text:
        raise UsageError("give words or --file, not both.")
    if args.file:
        return _read(args.file)
    if args.text and args.text != ["-"]:
        return " ".join(args.text)
    return sys.stdin.buffer.read().decode("utf-8", "replace")


def _read(path: str) -> str:
    try:
        return Path(path).expanduser().read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", "") or "it is not UTF-8"
        raise InputError(f"{path!r} cannot be read ({why}); check it.") from error
