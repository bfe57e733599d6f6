"""Whole verdicts: Climate-FEVER's claims over their own evidence, and what their confidence means.

Each claim's five pieces of evidence are posts of five accounts, all claims' in one store beside the
sample world; the product finds, judges and weighs. The annotators' label of the claim as a whole is
right, "disputed" among them. The confidence is the one that an answer carries.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from bench.truth import data, metrics, world
from bench.truth.data import CLIMATE
from bench.truth.rows import Row
from bench.truth.run import Run

from gnomon.lab.verifier.splits import calibrates, claim_key
from gnomon.types import Label, Post

CLAIMS = 150
GOLD = {
    "SUPPORTS": Label.SUPPORTED, "REFUTES": Label.REFUTED, "DISPUTED": Label.DISPUTED,
    "NOT_ENOUGH_INFO": Label.NOT_ENOUGH,
}  # fmt: skip
LABELS = tuple(GOLD.values())
NOTE = (
    "Four labels, over the claims' own evidence as posts of different accounts. “Given” is the "
    "share of verdicts for or against, “right of given” the share of those that is the annotators'."
)


def _measured(run: Run) -> list[dict[str, Any]]:
    whole = data.climate_claims(run.data)
    other = [ref for ref, (claim, _) in whole.items() if not calibrates(claim)]
    chosen = run.few(sorted(other), CLAIMS)
    texts: dict[str, Post] = {}
    for case in data.load(CLIMATE, run.data):
        _, ref, i = case.id.split("/")
        if ref in chosen:
            texts.setdefault(case.text, world.post(f"c{ref}/{i}", case.text, hours_ago=50.0))
    with world.opened(list(texts.values())) as store:
        return [
            {"label": found.label, "confidence": found.confidence, "gold": GOLD[whole[ref][1]],
             "claim": claim_key(whole[ref][0])}
            for ref in run.progress(chosen, "verdicts, Climate-FEVER")
            for found in [world.verdict(store, run.verifier, whole[ref][0])]
        ]  # fmt: skip


def measure(run: Run) -> Iterator[Row]:
    """Macro-F1 over the four labels; calibration and risk of the verdicts given."""
    data.need(run.data, CLIMATE)
    found = run.kept("verdicts", lambda: _measured(run), "store", "origins")
    gold = np.asarray([LABELS.index(Label(each["gold"])) for each in found])
    said = np.asarray([LABELS.index(Label(each["label"])) for each in found])
    groups = [each["claim"] for each in found]
    title = "Climate-FEVER claims"
    given = said < 2  # for or against
    right = (said == gold).astype(float)
    commonest = np.full(len(gold), np.bincount(gold).argmax())
    beside = {
        "majority": metrics.macro_f1(gold, commonest, range(4)),
        "given": float(given.mean()),
    }
    if given.any():
        beside["right of given"] = float(right[given].mean())
    low, high = metrics.interval(lambda w: metrics.macro_f1(gold, said, range(4), w), groups)
    yield Row(
        "whole verdicts, macro-F1", title, len(found), metrics.macro_f1(gold, said, range(4)),
        low, high, beside, note=NOTE,
    )  # fmt: skip
    if not given.any():
        return
    sure = np.asarray([each["confidence"] for each in found])[given]
    mine, own = right[given], [g for g, ok in zip(groups, given, strict=True) if ok]
    low, high = metrics.interval(lambda w: metrics.ece(sure, mine, w), own)
    yield Row(
        "whole verdicts, ECE of those given", title, int(given.sum()), metrics.ece(sure, mine),
        low, high, aim=0.05, more=False, note=NOTE,
    )  # fmt: skip
    low, high = metrics.of_count(int((1 - mine).sum()), len(mine))
    yield Row(
        "whole verdicts, wrong among those given", title, len(mine), float(1 - mine.mean()), low,
        high, aim=metrics.RISK, more=False, note=NOTE,
    )  # fmt: skip
