"""Weekdays and dates of the Gregorian calendar."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, timedelta
from random import Random

from gnomon.lab.rl.tasks.task import Task, final, rng

NAME = "dates"
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
)  # fmt: skip
_DAY_FIRST = re.compile(r"(\d{1,2})(?:st|nd|rd|th)?(?: of)? ([A-Za-z]+),? (\d{4})")
_MONTH_FIRST = re.compile(r"([A-Za-z]+) (\d{1,2})(?:st|nd|rd|th)?,? (\d{4})")
_ISO = re.compile(r"(\d{4})-(\d{2})-(\d{2})")
_DAYS_OF = re.compile(r"(\d+)(?: days?)?")


class Dates:
    """1 gives the day after or before a date, within its month; 2 counts weekdays on, by up to 6;
    3 months; 4 adds days within a month; 5 across its end; 6 counts the days between two dates; 7
    gives a date's weekday."""

    name = NAME
    levels = 7

    def generate(self, seed: int, difficulty: int) -> Task:
        random = rng(NAME, seed, difficulty)
        prompt, key, answer = _MAKERS[difficulty](random)
        return Task(NAME, difficulty, key, prompt, answer)

    def check(self, tasks: Sequence[Task], replies: Sequence[str]) -> list[float]:
        return [
            float(_same(task.answer, final(reply)))
            for task, reply in zip(tasks, replies, strict=True)
        ]


def spoken(day: date) -> str:
    """``3 March 2021``"""
    return f"{day.day} {MONTHS[day.month - 1]} {day.year}"


def read(text: str) -> date | None:
    """A whole date and nothing else: ``3 March 2021``, ``March 3, 2021`` or ``2021-03-03``."""
    if found := _ISO.fullmatch(text):
        year, month, day = (int(part) for part in found.groups())
    elif found := _DAY_FIRST.fullmatch(text):
        day, month, year = int(found[1]), _month(found[2]), int(found[3])
    elif found := _MONTH_FIRST.fullmatch(text):
        day, month, year = int(found[2]), _month(found[1]), int(found[3])
    else:
        return None
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _month(name: str) -> int:
    """1 to 12; 0 is none."""
    return next((i for i, known in enumerate(MONTHS, 1) if known.lower() == name.lower()), 0)


def _same(wanted: str, given: str) -> bool:
    if (day := read(wanted)) is not None:
        return read(given) == day
    if wanted.isdigit():
        found = _DAYS_OF.fullmatch(given)
        return found is not None and int(found[1]) == int(wanted)
    return given.lower() == wanted.lower()


def _day(random: Random) -> date:
    return date(1990, 1, 1) + timedelta(days=random.randrange(365 * 45))


def _next(random: Random) -> tuple[str, str, str]:
    step, word = random.choice(((1, "after"), (-1, "before")))
    while True:
        start = _day(random)
        end = start + timedelta(days=step)
        if end.month == start.month:
            return f"Which date is the day {word} {spoken(start)}?", f"{start}{step:+}", spoken(end)


def _weekdays(random: Random) -> tuple[str, str, str]:
    start, n = random.randrange(7), random.randint(1, 6)
    later = "1 day" if n == 1 else f"{n} days"
    return f"Which day is {later} after {DAYS[start]}?", f"{start}+{n}", DAYS[(start + n) % 7]


def _months(random: Random) -> tuple[str, str, str]:
    start, n = random.randrange(12), random.randint(1, 6)
    later = "1 month" if n == 1 else f"{n} months"
    return (
        f"Which month is {later} after {MONTHS[start]}?",
        f"{start}+{n}",
        MONTHS[(start + n) % 12],
    )


def _later(random: Random, *, across: bool) -> tuple[str, str, str]:
    while True:
        start, n = _day(random), random.randint(1, 25)
        end = start + timedelta(days=n)
        if (end.month != start.month) == across:
            later = "1 day" if n == 1 else f"{n} days"
            return f"Which date is {later} after {spoken(start)}?", f"{start}+{n}", spoken(end)


def _between(random: Random) -> tuple[str, str, str]:
    start, n = _day(random), random.randint(2, 90)
    end = start + timedelta(days=n)
    prompt = f"How many days are there from {spoken(start)} to {spoken(end)}?"
    return prompt, f"{start}..{end}", str(n)


def _weekday(random: Random) -> tuple[str, str, str]:
    day = _day(random)
    return f"Which weekday was {spoken(day)}?", str(day), DAYS[day.weekday()]


_MAKERS = {
    1: _next,
    2: _weekdays,
    3: _months,
    4: lambda random: _later(random, across=False),
    5: lambda random: _later(random, across=True),
    6: _between,
    7: _weekday,
}
