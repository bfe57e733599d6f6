"""What is rising: ``GET /v1/trends``; and who repeated an origin: ``GET /v1/spread``."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gnomon.errors import InputError
from gnomon.serve.context import Context
from gnomon.serve.http import ApiError, json_response, moment
from gnomon.types import Trend, Trends
from gnomon.wire import parse_span, to_json

KINDS = ("term", "hashtag", "link", "name")
MOST = 100
_PARAMETERS = frozenset({"window", "kind", "lang", "k", "now", "term", "sure"})
_MAX_TERM, _MAX_LANG = 200, 12


def routes(context: Context) -> list[Route]:
    listing = Listing(context)
    return [Route("/v1/trends", listing.list), Route("/v1/spread", listing.spread)]


class Listing:
    """The endpoints over one Context."""

    def __init__(self, context: Context) -> None:
        self._desk = context.desk

    async def list(self, request: Request) -> Response:
        """``?window=1h&kind=&lang=&k=20&now=&sure=&term=``: the trends of a window, or, with
        ``term``, the figures of that one term whether it rises or not."""
        query = _query(request.query_params)
        rising = self._desk.engine.rising
        if term := query.pop("term"):
            for name in ("kind", "k", "unsure"):
                query.pop(name)
            found = await self._desk.call(partial(rising.explain, term, **query), line="ranking")
            return json_response({"object": "list", "data": [trend_json(found)]})
        listed = await self._desk.call(partial(rising.trends, **query), line="ranking")
        return json_response(rising_json(listed))

    async def spread(self, request: Request) -> Response:
        """``?post=``: who repeated the origin of a post, when and how."""
        post = request.query_params.get("post", "")
        if not post:
            raise _wrong("post", "'post' is empty; give the id of a post.")
        found = await self._desk.call(partial(self._desk.engine.rising.spread, post))
        return json_response({"object": "spread", **to_json(found)})


def _query(given: QueryParams) -> dict[str, Any]:
    """The arguments of ``trends``; raises 400 naming the parameter that is at fault."""
    for name in given:
        if name not in _PARAMETERS:
            known = ", ".join(sorted(_PARAMETERS))
            raise _wrong(name, f"{name[:40]!r} is no parameter of trends; give any of {known}.")
        if len(given.getlist(name)) > 1:
            raise _wrong(name, f"{name!r} is given twice; give it once.")
    kind, lang, k = given.get("kind", ""), given.get("lang", ""), given.get("k", "20")
    term, sure = given.get("term", "").strip(), given.get("sure", "false")
    if kind and kind not in KINDS:
        raise _wrong("kind", f"'kind' is {kind[:40]!r}; give one of {', '.join(KINDS)}.")
    if lang and not (lang.isascii() and lang.replace("-", "").isalpha() and len(lang) <= _MAX_LANG):
        raise _wrong("lang", f"'lang' is {lang[:40]!r}; give a language code such as en or zh.")
    if not (k.isascii() and k.isdecimal() and 1 <= int(k[:6]) <= MOST):
        raise _wrong("k", f"'k' is {k[:20]!r}; give 1 to {MOST}.")
    if sure not in ("true", "false"):
        raise _wrong("sure", f"'sure' is {sure[:20]!r}; give true or false.")
    if len(term) > _MAX_TERM:
        raise _wrong("term", f"'term' has {len(term)} characters; give at most {_MAX_TERM}.")
    return {
        "window_s": _window(given.get("window", "1h")),
        "kind": kind,
        "lang": lang,
        "k": int(k),
        "now": moment(given.get("now"), "now"),
        "unsure": sure == "false",
        "term": term,
    }


def _window(text: str) -> float:
    try:
        return parse_span(text)
    except InputError as error:
        raise _wrong("window", f"'window': {error}") from None


def _wrong(name: str, message: str) -> ApiError:
    return ApiError(400, message, param=name[:40], code="invalid_value")


def rising_json(found: Trends) -> dict[str, Any]:
    """Trends as it is sent: a list object, with what it was found among."""
    whole: dict[str, Any] = to_json(found)
    whole.pop("trends")
    return {"object": "list", **whole, "data": [trend_json(one) for one in found.trends]}


def trend_json(one: Trend) -> Mapping[str, Any]:
    return {"object": "trend", **to_json(one)}
