"""The idea behind a title, so that the cat of one set and the cat emoji are one concept."""

from __future__ import annotations

import re

from gnomon.lab.pictures.emoji import Names

_BREAK = re.compile(r"\b(?:with|of|in|on|and|for|at|from|to|under|over|by|near|without|facing)\b|,")
VAGUE = frozenset(
    "sign symbol icon button face drawing picture clipart cartoon silhouette outline shape logo "
    "set element elements illustration sketch design image thing stuff object item".split()
)
"""Nouns that say how a thing is shown and not what: the whole title is the idea then."""
_IRREGULAR = {"men": "man", "women": "woman", "people": "person", "children": "child",
              "mice": "mouse", "feet": "foot", "teeth": "tooth", "leaves": "leaf",
              "knives": "knife", "wolves": "wolf", "geese": "goose", "fish": "fish",
              "glasses": "glasses", "scissors": "scissors", "trousers": "trousers"}  # fmt: skip


def singular(noun: str) -> str:
    """An English noun in the singular, by rule (https://en.wiktionary.org/wiki/Appendix:English_nouns)
    and for the commonest exceptions."""
    if noun in _IRREGULAR:
        return _IRREGULAR[noun]
    if len(noun) < 4 or noun.endswith(("ss", "us", "is")):
        return noun
    if noun.endswith("ies"):
        return noun[:-3] + "y"
    if noun.endswith(("ches", "shes", "xes", "sses", "oes")):
        return noun[:-2]
    return noun[:-1] if noun.endswith("s") else noun


def head_noun(title: str) -> str:
    """The last noun before a preposition, in the singular: that of "three red apples on a tree" is
    "apple"."""
    phrase = _BREAK.split(title.lower())[0].split() or title.lower().split()
    return singular(phrase[-1]) if phrase else ""


def concept_of_title(title: str, names: Names) -> str:
    """An emoji's codepoint where the title, its last words or its head noun are an emoji's name;
    ``word:noun`` otherwise."""
    words = _BREAK.split(title.lower())[0].split() or title.lower().split()
    if not words:
        return "word:"
    words = [*words[:-1], singular(words[-1])]
    for start in range(len(words)):
        known = names.plain_labels.get(" ".join(words[start:]))
        if known is not None:
            return known.concept
    return f"word:{' '.join(words) if words[-1] in VAGUE else words[-1]}"
