"""Scenes: captioned pictures composed of single drawings, as many as a training asks for.

A set holds one drawing at a time on nothing, and prompts ask for two things, a colour and a place.
So each picture that is learnt from is put together: one or more drawings at sizes and places that
the caption tells, some in another colour that it names, on a ground that it names or leaves open.
What a step gets is a function of the seed and the step alone.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from gnomon.lab.pictures.colours import NAMES, ONE_COLOUR, ZH, colour_of, name_of, turned
from gnomon.lab.pictures.held import Item, Pictures

Canvas = NDArray[np.float32]
SIZES = (0.9, 0.7, 0.52, 0.38)
"""Sides at which drawings are kept, as shares of the picture's."""
KEPT = {"person": 0.3, "flag": 0.1, "symbol": 0.3, "component": 0.0}
"""How often a concept of such a kind is taken, against 1 for the others: there are many flags and
people, and few ask for one by name."""
_STILL = ("flag", "symbol", "component")  # neither mirrored nor coloured


@dataclass(frozen=True, slots=True)
class Mix:
    """How often a scene is what: shares in 0..1. ``pair`` two drawings, ``count`` two to four of
    one, the others one; ``colour`` a drawing in another colour; ``ground`` a ground that the
    caption names (else a plain light one); ``style`` the caption says how it is drawn; ``zh`` it
    is Chinese."""

    pair: float = 0.3
    count: float = 0.06
    colour: float = 0.3
    ground: float = 0.4
    style: float = 0.3
    zh: float = 0.2


MIXES = {
    "scenes": Mix(),
    "things": Mix(pair=0.12, count=0.04, colour=0.15, ground=0.3, style=0.2, zh=0.15),
}
"""By name: as much of everything as a caption can tell, or mostly single things."""


class Scenes:
    """Those of some splits. ``take(step, n)`` is ``(uint8 [n, side, side, 3], n captions)``."""

    def __init__(
        self, pictures: Pictures, *, split: str | Sequence[str] = "train", seed: int = 0,
        side: int = 64, mix: Mix | None = None, styles: Sequence[str] | None = None,
    ) -> None:  # fmt: skip
        self.side, self.seed, self.mix = side, seed, mix or Mix()
        splits = (split,) if isinstance(split, str) else split
        rows = [
            n
            for n, item in enumerate(pictures.items)
            if item.split in splits and _usable(item, styles)
        ]
        self.items = [pictures.items[n] for n in rows]
        self.drawings = [_reduced(pictures.pixels, rows, round(side * share)) for share in SIZES]
        concepts: dict[str, list[int]] = {}
        for place, item in enumerate(self.items):
            concepts.setdefault(item.concept, []).append(place)
        self.concepts = list(concepts.values())
        odds = np.array([KEPT.get(self.items[one[0]].kind, 1.0) for one in self.concepts])
        self.odds = np.cumsum(odds / odds.sum()) if len(odds) else odds
        self.colours = [colour_of(drawing) for drawing in self.drawings[2]]

    def __len__(self) -> int:
        return len(self.items)

    def take(self, step: int, n: int) -> tuple[NDArray[np.uint8], list[str]]:
        """``n`` scenes of a step."""
        made = np.empty((n, self.side, self.side, 3), np.uint8)
        said = []
        for place in range(n):
            chance = np.random.default_rng((self.seed, step, place))
            canvas, caption = self.scene(chance)
            made[place] = np.clip(np.rint(canvas), 0, 255)
            said.append(caption)
        return made, said

    def scene(self, chance: np.random.Generator) -> tuple[Canvas, str]:
        """One scene, and what it is called."""
        mix, kind = self.mix, chance.random()
        zh = chance.random() < mix.zh
        first = self._any(chance)
        zh = zh and bool(self.items[first].zh)
        ground, where = self._ground(chance, zh)
        if kind < mix.pair:
            second = self._any(chance, like=self.items[first].style)
            caption = self._pair(ground, first, second, chance, zh)
        elif kind < mix.pair + mix.count:
            caption = self._several(ground, first, chance, zh)
        else:
            caption = self._one(ground, first, chance, zh)
        if where:
            caption = f"{where}{caption}" if zh else f"{caption} {where}"
        if chance.random() < mix.style and self.items[first].style:
            style = self.items[first].style
            caption = f"{caption}，{style}" if zh else f"{caption}, {style}"
        return ground, caption

    # ------------------------------------------------------------------------- what is in it

    def _any(self, chance: np.random.Generator, like: str = "") -> int:
        """A drawing: concepts by their odds, the drawings of one by their weights."""
        for _ in range(8):
            concept = self.concepts[int(np.searchsorted(self.odds, chance.random()))]
            alike = [n for n in concept if not like or self.items[n].style == like]
            if alike:
                weights = np.cumsum([self.items[n].weight for n in alike])
                return alike[int(np.searchsorted(weights, chance.random() * weights[-1]))]
        return concept[0]

    def _drawn(
        self, drawing: int, size: int, chance: np.random.Generator, zh: bool
    ) -> tuple[NDArray[np.float32], str]:
        """RGBA at a size, perhaps in another colour, and its name with that colour."""
        item = self.items[drawing]
        rgba = self.drawings[size][drawing].astype(np.float32)
        names = item.zh if zh and item.zh else item.captions
        name = names[0] if len(names) < 2 or chance.random() < 0.6 else names[
            1 + chance.integers(len(names) - 1)
        ]  # fmt: skip
        still = item.kind in _STILL
        if not still and chance.random() < 0.5:
            rgba = rgba[:, ::-1]
        colour, share = self.colours[drawing]
        if share > ONE_COLOUR and not still and chance.random() < self.mix.colour:
            rgba = rgba.copy()
            rgba[..., :3], colour = _coloured(rgba, colour, chance)
            name = _called(name, colour, zh)
        elif share > ONE_COLOUR and not still and chance.random() < 0.15:
            name = _called(name, colour, zh)
        return rgba, name

    def _one(self, ground: Canvas, drawing: int, chance: np.random.Generator, zh: bool) -> str:
        size = 0 if chance.random() < 0.8 else 1
        rgba, name = self._drawn(drawing, size, chance, zh)
        room = 0.05 if size == 0 else 0.14
        x, y = 0.5 + chance.uniform(-room, room, 2)
        _put(ground, rgba, x, y)
        if size == 1 and chance.random() < 0.5:
            return f"小{name}" if zh else f"a small {name}"
        return name if zh or chance.random() < 0.6 else f"{_article(name)} {name}"

    def _several(self, ground: Canvas, drawing: int, chance: np.random.Generator, zh: bool) -> str:
        count = int(chance.integers(2, 5))
        rgba, name = self._drawn(drawing, 3 if count > 2 else 2, chance, zh)
        spots = {
            2: [(0.27, 0.5), (0.73, 0.5)],
            3: [(0.5, 0.27), (0.26, 0.74), (0.74, 0.74)],
            4: [(0.26, 0.27), (0.74, 0.27), (0.26, 0.74), (0.74, 0.74)],
        }[count]
        for x, y in spots:
            _put(ground, rgba, x, y)
        if zh:
            return f"{'两三四'[count - 2]}个{name}"
        return f"{('two', 'three', 'four')[count - 2]} {_plural(name)}"

    def _pair(
        self, ground: Canvas, first: int, second: int, chance: np.random.Generator, zh: bool
    ) -> str:
        """Two drawings in one of the ways of _WAYS, the first name first."""
        en, zh_words, at, other_at, sizes = _WAYS[chance.integers(len(_WAYS))]
        one, name = self._drawn(first, sizes[0], chance, zh)
        two, other = self._drawn(second, sizes[1], chance, zh)
        shake = chance.uniform(-0.03, 0.03, 4)
        _put(ground, two, other_at[0] + shake[0], other_at[1] + shake[1])
        _put(ground, one, at[0] + shake[2], at[1] + shake[3])
        if zh:
            return zh_words.format(a=name, b=other)
        articles = chance.random() < 0.5
        if articles:
            name, other = f"{_article(name)} {name}", f"{_article(other)} {other}"
        return en.format(a=name, b=other)

    # ------------------------------------------------------------------------- what is behind it

    def _ground(self, chance: np.random.Generator, zh: bool) -> tuple[Canvas, str]:
        """What everything stands on, and how the caption says so ("" where it does not)."""
        if chance.random() >= self.mix.ground:
            return _plain(self.side, NAMES["white"]), ""
        kind = chance.integers(len(_GROUNDS) + 6)
        if kind < len(_GROUNDS):
            en, chinese, top, bottom, edge = _GROUNDS[kind]
            canvas = _shaded(self.side, top, bottom, edge)
            if en == "at night":
                _stars(canvas, chance)
            return canvas, chinese if zh else en
        name = list(NAMES)[chance.integers(len(NAMES) - 1)]
        shade = np.array(NAMES[name], np.float32)
        pale = 0.45 if name not in ("black", "brown") and chance.random() < 0.5 else 0.0
        canvas = _plain(self.side, tuple(shade + (255 - shade) * pale))
        return canvas, f"{ZH[name]}色背景上的" if zh else f"on a {name} background"


_WAYS = (
    ("{a} and {b}", "{a}和{b}", (0.27, 0.52), (0.73, 0.52), (2, 2)),
    ("{a} next to {b}", "{a}在{b}旁边", (0.27, 0.52), (0.73, 0.52), (2, 2)),
    ("{a} to the left of {b}", "{a}在{b}左边", (0.27, 0.52), (0.73, 0.52), (2, 2)),
    ("{a} to the right of {b}", "{a}在{b}右边", (0.73, 0.52), (0.27, 0.52), (2, 2)),
    ("{a} above {b}", "{a}在{b}上方", (0.5, 0.25), (0.5, 0.74), (2, 2)),
    ("{a} over {b}", "{b}上方的{a}", (0.5, 0.2), (0.5, 0.64), (3, 1)),
    ("{a} below {b}", "{a}在{b}下方", (0.5, 0.74), (0.5, 0.25), (2, 2)),
    ("{a} with {b}", "{a}和{b}", (0.36, 0.46), (0.8, 0.78), (1, 3)),
    ("{a} in front of {b}", "{a}在{b}前面", (0.42, 0.66), (0.56, 0.4), (2, 1)),
)
"""How two things stand: the words, where each is (the middle, as shares of the picture), sizes."""

_GROUNDS = (
    ("in the sky", "天空中的", (92, 168, 236), (190, 226, 250), 1.0),
    ("at night", "夜晚的", (14, 20, 52), (40, 48, 96), 1.0),
    ("at sunset", "夕阳下的", (244, 132, 84), (252, 206, 140), 1.0),
    ("on the grass", "草地上的", (150, 208, 246), (104, 178, 76), 0.66),
    ("in the desert", "沙漠中的", (160, 212, 244), (232, 200, 136), 0.66),
    ("in the snow", "雪地里的", (186, 210, 232), (246, 250, 253), 0.62),
    ("by the sea", "海边的", (152, 212, 246), (38, 120, 190), 0.6),
)  # fmt: skip
"""Words, Chinese words, colour above, colour below, and where below begins (1: they run into each
other)."""


def _usable(item: Item, styles: Sequence[str] | None) -> bool:
    wanted = styles is None or item.style in styles
    return wanted and bool(item.captions) and KEPT.get(item.kind, 1.0) > 0


def _reduced(
    pixels: NDArray[np.uint8], rows: Sequence[int], side: int
) -> NDArray[np.uint8]:  # [len(rows), side, side, 4]
    out = np.empty((len(rows), side, side, 4), np.uint8)
    for place, row in enumerate(rows):
        drawing = Image.fromarray(np.asarray(pixels[row]), "RGBA")
        if drawing.width != side:
            # Multiplied by alpha while it is reduced, or what is see-through would tint the edges.
            small = drawing.convert("RGBa").resize((side, side), Image.Resampling.LANCZOS)
            drawing = small.convert("RGBA")
        out[place] = np.asarray(drawing)
    return out


def _put(canvas: Canvas, rgba: NDArray[np.float32], x: float, y: float) -> None:
    """Lay a drawing over the canvas, its middle at shares ``x`` and ``y``; what is out is cut."""
    side, size = canvas.shape[0], rgba.shape[0]
    left, top = round(x * side - size / 2), round(y * side - size / 2)
    x0, y0 = max(0, left), max(0, top)
    x1, y1 = min(side, left + size), min(side, top + size)
    if x0 >= x1 or y0 >= y1:
        return
    part = rgba[y0 - top : y1 - top, x0 - left : x1 - left]
    alpha = part[..., 3:] / 255.0
    under = canvas[y0:y1, x0:x1]
    under += alpha * (part[..., :3] - under)


def _plain(side: int, rgb: Sequence[float]) -> Canvas:
    canvas = np.empty((side, side, 3), np.float32)
    canvas[:] = rgb
    return canvas


def _shaded(side: int, top: Sequence[int], bottom: Sequence[int], edge: float) -> Canvas:
    rows = np.linspace(0, 1, side, dtype=np.float32)
    share = rows if edge >= 1 else (rows > edge).astype(np.float32)
    column = np.outer(1 - share, top) + np.outer(share, bottom)
    return np.repeat(column[:, None].astype(np.float32), side, axis=1)


def _stars(canvas: Canvas, chance: np.random.Generator) -> None:
    rows, columns = chance.integers(0, canvas.shape[0], (2, 14))
    canvas[rows, columns] = (236, 236, 210)


def _coloured(
    rgba: NDArray[np.float32], colour: str, chance: np.random.Generator
) -> tuple[NDArray[np.float32], str]:
    """The drawing's colours turned to another that has a name, and that name."""
    rgb = rgba[..., :3]
    middle = np.array(NAMES[colour], np.float32)
    if colour in ("black", "grey", "white", "brown"):
        return rgb, colour
    angle = chance.uniform(0.25, 2 * math.pi - 0.25)
    return turned(rgb, angle), name_of(turned(middle, angle))


_COLOUR = re.compile(rf"^(?:{'|'.join(NAMES)})\s+|^(?:{'|'.join(ZH.values())})色?的?")


def _called(name: str, colour: str, zh: bool) -> str:
    """``name`` with its colour before it, in place of the one that it names."""
    bare = _COLOUR.sub("", name)
    return f"{ZH[colour]}色的{bare}" if zh else f"{colour} {bare}"


def _article(name: str) -> str:
    return "an" if name[:1].lower() in "aeiou" else "a"


def _plural(name: str) -> str:
    if name.endswith(("s", "x", "ch", "sh")):
        return name + ("" if name.endswith("s") else "es")
    return f"{name[:-1]}ies" if name.endswith("y") and name[-2:-1] not in "aeiou" else f"{name}s"
