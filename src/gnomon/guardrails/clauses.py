"""Who does what to whom, as far as the order of words tells it: verbs in all their forms, and
whether one word has another for its object."""

from __future__ import annotations

import re

MOST_LATIN, MOST_HAN = 48, 12
"""Characters between a verb and its object, at most."""
_ENDS = re.compile(r"[,.;:!?()\[\]\"|▢，。；：！？、（）\n]")
# What makes of the next noun something other than the object of the verb before.
_PARTS = re.compile(
    r"\b(?:for|with|to|at|on|in|into|of|from|by|and|or|while|as|near|behind|beside|between|like|"
    r"about|over|under|after|before|that|who|which|because|when|where|than|is|are)\b"
)
_HAN = re.compile(r"[\u4e00-\u9fff]")
_NO_OBJECT = r"(?! (?:the|an?|his|her|its|their|some|my|our|another|each)(?![a-z]))"
_ON = "(?: on| at)?"
_VOWELS = "aeiou"


def joined(text: str, end: int, start: int) -> bool:
    """Whether what ends at ``end`` may have what begins at ``start`` for its object."""
    if start < end:
        return False
    between = text[end:start]
    if len(between) > MOST_LATIN or _ENDS.search(between):
        return False
    if _HAN.search(between):
        return len(between) <= MOST_HAN
    return not _PARTS.search(between)


def forms(verbs: str) -> tuple[list[str], list[str]]:
    """English verbs, apart by spaces, as patterns of all their forms, and of their participles
    where no object follows ("a boy kicked a ball" says nothing of the boy). ``slap+`` doubles its
    last letter, ``beat=beat,beaten`` names its past and participle."""
    every: list[str] = []
    done: list[str] = []
    for spec in verbs.split():
        verb, _, irregular = spec.partition("=")
        doubled = verb.endswith("+")
        verb = verb.rstrip("+")
        stem = verb + verb[-1] if doubled else verb
        past = irregular.split(",") if irregular else [_with(stem, "ed")]
        every += [f"{form}{_ON}" for form in (verb, _third(verb), _with(stem, "ing"), *past)]
        done.append(past[-1] + _NO_OBJECT)
    return list(dict.fromkeys(every)), list(dict.fromkeys(done))


def _third(verb: str) -> str:
    if verb.endswith(("s", "x", "z", "ch", "sh", "o")):
        return f"{verb}es"
    if verb.endswith("y") and verb[-2] not in _VOWELS:
        return f"{verb[:-1]}ies"
    return f"{verb}s"


def _with(stem: str, ending: str) -> str:
    if stem.endswith("e") and not stem.endswith("ee"):
        return stem[:-1] + ending
    if ending == "ed" and stem.endswith("y") and stem[-2] not in _VOWELS:
        return f"{stem[:-1]}ied"
    return stem + ending
