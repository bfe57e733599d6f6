"""Fitting a calibration: temperature, isotonic curves, verdict weights, counts for abstention.

Pure functions over arrays; what they make is ``truth.confidence.Calibration``. Nothing here runs
while a question is answered. ``bench/truth/calibrate.py`` is the command.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from gnomon.truth.confidence import (
    LABELS,
    STEPS,
    Curve,
    PairTable,
    Side,
    VerdictTable,
    both_sides,
    features,
)
from gnomon.types import Label

BINS = 15
FOLDS = 5
# A kind of source has a table of its own from so many claims on.
LEAST_CLAIMS = 300
# The strength of the prior that weights are 0, in units of one example's log-likelihood.
RIDGE = 1.0
# Isotonic curves cost more words than one temperature; they must lower the error by this.
WORTH_CURVES = 0.01


def ece(p: np.ndarray, right: np.ndarray, bins: int = BINS) -> float:
    """Expected calibration error over ``bins`` of equal mass: the mean gap between confidence and
    accuracy. ``p`` ``[n]`` in 0..1, ``right`` ``[n]`` of 0 and 1. Equal-mass bins: Nguyen and
    O'Connor 2015, https://aclanthology.org/D15-1182; the error: https://arxiv.org/abs/1706.04599.
    """
    order = np.argsort(p, kind="stable")
    gaps = [
        abs(float(p[part].mean()) - float(right[part].mean())) * len(part)
        for part in np.array_split(order, min(bins, max(1, len(p))))
        if len(part)
    ]
    return sum(gaps) / max(1, len(p))


def aurc(p: np.ndarray, right: np.ndarray) -> float:
    """Area under the risk-coverage curve: the mean, over n, of the share of wrong ones among the n
    most confident. Lower is better. Geifman et al. 2019, https://arxiv.org/abs/1805.08206. Those
    of equal confidence are taken together, by their mean."""
    order = np.argsort(-p, kind="stable")
    wrong = 1.0 - right[order].astype(float)
    _, place, size = np.unique(-p[order], return_inverse=True, return_counts=True)
    even = (np.bincount(place, wrong) / size)[place]
    return float((np.cumsum(even) / np.arange(1, len(p) + 1)).mean())


def isotonic(
    x: np.ndarray, y: np.ndarray, weight: np.ndarray | None = None, *, centred: bool = False
) -> Curve:
    """The non-decreasing curve nearest to ``y`` ``[n]`` over ``x`` ``[n]`` in weighted squares:
    pool adjacent violators (Barlow et al. 1972; Zadrozny and Elkan 2002). Equal ``x`` are pooled
    first. Each block is kept as its two ends; ``centred``, as its middle, so that what differs in
    ``x`` keeps its order and no threshold takes or leaves whole blocks."""
    weight = np.ones(len(x)) if weight is None else weight
    xs, place = np.unique(x, return_inverse=True)
    mass = np.bincount(place, weight)
    means = np.bincount(place, weight * y) / mass
    blocks: list[list[float]] = []  # value, mass, first x, last x
    for at, value, heavy in zip(xs, means, mass, strict=True):
        blocks.append([float(value), float(heavy), float(at), float(at)])
        while len(blocks) > 1 and blocks[-2][0] >= blocks[-1][0]:
            value_b, mass_b, _, last = blocks.pop()
            value_a, mass_a, first, _ = blocks.pop()
            total = mass_a + mass_b
            blocks.append([(value_a * mass_a + value_b * mass_b) / total, total, first, last])
    points = [
        (at, value)
        for value, _, first, last in blocks
        for at in ((first + last) / 2,) * centred or dict.fromkeys((first, last))
    ]
    return Curve(tuple(round(x, 6) for x, _ in points), tuple(round(y, 6) for _, y in points))


def temperature(p: np.ndarray, gold: np.ndarray, weight: np.ndarray | None = None) -> float:
    """The temperature T at which softmax(log p / T) gives ``gold`` ``[n]`` (columns of ``p``
    ``[n, 3]``) the greatest likelihood; found by bisection, for the slope in 1/T has one zero."""
    logs = np.log(np.clip(p, 1e-4, 1.0))
    weight = np.ones(len(p)) if weight is None else weight
    held = logs[np.arange(len(gold)), gold]

    def slope(b: float) -> float:
        z = b * logs
        q = np.exp(z - z.max(1, keepdims=True))
        q /= q.sum(1, keepdims=True)
        return float((weight * (held - (q * logs).sum(1))).sum())

    low, high = 0.05, 20.0
    for _ in range(60):
        middle = (low * high) ** 0.5
        low, high = (middle, high) if slope(middle) > 0 else (low, middle)
    return round(float(1.0 / (low * high) ** 0.5), 4)


@dataclass(frozen=True, slots=True)
class Pairs:
    """A verifier's judgements of pairs and the truth: ``p`` ``[n, 3]``, ``gold`` ``[n]`` (0
    supports, 1 refutes, 2 neither), ``group`` ``[n]`` (the number of the claim: pairs of one claim
    are fitted or tested together), ``weight`` ``[n]``."""

    p: np.ndarray
    gold: np.ndarray
    group: np.ndarray
    weight: np.ndarray


def fit_pairs(pairs: Pairs) -> PairTable:
    """A temperature, or curves where they are better by ``WORTH_CURVES`` of error on the claims
    left out of the fit (cross-validation by claim)."""
    fold = pairs.group % FOLDS
    tempered, bent = np.empty_like(pairs.p), np.empty_like(pairs.p)
    for k in range(FOLDS):
        fit, held = fold != k, fold == k
        if not held.any() or not fit.any():
            tempered[held] = bent[held] = pairs.p[held]
            continue
        tempered[held] = _apply(PairTable(0, _temperature_of(pairs, fit)), pairs.p[held])
        bent[held] = _apply(PairTable(0, curves=_curves_of(pairs, fit)), pairs.p[held])
    raw, by_t, by_c = (_top_ece(p, pairs.gold) for p in (pairs.p, tempered, bent))
    n, whole = len(pairs.gold), np.ones(len(pairs.gold), bool)
    if by_c < by_t - WORTH_CURVES:
        return PairTable(n, curves=_curves_of(pairs, whole), ece=(round(raw, 4), round(by_c, 4)))
    return PairTable(n, _temperature_of(pairs, whole), ece=(round(raw, 4), round(by_t, 4)))


def _temperature_of(pairs: Pairs, part: np.ndarray) -> float:
    return temperature(pairs.p[part], pairs.gold[part], pairs.weight[part])


def _curves_of(pairs: Pairs, part: np.ndarray) -> tuple[Curve, ...]:
    return tuple(
        isotonic(pairs.p[part, k], (pairs.gold[part] == k).astype(float), pairs.weight[part])
        for k in range(3)
    )


def _apply(table: PairTable, p: np.ndarray) -> np.ndarray:
    return np.array([table(row) for row in p]).reshape(-1, 3)


def _top_ece(p: np.ndarray, gold: np.ndarray) -> float:
    return ece(p.max(1), (p.argmax(1) == gold).astype(float))


# ------------------------------------------------------------------------------ verdicts


@dataclass(frozen=True, slots=True)
class Case:
    """One claim: what both sides brought, the label given before abstention, and the right one.
    ``group`` divides fitting from testing; claims of one group go together."""

    for_: Side
    against: Side
    label: Label
    gold: Label
    group: int
    weight: float = 1.0


def fit_verdicts(cases: Sequence[Case]) -> VerdictTable:
    """Weights and curve from the claims of even group, counts for the threshold from the others."""
    fit = [case for case in cases if case.group % 2 == 0]
    held = [case for case in cases if case.group % 2]
    side, dispute = softmax_weights(fit)
    none = (0,) * (STEPS + 1)
    straight = Curve((0.0, 1.0), (0.0, 1.0))
    table = VerdictTable(len(cases), side, dispute, straight, len(held), none, none)
    p, right, weight = _decided(table, fit)
    if len(p):
        table = replace(table, curve=isotonic(p, right, weight, centred=True))
    p, right, _ = _decided(table, held)
    at = [p >= i / STEPS for i in range(STEPS + 1)]
    shares = np.histogram(p, 10, (0.0, 1.0))[0] / max(1, len(p))
    return replace(
        table,
        given=tuple(int(above.sum()) for above in at),
        wrong=tuple(int((above & (right == 0)).sum()) for above in at),
        shares=tuple(round(float(share), 4) for share in shares),
        ece=round(ece(p, right), 4) if len(p) else 0.0,
    )


def _decided(
    table: VerdictTable, cases: Sequence[Case]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Confidence, rightness and weight of the verdicts for or against, each ``[n]``."""
    rows = [
        (table.confidence(c.label, c.for_, c.against), c.label is c.gold, c.weight)
        for c in cases
        if c.label in (Label.SUPPORTED, Label.REFUTED)
    ]
    array = np.array(rows, float).reshape(-1, 3)
    return array[:, 0], array[:, 1], array[:, 2]


def fit_few(cases: Sequence[Case], made: Sequence[Case], folds: int = FOLDS) -> VerdictTable:
    """A table from few ``cases`` with many to a group (an event), and claims that were ``made`` up,
    which only help with the weights.

    No half is given away: each group is scored by weights that were fitted without it, the curve is
    fitted on those scores, and the counts are of confidences bent by a curve that did not see the
    group either. That is cross-validation in place of a split, whose conformal bound holds to a
    factor of two in the worst case and closely in practice (Barber et al. 2021,
    https://arxiv.org/abs/1905.02928).
    """
    part = np.array([case.group % folds for case in cases])
    straight = Curve((0.0, 1.0), (0.0, 1.0))
    none = (0,) * (STEPS + 1)
    bare = VerdictTable(len(cases), (), (), straight, len(cases), none, none)

    def fitted(to: Sequence[Case]) -> VerdictTable:
        side, dispute = softmax_weights([*to, *made])
        return replace(bare, side=side, dispute=dispute)

    scored: list[np.ndarray] = []  # per fold: [n, 2], score and rightness
    for k in range(folds):
        table = fitted([c for c, at in zip(cases, part, strict=True) if at != k])
        p, right, _ = _decided(table, [c for c, at in zip(cases, part, strict=True) if at == k])
        scored.append(np.column_stack([p, right]))
    whole = np.concatenate(scored)
    bent = []
    for k, own in enumerate(scored):
        others = np.concatenate([rows for i, rows in enumerate(scored) if i != k])
        bent += [(_risen(others)(p), right) for p, right in own]
    sure, right = np.array(bent).reshape(-1, 2).T
    return replace(
        _counted(fitted(cases), sure, right),
        curve=_risen(whole),
        shares=tuple(
            round(float(x), 4) for x in np.histogram(sure, 10, (0.0, 1.0))[0] / max(1, len(sure))
        ),
        ece=round(ece(sure, right), 4),
    )


def counted(table: VerdictTable, cases: Sequence[Case]) -> VerdictTable:
    """``table`` with the counts of ``cases``, which it was not fitted on."""
    sure, right, _ = _decided(table, cases)
    return replace(_counted(table, sure, right), claims=len(cases))


def _counted(table: VerdictTable, sure: np.ndarray, right: np.ndarray) -> VerdictTable:
    at = [sure >= i / STEPS for i in range(STEPS + 1)]
    return replace(
        table,
        given=tuple(int(above.sum()) for above in at),
        wrong=tuple(int((above & (right == 0)).sum()) for above in at),
    )


# Curves through few points end at 0 and 1; a claim on each end, half right, keeps them from it.
_DOUBT = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])


def _risen(scored: np.ndarray) -> Curve:
    """The isotonic curve through ``scored`` ``[n, 2]`` (score, rightness) and its doubts."""
    held = np.concatenate([scored, _DOUBT])
    weight = np.concatenate([np.ones(len(scored)), np.full(len(_DOUBT), 0.5)])
    return isotonic(held[:, 0], held[:, 1], weight, centred=True)


# Which way each weight of ``VerdictTable`` may point (0: either): more for a side makes it no less
# likely, more against it no likelier. Sets where two origins always disagree (conflictQA) would
# else teach that a second origin is a bad sign.
SIGNS = np.array([0, 1, -1, 1, -1, 1, 1, -1, 0, 1, 1])


def softmax_weights(cases: Sequence[Case]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """The weights of ``VerdictTable`` with the greatest penalised likelihood of the right labels
    among those that point as ``SIGNS`` says: what points the other way is left out, the worst
    first, and the rest fitted again."""
    for_ = np.array([features(c.for_, c.against) for c in cases])
    against = np.array([features(c.against, c.for_) for c in cases])
    both = np.array([both_sides(c.for_, c.against) for c in cases])
    k, m = for_.shape[1], both.shape[1]
    # [n, 4 labels, k + m weights]: each label's score is linear in the weights.
    x = np.zeros((len(cases), len(LABELS), k + m))
    x[:, 0, :k], x[:, 1, :k], x[:, 2, k:] = for_, against, both
    gold = np.array([LABELS.index(c.gold) for c in cases])
    weight = np.array([c.weight for c in cases])
    weight = weight / weight.mean()
    kept = np.ones(k + m, bool)
    while True:
        w = np.zeros(k + m)
        w[kept] = _newton(x[:, :, kept], gold, weight)
        wrong = SIGNS * w
        if wrong.min() >= 0:
            break
        kept[int(wrong.argmin())] = False
    rounded = [round(float(value), 5) for value in w]
    return tuple(rounded[:k]), tuple(rounded[k:])


def _newton(x: np.ndarray, gold: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Maximum of the penalised log-likelihood over weights ``[k]``, which is concave: ``x``
    ``[n, labels, k]``, ``gold`` ``[n]``, ``weight`` ``[n]``."""
    w = np.zeros(x.shape[2])
    for _ in range(50):
        z = x @ w
        p = np.exp(z - z.max(1, keepdims=True))
        p /= p.sum(1, keepdims=True)
        mean = np.einsum("nl,nlk->nk", p, x)
        gradient = (weight[:, None] * (x[np.arange(len(gold)), gold] - mean)).sum(0) - RIDGE * w
        spread = x - mean[:, None, :]
        hessian = np.einsum("n,nl,nlj,nlk->jk", weight, p, spread, spread)
        step = np.linalg.solve(hessian + RIDGE * np.eye(len(w)), gradient)
        w += step
        if float(np.abs(step).max()) < 1e-9:
            break
    return w
