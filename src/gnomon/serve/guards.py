"""What every request passes before any route sees it, and every answer on its way out.

* The Host header must name the address we are bound to: a page elsewhere that rebinds its own
  name to 127.0.0.1 (DNS rebinding) still sends its own name.
* An Origin other than ours is refused: CORS is closed, and a foreign page cannot make the model
  work by a form post either.
* Headers that keep a page of ours from running foreign script or being framed.
* An id for each request, in ``x-request-id`` and in the one log line, which holds the route, the
  status and the time, and no word of anybody's: no query, no post, no question.
"""

from __future__ import annotations

import logging
import time
import traceback
from collections.abc import Collection
from urllib.parse import urlsplit
from uuid import uuid4

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gnomon.serve.http import MAX_BODY_BYTES, ApiError

log = logging.getLogger("gnomon.serve")

CSP = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "manifest-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
    )
)
HEADERS = {
    "content-security-policy": CSP,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "x-frame-options": "DENY",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}
LOOPBACK = ("localhost", "127.0.0.1", "[::1]")


class Guard:
    """ASGI middleware around the whole application. ``hosts`` are the names it answers to."""

    def __init__(self, app: ASGIApp, hosts: Collection[str] = LOOPBACK) -> None:
        self._app = app
        self._hosts = frozenset(hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = f"req_{uuid4().hex}"
        began = time.perf_counter()
        status = 0

        async def guarded(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(raw=message.setdefault("headers", []))
                headers["x-request-id"] = request_id
                for name, value in HEADERS.items():
                    headers[name] = value
                headers.setdefault("cache-control", "no-store")
            await send(message)

        try:
            if refusal := self._refusal(Headers(scope=scope)):
                await refusal.response()(scope, receive, guarded)
            else:
                await self._app(scope, receive, guarded)
        except Exception as error:  # noqa: BLE001 - the one place that reports our own bugs
            # The message of a foreign error may quote somebody's words; its place may not.
            places = traceback.extract_tb(error.__traceback__)[-4:]
            where = " < ".join(f"{p.filename.rpartition('/')[2]}:{p.lineno}" for p in places[::-1])
            log.error("%s failed: %s at %s", request_id, type(error).__name__, where)
            if not status:
                fault = ApiError(
                    500,
                    f"gnomon failed; its log says where under {request_id}.",
                    type="server_error",
                    code="internal",
                )
                await fault.response()(scope, receive, guarded)
        route = getattr(scope.get("route"), "path", "-")
        took_ms = (time.perf_counter() - began) * 1000
        log.info("%s %s %s %d %.0f ms", request_id, scope["method"], route, status, took_ms)

    def _refusal(self, headers: Headers) -> ApiError | None:
        host = headers.get("host", "")
        if _name(host) not in self._hosts:
            return ApiError(
                403,
                f"This server does not answer to the name {host[:80]!r}; "
                f"use {' or '.join(sorted(self._hosts))}.",
                code="forbidden_host",
            )
        origin = headers.get("origin")
        if origin is not None and urlsplit(origin).netloc.casefold() != host.casefold():
            return ApiError(
                403,
                f"Pages from {origin[:80]!r} may not use this server.",
                code="forbidden_origin",
            )
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > MAX_BODY_BYTES:
            return ApiError(
                413,
                f"The body is larger than {MAX_BODY_BYTES} bytes; send less at once.",
                code="body_too_large",
            )
        return None


def _name(host: str) -> str:
    """The host without its port: ``127.0.0.1:8080`` and ``[::1]:8080`` alike."""
    name, _, port = host.rpartition(":")
    return (name if name and port.isdecimal() else host).casefold()
