"""The server: one Starlette application over one Engine, and the running of it on loopback.

    app = create_app(engine)                       # any ASGI server
    serve(engine, "127.0.0.1", 8080)               # uvicorn, until interrupted

``listen`` takes the port before an engine is opened, so that a port in use is told at once.
"""

from __future__ import annotations

import errno
import ipaddress
import logging
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from gnomon.errors import ConfigError, GnomonError
from gnomon.serve import page, pulling
from gnomon.serve.context import Context
from gnomon.serve.contract import Engine
from gnomon.serve.database import Database
from gnomon.serve.desk import Desk
from gnomon.serve.guards import Guard
from gnomon.serve.http import ApiError, api_error
from gnomon.serve.routes import routes as held_routes

AREAS: tuple[Callable[[Context], Sequence[BaseRoute]], ...] = (
    held_routes,
    pulling.routes,
    page.routes,
)
"""The groups of routes, in the order in which an address is looked for among them."""


def create_app(
    engine: Engine,
    *,
    base_url: str | None = None,
    asks: int = 2,
    waiting: int = 16,
    database: Database | None = None,
) -> Starlette:
    """The application. It answers only to loopback names: there are no keys yet.

    ``base_url`` begins the addresses of held posts in citations (unset: the host of the request).
    ``asks`` questions are answered at once, ``waiting`` more wait, the next gets 429.
    ``database`` keeps what clients leave here (unset: in memory); it is closed with the server.
    """
    desk = Desk(engine, asks=asks, waiting=waiting)
    kept = database or Database()
    context = Context(desk, kept, base_url.rstrip("/") if base_url else None)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        try:
            yield
        finally:
            desk.close()
            kept.close()

    handlers: Mapping[Any, Callable[[Request, Any], Awaitable[Response]]] = {
        ApiError: _say,
        GnomonError: _say,
        HTTPException: _say_http,
    }
    return Starlette(
        routes=[route for area in AREAS for route in area(context)],
        middleware=[Middleware(Guard)],
        exception_handlers=handlers,
        lifespan=lifespan,
    )


def listen(host: str, port: int) -> socket.socket:
    """A listening socket. Raises ConfigError where the address cannot be served.

    ``port`` 0 takes a free one: ``listen(...).getsockname()[1]`` tells which.
    """
    if not is_loopback(host):
        raise ConfigError(
            f"host is {host!r}, which other machines can reach, and gnomon has no keys yet; "
            "use 127.0.0.1, and a tunnel such as `ssh -L` to reach it from elsewhere."
        )
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # The protocol is named because asyncio sets TCP_NODELAY only on sockets that name it; without
    # it every answer on a kept connection waits 40 ms for the other side's delayed ACK.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host.strip("[]"), port))
        listening.listen(512)
    except OSError as error:
        listening.close()
        if error.errno == errno.EADDRINUSE:
            raise ConfigError(
                f"Port {port} on {host} is in use; stop what uses it or give another with --port."
            ) from None
        raise ConfigError(
            f"Port {port} on {host} cannot be opened ({error.strerror}); give another with --port."
        ) from error
    return listening


def is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def url_of(listening: socket.socket) -> str:
    """Where a browser finds the server, as ``http://127.0.0.1:8080``."""
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def server(engine: Engine, **options: Any) -> uvicorn.Server:
    """A uvicorn server over ``create_app(engine, **options)``, not yet running."""
    # uvicorn's access lines hold the query, so a person's words; the Guard writes our own.
    logging.getLogger("uvicorn.access").setLevel(logging.WARNING)
    return uvicorn.Server(
        uvicorn.Config(
            create_app(engine, **options),
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            ws="none",
            lifespan="on",
            timeout_graceful_shutdown=5,
        )
    )


def serve(
    engine: Engine,
    host: str = "127.0.0.1",
    port: int = 8080,
    *,
    listening: socket.socket | None = None,
    **options: Any,
) -> None:
    """Serve until interrupted. ``listening`` is a socket that ``listen`` has already taken."""
    bound = listening or listen(host, port)
    try:
        server(engine, **options).run(sockets=[bound])
    finally:
        bound.close()


async def _say(request: Request, error: GnomonError | ApiError) -> Response:
    return api_error(error).response()


async def _say_http(request: Request, error: HTTPException) -> Response:
    if error.status_code == 404:
        said = ApiError(
            404,
            f"There is nothing at {request.url.path[:120]!r}.",
            type="not_found",
            code="no_route",
        )
    else:
        headers = error.headers
        said = ApiError(error.status_code, f"{error.detail}.", code="http_error", headers=headers)
    return said.response()
