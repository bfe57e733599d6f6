"""The thing that a question asks for: whether a sentence holds a new number, date, name, place or
cause of the kind, and whether two sentences give different ones."""

from __future__ import annotations

import re
from collections.abc import Iterable

from gnomon.text import clock, slots
from gnomon.text.tokens import is_cjk
from gnomon.truth.asked import Asked
from gnomon.truth.rewrite import Asks
from gnomon.truth.terms import content_terms, term_set
from gnomon.types import Passage, Post, Slot, SlotKind

_CAUSE = re.compile(
    r"\b(because|due to|caused|cause|after|since|so that|owing|thanks to|result|blamed?|in order|"
    r"reason)\b|因为|由于|因此|所以|导致|为了|原因|造成",
    re.IGNORECASE,
)
_WHEN = re.compile(
    r"\b(today|tonight|tomorrow|yesterday|monday|tuesday|wednesday|thursday|friday|saturday|sunday|"
    r"morning|afternoon|evening|noon|midnight|week|month|year|january|february|march|april|may|june|"
    r"july|august|september|october|november|december|\d{1,2}(?::\d\d)?\s?[ap]\.?m)\b|"
    r"今天|昨天|明天|周[一二三四五六日天]|星期|[0-9一二三四五六七八九十]+[月日号点年]|上午|下午|晚上|凌晨|中午",
    re.IGNORECASE,
)
_WHERE = re.compile(
    r"\b(?:in|at|on|near|outside|inside|behind|between|along|to|from|under|by)\s+(?:the\s+)?\w|"
    r"(?:在|位于|来自|前往|设于|搬到)[^，。]{1,12}|[一-龥](?:路|街|广场|桥|镇|村|区|楼|巷)",
    re.IGNORECASE,
)
_PLACED = re.compile(r"\b(?:in|at|near|outside|inside|to|from|on|of|around)\s+(?:the\s+)?$", re.I)
# "RT @name:", links and hashtags say nothing about the matter.
FORWARDED = re.compile(r"\b(?:RT|MT|via) @\w+:?|https?:\S+|[#@]\w+")
# A Chinese name before what only a person does, or between an office and it.
_PERSON_ZH = re.compile(
    r"(?:^|[，。：；、（“\s])[一-龥·]{2,5}(?=当选|出任|接任|就任|担任|继任|连任|获胜|夺冠|获选)|"
    r"[长任席师员家士手授][一-龥·]{2,4}(?=当选|出任|表示|说|称|宣布|指出|介绍|否认|透露)"
)
# 哪条街: a street is asked for, and no other place will do.
_PLACE_ZH = re.compile(r"哪一?[个条座所家栋]?(国|城|市|街|路|巷|村|镇|区|楼|站)")
_PLACES_ZH = {
    "街": "[街路巷道]",
    "路": "[街路巷道]",
    "巷": "[街路巷道]",
    "国": "国|籍",
    "城": "[城市]",
}


def kind_fit(asked: Asked, post: Post, text: str) -> float:
    """1 when ``text`` holds a new thing of the kind asked for, else 0 (0.8 where any will do)."""
    text = FORWARDED.sub("", text)
    fresh = [slot for slot in slots.find(text) if not _known(asked, slot)]
    numbers = [slot for slot in fresh if slot.kind is SlotKind.NUMBER]
    dates = any(slot.kind is SlotKind.DATE for slot in fresh)
    names = any(slot.kind is SlotKind.NAME and _is_new(asked, slot, text) for slot in fresh)
    match asked.kind:
        case Asks.COUNT:
            return float(any(counts(asked, text, slot) for slot in numbers))
        case Asks.WHEN:
            return float(dates or bool(_WHEN.search(text)))
        case Asks.WHO:
            # Chinese names have no shape by which to be sure of them.
            names = names and (asked.lang != "zh" or not is_cjk(text) or _short_name(fresh))
            person = names or bool(_PERSON_ZH.search(text))
            return max(float(person), 0.3 * (asked.lang == "zh" and is_cjk(text)))
        case Asks.WHERE:
            place = _PLACE_ZH.search(asked.question)
            if place:
                return float(bool(re.search(_PLACES_ZH.get(place[1], place[1]), text)))
            placed = any(
                slot.kind is SlotKind.NAME
                and _is_new(asked, slot, text)
                and _PLACED.search(text[: slot.start])
                for slot in fresh
            )
            for name in asked.names:
                text = text.replace(name, " ")
            return 1.0 if placed else 0.7 * float(bool(_WHERE.search(text)))
        case Asks.WHY:
            return float(bool(_CAUSE.search(text)))
        case _:
            return 0.8


def _short_name(found: Iterable[Slot]) -> bool:
    """Whether one of the names is as short as a Chinese person's, and no place by its ending."""
    return any(
        slot.kind is SlotKind.NAME and len(slot.text) <= 4 and not _WHERE.fullmatch(slot.text[-2:])
        for slot in found
    )


def _known(asked: Asked, slot: Slot) -> bool:
    return any(slot.kind is held.kind and slot.value == held.value for held in asked.known)


def _is_new(asked: Asked, name: Slot, text: str) -> bool:
    """Whether a name says more than the question did: "Mayoral" that only opens its sentence is no
    answer to a question about the mayor."""
    words = set(content_terms(name.text)) - asked.wanted.keys()
    return bool(words) or (is_cjk(name.text) and name.text not in asked.question)


_ATTRIBUTE = re.compile(
    r"\bhow (old|long|far|tall|high|deep|big|large|fast|heavy)\b", re.IGNORECASE
)
_HAS = {
    "old": r"\bage|\baged\b|\byears?\b|岁",
    "long": r"\blong\b|\blength\b|\b(?:kilo)?met\w+\b|\bkm\b|"
    r"\b(?:hour|minute|day|week|year)s?\b",
    "far": r"\bkm\b|\b(?:kilo)?met\w+\b|\bmiles?\b|\bdistance\b",
    "tall": r"\btall\b|\bmet\w+\b|\bfeet\b|\bcm\b",
    "high": r"\bhigh\b|\bmet\w+\b|\bfeet\b|\bcm\b|\bpeak\w*\b",
    "deep": r"\bdeep\b|\bdepth\b|\bmet\w+\b|\bfeet\b",
    "big": r"\d",
    "large": r"\d",
    "fast": r"\bkm/h\b|\bmph\b|\bspeed\b|\bseconds?\b|\bminutes?\b|\bknots?\b",
    "heavy": r"\bkg\b|\bkilo\w*\b|\btonn?es?\b|\bweigh\w*\b",
}


def has_attribute(question: str, text: str) -> bool:
    asked = _ATTRIBUTE.search(question)
    return asked is None or bool(re.search(_HAS[asked[1].lower()], text, re.IGNORECASE))


TYPED = (Asks.WHEN, Asks.COUNT, Asks.WHO, Asks.WHERE, Asks.WHY)
_COUNTED = re.compile(r"\bhow many ((?:\w+ )?\w+)|多少(\w{1,3})|几(\w{1,2})", re.IGNORECASE)
_PEOPLE = re.compile(
    r"\bperson|\battended|\bvisitor|\bguest|\bspectator|\bof (?:you|us|them)\b|\bturnout"
)
_IN_YEAR = re.compile(r"^[^.,;\d]{0,24}?\bin ((?:19|20)\d\d)\b")


def counted_terms(asked: Asked) -> frozenset[str]:
    """The terms of what the question asks the number of; empty where it does not say."""
    noun = _COUNTED.search(asked.question)
    return frozenset(content_terms(noun[1])) if noun and noun[1] else frozenset()


def counts(asked: Asked, text: str, number: Slot) -> bool:
    """Whether a number in ``text`` counts what the question asks the number of, at its time."""
    if (
        _is_year(text, number)
        or number.unit == clock.UNIT
        or number.unit.endswith("#")
        or number.text in _ORDINALS
    ):
        return False
    if _MORE.match(text[number.end :]) or (_RATE.search(asked.question) and number.unit != "%"):
        return False
    other_time = _IN_YEAR.search(text[number.end : number.end + 40])
    if other_time and other_time[1] not in asked.question and other_time[1] != asked.year:
        return False
    noun = _COUNTED.search(asked.question)
    if not noun:
        return True
    near = text[max(0, number.start - 12) : number.end + 24]
    if noun[1]:
        wanted = set(content_terms(noun[1]))
        if "person" in wanted and _PEOPLE.search(f"{number.unit} {near}"):
            return True
        return bool(wanted & (term_set(near) | term_set(number.unit)))
    measure = noun[2] or noun[3]
    beside = text[max(0, number.start - 4) : number.start] + text[number.end : number.end + 4]
    return any(character in number.text + beside for character in measure[:2])


# "Two more people died" is no total; a rate is a percentage.
_MORE = re.compile(
    r"\s?(?:more|additional|other|further|extra)\b|\s?[个名人]?(?:新增|另)", re.IGNORECASE
)
_RATE = re.compile(r"率是?多少|百分之几|比例|what (?:percentage|share|proportion)\b", re.IGNORECASE)
_ORDINALS = "first second third fourth fifth sixth seventh eighth ninth tenth".split()


def _is_year(text: str, number: Slot) -> bool:
    """Whether what was read as a count is a year: "in 2011 people died"."""
    year = re.match(r"(?:1[89]|20)\d\d\b", number.text)
    before = text[max(0, number.start - 8) : number.start]
    return bool(year and re.search(r"\b(?:in|since|by|of|until)\s+$", before, re.IGNORECASE))


def values(asked: Asked, passage: Passage) -> list[Slot]:
    """The numbers or dates in a quote that answer a question of COUNT or WHEN; [] for others."""
    kind = {Asks.COUNT: SlotKind.NUMBER, Asks.WHEN: SlotKind.DATE}.get(asked.kind)
    found = slots.find(passage.text, now=passage.post.created_at)
    return [
        slot
        for slot in found
        if slot.kind is kind
        and not _known(asked, slot)
        and (kind is SlotKind.DATE or counts(asked, passage.text, slot))
    ]


def differ(asked: Asked, ours: Iterable[Slot], theirs: Iterable[Slot]) -> bool:
    """Whether two quotes that answer one question give it different values."""
    ours, theirs = list(ours), list(theirs)
    alike = [
        (a, b)
        for a in ours
        for b in theirs
        if a.kind is SlotKind.DATE or a.unit == b.unit or not (a.unit and b.unit)
    ]
    return bool(alike) and not any(slots.same(a, b) for a in ours for b in theirs)


def adds(asked: Asked, text: str, stated: Iterable[str]) -> bool:
    """Whether a further quote tells something of the kind asked for that ``stated`` do not: a
    second witness of the same number belongs behind the sentence, as a citation."""
    if asked.kind not in (Asks.COUNT, Asks.WHEN, Asks.WHO, Asks.WHERE):
        return True

    def told(sentence: str) -> list[Slot]:
        found = slots.find(FORWARDED.sub("", sentence))
        if asked.kind in (Asks.WHO, Asks.WHERE):
            return [s for s in found if s.kind is SlotKind.NAME and _is_new(asked, s, sentence)]
        kind = SlotKind.NUMBER if asked.kind is Asks.COUNT else SlotKind.DATE
        return [s for s in found if s.kind is kind and not _known(asked, s)]

    held = [slot for sentence in stated for slot in told(sentence)]
    return any(not any(slots.same(slot, other) for other in held) for slot in told(text))
