"""llama.cpp asked for numbers instead of words: which tokens, how probable, and which come next.

What the lab measures a GGUF file with. It runs in the worker process as chat does.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from gnomon.models.llamacpp import check_gguf
from gnomon.models.process import WorkerProcess

TIMEOUT_S = 600.0


@dataclass(frozen=True, slots=True)
class Forced:
    """Log-probabilities of given tokens, float32 ``[n]``; ``greedy``: each was the likeliest."""

    log_probs: np.ndarray
    greedy: bool


class LlamaLikelihood:
    """A GGUF file as a distribution over tokens. Nothing is loaded before the first request.

    ``exact`` keeps keys and values in float32 and attention unfused, so that a float32 file gives
    its trainer's numbers; without it they are what chat runs with (float16 keys and values).

    Raises ModelMissing or ModelError where ``path`` is no GGUF file.
    """

    def __init__(
        self,
        path: Path,
        *,
        context_tokens: int = 2048,
        threads: int = 2,
        exact: bool = False,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        check_gguf(path)
        self.context_tokens = context_tokens
        self._timeout_s = timeout_s
        load = {
            "op": "load",
            "task": "likelihood",
            "path": str(path.absolute()),
            "context_tokens": context_tokens,
            "threads": threads,
            "slots": 1,
            "batch_tokens": 256,
            "exact": exact,
        }
        self.worker = WorkerProcess(path.stem, load, threads=threads, slots=1)

    def tokens(self, texts: Sequence[str]) -> list[list[int]]:
        """The ids of each text; what spells a special token is text."""
        frame = self._one({"ask": "tokens", "texts": list(texts)})
        return [list(map(int, ids)) for ids in frame["tokens"]]

    def special(self, token: str) -> int:
        """The id of a special token, -1 where the model has none of that name."""
        return int(self._one({"ask": "special", "text": token})["token"])

    def texts(self, rows: Sequence[Sequence[int]]) -> list[str]:
        """Ids back to text; bytes that make no character come out as U+FFFD."""
        found = self._one({"ask": "texts", "rows": [_ints(row) for row in rows]})["texts"]
        return [str(text) for text in found]

    def distributions(self, prefixes: Sequence[Sequence[int]]) -> np.ndarray:
        """Log-probabilities of every token after each prefix, float32 ``[len(prefixes), vocab]``.
        Prefixes that each begin with the one before are read only once."""
        rows = [
            np.frombuffer(payload, np.float32)
            for _, payload in self._each("distribution", [{"prompt": _ints(p)} for p in prefixes])
        ]
        return np.stack(rows)

    def likeliest(self, prefix: Sequence[int], most: int) -> tuple[np.ndarray, np.ndarray]:
        """The likeliest tokens after a prefix, best first: their ids (int64) and log-probabilities
        (float32). Far quicker than all of them."""
        job = {"prompt": _ints(prefix), "most": most}
        [(header, payload)] = list(self._each("likeliest", [job]))
        ids = np.array(header["ids"], dtype=np.int64)
        return ids, np.frombuffer(payload, np.float32)

    def vocabulary(self) -> list[bytes]:
        """The bytes of each token, by id, as the runtime has them."""
        return [bytes(token) for token in self._one({"ask": "vocabulary"})["tokens"]]

    def forced(self, pairs: Sequence[tuple[Sequence[int], Sequence[int]]]) -> Iterator[Forced]:
        """For each (context, continuation) of ids, how probable the continuation's tokens are, in
        order. A context has at least one token."""
        jobs = [{"prompt": _ints(context), "forced": _ints(ids)} for context, ids in pairs]
        for header, payload in self._each("forced", jobs):
            yield Forced(np.frombuffer(payload, np.float32), bool(header["greedy"]))

    def greedy(
        self, prompts: Sequence[Sequence[int]], *, max_tokens: int, stop: Sequence[str] = ()
    ) -> Iterator[list[int]]:
        """The likeliest token again and again, up to a stop string, the end of the turn or
        ``max_tokens``; the token that ended it is not among them."""
        jobs = [
            {"prompt": _ints(prompt), "max_tokens": max_tokens, "stop": list(stop)}
            for prompt in prompts
        ]
        for header, _ in self._each("greedy", jobs):
            yield [int(i) for i in header["tokens"]]

    def close(self) -> None:
        self.worker.close()

    def _one(self, header: dict[str, Any]) -> dict[str, Any]:
        frames = list(self.worker.request({"op": "run", **header}, timeout_s=self._timeout_s))
        return frames[-1].header

    def _each(
        self, ask: str, jobs: Sequence[dict[str, Any]]
    ) -> Iterator[tuple[dict[str, Any], bytes]]:
        # A long list would outlast any one deadline.
        for first in range(0, len(jobs), JOBS_PER_REQUEST):
            request = {"op": "run", "ask": ask, "jobs": jobs[first : first + JOBS_PER_REQUEST]}
            for frame in self.worker.request(request, timeout_s=self._timeout_s):
                if frame.header["op"] == "delta":
                    yield frame.header, frame.payload


JOBS_PER_REQUEST = 64


def _ints(ids: Sequence[int]) -> list[int]:
    return [int(i) for i in ids]
