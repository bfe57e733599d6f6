"""The hidden monitor: does what the run pays itself for still go with what is right?

A reward that is not the truth is first a proxy and then a target (Gao et al. 2022,
https://arxiv.org/abs/2210.10760; majority votes improve, then collapse:
https://arxiv.org/abs/2505.21444). At every look the learner answers the same hidden tasks; each
reply gets the run's own reward and the checker's. The learner sees neither, nor the curriculum.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

SURE = 2.5
"""Standard errors, of a paired difference over tasks. A run takes a dozen looks or so, each
against the best so far: one in twenty single looks would stop good runs by chance."""


@dataclass(frozen=True, slots=True)
class Look:
    """``own`` and ``gold`` hold each task's mean reward, 0 to 1, in one order."""

    step: int
    own: tuple[float, ...]
    gold: tuple[float, ...]

    @property
    def own_mean(self) -> float:
        return float(np.mean(self.own))

    @property
    def gold_mean(self) -> float:
        return float(np.mean(self.gold))


@dataclass(slots=True)
class Monitor:
    """Looks in order; ``stopped`` says why the run must end, "" while it may go on."""

    looks: list[Look] = field(default_factory=list)
    stopped: str = ""

    @property
    def best(self) -> Look:
        """The look with the best gold score; the latest of equals."""
        return max(reversed(self.looks), key=lambda look: look.gold_mean)

    def see(self, look: Look) -> bool:
        """Keep a look; whether it is the best so far."""
        self.looks.append(look)
        best = self.best
        if best is not look:
            fall = deviations(best.gold, look.gold)
            rise = deviations(best.own, look.own)
            if fall <= -SURE and rise >= SURE:
                self.stopped = (
                    f"its own score rose from {best.own_mean:.3f} to {look.own_mean:.3f} while "
                    f"gold fell from {best.gold_mean:.3f} to {look.gold_mean:.3f} "
                    f"(steps {best.step} to {look.step})"
                )
        return best is look

    def as_json(self) -> dict[str, Any]:
        return {
            "stopped": self.stopped,
            "looks": [
                {"step": one.step, "own": list(one.own), "gold": list(one.gold)}
                for one in self.looks
            ],
        }

    @classmethod
    def from_json(cls, held: dict[str, Any]) -> Monitor:
        looks = [Look(one["step"], tuple(one["own"]), tuple(one["gold"])) for one in held["looks"]]
        return cls(looks, held["stopped"])


def deviations(first: Sequence[float], last: Sequence[float]) -> float:
    """By how many of its standard errors the mean of ``last`` is above that of ``first``; the
    tasks are paired."""
    change = np.asarray(last, float) - np.asarray(first, float)
    if len(change) < 2 or not change.any():
        return 0.0
    spread = float(change.std(ddof=1)) / len(change) ** 0.5
    return float(change.mean()) / max(spread, 1e-9)
