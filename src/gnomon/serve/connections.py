"""uvicorn's HTTP/1.1 connection, with an end to those that never finish asking.

uvicorn has no time limit for headers: a thousand connections that each send a byte a minute
(slowloris) would hold all there are. A connection must send the whole head of a request within
``header_timeout_s`` of its beginning or of its first byte; between two requests uvicorn's own
keep-alive limit holds. Where other machines may come, one address has so many connections at once.
"""

from __future__ import annotations

import asyncio
import resource
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import Any
from uuid import uuid4

import h11
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from gnomon.serve.http import ApiError, dumps
from gnomon.serve.limits import address_name
from gnomon.serve.policy import Policy


def protocol(policy: Policy, dropped: Callable[[str], None]) -> type[H11Protocol]:
    """The protocol class for uvicorn's ``http`` setting; ``dropped`` counts who was cut off."""
    held: Counter[str] = Counter()
    most = policy.connections_address if policy.exposed else 0

    class Timed(H11Protocol):
        _head_timer: asyncio.TimerHandle | None = None
        _counted = ""

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            self.app = _knowing(transport, self.app)
            address = self.client[0] if self.client else ""
            if most and address not in policy.proxies:
                self._counted = address_name(address)
                held[self._counted] += 1
                if held[self._counted] > most:
                    dropped("too many connections")
                    transport.abort()
                    return
            self._await_head()

        def data_received(self, data: bytes) -> None:
            if self._head_timer is None and self.conn.their_state is h11.IDLE:
                self._await_head()
            super().data_received(data)

        def handle_events(self) -> None:
            super().handle_events()
            if self.conn.their_state is not h11.IDLE:
                self._stop_waiting()

        def connection_lost(self, exc: Exception | None) -> None:
            self._stop_waiting()
            self._uncount()
            super().connection_lost(exc)

        def handle_websocket_upgrade(self, event: h11.Request) -> None:
            """The connection goes to another class, which will know when it is lost."""
            self._stop_waiting()
            super().handle_websocket_upgrade(event)
            after = self.transport.get_protocol()
            lose = after.connection_lost

            def lost(exc: Exception | None) -> None:
                self._uncount()
                lose(exc)

            after.connection_lost = lost  # type: ignore[method-assign]

        def _uncount(self) -> None:
            if self._counted:
                held[self._counted] -= 1
                if not held[self._counted]:
                    del held[self._counted]
                self._counted = ""

        def send_400_response(self, msg: str) -> None:
            """What is no HTTP gets the one error object, too."""
            body, headers = not_http()
            reply = h11.Response(status_code=400, headers=headers, reason=b"Bad Request")
            for event in (reply, h11.Data(data=body), h11.EndOfMessage()):
                self.transport.write(self.conn.send(event) or b"")
            self.transport.close()

        def _await_head(self) -> None:
            self._head_timer = self.loop.call_later(policy.header_timeout_s, self._cut)

        def _stop_waiting(self) -> None:
            if self._head_timer is not None:
                self._head_timer.cancel()
                self._head_timer = None

        def _cut(self) -> None:
            self._head_timer = None
            dropped("headers too slow")
            self.transport.abort()

    return Timed


def not_http() -> tuple[bytes, list[tuple[bytes, bytes]]]:
    """Body and headers of the answer to what cannot be read as a request at all."""
    error = ApiError(400, "This is no HTTP request that can be read.", code="invalid_http")
    headers = [
        (b"content-type", b"application/json"),
        (b"x-request-id", f"req_{uuid4().hex}".encode()),
        (b"cache-control", b"no-store"),
        (b"connection", b"close"),
    ]
    return dumps(error.body()), headers


def allow_connections() -> None:
    """Raise our own limit of open files to what the system allows: each connection is one, and
    many systems begin with 1,024."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(ValueError, OSError):  # a system that promises more than it gives
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _knowing(transport: asyncio.Transport, app: Any) -> ASGIApp:
    """``app`` with the connection at hand, so that one that is not read can be dropped."""

    async def with_transport(scope: Scope, receive: Receive, send: Send) -> None:
        scope.setdefault("extensions", {})["gnomon.transport"] = transport
        await app(scope, receive, send)

    return with_transport
