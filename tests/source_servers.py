"""Real local HTTP and WebSocket servers for the tests of sources."""

from __future__ import annotations

import contextlib
import json
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from websockets.sync.server import ServerConnection, serve


@dataclass
class Seen:
    """A request that came in: its path and headers (names in lower case)."""

    path: str
    headers: dict[str, str]
    body: bytes = b""


@dataclass
class HttpServer:
    """``pages`` maps a path to a function that answers the handler, or to
    ``(status, headers, body)``, or to a list of those, taken one after another. What is not in
    it is answered by ``answer(path)``, which gives such a triple, or a JSON value to send."""

    port: int
    pages: dict[str, Any] = field(default_factory=dict)
    seen: list[Seen] = field(default_factory=list)
    answer: Callable[[str], Any] | None = None

    @property
    def authority(self) -> str:
        return f"127.0.0.1:{self.port}"

    def url(self, path: str) -> str:
        return f"http://{self.authority}{path}"

    def paths(self) -> list[str]:
        return [request.path for request in self.seen]


@contextlib.contextmanager
def http_server(tls: ssl.SSLContext | None = None) -> Iterator[HttpServer]:
    """A threaded server on a free port of 127.0.0.1; ``tls`` makes it speak https."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            sent = self.rfile.read(int(headers.get("content-length", 0)))
            state.seen.append(Seen(self.path, headers, sent))
            page = state.pages.get(self.path)
            if page is None:
                page = state.answer(self.path) if state.answer else (404, {}, b"not here")
                if not isinstance(page, tuple):
                    page = (200, {"Content-Type": "application/json"}, json.dumps(page).encode())
            if isinstance(page, list):
                page = page.pop(0) if len(page) > 1 else page[0]
            if callable(page):
                page = page(self)
            if page is None:
                return
            status, extra, body = page
            self.send_response(status)
            for name, value in extra.items():
                self.send_header(name, value)
            if "Content-Length" not in extra and status != 304:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            with contextlib.suppress(OSError):
                self.wfile.write(body)

        do_POST = do_GET  # noqa: N815

        def log_message(self, *args: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: Any, client_address: Any) -> None:
            pass  # a client that hangs up is part of the tests

    server = Server(("127.0.0.1", 0), Handler)
    if tls:
        server.socket = tls.wrap_socket(
            server.socket, server_side=True, do_handshake_on_connect=False
        )
    state = HttpServer(server.server_address[1])
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@dataclass
class WsServer:
    """``paths`` are the handshakes' paths with queries, in order."""

    port: int = 0
    paths: list[str] = field(default_factory=list)

    @property
    def authority(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return f"ws://{self.authority}"


@contextlib.contextmanager
def ws_server(
    talk: Callable[[ServerConnection], None],
    *,
    refuse: Callable[[str], tuple[int, bytes] | None] = lambda path: None,
    subprotocols: tuple[str, ...] = ("xrpc.v1.json",),
) -> Iterator[WsServer]:
    """``talk(connection)`` sends what it likes; ``refuse(path)`` may answer the handshake."""
    state = WsServer()

    def before(connection: ServerConnection, request: Any) -> Any:
        state.paths.append(request.path)
        refusal = refuse(request.path)
        if refusal is None:
            return None
        status, body = refusal
        response = connection.respond(status, body.decode())
        del response.headers["Content-Type"]
        response.headers["Content-Type"] = "application/json"
        return response

    def choose(connection: ServerConnection, offered: Any) -> Any:
        return next((name for name in subprotocols if name in offered), None)

    server = serve(
        talk,
        "127.0.0.1",
        0,
        process_request=before,
        select_subprotocol=choose,
        compression=None,
    )
    state.port = server.socket.getsockname()[1]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        thread.join(5)
