"""Terms as people write them: bigrams of Chinese characters grown into words, words into phrases.

A phrase grows by a neighbour as long as nearly everybody who says the one says the other beside
it, so it ends where the neighbours vary: the left and right entropy by which new words are found
(Feng et al. 2004, https://doi.org/10.1162/089120104773633394, "accessor variety"), in its simplest
form. And it must hold together: its characters meet more often than their own frequencies make
them, by pointwise mutual information (Church and Hanks 1990, https://aclanthology.org/J90-1003/).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

from gnomon.text.tokens import CJK, normalise, words
from gnomon.trends.terms import FUNCTION_CHARACTERS, FUNCTION_WORDS

GROW = 0.7
"""The share of those who say a phrase that must say its neighbour, too, for it to grow."""
LONGEST = 12
CJK_FIRST = CJK[0]
HOLDS = 1.0
"""Bits of mutual information below which two characters merely stand beside each other."""


def phrase(term: str, texts: Sequence[str]) -> str:
    """``term`` grown by what stands beside it in ``texts`` (of different authors), "" where it is
    no term of its own: two characters that only happen to meet."""
    lines = [words(text) for text in texts]
    seed = tuple(words(term))
    if not seed:
        return term
    if _is_cjk(seed[0]) and len(seed) > 1 and not _holds(seed, lines):
        return ""
    grown = seed
    while len(grown) < LONGEST:
        longer = _longer(grown, lines)
        if longer is None:
            break
        grown = longer
    grown = _trimmed(grown, len(seed))
    return _as_written(grown, texts)


def _is_cjk(word: str) -> bool:
    return any(character >= CJK_FIRST for character in word[:1])


def _places(line: Sequence[str], seed: Sequence[str]) -> list[int]:
    size = len(seed)
    return [i for i in range(len(line) - size + 1) if tuple(line[i : i + size]) == tuple(seed)]


def _longer(grown: tuple[str, ...], lines: Sequence[Sequence[str]]) -> tuple[str, ...] | None:
    """One word more on the side where most agree, None where no side has enough agreement."""
    left: Counter[str] = Counter()
    right: Counter[str] = Counter()
    total = 0
    for line in lines:
        places = _places(line, grown)
        if not places:
            continue
        total += 1
        first, past = places[0], places[0] + len(grown)
        if first > 0:
            left[line[first - 1]] += 1
        if past < len(line):
            right[line[past]] += 1
    sides = [
        (count, side, word)
        for side, counter in (("left", left), ("right", right))
        for word, count in counter.most_common(1)
        if total >= 3 and count >= GROW * total
    ]
    if not sides:
        return None
    _, side, word = max(sides)
    return (word, *grown) if side == "left" else (*grown, word)


def _holds(seed: Sequence[str], lines: Sequence[Sequence[str]]) -> bool:
    """Whether the characters of ``seed`` meet more often than by chance in ``lines``."""
    one = Counter(word for line in lines for word in line)
    two = Counter(pair for line in lines for pair in pairwise(line))
    total = max(1, sum(one.values()))
    pair = (seed[0], seed[1])
    if not two[pair] or not one[seed[0]] or not one[seed[1]]:
        return False
    shared = math.log2(two[pair] * total / (one[seed[0]] * one[seed[1]]))
    return shared >= HOLDS


def _trimmed(grown: tuple[str, ...], fewest: int) -> tuple[str, ...]:
    """Without function words at its ends."""
    idle = FUNCTION_WORDS | FUNCTION_CHARACTERS
    while len(grown) > fewest and grown[0] in idle:
        grown = grown[1:]
    while len(grown) > fewest and grown[-1] in idle:
        grown = grown[:-1]
    return grown


def _as_written(grown: tuple[str, ...], texts: Sequence[str]) -> str:
    """The commonest spelling of a phrase: with its capitals and its spaces."""
    plain = "".join(grown)
    if _is_cjk(grown[0]) and _is_cjk(grown[-1]):
        return plain
    spaced = " ".join(grown)
    spellings: Counter[str] = Counter()
    for text in texts:
        folded = normalise(text)
        if len(folded) != len(text):
            continue
        at = folded.find(spaced)
        if at >= 0:
            spellings[text[at : at + len(spaced)]] += 1
    return spellings.most_common(1)[0][0] if spellings else spaced
