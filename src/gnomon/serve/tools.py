"""The tools that a request names: searches that narrow where gnomon looks, and the client's own
functions.

``web_search`` as OpenAI and Open Responses write it down
(https://platform.openai.com/docs/guides/tools-web-search) and with xAI's flat fields; ``x_search``
as xAI does (https://docs.x.ai/docs/guides/tools/search-tools), over every source of posts;
``file_search`` over the caller's vector stores. What is searched is what is held; where the owner
set a search engine, ``web_search`` first takes in what that finds, unless ``external_web_access``
is false.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from gnomon.serve.attributes import check_filter
from gnomon.serve.http import ApiError, moment, strings, unsupported
from gnomon.serve.http import field as read
from gnomon.types import Filter
from gnomon.types.generation import Function

DAY_S = 86_400.0
RESULTS = {"low": 5, "medium": 10, "high": 20}
"""Search results that are listed where the client includes them, by ``search_context_size``."""
MOST_FUNCTIONS = 128
MOST_CHUNKS = 50


@dataclass(frozen=True, slots=True)
class Choice:
    """Which function may or must be called: ``mode`` is "auto", "required" or "none"; ``names``
    are those to choose from, None: any. ``search`` False shows no search as an item; ``web`` is
    whether the web may be searched; ``draw`` is whether a picture must be drawn."""

    mode: str = "auto"
    names: frozenset[str] | None = None
    search: bool = True
    web: bool = True
    draw: bool = False


@dataclass(frozen=True, slots=True)
class Tools:
    """What the tools of a request come to. ``shelves`` are vector stores to look in instead of
    among posts; ``results`` is how many search results may be listed. ``live`` is whether every
    ``web_search`` among them allows access to the web itself. ``picture`` are the options of
    ``image_generation``, None where pictures are not among the tools."""

    where: Filter = field(default_factory=Filter)
    web: bool = False
    live: bool = False
    x: bool = False
    shelves: tuple[str, ...] = ()
    shelf_filter: Mapping[str, Any] | None = None
    chunks: int = 20
    least_score: float = 0.0
    results: int = RESULTS["medium"]
    functions: tuple[Function, ...] = ()
    picture: Mapping[str, Any] | None = None


def search_tools(tools: Iterable[Any]) -> Tools:
    """What the named tools narrow the search to. Raises 400 for one that gnomon has not."""
    found = Tools()
    narrowed: dict[str, Filter] = {}
    for at, tool in enumerate(tools):
        param = f"tools[{at}]"
        kind = tool.get("type") if isinstance(tool, Mapping) else None
        if kind in ("function", "custom"):
            found = replace(found, functions=(*found.functions, _function(tool, param)))
        elif isinstance(kind, str) and kind.startswith("web_search"):
            narrowed["web_search"] = _domains(tool, param)
            live = _external(tool, param) and (found.live or not found.web)
            found = replace(found, web=True, live=live, results=_results(tool, param))
        elif kind == "x_search":
            narrowed["x_search"] = _handles(tool, param)
            found = replace(found, x=True)
        elif kind == "file_search":
            found = _file_search(found, tool, param)
        elif kind == "image_generation":
            found = replace(found, picture=tool)
        else:
            raise unsupported(
                f"{param}.type",
                f"{param} is {kind!r}; gnomon has web_search, x_search, file_search, "
                "image_generation and function.",
            )
    if len(found.functions) > MOST_FUNCTIONS:
        raise ApiError(400, f"There are more than {MOST_FUNCTIONS} functions.", param="tools")
    return replace(found, where=_together(narrowed))


def _together(narrowed: Mapping[str, Filter]) -> Filter:
    """One search serves all tools, so only one of them can narrow it."""
    telling = {name: where for name, where in narrowed.items() if where != Filter()}
    if len(telling) > 1:
        raise unsupported(
            "tools",
            f"{' and '.join(telling)} both narrow the search, each in its own way; ask once with "
            "each of them.",
        )
    return next(iter(telling.values()), Filter())


def _function(tool: Mapping[str, Any], param: str) -> Function:
    """Flat as in Responses, or under ``function`` as in Chat Completions."""
    inner = tool.get("function") if isinstance(tool.get("function"), Mapping) else tool
    assert isinstance(inner, Mapping)
    name = inner.get("name")
    if not isinstance(name, str) or not name.strip():
        raise ApiError(
            400, f"{param} has no name.", param=f"{param}.name", code="missing_required_parameter"
        )
    schema = read(inner, "parameters", dict, {})
    strict = read(inner, "strict", bool, False)
    return Function(name, read(inner, "description", str, ""), schema, strict)


def _results(tool: Mapping[str, Any], param: str) -> int:
    size = tool.get("search_context_size") or "medium"
    if not isinstance(size, str) or size not in RESULTS:
        raise ApiError(
            400,
            f"{param}.search_context_size is {str(size)[:40]!r}; give low, medium or high.",
            param=f"{param}.search_context_size",
            code="invalid_value",
        )
    return RESULTS[size]


def _external(tool: Mapping[str, Any], param: str) -> bool:
    """``external_web_access``: true unless the client says otherwise."""
    given = tool.get("external_web_access")
    if given is not None and not isinstance(given, bool):
        raise ApiError(
            400,
            f"{param}.external_web_access is {str(given)[:40]!r}; give true or false.",
            param=f"{param}.external_web_access",
            code="invalid_type",
        )
    return given is not False


def _domains(tool: Mapping[str, Any], param: str) -> Filter:
    """OpenAI's ``filters.allowed_domains`` and ``blocked_domains``, xAI's flat fields."""
    filters = read(tool, "filters", dict, {})

    def named(*names: str) -> tuple[str, ...]:
        for holder, place in ((filters, f"{param}.filters."), (tool, f"{param}.")):
            for name in names:
                if holder.get(name):
                    return strings(holder[name], place + name)
        return ()

    return Filter(
        domains=named("allowed_domains"),
        not_domains=named("excluded_domains", "blocked_domains"),
    )


def _handles(tool: Mapping[str, Any], param: str) -> Filter:
    """``allowed_x_handles`` or ``excluded_x_handles``, ``from_date`` and ``to_date``."""
    allowed = strings(tool.get("allowed_x_handles"), f"{param}.allowed_x_handles")
    excluded = strings(tool.get("excluded_x_handles"), f"{param}.excluded_x_handles")
    if allowed and excluded:
        raise ApiError(
            400,
            f"{param} both allows and excludes handles; give one of the two.",
            param=f"{param}.excluded_x_handles",
            code="invalid_value",
        )
    bare = [handle.removeprefix("@") for handle in allowed]
    spelled = [s for h in bare for s in (h, h.casefold(), f"@{h}", f"@{h.casefold()}")]
    return Filter(
        authors=tuple(dict.fromkeys(spelled)),
        not_authors=excluded,
        since=moment(tool.get("from_date"), f"{param}.from_date"),
        until=_day_end(tool.get("to_date"), f"{param}.to_date"),
    )


def _day_end(value: Any, param: str) -> float | None:
    """``to_date`` includes its day (https://docs.x.ai/docs/guides/tools/search-tools)."""
    start = moment(value, param)
    return start + DAY_S if start is not None and len(str(value)) == len("2026-03-07") else start


def _file_search(found: Tools, tool: Mapping[str, Any], param: str) -> Tools:
    """``vector_store_ids``, ``filters``, ``max_num_results`` and ``ranking_options``
    (https://platform.openai.com/docs/guides/tools-file-search)."""
    most = read(tool, "max_num_results", int, 20)
    if not 1 <= most <= MOST_CHUNKS:
        raise ApiError(
            400,
            f"{param}.max_num_results is {most}; give 1 to {MOST_CHUNKS}.",
            param=f"{param}.max_num_results",
            code="invalid_value",
        )
    least = read(tool, "ranking_options", dict, {}).get("score_threshold") or 0.0
    if isinstance(least, bool) or not isinstance(least, int | float) or not 0 <= least <= 1:
        raise ApiError(
            400,
            f"{param}.ranking_options.score_threshold is {str(least)[:40]!r}; give 0 to 1.",
            param=f"{param}.ranking_options.score_threshold",
            code="invalid_value",
        )
    return replace(
        found,
        shelves=(*found.shelves, *_shelves(tool, param)),
        shelf_filter=check_filter(tool.get("filters"), f"{param}.filters"),
        chunks=most,
        least_score=float(least),
    )


def _shelves(tool: Mapping[str, Any], param: str) -> tuple[str, ...]:
    ids = strings(tool.get("vector_store_ids"), f"{param}.vector_store_ids")
    if not ids:
        raise ApiError(
            400,
            f"{param} names no vector_store_ids; give the vector stores to search.",
            param=f"{param}.vector_store_ids",
            code="missing_required_parameter",
        )
    return ids


def choice_of(value: Any, functions: Iterable[Function]) -> Choice:
    """``tool_choice`` in all its forms. Raises 400 for one that names no function of ours."""
    known = {function.name for function in functions}
    if value is None or value in ("auto", "none", "required"):
        return Choice(value or "auto", search=value != "none", web=value != "none")
    kind = value.get("type") if isinstance(value, Mapping) else None
    if kind in ("function", "custom"):
        name = read(value, "function", dict, value).get("name")
        if not isinstance(name, str) or name not in known:
            raise ApiError(
                400,
                f"tool_choice names {str(name)[:60]!r}, which is not among the tools.",
                param="tool_choice",
                code="invalid_value",
            )
        return Choice("required", frozenset({name}), web=False)
    if kind == "allowed_tools":
        inner = read(value, "allowed_tools", dict, value)
        tools = read(inner, "tools", list, [])
        named = {str(tool.get("name")) for tool in tools if isinstance(tool, Mapping)}
        kinds = {str(tool.get("type")) for tool in tools if isinstance(tool, Mapping)}
        mode = "required" if inner.get("mode") == "required" else "auto"
        web = any(one.startswith("web_search") for one in kinds)
        return Choice(mode, frozenset(named & known), web=web)
    if kind == "image_generation":
        return Choice("none", search=False, web=False, draw=True)
    if isinstance(kind, str) and (kind.startswith("web_search") or kind.endswith("_search")):
        # The search is made in any case, and no function.
        return Choice("none", web=kind.startswith("web_search"))
    raise ApiError(
        400,
        f"tool_choice is {str(value)[:60]!r}; give auto, none, required or a function.",
        param="tool_choice",
        code="invalid_value",
    )
