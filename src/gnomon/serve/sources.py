"""The routes of sources: ``/v1/sources``, what is followed.

The list is for everybody who may ask. Changing it needs "admin": a source makes the server fetch
an address. Such an address passes the same guard as every other (nothing private, at no redirect),
and no file of this machine can be named here.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gnomon.serve.caller import require
from gnomon.serve.context import Context
from gnomon.serve.http import ApiError, field, json_response, read_json
from gnomon.wire import to_json

LONGEST_TRIAL_S = 30.0
SHORTEST_S = 10.0


def routes(context: Context) -> list[Route]:
    made = SourceRoutes(context)
    return [
        Route("/v1/sources", made.listed),
        Route("/v1/sources", made.add, methods=["POST"]),
        Route("/v1/sources", made.remove, methods=["DELETE"]),
        Route("/v1/sources/test", made.test, methods=["POST"]),
        Route("/v1/sources/pause", partial(made.pause, paused=True), methods=["POST"]),
        Route("/v1/sources/resume", partial(made.pause, paused=False), methods=["POST"]),
    ]


class SourceRoutes:
    """The endpoints over one Context. A source is named by its ``spec``, in the body (DELETE: in
    the query), since it may be an address."""

    def __init__(self, context: Context) -> None:
        self._desk = context.desk

    async def listed(self, request: Request) -> Response:
        return await self._rows()

    async def add(self, request: Request) -> Response:
        """``{"spec", "every_s"?}``."""
        require(request, "admin")
        body = await read_json(request)
        every_s = _seconds(body, "every_s", None)
        add = partial(self._desk.engine.supply.add_remote, _spec(body), every_s=every_s)
        await self._desk.call(add)
        return await self._rows(201)

    async def test(self, request: Request) -> Response:
        """``{"spec", "for_s"?}``: what it gives, kept nowhere."""
        require(request, "admin")
        body = await read_json(request)
        for_s = min(_seconds(body, "for_s", 20.0) or 20.0, LONGEST_TRIAL_S)
        try_out = partial(self._desk.engine.supply.try_remote, _spec(body), for_s=for_s)
        tried = await self._desk.call(try_out)
        return json_response({"object": "source.test", **to_json(tried)})

    async def pause(self, request: Request, paused: bool) -> Response:
        require(request, "admin")
        spec = _spec(await read_json(request))
        await self._desk.call(partial(self._desk.engine.supply.pause, spec, paused))
        return await self._rows()

    async def remove(self, request: Request) -> Response:
        """``?spec=``; what was taken in from it stays."""
        require(request, "admin")
        spec = _spec(request.query_params)
        await self._desk.call(partial(self._desk.engine.supply.remove, spec))
        return await self._rows()

    async def _rows(self, status: int = 200) -> Response:
        rows = await self._desk.call(self._desk.engine.supply.rows)
        return json_response({"object": "list", "data": rows}, status)


def _spec(body: Any) -> str:
    spec = field(body, "spec", str, "").strip()
    if not spec or len(spec) > 2000:
        raise ApiError(400, "'spec' names no source; give one such as hn.", param="spec")
    return spec


def _seconds(body: dict[str, Any], name: str, default: float | None) -> float | None:
    value = body.get(name)
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int | float) or not value >= SHORTEST_S:
        said = f"{name!r} is {str(value)[:20]!r}; give a number of seconds from {SHORTEST_S:g} on."
        raise ApiError(400, said, param=name)
    return float(value)
