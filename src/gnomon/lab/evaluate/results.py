"""What an evaluation found, with what guessing would have found beside it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from gnomon.lab.evaluate import intervals


@dataclass(frozen=True, slots=True)
class Result:
    """One number over ``n`` items of ``of``, with its 95 % interval. ``baseline`` is what
    ``guess`` scores on the same items."""

    set: str
    metric: str
    value: float
    low: float
    high: float
    n: int
    of: int
    baseline: float | None = None
    guess: str = ""
    higher_is_better: bool = True
    note: str = ""

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def share(
    set: str, metric: str, hits: Sequence[bool], of: int, *, baseline: float | None, guess: str,
    note: str = "",
) -> Result:  # fmt: skip
    """A share of hits with Wilson's interval."""
    low, high = intervals.wilson(sum(hits), len(hits))
    value = sum(hits) / len(hits)
    return Result(set, metric, value, low, high, len(hits), of, baseline, guess, note=note)


def commonest(answers: Sequence[Hashable]) -> float:
    """The share of the answer that is given most often: what always saying it scores."""
    return Counter(answers).most_common(1)[0][1] / len(answers)
