"""The arms: what a run takes for a right answer. All have TRL's signature, so that any of them
trains a small model here and a large one there (``trl.py``).

A reward is called with lists of one length: ``prompts``, ``completions`` (texts, or lists of
messages) and the columns of the tasks, and gives a float for each
(https://huggingface.co/docs/trl/grpo_trainer#using-a-custom-reward-function).
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any, Protocol

from gnomon.errors import InputError
from gnomon.lab.rl.tasks import Family, Task, final

ARMS = ("verifiable", "self-judged", "majority", "random")
Said = str | Sequence[Mapping[str, str]]
"""A prompt or a completion: a text, or messages."""
Judge = Callable[[Sequence[str], Sequence[str]], list[float]]
"""How sure a model is, 0 to 1, that each reply to each question is right."""


class Reward(Protocol):
    """``columns`` are lists as long as ``completions``; what a reward does not need it leaves."""

    def __call__(
        self, prompts: Sequence[Said], completions: Sequence[Said], **columns: Any
    ) -> list[float]: ...


def columns_of(tasks: Sequence[Task]) -> dict[str, list[Any]]:
    """Tasks as the columns that rewards read; a data set for TRL has the same."""
    return {
        "family": [task.family for task in tasks],
        "difficulty": [task.difficulty for task in tasks],
        "key": [task.key for task in tasks],
        "answer": [task.answer for task in tasks],
        "facts": [dict(task.facts) for task in tasks],
    }


def text_of(said: Said) -> str:
    """The last message's words, or the text itself."""
    if isinstance(said, str):
        return said
    return said[-1]["content"] if said else ""


def verifiable(families: Mapping[str, Family]) -> Reward:
    """1 where the family's own checker takes the reply, else 0."""

    def verifiable_reward(
        prompts: Sequence[Said], completions: Sequence[Said], **columns: Any
    ) -> list[float]:
        tasks = _tasks(prompts, columns)
        rewards = [0.0] * len(tasks)
        for name in dict.fromkeys(columns["family"]):
            places = [i for i, task in enumerate(tasks) if task.family == name]
            found = _family(families, name).check(
                [tasks[i] for i in places], [text_of(completions[i]) for i in places]
            )
            for i, reward in zip(places, found, strict=True):
                rewards[i] = reward
        return rewards

    return verifiable_reward


def self_judged(judge: Judge) -> Reward:
    """How sure the judge is that the reply is right; nobody checks the judge. Where the learner is
    its own, this is self-rewarding (https://arxiv.org/abs/2401.10020)."""

    def self_judged_reward(
        prompts: Sequence[Said], completions: Sequence[Said], **columns: Any
    ) -> list[float]:
        return judge([text_of(one) for one in prompts], [text_of(one) for one in completions])

    return self_judged_reward


def majority() -> Reward:
    """1 for the answer that most replies to the same prompt give (https://arxiv.org/abs/2504.16084).
    Where no answer is given more often than every other, there is no majority and none is paid."""

    def majority_reward(
        prompts: Sequence[Said], completions: Sequence[Said], **columns: Any
    ) -> list[float]:
        votes: dict[str, Counter[str]] = defaultdict(Counter)
        asked = [text_of(one) for one in prompts]
        given = [final(text_of(one)).lower() for one in completions]
        for prompt, answer in zip(asked, given, strict=True):
            votes[prompt][answer] += 1
        won = {prompt: _winner(counted) for prompt, counted in votes.items()}
        return [float(won[one] == answer) for one, answer in zip(asked, given, strict=True)]

    return majority_reward


def _winner(votes: Counter[str]) -> str | None:
    """The answer with more votes than any other."""
    (first, most), *rest = votes.most_common(2)
    return first if not rest or most > rest[0][1] else None


def by_chance(seed: int) -> Reward:
    """1 or 0 by a coin: what any other arm must beat (https://arxiv.org/abs/2506.10947). The coin
    goes by the step (a column of ours, or TRL's ``trainer_state``) and the place in the batch, so a
    resumed run throws the same."""

    def random_reward(
        prompts: Sequence[Said], completions: Sequence[Said], **columns: Any
    ) -> list[float]:
        steps = columns.get("step")
        state = columns.get("trainer_state")
        step = steps[0] if steps else getattr(state, "global_step", 0)
        coin = Random(f"{seed}/{step}")
        return [float(coin.random() < 0.5) for _ in completions]

    return random_reward


def opened(arm: str, families: Mapping[str, Family], judge: Judge, seed: int) -> Reward:
    """An arm by its name. Raises InputError."""
    made: Mapping[str, Callable[[], Reward]] = {
        "verifiable": lambda: verifiable(families),
        "self-judged": lambda: self_judged(judge),
        "majority": majority,
        "random": lambda: by_chance(seed),
    }
    if arm not in made:
        raise InputError(f"{arm!r} is no arm; choose from {', '.join(ARMS)}.")
    return made[arm]()


def _tasks(prompts: Sequence[Said], columns: Mapping[str, Any]) -> list[Task]:
    """The tasks again, from their columns."""
    return [
        Task(family, int(difficulty), key, text_of(prompt), answer, facts=_texts(facts))
        for prompt, family, difficulty, key, answer, facts in zip(
            prompts, columns["family"], columns["difficulty"], columns["key"],
            columns["answer"], columns["facts"], strict=True,
        )
    ]  # fmt: skip


def _texts(facts: Mapping[str, Any] | str) -> dict[str, str]:
    """Facts as they came: a mapping, or JSON (``trl.rows``). A table's rows all have the same
    fields; those that a task does not have come as None."""
    held: Mapping[str, Any] = json.loads(facts) if isinstance(facts, str) else facts
    return {name: str(value) for name, value in held.items() if value is not None}


def _family(families: Mapping[str, Family], name: str) -> Family:
    found = families.get(name)
    if found is None:
        raise InputError(
            f"a task of the family {name!r} came, and only {', '.join(families)} are open here."
        )
    return found
