"""Bluesky's live posts from a Jetstream server, v2 with a fall back to v1.

v2: https://github.com/bluesky-social/jetstream (lexicon network.bsky.jetstream.subscribeEvents);
v1: https://github.com/bluesky-social/jetstream-legacy. Delivery is at least once; the store takes
what comes twice as once. Where the server cannot go back as far as our cursor, the stretch that is
missing is recorded as a Gap: v2 says so, v1 does it in silence and is found out by the time of the
first event.
"""

from __future__ import annotations

import json
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlencode

import orjson

from gnomon.errors import InputError, SourceError, Unreachable
from gnomon.sources.admission import DEFAULT_LIMITS, Limits, admit, quoted, set_aside
from gnomon.sources.bluesky import POST, REPOST, SOURCE, Event, deletion_of, post_of
from gnomon.sources.contract import Listen, Messages, Steps, Wait
from gnomon.sources.gather import Gathered
from gnomon.sources.retry import backoff_s
from gnomon.types import Deletion, Gap, Post, SetAside
from gnomon.wire import iso, parse_time

V2_PATH = "/xrpc/network.bsky.jetstream.subscribeEvents"
V1_PATH = "/subscribe"
SUBPROTOCOL = "xrpc.v1.json"
DEFAULT_HOST = "wss://jetstream2.us-east.bsky.network"

# Another instance saw the same events at slightly other times, and v1 may reorder: go back a bit.
OVERLAP_US = 5_000_000
# A silence longer than this between our cursor and the first event counts as a gap. The whole
# network posts tens of times a second, so an unbroken resume begins at once.
GAP_US = 60_000_000
# Statuses of a server that does not know v2.
_NO_V2 = frozenset({404, 405, 426, 501})
_HANDLES = 20_000
_RECENT = 8192
"""Sequence numbers that are remembered, so that what is sent twice is taken once: some seconds of
the whole network, many times what a reconnect brings again."""
FIRST_TRIES = 4


@dataclass(frozen=True, slots=True)
class Mark:
    """The cursor: the last event taken in. ``seq`` means something to ``host`` only; ``time_us``
    (unix microseconds) to every server."""

    time_us: int
    seq: int | None = None
    host: str = ""

    def written(self) -> str:
        return json.dumps({"time_us": self.time_us, "seq": self.seq, "host": self.host})

    @classmethod
    def read(cls, cursor: str | None) -> Mark | None:
        try:
            value = json.loads(cursor or "")
            return cls(int(value["time_us"]), value.get("seq"), str(value.get("host", "")))
        except (ValueError, KeyError, TypeError, AttributeError):
            return None


@dataclass
class Jetstream:
    """``host`` is a ws(s) URL without a path. ``collections`` are what is asked for; likes are
    not. ``window_s`` is how long events are gathered for one batch."""

    host: str = DEFAULT_HOST
    limits: Limits = DEFAULT_LIMITS
    collections: Sequence[str] = (POST, REPOST)
    window_s: float = 1.0
    backoff_base_s: float = 1.0
    now: Callable[[], float] = time.time
    name: str = field(default=SOURCE, init=False)
    _version: int = field(default=2, init=False)
    _mark: Mark | None = field(default=None, init=False)
    _by_time: bool = field(default=False, init=False)
    _resumed: Mark | None = field(default=None, init=False)
    _told: str = field(default="", init=False)
    _started: Mark | None = field(default=None, init=False)
    _recent: OrderedDict[int, None] = field(default_factory=OrderedDict, init=False)
    _handles: OrderedDict[str, str] = field(default_factory=OrderedDict, init=False)

    def steps(self, cursor: str | None) -> Steps:
        """Listen for ever, reconnecting. Raises SourceError when the server cannot be reached at
        all in the first few tries, or refuses us for good."""
        self.host = self.host.rstrip("/")
        self._mark = self._started = Mark.read(cursor)
        self._recent.clear()
        self._by_time, self._told = False, ""
        failures, connected = 0, False
        request: Listen | None = None
        while True:
            request = request or self._request()
            try:
                messages = yield request
            except Unreachable:
                failures += 1
                if not connected and failures >= FIRST_TRIES:
                    raise
                request = None
                yield Wait(backoff_s(failures, base_s=self.backoff_base_s))
                continue
            assert isinstance(messages, Messages), "the driver answers a Listen with Messages"
            if messages.status != 101:
                failures += 1
                if self._refused(messages, failures):
                    yield Wait(backoff_s(failures, base_s=self.backoff_base_s))
                request = None
                continue
            connected = True
            if messages.frames:
                failures = 0
            yield from self._take(messages)
            if messages.closed is not None:
                failures += 1
                request = None
                yield Wait(backoff_s(failures, base_s=self.backoff_base_s))

    # -- connecting ---------------------------------------------------------------------------

    def _request(self) -> Listen:
        """Where to listen now. Remembers from which mark, to see what is missing."""
        mark = self._resumed = self._mark
        if not self._by_time:
            self._told = ""
        pairs: list[tuple[str, str]]
        if self._version == 2:
            pairs = [("kinds", kind) for kind in ("commit", "identity", "account")]
            pairs += [("collections", name) for name in self.collections]
        else:
            pairs = [("wantedCollections", name) for name in self.collections]
        if mark is not None:
            by_seq = self._version == 2 and mark.seq is not None and mark.host == self.host
            if by_seq and not self._by_time:
                pairs.append(("cursor", str(mark.seq)))
            else:
                pairs.append(("cursor", str(mark.time_us - OVERLAP_US)))
        path = V2_PATH if self._version == 2 else V1_PATH
        protocols = (SUBPROTOCOL,) if self._version == 2 else ()
        return Listen(f"{self.host}{path}?{urlencode(pairs)}", protocols, self.window_s)

    def _refused(self, messages: Messages, failures: int) -> bool:
        """Decide what a refused handshake means; returns whether to wait before the next try.

        Raises SourceError where no other try can help.
        """
        error = _error_name(messages.body)
        if messages.status == 400 and error == "CursorTooOld" and not self._by_time:
            # By time the server starts at the oldest that it still has; what lies between is
            # recorded as a gap when its first event comes.
            self._by_time = True
            self._told = "the server no longer holds what followed our cursor"
            return False
        if self._version == 2 and (
            messages.status in _NO_V2 or (messages.status == 400 and not error)
        ):
            self._version = 1
            return False
        if messages.status == 429 or messages.status >= 500:
            if failures >= FIRST_TRIES and self._mark is None:
                raise Unreachable(f"{self.host!r} answers {messages.status}; try later.")
            return True
        said = messages.body[:200].decode("utf-8", "replace")
        raise SourceError(
            f"{self.host!r} refuses us with {messages.status} ({quoted(said, 120)}); check the "
            "jetstream setting."
        )

    # -- taking in ----------------------------------------------------------------------------

    def _take(self, messages: Messages) -> Steps:
        full = Gathered(self.name)
        repeated: OrderedDict[str, list[SetAside]] = OrderedDict()
        for frame in messages.frames:
            for thing in self._things(frame):
                if isinstance(thing, SetAside):
                    repeated.setdefault(thing.reason, []).append(thing)
                    continue
                if full.undoes(thing):
                    yield full.take(None)
                full.add(thing)
        for alike in repeated.values():
            full.add(_summed(alike))
        if full or messages.frames:
            yield full.take(self._mark.written() if self._mark else None)

    def _things(self, frame: str | bytes) -> Iterator[Post | Deletion | SetAside | Gap]:
        now = self.now()
        try:
            event = self._event(orjson.loads(frame))
        except (orjson.JSONDecodeError, InputError, KeyError, TypeError, ValueError) as error:
            reason = f"a frame that is no event ({type(error).__name__}: {str(error)[:80]})."
            yield set_aside(self.name, self.host, reason, now, frame)
            return
        if event is None:
            return
        if self._by_time:  # its sequence numbers are not those that we know
            self._started = None
            self._recent.clear()
        if self._held(event):
            return
        yield from self._gap(event)
        self._advance(event)
        self._by_time = False
        yield from self._of(event, now)

    def _held(self, event: Event) -> bool:
        """Whether this came before: what an inclusive cursor brings again, or a server sends
        twice. One that comes late, behind a later one, did not."""
        if event.seq is None:
            return False
        at = self._started
        ours = at is not None and at.host == self.host
        if event.seq in self._recent or (ours and at and event.seq <= (at.seq or 0)):
            return True
        self._recent[event.seq] = None
        if len(self._recent) > _RECENT:
            self._recent.popitem(last=False)
        return False

    def _advance(self, event: Event) -> None:
        """The mark goes forward only: one that comes late does not take it back."""
        mark = self._mark
        known = mark is not None and mark.host == self.host and not self._by_time
        if known and mark and event.seq is not None and event.seq < (mark.seq or 0):
            return
        self._mark = Mark(event.time_us, event.seq, self.host if event.seq is not None else "")

    def _of(self, event: Event, now: float) -> Iterator[Post | Deletion | SetAside]:
        if event.kind == "identity":
            self._keep_handle(event)
            return
        if event.kind == "account" or event.body.get("operation") == "delete":
            deletion = deletion_of(event)
            if deletion:
                yield deletion
            return
        if event.kind != "commit" or event.body.get("collection") not in (POST, REPOST):
            return
        try:
            handle = self._handles.get(event.did, "")
            post = post_of(event, fetched_at=now, handle=handle)
        except InputError as error:
            where = f"at://{event.did}/{event.body.get('collection')}/{event.body.get('rkey')}"
            yield set_aside(self.name, where, str(error), now)
            return
        # Against the event's own time: what is dated after it is from the future, also on replay.
        yield admit(post, now=event.time, limits=self.limits) or post

    def _event(self, frame: Any) -> Event | None:
        """The event of a v1 or v2 frame; None for notices. Raises on what is neither."""
        if not isinstance(frame, dict):
            raise InputError("it is no JSON object")
        if "kind" in frame:
            kind, time_us = str(frame["kind"]), int(frame["time_us"])
            body = frame.get(kind)
            return Event(kind, str(frame["did"]), time_us / 1e6, time_us, None, _checked(body))
        if frame.get("$type") == "error":
            self._told = f"{frame.get('error')}: {frame.get('message')}"[:200]
            return None
        payload = _checked(frame["payload"])
        kind = str(payload["$type"]).rpartition("#")[2]
        if kind == "info":
            self._told = f"{payload.get('name')}: {payload.get('message', '')}"[:200]
            # Our sequence number is another archive's: what comes now is not compared with it.
            self._by_time = self._by_time or payload.get("name") == "FutureCursor"
            return None
        shown = parse_time(payload["time"])
        seen_us = round(parse_time(payload.get("witnessedAt") or payload["time"]) * 1e6)
        body = payload if kind == "commit" else payload.get(kind)
        return Event(kind, str(payload["did"]), shown, seen_us, int(payload["seq"]), _checked(body))

    def _gap(self, event: Event) -> Iterator[Gap]:
        """On the first event after a resume: what is missing between our mark and it."""
        resumed, self._resumed = self._resumed, None
        if resumed is None:
            return
        by_seq = event.seq is not None and resumed.seq is not None and resumed.host == self.host
        if by_seq and not self._by_time and not self._told:
            return  # the server took our sequence number, so nothing is missing
        silent_us = event.time_us - resumed.time_us
        if silent_us <= (0 if self._told else GAP_US):
            return
        start, end = resumed.time_us / 1e6, event.time_us / 1e6
        why = self._told or "the server did not go back as far as our cursor and did not say so"
        yield Gap(
            self.name,
            start,
            end,
            f"posts from {iso(start)} to {iso(end)} are missing: {why}.",
        )

    def _keep_handle(self, event: Event) -> None:
        handle = event.body.get("handle")
        if isinstance(handle, str) and handle:
            self._handles[event.did] = handle
            self._handles.move_to_end(event.did)
            while len(self._handles) > _HANDLES:
                self._handles.popitem(last=False)


def _checked(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise InputError(f"{str(value)[:40]!r} stands where an object should")
    return value


def _summed(alike: list[SetAside]) -> SetAside:
    """Set-asides of one batch that have the same reason, as one that says how many they are."""
    first = alike[0]
    if len(alike) == 1:
        return first
    return replace(first, reason=f"{first.reason} ({len(alike)} posts in this batch; the first)")


def _error_name(body: bytes) -> str:
    """The name in an XRPC error ``{"error", "message"}``, "" if it is none."""
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        return ""
    return str(value.get("error") or "") if isinstance(value, dict) else ""
