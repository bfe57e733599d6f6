"""Which pictures a round shows, so that nothing but looking at them helps.

Each question is first a coin: machine or person, an even chance that no earlier question tells
anything about (a round of exactly half and half could be counted out like cards). Then a picture of
that kind is taken that the person has not seen. That goes on only while *both* kinds have such a
picture left: a new picture would otherwise be known by being new. What comes after that is filled
with others, which do not count.
"""

from __future__ import annotations

import random
from collections.abc import Collection

from gnomon.errors import InputError
from gnomon.types.quiz import By, Dealt, Exhibit, Exhibition

KINDS: tuple[By, By] = ("machine", "person")


def deal(
    exhibition: Exhibition, n: int, key: bytes, seen: Collection[str] = ()
) -> tuple[Dealt, ...]:
    """``n`` questions, no picture twice. ``key`` decides, and is to be a secret; ``seen`` are the
    SHA-256 of pictures that the person was shown before. Raises InputError for a number that cannot
    be had."""
    if not 1 <= n <= exhibition.most:
        raise InputError(f"The round is of {n} questions; this quiz has 1 to {exhibition.most}.")
    chance = random.Random(key)
    new, rest = _piles(exhibition, seen, chance)
    dealt = []
    for _ in range(n):
        by = KINDS[chance.getrandbits(1)]
        fresh = all(new.values())
        if not fresh:
            for kind in KINDS:
                rest[kind] += new[kind]
                new[kind] = []
        dealt.append(Dealt((new if fresh else rest)[by].pop(), fresh))
    return tuple(dealt)


def fresh_left(exhibition: Exhibition, seen: Collection[str]) -> int:
    """About how many more answers of one person can count."""
    left = [sum(one.by == by and one.sha256 not in seen for one in exhibition.exhibits)
            for by in KINDS]  # fmt: skip
    return min(left)


def _piles(
    exhibition: Exhibition, seen: Collection[str], chance: random.Random
) -> tuple[dict[By, list[Exhibit]], dict[By, list[Exhibit]]]:
    """Of each kind what is new to the person and what is not, each shuffled."""
    new: dict[By, list[Exhibit]] = {}
    rest: dict[By, list[Exhibit]] = {}
    for by in KINDS:
        pile = [one for one in exhibition.exhibits if one.by == by]
        chance.shuffle(pile)
        new[by] = [one for one in pile if one.sha256 not in seen]
        rest[by] = [one for one in pile if one.sha256 in seen]
    return new, rest
