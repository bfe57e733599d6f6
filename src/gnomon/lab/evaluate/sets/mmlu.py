"""MMLU: knowledge in 57 subjects (https://arxiv.org/abs/2009.03300); the harness's ``mmlu``,
averaged over questions. Its ``dev`` file beside it has the solved examples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from gnomon.lab.evaluate.reading import Row, find, rows_of
from gnomon.lab.evaluate.results import Result
from gnomon.lab.evaluate.scoring import Scorer
from gnomon.lab.evaluate.sets.choices import Question, ask_choices
from gnomon.lab.evaluate.sets.contract import EvalSet, Run

NAME = "mmlu"
LETTERS = ("A", "B", "C", "D")
SHOTS = 0
"""As the harness's task has it; papers mostly tell five."""


@dataclass(frozen=True, slots=True)
class Item:
    """``solved`` are examples of the same subject, in their order."""

    row: Row
    solved: tuple[Row, ...]


def read(path: Path) -> list[Item]:
    solved: dict[str, list[Row]] = {}
    dev = find(path.parent, ("mmlu_dev",))
    for row in rows_of(dev) if dev and dev != path else ():
        solved.setdefault(row["subject"], []).append(row)
    return [Item(row, tuple(solved.get(row["subject"], ()))) for row in rows_of(path)]


def ask(items: Sequence[Item], scorer: Scorer, run: Run) -> list[Result]:
    shots = SHOTS if run.shots is None else run.shots
    questions = [
        Question(prompt_of(item, shots), LETTERS, LETTERS.index(item.row["answer"]))
        for item in items
    ]
    return ask_choices(NAME, questions, scorer, run, normed=False)


def prompt_of(item: Item, shots: int) -> str:
    """The subject, ``shots`` solved examples, the question."""
    subject = item.row["subject"].replace("_", " ")
    head = f"The following are multiple choice questions (with answers) about {subject}.\n\n"
    solved = [f"{_asked(row)} {row['answer']}\n\n" for row in item.solved[:shots]]
    return head + "".join(solved) + _asked(item.row)


def _asked(row: Mapping[str, str]) -> str:
    lines = [f"{letter}. {text}" for letter, text in zip(LETTERS, row["choices"], strict=True)]
    return "\n".join([row["question"].strip(), *lines, "Answer:"])


SET = EvalSet(
    NAME, "knowledge in 57 subjects", ("mmlu_test", "mmlu_val"),
    "https://arxiv.org/abs/2009.03300", 400, read, ask,
)  # fmt: skip
