"""Whether what is asked now still looks like what confidence was calibrated on.

A calibration, and the risk that it holds, are only good for questions like those it was fitted on
(exchangeability, https://arxiv.org/abs/2107.07511 section 4.3). The confidences of the verdicts
in the journal are compared with those of the calibration data: a running two-sample check that
needs no labels. It sees that the stream has changed, not whether the verdicts are wrong.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gnomon.truth.confidence import ANY, Calibration

BINS = 10
# Answers looked at, the newest first, and verdicts below which nothing is said.
ANSWERS, LEAST = 500, 50
# Population stability index: under 0.1 nothing, above 0.25 another population (Siddiqi 2006,
# "Credit Risk Scorecards"; the sums of the two are those of the symmetric KL divergence).
MOVED = 0.25
# What chance makes of it: PSI / (1/n + 1/m) is chi-squared with BINS - 1 degrees of freedom where
# nothing has changed (Yurdakul 2018, https://scholarworks.wmich.edu/dissertations/3208); this is
# its 99.9 % point.
CHANCE = 27.88


@dataclass(frozen=True, slots=True)
class Drift:
    """``psi`` over the journal's ``verdicts``; ``moved`` where index and chance both say so."""

    verdicts: int
    psi: float
    moved: bool

    @property
    def said(self) -> str:
        """One sentence for the status."""
        if self.verdicts < LEAST:
            return f"{self.verdicts} verdicts are journalled; {LEAST} are needed to tell drift"
        if self.moved:
            return (
                f"what is asked has moved away from what was calibrated on (PSI {self.psi:.2f} "
                f"over {self.verdicts} verdicts): the risk may not hold; calibrate anew"
            )
        return f"no drift (PSI {self.psi:.2f} over {self.verdicts} verdicts)"


def drift(receipts: Iterable[Mapping[str, Any]], calibration: Calibration) -> Drift:
    """Of journalled answers, as their JSON bodies, the newest first."""
    found = list(confidences(receipts))
    table = calibration.verdicts[ANY]
    if not found or not table.shares:
        return Drift(0, 0.0, False)
    counts = [0] * BINS
    for p in found:
        counts[min(BINS - 1, int(p * BINS))] += 1
    n, m = len(found), max(1, table.given[0])
    # Half a verdict in each bin, so that an empty one is not infinitely far from a rare one.
    now = [(count + 0.5) / (n + 0.5 * BINS) for count in counts]
    then = [(share * m + 0.5) / (m + 0.5 * BINS) for share in table.shares]
    psi = stability(then, now)
    moved = n >= LEAST and psi > MOVED and psi / (1 / n + 1 / m) > CHANCE
    return Drift(n, round(psi, 4), moved)


def stability(then: Sequence[float], now: Sequence[float]) -> float:
    """The population stability index of two distributions over the same bins, all above 0."""
    return math.fsum((b - a) * math.log(b / a) for a, b in zip(then, now, strict=True))


def confidences(receipts: Iterable[Mapping[str, Any]]) -> Iterator[float]:
    """How sure the verdicts for or against were, those that were then not given included."""
    for body in receipts:
        for verdict in body.get("verdicts", ()):
            if verdict.get("label") in ("supported", "refuted"):
                yield float(verdict["confidence"])
        for item in body.get("left_out", ()):
            if item.get("confidence") is not None:
                yield float(item["confidence"])
