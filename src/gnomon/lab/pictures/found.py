"""What a set hands on: a picture as its publisher wrote it, or why one is left out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from gnomon.lab.pictures.held import Item

SVG, RASTER = "svg", "raster"


@dataclass(frozen=True, slots=True)
class Found:
    """A picture that is not painted yet. ``item.split`` is still empty. ``form`` is ``SVG`` (data
    is its UTF-8 text) or ``RASTER`` (PNG, WebP, JPEG, GIF). ``crop``: cut empty margins off, for
    drawings that sit anywhere on a page."""

    item: Item
    data: bytes
    form: str
    crop: bool = False


@dataclass(frozen=True, slots=True)
class Left:
    """What was left out. ``reason`` is one of few words that are counted, ``detail`` what of it."""

    id: str
    set: str
    reason: str
    detail: str = ""


Offers = Iterator[Found | Left]
"""What every set is read as."""
