"""A response of ``/v1/responses``, whole or by its events, as xAI's messages."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp
from xai_sdk.proto import chat_pb2, usage_pb2

_SEARCHES = {
    "web_search_call": (
        "web_search",
        chat_pb2.TOOL_CALL_TYPE_WEB_SEARCH_TOOL,
        usage_pb2.SERVER_SIDE_TOOL_WEB_SEARCH,
    ),
    "x_search_call": (
        "x_keyword_search",
        chat_pb2.TOOL_CALL_TYPE_X_SEARCH_TOOL,
        usage_pb2.SERVER_SIDE_TOOL_X_SEARCH,
    ),
    "custom_tool_call": (
        "x_keyword_search",
        chat_pb2.TOOL_CALL_TYPE_X_SEARCH_TOOL,
        usage_pb2.SERVER_SIDE_TOOL_X_SEARCH,
    ),
    "file_search_call": (
        "collections_search",
        chat_pb2.TOOL_CALL_TYPE_COLLECTIONS_SEARCH_TOOL,
        usage_pb2.SERVER_SIDE_TOOL_COLLECTIONS_SEARCH,
    ),
}


def whole(response: Mapping[str, Any], *, inline: bool) -> chat_pb2.GetChatCompletionResponse:
    """A finished response. ``inline``: with each citation's place in the text."""
    message = chat_pb2.CompletionMessage(role=chat_pb2.ROLE_ASSISTANT)
    for item in response["output"]:
        if item["type"] == "message":
            for part in item["content"]:
                offset = len(message.content)
                message.content += part.get("text", "")
                if inline:
                    message.citations.extend(
                        inline_citation(note, offset) for note in part.get("annotations", ())
                    )
        elif (call := tool_call(item)) is not None:
            message.tool_calls.append(call)
    output = chat_pb2.CompletionOutput(
        index=0, message=message, finish_reason=finish_reason(response)
    )
    return chat_pb2.GetChatCompletionResponse(
        id=response["id"],
        outputs=[output],
        created=Timestamp(seconds=int(response["created_at"])),
        model=response["model"],
        usage=usage(response),
        citations=citations(response),
    )


class Chunks:
    """The chunks of one streamed completion. ``of(event)`` gives those that an event makes."""

    def __init__(self, *, inline: bool) -> None:
        self._inline = inline
        self._head: dict[str, Any] = {}
        self._seen = 0

    def of(self, event: Mapping[str, Any]) -> Iterator[chat_pb2.GetChatCompletionChunk]:
        kind = event.get("type", "")
        if kind == "response.created":
            made = event["response"]
            self._head = {
                "id": made["id"],
                "model": made["model"],
                "created": Timestamp(seconds=int(made["created_at"])),
            }
            yield self._chunk(chat_pb2.Delta(role=chat_pb2.ROLE_ASSISTANT))
        elif kind == "response.output_text.delta":
            yield self._chunk(chat_pb2.Delta(role=chat_pb2.ROLE_ASSISTANT, content=event["delta"]))
        elif kind == "response.output_text.annotation.added" and self._inline:
            note = inline_citation(event["annotation"], 0, str(self._seen + 1))
            self._seen += 1
            yield self._chunk(chat_pb2.Delta(role=chat_pb2.ROLE_ASSISTANT, citations=[note]))
        elif kind == "response.output_item.done":
            if (call := tool_call(event["item"])) is not None:
                yield self._chunk(chat_pb2.Delta(role=chat_pb2.ROLE_ASSISTANT, tool_calls=[call]))
        elif kind in ("response.completed", "response.incomplete"):
            yield self._last(event["response"])

    def _chunk(self, delta: chat_pb2.Delta) -> chat_pb2.GetChatCompletionChunk:
        output = chat_pb2.CompletionOutputChunk(index=0, delta=delta)
        return chat_pb2.GetChatCompletionChunk(outputs=[output], **self._head)

    def _last(self, response: Mapping[str, Any]) -> chat_pb2.GetChatCompletionChunk:
        output = chat_pb2.CompletionOutputChunk(
            index=0,
            delta=chat_pb2.Delta(role=chat_pb2.ROLE_ASSISTANT),
            finish_reason=finish_reason(response),
        )
        return chat_pb2.GetChatCompletionChunk(
            outputs=[output], usage=usage(response), citations=citations(response), **self._head
        )


def finish_reason(response: Mapping[str, Any]) -> Any:
    if any(item["type"] == "function_call" for item in response["output"]):
        return "REASON_TOOL_CALLS"
    if response["status"] == "incomplete":
        return "REASON_MAX_LEN"
    return "REASON_STOP"


def tool_call(item: Mapping[str, Any]) -> chat_pb2.ToolCall | None:
    """A call as xAI tells it: a function for the client to run, or a search that was made."""
    if item["type"] == "function_call":
        return chat_pb2.ToolCall(
            id=item["call_id"],
            type=chat_pb2.TOOL_CALL_TYPE_CLIENT_SIDE_TOOL,
            status=chat_pb2.TOOL_CALL_STATUS_COMPLETED,
            function=chat_pb2.FunctionCall(name=item["name"], arguments=item["arguments"]),
        )
    if item["type"] not in _SEARCHES:
        return None
    name, kind, _ = _SEARCHES[item["type"]]
    return chat_pb2.ToolCall(
        id=item["id"],
        type=kind,
        status=chat_pb2.TOOL_CALL_STATUS_COMPLETED,
        function=chat_pb2.FunctionCall(name=item.get("name") or name, arguments=_arguments(item)),
    )


def _arguments(item: Mapping[str, Any]) -> str:
    if isinstance(item.get("input"), str):
        return str(item["input"])
    action = item.get("action") or {}
    query = action.get("query") or " ".join(item.get("queries") or ())
    return json.dumps({"query": query}, ensure_ascii=False)


def inline_citation(
    note: Mapping[str, Any], offset: int, number: str = ""
) -> chat_pb2.InlineCitation:
    """Where a citation stands, in characters of the content. ``id`` is the number as shown."""
    made = chat_pb2.InlineCitation(
        id=number or str(note.get("title") or ""),
        start_index=offset + int(note.get("start_index") or note.get("index") or 0),
        end_index=offset + int(note.get("end_index") or note.get("index") or 0),
    )
    if note["type"] == "file_citation":
        made.collections_citation.file_id = note["file_id"]
    else:
        made.web_citation.url = note.get("url", "")
    return made


def citations(response: Mapping[str, Any]) -> list[str]:
    """Each cited address once, in the order of the text."""
    found = [
        note["url"]
        for item in response["output"]
        if item["type"] == "message"
        for part in item["content"]
        for note in part.get("annotations", ())
        if note.get("url")
    ]
    return list(dict.fromkeys(found))


def usage(response: Mapping[str, Any]) -> usage_pb2.SamplingUsage:
    counted = response.get("usage") or {}
    used = [_SEARCHES[i["type"]][2] for i in response["output"] if i["type"] in _SEARCHES]
    asked, said = counted.get("input_tokens", 0), counted.get("output_tokens", 0)
    return usage_pb2.SamplingUsage(
        prompt_tokens=asked,
        prompt_text_tokens=asked,
        completion_tokens=said,
        total_tokens=asked + said,
        num_sources_used=len(citations(response)),
        server_side_tools_used=used,
    )
