"""What we think: passages, claims, evidence, verdicts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from gnomon.types.held import Post


@dataclass(frozen=True, slots=True)
class Passage:
    """A span of a held post: ``post.text[start:end] == text``. ``scores`` in parts (bm25, ...)."""

    post: Post
    start: int
    end: int
    origin: str
    scores: Mapping[str, float] = field(default_factory=dict)

    @property
    def text(self) -> str:
        return self.post.text[self.start : self.end]


class SlotKind(StrEnum):
    NUMBER = "number"
    DATE = "date"
    NAME = "name"


@dataclass(frozen=True, slots=True)
class Slot:
    """A part of a text that is compared exactly, not by similarity.

    ``text`` is as written, at ``[start:end]``. For NUMBER, ``value`` is the number in base
    quantity and ``unit`` its unit ("" for a bare count; "%" , "m", "kg", "USD", ...). For DATE,
    ``value`` is ISO 8601, as far as it is known ("2026-03-07", "2026-03", "2026", "--03-07").
    For NAME, ``value`` is the case-folded name.
    """

    kind: SlotKind
    text: str
    start: int
    end: int
    value: float | str
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Claim:
    """One checkable statement. ``start``/``end`` place it in the text it was taken from.

    ``speaker`` is who is said to have said it ("" if the text itself asserts it); ``modality`` is
    "asserted", "hedged" (may, reportedly), "planned" (will, plans to) or "denied".
    ``context`` names what the statement is about where it does not say so itself ("Four people were
    injured": the fire at Lunde Kiln Works); evidence must be about that, too.
    ``checkable`` is False for opinions, questions and instructions, which are not checked.
    """

    text: str
    start: int = 0
    end: int = 0
    slots: tuple[Slot, ...] = ()
    lang: str = ""
    speaker: str = ""
    modality: str = "asserted"
    checkable: bool = True
    context: str = ""

    @property
    def whole(self) -> str:
        """The statement with its context, as it is searched and judged."""
        return f"{self.text} ({self.context})" if self.context else self.text


class Stance(StrEnum):
    SUPPORTS = "supports"
    REFUTES = "refutes"
    NEITHER = "neither"


@dataclass(frozen=True, slots=True)
class Judgement:
    """How a passage bears on a claim: three probabilities that sum to 1, and the deciding rule."""

    supports: float
    refutes: float
    neither: float
    rule: str = ""

    @property
    def stance(self) -> Stance:
        best = max(self.supports, self.refutes, self.neither)
        if best == self.neither:
            return Stance.NEITHER
        return Stance.SUPPORTS if best == self.supports else Stance.REFUTES


@dataclass(frozen=True, slots=True)
class Evidence:
    """A passage against a claim. ``quote`` is the exact span ``[start:end]`` of the held text."""

    post: str
    quote: str
    start: int
    end: int
    hash: str
    origin: str
    source: str
    author: str
    url: str
    said_at: float | None
    fetched_at: float
    judgement: Judgement
    weight: float = 1.0
    relevance: float = 0.0
    title: str = ""
    lang: str = ""

    @property
    def stance(self) -> Stance:
        return self.judgement.stance


class Label(StrEnum):
    SUPPORTED = "supported"
    REFUTED = "refuted"
    DISPUTED = "disputed"
    NOT_ENOUGH = "not_enough_evidence"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the held evidence says of one claim.

    ``evidence`` has at most one entry for each origin and side. ``origins_for`` and
    ``origins_against`` count origins; ``posts_for`` and ``posts_against`` say how many posts those
    origins stand for (shown, never weighed), and ``posts_by_origin`` the same for each origin in
    the evidence. ``rule`` names what decided; ``reason`` is a sentence. ``abstained`` is True where
    ``label`` is "not enough evidence" only because ``confidence``, that of the verdict which the
    evidence leans to, is under the threshold for the owner's risk.
    """

    claim: Claim
    label: Label
    confidence: float
    evidence: tuple[Evidence, ...]
    origins_for: int
    origins_against: int
    posts_for: int
    posts_against: int
    first_seen: float | None
    rule: str
    reason: str
    posts_by_origin: Mapping[str, int] = field(default_factory=dict)
    abstained: bool = False
