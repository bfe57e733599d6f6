"""An English yes-or-no question as the statement whose truth it asks.

"Was the officer who shot Ann Lee in March arrested?" asks whether the officer who shot Ann Lee in
March was arrested: the auxiliary goes back behind the subject. Without a parser, the subject is
read from the left: a noun phrase, what hangs on it by prepositions, "and" or a relative clause;
the predicate begins with the first participle, adjective, adverb or second noun phrase behind that,
or, where there is none, with the first preposition ("is the shooter / from New Jersey").
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from gnomon.text.conjugation import (
    BASES,
    CATENATIVE,
    PASTS,
    is_participle,
    past,
    third,
)
from gnomon.text.parts_of_speech import (
    ADJECTIVE_ENDINGS,
    ADJECTIVES,
    ADVERBS,
    DETERMINERS,
    ING_NOUNS,
    NO_ADVERB,
    PARTICLES,
    PREPOSITIONS,
    PRONOUNS,
    RELATIVES,
    SUBORDINATORS,
)

_BE = frozenset("is are was were am".split())
_HAVE = frozenset("has have had".split())
_DO = frozenset("did do does".split())
_ASKING = re.compile(
    r"^(did|do|does|is|are|was|were|am|has|have|had|will|would|can|could|should|might|may|shall|must)"
    r"(n['’]?t)?\s+(not\s+)?",
    re.IGNORECASE,
)
_LEAD = re.compile(r"^(?:so|and|but|then)\b[ ,]*", re.IGNORECASE)
_IS_IT_TRUE = re.compile(
    r"^(?:is|was) it (?:really |actually )?(?:true|correct|right|a fact|the case)(?: that)?\s+",
    re.IGNORECASE,
)

# "Did the mayor not resign?" asks as "Didn't the mayor resign?" does.
_NOT_BEHIND = re.compile(r"^(did|do|does|has|have|had|will)\s+(?!not\b)(\S.*?)\snot(?=\s)", re.I)

_MANY = tuple(
    tuple(phrase.split())
    for phrase in (
        "more than", "less than", "fewer than", "at least", "at most", "up to", "as many as",
        "no more than", "no fewer than", "almost", "nearly", "about", "around", "over",
    )
)  # fmt: skip
_POINTING = frozenset("this that these those".split())
_JOINS = frozenset("and or nor".split())
_AUXILIARIES = (
    _BE | _HAVE | _DO | frozenset("will would can could should may might be been being".split())
)
_WORD = re.compile(r"^[^\w#@$€£]+|[^\w%]+$")


@dataclass(frozen=True, slots=True)
class Split:
    """A question's words behind its auxiliary: where the predicate begins, ``told`` by a form and
    not only by where it stands."""

    at: int
    told: bool


def as_statement(question: str) -> str:
    """``question`` (English) as a statement. "Did the bridge close?" becomes "the bridge closed"
    where its verb is told by its form; a text that is no such question comes back as it is."""
    text = _LEAD.sub("", question.strip().rstrip("?？ 。."))
    text = _IS_IT_TRUE.sub("", text)
    text = _NOT_BEHIND.sub(r"\1 not \2", text)
    match = _ASKING.match(text)
    if match is None:
        return text
    auxiliary = match[1].lower()
    negation = " not" if match[2] or match[3] else ""
    words = text[match.end() :].split()
    if len(words) < 2:
        return " ".join(words)
    reader = _Reader(words)
    has = auxiliary in _HAVE
    found = reader.predicate(has=has) if has or auxiliary in _BE else reader.verb()
    head, tail = " ".join(words[: found.at]), words[found.at :]
    if auxiliary in _DO and not negation:
        if not found.told or auxiliary == "do":
            return " ".join(words)
        verb = tail[0].lower()
        tail = [(past if auxiliary == "did" else third)(verb), *tail[1:]]
        return f"{head} {' '.join(tail)}"
    return f"{head} {auxiliary}{negation} {' '.join(tail)}"


class _Reader:
    """The words of a question behind its auxiliary."""

    def __init__(self, words: list[str]) -> None:
        self.written = [_WORD.sub("", word) for word in words]
        self.words = [word.lower() for word in self.written]
        # A comma or the like ends what stands before it.
        self.stops = [word[-1:] in ",;:" for word in words]

    # --------------------------------------------------------------- forms

    def _is_name(self, i: int) -> bool:
        return self.written[i][:1].isupper() or self.written[i][:1] in "#@"

    def _is_pronoun(self, i: int) -> bool:
        """ "us" and not "US"."""
        written = self.written[i]
        return self.words[i] in PRONOUNS and (written == "I" or not written.isupper())

    def _is_adverb(self, i: int) -> bool:
        word = self.words[i]
        return not self._is_name(i) and (
            word in ADVERBS or (len(word) > 4 and word.endswith("ly") and word not in NO_ADVERB)
        )

    def _is_adjective(self, i: int) -> bool:
        word = self.words[i]
        if self._is_name(i):
            return False
        if word in ADJECTIVES or (len(word) > 5 and word.endswith(ADJECTIVE_ENDINGS)):
            return True
        return is_participle(word) or (word.startswith("un") and is_participle(word[2:]))

    def _is_doing(self, i: int) -> bool:
        word = self.words[i]
        return len(word) > 4 and word.endswith("ing") and not self._is_name(i)

    def _tells(self, i: int, *, has: bool = False) -> bool:
        """Whether the word has the form of what a predicate begins with."""
        if self._is_name(i):
            return False
        word = self.words[i]
        if word in ("been", "being", "had"):
            return True
        if has:
            return self._is_adverb(i) or is_participle(word) or word in ("become", "cost")
        doing = self._is_doing(i) and word not in ING_NOUNS
        return self._is_adverb(i) or self._is_adjective(i) or doing

    # --------------------------------------------------------------- phrases

    def _noun_phrase(self, i: int, *, has: bool = False, bare: bool = False) -> int:
        """Behind the noun phrase that begins at ``i``."""
        n = len(self.words)
        if i >= n:
            return n
        if self._is_pronoun(i):
            return i + 1
        if self.words[i] in _POINTING and i + 1 < n and self._ends_pronoun(i + 1):
            return i + 1
        start = i
        determined = False
        for many in _MANY:
            if tuple(self.words[i : i + len(many)]) == many and i + len(many) < n:
                determined, i = True, i + len(many)
        while i < n and self._determines(i):
            determined, i = True, i + 1
            if self.stops[i - 1]:
                return i
        # What stands before its noun: "the badly damaged bridge".
        before = i
        while i < n - 1 and not self.stops[i] and self._may_modify(i):
            i += 1
        if i > before and (i == n or self._ends_phrase(i)):
            # "the injured / taken to hospital": no noun follows, so the last one tells.
            return i - 1 if i - before > 1 or determined else i
        if i == before and i < n and determined and self._ends_phrase(i):
            return i if i > start else i + 1
        named = i < n and self._is_name(i) and not determined
        i += 1
        while i < n and not self.stops[i - 1]:
            if self._joined(i):
                return self._noun_phrase(i + 1, has=has, bare=bare)
            if self._ends_phrase(i):
                break
            if self._possessive(i - 1):
                return self._noun_phrase(i, has=has, bare=bare)
            if not self._is_name(i):
                if self._tells(i, has=has) and not self._is_attribute(i):
                    break
                if bare and self._begins_verb(i, named=named):
                    break
            named = named and self._is_name(i)
            i += 1
        return max(i, start + 1)

    def _determines(self, i: int) -> bool:
        word = self.words[i]
        if word == "all" and i + 1 < len(self.words) and self.words[i + 1] == "of":
            return False
        return word in DETERMINERS or word[:1].isdigit()

    def _possessive(self, i: int) -> bool:
        return self.written[i].endswith(("'s", "’s"))

    def _joined(self, i: int) -> bool:
        """ "and" between two nouns: "lions and tigers", not "and was"."""
        return (
            self.words[i] in _JOINS
            and i + 1 < len(self.words)
            and self.words[i + 1] not in _AUXILIARIES | PREPOSITIONS
        )

    def _may_modify(self, i: int) -> bool:
        if self._is_name(i):
            return False
        return (
            self._is_adverb(i)
            or self._is_adjective(i)
            or (self._is_doing(i) and self.words[i] not in ING_NOUNS)
        )

    def _is_attribute(self, i: int) -> bool:
        """Whether an adjective stands before its noun within a phrase: "Calgary / public schools".
        Only after "and": elsewhere it is what is said."""
        return i > 0 and self.words[i - 1] in _JOINS and not self._is_last(i)

    def _is_last(self, i: int) -> bool:
        return i == len(self.words) - 1

    def _ends_pronoun(self, i: int) -> bool:
        """Whether "this" before the word stands for itself: "is this / the first time"."""
        return (
            self.words[i] in DETERMINERS
            or self.words[i] in PREPOSITIONS
            or (self._tells(i) and (self._is_last(i) or self._ends_phrase(i + 1)))
        )

    def _may_be_value(self, i: int) -> bool:
        """Whether a number may be what is said: "is the magnitude / 6.2"."""
        behind = range(i + 1, len(self.words))
        return not self._is_name(i - 1) and not any(
            self._tells(k) or self.words[k] in BASES for k in behind
        )

    def _ends_phrase(self, i: int) -> bool:
        word = self.words[i]
        if self._is_name(i) and self.written[i][1:].islower() and word not in ("The", "A"):
            return False
        return (
            word in PREPOSITIONS
            or word in SUBORDINATORS
            or word in RELATIVES
            or word in _AUXILIARIES
            or self._is_pronoun(i)
            or word in _JOINS
            or (word in DETERMINERS and not word[:1].isdigit())
            or (word[:1].isdigit() and i > 1 and self._may_be_value(i))
        )

    # --------------------------------------------------------------- predicates

    def predicate(self, *, has: bool) -> Split:
        """Where the predicate behind a form of "be" or "have" begins."""
        n = len(self.words)
        if self.words[0] == "there":
            return Split(1, True)
        if has and "been" in self.words[1:]:
            at = self._behind_relative("been")
            if at:
                return Split(self._with_adverbs(at), True)
        i = self._noun_phrase(0, has=has)
        hung = -1  # where the first phrase begins that hangs on the subject, and may be said of it
        related = False
        while i < n:
            word = self.words[i]
            if word in RELATIVES and not self._is_name(i):
                i, related = self._relative(i, has=has), True
                continue
            if word in PREPOSITIONS and not self._is_name(i):
                last = self._is_last(i) or self.words[i + 1] in SUBORDINATORS
                particle = word in PARTICLES and (
                    last or (self.words[i + 1] in PREPOSITIONS and self.words[i + 1] != "of")
                )
                if (
                    particle
                    or word == "without"
                    or (word == "to" and self.words[i + 1 : i + 2] and self._infinitive(i))
                ):
                    return Split(i, True)
                if word != "of" and hung < 0:
                    hung = i
                begin = i + 2 if self.words[i + 1 : i + 2] == ["of"] else i + 1
                i = self._noun_phrase(begin, has=has)
                continue
            if word in SUBORDINATORS and not self._is_name(i):
                if not (related and any(self._tells(k, has=has) for k in range(i + 2, n))):
                    break
                i = self._noun_phrase(i + 1, has=has)  # "who was suspended / after the shooting"
                continue
            if not has and self.stops[i - 1] and not self._tells(i):
                i = self._noun_phrase(i)  # "lions, tigers and bears"
                continue
            if word in _JOINS:
                i = self._noun_phrase(i + 1, has=has)
                continue
            if has and not self._tells(i, has=True):
                i = self._noun_phrase(i, has=has)
                continue
            return Split(self._later(i) if not has else i, True)
        if hung > 0:
            return Split(hung, False)
        if i < n and i > 0:
            return Split(i, False)
        return Split(self._by_name(), False)

    def _infinitive(self, i: int) -> bool:
        return self.words[i + 1] in BASES or self.words[i + 1] in ("be",)

    def _later(self, i: int) -> int:
        """``i``, or the last word where what begins at ``i`` belongs to the subject: "was the man
        arrested in Norwick / armed?" """
        last = len(self.words) - 1
        if (
            is_participle(self.words[i])
            and last > i + 2
            and self._tells(last)
            and not self._is_adverb(last)
            and not any(self.words[k] in SUBORDINATORS | RELATIVES for k in range(i + 1, last))
            and self.words[last - 1] not in _JOINS | DETERMINERS | PREPOSITIONS
            and not self._is_adverb(last - 1)
            and self.words[i + 1] in PREPOSITIONS
        ):
            return last
        return i

    def _behind_relative(self, word: str) -> int:
        """The place of ``word`` where no relative clause holds it, else 0."""
        places = [i for i, each in enumerate(self.words) if each == word]
        relative = any(each in ("who", "which", "that") for each in self.words[1 : places[0]])
        return places[-1] if not relative or len(places) > 1 else 0

    def _with_adverbs(self, i: int) -> int:
        while i > 1 and self._is_adverb(i - 1):
            i -= 1
        return i

    def _relative(self, i: int, *, has: bool = False) -> int:
        """Behind the relative clause that begins at ``i``: its verb, and the phrase behind that."""
        n, i = len(self.words), i + 1
        if i < n and not self._finite(i):
            i = self._noun_phrase(i, bare=True)  # "that / police / arrested"
            return min(i + 1, n)
        aux = i < n and self.words[i] in _AUXILIARIES
        i += 1
        while aux and i < n and (self.words[i] in _AUXILIARIES or self._is_adverb(i)):
            i += 1
        if aux and i < n and (self._tells(i) or self.words[i] in BASES):
            i += 1
        if i < n and (
            self.words[i] in DETERMINERS
            or self._is_pronoun(i)
            or not (self._ends_phrase(i) or self._tells(i, has=has))
        ):
            i = self._noun_phrase(i, has=has, bare=True)
        return min(i, n)

    def _finite(self, i: int) -> bool:
        word = self.words[i]
        return (
            word in _AUXILIARIES
            or word in PASTS
            or is_participle(word)
            or (word.endswith("s") and word[:-1] in BASES)
        )

    def _by_name(self) -> int:
        """The last resort: behind a name that begins the question, else before the last word."""
        n, i = len(self.words), 0
        while i < n and self._is_name(i):
            i += 1
        return i if 0 < i < n else n - 1

    # --------------------------------------------------------------- infinitives

    def _begins_verb(self, i: int, *, named: bool = False) -> bool:
        """Whether the infinitive begins with the word."""
        word = self.words[i]
        if word not in BASES or self._is_name(i):
            return False
        following = self.words[i + 1] if i + 1 < len(self.words) else ""
        if named or word in CATENATIVE or not following or self._is_name(i + 1):
            return True
        # "did the hail damage / cause delays": of two that may be verbs the last is one.
        return following not in BASES or following in PREPOSITIONS | PARTICLES

    def verb(self) -> Split:
        """Where the infinitive behind "did" or "will" begins, with what stands before it."""
        n = len(self.words)
        i = 1 if self.words[0] == "there" else self._noun_phrase(0, bare=True)
        hung = -1
        while i < n:
            word = self.words[i]
            if self._is_adverb(i) and i + 1 < n:
                i += 1
                continue
            if word in ("be", "have") or self._begins_verb(i, named=True):
                told = not self._is_adverb(i - 1)
                return Split(self._with_adverbs(i) if not told else i, told)
            if word in RELATIVES and not self._is_name(i):
                i = self._relative(i)
                continue
            if word in PREPOSITIONS | _JOINS and not self._is_name(i):
                hung = i if hung < 0 and word in PREPOSITIONS and word != "of" else hung
                begin = i + 2 if self.words[i + 1 : i + 2] == ["of"] else i + 1
                i = self._noun_phrase(begin, bare=True)
                continue
            # No word that is known for a verb: it stands before its object.
            return Split(max(1, i - 1) if i > 1 and not self._is_name(i - 1) else i, False)
        if hung > 1:
            return Split(hung - 1 if not self._is_name(hung - 1) else hung, False)
        return Split(self._by_name(), False)
