"""What a passage says of a claim beyond the sentence that was judged: a fact-check's ruling, a
rejection in the next sentence, a speaker's own words, a day from which on it holds.

Each takes the verifier's judgement on the sentence and gives it back, or a better one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from gnomon.models.protocols import Entail
from gnomon.text.sentences import split
from gnomon.text.tokens import is_cjk, words
from gnomon.truth.retrieve import begins, dated, window_of
from gnomon.truth.terms import content_terms, term_set
from gnomon.truth.verify import DENIAL_WORDS
from gnomon.types import Claim, Evidence, Judgement, Passage, Stance


def in_its_post(
    claim: Claim, passage: Passage, judgement: Judgement, entail: Entail, now: float
) -> Judgement:
    """The judgement on a sentence, corrected by what its post says beyond it."""
    today = f"{datetime.fromtimestamp(now, UTC):%Y-%m-%d}"
    if judgement.stance is Stance.REFUTES and begins(passage) > today:
        return _NOT_YET
    judgement = _spoken(claim, passage, judgement, entail)
    judgement = _rejected_next(claim, passage, judgement, entail)
    return _fact_checked(claim, passage, judgement, entail)


def is_ruling(judgement: Judgement) -> bool:
    """Whether a passage speaks through its ruling, not through what it quotes."""
    return judgement.rule.startswith((FACT_CHECK, REJECTED_NEXT))


def shown(passage: Passage, judgement: Judgement) -> Passage:
    """The part of the post to quote: with the sentence that rules or rejects."""
    if judgement.rule.startswith(FACT_CHECK):
        return _with_ruling(passage)
    return _with_next(passage) if judgement.rule == REJECTED_NEXT else passage


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
    read, plain = entail.judge([(head + text, claim.whole) for text in (falsehood, f"{told}.")])
    # What was told must be what is claimed: that it is false says nothing about anything else.
    if read.stance is Stance.REFUTES and plain.stance is not Stance.REFUTES:
        return replace(read, rule=REJECTED_NEXT)
    return judgement if judgement.stance is Stance.NEITHER else _SAID_AND_REJECTED


_NOT_YET = Judgement(0.05, 0.15, 0.8, "holds only from a later day")
_SAID_AND_REJECTED = Judgement(0.05, 0.15, 0.8, "said, and rejected in the next sentence")


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
