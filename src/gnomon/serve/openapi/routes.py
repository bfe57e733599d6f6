"""``GET /openapi.json``: the description, as this server stands."""

from __future__ import annotations

from importlib.resources import files

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from gnomon import __version__
from gnomon.serve.context import Context
from gnomon.serve.http import json_response
from gnomon.serve.openapi.document import document
from gnomon.serve.sessions import cookie_name


def routes(context: Context) -> list[BaseRoute]:
    names = sorted(
        entry.name
        for entry in (files("gnomon.serve") / "page").iterdir()
        if entry.is_file() and entry.name != "index.html"
    )

    async def describe(request: Request) -> Response:
        return json_response(
            document(
                version=__version__,
                base=context.base(request),
                page_files=names,
                locked=context.gate.locked(),
                cookie=cookie_name(context.gate.policy.secure),
            )
        )

    return [Route("/openapi.json", describe), Route("/v1/openapi.json", describe)]
