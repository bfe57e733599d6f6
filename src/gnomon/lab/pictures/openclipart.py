"""The Open Clip Art Library of 2005, as Debian carries it: drawings that their authors gave to the
public, with titles and keywords in each.

The titles are those of thousands of uploads: whole collections under one title, numbers, authors'
names, Italian. A drawing is kept where its title, or else its file's name, can be made a plain
English name; the rest is left out with the reason.
"""

from __future__ import annotations

import html
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from gnomon.lab.pictures.archives import members
from gnomon.lab.pictures.concepts import VAGUE, concept_of_title
from gnomon.lab.pictures.emoji import Names
from gnomon.lab.pictures.found import SVG, Found, Left, Offers
from gnomon.lab.pictures.held import Item
from gnomon.lab.pictures.openclipart_captions import caption_of, readable
from gnomon.lab.pictures.openclipart_titles import ENGLISH
from gnomon.lab.pictures.packages import PACKAGES, PictureSet

TOP = "usr/share/openclipart/svg/"
_PUBLIC = frozenset({"http://web.resource.org/cc/PublicDomain",
                     "http://creativecommons.org/licenses/publicdomain/"})  # fmt: skip
_SHARED_TITLE = 4
"""A title that so many files of other names have is a collection's."""
MOST_WORDS = 7

_FOLDERS = {
    "computer/icons/": "an icon of a desktop",
    "computer/buttons/": "an icon of a desktop",
    "computer/bb_": "an icon of a desktop",
    "computer/diagrams/": "a diagram or a map",
    "shapes/stars/": "made by a program",
    "shapes/clipart_by_nicu": "the title says too little",
    "shapes/flowchart/": "a diagram or a map",
    "shapes/callouts/": "an empty frame",
    "shapes/jigsaw/": "one of many alike",
    "special/": "a pattern or a gradient",
    "logos/": "a brand's sign",
    "unsorted/duplicates/": "kept elsewhere as well",
    "signs_and_symbols/led/": "one of many alike",
    "signs_and_symbols/flags/semaphore/": "a letter or a code",
    "recreation/games/cards/": "one of many alike",
    "people/clothing/pantyhose/": "one of many alike",
    "tools/weapons/bullet_hole": "one of many alike",
    "transportation/boating/boating_rules": "a diagram or a map",
}
"""Folders whose drawings no caption of a few words tells, and why."""
_SUBNATIONAL = re.compile(
    r"flags/(?:\w+/)+(?:united_states|canada|france|spain|germany|italy|australia|united_kingdom|"
    r"belgium|denmark|norway|finland|brazil|switzerland|austria|netherlands|navy)/"
)
_MAP = re.compile(r"\b(map|maps|coastline|regions?|peninsul\w*|rivers|states)\b")
_UNFIT = re.compile(
    r"\b(nude|naked|sexy?|porn|penis|breasts?|swastika|nazi|hitler|kkk|suicide|marijuana|cannabis|"
    r"cocaine|bong|pimp|stripper)\b"
)
_BRANDS = re.compile(
    r"\b(linux|gnu|tux|firefox|mozilla|gnome|kde|debian|ubuntu|inkscape|gimp|microsoft|macintosh|"
    r"cisco|alcatel|sony|nintendo|gameboy|playstation|coke|hummer|dodge|toyota|chevrolet|shelby|"
    r"garmin|openclipart|clip ?art library|wikipedia|creative commons|php|mysql|freebsd|red hat|"
    r"openoffice|bmw|illuminati|pacman)\b"
)
_KINDS = {
    "animals": "animal", "food": "food", "plants": "plant", "people": "person",
    "transportation": "travel", "buildings": "travel", "geography": "travel",
    "recreation": "activity", "signs_and_symbols": "symbol", "shapes": "symbol",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Drawing:
    """One file and what it says of itself. ``keywords`` in lower case."""

    path: str
    data: bytes
    title: str
    keywords: tuple[str, ...]
    author: str
    licence: str

    @property
    def stem(self) -> str:
        return PurePosixPath(self.path).stem


def drawings(archive: Path, what: PictureSet, names: Names) -> Offers:
    """Every drawing of the package, or why it is left out. Raises InputError."""
    every = [
        _read(name.removeprefix(TOP), data)
        for name, data in members(archive, lambda name: name.endswith(".svg"))
    ]
    every.sort(key=lambda one: (one.path.startswith("unsorted/"), one.path))
    stems: dict[str, set[str]] = {}
    for one in every:
        stems.setdefault(one.title, set()).add(_letters(one.stem)[:8])
    collections = {title for title, some in stems.items() if len(some) >= _SHARED_TITLE}
    known = names.vocabulary | _common(every) | ENGLISH
    for one in every:
        yield _offer(one, what, names, collections, known)


def _letters(stem: str) -> str:
    return re.sub(r"[^a-z]", "", stem.lower())


def _common(every: Iterable[_Drawing]) -> frozenset[str]:
    """Words of keywords, which are English as a rule, that more than two drawings have."""
    count = Counter(word for one in every for key in one.keywords
                    for word in re.findall(r"[a-z]+", key))  # fmt: skip
    return frozenset(word for word, n in count.items() if n > 2)


def _read(path: str, data: bytes) -> _Drawing:
    """The metadata, as text: this is read before the drawing is known to be one."""
    text = data[: 2**18].decode("utf-8", "replace")

    def first(pattern: str) -> str:
        found = re.search(pattern, text, re.DOTALL)
        return html.unescape(html.unescape(re.sub(r"<.*?>", "", found[1]))).strip() if found else ""

    bag = re.findall(r"<rdf:li>(.*?)</rdf:li>", text, re.DOTALL)
    keywords = (html.unescape(word).strip().lower() for word in bag)
    return _Drawing(
        path=path,
        data=data,
        title=first(r"<dc:title>(.*?)</dc:title>"),
        keywords=tuple(dict.fromkeys(w for w in keywords if w and not w.startswith("hash"))),
        author=first(r"<dc:creator>.*?<dc:title>(.*?)</dc:title>"),
        licence=first(r"<cc:license rdf:resource=\"(.*?)\""),
    )


def _offer(
    one: _Drawing, what: PictureSet, names: Names, collections: set[str], known: frozenset[str]
) -> Found | Left:
    id_ = f"{what.name}:{one.path.removesuffix('.svg')}"
    reason = _unwanted(one)
    if reason:
        return Left(id_, what.name, reason, one.title)
    collection = one.title in collections
    caption = caption_of(one.title, one.path, one.author, one.keywords, collection=collection)
    words = caption.lower()
    if not words or set(words.split()) <= VAGUE:
        return Left(id_, what.name, "the title says too little", one.title)
    if len(words.split()) > MOST_WORDS:
        return Left(id_, what.name, "the title is too long", one.title)
    if _UNFIT.search(words):
        return Left(id_, what.name, "not for everybody", one.title)
    if _BRANDS.search(words) or _BRANDS.search(" ".join(one.keywords)):
        return Left(id_, what.name, "a brand's sign", one.title)
    if not words.isascii() or not readable(caption, known, one.author):
        return Left(id_, what.name, "the title is not plain English", one.title)
    flag = words.startswith("flag of ") or one.path.count("/flags/") > 0
    country = names.by_name(f"flag-{caption.removeprefix('flag of ')}") if flag else None
    if flag and country is None:
        return Left(id_, what.name, "a flag of a region or a signal", one.title)
    package = PACKAGES[what.package]
    return Found(
        Item(
            id=id_,
            set=what.name,
            concept=country.concept if country else concept_of_title(caption, names),
            captions=(country.label if country else caption,),
            licence=package.licence,
            split="",
            zh=country.zh if country else (),
            tags=one.keywords[:8],
            kind="flag" if flag else _KINDS.get(one.path.split("/")[0], "object"),
            style=what.style,
            author=_author(one.author) or package.author,
        ),
        one.data,
        SVG,
        crop=True,
    )


def _unwanted(one: _Drawing) -> str:
    """Why a drawing is not wanted whatever its title, "" where it may be."""
    if one.licence not in _PUBLIC:
        return "does not say that it is public domain"
    for folder, reason in _FOLDERS.items():
        if one.path.startswith(folder):
            return reason
    if _SUBNATIONAL.search(one.path) or "signalflag" in one.path:
        return "a flag of a region or a signal"
    said = f"{one.title} {' '.join(one.keywords)}".lower().replace("_", " ")
    if "symbol_1" in one.path or (one.path.startswith("geography/") and _MAP.search(said)):
        return "a diagram or a map"
    return ""


def _author(name: str) -> str:
    """The name alone, without addresses."""
    return re.sub(r"\s+", " ", re.sub(r"[<\[(].*?[>\])]|\S+@\S+", "", name)).strip()[:80]
