"""The sets of emoji: Iconify's JSON, LobeHub's WebP files, OpenMoji's SVG files."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from gnomon.errors import InputError
from gnomon.lab.pictures.archives import members
from gnomon.lab.pictures.captions import varied
from gnomon.lab.pictures.concepts import concept_of_title
from gnomon.lab.pictures.emoji import Emoji, Names, plain
from gnomon.lab.pictures.found import RASTER, SVG, Found, Left, Offers
from gnomon.lab.pictures.held import Item
from gnomon.lab.pictures.packages import PACKAGES, PictureSet
from gnomon.lab.pictures.titles import titles

_PARTS = re.compile(
    r"^(regional-?indicator|cjkunified|circledlatin|circledideo|squaredcjk|squaredlatin|"
    r"latincapital|(medium-)?(light|dark|medium)-skin-tone|(red|white|curly)-haired|bald$)"
)
RUN_TOGETHER = "fxemoji"
"""The set whose names have no hyphens."""
_SVG = (
    '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
    'viewBox="{left} {top} {width} {height}">{body}</svg>'
)


def iconify(archive: Path, what: PictureSet, names: Names, elder: Mapping[str, str]) -> Offers:
    """A set in Iconify's format (https://iconify.design/docs/types/iconify-json.html). ``elder``
    are further names to codes, for a set that has no codes of its own. Raises InputError."""
    wanted = {f"package/{name}.json" for name in ("icons", "chars")}
    files = dict(members(archive, wanted.__contains__))
    try:
        icons = json.loads(files["package/icons.json"])
        codes = codes_of(files)
        rows = sorted(icons["icons"].items())
        also = _aliases(icons)
    except (KeyError, ValueError, AttributeError) as error:
        raise InputError(f"{archive} does not hold the icons that it should ({error}).") from error
    for name, icon in rows:
        if _PARTS.search(name):
            yield Left(f"{what.name}:{name}", what.name, "a letter or a part of an emoji")
            continue
        emoji = names.by_code(codes[name]) if name in codes else None
        if name not in FX_NAMES:
            emoji = emoji or names.by_name(name)
        if emoji is None and name in elder:
            emoji = names.by_code(elder[name])
        if emoji is not None and not emoji.kind:
            yield Left(f"{what.name}:{name}", what.name, "a letter or a part of an emoji")
        elif icon.get("hidden"):
            yield Left(f"{what.name}:{name}", what.name, "withdrawn by its publisher")
        elif emoji is None:
            yield from _unnamed(name, what, icons, icon, names)
        else:
            yield Found(_item(what, name, emoji, also.get(name, ())), _svg(icons, icon), SVG)


def codes_of(files: Mapping[str, bytes]) -> dict[str, str]:
    """Name to code, of a set that tells them."""
    chars = json.loads(files.get("package/chars.json", b"{}"))
    return {str(name): str(code) for code, name in chars.items()}


def elder_names(archive: Path) -> dict[str, str]:
    """Every name and alias of an Iconify set that has codes, to its code."""
    wanted = {f"package/{name}.json" for name in ("icons", "chars")}
    files = dict(members(archive, wanted.__contains__))
    codes = codes_of(files)
    aliases = json.loads(files["package/icons.json"]).get("aliases", {})
    more = {name: codes[one["parent"]] for name, one in aliases.items() if one["parent"] in codes}
    return {**more, **codes}


def _aliases(icons: Mapping[str, Any]) -> dict[str, list[str]]:
    """Further names of an icon that is not mirrored or turned under them."""
    found: dict[str, list[str]] = {}
    for name, alias in sorted(icons.get("aliases", {}).items()):
        if set(alias) == {"parent"} and "skin-tone" not in name:
            found.setdefault(alias["parent"], []).append(name)
    return found


def _svg(icons: Mapping[str, Any], icon: Mapping[str, Any]) -> bytes:
    def size(name: str, default: float) -> float:
        return float(icon.get(name, icons.get(name, default)))

    return _SVG.format(left=size("left", 0), top=size("top", 0), width=size("width", 16),
                       height=size("height", 16), body=icon["body"]).encode()  # fmt: skip


def _unnamed(
    name: str, what: PictureSet, icons: Mapping[str, Any], icon: Mapping[str, Any], names: Names
) -> Offers:
    """An icon that is no emoji, or goes by another name: its own name is its caption, where that
    can be read as words."""
    together = what.name == RUN_TOGETHER and "-" not in name
    if together and name in FX_NAMES:
        words = FX_NAMES[name].split()
    elif together:
        words = split_words(name, names.vocabulary)
        if len(words) > 1 and words[0] in ("black", "white"):  # Unicode's for filled and open
            words = words[1:]
    else:
        words = name.split("-")
    if not words:
        yield Left(f"{what.name}:{name}", what.name, "no name that can be read", name)
        return
    caption = plain(" ".join(words))
    known = names.by_name(" ".join(words))
    if known is not None:
        yield Found(_item(what, name, known, ()), _svg(icons, icon), SVG)
        return
    package = PACKAGES[what.package]
    item = Item(f"{what.name}:{name}", what.name, concept_of_title(caption, names), (caption,),
                package.licence, "", style=what.style, author=package.author)  # fmt: skip
    yield Found(item, _svg(icons, icon), SVG)


FX_NAMES = titles("fxemoji_names.txt")
"""What the names of fxemoji mean that no other emoji has, or that cannot be split."""

_SHORT = frozenset({"a", "i", "as", "am", "ad", "an", "ab", "at", "be", "er", "go", "he", "in",
                    "is", "it", "me", "no", "of", "ok", "on", "or", "to", "up", "we"})  # fmt: skip


def split_words(name: str, vocabulary: frozenset[str]) -> list[str]:
    """``blackdownpointingbackhand`` as its words, the fewest that it can be read as; empty where
    it cannot. Single letters and digits only at the end."""
    letters, tail = re.fullmatch(r"(.*?)(\d*)", name.lower()).groups()  # type: ignore[union-attr]
    best: list[list[str] | None] = [[]]
    for end in range(1, len(letters) + 1):
        ways = [
            [*before, letters[start:end]]
            for start in range(max(0, end - 20), end)
            if (before := best[start]) is not None and letters[start:end] in vocabulary
            and (end - start > 2 or (letters[start:end] in _SHORT and end - start == 2))
        ]  # fmt: skip
        # Of ways with as few words, the one with a long word beside a short: "upwards and".
        best.append(
            min(ways, key=lambda words: (len(words), -sum(len(w) ** 2 for w in words)))
            if ways else None
        )  # fmt: skip
    found = best[len(letters)]
    return [*found, *([tail] if tail else [])] if found else []


def _item(what: PictureSet, name: str, emoji: Emoji, also: list[str] | tuple[str, ...]) -> Item:
    package = PACKAGES[what.package]
    return Item(
        id=f"{what.name}:{name}",
        set=what.name,
        concept=emoji.concept,
        captions=varied(emoji.label, also, emoji.tags, emoji.kind),
        licence=package.licence,
        split="",
        zh=emoji.zh,
        tags=emoji.tags,
        kind=emoji.kind,
        style=what.style,
        author=package.author,
        weight=emoji.weight,
    )


def fluent_3d(archive: Path, what: PictureSet, names: Names) -> Offers:
    """LobeHub's WebP files, each named by its codepoints. Raises InputError."""
    for path, data in members(archive, lambda name: name.endswith(".webp")):
        code = Path(path).stem
        emoji = names.by_code(code)
        if emoji is None:
            yield Left(f"{what.name}:{code}", what.name, "no name that can be read", code)
        elif not emoji.kind:
            yield Left(f"{what.name}:{code}", what.name, "a letter or a part of an emoji", code)
        else:
            yield Found(_item(what, code, emoji, ()), data, RASTER)


def openmoji(archive: Path, what: PictureSet, names: Names) -> Offers:
    """OpenMoji's colour SVG files, with the author of each. Raises InputError."""
    wanted = re.compile(r"package/(data/openmoji\.json|color/svg/[0-9A-F-]+\.svg)").fullmatch
    files = dict(members(archive, lambda name: bool(wanted(name))))
    try:
        rows = json.loads(files["package/data/openmoji.json"])
        for row in rows:
            yield _openmoji(row, files.get(f"package/color/svg/{row['hexcode']}.svg"), what, names)
    except (KeyError, ValueError, TypeError) as error:
        raise InputError(f"{archive} does not hold the emoji that it should ({error}).") from error


def _openmoji(
    row: Mapping[str, Any], data: bytes | None, what: PictureSet, names: Names
) -> Found | Left:
    code = str(row["hexcode"])
    id_ = f"{what.name}:{code.lower()}"
    if data is None:
        return Left(id_, what.name, "no picture in the package", code)
    if row["subgroups"] == "brand":
        return Left(id_, what.name, "a brand's sign", row["annotation"])
    emoji = names.by_code(code)
    if emoji is not None and not emoji.kind:
        return Left(id_, what.name, "a letter or a part of an emoji", code)
    if emoji is not None:
        item = _item(what, code.lower(), emoji, [plain(str(row["annotation"]))])
    else:
        label = str(row["annotation"])
        tags = tuple(t for t in f"{row['tags']}, {row['openmoji_tags']}".split(", ") if t)
        item = Item(id_, what.name, concept_of_title(label, names), varied(label, (), tags, ""),
                    PACKAGES[what.package].licence, "", tags=tags, style=what.style)  # fmt: skip
    author = str(row.get("openmoji_author") or "OpenMoji")
    return Found(_by(item, author), data, SVG)


def _by(item: Item, author: str) -> Item:
    return replace(item, author=author)
