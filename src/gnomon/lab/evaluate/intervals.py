"""How sure a number is: 95 % intervals."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

Z = 1.959963984540054
"""Of the normal distribution, two-sided 95 %."""
RESAMPLES = 1000


def wilson(successes: float, n: int) -> tuple[float, float]:
    """Of a share (Wilson 1927, https://doi.org/10.1080/01621459.1927.10502953)."""
    if n == 0:
        return 0.0, 1.0
    share = successes / n
    middle = (share + Z * Z / (2 * n)) / (1 + Z * Z / n)
    half = Z / (1 + Z * Z / n) * math.sqrt(share * (1 - share) / n + Z * Z / (4 * n * n))
    return max(0.0, middle - half), min(1.0, middle + half)


def ratio(above: Sequence[float], below: Sequence[float], seed: int = 0) -> tuple[float, float]:
    """Of ``sum(above) / sum(below)`` over items that are drawn anew (the percentile bootstrap,
    Efron 1979, https://doi.org/10.1214/aos/1176344552)."""
    top, bottom = np.asarray(above, float), np.asarray(below, float)
    rng = np.random.default_rng(seed)
    drawn = rng.integers(0, len(top), (RESAMPLES, len(top)))
    values = top[drawn].sum(1) / bottom[drawn].sum(1)
    low, high = np.percentile(values, (2.5, 97.5))
    return float(low), float(high)


def mean(values: Sequence[float], seed: int = 0) -> tuple[float, float]:
    """Of a mean of numbers that are no shares, by the same bootstrap."""
    return ratio(values, [1.0] * len(values), seed)
