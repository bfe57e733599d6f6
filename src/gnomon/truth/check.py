"""One claim against everything held: retrieve, judge, weigh. Steps 2, 5 and 6 in a row."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from gnomon.models.protocols import Embed, Entail
from gnomon.store.contract import Store
from gnomon.store.rules import accepts
from gnomon.text import slots
from gnomon.text.sentences import split
from gnomon.text.tokens import is_cjk, words
from gnomon.truth.retrieve import begins, dated, retrieve_claim, window_of
from gnomon.truth.speakers import weight
from gnomon.truth.terms import Weights, content_terms, term_set
from gnomon.truth.verify import DENIAL_WORDS
from gnomon.truth.weigh import weigh
from gnomon.types import (
    Claim,
    Evidence,
    Filter,
    Judgement,
    Origin,
    Passage,
    Stance,
    Verdict,
)


@dataclass(frozen=True, slots=True)
class Bench:
    """Who judges, over what: the store, its term weights, the verifiers, the encoder.

    ``second`` is a strong chat model's judge, asked about what the first finds decisive.
    """

    store: Store
    weights: Weights
    entail: Entail
    embed: Embed | None = None
    second: Entail | None = None


def check_claim(
    claim: Claim,
    bench: Bench,
    *,
    where: Filter,
    now: float,
    also: Sequence[Passage] = (),
    rivals: Sequence[Passage] = (),
) -> Verdict:
    """The verdict on ``claim`` as of ``now``. ``also`` are passages found already; ``rivals`` are
    those that answer the question which the claim answers, with another value."""
    found = retrieve_claim(
        claim.whole, bench.store, bench.weights, where, embed=bench.embed, now=now
    )
    rivals = [p for p in rivals if accepts(where, p.post)]
    also = [p for p in also if accepts(where, p.post)]
    passages = _distinct([*rivals, *found.passages, *also])
    evidence = _judged(claim, passages, bench, now, {_key(p) for p in rivals})
    ids = list({item.origin for item in evidence})
    origins: Mapping[str, Origin] = bench.store.origins(ids)
    bearing = {item.origin for item in evidence if item.stance is not Stance.NEITHER}
    return weigh(claim, evidence, origins, bench.store.get_many(sorted(bearing)))


def _distinct(passages: Sequence[Passage]) -> list[Passage]:
    seen: dict[tuple[str, int, int], Passage] = {}
    for passage in passages:
        seen.setdefault(_key(passage), passage)
    return list(seen.values())


def _key(passage: Passage) -> tuple[str, int, int]:
    return passage.post.id, passage.start, passage.end


# How sure it is that another answer to the same question denies this one: less than a denial.
RIVAL = Judgement(0.05, 0.7, 0.25, "answers the same question otherwise")


def _judged(
    claim: Claim,
    passages: Sequence[Passage],
    bench: Bench,
    now: float,
    rivals: Collection[tuple[str, int, int]] = (),
) -> list[Evidence]:
    pairs = [(dated(window_of(p), p.post.created_at), claim.whole) for p in passages]
    judgements = bench.entail.judge(pairs)
    judgements = [
        RIVAL
        if _key(p) in rivals and judgement.stance is Stance.NEITHER
        else _in_its_post(claim, p, judgement, bench.entail, now)
        for p, judgement in zip(passages, judgements, strict=True)
    ]
    if bench.second is not None:
        judgements = _with_second(bench.second, pairs, judgements)
    passages = [
        _with_ruling(p)
        if judgement.rule.startswith(FACT_CHECK)
        else _with_next(p)
        if judgement.rule == REJECTED_NEXT
        else p
        for p, judgement in zip(passages, judgements, strict=True)
    ]
    found = [
        Evidence(
            post=p.post.id,
            quote=p.text,
            start=p.start,
            end=p.end,
            hash=p.post.hash,
            origin=p.origin,
            source=p.post.source,
            author=p.post.author,
            url=p.post.url,
            said_at=p.post.created_at,
            fetched_at=p.post.fetched_at,
            judgement=judgement,
            weight=_weight(p, judgement, now),
            relevance=float(p.scores.get("total", 0.0)),
            title=p.post.title,
            lang=p.post.lang,
        )
        for p, judgement in zip(passages, judgements, strict=True)
    ]
    return answered(found, {p.post.id: p.post.text for p in passages})


def _in_its_post(
    claim: Claim, passage: Passage, judgement: Judgement, entail: Entail, now: float
) -> Judgement:
    """The judgement on a sentence, corrected by what its post says beyond it."""
    today = f"{datetime.fromtimestamp(now, UTC):%Y-%m-%d}"
    if judgement.stance is Stance.REFUTES and begins(passage) > today:
        return _NOT_YET
    judgement = _spoken(claim, passage, judgement, entail)
    judgement = _rejected_next(claim, passage, judgement, entail)
    return _fact_checked(claim, passage, judgement, entail)


REJECTED_NEXT = "told in one sentence and rejected in the next"
_REJECTION = re.compile(
    r"(?:but |however,? |in fact,? )?(?:it|this|that|these|both|neither|the (?:story|claim|report|"
    r"rumou?r|post|figure)s?) (?:is|was|were|are|has been|turned out to be|proved) (?:\w+ )?"
    r"(?:not (?:true|so|the case|correct)|untrue|false|wrong|fake|a (?:hoax|lie|rumou?r)|nonsense|"
    r"made up|incorrect)\b|"
    r"(?:但|然而|不过)?(?:这|此|该|以上)(?:并?不是(?:事实|真的)|是(?:谣言|假)|并非事实|属谣言|"
    r"[^，。]{0,4}(?:不实|有误|错误))",
    re.IGNORECASE,
)


def _rejected_next(
    claim: Claim, passage: Passage, judgement: Judgement, entail: Entail
) -> Judgement:
    """A rumour told in one sentence and rejected in the next: "A story went round that ... It was
    wrong." """
    rest = passage.post.text[passage.end :].lstrip(' \n”"')
    rejection = _REJECTION.match(rest)
    if rejection is None or judgement.stance is Stance.REFUTES:
        return judgement
    told = re.sub(r"^.*?\bthat ", "", passage.text, count=1, flags=re.DOTALL).rstrip(" .。")
    falsehood = f"{told}，这不是事实。" if is_cjk(told) else f"It is false that {told}."
    head = f"{passage.post.title}.\n" if passage.post.title else ""
    read = entail.judge([(head + falsehood, claim.whole)])[0]
    if read.stance is Stance.REFUTES:
        return replace(read, rule=REJECTED_NEXT)
    return judgement if judgement.stance is Stance.NEITHER else _SAID_AND_REJECTED


_NOT_YET = Judgement(0.05, 0.15, 0.8, "holds only from a later day")
_SAID_AND_REJECTED = Judgement(0.05, 0.15, 0.8, "said, and rejected in the next sentence")


def _weight(passage: Passage, judgement: Judgement, now: float) -> float:
    """What a fact-check weighs goes by who rules, not by the talk that it quotes."""
    ruled = judgement.rule.startswith((FACT_CHECK, REJECTED_NEXT))
    quote = "" if ruled else passage.text
    return weight(passage.post, quote, 1.0, now)


# A statement that the other side quotes and answers, and that has nothing to say to the answer.
ANSWERED = 0.5


def answered(evidence: Sequence[Evidence], texts: Mapping[str, str]) -> list[Evidence]:
    """``evidence`` with less weight for what a post of the other side quotes word for word and
    rejects: who answers a statement has seen it. ``texts`` are the posts' by id."""
    quoted = {
        (item.stance, words)
        for item in evidence
        if item.stance is not Stance.NEITHER
        for words in _CLAIM_QUOTED.findall(texts[item.post])
    }

    def is_answered(item: Evidence) -> bool:
        return any(
            stance is not item.stance and _repeats(words, item.quote) for stance, words in quoted
        )

    return [
        replace(item, weight=item.weight * ANSWERED)
        if item.stance is not Stance.NEITHER and is_answered(item)
        else item
        for item in evidence
    ]


# The share of a statement's words that a quotation must have to be a quotation of it.
REPEATS = 0.8


def _repeats(quotation: str, statement: str) -> bool:
    said = content_terms(statement)
    held = term_set(quotation)
    return len(said) > DENIAL_WORDS and sum(t in held for t in said) >= REPEATS * len(said)


_REPORTED = re.compile(
    r"^(?P<who>[A-Z][\w.'’ -]{1,60}?) (?:has |have |had |again |also )?"
    r"(?P<verb>said|says|announced|confirmed|stated|denied|denies|rejected)(?: that)? (?P<what>.+)$"
)


def _spoken(claim: Claim, passage: Passage, judgement: Judgement, entail: Entail) -> Judgement:
    """A claim that somebody said or denied a thing, against that person's own words."""
    report = _REPORTED.match(claim.text)
    if report is None or judgement.stance is not Stance.NEITHER:
        return judgement
    who = {word for word in words(report["who"]) if len(word) > 2}
    author = set(words(re.sub(r"[_\-.]", " ", passage.post.author)))
    if not author or not author & who or not who <= author | set(words(passage.post.author)):
        return judgement
    read = entail.judge([(dated(window_of(passage), passage.post.created_at), report["what"])])[0]
    denied = report["verb"] in ("denied", "denies", "rejected")
    meant = Stance.REFUTES if denied else Stance.SUPPORTS
    if read.stance is not meant:
        return judgement
    p = max(read.supports, read.refutes)
    return Judgement(p, 0.0, 1.0 - p, "says so in the speaker's own words")


_RULING = re.compile(
    r"(?:verdict|rating|ruling|conclusion|结论|判定|核查结果)\s*[:：]\s*"
    r"(?:(?:it|this|that|the claim) is )?(?:mostly |entirely )?"
    r"(?:(false|untrue|fake|wrong|misleading|hoax|fabricated|不实|假|错误|虚假|谣言|误导)|"
    r"(true|correct|accurate|confirmed|属实|真实|正确))",
    re.IGNORECASE,
)
_TITLE_RULING = re.compile(
    r"^(?:no\b[,:.]|(?:false|fake|hoax|untrue)\b)|[?？]\s*(?:no\b|不|没有|假)|"
    r"(^(?:yes\b[,:.]|true\b[:.])|[?？]\s*(?:yes\b|是的|属实))",
    re.IGNORECASE,
)
FACT_CHECK = "a fact-check rules it"
_CLAIM_QUOTED = re.compile(r"[\"“「『]([^\"”」』]{8,})[\"”」』]")


def _fact_checked(
    claim: Claim, passage: Passage, judgement: Judgement, entail: Entail
) -> Judgement:
    """A fact-check that quotes a claim and rules on it speaks through its ruling, not its quote
    (the form of https://schema.org/ClaimReview in prose: the claim reviewed, then the rating)."""
    ruling = _RULING.search(passage.post.text)
    titled = _TITLE_RULING.search(passage.post.title)
    quoted = next(
        (
            match
            for match in _CLAIM_QUOTED.finditer(passage.post.text)
            if match.start() < passage.end and match.end() > passage.start
        ),
        None,
    )
    if not (ruling or titled) or not quoted:
        return judgement
    said = quoted.group(1)
    reads = entail.judge([(said[:end], claim.whole) for _, end in split(said)])
    read = min(reads, key=lambda judged: judged.neither)
    if read.stance is Stance.NEITHER:
        return judgement
    true = bool(ruling[2] if ruling else titled and titled[1])
    word = (ruling[1] or ruling[2]) if ruling else ("true" if true else "false")
    supports, refutes = (read.supports, read.refutes) if true else (read.refutes, read.supports)
    return Judgement(supports, refutes, read.neither, f"{FACT_CHECK} {word.lower()}")


def _with_next(passage: Passage) -> Passage:
    """The passage together with the sentence behind it."""
    ends = [end for start, end in split(passage.post.text) if start >= passage.end]
    return replace(passage, end=ends[0]) if ends else passage


def _with_ruling(passage: Passage) -> Passage:
    """The sentence that rules, where the text has one: the claim itself is not to be quoted as if
    it were said here."""
    ruling = _RULING.search(passage.post.text)
    for start, end in split(passage.post.text) if ruling else ():
        if ruling and start <= ruling.start() < end:
            return replace(passage, start=start, end=end)
    return passage


SECOND_SEES = 6


def _with_second(
    judge: Entail, pairs: Sequence[tuple[str, str]], first: Sequence[Judgement]
) -> list[Judgement]:
    """The second judge reads the windows that bear most on the claim.

    What the first could not tell, the second decides, except that a number or date which the window
    lacks or contradicts forbids "supports". Where both decide and differ, neither counts.
    """
    out = list(first)
    order = sorted(range(len(pairs)), key=lambda i: first[i].neither)[:SECOND_SEES]
    for i, other in zip(order, judge.judge([pairs[i] for i in order]), strict=True):
        mine, window, claim = first[i], *pairs[i]
        if other.stance is mine.stance:
            continue
        if mine.stance is not Stance.NEITHER and other.stance is not Stance.NEITHER:
            out[i] = Judgement(0.25, 0.25, 0.5, f"the judges differ: {mine.rule}; {other.rule}")
        elif mine.stance is Stance.NEITHER:
            inexact = slots.missing(claim, window) or slots.conflicts(claim, window)
            if not (other.stance is Stance.SUPPORTS and inexact):
                out[i] = other
        else:
            out[i] = Judgement(
                mine.supports / 2,
                mine.refutes / 2,
                1 - (mine.supports + mine.refutes) / 2,
                f"{mine.rule}; the second judge is not convinced",
            )
    return out
