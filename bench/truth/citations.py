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
from bench.truth.data import DOCUMENTS, SUPPORTS, Case
from bench.truth.rows import Row
from bench.truth.run import Run
from bench.truth.scores import Scores

PRECISION, RECALL = 0.95, 0.70
FLOOR = 0.56  # what published systems reach
NOTE = (
    "Gold rationales judge: right is a citation to a document that supports the claim, through a "
    "window that shows a sentence of a rationale. “Any sentence” asks only for the document. "
    "Precision and recall at the verifier's own decision; shared words cites where .5 or more of "
    "the claim's terms stand in the document, and shows the sentence with the most."
)
AT = (
    "At the threshold on P(supports) that reaches .95 precision (.70 recall) on the half of the "
    "claims that calibrates, measured on the other half; beside it the other of the two there."
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
    """Precision and recall as decided, and each at the other's aim, for each set of documents."""
    for wanted in DOCUMENTS:
        yield from _of(scores.judged(run, wanted), wanted.title)


def _of(whole: Scores, title: str) -> Iterator[Row]:
    found = whole.half(fitting=False)
    gold, good = found.gold == SUPPORTS, right(found)
    cited = scores.said(found) == SUPPORTS
    words, words_good = _by_words(found)
    low, high = metrics.interval(lambda w: precision(cited, good, w), found.groups)
    yield Row(
        "citation precision", title, int(cited.sum()), precision(cited, good), low, high,
        {"any sentence": precision(cited, gold), "cite all": float(gold.mean()),
         "shared words": precision(words, words_good)},
        floor=FLOOR, note=NOTE,
    )  # fmt: skip
    low, high = metrics.interval(lambda w: recall(cited, good, gold, w), found.groups)
    yield Row(
        "citation recall", title, int(gold.sum()), recall(cited, good, gold), low, high,
        {"any sentence": recall(cited, gold, gold),
         "shared words": recall(words, words_good, gold)}, note=NOTE,
    )  # fmt: skip
    yield from _at_thresholds(whole, title)


def _at_thresholds(found: Scores, title: str) -> Iterator[Row]:
    """Each of the two at the other's aim, by thresholds that the other half of the claims set."""
    gold, good = found.gold == SUPPORTS, right(found)
    fit, other = found.calibrates, ~found.calibrates
    groups = [g for g, o in zip(found.groups, other, strict=True) if o]
    mine, wanted = good[other], gold[other]
    above = found.support[other] >= lowest_for_precision(found.support[fit], good[fit])
    low, high = metrics.interval(lambda w: recall(above, mine, wanted, w), groups)
    yield Row(
        "citation recall at .95 precision", title, int(wanted.sum()), recall(above, mine, wanted),
        low, high, {"precision": precision(above, mine)}, aim=RECALL, note=AT,
    )  # fmt: skip
    border = highest_for_recall(found.support[fit], good[fit], gold[fit])
    over = found.support[other] >= border
    low, high = metrics.interval(lambda w: precision(over, mine, w), groups)
    yield Row(
        "citation precision at .70 recall", title, int(over.sum()), precision(over, mine),
        low, high, {"recall": recall(over, mine, wanted)}, floor=FLOOR, aim=PRECISION, note=AT,
    )  # fmt: skip


def lowest_for_precision(support: np.ndarray, good: np.ndarray) -> float:
    """The lowest P(supports) from which on ``PRECISION`` of the citations are right; above every
    value where none is."""
    held, share, _ = _from_above(support, good)
    fits = np.flatnonzero(share >= PRECISION)
    return float(held[fits.max()]) if len(fits) else 2.0


def highest_for_recall(support: np.ndarray, good: np.ndarray, gold: np.ndarray) -> float:
    """The highest P(supports) from which on ``RECALL`` of the supporting documents are cited
    rightly; below every value where never."""
    held, _, hits = _from_above(support, good)
    fits = np.flatnonzero(hits >= RECALL * gold.sum())
    return float(held[fits.min()]) if len(fits) else -1.0


def _from_above(support: np.ndarray, good: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The distinct values of ``support`` from the highest down, and for each what is cited from it
    on: the share that is right, and the number."""
    order = np.argsort(-support, kind="stable")
    hits = np.cumsum(good[order])
    last = np.flatnonzero(np.append(np.diff(support[order]) != 0, True))
    return support[order][last], hits[last] / (last + 1), hits[last]


def _by_words(found: Scores) -> tuple[np.ndarray, np.ndarray]:
    """What shared words alone would cite, and whether rightly."""
    cited = np.asarray([baselines.overlap(case) >= 0.5 for case in found.cases])
    shown = [baselines.nearest_sentence(case) for case in found.cases]
    good = [shows_rationale(c, i, i) for c, i in zip(found.cases, shown, strict=True)]
    return cited, np.asarray(good)
