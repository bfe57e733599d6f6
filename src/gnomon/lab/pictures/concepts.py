"""The idea behind a title, so that the cat of one set and the cat emoji are one concept."""

from __future__ import annotations

import re

from gnomon.lab.pictures.emoji import COLOURS, Names

_BREAK = re.compile(
    r"\b(?:with|of|in|on|and|for|at|from|to|under|over|by|near|without|facing|playing|doing|"
    r"holding|wearing|behind|against)\b|,"
)
_PART = re.compile(
    r"^(?:\w+ )?(?:silhouette|outline|row|block|bunch|slice|cup|glass|bottle|jar|pair|flock|head|"
    r"print|piece|set|pile|bowl|symbol|picture|drawing|sketch|roll|king|queen|jack|capital|"
    r"skyline|half) of (?:an? )?"
)
"""What comes before the noun that counts: a flock of birds is birds."""
_BLACK_AND_WHITE = re.compile(r"\b(?:red|black|green|blue|yellow) and (?:white|red|yellow|blue) ")
VAGUE = frozenset(
    """sign symbol icon button face head drawing picture clipart cartoon silhouette outline shape
    logo set element elements illustration sketch design image thing stuff object item contour
    """.split()
)
"""Nouns that say how a thing is shown and not what: the whole title is the idea then."""
_IRREGULAR = {"men": "man", "women": "woman", "people": "person", "children": "child",
              "mice": "mouse", "feet": "foot", "teeth": "tooth", "leaves": "leaf",
              "knives": "knife", "wolves": "wolf", "geese": "goose", "fish": "fish",
              "shoes": "shoe", "toes": "toe", "canoes": "canoe", "cookies": "cookie",
              "movies": "movie", "pies": "pie", "ties": "tie", "dice": "die"}  # fmt: skip
_NO_PLURAL = frozenset(
    "glasses sunglasses scissors trousers shorts binoculars rhinoceros chess lens gas christmas "
    "pyjamas series species headphones pliers tongs jeans grapes".split()
)


def singular(noun: str) -> str:
    """An English noun in the singular, by rule (https://en.wiktionary.org/wiki/Appendix:English_nouns)
    and for the commonest exceptions."""
    if noun in _IRREGULAR:
        return _IRREGULAR[noun]
    if noun in _NO_PLURAL or len(noun) < 4 or noun.endswith(("ss", "us", "is")):
        return noun
    if noun.endswith("ies"):
        return noun[:-3] + "y"
    if noun.endswith(("ches", "shes", "xes", "sses", "oes")):
        return noun[:-2]
    return noun[:-1] if noun.endswith("s") else noun


def phrase_of(title: str) -> list[str]:
    """The words up to the noun that a title is about, that noun in the singular: those of "three
    red apples on a tree" are three, red and apple."""
    title = _PART.sub("", _BLACK_AND_WHITE.sub("", title.lower()))
    words = _BREAK.split(title)[0].split() or title.replace(",", " ").split()
    return [*words[:-1], singular(words[-1])] if words else []


def concept_of_title(title: str, names: Names) -> str:
    """An emoji's codepoint where the title, the last words of its phrase or the last word that is
    an emoji's name are one; ``word:noun`` otherwise."""
    whole = names.plain_labels.get(title.lower())
    if whole is not None:
        return whole.concept
    if title.lower().startswith("flag of "):
        return f"word:{title.lower()}"
    words = phrase_of(title)
    if not words:
        return "word:"
    for start in range(len(words)):
        named = " ".join(words[start:])
        known = names.plain_labels.get(named) or names.plain_labels.get(f"{named}s")
        if known is not None:
            return known.concept
    longer = [e for label, e in names.plain_labels.items() if label.startswith(f"{title.lower()} ")]
    if len(words) > 1 and longer:  # "magnifying glass" is tilted left or right there
        return longer[0].concept
    while len(words) > 1 and words[-1] in VAGUE and words[-2] not in COLOURS:
        words.pop()
        known = names.plain_labels.get(words[-1])
        if known is not None:
            return known.concept
    noun = words[-1]
    if noun in names.heads:
        return names.heads[noun].concept
    return f"word:{' '.join(words) if noun in VAGUE else noun}"
