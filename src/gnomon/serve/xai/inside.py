"""Requests to our own ASGI application without a socket: whole, or as a stream of events.

It speaks ASGI as a server does (https://asgi.readthedocs.io/en/latest/specs/www.html), so that a
call passes every guard that a request from outside passes. Leaving a stream early tells the
application that the caller hung up.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Message, Scope


class Refused(Exception):
    """The application answered with an error: its status and its error object."""

    def __init__(self, status: int, error: Mapping[str, Any], headers: Mapping[str, str]) -> None:
        super().__init__(str(error.get("message") or f"HTTP {status}"))
        self.status = status
        self.error = error
        self.headers = headers


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls from outside: ``client`` is the address, ``headers`` what is passed on."""

    client: tuple[str, int]
    headers: Sequence[tuple[str, str]] = ()


@dataclass
class _Exchange:
    """One request and what has come of it so far."""

    messages: asyncio.Queue[Message | None] = field(default_factory=asyncio.Queue)
    left: asyncio.Event = field(default_factory=asyncio.Event)


class Inside:
    """The application ``app``, to be asked from the same event loop. ``netloc`` is where it is
    found over HTTP, which the addresses that it gives out begin with."""

    def __init__(self, app: ASGIApp, netloc: str = "") -> None:
        self._app = app
        self._netloc = netloc or "localhost"

    async def json(self, caller: Caller, method: str, path: str, body: Any = None) -> Any:
        """The JSON of a successful answer. Raises Refused."""
        parts = [part async for part in self._parts(caller, method, path, body)]
        return json.loads(b"".join(parts))

    async def events(self, caller: Caller, path: str, body: Any) -> AsyncIterator[dict[str, Any]]:
        """The data of each server-sent event of a streamed answer. Raises Refused."""
        rest = b""
        parts = self._parts(caller, "POST", path, body)
        try:
            async for part in parts:
                *frames, rest = (rest + part).split(b"\n\n")
                for frame in frames:
                    if (data := _data(frame)) is not None:
                        yield data
        finally:
            await parts.aclose()  # type: ignore[attr-defined]

    async def _parts(
        self, caller: Caller, method: str, path: str, body: Any
    ) -> AsyncIterator[bytes]:
        exchange = _Exchange()
        task = asyncio.create_task(self._run(caller, method, path, body, exchange))
        try:
            status, headers, said = 0, dict[str, str](), b""
            while (message := await exchange.messages.get()) is not None:
                if message["type"] == "http.response.start":
                    status = message["status"]
                    headers = {k.decode(): v.decode("latin-1") for k, v in message["headers"]}
                elif message["type"] == "http.response.body":
                    part = message.get("body", b"")
                    if status < 300:
                        yield part
                    else:
                        said += part
            await task
            if status >= 300:
                raise Refused(status, _error(said), headers)
        finally:
            exchange.left.set()
            # The application ends by itself once it hears that nobody listens any more.
            with suppress(asyncio.CancelledError):
                await asyncio.wait_for(asyncio.shield(task), 5.0)

    async def _run(
        self, caller: Caller, method: str, path: str, body: Any, exchange: _Exchange
    ) -> None:
        given = b"" if body is None else json.dumps(body).encode()
        sent = False

        async def receive() -> Message:
            nonlocal sent
            if not sent:
                sent = True
                return {"type": "http.request", "body": given, "more_body": False}
            await exchange.left.wait()
            return {"type": "http.disconnect"}

        async def send(message: Message) -> None:
            exchange.messages.put_nowait(message)

        try:
            scope = _scope(caller, self._netloc, method, path, len(given))
            await self._app(scope, receive, send)
        finally:
            exchange.messages.put_nowait(None)


def _scope(caller: Caller, netloc: str, method: str, path: str, length: int) -> Scope:
    split = urlsplit(path)
    headers = [
        ("host", netloc),
        ("content-type", "application/json"),
        ("content-length", str(length)),
        *caller.headers,
    ]
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": split.path,
        "raw_path": split.path.encode(),
        "query_string": split.query.encode(),
        "root_path": "",
        "headers": [(k.lower().encode(), v.encode("latin-1", "replace")) for k, v in headers],
        "client": caller.client,
        "server": ("127.0.0.1", 0),
    }


def _data(frame: bytes) -> dict[str, Any] | None:
    lines = [line[5:].strip() for line in frame.split(b"\n") if line.startswith(b"data:")]
    joined = b"\n".join(lines)
    if not joined or joined == b"[DONE]":
        return None
    value = json.loads(joined)
    return value if isinstance(value, dict) else None


def _error(said: bytes) -> Mapping[str, Any]:
    try:
        found = json.loads(said)["error"]
    except (ValueError, LookupError, TypeError):
        return {"message": said.decode("utf-8", "replace")[:300]}
    return found if isinstance(found, dict) else {"message": str(found)}
