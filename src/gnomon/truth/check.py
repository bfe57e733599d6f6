"""One claim against everything held: retrieve, judge, weigh. Steps 2, 5 and 6 in a row."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from gnomon.models.protocols import Embed, Entail
from gnomon.store.contract import Store
from gnomon.store.rules import accepts
from gnomon.text import polarity
from gnomon.truth import relations, rulings
from gnomon.truth.bearing import borne_out
from gnomon.truth.confidence import Trust, kind_of
from gnomon.truth.judge import DIFFER, differ, with_second
from gnomon.truth.retrieve import dated, retrieve_again, retrieve_claim, window_of
from gnomon.truth.speakers import weight
from gnomon.truth.terms import Weights
from gnomon.truth.weigh import disputed, weigh
from gnomon.types import Claim, Evidence, Filter, Judgement, Label, Passage, Stance, Verdict
from gnomon.types.measured import Joules


@dataclass(frozen=True, slots=True)
class Bench:
    """Who judges, over what: the store, its term weights, the verifiers, the encoder.

    ``second`` is a strong chat model's judge, asked about what the first finds decisive. ``trust``
    is the verifier's calibration with the owner's risk; without it confidence is uncalibrated.
    ``lang`` is the language in which reasons are given; "": that of the claim. ``spent`` says what
    energy the answer has taken so far, where that is measured. ``unindexed`` changes of the record
    cannot be searched yet.
    """

    store: Store
    weights: Weights
    entail: Entail
    embed: Embed | None = None
    second: Entail | None = None
    trust: Trust | None = None
    lang: str = ""
    spent: Callable[[], Joules | None] | None = None
    unindexed: int = 0


UNCHECKED = "an opinion is not checked"


def check_claim(
    claim: Claim,
    bench: Bench,
    *,
    where: Filter,
    now: float,
    also: Sequence[Passage] = (),
    rivals: Sequence[Passage] = (),
    seconds: Sequence[Passage] = (),
    attributed: bool = False,
    stakes: str = "",
) -> Verdict:
    """The verdict on ``claim`` as of ``now``. ``also`` are passages found already; ``rivals`` are
    those that answer the question which the claim answers, with another value, and ``seconds``
    with the same. ``attributed`` and ``stakes``: see ``weigh``.

    Where the two judges differ, there is one more round of retrieval in other words; what they
    still do not agree on decides nothing. An opinion gets no verdict, whatever is
    said about it.
    """
    if polarity.is_opinion(claim.text):
        return replace(_weighed(claim, (), bench, attributed, stakes), rule=UNCHECKED)
    found = retrieve_claim(
        claim.whole, bench.store, bench.weights, where, embed=bench.embed, now=now
    )
    rivals = [p for p in rivals if accepts(where, p.post)]
    seconds = [p for p in seconds if accepts(where, p.post)]
    also = [p for p in also if accepts(where, p.post)]
    passages = _distinct([*rivals, *seconds, *found.passages, *also])
    answered = {_key(p): RIVAL for p in rivals} | {_key(p): SECOND for p in seconds}
    evidence, doubted = _judged(claim, passages, bench, now, answered)
    if doubted:
        more = retrieve_again(claim.whole, bench.store, bench.weights, where, now=now)
        seen = {_key(p) for p in passages}
        new = [p for p in more.passages if _key(p) not in seen]
        passages = [*passages, *new]
        further, also_doubted = _judged(claim, new, bench, now)
        evidence, doubted = [*evidence, *further], doubted | also_doubted
    texts = {p.post.id: p.post.text for p in passages}
    if not doubted:
        return _weighed(claim, rulings.answered(evidence, texts), bench, attributed, stakes)
    agreed = [replace(e, weight=0.0) if _place(e) in doubted else e for e in evidence]
    alone = [replace(e, judgement=doubted.get(_place(e), e.judgement)) for e in evidence]
    return _between(
        _weighed(claim, rulings.answered(agreed, texts), bench, attributed, stakes),
        _weighed(claim, rulings.answered(alone, texts), bench, attributed, stakes),
        differ(evidence)[0],
        bench.lang,
    )


def _weighed(
    claim: Claim, evidence: Sequence[Evidence], bench: Bench, attributed: bool, stakes: str
) -> Verdict:
    bearing = {item.origin for item in evidence if item.stance is not Stance.NEITHER}
    return weigh(
        claim,
        evidence,
        bench.store.origins(list({item.origin for item in evidence})),
        bench.store.first_held(sorted(bearing)),
        bench.trust,
        bench.lang,
        attributed,
        stakes,
    )


def _between(agreed: Verdict, alone: Verdict, doubted: Evidence, lang: str) -> Verdict:
    """What two judges who differ leave of a verdict: ``agreed`` rests on what both read alike,
    ``alone`` on the verifier's word for the rest. The second judge can take certainty away, and
    not turn a verdict: whoever writes to it would else turn it with words."""
    why = f"{doubted.judgement.rule}, after one more look"
    if agreed.label is Label.NOT_ENOUGH and not agreed.abstained:
        return replace(agreed, rule=why)
    if alone.label is agreed.label or agreed.label in (Label.NOT_ENOUGH, Label.DISPUTED):
        return agreed
    return replace(alone, label=Label.DISPUTED, rule=why, reason=disputed(alone, lang))


def _distinct(passages: Sequence[Passage]) -> list[Passage]:
    seen: dict[tuple[str, int, int], Passage] = {}
    for passage in passages:
        seen.setdefault(_key(passage), passage)
    return list(seen.values())


Place = tuple[str, int, int]  # post, start, end


def _key(passage: Passage) -> Place:
    return passage.post.id, passage.start, passage.end


def _place(evidence: Evidence) -> Place:
    return evidence.post, evidence.start, evidence.end


# How sure it is that another answer to the same question denies this one: less than a denial.
RIVAL = Judgement(0.05, 0.7, 0.25, "answers the same question otherwise")
# That another sentence gives the same answer to it; what else the two say may differ.
SECOND = Judgement(0.7, 0.05, 0.25, "answers the same question alike")


def _judged(
    claim: Claim,
    passages: Sequence[Passage],
    bench: Bench,
    now: float,
    answered: Mapping[Place, Judgement] = MappingProxyType({}),
) -> tuple[list[Evidence], dict[Place, Judgement]]:
    """Each passage as evidence: judged, calibrated, read in its post, seen by the second judge; and
    the verifier's own judgement where the two differ. ``answered`` is what is made of those that
    answer the same question where the verifier has nothing to say."""
    pairs = [(dated(window_of(p), p.post.created_at), claim.whole) for p in passages]
    judgements = [
        answered[_key(p)]
        if _key(p) in answered and judgement.stance is Stance.NEITHER
        else rulings.in_its_post(claim, p, judgement, bench.entail, now)
        for p, judgement in zip(passages, _calibrated(pairs, passages, bench), strict=True)
    ]
    told = bench.weights.of(claim.whole)
    judgements = [
        relations.not_this(
            claim.text, p.text, borne_out(claim.whole, window, p.text, judgement, told)
        )
        for p, (window, _), judgement in zip(passages, pairs, judgements, strict=True)
    ]
    first = judgements
    if bench.second is not None:
        judgements = with_second(bench.second, pairs, first, bench.entail)
    evidence = [
        _evidence(rulings.shown(p, judgement), judgement, _weight(p, judgement, now))
        for p, judgement in zip(passages, judgements, strict=True)
    ]
    doubted = {
        _place(item): own
        for item, own in zip(evidence, first, strict=True)
        if item.judgement.rule.startswith(DIFFER)
    }
    return evidence, doubted


def _calibrated(
    pairs: Sequence[tuple[str, str]], passages: Sequence[Passage], bench: Bench
) -> list[Judgement]:
    judged = bench.entail.judge(pairs)
    if bench.trust is None:
        return judged
    table = bench.trust.calibration
    return [
        table.judgement(judgement, kind_of(p.post))
        for judgement, p in zip(judged, passages, strict=True)
    ]


def _evidence(passage: Passage, judgement: Judgement, weight: float) -> Evidence:
    post = passage.post
    return Evidence(
        post=post.id,
        quote=passage.text,
        start=passage.start,
        end=passage.end,
        hash=post.hash,
        origin=passage.origin,
        source=post.source,
        author=post.author,
        url=post.url,
        said_at=post.created_at,
        fetched_at=post.fetched_at,
        judgement=judgement,
        weight=weight,
        relevance=float(passage.scores.get("total", 0.0)),
        title=post.title,
        lang=post.lang,
    )


def _weight(passage: Passage, judgement: Judgement, now: float) -> float:
    """What a fact-check weighs goes by who rules, not by the talk that it quotes."""
    quote = "" if rulings.is_ruling(judgement) else passage.text
    return weight(passage.post, quote, 1.0, now)
