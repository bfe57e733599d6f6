"""Tux Paint's stamps, as Debian carries them: drawings and photographs, each with a line of text in
many languages beside it. They are under the GPL, so they are read only where they are asked for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from gnomon.lab.pictures.archives import members
from gnomon.lab.pictures.captions import cleaned
from gnomon.lab.pictures.concepts import concept_of_title
from gnomon.lab.pictures.emoji import Names
from gnomon.lab.pictures.found import RASTER, SVG, Found, Left, Offers
from gnomon.lab.pictures.held import Item
from gnomon.lab.pictures.packages import PACKAGES, PictureSet

TOP = "usr/share/tuxpaint/stamps/"
MOST_WORDS = 8
_FORMS = {".svg": SVG, ".png": RASTER}
_KINDS = {"animals": "animal", "food": "food", "plants": "plant", "people": "person",
          "vehicles": "travel", "town": "travel", "symbols": "symbol"}  # fmt: skip
_CHINESE = re.compile(r"^zh_cn\.utf8=(.+)$", re.MULTILINE | re.IGNORECASE)
_ARTICLE = re.compile(r"^(?:an?|the|some) ", re.IGNORECASE)


def stamps(archive: Path, what: PictureSet, names: Names) -> Offers:
    """Every stamp of the package that its text names in a few words. Raises InputError."""
    wanted = (*_FORMS, ".txt")
    files = {
        name.removeprefix(TOP): data
        for name, data in members(archive, lambda name: name.startswith(TOP))
        if name.endswith(wanted)
    }
    for name, data in sorted(files.items()):
        if PurePosixPath(name).suffix in _FORMS:
            yield _offer(name, data, files, what, names)


def _offer(
    name: str, data: bytes, files: Mapping[str, bytes], what: PictureSet, names: Names
) -> Found | Left:
    path = PurePosixPath(name)
    id_ = f"{what.name}:{path.with_suffix('')}"
    text = files.get(str(path.with_suffix(".txt")), b"").decode("utf-8", "replace")
    if path.suffix == ".png" and str(path.with_suffix(".svg")) in files:
        return Left(f"{id_}.png", what.name, "kept elsewhere as well", path.name)
    caption = caption_of(text)
    if not caption:
        return Left(id_, what.name, "no caption", path.name)
    if len(caption.split()) > MOST_WORDS:
        return Left(id_, what.name, "the title is too long", caption)
    chinese = _CHINESE.search(text)
    package = PACKAGES[what.package]
    item = Item(
        id=id_, set=what.name, concept=concept_of_title(caption, names), captions=(caption,),
        licence=package.licence, split="",
        zh=(cleaned(chinese[1]).rstrip("。"),) if chinese else (),
        tags=tuple(path.parts[:-1]), kind=_KINDS.get(path.parts[0], "object"), style=what.style,
        author=package.author,
    )  # fmt: skip
    return Found(item, data, _FORMS[path.suffix], crop=True)


def caption_of(text: str) -> str:
    """The first line, which is English, without its article and what stands in brackets."""
    line = cleaned(re.sub(r"\(.*?\)", "", text.partition("\n")[0])).split(". ")[0]
    return _ARTICLE.sub("", re.sub(r"\s+", " ", line)).strip(" .!")
