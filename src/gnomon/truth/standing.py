"""What stands: evidence that its origin, its speaker, a correction or a later count has overtaken
is dropped or discounted before it is weighed.

Each step is a function from evidence to evidence. ``standing`` composes them and says which of them
changed anything, for the verdict's rule.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from gnomon.text import polarity, slots
from gnomon.text.tokens import normalise
from gnomon.truth import hearsay
from gnomon.truth.speakers import is_correction, speaker_of
from gnomon.truth.terms import stem
from gnomon.types import Evidence, Post, SlotKind, Stance

TOLLS = "the count went on"


@dataclass(frozen=True, slots=True)
class Standing:
    """``evidence`` that is left, and ``because``: what took votes away on the way, in words."""

    evidence: tuple[Evidence, ...]
    because: tuple[str, ...] = ()


def standing(evidence: Sequence[Evidence], first: Mapping[str, Post]) -> Standing:
    """``evidence`` without what no longer stands. ``first`` are the posts of origins that were held
    first, by origin (``Store.first_held``)."""
    steps: tuple[tuple[str, Callable[[Sequence[Evidence]], list[Evidence]]], ...] = (
        ("", lambda held: in_one_voice(held, first)),
        ("others report it only as a claim", only_claimed),
        ("a correction withdrew it", lambda held: without_withdrawn(held, first)),
        (TOLLS, without_stale_tolls),
        ("its speaker says otherwise since", without_superseded),
        ("a report of a statement that is held adds nothing", without_reports_of_held),
    )
    held, because = list(evidence), []
    for said, step in steps:
        before = _votes(held)
        held = step(held)
        if said and _votes(held) != before:
            because.append(said)
    return Standing(tuple(held), tuple(because))


def _votes(evidence: Sequence[Evidence]) -> dict[tuple[str, int, Stance], float]:
    return {
        (item.post, item.start, item.stance): item.weight
        for item in evidence
        if item.stance is not Stance.NEITHER and item.weight > 0
    }


def in_one_voice(
    evidence: Sequence[Evidence], first: Mapping[str, Post] = MappingProxyType({})
) -> list[Evidence]:
    """Of each origin, on each side, only what the post on that side says that was held first
    (``first``, by origin, where it is among the evidence; the root where that is not known).

    Copies say nothing new. If the one whose wording, account or hour weighs most could speak for
    the origin, a crowd that varies them would pick the verdict, however many votes it has. Nor may
    the one that claims the earliest hour: when a post was said is its author's word, when it was
    taken in is ours. Both sides may be heard, for who only links to a page has words of their own.
    """

    def age(item: Evidence) -> tuple[bool, float, float, str]:
        lead = first[item.origin].id if item.origin in first else item.origin
        said = item.fetched_at if item.said_at is None else item.said_at
        return item.post != lead, item.fetched_at, said, item.post

    earliest: dict[tuple[str, Stance], tuple[bool, float, float, str]] = {}
    for item in evidence:
        key = item.origin, item.stance
        earliest[key] = min(earliest.get(key, age(item)), age(item))
    return [
        item
        for item in evidence
        if item.stance is Stance.NEITHER or earliest[item.origin, item.stance] == age(item)
    ]


def without_superseded(evidence: Sequence[Evidence]) -> list[Evidence]:
    """Drop what its own speaker has since said otherwise, and what a later correction by the same
    speaker withdrew: of two statements of one speaker on different sides, the later one stands."""
    sided = [item for item in evidence if item.stance is not Stance.NEITHER]
    last: dict[str, float] = {}
    for item in sided:
        key = speaker_of(item) or item.origin
        last[key] = max(last.get(key, 0.0), item.said_at or 0.0)
    # Who says both in the same second stands on both sides, in whatever order they come.
    stands = {
        (speaker_of(item) or item.origin, item.stance)
        for item in sided
        if (item.said_at or 0.0) == last[speaker_of(item) or item.origin]
    }
    return [item for item in sided if (speaker_of(item) or item.origin, item.stance) in stands]


def without_withdrawn(evidence: Sequence[Evidence], first: Mapping[str, Post]) -> list[Evidence]:
    """Drop what rests on a statement that its own source has corrected since: the source's earlier
    posts, the copies whose origin is the source's, and what is put down to it ("according to the
    Courier"). An outlet's account and its paper's article are one source where one links to the
    other: ``first`` are the posts of the origins that were held first, by origin."""
    corrections = [item for item in evidence if is_correction(f"{item.title}. {item.quote}")]

    def voices(item: Evidence) -> set[str]:
        held = first.get(item.origin)
        return {speaker_of(item), speaker_of(held) if held else ""} - {""}

    def rests_on(item: Evidence, correction: Evidence) -> bool:
        if (item.said_at or 0.0) >= (correction.said_at or 0.0):
            return False
        held = voices(correction)
        return bool(voices(item) & held) or any(
            _shares_name(polarity.speaker(item.quote), voice) for voice in held
        )

    return [
        item
        for item in evidence
        if item.stance is Stance.NEITHER
        or not any(c.stance is _OTHER.get(item.stance) and rests_on(item, c) for c in corrections)
    ]


_OTHER = {Stance.SUPPORTS: Stance.REFUTES, Stance.REFUTES: Stance.SUPPORTS}


def _shares_name(name: str, voice: str) -> bool:
    """Whether a source's name and an account or site have a telling word in common."""
    named = {word for word in re.findall(r"[^\W_]+", normalise(name)) if len(word) > 3}
    return bool(named & set(re.findall(r"[^\W_]+", voice)))


# An older, lower toll beside a newer, higher one: the count went on. Of one origin that says so the
# older count keeps STALE of its weight, so that a late rumour does not outvote witnesses; of two or
# more STALE of that again, and they need not come so much later.
STALE, STALE_AFTER_S = 0.2, 6 * 3600.0
STALE_AFTER_OF_TWO_S = 1800.0
_GROWS = frozenset(
    "killed injured missing arrested evacuated rescued infected hospitalised".split()
)


def without_stale_tolls(evidence: Sequence[Evidence]) -> list[Evidence]:
    """``evidence`` with little weight for a count of victims that others give higher and later,
    from sources of the same standing or better. Other numbers do not grow by themselves: there,
    later is not truer."""
    counted = [(item, tolls) for item in evidence if (tolls := _tolls(item))]

    def left(old: Evidence, old_tolls: Mapping[str, float]) -> float:
        """The share of its weight that a count keeps."""
        later: dict[str, float] = {}
        for new, tolls in counted:
            after = (new.said_at or 0.0) - (old.said_at or 0.0)
            higher = any(tolls.get(role, 0.0) > value for role, value in old_tolls.items())
            if higher and new.weight >= old.weight and new.origin != old.origin:
                later[new.origin] = max(later.get(new.origin, 0.0), after)
        if sum(after >= STALE_AFTER_OF_TWO_S for after in later.values()) > 1:
            return STALE * STALE
        return STALE if any(after >= STALE_AFTER_S for after in later.values()) else 1.0

    kept = {id(item): left(item, tolls) for item, tolls in counted}
    return [replace(item, weight=item.weight * kept.get(id(item), 1.0)) for item in evidence]


def _tolls(item: Evidence) -> dict[str, float]:
    """The greatest count of each fate that the quote gives: ``{"killed": 78.0}``."""
    found: dict[str, float] = {}
    for slot in slots.exact(item.quote) if item.stance is not Stance.NEITHER else ():
        role = slot.unit.rpartition(" ")[2]
        if slot.kind is SlotKind.NUMBER and role in _GROWS:
            found[role] = max(found.get(role, 0.0), float(slot.value))
    return found


# What a speaker's word weighs where others report it only as a claim of theirs.
CLAIMED = 0.35


def only_claimed(evidence: Sequence[Evidence]) -> list[Evidence]:
    """``evidence`` with less weight for what others report at arm's length ("X claimed that ...")
    and X says: those who looked into it did not make it their own."""
    speakers = [
        named
        for item in evidence
        if item.judgement.rule == hearsay.RULE and (named := polarity.speaker(item.quote))
    ]
    return [
        replace(item, weight=item.weight * CLAIMED)
        if item.stance is Stance.SUPPORTS and any(is_named(item.author, who) for who in speakers)
        else item
        for item in evidence
    ]


def is_named(author: str, name: str) -> bool:
    """Whether an account's name holds every word of a name ("pell_atterby", "Pell Atterby")."""
    said = {stem(word) for word in normalise(name).split() if len(word) > 2}
    held = {stem(word) for word in re.findall(r"[^\W_]+", normalise(author))}
    return (bool(said) and said <= held) or normalise(name) == normalise(author)


def without_reports_of_held(evidence: Sequence[Evidence]) -> list[Evidence]:
    """``evidence`` without what only repeats a statement ("according to X") of which X's own is
    held, on the same side and of another origin."""

    def repeats(item: Evidence) -> bool:
        named = polarity.speaker(item.quote) if item.stance is not Stance.NEITHER else ""
        return bool(named) and any(
            other.origin != item.origin
            and other.stance is item.stance
            and is_named(other.author, named)
            for other in evidence
        )

    return [item for item in evidence if not repeats(item)]
