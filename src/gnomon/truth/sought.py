"""The thing that a question asks for: whether a sentence holds a new number, date, name, place or
cause of the kind, and whether two sentences give different ones."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from functools import lru_cache

from gnomon.text import clock, slots
from gnomon.text.quantities import CURRENCIES, are_people
from gnomon.text.tokens import is_cjk
from gnomon.text.units import roles
from gnomon.truth.asked import Asked
from gnomon.truth.rewrite import Asks
from gnomon.truth.speakers import is_press
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
_INSIDE = re.compile(r"\b(?:in|at|near|outside|inside)\s+(?:the\s+)?$", re.I)
# "RT @name:", links and hashtags say nothing about the matter.
FORWARDED = re.compile(r"\b(?:RT|MT|via) @\w+:?|https?:\S+|[#@]\w+")
# Of the accounts that a post names, those whose words it passes on or to whom it is addressed.
_PASSED_ON = re.compile(
    r"\b(?:RT|MT|via) @\w+:?|[“\"]@\w+:|^(?:\W*@\w+:?\s+)+|https?:\S+|#\w+", re.IGNORECASE
)
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
    whole, text = text, FORWARDED.sub("", text)
    fresh = [slot for slot in slots.find(text) if not _known(asked, slot)]
    numbers = [slot for slot in fresh if slot.kind is SlotKind.NUMBER]
    dates = any(slot.kind is SlotKind.DATE for slot in fresh)
    names = any(slot.kind is SlotKind.NAME and _is_new(asked, slot, text) for slot in fresh)
    match asked.kind:
        case Asks.COUNT:
            told = any(counts(asked, text, slot) for slot in numbers)
            return float(told and not lacks_deed(asked.question, text))
        case Asks.WHEN:
            return float(dates or bool(_WHEN.search(text)))
        case Asks.WHO:
            # Chinese names have no shape by which to be sure of them.
            names = bool(_named(asked, whole)) and (
                asked.lang != "zh" or not is_cjk(text) or _short_name(fresh)
            )
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
    """Whether ``text`` speaks of the dimension that a question asks for ("how old", "how long")."""
    asked = _ATTRIBUTE.search(question)
    if asked is None or (asked[1].lower() == "old" and _NAME_AGE.search(text)):
        return True
    return bool(re.search(_HAS[asked[1].lower()], text, re.IGNORECASE))


_NAME_AGE = re.compile(r"[A-Z][\w'’-]+, ?\(?\d{1,3}\b(?! ?(?:000|%))")


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


_MONEY = re.compile(
    r"\bhow much\b.*\b(?:costs?|pa(?:y|id)|donat\w+|rais\w+|spen[dt]|earn\w*|worth|fined?|"
    r"charge[ds]?|money|invest\w*|settle\w*|lose|lost|owe[ds]?)\b|"
    r"\bwhat (?:is|was|does|did|are|were)\b.*\b(?:price|cost|fee|fare|salary|budget)s?\b|"
    r"多少钱|售价|价格|票价|房价|索赔|赔偿|罚款|工资",
    re.IGNORECASE,
)
_AGE = re.compile(r"\bhow old\b|多大(?:年纪|岁数)?[？?]?$|几岁|多少岁", re.IGNORECASE)
_TOLL = re.compile(
    r"\bdeath toll\b|\bhow many (?:\w+ )?(?:deaths|fatalities)\b|死亡人数", re.IGNORECASE
)
MONEY = "money"


@lru_cache(maxsize=256)
def counted_unit(question: str) -> str:
    """The unit (``Slot.unit``) of the number that a question asks for, as it would be if the
    question stated one: "person killed" of "How many people died?", MONEY of a price; "" where
    that is not told."""
    if _AGE.search(question):
        return "age"
    if _MONEY.search(question):
        return MONEY
    if _TOLL.search(question):
        return "killed"
    noun, _, role = _stated_unit(question).partition(" ")
    return noun if role in _MANY_WAYS or not role else f"{noun} {role}"


def _stated_unit(question: str) -> str:
    stated = _HOW_MANY.sub(" 7 ", question).rstrip("?？ ")
    at = stated.find("7") if stated != question.rstrip("?？ ") else -1
    return next((slot.unit for slot in slots.exact(stated) if slot.start == at), "")


# Who came is told in more ways ("visitors", "came", "turned out") than who was killed.
_MANY_WAYS = frozenset(("attended", "employed", "signed"))


_HOW_MANY = re.compile(r"\bhow many\b|多少(?=[一-龥])|几(?=[个名人位条家])", re.IGNORECASE)


# What is said of those who are counted, where no unit says it: "hotels collapsed", "were damaged".
_COUNTED_DID = re.compile(
    r"\bhow many (?:[\w-]+ ){1,4}?(?:(?:was|were|is|are|been|being|has|have|had|got) )*"
    r"(?P<did>[a-z]{2,}ed|fell|fled|won|lost|sold|built|burnt|sank|broke|shut|hit|shot|left)\b",
    re.IGNORECASE,
)


_CIRCUMSTANCE = re.compile(
    r"(?<=\w)[ ,]+(?:by|in|at|during|after|before|because of|due to|amid|following|on|with)\s.*$",
    re.IGNORECASE,
)


def matter(asked: Asked) -> str:
    """What of a quote an answer rests on, where a question asks for a number, day or place: what
    it asks the number, day or place of, without its circumstances. "How many flights were affected
    by the shooting" asks about flights. "" for other questions, whose answer is the whole quote."""
    if asked.kind not in (Asks.COUNT, Asks.WHEN, Asks.WHERE):
        return ""
    head = " ".join(asked.question.split()[:3])
    return head + _CIRCUMSTANCE.sub("", asked.question[len(head) :])


def lacks_deed(question: str, text: str) -> bool:
    """Whether a text leaves out what befell those whom a question counts, or what they did: two
    hippos that nearly escaped are no answer to how many died."""
    if _stated_unit(question).rpartition(" ")[2] in _MANY_WAYS:
        return False
    found = _COUNTED_DID.search(question)
    deed = set(content_terms(found["did"])) if found else set()
    return bool(deed) and not deed & term_set(text)


# How the news counts people, beside the words in which they are asked for.
_TOLLS = {
    "killed": ("death toll", "死亡人数"),
    "injured": ("injured toll", "受伤人数"),
    "missing": ("missing", "失踪人数"),
    "evacuated": ("evacuated", "疏散人数"),
}


def toll_form(question: str) -> str:
    """A question for a count of victims in the words in which counts are given ("death toll
    Queensland floods 2013"); "" for others."""
    fate = counted_unit(question).rpartition(" ")[2]
    if fate not in _TOLLS:
        return ""
    rest = question
    for start, end, role in reversed(roles(question)):
        rest = rest[:start] + " " + rest[end:] if role == fate else rest
    rest = _COUNTING.sub(" ", rest)
    return f"{_TOLLS[fate][is_cjk(question)]} {' '.join(rest.split())}"


_COUNTING = re.compile(
    r"\bhow many\b|\b(?:people|persons?|did|have|has|had|were|was|are|is|been|the|in|of|by|there)\b"
    r"|多少|几|造成|导致|人|[?？]",
    re.IGNORECASE,
)


def _counts_alike(unit: str, number: Slot) -> bool:
    """Whether a number with a unit is of the unit asked for. What befell those who are counted is
    part of it: five who are treated are not five who died."""
    if unit == MONEY:
        return number.unit in CURRENCIES
    other = replace(number, unit=unit)
    if slots.comparable(number, other):
        return True
    (noun, _, fate), (own, _, befell) = (u.partition(" ") for u in (unit, number.unit))
    if fate and fate == befell and are_people(noun, own):
        return True
    if " " in unit or (roles(number.unit) and " " not in number.unit and unit != "person"):
        return False  # "2 killed" says nothing of what they were
    return slots.same(number, other)


_PAID_ZH = re.compile(r"[价卖买花钱费付赚挣赔罚]")
# "Gerardo Hernandez, 39"
_AGED = re.compile(r"[A-Z][\w'’-]+, ?\(?$")


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
    unit = counted_unit(asked.question)
    if unit == "age" and _AGED.search(text[: number.start]):
        return number.text.isdigit()
    if unit == MONEY and number.text.endswith("块") and not _PAID_ZH.search(text):
        return False  # 块 counts screens, too
    if unit and (number.unit or unit == MONEY):
        return _counts_alike(unit, number)
    noun = _COUNTED.search(asked.question)
    if not noun:
        return True
    near = text[max(0, number.start - 12) : number.end + 24]
    if noun[1]:
        wanted = set(content_terms(unit or noun[1]))
        if unit in ("", "person") and "person" in wanted and _PEOPLE.search(near):
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
    """The numbers, dates or names in a quote that answer a question of COUNT, WHEN, WHO or WHERE;
    [] for others."""
    match asked.kind:
        case Asks.COUNT:
            return [
                s for s in _fresh(asked, passage, SlotKind.NUMBER) if counts(asked, passage.text, s)
            ]
        case Asks.WHEN:
            return _fresh(asked, passage, SlotKind.DATE)
        case Asks.WHO | Asks.WHERE:
            return _named(asked, passage.text)
        case _:
            return []


def _fresh(asked: Asked, passage: Passage, kind: SlotKind) -> list[Slot]:
    found = slots.find(passage.text, now=passage.post.created_at)
    return [slot for slot in found if slot.kind is kind and not _known(asked, slot)]


def _named(asked: Asked, text: str) -> list[Slot]:
    """The names that may be whom or where a question asks for: not who is forwarded, who reports it
    or an agency by its letters ("AP"), nor, for whom, where it was ("in Ferguson")."""
    text = _PASSED_ON.sub(lambda match: " " * len(match.group()), text)
    where = asked.kind is Asks.WHERE
    return [
        slot
        for slot in slots.find(text)
        if slot.kind is SlotKind.NAME
        and _is_new(asked, slot, text)
        and bool((_PLACED if where else _INSIDE).search(text[: slot.start])) is where
        and not slot.text.isupper()
        and not is_press(slot.text)
    ]


def differ(asked: Asked, ours: Iterable[Slot], theirs: Iterable[Slot]) -> bool:
    """Whether two quotes that answer one question give it different numbers or dates. Two names
    may both be right."""
    if asked.kind not in (Asks.COUNT, Asks.WHEN):
        return False
    ours, theirs = list(ours), list(theirs)
    alike = [
        (a, b)
        for a in ours
        for b in theirs
        if a.kind is SlotKind.DATE or slots.comparable(a, b) or not (a.unit and b.unit)
    ]
    return bool(alike) and not any(slots.same(a, b) for a in ours for b in theirs)


def agree(ours: Iterable[Slot], theirs: Iterable[Slot]) -> bool:
    """Whether two quotes that answer one question give it a value in common."""
    held = list(theirs)
    return any(slots.same(a, b) for a in ours for b in held)


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
