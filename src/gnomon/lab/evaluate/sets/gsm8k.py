"""GSM8K: sums in words (https://arxiv.org/abs/2110.14168); the harness's ``gsm8k``.

Of the training file only those questions are asked that chat tuning holds out
(``lab/chat/gathering.py``); its others are the solved examples.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gnomon.lab.chat.gathering import HELD_OUT_SHARE
from gnomon.lab.evaluate.reading import Row, rows_of
from gnomon.lab.evaluate.results import Result, commonest, share
from gnomon.lab.evaluate.scoring import Scorer
from gnomon.lab.evaluate.sets.contract import EvalSet, Run

NAME = "gsm8k"
SHOTS = 5
UNTIL = ("Question:", "</s>", "<|im_end|>")
_STRICT = re.compile(r"#### (\-?[0-9\.\,]+)")
_FLEXIBLE = re.compile(r"(-?[$0-9.,]{2,})|(-?[0-9]+)")
_IGNORED = (re.compile(","), re.compile(r"\$"), re.compile(r"(?s).*#### "), re.compile(r"\.$"))


@dataclass(frozen=True, slots=True)
class Item:
    """``solved`` are examples, the same for every item."""

    question: str
    answer: str
    solved: tuple[Row, ...]


def read(path: Path) -> list[Item]:
    rows = rows_of(path)
    if "train" in path.name:
        asked = [row for number, row in enumerate(rows, 1) if held_out(number)]
        solved = tuple(row for number, row in enumerate(rows, 1) if not held_out(number))[:8]
    else:
        asked, solved = rows[8:], tuple(rows[:8])
    return [Item(row["question"], row["answer"], solved) for row in asked]


def held_out(number: int) -> bool:
    """Whether chat tuning does not learn from this line of the training file (from 1 on)."""
    digest = hashlib.sha256(f"gsm8k:{number}".encode()).digest()
    return int.from_bytes(digest[:8], "big") % HELD_OUT_SHARE == 0


def ask(items: Sequence[Item], scorer: Scorer, run: Run) -> list[Result]:
    """``strict``: the number after ####; ``flexible``: the last number. Guessing is the commonest
    answer."""
    shots = SHOTS if run.shots is None else run.shots
    said = scorer.generate(
        [prompt_of(item, shots) for item in items], until=UNTIL, most=run.most, at=run.at
    )
    gold = [plain(item.answer) for item in items]
    told: list[Result] = []
    for metric, find in (("strict", strict), ("flexible", flexible)):
        hits = [plain(find(text)) == right for text, right in zip(said, gold, strict=True)]
        told.append(
            share(
                NAME, metric, hits, run.of, baseline=commonest(gold), guess="the commonest answer"
            )
        )
    return told


def prompt_of(item: Item, shots: int) -> str:
    solved = [f"Question: {row['question']}\nAnswer: {row['answer']}\n\n" for row in item.solved]
    return "".join(solved[:shots]) + f"Question: {item.question}\nAnswer:"


def strict(text: str) -> str:
    found = _STRICT.search(text)
    return found[1] if found else "[invalid]"


def flexible(text: str) -> str:
    found = _FLEXIBLE.findall(text)
    return next((group for group in found[-1] if group), "[invalid]") if found else "[invalid]"


def plain(text: str) -> str:
    """A number without what the harness ignores."""
    for one in _IGNORED:
        text = one.sub("", text)
    return text.lower()


SET = EvalSet(
    NAME, "sums in words", ("gsm8k_test", "gsm8k"), "https://arxiv.org/abs/2110.14168", 30, read,
    ask,
)  # fmt: skip
