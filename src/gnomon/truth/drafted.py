"""Steps 4 to 6 for what is drafted: each sentence is checked before it stands, quotes against
whoever else answers the question, alike or otherwise."""

from __future__ import annotations

from collections.abc import Collection, Generator, Iterator, Sequence
from dataclasses import dataclass, replace

from gnomon.text.tokens import normalise
from gnomon.truth import asked, draft, phrases, sought
from gnomon.truth.check import Bench, check_claim
from gnomon.truth.claims import claim_at, claims_of
from gnomon.truth.page import Page, bound, left_out, quoted, sides_of, verdict_step
from gnomon.truth.retrieve import window_of
from gnomon.truth.weigh import DECISIVE, leans_alone, vote
from gnomon.types import Claim, Event, Label, LeftOut, Passage, QueryPlan, Verdict

_ORDER = (Label.REFUTED, Label.NOT_ENOUGH, Label.DISPUTED, Label.SUPPORTED)
MOST_QUOTES = 3
Spans = Collection[tuple[str, int, int]]  # post, start, end
TELLING = 0.5  # a second quote in place of a refuted one, against the weight of the first


@dataclass(frozen=True, slots=True)
class Answers:
    """Who else answers the question that a quote answers: otherwise (``rivals``), or alike
    (``seconds``); and what of the quote the answer rests on (``weigh``'s ``stakes``)."""

    rivals: tuple[Passage, ...] = ()
    seconds: tuple[Passage, ...] = ()
    stakes: str = ""


NOBODY_ELSE = Answers()


def compose(
    quotes: Sequence[draft.Draft],
    every: Sequence[draft.Draft],
    plan: QueryPlan,
    passages: Sequence[Passage],
    bench: Bench,
    page: Page,
    now: float,
) -> Iterator[Event]:
    """Quotes in order of fit, each checked against ``every`` quote that answers. What others
    contradict more strongly gives way to what they say."""
    best = quotes[0].fit if quotes else 0.0
    question = asked.read(plan, bench.weights)
    answering = {
        (q.quoted.post.id, q.quoted.start, q.quoted.end)
        for q in every
        if q.quoted and q.fit >= draft.ANSWERS[plan.lang]
    }
    stakes = sought.matter(question)
    refuted: list[tuple[draft.Draft, str]] = []
    for item in quotes:
        stated = sum(sentence.kind == "claim" for sentence in page.sentences)
        if page.sentences and (item.fit < 0.85 * best or stated >= MOST_QUOTES):
            break
        if item.quoted and any(c.evidence.origin == item.quoted.origin for c in page.citations):
            continue
        stated_already = [s.text for s in page.sentences if s.kind == "claim"]
        if stated_already and not sought.adds(question, item.text, stated_already):
            continue
        if why := _refuted_already(question, item, refuted):
            page.left_out.append(LeftOut(item.text, why))
            continue
        answers = Answers(
            draft.rivals(question, item, every), draft.seconds(question, item, every), stakes
        )
        verdicts = yield from check_draft(
            item, plan, passages, bench, page, now, answers, answering
        )
        refuted += [(item, v.reason) for v in verdicts if v.label is Label.REFUTED]
    if not page.sentences and page.alone:
        yield from _alone(page)


def _refuted_already(
    question: asked.Asked, item: draft.Draft, refuted: Sequence[tuple[draft.Draft, str]]
) -> str:
    """Why a quote gives way that gives the same answer as one that was refuted; "" if none was."""
    ours = sought.values(question, item.quoted) if item.quoted else []
    for other, why in refuted:
        if other.quoted and sought.agree(ours, sought.values(question, other.quoted)):
            return why
    return ""


def _alone(page: Page) -> Iterator[Event]:
    """The best quote of those that one origin alone carries, under a note that says so: it is what
    is held on the matter, and settles nothing."""
    item, verdict = page.alone[0]
    page.left_out = [out for out in page.left_out if out.text != item.text]
    page.verdicts.append(verdict)
    yield page.note(verdict.reason, label=verdict.label, verdicts=(verdict,))
    yield page.checked(page.add(bound(item, verdict.label, (verdict,), page)))


def check_draft(
    item: draft.Draft,
    plan: QueryPlan,
    passages: Sequence[Passage],
    bench: Bench,
    page: Page,
    now: float,
    answers: Answers = NOBODY_ELSE,
    answering: Spans | None = None,
) -> Generator[Event, None, tuple[Verdict, ...]]:
    """One drafted sentence: its claims, their verdicts (returned), and what becomes of it."""
    said_at = item.quoted.post.created_at if item.quoted else now
    if item.quoted is not None and bench.trust is not None:
        bench = replace(bench, trust=bench.trust.of_own_words())
    found = claims_of(item.text, said_at=said_at) if item.quoted is None else ()
    claims = found or (_in_context(item, plan, said_at),)
    also = [*item.keys, *([item.quoted] if item.quoted else []), *passages]
    verdicts = tuple(
        check_claim(
            claim,
            bench,
            where=plan.where,
            now=now,
            also=also,
            rivals=answers.rivals,
            seconds=answers.seconds,
            attributed=item.quoted is not None,
            stakes=answers.stakes,
        )
        for claim in claims
    )
    label = min((v.label for v in verdicts), key=_ORDER.index)
    for verdict in verdicts:
        yield verdict_step(verdict)
    if label in (Label.REFUTED, Label.NOT_ENOUGH):
        weakest = next(v for v in verdicts if v.label is label)
        page.left_out.append(left_out(item.text, weakest))
        if item.quoted is not None and leans_alone(weakest) and _for(weakest):
            page.alone.append((item, weakest))
        if label is Label.REFUTED:
            yield from _instead(weakest, page, answering)
        return verdicts
    page.verdicts.extend(verdicts)
    yield page.checked(page.add(bound(item, label, verdicts, page)))
    if label is Label.DISPUTED:
        yield page.note(phrases.say("otherwise", plan.lang))
        for verdict in verdicts:
            yield from quoted(page, verdict, sides_of(verdict)[1][:2])
    return verdicts


def _for(verdict: Verdict) -> bool:
    """Whether nobody, or hardly anybody, speaks against what one origin alone says."""
    for_, against = (sum(map(vote, side)) for side in sides_of(verdict))
    return for_ > 0 and for_ >= DECISIVE * against


def _in_context(item: draft.Draft, plan: QueryPlan, said_at: float | None) -> Claim:
    """A quote as a claim, with the names of the question that its context, not itself, holds."""
    claim = claim_at(item.text, 0, len(item.text), said_at=said_at)
    if item.quoted is None:
        return claim
    around, own = normalise(window_of(item.quoted)), normalise(item.text)
    names = [n for n in plan.names if normalise(n) in around and normalise(n) not in own]
    return replace(claim, context=", ".join(names))


def _instead(verdict: Verdict, page: Page, answering: Spans | None) -> Iterator[Event]:
    """What the evidence says in place of a refuted sentence, as far as it answers the question
    (``answering``; None: whatever refutes a model's sentence is to be seen)."""
    page.verdicts.append(verdict)
    against = sides_of(verdict)[1]
    said = {sentence.text for sentence in page.sentences}
    telling = [
        e
        for e in against[:2]
        if e.weight >= TELLING * against[0].weight
        and e.quote not in said
        and (answering is None or (e.post, e.start, e.end) in answering)
    ]
    yield from quoted(page, verdict, telling, Label.SUPPORTED)
