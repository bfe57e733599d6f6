"""The quiz "human or machine?": what is shown, what was said, and what may be concluded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

By = Literal["person", "machine"]


@dataclass(frozen=True, slots=True)
class Exhibit:
    """One picture of a set: ``file`` below its folder, whose bytes have ``sha256``. ``about`` is
    what is told of it afterwards: ``seed`` of a machine's, ``id``, ``author`` and ``licence`` of a
    person's."""

    file: str
    by: By
    sha256: str
    about: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Exhibition:
    """A set of pictures by one model and by people, ready to be asked about.

    ``id`` is the beginning of the SHA-256 of its ``quiz.json``: another set has scores of its own.
    ``side`` is that of every picture as it is shown, in pixels. ``notes`` say what may give a
    picture away though nobody looks at it."""

    id: str
    name: str
    folder: str
    model: str
    model_sha256: str
    recipe: str
    licences: tuple[str, ...]
    exhibits: tuple[Exhibit, ...]
    side: int
    notes: tuple[str, ...] = ()

    def count(self, by: By) -> int:
        return sum(one.by == by for one in self.exhibits)

    @property
    def most(self) -> int:
        """The longest round: with more questions than this one kind could run out, and the other
        would then be known."""
        return min(self.count("machine"), self.count("person"))


@dataclass(frozen=True, slots=True)
class Dealt:
    """A question of a round. ``fresh``: the person has not seen the picture before, and the kind
    was an even chance, so that the answer may count."""

    exhibit: Exhibit
    fresh: bool


@dataclass(frozen=True, slots=True)
class Said:
    """One answer that counts: who gave it, in which round, what it was, what was said."""

    person: str
    round: str
    by: By
    said: By


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number with the ends of its interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Rate:
    """``times`` of ``of``, and the share that shows of all there could be (None: of none)."""

    times: int
    of: int
    share: Estimate | None


@dataclass(frozen=True, slots=True)
class Score:
    """What some answers show. Intervals are at 95 % and made by ``interval``: "wilson", "bootstrap
    over people" or "bootstrap over rounds".

    ``right`` is the share of right answers; by chance it is ``chance``. ``d_prime`` is 0 where the
    two kinds are not told apart, ``bias`` above 0 where "person" is said rather than "machine".
    ``differs`` is "above" or "below" where the interval leaves chance out and an exact test
    agrees. ``equivalent``: the interval ``within`` (at 90 %, so two one-sided tests at 5 %) lies
    within ``margin`` of chance."""

    answers: int
    people: int
    rounds: int
    right: Rate
    machine_as_person: Rate
    person_as_machine: Rate
    d_prime: Estimate | None
    bias: float | None
    interval: str
    chance: float
    differs: Literal["above", "below", ""]
    margin: float
    within: Estimate | None
    equivalent: bool
