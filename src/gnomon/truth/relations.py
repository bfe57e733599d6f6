"""Where a thing went or lay: "towards Japan" is not "over Japan", "near Paris" not "in Paris".

Verifiers, trained or not, take one for the other, for the words around are the same. Here the word
before a name is compared by rule. What it forbids is "supports", never more: who saw a missile fly
towards a country has not said that it did not cross it.
"""

from __future__ import annotations

import re

from gnomon.types import Judgement, Stance

# What does not bear a claim that has the first word of the line before the same name.
_BARRED = """
over: towards near off under around outside
into: towards near off outside around from
in: towards near off outside
to: from towards near
from: to towards into
under: over
off: in into
outside: in into
"""
_BARRED_BY: dict[str, frozenset[str]] = {
    line.split(":")[0]: frozenset(line.split()[1:]) for line in _BARRED.strip().splitlines()
}
_SAME = {
    "across": "over", "above": "over", "past": "over", "overflew": "over", "overflies": "over",
    "toward": "towards", "onto": "into", "inside": "in", "within": "in", "nearby": "near",
    "close-to": "near", "next-to": "near", "beneath": "under", "below": "under",
    "out-of": "from", "leaving": "from",
}  # fmt: skip
_WHERE = re.compile(
    r"\b(?P<word>(?:close|next) to|out of|over(?:fl(?:ew|ies))?|across|above|past|through|into"
    r"|onto|inside|within|in|at|on|to|from|towards?|near(?:by)?|outside|off|by|around|under"
    r"|beneath|below|leaving)\s+"
    r"(?:(?:the|a|an|its|their|northern|southern|eastern|western|central|north|south|east|west)\s+)*"
    r"(?P<name>[A-Z][\w’'-]*)",
)  # fmt: skip
_OVER_ZH = re.compile(r"(?:飞越|越过|掠过|穿过|飞过)(?P<name>[一-龥]{2,3})")

RULE = "says where otherwise"


def not_this(claim: str, sentence: str, judgement: Judgement) -> Judgement:
    """``judgement``, or "neither" where it supports a claim that puts something elsewhere."""
    if judgement.stance is not Stance.SUPPORTS:
        return judgement
    why = elsewhere(claim, sentence)
    if not why:
        return judgement
    rest = max(0.0, 1.0 - judgement.refutes - 0.1)
    return Judgement(0.1, judgement.refutes, rest, f"{RULE}: {why}")


def elsewhere(claim: str, sentence: str) -> str:
    """How the two differ in the word before a name that both have; "" where they do not.

    Only where every mention of the name in the sentence has such a word, and none of them bears
    the claim's: "left Seoul and flew over Japan" is about Japan's skies whatever else it is."""
    if (asked := _OVER_ZH.search(claim)) and not _OVER_ZH.search(sentence):
        towards = re.search(f"[朝向往]{asked['name'][:2]}", sentence)
        if towards:
            return f"{towards.group()!r} for {asked.group()!r}"
    for match in _WHERE.finditer(claim):
        barred = _BARRED_BY.get(_one(match["word"]), frozenset())
        name = match["name"]
        found = [m["word"] for m in _WHERE.finditer(sentence) if m["name"] == name]
        mentions = len(re.findall(rf"\b{re.escape(name)}\b", sentence))
        if found and len(found) == mentions and all(_one(word) in barred for word in found):
            return f"{found[0]!r} for {match['word']!r} {name}"
    return ""


def _one(word: str) -> str:
    """The word that stands for its family."""
    joined = re.sub(r"\s+", "-", word.lower())
    return _SAME.get(joined, joined)
