"""The server: one Starlette application over one Engine, and the running of it on loopback.

    app = create_app(engine)                       # any ASGI server
    serve(engine, "127.0.0.1", 8080)               # uvicorn, until interrupted

``listen`` takes the port before an engine is opened, so that a port in use is told at once.
"""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import logging
import math
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Match, Route

from gnomon.errors import ConfigError, GnomonError, StoreError, pip_install
from gnomon.serve import (
    audio,
    chat,
    completions,
    digests,
    embeddings,
    health,
    images,
    keeping,
    library,
    mcp,
    models_list,
    moderations,
    not_yet,
    page,
    picture_search,
    provenance,
    pulling,
    quiz,
    rising,
    signing,
    skills,
    sources,
    stories,
)
from gnomon.serve.connections import allow_connections, protocol
from gnomon.serve.context import Context
from gnomon.serve.contract import Engine
from gnomon.serve.database import Database
from gnomon.serve.departed import Departed
from gnomon.serve.desk import Desk
from gnomon.serve.gate import Gate
from gnomon.serve.guards import Guard
from gnomon.serve.http import ApiError, api_error
from gnomon.serve.limits import Limiter
from gnomon.serve.metrics import Metrics
from gnomon.serve.openapi.routes import routes as description
from gnomon.serve.policy import Policy
from gnomon.serve.quota import Quota
from gnomon.serve.routes import routes as held_routes

log = logging.getLogger("gnomon.serve")

SWEEP_S = 60.0
MOST_MESSAGE_BYTES = 4 << 20
"""Of one message over a WebSocket: a minute of sound at 24 kHz, as base64."""

AREAS: tuple[Callable[[Context], Sequence[BaseRoute]], ...] = (
    health.routes,
    signing.routes,
    held_routes,
    chat.routes,
    completions.routes,
    embeddings.routes,
    models_list.routes,
    moderations.routes,
    keeping.routes,
    pulling.routes,
    library.routes,
    mcp.routes,
    stories.routes,
    digests.routes,
    sources.routes,
    rising.routes,
    skills.routes,
    audio.routes,
    provenance.routes,
    images.routes,
    picture_search.routes,
    quiz.routes,
    not_yet.routes,
    description,
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
    xai: tuple[str, int] | None = None,
    policy: Policy | None = None,
) -> Starlette:
    """The application. ``policy`` says whom it answers (unset: this machine alone).

    ``base_url`` begins the addresses of held posts in citations (unset: the host of the request).
    ``asks`` questions are answered at once, ``waiting`` more wait, the next gets 429.
    ``database`` keeps what clients leave here (unset: in memory); it is closed with the server.
    ``xai`` is the host and port where xAI's gRPC services are served beside it (unset: nowhere).
    """
    policy = policy or Policy()
    if xai is not None and not is_loopback(xai[0]):
        policy = replace(policy, exposed=True)
    kept = database or Database()
    # The guards read at every request, and wait for nobody's long statement.
    own, counts = (Database(kept.path), Database(kept.path)) if kept.path else (kept, kept)
    gate, limiter, metrics = Gate(own, policy), Limiter(counts), Metrics()
    desk = Desk(engine, asks=asks, waiting=waiting, deadline_s=policy.deadline_s, metrics=metrics)
    base = base_url or policy.public_url
    context = Context(desk, kept, gate, limiter, base.rstrip("/") or None)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        beside = grpc_server(app, *xai, netloc=app.state.netloc) if xai is not None else None
        writing = asyncio.create_task(_keep(limiter))
        departed = Departed(
            kept,
            lambda: engine.library.files_dir,
            lambda shelf: engine.library.forget(shelf),
            lambda owner: engine.pictures.forget(owner),
        )
        sweeping = asyncio.create_task(_sweep(departed, limiter))
        try:
            if beside is not None:
                await beside.start()
            yield
        finally:
            if beside is not None:
                await beside.stop()
            writing.cancel()
            sweeping.cancel()
            desk.close()
            _flush(limiter)
            for database in (counts, own, kept):
                database.close()

    handlers: Mapping[Any, Callable[[Request, Any], Awaitable[Response]]] = {
        ApiError: _say,
        GnomonError: _say,
        HTTPException: _say_http,
    }
    quota = Quota(limiter, policy, gate.keys.get)
    app = Starlette(
        routes=[route for area in AREAS for route in area(context)],
        middleware=[Middleware(Guard, gate, quota, metrics)],
        exception_handlers=handlers,
        lifespan=lifespan,
    )
    app.state.gate, app.state.desk, app.state.metrics = gate, desk, metrics
    app.state.netloc = ""  # where HTTP serves it, once it does
    return app


async def _keep(limiter: Limiter) -> None:
    """Write what callers have had, every second."""
    while True:
        await asyncio.sleep(1)
        await asyncio.to_thread(_flush, limiter)


async def _sweep(departed: Departed, limiter: Limiter) -> None:
    """Remove what is left of people who were removed, at the start and then every minute."""
    while True:
        try:
            await asyncio.to_thread(departed.sweep, time.time(), limiter)
        except GnomonError as error:
            log.warning("What removed people left could not go: %s", type(error).__name__)
        await asyncio.sleep(SWEEP_S)


def _flush(limiter: Limiter) -> None:
    try:
        limiter.flush()
    except StoreError as error:
        log.warning("What callers had could not be written: %s", type(error).__name__)


def grpc_server(app: Starlette, host: str, port: int, *, netloc: str = "") -> Any:
    """xAI's services over ``app``, which HTTP serves at ``netloc``. Raises ConfigError where
    gnomon[xai] is not installed."""
    try:
        from gnomon.serve.xai.server import Server
    except ImportError as error:
        raise ConfigError(
            f"xAI's gRPC services need {error.name or 'packages'}, which is not installed; "
            f"run: {pip_install('gnomon[xai]')}"
        ) from error
    return Server(app, host, port, netloc=netloc)


def listen(host: str, port: int, *, locked: bool = False) -> socket.socket:
    """A listening socket. Raises ConfigError where the address cannot be served.

    ``port`` 0 takes a free one: ``listen(...).getsockname()[1]`` tells which. ``locked``: every
    caller must say who it is, so other machines may reach the port.
    """
    if not locked and not is_loopback(host):
        raise ConfigError(
            f"host is {host!r}, which other machines can reach, and there are no keys yet; "
            "use 127.0.0.1, or make a key first: `gnomon keys create --name mine`."
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


class Server(uvicorn.Server):
    """uvicorn, which lets what runs come to its end before it stops.

    For ``drain_s`` nothing new is taken and what runs goes on; what then still runs is ended with
    an error that says so.
    """

    def __init__(self, config: uvicorn.Config, app: Starlette, drain_s: float) -> None:
        super().__init__(config)
        self._app = app
        self._desk: Desk = app.state.desk
        self._drain_s = drain_s

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        # Before the lifespan begins, for what is served beside it gives out addresses here.
        if sockets:
            self._app.state.netloc = urlsplit(url_of(sockets[0])).netloc
        await super().startup(sockets)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._desk.drain()
        ending = asyncio.get_running_loop().call_later(self._drain_s, self._desk.close)
        try:
            await super().shutdown(sockets)
        finally:
            ending.cancel()


def server(
    engine: Engine, *, policy: Policy | None = None, drain_s: float = 5.0, **options: Any
) -> Server:
    """A uvicorn server over ``create_app(engine, ...)``, not yet running."""
    # uvicorn's access lines hold the query, so a person's words; the Guard writes our own.
    logging.getLogger("uvicorn.access").setLevel(logging.WARNING)
    logging.getLogger("uvicorn.error").addFilter(_without_sockets)
    policy = policy or Policy()
    app = create_app(engine, policy=policy, **options)
    config = uvicorn.Config(
        app,
        http=protocol(policy, app.state.metrics.dropped),
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=bool(policy.proxies),
        forwarded_allow_ips=list(policy.proxies) or None,
        ws="websockets-sansio",
        ws_max_size=MOST_MESSAGE_BYTES,
        ws_per_message_deflate=False,
        lifespan="on",
        backlog=512,
        timeout_graceful_shutdown=math.ceil(drain_s) + 2,
    )
    return Server(config, app, drain_s)


def _without_sockets(record: logging.LogRecord) -> bool:
    """uvicorn writes the address of each WebSocket, query and all, where its access log is off, and
    takes an honest refusal of one for a fault; the guards write our own line."""
    said = str(record.msg)
    return "WebSocket" not in said and "without completing handshake" not in said


def serve(
    engine: Engine,
    host: str = "127.0.0.1",
    port: int = 8080,
    *,
    listening: socket.socket | None = None,
    policy: Policy | None = None,
    **options: Any,
) -> None:
    """Serve until interrupted. ``listening`` is a socket that ``listen`` has already taken."""
    policy = policy or Policy()
    bound = listening or listen(host, port)
    if not is_loopback(str(bound.getsockname()[0])):
        policy = replace(policy, exposed=True)
    allow_connections()
    try:
        server(engine, policy=policy, **options).run(sockets=[bound])
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
    elif error.status_code == 405:
        there = ", ".join(_methods(request))
        said = ApiError(
            405,
            f"This address has no {request.method[:20]}; it has {there}.",
            code="method_not_allowed",
            headers={"allow": there},
        )
    else:
        headers = error.headers
        said = ApiError(error.status_code, f"{error.detail}.", code="http_error", headers=headers)
    return said.response()


def _methods(request: Request) -> list[str]:
    """The methods of an address: several routes may share it."""
    held = {
        method
        for route in request.app.routes
        if isinstance(route, Route) and route.matches(request.scope)[0] is not Match.NONE
        for method in route.methods or ()
    }
    return sorted(held)
