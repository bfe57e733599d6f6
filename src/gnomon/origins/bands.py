"""The keys under which near-duplicates find each other: MinHash with banding.

Broder 1997 (https://doi.org/10.1109/SEQUEN.1997.666900) for MinHash; Leskovec, Rajaraman and
Ullman, Mining of Massive Datasets, chapter 3 (http://www.mmds.org) for banding: with ``ROWS`` rows
in each of ``BANDS`` bands, two texts of Jaccard similarity s share a key with probability
``1 - (1 - s**ROWS)**BANDS``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache

import numpy as np
import numpy.typing as npt
from xxhash import xxh3_64_intdigest

from gnomon.origins.word_hashes import Hashes, Places, Words, cut, mixed
from gnomon.origins.wording import CHATTER, DIFFERENT, DIFFERENT_CJK, SMALLEST
from gnomon.text import numerals

# Keys are made of word pairs: after one edit in a post of twelve words most of them are still
# equal, which is not so of five words. Longer shingles decide later, on the few that are found.
BANDS = 4
ROWS = 3
HEAD_WORDS = 8
# One edit breaks most of the few pairs of a short text, but hardly both of its ends. By
# bench/origins.py: one word swapped .90 to .97, cut off .92 to .99, with no more keys.
SHORT_WORDS = 14
END_WORDS = 4
_SEED = 0x676E6F6D
# Keys fit into a signed 64-bit integer, as every database has.
_MASK = np.uint64(0x7FFF_FFFF_FFFF_FFFF)
# Characters whose words are hashed together: the arrays stay in the processor's cache.
_TOGETHER = 1 << 16


def keys(texts: Sequence[str]) -> list[tuple[int, ...]]:
    """For each text its band keys, none where it says too little to be merged
    (``Wording.mergeable``).

    ``BANDS`` MinHash keys; one of all words in their order, which tells an original from what
    differs from it in a word; one of the first ``HEAD_WORDS`` words, which still finds the original
    of a copy that was cut off; and the same of the longest sentences where those stand further
    on, which finds the original behind a remark ("They knew. ..."). Below ``SHORT_WORDS`` words
    the first and the last ``END_WORDS`` take the place of half of the MinHash keys.
    """
    return [found for part in _parts(texts) for found in _keys(cut(part))]


def _parts(texts: Sequence[str]) -> Iterator[Sequence[str]]:
    start = length = 0
    for i, text in enumerate(texts):
        if length and length + len(text) > _TOGETHER:
            yield texts[start:i]
            start, length = i, 0
        length += len(text) + 1
    if start < len(texts):
        yield texts[start:]


def _keys(words: Words) -> list[tuple[int, ...]]:
    kinds, hashes = _known().read(words.hashes)
    mergeable = np.flatnonzero(_mergeable(words, kinds))
    found: list[tuple[int, ...]] = [()] * (len(words.bounds) - 1)
    if len(mergeable):
        keys = np.empty((len(mergeable), BANDS + 2), dtype=np.uint64)
        keys[:, :BANDS] = _minimal(hashes, words.bounds, mergeable)
        short = np.flatnonzero(np.diff(words.bounds)[mergeable] < SHORT_WORDS)
        keys[short, BANDS - 2 : BANDS] = _ends(hashes, words.bounds, mergeable[short])
        keys[:, BANDS] = _first(words, kinds, hashes)[mergeable]
        keys[:, BANDS + 1] = _whole(hashes, words.bounds)[mergeable]
        for i, some in zip(mergeable.tolist(), (keys & _MASK).tolist(), strict=True):
            found[i] = tuple(some)
        for i, key in _of_sentences(words, hashes):
            if found[i] and key not in found[i]:
                found[i] += (key,)
    return found


# --------------------------------------------------------------------------- words of a kind

_NUMERALS = {
    word: f"{value:.0f}"
    for word in (
        "two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
        "sixteen seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety"
    ).split()
    if (value := numerals.english(word)) is not None
}
_OPENERS = frozenset("breaking update rt now just in wow omg fyi psa 快 讯".split())
_SAYS_NOTHING, _OPENS = 1, 2
_TABLE_BITS = 16


class _Known:
    """The kinds of listed words by their hashes. A small table passes by nearly all others."""

    def __init__(self) -> None:
        names = sorted(CHATTER | _OPENERS | _NUMERALS.keys())
        hashes = cut(names).hashes
        assert len(hashes) == len(names), "a listed word is no single word"
        order = np.argsort(hashes)
        names, self._hashes = [names[i] for i in order], hashes[order]
        kinds = [_SAYS_NOTHING * (w in CHATTER) | _OPENS * (w in _OPENERS) for w in names]
        self._kinds = np.array(kinds, dtype=np.uint8)
        self._instead = cut([_NUMERALS.get(word, word) for word in names]).hashes
        self._listed = np.zeros(1 << _TABLE_BITS, dtype=np.bool_)
        self._listed[self._place(hashes)] = True

    @staticmethod
    def _place(hashes: Hashes) -> Places:
        return (hashes >> np.uint64(64 - _TABLE_BITS)).astype(np.int64)

    def read(self, hashes: Hashes) -> tuple[npt.NDArray[np.uint8], Hashes]:
        """The kinds of words, and their hashes with small numbers as digits, so that "forty
        times" is looked for where "40 times" lies."""
        kinds = np.zeros(len(hashes), dtype=np.uint8)
        maybe = np.flatnonzero(self._listed[self._place(hashes)])
        at = np.searchsorted(self._hashes, hashes[maybe])
        at[at == len(self._hashes)] = 0
        listed = self._hashes[at] == hashes[maybe]
        maybe, at = maybe[listed], at[listed]
        kinds[maybe] = self._kinds[at]
        written = hashes.copy()
        written[maybe] = self._instead[at]
        return kinds, written


@cache
def _known() -> _Known:
    return _Known()


def _mergeable(words: Words, kinds: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_]:
    """``Wording.mergeable`` of each text."""
    lengths = np.diff(words.bounds)
    cjk = np.diff(np.append(0, np.cumsum(words.cjk))[words.bounds])
    wanted = np.where(cjk > 0, DIFFERENT_CJK, DIFFERENT)
    none = np.uint64(0xFFFF_FFFF_FFFF_FFFF)
    left = np.append(np.where(kinds & _SAYS_NOTHING, none, words.hashes), none)
    different = np.zeros(len(lengths), dtype=np.int64)
    for _ in range(DIFFERENT_CJK):
        least = _of_each(np.minimum, left, words.bounds)
        different += least < none
        taken = left[:-1] <= np.repeat(least, lengths)
        left[:-1][taken] = none
    enough: npt.NDArray[np.bool_] = (lengths - 0.5 * cjk >= SMALLEST) & (different >= wanted)
    return enough


def _of_each(function: np.ufunc, values: Hashes, bounds: Places) -> Hashes:
    """``function`` over the values of each text; ``values`` has one more, which is what a text
    without words gets."""
    ends = np.stack([bounds[:-1], bounds[1:]], axis=1).ravel()
    out: Hashes = function.reduceat(values, ends)[::2]
    return np.where(bounds[:-1] == bounds[1:], values[-1], out)


# --------------------------------------------------------------------------- keys of words


def _odd(count: int, seed: int) -> Hashes:
    """``count`` odd multipliers."""
    steps = np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    return mixed(steps + np.uint64(seed)) | np.uint64(1)


_PAIR, *_POSITIONS = _odd(1 + HEAD_WORDS, _SEED)
_PERMUTATIONS = _odd(BANDS * ROWS, _SEED + 1)
_IN_BAND = _odd(ROWS, _SEED + 2)
_OF_BAND = _odd(BANDS, _SEED + 3)


def _minimal(hashes: Hashes, bounds: Places, texts: Places) -> Hashes:
    """MinHash over the word pairs of ``texts`` (two words at least), the rows of each band folded
    into one number: ``[texts, BANDS]``.

    A permutation is a multiplication by an odd number modulo 2^64: the pairs' hashes are mixed
    already, so that their order afterwards is as good as random.
    """
    pairs = mixed(hashes[:-1] * _PAIR + hashes[1:])
    # The last word of a text has no pair: [first, last) and what lies between, in turn.
    ends = np.stack([bounds[texts], bounds[texts + 1] - 1], axis=1).ravel()
    pairs = np.append(pairs, np.uint64(0))
    out = np.zeros((BANDS, len(texts)), dtype=np.uint64)
    for i, permutation in enumerate(_PERMUTATIONS):
        least = np.minimum.reduceat(pairs * permutation, ends)[::2]
        out[i // ROWS] = (out[i // ROWS] ^ least) * _IN_BAND[i % ROWS]
    return mixed(out ^ _OF_BAND[:, None]).T


def _whole(hashes: Hashes, bounds: Places) -> Hashes:
    """One number for all words of each text in their order: ``[texts]``."""
    places = np.arange(len(hashes)) - np.repeat(bounds[:-1], np.diff(bounds))
    placed = mixed(hashes + places.astype(np.uint64) * _PAIR)
    return mixed(_of_each(np.add, np.append(placed, np.uint64(0)), bounds))


def _run(hashes: Hashes, starts: Places, ends: Places) -> Hashes:
    """One number for each run of at most ``HEAD_WORDS`` words."""
    out = np.zeros(len(starts), dtype=np.uint64)
    for place, factor in enumerate(_POSITIONS):
        there = np.flatnonzero(starts + place < ends)
        out[there] += hashes[starts[there] + place] * factor
    return mixed(out)


def _ends(hashes: Hashes, bounds: Places, texts: Places) -> Hashes:
    """The keys of the first and the last words of ``texts``: ``[texts, 2]``."""
    starts, ends = bounds[texts], bounds[texts + 1]
    opening = _run(hashes, starts, np.minimum(starts + END_WORDS, ends))
    close = _run(hashes, np.maximum(ends - END_WORDS, starts), ends)
    return np.stack([opening ^ _OF_BAND[-2], close ^ _OF_BAND[-1]], axis=1)


def _first(words: Words, kinds: npt.NDArray[np.uint8], hashes: Hashes) -> Hashes:
    """The key of the first words of each text, behind "BREAKING:" and the like."""
    starts, ends = words.bounds[:-1].copy(), words.bounds[1:]
    opens = np.append(kinds & _OPENS, 0)
    behind = np.flatnonzero(opens[starts])
    while len(behind):
        behind = behind[(starts[behind] < ends[behind] - HEAD_WORDS) & (opens[starts[behind]] > 0)]
        starts[behind] += 1
    return _run(hashes, starts, ends)


# How many of the longest sentences have a key, of how many words at least; the further ones of an
# article have none.
_LONGEST = 2
_SENTENCE_WORDS = 6
_WITHIN_WORDS = 400


def _of_sentences(words: Words, hashes: Hashes) -> list[tuple[int, int]]:
    """(text, key of the first words) of the longest sentences."""
    text, start, end, length = words.pieces.T
    long = (end - start >= _SENTENCE_WORDS) & (start - words.bounds[text] < _WITHIN_WORDS)
    # A text of a single sentence has the key of its first words.
    long &= (start > words.bounds[text]) | (end < words.bounds[text + 1])
    text, start, end, length = words.pieces[long].T
    order = np.lexsort((-length, text))
    text, start, end = text[order], start[order], end[order]
    rank = np.arange(len(text)) - np.searchsorted(text, text)
    text, start, end = (column[rank < _LONGEST] for column in (text, start, end))
    found = _run(hashes, start, end) & _MASK
    return list(zip(text.tolist(), found.tolist(), strict=True))


def of_page(url: str, words: Sequence[str]) -> int:
    """The key of a post that is no more than a link: the canonical URL and the few words."""
    text = f"page {url} {' '.join(words)}"
    return int(xxh3_64_intdigest(text.encode("utf-8", "surrogatepass"))) & int(_MASK)


def of_awaited(name: str) -> int:
    """The key of a post that would stand elsewhere if ``name`` were held: the id of what it quotes,
    or the canonical URL that it points to."""
    text = f"awaits {name}"
    return int(xxh3_64_intdigest(text.encode("utf-8", "surrogatepass"))) & int(_MASK)
