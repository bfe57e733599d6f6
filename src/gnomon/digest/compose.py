"""Stories become a digest: sentences of held posts (or a strong model's), each one checked.

A sentence that independent origins agree on is *known*; one that rests on one origin is shown as
what could not be confirmed, however often it was repeated; where origins disagree, both sides are
shown. What cannot be settled is left out and listed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from gnomon.digest import changes, words
from gnomon.digest.choice import (
    MOST_LINES,
    Candidate,
    candidates,
    merged,
    own_words_at,
    says_again,
    statable,
)
from gnomon.errors import ModelError, NotFound
from gnomon.models.protocols import Chat
from gnomon.text.sentences import split
from gnomon.truth import draft, rewrite
from gnomon.truth.check import Bench, check_claim
from gnomon.truth.citing import cite
from gnomon.truth.claims import claim_at, claims_of
from gnomon.types import (
    Brief,
    Citation,
    Claim,
    Conflict,
    Digest,
    Evidence,
    Filter,
    Judgement,
    Label,
    LeftOut,
    Line,
    Saying,
    Stance,
    Step,
    Stories,
    Story,
    Verdict,
)
from gnomon.wire import parse_time

RANKED = 60
"""Stories of each list, by interest and by support, from which a digest chooses."""
MOST_CITED = 3
MOST_CONFLICTS = 2
SEARCHED = 80
"""Origins that are looked up for what a digest is to be about."""
_ASIDE = Judgement(0.0, 0.0, 1.0, "shown, not judged")


class Rising(Protocol):
    """Where stories come from; see ``trends``."""

    def stories(
        self,
        *,
        since: float | None = None,
        until: float | None = None,
        langs: Sequence[str] = (),
        k: int = 20,
        by: str = "interest",
    ) -> Stories: ...

    def story(self, id: str) -> Story: ...

    def story_of(self, post: str) -> str | None:
        """The id of the story that a post is in."""
        ...


@dataclass(frozen=True, slots=True)
class Order:
    """What a digest is to hold: at most ``k`` stories spoken of in ``since <= time < until``, about
    ``about`` ("": anything), in ``langs`` (empty: any), told in ``lang`` ("en" or "zh")."""

    since: float
    until: float
    about: str = ""
    langs: tuple[str, ...] = ()
    lang: str = "en"
    k: int = 8


@dataclass
class _Sheet:
    """The digest while it grows: citations are numbered over all of it."""

    bench: Bench
    order: Order
    now: float
    chat: Chat | None
    timeout_s: float
    citations: list[Citation] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    written: bool = False

    def cite(self, evidence: Evidence, posts: int) -> int:
        return cite(self.citations, evidence, posts)

    def checked(self, claim: Claim, candidate: Candidate | None = None) -> Verdict:
        also = [candidate.passage] if candidate else []
        where = Filter(until=self.order.until + 1e-6)
        return check_claim(claim, self.bench, where=where, now=self.now, also=also)


def make(
    order: Order,
    rising: Rising,
    bench: Bench,
    *,
    now: float,
    chat: Chat | None = None,
    before: Mapping[str, Any] | None = None,
    losses: Sequence[changes.Loss] = (),
    timeout_s: float = 60.0,
) -> Iterator[Step | Digest]:
    """The digest of ``order``, after a Step for each story.

    ``chat`` (a strong one) writes the known part, which is then checked; without it the digest is
    composed of quotes. ``before`` is the digest, as JSON, that this one is compared with;
    ``losses`` are receipts that lost sources since.

    Closing the iterator stops the work. Raises StoreError, InputError.
    """
    strong = chat if chat is not None and chat.strong else None
    sheet = _Sheet(bench, order, now, strong, timeout_s)
    loud, supported = (
        rising.stories(since=order.since, until=order.until, langs=order.langs, k=RANKED, by=by)
        for by in ("interest", "support")
    )
    wanted = _about(order, rising, bench)
    by_interest, by_support = (
        [s for s in found.stories if wanted is None or s.id in wanted]
        for found in (loud, supported)
    )
    briefs = []
    for story in merged(by_interest, by_support, order.k):
        yield Step("story", story.title, {"story": story.id, "origins": story.support.origins})
        try:
            told = rising.story(story.id)
        except NotFound:  # its authors deleted it a moment ago
            continue
        briefs.append(_brief(told, sheet, before))
    status = bench.store.status()
    made = Digest(
        id="",
        lang=order.lang,
        about=order.about,
        langs=order.langs,
        since=order.since,
        until=order.until,
        made_at=now,
        newest=status.newest,
        stories=loud.total,
        posts=sum(brief.posts for brief in briefs),
        origins=sum(brief.support.origins for brief in briefs),
        briefs=tuple(briefs),
        citations=tuple(sheet.citations),
        previous=str(before["id"]) if before else "",
        before_at=parse_time(before["made_at"]) if before else None,
        left_out=tuple(sheet.left_out),
        gaps=tuple(g for g in bench.store.gaps(20) if g.end > order.since),
        model=strong.name if strong is not None and sheet.written else "",
    )
    yield replace(made, changes=changes.between(before, made, losses))


def _about(order: Order, rising: Rising, bench: Bench) -> set[str] | None:
    """Ids of the stories that match what the digest is to be about; None where it is anything."""
    if not order.about.strip():
        return None
    where = Filter(since=order.since, until=order.until, langs=order.langs)
    hits = bench.store.search(order.about, SEARCHED, where)
    # A story that has one of many words in passing is not about them.
    best = hits[0].score if hits else 0.0
    found = (rising.story_of(hit.post.id) for hit in hits if hit.score >= 0.4 * best)
    return {story for story in found if story}


# ----------------------------------------------------------------------------- one story


def _brief(story: Story, sheet: _Sheet, before: Mapping[str, Any] | None) -> Brief:
    found = candidates(story, sheet.bench.store)
    groups = {root: n for n, group in enumerate(story.one_voice) for root in group}
    lines = _written(story, found, sheet, groups) if sheet.chat is not None else []
    lines += _quoted(found, sheet, [line.text for line in lines], groups)
    told = [one for one in story.disputed if _is_of_one_thing(one)]
    lines += [_conflict(one, sheet) for one in told[:MOST_CONFLICTS]]
    title, title_by = _heading(story, lines, sheet)
    known = changes.origins_before(before, story)
    return Brief(
        story=story.id,
        title=title,
        title_by=title_by,
        langs=story.langs,
        first_seen=story.first_seen,
        last_seen=story.last_seen,
        posts=story.posts,
        origins=story.origins,
        authors=story.authors,
        interest=story.interest,
        support=story.support,
        first=story.first,
        lines=tuple(lines),
        spark=story.spark,
        spark_from=story.spark_from,
        spark_s=story.spark_s,
        news=changes.news(before, story, known),
        origins_before=known,
        discount=story.discount,
    )


def _heading(story: Story, lines: Sequence[Line], sheet: _Sheet) -> tuple[str, int]:
    """The words over a story, and the number of their citation: its own title, unless that is
    what is disputed and something is known."""
    known = [line for line in lines if line.kind == "known" and line.by]
    stated = known or [line for line in lines if line.kind == "alone" and line.by]
    disputed = [line.text for line in lines if line.kind == "disputed"]
    poor = own_words_at(story.title) or not statable(story.title)
    if (known and says_again(story.title, disputed)) or (stated and poor):
        return stated[0].text, stated[0].citations[0]
    return story.title, _cite_words(story.title_post, story.title, 1, sheet)


def _quoted(
    found: Sequence[Candidate], sheet: _Sheet, said: Sequence[str], groups: Mapping[str, int]
) -> list[Line]:
    """Candidates in their order, each checked; what the evidence does not settle is left out."""
    lines: list[Line] = []
    said = list(said)
    for candidate in found:
        if len(lines) >= MOST_LINES:
            break
        if says_again(candidate.text, said):
            continue
        post = candidate.passage.post
        claim = claim_at(candidate.text, 0, len(candidate.text), said_at=post.created_at)
        line = _line(as_voices(sheet.checked(claim, candidate), groups), sheet, candidate)
        if line is not None:
            lines.append(line)
            said.append(line.text)
    return lines


def _line(verdict: Verdict, sheet: _Sheet, candidate: Candidate) -> Line | None:
    kind = kind_of(verdict)
    if kind == "unsettled":
        confidence = verdict.confidence if verdict.abstained else None
        sheet.left_out.append(LeftOut(candidate.text, verdict.reason, confidence))
        return None
    post = candidate.passage.post
    for_, against = _sides(verdict)
    for_.sort(key=lambda evidence: evidence.post != post.id)
    return Line(
        text=candidate.text,
        kind=kind,
        label=verdict.label,
        citations=_numbers(for_[:MOST_CITED], verdict, sheet),
        against=_numbers(against[:MOST_CITED], verdict, sheet),
        origins_for=verdict.origins_for,
        origins_against=verdict.origins_against,
        confidence=round(verdict.confidence, 3),
        by=post.author or post.source,
        said_at=post.created_at,
        reason=verdict.reason,
    )


def as_voices(verdict: Verdict, groups: Mapping[str, int]) -> Verdict:
    """The verdict with those of its origins counted as one that are of one coordinated group of the
    story. ``groups`` has the number of each origin's group."""
    for_, against = (
        len(origins) - len({groups.get(one, one) for one in origins})
        for origins in ({e.origin for e in side} for side in _sides(verdict))
    )
    if not for_ and not against:
        return verdict
    return replace(
        verdict,
        origins_for=max(1, verdict.origins_for - for_),
        origins_against=max(min(1, verdict.origins_against), verdict.origins_against - against),
    )


def kind_of(verdict: Verdict) -> str:
    """What a verdict makes of a sentence: known, alone, disputed or unsettled (``Line.kind``)."""
    if verdict.label is Label.DISPUTED or verdict.label is Label.REFUTED:
        return "disputed"
    if verdict.label is Label.SUPPORTED:
        if verdict.origins_against:
            return "disputed"
        return "known" if verdict.origins_for >= 2 else "alone"
    # One origin that is not enough for a grave claim is still one origin that says so.
    return "alone" if verdict.origins_for == 1 and not verdict.origins_against else "unsettled"


def _written(
    story: Story, found: Sequence[Candidate], sheet: _Sheet, groups: Mapping[str, int]
) -> list[Line]:
    """A strong model's sentences over the story's passages; only those that every claim of which is
    known. Nothing where the model fails: then the story is quoted."""
    assert sheet.chat is not None
    question = f"What is known about this: {story.title}"
    plan = rewrite.plan(question[:1000], now=sheet.now, weights=sheet.bench.weights)
    passages = [candidate.passage for candidate in found]
    try:
        drafts = draft.write(plan, passages, sheet.chat, timeout_s=sheet.timeout_s)
    except ModelError as error:
        sheet.left_out.append(LeftOut(story.title, f"{error} It is composed of quotes instead."))
        return []
    lines = []
    for item in drafts[:MOST_LINES]:
        claims = claims_of(item.text, said_at=sheet.now)
        verdicts = [as_voices(sheet.checked(claim), groups) for claim in claims]
        if not verdicts or any(kind_of(verdict) != "known" for verdict in verdicts):
            weak = next((v for v in verdicts if kind_of(v) != "known"), None)
            reason = weak.reason if weak else "It makes no statement that could be checked."
            sheet.left_out.append(LeftOut(item.text, reason))
            continue
        least = min(verdicts, key=lambda verdict: verdict.confidence)
        cited = [n for v in verdicts for n in _numbers(_sides(v)[0][:2], v, sheet)]
        lines.append(
            Line(
                text=item.text,
                kind="known",
                label=Label.SUPPORTED,
                citations=tuple(dict.fromkeys(cited)),
                origins_for=min(verdict.origins_for for verdict in verdicts),
                confidence=round(least.confidence, 3),
                reason=least.reason,
            )
        )
    sheet.written = sheet.written or bool(lines)
    return lines


# ----------------------------------------------------------------------------- conflicts


def _is_of_one_thing(conflict: Conflict) -> bool:
    """Whether values differ of one and the same: "killed", or where the verifier says that the
    sentences contradict. Sums of money in one story are mostly of different things."""
    counted = conflict.about and not _UNIT.fullmatch(conflict.about)
    return bool(counted) or conflict.rule == "verifier"


_UNIT = re.compile(
    r"(?:second|minute|hour|day|week|month|year)s?|[A-Z]{3}|%|[a-zµ°]{1,3}(?:/[a-z]{1,2})?|[$€£¥]"
)


def _conflict(conflict: Conflict, sheet: _Sheet) -> Line:
    """Values that differ, each with who gave it first."""
    lang = sheet.order.lang
    values, cited = [], []
    for version in conflict.versions:
        first = version.said_by[0]
        who = first.author or first.source or words.say("no author", lang)
        at = words.when(first.said_at)
        values.append(words.say("value", lang, value=version.value, who=who, when=at))
        cited += [_cite_saying(saying, sheet) for saying in version.said_by[:2]]
    joined = ("；" if lang == "zh" else "; ").join(values)
    key = "differ on" if conflict.about else "differ"
    return Line(
        text=words.say(key, lang, about=conflict.about, values=joined),
        kind="disputed",
        label=Label.DISPUTED,
        citations=tuple(dict.fromkeys(n for n in cited if n)),
        origins_for=sum(version.voices for version in conflict.versions),
    )


def _cite_saying(saying: Saying, sheet: _Sheet) -> int:
    return _cite_words(saying.post, saying.quote, saying.posts, sheet)


def _cite_words(post_id: str, quote: str, posts: int, sheet: _Sheet) -> int:
    """The number of a citation of these words of a post; of its first sentence, where they are not
    in its text (a headline, which stands in ``Evidence.title``); 0 where it is no longer held."""
    post = sheet.bench.store.get(post_id)
    if post is None:
        return 0
    start = post.text.find(quote) if quote else -1
    end = start + len(quote)
    if start < 0:
        start, end = next(iter(split(post.text)), (0, len(post.text)))
    evidence = Evidence(
        post=post.id,
        quote=post.text[start:end],
        start=start,
        end=end,
        hash=post.hash,
        origin=post.id,
        source=post.source,
        author=post.author,
        url=post.url,
        said_at=post.created_at,
        fetched_at=post.fetched_at,
        judgement=_ASIDE,
        title=post.title,
        lang=post.lang,
    )
    return sheet.cite(evidence, posts)


def _numbers(side: Sequence[Evidence], verdict: Verdict, sheet: _Sheet) -> tuple[int, ...]:
    found = (sheet.cite(e, verdict.posts_by_origin.get(e.origin, 1)) for e in side)
    return tuple(dict.fromkeys(found))


def _sides(verdict: Verdict) -> tuple[list[Evidence], list[Evidence]]:
    for_ = [e for e in verdict.evidence if e.stance is Stance.SUPPORTS]
    against = [e for e in verdict.evidence if e.stance is Stance.REFUTES]
    return for_, against
