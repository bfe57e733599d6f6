"""The keys under which near-duplicates find each other: MinHash with banding.

Broder 1997 (https://doi.org/10.1109/SEQUEN.1997.666900) for MinHash; Leskovec, Rajaraman and
Ullman, Mining of Massive Datasets, chapter 3 (http://www.mmds.org) for banding: with ``ROWS`` rows
in each of ``BANDS`` bands, two texts of Jaccard similarity s share a key with probability
``1 - (1 - s**ROWS)**BANDS``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from rensa import RMinHash
from xxhash import xxh3_64_intdigest

from gnomon.origins.wording import Wording
from gnomon.text import numerals
from gnomon.text.tokens import words

# Keys are made of word pairs: after one edit in a post of twelve words most of them are still
# equal, which is not so of five words. Longer shingles decide later, on the few that are found.
BANDS = 4
ROWS = 3
HEAD_WORDS = 8
_SEED = 0x676E6F6D
# Keys fit into a signed 64-bit integer, as every database has.
_MASK = np.uint64(0x7FFF_FFFF_FFFF_FFFF)
_ODD = (np.uint64(0x9E3779B97F4A7C15), np.uint64(0xC2B2AE3D27D4EB4F), np.uint64(0x165667B19E3779F9))


def keys(wordings: Sequence[Wording]) -> list[tuple[int, ...]]:
    """For each wording its band keys, none where there are no words.

    ``BANDS`` MinHash keys; one of the first ``HEAD_WORDS`` words, which still finds the original
    of a copy that was cut off; and the same of the longest sentences where those stand further
    on, which finds the original behind a remark ("They knew. ..."). Texts below three words have
    one key: all their words.
    """
    texts = [w for w in wordings if len(w.words) > 2]
    by_id: dict[int, tuple[int, ...]] = {}
    if texts:
        rows = RMinHash.digest_matrix_from_token_sets(
            [_pairs(_in_digits(w.words)) for w in texts], BANDS * ROWS, _SEED
        ).to_rows()
        matrix: np.ndarray = np.asarray(rows, dtype=np.uint64).reshape(len(texts), BANDS, ROWS)
        mixed: np.ndarray = np.zeros((len(texts), BANDS), dtype=np.uint64)
        with np.errstate(over="ignore"):
            for row in range(ROWS):
                mixed = (mixed ^ matrix[:, :, row]) * _ODD[row % 3]
                mixed ^= mixed >> np.uint64(29)
            mixed = (mixed + np.arange(BANDS, dtype=np.uint64)) * _ODD[0]
            mixed ^= mixed >> np.uint64(32)
        for wording, found in zip(texts, (mixed & _MASK).tolist(), strict=True):
            by_id[id(wording)] = (*found, *_heads(wording))
    return [
        by_id.get(id(w)) or ((_hash("all " + " ".join(w.words)),) if w.words else ())
        for w in wordings
    ]


# Where a remark may end and what it is about begin: rough, for a key that is checked later.
_BREAK = re.compile(r"[.!?:…][\"”'’)]*\s+|[。！？：；]|\n+")
_LONGEST = 2
_SENTENCE_WORDS = 6
_OPENERS = frozenset("breaking update rt now just in 快 讯".split())


def _heads(wording: Wording) -> list[int]:
    """The keys of the first words of the text and of its longest sentences."""
    run, start = _in_digits(wording.words), 0
    while start < len(run) - HEAD_WORDS and run[start] in _OPENERS:
        start += 1
    found = [_hash("head " + " ".join(run[start : start + HEAD_WORDS]))]
    if _BREAK.search(wording.text):
        pieces = sorted(_BREAK.split(wording.text[:_READ]), key=len, reverse=True)[:_LONGEST]
        for piece in pieces:
            first = _in_digits(words(piece[:_READ_OF_ONE])[:HEAD_WORDS])
            if len(first) >= _SENTENCE_WORDS:
                found.append(_hash("head " + " ".join(first)))
    return list(dict.fromkeys(found))


_READ = 2000  # characters in which the longest sentences are looked for
_READ_OF_ONE = 120


_NUMERALS = {
    word: f"{value:.0f}"
    for word in (
        "two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
        "sixteen seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety"
    ).split()
    if (value := numerals.english(word)) is not None
}
_NUMERAL_WORDS = frozenset(_NUMERALS)


def _in_digits(run: list[str]) -> list[str]:
    """Small numbers as digits, so that "forty times" is looked for where "40 times" lies."""
    if _NUMERAL_WORDS.isdisjoint(run):
        return run
    return [_NUMERALS.get(word, word) for word in run]


def _pairs(words: list[str]) -> list[str]:
    return [f"{a} {b}" for a, b in pairwise(words)]


def _hash(text: str) -> int:
    return int(xxh3_64_intdigest(text.encode("utf-8", "surrogatepass"))) & 0x7FFF_FFFF_FFFF_FFFF


def of_page(url: str, words: Sequence[str]) -> int:
    """The key of a post that is no more than a link: the canonical URL and the few words."""
    return _hash(f"page {url} {' '.join(words)}")
