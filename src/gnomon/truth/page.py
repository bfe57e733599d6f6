"""The page that an answer grows on: sentences with their citations, and what was left out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from gnomon.truth import draft
from gnomon.truth.citing import cite
from gnomon.types import (
    Checked,
    Citation,
    Event,
    Evidence,
    Label,
    LeftOut,
    Sentence,
    Stance,
    Step,
    Verdict,
)

MOST_CITATIONS = 4


@dataclass
class Page:
    """The answer while it grows."""

    lang: str
    text: str = ""
    sentences: list[Sentence] = field(default_factory=list)
    citations: list[Citation] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    verdicts: list[Verdict] = field(default_factory=list)
    alone: list[tuple[draft.Draft, Verdict]] = field(default_factory=list)
    """Quotes left out that one origin alone carries."""
    writer: str = "quotes"

    def cite(self, evidence: Evidence, posts: int) -> int:
        """The number of a citation, new or given before."""
        return cite(self.citations, evidence, posts)

    def add(self, sentence: Sentence) -> Sentence:
        """Set ``sentence`` down at the end of the text, its citation markers behind it."""
        if self.text:
            self.text += "\n" if self.lang == "zh" else " "
        start = len(self.text)
        self.text += sentence.text
        placed = replace(sentence, start=start, end=len(self.text))
        self.text += sentence.markers(self.lang)
        self.sentences.append(placed)
        return placed

    def note(self, text: str, **bound: object) -> Checked:
        """A remark of our own about the evidence."""
        sentence = self.add(Sentence(text, 0, 0, kind="note", **bound))  # type: ignore[arg-type]
        return self.checked(sentence)

    def checked(self, sentence: Sentence) -> Checked:
        shown = {*sentence.citations, *sentence.against}
        return Checked(sentence, tuple(c for c in self.citations if c.n in shown))


def quoted(
    page: Page, verdict: Verdict, side: Sequence[Evidence], label: Label | None = None
) -> Iterator[Event]:
    """Evidence as quoted sentences, bound to the verdict that it decided; ``label`` is what to
    mark them with, the verdict's own unless given."""
    for evidence in side:
        n = page.cite(evidence, stands_for(evidence, verdict))
        sentence = Sentence(
            evidence.quote, 0, 0, label=label or verdict.label, verdicts=(verdict,), citations=(n,)
        )
        yield page.checked(page.add(sentence))


def left_out(text: str, verdict: Verdict) -> LeftOut:
    return LeftOut(text, verdict.reason, verdict.confidence if verdict.abstained else None)


def bound(item: draft.Draft, label: Label, verdicts: tuple[Verdict, ...], page: Page) -> Sentence:
    """The sentence with its citations: the quoted passage first, then who else says so."""
    cited: list[int] = []
    against: list[int] = []
    for verdict in verdicts:
        for_, others = sides_of(verdict)
        if item.quoted is not None:
            own = item.quoted.post.id
            for_ = sorted(for_, key=lambda e: e.post != own)
        for evidence in for_[:MOST_CITATIONS]:
            cited.append(page.cite(evidence, stands_for(evidence, verdict)))
        for evidence in others[:2]:
            against.append(page.cite(evidence, stands_for(evidence, verdict)))
    return Sentence(
        item.text,
        0,
        0,
        label=label,
        verdicts=verdicts,
        citations=tuple(dict.fromkeys(cited)),
        against=tuple(n for n in dict.fromkeys(against) if n not in cited),
    )


def sides_of(verdict: Verdict) -> tuple[list[Evidence], list[Evidence]]:
    for_ = [e for e in verdict.evidence if e.stance is Stance.SUPPORTS]
    against = [e for e in verdict.evidence if e.stance is Stance.REFUTES]
    return for_, against


def stands_for(evidence: Evidence, verdict: Verdict) -> int:
    """How many posts the origin of a piece of evidence stands for."""
    return verdict.posts_by_origin.get(evidence.origin, 1)


def verdict_step(verdict: Verdict) -> Step:
    return Step(
        "check",
        f"{verdict.label.value}: {verdict.claim.text}",
        {
            "label": verdict.label.value,
            "origins_for": verdict.origins_for,
            "origins_against": verdict.origins_against,
            "rule": verdict.rule,
        },
    )
