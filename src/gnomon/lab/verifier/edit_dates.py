"""Edits of dates: a day, month or year moved, written otherwise, or given less exactly."""

from __future__ import annotations

import re
from dataclasses import dataclass
from random import Random

from gnomon.lab.verifier.edit_values import MONTH, MONTHS, NEITHER, REFUTES, SUPPORTS, Case, square

_DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
_DAY = "|".join(_DAYS)

_FULL_DATE = re.compile(
    rf"\b(?:(?P<d1>\d{{1,2}})(?:st|nd|rd|th)? (?P<m1>{MONTH}),? (?P<y1>[12]\d{{3}})"
    rf"|(?P<m2>{MONTH}) (?P<d2>\d{{1,2}})(?:st|nd|rd|th)? ?, ?(?P<y2>[12]\d{{3}}))\b"
)
_YEAR = re.compile(
    r"(?<![\w.,:/$€£¥#+–—-])(?P<y>1[5-9]\d\d|20[0-2]\d)(?![\w%]|[.,]\d|\s?[–—-]\s?\d)"
)


@dataclass(frozen=True, slots=True)
class Date:
    """A full date as written, day first or month first."""

    start: int
    end: int
    day: int
    month: int
    year: int
    day_first: bool


def full_dates(text: str) -> list[Date]:
    """Dates of ``text`` with day, month and year."""
    out = []
    for m in _FULL_DATE.finditer(text):
        first = bool(m["d1"])
        day, month, year = (m["d1"], m["m1"], m["y1"]) if first else (m["d2"], m["m2"], m["y2"])
        if 1 <= int(day) <= 31:
            out.append(Date(m.start(), m.end(), int(day), MONTHS.index(month), int(year), first))
    return out


def _date(day: int, month: int, year: int, day_first: bool) -> str:
    if day_first:
        return f"{day} {MONTHS[month]} {year}"
    return f"{MONTHS[month]} {day}, {year}"


def _moved(date: Date, rng: Random) -> tuple[int, int, int]:
    """Another day, month or year."""
    day, month, year = date.day, date.month, date.year
    what = rng.choice(("day", "day", "month", "year", "year"))
    if what == "day":
        options = [d for d in (day - 1, day + 1, day + 7, day - 10, day * 10) if 1 <= d <= 28]
        return (rng.choice([d for d in options if d != day] or [day % 28 + 1]), month, year)
    if what == "month":
        return min(day, 28), (month + rng.choice((1, 2, 5, 11))) % 12, year
    return min(day, 28), month, year + rng.choice((1, -1, 2, -2, 10, -10))


def date(window: str, claim: str, rng: Random) -> list[Case]:
    """A full date moved refutes; written the other way round it stays; less exact it supports."""
    pairs = [
        (c, w)
        for c in full_dates(claim)
        for w in full_dates(window)
        if (c.day, c.month, c.year) == (w.day, w.month, w.year)
    ]
    pairs = [(c, w) for c, w in pairs if not _OPEN.search(claim[: c.start])]
    if not pairs:
        return []
    c, w = rng.choice(pairs)
    moved = _moved(c, rng)
    if any((d.day, d.month, d.year) == moved for d in full_dates(window)):
        return []

    def put(text: str, at: Date, value: tuple[int, int, int], day_first: bool) -> str:
        return text[: at.start] + _date(*value, day_first) + text[at.end :]

    first = rng.random() < 0.5
    same = put(claim, c, (c.day, c.month, c.year), first)
    c2 = put(claim, c, moved, first)
    w2 = put(window, w, moved, w.day_first)
    cases = square(window, w2, same, c2, REFUTES)
    on = re.search(r"\bon $", claim[: c.start])
    held = re.search(r"\bon $", window[: w.start])
    tail = claim[c.end :]
    if on and not tail.startswith(","):
        month, year = f"in {MONTHS[c.month]} {c.year}", f"in {c.year}"
        head = claim[: on.start()]
        cases.append((window, head + rng.choice((month, year)) + tail, SUPPORTS))
        wrong = f"in {MONTHS[(c.month + rng.choice((1, 3, 6))) % 12]} {c.year}"
        cases.append((window, head + wrong + tail, REFUTES))
        if held:
            vague = rng.choice((month, year))
            less = window[: held.start()] + vague + window[w.end :]
            apart = moved[2] != c.year or (vague == month and moved[1] != c.month)
            cases += [(less, claim, NEITHER), (less, c2, REFUTES if apart else NEITHER)]
    return cases


# A year behind these is one end of a span or only near.
_OPEN = re.compile(
    r"\b(?:before|after|since|until|from|between|by|to|and|about|around|circa|early|late|mid|as of|"
    r"during|of|earlier|later|til|till|than)[ -]$",
    re.IGNORECASE,
)


# "The 2008 Mercedes Cup" is another cup than that of 2009, not the same one misdated.
_IDENTITY = re.compile(r" (?:[A-Z]|\w+ (?:election|census|season|edition|tournament)s?\b)")


def year(window: str, claim: str, rng: Random) -> list[Case]:
    """The only year of the claim, moved by one to ten: refutes."""
    ours = list(_YEAR.finditer(claim))
    if len(ours) != 1 or full_dates(claim):
        return []
    old = ours[0]["y"]
    held = [m["y"] for m in _YEAR.finditer(window)]
    if held.count(old) != 1 or window.count(old) != 1:
        return []
    there = next(m for m in _YEAR.finditer(window) if m["y"] == old)
    if _IDENTITY.match(claim, ours[0].end()) and not claim[: ours[0].start()].endswith(
        (" a ", " an ")
    ):
        return []
    if _OPEN.search(claim[: ours[0].start()]) or _OPEN.search(window[: there.start()]):
        return []
    new = next(
        (
            y
            for y in (
                str(int(old) + rng.choice((1, -1, 2, -2, 3, -3, 5, 9, 10, -10))) for _ in range(4)
            )
            if y not in held and _in_order(held, old, y)
        ),
        None,
    )
    if new is None or int(new) > 2026:
        return []
    return square(window, window.replace(old, new), claim, claim.replace(old, new), REFUTES)


def _in_order(held: list[str], old: str, new: str) -> bool:
    """Whether the window's years stay in the order they were in."""
    others = [int(y) for y in held if y != old]
    return all((int(old) < y) == (int(new) < y) for y in others)


# Sheffield Wednesday, Sunday Reed.
_DAY_IN_NAME = re.compile(
    rf"\b[A-Z][\w.]+ (?:{_DAY})\b|\b(?:{_DAY}) (?!{MONTH})[A-Z]|\b(?:{_DAY})['’]"
)


def weekday(window: str, claim: str, rng: Random) -> list[Case]:
    """Another day of the week: refutes."""
    ours = re.findall(rf"\b(?:{_DAY})\b", claim)
    theirs = re.findall(rf"\b(?:{_DAY})\b", window)
    if len(ours) != 1 or theirs != ours or re.search(rf"(?:{_DAY})s\b", window):
        return []
    if _DAY_IN_NAME.search(claim) or _DAY_IN_NAME.search(window):
        return []
    new = rng.choice([day for day in _DAYS if day != ours[0]])
    return square(window, window.replace(ours[0], new), claim, claim.replace(ours[0], new), REFUTES)
