"""A request for a response, read: what is asked, with which tools, in which form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gnomon.serve.http import ApiError, field, strings, unsupported
from gnomon.serve.ledger import Kept
from gnomon.serve.making import Wanted
from gnomon.serve.request import MODEL, Conversation, conversation, max_tokens
from gnomon.serve.responses_object import conversation_id, new_id
from gnomon.serve.structured import form_of
from gnomon.serve.talking import messages
from gnomon.serve.tools import choice_of, search_tools

Items = list[Mapping[str, Any]]
_METADATA = {"pairs": 16, "key": 64, "value": 512}
"""https://platform.openai.com/docs/api-reference/responses/create#responses-create-metadata"""


def parse(body: Mapping[str, Any], earlier: Sequence[Mapping[str, Any]] = ()) -> Wanted:
    """What a request wants. ``earlier`` are the items of the responses it follows up. Raises
    ApiError naming the field that cannot be served."""
    items = input_items(body)
    model = field(body, "model", str, MODEL) or MODEL
    if body.get("prompt"):
        raise unsupported("prompt", "No prompts are kept here; send the words as 'input'.")
    check_metadata(body)
    background = field(body, "background", bool, False)
    store = field(body, "store", bool, True)
    if background and not store:
        raise ApiError(
            400,
            "A response in the background must be kept to be fetched; leave out 'store'.",
            param="store",
            code="invalid_value",
        )
    tools = search_tools(field(body, "tools", list, []))
    whole = [*earlier, *items]
    asked = _asked(whole, len(earlier), model != MODEL)
    plain = messages(whole, body.get("instructions")) if model != MODEL else None
    if plain is not None and (asked.unseen or asked.files):
        raise unsupported("input", f"{model[:60]!r} reads only text; leave out pictures and files.")
    return Wanted(
        asked=asked,
        tools=tools,
        choice=choice_of(body.get("tool_choice"), tools.functions),
        parallel=field(body, "parallel_tool_calls", bool, True),
        form=form_of(field(body, "text", dict, {})),
        include=frozenset(strings(body.get("include"), "include")),
        max_tokens=max_tokens(body, "max_output_tokens"),
        max_calls=max_tokens(body, "max_tool_calls"),
        stream=field(body, "stream", bool, False),
        background=background,
        store=store,
        previous=field(body, "previous_response_id", str, ""),
        conversation=conversation_id(body.get("conversation")),
        items=items,
        body=body,
        plain=plain,
    )


def check_one_road(body: Mapping[str, Any]) -> None:
    """Raises 400 where a request goes on from two places at once, or from one that keeps it while
    it is not to be kept."""
    if body.get("previous_response_id") and body.get("conversation"):
        raise ApiError(
            400,
            "'previous_response_id' and 'conversation' are two ways to go on; give one of them.",
            param="conversation",
            code="mutually_exclusive_parameters",
        )
    if body.get("conversation") and not (
        field(body, "store", bool, True) and conversation_id(body["conversation"])
    ):
        raise ApiError(
            400,
            "'conversation' takes the id of a conversation, and what is said in one is kept; "
            "leave out 'store'.",
            param="conversation",
            code="invalid_value",
        )


def _asked(items: Items, earlier: int, plain: bool) -> Conversation:
    """A chat model goes on from whatever was said; gnomon needs a question."""
    try:
        return conversation(items, "input", earlier)
    except ApiError as error:
        if not plain or error.code != "no_question":
            raise
        return Conversation("")


def input_items(body: Mapping[str, Any]) -> Items:
    """``input`` as items; a string is a message of the user. Raises 400 where there is none."""
    given = body.get("input")
    if isinstance(given, str):
        given = [{"type": "message", "role": "user", "content": given}]
    if not isinstance(given, list):
        raise ApiError(
            400, "'input' is missing; give the question as a string or a list.", param="input"
        )
    for at, item in enumerate(given):
        if not isinstance(item, Mapping):
            raise ApiError(
                400, f"input[{at}] is no object.", param=f"input[{at}]", code="invalid_type"
            )
    return given


def check_metadata(body: Mapping[str, Any]) -> dict[str, str]:
    """``metadata``: at most 16 pairs of short strings."""
    given = field(body, "metadata", dict, {})
    fits = len(given) <= _METADATA["pairs"] and all(
        isinstance(value, str) and len(key) <= _METADATA["key"] and len(value) <= _METADATA["value"]
        for key, value in given.items()
    )
    if not fits:
        raise ApiError(
            400,
            f"'metadata' takes {_METADATA['pairs']} pairs at most, of a name of "
            f"{_METADATA['key']} and a string of {_METADATA['value']} characters.",
            param="metadata",
            code="invalid_value",
        )
    return given


def items_of(kept: Kept) -> Items:
    """What was said in a kept response: what was sent, then what came back."""
    if kept.kind == "response":
        return [*kept.input, *kept.object.get("output", ())]
    return [
        {"type": "message", "role": "user", "content": kept.question},
        {"type": "message", "role": "assistant", "content": kept.text},
    ]


def listed_item(item: Mapping[str, Any]) -> dict[str, Any]:
    """An input item as it is listed: with an id, a type, and its content in parts."""
    kind = item.get("type") or "message"
    given = item.get("id")
    own = given if given and isinstance(given, str) else None
    out: dict[str, Any] = {"id": own or new_id("msg" if kind == "message" else "item")}
    out |= {**item, "type": str(kind), "id": out["id"]}
    if kind == "message":
        out.setdefault("status", "completed")
        if isinstance(out.get("content"), str):
            assistant = out.get("role") == "assistant"
            part: dict[str, Any] = {"type": "output_text" if assistant else "input_text"}
            part["text"] = out["content"]
            out["content"] = [part | ({"annotations": []} if assistant else {})]
    elif kind == "function_call_output":
        out.setdefault("status", "completed")
    return out
