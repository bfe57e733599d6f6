"""The openai client's own types, held strictly: what validates and leaves nothing over."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, get_args

import pydantic
from openai.types.responses import Response, ResponseStreamEvent

# What Open Responses demands and the client's class does not declare, and our one addition.
OURS = {"presence_penalty", "frequency_penalty", "store", "gnomon"}


def _classes(union: Any) -> dict[str, type[pydantic.BaseModel]]:
    members = get_args(get_args(union)[0]) if get_args(union)[1:] else get_args(union)
    return {get_args(cls.model_fields["type"].annotation)[0]: cls for cls in members}


EVENTS = _classes(ResponseStreamEvent)


def check_event(data: dict[str, Any]) -> None:
    """One event of a stream, against the class that its type names."""
    assert data["type"] in EVENTS, f"{data['type']} is no event of the openai client"
    if "response" in data:
        data = data | {"response": _without_echo(data["response"])}
    leftovers(EVENTS[data["type"]].model_validate(data), data["type"])


def check_response(data: dict[str, Any]) -> None:
    """A response object."""
    leftovers(Response.model_validate(_without_echo(data)), "response")


def _without_echo(data: dict[str, Any]) -> dict[str, Any]:
    """What the request set is echoed as it was; the client's classes do not know xAI's tool, nor
    Open Responses' way to choose ``web_search``."""
    tools = [tool for tool in data["tools"] if tool["type"] != "x_search"]
    choice = data["tool_choice"]
    choice = "auto" if choice == {"type": "web_search"} else choice
    return data | {"tools": tools, "tool_choice": choice}


def leftovers(value: Any, at: str) -> None:
    """Raises AssertionError where a model has fields that its type does not know."""
    if isinstance(value, pydantic.BaseModel):
        extra = set(value.model_extra or {}) - (OURS if isinstance(value, Response) else set())
        assert not extra, f"{at} ({type(value).__name__}) has {sorted(extra)}"
        for name in type(value).model_fields:
            leftovers(getattr(value, name), f"{at}.{name}")
    elif isinstance(value, list | tuple):
        for n, item in enumerate(value):
            leftovers(item, f"{at}[{n}]")


def in_order(events: Iterable[dict[str, Any]]) -> None:
    """The order that clients rely on: numbers from 0, items opened before they are filled and
    closed after, one end."""
    events = list(events)
    assert [e["sequence_number"] for e in events] == list(range(len(events)))
    names = [e["type"] for e in events]
    assert names[0] == "response.created"
    assert names[-1] in ("response.completed", "response.incomplete", "response.failed")
    assert "response.in_progress" in names or names[-1] == "response.failed"
    opened: dict[int, str] = {}
    closed: set[int] = set()
    text: dict[tuple[str, int], str] = {}
    for event in events:
        at = event.get("output_index")
        if event["type"] == "response.output_item.added":
            assert at == len(opened)
            opened[at] = event["item"]["id"]
        elif event["type"] == "response.output_item.done":
            assert opened[at] == event["item"]["id"]
            closed.add(at)
        elif at is not None:
            assert event["item_id"] == opened[at]
            assert at not in closed
        if event["type"] == "response.output_text.delta":
            place = (event["item_id"], event["content_index"])
            text[place] = text.get(place, "") + event["delta"]
        elif event["type"] == "response.output_text.done":
            assert event["text"] == text.get((event["item_id"], event["content_index"]), "")
    last = events[-1]["response"]
    if names[-1] == "response.completed":
        assert closed == set(opened)
        assert [item["id"] for item in last["output"]] == list(opened.values())
