"""A few drawings with names, as a set of captioned pictures that a test can learn from."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from gnomon.lab.pictures.held import ITEMS, PIXELS, Item, line_of

COLOURS = {
    "red": ((214, 45, 42), "红"), "green": ((63, 158, 72), "绿"), "blue": ((47, 120, 214), "蓝"),
}  # fmt: skip
SHAPES = {"square": "方块", "disc": "圆盘", "bar": "长条"}
STYLES = ("flat", "thin")


def drawing(colour: str, shape: str, style: str, side: int = 64) -> np.ndarray:
    """RGBA [side, side, 4]."""
    rows, columns = (np.mgrid[:side, :side] - (side - 1) / 2) / side
    inside = {
        "square": np.maximum(abs(rows), abs(columns)) < 0.38,
        "disc": rows**2 + columns**2 < 0.16,
        "bar": abs(rows) < 0.2,
    }[shape]
    if style == "thin":
        inside &= np.maximum(abs(rows), abs(columns)) > 0.12
    out = np.zeros((side, side, 4), np.uint8)
    out[..., :3] = COLOURS[colour][0]
    out[..., 3] = inside * 255
    return out


def write_set(folder: Path) -> Path:
    """Nine ideas in two styles, one idea held out."""
    folder.mkdir(parents=True)
    pixels, items = [], []
    for colour, (_, chinese) in COLOURS.items():
        for shape, zh in SHAPES.items():
            for style in STYLES:
                pixels.append(drawing(colour, shape, style))
                items.append(
                    Item(
                        id=f"{style}:{colour}-{shape}",
                        set=style,
                        concept=f"{colour} {shape}",
                        captions=(f"{colour} {shape}",),
                        zh=(f"{chinese}色的{zh}",),
                        licence="CC0-1.0",
                        style=style,
                        kind="object",
                        split="test" if (colour, shape) == ("blue", "bar") else "train",
                    )
                )
    np.save(folder / PIXELS, np.stack(pixels))
    (folder / ITEMS).write_text("".join(line_of(item) + "\n" for item in items), "utf-8")
    return folder
