"""HellaSwag: how a scene goes on (https://arxiv.org/abs/1905.07830); the harness's
``hellaswag``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from gnomon.lab.evaluate.reading import Row, rows_of
from gnomon.lab.evaluate.results import Result
from gnomon.lab.evaluate.scoring import Scorer
from gnomon.lab.evaluate.sets.choices import Question, ask_choices
from gnomon.lab.evaluate.sets.contract import EvalSet, Run

NAME = "hellaswag"


def read(path: Path) -> list[Question]:
    return [_question(row) for row in rows_of(path)]


def _question(row: Row) -> Question:
    """The publisher's row (``activity_label``, ``ctx_a``, ``ctx_b``), or one whose ``ctx`` has been
    put together and cleaned already."""
    if "ctx_a" in row:
        context = f"{row['activity_label']}: {row['ctx_a']} {row['ctx_b'].capitalize()}"
        prompt, endings = cleaned(context), [cleaned(one) for one in row["endings"]]
    else:
        prompt, endings = row["ctx"], row["endings"]
    return Question(prompt, tuple(endings), int(row["label"]))


def cleaned(text: str) -> str:
    """Without what is left of WikiHow's markup, as the harness does it."""
    text = text.strip().replace(" [title]", ". ")
    return re.sub(r"\[.*?\]", "", text).replace("  ", " ")


def ask(items: Sequence[Question], scorer: Scorer, run: Run) -> list[Result]:
    return ask_choices(NAME, items, scorer, run, normed=True)


SET = EvalSet(
    NAME, "how a scene goes on", ("hellaswag",), "https://arxiv.org/abs/1905.07830", 200, read, ask
)
