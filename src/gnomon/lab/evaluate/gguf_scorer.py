"""A Scorer over a GGUF file in llama.cpp, with the numbers that chat would have."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from gnomon.errors import ModelError
from gnomon.lab.evaluate.scoring import At, Ids, Scored, TokenScorer, nobody
from gnomon.lab.tokenizer.specials import END
from gnomon.models.likelihood import LlamaLikelihood


class GgufScorer(TokenScorer):
    """Slower than torch by far: llama.cpp tells the probability of one token at a time. ``context``
    is how much of the model's own is used."""

    def __init__(self, path: Path, *, context: int = 2048, threads: int = 2) -> None:
        self.llama = LlamaLikelihood(path, context_tokens=context, threads=threads)
        self.name = path.stem
        # What is scored and the token after it must fit.
        self.context = context - 2
        self.start = self.llama.special(END)
        if self.start < 0:
            raise ModelError(f"{path} has no token {END!r}, which stands before a document.")

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        return self.llama.tokens(texts)

    def decode(self, ids: Ids) -> str:
        return self.llama.texts([ids])[0]

    def score_ids(self, pairs: Sequence[tuple[Ids, Ids]], at: At) -> list[Scored]:
        found = []
        for told in self.llama.forced(pairs):
            found.append(Scored(float(told.log_probs.sum()), told.greedy, len(told.log_probs)))
            at(len(found))
        return found

    def continue_ids(
        self, prompts: Sequence[Ids], *, most: int, until: Sequence[str] = (), at: At = nobody
    ) -> list[list[int]]:
        found = []
        for ids in self.llama.greedy(prompts, max_tokens=most, stop=until):
            found.append(ids)
            at(len(found))
        return found

    def close(self) -> None:
        self.llama.close()
