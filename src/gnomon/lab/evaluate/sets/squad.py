"""SQuAD 2: reading English, where a question may have no answer (https://arxiv.org/abs/1806.03822);
the harness's ``squadv2``, with the official normalisation."""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gnomon.lab.evaluate import intervals
from gnomon.lab.evaluate.reading import rows_of
from gnomon.lab.evaluate.results import Result, share
from gnomon.lab.evaluate.scoring import Scorer
from gnomon.lab.evaluate.sets.contract import EvalSet, Run

NAME = "squad2"


@dataclass(frozen=True, slots=True)
class Asked:
    """``answers`` is empty where the passage does not tell."""

    prompt: str
    answers: tuple[str, ...]


def read(path: Path) -> list[Asked]:
    return [
        Asked(
            f"Title: {row['title']}\n\nBackground: {row['context']}\n\n"
            f"Question: {row['question']}\n\nAnswer:",
            tuple(answer["text"] for answer in row["answers"]),
        )
        for row in rows_of(path)
    ]


def ask(items: Sequence[Asked], scorer: Scorer, run: Run) -> list[Result]:
    """``exact`` and ``f1`` over all questions, ``HasAns_f1`` over those with an answer. Guessing
    is to say nothing."""
    prompts = [one.prompt for one in items]
    said = scorer.generate(prompts, until=("\n",), most=run.most, at=run.at)
    pairs = list(zip(items, said, strict=True))
    exact = [any(one == normal(text) for one in _gold(item)) for item, text in pairs]
    f1 = [max(overlap(one, normal(text)) for one in _gold(item)) for item, text in pairs]
    silent = sum(not item.answers for item in items) / len(items)
    told = [
        share(NAME, "exact", exact, run.of, baseline=silent, guess="no answer"),
        _mean("f1", f1, run.of, silent),
    ]
    answered = [value for value, item in zip(f1, items, strict=True) if item.answers]
    return told + ([_mean("HasAns_f1", answered, run.of, 0.0)] if answered else [])


def _gold(item: Asked) -> list[str]:
    return [one for one in map(normal, item.answers) if one] or [""]


def _mean(metric: str, values: Sequence[float], of: int, silent: float) -> Result:
    low, high = intervals.mean(values)
    value = sum(values) / len(values)
    return Result(NAME, metric, value, low, high, len(values), of, silent, "no answer")


def normal(text: str) -> str:
    """Lower case, without punctuation, articles and double spaces (``evaluate-v2.0.py`` of
    https://rajpurkar.github.io/SQuAD-explorer/)."""
    bare = "".join(char for char in text.lower() if char not in set(string.punctuation))
    return " ".join(re.sub(r"\b(a|an|the)\b", " ", bare).split())


def overlap(gold: str, said: str) -> float:
    """F1 over words."""
    wanted, found = gold.split(), said.split()
    if not wanted or not found:
        return float(wanted == found)
    same = sum((Counter(wanted) & Counter(found)).values())
    return 2 * same / (len(wanted) + len(found))


SET = EvalSet(
    NAME, "reading English", ("squad2", "squad"), "https://arxiv.org/abs/1806.03822", 40, read, ask
)
