"""The words of many texts as 64-bit hashes, without making strings of them: arrays all the way.

The cut is that of ``text.tokens.words`` but for rare joints (``b2b`` is two words here): good
enough for keys that find near-duplicates, which are then compared word by word, and several times
faster, since no Python object is made for a word or a character.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache

import numpy as np
import numpy.typing as npt

from gnomon.text.tokens import CJK, normalise

Hashes = npt.NDArray[np.uint64]
Places = npt.NDArray[np.int64]

# Bits of a character's class.
_LETTER, _DIGIT, _CJK, _SPACE, _STOP, _CLOSER, _BREAK, _COMMA = (1 << i for i in range(8))
_DOT, _APOSTROPHE, _UNDERSCORE = (1 << i for i in range(8, 11))
_CLASSES = {
    r"[^\W\d_]+": _LETTER,
    r"\d+": _DIGIT,
    rf"[{CJK}]+": _CJK,
    r"\s+": _SPACE,
    r"[.!?:;…]+": _STOP,
    r"[\"”'’)]+": _CLOSER,
    # The full-width stops that normalisation leaves, and the ends of lines.
    r"[。｡\n]+": _BREAK,
    r",": _COMMA,
    r"\.": _DOT,
    r"['’]": _APOSTROPHE,
    r"_": _UNDERSCORE,
}
# Beyond these planes of Unicode nothing is part of a word; what lies there is read as the last.
_CODE_POINTS = 0x33480
# Odd, so that it has an inverse modulo 2^64; the golden ratio's bits, as in Fibonacci hashing.
_BASE = 0x9E3779B97F4A7C15
_WHOLE = 1 << 64


@cache
def _classes() -> npt.NDArray[np.uint16]:
    """The class of every code point below ``_CODE_POINTS``."""
    table = np.zeros(_CODE_POINTS, dtype=np.uint16)
    every = "".join(map(chr, range(_CODE_POINTS)))
    for pattern, bit in _CLASSES.items():
        for run in re.finditer(pattern, every):
            table[run.start() : run.end()] |= np.uint16(bit)
    return table


@lru_cache(maxsize=4)
def _powers(count: int) -> tuple[Hashes, Hashes]:
    """``_BASE ** i`` and its inverse modulo 2^64, for ``i`` below ``count``."""
    out = []
    for base in (_BASE, pow(_BASE, -1, _WHOLE)):
        factors = np.full(count, base, dtype=np.uint64)
        factors[0] = 1
        out.append(np.cumprod(factors, dtype=np.uint64))
    return out[0], out[1]


def mixed(x: Hashes) -> Hashes:
    """The finaliser of SplitMix64 (https://doi.org/10.1145/2714064.2660195), in place."""
    with np.errstate(over="ignore"):
        x ^= x >> np.uint64(30)
        x *= np.uint64(0xBF58476D1CE4E5B9)
        x ^= x >> np.uint64(27)
        x *= np.uint64(0x94D049BB133111EB)
        x ^= x >> np.uint64(31)
    return x


@dataclass(frozen=True, slots=True)
class Words:
    """The words of texts, one text after another.

    ``hashes`` and ``cjk`` (whether the word is a Chinese, Japanese or Korean character) are
    ``[words]``; text ``i`` has the words ``bounds[i]`` to ``bounds[i + 1]``. ``pieces`` are
    stretches between stops and line ends as ``[pieces, 4]``: text, first word, end, characters.
    """

    hashes: Hashes
    cjk: npt.NDArray[np.bool_]
    bounds: Places
    pieces: Places


def cut(texts: Sequence[str]) -> Words:
    """The words of ``texts``, hashed."""
    chars, classes, ends = _characters(texts)
    token, cjk = _tokens(classes)
    begins = token.copy()
    begins[1:] &= ~token[:-1] | cjk[1:] | cjk[:-1]
    begins[1:] |= ((classes[1:] & _LETTER) != 0) & ((classes[:-1] & _DIGIT) != 0)
    starts = np.flatnonzero(begins)
    begin_of_text = ends - np.diff(ends, prepend=0)
    bounds = np.searchsorted(starts, np.append(begin_of_text, len(chars)))
    return Words(
        _hashed(chars, token, starts),
        cjk[starts],
        bounds,
        _pieces(classes, begin_of_text, starts),
    )


def _characters(
    texts: Sequence[str],
) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.uint16], Places]:
    """The characters of the normalised texts, each followed by a line end, their classes, and
    where each text ends. Thousands separators are left out."""
    normal = [normalise(text) for text in texts]
    joined = "\n".join(normal) + "\n"
    chars = np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), np.uint32)
    ends = np.cumsum(np.fromiter(map(len, normal), np.int64, len(normal)) + 1)
    classes = _classes()[np.minimum(chars, _CODE_POINTS - 1)]
    comma = (classes & _COMMA) != 0
    if comma.any():
        digit = (classes & _DIGIT) != 0
        comma[1:-1] &= digit[:-2] & digit[2:]
        comma[[0, -1]] = False
        kept = ~comma
        ends -= np.cumsum(comma)[ends - 1]
        chars, classes = chars[kept], classes[kept]
    return chars, classes, ends


def _tokens(
    classes: npt.NDArray[np.uint16],
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Which characters belong to words, and which are CJK: letters, digits, and apostrophes,
    points and underscores inside."""
    token = (classes & (_LETTER | _DIGIT | _CJK)) != 0
    cjk = (classes & _CJK) != 0
    inner = np.flatnonzero(classes[1:-1] & (_APOSTROPHE | _DOT | _UNDERSCORE)) + 1
    if len(inner):
        before, here, after = (classes[inner + i] for i in (-1, 0, 1))
        joint = (here & _APOSTROPHE).astype(np.bool_) & ((before & after & _LETTER) != 0)
        joint |= (here & _DOT).astype(np.bool_) & ((before & after & _DIGIT) != 0)
        joint |= (here & _UNDERSCORE).astype(np.bool_) & token[inner - 1] & token[inner + 1]
        token[inner[joint & (((before | after) & _CJK) == 0)]] = True
    return token, cjk


def _hashed(chars: npt.NDArray[np.uint32], token: npt.NDArray[np.bool_], starts: Places) -> Hashes:
    """A polynomial in ``_BASE`` over each word's characters, mixed: ``[words]``.

    Summed with the powers of the place in the whole, then divided by that of the word's start.
    """
    if not len(starts):
        return np.zeros(0, dtype=np.uint64)
    powers, inverse = _powers(1 << max(10, (len(chars) - 1).bit_length()))
    with np.errstate(over="ignore"):
        terms = np.where(chars == 0x2019, np.uint32(0x27), chars) * token * powers[: len(chars)]
        return mixed(np.add.reduceat(terms, starts) * inverse[starts])


def _pieces(classes: npt.NDArray[np.uint16], begin_of_text: Places, starts: Places) -> Places:
    """See ``Words.pieces``. A stop ends a piece where white space follows (after closing quotes),
    or where a CJK character stands before it."""
    ends = (classes & _BREAK) != 0
    stops = np.flatnonzero(classes & _STOP)
    stops = stops[stops < len(classes) - 3]  # the last character is a line end
    if len(stops):
        one, two, three = (classes[stops + i] for i in (1, 2, 3))
        closed = (one & _CLOSER) != 0
        ending = (one & _SPACE) != 0
        ending |= closed & ((two & _SPACE) != 0)
        ending |= closed & ((two & _CLOSER) != 0) & ((three & _SPACE) != 0)
        ending |= (classes[np.maximum(stops - 1, 0)] & _CJK) != 0
        ends[stops[ending]] = True
    after = np.flatnonzero(ends) + 1
    # Every text ends with a line end, so every text but the first begins after one.
    first = np.concatenate([begin_of_text[:1], after[:-1]])
    words = np.searchsorted(starts, np.append(first, len(classes)))
    text = np.searchsorted(begin_of_text, first, side="right") - 1
    return np.stack([text, words[:-1], words[1:], after - first], axis=1)
