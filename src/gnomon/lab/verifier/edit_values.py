"""Edits of exact values: numbers, their written forms and bounds, units, currencies.

Each family makes a square: the value is changed in the window, in the claim, in both and in
neither, so that neither the claim nor the window alone tells the label (as in FEVER-symmetric,
Schuster et al. 2019, https://aclanthology.org/D19-1341/).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from gnomon.text import numerals

Case = tuple[str, str, int]
"""Window, claim, label."""
SUPPORTS, REFUTES, NEITHER = 0, 1, 2

_WORDS = (
    "two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
    "seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety"
).split()
_VALUES = {word: numerals.english(word) or 0.0 for word in _WORDS}
_NAMES = {int(value): word for word, value in _VALUES.items()}
MONTHS = (
    "January February March April May June July August September October November December"
).split()
MONTH = "|".join(MONTHS)

_NUMBER = re.compile(
    r"(?<![\w.,:/$€£¥#&'’+=×*^–—-])(?P<sign>[$€£]\s?)?"
    r"(?:(?P<digits>\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?)"
    r"(?:[ -](?P<scale>thousand|million|billion))?"
    rf"|(?P<word>\b(?:{'|'.join(sorted(_WORDS, key=len, reverse=True))})\b))"
    r"(?![\w:/'’°]|[.,]\d|\s?[–—-]\s?\w| (?:to|or|and) (?:\d|[a-z]+ty\b)|-|\s?\()",
)
_APPROXIMATE = re.compile(
    r"\b(?:about|approximately|around|nearly|almost|over|than|least|most|up to|some|circa|roughly|"
    r"under|below|above|exceeding|exceeded|exceeds|reaching|between|estimated|approx|c|ca|another|every|only|and|"
    r"or|no|least|number|route|highway|line|page|world war|type|class|part|volume|season|"
    r"chapter|grade|level|phase|stage|group|version|apollo|act|article|section|channel|top|first|"
    r"last|next|other|aged?|age|per|under-|a|one)\.?\s*[~$€£]?\s?$",
    re.IGNORECASE,
)
_COUNTED_AFTER = re.compile(r"\s+(?:[a-z][\w-]*\s+){0,2}?(?P<noun>[a-z][a-z-]{2,})\b")
_PERCENT_AFTER = re.compile(r"\s?(?:%|percent\b|per cent\b)")
_MONTH_NEAR = re.compile(rf"(?:{MONTH})\s*,?\s*$")
_MONTH_AFTER = re.compile(rf"\s*,?\s*(?:of\s+)?(?:{MONTH})\b")
_NO_PLURAL = frozenset("people men women children percent per year".split())
_ENTITY_BEFORE = re.compile(r"[A-Z][\w.'’-]*\s+$")


@dataclass(frozen=True, slots=True)
class Number:
    """A plain count or measure in a text, with the span that holds its value."""

    start: int
    end: int
    value: float
    kind: str
    """ "digits", "word" or the scale word behind the digits."""
    text: str


def numbers(text: str) -> list[Number]:
    """Exact counts and measures of ``text``: no years, dates, ordinals, ranges, labels ("Apollo
    11") or approximations."""
    out = []
    for m in _NUMBER.finditer(text):
        start = m.start("word") if m["word"] else m.start("digits")
        if _APPROXIMATE.search(text, max(0, m.start() - 24), m.start()):
            continue
        if not m["sign"] and _ENTITY_BEFORE.search(text, max(0, m.start() - 30), m.start()):
            continue
        if _MONTH_NEAR.search(text, max(0, m.start() - 14), m.start()):
            continue
        if _MONTH_AFTER.match(text, m.end()):
            continue
        if m["word"]:
            value, kind = _VALUES[m["word"]], "word"
        else:
            value = float(m["digits"].replace(",", ""))
            plain_year = "," not in m["digits"] and "." not in m["digits"] and not m["scale"]
            if plain_year and 1000 <= value <= 2100 and not m["sign"]:
                continue
            value *= numerals.SCALES.get(m["scale"] or "", 1.0)
            kind = m["scale"] or "digits"
        counted = _COUNTED_AFTER.match(text, m.end())
        measured = m["sign"] or m["scale"] or _PERCENT_AFTER.match(text, m.end())
        if not measured and not (counted and _plural(counted["noun"], text, m.end())):
            continue
        out.append(Number(start, m.end(), value, kind, text[start : m.end()]))
    return out


def _plural(noun: str, text: str, at: int) -> bool:
    words = re.findall(r"[a-z][a-z-]+", text[at : at + 40])[:2]
    return any(
        (w.endswith("s") and not w.endswith(("ss", "us", "is")) and w not in ("was", "has", "is"))
        or w in _NO_PLURAL
        or w in ("km", "kg", "ft", "million", "billion", "thousand", "m", "miles", "metres")
        for w in words
    ) or noun in ("km", "kg", "ft", "cm", "mm", "mph")


def other_value(value: float, rng: Random) -> float:
    """A value near ``value`` as errors make it: off by one, digits swapped, ten times, a share."""
    whole = value == int(value)
    choices: list[float] = []
    if whole and value <= 300:
        choices += [value + d for d in (1, 1, -1, 2, -2, 3) if value + d >= 2]
    written = str(int(value))
    if whole and len(written) >= 2:
        i = rng.randrange(len(written) - 1)
        swapped = written[:i] + written[i + 1] + written[i] + written[i + 2 :]
        if not swapped.startswith("0"):
            choices.append(float(swapped))
        j = rng.randrange(len(written.rstrip("0")))
        digit = str((int(written[j]) + rng.choice((1, 2, 3, 5, 8, 9))) % 10)
        changed = written[:j] + digit + written[j + 1 :]
        if not changed.startswith("0"):
            choices.append(float(changed))
    if value > 12:
        choices.append(value * 10)
    choices.append(_round_like(value * rng.choice((0.5, 0.6, 0.75, 1.25, 1.5, 2.0)), value))
    wrong = [c for c in choices if c != value and c > 1]
    return rng.choice(wrong) if wrong else value + 1


def _round_like(value: float, like: float) -> float:
    """``value`` with as many digits as ``like`` is written with."""
    if like != int(like):
        places = len(f"{like:g}".partition(".")[2])
        return round(value, places)
    zeros = len(str(int(like))) - len(str(int(like)).rstrip("0"))
    step = 10 ** min(zeros, max(0, len(str(int(value))) - 1))
    return float(round(value / step) * step)


def shown(value: float, kind: str) -> str:
    """``value`` written as ``kind``: digits with commas, a word where there is one, or scaled."""
    if kind in ("thousand", "million", "billion"):
        return f"{_plain(value / numerals.SCALES[kind])} {kind}"
    if kind == "word" and int(value) in _NAMES and value == int(value):
        return _NAMES[int(value)]
    return _plain(value)


def _plain(value: float) -> str:
    if value == int(value):
        return f"{int(value):,}" if value >= 1000 else str(int(value))
    return f"{value:,.4f}".rstrip("0").rstrip(".")


def _replaced(text: str, spans: list[tuple[int, int]], new: Callable[[str], str]) -> str:
    for start, end in sorted(spans, reverse=True):
        text = text[:start] + new(text[start:end]) + text[end:]
    return text


def _like(written: str, value: float, kind: str) -> str:
    """``value`` in the form of ``written``, cents included."""
    new = shown(value, kind)
    if re.fullmatch(r"[\d,]+\.\d\d", written) and kind == "digits":
        return f"{value:,.2f}"
    return new


def _rewritten(text: str, old: Number, value: float) -> str:
    """``text`` with every number equal to ``old`` written as ``value``, each in its own form."""
    for n in sorted(numbers(text), key=lambda n: -n.start):
        if n.value == old.value:
            text = text[: n.start] + _like(n.text, value, n.kind) + text[n.end :]
    return text


def _shared(window: str, claim: str) -> list[Number]:
    """Numbers of the claim that the window holds, too, and only as such numbers."""
    held = numbers(window)
    out = []
    for n in numbers(claim):
        same = [h for h in held if h.value == n.value]
        if len(same) == 1 and window.count(n.text) <= 1:
            out.append(n)
    return out


def square(w: str, w2: str, c: str, c2: str, cross: int) -> list[Case]:
    """Window and its edit against claim and its edit: alike supports, across ``cross``."""
    return [(w, c, SUPPORTS), (w2, c2, SUPPORTS), (w, c2, cross), (w2, c, cross)]


def number(window: str, claim: str, rng: Random) -> list[Case]:
    """A count or measure changed: refutes."""
    found = _shared(window, claim)
    if not found:
        return []
    n = rng.choice(found)
    held = {m.value for m in numbers(window)} | {m.value for m in numbers(claim)}
    value = next((v for v in (other_value(n.value, rng) for _ in range(4)) if v not in held), None)
    if value is None:
        return []
    return square(window, _rewritten(window, n, value), claim, _rewritten(claim, n, value), REFUTES)


def _other_form(n: Number, rng: Random, value: float, money: bool) -> str | None:
    """``value`` written in another form than ``n``, or None."""
    forms = []
    if n.kind == "word" and value == int(value):
        forms.append(str(int(value)))
    elif n.kind == "digits" and value == int(value) and int(value) in _NAMES and value <= 20:
        forms.append(_NAMES[int(value)])
    for scale in ("million", "billion", "thousand"):
        size = numerals.SCALES[scale]
        share = value / size
        if n.kind == scale:
            forms.append(f"{round(value):,}")
            if scale != "thousand":
                forms.append(f"{_plain(share)}{'m' if scale == 'million' else 'bn'}")
        elif n.kind == "digits" and share >= 1 and round(share, 3) == share and value >= 10000:
            if share < 1000 and (scale != "thousand" or share == int(share)):
                forms.append(f"{_plain(share)} {scale}")
            if scale == "thousand" and share == int(share):
                forms.append(f"{int(share)}k" if share < 1000 else f"{round(value)}")
    if n.kind == "digits" and value >= 1000 and value == int(value):
        forms.append(str(int(value)))
    return rng.choice(forms) if forms else None


def number_form(window: str, claim: str, rng: Random) -> list[Case]:
    """The same number written differently supports; another number so written refutes."""
    found = _shared(window, claim)
    if not found:
        return []
    n = rng.choice(found)
    money = claim[max(0, n.start - 2) : n.start].strip()[-1:] in ("$", "€", "£")
    value = other_value(n.value, rng)
    if any(m.value == value for m in numbers(window)):
        return []
    same, other = _other_form(n, rng, n.value, money), _other_form(n, rng, value, money)
    if same is None or other is None:
        return []
    c = claim[: n.start] + same + claim[n.end :]
    c2 = claim[: n.start] + other + claim[n.end :]
    return square(window, _rewritten(window, n, value), c, c2, REFUTES)


def bound(window: str, claim: str, rng: Random) -> list[Case]:
    """Bounds against an exact count ("more than 900", "fewer than 900", "at least") and the exact
    count against bounds; the count itself must be 20 or more."""
    found = [n for n in _shared(window, claim) if n.value >= 20 and n.kind != "word"]
    found = [n for n in found if claim[max(0, n.start - 1) : n.start] in ("", " ")]
    if not found:
        return []
    n = rng.choice(found)
    low = _round_like(n.value * rng.choice((0.5, 0.7, 0.8, 0.9)), n.value)
    high = _round_like(n.value * rng.choice((1.1, 1.2, 1.5, 2.0)), n.value)
    if not low < n.value < high or low < 2:
        return []

    def claimed(words: str, value: float) -> str:
        return claim[: n.start] + f"{words} {shown(value, n.kind)}" + claim[n.end :]

    over = rng.choice(("more than", "over"))
    under = rng.choice(("fewer than", "less than", "under"))
    vague = _rewritten_as(window, n, f"{over} {n.text}")
    top = _rewritten_as(window, n, f"{rng.choice(('up to', 'at most'))} {n.text}")
    return [
        (window, claimed(over, low), SUPPORTS), (window, claimed(over, high), REFUTES),
        (window, claimed(under, high), SUPPORTS), (window, claimed(under, low), REFUTES),
        (window, claimed("at least", n.value), SUPPORTS),
        (vague, claimed(over, low), SUPPORTS), (vague, claimed(under, low), REFUTES),
        (vague, claimed(over, high), NEITHER), (vague, claimed(under, high), NEITHER),
        (top, claimed("at least", high), REFUTES), (top, claimed(over, low), NEITHER),
    ]  # fmt: skip


def _rewritten_as(text: str, old: Number, words: str) -> str:
    for n in sorted(numbers(text), key=lambda n: -n.start):
        if n.value == old.value:
            text = text[: n.start] + words + text[n.end :]
    return text


_UNIT_SWAPS = [
    ("kilometres", "miles"), ("kilometers", "miles"), ("km", "miles"), ("metres", "feet"),
    ("meters", "feet"), ("m", "feet"), ("ft", "m"), ("feet", "metres"), ("miles", "kilometres"),
    ("kg", "pounds"), ("kilograms", "pounds"), ("pounds", "kilograms"), ("tonnes", "kilograms"),
    ("tons", "pounds"), ("hectares", "acres"), ("acres", "hectares"), ("litres", "gallons"),
    ("years", "months"), ("months", "weeks"), ("weeks", "days"), ("days", "hours"),
    ("hours", "minutes"), ("minutes", "seconds"), ("percent", "percentage points"),
    ("per cent", "percentage points"), ("inches", "centimetres"),
]  # fmt: skip
_CONVERSIONS = {
    ("kilometres", "miles"): 0.621371, ("kilometers", "miles"): 0.621371, ("km", "miles"): 0.621371,
    ("metres", "feet"): 3.28084, ("meters", "feet"): 3.28084, ("feet", "metres"): 0.3048,
    ("miles", "kilometres"): 1.609344, ("kg", "pounds"): 2.204623,
    ("kilograms", "pounds"): 2.204623,
    ("hectares", "acres"): 2.471054, ("acres", "hectares"): 0.404686,
    ("weeks", "days"): 7.0, ("days", "hours"): 24.0, ("hours", "minutes"): 60.0,
}  # fmt: skip


def _with_unit(text: str, n: Number, unit: str) -> tuple[int, int] | None:
    m = re.compile(rf"[ -]{re.escape(unit)}\b").match(text, n.end)
    return (m.start() + 1, m.end()) if m else None


def unit(window: str, claim: str, rng: Random) -> list[Case]:
    """The same number of another unit refutes (points for percent: neither), and a conversion
    rounded to within 2 % supports."""
    options = []
    for n in _shared(window, claim):
        for old, new in _UNIT_SWAPS:
            here = _with_unit(claim, n, old)
            there = [m for m in numbers(window) if m.value == n.value]
            held = _with_unit(window, there[0], old) if there else None
            if here and held:
                options.append((n, old, new, here, held))
    if not options:
        return []
    n, old, new, here, held = rng.choice(options)
    w2 = window[: held[0]] + new + window[held[1] :]
    c2 = claim[: here[0]] + new + claim[here[1] :]
    cross = NEITHER if "points" in new else REFUTES
    cases = square(window, w2, claim, c2, cross)
    factor = _CONVERSIONS.get((old, new))
    if factor:
        right, wrong = n.value * factor, n.value * factor * rng.choice((0.5, 1.6, 2.0))
        for value, label in ((right, SUPPORTS), (wrong, REFUTES)):
            near = float(round(value))
            if near >= 20 and abs(near - value) / value < 0.02:
                c3 = f"{claim[: n.start]}about {_plain(near)} {new}{claim[here[1] :]}"
                cases.append((window, c3, label))
    return cases


_MONEY = re.compile(r"(?<![\w$£€])([$£€])(?=\s?\d)")


def currency(window: str, claim: str, rng: Random) -> list[Case]:
    """The same amount in another currency refutes."""
    ours, theirs = set(_MONEY.findall(claim)), set(_MONEY.findall(window))
    if len(ours) != 1 or ours != theirs or not _shared(window, claim):
        return []
    old = ours.pop()
    new = rng.choice([sign for sign in "$£€" if sign != old])
    return square(window, window.replace(old, new), claim, claim.replace(old, new), REFUTES)
