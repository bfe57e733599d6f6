"""Pictures with words, a step at a time: concepts evenly, captions varied, backgrounds of colour.

What a step learns from is a function of the seed and the step alone.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from gnomon.lab.clip.words import Words
from gnomon.lab.pictures.held import Item, Pictures

PALETTE = (
    "ffffff", "ffffff", "f5f5f5", "000000", "202124", "9e9e9e", "f44336", "ff9800", "ffeb3b",
    "4caf50", "80deea", "2196f3", "1a237e", "9c27b0", "f8bbd0", "795548", "fff3e0", "e8f5e9",
)  # fmt: skip
"""What may lie behind a picture that has no background."""
SMALLEST, FARTHEST = 0.7, 0.15
"""A picture is made so small at most, and moved by so large a share of the side."""
CHINESE, TAGGED, FRAMED = 0.25, 0.2, 0.25
"""Shares of captions in Chinese (where there is one), with tags, and in a sentence."""
FRAMES = ("a picture of {}", "a drawing of {}", "{} icon", "an illustration of {}", "{}, {style}")
FRAMES_ZH = ("{}的图片", "一幅{}的画", "{}图标")
SIDED = re.compile(
    r"\b(left|right|arrows?|clockwise|button|keycap|letters?|text|sign|flag|numbers?|digits?"
    r"|o.clock|-thirty|clock|calendar|east|west|back|forward|next|previous|first|last|quarter"
    r"|input|rightwards|leftwards|abc|latin|japanese|kana|kanji)\b|[0-9]"
)
"""Words of what is not the same in a mirror."""


class Scenes(Protocol):
    """Captioned pictures that are put together."""

    def take(self, step: int, n: int) -> tuple[np.ndarray, Sequence[str]]: ...


@dataclass(frozen=True, slots=True)
class Pairs:
    """``pixels`` uint8 ``[B, 3, side, side]``; ``ids``, ``mask`` ``[B, T]``; ``concepts`` and
    ``captions`` int64 ``[B]``: names of what is shown and said; ``kept`` ``[B, k]``: the patches
    that are looked at, None for all."""

    pixels: Tensor
    ids: Tensor
    mask: Tensor
    concepts: Tensor
    captions: Tensor
    kept: Tensor | None = None

    @property
    def size(self) -> int:
        return len(self.pixels)

    def values(self) -> Tensor:
        """What the model sees: float from -1 to 1."""
        return values(self.pixels)

    def to(self, device: torch.device) -> Pairs:
        return self._each(lambda one: one.to(device, non_blocking=True))

    def cut(self, parts: int) -> list[Pairs]:
        """As many equal parts, one for each process."""
        width = self.size // parts
        return [self._rows(n * width, (n + 1) * width) for n in range(parts)]

    def _rows(self, first: int, end: int) -> Pairs:
        return self._each(lambda one: one[first:end])

    def _each(self, do: Callable[[Tensor], Tensor]) -> Pairs:
        return Pairs(
            do(self.pixels), do(self.ids), do(self.mask), do(self.concepts), do(self.captions),
            None if self.kept is None else do(self.kept),
        )  # fmt: skip


def values(pixels: Tensor) -> Tensor:
    """uint8 ``[B, 3, side, side]`` as the model sees it: mean 0.5, deviation 0.5."""
    return pixels.float().div_(127.5).sub_(1.0)


@dataclass(frozen=True)
class Source:
    """Where pairs come from: the ``rows`` of ``pictures`` that may be learnt from, each concept
    evenly and of one concept each picture by its weight. ``scenes`` gives
    the share ``composed`` of each batch. ``kept`` is the share of patches that is looked at."""

    pictures: Pictures
    words: Words
    rows: Sequence[int]
    seed: int = 0
    patch: int = 8
    kept: float = 1.0
    scenes: Scenes | None = None
    composed: float = 0.0

    @cached_property
    def concepts(self) -> list[list[int]]:
        """The rows of each concept."""
        found: dict[str, list[int]] = {}
        for row in self.rows:
            found.setdefault(self.pictures.items[row].concept, []).append(row)
        return list(found.values())

    def take(self, step: int, size: int) -> Pairs:
        """The pairs of a step."""
        rng = np.random.default_rng([self.seed, step])
        others = round(size * self.composed) if self.scenes else 0
        chosen = [self._one_of(rows, rng) for rows in self._concepts(step, size - others)]
        items = [self.pictures.items[row] for row in chosen]
        texts = [caption(item, rng) for item in items]
        pixels = shown(np.stack([self.pictures.pixels[row] for row in chosen]), items, rng)
        named = [item.concept for item in items]
        if self.scenes and others:
            made, told = self.scenes.take(step, others)
            pixels = torch.cat([pixels, torch.from_numpy(made).permute(0, 3, 1, 2)])
            texts, named = [*texts, *told], [*named, *(f"scene {n}" for n in range(others))]
        ids, mask = self.words.encode(texts)
        return Pairs(
            pixels, ids, mask, _numbers(named), _numbers(texts), self._patches(len(texts), rng)
        )

    def _one_of(self, rows: Sequence[int], rng: np.random.Generator) -> int:
        weights = np.cumsum([self.pictures.items[row].weight for row in rows])
        return rows[int(np.searchsorted(weights, rng.random() * weights[-1], side="right"))]

    def _concepts(self, step: int, size: int) -> list[Sequence[int]]:
        """Those of a step: each comes once before any comes again."""
        found: list[Sequence[int]] = []
        place = step * size
        while len(found) < size:
            turn, at = divmod(place + len(found), len(self.concepts))
            order = np.random.default_rng([self.seed, 2**32 + turn]).permutation(len(self.concepts))
            found += [self.concepts[n] for n in order[at : at + size - len(found)]]
        return found

    def _patches(self, count: int, rng: np.random.Generator) -> Tensor | None:
        if self.kept >= 1:
            return None
        patches = (self.pictures.side // self.patch) ** 2
        order = rng.random((count, patches), dtype=np.float32).argsort(axis=1)
        return torch.from_numpy(order[:, : max(1, round(patches * self.kept))].copy())


def _numbers(names: Sequence[str]) -> Tensor:
    """A number of 63 bits for each name."""
    digests = (hashlib.blake2b(one.casefold().encode(), digest_size=8).digest() for one in names)
    return torch.tensor([int.from_bytes(one, "big") >> 1 for one in digests])


def caption(item: Item, rng: np.random.Generator) -> str:
    """One of the ways to say what a picture shows; the plainest half the time."""
    if item.zh and rng.random() < CHINESE:
        said = str(rng.choice(item.zh))
        return str(rng.choice(FRAMES_ZH)).format(said) if rng.random() < FRAMED else said
    plain = rng.random() < 0.5 or not item.captions[1:]
    said = item.captions[0] if plain else str(rng.choice(item.captions[1:]))
    if item.tags and rng.random() < TAGGED:
        some = rng.permutation(item.tags)[: rng.integers(1, 3)]
        return ", ".join([said, *(str(one) for one in some)])
    if rng.random() < FRAMED:
        return str(rng.choice(FRAMES)).format(said, style=item.style or "drawing")
    return said


def mirrored(item: Item) -> bool:
    """Whether a picture shows the same in a mirror, as far as its words tell."""
    if item.kind in ("flag", "symbol"):
        return False
    return not any(SIDED.search(one.casefold()) for one in item.captions)


def shown(pixels: np.ndarray, items: Sequence[Item], rng: np.random.Generator) -> Tensor:
    """RGBA uint8 ``[B, side, side, 4]`` as it is learnt from, uint8 ``[B, 3, side, side]``: smaller
    and moved a little, mirrored where that is no other thing, before a colour of the palette."""
    count = len(pixels)
    colours = np.array([[int(one[n : n + 2], 16) for n in (0, 2, 4)] for one in PALETTE])
    behind = torch.from_numpy(colours[rng.integers(len(colours), size=count)]).float()
    turned = np.where([mirrored(one) and rng.random() < 0.5 for one in items], -1.0, 1.0)
    scale = 1 / rng.uniform(SMALLEST, 1.0, count)
    moved = rng.uniform(-2 * FARTHEST, 2 * FARTHEST, (count, 2)) * (1 - 1 / scale)[:, None] / 0.3
    turn = np.zeros((count, 2, 3), np.float32)
    turn[:, 0, 0], turn[:, 1, 1], turn[:, :, 2] = scale * turned, scale, moved
    whole = torch.from_numpy(pixels).permute(0, 3, 1, 2).float()
    alpha = whole[:, 3:] / 255
    whole = torch.cat([whole[:, :3] * alpha, alpha], dim=1)
    grid = functional.affine_grid(torch.from_numpy(turn), list(whole.shape), align_corners=False)
    found = functional.grid_sample(whole, grid, align_corners=False, padding_mode="zeros")
    mixed = found[:, :3] + (1 - found[:, 3:]) * behind[:, :, None, None]
    return mixed.round_().clamp_(0, 255).to(torch.uint8)


def plain(pixels: np.ndarray, colour: float = 255.0) -> Tensor:
    """RGBA uint8 ``[B, side, side, 4]`` before white, uint8 ``[B, 3, side, side]``: how pictures
    are measured."""
    whole = torch.from_numpy(np.array(pixels)).permute(0, 3, 1, 2).float()
    alpha = whole[:, 3:] / 255
    mixed = whole[:, :3] * alpha + (1 - alpha) * colour
    return mixed.round_().to(torch.uint8)
