"""xAI's request messages as bodies of ``POST /v1/responses``.

What has no meaning here is refused with a sentence (``Untranslatable``), never dropped: pictures,
files, code execution, foreign MCP servers. The retired ``search_parameters`` get the words with
which xAI itself refuses them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from xai_sdk.proto import chat_pb2

LIVE_SEARCH_GONE = (
    "Live search is deprecated. Please switch to the Agent Tools API: "
    "tools=[web_search(), x_search()]."
)
_ROLES = {
    chat_pb2.ROLE_USER: "user",
    chat_pb2.ROLE_ASSISTANT: "assistant",
    chat_pb2.ROLE_SYSTEM: "system",
    chat_pb2.ROLE_DEVELOPER: "developer",
}
_MODES = {
    chat_pb2.TOOL_MODE_AUTO: "auto",
    chat_pb2.TOOL_MODE_NONE: "none",
    chat_pb2.TOOL_MODE_REQUIRED: "required",
}
_INCLUDE = {
    chat_pb2.INCLUDE_OPTION_WEB_SEARCH_CALL_OUTPUT: "web_search_call.action.sources",
    chat_pb2.INCLUDE_OPTION_COLLECTIONS_SEARCH_CALL_OUTPUT: "file_search_call.results",
}


class Untranslatable(Exception):
    """The request asks for something that gnomon does not do; the message says what instead."""


def body(request: chat_pb2.GetCompletionsRequest) -> dict[str, Any]:
    """The body of ``POST /v1/responses`` that asks the same. Raises Untranslatable."""
    if request.HasField("search_parameters"):
        raise Untranslatable(LIVE_SEARCH_GONE)
    if request.HasField("n") and request.n > 1:
        raise Untranslatable(f"n is {request.n}; gnomon gives one checked answer, so 1.")
    made: dict[str, Any] = {
        "model": request.model or "gnomon",
        "input": list(items(request.messages)),
        "store": request.store_messages,
    }
    for theirs, ours in (
        ("max_tokens", "max_output_tokens"),
        ("temperature", "temperature"),
        ("top_p", "top_p"),
        ("frequency_penalty", "frequency_penalty"),
        ("presence_penalty", "presence_penalty"),
        ("top_logprobs", "top_logprobs"),
        ("parallel_tool_calls", "parallel_tool_calls"),
        ("previous_response_id", "previous_response_id"),
    ):
        if request.HasField(theirs):
            made[ours] = getattr(request, theirs)
    if request.user:
        made["user"] = request.user
    if request.tools:
        made["tools"] = [tool(one) for one in request.tools]
    if request.HasField("tool_choice"):
        made["tool_choice"] = _choice(request.tool_choice)
    if request.HasField("response_format"):
        made["text"] = {"format": _format(request.response_format)}
    if wanted := [_INCLUDE[one] for one in request.include if one in _INCLUDE]:
        made["include"] = wanted
    return made


def inline_citations(request: chat_pb2.GetCompletionsRequest) -> bool:
    """Whether the client wants each citation's place in the text; over gRPC only on request."""
    return chat_pb2.INCLUDE_OPTION_INLINE_CITATIONS in request.include


def items(messages: Iterable[chat_pb2.Message]) -> Iterable[dict[str, Any]]:
    """The input items of a conversation, tool calls and their results among them."""
    for message in messages:
        text = "\n".join(_text(part) for part in message.content)
        if message.role in (chat_pb2.ROLE_TOOL, chat_pb2.ROLE_FUNCTION):
            yield {
                "type": "function_call_output",
                "call_id": message.tool_call_id or message.name,
                "output": text,
            }
            continue
        if message.role not in _ROLES:
            raise Untranslatable(f"The role {message.role} of a message is not known.")
        for call in message.tool_calls:
            if call.type in (
                chat_pb2.TOOL_CALL_TYPE_INVALID,
                chat_pb2.TOOL_CALL_TYPE_CLIENT_SIDE_TOOL,
            ):
                yield {
                    "type": "function_call",
                    "call_id": call.id,
                    "name": call.function.name,
                    "arguments": call.function.arguments,
                }
        if text or not message.tool_calls:
            yield {"type": "message", "role": _ROLES[message.role], "content": text}


def _text(part: chat_pb2.Content) -> str:
    kind = part.WhichOneof("content")
    if kind not in ("text", None):
        raise Untranslatable(f"A message holds {kind}, which gnomon cannot read; send text.")
    return str(part.text)


def tool(one: chat_pb2.Tool) -> dict[str, Any]:
    kind = one.WhichOneof("tool")
    if kind == "function":
        return {
            "type": "function",
            "name": one.function.name,
            "description": one.function.description,
            "parameters": _schema(one.function.parameters, f"the function {one.function.name!r}"),
            "strict": one.function.strict,
        }
    if kind == "web_search":
        filters: dict[str, Any] = {}
        if one.web_search.allowed_domains:
            filters["allowed_domains"] = list(one.web_search.allowed_domains)
        if one.web_search.excluded_domains:
            filters["excluded_domains"] = list(one.web_search.excluded_domains)
        return {"type": "web_search", **filters}
    if kind == "x_search":
        return _x_search(one.x_search)
    if kind == "collections_search":
        return {
            "type": "file_search",
            "vector_store_ids": list(one.collections_search.collection_ids),
            **({"max_num_results": one.collections_search.limit}
               if one.collections_search.HasField("limit") else {}),
        }  # fmt: skip
    raise Untranslatable(f"gnomon has no tool {kind}; it has web_search, x_search and functions.")


def _x_search(search: chat_pb2.XSearch) -> dict[str, Any]:
    made: dict[str, Any] = {"type": "x_search"}
    for name in ("allowed_x_handles", "excluded_x_handles"):
        if handles := list(getattr(search, name)):
            made[name] = handles
    for name in ("from_date", "to_date"):
        if search.HasField(name):
            moment = datetime.fromtimestamp(getattr(search, name).seconds, UTC)
            made[name] = f"{moment:%Y-%m-%d}"
    return made


def _choice(choice: chat_pb2.ToolChoice) -> Any:
    if choice.WhichOneof("tool_choice") == "function_name":
        return {"type": "function", "name": choice.function_name}
    return _MODES.get(choice.mode, "auto")


def _format(given: chat_pb2.ResponseFormat) -> dict[str, Any]:
    if given.format_type == chat_pb2.FORMAT_TYPE_JSON_OBJECT:
        return {"type": "json_object"}
    if given.format_type == chat_pb2.FORMAT_TYPE_JSON_SCHEMA:
        schema = _schema(given.schema, "response_format")
        name = str(schema.get("title") or "reply")
        return {"type": "json_schema", "name": name, "schema": schema, "strict": True}
    return {"type": "text"}


def _schema(text: str, of: str) -> dict[str, Any]:
    try:
        schema = json.loads(text or "{}")
    except ValueError as error:
        raise Untranslatable(f"The JSON Schema of {of} is no JSON: {error}.") from None
    if not isinstance(schema, dict):
        raise Untranslatable(f"The JSON Schema of {of} is no object.")
    return schema
