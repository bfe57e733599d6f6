"""Questions to real posts with their labels, and what becomes of an answer held against one.

A label says what the held posts settle for a careful reader, not what is true of the world.

- A yes-or-no question is answered by the verdict that is given on it. RIGHT is the label's verdict
  (or one of ``also``, where a careful reader may go either way) whose deciding quotes are all about
  the event asked for. HALF is the same from a quote of something else, and "disputed" where the
  posts settle it. WRONG is any other verdict. No verdict is UNKNOWN, whatever is quoted beside.
- Any other question is answered by the sentences that stand as supported or disputed. RIGHT: the
  first holds an accepted answer, is about the event, and none holds a rejected one. HALF: an
  accepted answer stands anywhere among them. WRONG: only a rejected one does, or the label is
  "unknown". BESIDE: neither does, so that what is said is no answer.
- Saying nothing is RIGHTLY_UNKNOWN or WRONGLY_UNKNOWN by the label.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from gnomon.text import slots
from gnomon.types import SlotKind

LABELS = (Path(__file__).with_name("posts.jsonl"), Path(__file__).with_name("posts.held.jsonl"))
"""The half that is worked on, and the half that nobody who works on the engine looks into."""
VERDICTS = ("yes", "no", "disputed", "unknown")
_WHETHER = re.compile(
    r"^(?:is|are|was|were|did|does|do|has|have|had|will)\b|吗[？?]$", re.IGNORECASE
)
Pattern = str | float
"""A regular expression (case does not count), or a number, which is met as a value."""


class Outcome(StrEnum):
    RIGHT = "right"
    HALF = "half"
    WRONG = "wrong"
    BESIDE = "beside the point"
    WRONGLY_UNKNOWN = "wrongly unknown"
    RIGHTLY_UNKNOWN = "rightly unknown"

    @property
    def fine(self) -> bool:
        return self in (Outcome.RIGHT, Outcome.RIGHTLY_UNKNOWN)

    @property
    def given(self) -> bool:
        """Whether an answer was given at all."""
        return self not in (Outcome.WRONGLY_UNKNOWN, Outcome.RIGHTLY_UNKNOWN)


@dataclass(frozen=True, slots=True)
class Question:
    """One label. ``event`` is the set's name for what is asked about, and ``half`` ("dev" or
    "held") goes by event. ``gold`` is one of VERDICTS, or the accepted answers; ``also`` are other
    verdicts that are not wrong, ``wrong`` answers that the posts reject, and ``about`` what a quote
    about the event holds, where the post is not filed under it by its set. ``why`` says what was
    found in the posts."""

    id: str
    event: str
    half: str
    lang: str
    kind: str
    question: str
    gold: str | tuple[Pattern, ...]
    why: str
    also: tuple[str, ...] = ()
    wrong: tuple[Pattern, ...] = ()
    about: tuple[str, ...] = ()

    @property
    def asks_whether(self) -> bool:
        """Whether it is a yes-or-no question, by its wording."""
        return _WHETHER.search(self.question) is not None

    @property
    def answerable(self) -> bool:
        return self.gold != "unknown" and "unknown" not in self.also


@dataclass(frozen=True, slots=True)
class Said:
    """A sentence that stands in an answer: its text, the title of the post that it is from, and
    that post."""

    text: str
    title: str = ""
    post: str = ""


@dataclass(frozen=True, slots=True)
class Given:
    """What an answer says: the verdict on a yes-or-no question ("" where none is given), the quotes
    that decided it, the sentences that stand, and how sure it is. ``alone`` is what is shown as the
    word of one origin that nobody confirms, which settles nothing; ``leans`` ("yes" or "no") is
    where that leans."""

    verdict: str = ""
    deciding: tuple[Said, ...] = ()
    stated: tuple[Said, ...] = ()
    confidence: float = 0.0
    alone: tuple[Said, ...] = ()
    leans: str = ""


def load(paths: Sequence[Path] = LABELS) -> list[Question]:
    """The labels. Raises ValueError for one that is none, or whose event is in both halves."""
    found: list[Question] = []
    lines = [line for path in paths for line in path.read_text("utf-8").splitlines()]
    for line in lines:
        row = json.loads(line)
        for name in ("gold", "also", "wrong", "about"):
            if isinstance(row.get(name), list):
                row[name] = tuple(row[name])
        found.append(Question(**row))
    halves: dict[str, str] = {}
    for each in found:
        if each.half not in ("dev", "held") or not each.why:
            raise ValueError(f"{each.id}: half {each.half!r}, why {each.why!r}")
        if isinstance(each.gold, str) and each.gold not in VERDICTS:
            raise ValueError(f"{each.id}: gold {each.gold!r}")
        if halves.setdefault(each.event, each.half) != each.half:
            raise ValueError(f"{each.id}: {each.event} is in both halves")
    if len({each.id for each in found}) != len(found):
        raise ValueError("two labels have one id")
    return found


def outcome(question: Question, given: Given, events: Mapping[str, str]) -> Outcome:
    """What becomes of an answer to the question; ``events`` says under which event its set files a
    post."""
    if question.asks_whether:
        return _of_verdict(question, given, events)
    return _of_value(question, given.stated, events)


def _of_verdict(question: Question, given: Given, events: Mapping[str, str]) -> Outcome:
    said = given.verdict or "unknown"
    fine = {question.gold, *question.also}
    if said == "unknown":
        return Outcome.RIGHTLY_UNKNOWN if said in fine else Outcome.WRONGLY_UNKNOWN
    if said in fine:
        at_home = all(is_about(question, each, events) for each in given.deciding)
        return Outcome.RIGHT if at_home else Outcome.HALF
    if said == "disputed" and question.gold != "unknown":
        return Outcome.HALF
    return Outcome.WRONG


def _of_value(question: Question, stated: Sequence[Said], events: Mapping[str, str]) -> Outcome:
    if not stated:
        unknown = question.gold == "unknown"
        return Outcome.RIGHTLY_UNKNOWN if unknown else Outcome.WRONGLY_UNKNOWN
    if isinstance(question.gold, str):
        return Outcome.WRONG
    accepted = [holds(each, question.gold) for each in stated]
    rejected = [
        holds(each, question.wrong) and not fine
        for each, fine in zip(stated, accepted, strict=True)
    ]
    if accepted[0] and is_about(question, stated[0], events) and not any(rejected):
        return Outcome.RIGHT
    if any(accepted):
        return Outcome.HALF
    return Outcome.WRONG if any(rejected) else Outcome.BESIDE


def alone_right(question: Question, given: Given) -> bool:
    """Whether what is shown as the word of one origin alone is the label's answer."""
    if question.asks_whether:
        return given.leans in {question.gold, *question.also}
    if isinstance(question.gold, str) or not given.alone:
        return False
    return holds(given.alone[0], question.gold) and not holds(given.alone[0], question.wrong)


def is_about(question: Question, said: Said, events: Mapping[str, str]) -> bool:
    """Whether a quote is about the event: its post is filed under it, or it says so."""
    if events.get(said.post) == question.event:
        return True
    return any(re.search(p, f"{said.title} {said.text}", re.IGNORECASE) for p in question.about)


def holds(said: Said, patterns: Sequence[Pattern]) -> bool:
    """Whether the sentence, or the title that is shown with it, holds one of the patterns."""
    return any(_holds(f"{said.title} . {said.text}", pattern) for pattern in patterns)


def _holds(text: str, pattern: Pattern) -> bool:
    if isinstance(pattern, str):
        return re.search(pattern, text, re.IGNORECASE) is not None
    return any(
        slot.kind is SlotKind.NUMBER
        and isinstance(slot.value, float | int)
        and abs(slot.value - pattern) <= 1e-6 * abs(pattern)
        for slot in slots.exact(text)
    )
