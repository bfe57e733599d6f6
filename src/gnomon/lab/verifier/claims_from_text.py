"""Claims that follow from plain text, with the window they follow from."""

from __future__ import annotations

import re
from collections.abc import Iterator
from random import Random

from gnomon.lab.verifier.edit_adjuncts import apposition, dropped, fronted, without_brackets
from gnomon.lab.verifier.verbs import main_verb
from gnomon.text.sentences import split

SHORTEST, LONGEST = 35, 300
_PLAIN = re.compile(r"^[A-Z][\w'’.,()%$£€–—:\" -]*\.$")
# A sentence that leans on what stood before it is no claim by itself.
_LEANS = re.compile(
    r"^(?:He|She|It|They|This|That|These|Those|His|Her|Its|Their|Here|There|However|But|Thereafter|Meanwhile|Subsequently|Eventually|And|Or|So|"
    r"Then|Also|Both|Other|Another|Such|Some|Thus|Therefore|Instead|Later|Afterwards|Although|"
    r"While|Despite|As|When|If|Because|After|Before|One|The (?:latter|former|other|same|two|first|"
    r"second|album|film|song|book|game|band|team|show|group|series|word|name|term|company|novel)|"
    r"I|We|You|My|Our|Your|What|Who|Where|How|Why|Not|No|Since|Today|Now)\b"
)
_LEANS_INSIDE = re.compile(
    r"\b(?:he|she|it|they|him|them|this|these|those|his|her|their|I|we|you|my|our|your|here|"
    r"above|below|following|also|too|however|therefore|another|other|such|again|then|thus|thereafter)\b"
)
_PRONOUN = re.compile(r"^(?P<p>He|She) (?=[a-z])")
_HEADING = re.compile(r"^[^.!?]{1,60}\.$")
_PERSON_FIRST = re.compile(
    r"^(?P<name>[A-Z][\w'’-]+(?: [A-Z][\w'’.-]*\w){1,3})(?: \([^)]*\))?,? (?:was|is) an? "
)
_WHEN = r"(?:\d{1,2} )?[A-Z][a-z]+ (?:\d{1,2}, )?\d{4}"
_BORN = re.compile(
    r"^(?P<name>[A-Z][\w'’.-]+(?: [A-Z][\w'’.-]*\w){0,4}) "
    rf"\((?:born )?(?P<born>{_WHEN})(?: (?:in|at) [^);–-]{{3,40}})?"
    rf"(?:\s?[–-]\s?(?P<died>{_WHEN}))?\)"
)
_FULL = re.compile(r"\d{1,2} [A-Z][a-z]+ \d{4}|[A-Z][a-z]+ \d{1,2}, \d{4}")


def derived(text: str, rng: Random) -> Iterator[tuple[str, str, str]]:
    """``(kind, window, claim)`` for what can be told by rule to follow from ``text``."""
    lines = [line.strip() for line in text.split("\n")]
    for line in lines:
        sentences = [line[a:b] for a, b in split(line)]
        for i, sentence in enumerate(sentences):
            before = sentences[i - 1] if i else ""
            if not _clean(sentence):
                continue
            yield from _born(sentence)
            if _LEANS.match(sentence):
                yield from _resolved(before, sentence)
                continue
            after = sentences[i + 1] if i + 1 < len(sentences) else ""
            for kind, claim in _claims(sentence, rng):
                yield kind, _window(before, sentence, after, rng), claim


def _clean(sentence: str) -> bool:
    return (
        SHORTEST <= len(sentence) <= LONGEST
        and _PLAIN.match(sentence) is not None
        and sentence.count('"') % 2 == 0
        and "()" not in sentence
        and "( " not in sentence
        and ", ," not in sentence
        and not re.search(r" [,.]|\.\.", sentence)
        and len(re.findall(r"\b[a-z]{2,}\b", sentence)) >= 3
    )


def _window(before: str, sentence: str, after: str, rng: Random) -> str:
    """The sentence, often with a neighbour."""
    what = rng.random()
    if what < 0.2 and _clean(before):
        return f"{before} {sentence}"
    if what < 0.35 and _clean(after):
        return f"{sentence} {after}"
    return sentence


def _claims(sentence: str, rng: Random) -> Iterator[tuple[str, str]]:
    bare = without_brackets(sentence)
    halves = apposition(bare)
    if halves:
        claim, is_ = rng.choice(halves)
        if _stands(claim):
            yield ("apposition" if is_ else "clause"), claim
    turned = fronted(bare)
    if turned and _stands(turned):
        bare = turned
    if main_verb(bare) is None or not _stands(bare):
        return
    shorter = dropped(bare, rng)
    if shorter and _stands(shorter) and rng.random() < 0.5:
        yield "shorter", shorter
    else:
        yield "sentence", bare


def _stands(claim: str) -> bool:
    """Whether a claim can be read alone."""
    return (
        20 <= len(claim) <= 200
        and not _LEANS.match(claim)
        and not _LEANS_INSIDE.search(claim)
        and claim[0].isupper()
    )


def _born(sentence: str) -> Iterator[tuple[str, str, str]]:
    """ "X (1 May 1900 – 2 June 1980)" as "X was born on 1 May 1900." and "X died on ..."."""
    m = _BORN.match(sentence)
    if m is None:
        return
    for verb, when in (("was born", m["born"]), ("died", m["died"])):
        if when and (verb == "died" or m["died"] or "(born" in sentence):
            at = "on" if _FULL.fullmatch(when) else "in"
            yield "born", sentence, f"{m['name']} {verb} {at} {when}."


def _resolved(before: str, sentence: str) -> Iterator[tuple[str, str, str]]:
    """ "X is a painter. She moved to Paris." gives "X moved to Paris."."""
    who, first = _PRONOUN.match(sentence), _PERSON_FIRST.match(before)
    if who is None or first is None or not _clean(before):
        return
    bare = without_brackets(sentence)
    claim = f"{first['name']} {bare[who.end() :]}"
    if main_verb(claim) is None or not _stands(claim):
        return
    if re.search(r"\b(?:brother|sister|son|daughter|father|mother|wife|husband|with)\b", before):
        return
    yield "pronoun", f"{before} {sentence}", claim
