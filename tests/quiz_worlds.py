"""A set for the quiz, drawn here: what a machine made and what people made, kept so differently
that a careless server would give them away (names, sizes, formats, metadata)."""

from __future__ import annotations

import hashlib
import io
import json
import random
from pathlib import Path
from typing import Any

SIDE = 48
MODEL = "tiny-gan"


def picture(seed: int, width: int = SIDE, height: int = SIDE) -> Any:
    """A few shapes on a plain ground."""
    from PIL import Image, ImageDraw

    chance = random.Random(seed)
    image = Image.new("RGB", (width, height), tuple(chance.randrange(256) for _ in range(3)))
    draw = ImageDraw.Draw(image)
    for _ in range(4):
        x, y = chance.randrange(width - 8), chance.randrange(height - 8)
        colour = tuple(chance.randrange(256) for _ in range(3))
        draw.ellipse((x, y, x + chance.randrange(6, 30), y + chance.randrange(6, 30)), fill=colour)
    return image


def machines(seed: int) -> bytes:
    out = io.BytesIO()
    picture(seed).save(out, "PNG", optimize=True)
    return out.getvalue()


def peoples(seed: int) -> bytes:
    """Larger, not square, half of them half transparent, with notes of whose they are."""
    from PIL import PngImagePlugin

    out = io.BytesIO()
    image = picture(10_000 + seed, SIDE + 16, SIDE + 4)
    if seed % 2:
        image.putalpha(200)
    notes = PngImagePlugin.PngInfo()
    notes.add_text("Author", "somebody")
    image.save(out, "PNG", pnginfo=notes, icc_profile=b"not a profile, but told")
    return out.getvalue()


def written(folder: Path, machine: int = 12, person: int = 12, model: str = MODEL) -> Path:
    """A folder as ``gnomon lab gan`` writes one."""
    rows: list[dict[str, Any]] = []
    for n in range(machine):
        rows.append({"file": f"pictures/{n:03}.png", "by": "machine", "seed": n})
    for n in range(person):
        rows.append(
            {
                "file": f"people/{n:03}.png",
                "by": "person",
                "id": f"drawn:{n}",
                "author": f"Painter {n % 3}",
                "licence": "CC0-1.0",
            }
        )
    for n, row in enumerate(rows):
        data = machines(n) if row["by"] == "machine" else peoples(n)
        path = folder / row["file"]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        row["sha256"] = hashlib.sha256(data).hexdigest()
    made = {"model": model, "sha256": "ab" * 32, "recipe": "gnomon lab gan --name tiny"}
    told = {"version": 1, "made_by": made, "licences": ["CC0-1.0"], "pictures": rows}
    (folder / "quiz.json").write_text(json.dumps(told))
    return folder


def truth(folder: Path) -> dict[str, str]:
    """What each picture is, by its pixels as they are shown: what only the owner can look up."""
    from gnomon.quiz import folder as folders
    from gnomon.quiz.shown import shown

    held = folders.read(folder, "truth")
    return {
        hashlib.sha256(shown(folders.picture(held, one), held.side)).hexdigest(): one.by
        for one in held.exhibits
    }
