"""``/health``: the process runs. ``/ready``: it can answer, or what cannot. ``/metrics``.

The first two ask nobody who they are and tell no more than a word for each part; a proxy or an
orchestrator takes a server that is not ready (503) out of its turn, and restarts one that is not
healthy (https://kubernetes.io/docs/concepts/configuration/liveness-readiness-startup-probes/).
"""

from __future__ import annotations

import asyncio
from functools import partial

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from gnomon.errors import GnomonError, StoreError
from gnomon.serve.context import Context
from gnomon.serve.http import ApiError, json_response
from gnomon.serve.metrics import CONTENT_TYPE

READY_WITHIN_S = 5.0


def routes(context: Context) -> list[BaseRoute]:
    return [
        Route("/health", health),
        Route("/ready", partial(ready, context)),
        Route("/metrics", partial(metrics, context)),
    ]


async def health(request: Request) -> Response:
    return json_response({"status": "ok"})


async def ready(context: Context, request: Request) -> Response:
    """200, or 503 with the parts that are not ``ok``."""
    desk = context.desk
    parts = {
        "server": "closing" if desk.closing else "ok",
        "queue": "full" if desk.full() else "ok",
        "database": _database(context),
        "engine": await _engine(context),
    }
    whole = all(state == "ok" for state in parts.values())
    body = {"status": "ready" if whole else "not_ready", "parts": parts}
    return json_response(body, 200 if whole else 503, {} if whole else {"retry-after": "5"})


async def metrics(context: Context, request: Request) -> Response:
    """In Prometheus's text format."""
    desk = context.desk
    try:
        status = await desk.call(desk.engine.status)
    except GnomonError:
        status = {}  # the server's own figures are wanted most when the engine fails
    text = desk.metrics.text(desk.questions(), status)
    return Response(text, headers={"content-type": CONTENT_TYPE})


def _database(context: Context) -> str:
    try:
        context.database.run("SELECT 1")
    except StoreError:
        return "failed"
    return "ok"


async def _engine(context: Context) -> str:
    try:
        async with asyncio.timeout(READY_WITHIN_S):
            await context.desk.call(context.desk.engine.status)
    except TimeoutError:
        return "slow"
    except ApiError as error:
        return "busy" if error.status == 429 else "slow"
    except GnomonError:
        return "failed"
    return "ok"
