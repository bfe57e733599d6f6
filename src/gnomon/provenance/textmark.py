"""A mark in the words of a model's text: tournament sampling (SynthID-Text).

Dathathri et al. 2024, https://doi.org/10.1038/s41586-024-08025-4. Which token comes next is still
drawn from the model's distribution, but the draw is steered by keyed bits: every candidate gets
``DEPTH`` of them from the secret and the ``CONTEXT`` tokens before it, and in each of so many
rounds the candidate with the bit 1 wins against one with 0. Averaged over secrets the distribution
is the model's own, so a text of it reads as one without; who has the secret sees that the bits of
the tokens are 1 too often. A context that was seen before in the text steers nothing, so that
repetition is not made worse.

The detector's score is in standard deviations from what a text has that does not know the secret;
it exceeds t there with a chance of at most exp(-t**2 / 2) (Hoeffding), whoever wrote it. It needs
the tokenizer of the model. It finds nothing in short texts, in texts of which the model was sure
anyway (few bits of choice), after rewording or translation, and in texts of other models.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

DEPTH = 30
"""Rounds of the tournament, as in the paper."""
CONTEXT = 4
"""Tokens before a token that its bits depend on: with the token, n-grams of 5, as in the paper."""
MOST_CANDIDATES = 200
"""Likeliest tokens that take part; what a sampler would keep."""
FEWEST_TOKENS = 50
"""Below it, nothing is said."""
THRESHOLD = 4.0
"""At most one false alarm in exp(8) = 2,981."""
_WEIGHTS = np.linspace(10.0, 1.0, DEPTH)
"""The first rounds tell most; the weights of the paper's weighted mean."""

Ids = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Found:
    """What the detector says of a text. ``tokens`` are those that count (each context once);
    ``p`` is at most how probable the score is in a text that does not know the secret."""

    found: bool
    score: float
    p: float
    tokens: int
    enough: bool


class TextMark:
    """The mark of one secret."""

    def __init__(self, secret: bytes) -> None:
        self._secret = hashlib.blake2b(b"gnomon-text-1" + secret, digest_size=32).digest()

    def bits(self, context: Sequence[int], candidates: Ids) -> NDArray[np.uint8]:
        """The keyed bits of each candidate after a context, [n, DEPTH]."""
        said = np.asarray(context[-CONTEXT:], dtype="<i8").tobytes()
        seed = hashlib.blake2b(said, key=self._secret, digest_size=8).digest()
        mixed = _mixed(candidates.astype(np.uint64) ^ np.uint64(int.from_bytes(seed, "little")))
        rounds = np.arange(DEPTH, dtype=np.uint64)
        return ((mixed[:, None] >> rounds) & np.uint64(1)).astype(np.uint8)

    def steer(self, probs: NDArray[np.float64], bits: NDArray[np.uint8]) -> NDArray[np.float64]:
        """The distribution of the tournament's winner: in each round two are drawn and the bit
        decides, so p grows by 1 + bit - mean(bit) (the paper's equation for two competitors)."""
        for one in bits.T:
            # Never below 0, as rounding would have it where one token is all but sure.
            probs = probs * np.maximum(1.0 + one - float(probs @ one), 0.0)
            probs /= probs.sum()
        return probs

    def detect(self, ids: Sequence[int]) -> Found:
        """How much a text, as tokens, knows of the secret."""
        seen: set[tuple[int, ...]] = set()
        rows = []
        for at in range(CONTEXT, len(ids)):
            context = tuple(ids[at - CONTEXT : at])
            if context not in seen:
                seen.add(context)
                rows.append(self.bits(context, np.array([ids[at]], dtype=np.int64))[0])
        if not rows:
            return Found(False, 0.0, 1.0, 0, enough=False)
        ones = np.asarray(rows, dtype=np.float64) - 0.5
        deviation = math.sqrt(len(rows) * float(np.square(_WEIGHTS).sum())) / 2
        score = float((ones @ _WEIGHTS).sum()) / deviation
        p = math.exp(-score * score / 2) if score > 0 else 1.0
        enough = len(rows) >= FEWEST_TOKENS
        return Found(enough and score >= THRESHOLD, round(score, 2), p, len(rows), enough)


def go_on(
    following: Callable[[list[int]], tuple[Ids, NDArray[np.float32]]],
    prompt: Sequence[int],
    mark: TextMark | None,
    *,
    max_new: int,
    temperature: float = 1.0,
    stop: Collection[int] = (),
    seed: int = 0,
) -> Iterator[int]:
    """Tokens that continue ``prompt``, drawn from ``following`` (the likeliest tokens after given
    ones and their log-probabilities, best first), marked unless ``mark`` is None; ends at a token
    of ``stop``, which does not come."""
    random = np.random.default_rng(seed)
    ids = list(prompt)
    seen: set[tuple[int, ...]] = set()
    for _ in range(max_new):
        best, logs = following(ids)
        best, logs = best[:MOST_CANDIDATES], logs[:MOST_CANDIDATES].astype(np.float64)
        weights = np.exp((logs - logs[0]) / max(temperature, 1e-6))
        probs = weights / weights.sum()
        context = tuple(ids[-CONTEXT:])
        if mark is not None and context not in seen:
            seen.add(context)
            probs = mark.steer(probs, mark.bits(context, best))
        token = int(random.choice(best, p=probs))
        if token in stop:
            return
        ids.append(token)
        yield token


def _mixed(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """splitmix64's finaliser (Steele et al. 2014, https://doi.org/10.1145/2660193.2660195)."""
    with np.errstate(over="ignore"):
        values = values + np.uint64(0x9E3779B97F4A7C15)
        values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return values ^ (values >> np.uint64(31))
