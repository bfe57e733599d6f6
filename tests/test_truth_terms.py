"""Terms are the same whoever asks, and however many ask at once."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from gnomon.truth import terms

ENDINGS = ("ing", "ed", "s", "ational", "fulness", "ously", "izer", "ability", "ness", "ies")
WORDS = [f"{c}{v}r{d}{end}" for c in "bcdfgm" for v in "aeio" for d in "ktv" for end in ENDINGS]


@pytest.fixture
def eager_switches() -> Iterator[None]:
    """Threads take turns as often as the interpreter can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("eager_switches")
def test_stems_of_two_questions_at_once_are_those_of_one() -> None:
    terms.stem.cache_clear()
    alone = [terms.stem(word) for word in WORDS]
    terms.stem.cache_clear()  # or nothing would be stemmed below
    halves = WORDS, WORDS[::-1], WORDS[1::2] + WORDS[::2]
    with ThreadPoolExecutor(len(halves)) as pool:
        beside = list(pool.map(lambda words: [terms.stem(word) for word in words], halves))
    want = dict(zip(WORDS, alone, strict=True))
    for words, found in zip(halves, beside, strict=True):
        assert [word for word, got in zip(words, found, strict=True) if got != want[word]] == []
    terms.stem.cache_clear()
