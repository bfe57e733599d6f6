"""Chat with a GGUF file through llama.cpp, in a worker process (``worker.py``)."""

from __future__ import annotations

import json
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from gnomon.errors import ModelError, ModelMissing
from gnomon.models import schema as json_schema
from gnomon.models.chatwire import as_dicts
from gnomon.models.frames import Frame
from gnomon.models.functions import FIXED, CallReader, grammar, rendered, reply_name
from gnomon.models.generation import TIMEOUT_S, sampling, spent_of, tokens_of
from gnomon.models.process import WorkerProcess
from gnomon.models.protocols import Completion, Message
from gnomon.types.generation import Delta, Generation, Spent

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

    def generate(
        self, wish: Generation, *, timeout_s: float = TIMEOUT_S
    ) -> Iterator[Delta | Spent]:
        """See ``generation.Generate``. Choices come one after another."""
        bodies = _Bodies(wish, self._strong)
        return self._generate(bodies, time.monotonic() + timeout_s)

    def _generate(self, bodies: _Bodies, deadline: float) -> Iterator[Delta | Spent]:
        spent = Spent()
        for index in range(bodies.wish.n):
            reader = CallReader(bodies.reply)
            if bodies.calling:
                end = yield from self._calls(bodies.calls(index), reader, index, deadline)
                spent = _sum(spent, end)
                if not reader.words:
                    cut = end["finish"] == "length"
                    yield Delta(index, finish="length" if cut else "tool_calls")
                    continue
            said: list[str] = []
            end = yield from self._words(bodies.words(index), said, index, deadline)
            spent = _sum(spent, end)
            finish = "length" if end["finish"] == "length" else "stop"
            if bodies.schema is not None and finish == "stop":
                # A grammar that did not compile is only a line in the runtime's log.
                json_schema.parse("".join(said), bodies.schema)
            yield Delta(index, finish=finish)
        yield spent

    def _words(
        self, header: dict[str, Any], said: list[str], index: int, deadline: float
    ) -> Generator[Delta, None, dict[str, Any]]:
        for frame in self._frames(header, deadline):
            if frame.header["op"] == "end":
                return frame.header
            text = frame.header["text"]
            said.append(text)
            yield Delta(index, text, tokens_of(frame.header.get("logprobs")))
        raise AssertionError("frames without an end")

    def _calls(
        self, header: dict[str, Any], reader: CallReader, index: int, deadline: float
    ) -> Generator[Delta, None, dict[str, Any]]:
        for frame in self._frames(header, deadline):
            if frame.header["op"] == "end":
                if not (reader.calls or reader.words or frame.header["finish"] == "length"):
                    raise ModelError(f"{self._name} called no function; ask without tools.")
                return frame.header
            for call in reader.feed(frame.header["text"]):
                yield Delta(index, call=call)
        raise AssertionError("frames without an end")

    def _frames(self, header: dict[str, Any], deadline: float) -> Iterator[Frame]:
        return self.worker.request(header, timeout_s=max(0.001, deadline - time.monotonic()))

    def close(self) -> None:
        self.worker.close()


class _Bodies:
    """What llama.cpp is asked for a wish, choice by choice. Raises InputError at once for a
    schema that cannot be held."""

    def __init__(self, wish: Generation, strong: bool) -> None:
        self.wish = wish
        parallel = strong if wish.parallel is None else wish.parallel
        self.calling = bool(wish.functions) and wish.choice != "none" and wish.prompt is None
        self.reply = reply_name(wish.functions) if self.calling and wish.choice == "auto" else ""
        self._calls = grammar(wish, parallel=parallel) if self.calling else ""
        self.schema = {"type": "object"} if wish.json else None
        if wish.schema is not None:
            self.schema = json_schema.grammatical(wish.schema, strict=True, what="the schema")

    def calls(self, index: int) -> dict[str, Any]:
        unbiased = replace(self.wish, top_logprobs=None, logit_bias={}, stop=())
        body = self._chat(unbiased, index) | {"grammar": self._calls}
        return {
            "op": "run",
            "body": body | {"messages": rendered(self.wish, offered=True)},
        }

    def words(self, index: int) -> dict[str, Any]:
        if self.wish.prompt is not None:
            body = {**sampling(self._seeded(self.wish, index)), "prompt": self.wish.prompt}
            return {"op": "run", "body": body, "bare": True}
        body = self._chat(self.wish, index)
        body["messages"] = rendered(self.wish, offered=False)
        if self.schema is not None:
            body["grammar"] = json_grammar(self.schema)
        return {"op": "run", "body": body}

    def _chat(self, wish: Generation, index: int) -> dict[str, Any]:
        return {
            **sampling(self._seeded(wish, index)),
            "return_progress": True,
            "chat_template_kwargs": {"enable_thinking": False},
        }

    @staticmethod
    def _seeded(wish: Generation, index: int) -> Generation:
        return wish if wish.seed is None else replace(wish, seed=wish.seed + index)


def _sum(spent: Spent, end: Mapping[str, Any]) -> Spent:
    """The prompt counts once: later passes and choices read (nearly) the same again."""
    more = spent_of(end.get("usage") or {})
    return Spent(
        spent.prompt_tokens or more.prompt_tokens,
        spent.completion_tokens + more.completion_tokens,
        spent.cached_tokens if spent.prompt_tokens else more.cached_tokens,
    )


def json_grammar(schema: Mapping[str, Any]) -> str:
    """JSON on one line with fixed separators (https://github.com/guidance-ai/llguidance,
    "x-guidance"): a small model that may choose the whitespace spends its tokens on it."""
    return "%llguidance {}\nstart: %json " + json.dumps({"x-guidance": FIXED, **schema})


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
        body["grammar"] = json_grammar(schema)
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
