"""What both kinds of chat completion have in common: their chunks and their parts."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import uuid4

from gnomon.serve.sse import frame
from gnomon.types.generation import CallDelta, Spent, Token

Data = dict[str, Any]


class Chunks:
    """The frames of one completion. Where tokens are to be counted, every chunk says null until
    the one that tells."""

    def __init__(self, model: str, *, counting: bool) -> None:
        self._counting = counting
        self._head: Data = {
            "id": f"chatcmpl-{uuid4().hex}",
            "created": int(time.time()),
            "model": model,
            "system_fingerprint": None,
        }

    def chunk(
        self,
        delta: Data,
        finish: str | None = None,
        *,
        index: int = 0,
        logprobs: Data | None = None,
        **extra: Any,
    ) -> bytes:
        choice = {"index": index, "delta": delta, "logprobs": logprobs, "finish_reason": finish}
        data = {**self._head, "object": "chat.completion.chunk", "choices": [choice], **extra}
        if self._counting:
            data["usage"] = None
        return frame(data)

    def counted(self, usage: Data) -> bytes:
        """The last chunk, of a client that wants tokens counted; else nothing."""
        if not self._counting:
            return b""
        data = {**self._head, "object": "chat.completion.chunk", "choices": [], "usage": usage}
        return frame(data)

    def whole(self, choices: Sequence[Data], usage: Data, **extra: Any) -> Data:
        """The completion for a client that does not stream."""
        rest = {"object": "chat.completion", "choices": list(choices), "usage": usage, **extra}
        return {**self._head, **rest}


class Calls:
    """The calls of one choice, put together from their pieces."""

    def __init__(self) -> None:
        self._calls: list[Data] = []

    def add(self, piece: CallDelta) -> Data:
        """The delta that says the piece."""
        while len(self._calls) <= piece.at:
            empty = {"name": "", "arguments": ""}
            self._calls.append({"id": "", "type": "function", "function": empty})
        call = self._calls[piece.at]
        if piece.id or piece.name:
            call["id"] = piece.id or call["id"]
            call["function"] |= {"name": piece.name, "arguments": piece.arguments}
            said: Data = {"index": piece.at, **call, "function": dict(call["function"])}
        else:
            call["function"]["arguments"] += piece.arguments
            said = {"index": piece.at, "function": {"arguments": piece.arguments}}
        return {"tool_calls": [said]}

    def all(self) -> list[Data]:
        return self._calls


def message(text: str, calls: Sequence[Data] = (), **extra: Any) -> Data:
    """A whole message of the assistant."""
    said: Data = {"role": "assistant", "content": text if text or not calls else None}
    said |= {"refusal": None, "annotations": [], **extra}
    return said | ({"tool_calls": list(calls)} if calls else {})


def logprobs(tokens: Iterable[Token]) -> Data | None:
    """``logprobs`` of a choice; None where there are none."""
    content = [_token(token) | {"top_logprobs": [_token(t) for t in token.top]} for token in tokens]
    return {"content": content, "refusal": None} if content else None


def _token(token: Token) -> Data:
    raw = token.raw or token.text.encode("utf-8", "replace")
    return {"token": token.text, "logprob": token.logprob, "bytes": list(raw)}


def usage(spent: Spent) -> Data:
    """Token counts, with the details that clients read."""
    return {
        "prompt_tokens": spent.prompt_tokens,
        "completion_tokens": spent.completion_tokens,
        "total_tokens": spent.prompt_tokens + spent.completion_tokens,
        "prompt_tokens_details": {"cached_tokens": spent.cached_tokens, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": 0,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def unchecked(model: str, **more: Any) -> Mapping[str, Any]:
    """What the field ``gnomon`` says of words that nobody checked."""
    return {"checked": False, "model": model, **more}
