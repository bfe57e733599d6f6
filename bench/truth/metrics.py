"""The measures, each by its textbook definition, and bootstrap intervals by claim.

``weights`` (``[n]``, how often a row counts) lets the bootstrap draw claims without copying rows.
All of them treat the unweighted case as weights of one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

Array = np.ndarray
BINS = 15
DRAWS = 1000
RISK = 0.05


def _ones(n: int, weights: Array | None) -> Array:
    return np.ones(n) if weights is None else np.asarray(weights, dtype=float)


def accuracy(gold: Array, said: Array, weights: Array | None = None) -> float:
    """The weighted share of rows said rightly; 0 where nothing counts."""
    w = _ones(len(gold), weights)
    return float((w * (gold == said)).sum() / max(w.sum(), 1e-12))


def f1(gold: Array, said: Array, label: int, weights: Array | None = None) -> float:
    """2 TP / (2 TP + FP + FN) of one label; 0 where the label is neither there nor said."""
    w = _ones(len(gold), weights)
    both = (w * ((gold == label) & (said == label))).sum()
    either = (w * (gold == label)).sum() + (w * (said == label)).sum()
    return float(2 * both / either) if either else 0.0


def macro_f1(
    gold: Array, said: Array, labels: Sequence[int] = (0, 1, 2), weights: Array | None = None
) -> float:
    """The mean of the labels' F1."""
    return float(np.mean([f1(gold, said, label, weights) for label in labels]))


def ndcg_at(gains: Sequence[float], relevant: int, k: int = 10) -> float:
    """Normalised discounted cumulative gain of one ranking (Jarvelin and Kekalainen 2002,
    https://dl.acm.org/doi/10.1145/582415.582418), binary relevance: ``gains`` are 1 or 0 in rank
    order, ``relevant`` how many documents are relevant at all."""
    discounts = 1 / np.log2(np.arange(2, k + 2))
    found = np.asarray(gains[:k], dtype=float)
    ideal = discounts[: min(relevant, k)].sum()
    return float((found * discounts[: len(found)]).sum() / ideal) if relevant else 0.0


def recall_at(gains: Sequence[float], relevant: int, k: int = 100) -> float:
    """The share of the relevant documents among the first ``k``."""
    return float(sum(gains[:k]) / relevant) if relevant else 0.0


def ece(confidence: Array, right: Array, weights: Array | None = None, bins: int = BINS) -> float:
    """Expected calibration error over ``bins`` bins of equal mass (Nixon et al. 2019,
    https://arxiv.org/abs/1904.01685): sum over bins of mass x |mean confidence - accuracy|."""
    w = _ones(len(confidence), weights)
    edges = bins_of(confidence, w, bins)
    total, error = w.sum(), 0.0
    for b in range(bins):
        here = edges == b
        mass = w[here].sum()
        if mass:
            error += abs((w[here] * (confidence[here] - right[here])).sum())
    return float(error / total) if total else 0.0


def bins_of(confidence: Array, weights: Array, bins: int = BINS) -> Array:
    """The bin of each row ``[n]``, 0 for the least confident: rows in order of confidence, cut
    where the mass reaches a multiple of 1 / ``bins``."""
    order = np.argsort(confidence, kind="stable")
    before = np.cumsum(weights[order]) - weights[order]
    total = max(float(weights.sum()), 1e-12)
    out = np.empty(len(confidence), dtype=int)
    out[order] = np.minimum((before / total * bins + 1e-9).astype(int), bins - 1)
    return out


def risk_coverage(
    confidence: Array, right: Array, weights: Array | None = None
) -> tuple[Array, Array]:
    """(coverage, risk), each ``[n]``: answering the most confident rows first, the share answered
    and the share of those that is wrong (El-Yaniv and Wiener 2010,
    https://jmlr.org/papers/v11/el-yaniv10a.html). Rows of equal confidence are answered together:
    each has the risk of all of them."""
    w = _ones(len(confidence), weights)
    order = np.argsort(-confidence, kind="stable")
    mass, wrong = np.cumsum(w[order]), np.cumsum(w[order] * (1 - right[order]))
    held = confidence[order]
    last = np.searchsorted(-held, -held, side="right") - 1
    mass, wrong = mass[last], wrong[last]
    with np.errstate(invalid="ignore", divide="ignore"):
        risk = np.where(mass > 0, wrong / mass, 0.0)
    return mass / max(float(w.sum()), 1e-12), risk


def aurc(confidence: Array, right: Array, weights: Array | None = None) -> float:
    """The area under the risk-coverage curve: the mean risk over all coverages (Geifman et al.
    2019, https://arxiv.org/abs/1805.08206). Lower is better."""
    w = _ones(len(confidence), weights)
    _, risk = risk_coverage(confidence, right, weights)
    order = np.argsort(-confidence, kind="stable")
    return float((w[order] * risk).sum() / max(w.sum(), 1e-12))


def coverage_at(
    confidence: Array, right: Array, risk: float = RISK, weights: Array | None = None
) -> float:
    """The greatest share that can be answered at no more than ``risk`` wrong, the threshold being
    chosen with the labels in view: what a perfect threshold could reach."""
    coverage, found = risk_coverage(confidence, right, weights)
    fits = coverage[(found <= risk + 1e-12) & (coverage > 0)]
    return float(fits.max()) if len(fits) else 0.0


def interval(
    statistic: Callable[[Array], float],
    groups: Sequence[str],
    *,
    draws: int = DRAWS,
    seed: int = 0,
) -> tuple[float, float]:
    """The 95 % percentile bootstrap interval of ``statistic(weights)``, drawing whole groups
    (claims) with replacement (Efron and Tibshirani 1993; by cluster, Davison and Hinkley 1997,
    3.8): pairs of one claim are not independent."""
    names, index = np.unique(np.asarray(groups), return_inverse=True)
    rng = np.random.default_rng(seed)
    found = np.empty(draws)
    for i in range(draws):
        times = np.bincount(rng.integers(0, len(names), len(names)), minlength=len(names))
        found[i] = statistic(times[index].astype(float))
    low, high = np.percentile(found, [2.5, 97.5])
    return float(low), float(high)


def mean_interval(values: Array, groups: Sequence[str]) -> tuple[float, float]:
    """The interval of a plain mean of ``values`` ``[n]``."""
    return interval(lambda w: float(np.average(values, weights=w)), groups)


def of_count(hits: int, n: int, z: float = 1.959964) -> tuple[float, float]:
    """The 95 % Wilson interval of a proportion (Wilson 1927), which a bootstrap of zero hits cannot
    give: no flip in 100 is not "0 to 0"."""
    if not n:
        return 0.0, 1.0
    p, d = hits / n, 1 + z * z / n
    half = z * float(np.sqrt(p * (1 - p) / n + z * z / (4 * n * n))) / d
    middle = (p + z * z / (2 * n)) / d
    return max(0.0, middle - half), min(1.0, middle + half)
