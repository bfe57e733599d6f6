"""One exported model in three runtimes: the trainer's own class, ``transformers``, llama.cpp.

Each tells the same four things, so that they can be held side by side (``truth.py``).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from gnomon.lab.model import stock
from gnomon.lab.model.generate import generate
from gnomon.lab.tokenizer import encoding
from gnomon.lab.tokenizer.specials import END, TURN_END
from gnomon.models.likelihood import LlamaLikelihood


class Runtime(Protocol):
    """What runs an exported model."""

    @property
    def name(self) -> str: ...

    def log_probs(self, ids: Sequence[int], places: Sequence[int]) -> np.ndarray:
        """After ``ids[: place + 1]``, the log-probability of every token to come next, float32
        ``[len(places), vocab]``."""
        ...

    def greedy(self, prompt: Sequence[int], most: int) -> list[int]:
        """The likeliest token again and again, ``most`` times or up to an end, which is not among
        them."""
        ...

    def tokens(self, texts: Sequence[str]) -> list[list[int]]:
        """A text that spells a special token is text."""
        ...

    def texts(self, rows: Sequence[Sequence[int]]) -> list[str]:
        """Back again."""
        ...


class Trainer:
    """``lab/model``'s class and ``tokenizers``."""

    name = "trainer"

    def __init__(self, folder: Path) -> None:
        self.model = stock.load(folder).float()
        self.words = encoding.load(folder)

    @torch.inference_mode()
    def log_probs(self, ids: Sequence[int], places: Sequence[int]) -> np.ndarray:
        return _log_probs(self.model(torch.tensor([list(ids)])), places)

    def greedy(self, prompt: Sequence[int], most: int) -> list[int]:
        ends = (self.words.end, self.words.turn_end)
        made = generate(self.model, [list(prompt)], max_new=most, temperature=0.0, stop=ends)[0]
        return list(made.ids[:-1] if made.stopped else made.ids)

    def tokens(self, texts: Sequence[str]) -> list[list[int]]:
        return self.words.encode_all(texts)

    def texts(self, rows: Sequence[Sequence[int]]) -> list[str]:
        return [self.words.decode(row, specials=True) for row in rows]


class Stock:
    """``transformers``' ``AutoModelForCausalLM`` and ``AutoTokenizer``, told nothing but the
    folder."""

    name = "transformers"

    def __init__(self, folder: Path) -> None:
        from transformers import AutoModelForCausalLM, AutoTokenizer
        from transformers.utils import logging

        logging.disable_progress_bar()
        self.model: Any = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
        self.tokenizer: Any = AutoTokenizer.from_pretrained(folder)

    @torch.inference_mode()
    def log_probs(self, ids: Sequence[int], places: Sequence[int]) -> np.ndarray:
        return _log_probs(self.model(torch.tensor([list(ids)])).logits, places)

    def greedy(self, prompt: Sequence[int], most: int) -> list[int]:
        ends = self.tokenizer.convert_tokens_to_ids([END, TURN_END])
        ids = torch.tensor([list(prompt)])
        # The folder's own generation_config.json says to draw; only that is overruled.
        made = self.model.generate(
            ids, attention_mask=torch.ones_like(ids), do_sample=False, temperature=None,
            top_p=None, max_new_tokens=most,
        )  # fmt: skip
        row: list[int] = made[0, len(prompt) :].tolist()
        return row[:-1] if row and row[-1] in ends else row

    def tokens(self, texts: Sequence[str]) -> list[list[int]]:
        told = self.tokenizer(list(texts), add_special_tokens=False, split_special_tokens=True)
        found: list[list[int]] = told["input_ids"]
        return found

    def texts(self, rows: Sequence[Sequence[int]]) -> list[str]:
        found: list[str] = self.tokenizer.batch_decode(
            list(map(list, rows)), clean_up_tokenization_spaces=False
        )
        return found


class Served:
    """A GGUF file in llama.cpp. ``exact`` as in ``LlamaLikelihood``. Close it."""

    name = "llama.cpp"

    def __init__(self, file: Path, *, context: int, threads: int, exact: bool = True) -> None:
        self.llama = LlamaLikelihood(file, context_tokens=context, threads=threads, exact=exact)

    def log_probs(self, ids: Sequence[int], places: Sequence[int]) -> np.ndarray:
        return self.llama.distributions([ids[: place + 1] for place in places])

    def greedy(self, prompt: Sequence[int], most: int) -> list[int]:
        return next(iter(self.llama.greedy([prompt], max_tokens=most)))

    def tokens(self, texts: Sequence[str]) -> list[list[int]]:
        return self.llama.tokens(texts)

    def texts(self, rows: Sequence[Sequence[int]]) -> list[str]:
        return self.llama.texts(rows)

    def close(self) -> None:
        self.llama.close()


def _log_probs(logits: Tensor, places: Sequence[int]) -> np.ndarray:
    """Of ``[1, T, vocab]``."""
    found: np.ndarray = torch.log_softmax(logits[0, list(places)].float(), -1).numpy()
    return found
