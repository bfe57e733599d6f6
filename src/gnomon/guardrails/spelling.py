"""The readings of a prompt: as written, and with the tricks undone that hide a word from a filter.

Zero-width and combining marks, look-alikes of other alphabets (Unicode TR 39,
https://www.unicode.org/reports/tr39/), digits and signs for letters ("n@k3d"), letters apart
("n u d e", "n.u.d.e"), stretched ("nuuude"), Chinese with something between its characters
("裸*体"), traditional characters, and Chinese words in pinyin ("luoti").
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

# Cyrillic and Greek letters that look like Latin ones (a part of TR 39's confusables).
_LOOKALIKES = {
    ord(pair[0]): pair[1]
    for pair in (
        "аa еe оo рp сc хx уy іi јj ѕs ԁd һh кk мm тt вb нh гr "
        "ԛq ԝw ɡg αa εe οo ρp ιi υu νv κk τt χx"
    ).split()
}
_LEET = str.maketrans("@431!|0$57+89€", "aaeiiiossttbge")
_LEET_WORD = re.compile(
    r"(?<![\w@$+!|])(?=[\w@$+!|]*[a-z])(?=[\w@$+!|]*[@$+!|0-9€])[a-z0-9@$+!|€]{3,24}"
)
_MEANT = re.compile(
    r"\d+(?:k|d|p|px|mm|cm|m|s|st|nd|rd|th|x\d+|year|yo|yrs?|am|pm|gb|mb|bit|fps|%)?$|[a-z]\d+$"
)
_APART = re.compile(
    r"(?<![a-z0-9@$])((?:[a-z0-9@$]([ .*_\-/·|]))(?:[a-z0-9@$]\2)+[a-z0-9@$])(?![a-z0-9@$])"
)
_GAP = re.compile(r"(?<=[a-z])[.*_|·-]? [.*_|·-](?=[a-z])")
_HAN = r"\u3400-\u4dbf\u4e00-\u9fff"
_BETWEEN_HAN = re.compile(rf"(?<=[{_HAN}])[\s.*_\-/·|~^+]{{1,3}}(?=[{_HAN}])")
_STRETCHED = re.compile(r"([a-z])\1{2,}")
_LATIN_RUN = re.compile(r"[a-z]+(?:[ '][a-z]+)*")


@cache
def _traditional() -> dict[int, str]:
    """What the rules' own words need of traditional characters, as pairs with simplified ones."""
    path = files("gnomon.guardrails") / "rules" / "traditional.txt"
    return {ord(pair[0]): pair[1] for pair in path.read_text(encoding="utf-8").split()}


def plain(text: str) -> str:
    """NFKC, lower case, without marks that are not seen, one space for many."""
    return _tidy(_bare(text))


def _bare(text: str) -> str:
    text = unicodedata.normalize("NFKC", text).lower()
    kept = (c for c in text if c in "\n\t" or unicodedata.category(c) not in ("Cf", "Mn", "Cc"))
    return "".join(kept).translate(_traditional())


def _tidy(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()


def readings(text: str, pinyin: Mapping[str, str]) -> list[str]:
    """The ways to read ``text``, the plain one first, each once. ``pinyin`` maps syllables written
    as one word to what they stand for."""
    bare = _latin(_bare(text))
    first, second = plain(text), _BETWEEN_HAN.sub("", _tidy(bare))
    found = [first, second]
    # Letters apart have wider gaps between words, so this comes before spaces are made one.
    joined = _APART.sub(lambda m: m[1].replace(m[2], ""), bare)
    if joined != bare:
        joined = _BETWEEN_HAN.sub("", _tidy(_GAP.sub(" ", joined)))
        # "a n u d e" is an article and a word.
        found += [joined, re.sub(r"\ba(?=[a-z]{3,})", "a ", joined)]
    for reading in list(found[1:]):
        for one in ("i", "l"):
            found.append(_unleet(reading, one))
        found.append(_STRETCHED.sub(r"\1", reading))
        found.append(_STRETCHED.sub(r"\1\1", reading))
    found += [_spoken(reading, pinyin) for reading in (second, _tidy(joined))]
    return list(dict.fromkeys(found))


def _latin(text: str) -> str:
    """Look-alikes as Latin letters, in words that have Latin letters too or stand among them."""
    if text.isascii():
        return text
    latin = sum("a" <= c <= "z" for c in text)
    foreign = sum("\u0370" <= c <= "\u052f" for c in text)
    return text.translate(_LOOKALIKES) if latin >= foreign else text


def _unleet(text: str, one: str) -> str:
    def undo(found: re.Match[str]) -> str:
        word = found[0]
        if _MEANT.match(word):
            return word
        return word.replace("1", one).translate(_LEET)

    return _LEET_WORD.sub(undo, text)


def _spoken(text: str, pinyin: Mapping[str, str]) -> str:
    """Pinyin words as Chinese, their syllables together or apart."""

    def undo(found: re.Match[str]) -> str:
        words = re.split(r"[ ']", found[0])
        out: list[str] = []
        at = 0
        while at < len(words):
            for end in range(min(len(words), at + 5), at, -1):
                if said := pinyin.get("".join(words[at:end])):
                    out.append(said)
                    at = end
                    break
            else:
                out.append(words[at])
                at += 1
        return " ".join(out)

    spoken = _LATIN_RUN.sub(undo, text)
    return re.sub(rf"(?<=[{_HAN}]) | (?=[{_HAN}])", "", spoken) if spoken != text else text
