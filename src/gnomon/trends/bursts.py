"""Whether a count is more than its own past explains.

The model is a Poisson rate that is not known for sure and not quite constant. Of a term with counts
``y_h`` among ``E_h`` voices in the hours ``h`` before:

- *rate*: a gamma posterior (shape ``a + sum w_h y_h``, rate ``b + sum w_h E_h``), so that what has
  no past still has an expectation, and few counts leave much doubt (Gelman et al., Bayesian Data
  Analysis, section 2.6). The weights ``w_h`` halve every ``HALF_LIFE_S`` (power prior, Ibrahim and
  Chen 2000, https://doi.org/10.1214/ss/1009212673). The prior is that of terms of like frequency:
  see ``Prior``.
- *season*: a factor for the hour of day, and within it for the hour of the week, each a ratio of
  counts to their expectation, shrunk to 1 by ``SHRINK`` counts times the dispersion within
  slots (a gamma-Poisson smoother, as in Clayton and Kaldor 1987,
  https://doi.org/10.2307/2532003).
- *over-dispersion*: Pearson's chi-square of the past hours about that expectation by degrees of
  freedom, as in Farrington et al. 1996 (https://doi.org/10.2307/2983331) and Noufaily et al. 2013
  (https://doi.org/10.1002/sim.5595), pulled by ``SHRINK_HOURS`` hours to what terms of like
  frequency (the same octave of the rate) show; never below 1.

The count of the window is then negative binomial with that mean and variance. A term is looked at
because somebody said it, so p is the upper tail given at least one: for a term without a past that
is a logarithmic series (Fisher et al. 1943, https://doi.org/10.2307/1411), whose parameter is taken
from terms that were new in the hours before. Of thousands of terms looked at together, q is
Benjamini and Hochberg's (https://doi.org/10.1111/j.2517-6161.1995.tb02031.x).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

HOUR_S = 3600.0
HALF_LIFE_S = 7 * 86400.0
SHRINK = 20.0
SHRINK_HOURS = 24.0  # hours, or longer stretches where the window is longer
_DAY, _WEEK = 24, 168


@dataclass(frozen=True, slots=True)
class Prior:
    """What is expected of a term before its own past is seen.

    ``shape`` pseudo-counts in ``exposure`` voices; ``dispersion`` is the variance by the mean.
    """

    shape: float = 0.5
    exposure: float = 1.0
    dispersion: float = 1.5


@dataclass(frozen=True, slots=True)
class Past:
    """``counts`` ``[terms, hours]`` among ``exposure`` ``[hours]`` voices; ``start`` ``[hours]``
    are epoch seconds, each a whole hour, in order."""

    start: np.ndarray
    exposure: np.ndarray
    counts: np.ndarray


@dataclass(frozen=True, slots=True)
class Expectation:
    """Of each term ``[terms]``: the mean and the variance of its count in the window."""

    mean: np.ndarray
    variance: np.ndarray


def expect(
    past: Past,
    prior: Prior,
    slots: np.ndarray,
    exposure: np.ndarray,
    now: float,
    window_s: float,
) -> Expectation:
    """What a window of ``window_s`` seconds should hold that begins at ``now`` and covers the
    hours that begin at ``slots`` ``[k]`` (epoch seconds) with ``exposure`` ``[k]`` voices in each.
    """
    weight = 0.5 ** ((now - past.start) / HALF_LIFE_S)
    shape = prior.shape + past.counts @ weight
    total = prior.exposure + float(past.exposure @ weight)
    rate = shape / total
    day, week = hour_of_day(past.start), hour_of_week(past.start)
    base = rate[:, None] * past.exposure[None, :]
    daily, daily_doubt = _factors(past.counts, base, weight, day, _DAY)
    fitted = base * daily[:, day]
    weekly, weekly_doubt = _factors(past.counts, fitted, weight, week, _WEEK)
    fitted *= weekly[:, week]
    factor = daily[:, hour_of_day(slots)] * weekly[:, hour_of_week(slots)]
    mean = rate * (factor @ exposure)
    spread = _spread(past, fitted, weight, prior.dispersion, now, window_s)
    # And the doubt about the rate itself, and about the season.
    doubt = daily_doubt[:, hour_of_day(slots)] + weekly_doubt[:, hour_of_week(slots)]
    variance = mean * spread + mean**2 * (1 / shape + doubt.mean(axis=1) / len(slots))
    return Expectation(mean, variance)


def _spread(
    past: Past,
    fitted: np.ndarray,
    weight: np.ndarray,
    prior: float,
    now: float,
    window_s: float,
) -> np.ndarray:
    """``[terms]``: variance by mean at the length of the window. Hours of one burst move together,
    so a longer window is judged by stretches of its own length; a shorter one has the hour's rate,
    in which variance by mean less 1 falls with the mean."""
    if window_s <= HOUR_S:
        hourly = _dispersion(past.counts, fitted, weight, prior)
        shorter: np.ndarray = 1.0 + (hourly - 1.0) * window_s / HOUR_S
        return shorter
    block = ((now - past.start - 1) // window_s).astype(np.int64)
    blocks, where = np.unique(block, return_inverse=True)
    member = np.zeros((len(block), len(blocks)))
    member[np.arange(len(block)), where] = 1.0
    weights = 0.5 ** (blocks * window_s / HALF_LIFE_S)
    return _dispersion(past.counts @ member, fitted @ member, weights, prior)


def hour_of_day(start: np.ndarray) -> np.ndarray:
    return (start // HOUR_S).astype(np.int64) % _DAY


def hour_of_week(start: np.ndarray) -> np.ndarray:
    return (start // HOUR_S).astype(np.int64) % _WEEK


def _factors(
    counts: np.ndarray, expected: np.ndarray, weight: np.ndarray, slot: np.ndarray, slots: int
) -> tuple[np.ndarray, np.ndarray]:
    """``[terms, slots]``: counts by expectation in each slot, shrunk to 1, and the relative
    variance of that. The more the hours of one slot differ among themselves, the less they tell:
    the shrinkage grows with the dispersion within slots. Without a second look at any slot there
    is no season."""
    member = np.zeros((len(slot), slots))
    member[np.arange(len(slot)), slot] = 1.0
    free = len(slot) - len(np.unique(slot))
    if free <= 0:
        return np.ones((len(counts), slots)), np.zeros((len(counts), slots))
    said, due = (counts * weight) @ member, (expected * weight) @ member
    fitted = expected * (said / np.maximum(due, 1e-9))[:, slot]
    chi = ((counts - fitted) ** 2 / np.maximum(fitted, 0.05)).sum(axis=1)
    within = np.maximum(1.0, chi / free)[:, None]
    shrink = SHRINK * within
    # The doubt about a gamma posterior's mean is 1 / shape, in counts that are worth one each.
    return (shrink + said) / (shrink + due), within / (shrink + said)


def _dispersion(
    counts: np.ndarray, fitted: np.ndarray, weight: np.ndarray, prior: float
) -> np.ndarray:
    """``[terms]``, each pulled to the mean of its octave of frequency, and that to the prior."""
    hours = float(weight.sum())
    # Where next to nothing is expected, one count would be taken for any amount of dispersion.
    chi = ((counts - fitted) ** 2 / np.maximum(fitted, 0.05)) @ weight
    per_hour = (fitted @ weight) / max(hours, 1e-9)
    octave = np.clip(np.log2(np.maximum(per_hour, 2.0**-10)), -10, 20).astype(np.int64) + 10
    members = np.bincount(octave, minlength=32)
    sums = np.bincount(octave, chi, minlength=32)
    like = (prior * SHRINK_HOURS + sums) / (SHRINK_HOURS + members * hours)
    alike = np.where(per_hour < 1.0 / SHRINK_HOURS, np.maximum(like[octave], prior), like[octave])
    found: np.ndarray = np.maximum((alike * SHRINK_HOURS + chi) / (SHRINK_HOURS + hours), 1.0)
    return found


def new_dispersion(counts: np.ndarray) -> float:
    """Variance by mean of terms without a past, from the counts ``[n]`` (each at least 1) of such
    terms: that of the logarithmic series with their mean."""
    if len(counts) < 30:
        return 2.0
    mean = max(1.0005, float(counts.mean()))
    low, high = 1e-6, 1 - 1e-6
    for _ in range(50):  # the mean grows with theta
        theta = (low + high) / 2
        if -theta / ((1 - theta) * math.log1p(-theta)) < mean:
            low = theta
        else:
            high = theta
    return min(1 / (1 - low), 50.0)


def log_p(count: float, mean: float, variance: float) -> float:
    """Natural logarithm of P(X >= ``count`` | X >= 1)."""
    if count <= 1:
        return 0.0
    return min(0.0, log_tail(count, mean, variance) - log_tail(1, mean, variance))


def log_tail(count: float, mean: float, variance: float) -> float:
    """Natural logarithm of P(X >= ``count``), X negative binomial with ``mean`` and ``variance``
    (Poisson where that is no larger). ``count`` may be a fraction: voices are discounted.

    Summed upwards from ``count`` by the ratio of neighbouring terms, which is exact where it
    matters: far above the mean, where the terms fall geometrically.
    """
    if count <= 0:
        return 0.0
    mean = max(mean, 1e-12)
    if count <= mean:
        return _log_half(count, mean, variance)
    if variance <= mean * 1.0001:
        first = count * math.log(mean) - mean - math.lgamma(count + 1)
        size, chance = math.inf, 0.0
    else:
        size = mean * mean / (variance - mean)
        chance = mean / (mean + size)
        first = (
            math.lgamma(count + size) - math.lgamma(size) - math.lgamma(count + 1)
            + size * math.log1p(-chance) + count * math.log(chance)
        )  # fmt: skip
    total, term, k = 1.0, 1.0, count
    while term > 1e-9 * total and k < count + 1_000_000:
        k += 1
        term *= mean / k if math.isinf(size) else chance * (k - 1 + size) / k
        total += term
    return min(0.0, first + math.log(total))


def _log_half(count: float, mean: float, variance: float) -> float:
    """Of counts up to the mean, which never rise: the normal approximation is enough. One or more,
    on which others are conditioned, is exact."""
    if count == 1:
        if variance <= mean * 1.0001:
            return math.log(-math.expm1(-mean))
        size = mean * mean / (variance - mean)
        return math.log(-math.expm1(size * math.log(size / (size + mean))))
    deviation = math.sqrt(max(variance, mean))
    return math.log(0.5 * math.erfc((count - 0.5 - mean) / deviation / math.sqrt(2)))


def false_shares(log_p: list[float], tested: int) -> list[float]:
    """Benjamini and Hochberg's q of each, given that ``tested`` hypotheses were looked at, those
    of ``log_p`` among them and all others less extreme."""
    order = sorted(range(len(log_p)), key=lambda i: log_p[i])
    found, least = [1.0] * len(log_p), 1.0
    for rank, i in reversed(list(enumerate(order, 1))):
        least = min(least, math.exp(min(0.0, log_p[i] + math.log(tested / rank))))
        found[i] = least
    return found
