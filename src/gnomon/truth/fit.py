"""How well a held sentence answers a question, 0..1: does it speak of what was asked, and does it
hold a new thing of the kind that was asked for?

Being about the subject is not enough. "The works caught fire" is about the works and does not say
where they are registered: what is asked of the subject must be in the sentence, too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from gnomon.text import slots
from gnomon.text.tokens import is_cjk, normalise
from gnomon.truth.bilingual import gloss
from gnomon.truth.retrieve import dated, window_of
from gnomon.truth.rewrite import Asks, as_claim, asks
from gnomon.truth.terms import Weights, content_terms, coverage, term_set, without_exact
from gnomon.types import Passage, Post, QueryPlan, Slot, SlotKind

# Shares of a sentence's fit: its own words of the question, its context's, and a thing of the kind
# asked for. With ANSWERS in draft.py, chosen on the development half of tests/cases.
OWN, CONTEXT, KIND = 0.45, 0.3, 0.25
# What each fault leaves of the fit.
OTHER_VALUE = 0.7  # it gives another number where the question names one
OTHER_DAY = 0.7  # it is about another day than the one asked about
NO_SUCH_THING = 0.6  # it has no number, date, name, place or cause where one was asked for
NO_ATTRIBUTE = 0.5  # it is about the right subject, but not about what is asked of it
SECOND_HAND = 0.97  # a clean original is quoted before its "RT @name: ... http://..."
# What a rare word of the question that the passage lacks costs, and the word it turns on.
LACKING, LACKING_VERB = 0.3, 0.6
# A name that the passage lacks costs half when it is rare in the store; a store about one town
# rarely says the town's name.
LACKING_NAME, RARE_NAME = 0.5, 0.5
LONG_PART = 5
KIND_HELD = 0.5
# Verbs that say little of what was asked: "How much damage did the storm cause?"
LIGHT = 0.4
_LIGHT = frozenset(
    content_terms("cause bring take make give leave come go use become keep put occur")
)
_RELATIVE = re.compile(
    r"\b(?:today|tonight|tomorrow|yesterday|now|currently|nowadays|this (?:week|year|month))\b|"
    r"今天|今晚|明天|昨天|现在|目前|如今",
    re.IGNORECASE,
)


_NOW = re.compile(r"(?:today|tonight|now|this \w+|今[天日晚年]|现在|本[周月])", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Asked:
    """A question, read once for all the passages that are tried against it.

    ``wanted`` are its content terms with their weights, ``focus`` those that belong to no name;
    ``parts`` the pieces of a Chinese question between its function words; ``verb`` the term it
    ends in ("Where was the dog found?").
    """

    question: str
    lang: str
    kind: Asks
    wanted: Mapping[str, float]
    focus: Mapping[str, float]
    names: Mapping[str, float]
    parts: Mapping[str, float]
    verb: str
    known: tuple[Slot, ...]
    year: str

    @property
    def dates(self) -> list[Slot]:
        """The days it names; "today" is when it is asked, not what it is about."""
        return [
            slot
            for slot in self.known
            if slot.kind is SlotKind.DATE and not _NOW.fullmatch(slot.text)
        ]


def read(plan: QueryPlan, weights: Weights) -> Asked:
    """``plan``'s question with the weights of its terms in the store."""
    kind = asks(plan.question)
    target = as_claim(plan.question) if kind is Asks.WHETHER else plan.question
    target = _RELATIVE.sub(" ", without_exact(target)) or target
    wanted = weights.of(target) or weights.of(plan.question)
    if kind is not Asks.WHETHER:
        wanted = {t: w * LIGHT if t in _LIGHT else w for t, w in wanted.items()}
    named = {term for name in plan.names for term in content_terms(name)}
    names = {n: max(weights.of(n).values(), default=0.0) for n in plan.names}
    parts = {
        part: max(weights.of(part).values(), default=0.0) for part in _parts(target, plan.names)
    }
    return Asked(
        question=plan.question,
        lang=plan.lang,
        kind=kind,
        wanted=wanted,
        focus={term: weight for term, weight in wanted.items() if term not in named},
        names=names,
        parts=parts,
        verb=_last_verb(target, kind),
        known=plan.slots,
        year=str(datetime.fromtimestamp(plan.where.until or 0.0, UTC).year),
    )


_ASKING_ZH = re.compile(
    r"什么时候|可以|能够|为什么|有没有|是不是|多少|怎么样?|怎样|如何|什么|何时|是否|几点|请问|到底|究竟|目前|现在|现任|如今|一共|[今去明前]年|[今昨明]天|[本上下]月|最近|近期|当前|总共|"
    r"哪(?:一)?(?:里|儿|些|个?(?:国家|城市|地方|时间)|[个位条家天种所座年月支只])?|几(?=[个名人位条家天次元米公岁])|"
    r"[的了是在和与及或也都就而且但这那吗呢吧啊么之其被把从对于为以所个们你我他她它谁何有，、？?！!。\s]"
)


def _parts(question: str, names: Iterable[str]) -> list[str]:
    """What stands between the function words of a Chinese question: its subject and what is asked
    of it. "林先生的电话号码是多少" gives 林先生 and 电话号码."""
    if not is_cjk(question):
        return []
    cut = _ASKING_ZH.sub(" ", question)
    for name in names:
        cut = cut.replace(name, f" {name} ")
    pieces = cut.split()
    return [piece for piece in pieces if len(piece) > 1 and is_cjk(piece)]


_ENDS_IN_VERB = re.compile(
    r"\b(?:did|do|does|is|are|was|were|has|have|had|been|be|will)\b.*?(?<![\w'-])([a-z]+)\s*\??\s*$"
)


def _last_verb(question: str, kind: Asks) -> str:
    """The term that a question ends in, where that is its verb ("Where was the dog found?")."""
    match = _ENDS_IN_VERB.search(question)
    if kind not in (Asks.WHERE, Asks.WHEN, Asks.WHO) or match is None:
        return ""
    found = content_terms(match[1])
    return found[0] if found and found[0] not in _LIGHT else ""


def fit(asked: Asked, passage: Passage, similar: float | None) -> float:
    """How well the sentence answers. ``similar`` (0..1) is what the encoder says, if there is one;
    across languages nothing else can tell."""
    around = window_of(passage)
    if is_cjk(asked.question) != is_cjk(passage.text):
        return _across(asked, passage, around, similar)
    terms, own = term_set(around), term_set(passage.text)
    here = coverage(asked.focus or asked.wanted, own, asked.wanted)
    context = coverage(asked.wanted, terms, asked.wanted)
    right = kind_fit(asked, passage.post, passage.text)
    if right and asked.kind is Asks.COUNT:  # "12,000 visitors" counts people who came
        here = coverage(asked.focus or asked.wanted, own | _counted_terms(asked), asked.wanted)
    if asked.parts:
        here = (here + _characters(asked, passage.text)) / 2
        context = (context + _characters(asked, around)) / 2
    score = OWN * here + CONTEXT * context + KIND * right
    if similar is not None:
        score = max(score, 0.75 * score + 0.25 * similar)
    score *= _names_held(asked, normalise(around), terms)
    if asked.kind is not Asks.WHETHER and slots.conflicts(asked.question, passage.text):
        score *= OTHER_VALUE
    if not _same_day(asked, passage, around):
        score *= OTHER_DAY
    if asked.kind in TYPED and (right < KIND_HELD or _OPEN.search(passage.text)):
        score *= NO_SUCH_THING
    if not _has_attribute(asked.question, passage.text):
        score *= NO_ATTRIBUTE
    if _FORWARDED.search(passage.text):
        score *= SECOND_HAND
    if asked.kind is Asks.WHO and _FORMER.search(passage.text) and not _FORMER.search(asked.question):
        score *= OTHER_VALUE
    return score * _lacking(asked, terms, around)


def _characters(asked: Asked, text: str) -> float:
    """The share of a Chinese question's parts that ``text`` has, by characters: 倒树 shares none of
    the bigrams of 树倒, and says the same."""
    total = sum(asked.parts.values())
    held = sum(w * sum(c in text for c in p) / len(p) for p, w in asked.parts.items())
    return held / total if total else 0.0


# A gloss is coarse: what it matches counts a little less than words of one language.
GLOSSED = 0.95


def _across(asked: Asked, passage: Passage, around: str, similar: float | None) -> float:
    """The fit of a passage in the other language: by the glossary, names and numbers, and by the
    encoder where there is one."""
    right = kind_fit(asked, passage.post, passage.text)
    if is_cjk(asked.question):
        question = gloss(_RELATIVE.sub(" ", asked.question), around)
        wanted, unknown = set(content_terms(question.text)), question.unknown
        own, terms = term_set(passage.text), term_set(around)
    else:
        wanted, unknown = set(asked.focus or asked.wanted), 0.0
        own, terms = (term_set(gloss(text, asked.question).text) for text in (passage.text, around))
    if not wanted:
        return 0.0
    # A glossed word stands with its synonyms; the weights of the store's language are of no use.
    here, context = len(wanted & own) / len(wanted), len(wanted & terms) / len(wanted)
    score = GLOSSED * (OWN * here + CONTEXT * context + KIND * right) * (1.0 - unknown)
    if asked.kind in TYPED and right < KIND_HELD:
        score *= NO_SUCH_THING
    return score if similar is None else max(score, 0.6 * similar + 0.4 * right)


_FORMER = re.compile(r"\b(?:deputy|vice|former|ex|acting|then)[- ](?=\w)", re.IGNORECASE)
# "When it reopens is not yet known": the question is raised and left open.
_OPEN = re.compile(
    r"\b(?:not (?:yet )?(?:known|clear|settled|decided|been (?:decided|announced|confirmed))|unclear|"
    r"to be (?:announced|confirmed|decided)|remains? unknown|t\.?b\.?[ac]\b)|"
    r"通知为准|待定|未定|尚不清楚|尚未(?:公布|确定)|另行通知|还不知道",
    re.IGNORECASE,
)


def _counted_terms(asked: Asked) -> frozenset[str]:
    noun = _COUNTED.search(asked.question)
    return frozenset(content_terms(noun[1])) if noun and noun[1] else frozenset()


def _names_held(asked: Asked, held: str, terms: frozenset[str]) -> float:
    """1, or less for a name that the passage does not hold: about somebody or somewhere else."""
    absent = [
        weight
        for name, weight in asked.names.items()
        if normalise(name) not in held and not (term_set(name) & terms)
    ]
    return 1.0 - LACKING_NAME * min(1.0, max(absent, default=0.0) / RARE_NAME)


def _lacking(asked: Asked, terms: frozenset[str], around: str) -> float:
    """1, or less for what the question says that the passage lacks altogether."""
    # Bigrams across a Chinese word boundary are rare by accident; there, whole parts are held to it.
    lacking = max(
        (w for t, w in asked.focus.items() if t not in terms and t.isascii()), default=0.0
    )
    left = 1.0 - LACKING * lacking
    if asked.verb and asked.verb not in terms:
        left = min(left, LACKING_VERB)
    attribute = _ATTRIBUTE_ZH.search(asked.question)
    if attribute and not re.search(rf"(?<![副前原]){attribute[1]}", around):
        left = min(left, NO_ATTRIBUTE)
    for part, weight in asked.parts.items():
        if not _touches(part, around):
            left = min(left, 1.0 - (1.0 - NO_ATTRIBUTE) * min(1.0, weight / RARE_NAME))
    return left


# "林先生的电话号码是多少": Chinese nouns end in their head, and the head before the question word is
# what is asked for.
_ATTRIBUTE_ZH = re.compile(r"([一-龥]{2})(?:是|为|叫)(?:谁|什么|多少|哪个?)[?？]?$")


def _touches(part: str, text: str) -> bool:
    """Whether ``text`` speaks of a part of a Chinese question: two of its characters in a row, all
    of them in any order, or half of a long one."""
    held = sum(character in text for character in part)
    if any(part[i : i + 2] in text for i in range(len(part) - 1)) or held == len(part):
        return True
    return len(part) >= LONG_PART and held >= len(part) / 2


def _same_day(asked: Asked, passage: Passage, around: str) -> bool:
    """Whether a date that the question names may be that of the passage: it says so, or it was
    written on that day. True where the question names none."""
    if not asked.dates or is_cjk(asked.question) != is_cjk(around):
        return True
    said = passage.post.created_at
    text = dated(around, said)
    if said is not None:
        text += f" {datetime.fromtimestamp(said, UTC):%Y-%m-%d}"
    held = [slot for slot in slots.exact(text) if slot.kind is SlotKind.DATE]
    return any(slots.same(date, other) for date in asked.dates for other in held)


# ----------------------------------------------------------------------- the thing asked for

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
_FORWARDED = re.compile(r"\b(?:RT|MT|via) @\w+:?|https?:\S+|[#@]\w+")
# A Chinese name before what only a person does, or between an office and it.
_PERSON_ZH = re.compile(
    r"(?:^|[，。：；、（“\s])[一-龥·]{2,5}(?=当选|出任|接任|就任|担任|继任|连任|获胜|夺冠|获选)|"
    r"[长任席师员家士手授][一-龥·]{2,4}(?=当选|出任|表示|说|称|宣布|指出|介绍|否认|透露)"
)
# 哪条街: a street is asked for, and no other place will do.
_PLACE_ZH = re.compile(r"哪一?[个条座所家栋]?(国|城|市|街|路|巷|村|镇|区|楼|站)")
_PLACES_ZH = {"街": "[街路巷道]", "路": "[街路巷道]", "巷": "[街路巷道]", "国": "国|籍", "城": "[城市]"}


def kind_fit(asked: Asked, post: Post, text: str) -> float:
    """1 when ``text`` holds a new thing of the kind asked for, else 0 (0.8 where any will do)."""
    text = _FORWARDED.sub("", text)
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
            return 1.0 if placed else 0.7 * float(bool(_WHERE.search(text)))
        case Asks.WHY:
            return float(bool(_CAUSE.search(text)))
        case _:
            return 0.8


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


def _has_attribute(question: str, text: str) -> bool:
    asked = _ATTRIBUTE.search(question)
    return asked is None or bool(re.search(_HAS[asked[1].lower()], text, re.IGNORECASE))


TYPED = (Asks.WHEN, Asks.COUNT, Asks.WHO, Asks.WHERE, Asks.WHY)
_COUNTED = re.compile(r"\bhow many ((?:\w+ )?\w+)|多少(\w{1,3})|几(\w{1,2})", re.IGNORECASE)
_PEOPLE = re.compile(r"\bperson|\battended|\bvisitor|\bguest|\bspectator|\bof (?:you|us|them)\b|\bturnout")
_IN_YEAR = re.compile(r"^[^.,;\d]{0,24}?\bin ((?:19|20)\d\d)\b")


def counts(asked: Asked, text: str, number: Slot) -> bool:
    """Whether a number in ``text`` counts what the question asks the number of, at its time."""
    if _is_year(text, number) or number.unit.endswith("#") or number.text in _ORDINALS:
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
_MORE = re.compile(r"\s?(?:more|additional|other|further|extra)\b|\s?[个名人]?(?:新增|另)", re.IGNORECASE)
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
    """Whether a further quote tells something of the kind asked for that ``stated`` do not: a second
    witness of the same number belongs behind the sentence, as a citation."""
    if asked.kind not in (Asks.COUNT, Asks.WHEN, Asks.WHO, Asks.WHERE):
        return True

    def told(sentence: str) -> list[Slot]:
        found = slots.find(_FORWARDED.sub("", sentence))
        if asked.kind in (Asks.WHO, Asks.WHERE):
            return [s for s in found if s.kind is SlotKind.NAME and _is_new(asked, s, sentence)]
        kind = SlotKind.NUMBER if asked.kind is Asks.COUNT else SlotKind.DATE
        return [s for s in found if s.kind is kind and not _known(asked, s)]

    held = [slot for sentence in stated for slot in told(sentence)]
    return any(not any(slots.same(slot, other) for other in held) for slot in told(text))
