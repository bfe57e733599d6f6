"""Documents that say one thing over and over, and documents that are not made of sentences.

The rules and thresholds of Gopher, tables A1 and A1.1 of https://arxiv.org/abs/2112.11446, for
documents of ``FEWEST_WORDS`` words and, where lines are counted, ``FEWEST_LINES``. Gopher has no
shorter ones than 50 words; between 50 and 200 most that its rules dropped of real posts was well
said (docs/lab-data.md). In a post only what cannot be meant is dropped: a character or a word
that fills it. In Chinese and Japanese two characters count as a word.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from gnomon.lab.data.documents import Document
from gnomon.text.tokens import CJK, is_cjk, words

FEWEST_WORDS, FEWEST_LINES = 200, 8
DUPLICATE_LINES, DUPLICATE_PARAGRAPHS = 0.30, 0.30
DUPLICATE_LINE_CHARS, DUPLICATE_PARAGRAPH_CHARS = 0.20, 0.20
TOP = {2: 0.20, 3: 0.18, 4: 0.16}
"""Share of characters that the most frequent n-gram may take."""
DUPLICATE = {5: 0.15, 6: 0.14, 7: 0.13, 8: 0.12, 9: 0.11, 10: 0.10}
"""Share of characters that lie in n-grams which come again."""

MEAN_WORD = (3.0, 10.0)
SYMBOLS_PER_WORD = 0.10
BULLET_LINES = 0.90
ELLIPSIS_LINES = 0.30
WORDS_WITH_LETTERS = 0.80
STOP_WORDS = frozenset("the be to of and that have with".split())
FEWEST_STOP_WORDS = 2

RUN = 12
"""A character that often in a row is a run; ellipses and rules under headings are shorter or are
no letters."""
RUNS_SHARE = 0.30
ONE_WORD_SHARE = 0.50
FEWEST_FOR_ONE_WORD = 6

_RUN = re.compile(rf"([^\s\d._=*~#-])\1{{{RUN - 1},}}")
_LETTER = re.compile(r"[^\W\d_]")
_BULLET = re.compile(r"\s*(?:[-*•‣▪○●·–]|\d{1,2}[.)])\s")
_SYMBOL = re.compile(r"#|\.\.\.|…")


def rule(document: Document) -> Document | str:
    """Drops with ``repetition`` or ``form``, and which of the rules it was."""
    text = document.text
    runs = sum(len(found.group()) for found in _RUN.finditer(text))
    if runs > RUNS_SHARE * len(text):
        return f"repetition: {runs / len(text):.0%} of it are runs of one character"
    said = words(text)
    if len(said) < FEWEST_WORDS:
        return _short(said) or document
    return _repeats(text, said) or _malformed(text, said, document.lang) or document


def _short(said: Sequence[str]) -> str:
    if len(said) < FEWEST_FOR_ONE_WORD:
        return ""
    count = max(Counter(said).values())
    if count > ONE_WORD_SHARE * len(said):
        return f"repetition: one word is {count} of its {len(said)}"
    return ""


def _repeats(text: str, said: Sequence[str]) -> str:
    for name, parts, most, most_chars in (
        ("lines", text.split("\n"), DUPLICATE_LINES, DUPLICATE_LINE_CHARS),
        ("paragraphs", text.split("\n\n"), DUPLICATE_PARAGRAPHS, DUPLICATE_PARAGRAPH_CHARS),
    ):
        parts = [part.strip() for part in parts if part.strip()]
        if len(parts) < FEWEST_LINES:
            continue
        again = _again(parts)
        share, chars = again[0], again[1] / max(1, len(text))
        if share > most:
            return f"repetition: {share:.0%} of its {name} came before"
        if chars > most_chars:
            return f"repetition: {name} that came before are {chars:.0%} of it"
    grams = _Grams(said, 2 if is_cjk(text) else 1)
    for n, most in TOP.items():
        if (share := grams.top(n)) > most:
            return f"repetition: one {n}-gram is {share:.0%} of it"
    for n, most in DUPLICATE.items():
        if (share := grams.duplicate(n)) > most:
            return f"repetition: {n}-grams that come again are {share:.0%} of it"
    return ""


def _again(parts: Sequence[str]) -> tuple[float, int]:
    """The share of parts that came before, and their characters."""
    seen: set[str] = set()
    count = chars = 0
    for part in parts:
        if part in seen:
            count, chars = count + 1, chars + len(part)
        seen.add(part)
    return count / max(1, len(parts)), chars


class _Grams:
    """N-grams of a document's words as hashes. ``wide`` characters count as a word."""

    def __init__(self, said: Sequence[str], wide: int) -> None:
        names: dict[str, int] = {}
        self._ids = np.array([names.setdefault(w, len(names)) for w in said], dtype=np.uint64)
        self._sizes = np.array([len(w) for w in said], dtype=np.int64)
        self._ends = np.concatenate([[0], np.cumsum(self._sizes)])
        self._wide = wide

    def _of(self, n: int) -> tuple[npt.NDArray[np.uint64], int]:
        n *= self._wide
        count = len(self._ids) - n + 1
        if count < 2:
            return np.zeros(0, np.uint64), n
        grams = np.zeros(count, np.uint64)
        with np.errstate(over="ignore"):
            for i in range(n):
                grams = grams * np.uint64(0x9E3779B97F4A7C15) + self._ids[i : i + count]
        return grams, n

    def top(self, n: int) -> float:
        """Share of the words' characters in the most frequent n-gram, where it comes again."""
        grams, n = self._of(n)
        if not len(grams):
            return 0.0
        _, first, count = np.unique(grams, return_index=True, return_counts=True)
        best = int(np.argmax(count))
        if count[best] < 2:
            return 0.0
        at = int(first[best])
        size = int(self._ends[at + n] - self._ends[at])
        return float(size * int(count[best]) / max(1, self._ends[-1]))

    def duplicate(self, n: int) -> float:
        """Share of the words' characters in n-grams that came before, each counted once."""
        grams, n = self._of(n)
        if not len(grams):
            return 0.0
        _, first = np.unique(grams, return_index=True)
        again = np.ones(len(grams), np.bool_)
        again[first] = False
        covered = np.zeros(len(self._ids) + 1, np.int64)
        np.add.at(covered, np.flatnonzero(again), 1)
        np.add.at(covered, np.flatnonzero(again) + n, -1)
        inside = np.cumsum(covered)[:-1] > 0
        return float(self._sizes[inside].sum() / max(1, self._ends[-1]))


def _malformed(text: str, said: Sequence[str], lang: str) -> str:
    """Gopher's quality rules, but for the number of words, which is ``length``'s."""
    lines = [line for line in text.split("\n") if line.strip()]
    lines = lines if len(lines) >= FEWEST_LINES else [""]
    letters = sum(bool(_LETTER.search(word)) for word in said)
    checks: list[tuple[Callable[[], float], float, str]] = [
        (lambda: len(_SYMBOL.findall(text)) / len(said), SYMBOLS_PER_WORD, "symbols a word"),
        (lambda: sum(bool(_BULLET.match(x)) for x in lines) / len(lines), BULLET_LINES, "bullets"),
        (
            lambda: sum(x.rstrip().endswith(("...", "…")) for x in lines) / len(lines),
            ELLIPSIS_LINES,
            "lines that break off",
        ),
        (lambda: 1 - letters / len(said), 1 - WORDS_WITH_LETTERS, "words without a letter"),
    ]
    for measure, most, name in checks:
        if (value := measure()) > most:
            return f"form: {name} are {value:.0%}, over {most:.0%}"
    if any(word[0] >= CJK[0] for word in said):
        return ""
    mean = sum(map(len, said)) / len(said)
    if not MEAN_WORD[0] <= mean <= MEAN_WORD[1]:
        return f"form: its words have {mean:.1f} letters on average"
    if lang == "en" and len(STOP_WORDS.intersection(said)) < FEWEST_STOP_WORDS:
        return "form: it has none of the words that sentences are made with"
    return ""
