"""A commission at work: what the engine draws, kept for its caller as it comes."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from gnomon.errors import InputError
from gnomon.serve import quota
from gnomon.serve.context import Context
from gnomon.serve.contract import Engine
from gnomon.serve.picture_rows import KeptPicture, KeptPictures, url_of
from gnomon.serve.transcript import tokens
from gnomon.types.pictures import Album, Commission, Picture, Stroke, Understood

PIXELS_A_TOKEN = 1024
"""A picture counts as one token for each square of 32 x 32, so that a day's tokens bound it."""
COMMANDS = ("/draw", "/画")


@dataclass(frozen=True, slots=True)
class Shown:
    """A picture, or a preview of one, and where it is kept (None: it is not)."""

    picture: Picture
    kept: KeptPicture | None = None


@dataclass(frozen=True, slots=True)
class Hung:
    """The end: every picture as it was shown."""

    shown: tuple[Shown, ...]


Drawn = Understood | Stroke | Shown | Hung


def pictures_of(context: Context) -> KeptPictures:
    """The table of kept pictures, over the server's database."""
    return KeptPictures(context.database)


def drawing(
    engine: Engine, wish: Commission, table: KeptPictures | None, most: int = 0
) -> Iterator[Drawn]:
    """The events of ``engine.pictures.draw``, finished pictures put into ``table``. Raises what
    that raises, and ApiError where the caller's room is full."""
    shown: list[Shown] = []
    events = engine.pictures.draw(wish)
    for event in events:
        if isinstance(event, Album):
            yield Hung(tuple(shown))
        elif isinstance(event, Picture):
            keeps = table is not None and not event.preview
            kept = table.keep(wish.caller, event, most) if keeps and table is not None else None
            one = Shown(event, kept)
            if not event.preview:
                shown.append(one)
            yield one
        else:
            yield event


def counted(wish: Commission, shown: tuple[Shown, ...]) -> tuple[int, int]:
    """Tokens of the prompt and of the pictures."""
    pixels = (one.picture.width * one.picture.height for one in shown)
    return tokens(wish.prompt), sum(math.ceil(count / PIXELS_A_TOKEN) for count in pixels)


def cost(wish: Commission, shown: tuple[Shown, ...], *, tell: bool = True) -> tuple[int, int]:
    """The same, told to the guards (once) where nobody else does."""
    asked, said = counted(wish, shown)
    if tell:
        quota.spent(asked, said)
    return asked, said


def commanded(question: str) -> str | None:
    """What follows ``/draw``, where a question begins with it. Raises InputError where nothing
    does."""
    for command in COMMANDS:
        rest = question.strip()
        if rest.startswith(command) and (
            len(rest) == len(command) or not rest[len(command)].isalnum()
        ):
            prompt = rest[len(command) :].strip()
            if not prompt:
                raise InputError(f"Say what is to be drawn: {command} a lighthouse in fog.")
            return prompt
    return None


def caption(shown: Shown) -> str:
    """A sentence beside a picture: what was drawn, by what, and what is to be known of it."""
    picture = shown.picture
    words = [f"Seed {picture.seed}, {picture.model}."]
    if picture.understood.prompt != picture.understood.asked:
        words.append(f"Prompt: {picture.understood.prompt}")
    if picture.understood.left:
        words.append(f"Not translated: {', '.join(picture.understood.left)}.")
    if picture.warnings:
        words.append(f"The owner's rules warn: {', '.join(picture.warnings)}.")
    if not picture.signed:
        words.append(f"Not signed: {picture.unsigned}")
    return " ".join(words)


def told_of(event: Hung, base: str) -> str:
    """Pictures as Markdown: each where it is kept, and what is to be known of it."""
    lines = []
    for shown in event.shown:
        alt = " ".join(shown.picture.understood.asked.split())[:120]
        alt = alt.replace("[", "(").replace("]", ")")
        place = f"![{alt}]({url_of(base, shown.kept.id)})\n" if shown.kept else ""
        lines.append(f"{place}{caption(shown)}")
    return "\n\n".join(lines)
