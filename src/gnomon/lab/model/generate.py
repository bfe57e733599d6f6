"""Text from a model: many prompts at once, each token drawn from the model's own distribution."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from gnomon.errors import InputError
from gnomon.lab.model.gpt import GPT, Cache

PAD = -1
"""The segment of columns that hold nothing."""


@dataclass(frozen=True, slots=True)
class Continuation:
    """What followed one prompt. ``ids`` end with the stop token where one came (``stopped``).
    ``log_probs``, one for each id, are under the distribution that was drawn from before the cut at
    ``top_p``: the logits divided by the temperature (by 1 for temperature 0)."""

    ids: tuple[int, ...]
    log_probs: tuple[float, ...]
    stopped: bool


@torch.inference_mode()
def generate(
    model: GPT,
    prompts: Sequence[Sequence[int]],
    *,
    max_new: int,
    temperature: float = 1.0,
    top_p: float = 1.0,
    stop: Collection[int] = (),
    generator: torch.Generator | None = None,
) -> list[Continuation]:
    """Go on from each prompt, in order, until a token of ``stop``, ``max_new`` tokens, or the end
    of the context.

    Temperature 0 takes the likeliest token. ``top_p`` keeps the likeliest tokens that together have
    that probability (https://arxiv.org/abs/1904.09751). Raises InputError for an empty prompt and
    for one that fills the context."""
    if not prompts:
        return []
    _check(model, prompts)
    was_training = model.training
    model.eval()
    try:
        return _Batch(model, prompts, max_new, frozenset(stop)).run(temperature, top_p, generator)
    finally:
        model.train(was_training)


def _check(model: GPT, prompts: Sequence[Sequence[int]]) -> None:
    context = model.shape.context
    for number, prompt in enumerate(prompts):
        if not 0 < len(prompt) < context:
            raise InputError(
                f"prompt {number} has {len(prompt)} tokens; this model takes 1 to {context - 1}."
            )


class _Batch:
    """Prompts side by side, padded on the left: since positions are relative
    (https://arxiv.org/abs/2104.09864), where a row begins does not matter."""

    def __init__(
        self, model: GPT, prompts: Sequence[Sequence[int]], max_new: int, stop: frozenset[int]
    ) -> None:
        self.model, self.stop = model, stop
        longest = max(map(len, prompts))
        self.room = [min(max_new, model.shape.context - len(prompt)) for prompt in prompts]
        self.steps = max(self.room)
        device = model.head.device
        self.ids = torch.zeros((len(prompts), longest), dtype=torch.long)
        self.segments = torch.full((len(prompts), longest), PAD, dtype=torch.int32)
        for row, prompt in enumerate(prompts):
            self.ids[row, longest - len(prompt) :] = torch.as_tensor(prompt, dtype=torch.long)
            self.segments[row, longest - len(prompt) :] = 0
        self.ids, self.segments = self.ids.to(device), self.segments.to(device)
        self.cache = Cache(model, len(prompts), longest + self.steps)

    def run(
        self, temperature: float, top_p: float, generator: torch.Generator | None
    ) -> list[Continuation]:
        count = len(self.room)
        made: list[list[int]] = [[] for _ in range(count)]
        sure: list[list[float]] = [[] for _ in range(count)]
        stopped = [False] * count
        going = list(range(count))
        ids, segments = self.ids, self.segments
        for _ in range(self.steps):
            hidden = self.model.hidden(ids, segments=segments, cache=self.cache)[:, -1]
            logits = torch.nn.functional.linear(hidden, self.model.head).float()
            chosen, log_probs = draw(logits, temperature, top_p, generator)
            for row, token, log_prob in zip(
                going, chosen.tolist(), log_probs.tolist(), strict=True
            ):
                made[row].append(token)
                sure[row].append(log_prob)
                stopped[row] = token in self.stop
            stay = [
                place
                for place, row in enumerate(going)
                if not stopped[row] and len(made[row]) < self.room[row]
            ]
            if not stay:
                break
            if len(stay) < len(going):
                rows = torch.tensor(stay, device=chosen.device)
                self.cache.keep(rows)
                chosen, going = chosen[rows], [going[place] for place in stay]
            ids = chosen[:, None]
            segments = torch.zeros_like(ids, dtype=torch.int32)
        return [
            Continuation(tuple(ids), tuple(logs), end)
            for ids, logs, end in zip(made, sure, stopped, strict=True)
        ]


def draw(
    logits: Tensor, temperature: float, top_p: float, generator: torch.Generator | None
) -> tuple[Tensor, Tensor]:
    """One token for each row of ``logits`` ``[n, vocab]``, and its log-probability."""
    logs = torch.log_softmax(logits / (temperature or 1.0), dim=-1)
    if temperature == 0:
        chosen = logs.argmax(dim=-1)
    else:
        chances = logs.exp()
        if top_p < 1:
            chances = nucleus(chances, top_p)
        chosen = torch.multinomial(chances, 1, generator=generator).squeeze(1)
    return chosen, logs.gather(1, chosen[:, None]).squeeze(1)


def nucleus(chances: Tensor, top_p: float) -> Tensor:
    """``chances`` ``[n, vocab]`` with zeros outside the fewest tokens whose sum reaches
    ``top_p``; the likeliest always stays."""
    ordered, order = chances.sort(dim=-1, descending=True)
    beyond = ordered.cumsum(dim=-1) - ordered >= top_p
    beyond[:, 0] = False
    return chances.masked_fill(torch.zeros_like(beyond).scatter(1, order, beyond), 0.0)
