"""Posts with pictures beside them in a folder, as a person would have them."""

from __future__ import annotations

import json
import time
from pathlib import Path

from PIL import Image, ImageDraw

import tiny_clip
from gnomon.types import Batch, Post

COPIED_AT = 1_773_000_900


def drawn(
    colour: tuple[int, int, int], at: int = 0, size: tuple[int, int] = (80, 60)
) -> Image.Image:
    """A colour with a white box in it, at a place of its own."""
    picture = Image.new("RGB", size, colour)
    ImageDraw.Draw(picture).rectangle((8 + 6 * at, 10, 24 + 6 * at, 30), fill=(255, 255, 255))
    return picture


def folder(place: Path, *only: str) -> Path:
    """Five posts with a picture each, named by its colour, of which two say what is in it; a copy
    of the red one, saved again; and one that shows no picture. The file of posts, or of ``only``
    some of them."""
    place.mkdir(parents=True)
    rows = []
    for at, (name, colour) in enumerate(tiny_clip.COLOURS.items()):
        drawn(colour, at).save(place / f"{name}.png")
        row = {
            "id": name, "author": f"{name}@example.org", "text": f"Seen today, number {at}.",
            "media": [f"{name}.png"], "created_at": 1_773_000_000 + at,
        }  # fmt: skip
        if name in ("green", "yellow"):
            row["alt"] = [f"a {name} field with a lighthouse" if name == "green" else "a lemon"]
        rows.append(row)
    drawn(tiny_clip.COLOURS["red"]).resize((160, 120)).save(place / "again.jpg", quality=70)
    rows.append(
        {"id": "again", "author": "late@example.org", "text": "I made this.",
         "media": ["again.jpg"], "created_at": COPIED_AT}
    )  # fmt: skip
    rows.append({"id": "bare", "author": "x", "text": "A lighthouse and no picture."})
    file = place / "posts.jsonl"
    chosen = [row for row in rows if not only or row["id"] in only]
    file.write_text("\n".join(map(json.dumps, chosen)))
    return file


def kept_in(gnomon: object, place: Path) -> str:
    """Put one post with a kept picture into a world in memory; the picture's id."""
    place.mkdir(parents=True)
    drawn(tiny_clip.COLOURS["red"]).save(place / "umbrella.png")
    post = Post(
        id="umbrella", text="It rained.", source="test", author="a", fetched_at=time.time(),
        created_at=1_773_000_000.0, media=("umbrella.png",), extra={"alt": ["a red umbrella"]},
    )  # fmt: skip
    gnomon.store.write(Batch("test", posts=(post,)))  # type: ignore[attr-defined]
    gnomon.post_pictures.files = (str(place),)  # type: ignore[attr-defined]
    gnomon.post_pictures.catch_up()  # type: ignore[attr-defined]
    [found] = gnomon.post_pictures.search("umbrella").found  # type: ignore[attr-defined]
    return str(found.picture.sha256)
