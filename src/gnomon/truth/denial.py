"""Whether a sentence denies a claim: one says of a word what the other says not.

A negating word governs what stands next to it ("has not reopened", "nobody was hurt", "not 21,000",
没有淹水); words that speak of truth itself ("is false", "denied", 谣言) govern their whole clause.
Counting negations over whole sentences was tried first: it called every second long sentence a
denial of the other.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from gnomon.text import polarity, slots
from gnomon.truth.antonyms import opposed
from gnomon.truth.terms import content_terms
from gnomon.types import SlotKind

# How many content words a negation governs: "has not yet been fully reopened to cars".
GOVERNS = 3
_WHOLE = re.compile(
    r"\b(?:untrue|false(?:ly|hood)?|fake[ds]?|hoax\w*|bogus|debunk\w*|refut\w+|den(?:y|ies|ied|ying)|"
    r"disprov\w+|fabricated|baseless|unfounded|incorrect|wrong(?:ly)?|myth|rumou?rs?|no truth|"
    r"not true|misinformation|dismiss(?:ed|es)|no plans?)\b|"
    r"否认|否認|辟谣|闢謠|谣言|謠言|谣传|不实|不實|虚假|假新闻|假消息|假的|并非事实|不是事实|误传|子虚乌有|没有证据|"
    r"刊登更正|作了澄清|写错|误写|误报|有误",
    re.IGNORECASE,
)
# "Cars will have to wait until 27 March": not now. A claim that names a day of its own is not
# denied by it.
_NOT_YET = re.compile(
    r"\b(?:ha(?:s|ve) to wait until|not (?:\w+ ){0,3}until|"
    r"(?:no earlier|not before|no sooner) than)\b|"
    r"要等到|还要等|最早.{0,8}才",
    re.IGNORECASE,
)
_STOP = re.compile(r"[.,](?!\d)|[;:!?()\"“”。，；：！？（）、\n]| but | and | - | – |但|而")


def negated_terms(clause: str, about: Collection[str] = ()) -> frozenset[str]:
    """The content terms of ``clause`` that it negates. With ``about``, only by negations whose
    first governed term is among these: "not impressed with the people there" denies nobody's
    presence."""
    if _WHOLE.search(clause):
        return frozenset(content_terms(_WHOLE.sub(" ", clause)))
    found: set[str] = set()
    for _, end in polarity.negation_cues(clause):
        rest = clause[end:]
        stop = _STOP.search(rest)
        reach = rest[: stop.start()] if stop else rest
        governed = [term for term in content_terms(reach) if not term.endswith("li")][:GOVERNS]
        if not about or not governed or not governed[0].isascii() or governed[0] in about:
            found.update(governed)
    return frozenset(found)


def denies_at_large(text: str) -> bool:
    """Whether the text speaks of truth or rumour itself, and so governs all it says."""
    return bool(_WHOLE.search(text))


def differs_in_negation(claim: str, clause: str) -> bool:
    """Whether a word of both is near a negation in only one of them: too little to deny the claim,
    enough not to support it."""
    shared = set(content_terms(claim)) & set(content_terms(clause))
    return bool(shared & (negated_terms(claim) ^ negated_terms(clause)))


def _dated(text: str) -> bool:
    return any(slot.kind is SlotKind.DATE for slot in slots.exact(text))


def denies(claim: str, clause: str) -> str:
    """Why ``clause`` denies ``claim``, or "" if it does not.

    The order of the checks matters: words that are negated in both agree ("did not reopen", "has
    not reopened"), and an opposite that is itself negated agrees too ("not open", "closed").
    """
    shared = set(content_terms(claim)) & set(content_terms(clause))
    ours, theirs = negated_terms(claim, shared), negated_terms(clause, shared)
    if _NOT_YET.search(clause) and not _NOT_YET.search(claim) and not _dated(claim):
        theirs = theirs | shared
    differ = sorted(term for term in shared if (term in ours) != (term in theirs))
    agree = any(term in ours and term in theirs for term in shared)
    opposite = opposed(claim, clause)
    if opposite and not differ and not (theirs or ours):
        return f"{opposite[1]!r} stands against {opposite[0]!r}"
    if differ and not agree and not opposite:
        return f"only one of them denies {differ[0]!r}"
    return ""
