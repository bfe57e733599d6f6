"""A question as the statement that any answer to it makes: "How many trees did the storm bring
down?" is answered by what says that the storm brought down trees.

A verifier can then tell whether a sentence speaks of the thing asked about, whatever its words;
what is asked for (a number, a day, a name) is looked for beside it. English only: there is no
verifier for other languages yet. The grammar is rough, and so is what is made of it: "the storm
bring down trees" serves.
"""

from __future__ import annotations

import re

from gnomon.text.tokens import is_cjk
from gnomon.truth.rewrite import as_claim

_AUX = r"(?:did|do|does|is|are|was|were|has|have|had|will|would|can|could|should|may|might|must)"
_BE = frozenset(["is", "are", "was", "were"])
_QUESTION = re.compile(
    r"^(?:(?:and|so|but|then)[ ,]+)?(?:(?:at|in|on|by|from|for|to|of|with|since|until|about)\s+)?"
    r"(?P<word>who|whom|whose|what|which|when|where|why|how)\b\s*(?P<rest>.*)$",
    re.IGNORECASE | re.DOTALL,
)
_PHRASE = re.compile(rf"^(?P<phrase>(?:[\w'’-]+\s+){{0,4}}?)(?P<aux>{_AUX})\s+(?P<rest>.*)$", re.I)
# After "was": the subject of the question, rather than what was done to the thing asked for.
_SUBJECT = re.compile(r"(?:the|a|an|this|that|these|those|its|their|his|her|our|there)\b|[A-Z]")
_MEASURE = re.compile(r"^(?:many|much|long|far|tall|big|large|high|deep|old|fast|often|heavy)\s*")
_PREPOSITION = re.compile(r"\b(?:in|on|at|during|after|before|from|by|to|for|of|since)\b")


def gist(question: str) -> str:
    """The statement behind an English question; "" for one in another language."""
    text = question.strip().rstrip("?？ .!")
    if not text or is_cjk(text):
        return ""
    asked = _QUESTION.match(text)
    if asked is None:
        return _sentence(as_claim(text))
    word, rest = asked["word"].lower(), asked["rest"]
    if word in ("when", "where", "why"):
        return _sentence(as_claim(rest))
    if word in ("who", "whom"):
        took = re.match(r"(?:did|do|does)\b", rest, re.I)
        return _sentence(f"{as_claim(rest)} someone" if took else f"someone {rest}")
    if word == "how" and not _MEASURE.match(rest):
        return _sentence(as_claim(rest))
    return _sentence(_of_thing(_MEASURE.sub("", rest) if word == "how" else rest))


def _of_thing(rest: str) -> str:
    """ "animal was rescued" -> "some animal was rescued"; "did he say" -> "he say something"."""
    found = _PHRASE.match(rest)
    if found is None:
        return rest
    thing, aux, tail = found["phrase"].strip(), found["aux"], found["rest"]
    about_subject = aux.lower() in _BE and not _SUBJECT.match(tail)
    if thing and about_subject:
        return f"{thing} {aux} {tail}"
    told = as_claim(f"{aux} {tail}")
    if not thing:
        return told if aux.lower() in _BE else f"{told} something"
    at = _PREPOSITION.search(told)
    return f"{told[: at.start()]}{thing} {told[at.start() :]}" if at else f"{told} {thing}"


def _sentence(text: str) -> str:
    text = re.sub(r"\s+", " ", text).strip()
    return f"{text[:1].upper()}{text[1:]}." if text else ""
