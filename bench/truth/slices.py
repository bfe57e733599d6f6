"""Where it fails: kinds of claims and evidence, the worst first.

English slices are cut from the pair sets by what the claim or its evidence holds; "tweets" are
RumourEval's replies against the claim of their thread (labels: support, deny; query and comment are
"neither"); Chinese pairs are made by rules (``lab/verifier/parallel.py``), for want of a labelled
set. A slice's figure is its accuracy over the labels that its set has.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from bench.truth import data, metrics, scores
from bench.truth.data import CLIMATE, FEVER, HEALTHVER, NEITHER, REFUTES, SUPPORTS, SYMMETRIC, Case
from bench.truth.rows import Row
from bench.truth.run import Run
from bench.truth.scores import Scores

from gnomon.lab.verifier import parallel
from gnomon.lab.verifier.pairs import Pair
from gnomon.lab.verifier.splits import calibrates
from gnomon.text import polarity, slots
from gnomon.types import SlotKind

NOTE = (
    "Accuracy on the pairs of FEVER, FEVER-symmetric (two labels), HealthVer and Climate-FEVER "
    "that have the property, the worst first; “others” is the accuracy on those of the same sets "
    "that lack it, “majority” the commonest label of the slice."
)
MADE = (
    "Pairs made by rules from parallel sentences and questions with answers "
    "(`lab/verifier/parallel.py`, the half that teaches nobody); where “refutes” cannot be told "
    "from “neither”, only “supports” is wrong."
)
TWEETS = (
    "RumourEval 2017: replies against the tweet that began their thread; two in three are "
    "comments. A reply is judged without the tweet it answers, as the product shows it."
)
NOT_SUPPORTED = parallel.NOT_SUPPORTED
Property = Callable[[Case], bool]


def negates(case: Case) -> bool:
    """Claim or evidence negates, and not both."""
    return bool(polarity.negations(case.claim)) != bool(polarity.negations(case.text))


def _has(kind: SlotKind) -> Property:
    return lambda case: any(slot.kind is kind for slot in slots.exact(case.claim))


def hedges(case: Case) -> bool:
    """Claim or evidence is hedged, planned or denied, and not both in the same way."""
    return polarity.modality(case.claim) != polarity.modality(case.text)


def reports(case: Case) -> bool:
    """The evidence says who says so."""
    return bool(polarity.speaker(case.text))


PROPERTIES: dict[str, Property] = {
    "negation": negates,
    "numbers": _has(SlotKind.NUMBER),
    "dates": _has(SlotKind.DATE),
    "hedged statements": hedges,
    "quotes of others' claims": reports,
}


def _pooled(run: Run) -> tuple[list[Case], np.ndarray, list[str]]:
    """Every case of the pair sets, whether it is said rightly, and its group."""
    cases: list[Case] = []
    right: list[np.ndarray] = []
    for wanted in (FEVER, SYMMETRIC, HEALTHVER, CLIMATE):
        found = scores.judged(run, wanted).half(fitting=False)
        cases += found.cases
        right.append(scores.said(found) == found.gold)
    return cases, np.concatenate(right), [case.group for case in cases]


def measure(run: Run) -> Iterator[Row]:
    """The slices, worst first."""
    cases, right, groups = _pooled(run)
    tagged = run.kept(
        "slices", lambda: {name: [bool(has(c)) for c in cases] for name, has in PROPERTIES.items()}
    )
    rows = [
        _row(name, cases, right, groups, np.asarray(flags, dtype=bool))
        for name, flags in tagged.items()
    ]
    yield from sorted([*rows, *_chinese(run), *_tweets(run)], key=lambda r: r.score or 0.0)


def _row(
    name: str, cases: list[Case], right: np.ndarray, groups: list[str], has: np.ndarray
) -> Row:
    here = np.flatnonzero(has)
    own = right[here].astype(float)
    low, high = metrics.mean_interval(own, [groups[int(i)] for i in here])
    labels = np.asarray([case.label for case in cases])[here]
    return Row(
        f"slice: {name}", "pair sets", len(here), float(own.mean()), low, high,
        {"others": float(right[~has].mean()), "majority": _commonest(labels)}, note=NOTE,
    )  # fmt: skip


def _commonest(labels: np.ndarray) -> float:
    return float(np.bincount(labels).max() / len(labels))


def _made_pairs(run: Run) -> list[tuple[str, Case]]:
    """(direction, case) of the Chinese pairs; the case's label may be ``NOT_SUPPORTED``."""
    if not parallel.available(run.data):
        raise data.Absent("eval/flores200_dev.jsonl.gz or eval/cmrc2018_dev.json.gz is not here")
    every = parallel.pairs(run.data, each=24 if run.quick else 120)
    found = [pair for pair in every if not parallel.taught(pair)]
    return [
        (_direction(pair), Case(str(i), pair.claim, (pair.window,), pair.label, pair.group))
        for i, pair in enumerate(found)
    ]  # fmt: skip


def _direction(pair: Pair) -> str:
    return pair.source.partition(":")[0]


def _chinese(run: Run) -> list[Row]:
    try:
        found = _made_pairs(run)
    except data.Absent as error:
        return [Row("slice: Chinese", "pairs made by rules", skipped=str(error))]
    found = [(name, case) for name, case in found if not calibrates(case.claim)]
    cases = [case for _, case in found]
    p = _judged(run, "slice-chinese", cases)
    said, gold = p.argmax(axis=1), np.asarray([case.label for case in cases])
    right = np.where(gold == NOT_SUPPORTED, said != SUPPORTS, said == gold)
    rows = []
    for direction in sorted({name for name, _ in found}):
        here = np.asarray([name == direction for name, _ in found])
        own = right[here].astype(float)
        groups = [case.group for (name, case) in found if name == direction]
        low, high = metrics.mean_interval(own, groups)
        rows.append(Row(
            f"slice: Chinese, {direction}", "pairs made by rules", len(own), float(own.mean()),
            low, high,
            {"wrongly supported": float((said[here] == SUPPORTS)[gold[here] != SUPPORTS].mean()),
             "neither, always": float(np.isin(gold[here], (NEITHER, NOT_SUPPORTED)).mean())},
            note=MADE,
        ))  # fmt: skip
    return rows


_STANCE = {"support": SUPPORTS, "deny": REFUTES, "query": NEITHER, "comment": NEITHER}


def _replies(run: Run) -> list[Case]:
    folder = run.data / "social"
    labels: dict[str, str] = {}
    path = folder / "rumoureval2017_labels.json"
    if not path.is_file():
        raise data.Absent("social/rumoureval2017_labels.json is not here")
    for part, found in json.loads(path.read_text(encoding="utf-8")).items():
        if "subtaskA" in part:
            labels |= found
    cases = []
    for row in data.rows(folder / "rumoureval2017_threads.jsonl.gz"):
        claim = row["source"]["text"]
        for reply in row["replies"]:
            label = labels.get(reply["id_str"])
            if label is not None:
                ref = f"rumoureval/{reply['id_str']}"
                cases.append(data.case(ref, claim, [reply["text"]], _STANCE[label]))
    return cases


def _tweets(run: Run) -> list[Row]:
    try:
        cases = _replies(run)
    except data.Absent as error:
        return [Row("slice: tweets", "RumourEval replies", skipped=str(error))]
    cases = run.few([case for case in cases if not calibrates(case.claim)], 1500)
    p = _judged(run, "slice-tweets", cases)
    gold = np.asarray([case.label for case in cases])
    found = Scores(tuple(cases), p, p[:, 0], np.zeros((len(cases), 2), int), 3)
    said = scores.said(found)
    right = (said == gold).astype(float)
    low, high = metrics.mean_interval(right, found.groups)
    return [
        Row(
            "slice: tweets", "RumourEval replies", len(cases), float(right.mean()), low, high,
            {"macro-F1": metrics.macro_f1(gold, said), "majority": _commonest(gold)}, note=TWEETS,
        )
    ]  # fmt: skip


def _judged(run: Run, name: str, cases: list[Case]) -> np.ndarray:
    found: dict[str, Any] = run.kept(name, lambda: scores.judge(run, name, cases))
    return np.asarray(found["p"], dtype=float).reshape(-1, 3)
