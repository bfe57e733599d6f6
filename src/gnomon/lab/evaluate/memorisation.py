"""How much of what a model was trained on can be drawn out of it again.

A training text's first tokens are given and the likeliest continuation is compared with how the
text really goes on (Carlini et al. 2022, https://arxiv.org/abs/2202.07646, definition 3.1 with
greedy decoding). Texts that were never trained on are asked in the same way: what they give is
what any text would.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from random import Random
from typing import Any

from gnomon.lab.evaluate import intervals
from gnomon.lab.evaluate.scoring import At, Ids, TokenScorer, nobody
from gnomon.lab.shards import Tokens

PREFIX = 32
"""Tokens that are given, and at most half of a short text; the paper gives 50 to 500."""
AFTER = 50
"""Tokens that are compared, as in the paper, or what a short text has left."""
LEAST = 12
"""A continuation of fewer tokens is easily guessed."""
NEARLY = 0.8
RUN = 50


@dataclass(frozen=True, slots=True)
class Drawn:
    """Of ``n`` texts: the shares that came out word for word, with at least ``NEARLY`` of their
    tokens in place, or with a run of ``RUN`` tokens; 95 % intervals beside."""

    n: int
    exact: float
    exact_interval: tuple[float, float]
    nearly: float
    nearly_interval: tuple[float, float]
    run: float
    tokens_in_place: float


@dataclass(frozen=True, slots=True)
class Probe:
    """``trained`` on texts of the corpus, ``never`` on texts that were held out of it."""

    trained: Drawn
    never: Drawn
    prefix: int
    after: int

    def as_json(self) -> dict[str, Any]:
        """As it comes back from a file, too: intervals are lists."""
        told: dict[str, Any] = json.loads(json.dumps(asdict(self)))
        return told


def probe(
    scorer: TokenScorer, train: Tokens, val: Tokens, *, count: int, seed: int = 0, at: At = nobody
) -> Probe | None:
    """Ask ``count`` texts of each split; None where a split has none that is long enough."""
    context = scorer.context
    prefix = min(PREFIX, context // 2)
    after = min(AFTER, context - prefix)
    splits = [
        list(_chosen(tokens, count, prefix, after, seed + number))
        for number, tokens in enumerate((train, val))
    ]
    if not all(splits):
        return None
    drawn: list[Drawn] = []
    for number, asked in enumerate(splits):
        before = number * len(splits[0])
        made = scorer.continue_ids(
            [given for given, _ in asked], most=after, at=partial(_after, at, before)
        )
        drawn.append(_compared([real for _, real in asked], made))
    return Probe(drawn[0], drawn[1], prefix, after)


def _after(at: At, before: int, done: int) -> None:
    at(before + done)


def _chosen(
    tokens: Tokens, count: int, prefix: int, after: int, seed: int
) -> Iterator[tuple[list[int], list[int]]]:
    """Texts drawn at random, as what is given and what follows."""
    order = list(range(tokens.documents))
    Random(seed).shuffle(order)
    found = 0
    for number in order:
        if found == count:
            return
        ids = tokens.document(number)
        given = min(prefix, len(ids) // 2)
        real = ids[given : given + after]
        if len(real) >= LEAST:
            found += 1
            yield [int(i) for i in ids[:given]], [int(i) for i in real]


def _compared(real: Sequence[Ids], made: Sequence[Ids]) -> Drawn:
    n = len(real)
    places = [same(one, other) for one, other in zip(real, made, strict=True)]
    exact = sum(share == 1.0 for share in places)
    nearly = sum(share >= NEARLY for share in places)
    runs = sum(
        longest_run(one, other) >= min(RUN, len(one))
        for one, other in zip(real, made, strict=True)
        if len(one) >= RUN
    )
    return Drawn(
        n=n,
        exact=exact / n,
        exact_interval=intervals.wilson(exact, n),
        nearly=nearly / n,
        nearly_interval=intervals.wilson(nearly, n),
        run=runs / n,
        tokens_in_place=sum(places) / n,
    )


def same(real: Ids, made: Ids) -> float:
    """The share of ``real``'s tokens that ``made`` has in their places."""
    return sum(one == other for one, other in zip(real, made, strict=False)) / len(real)


def longest_run(real: Ids, made: Ids) -> int:
    """Of tokens in a row that are equal in their places."""
    longest = now = 0
    for one, other in zip(real, made, strict=False):
        now = now + 1 if one == other else 0
        longest = max(longest, now)
    return longest
