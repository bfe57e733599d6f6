"""Pairs as token ids in batches: what a training step eats. No torch here."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from gnomon.lab.verifier.pairs import Pair

if TYPE_CHECKING:
    from tokenizers import Tokenizer

# A window of three sentences and a claim; in the training sets 96 of 100 pairs are shorter.
MAX_TOKENS = 128


@dataclass(frozen=True, slots=True)
class Encoded:
    """One pair as ids: ``[CLS] window [SEP] claim [SEP]``; ``types`` is 1 from the claim on."""

    ids: np.ndarray
    types: np.ndarray
    label: int


@dataclass(frozen=True, slots=True)
class Batch:
    """``[n, tokens]`` int64 arrays, zero-padded; ``labels`` ``[n]``."""

    ids: np.ndarray
    types: np.ndarray
    mask: np.ndarray
    labels: np.ndarray


def prepared(tokenizer: Tokenizer) -> Tokenizer:
    """``tokenizer`` set up as the verifier reads: too long a window loses its beginning, since its
    last sentence is what is judged; nothing is padded here."""
    tokenizer.no_padding()
    tokenizer.enable_truncation(MAX_TOKENS, strategy="longest_first", direction="left")
    return tokenizer


def encode(tokenizer: Tokenizer, pairs: Sequence[Pair]) -> list[Encoded]:
    """``pairs`` as ids, in order."""
    found = []
    for start in range(0, len(pairs), 1024):
        part = pairs[start : start + 1024]
        texts = [(pair.window, pair.claim) for pair in part]
        for pair, code in zip(part, tokenizer.encode_batch(texts), strict=True):
            ids, types = np.array(code.ids, np.int32), np.array(code.type_ids, np.int8)
            found.append(Encoded(ids, types, pair.label))
    return found


def padded(items: Sequence[Encoded]) -> Batch:
    """One batch, as wide as its longest pair."""
    width = max(len(item.ids) for item in items)
    ids, types, mask = (np.zeros((len(items), width), np.int64) for _ in range(3))
    for row, item in enumerate(items):
        n = len(item.ids)
        ids[row, :n], types[row, :n], mask[row, :n] = item.ids, item.types, 1
    return Batch(ids, types, mask, np.array([item.label for item in items], np.int64))


# Pairs sorted by length within so many batches: little padding, and still a shuffle.
POOL = 50


def batches(items: Sequence[Encoded], size: int, *, seed: int) -> Iterator[list[int]]:
    """One epoch as rows of indices, each of like lengths, in an order fixed by ``seed``."""
    rng = random.Random(seed)
    order = list(range(len(items)))
    rng.shuffle(order)
    rows: list[list[int]] = []
    for start in range(0, len(order), size * POOL):
        pool = sorted(order[start : start + size * POOL], key=lambda i: len(items[i].ids))
        rows += [pool[i : i + size] for i in range(0, len(pool), size)]
    rng.shuffle(rows)
    yield from rows
