"""Slow clients: who sends a body a byte at a time, or never reads what it asked for.

uvicorn waits for such a client for ever. Here each piece of a body must come in time, the whole of
it at a pace, and each piece of an answer must be taken in time. ``protocol`` in ``connections``
does the same for headers.
"""

from __future__ import annotations

import asyncio
import time

from starlette.types import Message, Receive, Scope, Send

from gnomon.serve.http import ApiError
from gnomon.serve.policy import Policy

SLOWEST_BYTES_S = 5_000
"""A body may come this slowly, on average, once its first ``body_timeout_s`` are over."""


class Gone(Exception):
    """A client that does not read its answer is given up. ``why`` is a word for the log."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class Pace:
    """The two ends of one request, watched. ``most_bytes`` bounds the body."""

    def __init__(self, receive: Receive, send: Send, policy: Policy, most_bytes: int) -> None:
        self._receive = receive
        self._send = send
        self._policy = policy
        self._most_bytes = most_bytes
        self._bytes = 0
        self._whole = False
        self._began: float | None = None

    async def receive(self) -> Message:
        """The next piece of the body, in time; after the body, the client's leaving. Raises
        ApiError 408 or 413."""
        if self._whole:
            return await self._receive()
        began = self._began = self._began or time.monotonic()
        wait_s = self._policy.body_timeout_s
        try:
            async with asyncio.timeout(wait_s):
                message = await self._receive()
        except TimeoutError:
            raise _slow(f"nothing came for {wait_s:g} seconds") from None
        if message["type"] != "http.request":
            self._whole = True
            return message
        self._bytes += len(message.get("body", b""))
        self._whole = not message.get("more_body", False)
        if self._bytes > self._most_bytes:
            raise ApiError(
                413,
                f"The body is larger than {self._most_bytes:,} bytes; send less at once.",
                code="body_too_large",
                headers={"connection": "close"},
            )
        late_s = time.monotonic() - began - wait_s
        if not self._whole and self._bytes < late_s * SLOWEST_BYTES_S:
            raise _slow(f"it came at less than {SLOWEST_BYTES_S} bytes a second")
        return message

    async def send(self, message: Message) -> None:
        """Raises Gone where the client takes nothing for ``send_timeout_s``."""
        try:
            async with asyncio.timeout(self._policy.send_timeout_s):
                await self._send(message)
        except TimeoutError:
            raise Gone("reads too slowly") from None

    def abort(self, scope: Scope) -> None:
        """Drop the connection with what is still to be sent on it."""
        transport = scope.get("extensions", {}).get("gnomon.transport")
        if transport is not None:
            transport.abort()


def _slow(how: str) -> ApiError:
    return ApiError(
        408,
        f"The body of the request did not come in time: {how}; send it again at once.",
        code="body_too_slow",
        headers={"connection": "close"},
    )
