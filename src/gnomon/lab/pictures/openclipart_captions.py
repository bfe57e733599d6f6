"""A plain name out of what the author of a clip wrote: its title, or its file's name."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PurePosixPath

from gnomon.lab.pictures.captions import spoken
from gnomon.lab.pictures.concepts import singular
from gnomon.lab.pictures.openclipart_titles import MISSPELT, TITLES

_BATCH = re.compile(r"^(clipart by|part of the|various cliparts|svg gradient|r\d+ )", re.IGNORECASE)
_ASIDE = re.compile(r"\(.*?(?:\)|$)|\[.*?(?:\]|$)")
_EMAIL = re.compile(r"\S+@\S+|<.*?>")
_NOISE = re.compile(
    r"\b(?:b ?(?:and|&|n) ?w|bw|bn|outline only|(?:multi )?colou?r$|rpg map elem\w*|body part|"
    r"clothing|clip ?art(?: by)?|openclipart\w*|ganson\w*|arki|icon|symbol 1m bwh|1m bwh|"
    r"bwh|simple|simplified|stylized|general|alt|r|v|svg|aj|the|by|draft|version)\b|#.*|"
    r"\b\d+(?:\.\d+)?\w?\b|(?<=\w )[b-z]$",
    re.IGNORECASE,
)
_ARTICLE = re.compile(r"^(?:an?|my|our|some) ")
COLOURS = frozenset(
    "red orange yellow green blue purple violet pink brown black white grey gray silver gold "
    "golden seagreen turquoise cyan magenta beige".split()
)
_DIRECTIONS = frozenset("left right up down top bottom".split())
_PREPOSITION = re.compile(r"\b(?:with|of|in|on|and|for|at|from|to|under|over|by)\b|,")
_FOREIGN = frozenset({"yves GUILLOU", "Architetto Francesco Rollandin"})
"""Authors whose titles are French and Italian as a rule: only what is translated, or is a word of
the emoji's names, is taken."""
_TRANSLATED = frozenset(TITLES.values())


def caption_of(
    title: str, path: str, author: str, keywords: Sequence[str], *, collection: bool
) -> str:  # fmt: skip
    """The name of a clip, "" where neither its title nor its file's name has one. ``collection``:
    the title is that of many files, so that only the file's name can tell."""
    stem = PurePosixPath(path).stem
    from_file = not title or collection or bool(_BATCH.match(title)) or "/chess/" in path
    text = re.sub(r"^(?:aiga_|contour_|clipart_by_nicu_buculei_-_)", "", stem)
    text = text if from_file else title
    bare = spoken(_EMAIL.sub(" ", _ASIDE.sub(" ", text)))
    plain = _NOISE.sub(" ", _without_author(bare, author, from_file).lower())
    words = (MISSPELT.get(word, word) for word in plain.split())
    plain = re.sub(r"\s+", " ", " ".join(words).replace(" ,", ",")).strip(" ,.-:;'&\"!?()")
    plain = _ARTICLE.sub("", plain).removesuffix("'s")
    if plain in TITLES:
        return TITLES[plain]
    plain = re.sub(r"(?: (?:with|of|in|on|and|for|at|from|to))+$", "", _in_order(plain))
    return _of_its_kind(plain, title, path, keywords)


def _without_author(text: str, author: str, from_file: bool) -> str:
    """Without the author's name, of which a file's name often has the first letters only."""
    names = [word.lower() for word in re.findall(r"[A-Za-z]{2,}", author)]
    kept = [word for word in text.split() if word.lower() not in names]
    while from_file and len(kept) > 1 and _begins(names, kept[-1]):
        kept.pop()
    return " ".join(kept)


def _begins(names: Sequence[str], word: str) -> bool:
    letters = re.sub(r"[^a-z]", "", word.lower())
    return any(name.startswith(letters) for name in names)


def _in_order(plain: str) -> str:
    """Colours and directions before the noun: "arrow left blue" is "blue left arrow"."""
    words = plain.split()
    if len(words) < 2 or _PREPOSITION.search(plain):
        return plain
    end = len(words)
    while end > 1 and words[end - 1] in COLOURS | _DIRECTIONS:
        end -= 1
    tail = words[end:]
    colours = [word for word in tail if word in COLOURS]
    return " ".join(colours + [word for word in tail if word not in COLOURS] + words[:end])


def _of_its_kind(plain: str, title: str, path: str, keywords: Sequence[str]) -> str:
    """With the noun that its folder or its keywords leave unsaid: flag, sign."""
    if not plain:
        return ""
    flag = "/flags/" in path or (path.count("/") == 1 and bool({"flag", "flags"} & set(keywords)))
    if flag and "flag" not in plain and "coat" not in plain:
        return f"flag of {plain.removeprefix('the ').title()}"  # its name, if it is a country's
    if "sign" in plain.split() or "arrow" in plain.split() or "symbol" in plain.split():
        return plain
    if "roadsigns" in path or title in ("SVG Road Signs", "Road Signs"):
        return f"{plain} road sign"
    return f"{plain} sign" if "aiga_" in path else plain


def readable(caption: str, known: frozenset[str], author: str) -> bool:
    """Whether a caption is English as far as can be told: half of its words are ``known``, and its
    noun is; all of them, for the authors who write in another language."""
    if caption in _TRANSLATED:
        return True
    words = re.findall(r"[a-z']+", caption.lower())
    if re.search(r"\.\w|\d", caption) or len(caption) < 3:
        return False
    good = [word in known or singular(word) in known for word in words]
    if not words or author in _FOREIGN:
        return bool(words) and all(good)
    noun = _PREPOSITION.split(" ".join(words))[0].split() or words
    return sum(good) * 2 >= len(words) and (noun[-1] in known or singular(noun[-1]) in known)
