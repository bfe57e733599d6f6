"""The response object: every required key, what the client set echoed back, and what it may see.

The keys are those that Open Responses requires (https://www.openresponses.org/specification), the
optional ones those of the openai client's own types.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from typing import Any
from uuid import uuid4

from gnomon.serve.request import MODEL
from gnomon.serve.transcript import tokens

VERDICTS = "gnomon:verdicts"
SOURCES = "web_search_call.action.sources"
RESULTS = "web_search_call.results"
FILE_RESULTS = "file_search_call.results"
NO_CITATIONS = "no_inline_citations"
INLINE_CITATIONS = "inline_citations"


def new_id(prefix: str) -> str:
    return f"{prefix}_{uuid4().hex}"


def begun(body: Mapping[str, Any], *, store: bool, background: bool) -> dict[str, Any]:
    """The response object of a request that is about to be answered."""
    number = (int, float)

    def echo(name: str, kind: type | tuple[type, ...], default: Any) -> Any:
        value = body.get(name)
        return value if isinstance(value, kind) and not isinstance(value, bool) else default

    text = {"format": {"type": "text"}, **echo("text", dict, {})}
    conversation = conversation_id(body.get("conversation"))
    return {
        "id": new_id("resp"),
        "object": "response",
        "created_at": int(time.time()),
        "completed_at": None,
        "status": "queued" if background else "in_progress",
        "incomplete_details": None,
        "model": echo("model", str, MODEL) or MODEL,
        "previous_response_id": echo("previous_response_id", str, None) or None,
        "instructions": echo("instructions", (str, list), None),
        "output": [],
        "error": None,
        "tools": [_tool(tool) for tool in echo("tools", list, [])],
        "tool_choice": echo("tool_choice", (str, dict), "auto"),
        "truncation": echo("truncation", str, "disabled"),
        "parallel_tool_calls": body.get("parallel_tool_calls") is not False,
        "text": text | {"format": text["format"] or {"type": "text"}},
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
        "store": store,
        "background": background,
        "service_tier": "default",
        "metadata": echo("metadata", dict, {}),
        "safety_identifier": echo("safety_identifier", str, None),
        "prompt_cache_key": echo("prompt_cache_key", str, None),
        **({"conversation": {"id": conversation}} if conversation else {}),
    }


def _tool(tool: Any) -> Any:
    """A tool as it is echoed: a function with every key that Open Responses demands."""
    if not isinstance(tool, Mapping) or tool.get("type") != "function":
        return tool
    return {"description": None, "parameters": None, "strict": None, **tool}


def conversation_id(value: Any) -> str:
    """The id in ``conversation``, which is one or an object with one; "" where there is none."""
    named = value.get("id") if isinstance(value, Mapping) else value
    return named if isinstance(named, str) else ""


def usage(asked: int, said: int, cached: int = 0) -> dict[str, Any]:
    """Token counts, with the details that clients demand."""
    return {
        "input_tokens": asked,
        "input_tokens_details": {"cached_tokens": cached, "cache_write_tokens": 0},
        "output_tokens": said,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": asked + said,
    }


def before_output(response: Mapping[str, Any], status: str) -> dict[str, Any]:
    """The object as it stood when the response began, told from the finished one."""
    empty: dict[str, Any] = {"completed_at": None, "incomplete_details": None, "error": None}
    empty |= {"status": status, "output": [], "usage": None}
    return {name: value for name, value in response.items() if name != "gnomon"} | empty


def shaped(response: Mapping[str, Any], include: Collection[str]) -> dict[str, Any]:
    """The object as the client asked to see it: what was not included is left out, and verdicts
    come as items of our own only where they are asked for."""
    output = [shaped_item(item, include) for item in response["output"]]
    if VERDICTS in include:
        output += verdict_items(response.get("gnomon"))
    return {**response, "output": output}


def shaped_item(item: Mapping[str, Any], include: Collection[str]) -> dict[str, Any]:
    """One output item, without what was not included."""
    out = dict(item)
    if item["type"] == "web_search_call":
        if RESULTS not in include:
            out.pop("results", None)
        if SOURCES not in include:
            out["action"] = {k: v for k, v in item["action"].items() if k != "sources"}
    elif item["type"] == "file_search_call" and FILE_RESULTS not in include:
        out["results"] = None
    return out


def verdict_items(checked: Any) -> list[dict[str, Any]]:
    """One ``gnomon:verdict`` item for each claim that was judged: Open Responses lets a server add
    types with a prefix of its own (https://www.openresponses.org/specification)."""
    if not isinstance(checked, Mapping):
        return []
    return [
        {
            "id": f"gnv_{str(checked.get('id') or '')[:24]}_{n}",
            "type": "gnomon:verdict",
            "status": "completed",
            **{
                name: verdict.get(name)
                for name in (
                    *("label", "confidence", "reason", "rule", "origins_for", "origins_against"),
                    *("posts_for", "posts_against", "first_seen", "evidence"),
                )
            },
            "claim": (verdict.get("claim") or {}).get("text"),
        }
        for n, verdict in enumerate(checked.get("verdicts", ()))
    ]


def counted(items: Any) -> int:
    """An estimate of the tokens in input items, or in a string; see ``transcript.tokens``."""
    if isinstance(items, str):
        return tokens(items)
    if isinstance(items, Mapping):
        return sum(counted(items.get(name)) for name in _COUNTED if name in items)
    return sum(counted(item) for item in items) if isinstance(items, list | tuple) else 0


_COUNTED = ("content", "text", "output", "arguments", "input", "summary", "instructions")
