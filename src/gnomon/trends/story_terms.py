"""What a post is about, as weighted terms: what stories are told apart by."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from sys import intern

from gnomon.text.tokens import tokens
from gnomon.text.urls import canonical
from gnomon.trends.background import shares
from gnomon.types import Post

READ_CHARS = 1200
"""How much of a text is read: a report says first what happened (the inverted pyramid)."""
MOST_TERMS = 80
FEWEST_TERMS = 4
"""A post of fewer different terms is about nothing that others could be found to be about."""
UNIT = 1000
"""The length of every post's vector: weights are whole numbers, so that sums of them are exact and
a story is the same whichever way it came together."""

COMMON = 0.01
"""A word that stands in a larger share of all texts tells no event from another."""
TITLE = 2.0
_LEAD_TERMS = 60
_AGAIN = 0.4
_NAME = 1.5
_LINK = 3.0
_URL = re.compile(r"(?:https?://|www\.)[^\s\u3000-\u9fff\uff00-\uffef<>\"]+")
_PASSED_ON = re.compile(r"^(?:RT|转发|via) @[\w.-]+:?\s*|//@[^:：\s]{1,30}[:：]")
# A capital inside a sentence, English or one of its neighbours.
_CAPITAL = re.compile(r"(?<![.!?\n\"“”] )(?<!^)(?<!\n)\b[A-ZÀ-Þ]\w+", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Terms:
    """The terms of a post and their weights, heaviest first; the squares of the weights sum to
    about ``UNIT`` squared. A page that is linked to is a term of its own (``https://...``)."""

    words: tuple[str, ...]
    weights: tuple[int, ...]


# A figure with a decimal point or four places and more, but for years: as good as a name.
_FIGURE = re.compile(r"(?!(?:19|20)\d\d$)(?:\d+\.\d+|\d{4,})")
_NONE: frozenset[str] = frozenset()


def figures(words: Iterable[str]) -> frozenset[str]:
    """The precise figures among terms."""
    found = [word for word in words if word[0].isdigit() and _FIGURE.fullmatch(word)]
    return frozenset(found) if found else _NONE


@cache
def common() -> frozenset[str]:
    """The words that tell no event from another."""
    return frozenset(word for word, share in shares().items() if share >= COMMON)


def is_telling(word: str) -> bool:
    """Whether a term tells one event from another."""
    return word not in common()


def is_pair(word: str) -> bool:
    """Whether a term is two characters of a run of Chinese, Japanese or Korean: less than a word, a
    phrase of n characters being n - 1 of them."""
    return word[0] >= "\u3005"


class Frequencies:
    """How many of the posts that are looked at hold a term, upon what is known beforehand.

    ``idf`` is log((N0 + N) / (N0 p + n)): of N posts n hold the term, and beforehand it counted as
    if N0 posts had been read, a share p of which held it (Manning, Raghavan and Schuetze 2008,
    6.2.1, with a prior: https://nlp.stanford.edu/IR-book/html/htmledition/inverse-document-frequency-1.html).
    """

    BEFOREHAND = 2000
    _LEAST = 0.5

    def __init__(self) -> None:
        self._shares = shares()
        self._held: Counter[str] = Counter()
        self._posts = 0
        self.known = _Known(self)

    def add(self, words: tuple[str, ...]) -> None:
        self._posts += 1
        self._held.update(words)
        self.known.clear()

    def remove(self, words: tuple[str, ...]) -> None:
        self._posts -= 1
        self.known.clear()
        for word in words:
            left = self._held[word] - 1
            if left:
                self._held[word] = left
            else:
                del self._held[word]

    def idf(self, word: str) -> float:
        before = max(self._shares.get(word, 0.0) * self.BEFOREHAND, self._LEAST)
        return math.log((self.BEFOREHAND + self._posts) / (before + self._held.get(word, 0)))


class _Known(dict[str, float]):
    """``idf`` by word, as far as it was asked for since a post came or went."""

    def __init__(self, frequencies: Frequencies) -> None:
        super().__init__()
        self._frequencies = frequencies

    def __missing__(self, word: str) -> float:
        found = self[word] = self._frequencies.idf(word)
        return found


def raw_terms(post: Post) -> dict[str, float]:
    """Term frequencies, damped; what stands in the title, early, or is a name or link counts more.

    Empty where the post says too little.
    """
    counts: dict[str, float] = {}
    text = post.text[:READ_CHARS]
    if post.title:
        _count(counts, post.title[:READ_CHARS], TITLE, lead=0)
        if text.startswith(post.title):
            text = text[len(post.title) :]
    _count(counts, text, 1.0, lead=_LEAD_TERMS)
    if len(counts) < FEWEST_TERMS and not post.links:
        return {}
    if not text.isascii() or text.lower() != text:
        for name in set(_CAPITAL.findall(text)):
            word = name.lower()
            if word in counts:
                counts[word] *= _NAME
    for link in post.links[:4]:
        page = canonical(link)
        if page:
            counts[page] = _LINK
    return counts if len(counts) >= FEWEST_TERMS else {}


def _count(counts: dict[str, float], text: str, boost: float, lead: int) -> None:
    if "://" in text or "www." in text:
        text = _URL.sub(" ", text)
    if "@" in text:
        text = _PASSED_ON.sub(" ", text)
    n = 0
    for term in tokens(text):
        if len(term) == 1:
            continue
        n += 1
        weight = boost / (1.0 + n / lead) if lead else boost
        held = counts.get(term)
        counts[term] = weight if held is None else held + _AGAIN * weight


def weigh(counts: Mapping[str, float], frequencies: Frequencies) -> Terms:
    """tf-idf of ``counts``, brought to whole numbers and the length ``UNIT``."""
    idf = frequencies.known
    weighted = [(count * idf[word], word) for word, count in counts.items()]
    weighted.sort(reverse=True)
    del weighted[MOST_TERMS:]
    scale = UNIT / math.sqrt(math.fsum([weight * weight for weight, _ in weighted]))
    # One object for a word wherever it stands: they are compared millions of times.
    kept = [(intern(word), round(weight * scale)) for weight, word in weighted]
    while kept and not kept[-1][1]:
        kept.pop()
    return Terms(tuple([word for word, _ in kept]), tuple([weight for _, weight in kept]))
