"""``gnomon draw``."""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gnomon.cli.arguments import DONE, UsageError, command, config_of, positive
from gnomon.cli.output import print_json
from gnomon.errors import InputError

if TYPE_CHECKING:
    from gnomon.assemble import Gnomon
    from gnomon.types.pictures import Commission, Picture

_SIZE = re.compile(r"(\d{1,5})x(\d{1,5})")
_SUFFIXES = {".png": "png", ".jpg": "jpeg", ".jpeg": "jpeg", ".webp": "webp"}


def add_draw(commands: Any) -> None:
    parser = command(
        commands, "draw", draw, "draw a picture",
        "Comes back: files, each signed (C2PA), with the seed that makes it again, the prompt that "
        "the model got, and what was not looked for. Keywords become a full prompt; Chinese is "
        "translated where the model reads only English. The owner's rules (--policy) are applied "
        "before and after; --log shows what they refused. Fails where no model for pictures is "
        "set, the rules refuse, or a size, file or number cannot be used.",
    )  # fmt: skip
    parser.add_argument("prompt", nargs="*", help="what to draw")
    parser.add_argument("-o", "--out", metavar="PATH",
                        help="file (.png, .jpg, .webp) or folder (default: here)")  # fmt: skip
    parser.add_argument("--size", metavar="WxH", help="as 512x512 (default: the model's own)")
    parser.add_argument("-n", type=positive, default=1, help="how many (default 1)")
    parser.add_argument("--seed", type=int, help="the same seed gives the same picture")
    parser.add_argument("--steps", type=positive, help="steps (default: the model's own)")
    parser.add_argument("--negative", default="", metavar="WORDS", help="what to stay away from")
    parser.add_argument("--from", dest="source", metavar="PICTURE", help="start from this picture")
    parser.add_argument("--mask", metavar="PICTURE",
                        help="change only where this is transparent or white")  # fmt: skip
    parser.add_argument("--strength", type=float, default=0.7,
                        help="how far to go from --from, 0 to 1 (default 0.7)")  # fmt: skip
    parser.add_argument("--model", help="a model instead of draw_model: name, folder, file or URL")
    parser.add_argument("--as-is", action="store_true", help="do not make the prompt fuller")
    parser.add_argument("--prompt-only", action="store_true",
                        help="show what the prompt would become, and draw nothing")  # fmt: skip
    parser.add_argument("--log", action="store_true", help="list what the rules refused")
    parser.add_argument("--policy", action="store_true",
                        help="print the rules' file, to be changed and saved")  # fmt: skip


def draw(args: argparse.Namespace) -> int:
    config = config_of(args, draw_model=args.model)
    if args.policy:
        return _policy(config.home)
    from gnomon.assemble import open_gnomon

    with open_gnomon(config, readonly=True) as gnomon:
        if args.log:
            return _log(args, gnomon)
        prompt = " ".join(args.prompt).strip()
        if not prompt:
            raise UsageError("say what to draw: gnomon draw a lighthouse in fog.")
        if args.prompt_only:
            return _prompt(args, gnomon, prompt)
        return _draw(args, gnomon, prompt)


def _draw(args: argparse.Namespace, gnomon: Gnomon, prompt: str) -> int:
    from gnomon import terminal
    from gnomon.types.pictures import Picture, Stroke, Understood

    form, place = _place(args)
    wish = _wish(args, prompt, form)
    made = []
    shows = not args.json and sys.stderr.isatty()
    for event in gnomon.pictures.draw(wish):
        if isinstance(event, Understood) and event.prompt != event.asked and not args.json:
            terminal.warn(f"Prompt: {event.prompt}")
        elif isinstance(event, Stroke) and shows:
            end = "\n" if event.step == event.steps else ""
            print(f"\r  step {event.step} of {event.steps} ", end=end, file=sys.stderr, flush=True)
        elif isinstance(event, Picture) and not event.preview:
            path = _free(place, event, form, single=wish.n == 1)
            path.write_bytes(event.data)
            made.append({"path": str(path), **event.about()})
            if not args.json:
                _say(event, path)
    if args.json:
        print_json(made)
    return DONE


def _wish(args: argparse.Namespace, prompt: str, form: str) -> Commission:
    from gnomon.types.pictures import Commission

    size = None
    if args.size:
        found = _SIZE.fullmatch(args.size.lower())
        if found is None:
            raise InputError(f"--size is {args.size[:20]!r}; give one like 512x512.")
        size = (int(found[1]), int(found[2]))
    if args.mask and not args.source:
        raise UsageError("--mask says where a picture may change; give the picture with --from.")
    return Commission(
        prompt,
        n=args.n,
        size=size,
        seed=args.seed,
        steps=args.steps or 0,
        negative=args.negative,
        format=form,
        expand=not args.as_is,
        source=_read(args.source) if args.source else None,
        mask=_read(args.mask) if args.mask else None,
        strength=args.strength,
    )


def _place(args: argparse.Namespace) -> tuple[str, Path]:
    """The format, and where files go."""
    place = Path(args.out or ".").expanduser()
    if place.is_dir() or not args.out:
        return "png", place
    form = _SUFFIXES.get(place.suffix.lower())
    if form is None:
        raise InputError(f"--out is {args.out!r}; give a folder, or a file ending in .png, .jpg or "
                         ".webp.")  # fmt: skip
    if not place.parent.is_dir():
        raise InputError(f"--out is {args.out!r}, and there is no folder {str(place.parent)!r}.")
    return form, place


def _free(place: Path, picture: Picture, form: str, *, single: bool) -> Path:
    """A name that nothing has: pictures here are not written over."""
    suffix = "jpg" if form == "jpeg" else form
    if place.is_dir():
        stem, folder = f"gnomon-{picture.seed}", place
    else:
        stem, folder = place.stem, place.parent
        if single:
            return place
        stem += f"-{picture.index + 1}"
    path, count = folder / f"{stem}.{suffix}", 1
    while path.exists():
        count += 1
        path = folder / f"{stem}-{count}.{suffix}"
    return path


def _read(path: str) -> bytes:
    try:
        return Path(path).expanduser().read_bytes()
    except OSError as error:
        raise InputError(f"{path!r} cannot be read ({error.strerror}).") from error


def _say(picture: Picture, path: Path) -> None:
    from gnomon import terminal

    print(f"{path}  {picture.width}x{picture.height}  seed {picture.seed}  {picture.model}  "
          f"{picture.seconds:.1f} s")  # fmt: skip
    if picture.understood.left:
        terminal.warn(f"Not translated: {', '.join(picture.understood.left)}.")
    if picture.warnings:
        terminal.warn(f"Your rules warn: {', '.join(picture.warnings)}.")
    if not picture.signed:
        terminal.warn(f"Not signed: {picture.unsigned}")


def _prompt(args: argparse.Namespace, gnomon: Gnomon, prompt: str) -> int:
    from gnomon import terminal

    found = gnomon.pictures.understand(prompt, expand=not args.as_is)
    if found.left:
        terminal.warn(f"Not translated: {', '.join(found.left)}.")
    if args.json:
        print_json({"asked": found.asked, "prompt": found.prompt, "expanded_by": found.by,
                    "not_translated": list(found.left)})  # fmt: skip
    else:
        print(found.prompt)
    return DONE


def _log(args: argparse.Namespace, gnomon: Gnomon) -> int:
    from gnomon.wire import iso

    entries = gnomon.pictures.entries()
    if args.json:
        print_json(entries)
        return DONE
    for entry in entries:
        # Strangers' words: nothing in them may steer a terminal.
        words = " ".join(str(entry["prompt"]).split())[:200]
        shown = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in words)
        rule = f"{entry['kind']}/{entry['rule']}"
        head = f"{iso(entry['at'])}  {entry['reference']}  {entry['action']}  {rule}"
        print(f"{head}  {entry['caller']}  {shown}")
    if not entries:
        print("The rules refused nothing and warned of nothing.")
    return DONE


def _policy(home: Path) -> int:
    """The owner's file, or the default with where to save it."""
    from gnomon.assemble.pictures import policy_file

    path, text = policy_file(home)
    print(text, end="")
    if not path.exists():
        print(f"This is the default; save it as {path} to change it.", file=sys.stderr)
    return DONE
