"""One quantity in another unit, by definitions that are exact (SI Brochure, 9th edition,
https://www.bipm.org/en/publications/si-brochure; the inch and the foot of 1959)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction
from random import Random

from gnomon.lab.rl.tasks.task import Task, final, rng

NAME = "units"
# Larger unit, smaller unit, how many of the smaller are one of the larger.
_TENS = (
    ("metre", "decimetre", 10), ("metre", "centimetre", 100), ("kilometre", "metre", 1000),
    ("kilogram", "gram", 1000), ("litre", "millilitre", 1000),
)  # fmt: skip
_OTHERS = (
    ("week", "day", 7), ("foot", "inch", 12), ("day", "hour", 24), ("hour", "minute", 60),
    ("minute", "second", 60), ("hour", "second", 3600),
)  # fmt: skip
_PLURALS = {"foot": "feet", "inch": "inches"}
_REPLY = re.compile(r"([-−]?\d+(?:,\d{3})*(?:\.\d+)?)\s*([°]?[A-Za-z ]*)")


class Units:
    """1 has factors of ten, 2 others, 3 goes from the smaller unit to the
    larger, 4 has halves, 5 two units at once, 6 degrees Celsius and Fahrenheit."""

    name = NAME
    levels = 6

    def generate(self, seed: int, difficulty: int) -> Task:
        random = rng(NAME, seed, difficulty)
        prompt, key, value, unit, worked = _MAKERS[difficulty](random)
        facts = {"unit": unit}
        return Task(NAME, difficulty, key, prompt, _shown(value), worked, facts)

    def check(self, tasks: Sequence[Task], replies: Sequence[str]) -> list[float]:
        return [float(_right(task, reply)) for task, reply in zip(tasks, replies, strict=True)]


def _right(task: Task, reply: str) -> bool:
    """The number alone, or with the unit that was asked for, and nothing else."""
    found = _REPLY.fullmatch(final(reply))
    if found is None:
        return False
    number, unit = found[1].replace(",", "").replace("−", "-"), found[2].strip().lower()
    if unit and unit not in (task.facts["unit"], _plural(task.facts["unit"])):
        return False
    return Fraction(number) == Fraction(task.answer)


def _plural(unit: str) -> str:
    return _PLURALS.get(unit, unit if unit.startswith("degree") else f"{unit}s")


def _shown(value: Fraction) -> str:
    """Whole, or a decimal that ends."""
    return str(value.numerator) if value.denominator == 1 else f"{float(value):.10g}"


_Made = tuple[str, str, Fraction, str, str]


def _down(random: Random, table: tuple[tuple[str, str, int], ...], most: int) -> _Made:
    larger, smaller, factor = random.choice(table)
    n = random.randint(2, most)
    prompt = f"How many {_plural(smaller)} are {n} {_plural(larger)}?"
    return prompt, f"{n} {larger} {smaller}", Fraction(n * factor), smaller, ""


def _up(random: Random) -> _Made:
    larger, smaller, factor = random.choice(_TENS + _OTHERS)
    n = random.randint(2, 30)
    prompt = f"How many {_plural(larger)} are {n * factor} {_plural(smaller)}?"
    return prompt, f"{n * factor} {smaller} {larger}", Fraction(n), larger, ""


def _halves(random: Random) -> _Made:
    larger, smaller, factor = random.choice(_TENS + _OTHERS[3:])
    n = Fraction(2 * random.randint(1, 12) + 1, 2)
    prompt = f"How many {_plural(smaller)} are {_shown(n)} {_plural(larger)}?"
    return prompt, f"{n} {larger} {smaller}", n * factor, smaller, ""


def _two_units(random: Random) -> _Made:
    larger, smaller, factor = random.choice(_TENS[1:] + _OTHERS[2:5])
    n, rest = random.randint(1, 12), random.randint(1, min(factor, 60) - 1)
    prompt = f"How many {_plural(smaller)} are {n} {_plural(larger)} and {rest} {_plural(smaller)}?"
    worked = f"{n} * {factor} = {n * factor}, {n * factor} + {rest} = {n * factor + rest}"
    return prompt, f"{n} {larger} {rest} {smaller}", Fraction(n * factor + rest), smaller, worked


def _degrees(random: Random) -> _Made:
    celsius = 5 * random.randint(-8, 40)
    fahrenheit = celsius * 9 // 5 + 32
    if random.random() < 0.5:
        worked = f"{celsius} * 9 / 5 = {celsius * 9 // 5}, plus 32 = {fahrenheit}"
        prompt = f"How many degrees Fahrenheit are {celsius} degrees Celsius?"
        return prompt, f"{celsius}C", Fraction(fahrenheit), "degrees fahrenheit", worked
    worked = f"{fahrenheit} - 32 = {fahrenheit - 32}, times 5 / 9 = {celsius}"
    prompt = f"How many degrees Celsius are {fahrenheit} degrees Fahrenheit?"
    return prompt, f"{fahrenheit}F", Fraction(celsius), "degrees celsius", worked


_MAKERS = {
    1: lambda random: _down(random, _TENS, 99),
    2: lambda random: _down(random, _OTHERS, 12),
    3: _up,
    4: _halves,
    5: _two_units,
    6: _degrees,
}
