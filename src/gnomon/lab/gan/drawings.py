"""People's drawings as the two players see them: chosen sets on white, each with its style."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gnomon.errors import InputError
from gnomon.lab.gan.game import UNKNOWN, Deal
from gnomon.lab.pictures.held import Item, Pictures

STYLES = ("kind", "set", "style")
FEWEST = 40
"""Drawings that a style must have, for the judge to learn it from."""
LEAST = 64
"""Drawings there must be to learn from at all."""
WHITE = 255


@dataclass(frozen=True)
class Drawings:
    """``learnt`` and ``kept`` are uint8 [n, side, side, 3], the drawings to learn from and those
    held out; ``of`` the styles [n] of the first by their place in ``styles``, UNKNOWN where one
    has none; the items beside them in the same order."""

    learnt: NDArray[np.uint8]
    of: NDArray[np.int64]
    items: Sequence[Item]
    kept: NDArray[np.uint8]
    kept_items: Sequence[Item]
    styles: tuple[str, ...]

    def deal(self, step: int, batch: int, latent: int, *, seed: int, weighed: bool) -> Deal:
        """What is played over in ``step``: a function of the seed and the step alone. Half of the
        drawings are mirrored."""
        chance = np.random.default_rng((seed, step))
        rows = chance.choice(len(self.learnt), batch, replace=len(self.learnt) < batch)
        pixels = self.learnt[rows]
        turned = chance.random(batch) < 0.5
        pixels[turned] = pixels[turned][:, :, ::-1]
        noise = torch.from_numpy(chance.standard_normal((batch, latent), np.float32))
        return Deal(as_tensor(pixels), torch.from_numpy(self.of[rows]), noise, weighed)


def drawings(pictures: Pictures, sets: Sequence[str], by: str, side: int) -> Drawings:
    """Those of ``sets`` (none: all), their style told by their ``by``. What is in the split train
    is learnt from; the rest is held out. Raises InputError."""
    if by not in STYLES:
        raise InputError(f"--styles is {by!r}; give one of: {', '.join(STYLES)}.")
    chosen = _chosen(pictures, sets)
    train = [row for row in chosen if pictures.items[row].split == "train"]
    kept = [row for row in chosen if pictures.items[row].split != "train"]
    if len(train) < LEAST:
        raise InputError(
            f"{pictures.folder} holds {len(train)} drawings to learn from"
            + (f" of {', '.join(sets)}" if sets else "")
            + f", and {LEAST} are the least; give other --sets, or make a larger set: "
            "gnomon lab pictures"
        )
    words = [str(getattr(pictures.items[row], by)) for row in train]
    counts = Counter(word for word in words if word)
    styles = tuple(sorted(word for word, many in counts.items() if many >= FEWEST))
    place = {word: number for number, word in enumerate(styles)}
    return Drawings(
        learnt=on_white(pictures, train, side),
        of=np.array([place.get(word, UNKNOWN) for word in words], np.int64),
        items=[pictures.items[row] for row in train],
        kept=on_white(pictures, kept, side),
        kept_items=[pictures.items[row] for row in kept],
        styles=styles if len(styles) > 1 else (),
    )


def _chosen(pictures: Pictures, sets: Sequence[str]) -> list[int]:
    here = {item.set for item in pictures.items}
    if lacking := sorted(set(sets) - here):
        raise InputError(
            f"no set {', '.join(lacking)} is in {pictures.folder}; it holds: "
            + ", ".join(sorted(here))
        )
    return [row for row, item in enumerate(pictures.items) if not sets or item.set in sets]


def on_white(pictures: Pictures, rows: Sequence[int], side: int) -> NDArray[np.uint8]:
    """Uint8 [n, side, side, 3] of the rows, what is clear turned white, their own side being a
    multiple of ``side``, or the same."""
    if not rows:
        return np.zeros((0, side, side, 3), np.uint8)
    if pictures.side % side:
        raise InputError(
            f"--side is {side}, and the set has {pictures.side} px; give a divisor of it."
        )
    times = pictures.side // side
    made = np.empty((len(rows), side, side, 3), np.uint8)
    for place, row in enumerate(rows):
        whole = pictures.pixels[row].astype(np.float32)
        cover = whole[..., 3:] / WHITE
        flat = whole[..., :3] * cover + WHITE * (1 - cover)
        small = flat.reshape(side, times, side, times, 3).mean((1, 3))
        made[place] = np.round(small).astype(np.uint8)
    return made


def as_tensor(pixels: NDArray[np.uint8]) -> Tensor:
    """Uint8 [n, side, side, 3] as float [n, 3, side, side] from -1 to 1."""
    whole = torch.from_numpy(np.ascontiguousarray(pixels)).permute(0, 3, 1, 2)
    return whole.float().div_(127.5).sub_(1)


def as_pixels(pictures: Tensor) -> NDArray[np.uint8]:
    """The way back."""
    whole = ((pictures.detach().float() + 1) * 127.5).round().clamp(0, 255)
    found: NDArray[np.uint8] = whole.to(torch.uint8).permute(0, 2, 3, 1).cpu().numpy()
    return found
