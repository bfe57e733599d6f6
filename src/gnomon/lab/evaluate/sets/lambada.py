"""LAMBADA: the last word of a passage that needs all of it (https://arxiv.org/abs/1606.06031);
the task ``lambada_openai`` of the harness."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from gnomon.lab.evaluate import intervals
from gnomon.lab.evaluate.reading import rows_of
from gnomon.lab.evaluate.results import Result, commonest, share
from gnomon.lab.evaluate.scoring import Scorer
from gnomon.lab.evaluate.sets.contract import EvalSet, Run

NAME = "lambada"


def read(path: Path) -> list[str]:
    """Passages that have a word before the last."""
    return [row["text"] for row in rows_of(path) if " " in row["text"].strip()]


def ask(items: Sequence[str], scorer: Scorer, run: Run) -> list[Result]:
    pairs = [(" ".join(text.split(" ")[:-1]), " " + text.split(" ")[-1]) for text in items]
    scored = scorer.score(pairs, run.at)
    losses = [-one.log_prob for one in scored]
    low, high = intervals.mean(losses)
    return [
        share(
            NAME, "acc", [one.greedy for one in scored], run.of,
            baseline=commonest([last for _, last in pairs]), guess="always the commonest last word",
        ),
        Result(
            NAME, "perplexity", _exp(sum(losses) / len(losses)), _exp(low), _exp(high), len(items),
            run.of, higher_is_better=False,
        ),
    ]  # fmt: skip


def _exp(value: float) -> float:
    return math.exp(min(value, 700.0))


SET = EvalSet(
    NAME, "the last word of a passage", ("lambada",), "https://arxiv.org/abs/1606.06031", 300,
    read, ask,
)  # fmt: skip
