"""What answers show: shares with intervals, sensitivity and bias, and when kinds are the same.

Answers of one person are no independent evidence about people. So the interval is a bootstrap over
people where there are ``LEAST_CLUSTERS``, over rounds where there are as many of these, and else
Wilson's, which takes every answer for itself; ``Score.interval`` tells which.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from statistics import NormalDist
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from gnomon.types.quiz import Estimate, Rate, Said, Score

CHANCE = 0.5
"""Each question is a person's or a machine's by the toss of a coin."""
MARGIN = 0.05
"""Within so much of chance two kinds count as the same: five in a hundred answers."""
LEAST_CLUSTERS = 10
RESAMPLES = 4000
MOST_EXACT = 1000
"""Answers up to which the exact test is asked, too."""
_SEED = 20261122
_ALPHA = 0.05
_NORMAL = NormalDist()

Counts = NDArray[np.float64]
"""Of a cluster, or of several: machine's pictures, those taken for machine's; people's pictures,
those taken for machine's. [..., 4]"""


def wilson(times: int, of: int, alpha: float = _ALPHA) -> Estimate:
    """A share and its score interval at ``1 - alpha`` (Wilson 1927;
    https://en.wikipedia.org/wiki/Binomial_proportion_confidence_interval#Wilson_score_interval)."""
    assert 0 <= times <= of > 0, (times, of)
    z = _NORMAL.inv_cdf(1 - alpha / 2)
    share = times / of
    middle = (share + z * z / (2 * of)) / (1 + z * z / of)
    half = z / (1 + z * z / of) * math.sqrt(share * (1 - share) / of + (z / (2 * of)) ** 2)
    low = 0.0 if times == 0 else max(0.0, middle - half)
    high = 1.0 if times == of else min(1.0, middle + half)
    return Estimate(share, low, high)


def sensitivity(hits: int, signals: int, alarms: int, noise: int) -> tuple[float, float]:
    """d' and the criterion c of ``hits`` among ``signals`` and false ``alarms`` among ``noise``.

    Log-linear correction (Hautus 1995, https://doi.org/10.3758/BF03203619): half an answer is added
    to each count, so that no rate is 0 or 1 (https://en.wikipedia.org/wiki/Sensitivity_index).
    """
    hit = _NORMAL.inv_cdf((hits + 0.5) / (signals + 1))
    alarm = _NORMAL.inv_cdf((alarms + 0.5) / (noise + 1))
    return hit - alarm, -(hit + alarm) / 2


def score(said: Sequence[Said]) -> Score:
    """What these answers show; the same answers always show the same."""
    people, rounds = (sorted({getattr(one, name) for one in said}) for name in ("person", "round"))
    clusters, interval = _clusters(said, len(people), len(rounds))
    total = _count(said)
    machines, caught, humans, doubted = (int(value) for value in total)
    wide = _Intervals(clusters, _ALPHA)
    narrow = _Intervals(clusters, 2 * _ALPHA)
    good, missed = caught + humans - doubted, machines - caught
    right = wide.share(_right, good, len(said))
    within = narrow.share(_right, good, len(said)).share
    prime, bias = None, None
    if machines and humans:
        value, bias = sensitivity(caught, machines, doubted, humans)
        prime = wide.prime(value, total)
    return Score(
        answers=len(said),
        people=len(people),
        rounds=len(rounds),
        right=right,
        machine_as_person=wide.share(_missed, missed, machines),
        person_as_machine=wide.share(_doubted, doubted, humans),
        d_prime=prime,
        bias=bias,
        interval=interval,
        chance=CHANCE,
        differs=_differs(right),
        margin=MARGIN,
        within=within,
        equivalent=within is not None
        and within.low > CHANCE - MARGIN
        and within.high < CHANCE + MARGIN,
    )


def _differs(right: Rate) -> Literal["above", "below", ""]:
    """Where the interval leaves chance out, and the exact test does not object: Wilson's interval
    of four right answers out of four lies above one half, and one in eight guessers has four
    alike."""
    if right.share is None or not _unlikely(right.times, right.of):
        return ""
    return "above" if right.share.low > CHANCE else "below" if right.share.high < CHANCE else ""


def _unlikely(times: int, of: int) -> bool:
    """Whether tossing a coin gives so one-sided a count, either way, less often than in 5 of 100
    (exact binomial test; of many answers the interval says the same)."""
    if of > MOST_EXACT:
        return True
    extreme = max(times, of - times)
    tail = sum(math.comb(of, count) for count in range(extreme, of + 1))
    return 2 * tail * 20 < 1 << of


def _count(said: Sequence[Said]) -> Counts:
    machines = [one for one in said if one.by == "machine"]
    people = [one for one in said if one.by == "person"]
    counts = [len(machines), sum(one.said == "machine" for one in machines),
              len(people), sum(one.said == "machine" for one in people)]  # fmt: skip
    return np.array(counts, np.float64)


def _clusters(said: Sequence[Said], people: int, rounds: int) -> tuple[Counts | None, str]:
    """The counts of each cluster [K, 4], and what the interval is to be called."""
    if max(people, rounds) < LEAST_CLUSTERS:
        return None, "wilson"
    by_person = people >= LEAST_CLUSTERS
    groups: dict[str, list[Said]] = {}
    for one in said:
        groups.setdefault(one.person if by_person else one.round, []).append(one)
    counts = np.stack([_count(groups[name]) for name in sorted(groups)])
    return counts, f"bootstrap over {'people' if by_person else 'rounds'}"


def _right(counts: Counts) -> tuple[Counts, Counts]:
    machines, caught, humans, doubted = np.moveaxis(counts, -1, 0)
    return caught + humans - doubted, machines + humans


def _missed(counts: Counts) -> tuple[Counts, Counts]:
    return counts[..., 0] - counts[..., 1], counts[..., 0]


def _doubted(counts: Counts) -> tuple[Counts, Counts]:
    return counts[..., 3], counts[..., 2]


class _Intervals:
    """Intervals at ``1 - alpha``, by resampling ``clusters`` or, without any, answer by answer."""

    def __init__(self, clusters: Counts | None, alpha: float) -> None:
        self._alpha = alpha
        self._drawn: Counts | None = None
        if clusters is not None:
            size = (RESAMPLES, len(clusters))
            picked = np.random.default_rng(_SEED).integers(len(clusters), size=size)
            self._drawn = clusters[picked].sum(axis=1)
            self._tail = _expanded(alpha, len(clusters))

    def share(self, of: Callable[[Counts], tuple[Counts, Counts]], times: int, all: int) -> Rate:
        """Of a bootstrap and of Wilson's interval the outer ends: ten people who are all right
        have no spread, and are still only ten people."""
        if not all:
            return Rate(times, all, None)
        plain = wilson(times, all, self._alpha)
        if self._drawn is None:
            return Rate(times, all, plain)
        some, whole = of(self._drawn)
        held = whole > 0
        low, high = self._ends(some[held] / whole[held])
        return Rate(times, all, Estimate(plain.value, min(low, plain.low), max(high, plain.high)))

    def prime(self, value: float, total: Counts) -> Estimate:
        """d' with its interval; answer by answer after Gourevitch and Galanter 1967
        (https://doi.org/10.1007/BF02289402)."""
        spread = _NORMAL.inv_cdf(1 - self._alpha / 2) * math.sqrt(_variance(total))
        low, high = value - spread, value + spread
        if self._drawn is not None:
            machines, caught, humans, doubted = np.moveaxis(self._drawn, -1, 0)
            hit, alarm = (caught + 0.5) / (machines + 1), (doubted + 0.5) / (humans + 1)
            primes = np.array([_NORMAL.inv_cdf(h) - _NORMAL.inv_cdf(a)
                               for h, a in zip(hit, alarm, strict=True)])  # fmt: skip
            ends = self._ends(primes)
            low, high = min(low, ends[0]), max(high, ends[1])
        return Estimate(value, low, high)

    def _ends(self, values: Counts) -> tuple[float, float]:
        low, high = np.quantile(values, [self._tail, 1 - self._tail])
        return float(low), float(high)


def _variance(total: Counts) -> float:
    machines, caught, humans, doubted = (float(value) for value in total)
    variance = 0.0
    for times, of in ((caught, machines), (doubted, humans)):
        rate = (times + 0.5) / (of + 1)
        height = _NORMAL.pdf(_NORMAL.inv_cdf(rate))
        variance += rate * (1 - rate) / ((of + 1) * height**2)
    return variance


def _expanded(alpha: float, clusters: int) -> float:
    """The tail at which percentiles of a bootstrap are read: few clusters make it too narrow, so
    it is widened as a t interval is (Hesterberg 2015; https://arxiv.org/abs/1411.5279).
    """
    wider = math.sqrt(clusters / (clusters - 1)) * student(1 - alpha / 2, clusters - 1)
    return _NORMAL.cdf(-wider)


def student(p: float, freedom: int) -> float:
    """The quantile of Student's t (Abramowitz and Stegun 26.7.5), good to 0.002 from nine degrees
    of freedom on."""
    z = _NORMAL.inv_cdf(p)
    first = (z**3 + z) / 4
    second = (5 * z**5 + 16 * z**3 + 3 * z) / 96
    third = (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384
    fourth = (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160
    return z + first / freedom + second / freedom**2 + third / freedom**3 + fourth / freedom**4
