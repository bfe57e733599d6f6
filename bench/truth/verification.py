"""Pairs of a claim and its evidence: accuracy, macro-F1, F1 of "neither", and calibration."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from bench.truth import baselines, data, metrics, scores
from bench.truth.data import CLIMATE, FEVER, HEALTHVER, LABELS, NEITHER, SYMMETRIC, Set
from bench.truth.rows import Row
from bench.truth.run import Run
from bench.truth.scores import Scores

FORCED = (
    "No case here is “neither”: the likelier of “supports” and “refutes” counts, as in the "
    "published figures. “Three ways” counts a “neither” as wrong; beside it the share that the "
    "verifier decides, and the share of each decision that is right."
)
ACROSS = (
    "This set has no training part: the claim-only baseline is fitted on one half of the claims "
    "and asked on the other, both ways; majority is the set's own commonest label."
)


def beside(run: Run, wanted: Set, found: Scores) -> dict[str, np.ndarray]:
    """What each baseline says of each case of the whole set, then cut to the measured half."""
    training = (
        run.kept("training-fever", lambda: [[c.claim, c.label] for c in _training(run)])
        if wanted in (FEVER, SYMMETRIC)
        else []
    )
    if training:
        only = baselines.claim_only([(claim, label) for claim, label in training])
        claims = only.says([case.claim for case in found.cases])
    else:
        claims = baselines.claim_only_across(found.cases)
    said = {
        "majority": baselines.majority(found.cases),
        "claim only": claims,
        "shared words": baselines.lexical(found.cases, found.classes),
    }
    return {name: each[~found.calibrates] for name, each in said.items()}


def _training(run: Run) -> list[data.Case]:
    return data.fever_training(run.data)


def _row(
    found: Scores,
    said: np.ndarray,
    others: dict[str, np.ndarray],
    score: Callable[..., float],
    **more: Any,
) -> Row:
    gold = found.gold
    low, high = metrics.interval(lambda w: score(gold, said, weights=w), found.groups)
    return Row(
        n=len(gold),
        score=score(gold, said),
        low=low,
        high=high,
        baselines={name: score(gold, each) for name, each in others.items()},
        **more,
    )


def two_way(run: Run) -> Iterator[Row]:
    """FEVER's held-back tenth and the shortcut probe."""
    marks: tuple[tuple[Set, str, float | None, float], ...] = (
        (FEVER, "verification accuracy", 0.751, 0.90),
        (SYMMETRIC, "shortcut probe, accuracy", 0.62, 0.78),
    )
    for wanted, measure, floor, aim in marks:
        found = scores.judged(run, wanted)
        others, found = beside(run, wanted, found), found.half(fitting=False)
        yield _row(
            found, scores.said(found), others, metrics.accuracy,
            measure=measure, data=wanted.title, floor=floor, aim=aim, note=FORCED,
        )  # fmt: skip
        strict = found.p.argmax(axis=1)
        decided = {"decides": float((strict != NEITHER).mean())}
        for label, name in enumerate(LABELS[:2]):
            mine = strict == label
            if mine.any():
                decided[f"right of “{name}”"] = float((found.gold == label)[mine].mean())
        row = _row(
            found, strict, {}, metrics.accuracy,
            measure=f"{measure}, three ways", data=wanted.title, note=FORCED,
        )  # fmt: skip
        yield replace(row, baselines=decided)


def three_way(run: Run) -> Iterator[Row]:
    """HealthVer and Climate-FEVER, pair by pair."""
    marks = ((HEALTHVER, 0.422, 0.70), (CLIMATE, None, 0.55))
    for wanted, floor, aim in marks:
        found = scores.judged(run, wanted)
        others, found = beside(run, wanted, found), found.half(fitting=False)
        yield _row(
            found, scores.said(found), others, metrics.macro_f1,
            measure="macro-F1", data=wanted.title, floor=floor, aim=aim, note=ACROSS,
        )  # fmt: skip
        if wanted is HEALTHVER:
            yield _row(
                found, scores.said(found), others, partial(metrics.f1, label=NEITHER),
                measure="F1 of “neither”", data=wanted.title, aim=0.65, note=ACROSS,
            )  # fmt: skip
