"""What we say: answers, and the events by which they come."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gnomon.types.held import Filter, Gap
from gnomon.types.measured import Joules
from gnomon.types.thought import Evidence, Label, Slot, Verdict


@dataclass(frozen=True, slots=True)
class Turn:
    """One question of a conversation and what was answered to it."""

    question: str
    answer: str = ""


@dataclass(frozen=True, slots=True)
class Citation:
    """``n`` is the number shown in the text. ``posts`` is how many posts its origin stands for."""

    n: int
    evidence: Evidence
    posts: int = 1


AGAINST = {"en": ", against", "zh": "，反对"}
"""What a marker says of a citation that disagrees with its sentence."""
MARKER = re.compile(r"\[(\d+)(, against|，反对)?\]")


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence of an answer, bound to its verdicts: ``answer.text[start:end] == text``.

    In ``Answer.text`` its ``markers`` follow right after ``end``.

    ``citations`` are numbers into ``Answer.citations``; ``against`` are the citations that
    disagree. ``label`` is the weakest of the verdicts' labels. ``kind`` is "claim" or "note" (a
    note is our own remark about the evidence, such as "Two sources disagree", and needs none).
    """

    text: str
    start: int
    end: int
    kind: str = "claim"
    label: Label | None = None
    verdicts: tuple[Verdict, ...] = ()
    citations: tuple[int, ...] = ()
    against: tuple[int, ...] = ()

    def markers(self, lang: str) -> str:
        """`` [1][2][3, against]``, one for each citation, or 「 [3，反对]」 where ``lang`` is "zh";
        "" where nothing is cited. ``MARKER`` finds them."""
        against = AGAINST["zh" if lang == "zh" else "en"]
        numbers = [f"[{n}]" for n in dict.fromkeys(self.citations)]
        numbers += [
            f"[{n}{against}]" for n in dict.fromkeys(self.against) if n not in self.citations
        ]
        return " " + "".join(numbers) if numbers else ""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A drafted sentence that was not sent, and why. ``confidence`` is set where that was too low
    for the owner's risk."""

    text: str
    reason: str
    confidence: float | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """A checked answer, or an honest "I do not know" (``abstained``, with the ``reason``).

    ``posts`` and ``origins`` count what was held about the question. ``as_of`` is the asking time;
    ``newest`` is the time of the newest post in the index; ``gaps`` are the known holes in it.
    ``confidence`` is the least confidence among its claims (0 when abstained). ``energy`` is what
    it took, None where this machine has no counter that can be read. ``unindexed`` counts the
    changes of the record that could not be searched yet (0: as good as all could be).
    """

    id: str
    question: str
    lang: str
    text: str
    sentences: tuple[Sentence, ...]
    citations: tuple[Citation, ...]
    abstained: bool
    reason: str
    confidence: float
    as_of: float
    newest: float | None
    posts: int
    origins: int
    left_out: tuple[LeftOut, ...] = ()
    gaps: tuple[Gap, ...] = ()
    model: str = ""
    energy: Joules | None = None
    unindexed: int = 0

    @property
    def unconfirmed(self) -> bool:
        """Whether all it shows is what one origin says and nobody confirms: it settles nothing."""
        labels = {sentence.label for sentence in self.sentences}
        return labels == {Label.NOT_ENOUGH}


@dataclass(frozen=True, slots=True)
class QueryPlan:
    """How a question is searched. ``forms`` are search texts, best first; ``names`` its entities.

    ``since``/``until`` are set when the question names a time. ``negated`` is the denied form.
    """

    question: str
    forms: tuple[str, ...]
    lang: str
    names: tuple[str, ...] = ()
    slots: tuple[Slot, ...] = ()
    negated: str = ""
    where: Filter = field(default_factory=Filter)


# Events: what a caller of the truth engine sees while it works. CLI, server and page render these.


@dataclass(frozen=True, slots=True)
class Step:
    """A step began or reported: ``name`` is one of plan, web, retrieve, draft, check, answer."""

    name: str
    detail: str
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Checked:
    """A sentence passed (or was marked); it may be shown or spoken from now on."""

    sentence: Sentence
    citations: tuple[Citation, ...]


@dataclass(frozen=True, slots=True)
class Finished:
    """The last event. ``answer`` is complete and journalled."""

    answer: Answer


Event = Step | Checked | Finished
