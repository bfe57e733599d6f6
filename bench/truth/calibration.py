"""Whether the probabilities mean what they say, and what is left at 5 % risk."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from bench.truth import metrics, scores
from bench.truth.data import DOCUMENTS, PAIRS, Set
from bench.truth.rows import Row
from bench.truth.run import Run
from bench.truth.scores import Scores

from gnomon.truth.calibrate import Pairs, fit_pairs

HALVES = (
    "Fitted (temperature or isotonic, `truth/calibrate.py`) on the half of the claims that "
    "`lab.splits.calibrates` names, measured on the other half."
)
ORACLE = (
    "The threshold is chosen with the labels in view: what a perfect one could reach; “held” is "
    "the share answered, and “risk” the share of that which is wrong, at the threshold chosen on "
    "the calibration half."
)


def calibrated(found: Scores) -> np.ndarray:
    """``p`` ``[n, 3]`` through a table fitted on the calibrating half alone. Of two labels, the
    third column stays 0."""
    p, fit = scores.probabilities(found.p, found.classes), found.calibrates
    _, group = np.unique(np.asarray(found.groups), return_inverse=True)
    own = Pairs(p[fit], found.gold[fit], group[fit], np.ones(int(fit.sum())))
    table = fit_pairs(own)
    out = np.asarray([table(row) for row in p]).reshape(-1, 3)
    return scores.probabilities(out, found.classes)


def confidence(p: np.ndarray, gold: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(the winner's probability, whether it is right), each ``[n]``."""
    return p.max(axis=1), (p.argmax(axis=1) == gold).astype(float)


def held_at(sure: np.ndarray, right: np.ndarray, fit: np.ndarray, risk: float) -> tuple[float, ...]:
    """(share answered, share of it wrong) on the other half, at the lowest threshold that keeps
    the risk on the fitting half."""
    coverage, found = metrics.risk_coverage(sure[fit], right[fit])
    order = np.sort(sure[fit])[::-1]
    fits = np.flatnonzero((found <= risk) & (coverage > 0))
    if not len(fits):
        return 0.0, 0.0
    above = sure[~fit] >= order[fits.max()]
    return float(above.mean()), float(1 - right[~fit][above].mean()) if above.any() else 0.0


def measured(run: Run, wanted: Set) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """(confidence, right, groups) of the measured half, calibrated: what the curves draw."""
    found = scores.judged(run, wanted)
    other = ~found.calibrates
    sure, right = confidence(calibrated(found), found.gold)
    groups = [g for g, o in zip(found.groups, other, strict=True) if o]
    return sure[other], right[other], groups


def measure(run: Run) -> Iterator[Row]:
    """ECE as it comes and calibrated, AURC, coverage at 5 % risk, for each set."""
    for wanted in (*PAIRS, *DOCUMENTS):
        yield from _of(scores.judged(run, wanted), wanted.title)


def _of(found: Scores, title: str) -> Iterator[Row]:
    other, fit = ~found.calibrates, found.calibrates
    groups: Sequence[str] = [g for g, o in zip(found.groups, other, strict=True) if o]
    raw, raw_right = confidence(scores.probabilities(found.p, found.classes), found.gold)
    sure, right = confidence(calibrated(found), found.gold)
    n = int(other.sum())
    p, r = sure[other], right[other]
    plain = {"as it comes": metrics.ece(raw[other], raw_right[other])}
    low, high = metrics.interval(lambda w: metrics.ece(p, r, w), groups)
    yield Row(
        "calibration, ECE", title, n, metrics.ece(p, r), low, high, plain, aim=0.05, more=False,
        note=HALVES,
    )  # fmt: skip
    rate = {"no ranking": float(1 - r.mean()), "best possible": best_aurc(r)}
    low, high = metrics.interval(lambda w: metrics.aurc(p, r, w), groups)
    yield Row("AURC", title, n, metrics.aurc(p, r), low, high, rate, more=False, note=HALVES)
    share, risk = held_at(sure, right, fit, metrics.RISK)
    low, high = metrics.interval(lambda w: metrics.coverage_at(p, r, weights=w), groups)
    yield Row(
        "coverage at 5 % risk", title, n, metrics.coverage_at(p, r), low, high,
        {"held": share, "risk": risk}, note=ORACLE,
    )  # fmt: skip


def best_aurc(right: np.ndarray) -> float:
    """The AURC of a ranking that puts every right answer first."""
    return metrics.aurc(right, right)
