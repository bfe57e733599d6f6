"""What a source is: a generator without network I/O, driven by ``driver.drive``.

A source yields what it wants (a ``Fetch``, a ``Listen``, a ``Wait``) and is sent what came of it;
and it yields each ``Batch`` of posts it has made, to be written before it goes on. So a source is
straight-line code, and a test replays a recording by sending it responses.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from gnomon.types import Batch


@dataclass(frozen=True, slots=True)
class Fetch:
    """One HTTP GET, or with ``form`` a POST of a form (for tokens). ``etag``/``modified`` make it
    conditional. The driver follows redirects (each hop through the guard; ``headers`` other than
    accept stay with the first host), retries with backoff, honours robots.txt and Retry-After.

    ``robots`` is False only for documented APIs, whose terms are the permission. ``pace_s`` is the
    least time between two requests to the host where its API allows more than the usual one a
    second. ``stranger`` is True where not the owner but something that was read gave the address:
    then the owner's own servers are out of reach."""

    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    max_bytes: int = 10_000_000
    timeout_s: float = 20.0
    etag: str = ""
    modified: str = ""
    robots: bool = True
    pace_s: float | None = None
    stranger: bool = False
    form: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Response:
    """What a Fetch brought. ``status`` 304 means unchanged (no body)."""

    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Listen:
    """Open (or, with the same ``url``, go on reading) a WebSocket and wait for messages.

    Sent back: ``Messages``. The driver gathers what arrives within ``window_s``, up to
    ``max_messages``; an empty ``frames`` means that nothing came in that time.
    """

    url: str
    subprotocols: tuple[str, ...] = ()
    window_s: float = 1.0
    max_messages: int = 1000
    max_bytes: int = 2_000_000
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Messages:
    """Frames of a WebSocket, in order. ``closed`` is the close reason, None while it is open.

    ``status`` is the HTTP status of a refused handshake (with ``body``), 101 once connected.
    """

    frames: tuple[str | bytes, ...]
    closed: str | None = None
    status: int = 101
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Wait:
    """Pause (a polite poll interval, a back-off). Ends at once when the owner stops."""

    seconds: float


Request = Fetch | Listen | Wait
Steps = Generator[Request | Batch, Response | Messages | None, None]


class Source(Protocol):
    """``name`` is what ``Batch.source`` carries, unique for each configured source
    (``bluesky``, ``feed:https://...``, ``file:posts.jsonl``)."""

    @property
    def name(self) -> str: ...

    def steps(self, cursor: str | None) -> Steps:
        """Run from ``cursor`` (None: from the start, or from now). Finite sources return.

        Raises SourceError when nothing more can be had; a single bad item never raises but goes
        into ``Batch.set_aside``.
        """
        ...
