"""PIQA: which of two ways to do a thing works (https://arxiv.org/abs/1911.11641); the harness's
``piqa``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from gnomon.lab.evaluate.reading import rows_of
from gnomon.lab.evaluate.results import Result
from gnomon.lab.evaluate.scoring import Scorer
from gnomon.lab.evaluate.sets.choices import Question, ask_choices
from gnomon.lab.evaluate.sets.contract import EvalSet, Run

NAME = "piqa"


def read(path: Path) -> list[Question]:
    return [
        Question(f"Question: {row['goal']}\nAnswer:", (row["sol1"], row["sol2"]), int(row["label"]))
        for row in rows_of(path)
    ]


def ask(items: Sequence[Question], scorer: Scorer, run: Run) -> list[Result]:
    return ask_choices(NAME, items, scorer, run, normed=True)


SET = EvalSet(
    NAME, "which of two ways works", ("piqa",), "https://arxiv.org/abs/1911.11641", 250, read, ask
)
