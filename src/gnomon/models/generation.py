"""Generation on a runtime that takes OpenAI-like bodies: the body, and what its stream says.

What is shared by llama.cpp in the worker and an OpenAI-compatible URL. Functions are the
runtime's own business: a URL is trusted with them, llama.cpp is given a grammar
(``functions.py``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

from gnomon.models.chatwire import disarm
from gnomon.types.generation import CallDelta, Delta, Function, Generation, Said, Spent, Token

TIMEOUT_S = 600.0
"""As long as OpenAI's own client waits
(https://github.com/openai/openai-python#timeouts)."""


class Generate(Protocol):
    """A chat model that generates plainly, with everything its runtime has."""

    @property
    def name(self) -> str: ...

    @property
    def context_tokens(self) -> int: ...

    def generate(
        self, wish: Generation, *, timeout_s: float = TIMEOUT_S
    ) -> Iterator[Delta | Spent]:
        """Deltas, the last of each choice with its ``finish``, then one Spent. Closing the
        iterator stops the model. Raises InputError for a schema that nobody could hold, then
        ModelError; ModelTimeout after ``timeout_s``."""
        ...


def sampling(wish: Generation) -> dict[str, Any]:
    """The fields that both runtimes name alike; what is unset is left to them."""
    body: dict[str, Any] = {"stream": True, "stream_options": {"include_usage": True}}
    for name in (
        *("max_tokens", "temperature", "top_p", "seed"),
        *("frequency_penalty", "presence_penalty"),
    ):
        if (value := getattr(wish, name)) is not None:
            body[name] = value
    if wish.stop:
        body["stop"] = list(wish.stop)
    if wish.logit_bias:
        body["logit_bias"] = dict(wish.logit_bias)
    if wish.top_logprobs is not None:
        if wish.prompt is None:
            body |= {"logprobs": True, "top_logprobs": wish.top_logprobs}
        else:
            body["logprobs"] = wish.top_logprobs
    return body


def as_wire(messages: Sequence[Said]) -> list[dict[str, Any]]:
    """Messages as Chat Completions has them, calls and results included."""
    return [_wired(message) for message in messages]


def _wired(said: Said) -> dict[str, Any]:
    wired: dict[str, Any] = {"role": said.role, "content": disarm(said.text)}
    if said.calls:
        wired["tool_calls"] = [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.name, "arguments": disarm(call.arguments)},
            }
            for call in said.calls
        ]
    if said.role == "tool":
        wired["tool_call_id"] = said.call_id
    return wired


def function_wire(function: Function) -> dict[str, Any]:
    """As Chat Completions declares a function."""
    wired = {
        "name": function.name,
        "description": function.description,
        "parameters": dict(function.parameters) or {"type": "object", "properties": {}},
    }
    return {"type": "function", "function": wired | ({"strict": True} if function.strict else {})}


def tokens_of(content: Sequence[Mapping[str, Any]] | None) -> tuple[Token, ...]:
    """``logprobs.content`` of a chunk. A runtime that knows no probability of a token says so
    with a value that is no number or far below any."""
    return tuple(
        Token(
            str(entry.get("token", "")),
            float(entry["logprob"]),
            bytes(entry.get("bytes") or ()),
            tokens_of(entry.get("top_logprobs")),
        )
        for entry in content or ()
        if isinstance(entry.get("logprob"), int | float)
    )


def deltas_of(choice: Mapping[str, Any], *, chat: bool) -> Iterator[Delta]:
    """One choice of a streamed chunk, of Chat Completions or of Completions."""
    index = int(choice.get("index") or 0)
    delta = (choice.get("delta") or {}) if chat else choice
    text = delta.get("content" if chat else "text") or ""
    logprobs = choice.get("logprobs") or {}
    tokens = tokens_of(logprobs.get("content")) or _legacy_tokens(logprobs)
    if text or tokens:
        yield Delta(index, text, tokens)
    for at, call in enumerate((delta.get("tool_calls") or ()) if chat else ()):
        function = call.get("function") or {}
        yield Delta(
            index,
            call=CallDelta(
                int(call.get("index", at) or 0),
                call.get("id") or "",
                function.get("name") or "",
                function.get("arguments") or "",
            ),
        )
    if finish := choice.get("finish_reason"):
        yield Delta(index, finish=str(finish))


def _legacy_tokens(logprobs: Mapping[str, Any]) -> tuple[Token, ...]:
    """The older form of Completions: parallel lists."""
    words, values = logprobs.get("tokens") or (), logprobs.get("token_logprobs") or ()
    tops = logprobs.get("top_logprobs") or [{}] * len(words)
    return tuple(
        Token(
            word,
            float(value),
            word.encode("utf-8", "replace"),
            tuple(Token(w, float(v), w.encode("utf-8", "replace")) for w, v in (top or {}).items()),
        )
        for word, value, top in zip(words, values, tops, strict=False)
        if value is not None
    )


def spent_of(usage: Mapping[str, Any]) -> Spent:
    details = usage.get("prompt_tokens_details") or {}
    return Spent(
        int(usage.get("prompt_tokens") or 0),
        int(usage.get("completion_tokens") or 0),
        int(details.get("cached_tokens") or 0),
    )
