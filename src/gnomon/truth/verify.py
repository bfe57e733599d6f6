"""Step 5, by rule: a claim against a window of held text: supports, refutes or neither.

Exact comparison of numbers, dates and names; polarity, hedges and antonyms by rule; the rest by
weighted overlap of words and, where there is an encoder, by similarity. Its errors are errors of
caution: what it cannot tell it calls "neither". Beside a trained verifier (``trained.py``) the
grounds on which it decides say which of the two is to be believed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np

from gnomon.models.protocols import Embed
from gnomon.text import polarity, slots
from gnomon.text.sentences import split
from gnomon.text.tokens import is_cjk, normalise, words
from gnomon.truth import hearsay
from gnomon.truth.bilingual import gloss
from gnomon.truth.claims import clause_spans
from gnomon.truth.comparison import (
    COMPARES,
    EXCEEDS,
    NOT_FIRST,
    TOO_MUCH,
    same_comparison,
    within_limits,
)
from gnomon.truth.denial import denies, denies_at_large, denying_part, differs_in_negation
from gnomon.truth.terms import Weights, content_terms, coverage, term_set, without_exact
from gnomon.types import Judgement, Slot, SlotKind

# Overlap is the idf-weighted share of the claim's content words. Measured on 2,000 FEVER pairs with
# these rules: where the window holds every word that says something, 93 of 100 support; where one
# of weight >= MATTERS is missing, about half do, whatever the rest of the overlap. So words alone
# support only when all of them are there; with an encoder, a near paraphrase may lack one.
# To be contradicted, a claim need only be met in its subject and verb: ABOUT.
# Chinese is compared in character bigrams, of which a paraphrase keeps fewer.
ABOUT = {"en": 0.55, "zh": 0.42}
# "I'm going to be one" goes with every sentence in which somebody goes.
FEWEST_TERMS = 2
SAYS = {"en": 0.93, "zh": 0.80}
NEARLY = {"en": 0.75, "zh": 0.58}
MATTERS = 0.3
# A denial may be shorter than the claim ("The bridge has not reopened" denies that it reopened on
# Monday): then this share of the denial's own words must stand in the claim, and so many of them.
DENIAL_INSIDE, DENIAL_WORDS = 0.6, 2
SUBJECT = 0.5
# A denied number of the claim ("12,000 came, not 21,000") needs less company.
NUMBER_INSIDE = 0.4
# Two Chinese sentences that count one thing otherwise share fewer bigrams than characters.
CLASH_ZH = 0.2
# A short sentence ("Four people were hurt.") whose own words all stand in the claim, while its
# context supplies the rest.
CONTAINED, CONTAINED_AROUND = 0.9, 0.75
# Between languages: how much of the Chinese side may be unknown to the glossary, and how much of
# the claim's words must be in the passage.
UNKNOWN, GLOSS_SAYS = 0.25, 0.85
# The sentence itself must say this much of the claim; the rest may stand in its context.
HERE = 0.3
# With every number and date of the claim held exactly, so much of its words is enough.
EXACT = 0.65
# Cosine of multilingual-e5-small: unrelated sentences lie near 0.80, paraphrases above 0.90.
SIMILAR = (0.86, 0.94)


# Whom a tweet copies or speaks to, before it says anything.
ADDRESSED = re.compile(r"^\W*(?:(?:RT\s+)?[“\"]?@\w+[:,]?\s*)+")


class Ground(StrEnum):
    """What a rule went by."""

    ASKS = "asks"  # the sentence is a question
    EMPTY = "empty"  # the claim says too little for anything to bear on it
    SAME_WORDS = "same words"
    HEARSAY = "hearsay"  # put down to others, at arm's length
    CONDITIONAL = "conditional"
    OTHER_VALUE = "other value"  # another number or date for the same thing
    ANOTHER_KIND = "another kind"  # other numbers, of something else
    DENIED = "denied"
    LOWER_PLACE = "lower place"  # "the second largest" against "the largest"
    ABSENT_NAME = "absent name"
    LACKS_VALUE = "lacks value"  # a number or date of the claim is not in the window
    HEDGED = "hedged"
    NEGATED = "negated"
    COMPARISON = "comparison"
    ELSEWHERE = "elsewhere"  # too few words in common
    UNSAID = "unsaid"  # some of the claim's words are not there
    CROSSING = "crossing"  # another language, not decided
    SAYS = "says"  # supports


@dataclass(frozen=True, slots=True)
class Ruling:
    """A judgement by rule, and what it went by. ``here`` is the share of the claim's content words
    that the judged sentence has, ``about`` the same with its window's words counted in, 0..1.
    ``plain``: a denial that says nothing but that the claim is not so."""

    judgement: Judgement
    ground: Ground
    here: float = 0.0
    about: float = 0.0
    plain: bool = False


@dataclass(frozen=True, slots=True)
class Reading:
    """How one sentence in its window reads against a claim; shares are 0..1.

    ``here`` is the share of the claim's content words in the sentence, ``around`` in the whole
    window, ``inside`` the share of the sentence's own that stand in the claim (``shared`` of them).
    """

    sentence: str
    clause: str  # the part of the sentence that is nearest to the claim
    here: float
    around: float
    inside: float
    shared: int
    missing: float  # the greatest weight among the claim's words that the window lacks
    foreign: float  # the greatest weight among the sentence's words that the claim lacks
    crossing: bool  # claim and sentence are in different scripts
    unknown: float  # the share of the Chinese side that the glossary does not know, then
    denies: str = ""  # why the clause denies the claim
    denies_other: bool = False  # what it denies is said of something else

    @property
    def about(self) -> float:
        # Context may name what the sentence calls "it", but does not speak for the sentence.
        return 0.7 * self.here + 0.3 * self.around

    @property
    def contained(self) -> bool:
        """Whether the sentence says nothing that the claim does not, and its window the rest."""
        return self.inside >= CONTAINED and self.shared > 0 and self.around >= CONTAINED_AROUND

    @property
    def elsewhere(self) -> bool:
        """Whether each side has a weighty word that the other lacks: two subjects, not two numbers
        of one ("The council put out 800", "The fire service put out 450")."""
        return min(self.missing, self.foreign) >= SUBJECT

    @property
    def unsure(self) -> bool:
        """Whether words alone leave it open, so that the encoder is worth asking: much of the claim
        is there and not all, or it is said in another script."""
        return self.crossing or (self.around >= min(NEARLY.values()) and self.missing >= MATTERS)


class LexicalEntail:
    """The rule-based verifier. ``weights`` come from the store the claim is checked against."""

    name = "rules-1"

    def __init__(self, weights: Weights, embed: Embed | None = None) -> None:
        self._weights = weights
        self._embed = embed
        self._vectors: dict[str, np.ndarray] = {}

    def judge(self, pairs: Sequence[tuple[str, str]]) -> list[Judgement]:
        """One Judgement for each (window, claim), in order."""
        return [ruling.judgement for ruling in self.rulings(pairs)]

    def rulings(self, pairs: Sequence[tuple[str, str]]) -> list[Ruling]:
        """The same, each with its ground."""
        readings = [self._read(window, claim) for window, claim in pairs]
        cosines = self._cosines(
            [
                (reading.sentence, claim) if reading.unsure else None
                for reading, (_, claim) in zip(readings, pairs, strict=True)
            ]
        )
        return [
            replace(_decide(window, claim, reading, cosine), here=reading.here, about=reading.about)
            for (window, claim), reading, cosine in zip(pairs, readings, cosines, strict=True)
        ]

    def unequal(self, window: str, claim: str) -> tuple[Ground, str] | None:
        """What forbids "supports" whatever the words in common: a number, date or name that is
        not the same, something not asserted, a comparison not made. None if nothing does."""
        reading = self._read(window, claim)
        if hearsay.distanced(claim, reading.sentence):
            return Ground.HEARSAY, hearsay.RULE
        if _CONDITIONAL.search(reading.sentence) and not _CONDITIONAL.search(claim):
            return Ground.CONDITIONAL, "only says what would be if something were so"
        clashes = slots.conflicts(claim, reading.sentence)
        if clashes:
            ours, theirs = clashes[0]
            return Ground.OTHER_VALUE, f"{theirs.text!r} stands against {ours.text!r}"
        found = _unsaid(claim, window, reading)
        if found is not None and found[0] in (Ground.LACKS_VALUE, Ground.HEDGED, Ground.COMPARISON):
            return found
        absent = [] if reading.crossing else _absent(_names(claim), window)
        return (Ground.ABSENT_NAME, f"does not name {absent[0]}") if absent else None

    def counts_otherwise(self, window: str, claim: str) -> str:
        """Why a number cannot be what refutes; "" where it may be, or something else does: the
        claim counts kilns, the sentence people or the hour, and denies nothing."""
        lacking = [
            slot
            for slot in slots.missing(claim, window)
            if slot.kind is SlotKind.NUMBER and slot.unit and not slot.unit.endswith("#")
        ]
        sentence = self._read(window, claim).sentence
        told = [slot for slot in slots.exact(sentence) if slot.kind is SlotKind.NUMBER]
        if not lacking or not told or denies(claim, sentence) or polarity.negations(sentence):
            return ""
        if any(slots.comparable(ours, theirs) for ours in slots.exact(claim) for theirs in told):
            return ""
        return f"{told[0].text!r} counts something else than {lacking[0].text!r}"

    def _read(self, window: str, claim: str) -> Reading:
        """The last sentence of ``window`` against ``claim``, read with what stands before it."""
        spans = split(window)
        best = window[slice(*spans[-1])] if spans else window
        crossing, unknown = is_cjk(window) != is_cjk(claim), 0.0
        said, told, asked = best, window, claim
        if crossing and is_cjk(claim):
            glossed = gloss(claim, window)
            asked, unknown = glossed.text, glossed.unknown
        elif crossing:
            glossed = gloss(best, claim)
            said, told, unknown = glossed.text, gloss(window, claim).text, glossed.unknown
        wanted = self._weights.of(without_exact(asked)) or self._weights.of(asked)
        wanted = _without_first_names(wanted, asked, told)
        here = coverage(wanted, term_set(said), wanted)
        whole = term_set(told)
        own, ours = self._weights.of(without_exact(ADDRESSED.sub("", said))), term_set(asked)
        clauses = [best[a:b] for a, b in clause_spans(best)]
        clause = max(clauses, key=lambda c: coverage(wanted, term_set(c), wanted))
        denied = "" if crossing else denies(claim, clause)
        return Reading(
            sentence=best,
            clause=clause,
            denies=denied,
            denies_other=bool(denied) and self._of_something_else(wanted, clause),
            here=here,
            around=coverage(wanted, whole, wanted),
            inside=coverage(own, ours, own),
            shared=len(own.keys() & wanted.keys()),
            missing=max((w for term, w in wanted.items() if term not in whole), default=0.0),
            foreign=max((w for term, w in own.items() if term not in ours), default=0.0),
            crossing=crossing,
            unknown=unknown,
        )

    def _of_something_else(self, wanted: Mapping[str, float], clause: str) -> bool:
        """Whether the part of the clause that denies has a weighty word that the claim lacks, and
        lacks one of the claim's: "you to not buy a lamp" against "Ann Lee bought the mill"."""
        part = denying_part(clause, wanted)
        if not part or is_cjk(part):
            return False
        held = term_set(part)
        own = self._weights.of(without_exact(ADDRESSED.sub("", part)))
        lacking = max((w for term, w in wanted.items() if term not in held), default=0.0)
        foreign = max((w for term, w in own.items() if term not in wanted), default=0.0)
        return min(lacking, foreign) >= SUBJECT

    def _cosines(self, pairs: Sequence[tuple[str, str] | None]) -> list[float | None]:
        """The encoder's cosine for each pair, where there is a pair and an encoder."""
        if self._embed is None:
            return [None] * len(pairs)
        texts = {text for pair in pairs if pair for text in pair} - self._vectors.keys()
        if texts:
            new = sorted(texts)
            self._vectors.update(zip(new, self._embed.passages(new), strict=True))
        return [float(self._vectors[p[0]] @ self._vectors[p[1]]) if p else None for p in pairs]


def _neither(ground: Ground, rule: str, about: float = 0.0) -> Ruling:
    rest = 0.1 * min(about, 1.0)
    return Ruling(Judgement(rest / 2, rest / 2, 1 - rest, rule), ground)


def _elsewhere(about: float) -> Ruling:
    return _neither(Ground.ELSEWHERE, "the passage is about something else", about)


def _decide(window: str, claim: str, reading: Reading, cosine: float | None) -> Ruling:
    """The rules in order: what is no statement of this, what speaks against it, what supports."""
    sentence = reading.sentence
    similar = 0.0
    if cosine is not None:
        similar = min(1.0, max(0.0, (cosine - SIMILAR[0]) / (SIMILAR[1] - SIMILAR[0])))
    about = max(reading.about, similar if reading.crossing else 0.0)
    if polarity.is_question(sentence):
        return _neither(Ground.ASKS, "the sentence asks, it does not state", about)
    if words(_CONTEXT.sub("", claim)) == words(_WRITTEN_OUT.sub("", sentence)):
        same = Judgement(0.95, 0.01, 0.04, "says it in the same words")
        return Ruling(same, Ground.SAME_WORDS)
    if len(set(content_terms(claim))) < FEWEST_TERMS and not slots.find(claim):
        return _neither(Ground.EMPTY, "the claim says too little to be held against anything")
    own_denial = reading.denies and not reading.denies_other and hearsay.doubts_a_noun(sentence)
    if hearsay.distanced(claim, sentence) and not (own_denial or _rejects(claim, sentence)):
        if own := _own_value(claim, sentence):
            return own
        near = about >= ABOUT[_lang(claim)]
        return _neither(Ground.HEARSAY, hearsay.RULE, about) if near else _elsewhere(about)
    if _CONDITIONAL.search(sentence) and not _CONDITIONAL.search(claim):
        rule = "only says what would be if something were so"
        return _neither(Ground.CONDITIONAL, rule, about)
    within = within_limits(claim, sentence)
    if within and reading.around >= ABOUT[_lang(claim)] and not reading.crossing:
        fine = Judgement(0.02, 0.8, 0.18, f"finds it {within!r}")
        return Ruling(fine, Ground.DENIED, plain=True)
    names = [] if reading.crossing else _names(claim)
    absent = _absent(names, window)
    against = _against(claim, reading, about, absent)
    if against is not None:
        return against
    if about < ABOUT[_lang(claim)] and not reading.contained:
        return _elsewhere(about)
    if absent:
        return _neither(Ground.ABSENT_NAME, f"does not name {absent[0]}", about)
    return _support(window, claim, reading, similar)


_CONDITIONAL = re.compile(r"^\W*(?:if|unless|in case|were)\b|如果|要是|假如|万一", re.IGNORECASE)


def _rejects(claim: str, sentence: str) -> bool:
    """Whether what the sentence reports of others it also calls untrue."""
    return denies_at_large(sentence) and not denies_at_large(claim)


def _own_value(claim: str, sentence: str) -> Ruling | None:
    """ "It is 12; some say 21": its own value against one that it puts down to others."""
    own = hearsay.own_words(sentence)
    clashes = slots.conflicts(claim, own) if own != sentence else ()
    return _clash(0.7, 0.28, *clashes[0]) if clashes else None


def _clash(refutes: float, neither: float, ours: Slot, theirs: Slot) -> Ruling:
    rule = f"{theirs.text!r} stands against {ours.text!r}"
    return Ruling(Judgement(1 - refutes - neither, refutes, neither, rule), Ground.OTHER_VALUE)


def _against(claim: str, reading: Reading, about: float, absent: Sequence[str]) -> Ruling | None:
    """What speaks against the claim: another number or date, a denial, an opposite."""
    sentence, lang = reading.sentence, _lang(claim)
    denied = "" if reading.denies_other else reading.denies
    clashes = slots.conflicts(claim, sentence)
    if len(clashes) > 1 and slots.told_apart(claim, sentence):
        return _neither(Ground.ANOTHER_KIND, "is about another of its kind", about)
    if not denied and not clashes:
        lower = COMPARES.search(claim) and NOT_FIRST.search(sentence)
        if not lower or NOT_FIRST.search(claim) or absent or about < ABOUT[lang]:
            return None
        rule = f"{NOT_FIRST.findall(sentence)[0]!r}, not the first"
        return Ruling(Judgement(0.02, 0.75, 0.23, rule), Ground.LOWER_PLACE)
    inside = NUMBER_INSIDE if denied and any(c.isnumeric() for c in denied) else DENIAL_INSIDE
    narrower = reading.inside >= inside and reading.shared >= DENIAL_WORDS
    narrower = narrower and not denies_at_large(sentence)
    counted = lang == "zh" and bool(clashes) and about >= CLASH_ZH
    if about < ABOUT[lang] and not (narrower or counted or reading.contained):
        return _elsewhere(about)
    if absent and len(absent) == len(_names(claim)):
        return _neither(Ground.ABSENT_NAME, f"does not name {absent[0]}", about)
    if clashes and (reading.elsewhere or absent):
        rule = "gives another number, of something else"
        return _neither(Ground.ANOTHER_KIND, rule, about)
    strength = min(1.0, max(about, reading.inside))
    if clashes:
        p = 0.45 + 0.45 * strength
        return _clash(p, 0.98 - p, *clashes[0])
    p = 0.4 + 0.5 * strength
    plain = reading.inside >= CONTAINED and reading.shared >= DENIAL_WORDS
    plain = plain and not denies_at_large(sentence)
    return Ruling(Judgement(0.03, p, 0.97 - p, denied), Ground.DENIED, plain=plain)


def _support(window: str, claim: str, reading: Reading, similar: float) -> Ruling:
    """What is left once nothing speaks against the claim."""
    sentence, lang = reading.sentence, _lang(claim)
    lacking = _unsaid(claim, window, reading)
    if lacking:
        return _neither(*lacking, reading.about)
    if reading.crossing:
        p = _across(claim, reading, similar)
        if not p:
            rule = "another language, and too little to compare"
            return _neither(Ground.CROSSING, rule, reading.about)
    elif reading.around >= SAYS[lang] and (lang == "zh" or reading.missing < MATTERS):
        p = 0.93
    elif reading.around >= EXACT and _anchored(claim):
        p = 0.75
    elif reading.around >= NEARLY[lang] and similar >= 0.5:
        p = 0.4 + 0.4 * similar * reading.around
    else:
        return _neither(Ground.UNSAID, _LEAVES, reading.about)
    rule = "says the same, with the same numbers and names"
    if polarity.speaker(sentence) and not polarity.speaker(claim):
        p, rule = min(p, 0.8), f"says so, attributed to {polarity.speaker(sentence)}"
    return Ruling(Judgement(p, 0.02, 0.98 - p, rule), Ground.SAYS)


_LEAVES = "leaves part of the claim unsaid"


def _across(claim: str, reading: Reading, similar: float) -> float:
    """The probability of support between two languages, or 0 where that cannot be told: by the
    encoder over equal numbers, or by a glossary that knows nearly all the words."""
    by_encoder = 0.45 + 0.4 * similar if _anchored(claim) and similar else 0.0
    negated = [bool(polarity.negations(text)) for text in (claim, reading.sentence)]
    if negated[0] != negated[1] or reading.unknown > UNKNOWN or reading.around < GLOSS_SAYS:
        return by_encoder
    return max(by_encoder, 0.75 if _anchored(claim) else 0.65)


def _unsaid(claim: str, window: str, reading: Reading) -> tuple[Ground, str] | None:
    """What of the claim the window does not say, or not so firmly; None if nothing."""
    missing = [s for s in slots.missing(claim, window) if not _ordinal_held(s, window)]
    if missing:
        return Ground.LACKS_VALUE, f"does not say {missing[0].text!r}"
    ours, theirs = polarity.modality(claim), polarity.modality(reading.clause)
    if theirs != "asserted" and ours == "asserted" and not _told_beside(claim, reading.clause):
        return Ground.HEDGED, f"the passage is only {theirs}"
    if not reading.crossing and differs_in_negation(claim, reading.clause):
        return Ground.NEGATED, "negates something beside the claim"
    if COMPARES.search(claim) and not same_comparison(claim, reading.sentence):
        return Ground.COMPARISON, "does not compare as the claim does"
    if TOO_MUCH.search(claim) and not EXCEEDS.search(reading.sentence):
        return Ground.LACKS_VALUE, "does not say that it is too much or too little"
    if reading.here < HERE and not reading.crossing and not reading.contained:
        return Ground.UNSAID, _LEAVES
    return None


def _told_beside(claim: str, clause: str) -> bool:
    """Whether the clause says all of the claim beside what it only plans or supposes."""
    told = term_set(polarity.told_beside(clause))
    return bool(told) and all(term in told for term in content_terms(claim))


def _ordinal_held(slot: Slot, window: str) -> bool:
    """Whether an ordinal in words ("the first estimate") stands in the window as a word."""
    ordinal = slot.unit == "ordinal" or slot.kind is not SlotKind.NUMBER
    return ordinal and slot.text.isalpha() and slot.text.casefold() in words(window)


_CONTEXT = re.compile(r" \([^()]*\)$")
# The dates that ``retrieve.dated`` writes behind "yesterday".
_WRITTEN_OUT = re.compile(r" \(\d{4}(?:-\d\d){0,2}\)")
_FULL_NAME = re.compile(r"\b([A-Z][\w'’-]+) ([A-Z][\w'’-]+)\b")


def _without_first_names(wanted: dict[str, float], claim: str, window: str) -> dict[str, float]:
    """``wanted`` without first names whose surname the window has: "Mr Lee" is "Ann Lee"."""
    for first, last in _FULL_NAME.findall(claim):
        if re.search(
            rf"\b(?:Mr|Mrs|Ms|Dr|Sir|Mayor|President|Senator|Minister)\.? {last}\b", window
        ):
            wanted = {term: w for term, w in wanted.items() if term not in content_terms(first)}
    return wanted


def _lang(text: str) -> str:
    return "zh" if is_cjk(text) else "en"


def _anchored(claim: str) -> bool:
    """Whether the claim has a number or date, which must be equal across languages too."""
    return any(slot.kind is not SlotKind.NAME for slot in slots.find(claim))


def _names(claim: str) -> list[Slot]:
    found = slots.find(claim)
    exact = [slot for slot in found if slot.kind is not SlotKind.NAME]
    return [
        name
        for name in found
        if name.kind is SlotKind.NAME
        and not any(name.start < s.end and s.start < name.end for s in exact)
    ]


def _absent(names: Sequence[Slot], window: str) -> list[str]:
    """Those names of which the window holds no word."""
    held, terms = normalise(window), term_set(window)
    return [slot.text for slot in names if not _name_held(slot, held, terms)]


def _name_held(slot: Slot, held: str, terms: frozenset[str]) -> bool:
    if normalise(slot.text) in held:
        return True
    parts = [part for part in term_set(slot.text) if len(part) > 2]
    return any(part in terms for part in parts)
