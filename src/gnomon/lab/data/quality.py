"""Whether a text reads as language at all: logistic regression on hashed character n-grams.

It tells connected words from menus, keyword lists, broken encodings, logs, code and keyboard mash;
it does not tell good posts from bad ones, since a corpus of what people say must sound like them.
``quality.npz`` is made by ``python -m gnomon.lab.data.quality_training`` from named public sets
(docs/lab-data.md); hashing as in https://arxiv.org/abs/0902.2206.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from gnomon.lab.data.documents import Document

BUCKETS = 1 << 16
SIZES = (2, 3, 4, 5)
"""Characters of an n-gram; the longer ones reach across words."""
CHARS = 1200
FEWEST_CHARS = 24
"""A shorter text has too few n-grams to tell: it passes."""

LANGUAGES = frozenset({"en", "zh", ""})
"""What it has learned. Of others it would drop more (German: 3 % of good sentences): they pass."""

WEIGHTS = Path(__file__).with_name("quality.npz")

# What a post is passed on with is no sign of anything.
_NAMES = re.compile(r"\bRT\b|@user\b:?|[#＃]")
_SPACE, _DIGIT = re.compile(r"\s+"), re.compile(r"\d")
_FACTORS = np.array([0x9E3779B1, 0x85EBCA77, 0xC2B2AE3D, 0x27D4EB2F, 0x165667B1], np.uint64)


@dataclass(frozen=True)
class Classifier:
    """``weights [BUCKETS]`` and ``bias``; what scores below ``threshold`` is dropped."""

    weights: npt.NDArray[np.float32]
    bias: float
    threshold: float

    def score(self, text: str) -> float:
        """The log-odds that it is language."""
        found = buckets(text)
        return float(self.weights[found].sum() / max(1.0, float(len(found)) ** 0.5) + self.bias)


def buckets(text: str) -> npt.NDArray[np.int64]:
    """The different buckets of a text's n-grams: small letters, digits as 0, one kind of space."""
    plain = _SPACE.sub(" ", _DIGIT.sub("0", text[:CHARS].lower()))
    points = np.frombuffer(f" {plain} ".encode("utf-32-le", "replace"), np.uint32).astype(np.uint64)
    found = []
    for size in SIZES:
        count = len(points) - size + 1
        if count < 1:
            break
        mixed = np.full(count, size, np.uint64)
        for i in range(size):
            mixed = mixed * np.uint64(0x2545F491) + points[i : i + count] * _FACTORS[i]
            mixed ^= mixed >> np.uint64(15)
        found.append(mixed)
    grams = np.concatenate(found) if found else np.zeros(0, np.uint64)
    grams = (grams * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(64 - 16)
    seen = np.zeros(BUCKETS, np.bool_)
    seen[grams.astype(np.int64)] = True
    return np.flatnonzero(seen)


@cache
def shipped() -> Classifier:
    """The one that comes with gnomon."""
    with np.load(WEIGHTS) as held:
        weights = held["weights"].astype(np.float32) * float(held["scale"])
        return Classifier(weights, float(held["bias"]), float(held["threshold"]))


def rule(document: Document) -> Document | str:
    """Drops with ``quality`` and the score."""
    if len(document.text) < FEWEST_CHARS or document.lang not in LANGUAGES:
        return document
    classifier = shipped()
    score = classifier.score(_NAMES.sub(" ", document.text))
    if score < classifier.threshold:
        return f"quality: it does not read as language (log-odds {score:.1f})"
    return document
