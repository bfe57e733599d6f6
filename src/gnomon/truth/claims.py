"""Step 4: what a text claims, one checkable statement at a time."""

from __future__ import annotations

import re

from gnomon.text import polarity, slots
from gnomon.text.sentences import split
from gnomon.text.tokens import is_cjk, words
from gnomon.types import Claim

# A conjunction starts a claim of its own only when a subject follows it; "bread and butter" stays.
_JOINT_EN = re.compile(
    r"(?:;|,? (?:and|but|while|whereas))\s+(?=(?:the|a|an|it|he|she|they|we|its|his|her|their|"
    r"that|this|there|no|\d|[A-Z])\b[\w'’-]*(?:\s+[\w'’.-]+){3,})",
)
_JOINT_ZH = re.compile(r"[；;]|，(?=(?:而|但|同时|并且|不过|然而|另外|此外))")
_MIN_WORDS = 4


def claims_of(text: str, *, said_at: float | None = None) -> tuple[Claim, ...]:
    """The claims of ``text`` in order; ``text[claim.start:claim.end] == claim.text``.

    Relative dates in the slots are resolved against ``said_at``. Questions and opinions are
    returned with ``checkable=False``.
    """
    out = []
    for start, end in split(text):
        for a, b in clause_spans(text[start:end]):
            out.append(claim_at(text, start + a, start + b, said_at=said_at))
    return tuple(out)


def claim_at(text: str, start: int, end: int, *, said_at: float | None = None) -> Claim:
    """The span of ``text`` as one claim."""
    words_ = text[start:end]
    return Claim(
        text=words_,
        start=start,
        end=end,
        slots=slots.find(words_, now=said_at),
        lang="zh" if is_cjk(words_) else "en",
        speaker=polarity.speaker(words_),
        modality=polarity.modality(words_),
        checkable=not (polarity.is_question(words_) or polarity.is_opinion(words_)),
    )


def clause_spans(sentence: str) -> list[tuple[int, int]]:
    """Spans of the sentence's independent statements; the whole when it cannot be divided."""
    joint = _JOINT_ZH if is_cjk(sentence) else _JOINT_EN
    if polarity.is_question(sentence) or re.search(r"[\"“”「『]", sentence):
        return [(0, len(sentence))]
    cuts = [0]
    ends = []
    for match in joint.finditer(sentence):
        left = sentence[cuts[-1] : match.start()]
        if len(words(left)) >= _MIN_WORDS and len(words(sentence[match.end() :])) >= _MIN_WORDS:
            ends.append(match.start())
            cuts.append(match.end())
    ends.append(len(sentence))
    return list(zip(cuts, ends, strict=True))
