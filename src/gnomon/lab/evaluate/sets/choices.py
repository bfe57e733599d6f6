"""Questions with given answers: the likeliest of them is what the model says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gnomon.lab.evaluate.results import Result, commonest, share
from gnomon.lab.evaluate.scoring import Scorer
from gnomon.lab.evaluate.sets.contract import Run


@dataclass(frozen=True, slots=True)
class Question:
    """``choices`` as they stand after the prompt and a space; ``gold`` is the place of the right
    one."""

    prompt: str
    choices: tuple[str, ...]
    gold: int


def ask_choices(
    name: str, questions: Sequence[Question], scorer: Scorer, run: Run, *, normed: bool
) -> list[Result]:
    """``acc``: the likeliest choice is right; with ``normed`` also ``acc_norm``: the likeliest for
    its length in characters (what the harness calls by that name; it measures characters, not
    bytes). Guessing is the better of chance and of always the commonest place."""
    pairs = [(one.prompt, f" {choice}") for one in questions for choice in one.choices]
    scored = iter(scorer.score(pairs, lambda done: run.at(done * len(questions) // len(pairs))))
    plain: list[bool] = []
    by_length: list[bool] = []
    for one in questions:
        chances = np.array([next(scored).log_prob for _ in one.choices])
        lengths = np.array([max(1, len(choice)) for choice in one.choices])
        plain.append(int(chances.argmax()) == one.gold)
        by_length.append(int((chances / lengths).argmax()) == one.gold)
    chance = float(np.mean([1 / len(one.choices) for one in questions]))
    majority = commonest([one.gold for one in questions])
    guess = "chance" if chance >= majority else "always the commonest place"
    told = {"acc": plain} | ({"acc_norm": by_length} if normed else {})
    return [
        share(name, metric, hits, run.of, baseline=max(chance, majority), guess=guess)
        for metric, hits in told.items()
    ]
