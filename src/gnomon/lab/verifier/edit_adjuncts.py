"""Claims that say less than the window, or more: details dropped and added, and context around."""

from __future__ import annotations

import re
from random import Random

from gnomon.lab.verifier.edit_values import NEITHER, SUPPORTS, Case
from gnomon.lab.verifier.verbs import PARTICIPLES, main_verb, sentence_case

_MONTH = (
    r"(?:January|February|March|April|May|June|July|August|September|October|November|December)"
)
_CAP = r"[A-Z][\w'’.-]*"
_NP = rf"(?:the |a |an |his |her |its |their )?(?:{_CAP}|[\w-]+)(?: (?:of |the )?{_CAP}){{0,3}}"
_SPAN = r"(?:\d+|two|three|four|five|six|ten|several) (?:years|months|days|weeks|hours)"
# Pieces that a sentence holds without: dates, places, sources, companions, purposes at its end.
_DROPPABLE = (
    re.compile(
        rf" (?:on|in) (?:\d{{1,2}} )?{_MONTH}(?: \d{{1,2}})?,? \d{{4}}"
        r"(?=\.$|,| (?:in|at|by|to|with)\b)"
    ),
    re.compile(r" in (?:the (?:early |late )?)?(?:1[5-9]|20)\d\ds?(?=\.$| (?:at|by|with)\b)"),
    re.compile(rf" (?:in|at|near) (?:the )?{_CAP}(?: (?:of |the )?{_CAP}){{0,3}}(?=\.$)"),
    re.compile(rf" (?:for|after|over) {_SPAN}(?=\.$)"),
    re.compile(rf" (?:alongside|together with) {_NP}(?=\.$)"),
    re.compile(rf" by (?:the )?{_CAP}(?: (?:of |the |and )?{_CAP}){{0,3}}(?=\.$| in \d)"),
    re.compile(
        r", (?:including|such as|mostly|mainly|especially|making|leaving|killing|using|despite|"
        r"following|becoming|where|winning|finishing|replacing) [^,;()]{8,90}(?=\.$)"
    ),
)
_PARENTHETICAL = re.compile(r" ?\([^()]{2,80}\)")
_APPOSITIVE = re.compile(
    r"^(?P<name>(?:The )?[A-Z][\w'’.-]+(?: (?:of |the |de |van )?[A-Z][\w'’.-]+){0,4}), "
    r"(?P<what>(?:an?|the) [a-z][^,;:()]{4,70}), "
    r"(?P<rest>(?!and\b|or\b|who\b|which\b)[a-z][^;]{8,160}\.)$"
)
# The verb of these needs what stands behind it: nothing may be taken away.
_NEEDS = re.compile(
    r"\b(?:located|situated|based|born|died|lies|lived|live|headquartered|resides|placed|found|set|"
    r"grew up|native|raised|stands|occurs?|held|took place|takes? place|interested|specialises|"
    r"specializes|resulted|consists?|began|ended|remained|named|known|ranked|buried|settled|"
    r"published|released|first|last|only|established|moved|arrived|is|was|are|were|be|been)$"
)
_SCOPE = re.compile(
    r"\b(?:not|never|no|only|if|unless|none|neither|without|few|first|last|most|\w+est)\b|n['’]t\b"
)


def dropped(sentence: str, rng: Random) -> str | None:
    """``sentence`` without one of its details, or None: what is left follows from the whole."""
    if _SCOPE.search(sentence):
        return None
    spans = [m.span() for p in _DROPPABLE for m in p.finditer(sentence)]
    rng.shuffle(spans)
    for start, end in spans:
        before = sentence[:start]
        if _NEEDS.search(before) or len(before.split()) < 4:
            continue
        if re.search(r"(?:\b(?:and|or|between|from|to|of|about|\w+ly)|,|, \w+)$", before):
            continue
        if '"' in sentence[start:end] or not _complete(before):
            continue
        left = before + sentence[end:]
        if main_verb(left) is not None or re.search(r"\b(?:was|is|were|are|had|has)\b", before):
            return left
    return None


def _complete(before: str) -> bool:
    """Whether a participle at the end is a verb of its clause and does not hang on a noun ("a
    school founded", "who was allied")."""
    words = before.split()
    last = words[-1]
    if not (last.endswith("ed") or last in PARTICIPLES):
        return True
    if re.search(r"\b(?:who|which|that|as) (?:\w+ )?$", " ".join(words[:-1]) + " "):
        return False
    verb = main_verb(before + ".")
    if verb is None:
        return False
    return words[-2] in ("was", "were", "been") or verb.end == len(before)


def detail(window: str, claim: str, rng: Random) -> list[Case]:
    """A claim with a detail that the window lacks: neither; without one it has: supports."""
    shorter = dropped(claim, rng)
    if shorter is None:
        return []
    return [
        (window, claim, SUPPORTS), (window, shorter, SUPPORTS), (shorter, shorter, SUPPORTS),
        (shorter, claim, NEITHER),
    ]  # fmt: skip


def without_brackets(sentence: str) -> str:
    """``sentence`` without what stands in round brackets."""
    return re.sub(r" ([,.;])", r"\1", _PARENTHETICAL.sub("", sentence)).strip()


def apposition(sentence: str) -> list[tuple[str, bool]]:
    """The two statements of "X, the mayor of Y, did Z.": what X is, and what X did."""
    m = _APPOSITIVE.match(sentence)
    if m is None or re.search(r"\b(?:who|which|that)\b|^the (?:same|other|former two)", m["what"]):
        return []
    verb = main_verb(f"{m['name']} {m['rest']}")
    if verb is None:
        return []
    present = verb.kind == "present" or verb.base in ("is", "has", "have")
    is_ = "is" if present else "was"
    return [
        (f"{m['name']} {is_} {m['what']}.", True),
        (f"{m['name']} {m['rest']}", False),
    ]


_LEADING = re.compile(
    rf"^(?P<when>(?:In|On|During|At the|By) (?:\d{{1,2}} )?(?:{_MONTH} )?(?:\d{{1,2}}, )?\d{{4}}), "
    r"(?P<rest>(?:[A-Z]|the |he |she |it |they |a |an |his |her |its )[^;:()]{15,200})\.$"
)


def fronted(sentence: str) -> str | None:
    """ "In 1998, she won it." as "She won it in 1998.", or None."""
    m = _LEADING.match(sentence)
    if m is None or _SCOPE.search(m["rest"]) or re.search(r",(?!\d)", m["rest"]) or re.search(
        r"\b(?:and|but|when|after|before|which|who|until|while|that|because)\b", m["rest"]
    ):  # fmt: skip
        return None
    return f"{sentence_case(m['rest'])} {m['when'][0].lower()}{m['when'][1:]}."
