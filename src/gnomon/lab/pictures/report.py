"""What a set holds, in numbers and at a glance."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from gnomon.lab.pictures.found import Left
from gnomon.lab.pictures.held import DROPPED, ITEMS, PIXELS, SPLITS, Item
from gnomon.lab.pictures.packages import PACKAGES, SETS
from gnomon.lab.workspace import file_sha256

SHEET = "sheet.png"
ACROSS = 10
GAP = 4


def manifest(
    folder: Path, items: Sequence[Item], left: Sequence[Left], sets: Iterable[str]
) -> dict[str, Any]:
    """Files with their hashes, and counts."""
    pixels = np.load(folder / PIXELS, mmap_mode="r")
    concepts = {split: {i.concept for i in items if i.split == split} for split in SPLITS}
    return {
        "side": int(pixels.shape[1]),
        "pictures": len(items),
        "concepts": len({item.concept for item in items}),
        "weight": round(sum(item.weight for item in items), 1),
        "splits": {split: {"pictures": sum(i.split == split for i in items),
                           "concepts": len(concepts[split])} for split in SPLITS},
        "sets": _counted(item.set for item in items),
        "kinds": _counted(item.kind or "other" for item in items),
        "licences": _counted(item.licence for item in items),
        "share_alike": sorted(name for name in sets if SETS[name].shared_alike),
        "packages": {name: _package(name) for name in sets},
        "dropped": len(left),
        "reasons": _counted(one.reason for one in left),
        "reasons_by_set": {name: _counted(one.reason for one in left if one.set == name)
                           for name in sorted({one.set for one in left})},
        "files": {name: file_sha256(folder / name) for name in (PIXELS, ITEMS, DROPPED)},
    }  # fmt: skip


def _counted(values: Iterable[str]) -> dict[str, int]:
    return dict(Counter(values).most_common())


def _package(name: str) -> dict[str, str]:
    package = PACKAGES[SETS[name].package]
    return {"name": package.name, "registry": package.registry, "version": package.version,
            "sha256": package.sha256, "licence": package.licence, "author": package.author,
            "stated_in": package.stated}  # fmt: skip


def sheet(folder: Path, seed: int) -> None:
    """``sheet.png``: 10 x 10 pictures drawn at random, on white and nothing else."""
    from PIL import Image

    pixels = np.load(folder / PIXELS, mmap_mode="r")
    side = int(pixels.shape[1])
    whole = ACROSS * (side + GAP) + GAP
    canvas = Image.new("RGB", (whole, whole), "white")
    chosen = np.random.default_rng(seed).permutation(len(pixels))[: ACROSS * ACROSS]
    for place, row in enumerate(chosen):
        picture = Image.fromarray(pixels[row], "RGBA")
        down, right = divmod(place, ACROSS)
        canvas.paste(picture, (GAP + right * (side + GAP), GAP + down * (side + GAP)), picture)
    fresh = folder / (SHEET + ".new")
    canvas.save(fresh, "PNG")
    fresh.replace(folder / SHEET)


def text(found: Mapping[str, Any]) -> str:
    """The report for a person."""
    splits = "\n".join(f"| {name} | {row['pictures']:,} | {row['concepts']:,} |"
                       for name, row in found["splits"].items())  # fmt: skip
    sets = "\n".join(_row(name, count, found) for name, count in found["sets"].items())
    reasons = "\n".join(f"| {why} | {count:,} |" for why, count in found["reasons"].items())
    alike = ", ".join(found["share_alike"])
    said = f"\nWhat is made from {alike} must be under the same licence again.\n" if alike else ""
    return (
        f"# Pictures\n\n{found['pictures']:,} pictures of {found['concepts']:,} concepts, "
        f"{found['side']} x {found['side']}, in {found['seconds']:,} s.\n\n"
        f"| split | pictures | concepts |\n|---|---|---|\n{splits}\n\n"
        f"| set | pictures | licence | author |\n|---|---|---|---|\n{sets}\n{said}\n"
        f"Left out ({found['dropped']:,}; each with its reason in dropped.jsonl):\n\n"
        f"| reason | pictures |\n|---|---|\n{reasons}\n\n![pictures](sheet.png)\n"
    )


def _row(name: str, count: int, found: Mapping[str, Any]) -> str:
    package = found["packages"].get(name, {})
    licence, author = package.get("licence", "the owner's"), package.get("author", "")
    return f"| {name} | {count:,} | {licence} | {author} |"
