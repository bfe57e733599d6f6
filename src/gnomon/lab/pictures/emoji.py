"""What each emoji is called, in English and Chinese, and which ideas are one.

Names, tags and groups are emojibase's (CLDR's names, https://cldr.unicode.org). An emoji's
*concept* is the codepoint of what it shows without skin tone, direction and gender: a woman pilot,
a man pilot and a pilot are one idea, and so are a cat and the face of a cat.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from gnomon.errors import InputError
from gnomon.lab.pictures.archives import members

TONES = {"1f3fb": "light", "1f3fc": "medium-light", "1f3fd": "medium", "1f3fe": "medium-dark",
         "1f3ff": "dark"}  # fmt: skip
GROUPS = ("smiley", "person", "", "animal", "food", "travel", "activity", "object", "symbol",
          "flag")  # fmt: skip
"""emojibase's groups by their number, as kinds; "" is the group of parts of emoji."""

_PEOPLE = frozenset({"1f466", "1f467", "1f468", "1f469", "1f474", "1f475", "1f476", "1f9d1",
                     "1f9d2", "1f9d3"})  # fmt: skip
_ONE_IDEA = {
    "1f468": "1f9d1", "1f469": "1f9d1", "1f466": "1f9d2", "1f467": "1f9d2",
    "1f474": "1f9d3", "1f475": "1f9d3", "1f478": "1fac5", "1f934": "1fac5",
    "1f930": "1fac4", "1fac3": "1fac4", "1f936": "1f385", "1f9d1-200d-1f384": "1f385",
    "1f57a": "1f483", "1f46c": "1f46b", "1f46d": "1f46b", "1f9d5": "1f473", "1f472": "1f473",
    "1f470": "1f935",
}  # fmt: skip
"""Emoji that differ in gender alone and have codepoints of their own."""
_TOGETHER = {"1f430": "1f46f", "1faef": "1f93c"}
"""What two people do: dance with the ears of a rabbit, wrestle."""
_THINGS = frozenset({"animal", "plant", "food", "travel", "activity", "object"})
COLOURS = frozenset({"red", "orange", "yellow", "green", "blue", "purple", "brown", "black",
                     "white", "grey", "pink"})  # fmt: skip
_CLOCKS = frozenset(f"{code:x}" for code in range(0x1F550, 0x1F568))
_HAIR = {"red hair": "red hair", "curly hair": "curly hair", "white hair": "white hair",
         "blond hair": "blond hair", "beard": "a beard"}  # fmt: skip
_SEVERAL = {"man": "men", "woman": "women", "person": "people", "adult": "adults"}
_FILES = ("en/data", "zh/data", "en/messages")
_SHORTCODES = tuple(f"en/shortcodes/{name}" for name in
                    ("cldr", "iamcal", "joypixels", "emojibase-legacy", "github"))  # fmt: skip
_TONE = re.compile(r"(light|medium-light|medium|medium-dark|dark) skin tone")
_NO_SIGN = re.compile(r"[^a-z0-9]+")
_TONE_NUMBER = re.compile(r"-tone([1-5])$")
_TONE_WORD = re.compile(r"-(medium-light|medium-dark|light|medium|dark)$")


@dataclass(frozen=True, slots=True)
class Emoji:
    """One emoji: ``code`` is lower-case hexadecimal without variation selectors, ``label`` its
    plain English name, ``tones`` how many skin tones it was given (0, 1 or 2)."""

    code: str
    label: str
    tags: tuple[str, ...]
    zh: tuple[str, ...]
    kind: str
    concept: str
    tones: int

    @property
    def weight(self) -> float:
        """The tones of one gesture together weigh as much as its default does: five tones share
        it, and so do the twenty-five pairs of two people."""
        return 1.0 / 5**self.tones


def normal(code: str) -> str:
    """A sequence of codepoints as it is spelt here: ``1F469-200D-2695-FE0F`` is
    ``1f469-200d-2695``."""
    parts = code.lower().replace("_", "-").split("-")
    if parts[0] == "1f3f4" and len(parts) > 3 and parts[-1] != "e007f":
        parts.append("e007f")  # the end of the tags of a subdivision's flag, which some leave out
    return "-".join(part.zfill(4) for part in parts if part != "fe0f")


def concept_of(code: str) -> str:
    """The idea that an emoji shows, as a sequence of codepoints."""
    first, *more = normal(code).split("-200d-")
    first = "-".join(p for p in first.split("-") if p not in TONES) or first
    tail = ("-".join(p for p in part.split("-") if p not in TONES) for part in more)
    whole = [first, *(part for part in tail if part not in ("27a1", "2640", "2642"))]
    if "2764" in whole:
        return "1f48f" if "1f48b" in whole else "1f491"
    if "1f91d" in whole and len(whole) > 1:
        return "1f46b"
    if whole[0] in _CLOCKS:
        return "1f550"
    if len(whole) > 1 and set(whole) <= _PEOPLE:
        return "1f46a"
    if len(whole) > 1 and whole[1] in _TOGETHER:
        return _TOGETHER[whole[1]]
    whole[0] = "1f9d1" if whole[0] in ("1f468", "1f469") else whole[0]
    joined = "-200d-".join(whole)
    return _ONE_IDEA.get(joined, joined)


def plain(label: str) -> str:
    """CLDR's name as one would say it: "woman: dark skin tone, red hair" is "woman with dark skin
    and red hair", "flag: France" is "flag of France"."""
    name, _, rest = label.partition(": ")
    name = re.sub(r" \((.*?)\)", r", \1" if name.endswith("(blood type)") else "", name)
    if not rest:
        return name
    if name == "flag":
        return f"flag of {rest.split(' (')[0]}"
    if name == "keycap":
        return f"keycap {rest}"
    parts = rest.split(", ")
    tones = [f"{found[1]} skin" for part in parts if (found := _TONE.fullmatch(part))]
    hair = [_HAIR[part] for part in parts if part in _HAIR]
    who = [p for p in parts if p not in _HAIR and not _TONE.fullmatch(p)]
    if "bald" in who:
        who.remove("bald")
        name = f"bald {name}"
    if "facing right" in who:
        who.remove("facing right")
        name = f"{name} facing right"
    if who and name in ("kiss", "couple with heart", "family"):
        name = {"kiss": "kiss between ", "couple with heart": "couple with a heart, ",
                "family": "family of "}[name] + _and(who)  # fmt: skip
        who = []
    return " ".join([name, *who] + ([f"with {_and([*tones, *hair])}"] if tones or hair else []))


def chinese(label: str) -> str:
    """CLDR's Chinese name as one would say it."""
    name, _, rest = label.partition(": ")
    if not rest:
        return name
    if name == "旗":
        return f"{rest}旗"
    if "肤色" in rest or "发" in rest or "胡" in rest:
        return f"{rest}的{name}"
    return f"{name}{rest}" if name == "键帽" else f"{name}，{rest}"


def _and(words: Sequence[str]) -> str:
    if len(words) == 2 and words[0] == words[1] in _SEVERAL:
        return f"two {_SEVERAL[words[0]]}"
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def key(name: str) -> str:
    """A name without anything but its letters and digits, to be looked up by."""
    return _NO_SIGN.sub("", name.lower().replace("ñ", "n").replace("é", "e"))


class Names:
    """Every emoji by its code and by its name."""

    def __init__(self, emojis: Sequence[Emoji], labels: Mapping[str, str]) -> None:
        self._by_code = {emoji.code: emoji for emoji in emojis}
        self._by_key = {key(n): self._by_code[c] for n, c in labels.items() if c in self._by_code}

    def by_code(self, code: str) -> Emoji | None:
        return self._by_code.get(normal(code))

    def by_name(self, name: str) -> Emoji | None:
        """By CLDR's name in any spelling: with hyphens, without, with "-dark" for "dark skin
        tone" as Fluent's are named, with "-tone5"."""
        number = _TONE_NUMBER.search(name)
        if number:
            tone = tuple(TONES.values())[int(number[1]) - 1]
            name = f"{name[: number.start()]}-{tone}"
        name = name.replace("flag-for-flag-", "flag-")
        found = self._by_key.get(key(name))
        if found is None and _TONE_WORD.search(name):
            found = self._by_key.get(key(f"{name} skin tone"))
        return found

    @cached_property
    def plain_labels(self) -> Mapping[str, Emoji]:
        """The emojis without skin tones by their plain English name in lower case."""
        return {e.label.lower(): e for e in self._by_code.values() if not e.tones}

    @cached_property
    def heads(self) -> Mapping[str, Emoji]:
        """The first emoji of two words whose noun is no emoji's name itself: "apple" is the red
        apple's, "hat" the top hat's. To take two ideas for one costs a split nothing; to take one
        for two would."""
        found: dict[str, Emoji] = {}
        for label, emoji in self.plain_labels.items():
            words = label.split()
            colour = words[0] in COLOURS
            if len(words) == 2 and (colour or (emoji.kind in _THINGS and words[1] in emoji.tags)):
                found.setdefault(words[1], emoji)
        return {noun: e for noun, e in found.items() if noun not in self.plain_labels}

    @cached_property
    def vocabulary(self) -> frozenset[str]:
        """Every English word of the names and tags, in lower case."""
        words: set[str] = set()
        for emoji in self._by_code.values():
            for text in (emoji.label, *emoji.tags):
                words |= set(re.findall(r"[a-z]+", text.lower()))
        return frozenset(words)


def read_names(archive: Path) -> Names:
    """From the archive of emojibase-data. Raises InputError."""
    wanted = {f"package/{name}.json" for name in (*_FILES, *_SHORTCODES)}
    files = dict(members(archive, wanted.__contains__))
    try:
        english, chinese, messages = (json.loads(files[f"package/{name}.json"]) for name in _FILES)
        subgroups = {int(one["order"]): str(one["key"]) for one in messages["subgroups"]}
        zh = {row["hexcode"]: row for row in _rows(chinese)}
        rows = [(row, zh.get(row["hexcode"], {})) for row in _rows(english)]
        emojis = [_emoji(row, other, subgroups) for row, other in rows]
        labels = _shortcodes(files) | {str(row["label"]): normal(row["hexcode"]) for row, _ in rows}
    except (KeyError, ValueError, TypeError, IndexError) as error:
        raise InputError(f"{archive} does not hold the names that it should ({error}).") from error
    return Names(_common_tags_first(_faces_with_their_animals(emojis)), labels)


def _shortcodes(files: Mapping[str, bytes]) -> dict[str, str]:
    """The names by which programs call emojis, older ones of CLDR among them, to codes."""
    found: dict[str, str] = {}
    for name in _SHORTCODES:
        for code, said in json.loads(files.get(f"package/{name}.json", b"{}")).items():
            for one in [said] if isinstance(said, str) else said:
                found.setdefault(one, normal(code))
    return found


def _rows(data: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Each emoji and its skin tones, which take over the tags of the emoji they are of."""
    every: list[Mapping[str, Any]] = []
    for row in data:
        every.append(row)
        every += [{"tags": row.get("tags", ()), **skin} for skin in row.get("skins", ())]
    return every


def _emoji(
    row: Mapping[str, Any], zh: Mapping[str, Any], subgroups: Mapping[int, str]
) -> Emoji:  # fmt: skip
    group, subgroup = row.get("group"), subgroups.get(row.get("subgroup", -1), "")
    kind = "" if group is None else GROUPS[group]
    tone = row.get("tone")
    return Emoji(
        code=normal(row["hexcode"]),
        label=plain(row["label"]),
        tags=tuple(row.get("tags", ())),
        zh=(chinese(zh["label"]),) if zh else (),
        kind="plant" if kind == "animal" and subgroup.startswith("plant") else kind,
        concept=concept_of(row["hexcode"]),
        tones=0 if tone is None else len(set(tone)) if isinstance(tone, list) else 1,
    )


def _common_tags_first(emojis: Sequence[Emoji]) -> list[Emoji]:
    """emojibase's tags come by the alphabet. What many emojis are tagged with ("fruit", "happy") is
    plainer than what few are ("vitamin"), so it comes first."""
    count = Counter(tag for e in emojis if not e.tones for tag in e.tags)
    return [replace(e, tags=tuple(sorted(e.tags, key=lambda t: (-count[t], t)))) for e in emojis]


def _faces_with_their_animals(emojis: Sequence[Emoji]) -> list[Emoji]:
    """A cat face is a cat: where both have an emoji, they are one concept."""
    animals = {e.label: e.concept for e in emojis if e.kind == "animal"}
    return [
        replace(e, concept=animals[name])
        if e.kind == "animal" and (name := e.label.removesuffix(" face")) in animals
        else e
        for e in emojis
    ]
