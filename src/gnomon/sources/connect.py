"""httpx over connections that the guard has vetted, under one deadline for the whole exchange.

httpx's own timeouts are for each read: a server that sends a byte a second never runs into them.
Here every read and write of a request shares the time that is left to it.
"""

from __future__ import annotations

import ssl
import threading
import time
import typing
from collections.abc import Iterable, Iterator

import httpcore
import httpx

from gnomon.errors import Unreachable
from gnomon.sources.guard import Guard, Place


class Deadline(threading.local):
    """The running request's deadline on this thread, in ``time.monotonic`` seconds, and whether
    the owner's list of own servers counts for it."""

    at: float = float("inf")
    trusted: bool = True

    def left(self, timeout: float | None) -> float:
        """Seconds that an operation may still take; raises httpcore.ReadTimeout at none."""
        left = self.at - time.monotonic()
        if left <= 0:
            raise httpcore.ReadTimeout("the time for the whole answer is over")
        return left if timeout is None else min(left, timeout)


class GuardedBackend(httpcore.NetworkBackend):
    """Connects to vetted addresses only. TLS still checks the certificate for the name, as
    httpcore asks ``start_tls`` with the URL's host, not with the address.

    ``guard`` is None towards the owner's own proxy, wherever it stands."""

    def __init__(self, guard: Guard | None, deadline: Deadline) -> None:
        self._guard = guard
        self._deadline = deadline
        self._under = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        place = Place("http", host.strip("[]").lower(), port)
        addresses = [place.host]
        if self._guard is not None:
            addresses = self._guard.addresses(place, trusted=self._deadline.trusted)
        failure: Exception | None = None
        for address in addresses:
            try:
                stream = self._under.connect_tcp(
                    address, port, self._deadline.left(timeout), local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
            else:
                return _TimedStream(stream, self._deadline)
        raise Unreachable(
            f"{place.authority} does not take connections ({failure}); check the address."
        ) from failure


class _TimedStream(httpcore.NetworkStream):
    def __init__(self, stream: httpcore.NetworkStream, deadline: Deadline) -> None:
        self._stream = stream
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._deadline.left(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._deadline.left(timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        stream = self._stream.start_tls(ssl_context, server_hostname, self._deadline.left(timeout))
        return _TimedStream(stream, self._deadline)

    def get_extra_info(self, info: str) -> typing.Any:
        return self._stream.get_extra_info(info)


class GuardedTransport(httpx.BaseTransport):
    """httpx's requests over a pool whose every connection is made by ``backend``.

    ``proxy`` sends them through the owner's proxy instead, which then resolves the names itself:
    what the guard checks is the URL.
    """

    def __init__(
        self, backend: httpcore.NetworkBackend, tls: ssl.SSLContext, proxy: str = ""
    ) -> None:
        self._pool = httpcore.ConnectionPool(
            ssl_context=tls,
            proxy=httpcore.Proxy(proxy) if proxy else None,
            max_connections=32,
            max_keepalive_connections=8,
            keepalive_expiry=15.0,
            network_backend=backend,
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if not isinstance(request.stream, httpx.SyncByteStream):
            raise TypeError("only synchronous requests are sent here")
        answer = self._pool.handle_request(
            httpcore.Request(
                method=request.method,
                url=httpcore.URL(
                    scheme=request.url.raw_scheme,
                    host=request.url.raw_host,
                    port=request.url.port,
                    target=request.url.raw_path,
                ),
                headers=request.headers.raw,
                content=request.stream,
                extensions=request.extensions,
            )
        )
        return httpx.Response(
            status_code=answer.status,
            headers=answer.headers,
            stream=_Body(typing.cast("Iterable[bytes]", answer.stream), answer),
            extensions=answer.extensions,
        )

    def close(self) -> None:
        self._pool.close()


class _Body(httpx.SyncByteStream):
    def __init__(self, stream: Iterable[bytes], answer: httpcore.Response) -> None:
        self._stream = stream
        self._answer = answer

    def __iter__(self) -> Iterator[bytes]:
        yield from self._stream

    def close(self) -> None:
        self._answer.close()
