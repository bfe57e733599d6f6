"""What a probability is worth: calibration of judgements and verdicts, and when to abstain.

A ``Calibration`` is a small table that was fitted on development data for one verifier
(``truth.calibrate`` fits it, ``bench/truth/calibrate.py`` makes the file). It does three things:

- a judgement's three probabilities are tempered or bent so that "0.8" is right in 8 of 10 such
  cases, per kind of source (Guo et al. 2017, https://arxiv.org/abs/1706.04599; isotonic one against
  the rest: Zadrozny and Elkan 2002, https://doi.org/10.1145/775047.775151);
- a verdict's masses, origins and best judgements become the probability that its label is right;
- a verdict less sure than the threshold for the owner's risk says "not enough evidence". The
  threshold is the lowest at which the share of wrong verdicts among those given is shown to be at
  most the risk, by fixed-sequence testing (Learn then Test, Angelopoulos et al. 2021,
  https://arxiv.org/abs/2110.01052; for selective risk: Geifman and El-Yaniv 2017,
  https://arxiv.org/abs/1705.08500).

A table without rows for a kind of source falls back to that of all kinds together, ``ANY``.
"""

from __future__ import annotations

import json
import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any

from gnomon.errors import ConfigError, ModelMismatch
from gnomon.types import Evidence, Judgement, Label, Post

ANY = "any"
FORMAT = 1
# The chance that the calibration data flattered us and the share of wrong verdicts is above the
# risk all the same: the delta of Learn then Test.
DELTA = 0.1
# The grid of thresholds, set before any data is seen: 0.00, 0.01 ... 1.00.
STEPS = 100
_FLOOR = 1e-4


def kind_of(post: Post | Evidence) -> str:
    """The kind of source that a post is calibrated as: "document" (a titled file of the owner's),
    "report" (anything else that has a title, as articles do) or "post"."""
    if not post.title:
        return "post"
    return "document" if post.source.startswith("file") else "report"


@dataclass(frozen=True, slots=True)
class Curve:
    """A non-decreasing map of [0, 1] to itself: ``ys[i]`` at ``xs[i]``, straight between, level
    beyond the ends."""

    xs: tuple[float, ...]
    ys: tuple[float, ...]

    def __call__(self, x: float) -> float:
        i = bisect_right(self.xs, x)
        if i == 0:
            return self.ys[0]
        if i == len(self.xs):
            return self.ys[-1]
        x0, x1, y0, y1 = self.xs[i - 1], self.xs[i], self.ys[i - 1], self.ys[i]
        return y0 + (y1 - y0) * (x - x0) / (x1 - x0)


@dataclass(frozen=True, slots=True)
class PairTable:
    """How three probabilities are bent: by ``temperature`` where ``curves`` is empty, else by a
    curve each (supports, refutes, neither). ``n`` pairs were behind it; ``ece`` is the expected
    calibration error of those left out of the fit, before and after."""

    n: int
    temperature: float = 1.0
    curves: tuple[Curve, ...] = ()
    ece: tuple[float, float] = (0.0, 0.0)

    def __call__(self, p: Sequence[float]) -> tuple[float, float, float]:
        """The calibrated probabilities of (supports, refutes, neither); they sum to 1."""
        if self.curves:
            raw = [max(curve(x), _FLOOR) for curve, x in zip(self.curves, p, strict=True)]
        else:
            raw = [max(x, _FLOOR) ** (1.0 / self.temperature) for x in p]
        total = math.fsum(raw)
        supports, refutes, neither = (x / total for x in raw)
        return supports, refutes, neither


@dataclass(frozen=True, slots=True)
class Side:
    """What one side brings: the sum of its votes, its number of origins, and the probability of its
    best judgement."""

    mass: float = 0.0
    origins: int = 0
    best: float = 0.0


# Mass at which a further vote begins to count for less, and the number of origins beyond which
# further ones say nothing new about how often we are wrong.
HALF_MASS, MOST_ORIGINS = 0.2, 4


def features(own: Side, other: Side) -> tuple[float, ...]:
    """What the probability of one side is read from, ``[6]``; the other side's are the same with
    the two exchanged, so that no side is favoured."""
    return (
        1.0,
        math.log1p(own.mass / HALF_MASS),
        math.log1p(other.mass / HALF_MASS),
        own.best,
        other.best,
        min(own.origins, MOST_ORIGINS) / MOST_ORIGINS,
    )


def both_sides(one: Side, other: Side) -> tuple[float, ...]:
    """What the probability of a dispute is read from, ``[3]``: the weaker side."""
    return (1.0, math.log1p(min(one.mass, other.mass) / HALF_MASS), min(one.best, other.best))


LABELS = (Label.SUPPORTED, Label.REFUTED, Label.DISPUTED, Label.NOT_ENOUGH)


@dataclass(frozen=True, slots=True)
class VerdictTable:
    """From what both sides bring to the probability of each label, and how far to trust it.

    ``side`` ``[6]`` and ``dispute`` ``[3]`` are the weights of a softmax over the four labels (the
    score of "not enough" is 0); ``curve`` bends the winner's probability. ``given[i]`` and
    ``wrong[i]`` count the verdicts for or against at confidence >= i / STEPS in the other half of
    the data, and those of them that were wrong. ``starts`` are the indices at which testing begins,
    chosen on the first half. ``shares`` are the relative frequencies of confidences in
    ten equal parts of [0, 1], for drift. ``ece`` as in PairTable, of the other half.
    """

    n: int
    side: tuple[float, ...]
    dispute: tuple[float, ...]
    curve: Curve
    given: tuple[int, ...]
    wrong: tuple[int, ...]
    starts: tuple[int, ...]
    shares: tuple[float, ...] = ()
    ece: float = 0.0

    def probabilities(self, for_: Side, against: Side) -> dict[Label, float]:
        """The probability of each label; they sum to 1."""
        scores = {
            Label.SUPPORTED: _dot(self.side, features(for_, against)),
            Label.REFUTED: _dot(self.side, features(against, for_)),
            Label.DISPUTED: _dot(self.dispute, both_sides(for_, against)),
            Label.NOT_ENOUGH: 0.0,
        }
        top = max(scores.values())
        raw = {label: math.exp(score - top) for label, score in scores.items()}
        total = math.fsum(raw.values())
        return {label: value / total for label, value in raw.items()}

    def confidence(self, label: Label, for_: Side, against: Side) -> float:
        """The probability that ``label`` is right, 0..1."""
        p = self.probabilities(for_, against)[label]
        return self.curve(p) if label in (Label.SUPPORTED, Label.REFUTED) else p

    def threshold(self, risk: float, delta: float = DELTA) -> float | None:
        """The lowest confidence from which on at most ``risk`` of the verdicts given are wrong,
        but for a chance of ``delta``; None where these data cannot show it for any.

        Fixed-sequence testing downwards from each of ``starts``, which share ``delta`` between
        them: each step tests "the share of wrong ones is above the risk" by the exact binomial
        tail, and the first that cannot be rejected ends it. A lower risk rejects less at every
        step, so it never answers more.
        """
        return 0.0 if risk >= 1.0 else _threshold(self, risk, delta)


@lru_cache(maxsize=64)
def _threshold(table: VerdictTable, risk: float, delta: float) -> float | None:
    found = None
    for start in table.starts:
        for i in range(start, -1, -1):
            if binomial_tail(table.wrong[i], table.given[i], risk) > delta / len(table.starts):
                break
            found = i if found is None else min(found, i)
    return None if found is None else found / STEPS


def _dot(a: Sequence[float], b: Sequence[float]) -> float:
    return math.fsum(x * y for x, y in zip(a, b, strict=True))


def binomial_tail(k: int, n: int, p: float) -> float:
    """P(X <= k) for X ~ Binomial(n, p), summed in logarithms."""
    if p <= 0.0 or k >= n:
        return 1.0
    if p >= 1.0:
        return 0.0
    log_p, log_q, whole = math.log(p), math.log1p(-p), math.lgamma(n + 1)

    def log_chance(i: int) -> float:
        ways = whole - math.lgamma(i + 1) - math.lgamma(n - i + 1)
        return ways + i * log_p + (n - i) * log_q

    return min(1.0, math.fsum(math.exp(log_chance(i)) for i in range(k + 1)))


@dataclass(frozen=True, slots=True)
class Calibration:
    """The fitted tables of one verifier. ``verifier`` and ``verifier_sha256`` say whose they are,
    ``date`` (ISO 8601) when they were fitted, ``data`` on what (name to SHA-256 of the file and
    the number of rows used)."""

    verifier: str
    verifier_sha256: str
    date: str
    data: Mapping[str, Mapping[str, Any]]
    pairs: Mapping[str, PairTable]
    verdicts: Mapping[str, VerdictTable]

    def judgement(self, judgement: Judgement, kind: str) -> Judgement:
        """``judgement`` with probabilities that mean what they say; its rule is kept."""
        table = self.pairs.get(kind) or self.pairs.get(ANY)
        if table is None:
            return judgement
        p = table((judgement.supports, judgement.refutes, judgement.neither))
        return Judgement(*p, rule=judgement.rule)

    def table(self, kind: str) -> VerdictTable:
        """The table of verdicts whose evidence is of ``kind``."""
        return self.verdicts.get(kind) or self.verdicts[ANY]


# How the rule of a verdict that is not given begins.
ABSTAINS = "abstains: "


@dataclass(frozen=True, slots=True)
class Trust:
    """A calibration and the risk that the owner accepts: the share of wrong ones among the
    verdicts "supported" and "refuted" that are given, 0..1."""

    calibration: Calibration
    risk: float

    def abstains(self, confidence: float, kind: str) -> str:
        """Why a verdict of this confidence is not given; "" where it is."""
        table = self.calibration.table(kind)
        least = table.threshold(self.risk)
        behind = f"calibrated {self.calibration.date} on n={table.n:,}"
        risk = f"{100 * self.risk:g} %"
        if least is None:
            return f"{ABSTAINS}no confidence holds a risk of {risk} ({behind})"
        if confidence >= least:
            return ""
        return (
            f"{ABSTAINS}confidence {_short(confidence)} under {_short(least)}, "
            f"the threshold for a {risk} risk ({behind})"
        )


def _short(p: float) -> str:
    """A probability without its leading zero, rounded down: never shown as what it is not yet."""
    return f"{math.floor(100 * p) / 100:.2f}".removeprefix("0")


# ------------------------------------------------------------------------------- the file


def to_json(calibration: Calibration) -> str:
    """The file's text: one number table a line, so that a new fit can be read as a difference."""
    body = {"format": FORMAT, **asdict(calibration)}
    return json.dumps(body, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def load(path: Path, verifier: str, verifier_sha256: str) -> Calibration:
    """Read a calibration of the verifier of this name and hash.

    Raises ConfigError for a file that is none, and ModelMismatch for another verifier's: its
    numbers would say nothing about this one.
    """
    again = "make it anew with bench/truth/calibrate.py"
    try:
        body = json.loads(path.read_text(encoding="utf-8"))
        if body["format"] != FORMAT:
            raise ConfigError(f"{path} has format {body['format']!r}, not {FORMAT}; {again}.")
        found = Calibration(
            verifier=str(body["verifier"]),
            verifier_sha256=str(body["verifier_sha256"]),
            date=str(body["date"]),
            data=dict(body["data"]),
            pairs={kind: _pair_table(row) for kind, row in body["pairs"].items()},
            verdicts={kind: _verdict_table(row) for kind, row in body["verdicts"].items()},
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ConfigError(f"{path} is no calibration ({error!r}); {again}.") from error
    if ANY not in found.verdicts:
        raise ConfigError(f"{path} has no verdicts of {ANY!r}; {again}.")
    if (found.verifier, found.verifier_sha256) != (verifier, verifier_sha256):
        raise ModelMismatch(
            f"{path} calibrates {found.verifier!r} ({found.verifier_sha256[:12]}), not "
            f"{verifier!r} ({verifier_sha256[:12]}); {again}."
        )
    return found


def _curve(row: Mapping[str, Sequence[float]]) -> Curve:
    xs, ys = tuple(map(float, row["xs"])), tuple(map(float, row["ys"]))
    rising = all(a < b for a, b in pairwise(xs))
    level = all(a <= b for a, b in pairwise(ys))
    if not xs or len(xs) != len(ys) or not rising or not level:
        raise ValueError(f"a curve that does not rise: {xs[:4]} to {ys[:4]}")
    return Curve(xs, ys)


def _pair_table(row: Mapping[str, Any]) -> PairTable:
    if row["temperature"] <= 0:
        raise ValueError(f"temperature {row['temperature']}")
    before, after = row["ece"]
    return PairTable(
        n=int(row["n"]),
        temperature=float(row["temperature"]),
        curves=tuple(_curve(curve) for curve in row["curves"]),
        ece=(float(before), float(after)),
    )


def _verdict_table(row: Mapping[str, Any]) -> VerdictTable:
    given, wrong = tuple(map(int, row["given"])), tuple(map(int, row["wrong"]))
    if len(given) != STEPS + 1 or len(wrong) != STEPS + 1:
        raise ValueError(f"{len(given)} and {len(wrong)} steps of confidence, not {STEPS + 1}")
    starts = tuple(map(int, row["starts"]))
    if not all(0 <= i <= STEPS for i in starts) or (len(row["side"]), len(row["dispute"])) != (
        6,
        3,
    ):
        raise ValueError("weights or starts that do not fit")
    return VerdictTable(
        n=int(row["n"]),
        side=tuple(map(float, row["side"])),
        dispute=tuple(map(float, row["dispute"])),
        curve=_curve(row["curve"]),
        given=given,
        wrong=wrong,
        starts=starts,
        shares=tuple(map(float, row["shares"])),
        ece=float(row["ece"]),
    )
