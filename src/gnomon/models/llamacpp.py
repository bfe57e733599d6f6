"""Chat with a GGUF file through llama.cpp, in a worker process (``worker.py``)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from gnomon.errors import ModelError, ModelMissing
from gnomon.models import schema as json_schema
from gnomon.models.chatwire import as_dicts
from gnomon.models.process import WorkerProcess
from gnomon.models.protocols import Completion, Message

_MAGIC = b"GGUF"


class LlamaChat:
    """A Chat. Nothing is loaded before the first request (or ``warm``).

    ``context_tokens`` is what one request may hold, prompt and reply together; ``slots`` requests
    run at once, batched; ``batch_tokens`` is how many prompt tokens are read between two looks at
    a cancellation. ``idle_s`` > 0 unloads the model after that long without use.

    Raises ModelMissing or ModelError where ``path`` is no GGUF file.
    """

    def __init__(
        self,
        path: Path,
        *,
        name: str = "",
        strong: bool = False,
        context_tokens: int = 4096,
        threads: int = 2,
        slots: int = 2,
        batch_tokens: int = 256,
        idle_s: float = 0.0,
    ) -> None:
        check_gguf(path)
        self._name = name or path.stem
        self._strong = strong
        self._context_tokens = context_tokens
        load = {
            "op": "load",
            "task": "chat",
            "path": str(path.absolute()),
            "context_tokens": context_tokens,
            "threads": threads,
            "slots": slots,
            "batch_tokens": batch_tokens,
        }
        self.worker = WorkerProcess(self._name, load, threads=threads, slots=slots, idle_s=idle_s)

    @property
    def name(self) -> str:
        return self._name

    @property
    def strong(self) -> bool:
        return self._strong

    @property
    def context_tokens(self) -> int:
        return self._context_tokens

    def warm(self, timeout_s: float = 120.0) -> None:
        """Load the model now. Raises ModelError where it cannot be."""
        self.worker.start(timeout_s)

    def complete(
        self,
        messages: Sequence[Message],
        *,
        max_tokens: int = 512,
        temperature: float = 0.0,
        schema: Mapping[str, Any] | None = None,
        stop: Sequence[str] = (),
        timeout_s: float = 60.0,
    ) -> Completion:
        if schema is not None:
            json_schema.check(schema)
        body = request_body(messages, max_tokens, temperature, schema, stop)
        pieces: list[str] = []
        end: dict[str, Any] = {}
        for frame in self.worker.request({"op": "run", "body": body}, timeout_s=timeout_s):
            if frame.header["op"] == "delta":
                pieces.append(frame.header["text"])
            else:
                end = frame.header
        usage = end.get("usage", {})
        done = Completion(
            text="".join(pieces),
            finish="length" if end["finish"] == "length" else "stop",
            prompt_tokens=usage.get("prompt_tokens", 0),
            completion_tokens=usage.get("completion_tokens", 0),
        )
        if schema is not None:
            conform(done, schema, self._name)
        return done

    def stream(
        self,
        messages: Sequence[Message],
        *,
        max_tokens: int = 512,
        temperature: float = 0.0,
        stop: Sequence[str] = (),
        timeout_s: float = 60.0,
    ) -> Iterator[str]:
        body = request_body(messages, max_tokens, temperature, None, stop)
        for frame in self.worker.request({"op": "run", "body": body}, timeout_s=timeout_s):
            if frame.header["op"] == "delta":
                yield frame.header["text"]

    def close(self) -> None:
        self.worker.close()


def check_gguf(path: Path) -> None:
    """Raises unless ``path`` is a file that begins as GGUF does
    (https://github.com/ggml-org/ggml/blob/master/docs/gguf.md)."""
    try:
        with path.open("rb") as file:
            magic = file.read(len(_MAGIC))
    except FileNotFoundError as error:
        raise ModelMissing(
            f"No model file at {str(path)!r}; see `gnomon models` for what can be pulled."
        ) from error
    except OSError as error:
        raise ModelError(f"{str(path)!r} cannot be read: {error.strerror}.") from error
    if magic != _MAGIC:
        raise ModelError(
            f"{str(path)!r} is no GGUF file (it begins with {magic!r}); give a file of that format."
        )


def request_body(
    messages: Sequence[Message],
    max_tokens: int,
    temperature: float,
    schema: Mapping[str, Any] | None,
    stop: Sequence[str],
) -> dict[str, Any]:
    """A chat completion as llama.cpp's server takes it
    (https://github.com/ggml-org/llama.cpp/tree/master/tools/server)."""
    body: dict[str, Any] = {
        "messages": as_dicts(messages),
        "max_tokens": max_tokens,
        "temperature": temperature,
        "seed": 0,
        "stop": list(stop),
        "stream": True,
        "stream_options": {"include_usage": True},
        # Progress chunks give a cancellation its chance while a long prompt is read.
        "return_progress": True,
        "chat_template_kwargs": {"enable_thinking": False},
    }
    if schema is not None:
        # One line with fixed separators (https://github.com/guidance-ai/llguidance, "x-guidance"):
        # a small model that may choose the whitespace spends its tokens on it.
        fixed = {"whitespace_flexible": False, "item_separator": ", ", "key_separator": ": "}
        body["grammar"] = "%llguidance {}\nstart: %json " + json.dumps(
            {"x-guidance": fixed, **schema}
        )
    return body


def conform(done: Completion, schema: Mapping[str, Any], name: str) -> Any:
    """The reply as a value that fits ``schema``. Raises ModelError."""
    try:
        return json_schema.parse(done.text, schema)
    except ModelError as error:
        if done.finish == "length":
            raise ModelError(
                f"{name} was cut off after {done.completion_tokens} tokens in the middle of its "
                "JSON; raise max_tokens or ask for less."
            ) from error
        raise
