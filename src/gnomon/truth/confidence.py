"""What a probability is worth: calibration of judgements and verdicts, and when to abstain.

A ``Calibration`` is a small table that was fitted on development data for one verifier
(``truth.calibrate`` fits it, ``bench/truth/calibrate.py`` makes the file). It does three things:

- a judgement's three probabilities are tempered or bent so that "0.8" is right in 8 of 10 such
  cases, per kind of source (Guo et al. 2017, https://arxiv.org/abs/1706.04599; isotonic one against
  the rest: Zadrozny and Elkan 2002, https://doi.org/10.1145/775047.775151);
- a verdict's masses, origins and best judgements become the probability that its label is right;
- a verdict less sure than the threshold for the owner's risk says "not enough evidence". The risk
  is the share of checked claims that get a wrong verdict ("supported" or "refuted" where that is
  not so); the threshold is the lowest that keeps it by split conformal risk control (Angelopoulos
  et al. 2022, https://arxiv.org/abs/2208.02814), exact for as long as claims are like those it was
  calibrated on.

A table without rows for a kind of source falls back to that of all kinds together, ``ANY``. That
of posts is for verdicts that rest on accounts of no standing, and is fitted on verdicts about real
posts (``bench/truth/posts.py``); what a source says in its own words has a table of its own,
``QUOTED``.
"""

from __future__ import annotations

import json
import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

from gnomon.errors import ConfigError, ModelMismatch
from gnomon.truth import phrases
from gnomon.types import Evidence, Judgement, Label, Post

ANY = "any"
DOCUMENT = "document"
POST, REPORT = "post", "report"
QUOTED = "quoted"
_LIKE = {REPORT: POST}
FORMAT = 1
# The grid of thresholds, set before any data is seen: 0.00, 0.01 ... 1.00.
STEPS = 100
_FLOOR = 1e-4


def kind_of(post: Post | Evidence) -> str:
    """The kind of source that a post is calibrated as: "document" (a titled file of the owner's),
    "report" (anything else that has a title, as articles do) or "post"."""
    if not post.title:
        return POST
    return DOCUMENT if post.source.startswith("file") else REPORT


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
    """What one side brings: the sum of its votes, its number of origins, the probability of its
    best judgement, and the share of the claim's content words that its quotes hold, by their votes
    (``told``): "the dam" says less of a dam that burst than a quote with "burst" in it."""

    mass: float = 0.0
    origins: int = 0
    best: float = 0.0
    told: float = 0.0


# Mass at which a further vote begins to count for less, and the number of origins beyond which
# further ones say nothing new about how often we are wrong.
HALF_MASS, MOST_ORIGINS = 0.2, 4


def features(own: Side, other: Side) -> tuple[float, ...]:
    """What the probability of one side is read from, ``[8]``; the other side's are the same with
    the two exchanged, so that no side is favoured. A table with fewer weights reads the first."""
    return (
        1.0,
        math.log1p(own.mass / HALF_MASS),
        math.log1p(other.mass / HALF_MASS),
        own.best,
        other.best,
        min(own.origins, MOST_ORIGINS) / MOST_ORIGINS,
        own.told,
        other.told,
    )


FEWEST_WEIGHTS = 6


def both_sides(one: Side, other: Side) -> tuple[float, ...]:
    """What the probability of a dispute is read from, ``[3]``: the weaker side."""
    return (1.0, math.log1p(min(one.mass, other.mass) / HALF_MASS), min(one.best, other.best))


LABELS = (Label.SUPPORTED, Label.REFUTED, Label.DISPUTED, Label.NOT_ENOUGH)


@dataclass(frozen=True, slots=True)
class VerdictTable:
    """From what both sides bring to the probability of each label, and how far to trust it.

    ``side`` ``[6 to 8]`` and ``dispute`` ``[3]`` are the weights of a softmax over the four labels
    (the score of "not enough" is 0); ``curve`` bends the winner's probability. Of the ``claims``
    that the weights did not see, ``given[i]`` got a verdict for or against at confidence >=
    i / STEPS, and ``wrong[i]`` a wrong one. ``shares`` are the relative frequencies of confidences
    in ten equal parts of [0, 1], for drift. ``ece`` as in PairTable, of the same claims.
    """

    n: int
    side: tuple[float, ...]
    dispute: tuple[float, ...]
    curve: Curve
    claims: int
    given: tuple[int, ...]
    wrong: tuple[int, ...]
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

    def threshold(self, risk: float) -> float | None:
        """The lowest confidence from which on verdicts may be given so that of all claims like
        these at most ``risk`` get a wrong one, in expectation; None where these are too few to
        show it even for none.

        Conformal risk control: with ``wrong[i]`` of n claims wrong at the threshold i, the bound is
        (wrong[i] + 1) / (n + 1), and it falls as the threshold rises. So a lower risk never answers
        more.
        """
        if risk >= 1.0:
            return 0.0
        kept = [i for i in range(STEPS + 1) if self.wrong[i] + 1 <= risk * (self.claims + 1)]
        return kept[0] / STEPS if kept else None

    def among_given(self, threshold: float) -> float:
        """The share of wrong ones among the verdicts given from ``threshold`` on, in the same
        half; 0 where none is."""
        i = min(STEPS, math.ceil(threshold * STEPS - 1e-9))
        return self.wrong[i] / self.given[i] if self.given[i] else 0.0


def _dot(weights: Sequence[float], held: Sequence[float]) -> float:
    return math.fsum(x * y for x, y in zip(weights, held, strict=False))


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
        """The table of verdicts whose evidence is of ``kind``. No set of reports may be shipped
        from; a report tells of an event as posts do, and documents do not."""
        return (
            self.verdicts.get(kind) or self.verdicts.get(_LIKE.get(kind, "")) or self.verdicts[ANY]
        )


# How the rule of a verdict that is not given begins.
ABSTAINS = "abstains: "


@dataclass(frozen=True, slots=True)
class Trust:
    """A calibration and the risk that the owner accepts: the share of checked claims that may get
    a wrong verdict, 0..1."""

    calibration: Calibration
    risk: float

    def of_own_words(self) -> Trust:
        """This trust for sentences that are a source's own words.

        The table of documents is fitted on what *others* claim of a document, and abstains from a
        lone document of which it is not surer than that. An answer composed of quotes says what the
        document says, in its very words: with that table none that one document alone tells would
        pass, however plainly it is told (LOG.md), so the table of all kinds of sources decides.
        The table of posts is fitted on claims that questions made, and has to see that a quote
        tells another thing; a quote tells what it tells, and has the table ``QUOTED``, if there
        is one.
        """
        verdicts = {k: table for k, table in self.calibration.verdicts.items() if k != DOCUMENT}
        if QUOTED in verdicts:
            verdicts[POST] = verdicts[QUOTED]
        return replace(self, calibration=replace(self.calibration, verdicts=verdicts))

    def abstains(self, confidence: float, kind: str, lang: str = "en") -> str:
        """Why a verdict of this confidence is not given, in ``lang``; "" where it is."""
        table = self.calibration.table(kind)
        least = table.threshold(self.risk)
        behind = phrases.say("calibrated", lang, day=self.calibration.date, n=f"{table.n:,}")
        risk = f"{100 * self.risk:g} %"
        if least is None:
            return ABSTAINS + phrases.say("no threshold", lang, risk=risk, behind=behind)
        if confidence >= least:
            return ""
        sure, bar = _short(confidence), _short(least)
        return ABSTAINS + phrases.say(
            "under threshold", lang, sure=sure, bar=bar, risk=risk, behind=behind
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
    fits = FEWEST_WEIGHTS <= len(row["side"]) <= len(features(Side(), Side()))
    if not fits or len(row["dispute"]) != 3:
        raise ValueError("weights that do not fit")
    if any(a < b for a, b in pairwise(wrong)) or row["claims"] < given[0]:
        raise ValueError("counts that cannot be")
    return VerdictTable(
        n=int(row["n"]),
        side=tuple(map(float, row["side"])),
        dispute=tuple(map(float, row["dispute"])),
        curve=_curve(row["curve"]),
        claims=int(row["claims"]),
        given=given,
        wrong=wrong,
        shares=tuple(map(float, row["shares"])),
        ece=float(row["ece"]),
    )
