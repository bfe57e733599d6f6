"""What is not built yet, answered with 501 and the reason: pictures, sound, provenance."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from gnomon.serve.context import Context
from gnomon.serve.http import ApiError

_REASONS = {
    "/v1/images/{rest:path}": "There is no model for pictures here yet.",
    "/v1/audio/{rest:path}": "There is no model for speech or sound here yet.",
    "/v1/tts": "There is no model for speech here yet.",
    "/v1/tts/{rest:path}": "There is no model for speech here yet.",
    "/v1/stt": "There is no model for speech here yet.",
    "/v1/realtime": "There is no model for speech here yet, so nothing to talk to in real time.",
    "/v1/realtime/{rest:path}": "There is no model for speech here yet.",
    "/v1/videos": "There is no model for videos here yet.",
    "/v1/videos/{rest:path}": "There is no model for videos here yet.",
    "/v1/content_provenance_checks": "Nothing here reads C2PA manifests or watermarks yet.",
    "/v1/fine_tuning/{rest:path}": "No model is trained over the API.",
    "/v1/batches": "There are no batches; send the requests one by one.",
    "/v1/batches/{rest:path}": "There are no batches; send the requests one by one.",
    "/v1/assistants": "The Assistants API is gone; use POST /v1/responses.",
    "/v1/threads": "The Assistants API is gone; use POST /v1/responses.",
}
_METHODS = ["GET", "POST", "DELETE"]


def routes(context: Context) -> Sequence[BaseRoute]:
    return [
        Route(path, partial(_not_yet, reason), methods=_METHODS)
        for path, reason in _REASONS.items()
    ]


async def _not_yet(reason: str, request: Request) -> Response:
    raise ApiError(501, reason, type="server_error", code="not_implemented")
