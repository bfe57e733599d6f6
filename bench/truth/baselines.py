"""What every verifier must beat: the majority label, the claim alone, and shared words.

The claim-only model is a multinomial logistic regression over the claim's word 1- and 2-grams, as
Schuster et al. 2019 (https://aclanthology.org/D19-1341/) and Gururangan et al. 2018 probe for what
a set gives away without its evidence. It is fitted by full-batch Adam in numpy: deterministic, and
a few seconds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from bench.truth.data import NEITHER, REFUTES, SUPPORTS, Case

from gnomon.lab.verifier.splits import calibrates
from gnomon.text import polarity
from gnomon.text.tokens import tokens
from gnomon.truth.terms import content_terms, term_set

STEPS, RATE, RIDGE = 150, 0.1, 1e-4
FEWEST = 2  # an n-gram of one training claim tells nothing of another


@dataclass(frozen=True, slots=True)
class ClaimOnly:
    """``weights`` is ``[features + 1, classes]``; its last row is the bias."""

    features: dict[str, int]
    weights: np.ndarray

    def says(self, claims: Sequence[str]) -> np.ndarray:
        """The label of each claim, ``[n]``."""
        return np.asarray(
            [int(self.weights[[*self._known(claim), -1]].sum(axis=0).argmax()) for claim in claims]
        )

    def _known(self, claim: str) -> list[int]:
        return [self.features[gram] for gram in ngrams(claim) if gram in self.features]


def ngrams(claim: str) -> list[str]:
    """Its words and neighbouring pairs, each once."""
    words = ["<", *tokens(claim), ">"]
    return list(dict.fromkeys([*words[1:-1], *map(" ".join, pairwise(words))]))


def claim_only(training: Sequence[tuple[str, int]]) -> ClaimOnly:
    """Fit on (claim, label) pairs."""
    grams = [ngrams(claim) for claim, _ in training]
    counts = Counter(gram for each in grams for gram in each)
    features = {g: i for i, (g, n) in enumerate(sorted(counts.items())) if n >= FEWEST}
    features = {g: i for i, g in enumerate(features)}
    kept = [[features[g] for g in each if g in features] for each in grams]
    rows = np.repeat(np.arange(len(kept)), [len(k) for k in kept])
    cols = np.asarray([i for k in kept for i in k], dtype=int)
    gold = np.eye(3)[[label for _, label in training]]
    weights = np.zeros((len(features) + 1, 3))
    mean, square = np.zeros_like(weights), np.zeros_like(weights)
    for step in range(1, STEPS + 1):
        logits = np.tile(weights[-1], (len(kept), 1))
        for c in range(3):
            logits[:, c] += np.bincount(rows, weights[cols, c], len(kept))
        p = np.exp(logits - logits.max(axis=1, keepdims=True))
        error = (p / p.sum(axis=1, keepdims=True) - gold) / len(kept)
        slope = RIDGE * weights
        slope[-1] = error.sum(axis=0)
        for c in range(3):
            slope[:-1, c] += np.bincount(cols, error[rows, c], len(features))
        mean = 0.9 * mean + 0.1 * slope
        square = 0.999 * square + 0.001 * slope**2
        weights = weights - RATE * (mean / (1 - 0.9**step)) / (
            np.sqrt(square / (1 - 0.999**step)) + 1e-8
        )
    return ClaimOnly(features, weights)


def claim_only_across(cases: Sequence[Case]) -> np.ndarray:
    """For a set with no training part: fitted on one half of its claims and asked on the other,
    both ways round, ``[n]``."""
    first = np.asarray([calibrates(case.claim) for case in cases])
    said = np.zeros(len(cases), dtype=int)
    for half in (True, False):
        learn = [(c.claim, c.label) for c, f in zip(cases, first, strict=True) if f == half]
        asked = np.flatnonzero(first != half)
        if learn and len(asked):
            said[asked] = claim_only(learn).says([cases[int(i)].claim for i in asked])
    return said


def majority(cases: Sequence[Case], training: Sequence[Case] = ()) -> np.ndarray:
    """The commonest label of the training part (else of the set itself, its most flattering
    choice), for every case."""
    (label, _), *_ = Counter(c.label for c in training or cases).most_common(1)
    return np.full(len(cases), label)


def overlap(case: Case) -> float:
    """The share of the claim's content terms that the evidence holds, 0..1."""
    wanted = content_terms(case.claim)
    held = term_set(f"{case.title} {case.text}")
    return sum(term in held for term in wanted) / len(wanted) if wanted else 0.0


def lexical(cases: Sequence[Case], classes: int) -> np.ndarray:
    """Shared words: little of the claim there is "neither", and what is there refutes where claim
    and evidence differ in whether they negate. With two classes, little is "refutes". The border is
    the one of 0.05, 0.1 ... 0.95 that is right most often on the half that calibrates, ``[n]``."""
    share = np.asarray([overlap(case) for case in cases])
    differ = np.asarray(
        [bool(polarity.negations(c.claim)) != bool(polarity.negations(c.text)) for c in cases]
    )
    gold = np.asarray([case.label for case in cases])
    fits = np.asarray([calibrates(case.claim) for case in cases])
    low = NEITHER if classes == 3 else REFUTES

    def at(border: float) -> np.ndarray:
        return np.where(share < border, low, np.where(differ, REFUTES, SUPPORTS))

    borders = np.arange(1, 20) / 20
    right = [float((at(border) == gold)[fits].mean()) if fits.any() else 0.0 for border in borders]
    return at(borders[int(np.argmax(right))])


def nearest_sentence(case: Case) -> int:
    """The index of the sentence with most of the claim's content terms, the first of equals."""
    wanted = content_terms(case.claim)
    held = [sum(t in term_set(sentence) for t in wanted) for sentence in case.evidence]
    return int(np.argmax(held))
