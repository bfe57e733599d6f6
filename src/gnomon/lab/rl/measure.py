"""Pass@1 before and after on held-out tasks, and how sure the difference is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from gnomon.lab.rl.tasks import Family, Side, Task, drawn

RESAMPLES = 10_000


@dataclass(frozen=True, slots=True)
class Gain:
    """Mean pass@1 over ``tasks``, 0 to 1, and a 95 % interval of its change: a paired bootstrap
    over tasks (percentiles; Efron and Tibshirani 1993, chapter 13)."""

    before: float
    after: float
    gain: float
    low: float
    high: float
    tasks: int

    @property
    def verdict(self) -> str:
        """What may be said of it."""
        if self.low > 0:
            return "gain"
        return "loss" if self.high < 0 else "no gain"

    def as_json(self) -> dict[str, Any]:
        return {**{k: round(v, 4) for k, v in asdict(self).items()}, "verdict": self.verdict}


def gain(before: Sequence[float], after: Sequence[float], *, seed: int = 0) -> Gain:
    """``before`` and ``after`` hold each task's share of right replies, in one order."""
    first, last = np.asarray(before, float), np.asarray(after, float)
    assert len(first) == len(last) > 0
    change = last - first
    drawn = np.random.default_rng(seed).integers(0, len(change), (RESAMPLES, len(change)))
    low, high = np.percentile(change[drawn].mean(axis=1), (2.5, 97.5))
    return Gain(
        float(first.mean()), float(last.mean()), float(change.mean()), float(low), float(high),
        len(change),
    )  # fmt: skip


def by_family(
    tasks: Sequence[Task], before: Sequence[float], after: Sequence[float]
) -> dict[str, tuple[float, float, int]]:
    """For each family pass@1 before, after, and its number of tasks."""
    found = {}
    for name in dict.fromkeys(task.family for task in tasks):
        places = [i for i, task in enumerate(tasks) if task.family == name]
        found[name] = (
            float(np.mean([before[i] for i in places])),
            float(np.mean([after[i] for i in places])),
            len(places),
        )
    return found


def held_out(
    families: Mapping[str, Family], side: Side, *, per_level: int, seed: int, tries: int = 4
) -> list[Task]:
    """Up to ``per_level`` tasks of each family and difficulty on one side, no key twice (a small
    level has few keys: it gives what it has)."""
    found: list[Task] = []
    for family in families.values():
        seen: set[str] = set()
        for difficulty in range(1, family.levels + 1):
            level: list[Task] = []
            for number in range(per_level * tries):
                task = drawn(family, seed + number, difficulty, side)
                if task.key not in seen and len(level) < per_level:
                    seen.add(task.key)
                    level.append(task)
            found += level
    return found
