"""Step 7: compose the steps into an answer, as typed events.

Nothing is sent before it is checked. What is not supported is left out, with its reason; where
evidence stands on both sides, both are shown; where nothing settles the question, the answer says
so.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import combinations

from gnomon import journal
from gnomon.errors import ModelError
from gnomon.models.protocols import Chat
from gnomon.text.tokens import is_cjk, normalise
from gnomon.truth import arithmetic, asked, draft, own_words, phrases, rewrite, sought
from gnomon.truth.check import Bench, check_claim
from gnomon.truth.citing import cite
from gnomon.truth.claims import claim_at, claims_of
from gnomon.truth.follow_up import standing_alone
from gnomon.truth.hearsay import is_hearsay
from gnomon.truth.retrieve import Retrieved, retrieve, retrieve_claim, window_of
from gnomon.truth.weigh import leans_alone, vote
from gnomon.types import (
    Answer,
    Checked,
    Citation,
    Claim,
    Event,
    Evidence,
    Filter,
    Finished,
    Label,
    LeftOut,
    Passage,
    QueryPlan,
    Sentence,
    Stance,
    Step,
    Turn,
    Verdict,
)

_ORDER = (Label.REFUTED, Label.NOT_ENOUGH, Label.DISPUTED, Label.SUPPORTED)
MOST_CITATIONS = 4
MOST_QUOTES = 3
Spans = Collection[tuple[str, int, int]]  # post, start, end
Look = Callable[[QueryPlan], Generator[Step, None, tuple[Bench, float]]]
"""Takes in more for a question, as steps; what comes back is the bench to go on with, and the time
up to which posts count then (epoch seconds)."""
CLOSE = 0.75  # a quote beside a yes-or-no question that it does not settle
SECONDS = 0.2  # the fit of a quote that gives the same number or day as one that answers
TELLING = 0.5  # a second quote in place of a refuted one, against the weight of the first


@dataclass
class _Page:
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


@dataclass(frozen=True, slots=True)
class _Answers:
    """Who else answers the question that a quote answers: otherwise (``rivals``), or alike
    (``seconds``); and what of the quote the answer rests on (``weigh``'s ``stakes``)."""

    rivals: tuple[Passage, ...] = ()
    seconds: tuple[Passage, ...] = ()
    stakes: str = ""


NOBODY_ELSE = _Answers()


def answer(
    question: str,
    bench: Bench,
    *,
    now: float,
    where: Filter | None = None,
    turns: Sequence[Turn] = (),
    chat: Chat | None = None,
    own: Chat | None = None,
    look: Look | None = None,
    max_chars: int = 4000,
    timeout_s: float = 60.0,
) -> Iterator[Event]:
    """Answer ``question`` as of ``now`` from what is held, as a stream of events.

    ``turns`` are those before it, oldest first: what the question takes from them is written into
    it, the first step says how, and ``Answer.question`` is what was asked then. ``own`` is a small
    model of the owner's, whose words about the quotes are tried before the quotes. ``look`` takes
    in more before what is held is searched, unless it is a sum that is asked for.

    Raises InputError for a question that cannot be used. A model that fails is reported as a step
    and the answer goes on without it.
    """
    strong = chat if chat is not None and chat.strong else None
    alone = question
    if turns and len(question) <= max_chars:
        alone = standing_alone(question, turns, chat=strong, timeout_s=timeout_s)
    if kindness := rewrite.courtesy(question):
        yield from _courtesy(kindness, question, bench, now)
        return
    plan = rewrite.plan(
        alone,
        now=now,
        where=where,
        weights=bench.weights,
        chat=strong,
        max_chars=max_chars,
        timeout_s=timeout_s,
    )
    kind = rewrite.asks(plan.question)
    yield _plan_step(plan, kind, understood=alone if alone != question else "")

    sum_ = arithmetic.in_question(plan.question)
    if look is not None and sum_ is None:
        bench, now = yield from look(plan)
        plan = _planned_again(plan, bench, now=now, where=where, max_chars=max_chars)
    bench = replace(bench, lang=plan.lang)
    found = retrieve(plan, bench.store, bench.weights, embed=bench.embed, now=now)
    if kind is rewrite.Asks.COUNT and (counted := sought.toll_form(plan.question)):
        tolls = retrieve_claim(counted, bench.store, bench.weights, plan.where, now=now)
        found = found.and_also(tolls)
    posts = sum(origin.posts for origin in found.origins.values())
    yield Step(
        "retrieve",
        f"{posts} posts, {len(found.origins)} origins",
        {"posts": posts, "origins": len(found.origins)},
    )

    page = _Page(plan.lang, writer=strong.name if strong else "quotes")
    if sum_ is not None:
        yield page.note(phrases.say("computed", plan.lang, expression=sum_))
    elif found.passages:
        if kind is rewrite.Asks.WHETHER:
            yield from _whether(plan, found, bench, page, now)
        if not page.sentences:
            yield from _what(plan, found, bench, page, now, strong or own, timeout_s)
    reason = "" if page.sentences else _why_unknown(plan, found, bench, page, posts)
    if reason:
        yield page.note(phrases.say("unknown", plan.lang, reason=reason))
    yield Finished(_finish(plan, found, bench, page, now, posts, reason))


def _courtesy(kind: str, said: str, bench: Bench, now: float) -> Iterator[Event]:
    """A greeting is greeted and thanks are taken; nothing is searched or cited for either."""
    lang = "zh" if is_cjk(said) else "en"
    held = bench.store.status()
    page = _Page(lang)
    yield page.note(phrases.say(kind, lang, posts=held.posts, origins=held.origins))
    yield Finished(
        _finish(QueryPlan(said, (said,), lang), Retrieved((), {}), bench, page, now, 0, "")
    )


def _planned_again(
    plan: QueryPlan, bench: Bench, *, now: float, where: Filter | None, max_chars: int
) -> QueryPlan:
    """``plan`` for a store that has come to hold more: in the forms in which it has the question's
    words now, and up to ``now``."""
    again = rewrite.plan(
        plan.question, now=now, where=where, weights=bench.weights, max_chars=max_chars
    )
    return replace(again, forms=tuple(dict.fromkeys((*again.forms, *plan.forms))))


def _plan_step(plan: QueryPlan, kind: rewrite.Asks, understood: str = "") -> Step:
    """What is asked, about whom and since when, in the language of the question. ``data`` carries
    ``lang``, by which the sentences of ``Answer.text`` are joined, and as ``understood`` the
    question made to stand alone ("" where it did)."""
    detail = [phrases.say("understood", plan.lang, question=understood)] if understood else []
    detail += [phrases.say("asks", plan.lang, kind=phrases.say(kind.value, plan.lang))]
    if plan.names:
        names = ("、" if plan.lang == "zh" else ", ").join(plan.names)
        detail.append(phrases.say("about", plan.lang, names=names))
    if plan.where.since is not None:
        day = f"{datetime.fromtimestamp(plan.where.since, UTC):%Y-%m-%d}"
        detail.append(phrases.say("since", plan.lang, day=day))
    data = {
        "asks": kind.value,
        "forms": list(plan.forms),
        "names": plan.names,
        "lang": plan.lang,
        "since": plan.where.since,
        "understood": understood,
    }
    return Step("plan", ("，" if plan.lang == "zh" else ", ").join(detail), data)


# ----------------------------------------------------------------------------- yes or no


def _whether(
    plan: QueryPlan, found: Retrieved, bench: Bench, page: _Page, now: float
) -> Iterator[Event]:
    """The claim inside the question is judged; the quotes that decided it are the answer."""
    text = rewrite.as_claim(plan.question)
    claim = claim_at(text, 0, len(text), said_at=now)
    yield Step("draft", text, {"claim": text})
    verdict = check_claim(claim, bench, where=plan.where, now=now, also=found.passages)
    yield _verdict_step(verdict)
    if verdict.label is Label.NOT_ENOUGH and not leans_alone(verdict):
        page.left_out.append(_left_out(text, verdict))
        return
    page.verdicts.append(verdict)
    for_, against = _sides(verdict)
    if leans_alone(verdict):
        yield page.note(verdict.reason, label=verdict.label, verdicts=(verdict,))
        yield from _quoted(page, verdict, sorted([*for_, *against], key=vote, reverse=True)[:2])
        return
    n = phrases.origins(verdict.origins_for, plan.lang)
    m = phrases.origins(verdict.origins_against, plan.lang)
    if verdict.label is Label.DISPUTED:
        note = phrases.say("disputed", plan.lang, n=n, m=m)
    elif verdict.label is Label.SUPPORTED:
        note = phrases.say("yes", plan.lang, n=n)
    else:
        note = phrases.say("no", plan.lang, n=m)
    yield page.note(note, label=verdict.label, verdicts=(verdict,))
    first, second = (against, for_) if verdict.label is Label.REFUTED else (for_, against)
    # The quotes that refute the question's claim are themselves what the evidence supports.
    yield from _quoted(
        page, verdict, first[:2], None if verdict.label is Label.DISPUTED else Label.SUPPORTED
    )
    if second:
        yield page.note(phrases.say("otherwise", plan.lang))
        yield from _quoted(page, verdict, second[:2], Label.DISPUTED)


def _quoted(
    page: _Page, verdict: Verdict, side: Sequence[Evidence], label: Label | None = None
) -> Iterator[Event]:
    """Evidence as quoted sentences, bound to the verdict that it decided; ``label`` is what to
    mark them with, the verdict's own unless given."""
    for evidence in side:
        n = page.cite(evidence, _stands_for(evidence, verdict))
        sentence = Sentence(
            evidence.quote, 0, 0, label=label or verdict.label, verdicts=(verdict,), citations=(n,)
        )
        yield page.checked(page.add(sentence))


# ----------------------------------------------------------------------------- everything else


def _what(
    plan: QueryPlan,
    found: Retrieved,
    bench: Bench,
    page: _Page,
    now: float,
    writer: Chat | None,
    timeout_s: float,
) -> Iterator[Event]:
    """Drafted sentences, each checked before it is sent: a strong model's about what was found, or
    one of the owner's own about the quotes that answer; then the quotes."""
    if writer is not None and writer.strong:
        yield from _written(
            writer,
            lambda: draft.write(plan, found.passages, writer, timeout_s=timeout_s),
            plan, found, bench, page, now,
        )  # fmt: skip
    if not page.sentences:
        # What does not settle a yes-or-no question is quoted beside it only when it is close.
        # There, what others are said to say would read as an answer.
        whether = rewrite.asks(plan.question) is rewrite.Asks.WHETHER
        least = CLOSE if whether else draft.ANSWERS[plan.lang]
        every = draft.answering(plan, found.passages, bench.weights, embed=bench.embed, least=least)
        every = [q for q in every if not (whether and is_hearsay(q.text))]
        quotes = draft.distinct(every)
        yield Step("draft", f"{len(quotes)} quotes", {"quotes": [q.text for q in quotes]})
        if arithmetic.asks_over_evidence(plan.question):
            yield from _computed(plan, found, bench, page, now)
        if writer is not None and not writer.strong and quotes and not page.sentences:
            yield from _written(
                writer,
                lambda: own_words.drafts(plan, quotes, writer, timeout_s=timeout_s),
                plan, found, bench, page, now,
            )  # fmt: skip
            page.writer = writer.name if page.sentences else page.writer
        if not page.sentences:
            yield from _compose(quotes, every, plan, found.passages, bench, page, now)


def _written(
    writer: Chat,
    write: Callable[[], list[draft.Draft]],
    plan: QueryPlan,
    found: Retrieved,
    bench: Bench,
    page: _Page,
    now: float,
) -> Iterator[Event]:
    """A model's sentences, each checked. A model that fails is a step, not the end."""
    try:
        drafts = write()
    except ModelError as error:
        yield Step("draft", f"{error} Composing from quotes instead.")
        return
    yield Step("draft", f"{len(drafts)} sentences by {writer.name}")
    for item in drafts:
        if not writer.strong and not own_words.rests(item, plan.question):
            page.left_out.append(LeftOut(item.text, phrases.say("not of the quotes", plan.lang)))
            continue
        yield from _check_draft(item, plan, found.passages, bench, page, now)


# A term of a sum answers only its part of the question.
TERM_FIT = 0.35


def _computed(
    plan: QueryPlan, found: Retrieved, bench: Bench, page: _Page, now: float
) -> Iterator[Event]:
    """The two quotes whose numbers make the sum or difference asked for, and the result; nothing
    where there are no such two."""
    terms = draft.compose(plan, found.passages, bench.weights, least=TERM_FIT)
    question = asked.read(plan, bench.weights)
    counted = [(item, sought.values(question, item.quoted)) for item in terms if item.quoted]
    for (first, a), (second, b) in combinations(counted, 2):
        result = arithmetic.over_evidence(plan.question, a, b)
        if result is None:
            continue
        for item in (first, second):
            yield from _check_draft(item, plan, found.passages, bench, page, now)
        if len([s for s in page.sentences if s.label is Label.SUPPORTED]) == 2:
            yield page.note(phrases.say("computed", plan.lang, expression=result))
        return


def _compose(
    quotes: Sequence[draft.Draft],
    every: Sequence[draft.Draft],
    plan: QueryPlan,
    passages: Sequence[Passage],
    bench: Bench,
    page: _Page,
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
        answers = _Answers(
            draft.rivals(question, item, every), draft.seconds(question, item, every), stakes
        )
        verdicts = yield from _check_draft(
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


def _alone(page: _Page) -> Iterator[Event]:
    """The best quote of those that one origin alone carries, under a note that says so: it is what
    is held on the matter, and settles nothing."""
    item, verdict = page.alone[0]
    page.left_out = [out for out in page.left_out if out.text != item.text]
    page.verdicts.append(verdict)
    yield page.note(verdict.reason, label=verdict.label, verdicts=(verdict,))
    yield page.checked(page.add(_bound(item, verdict.label, (verdict,), page)))


def _check_draft(
    item: draft.Draft,
    plan: QueryPlan,
    passages: Sequence[Passage],
    bench: Bench,
    page: _Page,
    now: float,
    answers: _Answers = NOBODY_ELSE,
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
        yield _verdict_step(verdict)
    if label in (Label.REFUTED, Label.NOT_ENOUGH):
        weakest = next(v for v in verdicts if v.label is label)
        page.left_out.append(_left_out(item.text, weakest))
        if item.quoted is not None and leans_alone(weakest) and _for(weakest):
            page.alone.append((item, weakest))
        if label is Label.REFUTED:
            yield from _instead(weakest, page, answering)
        return verdicts
    page.verdicts.extend(verdicts)
    yield page.checked(page.add(_bound(item, label, verdicts, page)))
    if label is Label.DISPUTED:
        yield page.note(phrases.say("otherwise", plan.lang))
        for verdict in verdicts:
            yield from _quoted(page, verdict, _sides(verdict)[1][:2])
    return verdicts


def _for(verdict: Verdict) -> bool:
    """Whether nobody speaks against what one origin alone says."""
    return verdict.origins_for > 0 and not verdict.origins_against


def _left_out(text: str, verdict: Verdict) -> LeftOut:
    return LeftOut(text, verdict.reason, verdict.confidence if verdict.abstained else None)


def _in_context(item: draft.Draft, plan: QueryPlan, said_at: float | None) -> Claim:
    """A quote as a claim, with the names of the question that its context, not itself, holds."""
    claim = claim_at(item.text, 0, len(item.text), said_at=said_at)
    if item.quoted is None:
        return claim
    around, own = normalise(window_of(item.quoted)), normalise(item.text)
    names = [n for n in plan.names if normalise(n) in around and normalise(n) not in own]
    return replace(claim, context=", ".join(names))


def _instead(verdict: Verdict, page: _Page, answering: Spans | None) -> Iterator[Event]:
    """What the evidence says in place of a refuted sentence, as far as it answers the question
    (``answering``; None: whatever refutes a model's sentence is to be seen)."""
    page.verdicts.append(verdict)
    against = _sides(verdict)[1]
    said = {sentence.text for sentence in page.sentences}
    telling = [
        e
        for e in against[:2]
        if e.weight >= TELLING * against[0].weight
        and e.quote not in said
        and (answering is None or (e.post, e.start, e.end) in answering)
    ]
    yield from _quoted(page, verdict, telling, Label.SUPPORTED)


def _bound(item: draft.Draft, label: Label, verdicts: tuple[Verdict, ...], page: _Page) -> Sentence:
    """The sentence with its citations: the quoted passage first, then who else says so."""
    cited: list[int] = []
    against: list[int] = []
    for verdict in verdicts:
        for_, others = _sides(verdict)
        if item.quoted is not None:
            own = item.quoted.post.id
            for_ = sorted(for_, key=lambda e: e.post != own)
        for evidence in for_[:MOST_CITATIONS]:
            cited.append(page.cite(evidence, _stands_for(evidence, verdict)))
        for evidence in others[:2]:
            against.append(page.cite(evidence, _stands_for(evidence, verdict)))
    return Sentence(
        item.text,
        0,
        0,
        label=label,
        verdicts=verdicts,
        citations=tuple(dict.fromkeys(cited)),
        against=tuple(n for n in dict.fromkeys(against) if n not in cited),
    )


def _sides(verdict: Verdict) -> tuple[list[Evidence], list[Evidence]]:
    for_ = [e for e in verdict.evidence if e.stance is Stance.SUPPORTS]
    against = [e for e in verdict.evidence if e.stance is Stance.REFUTES]
    return for_, against


def _stands_for(evidence: Evidence, verdict: Verdict) -> int:
    """How many posts the origin of a piece of evidence stands for."""
    return verdict.posts_by_origin.get(evidence.origin, 1)


def _verdict_step(verdict: Verdict) -> Step:
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


# ----------------------------------------------------------------------------- the end


def _why_unknown(
    plan: QueryPlan, found: Retrieved, bench: Bench, page: _Page, searched: int
) -> str:
    unsure = [item for item in page.left_out if item.confidence is not None]
    unread = phrases.say("unindexed", plan.lang, n=bench.unindexed) if bench.unindexed else ""
    if unsure:
        why = max(unsure, key=lambda item: item.confidence or 0.0).reason
    elif found.passages:
        why = phrases.say("unsettled", plan.lang, posts=searched, origins=len(found.origins))
    elif unread:
        return unread
    else:
        why = phrases.say("nothing" if bench.store.status().posts else "empty", plan.lang)
    return ("" if plan.lang == "zh" else " ").join(part for part in (why, unread) if part)


def _finish(
    plan: QueryPlan,
    found: Retrieved,
    bench: Bench,
    page: _Page,
    now: float,
    searched: int,
    reason: str,
) -> Answer:
    """The whole answer, journalled."""
    behind = {o: n for v in page.verdicts for o, n in v.posts_by_origin.items()}
    result = Answer(
        id="",
        question=plan.question,
        lang=plan.lang,
        text=page.text,
        sentences=tuple(page.sentences),
        citations=tuple(page.citations),
        abstained=bool(reason),
        reason=reason,
        confidence=min((v.confidence for v in page.verdicts), default=0.0),
        as_of=now,
        newest=next((post.time for post in bench.store.scan(limit=1)), None),
        posts=sum(behind.values()) if behind else searched,
        origins=len(behind) if behind else len(found.origins),
        left_out=tuple(page.left_out),
        gaps=tuple(bench.store.gaps(5)),
        model=page.writer,
        energy=bench.spent() if bench.spent else None,
        unindexed=bench.unindexed,
    )
    return journal.record(bench.store, result)
