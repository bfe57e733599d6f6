"""What is not built yet, answered with 501 and the reason."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from gnomon.serve.context import Context
from gnomon.serve.http import ApiError

REASONS = {
    "/v1/images/variations": "OpenAI has withdrawn these; send the picture to /v1/images/edits.",
    "/v1/videos": "There is no model for videos here yet.",
}


def routes(context: Context) -> Sequence[BaseRoute]:
    return [
        Route(path, partial(_not_yet, reason), methods=["POST"]) for path, reason in REASONS.items()
    ]


async def _not_yet(reason: str, request: Request) -> Response:
    # OpenAI's clients try every 5xx again unless they are told not to.
    headers = {"x-should-retry": "false"}
    raise ApiError(501, reason, type="server_error", code="not_implemented", headers=headers)
