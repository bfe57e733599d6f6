"""``gnomon story --plot FILE``: a plot is gone on with, and kept in a file to be edited."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gnomon.cli.arguments import DONE, FAILED, UsageError, opened, positive
from gnomon.cli.output import print_json
from gnomon.errors import InputError

if TYPE_CHECKING:
    from gnomon.types.skilled import Plot, Told


def add_plot(parser: argparse.ArgumentParser) -> None:
    """The options of ``gnomon story`` that make it continue a plot."""
    plot = parser.add_argument_group("to continue a plot of your own")
    plot.add_argument(
        "--plot", metavar="FILE",
        help="continue the plot in FILE (TOML; made if it is not there, the words being its "
        "premise); the words say what happens next",
    )  # fmt: skip
    plot.add_argument("--words", type=positive, default=250, metavar="N",
                      help="about so many words, in Chinese characters (default 250)")  # fmt: skip
    plot.add_argument("--in", dest="told_in", choices=("en", "zh"),
                      help="language of a new plot (default: that of its premise)")  # fmt: skip
    plot.add_argument("--keep-slips", action="store_true",
                      help="keep sentences that do not fit the plot, and list them")  # fmt: skip
    plot.add_argument("--check-plot", action="store_true",
                      help="write nothing: list what does not fit (exit code 1)")  # fmt: skip
    plot.add_argument("--model", help="chat model: a name, a GGUF path or a URL")
    plot.add_argument("--quiet", action="store_true", help="do not show the steps")


def tell(args: argparse.Namespace) -> int:
    """Continue the plot of ``args.plot``, or check it."""
    path = Path(args.plot).expanduser()
    words = " ".join(args.id).strip()
    with opened(args, "read", chat_model=args.model) as gnomon:
        if path.exists():
            plot, wish = gnomon.skills.plot(_text(path), str(path)), words
        elif args.check_plot or not words:
            raise UsageError(
                f"there is no plot in {str(path)!r}; to begin one, give its premise: "
                f'gnomon story --plot {path.name} "A lighthouse keeper finds a letter."'
            )
        else:
            begun = {"premise": words, "lang": args.told_in}
            plot, wish = gnomon.skills.plot(begun), ""
        if args.check_plot:
            return _check(args, gnomon.skills.slips(plot))
        told = _follow(args, gnomon, plot, wish)
        _write(path, gnomon.skills.as_toml(told.plot))
    return DONE


def _follow(args: argparse.Namespace, gnomon: Any, plot: Plot, wish: str) -> Told:
    from gnomon import terminal
    from gnomon.terminal import safe
    from gnomon.types import Step
    from gnomon.types.skilled import Piece, Told
    from gnomon.wire import to_json

    told: Told | None = None
    for event in gnomon.skills.story(plot, wish, words=args.words, keep=args.keep_slips):
        if isinstance(event, Step) and not args.quiet and not args.json:
            terminal.step(event)
        elif isinstance(event, Piece) and not args.json:
            terminal.out.print(safe(event.text), end="", soft_wrap=True)
        elif isinstance(event, Told):
            told = event
    assert told is not None, "a story ends with what was told"
    if args.json:
        print_json(to_json(told))
        return told
    terminal.line("\n")
    for change in told.changes:
        if not change.refused:
            terminal.line(f"[dim]{change.of}: {safe(change.name)}: {safe(change.detail)}[/]")
    for slip in told.slips:
        what = "kept" if slip.kept else "taken out"
        terminal.warn(f"{what}: {slip.quote[:160]} ({slip.reason})")
    if told.adrift:
        terminal.warn(f"Not taken up for some parts: {', '.join(told.adrift)}.")
    terminal.line(f"[dim]part {len(told.plot.parts)} by {safe(told.model)}; {safe(args.plot)}[/]")
    return told


def _check(args: argparse.Namespace, slips: Any) -> int:
    from gnomon import terminal
    from gnomon.wire import to_json

    if args.json:
        print_json({"object": "list", "data": [{"part": n, **to_json(s)} for n, s in slips]})
    else:
        for n, slip in slips:
            terminal.prose(
                f"part {n}: [yellow]{slip.kind}[/] {terminal.safe(slip.quote)} "
                f"[dim]({terminal.safe(slip.reason)})[/]"
            )
        if not slips:
            terminal.prose("Every sentence fits the plot, as far as rules can tell.")
    return FAILED if slips else DONE


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", "") or "it is not UTF-8"
        raise InputError(f"{str(path)!r} cannot be read ({why}); check the path.") from error


def _write(path: Path, text: str) -> None:
    """Whole or not at all: a cut loses no plot."""
    fresh = path.with_name(path.name + ".new")
    try:
        fresh.write_text(text, "utf-8")
        os.replace(fresh, path)
    except OSError as error:
        raise InputError(
            f"{str(path)!r} cannot be written ({error.strerror}); the new part is above, and in no "
            "file."
        ) from error
