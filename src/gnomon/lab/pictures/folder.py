"""The owner's own pictures: a folder, with captions beside the files, in a table, or as names.

Captions of ``cat.png`` are looked for in ``cat.txt`` (one a line), ``cat.json`` (``caption``,
``captions``, ``tags``, ``licence``, ``author``), in a ``metadata.csv``, ``metadata.jsonl`` or
``captions.csv`` of its folder (``file_name`` and ``text``, as Hugging Face's ImageFolder has them,
https://huggingface.co/docs/datasets/image_dataset#imagefolder), and last in its own name.
"""

from __future__ import annotations

import csv
import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gnomon.errors import InputError
from gnomon.lab.pictures.captions import cleaned, spoken
from gnomon.lab.pictures.concepts import concept_of_title
from gnomon.lab.pictures.emoji import Names
from gnomon.lab.pictures.found import RASTER, SVG, Found, Left, Offers
from gnomon.lab.pictures.held import Item

SET = "own"
MAX_BYTES = 64 * 2**20
OWN_LICENCE = "LicenseRef-own"
"""An SPDX reference for what has no licence but the owner's say."""
_FORMS = {".svg": SVG} | dict.fromkeys((".png", ".jpg", ".jpeg", ".webp", ".gif"), RASTER)
_TABLES = ("metadata.csv", "captions.csv", "metadata.jsonl")
_FILE_COLUMNS = ("file_name", "filename", "file", "image", "path")
_TEXT_COLUMNS = ("text", "caption", "captions", "title", "description", "alt")
_CAMERA = re.compile(
    r"^(?:img|dsc[nf]?|pict|p|pxl|mvimg|image|photo|picture|screenshot|untitled|unnamed|scan|"
    r"download|file|whatsapp image)?[\W\d_]*(?:at|copy|edited|hdr|pm|am)?[\W\d_]*$",
    re.IGNORECASE,
)
"""Names that a camera or a program gives, which say nothing."""
_CJK = re.compile(r"[\u3400-\u9fff]")
LONG = 5
"""Words; a caption of more is a sentence, whose last noun is no idea by itself."""


@dataclass(frozen=True, slots=True)
class Told:
    """What is told about a picture."""

    captions: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    licence: str = OWN_LICENCE
    author: str = ""


def pictures(place: Path, names: Names) -> Offers:
    """Every picture below a folder. Raises InputError for a table that cannot be read."""
    tables: dict[Path, dict[str, Told]] = {}
    for path in _files(place):
        name = str(path.relative_to(place))
        id_ = f"{SET}:{place.name}/{name}"
        if path.is_symlink():
            yield Left(id_, SET, "a link, which is not followed", name)
            continue
        if path.stat().st_size > MAX_BYTES:
            yield Left(id_, SET, "too large a file", name)
            continue
        folder = path.parent
        if folder not in tables:
            tables[folder] = _table(folder)
        told = _beside(path) or tables[folder].get(path.name) or _named(path.stem)
        if not told.captions:
            yield Left(id_, SET, "no caption", name)
            continue
        try:
            data = path.read_bytes()
        except OSError as error:
            yield Left(id_, SET, "cannot be read", str(error.strerror))
            continue
        yield Found(item_of(id_, SET, told, names), data, _FORMS[path.suffix.lower()])


def item_of(id_: str, set_: str, told: Told, names: Names, *, concept: str = "") -> Item:
    """What is told as an item; ``concept`` where a caption is too long to tell one."""
    first = told.captions[0]
    short = len(first.split()) <= LONG and not _CJK.search(first)
    return Item(
        id=id_,
        set=set_,
        concept=concept_of_title(first, names) if short else concept or f"text:{first.lower()}",
        captions=told.captions,
        licence=told.licence,
        split="",
        zh=tuple(one for one in told.captions if _CJK.search(one)),
        tags=told.tags,
        kind="photo",
        author=told.author,
    )


def _files(place: Path) -> Iterator[Path]:
    """The pictures below, in the order of their names; links to folders are not followed."""
    for folder, folders, files in os.walk(place):
        folders.sort()
        for name in sorted(files):
            if Path(name).suffix.lower() in _FORMS and not name.startswith("."):
                yield Path(folder) / name


def _beside(path: Path) -> Told | None:
    """Of the file of the same name that tells its captions."""
    text, sidecar = path.with_suffix(".txt"), path.with_suffix(".json")
    try:
        if text.is_file():
            return _told({"captions": text.read_text("utf-8").splitlines()})
        if sidecar.is_file():
            found = json.loads(sidecar.read_text("utf-8"))
            return _told(found) if isinstance(found, dict) else None
    except (OSError, ValueError) as error:
        raise InputError(
            f"the captions of {path} cannot be read ({error}); save them as UTF-8 text or JSON."
        ) from error
    return None


def _told(row: Mapping[str, Any]) -> Told | None:
    """Of a row or an object; None where it has no caption."""
    given = [row[name] for name in _TEXT_COLUMNS if row.get(name)]
    texts = [text for one in given for text in (one if isinstance(one, list) else [one])]
    captions = tuple(dict.fromkeys(c for text in texts if (c := cleaned(str(text)))))
    tags = row.get("tags") or row.get("keywords") or ()
    tags = re.split(r"[,;]\s*", tags) if isinstance(tags, str) else tags
    if not captions:
        return None
    return Told(
        captions,
        tuple(str(tag).strip() for tag in tags if str(tag).strip()),
        str(row.get("licence") or row.get("license") or OWN_LICENCE),
        str(row.get("author") or ""),
    )


def _table(folder: Path) -> dict[str, Told]:
    """File name to what a table of the folder tells of it."""
    out: dict[str, Told] = {}
    for name in _TABLES:
        path = folder / name
        if not path.is_file():
            continue
        try:
            with path.open(encoding="utf-8-sig", newline="") as file:
                rows = (
                    [json.loads(line) for line in file if line.strip()]
                    if path.suffix == ".jsonl"
                    else list(csv.DictReader(file))
                )
        except (OSError, ValueError, csv.Error) as error:
            raise InputError(f"{path} cannot be read ({error}); save it as UTF-8.") from error
        for row in rows:
            file_name = next((row[c] for c in _FILE_COLUMNS if row.get(c)), None)
            if file_name is not None and (told := _told(row)) is not None:
                out.setdefault(Path(str(file_name)).name, told)
    return out


def _named(stem: str) -> Told:
    """A caption out of the file's own name, if a person gave it."""
    name = spoken(stem)
    letters = len(re.findall(r"[^\W\d_]", name))
    return Told() if letters < 3 or _CAMERA.match(stem) else Told((name,))
