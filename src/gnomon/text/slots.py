"""The parts of a text that are compared exactly: numbers with units, dates, names.

A verifier's probability is worth nothing where "3 killed" became "8 killed"; so these are found by
rule, brought to one form and compared as values, in English and Chinese alike.
"""

from __future__ import annotations

import re
from datetime import date
from functools import lru_cache
from typing import Literal

from gnomon.text import clock, dates, names, quantities
from gnomon.text.sentences import split
from gnomon.text.tokens import is_cjk, words
from gnomon.types import Slot, SlotKind

Hedge = Literal["exact", "about", "over", "under"]

# Spans whose digits count nothing: addresses, handles, hashtags, versions, telephone numbers.
# Parts are bounded as in RFC 1035 and 5321: without bounds a run of 20,000 letters takes seconds.
_NOT_QUANTITIES = re.compile(
    r"(?:https?://|www\.)[^\s\u3000-\u9fff\uff00-\uffef<>\"]+"
    r"|(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}"
    r"|(?<!\w)[@＠][\w.-]+|(?<!\w)[#＃][^\s#＃]+[#＃]?"
    r"|(?<![\w-])(?:[\w-]{1,63}\.){1,8}(?:com|org|net|edu|gov|info|io|co|uk|cn|de|jp|fr|eu|tv|me|ly|gl)\b(?:/[^\s\u3000-\u9fff]*)?"
    r"|\((?:1[89]|20)\d\d (?:film|song|album|novel|book|TV series|series|video game)\)"
    r"|\bv\d+(?:\.\d+)+[\w.-]*|(?<![\d.])\d+(?:\.\d+){2,}[\w-]*"
    r"|(?<![\d-])\+?\d{1,4}(?:-\d{3,4}){2,}(?![\d-])|(?<![\d-])\d{3}-\d{4}(?![\d-])"
    r"|\b(?=[A-Za-z]*\d)(?=\d*[A-Za-z])[0-9a-f]{8,}\b"
)
_ABOUT = re.compile(
    r"(?:\b(?:about|around|approximately|approx\.?|roughly|circa|ca?\.|some|estimated|or so"
    r"|an estimated|in the region of)|~|≈|大约|约|大概|左右|估计)\s*(?:a |the )?$",
    re.IGNORECASE,
)
_OVER = re.compile(
    r"(?:\b(?:over|more than|above|at least|exceed(?:s|ed|ing)?|upwards? of|no (?:less|fewer) than"
    r"|in excess of|surpass(?:es|ed|ing)?|a minimum of|beyond|topp(?:ed|ing|s)?)|[>≥]|超过|超"
    r"|逾|至少|不少于"
    r"|不低于|多于|大于|高于|突破)\s*(?:a |the )?$",
    re.IGNORECASE,
)
_UNDER = re.compile(
    r"(?:\b(?:under|less than|fewer than|below|up to|at most|nearly|almost|just under|close to"
    r"|no more than|not more than|as many as|as much as|a maximum of)|[<≤]|不到|不足|将近|接近"
    r"|近|至多|最多"
    r"|少于|低于|小于|未满|不超过|高达|多达)\s*(?:a |the )?$",
    re.IGNORECASE,
)
_ABOUT_AFTER = re.compile(r"\s?(?:[一-龥]{0,2}(?:左右|上下)|or so\b|, give or take)")
_OVER_AFTER = re.compile(
    r"\s?(?:[多余餘](?![一-龥]{0,2}少)|[一-龥]{0,2}以上|\+|or more\b|plus\b|之多)"
)
_UNDER_AFTER = re.compile(r"\s?(?:[一-龥]{0,2}(?:以下|以内)|or (?:less|fewer)\b)")
_HEDGES_BEFORE: tuple[tuple[re.Pattern[str], Hedge], ...] = (
    (_UNDER, "under"),
    (_OVER, "over"),
    (_ABOUT, "about"),
)
_HEDGES_AFTER: tuple[tuple[re.Pattern[str], Hedge], ...] = (
    (_UNDER_AFTER, "under"),
    (_OVER_AFTER, "over"),
    (_ABOUT_AFTER, "about"),
)


# One answer reads the same few hundred sentences against several claims.
@lru_cache(maxsize=8192)
def find(text: str, *, now: float | None = None) -> tuple[Slot, ...]:
    """All slots of ``text`` in order. ``now`` (epoch seconds) resolves "yesterday" and the like."""
    return (*exact(text, now=now), *names.find(text))


@lru_cache(maxsize=8192)
def exact(text: str, *, now: float | None = None) -> tuple[Slot, ...]:
    """NUMBER and DATE slots, in order. Times of day in words are numbers of unit ``clock``."""
    blanked = _NOT_QUANTITIES.sub(lambda m: quantities.BLANK * len(m.group()), text)
    when = [_as_written(slot, text) for slot in dates.find(blanked, now)]
    taken = [(slot.start, slot.end) for slot in when]
    when += [
        slot
        for slot in clock.find(blanked)
        if not any(slot.start < end and start < slot.end for start, end in taken)
    ]
    for slot in when:
        gap = quantities.BLANK * (slot.end - slot.start)
        blanked = blanked[: slot.start] + gap + blanked[slot.end :]
    counts = [_as_written(slot, text) for slot in quantities.find(blanked)]
    counts = [_uncounted(slot) if _is_part_of_one(slot) else slot for slot in counts]
    return tuple(sorted([*when, *counts], key=lambda slot: slot.start))


def _is_part_of_one(slot: Slot) -> bool:
    """Whether a fraction is taken to count people: "of magnitude 7.2 killed ..."."""
    noun, role = _counted(slot.unit)
    whole = float(slot.value).is_integer() or _SCALE_WORD.search(slot.text)
    return not whole and slot.unit not in _UNITS and bool(role or noun == "person")


def _uncounted(slot: Slot) -> Slot:
    return Slot(slot.kind, slot.text, slot.start, slot.end, slot.value, "")


def _as_written(slot: Slot, text: str) -> Slot:
    return Slot(slot.kind, text[slot.start : slot.end], slot.start, slot.end, slot.value, slot.unit)


# Of bounds, those that the number itself does not meet: "more than 20" is not 20.
_STRICT = re.compile(
    r"(?:\b(?:over|more than|above|exceed\w*|in excess of|beyond|surpass\w*|topp\w+|under|less than"
    r"|fewer than|below|nearly|almost|just under|close to)|[<>]|超过|超|逾|多于|大于|高于|突破"
    r"|不到|不足|将近|接近|近|少于|低于|小于|未满)\s*(?:a |the )?$",
    re.IGNORECASE,
)
# Those from which the number is not far: "nearly 100" is not 12.
_NEAR = re.compile(
    r"(?:\b(?:nearly|almost|just under|close to|up to|as many as|as much as)"
    r"|将近|接近|近|高达|多达)\s*(?:a |the )?$",
    re.IGNORECASE,
)


def _said_as(pattern: re.Pattern[str], text: str, slot: Slot) -> bool:
    return bool(pattern.search(text[max(0, slot.start - 24) : slot.start]))


def bounded_span(text: str, slot: Slot) -> tuple[int, int]:
    """Where the slot stands together with the words before it that make it a bound."""
    found = [p.search(text, max(0, slot.start - 24), slot.start) for p in (_UNDER, _OVER, _ABOUT)]
    return min((m.start() for m in found if m), default=slot.start), slot.end


def hedge(text: str, slot: Slot) -> Hedge:
    """Whether ``text`` gives the number exactly, as about so much, or as a bound."""
    before = text[max(0, slot.start - 24) : slot.start]
    for pattern, kind in _HEDGES_BEFORE:
        if pattern.search(before):
            return kind
    inside = re.search(r"\d|[一二两三四五六七八九十百千万亿]", slot.text)
    after = text[slot.end : slot.end + 12]
    for pattern, kind in _HEDGES_AFTER:
        if pattern.match(after):
            return kind
    if inside and re.search(r"[\d十百千万亿][多余餘]", slot.text):
        return "over"
    return "exact"


# --------------------------------------------------------------------------- comparing


def comparable(a: Slot, b: Slot) -> bool:
    """Whether two slots measure the same thing, so that a difference means something: one
    dimension or currency, one counted noun with one fate, or dates of the same precision."""
    if a.kind is not b.kind:
        return False
    if a.kind is SlotKind.NUMBER:
        if {a.unit, b.unit} & _UNITS:
            return a.unit == b.unit
        if not a.unit or not b.unit:
            return False
        (noun_a, role_a), (noun_b, role_b) = _counted(a.unit), _counted(b.unit)
        if role_a != role_b:
            return False
        # "3 killed" counts people without naming them.
        return noun_a == noun_b or (bool(role_a) and {noun_a, noun_b} <= {"", "person"})
    if a.kind is SlotKind.DATE:
        return set(_parts(a)) == set(_parts(b))
    return False


def same(a: Slot, b: Slot) -> bool:
    """Equal after normalisation. Numbers written with a scale word ("1.2 million", 3万) equal those
    that round to them; dates and names equal when one says no more than the other."""
    if a.kind is not b.kind:
        return False
    if a.kind is SlotKind.NUMBER:
        return _units_agree(a, b) and _close(a, b, max(_rounding(a), _rounding(b)))
    if a.kind is SlotKind.DATE:
        return _within(a, b) or _within(b, a)
    return _names_agree(str(a.value), str(b.value))


def told_apart(a: str, b: str) -> bool:
    """Whether the texts are about things that a label tells apart: "ferry number 6" in one, "ferry
    number 1" in the other."""
    ours, theirs = (
        {(s.unit, s.value) for s in exact(text) if s.unit.endswith("#")} for text in (a, b)
    )
    shared = {unit for unit, _ in ours} & {unit for unit, _ in theirs}
    return any(
        {v for u, v in ours if u == unit}.isdisjoint(v for u, v in theirs if u == unit)
        for unit in shared
    )


def missing(claim: str, evidence: str, *, now: float | None = None) -> tuple[Slot, ...]:
    """The claim's numbers and dates that the evidence does not give, or gives less exactly.

    Any of them forbids "supports". ``now`` resolves relative dates of both texts.
    """
    held = exact(evidence, now=now)
    return tuple(slot for slot in exact(claim, now=now) if not _given(slot, claim, held, evidence))


def conflicts(
    claim: str, evidence: str, *, now: float | None = None
) -> tuple[tuple[Slot, Slot], ...]:
    """Pairs (claim's slot, evidence's slot) that measure the same thing and differ.

    A pair is reported only where the evidence nowhere gives the claim's value and the two stand in
    sentences that share their subject words, so that it may refute.
    """
    held = exact(evidence, now=now)
    found = []
    for slot in exact(claim, now=now):
        if any(_agrees_loosely(slot, claim, other, evidence) for other in held):
            continue
        rivals = [
            (_kinship(claim, slot, evidence, other), -abs(other.start), other)
            for other in held
            if comparable(slot, other)
        ]
        rivals = [rival for rival in rivals if rival[0] >= _KINSHIP]
        if rivals:
            found.append((slot, max(rivals, key=lambda rival: rival[:2])[2]))
    return tuple(found)


# The share of the claim's content words that the evidence's sentence must have before a differing
# number there is about the same thing.
_KINSHIP = 0.4


def _counted(unit: str) -> tuple[str, str]:
    """Noun and role of a count's unit."""
    noun, _, role = unit.partition(" ")
    return (noun, role) if role else (("", noun) if noun in _ROLES else (noun, ""))


_ROLES = frozenset(
    "killed injured missing arrested evacuated rescued infected hospitalised trapped employed "
    "dismissed attended signed vaccinated".split()
)


def _units_agree(a: Slot, b: Slot) -> bool:
    if a.unit == b.unit:
        return True
    if {a.unit, b.unit} & _UNITS:
        return False
    if a.unit.endswith("#") or b.unit.endswith("#"):
        return not a.unit or not b.unit
    (noun_a, role_a), (noun_b, role_b) = _counted(a.unit), _counted(b.unit)
    return not (role_a and role_b and role_a != role_b) and (
        noun_a == noun_b
        or not noun_a
        or not noun_b
        or ("person" in (noun_a, noun_b) and quantities.are_people(noun_a, noun_b))
    )


_UNITS = quantities.BASE_UNITS | {clock.UNIT}


_SCALE_WORD = re.compile(
    r"(?P<w>thousand|million|billion|trillion|lakh|crore|mln|mn|bn|tn)|[\d.](?P<k>[kKmMbB])\b"
    r"|(?P<z>[万萬亿億]+)",
    re.IGNORECASE,
)
_SCALED = {
    "thousand": 1e3, "million": 1e6, "billion": 1e9, "trillion": 1e12, "lakh": 1e5, "crore": 1e7,
    "mln": 1e6, "mn": 1e6, "bn": 1e9, "tn": 1e12, "k": 1e3, "m": 1e6, "b": 1e9,
}  # fmt: skip


def _rounding(slot: Slot) -> float:
    """Half of the last written place of a number with a scale word, else 0, in base quantity."""
    m = _SCALE_WORD.search(slot.text)
    if m is None or not isinstance(slot.value, float) or slot.value == 0:
        return 0.0
    if m["z"]:
        scale = 1.0
        for c in m["z"]:
            scale *= 1e4 if c in "万萬" else 1e8
    else:
        scale = _SCALED[(m["w"] or m["k"]).lower()]
    number = re.search(r"\d[\d,]*(?:\.(\d+))?", slot.text)
    places = len(number[1]) if number and number[1] else 0
    written = float(number.group().replace(",", "")) if number else 0.0
    factor = slot.value / (written * scale) if written else 1.0
    if not 1e-3 < abs(factor) < 1e4:
        factor = 1.0
    return min(0.5 * scale * factor * 10.0**-places, 0.05 * abs(slot.value))


def _close(a: Slot, b: Slot, tolerance: float) -> bool:
    x, y = float(a.value), float(b.value)
    return abs(x - y) <= tolerance + 1e-9 * max(abs(x), abs(y))


def _given(slot: Slot, claim: str, held: tuple[Slot, ...], evidence: str) -> bool:
    """Whether the evidence states the claim's slot, at least as exactly as the claim does."""
    return any(_entails(other, evidence, slot, claim) for other in held)


def _entails(held: Slot, evidence: str, slot: Slot, claim: str) -> bool:
    if held.kind is not slot.kind:
        return _same_time(held, slot)
    if slot.kind is SlotKind.DATE:
        return _within(slot, held)
    if not _units_agree(slot, held):
        return False
    said, given = hedge(claim, slot), hedge(evidence, held)
    x, y = float(slot.value), float(held.value)
    if said == "exact":
        # A bound in the evidence does not give an exact value, even where the digits are equal.
        return given == "exact" and _close(slot, held, _rounding(slot))
    if _close(slot, held, _rounding(slot)):
        if said in ("over", "under") and given != said:
            return given == "exact" and not _said_as(_STRICT, claim, slot)
        if given == said and _said_as(_STRICT, claim, slot):
            return said == "about" or not _inclusive(evidence, held)
        return given in ("exact", said, "about") or said == "about"
    slack = 0.1 * abs(x)
    if said == "about":
        return given in ("exact", "about") and abs(x - y) <= slack
    if said == "over":
        return given in ("exact", "over") and y >= x
    return (
        given in ("exact", "under")
        and y <= x
        and (y >= 0.5 * x or not _said_as(_NEAR, claim, slot))
    )


def _inclusive(text: str, slot: Slot) -> bool:
    """Whether the bound may be met by the number itself: "at least 20"."""
    before = text[max(0, slot.start - 24) : slot.start]
    return any(p.search(before) for p in (_OVER, _UNDER)) and not _said_as(_STRICT, text, slot)


def _same_time(held: Slot, slot: Slot) -> bool:
    """Whether "nine o'clock" is given by 09:00 or 21:00; the words say less than the digits."""
    if slot.unit != clock.UNIT or held.kind is not SlotKind.DATE:
        return False
    time = re.search(r"T(\d\d):?(\d\d)?", str(held.value))
    if time is None:
        return False
    hours = int(time[1]) % 12 + int(time[2] or 0) / 60
    return abs(hours - float(slot.value)) < 1e-6


def _agrees_loosely(slot: Slot, claim: str, other: Slot, evidence: str) -> bool:
    """Whether the two could both be true as said: no conflict then, though maybe no support."""
    if slot.kind is not other.kind:
        return False
    if slot.kind is SlotKind.DATE:
        return same(slot, other)
    if not _units_agree(slot, other):
        return False
    if same(slot, other):
        return True
    x, y = float(slot.value), float(other.value)
    for one, two, sort in ((x, y, hedge(claim, slot)), (y, x, hedge(evidence, other))):
        if sort == "over" and two >= one:
            return True
        if sort == "under" and two <= one:
            return True
    for one, two, text, own in ((x, y, claim, slot), (y, x, evidence, other)):
        loose = hedge(text, own) == "about" or _said_as(_NEAR, text, own)
        if loose and abs(one - two) <= 0.1 * abs(one):
            return True
    return False


def _parts(slot: Slot) -> dict[str, str]:
    """The parts of an ISO date that are known."""
    day, _, time = str(slot.value).partition("T")
    parts = {"time": time} if time else {}
    if m := re.fullmatch(r"(\d{4})-W(\d\d)", day):
        return {"iso year": m[1], "week": m[2]}
    if m := re.fullmatch(r"-W-(\d)", day):
        return {"weekday": m[1]}
    if re.fullmatch(r"\d{3}", day):
        return {"decade": day}
    if m := re.fullmatch(r"(\d{4}|-)?(?:-(\d\d))?(?:-(\d\d))?", day):
        for name, value in zip(("year", "month", "day"), m.groups(), strict=True):
            if value and value != "-":
                parts[name] = value
    return parts


def _known(slot: Slot) -> dict[str, str]:
    """The parts with what follows from them: the week and weekday of a full date."""
    parts = _parts(slot)
    if "year" in parts:
        parts["decade"] = parts["year"][:3]
    if {"year", "month", "day"} <= parts.keys():
        year, week, weekday = date(
            int(parts["year"]), int(parts["month"]), int(parts["day"])
        ).isocalendar()
        parts |= {"iso year": str(year), "week": f"{week:02d}", "weekday": str(weekday)}
    return parts


def _within(coarse: Slot, fine: Slot) -> bool:
    """Whether everything that ``coarse`` says of the date follows from ``fine``."""
    wanted, known = _parts(coarse), _known(fine)
    return bool(wanted) and all(known.get(name) == value for name, value in wanted.items())


def _names_agree(a: str, b: str) -> bool:
    """ "Ann Lee" and "Lee" may be one person; "Ann Lee" and "Bob Lee" are not."""
    if a == b or a.lstrip("@") == b.lstrip("@"):
        return True
    short, long = sorted((a.split(), b.split()), key=len)
    return (
        bool(short)
        and short[0] != ""
        and (long[-len(short) :] == short or long[: len(short)] == short)
    )


_EMPTY_WORDS = frozenset(
    "a an the of in on at to for from by with and or but is are was were be been has have had it "
    "its that this there he she they his her their as after before about over under more than at "
    "least said says say according reported reports not no "
    "的 了 在 是 和 与 于 有 人 为 被 中 这 那 将 已".split()
)


def _kinship(claim: str, slot: Slot, evidence: str, other: Slot) -> float:
    """The share of the content words of the claim's sentence that the evidence's sentence has."""
    mine, theirs = _sentence(claim, slot), _sentence(evidence, other)
    if is_cjk(mine) != is_cjk(theirs):
        # Between languages words cannot be shared; what was counted, and its fate, can.
        return 1.0 if slot.unit and _counted(slot.unit)[1] else 0.0
    wanted = _content(mine)
    return len(wanted & _content(theirs)) / len(wanted) if wanted else 0.0


def _sentence(text: str, slot: Slot) -> str:
    """The sentence that ``slot`` stands in, without the slot itself."""
    for start, end in split(text):
        if start <= slot.start < end:
            return f"{text[start : slot.start]} {text[slot.end : max(end, slot.end)]}"
    return text


def _content(text: str) -> set[str]:
    return {
        word[:5] if word.isascii() else word
        for word in words(text)
        if word not in _EMPTY_WORDS and not word[0].isdigit() and word not in _NUMERALS
    }


_NUMERALS = frozenset(
    "one two three four five six seven eight nine ten eleven twelve twenty thirty forty fifty "
    "hundred thousand million billion km m kg "
    "零 一 二 两 三 四 五 六 七 八 九 十 百 千 万 亿".split()
)
