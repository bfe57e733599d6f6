"""A sheet of pictures with what each was asked for below it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

SCALE = 2
PROMPTS = (
    "a red apple",
    "a cat face",
    "a smiling sun over a blue house",
    "a rocket at night",
    "pizza, flat",
    "a red car on the grass",
    "two green trees",
    "a sunflower, 3d",
    "a dog and a ball",
    "an umbrella on a yellow background",
    "a fish by the sea",
    "雪地里的房子",
)
"""What a sheet of the training shows; chosen before anything was drawn, and no part of what is
measured afterwards."""


def write(
    path: Path, pictures: Sequence[NDArray[np.uint8]], labels: Sequence[str], columns: int = 6
) -> None:
    """PNG: pictures [h,w,3] at ``SCALE`` times their size, whole pixels, each above its label."""
    side = pictures[0].shape[0] * SCALE
    cell, line = side + 6, 14
    rows = -(-len(pictures) // columns)
    sheet = Image.new("RGB", (columns * cell, rows * (cell + line)), "white")
    pen = ImageDraw.Draw(sheet)
    for place, (picture, label) in enumerate(zip(pictures, labels, strict=True)):
        x, y = place % columns * cell, place // columns * (cell + line)
        sheet.paste(Image.fromarray(picture).resize((side, side), Image.Resampling.NEAREST), (x, y))
        # Pillow's own font has Latin letters only.
        short = label if label.isascii() else f"[{place + 1}]"
        pen.text((x, y + side + 1), short[: side // 6], fill="black")
    sheet.save(path, optimize=True)
