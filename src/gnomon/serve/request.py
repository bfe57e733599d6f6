"""What a client asks, taken out of the two request shapes: one question and a Filter.

gnomon answers one question at a time from held posts. Of a conversation, **only the last message
of the user is asked**; earlier turns, system messages and ``instructions`` are accepted and change
nothing, so that no prompt can talk the checking away.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from gnomon.serve.contract import Engine
from gnomon.serve.http import ApiError, field, moment, strings, unsupported
from gnomon.types import Event, Filter

MODEL = "gnomon"
_TEXT_PARTS = ("input_text", "text", "output_text")
# Items of an earlier response that clients send back with the next question.
_EARLIER = ("reasoning", "web_search_call", "custom_tool_call", "function_call", "compaction")
_OUTPUTS = ("function_call_output", "custom_tool_call_output")


@dataclass(frozen=True, slots=True)
class Asking:
    """A request's question, where to look, and what the client wants to see of it."""

    question: str
    where: Filter
    stream: bool
    searching: bool = False  # the request names web_search: show the search as an item
    max_tokens: int | None = None

    def begin(self, engine: Engine) -> Iterator[Event]:
        """What this has the engine do."""
        return engine.ask(self.question, where=self.where)


def check_model(body: Mapping[str, Any]) -> None:
    name = field(body, "model", str, MODEL)
    if name != MODEL:
        raise ApiError(
            404,
            f"The model {name[:60]!r} is not here; ask for {MODEL!r}.",
            type="not_found",
            param="model",
            code="model_not_found",
        )


def max_tokens(body: Mapping[str, Any], *names: str) -> int | None:
    for name in names:
        value = field(body, name, int, 0)
        if value < 0:
            raise ApiError(400, f"{name!r} is {value}; give 1 or more.", param=name)
        if value:
            return value
    return None


def last_question(messages: Iterable[Any], param: str) -> str:
    """The text of the last user message. Raises 400 where there is none or it is not text."""
    question: str | None = None
    for at, message in enumerate(messages):
        where = f"{param}[{at}]"
        if not isinstance(message, Mapping):
            raise ApiError(400, f"{where} is no object.", param=where, code="invalid_type")
        kind = message.get("type", "message")
        if kind in _EARLIER or kind in _OUTPUTS:
            continue
        if kind != "message":
            raise unsupported(where, f"{where} has the type {kind!r}, which gnomon cannot read.")
        role = message.get("role")
        if role not in ("user", "assistant", "system", "developer", "tool", "function"):
            raise ApiError(
                400,
                f"{where} has the role {role!r}; give user, assistant, system or developer.",
                param=f"{where}.role",
                code="invalid_value",
            )
        if role == "user":
            question = _text(message.get("content"), f"{where}.content")
    if question is None or not question.strip():
        raise ApiError(
            400,
            "There is no question: give a message of the user with text in it.",
            param=param,
            code="no_question",
        )
    return question


def _text(content: Any, param: str) -> str:
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        raise ApiError(
            400, f"{param} is neither text nor a list of parts.", param=param, code="invalid_type"
        )
    words = []
    for at, part in enumerate(content):
        kind = part.get("type") if isinstance(part, Mapping) else None
        text = part.get("text") if isinstance(part, Mapping) else None
        if kind not in _TEXT_PARTS or not isinstance(text, str):
            raise unsupported(
                f"{param}[{at}]", f"{param}[{at}] is {kind!r}; gnomon reads only text so far."
            )
        words.append(text)
    return "\n".join(words)


def tool_filter(tools: Iterable[Any], sources: Iterable[str]) -> tuple[Filter, bool]:
    """What the named tools narrow the search to, and whether ``web_search`` is among them.

    ``function`` tools are accepted and never called. ``sources`` are the names of the sources
    that are held; domains and handles that could not be honoured are refused, never ignored.
    """
    where, searching = Filter(), False
    for at, tool in enumerate(tools):
        param = f"tools[{at}]"
        kind = tool.get("type") if isinstance(tool, Mapping) else None
        if kind in ("function", "custom"):
            continue
        if isinstance(kind, str) and kind.startswith("web_search"):
            searching = True
            where = _domains(where, tool, param, sources)
        elif kind == "x_search":
            if tool.get("excluded_x_handles"):
                raise unsupported(f"{param}.excluded_x_handles", "gnomon cannot leave authors out.")
            where = replace(
                where,
                authors=strings(tool.get("allowed_x_handles"), f"{param}.allowed_x_handles"),
                since=moment(tool.get("from_date"), f"{param}.from_date"),
                until=_day_end(tool.get("to_date"), f"{param}.to_date"),
            )
        else:
            raise unsupported(
                f"{param}.type", f"{param} is {kind!r}; gnomon has web_search and x_search."
            )
    return where, searching


def _day_end(value: Any, param: str) -> float | None:
    """``to_date`` includes its day (https://docs.x.ai/docs/guides/tools/search-tools)."""
    start = moment(value, param)
    return start + 86400 if start is not None and len(str(value)) == len("2026-03-07") else start


def _domains(where: Filter, tool: Mapping[str, Any], param: str, sources: Iterable[str]) -> Filter:
    filters = field(tool, "filters", dict, {})
    if filters.get("excluded_domains") or filters.get("blocked_domains"):
        raise unsupported(f"{param}.filters", "gnomon cannot leave domains out.")
    named = strings(
        filters.get("allowed_domains", tool.get("allowed_domains")),
        f"{param}.filters.allowed_domains",
    )
    if not named:
        return where
    held = list(sources)
    wanted = tuple(s for s in held if any(_is_of(s, domain) for domain in named))
    if not wanted:
        raise ApiError(
            400,
            f"None of the held sources is at {', '.join(named)[:120]}; "
            f"held: {', '.join(held)[:200] or 'nothing yet'}.",
            param=f"{param}.filters.allowed_domains",
            code="domain_not_held",
        )
    return replace(where, sources=wanted)


def _is_of(source: str, domain: str) -> bool:
    """Whether a source (``rss:news.example.org``) is the domain or lies under it."""
    host = source.rpartition("//")[2].split("/")[0].rpartition(":")[2].casefold()
    name = domain.casefold().removeprefix("https://").removeprefix("http://").strip("/")
    return bool(name) and (host == name or host.endswith("." + name))
