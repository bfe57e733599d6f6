"""``POST /v1/chat/completions``: OpenAI's older API, for the many clients that speak it.

https://platform.openai.com/docs/api-reference/chat. Annotations are nested, as that API has them;
while streaming they come in the delta of their sentence. ``citations`` lists the cited addresses,
as xAI does. The checked answer is the extra field ``gnomon``, on the last chunk when streaming.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any
from uuid import uuid4

from gnomon.serve.http import ApiError, field, unsupported
from gnomon.serve.request import (
    MODEL,
    Asking,
    check_model,
    last_question,
    max_tokens,
    tool_filter,
)
from gnomon.serve.sse import DONE, frame
from gnomon.serve.transcript import Piece, Transcript, tokens, urls
from gnomon.types import Checked, Citation, Event, Finished
from gnomon.wire import answer_to_json

LIVE_SEARCH_GONE = (
    "Live search is deprecated. Please switch to the Agent Tools API: "
    "POST /v1/responses with the tool web_search."
)


def parse(body: Mapping[str, Any], sources: Iterable[str]) -> Asking:
    """The question in a request. Raises ApiError naming the field that cannot be served."""
    check_model(body)
    if body.get("search_parameters") is not None:
        raise ApiError(410, LIVE_SEARCH_GONE, param="search_parameters", code="gone")
    if field(body, "n", int, 1) != 1:
        raise unsupported("n", f"'n' is {body['n']}; gnomon gives one checked answer, so 1.")
    if field(body, "logprobs", bool, False):
        raise unsupported("logprobs", "gnomon's answers are checked text without logprobs.")
    form = field(body, "response_format", dict, {}).get("type", "text")
    if form != "text":
        raise unsupported("response_format", f"The format {form!r} is not supported yet.")
    if "audio" in field(body, "modalities", list, []):
        raise unsupported("modalities", "gnomon answers in text only so far.")
    choice = body.get("tool_choice") or "auto"
    if isinstance(choice, Mapping) or choice == "required":
        raise unsupported("tool_choice", "gnomon calls no function; use 'auto' or 'none'.")
    where, _ = tool_filter(field(body, "tools", list, []), sources)
    messages = field(body, "messages", list, [])
    return Asking(
        last_question(messages, "messages"),
        where,
        field(body, "stream", bool, False),
        max_tokens=max_tokens(body, "max_completion_tokens", "max_tokens"),
    )


class ChatRenderer:
    """Chunks of one completion; see ``render.Renderer``."""

    def __init__(
        self, body: Mapping[str, Any], asking: Asking, link: Callable[[Citation], str]
    ) -> None:
        self._asking = asking
        self._transcript = Transcript(asking.question, link, asking.max_tokens)
        self._counting = field(
            field(body, "stream_options", dict, {}), "include_usage", bool, False
        )
        self._head = {"id": f"chatcmpl-{uuid4().hex}", "created": int(time.time()), "model": MODEL}
        self._whole: dict[str, Any] = {}

    def begin(self) -> Iterator[bytes]:
        yield self._chunk({"role": "assistant", "content": ""})

    def event(self, event: Event) -> Iterator[bytes]:
        if isinstance(event, Checked):
            yield from self._words(self._transcript.checked(event))
        elif isinstance(event, Finished):
            yield from self._words(self._transcript.finished(event.answer))
            yield from self._close(event)

    def failed(self, error: ApiError) -> Iterator[bytes]:
        yield frame(error.body())
        yield DONE

    def whole(self) -> dict[str, Any]:
        return self._whole

    def _chunk(self, delta: dict[str, Any], finish: str | None = None, **extra: Any) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        chunk = self._head | {
            "object": "chat.completion.chunk",
            "system_fingerprint": None,
            "choices": [choice],
        }
        if self._counting:
            chunk["usage"] = None
        return frame(chunk | extra)

    def _words(self, piece: Piece) -> Iterator[bytes]:
        if piece.delta:
            delta: dict[str, Any] = {"content": piece.delta}
            if piece.annotations:
                delta["annotations"] = [note.nested() for note in piece.annotations]
            yield self._chunk(delta)

    def _close(self, event: Finished) -> Iterator[bytes]:
        text, annotations = self._transcript.text, self._transcript.annotations
        finish = "length" if self._transcript.cut else "stop"
        asked, said = tokens(self._asking.question), tokens(text)
        usage = {
            "prompt_tokens": asked,
            "completion_tokens": said,
            "total_tokens": asked + said,
            "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0},
        }
        extra = {"citations": urls(annotations), "gnomon": answer_to_json(event.answer)}
        message = {
            "role": "assistant",
            "content": text,
            "refusal": None,
            "annotations": [note.nested() for note in annotations],
        }
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": finish}
        self._whole = self._head | {
            "object": "chat.completion",
            "system_fingerprint": None,
            "choices": [choice],
            "usage": usage,
            **extra,
        }
        yield self._chunk({}, finish, **extra)
        if self._counting:
            counted = {"object": "chat.completion.chunk", "choices": [], "usage": usage}
            yield frame(self._head | counted)
        yield DONE
