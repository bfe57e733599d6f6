"""The trained verifier that comes with gnomon: a cross-encoder on ONNX Runtime, in a worker.

Its folder (``verifier/``) holds the int8 model, its tokenizer and its card, which says what it was
trained on, by which recipe (``lab/verifier.py``), what it scores and where it errs.
"""

from __future__ import annotations

import hashlib
import json
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from threading import Lock

import numpy as np

from gnomon.errors import ModelError, ModelMismatch
from gnomon.models.process import WorkerProcess

SHIPPED = Path(__file__).parent / "verifier"
CHINESE = Path(__file__).parent / "verifier_zh"
"""The one for pairs in which there is Chinese; it reads both languages."""
CARD, MODEL, TOKENIZER = "card.json", "model.onnx", "tokenizer.json"
CLASSES = 3
# Pairs to one request, so that a question is not kept waiting behind a long document's.
_REQUEST_PAIRS = 256
# A claim meets the same windows again within one answer; that many judgements are remembered.
_REMEMBERED = 8192
# Two verifiers that nobody asks would hold 190 MiB; loading one again takes under a second.
IDLE_S = 300.0
# A claim or window longer than this is cut before it is sent; the tokenizer cuts far earlier.
_MOST_CHARACTERS = 4000


class OnnxVerifier:
    """A Scorer. ``folder`` holds the model; the shipped one by default. Nothing is loaded before
    the first pair, and nothing is kept loaded ``idle_s`` after the last one. Probabilities are
    tempered by the card's temperature (Guo et al. 2017, https://arxiv.org/abs/1706.04599).
    Thread-safe.

    Raises ModelError where the folder is no verifier, ModelMismatch where the model's bytes are not
    those of its card.
    """

    def __init__(
        self,
        folder: Path = SHIPPED,
        *,
        threads: int = 2,
        pair_timeout_s: float = 1.0,
        idle_s: float = IDLE_S,
    ) -> None:
        self.folder = folder
        try:
            self.card = json.loads((folder / CARD).read_text("utf-8"))
            self.name: str = self.card["name"]
            self._temperature = float(self.card["temperature"])
            self.sha256: str = self.card["sha256"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ModelError(
                f"{str(folder)!r} is no verifier ({error}); `gnomon lab verifier` makes one."
            ) from error
        self._pair_timeout_s = pair_timeout_s
        self._checked = False
        self._lock = Lock()
        self._remembered: OrderedDict[tuple[str, str], np.ndarray] = OrderedDict()
        load = {
            "op": "load",
            "task": "score",
            "path": str((folder / MODEL).absolute()),
            "tokenizer": str((folder / TOKENIZER).absolute()),
            "threads": threads,
        }
        self.worker = WorkerProcess(self.name, load, threads=threads, slots=1, idle_s=idle_s)

    def scores(self, pairs: Sequence[tuple[str, str]]) -> np.ndarray:
        """``[len(pairs), 3]`` float32: supports, refutes, neither; rows sum to 1."""
        with self._lock:
            known = {pair: self._remembered.get(pair) for pair in pairs}
        new = [pair for pair, row in known.items() if row is None]
        for first in range(0, len(new), _REQUEST_PAIRS):
            part = new[first : first + _REQUEST_PAIRS]
            known.update(zip(part, self._ask(part), strict=True))
        with self._lock:
            self._remembered.update((pair, row) for pair, row in known.items() if row is not None)
            while len(self._remembered) > _REMEMBERED:
                self._remembered.popitem(last=False)
        if not pairs:
            return np.empty((0, CLASSES), np.float32)
        return np.stack([row for pair in pairs if (row := known[pair]) is not None])

    def close(self) -> None:
        self.worker.close()

    def _ask(self, pairs: Sequence[tuple[str, str]]) -> np.ndarray:
        if not self._checked:
            self._check()
        # The end of a window is what is judged, the beginning of a claim what it says.
        cut = [(w[-_MOST_CHARACTERS:], c[:_MOST_CHARACTERS]) for w, c in pairs]
        timeout_s = 30.0 + self._pair_timeout_s * len(pairs)
        payload = b""
        for frame in self.worker.request({"op": "run", "pairs": cut}, timeout_s=timeout_s):
            payload = frame.payload
        logits = np.frombuffer(payload, dtype=np.float32).reshape(len(pairs), CLASSES)
        if not np.isfinite(logits).all():
            raise ModelError(f"{self.name} gave scores that are no numbers; restart gnomon.")
        return tempered(logits, self._temperature)

    def _check(self) -> None:
        """Hold the model's bytes to the card's hash, once."""
        try:
            found = hashlib.sha256((self.folder / MODEL).read_bytes()).hexdigest()
        except OSError as error:
            raise ModelError(f"{self.name} cannot be read: {error}.") from error
        if found != self.sha256:
            raise ModelMismatch(
                f"{str(self.folder / MODEL)!r} has SHA-256 {found}, its card says "
                f"{self.sha256}; install gnomon again, or export the verifier again."
            )
        self._checked = True


def tempered(logits: np.ndarray, temperature: float) -> np.ndarray:
    """Softmax of ``logits / temperature``, over the last axis."""
    scaled = logits.astype(np.float64) / temperature
    scaled -= scaled.max(axis=-1, keepdims=True)
    shares = np.exp(scaled)
    result: np.ndarray = (shares / shares.sum(axis=-1, keepdims=True)).astype(np.float32)
    return result
