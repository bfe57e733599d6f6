"""Whether a sentence denies a claim: one says of a word what the other says not.

A negating word governs what stands next to it ("has not reopened", "nobody was hurt", "not 21,000",
没有淹水): what it denies is the first word of weight behind it, which must be a word of the claim,
and what belongs to that. Words that speak of truth itself ("is false", "denied", 谣言) govern their
whole clause, those of them that have an object only that ("a picture to refute the video").
Counting negations over whole sentences was tried first: it called every second long sentence a
denial of the other.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from gnomon.text import polarity, slots
from gnomon.text.tokens import is_cjk
from gnomon.truth.antonyms import opposed
from gnomon.truth.terms import content_terms, stem, term_set
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


# A copied tweet begins with its own head, and whoever copies it speaks before that.
_COPIED = re.compile(r"\bRT @\w+:?|[“\"]@\w+:")
# Cues that take an object: it is what they deny, where they have one.
_TRANSITIVE = re.compile(
    r"(?:den(?:y|ies|ied|ying)|refut\w+|debunk\w*|disprov\w+|dismiss\w*)", re.I
)
_OF_TALK = re.compile(
    r"\b(?:reports?|claims?|rumou?rs?|allegations?|accusations?|suggestions?|stor(?:y|ies)|that|"
    r"speculation|saying|having|being|any|it|this)\b",
    re.IGNORECASE,
)
# "despite false reports", "after a fake tweet": an aside, which is not about the rest.
_ASIDE = re.compile(
    r"\b(?:despite|amid|after|following|because of|due to|in spite of|over|about)\s+"
    r"(?:\w+\s+){0,2}$",
    re.IGNORECASE,
)
# What begins behind what is denied and is not denied: "never cancelled / despite two wars".
_BESIDE = re.compile(
    r"\s(?:despite|because|due to|in light of|in spite of|during|after|before|since|while|when|"
    r"although|though|amid|even)\s",
    re.IGNORECASE,
)
_WISHED = re.compile(r"\b(?:hope|hoping|wish|pray|praying|whether|if|unless)\b", re.IGNORECASE)
# What stands between a negation and the word that it denies.
_LIGHT = frozenset(
    "a an the any been be being is are was were am has have had do does did to of that about for "
    "on in by with as at ever yet even really actually very much more than so just only still also "
    "real clear hard firm concrete credible single such all there it its their his her".split()
)
# "no evidence of looting", "not related to cloud seeding", "not put tigers in": what is denied
# stands behind these.
_HANDS_ON = frozenset(
    "evidence proof sign signs indication indications trace traces truth suggestion basis case "
    "related linked connected tied due caused attributable responsible "
    "appear appears appeared seem seems seemed believed thought known "
    "put take taken make made get give given bring use used".split()
)
# Verbs that say too little to be compared, and yet are what is denied.
_VERBS_OF_NO_WEIGHT = frozenset("know knew say said says tell".split())
_ENGLISH_WORD = re.compile(r"[A-Za-z][A-Za-z'’-]*|\d[\d.,]*")


def negated_terms(clause: str, about: Collection[str] = ()) -> frozenset[str]:
    """The content terms of ``clause`` that it negates. With ``about``, only by negations whose
    first governed term is among these: "not impressed with the people there" denies nobody's
    presence."""
    found: set[str] = set()
    for governed, _ in _negations(clause, about):
        found.update(governed)
    return frozenset(found)


def denying_part(clause: str, about: Collection[str]) -> str:
    """The part of ``clause`` in which it negates a term of ``about``, between the stops around it;
    "" where there is none or where it speaks of truth itself."""
    for governed, part in _negations(clause, about):
        if part and any(term in about for term in governed):
            return part
    return ""


Negation = tuple[Collection[str], str]
"""The terms that a negation governs, and the part of the clause that it stands in ("" for one that
speaks of truth itself)."""


def _negations(clause: str, about: Collection[str]) -> Iterator[Negation]:
    taken: list[tuple[int, int]] = []
    for match in _WHOLE.finditer(clause):
        taken.append(match.span())
        yield _called_untrue(clause, match), ""
    for start, end in polarity.negation_cues(clause):
        if any(start < b and a < end for a, b in taken):
            continue
        before, reach = _around(clause, start, end)
        governed = _governed(reach)
        if not about or not governed or not governed[0].isascii() or governed[0] in about:
            denied = _BESIDE.split(_without_cue(reach))[0]
            yield governed[:GOVERNS], f"{before} {denied}".strip()


def _around(clause: str, start: int, end: int) -> tuple[str, str]:
    """What stands before and behind a cue, up to the stops on both sides."""
    head, rest = clause[:start], clause[end:]
    stops = list(_STOP.finditer(head))
    stop = _STOP.search(rest)
    return head[stops[-1].end() :] if stops else head, rest[: stop.start()] if stop else rest


def _governed(reach: str) -> list[str]:
    """The content terms behind a cue, from the word on that it denies: not "real evidence of"."""
    if is_cjk(reach):
        return content_terms(reach)
    for match in _ENGLISH_WORD.finditer(reach):
        word = match.group().lower()
        if word in _LIGHT | _HANDS_ON or word.endswith("ly"):
            continue
        terms = [term for term in content_terms(reach[match.start() :]) if not term.endswith("li")]
        if content_terms(word):
            return terms
        if word in _VERBS_OF_NO_WEIGHT:
            return [stem(word), *terms]  # "don't know about the robbery" denies no robbery
    return []


def _without_cue(reach: str) -> str:
    """``reach`` without the words that only lead to what is denied."""
    for match in _ENGLISH_WORD.finditer(reach):
        word = match.group().lower()
        says = content_terms(word) or word in _VERBS_OF_NO_WEIGHT
        if says and word not in _HANDS_ON and not word.endswith("ly"):
            return reach[match.start() :]
    return reach


def _called_untrue(clause: str, match: re.Match[str]) -> frozenset[str]:
    """What a word that speaks of truth itself calls untrue."""
    before, after = clause[: match.start()], clause[match.end() :]
    copied = list(_COPIED.finditer(before))
    if copied:
        before = before[copied[-1].end() :]
    if ahead := _COPIED.search(after):
        after = after[: ahead.start()]
    if _WISHED.search(before):
        return frozenset()
    stop = _STOP.search(after)
    if _TRANSITIVE.fullmatch(match.group()):
        object_ = after[: stop.start()] if stop else after
        if content_terms(object_) and not _OF_TALK.search(object_):
            return frozenset(content_terms(object_))
    elif _ASIDE.search(before) and not re.match(r"\s*(?:\w+\s+)?(?:that|of|about)\b", after):
        return frozenset(content_terms(after[: stop.start()] if stop else after))
    return frozenset(content_terms(_WHOLE.sub(" ", f"{before} {after}")))


def denies_at_large(text: str) -> bool:
    """Whether the text speaks of truth or rumour itself, and so governs all it says."""
    return any(_called_untrue(text, match) for match in _WHOLE.finditer(text))


def differs_in_negation(claim: str, clause: str) -> bool:
    """Whether a word of both is near a negation in only one of them: too little to deny the claim,
    enough not to support it."""
    shared = set(content_terms(claim)) & set(content_terms(clause))
    return bool(shared & (negated_terms(claim) ^ negated_terms(clause)))


def _dated(text: str) -> bool:
    return any(slot.kind is SlotKind.DATE for slot in slots.exact(text))


# A thing is said to be lacking; and to be there.
_PRIVATIVE = re.compile(r"\b(?:without|no|lacks?|lacked|lacking)\b", re.IGNORECASE)
_PRESENT = re.compile(
    r"\b(?:has|have|had|having|with|there (?:is|are|was|were)|gets?|got)\b", re.IGNORECASE
)


def denies(claim: str, clause: str) -> str:
    """Why ``clause`` denies ``claim``, or "" if it does not.

    The order of the checks matters: words that are negated in both agree ("did not reopen", "has
    not reopened"), and an opposite that is itself negated agrees too ("not open", "closed").
    """
    shared = set(content_terms(claim)) & term_set(clause)
    ours, theirs = negated_terms(claim, shared), negated_terms(clause, shared)
    if ours and not theirs and (_PRIVATIVE.search(claim) and not _PRESENT.search(clause)):
        # "was without power" is not denied by whatever speaks of power.
        return ""
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
