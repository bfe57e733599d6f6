"""Scorers on torch: the lab's own model, and any folder that ``transformers`` opens."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from gnomon.errors import InputError
from gnomon.lab.evaluate.scoring import At, Ids, Scored, TokenScorer, nobody
from gnomon.lab.model import stock
from gnomon.lab.model.generate import generate
from gnomon.lab.tokenizer import encoding

BATCH_TOKENS = 8192
"""Tokens of one pass, padding included."""
LOGITS = 2**25
"""Numbers that are made at once where a hidden state becomes logits."""
GENERATED_AT_ONCE = 64
PLAIN = frozenset({"llama", "mistral", "qwen2", "qwen3"})
"""Architectures whose logits are just their head over their last hidden state, so that it need not
be taken where nobody asks."""


class TorchScorer(TokenScorer):
    """``pieces`` are the texts of all tokens, by id."""

    device: torch.device

    @abstractmethod
    def _hidden(self, ids: Tensor) -> Tensor:
        """``[B, T, width]`` of ``ids`` ``[B, T]``, padded on the right."""

    @abstractmethod
    def _head(self, hidden: Tensor) -> Tensor:
        """Logits ``[n, vocab]`` of ``[n, width]``."""

    @torch.inference_mode()
    def score_ids(self, pairs: Sequence[tuple[Ids, Ids]], at: At) -> list[Scored]:
        """Continuations that are read after the same tokens (the letters of one question) are
        read together."""
        found: list[Scored | None] = [None] * len(pairs)
        rows: dict[tuple[int, ...], list[int]] = {}
        for number, (before, after) in enumerate(pairs):
            rows.setdefault((*before, *after[:-1]), []).append(number)
        done = 0
        for batch in by_length(list(rows), BATCH_TOKENS):
            owners = [rows[row] for row in batch]
            self._score(batch, owners, pairs, found)
            done += sum(map(len, owners))
            at(done)
        return [one for one in found if one is not None]

    def _score(
        self, batch: Sequence[tuple[int, ...]], owners: Sequence[Sequence[int]],
        pairs: Sequence[tuple[Ids, Ids]], found: list[Scored | None],
    ) -> None:  # fmt: skip
        ids = torch.zeros((len(batch), max(map(len, batch))), dtype=torch.long)
        for number, row in enumerate(batch):
            ids[number, : len(row)] = torch.tensor(row)
        hidden = self._hidden(ids.to(self.device))
        spans: list[tuple[int, int]] = []
        states: list[Tensor] = []
        targets: list[int] = []
        for number, (row, asked) in enumerate(zip(batch, owners, strict=True)):
            for pair in asked:
                after = pairs[pair][1]
                states.append(hidden[number, len(row) - len(after) : len(row)])
                spans.append((pair, len(after)))
                targets += after
        log_probs, likeliest = self._compared(torch.cat(states), torch.tensor(targets))
        first = 0
        for pair, size in spans:
            last = first + size
            found[pair] = Scored(
                float(log_probs[first:last].sum()), bool(likeliest[first:last].all()), size
            )
            first = last

    def _compared(self, states: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """Of each state the target's log-probability, float64 ``[n]``, and whether it is the
        likeliest."""
        pieces: list[tuple[Tensor, Tensor]] = []
        targets = targets.to(self.device)
        step = 1024
        first = 0
        while first < len(states):
            logits = self._head(states[first : first + step]).float()
            step = max(1, LOGITS // logits.shape[-1])
            asked = targets[first : first + len(logits)]
            chances = torch.log_softmax(logits, -1)
            own = chances.gather(1, asked[:, None]).squeeze(1)
            pieces.append((own.double().cpu(), (logits.argmax(-1) == asked).cpu()))
            first += len(logits)
        return torch.cat([own for own, _ in pieces]), torch.cat([best for _, best in pieces])

    @lru_cache(maxsize=16)  # noqa: B019  # as long as the scorer lives
    def _ending(self, until: tuple[str, ...]) -> tuple[int, ...]:
        """Tokens that hold a text of ``until`` whole: one of them ends a continuation."""
        stops = [stop for stop in until if stop]
        return tuple(
            number
            for number in range(self._vocab())
            if any(stop in self.decode([number]) for stop in stops)
        )

    @abstractmethod
    def _vocab(self) -> int: ...

    def continue_ids(
        self, prompts: Sequence[Ids], *, most: int, until: Sequence[str] = (), at: At = nobody
    ) -> list[list[int]]:
        found: list[list[int]] = [[] for _ in prompts]
        order = sorted(range(len(prompts)), key=lambda number: -len(prompts[number]))
        for first in range(0, len(order), GENERATED_AT_ONCE):
            batch = order[first : first + GENERATED_AT_ONCE]
            made = self._continue([prompts[n] for n in batch], most, self._ending(tuple(until)))
            for number, ids in zip(batch, made, strict=True):
                found[number] = ids
            at(first + len(batch))
        return found

    @abstractmethod
    def _continue(
        self, prompts: Sequence[Ids], most: int, ending: tuple[int, ...]
    ) -> list[list[int]]:
        """Ends of documents are left off; tokens of ``ending`` are not."""

    def close(self) -> None:
        return None


class GptScorer(TorchScorer):
    """The lab's own model and tokenizer, from their folders. Raises InputError."""

    def __init__(self, model: Path, tokenizer: Path, *, device: str = "cpu") -> None:
        self.device = torch.device(device)
        self.model = stock.load(model).to(self.device)
        if self.device.type == "cpu":
            self.model.float()
        self.words = encoding.load(tokenizer)
        self.name = model.name
        self.context = self.model.shape.context
        self.start = self.words.end
        if self.words.vocab > self.model.shape.vocab:
            raise InputError(
                f"{tokenizer} has {self.words.vocab:,} tokens and {model} "
                f"{self.model.shape.vocab:,}; give the two that were trained together."
            )

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        return self.words.encode_all(texts)

    def decode(self, ids: Ids) -> str:
        return self.words.decode(ids)

    def _hidden(self, ids: Tensor) -> Tensor:
        return self.model.hidden(ids)

    def _head(self, hidden: Tensor) -> Tensor:
        return torch.nn.functional.linear(hidden, self.model.head)

    def _vocab(self) -> int:
        return self.words.vocab

    def _continue(
        self, prompts: Sequence[Ids], most: int, ending: tuple[int, ...]
    ) -> list[list[int]]:
        ends = (self.words.end, self.words.turn_end)
        made = generate(self.model, prompts, max_new=most, temperature=0.0, stop={*ends, *ending})
        return [_without(one.ids, ends) for one in made]


class StockScorer(TorchScorer):
    """A folder that ``transformers`` opens. Raises InputError."""

    def __init__(self, folder: Path, *, device: str = "cpu") -> None:
        from transformers import AutoModelForCausalLM, AutoTokenizer
        from transformers.utils import logging

        logging.disable_progress_bar()
        self.device = torch.device(device)
        kind = torch.float32 if self.device.type == "cpu" else torch.bfloat16
        try:
            self.model: Any = AutoModelForCausalLM.from_pretrained(
                folder, dtype=kind, local_files_only=True
            )
            self.tokenizer: Any = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        except (OSError, ValueError, KeyError) as error:
            raise InputError(f"{folder} is no model that transformers opens: {error}") from error
        self.model.eval().to(self.device)
        self.name = folder.name
        self.context = int(self.model.config.max_position_embeddings)
        told = self.tokenizer
        starts = (told.bos_token_id, told.eos_token_id)
        self.start = next(int(one) for one in starts if one is not None)
        ends = self.model.generation_config.eos_token_id
        listed = ends if isinstance(ends, list) else [] if ends is None else [ends]
        self.ends = tuple({*listed, *(one for one in (told.eos_token_id,) if one is not None)})
        self._plain = self.model.config.model_type in PLAIN

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        found: list[list[int]] = self.tokenizer(
            list(texts), add_special_tokens=False, split_special_tokens=True
        )["input_ids"]
        return found

    def decode(self, ids: Ids) -> str:
        return str(self.tokenizer.decode(list(ids), skip_special_tokens=True))

    def _hidden(self, ids: Tensor) -> Tensor:
        told: Tensor = (
            self.model.base_model(ids).last_hidden_state if self._plain else self.model(ids).logits
        )
        return told

    def _head(self, hidden: Tensor) -> Tensor:
        made: Tensor = self.model.lm_head(hidden) if self._plain else hidden
        return made

    def _vocab(self) -> int:
        return len(self.tokenizer)

    @torch.inference_mode()
    def _continue(
        self, prompts: Sequence[Ids], most: int, ending: tuple[int, ...]
    ) -> list[list[int]]:
        longest = max(map(len, prompts))
        ids = torch.full((len(prompts), longest), self.start, dtype=torch.long)
        mask = torch.zeros_like(ids)
        for number, row in enumerate(prompts):
            ids[number, longest - len(row) :] = torch.tensor(row)
            mask[number, longest - len(row) :] = 1
        made = self.model.generate(
            ids.to(self.device), attention_mask=mask.to(self.device), do_sample=False,
            temperature=None, top_p=None, top_k=None, max_new_tokens=most,
            eos_token_id=[*self.ends, *ending] or None, pad_token_id=self.ends[0],
        )  # fmt: skip
        return [_until_end(row[longest:].tolist(), self.ends, ending) for row in made]


def by_length(rows: Sequence[tuple[int, ...]], tokens: int) -> Iterator[list[tuple[int, ...]]]:
    """Batches of like length, the longest first (what does not fit fails at once), each of at most
    ``tokens`` with its padding."""
    batch: list[tuple[int, ...]] = []
    for row in sorted(rows, key=lambda row: (-len(row), row)):
        if batch and (len(batch) + 1) * len(batch[0]) > tokens:
            yield batch
            batch = []
        batch.append(row)
    if batch:
        yield batch


def _without(ids: Sequence[int], ends: Sequence[int]) -> list[int]:
    return list(ids[:-1] if ids and ids[-1] in ends else ids)


def _until_end(ids: Sequence[int], ends: Sequence[int], ending: Sequence[int]) -> list[int]:
    """A row of a batch without what pads it."""
    for number, one in enumerate(ids):
        if one in ends:
            return list(ids[:number])
        if one in ending:
            return list(ids[: number + 1])
    return list(ids)
