"""Scores of groupings, each with a bootstrap 95 % interval over its units.

B-cubed after Bagga and Baldwin 1998 (https://aclanthology.org/P98-1012/); percentile bootstrap
after Efron 1979 (https://doi.org/10.1214/aos/1176344552), drawing whole units (a seed with its
edits, an event, a thread), because what lies within one is not independent.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

DRAWS = 1000

Groups = Mapping[str, str]


def interval(
    parts: Mapping[str, Sequence[float]], score: Callable[[np.ndarray], float], seed: int = 0
) -> dict[str, Any]:
    """``score`` of the column sums of ``parts`` (by unit, numbers that add up), and the interval
    when units are drawn with replacement."""
    rows = np.array(list(parts.values()), float)
    rng = np.random.default_rng(seed)
    drawn = (rows[rng.integers(0, len(rows), len(rows))].sum(0) for _ in range(DRAWS))
    low, high = np.percentile([score(row) for row in drawn], [2.5, 97.5])
    value = float(score(rows.sum(0)))
    return {"value": round(value, 4), "low": round(float(low), 4), "high": round(float(high), 4)}


def share(parts: Mapping[str, Sequence[float]]) -> dict[str, Any]:
    """Of (hits, tries) by unit: the share of hits. An interval of a share that is 0 or 1 says what
    was seen, not what is possible: ``n`` tells how much was looked at."""
    found = interval(parts, lambda row: row[0] / row[1] if row[1] else 0.0)
    return {**found, "n": int(sum(row[1] for row in parts.values()))}


def b_cubed(found: Groups, gold: Groups, unit: Mapping[str, str]) -> dict[str, Any]:
    """Precision, recall and F1 of ``found`` against ``gold`` (origin by post), by ``unit``."""
    inside: dict[str, Counter[str]] = defaultdict(Counter)
    size_found, size_gold = Counter(found.values()), Counter(gold[i] for i in found)
    for ref, origin in found.items():
        inside[origin][gold[ref]] += 1
    parts: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0, 0.0])
    for ref in found:
        both = inside[found[ref]][gold[ref]]
        row = parts[unit[ref]]
        row[0] += both / size_found[found[ref]]
        row[1] += both / size_gold[gold[ref]]
        row[2] += 1
    return {
        "precision": interval(parts, lambda row: row[0] / row[2]),
        "recall": interval(parts, lambda row: row[1] / row[2]),
        "f1": interval(parts, lambda row: 2 * row[0] * row[1] / (row[0] + row[1]) / row[2]),
    }


def exact_count(found: Groups, gold: Groups, unit: Mapping[str, str]) -> dict[str, Any]:
    """The share of units with as many origins as there are, and all found against all there are."""
    ours: dict[str, set[str]] = defaultdict(set)
    theirs: dict[str, set[str]] = defaultdict(set)
    for ref, origin in found.items():
        ours[unit[ref]].add(origin)
        theirs[unit[ref]].add(gold[ref])
    parts = {one: (float(len(ours[one]) == len(theirs[one])), 1.0) for one in theirs}
    return {
        **share(parts),
        "origins": len(set(found.values())),
        "gold": len({gold[i] for i in found}),
    }


def false_merges(found: Groups, gold: Groups, unit: Mapping[str, str]) -> dict[str, Any]:
    """Of the origins there are: the share that stand, wholly or in part, under another's root."""
    under: dict[str, set[str]] = defaultdict(set)
    for ref, origin in found.items():
        under[origin].add(gold[ref])
    wrong = {
        one
        for origin, several in under.items()
        for one in several
        if len(several) > 1 and one != gold.get(origin, origin)
    }
    parts: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])
    for ref in found:
        if gold[ref] == ref:
            parts[unit[ref]][0] += ref in wrong
            parts[unit[ref]][1] += 1
    return share(parts)
