"""WebSockets under the same guard: our own vetted connection, handed to the client library."""

from __future__ import annotations

import socket
import ssl
import threading
import time

from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from gnomon.errors import Refused, Unreachable
from gnomon.sources.admission import quoted
from gnomon.sources.contract import Listen, Messages
from gnomon.sources.guard import Guard, place_of

OPEN_TIMEOUT_S = 15.0
_SLICE_S = 0.25  # how soon a wait notices that the owner stops
_MAX_ERROR_BODY = 64 * 1024


class Sockets:
    """Open WebSockets, one for each URL and thread that listens."""

    def __init__(self, guard: Guard, user_agent: str, tls: ssl.SSLContext, proxy: str) -> None:
        self._guard = guard
        self._user_agent = user_agent
        self._tls = tls
        self._proxy = proxy
        self._open: dict[str, ClientConnection] = {}
        self._lock = threading.Lock()

    def listen(self, request: Listen, stop: threading.Event | None) -> Messages:
        with self._lock:
            connection = self._open.get(request.url)
        if connection is None:
            try:
                connection = self._connect(request)
            except InvalidStatus as refused:
                body = (refused.response.body or b"")[:_MAX_ERROR_BODY]
                status = refused.response.status_code
                return Messages((), f"the handshake was answered {status}", status, bytes(body))
            with self._lock:
                self._open[request.url] = connection
        return self._gather(connection, request, stop)

    def close(self, url: str | None = None) -> None:
        """Close the WebSocket of ``url``, or all."""
        with self._lock:
            urls = list(self._open) if url is None else [url]
            closing = [self._open.pop(one) for one in urls if one in self._open]
        for connection in closing:
            connection.close()

    def _connect(self, request: Listen) -> ClientConnection:
        place = place_of(request.url, ("ws", "wss"))
        link: socket.socket | None = None
        try:
            if self._proxy:
                self._guard.check(place)
            else:
                link = _dial(self._guard.addresses(place), place.port)
            connection = connect(
                request.url,
                sock=link,
                proxy=self._proxy or None,
                ssl=self._tls if place.secure else None,
                subprotocols=[Subprotocol(name) for name in request.subprotocols] or None,
                # Compressing for each connection is what costs these servers most, and unpacking
                # is where a small message becomes a large one.
                compression=None,
                user_agent_header=self._user_agent,
                additional_headers=dict(request.headers),
                open_timeout=OPEN_TIMEOUT_S,
                close_timeout=1.0,
                max_size=request.max_bytes,
            ).__enter__()
        except InvalidStatus:
            raise
        except ValueError as error:  # the library refuses to redirect a connection of ours
            raise Refused(
                f"{quoted(request.url)} redirects elsewhere; give the address it leads to."
            ) from error
        except (WebSocketException, OSError, EOFError) as error:
            raise Unreachable(
                f"{quoted(request.url)} cannot be opened ({str(error)[:160]}); check the address "
                "and the network."
            ) from error
        final = connection.protocol.uri
        if (final.host.lower(), final.port) != (place.host, place.port):
            connection.close()
            raise Refused(f"{quoted(request.url)} redirects to {final.host}; give that address.")
        return connection

    def _gather(
        self, connection: ClientConnection, request: Listen, stop: threading.Event | None
    ) -> Messages:
        frames: list[str | bytes] = []
        ends = time.monotonic() + request.window_s
        while len(frames) < request.max_messages:
            left = ends - time.monotonic()
            if left <= 0 or (stop is not None and stop.is_set()):
                break
            try:
                frames.append(connection.recv(timeout=min(left, _SLICE_S)))
            except TimeoutError:
                continue
            except ConnectionClosed as closed:
                self.close(request.url)
                return Messages(tuple(frames), str(closed) or "closed")
        return Messages(tuple(frames))


def _dial(addresses: list[str], port: int) -> socket.socket:
    failure: OSError | None = None
    for address in addresses:
        try:
            link = socket.create_connection((address, port), timeout=OPEN_TIMEOUT_S)
            link.settimeout(None)  # from here on the client library keeps the time
            return link
        except OSError as error:
            failure = error
    raise OSError(f"no address takes connections ({failure})")
