"""Training pairs made by rule: edits of pairs that support, and statements of bare text.

Every family makes squares: window and claim are each met with at least two labels, so that a model
that reads only one of them learns nothing (Schuster et al. 2019,
https://aclanthology.org/D19-1341/; McCoy et al. 2019, https://aclanthology.org/P19-1334/). A rule
that cannot tell what its edit means makes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from random import Random

from gnomon.lab.verifier import (
    edit_adjuncts,
    edit_clauses,
    edit_courses,
    edit_dates,
    edit_names,
    edit_values,
)
from gnomon.lab.verifier.claims_from_text import derived
from gnomon.lab.verifier.edit_chinese import chinese
from gnomon.lab.verifier.edit_values import Case
from gnomon.lab.verifier.informal import informal
from gnomon.lab.verifier.invented import invented
from gnomon.lab.verifier.nearest import terms, unrelated
from gnomon.lab.verifier.pairs import Pair
from gnomon.lab.verifier.rewordings import reworded
from gnomon.lab.verifier.standings import standings

__all__ = [
    "FAMILIES",
    "chinese",
    "edited",
    "informal",
    "invented",
    "standings",
    "statements",
    "unrelated",
]

Family = Callable[[str, str, Random], list[Case]]
"""From a window that supports a claim: labelled cases, or none where the rule does not apply."""

FAMILIES: dict[str, Family] = {
    "number": edit_values.number,
    "number_form": edit_values.number_form,
    "bound": edit_values.bound,
    "unit": edit_values.unit,
    "currency": edit_values.currency,
    "date": edit_dates.date,
    "year": edit_dates.year,
    "weekday": edit_dates.weekday,
    "place": edit_names.place,
    "negation": edit_clauses.negation,
    "denial": edit_clauses.denial,
    "hedge": edit_clauses.hedge,
    "speech": edit_clauses.speech,
    "plan": edit_clauses.plan,
    "opposite": edit_clauses.opposite,
    "role": edit_clauses.role,
    "quantifier": edit_clauses.quantifier,
    "detail": edit_adjuncts.detail,
    "nearly": edit_courses.nearly,
    "circumstance": edit_courses.circumstance,
    "jest": edit_courses.jest,
}
# Families that apply to nearly every sentence would drown the rest: so often each is taken.
SHARE = {
    "negation": 0.35, "denial": 0.15, "hedge": 0.25, "speech": 0.12, "plan": 0.5, "detail": 0.5,
    "nearly": 0.5, "circumstance": 0.3, "jest": 0.12,
}  # fmt: skip
INFORMAL = 0.15
REWORDED = 0.4
# Window and claim lengths in characters: a tweet's beginnings, and what 128 tokens hold.
SHORTEST, LONGEST = 20, 480
LONGEST_CLAIM = 240
PER_TEXT = 8
# How often a claim meets another window of its text, and how much of it such a window may hold.
BESIDE, OVERLAPS = 0.5, 0.4
# A claim that denies or bounds already: what an edit of it means depends on where the word stands.
_INEXACT = re.compile(
    r"\b(?:not|never|no|none|nobody|nothing|neither|nor|only|incapable|unable|failed|refused|denied"
    r"|yet to|exclusively|solely|apart from|other than|except|cannot|without)\b|n['’]t\b",
    re.IGNORECASE,
)


def edited(pairs: Iterable[Pair], *, seed: int) -> Iterator[Pair]:
    """Edits of the pairs whose label is "supports" (others are passed over), family by family.

    Deterministic for a seed and the order of ``pairs``; all edits keep the pair's group. The pairs
    themselves are not repeated. Names to swap in are the persons met so far.
    """
    seen: list[Pair] = [pair for pair in pairs if pair.label == edit_values.SUPPORTS]
    claims = [pair.claim for pair in seen]
    names = edit_names.Names(edit_names.harvest(claims), edit_names.harvest_places(claims))
    for number, pair in enumerate(seen):
        yield from _edits(pair, Random(f"{seed}:edited:{number}:{pair.group}"), names)


def _edits(pair: Pair, rng: Random, names: edit_names.Names) -> Iterator[Pair]:
    if not _usable(pair.window, pair.claim):
        return
    for name, family in FAMILIES.items():
        if rng.random() >= SHARE.get(name, 1.0):
            continue
        yield from _paired(name, family(pair.window, pair.claim, rng), pair, rng)
    yield from _paired("site", edit_names.site(pair.window, pair.claim, rng, names), pair, rng)
    yield from _paired("person", edit_names.person(pair.window, pair.claim, rng, names), pair, rng)


def _usable(window: str, claim: str) -> bool:
    return (
        SHORTEST <= len(claim) <= LONGEST_CLAIM
        and len(window) <= 3 * LONGEST
        and claim[:1].isupper()
        and not re.search(r"[?!]|\.{2,}", claim)
        and not _INEXACT.search(claim)
    )


def _paired(name: str, cases: Iterable[Case], pair: Pair, rng: Random) -> Iterator[Pair]:
    """The cases as pairs, each once, some of them in the style of posts."""
    met: set[tuple[str, str]] = set()
    for window, claim, label in cases:
        if (window, claim) in met or (window == claim and label != edit_values.SUPPORTS):
            continue
        met.add((window, claim))
        if rng.random() < REWORDED:
            claim = reworded(claim, rng)
        made = Pair(window, claim, label, f"edit:{name}", pair.group)
        yield informal(made, rng) if rng.random() < INFORMAL else made


def statements(texts: Iterable[str], *, seed: int) -> Iterator[Pair]:
    """Pairs from bare text (articles, posts): a window of one to three sentences, a claim that
    follows from it, and the edits of both.

    One group a text. A claim is a sentence without a detail, bracket or fronted date, the two
    halves of an apposition, or a sentence whose pronoun is resolved by the one before it. Windows
    of the same text that hold little of a claim are "neither".
    """
    persons: list[str] = []
    places: list[str] = []
    names = edit_names.Names(persons, places)
    for number, text in enumerate(texts):
        rng = Random(f"{seed}:statements:{number}")
        group = f"text:{number}"
        bases = list(derived(text, rng))
        rng.shuffle(bases)
        persons.extend(edit_names.harvest(claim for _, _, claim in bases))
        places.extend(edit_names.harvest_places(claim for _, _, claim in bases))
        bases = bases[:PER_TEXT]
        yield from _beside(bases, group, rng)
        for kind, window, claim in bases:
            pair = Pair(window, claim, edit_values.SUPPORTS, f"text:{kind}", group)
            other = Pair(window, reworded(claim, rng), pair.label, pair.source, group)
            yield informal(other, rng) if rng.random() < INFORMAL else other
            yield from _edits(pair, rng, names)


def _beside(bases: Sequence[tuple[str, str, str]], group: str, rng: Random) -> Iterator[Pair]:
    """Claims against another window of their text that holds little of them."""
    for i, (_, own, claim) in enumerate(bases):
        wanted = set(terms(claim))
        others = [
            window
            for j, (_, window, other) in enumerate(bases)
            if i != j
            and other not in own
            and claim not in window
            and len(wanted & set(terms(window))) < OVERLAPS * len(wanted)
        ]
        if others and len(wanted) >= 4 and rng.random() < BESIDE:
            made = Pair(rng.choice(others), claim, edit_values.NEITHER, "text:beside", group)
            yield informal(made, rng) if rng.random() < INFORMAL else made
