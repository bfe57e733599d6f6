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
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from gnomon.lab.pictures.archives import members
from gnomon.lab.pictures.captions import spoken
from gnomon.lab.pictures.concepts import VAGUE, concept_of_title, singular
from gnomon.lab.pictures.emoji import Names
from gnomon.lab.pictures.found import SVG, Found, Left, Offers
from gnomon.lab.pictures.held import Item
from gnomon.lab.pictures.openclipart_titles import TITLES
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
    "computer/diagrams/": "a diagram or a map",
    "shapes/stars/": "made by a program",
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
    r"cocaine|bong|pimp)\b"
)
_BRANDS = re.compile(
    r"\b(linux|tux|firefox|mozilla|gnome|kde|debian|ubuntu|inkscape|gimp|microsoft|windows|apple "
    r"computer|macintosh|cisco|sony|nintendo|playstation|coke|hummer|openclipart|clip ?art library|"
    r"wikipedia|creative commons|php|mysql|apache|freebsd|red hat|fedora core|openoffice|logos?)\b"
)
_BATCH = re.compile(r"^(clipart by|part of the|various cliparts|svg gradient|r\d+ )", re.IGNORECASE)
_ASIDE = re.compile(r"\((.*?)\)|\[.*?\]")
_BLACK_WHITE = re.compile(r"\b(b ?(?:and|&|n) ?w|bw|black (?:and|&) white|bn|outline only)\b",
                          re.IGNORECASE)  # fmt: skip
_EMAIL = re.compile(r"\S+@\S+")
_TRANSLATED = frozenset(TITLES.values())
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
    known = names.vocabulary | _common(every)
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
    caption = caption_of(one.title, one.stem, one.author, one.path, one.title in collections)
    words = caption.lower()
    if not words or set(words.split()) <= VAGUE:
        return Left(id_, what.name, "the title says too little", one.title)
    if len(words.split()) > MOST_WORDS:
        return Left(id_, what.name, "the title is too long", one.title)
    if _UNFIT.search(words):
        return Left(id_, what.name, "not for everybody", one.title)
    if _BRANDS.search(words) or _BRANDS.search(" ".join(one.keywords)):
        return Left(id_, what.name, "a brand's sign", one.title)
    if not words.isascii() or not (caption in _TRANSLATED or _readable(words, known)):
        return Left(id_, what.name, "the title is not plain English", one.title)
    package = PACKAGES[what.package]
    folder = one.path.split("/")[0]
    flag = "/flags/" in one.path
    return Found(
        Item(
            id=id_,
            set=what.name,
            concept=concept_of_title(caption, names),
            captions=tuple(dict.fromkeys([caption, *_others(caption, one.keywords)])),
            licence=package.licence,
            split="",
            tags=one.keywords[:8],
            kind="flag" if flag else _KINDS.get(folder, "object"),
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
    if one.path.startswith("geography/") and _MAP.search(said):
        return "a diagram or a map"
    return ""


def caption_of(title: str, stem: str, author: str, path: str, collection: bool) -> str:
    """A plain name out of a title or, where the title is a collection's or none, out of the file's
    name; "" where neither has one."""
    from_file = not title or collection or bool(_BATCH.match(title))
    text = stem.removeprefix("aiga_").removeprefix("contour_") if from_file else title
    bare = _EMAIL.sub(" ", _ASIDE.sub(" ", spoken(html.unescape(text))))
    plain = _BLACK_WHITE.sub(" ", _without_author(bare, author, from_file))
    plain = re.sub(r"\b(?:rpg map elements|body part|clothing|clip ?art|openclipart\w*|ganson\w*|"
                   r"icon|symbol 1m bwh|simple|alt|r|v|the)\b|#.*|\b\d+(?:\.\d+)?\b", " ", plain,
                   flags=re.IGNORECASE)  # fmt: skip
    plain = re.sub(r"\s+", " ", plain.replace(" ,", ",")).strip(" ,.-:;'&\"!?")
    plain = plain.lower()
    plain = TITLES.get(plain, plain)
    if "/flags/" in path and plain and "flag" not in plain:
        plain = f"flag of {plain.title()}"
    if plain and "/aiga" in path and "arrow" not in plain and "sign" not in plain:
        plain = f"{plain} sign"
    if plain and "roadsigns" in path and "sign" not in plain:
        plain = f"{plain} road sign"
    return plain


def _without_author(text: str, author: str, from_file: bool) -> str:
    """Without the author's name, of which a file's name often has the first letters only."""
    names = [word.lower() for word in re.findall(r"[A-Za-z]{2,}", author)]
    words = text.split()
    kept = [word for word in words if word.lower() not in names]
    while from_file and len(kept) > 1 and any(
        name.startswith(kept[-1].lower().rstrip("0123456789._")) for name in names
    ):  # fmt: skip
        kept.pop()
    return " ".join(kept) if kept else text


def _readable(words: str, known: frozenset[str]) -> bool:
    """Whether the last word of it, or more than half of its words, is one that is known."""
    every = re.findall(r"[a-z']+", words)
    good = [word for word in every if word in known or singular(word) in known]
    return bool(every) and len(good) * 2 >= len(every) and bool(good)


def _others(caption: str, keywords: Sequence[str]) -> list[str]:
    """Another name: the title's noun alone where the keywords have it too."""
    last = caption.split()[-1].lower()
    return [last] if last in keywords and last not in VAGUE and last != caption.lower() else []


def _author(name: str) -> str:
    """The name alone, without addresses."""
    return re.sub(r"\s+", " ", re.sub(r"[<\[(].*?[>\])]|\S+@\S+", "", name)).strip()[:80]
