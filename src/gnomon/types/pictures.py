"""Pictures: what is wished for, what comes while one is drawn, and what was made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Raster:
    """Pixels. ``rgb`` is ``height * width * 3`` bytes, rows from the top."""

    width: int
    height: int
    rgb: bytes

    def __post_init__(self) -> None:
        assert len(self.rgb) == self.width * self.height * 3, (self.width, self.height)


@dataclass(frozen=True, slots=True)
class Sketch:
    """What a model is to draw, in the language that it reads. ``steps`` 0 and ``guidance`` None are
    the model's own. ``source`` is the picture to start from; ``strength`` (0 to 1) says how far to
    go from it; ``mask`` is white (255) where it may change: one byte a pixel, of ``source``'s
    size. One ``seed`` on one machine gives one picture."""

    prompt: str
    width: int
    height: int
    seed: int
    negative: str = ""
    steps: int = 0
    guidance: float | None = None
    source: Raster | None = None
    mask: bytes | None = None
    strength: float = 0.7
    previews: int = 0


@dataclass(frozen=True, slots=True)
class Stroke:
    """``step`` of ``steps`` is done; ``preview`` is what the picture looks like so far, where the
    model can tell and it was asked for. ``picture`` of ``pictures``, from 0, where several are
    drawn."""

    step: int
    steps: int
    preview: Raster | None = None
    picture: int = 0
    pictures: int = 1


@dataclass(frozen=True, slots=True)
class Brush:
    """What a model for pictures can do. ``sizes`` are those it was trained for, the usual first;
    any other of sides that are multiples of ``multiple`` works unless ``fixed``. ``languages`` are
    those of the prompts it reads (ISO 639-1), empty: not known, all are tried. ``edits`` is whether
    it can start from a picture, ``masks`` whether a part of one may be kept. ``short``: it was
    trained on a few words, and a fuller prompt would only confuse it. ``sha256`` of its weights, ""
    where they are elsewhere."""

    name: str
    sha256: str = ""
    sizes: tuple[tuple[int, int], ...] = ((512, 512),)
    multiple: int = 8
    fixed: bool = False
    languages: tuple[str, ...] = ("en",)
    steps: int = 20
    guidance: float = 4.0
    edits: bool = False
    masks: bool = False
    seeds: bool = True
    short: bool = False
    licence: str = "not stated"


@dataclass(frozen=True, slots=True)
class Understood:
    """The prompt that the model gets. ``asked`` is what the person wrote; ``by`` is who made one of
    the other: "" (nobody: it is the same), "model" or "words" (templates and a glossary); ``lang``
    that of ``prompt``; ``left`` are words that could not be translated."""

    asked: str
    prompt: str
    by: str = ""
    lang: str = "en"
    left: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Commission:
    """What a person asks for: ``n`` pictures of ``prompt`` as ``format`` (png, jpeg or webp) of
    ``quality`` (1 to 100). ``size`` None and ``steps`` 0 are the model's own; ``seed`` None takes
    one by chance, further pictures the next ones. ``expand`` lets the prompt be made fuller.
    ``source`` and ``mask`` are files as they came. ``caller`` is whose it is, for the log."""

    prompt: str
    n: int = 1
    size: tuple[int, int] | None = None
    seed: int | None = None
    steps: int = 0
    guidance: float | None = None
    negative: str = ""
    format: str = "png"
    quality: int = 90
    expand: bool = True
    source: bytes | None = None
    mask: bytes | None = None
    strength: float = 0.7
    previews: int = 0
    model: str = ""
    caller: str = "owner"


@dataclass(frozen=True, slots=True)
class Picture:
    """A finished picture. ``signed`` is whether it carries a manifest (C2PA), ``unsigned`` why not.
    ``warnings`` are rules of the owner's policy that it met ("kind/rule"); ``checked`` is what was
    looked for in the picture itself, ``unchecked`` what was not, and why. A ``preview`` shows how
    far the picture of that ``index`` is, after ``steps``. ``drawn`` is the size at which the model
    drew what was enlarged to ``width`` and ``height``."""

    data: bytes
    mime: str
    width: int
    height: int
    drawn: tuple[int, int]
    seed: int
    steps: int
    model: str
    model_sha256: str
    understood: Understood
    signed: bool
    unsigned: str = ""
    warnings: tuple[str, ...] = ()
    checked: tuple[str, ...] = ()
    unchecked: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    index: int = 0
    preview: bool = False

    def about(self) -> dict[str, Any]:
        """Plain JSON of all but the bytes."""
        return {
            "mime": self.mime,
            "width": self.width,
            "height": self.height,
            "drawn": f"{self.drawn[0]}x{self.drawn[1]}",
            "seed": self.seed,
            "steps": self.steps,
            "model": self.model,
            "model_sha256": self.model_sha256,
            "asked": self.understood.asked,
            "prompt": self.understood.prompt,
            "expanded_by": self.understood.by,
            "lang": self.understood.lang,
            "not_translated": list(self.understood.left),
            "signed": self.signed,
            "unsigned": self.unsigned,
            "warnings": list(self.warnings),
            "checked": list(self.checked),
            "unchecked": dict(self.unchecked),
            "seconds": round(self.seconds, 3),
        }


@dataclass(frozen=True, slots=True)
class Album:
    """The end of a commission: all its pictures, in their order."""

    pictures: tuple[Picture, ...]
