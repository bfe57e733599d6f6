"""Sums, differences, products and quotients of whole numbers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from random import Random

from gnomon.lab.rl.tasks.task import Task, final, rng

NAME = "arithmetic"
_NUMBER = re.compile(r"[-−]?\d+(?:,\d{3})*")


class Arithmetic:
    """1 adds a digit to a number below 100 without a carry, 2 adds and takes away below 20, 3 does
    so below 100, 4 is the times table, 5 adds and takes away below 1,000, 6 multiplies two digits
    by one, 7 divides without rest, 8 has three terms and an order of operations."""

    name = NAME
    levels = 8

    def generate(self, seed: int, difficulty: int) -> Task:
        random = rng(NAME, seed, difficulty)
        shown, key, result, worked = _MAKERS[difficulty](random)
        form = random.choice(("What is {}?", "{} ="))
        return Task(NAME, difficulty, key, form.format(shown), str(result), worked)

    def check(self, tasks: Sequence[Task], replies: Sequence[str]) -> list[float]:
        return [
            float(_value(reply) == int(task.answer))
            for task, reply in zip(tasks, replies, strict=True)
        ]


def _value(reply: str) -> int | None:
    """The answer if it is one number and nothing else: a reply of many numbers names none."""
    text = final(reply)
    if not _NUMBER.fullmatch(text):
        return None
    return int(text.replace(",", "").replace("−", "-"))


def _sum(a: int, b: int, worked: str = "") -> tuple[str, str, int, str]:
    low, high = sorted((a, b))
    return f"{a} + {b}", f"{low}+{high}", a + b, worked


def _without_carry(random: Random) -> tuple[str, str, int, str]:
    """The easiest has many tasks, not a table of 55 to be learnt by heart."""
    a = random.randint(0, 99)
    return _sum(a, random.randint(0, 9 - a % 10))


def _difference(a: int, b: int) -> tuple[str, str, int, str]:
    high, low = max(a, b), min(a, b)
    return f"{high} - {low}", f"{high}-{low}", high - low, ""


def _either(random: Random, most: int) -> tuple[str, str, int, str]:
    a, b = random.randint(0, most), random.randint(0, most)
    return _sum(a, b) if random.random() < 0.5 else _difference(a, b)


def _product(a: int, b: int, worked: str = "") -> tuple[str, str, int, str]:
    low, high = sorted((a, b))
    return f"{a} * {b}", f"{low}*{high}", a * b, worked


def _long_product(random: Random) -> tuple[str, str, int, str]:
    a, b = random.randint(12, 99), random.randint(3, 9)
    tens, ones = a // 10 * 10, a % 10
    worked = f"{tens} * {b} = {tens * b}, {ones} * {b} = {ones * b}, sum {a * b}"
    return _product(a, b, worked)


def _quotient(random: Random) -> tuple[str, str, int, str]:
    a, b = random.randint(2, 12), random.randint(2, 12)
    return f"{a * b} / {b}", f"{a * b}/{b}", a, ""


def _three_terms(random: Random) -> tuple[str, str, int, str]:
    a, b, c = random.randint(2, 50), random.randint(2, 12), random.randint(2, 12)
    worked = f"{b} * {c} = {b * c}, {a} + {b * c} = {a + b * c}"
    return f"{a} + {b} * {c}", f"{a}+{b}*{c}", a + b * c, worked


_MAKERS = {
    1: _without_carry,
    2: lambda random: _either(random, 19),
    3: lambda random: _either(random, 99),
    4: lambda random: _product(random.randint(2, 12), random.randint(2, 12)),
    5: lambda random: _either(random, 999),
    6: _long_product,
    7: _quotient,
    8: _three_terms,
}
