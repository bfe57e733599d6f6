"""FLORES-200: translation between English and Chinese, both ways
(https://arxiv.org/abs/2207.04672). The prompt is that of the harness's FLORES tasks; scores are
sacrebleu's (https://github.com/mjpost/sacrebleu), in points of 100."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from gnomon.lab.evaluate import intervals
from gnomon.lab.evaluate.reading import rows_of
from gnomon.lab.evaluate.results import Result
from gnomon.lab.evaluate.scoring import At, Scorer
from gnomon.lab.evaluate.sets.contract import EvalSet, Run

NAME = "flores200"
LANGUAGES = {"en": ("eng_Latn", "English"), "zh": ("zho_Hans", "Chinese")}


@dataclass(frozen=True, slots=True)
class Pair:
    en: str
    zh: str


def read(path: Path) -> list[Pair]:
    return [Pair(*(row[code] for code, _ in LANGUAGES.values())) for row in rows_of(path)]


def ask(items: Sequence[Pair], scorer: Scorer, run: Run) -> list[Result]:
    def at(before: int) -> At:
        return lambda done: run.at((before + done) // 2)

    found: list[Result] = []
    for number, (source, target) in enumerate((("en", "zh"), ("zh", "en"))):
        given = [getattr(one, source) for one in items]
        wanted = [getattr(one, target) for one in items]
        prompts = [prompt_of(text, source, target) for text in given]
        said = scorer.generate(prompts, until=("\n",), most=run.most, at=at(number * len(items)))
        found += _scores(f"{NAME} {source}-{target}", said, wanted, given, target, run.of)
    return found


def prompt_of(text: str, source: str, target: str) -> str:
    return f"{LANGUAGES[source][1]} sentence: {text}\n{LANGUAGES[target][1]} sentence:"


def _scores(
    name: str, said: Sequence[str], wanted: Sequence[str], given: Sequence[str], target: str,
    of: int,
) -> list[Result]:  # fmt: skip
    """chrF++ (https://aclanthology.org/W17-4770/) and BLEU, Chinese cut into characters; guessing
    is to leave the sentence as it is."""
    told = [text.strip() for text in said]
    found: list[Result] = []
    for metric, scorer in metrics(target).items():
        value = float(scorer.corpus_score(told, [list(wanted)]).score)
        copied = float(scorer.corpus_score(list(given), [list(wanted)]).score)
        low, high = _interval(scorer, told, wanted)
        found.append(
            Result(
                name, metric, value, low, high, len(told), of, copied, "left as it is"
            )
        )  # fmt: skip
    return found


def _interval(scorer: Any, said: Sequence[str], wanted: Sequence[str]) -> tuple[float, float]:
    """Over sentences drawn anew, from each one's counts. (sacrebleu's own bootstrap cannot add up
    where a score is nought.)"""
    counts = np.array(scorer._extract_corpus_statistics(list(said), [list(wanted)]), float)
    rng = np.random.default_rng(0)
    drawn = rng.integers(0, len(counts), (intervals.RESAMPLES, len(counts)))
    scores = [scorer._compute_score_from_stats(counts[one].sum(0).tolist()).score for one in drawn]
    low, high = np.percentile(scores, (2.5, 97.5))
    return float(low), float(high)


def metrics(target: str) -> dict[str, Any]:
    from sacrebleu.metrics import BLEU, CHRF

    return {"chrf++": CHRF(word_order=2), "bleu": BLEU(tokenize="zh" if target == "zh" else "13a")}


SET = EvalSet(
    NAME, "translation, English and Chinese", ("flores200", "flores"),
    "https://arxiv.org/abs/2207.04672", 30, read, ask,
)  # fmt: skip
