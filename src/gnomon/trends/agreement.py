"""What the origins of a story agree on, and where their numbers conflict.

Statements with numbers are put together where they count or measure one thing in kindred sentences;
values are compared exactly (``text.slots``). A verifier, where one is given, confirms: it may deny
that two sentences agree, or that their numbers conflict, and it finds agreement without numbers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Protocol

from gnomon.text import slots
from gnomon.text.bare import is_bare
from gnomon.text.sentences import split
from gnomon.text.tokens import is_cjk, tokens
from gnomon.trends.background import shares
from gnomon.trends.timeline import Root, saying
from gnomon.types import Conflict, Fact, Judgement, Saying, Slot, SlotKind, Stance, Version

MOST_ORIGINS = 40
MOST_SENTENCES = 8
"""Sentences of one origin that are compared: a report says first what is known."""
SENTENCE_CHARS = 400
KINDRED = 0.34
"""The share of the rarer words of the shorter sentence that the other must have, too."""
ALIKE = 0.6
"""The same, for sentences that agree without a verifier's word."""
LIKELY = 0.5
MOST_FACTS = 8
MOST_CONFLICTS = 8
MOST_PAIRS = 240
"""What a verifier is asked for one story."""
_COMMON = 0.12


class Verifier(Protocol):
    """What agreement needs of a verifier: ``truth``'s and ``models``' are such."""

    @property
    def name(self) -> str: ...

    def judge(self, pairs: Sequence[tuple[str, str]]) -> list[Judgement]:
        """One Judgement for each (window, claim)."""
        ...


@dataclass(frozen=True, slots=True)
class Agreement:
    """``alone`` counts statements with numbers that one origin alone makes."""

    agreed: tuple[Fact, ...] = ()
    disputed: tuple[Conflict, ...] = ()
    alone: int = 0
    checked_by: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class _Said:
    """A sentence of an origin, with its numbers and its words that are not common."""

    root: int
    text: str
    words: frozenset[str]
    numbers: tuple[Slot, ...]


@dataclass(eq=False)
class _Group:
    """Statements of one thing: (sentence, its number of that thing)."""

    members: list[tuple[_Said, Slot]] = field(default_factory=list)


def agreement(roots: Sequence[Root], verifier: Verifier | None = None) -> Agreement:
    """Compare what ``roots`` say, in the order of time. ``MOST_ORIGINS`` are read: one of each
    voice before two of any, and of those the ones with most posts."""
    chosen = _chosen(roots)
    said = [one for i in sorted(chosen) for one in _sentences(i, roots[i])]
    ask = _Asked(verifier)
    given = _given(said)
    groups = list(_groups(said))
    agreed: list[Fact] = []
    disputed: list[Conflict] = []
    alone = 0
    for group in groups:
        versions = _versions(group, roots)
        rivals = [one for one in versions if _rival(one, versions, given)]
        if len(rivals) > 1:
            conflict = _conflict(rivals, roots, ask)
            if conflict is not None:
                disputed.append(conflict)
                continue
        shared = max(versions, key=lambda one: len(_voices(one, roots)))
        if len(_voices(shared, roots)) > 1 and (fact := _fact(shared, roots, ask)):
            agreed.append(fact)
        else:
            alone += 1
    agreed += _without_numbers(said, roots, ask, agreed)
    agreed.sort(key=lambda fact: (-fact.voices, fact.said_by[0].said_at))
    disputed.sort(key=lambda one: -sum(version.voices for version in one.versions))
    return Agreement(
        tuple(_distinct(agreed)[:MOST_FACTS]),
        tuple(disputed[:MOST_CONFLICTS]),
        alone,
        ask.name,
    )


def _chosen(roots: Sequence[Root]) -> list[int]:
    nth: Counter[object] = Counter()
    ranked = []
    for i in sorted(range(len(roots)), key=lambda i: (-roots[i].posts, i)):
        ranked.append((nth[roots[i].who], -roots[i].posts, i))
        nth[roots[i].who] += 1
    return [i for *_, i in sorted(ranked)[:MOST_ORIGINS]]


class _Asked:
    """A verifier asked within bounds; nothing where there is none, or it has been asked enough."""

    def __init__(self, verifier: Verifier | None) -> None:
        self._verifier = verifier
        self._left = MOST_PAIRS
        self.name = verifier.name if verifier is not None else ""

    def judge(self, pairs: Sequence[tuple[str, str]]) -> list[Judgement | None]:
        if self._verifier is None or not pairs:
            return [None] * len(pairs)
        asked = pairs[: self._left]
        self._left -= len(asked)
        found: list[Judgement | None] = list(self._verifier.judge(asked)) if asked else []
        return [*found, *[None] * (len(pairs) - len(asked))]


# --------------------------------------------------------------------------- reading


def _sentences(i: int, root: Root) -> Iterator[_Said]:
    text = root.text
    seen: set[str] = set()
    for start, end in split(text)[: 2 * MOST_SENTENCES]:
        sentence = text[start:end]
        if len(seen) >= MOST_SENTENCES or len(sentence) > SENTENCE_CHARS or sentence in seen:
            continue
        if sentence.rstrip("\"'”’」』)）").endswith(("?", "？")) or is_bare(sentence):
            continue  # a question, or hashtags alone, states nothing
        seen.add(sentence)
        numbers = tuple(
            slot
            for slot in slots.exact(sentence)
            if slot.kind is SlotKind.NUMBER and slot.unit and not slot.unit.endswith("#")
        )
        yield _Said(i, sentence, _rare(sentence), numbers)


def _rare(sentence: str) -> frozenset[str]:
    """The words that tell what a sentence is about: no numbers, no common words; of Latin words the
    first six letters, so that endings do not count."""
    common = shares()
    return frozenset(
        word[:6] if word.isascii() else word
        for word in tokens(sentence)
        if len(word) > 1 and not word[0].isdigit() and common.get(word, 0.0) < _COMMON
    )


def _kin(a: _Said, b: _Said) -> float:
    """The share of the rarer words of the shorter sentence that the longer has (0..1)."""
    least = min(len(a.words), len(b.words))
    if least < 2:
        return 0.0
    return len(a.words & b.words) / least


# --------------------------------------------------------------------------- numbers


def _groups(said: Sequence[_Said]) -> Iterator[_Group]:
    """Statements of numbers by what they count or measure: one unit, in kindred sentences."""
    groups: list[_Group] = []
    for one in said:
        for slot in one.numbers:
            best, likest = None, KINDRED
            for group in groups:
                if not slots.comparable(group.members[0][1], slot):
                    continue
                kin = (
                    max(_kin(one, other) for other, _ in group.members if other is not one)
                    if (any(other is not one for other, _ in group.members))
                    else 0.0
                )
                if kin >= likest:
                    best, likest = group, kin
            if best is None:
                best = _Group()
                groups.append(best)
            best.members.append((one, slot))
    yield from groups


_Members = list[tuple[_Said, Slot]]


def _versions(group: _Group, roots: Sequence[Root]) -> list[_Members]:
    """The values that are given, each with who gives it, in the order in which they came up."""
    versions: list[_Members] = []
    ordered = sorted(group.members, key=lambda m: (roots[m[0].root].post.time, m[0].root))
    for member in ordered:
        for version in versions:
            if slots.same(version[0][1], member[1]):
                version.append(member)
                break
        else:
            versions.append([member])
    return versions


_Given = Mapping[int, Sequence[Slot]]


def _given(said: Iterable[_Said]) -> _Given:
    """The numbers that each origin gives."""
    given: dict[int, list[Slot]] = {}
    for one in said:
        given.setdefault(one.root, []).extend(one.numbers)
    return given


def _rival(version: _Members, versions: Iterable[_Members], given: _Given) -> bool:
    """Whether another value conflicts with this one: "over 5" and 8 do not, nor do two values with
    an origin that gives both, the month's beside the year's: it denies neither."""
    for other in versions:
        if other is version:
            continue
        a, b = version[0][1], other[0][1]
        ones = [one for one, _ in version if not _gives(given[one.root], b)]
        twos = [two for two, _ in other if not _gives(given[two.root], a)]
        if any(_clash(one, two, a, b) for one in ones[:3] for two in twos[:3]):
            return True
    return False


def _gives(numbers: Iterable[Slot], value: Slot) -> bool:
    return any(slots.same(number, value) for number in numbers)


def _clash(one: _Said, two: _Said, a: Slot, b: Slot) -> bool:
    pairs = [*slots.conflicts(one.text, two.text), *slots.conflicts(two.text, one.text)]
    values = {(a.value, a.unit), (b.value, b.unit)}
    return any({(x.value, x.unit), (y.value, y.unit)} == values for x, y in pairs)


def _voices(version: _Members, roots: Sequence[Root]) -> Mapping[object, _Said]:
    """The sentence by which each voice first gave the value: an author has one voice."""
    voices: dict[object, _Said] = {}
    for one, _ in version:
        voices.setdefault(roots[one.root].who, one)
    return voices


def _sayings(version: _Members, roots: Sequence[Root]) -> tuple[Saying, ...]:
    found: dict[int, Saying] = {}
    for one, _ in version:
        found.setdefault(one.root, saying(roots[one.root], one.text))
    return tuple(sorted(found.values(), key=lambda said: said.said_at))


def _conflict(rivals: list[_Members], roots: Sequence[Root], ask: _Asked) -> Conflict | None:
    """The conflict between versions; None where the verifier says that the sentences agree."""
    pairs = [(a[0][0].text, b[0][0].text) for a, b in combinations(rivals[:4], 2)]
    judged = [one for one in ask.judge(pairs) if one is not None]
    if judged and all(one.stance is Stance.SUPPORTS for one in judged):
        return None
    refuted = any(one.stance is Stance.REFUTES for one in judged)
    unit = rivals[0][0][1].unit
    versions = tuple(
        Version(version[0][1].text, _sayings(version, roots), len(_voices(version, roots)))
        for version in rivals[:6]
    )
    return Conflict(unit, versions, "verifier" if refuted else "numbers")


def _fact(version: _Members, roots: Sequence[Root], ask: _Asked) -> Fact | None:
    """What two or more authors say with the same number; None where they do not say the same."""
    voices = list(_voices(version, roots).values())
    claim = voices[0]
    others = voices[1:]
    judged = ask.judge([(other.text, claim.text) for other in others])
    agree = {roots[claim.root].who}
    for other, judgement in zip(others, judged, strict=True):
        if judgement is None:
            says_so = _kin(claim, other) >= ALIKE
        else:
            says_so = judgement.supports >= LIKELY or (
                judgement.stance is not Stance.REFUTES and _kin(claim, other) >= ALIKE
            )
        if says_so:
            agree.add(roots[other.root].who)
    kept = [member for member in version if roots[member[0].root].who in agree]
    return Fact(claim.text, _sayings(kept, roots), len(agree)) if len(agree) > 1 else None


# --------------------------------------------------------------------------- without numbers


def _without_numbers(
    said: Sequence[_Said], roots: Sequence[Root], ask: _Asked, known: Sequence[Fact]
) -> list[Fact]:
    """Sentences that the verifier finds said by others, too. Nothing without a verifier."""
    if not ask.name:
        return []
    told = {fact.text for fact in known}
    spread: dict[str, int] = {}
    for one in said:
        for word in one.words:
            spread[word] = spread.get(word, 0) + 1
    plain = [one for one in said if not one.numbers and len(one.words) > 3]
    plain.sort(key=lambda one: -sum(spread[word] - 1 for word in one.words) / len(one.words))
    facts: list[Fact] = []
    for claim in plain[: 2 * MOST_FACTS]:
        if claim.text in told or any(_overlap(claim, fact.text) for fact in facts):
            continue
        others = _others(claim, said, roots)
        judged = ask.judge([(other.text, claim.text) for other in others])
        agree = [
            other
            for other, judgement in zip(others, judged, strict=True)
            if judgement is not None and judgement.supports >= LIKELY
        ]
        if agree:
            members = [(one, Slot(SlotKind.NAME, "", 0, 0, "")) for one in (claim, *agree)]
            facts.append(Fact(claim.text, _sayings(members, roots), 1 + len(agree)))
    return facts


def _others(claim: _Said, said: Sequence[_Said], roots: Sequence[Root]) -> list[_Said]:
    """For each other voice the sentence nearest to the claim, if it is near at all."""
    nearest: dict[object, tuple[float, _Said]] = {}
    own = roots[claim.root].who
    for other in said:
        voice = roots[other.root].who
        if voice == own:
            continue
        kin = 1.0 if is_cjk(other.text) != is_cjk(claim.text) else _kin(claim, other)
        if kin >= KINDRED and kin > nearest.get(voice, (0.0, claim))[0]:
            nearest[voice] = (kin, other)
    ranked = sorted(nearest.values(), key=lambda pair: -pair[0])
    return [other for _, other in ranked[:6]]


def _overlap(claim: _Said, text: str) -> bool:
    words = _rare(text)
    return len(claim.words & words) >= 0.7 * min(len(claim.words), len(words))


def _distinct(facts: Sequence[Fact]) -> list[Fact]:
    """One fact for each sentence."""
    found: dict[str, Fact] = {}
    for fact in facts:
        found.setdefault(fact.text, fact)
    return list(found.values())
