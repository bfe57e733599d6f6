"""The one place that talks to other machines: fetches and WebSockets under the same rules.

Rules: only vetted addresses (``guard``), robots.txt, one deadline for a whole answer, a cap on its
bytes (before and after unpacking), a pause between two requests to one host, and retries with
exponential backoff where the other side says "later".
"""

from __future__ import annotations

import os
import ssl
import threading
import time
import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from types import TracebackType
from typing import Self
from urllib.parse import urljoin

import httpcore
import httpx

import gnomon
from gnomon.errors import ConfigError, Refused, Unreachable
from gnomon.sources.admission import quoted
from gnomon.sources.connect import Deadline, GuardedBackend, GuardedTransport
from gnomon.sources.contract import Fetch, Listen, Messages, Response
from gnomon.sources.guard import Guard, Place, Resolver, place_of, system_resolver
from gnomon.sources.retry import RETRIED, backoff_s, reset_s, retry_after_s
from gnomon.sources.robots import MAX_BYTES as ROBOTS_BYTES
from gnomon.sources.robots import Robots
from gnomon.sources.sockets import Sockets

MAX_REDIRECTS = 5
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_PROXY_VARIABLES = ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY")
# Foreign errors that mean "the network or the other side failed".
_FAILURES = (
    httpcore.NetworkError,
    httpcore.TimeoutException,
    httpcore.ProtocolError,
    httpcore.ProxyError,
    httpcore.UnsupportedProtocol,
    ssl.SSLError,
    OSError,
)


class Network:
    """Everything that a source may do outside this machine. Safe to share between threads.

    ``contact`` is put into the User-Agent; ``allow`` lists ``host:port`` of the owner's own
    servers; ``proxy`` is a proxy's URL, or "env" for the one in ``HTTPS_PROXY`` and its like. It
    is never taken from the environment unasked: through a proxy the names are resolved there, and
    the guard cannot see where they lead. ``retries`` counts further tries after the first;
    ``politeness_s`` is the least time between two requests to one host; ``patience_s`` is the
    longest Retry-After that is waited for here.
    """

    def __init__(
        self,
        *,
        contact: str = "",
        allow: Iterable[str] = (),
        resolver: Resolver = system_resolver,
        proxy: str = "",
        retries: int = 3,
        politeness_s: float = 1.0,
        backoff_base_s: float = 0.5,
        patience_s: float = 60.0,
        tls: ssl.SSLContext | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        about = f" (+{contact})" if contact else ""
        self.user_agent = f"gnomon/{gnomon.__version__}{about}"
        self.guard = Guard(frozenset(allow), resolver)
        self._proxy = _proxy(proxy)
        self._retries = retries
        self._politeness_s = politeness_s
        self._backoff_base_s = backoff_base_s
        self._patience_s = patience_s
        self._clock = clock
        self._deadline = Deadline()
        self._next_turn: dict[str, float] = {}
        self._turns = threading.Lock()
        tls = tls or httpx.create_ssl_context()  # honours SSL_CERT_FILE, as owners expect
        backend = GuardedBackend(None if self._proxy else self.guard, self._deadline)
        self._client = httpx.Client(
            transport=GuardedTransport(backend, tls, self._proxy),
            trust_env=False,
            follow_redirects=False,
        )
        self._robots = Robots(self._fetch_robots, "gnomon")
        self._sockets = Sockets(self.guard, self.user_agent, tls, self._proxy)

    def fetch(self, request: Fetch, stop: threading.Event | None = None) -> Response:
        """One GET with redirects and retries. Any final status comes back as a Response.

        Raises Refused (by our own rules) or Unreachable (worth another try later).
        """
        for attempt in range(self._retries + 1):
            last = attempt == self._retries or (stop is not None and stop.is_set())
            if self._client.is_closed:  # by its owner, while this one was still waiting
                raise Unreachable(f"{quoted(request.url)} is not asked for: gnomon is closing.")
            try:
                response = self._follow(request, stop)
            except Unreachable:
                if last:
                    raise
                pause = backoff_s(attempt, base_s=self._backoff_base_s)
            else:
                if response.status not in RETRIED:
                    return response
                asked = retry_after_s(response.headers, self._clock())
                if asked is None and response.status == 429:
                    asked = reset_s(response.headers, self._clock())
                if last or (asked is not None and asked > self._patience_s):
                    raise _later(response, asked)
                pause = backoff_s(attempt, base_s=self._backoff_base_s) if asked is None else asked
            _sleep(pause, stop)
        raise AssertionError("the loop above returns or raises")

    def listen(self, request: Listen, stop: threading.Event | None = None) -> Messages:
        """Open the WebSocket if it is not open, and gather what arrives within the window.

        Raises Refused or Unreachable; a refused handshake comes back as ``Messages.status``.
        """
        return self._sockets.listen(request, stop)

    def hang_up(self, url: str | None = None) -> None:
        """Close the WebSocket of ``url``, or all."""
        self._sockets.close(url)

    def close(self) -> None:
        self._sockets.close()
        self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    # -- one request --------------------------------------------------------------------------

    def _follow(self, request: Fetch, stop: threading.Event | None) -> Response:
        """The request and its redirects, every hop checked as if it were the first."""
        url = request.url
        left_s = request.timeout_s
        trusted, home = not request.stranger, ""
        for _ in range(MAX_REDIRECTS + 1):
            place = place_of(url)
            self.guard.check(place, trusted=trusted)
            site = f"{place.scheme}://{place.authority}"
            home = home or site
            if site != home:  # what may be a token is for the first host alone
                shown = {k: v for k, v in request.headers.items() if k.lower() == "accept"}
                request = replace(request, headers=shown)
            delay = self._robots.check(url, site) if request.robots else 0.0
            self._take_turn(place, delay, stop, request.pace_s)
            self._deadline.trusted = trusted
            begun = time.monotonic()
            response = self._get(request, url, begun + left_s)
            left_s -= time.monotonic() - begun
            target = response.headers.get("location")
            if response.status not in _REDIRECTS or not target:
                return response
            if request.form:
                raise Refused(f"{quoted(request.url)} redirects a form; give its new address.")
            # The owner trusts their own servers; a stranger's redirect to them is not theirs.
            trusted = trusted and self.guard.allowed(place)
            url = urljoin(url, target)
        raise Refused(
            f"{quoted(request.url)} redirects more than {MAX_REDIRECTS} times; check the address."
        )

    def _get(self, request: Fetch, url: str, ends: float) -> Response:
        headers = {
            **{name.lower(): value for name, value in request.headers.items()},
            "user-agent": self.user_agent,
            "accept-encoding": "gzip, deflate",
        }
        if request.etag:
            headers["if-none-match"] = request.etag
        if request.modified:
            headers["if-modified-since"] = request.modified
        self._deadline.at = ends
        try:
            with self._client.stream(
                "POST" if request.form else "GET",
                url,
                headers=headers,
                data=dict(request.form) or None,
                timeout=None,
            ) as answer:
                known = dict(answer.headers.items())
                if answer.status_code in (*_REDIRECTS, 304):
                    return Response(url, answer.status_code, known, b"")
                body = _read_body(answer.iter_raw(), known, request.max_bytes, url)
                return Response(url, answer.status_code, known, body)
        except httpcore.TimeoutException as error:
            raise Unreachable(
                f"{quoted(url)} did not answer within {request.timeout_s:g} s; try later."
            ) from error
        except _FAILURES as error:
            raise Unreachable(
                f"{quoted(url)} cannot be reached ({_brief(error)}); check the address and the "
                f"network{self._proxy_hint()}."
            ) from error
        except (httpx.InvalidURL, httpx.HTTPError, UnicodeError) as error:
            raise Refused(f"{quoted(url)} cannot be asked for ({_brief(error)}).") from error
        finally:
            self._deadline.at = float("inf")

    def _fetch_robots(self, url: str) -> Response:
        try:
            return self._follow(
                Fetch(url, max_bytes=ROBOTS_BYTES, timeout_s=10.0, robots=False), None
            )
        except Refused as error:
            # A robots.txt that our own rules forbid cannot be obeyed: then nothing is fetched.
            raise Unreachable(f"{url} cannot be read ({error})") from error

    def _take_turn(
        self, place: Place, delay: float, stop: threading.Event | None, pace_s: float | None
    ) -> None:
        """Wait until this host may be asked again."""
        usual = self._politeness_s
        pause = max(usual if pace_s is None else min(usual, pace_s), delay)
        with self._turns:
            now = time.monotonic()
            turn = max(now, self._next_turn.get(place.authority, now))
            self._next_turn[place.authority] = turn + pause
        _sleep(turn - now, stop)

    def _proxy_hint(self) -> str:
        if self._proxy or not any(os.environ.get(name) for name in _PROXY_VARIABLES):
            return ""
        return "; a proxy is set in the environment, but gnomon uses one only if told to"


def _read_body(
    chunks: Iterable[bytes], headers: Mapping[str, str], max_bytes: int, url: str
) -> bytes:
    """The body, unpacked piece by piece so that neither form can grow over ``max_bytes``."""
    declared = headers.get("content-length", "")
    if declared.isdigit() and int(declared) > max_bytes:
        raise _over_cap(url, max_bytes)
    coding = headers.get("content-encoding", "identity").strip().lower()
    if coding in ("", "identity"):
        unpack = None
    elif coding in ("gzip", "x-gzip", "deflate"):
        unpack = zlib.decompressobj(wbits=47 if coding != "deflate" else 15)
    else:
        raise Unreachable(f"{quoted(url)} came as {coding!r}, which was not asked for.")
    body, packed = bytearray(), 0
    for chunk in chunks:
        packed += len(chunk)
        if unpack is None:
            body += chunk
        else:
            body += _unpack(unpack, chunk, max_bytes + 1 - len(body), url)
        if packed > max_bytes or len(body) > max_bytes:
            raise _over_cap(url, max_bytes)
    if unpack is not None and packed and not unpack.eof:
        raise Unreachable(f"{quoted(url)} was cut off while it came; try again.")
    return bytes(body)


def _unpack(unpack: zlib._Decompress, chunk: bytes, room: int, url: str) -> bytes:
    try:
        return unpack.decompress(chunk, max(1, room))
    except zlib.error as error:
        raise Unreachable(f"{quoted(url)} came damaged ({error}); try again.") from error


def _over_cap(url: str, max_bytes: int) -> Refused:
    return Refused(f"{quoted(url)} is longer than the {max_bytes:,} bytes that are taken.")


def _later(response: Response, asked: float | None) -> Unreachable:
    when = "later" if asked is None else f"in {asked:.0f} s, as it asks"
    return Unreachable(
        f"{quoted(response.url)} answers {response.status}; try {when}.", retry_after_s=asked
    )


def _sleep(seconds: float, stop: threading.Event | None) -> None:
    if seconds > 0:
        if stop is None:
            time.sleep(seconds)
        else:
            stop.wait(seconds)


def _brief(error: BaseException) -> str:
    return (str(error) or type(error).__name__)[:160]


def _proxy(wanted: str) -> str:
    if wanted != "env":
        return wanted
    for name in _PROXY_VARIABLES:
        if os.environ.get(name):
            return os.environ[name]
    raise ConfigError(
        "the proxy is to be taken from the environment, but HTTPS_PROXY is not set; set it, or "
        "leave the proxy out."
    )
