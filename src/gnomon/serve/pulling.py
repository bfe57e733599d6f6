"""What the owner sets up: ``GET /v1/settings``, and models to fetch under ``/v1/pulls``.

``GET /v1/settings`` tells every caller what leaves the machine, and an "admin" every setting.
``POST /v1/pulls {"model"}`` begins a pull, ``GET`` lists how each goes, ``DELETE
/v1/pulls/{model}`` stops one: "admin" alone.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gnomon.serve.caller import caller_of, require
from gnomon.serve.context import Context
from gnomon.serve.desk import Desk
from gnomon.serve.http import ApiError, field, json_response, read_json


def routes(context: Context) -> list[Route]:
    api = _Api(context.desk)
    return [
        Route("/v1/settings", api.settings),
        Route("/v1/pulls", api.list),
        Route("/v1/pulls", api.begin, methods=["POST"]),
        Route("/v1/pulls/{model}", api.stop, methods=["DELETE"]),
    ]


class _Api:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def settings(self, request: Request) -> Response:
        setup, admin = self._desk.engine.setup, caller_of(request).may("admin")

        def read() -> dict[str, Any]:
            told: dict[str, Any] = {"object": "gnomon.settings", "leaves": setup.leaves()}
            return told | {"settings": setup.settings()} if admin else told

        return json_response(await self._desk.call(read))

    async def list(self, request: Request) -> Response:
        require(request, "admin")
        pulls = await self._desk.call(self._desk.engine.setup.pulls)
        return json_response({"object": "list", "data": pulls})

    async def begin(self, request: Request) -> Response:
        require(request, "admin")
        name = field(await read_json(request), "model", str, "")
        if not name:
            raise ApiError(400, "'model' is empty; give a name of GET /v1/models.", param="model")
        begun = await self._desk.call(partial(self._desk.engine.setup.pull, name))
        return json_response(begun, 202)

    async def stop(self, request: Request) -> Response:
        require(request, "admin")
        stop = partial(self._desk.engine.setup.stop, request.path_params["model"])
        return json_response(await self._desk.call(stop))
