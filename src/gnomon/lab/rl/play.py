"""The learner at its tasks: replies drawn from it, and its own opinion of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from gnomon.lab.chat.conversations import Turn
from gnomon.lab.chat.made import question_of_judge
from gnomon.lab.chat.render import prompt
from gnomon.lab.model.generate import PAD, Continuation, generate
from gnomon.lab.model.gpt import GPT
from gnomon.lab.rl.rewards import Reward, columns_of
from gnomon.lab.rl.tasks import Task
from gnomon.lab.tokenizer.encoding import Words

_AT_ONCE = 512
"""Replies that are drawn side by side."""


@dataclass(frozen=True, slots=True)
class Reply:
    """``made`` holds the reply's tokens with their log-probabilities, ``text`` its words."""

    task: Task
    asked: tuple[int, ...]
    made: Continuation
    text: str


@dataclass(frozen=True, slots=True)
class Player:
    """A model with its tokenizer. ``max_new`` tokens of a reply at most."""

    model: GPT
    words: Words
    max_new: int
    temperature: float = 1.0

    def asked(self, task: Task) -> list[int]:
        """The tokens that the model goes on from."""
        return prompt(self.words, (Turn("user", task.prompt),))

    def fits(self, task: Task) -> bool:
        """Whether the task leaves room for its demonstration, and the demonstration fits."""
        answer = len(self.words.encode(task.demonstration)) + 1
        room = self.model.shape.context - len(self.asked(task))
        return answer <= min(room, self.max_new)

    def replies(
        self, tasks: Sequence[Task], copies: int, *, seed: int, temperature: float | None = None
    ) -> list[Reply]:
        """``copies`` replies to each task, one task's side by side. Temperature 0: the likeliest.
        The same weights and seed give the same replies."""
        at = self.temperature if temperature is None else temperature
        wanted = [task for task in tasks for _ in range(copies)]
        device = self.model.head.device
        drawn = torch.Generator(device).manual_seed(seed)
        found: list[Reply] = []
        for first in range(0, len(wanted), _AT_ONCE):
            part = wanted[first : first + _AT_ONCE]
            asked = [tuple(self.asked(task)) for task in part]
            made = generate(
                self.model, asked, max_new=self.max_new, temperature=at,
                stop=(self.words.turn_end, self.words.end), generator=drawn,
            )  # fmt: skip
            found += [
                Reply(task, ids, one, self.words.decode(one.ids).strip())
                for task, ids, one in zip(part, asked, made, strict=True)
            ]
        return found

    @torch.inference_mode()
    def sure(self, questions: Sequence[str], replies: Sequence[str]) -> list[float]:
        """How likely the model finds "yes" rather than "no" when it is asked whether each reply is
        right, 0 to 1. Where question and reply do not fit its context, 0."""
        yes, no = self.words.encode("yes")[0], self.words.encode("no")[0]
        assert yes != no, "the first tokens of yes and no differ in any byte-level vocabulary"
        asked = [
            prompt(self.words, (Turn("user", question_of_judge(question, reply)),))
            for question, reply in zip(questions, replies, strict=True)
        ]
        found = [0.0] * len(asked)
        fit = [i for i, ids in enumerate(asked) if len(ids) < self.model.shape.context]
        for first in range(0, len(fit), _AT_ONCE):
            part = fit[first : first + _AT_ONCE]
            chances = self._next([asked[i] for i in part], (yes, no))
            for i, (a, b) in zip(part, chances, strict=True):
                found[i] = a / (a + b)
        return found

    def _next(self, prompts: Sequence[Sequence[int]], tokens: tuple[int, int]) -> list[list[float]]:
        """The probabilities of two tokens after each prompt."""
        device = self.model.head.device
        longest = max(map(len, prompts))
        ids = torch.zeros((len(prompts), longest), dtype=torch.long)
        segments = torch.full((len(prompts), longest), PAD, dtype=torch.int32)
        for row, one in enumerate(prompts):
            ids[row, : len(one)] = torch.tensor(one)
            segments[row, : len(one)] = 0
        last = torch.tensor([len(one) - 1 for one in prompts])
        hidden = self.model.hidden(ids.to(device), segments=segments.to(device))
        rows = hidden[torch.arange(len(prompts)), last.to(device)]
        chances = torch.softmax((rows @ self.model.head.T).float(), dim=-1)
        pair: list[list[float]] = (chances[:, list(tokens)] + 1e-9).tolist()
        return pair


def paid(reward: Reward, replies: Sequence[Reply], step: int) -> list[float]:
    """What a reward gives each reply. A reply that was cut off at its greatest length is shown to
    the reward as it is: whether it is an answer is the reward's to say."""
    tasks = [one.task for one in replies]
    return reward(
        [task.prompt for task in tasks], [one.text for one in replies],
        step=[step] * len(tasks), **columns_of(tasks),
    )  # fmt: skip


def means(rewards: Sequence[float], copies: int) -> list[float]:
    """Each task's mean over its replies."""
    return [sum(rewards[i : i + copies]) / copies for i in range(0, len(rewards), copies)]
