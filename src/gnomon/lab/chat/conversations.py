"""A conversation, and what makes one unusable: values only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

Role = Literal["system", "user", "assistant"]


@dataclass(frozen=True, slots=True)
class Turn:
    """``learn`` False: an answer that is shown and not learnt from (OpenAI's ``weight: 0``)."""

    role: Role
    content: str
    learn: bool = True


@dataclass(frozen=True, slots=True)
class Conversation:
    """``source`` names a row of the report's table of licences; ``held`` are the ids of the posts
    that its words come from, so that a deletion finds it."""

    id: str
    turns: tuple[Turn, ...]
    source: str
    held: tuple[str, ...] = ()

    def messages(self) -> list[dict[str, str]]:
        """The shape of Chat Completions, and of ``transformers``' chat templates."""
        return [{"role": turn.role, "content": turn.content} for turn in self.turns]


@dataclass(frozen=True, slots=True)
class Dropped:
    """What was not used, or not whole: ``reason`` is one of few, ``detail`` says more."""

    id: str
    source: str
    reason: str
    detail: str = ""


def usable(found: Iterable[Conversation | Dropped]) -> Iterator[Conversation | Dropped]:
    """``found`` with every conversation that nothing can be learnt from turned into a Dropped, and
    later copies of a conversation too."""
    seen: set[tuple[Turn, ...]] = set()
    for one in found:
        if isinstance(one, Dropped):
            yield one
            continue
        why = flaw(one.turns)
        if why is None and one.turns in seen:
            why = "the same as an earlier one"
        seen.add(one.turns)
        yield one if why is None else Dropped(one.id, one.source, why)


def flaw(turns: tuple[Turn, ...]) -> str | None:
    """Why nothing can be learnt from a conversation; None: it is good."""
    spoken = [turn.role for turn in turns if turn.role != "system"]
    if not spoken:
        return "no turns"
    if any(turn.role == "system" for turn in turns[1:]):
        return "a system turn that is not the first"
    if not any(turn.role == "assistant" and turn.learn for turn in turns):
        return "no answer to learn from"
    if spoken[0] != "user":
        return "an answer before any question"
    if any(a == b for a, b in pairwise(spoken)):
        return "two turns of one speaker in a row"
    if any(not turn.content.strip() for turn in turns):
        return "an empty turn"
    return None


def counts(dropped: Iterable[Dropped]) -> dict[str, int]:
    """How often each reason, the commonest first."""
    return dict(Counter(one.reason for one in dropped).most_common())
