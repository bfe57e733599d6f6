"""Step 7: compose the steps into an answer, as typed events.

Nothing is sent before it is checked. What is not supported is left out, with its reason; where
evidence stands on both sides, both are shown; where nothing settles the question, the answer says
so.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import combinations

from gnomon import journal
from gnomon.errors import ModelError
from gnomon.models.protocols import Chat
from gnomon.text.tokens import is_cjk
from gnomon.truth import arithmetic, asked, draft, own_words, phrases, rewrite, sought
from gnomon.truth.check import Bench, check_claim
from gnomon.truth.claims import claim_at
from gnomon.truth.drafted import check_draft, compose
from gnomon.truth.follow_up import standing_alone
from gnomon.truth.hearsay import is_hearsay
from gnomon.truth.page import Page, left_out, quoted, sides_of, verdict_step
from gnomon.truth.retrieve import Retrieved, retrieve, retrieve_claim
from gnomon.truth.weigh import leans_alone, vote
from gnomon.types import (
    Answer,
    Event,
    Filter,
    Finished,
    Label,
    LeftOut,
    QueryPlan,
    Step,
    Turn,
)

Look = Callable[[QueryPlan], Generator[Step, None, tuple[Bench, float]]]
"""Takes in more for a question, as steps; what comes back is the bench to go on with, and the time
up to which posts count then (epoch seconds)."""
CLOSE = 0.75  # a quote beside a yes-or-no question that it does not settle
SECONDS = 0.2  # the fit of a quote that gives the same number or day as one that answers


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

    page = Page(plan.lang, writer=strong.name if strong else "quotes")
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
    page = Page(lang)
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
    plan: QueryPlan, found: Retrieved, bench: Bench, page: Page, now: float
) -> Iterator[Event]:
    """The claim inside the question is judged; the quotes that decided it are the answer."""
    text = rewrite.as_claim(plan.question)
    claim = claim_at(text, 0, len(text), said_at=now)
    yield Step("draft", text, {"claim": text})
    verdict = check_claim(claim, bench, where=plan.where, now=now, also=found.passages)
    yield verdict_step(verdict)
    if verdict.label is Label.NOT_ENOUGH and not leans_alone(verdict):
        page.left_out.append(left_out(text, verdict))
        return
    page.verdicts.append(verdict)
    for_, against = sides_of(verdict)
    if leans_alone(verdict):
        yield page.note(verdict.reason, label=verdict.label, verdicts=(verdict,))
        yield from quoted(page, verdict, sorted([*for_, *against], key=vote, reverse=True)[:2])
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
    yield from quoted(
        page, verdict, first[:2], None if verdict.label is Label.DISPUTED else Label.SUPPORTED
    )
    if second:
        yield page.note(phrases.say("otherwise", plan.lang))
        yield from quoted(page, verdict, second[:2], Label.DISPUTED)


# ----------------------------------------------------------------------------- everything else


def _what(
    plan: QueryPlan,
    found: Retrieved,
    bench: Bench,
    page: Page,
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
        every = draft.answering(
            plan, found.passages, bench.weights, embed=bench.embed, least=min(least, SECONDS)
        )
        every = [q for q in every if not (whether and is_hearsay(q.text))]
        quotes = draft.distinct([q for q in every if q.fit >= least])
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
            yield from compose(quotes, every, plan, found.passages, bench, page, now)


def _written(
    writer: Chat,
    write: Callable[[], list[draft.Draft]],
    plan: QueryPlan,
    found: Retrieved,
    bench: Bench,
    page: Page,
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
        yield from check_draft(item, plan, found.passages, bench, page, now)


# A term of a sum answers only its part of the question.
TERM_FIT = 0.35


def _computed(
    plan: QueryPlan, found: Retrieved, bench: Bench, page: Page, now: float
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
            yield from check_draft(item, plan, found.passages, bench, page, now)
        if len([s for s in page.sentences if s.label is Label.SUPPORTED]) == 2:
            yield page.note(phrases.say("computed", plan.lang, expression=result))
        return


# ----------------------------------------------------------------------------- the end


def _why_unknown(plan: QueryPlan, found: Retrieved, bench: Bench, page: Page, searched: int) -> str:
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
    page: Page,
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
