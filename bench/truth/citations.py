"""Citations: is a claim cited to a document only where the document says it, and to the sentence?

The verifier reads each cited document and, where it finds support, quotes a window of one to three
sentences. The judge is not the verifier but the annotators: a citation is right where they hold
that the document supports the claim *and* the window shows a sentence of one of their rationales.
After ALCE's citation precision and recall (https://arxiv.org/abs/2305.14627).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from bench.truth import baselines, metrics, scores
from bench.truth.data import DOCUMENTS, SUPPORTS, Case, Set
from bench.truth.rows import Row
from bench.truth.run import Run
from bench.truth.scores import Scores

PRECISION, RECALL = 0.95, 0.70
NOTE = (
    "Gold rationales judge: right is a citation to a document that supports the claim, through a "
    "window that shows a sentence of a rationale. “Any sentence” asks only for the document. "
    "Precision and recall at the verifier's own decision; shared words cites where .5 or more of "
    "the claim's terms stand in the document, and shows the sentence with the most."
)
AT = (
    "Recall at the threshold on P(supports) that reaches .95 precision on the half of the claims "
    "that calibrates, measured on the other half; “precision” is what it has there."
)


def shows_rationale(case: Case, first: int, last: int) -> bool:
    """Whether the window shows a sentence of a rationale of a supported claim."""
    return case.label == SUPPORTS and any(
        first <= sentence <= last for gold in case.rationales for sentence in gold
    )


def right(found: Scores) -> np.ndarray:
    """Whether citing each document would be right, ``[n]`` of bool."""
    return np.asarray(
        [
            shows_rationale(case, first, last)
            for case, (first, last) in zip(found.cases, found.shown.tolist(), strict=True)
        ]
    )


def precision(cited: np.ndarray, good: np.ndarray, weights: np.ndarray | None = None) -> float:
    """The share of the citations given that is right; 0 where none is given."""
    w = np.ones(len(cited)) if weights is None else weights
    given = (w * cited).sum()
    return float((w * (cited & good)).sum() / given) if given else 0.0


def recall(
    cited: np.ndarray, good: np.ndarray, gold: np.ndarray, weights: np.ndarray | None = None
) -> float:
    """The share of the supporting documents that is cited rightly."""
    w = np.ones(len(cited)) if weights is None else weights
    there = (w * gold).sum()
    return float((w * (cited & good)).sum() / there) if there else 0.0


def measure(run: Run) -> Iterator[Row]:
    """Precision, recall, and recall at .95 precision, for each set of cited documents."""
    for wanted in DOCUMENTS:
        found = scores.judged(run, wanted)
        yield from _of(found, wanted)


def _of(found: Scores, wanted: Set) -> Iterator[Row]:
    gold, good = found.gold == SUPPORTS, right(found)
    cited = scores.said(found) == SUPPORTS
    by_words, words_good = _by_words(found)
    low, high = metrics.interval(lambda w: precision(cited, good, w), found.groups)
    yield Row(
        "citation precision", wanted.title, int(cited.sum()), precision(cited, good), low, high,
        {"any sentence": precision(cited, gold), "cite all": float(gold.mean()),
         "shared words": precision(by_words, words_good)},
        floor=0.56, aim=PRECISION, note=NOTE,
    )  # fmt: skip
    low, high = metrics.interval(lambda w: recall(cited, good, gold, w), found.groups)
    yield Row(
        "citation recall", wanted.title, int(gold.sum()), recall(cited, good, gold), low, high,
        {"any sentence": recall(cited, gold, gold),
         "shared words": recall(by_words, words_good, gold)},
        aim=RECALL, note=NOTE,
    )  # fmt: skip
    fit, other = found.calibrates, ~found.calibrates
    border = threshold(found.support[fit], good[fit])
    above = found.support[other] >= border
    groups = [g for g, o in zip(found.groups, other, strict=True) if o]
    low, high = metrics.interval(lambda w: recall(above, good[other], gold[other], w), groups)
    yield Row(
        "citation recall at .95 precision", wanted.title, int(gold[other].sum()),
        recall(above, good[other], gold[other]), low, high,
        {"precision": precision(above, good[other])}, aim=RECALL, note=AT,
    )  # fmt: skip


def threshold(support: np.ndarray, good: np.ndarray) -> float:
    """The lowest P(supports) from which on ``PRECISION`` of the citations are right; above every
    value where none is."""
    order = np.argsort(-support, kind="stable")
    share = np.cumsum(good[order]) / np.arange(1, len(order) + 1)
    last = np.flatnonzero(np.append(np.diff(support[order]) != 0, True))  # ends of equal values
    fits = [i for i in last if share[i] >= PRECISION]
    return float(support[order][max(fits)]) if fits else 2.0


def _by_words(found: Scores) -> tuple[np.ndarray, np.ndarray]:
    """What shared words alone would cite, and whether rightly."""
    cited = np.asarray([baselines.overlap(case) >= 0.5 for case in found.cases])
    shown = [baselines.nearest_sentence(case) for case in found.cases]
    good = [shows_rationale(c, i, i) for c, i in zip(found.cases, shown, strict=True)]
    return cited, np.asarray(good)
