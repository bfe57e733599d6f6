"""``POST /v1/responses``: OpenAI's Responses API, as Open Responses writes it down.

https://www.openresponses.org/specification and the openai client's own types are the reference.
Sentences are sent as each passes its check. An answer that abstains is a completed response. The
checked answer (verdicts, evidence, what was left out) is the extra field ``gnomon`` of the
completed response: strict clients drop fields they do not know, and no item or event type is
added that a closed union would reject. ``web_search_call`` items appear only when the request
names that tool.
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
from gnomon.types import Checked, Citation, Event, Finished, Step
from gnomon.wire import answer_to_json

_NOT_SERVED = {
    "previous_response_id": "send the whole conversation as `input`",
    "conversation": "send the whole conversation as `input`",
    "prompt": "send the words themselves as `input`",
    "background": "ask and wait, or stream",
}


def parse(body: Mapping[str, Any], sources: Iterable[str]) -> Asking:
    """The question in a request. Raises ApiError naming the field that cannot be served."""
    check_model(body)
    for name, instead in _NOT_SERVED.items():
        if body.get(name):
            raise unsupported(name, f"{name!r} is not supported yet; {instead}.")
    form = field(field(body, "text", dict, {}), "format", dict, {}).get("type", "text")
    if form != "text":
        raise unsupported("text.format", f"The format {form!r} is not supported yet; use 'text'.")
    field(body, "metadata", dict, {})
    _check_choice(body)
    given = body.get("input")
    if isinstance(given, str):
        given = [{"role": "user", "content": given}]
    if not isinstance(given, list):
        raise ApiError(
            400, "'input' is missing; give the question as a string or a list.", param="input"
        )
    where, searching = tool_filter(field(body, "tools", list, []), sources)
    return Asking(
        last_question(given, "input"),
        where,
        field(body, "stream", bool, False),
        searching,
        max_tokens(body, "max_output_tokens"),
    )


def _check_choice(body: Mapping[str, Any]) -> None:
    choice = body.get("tool_choice") or "auto"
    kind = choice.get("type") if isinstance(choice, Mapping) else choice
    if kind in ("function", "custom"):
        raise unsupported("tool_choice", "gnomon calls no function; use 'auto'.")


class ResponsesRenderer:
    """The event order and ``sequence_number`` of one response; see ``render.Renderer``."""

    def __init__(
        self, body: Mapping[str, Any], asking: Asking, link: Callable[[Citation], str]
    ) -> None:
        self._asking = asking
        self._transcript = Transcript(asking.question, link, asking.max_tokens)
        self._sequence = -1
        self._output: list[dict[str, Any]] = []
        self._search: dict[str, Any] | None = None
        self._message: dict[str, Any] | None = None
        self._sources = "web_search_call.action.sources" in field(body, "include", list, [])
        self._response = _response(body)

    def begin(self) -> Iterator[bytes]:
        yield self._lifecycle("created")
        yield self._lifecycle("in_progress")

    def event(self, event: Event) -> Iterator[bytes]:
        if self._asking.searching and self._search is None:
            yield from self._open_search()
        if isinstance(event, Checked):
            yield from self._words(self._transcript.checked(event))
        elif isinstance(event, Finished):
            yield from self._words(self._transcript.finished(event.answer))
            yield from self._close(event)
        elif isinstance(event, Step) and event.name == "retrieve" and self._search:
            place = {"item_id": self._search["id"], "output_index": 0}
            yield self._frame("web_search_call.searching", **place)

    def failed(self, error: ApiError) -> Iterator[bytes]:
        code, message = error.code or error.type, error.message
        self._sequence += 1
        # Flat, as OpenAI sends it: its client takes any nested "error" for a broken stream.
        data = {"type": "error", "code": code, "message": message, "param": error.param}
        yield frame(data | {"sequence_number": self._sequence}, "error")
        failed = "server_error" if error.status >= 500 else "invalid_prompt"
        self._response |= {"status": "failed", "error": {"code": failed, "message": message}}
        yield self._lifecycle("failed")
        yield DONE

    def whole(self) -> dict[str, Any]:
        return self._response

    def _frame(self, name: str, **data: Any) -> bytes:
        self._sequence += 1
        kind = f"response.{name}"
        return frame({"type": kind, "sequence_number": self._sequence, **data}, kind)

    def _lifecycle(self, name: str) -> bytes:
        return self._frame(name, response=self._response)

    def _open_search(self) -> Iterator[bytes]:
        question = self._asking.question
        self._search = {
            "id": _id("ws"),
            "type": "web_search_call",
            "status": "in_progress",
            "action": {"type": "search", "query": question, "queries": [question]},
        }
        yield self._frame("output_item.added", output_index=0, item=self._search)
        yield self._frame("web_search_call.in_progress", item_id=self._search["id"], output_index=0)

    def _close_search(self) -> Iterator[bytes]:
        """The search is over once words come: they are what it found."""
        if self._search is None or self._search["status"] == "completed":
            return
        self._search = self._search | {"status": "completed"}
        yield self._frame("web_search_call.completed", item_id=self._search["id"], output_index=0)
        yield self._frame("output_item.done", output_index=0, item=self._search)
        self._output.append(self._search)

    def _words(self, piece: Piece) -> Iterator[bytes]:
        yield from self._close_search()
        if self._message is None:
            self._message = {
                "id": _id("msg"),
                "type": "message",
                "role": "assistant",
                "status": "in_progress",
                "content": [],
            }
            yield self._frame("output_item.added", output_index=self._at, item=self._message)
            yield self._frame("content_part.added", **self._place, part=_part("", []))
        if not piece.delta:
            return
        yield self._frame("output_text.delta", **self._place, delta=piece.delta, logprobs=[])
        before = len(self._transcript.annotations) - len(piece.annotations)
        for at, annotation in enumerate(piece.annotations, before):
            yield self._frame(
                "output_text.annotation.added",
                **self._place,
                annotation_index=at,
                annotation=annotation.flat(),
            )

    def _close(self, event: Finished) -> Iterator[bytes]:
        assert self._message is not None
        text, annotations = self._transcript.text, self._transcript.annotations
        part = _part(text, [annotation.flat() for annotation in annotations])
        status = "incomplete" if self._transcript.cut else "completed"
        yield self._frame("output_text.done", **self._place, text=text, logprobs=[])
        yield self._frame("content_part.done", **self._place, part=part)
        self._message |= {"status": status, "content": [part]}
        yield self._frame("output_item.done", output_index=self._at, item=self._message)
        if self._search and self._sources:
            sources = [{"type": "url", "url": url} for url in urls(annotations)]
            action = self._search["action"] | {"sources": sources}
            self._output = [self._search | {"action": action}]
        asked, said = tokens(self._asking.question), tokens(text)
        self._response |= {
            "status": status,
            "completed_at": int(time.time()) if status == "completed" else None,
            "output": [*self._output, self._message],
            "usage": {
                "input_tokens": asked,
                "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
                "output_tokens": said,
                "output_tokens_details": {"reasoning_tokens": 0},
                "total_tokens": asked + said,
            },
            "gnomon": answer_to_json(event.answer),
        }
        if self._transcript.cut:
            self._response["incomplete_details"] = {"reason": "max_output_tokens"}
        yield self._lifecycle(status)
        yield DONE

    @property
    def _at(self) -> int:
        return len(self._output)

    @property
    def _place(self) -> dict[str, Any]:
        assert self._message is not None
        return {"item_id": self._message["id"], "output_index": self._at, "content_index": 0}


def _response(body: Mapping[str, Any]) -> dict[str, Any]:
    """The response object with every required key, what the client set echoed back.

    ``store`` is False whatever was asked: responses cannot be fetched again yet.
    """
    number = (int, float)

    def echo(name: str, kind: type | tuple[type, ...], default: Any) -> Any:
        value = body.get(name)
        return value if isinstance(value, kind) and not isinstance(value, bool) else default

    return {
        "id": _id("resp"),
        "object": "response",
        "created_at": int(time.time()),
        "completed_at": None,
        "status": "in_progress",
        "incomplete_details": None,
        "model": MODEL,
        "previous_response_id": None,
        "instructions": echo("instructions", (str, list), None),
        "output": [],
        "error": None,
        "tools": echo("tools", list, []),
        "tool_choice": echo("tool_choice", (str, dict), "auto"),
        "truncation": echo("truncation", str, "disabled"),
        "parallel_tool_calls": body.get("parallel_tool_calls") is not False,
        "text": {"format": {"type": "text"}},
        "top_p": echo("top_p", number, 1.0),
        "presence_penalty": echo("presence_penalty", number, 0.0),
        "frequency_penalty": echo("frequency_penalty", number, 0.0),
        "top_logprobs": echo("top_logprobs", int, 0),
        "temperature": echo("temperature", number, 1.0),
        "reasoning": echo("reasoning", dict, None),
        "user": echo("user", str, None),
        "usage": None,
        "max_output_tokens": echo("max_output_tokens", int, None),
        "max_tool_calls": echo("max_tool_calls", int, None),
        "store": False,
        "background": False,
        "service_tier": "default",
        "metadata": echo("metadata", dict, {}),
        "safety_identifier": echo("safety_identifier", str, None),
        "prompt_cache_key": echo("prompt_cache_key", str, None),
    }


def _part(text: str, annotations: list[dict[str, object]]) -> dict[str, Any]:
    return {"type": "output_text", "text": text, "annotations": annotations, "logprobs": []}


def _id(prefix: str) -> str:
    return f"{prefix}_{uuid4().hex}"
