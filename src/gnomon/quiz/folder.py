"""A set of pictures on disk: ``quiz.json`` and the files that it names.

    {"version": 1,
     "made_by": {"model", "sha256", "recipe"},
     "licences": [...],
     "pictures": [{"file", "by": "machine", "seed", "sha256"},
                  {"file", "by": "person", "id", "author", "licence", "sha256"}]}

``gnomon lab gan`` and ``gnomon lab draw`` write one; anybody may.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from gnomon.errors import InputError
from gnomon.quiz.shown import MOST_SIDE, square_of
from gnomon.types.quiz import By, Exhibit, Exhibition

QUIZ = "quiz.json"
VERSION = 1
MOST_BYTES = 8 << 20
"""Of one picture, and of ``quiz.json``."""
MOST_PICTURES = 5000
LEAST = 5
"""Pictures of each kind: with fewer there is nothing to guess among."""
DEPTH = 4
"""How far below ``<home>/lab/<name>`` a quiz is looked for."""


def installed(lab: Path, more: tuple[Path, ...] = ()) -> Iterator[Path]:
    """The folders with a ``quiz.json``: those that the lab made, then ``more`` as they are."""
    found = {path.parent for depth in range(1, DEPTH + 1) for path in lab.glob("*/" * depth + QUIZ)}
    yield from sorted(found)
    yield from (folder for folder in more if folder not in found)


def read(folder: Path, name: str) -> Exhibition:
    """The set in ``folder``, every file looked at. Raises InputError, which names what is wrong,
    and ConfigError without Pillow."""
    raw = _bytes(folder / QUIZ)
    try:
        told = json.loads(raw)
    except ValueError as error:
        raise InputError(f"{folder / QUIZ} is not JSON ({error}); make the set again.") from error
    if not isinstance(told, dict) or told.get("version") != VERSION:
        version = told.get("version") if isinstance(told, dict) else None
        raise InputError(f"{folder / QUIZ} has version {version!r}; {VERSION} is read here.")
    made = told.get("made_by")
    if not isinstance(made, dict) or not _text(made, "model"):
        raise InputError(f"{folder / QUIZ} does not say which model its pictures are made by.")
    exhibits = tuple(_exhibits(folder, told.get("pictures")))
    sides = {kind: _sides(folder, exhibits, kind) for kind in ("machine", "person")}
    side = min(MOST_SIDE, *(least for least, _ in sides.values()))
    return Exhibition(
        id=hashlib.sha256(raw).hexdigest()[:16],
        name=name,
        folder=str(folder),
        model=_text(made, "model"),
        model_sha256=_text(made, "sha256"),
        recipe=_text(made, "recipe"),
        licences=tuple(str(one) for one in told.get("licences") or ()),
        exhibits=exhibits,
        side=side,
        notes=tuple(_notes(sides, side)),
    )


def picture(exhibition: Exhibition, exhibit: Exhibit) -> bytes:
    """A picture's file. Raises InputError where it is not the one that ``quiz.json`` names."""
    return _held(Path(exhibition.folder), exhibit)


def _exhibits(folder: Path, rows: Any) -> Iterator[Exhibit]:
    if not isinstance(rows, list) or len(rows) > MOST_PICTURES:
        raise InputError(f"{folder / QUIZ} lists no pictures, or more than {MOST_PICTURES:,}.")
    seen: dict[str, str] = {}
    counts: dict[str, int] = {"machine": 0, "person": 0}
    for row in rows:
        exhibit = _exhibit(folder, row)
        if exhibit.sha256 in seen:
            raise InputError(
                f"{folder / QUIZ} shows one picture twice, as {seen[exhibit.sha256]!r} and "
                f"{exhibit.file!r}; leave one out."
            )
        seen[exhibit.sha256] = exhibit.file
        counts[exhibit.by] += 1
        yield exhibit
    if min(counts.values()) < LEAST:
        raise InputError(
            f"{folder / QUIZ} has {counts['machine']} pictures of a machine's and "
            f"{counts['person']} of people's; at least {LEAST} of each are needed."
        )


def _exhibit(folder: Path, row: Any) -> Exhibit:
    if not isinstance(row, dict) or row.get("by") not in ("machine", "person"):
        raise InputError(
            f"{folder / QUIZ} has a picture whose 'by' is neither 'machine' nor 'person': "
            f"{str(row)[:80]}"
        )
    file, sha256 = _text(row, "file"), _text(row, "sha256").lower()
    inside = PurePosixPath(file)
    if not file or inside.is_absolute() or ".." in inside.parts or "\\" in file:
        raise InputError(f"{folder / QUIZ} names {file[:80]!r}, which is no file of its folder.")
    by: By = row["by"]
    told = ("seed", "prompt") if by == "machine" else ("id", "title", "author", "licence")
    about = {name: row[name] for name in told if isinstance(row.get(name), str | int)}
    if by == "person" and not about.get("licence"):
        raise InputError(f"{folder / QUIZ} gives no licence for {file[:80]!r}; every one needs it.")
    return Exhibit(file, by, sha256, about)


def _sides(folder: Path, exhibits: tuple[Exhibit, ...], by: str) -> tuple[int, int]:
    """The smallest and the largest side of a kind's pictures, in pixels."""
    sides = [square_of(_held(folder, one), one.file) for one in exhibits if one.by == by]
    return min(sides), max(sides)


def _notes(sides: Mapping[str, tuple[int, int]], side: int) -> Iterator[str]:
    for by, (least, most) in sides.items():
        if most > side:
            size = f"{least}" if least == most else f"{least} to {most}"
            yield (
                f"the pictures by a {by} are {size} pixels wide and shown at {side}: making a "
                "picture smaller leaves traces"
            )


def _held(folder: Path, exhibit: Exhibit) -> bytes:
    path = (folder / exhibit.file).resolve()
    if not path.is_relative_to(folder.resolve()):
        raise InputError(f"{exhibit.file[:80]!r} leads out of {folder}.")
    data = _bytes(path)
    if hashlib.sha256(data).hexdigest() != exhibit.sha256:
        raise InputError(
            f"{path} is not the file that {QUIZ} names (its SHA-256 differs); make the set again."
        )
    return data


def _bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}).") from error
    if len(data) > MOST_BYTES:
        raise InputError(f"{path} is larger than {MOST_BYTES:,} bytes.")
    return data


def _text(told: Mapping[str, Any], name: str) -> str:
    value = told.get(name)
    return value if isinstance(value, str) else ""
