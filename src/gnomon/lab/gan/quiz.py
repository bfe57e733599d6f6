"""Human or machine? Drawings of both, alike in size and treatment, and a list of which is which.

quiz.json            {"version", "made_by", "licences", "pictures": [...]}
pictures/NNN.png     the machine's, one for each seed from 0 on: none was left out
people/NNN.png       as many by people, of the same sets, drawn by lot
"""

from __future__ import annotations

import hashlib
import io
import math
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gnomon.lab.gan.drawings import Drawings, as_pixels
from gnomon.lab.gan.players import Generator
from gnomon.lab.gan.stock import draw
from gnomon.lab.pictures.held import Item
from gnomon.lab.shards import writing
from gnomon.lab.workspace import write_json

QUIZ = "quiz.json"
MACHINE, PEOPLE = "pictures", "people"


def write(
    folder: Path,
    generator: Generator,
    held: Drawings,
    many: int,
    *,
    seed: int,
    made_by: Mapping[str, str],
) -> dict[str, Any]:
    """``many`` drawings of each kind into ``folder``; what quiz.json says. People's are those that
    were held out, and, where they are fewer, of those learnt from."""
    for name in (MACHINE, PEOPLE):
        shutil.rmtree(folder / name, ignore_errors=True)
        (folder / name).mkdir(parents=True)
    rows: list[dict[str, Any]] = []
    for number, pixels in enumerate(as_pixels(draw(generator, range(many)))):
        kept = _keep(folder, f"{MACHINE}/{number:03d}.png", pixels)
        rows.append(kept | {"by": "machine", "seed": number})
    for number, (pixels, item) in enumerate(_by_lot(held, many, seed)):
        kept = _keep(folder, f"{PEOPLE}/{number:03d}.png", pixels)
        rows.append(kept | {"by": "person", **_who(item)})
    items = [*held.items, *held.kept_items]
    whole = {
        "version": 1,
        "made_by": dict(made_by),
        "licences": sorted({item.licence for item in items}),
        "pictures": rows,
    }
    write_json(folder / QUIZ, whole)
    return whole


def _who(item: Item) -> dict[str, str]:
    title = item.captions[0] if item.captions else ""
    return {"id": item.id, "title": title, "author": item.author, "licence": item.licence}


def _by_lot(held: Drawings, many: int, seed: int) -> list[tuple[NDArray[np.uint8], Item]]:
    chance = np.random.default_rng(seed)
    found: list[tuple[NDArray[np.uint8], Item]] = []
    for pixels, items in ((held.kept, held.kept_items), (held.learnt, held.items)):
        rows = chance.permutation(len(items))[: many - len(found)]
        found += [(pixels[row], items[row]) for row in rows]
    return found


def _keep(folder: Path, name: str, pixels: NDArray[np.uint8]) -> dict[str, Any]:
    data = png(pixels)
    with writing(folder / name):
        (folder / name).write_bytes(data)
    return {"file": name, "sha256": hashlib.sha256(data).hexdigest()}


def png(pixels: NDArray[np.uint8]) -> bytes:
    """Uint8 [height, width, 3] as PNG, without a word about where it is from."""
    from PIL import Image

    held = io.BytesIO()
    Image.fromarray(pixels).save(held, "PNG", optimize=True)
    return held.getvalue()


def sheet(pictures: Sequence[NDArray[np.uint8]], gap: int = 2) -> NDArray[np.uint8]:
    """Pictures of one size beside and below each other, about as many across as down."""
    across = math.ceil(math.sqrt(len(pictures)))
    down = math.ceil(len(pictures) / across)
    side = pictures[0].shape[0]
    whole = np.full((down * (side + gap) - gap, across * (side + gap) - gap, 3), 255, np.uint8)
    for number, one in enumerate(pictures):
        y, x = (place * (side + gap) for place in divmod(number, across))
        whole[y : y + side, x : x + side] = one
    return whole
