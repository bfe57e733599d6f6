"""A set of captioned pictures on disk, and how it is read.

pictures/
    pixels.npy      uint8 [N, side, side, 4]: RGBA, alpha not multiplied in
    items.jsonl     N lines; line n says what row n of the pixels shows
    dropped.jsonl   what was left out, each with its ``reason``
    manifest.json   files with SHA-256, counts by set, split and reason, licences, side
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gnomon.errors import InputError

PIXELS, ITEMS, DROPPED, MANIFEST = "pixels.npy", "items.jsonl", "dropped.jsonl", "manifest.json"
SPLITS = ("train", "val", "test")


@dataclass(frozen=True, slots=True)
class Item:
    """What one picture shows.

    ``id`` is ``set:name``. ``concept`` is the idea that it shows, shared by the pictures of all
    sets that show it: splits are by concept. ``captions`` are English, the plainest first, ``zh``
    Chinese; ``tags`` are words that go with it. ``style`` says how it is drawn ("flat", "3d",
    "outline", ...). ``kind`` is the concept's family ("animal", "food", "flag", ...). ``licence``
    is an SPDX identifier. ``weight`` is how often to draw it beside the others: the many skin
    tones of one gesture share the weight of one picture."""

    id: str
    set: str
    concept: str
    captions: tuple[str, ...]
    licence: str
    split: str
    zh: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    kind: str = ""
    style: str = ""
    author: str = ""
    weight: float = 1.0


@dataclass(frozen=True)
class Pictures:
    """``pixels`` [N, side, side, 4] uint8 RGBA, read as it is needed, and N ``items``."""

    folder: Path
    pixels: NDArray[np.uint8]
    items: Sequence[Item]

    @property
    def side(self) -> int:
        return int(self.pixels.shape[1])

    def rows(self, split: str) -> list[int]:
        """The rows of a split, in order."""
        return [n for n, item in enumerate(self.items) if item.split == split]

    @cached_property
    def manifest(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.folder / MANIFEST).read_text("utf-8"))
        return found


def line_of(item: Item) -> str:
    """An item as its line of items.jsonl."""
    return json.dumps(asdict(item), ensure_ascii=False)


def open_pictures(folder: Path) -> Pictures:
    """The set that ``gnomon lab pictures`` wrote there. Raises InputError."""
    try:
        pixels = np.load(folder / PIXELS, mmap_mode="r")
        lines = (folder / ITEMS).read_text("utf-8").splitlines()
        items = [_item(json.loads(line)) for line in lines]
    except (OSError, ValueError, TypeError) as error:
        raise InputError(
            f"{folder} holds no set of pictures that can be read ({error}); "
            "make it with: gnomon lab pictures"
        ) from error
    if len(pixels) != len(items):
        raise InputError(
            f"{folder} holds {len(pixels)} pictures and {len(items)} lines about them; make the "
            "set again: gnomon lab pictures --anew"
        )
    return Pictures(folder, pixels, items)


def _item(row: dict[str, Any]) -> Item:
    lists: dict[str, Any] = {name: tuple(row.pop(name, ())) for name in ("captions", "zh", "tags")}
    return Item(**row, **lists)
