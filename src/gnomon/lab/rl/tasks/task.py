"""What a task is, which side of the split it is on, and where in a reply the answer stands."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Literal, Protocol

from gnomon.errors import InputError

Side = Literal["train", "gold", "test"]
"""``train`` is learnt from, ``gold`` is what the hidden monitor watches, ``test`` is reported."""

GOLD_SHARE, TEST_SHARE = 10, 20
"""Per cent of all keys."""
_ATTEMPTS = 2000


@dataclass(frozen=True, slots=True)
class Task:
    """``key`` says which task it is, however it is put (3 + 4 and 4 + 3 are one): the split goes by
    it. ``answer`` is a right answer and ``worked`` the way to it, where a demonstration shows one.
    ``facts`` are what else the checker needs."""

    family: str
    difficulty: int
    key: str
    prompt: str
    answer: str
    worked: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)

    @property
    def demonstration(self) -> str:
        """A reply that the checker takes."""
        return f"{self.worked}\nAnswer: {self.answer}" if self.worked else self.answer


class Family(Protocol):
    """Tasks of one kind. ``levels`` is the highest difficulty; the lowest is 1."""

    @property
    def name(self) -> str: ...

    @property
    def levels(self) -> int: ...

    def generate(self, seed: int, difficulty: int) -> Task:
        """The same task for the same seed and difficulty, on every machine."""
        ...

    def check(self, tasks: Sequence[Task], replies: Sequence[str]) -> list[float]:
        """For each task and reply 1.0 where it is right, else 0.0."""
        ...


@dataclass(frozen=True, slots=True)
class _Eased:
    """A family without its harder half."""

    family: Family
    levels: int

    @property
    def name(self) -> str:
        return self.family.name

    def generate(self, seed: int, difficulty: int) -> Task:
        return self.family.generate(seed, difficulty)

    def check(self, tasks: Sequence[Task], replies: Sequence[str]) -> list[float]:
        return self.family.check(tasks, replies)


def up_to(family: Family, hardest: int) -> Family:
    """The same family with difficulties up to ``hardest``."""
    return family if family.levels <= hardest else _Eased(family, hardest)


def rng(family: str, seed: int, difficulty: int) -> Random:
    """The stream that a task is drawn from. Seeding by a string goes through SHA-512, so it is the
    same in every process (https://docs.python.org/3/library/random.html#random.seed)."""
    return Random(f"{family}/{difficulty}/{seed}")


def side_of(family: str, key: str) -> Side:
    """By a hash of the key alone, so that no seed, order or phrasing moves a task across."""
    digest = hashlib.sha256(f"{family}/{key}".encode()).digest()
    place = int.from_bytes(digest[:8], "big") % 100
    if place < TEST_SHARE:
        return "test"
    return "gold" if place < TEST_SHARE + GOLD_SHARE else "train"


def drawn(family: Family, seed: int, difficulty: int, side: Side) -> Task:
    """The first task from ``seed`` on that lies on ``side``. Raises InputError where the family
    has none there (too few passages)."""
    for attempt in range(_ATTEMPTS):
        task = family.generate(seed * _ATTEMPTS + attempt, difficulty)
        if side_of(task.family, task.key) == side:
            return task
    raise InputError(
        f"{family.name} at difficulty {difficulty} has no task on the {side} side; it needs more "
        "passages to ask about."
    )


_MARK = re.compile(r"^.*\banswer\s*(?:is)?\s*[:：=]", re.IGNORECASE | re.DOTALL)
_QUOTES = "\"'“”‘’«»「」『』"


def final(reply: str) -> str:
    """What a reply gives as its answer: what stands after its last "Answer:", else all of it."""
    return clean(_MARK.sub("", reply))


def clean(text: str) -> str:
    """One line, without quotes around it or a stop after it."""
    line = " ".join(text.split()).strip()
    while line and (line[-1] in ".。!" or (line[0] in _QUOTES and line[-1] in _QUOTES)):
        line = line[:-1] if line[-1] in ".。!" else line[1:-1]
        line = line.strip()
    return line
