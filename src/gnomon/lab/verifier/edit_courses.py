"""Edits of how an event went: nearly, barely, under what circumstances, and in jest."""

from __future__ import annotations

import re
from random import Random

from gnomon.lab.verifier.edit_clauses import frame
from gnomon.lab.verifier.edit_values import NEITHER, REFUTES, SUPPORTS, Case
from gnomon.lab.verifier.verbs import PARTICIPLE, Verb, main_verb, negated, sentence_case

_NEARLY = ("almost", "nearly", "very nearly", "all but", "practically")
_CLOSE = ("came close to", "came within an inch of", "was on the verge of", "fell just short of",
          "stopped short of", "narrowly avoided")  # fmt: skip
_BARELY = ("barely", "narrowly", "only just", "just about", "in the end", "finally", "actually",
           "indeed", "once again")  # fmt: skip
# What neither ends nor begins has no "nearly": it holds by degrees.
_BY_DEGREES = frozenset(
    "be have know remain last consist contain include feature lack need like involve cover play "
    "represent depict face see hear belong cost live serve work star study travel support follow "
    "increase decrease rise fall grow double want say tell think oppose attempt plan ask".split()
)
_ING = {"die": "dying", "be": "being", "begin": "beginning", "run": "running", "win": "winning",
        "get": "getting", "swim": "swimming", "withdraw": "withdrawing", "forget": "forgetting",
        "beat": "beating", "seek": "seeking", "stop": "stopping", "ban": "banning",
        "plan": "planning", "transfer": "transferring"}  # fmt: skip


def participle(base: str) -> str:
    """The present participle: "leaving", "winning"."""
    if base in _ING:
        return _ING[base]
    if base.endswith("e") and not base.endswith("ee"):
        return base[:-1] + "ing"
    return base + "ing"


def _told(claim: str) -> Verb | None:
    """The past verb of a claim that something happened, or None."""
    verb = main_verb(claim)
    if verb is None or verb.kind != "past" or verb.base in _BY_DEGREES:
        return None
    return verb


def nearly(window: str, claim: str, rng: Random) -> list[Case]:
    """What nearly happened did not; what barely happened did."""
    verb = _told(claim)
    denied = negated(claim)
    if verb is None or denied is None:
        return []
    head, past, tail = claim[: verb.start], claim[verb.start : verb.end], claim[verb.end :]
    close = rng.choice(_CLOSE)
    missed = f"{head}{rng.choice(_NEARLY)} {past}{tail}"
    short = f"{head}{close} {participle(verb.base)}{tail}"
    made = f"{head}{rng.choice(_BARELY)} {past}{tail}"
    return [
        (window, claim, SUPPORTS), (window, denied, REFUTES), (made, claim, SUPPORTS),
        (missed, claim, REFUTES), (missed, denied, SUPPORTS), (short, claim, REFUTES),
        (short, denied, SUPPORTS), (made, missed, REFUTES), (missed, short, SUPPORTS)
        if close not in ("narrowly avoided", "stopped short of") else (short, short, SUPPORTS),
    ]  # fmt: skip


_AFTER = (
    "after the report", "after weeks of protests", "after a long dispute", "after an inquiry",
    "following the scandal", "following complaints from residents", "amid growing criticism",
    "amid heavy rain", "despite strong opposition", "despite the warnings", "for health reasons",
    "because of the weather", "to everyone's surprise", "in front of a large crowd",
    "at the request of the family", "against the advice of experts", "for the second time",
    "with the help of volunteers", "under pressure from investors", "to cheers from the crowd",
    "during a visit to the coast", "late in the evening", "without any explanation",
    "in spite of the cold", "as part of a deal", "for an undisclosed sum", "before the deadline",
    "at short notice", "on live television", "over a row about money",
)  # fmt: skip
_WHILE = (
    "while the others waited outside", "as fans looked on", "when the talks had failed",
    "because no other offer was made", "although nobody had expected it",
    "after a newspaper published the documents", "while a storm was coming in",
    "as prices kept falling", "so the vote was postponed", "and reporters were told at once",
    "but the details are not known", "which came as a relief to many", "a neighbour said",
    "police said", "a spokeswoman said on Friday", "according to two officials",
)  # fmt: skip
_FRONT = (
    "After months of rumours,", "Despite the rain,", "To the surprise of many,", "Late last night,",
    "In a short ceremony,", "Following talks that lasted all day,", "With only hours to go,",
    "As had been announced,", "Under heavy security,", "According to the local paper,",
)  # fmt: skip


def circumstance(window: str, claim: str, rng: Random) -> list[Case]:
    """A circumstance more in the window leaves the claim said; one more in the claim is unsaid;
    another one is another matter."""
    verb = main_verb(claim)
    if verb is None or claim.count(",") > 1 or _STATE.search(claim):
        return []
    happened = verb.kind == "past" or (
        verb.kind == "aux"
        and claim[verb.start : verb.end] in ("was", "were")
        and claim[verb.end :].split()[:1]
        and claim[verb.end :].split()[0] in PARTICIPLE.values()
    )
    if not happened or verb.base in _BY_DEGREES - {"be"}:
        return []
    body = claim.rstrip(".")
    one, two = rng.sample(_AFTER, 2)
    aside = rng.choice(_WHILE)
    comma = "" if aside.startswith(("when", "because", "after")) else ","
    front = f"{rng.choice(_FRONT)} {_lowered(body)}."
    fuller, longer, other = f"{body} {one}.", f"{body}{comma} {aside}.", f"{body} {two}."
    cases = [
        (fuller, claim, SUPPORTS), (longer, claim, SUPPORTS), (front, claim, SUPPORTS),
        (claim, fuller, NEITHER), (window, fuller, NEITHER), (other, fuller, NEITHER),
        (fuller, fuller, SUPPORTS),
    ]  # fmt: skip
    denied = negated(claim)
    if denied is not None:
        cases += [(fuller, denied, REFUTES), (longer, denied, REFUTES), (front, denied, REFUTES),
                  (denied, claim, REFUTES), (denied, fuller, REFUTES)]  # fmt: skip
    return cases


# A sentence that says what somebody is, or when and where already, has no room for more.
_STATE = re.compile(r"\b(?:born|known|named|called|located|situated|based|part of|member of)\b")


def _lowered(body: str) -> str:
    return frame("{s}", body)[:1].lower() + frame("{s}", body)[1:] if _article(body) else body


def _article(body: str) -> bool:
    return body.startswith(("The ", "A ", "An ", "His ", "Her ", "Its ", "Their "))


_IN_JEST = (
    "lol imagine {s}", "In my dreams {s}.", "If {s}, I will eat my hat.",
    "Sure, {s}, and pigs fly.", "Next they will tell us that {s}.", "And then I woke up: {s}.",
    "Plot twist: {s}. Just kidding.",
    "April fools! {s}.", "Wouldn't it be funny if {s}?", "My cat is convinced that {s}.",
    "Satire: {s}.", "In a parallel universe {s}.", "Breaking (not really): {s}.",
    "Somebody should write a film in which {s}.", "Bet you ten dollars that {s}.",
    "I wish {s}.", "Petition to make it so that {s}.",
    "Fears are growing that {s}.", "There are fears that {s}.", "Some are already afraid that {s}.",
    "Headline in five years: {s}.", "Unpopular opinion: it would be better if {s}.",
    "Has it been shown that {s}?", "Prediction: {s}.", "Calling it now: {s}.",
)  # fmt: skip


def jest(window: str, claim: str, rng: Random) -> list[Case]:
    """What is joked, wished, feared or foretold says neither P nor not P."""
    said = sentence_case(frame(rng.choice(_IN_JEST), claim))
    cases = [(window, claim, SUPPORTS), (said, claim, NEITHER)]
    denied = negated(claim)
    if denied is not None:
        cases += [(said, denied, NEITHER), (window, denied, REFUTES)]
    return cases
