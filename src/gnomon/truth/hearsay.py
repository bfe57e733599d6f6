"""Talk about what others say: it is no support for what they say."""

from __future__ import annotations

import re

from gnomon.text import slots
from gnomon.truth.terms import content_terms, term_set

_HEARSAY = re.compile(
    r"\bclaim(?:s|ed|ing)\b(?! (?:responsibility|victory|\w+ lives?\b|the lives?\b|"
    r"their lives?\b))|"
    r"\b(?:reports?|rumou?rs?|sources?|posts?) (?:claim|suggest)\b|\bunconfirmed\b|未经证实|"
    r"\balleg\w+|\b(?:i am|i'm|we are|we're|been) (?:being )?told\b|"
    r"\b(?:i|we|i've|we've) hear(?:d)?\b|"
    r"\bapparently\b|\bsupposedly\b|\bword is\b|\b(?:people|they|some) (?:are saying|say)\b|"
    r"\ba friend (?:says|said|told)\b|\brumou?r(?:s|ed)? (?:has it|says?)\b|\bso-called\b|"
    r"\bbeing said\b|\bgoing (?:a)?round\b|\bstory went\b|"
    r"声称|自称|据说|听说|网传|传言|有人说|流传|疯传|所谓|疑似",
    re.IGNORECASE,
)
_QUOTED = re.compile(r"[\"“「『]([^\"”」』]{8,})[\"”」』]")


# A tweet copied by hand, with its author before it, is what that author says.
_COPIED = re.compile(r"\W*@\w+\s*:")
# Doubt about one thing that is named, not about what is said of it: "the alleged robbery".
_DOUBTED_NOUN = re.compile(r"\b(?:alleged|so-called|所谓)\s+(?:\w+\s+)?\w+", re.IGNORECASE)
_CLAUSE = re.compile(r"[，,；;]")
# The rule of a judgement on a sentence that only reports the claim.
RULE = "only says that others say so"


def is_hearsay(text: str) -> bool:
    """Whether the text passes on what others are said to say ("I am told", 据说), without a word of
    its own for it."""
    return bool(_HEARSAY.search(text))


def is_only_hearsay(text: str) -> bool:
    """Whether nothing that the text says exactly is said by itself: "It is 12; some say 21" says 12
    in its own name."""
    own = [clause for clause in _CLAUSE.split(text) if not is_hearsay(clause)]
    return is_hearsay(text) and not any(slots.exact(clause) for clause in own)


def own_words(text: str) -> str:
    """``text`` without the clauses that it puts down to others."""
    return "，".join(clause for clause in _CLAUSE.split(text) if not is_hearsay(clause))


def distanced(claim: str, sentence: str) -> bool:
    """Whether the sentence reports the claim as others' talk: a verb of distance that the claim
    does not have itself, or words in quotation marks beside which it says something of its own."""
    if is_hearsay(sentence) and not is_hearsay(claim):
        return True
    wanted = set(content_terms(claim))
    for match in _QUOTED.finditer(sentence):
        if _COPIED.match(match[1]):
            continue
        rest = sentence[: match.start()] + " " + sentence[match.end() :]
        inside = wanted & term_set(match.group(1))
        if content_terms(rest) and len(inside) > 0.6 * len(wanted & term_set(sentence)):
            return not _QUOTED.search(claim)
    return False


def doubts_a_noun(sentence: str) -> bool:
    """Whether what holds the sentence at arm's length is only an adjective: "did not know of the
    alleged robbery" denies in its own name that he knew."""
    return is_hearsay(sentence) and not is_hearsay(_DOUBTED_NOUN.sub(" ", sentence))
