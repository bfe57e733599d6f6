"""Mastodon: an instance's public timeline, a hashtag or an account, by REST and by streaming.

https://docs.joinmastodon.org/methods/timelines/, .../methods/streaming/. The instance's stream
tells of posts, edits and deletions as they happen. What happened while nobody listened is asked
for by REST from the last post held; and because REST does not tell of deletions, recent posts are
looked at again for a day. Where neither is to be had, the stretch is recorded as a Gap.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from gnomon.errors import InputError, Refused, SourceError, Unreachable
from gnomon.sources.admission import DEFAULT_LIMITS, Limits, admit, quoted, set_aside
from gnomon.sources.asking import MAX_POLL_S, Asker, Asking, rounds
from gnomon.sources.contract import Fetch, Listen, Messages, Response, Steps, Wait
from gnomon.sources.gather import Gathered
from gnomon.sources.mastodon_posts import NETWORK, post_id, posts_of
from gnomon.sources.retry import backoff_s
from gnomon.sources.shapes import array, body_json, loads, mapping, mappings, moment, name_of
from gnomon.sources.watch import Watch
from gnomon.types import Deletion, Gap, Post, SetAside
from gnomon.wire import iso

PAGE = 40  # the most that a timeline gives at once
LOOKED_AT_ONCE = 20  # GET /api/v1/statuses takes no more ids
LOOKS_A_ROUND = 5
# Remote posts come in late, with the id of the time at which they were written. Longer would cost
# a large instance (tens of posts a second) hundreds of pages at each reconnect.
OVERLAP_MS = 2 * 60 * 1000
IDLE_S = 300.0
FILL_AGAIN_S = 60.0
STREAM_TRIES = 3
STREAM_AGAIN_S = 15 * 60.0
_WORD = re.compile(r"[^\W_][\w-]*|_[\w-]+")
_ACCOUNT = re.compile(r"[\w.-]+(?:@[\w.-]+)?", re.ASCII)


@dataclass
class _State:
    """The cursor: the newest status seen, its time, and how far the first look back has come.
    ``after`` is where a fill that is under way stands, "" when there is none."""

    last: str = ""
    at: float | None = None
    back: str = ""
    pages_left: int = 0
    after: str = ""
    watch: Watch = field(default_factory=Watch)

    def written(self) -> str:
        value = {
            "last": self.last,
            "at": self.at,
            "back": self.back,
            "pages_left": self.pages_left,
            "after": self.after,
            "watch": self.watch.written(),
        }
        return json.dumps(value, separators=(",", ":"))

    @classmethod
    def read(cls, cursor: str | None) -> _State:
        try:
            value = mapping(json.loads(cursor or "{}"))
        except ValueError:
            return cls()
        state = cls(name_of(value.get("last")), moment(value.get("at")))
        state.back, state.after = name_of(value.get("back")), name_of(value.get("after"))
        left = value.get("pages_left")
        state.pages_left = left if isinstance(left, int) else 0
        state.watch.read(value.get("watch"))
        return state


@dataclass
class Mastodon:
    """``server`` is the instance's URL. ``what`` is ``public``, ``local``, ``tags/<word>`` or
    ``@<account>``. ``token`` is an access token of that instance (read:statuses), where it wants
    one. ``every_s`` None: what is there now, once; else the stream, and a look every ``every_s``
    seconds where there is none. ``history_pages`` are read back at the first look,
    ``catch_up_pages`` at most forward after a pause.
    """

    server: str
    what: str = "public"
    token: str = field(default="", repr=False)
    every_s: float | None = None
    limits: Limits = DEFAULT_LIMITS
    history_pages: int = 5
    catch_up_pages: int = 250
    window_s: float = 1.0
    backoff_base_s: float = 1.0
    now: Callable[[], float] = time.time
    name: str = field(default="", init=False)

    def __post_init__(self) -> None:
        self.server = self.server.rstrip("/")
        self.host = urlsplit(self.server).netloc
        kind, _, word = self.what.partition("/")
        known = self.what in ("public", "local")
        known = known or (kind == "tags" and bool(_WORD.fullmatch(word)))
        known = known or (self.what[:1] == "@" and bool(_ACCOUNT.fullmatch(self.what[1:])))
        if not known or not self.host:
            raise InputError(
                f"{self.what!r} at {self.server!r} is no timeline; give HOST, HOST/local, "
                "HOST/tags/WORD or HOST/@ACCOUNT."
            )
        self.name = f"{NETWORK}:{self.host}" + ("" if self.what == "public" else f"/{self.what}")
        self._asker = Asker(self.now)
        self._state = _State()
        self._account = ""
        self._can_look = True

    def steps(self, cursor: str | None) -> Steps:
        """Catch up; then follow, if ``every_s`` says so. Raises SourceError where the timeline is
        not to be had (no such account, a token is wanted)."""
        self._state = _State.read(cursor)
        if self.every_s is None or self.what.startswith("@"):
            yield from rounds(self._round, self.every_s)
            return
        yield from self._follow(self.every_s)

    # -- by REST ------------------------------------------------------------------------------

    def _round(self) -> Steps:
        """Everything since the last look, and another look at recent posts."""
        state = self._state
        if not state.last or state.back:
            yield from self._back()
        yield from self._forward()
        yield from self._look_again()

    def _back(self) -> Steps:
        """The first look: the newest pages, from new to old."""
        state = self._state
        if not state.last:
            state.pages_left = self.history_pages
        while state.pages_left > 0:
            state.pages_left -= 1
            statuses = yield from self._page({"max_id": state.back} if state.back else {})
            if not state.last:
                self._advance(statuses)
            older = min(_ids(statuses), key=_order, default="")
            ended = not older or (state.back and _order(older) >= _order(state.back))
            state.back = "" if ended or not state.pages_left else older
            state.pages_left = 0 if ended else state.pages_left
            yield from self._give(statuses)

    def _forward(self) -> Steps:
        """From the last post on, oldest first, until nothing newer comes."""
        state = self._state
        if not state.last:
            return
        state.after = state.after or _earlier(state.last)
        for _ in range(self.catch_up_pages):
            statuses = yield from self._page({"min_id": state.after})
            newest = max(_ids(statuses), key=_order, default="")
            ended = not newest or _order(newest) <= _order(state.after)
            self._advance(statuses)
            state.after = "" if ended else newest
            yield from self._give(statuses)
            if ended:
                return
        yield from self._jump()

    def _jump(self) -> Steps:
        """More is missing than can be fetched politely: say so, and go on from now."""
        state = self._state
        before = state.at
        newest = yield from self._page({})
        state.after = ""
        self._advance(newest)
        times = [moment(status.get("created_at")) for status in mappings(newest)]
        end = min((time for time in times if time is not None), default=self.now())
        full = Gathered(self.name)
        if before is not None and end > before:
            why = (
                f"posts from {iso(before)} to {iso(end)} are missing: more were written than "
                f"{self.catch_up_pages} pages hold"
            )
            full.add(Gap(self.name, before, end, f"{why}; follow {self.name} without pauses."))
        yield from self._give(newest, full)

    def _page(self, extra: Mapping[str, str]) -> Asking[list[Any]]:
        """One page of the timeline: newest first, whichever way it is paged."""
        pairs = {"limit": str(PAGE), **extra}
        if self.what == "public" or self.what == "local":
            path = "/api/v1/timelines/public"
            if self.what == "local":
                pairs["local"] = "true"
        elif self.what.startswith("@"):
            if not self._account:
                yield from self._look_up()
            path = f"/api/v1/accounts/{self._account}/statuses"
        else:
            path = f"/api/v1/timelines/tag/{quote(self.what.partition('/')[2])}"
        response = yield from self._ask(f"{path}?{urlencode(pairs)}")
        self._require_ok(response)
        page = body_json(response)
        if not isinstance(page, list):
            raise SourceError(f"{quoted(response.url)} gives no list of statuses; is it Mastodon?")
        return page

    def _look_up(self) -> Asking[None]:
        """The account's id. Raises SourceError where there is none, or its owner hides it."""
        path = f"/api/v1/accounts/lookup?{urlencode({'acct': self.what[1:]})}"
        response = yield from self._ask(path)
        if response.status in (404, 410):
            raise SourceError(f"{self.host!r} knows no account {self.what!r}; check the name.")
        self._require_ok(response)
        self._account = quote(name_of(mapping(body_json(response)).get("id")), safe="")
        if not self._account:
            raise SourceError(f"{self.host!r} does not give the id of {self.what!r}; check it.")

    def _look_again(self) -> Steps:
        """Recent posts that are no longer there are deletions; changed ones are edits."""
        watch = self._state.watch
        for _ in range(LOOKS_A_ROUND):
            ids = watch.due(self.now(), LOOKED_AT_ONCE)
            if not ids or not self._can_look:
                return
            response = yield from self._ask(
                "/api/v1/statuses?" + urlencode([("id[]", one) for one in ids])
            )
            found = mappings(body_json(response)) if response.status == 200 else []
            here = {name_of(status.get("id")) for status in found}
            if not here.intersection(ids):
                # A server that does not know this request must not look like a mass deletion.
                single = yield from self._ask(f"/api/v1/statuses/{quote(ids[0], safe='')}")
                if single.status not in (404, 410):
                    self._can_look = False
                    return
                if response.status != 200:
                    self._can_look, ids = False, ids[:1]
            full = Gathered(self.name)
            watch.looked(ids, self.now())
            for one in ids:
                if one not in here:
                    watch.drop(one)
                    full.add(self._gone(one, "it is no longer there: deleted by its author"))
            yield from self._give(found, full)

    def _ask(self, path: str) -> Asking[Response]:
        headers = {"accept": "application/json", **self._credentials()}
        return (yield from self._asker.ask(Fetch(f"{self.server}{path}", headers)))

    def _credentials(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.token}"} if self.token else {}

    def _require_ok(self, response: Response) -> None:
        if response.status == 200:
            return
        if response.status in (401, 403, 422):
            token = (
                "does not accept the token that is set for it" if self.token else "wants a token"
            )
            raise SourceError(
                f"{self.host!r} {token} for this timeline ({response.status}); make one under "
                f"Preferences, Development (scope read), and set mastodon_key = "
                f'["{self.host}=TOKEN"].'
            )
        raise SourceError(
            f"{quoted(response.url)} answers {response.status}; check the address, or whether "
            f"{self.host!r} runs Mastodon."
        )

    # -- by streaming -------------------------------------------------------------------------

    def _follow(self, every_s: float) -> Steps:
        """The stream as long as it holds, else a look every ``every_s`` seconds."""
        listen = yield from self._stream()
        polls = max(1, round(STREAM_AGAIN_S / every_s))
        while True:
            if listen is not None:
                yield from self._listen(listen, every_s)
            failures = 0
            for _ in range(polls):
                pause = every_s
                try:
                    yield from self._round()
                    failures = 0
                except Unreachable as error:
                    failures += 1
                    pause = max(error.retry_after_s or 0.0, every_s * 2 ** min(failures, 8))
                yield Wait(min(pause, MAX_POLL_S))

    def _stream(self) -> Asking[Listen | None]:
        """Where the instance streams; None where it does not say and has no https address."""
        base = "ws" + self.server.removeprefix("http")
        try:
            response = yield from self._ask("/api/v2/instance")
            about = mapping(body_json(response)) if response.status == 200 else {}
        except SourceError:
            about = {}
        urls = mapping(mapping(about.get("configuration")).get("urls"))
        stated = urls.get("streaming")
        if isinstance(stated, str) and self._is_own(stated):
            base = stated.rstrip("/")
        names = {"public": "public", "local": "public:local"}
        pairs = {"stream": names.get(self.what, "hashtag")}
        if pairs["stream"] == "hashtag":
            pairs["tag"] = self.what.partition("/")[2]
        url = f"{base}/api/v1/streaming?{urlencode(pairs)}"
        return Listen(url, window_s=self.window_s, headers=self._credentials())

    def _is_own(self, stream: str) -> bool:
        """Whether a stream's address is of the instance's domain: the token goes there."""
        own = urlsplit(self.server).hostname or ""
        try:
            parts = urlsplit(stream)
        except ValueError:
            return False
        host, domain = parts.hostname or "", ".".join(own.split(".")[-2:])
        secure = parts.scheme == "wss" or (parts.scheme == "ws" and self.server.startswith("http:"))
        return secure and (host == own or host.endswith(f".{domain}"))

    def _listen(self, listen: Listen, every_s: float) -> Steps:
        """Until the stream cannot be had any more."""
        failures, fresh, quiet_s, unfilled_s = 0, True, 0.0, 0.0
        while failures < STREAM_TRIES:
            try:
                messages = yield listen
            except Refused:
                return
            except Unreachable:
                failures, fresh = failures + 1, True
                yield Wait(backoff_s(failures, base_s=self.backoff_base_s))
                continue
            assert isinstance(messages, Messages), "the driver answers a Listen with Messages"
            if messages.status != 101:
                if messages.status < 500 and messages.status != 429:
                    return  # it wants a token, or has no stream: then by REST
                failures += 1
                yield Wait(backoff_s(failures, base_s=self.backoff_base_s))
                continue
            quiet_s = 0.0 if messages.frames else quiet_s + self.window_s
            unfilled_s = unfilled_s + self.window_s if self._state.after else 0.0
            if fresh or quiet_s >= IDLE_S or unfilled_s >= FILL_AGAIN_S:
                # Connected first, so that nothing falls between the fill and the stream.
                yield from self._fill()
                fresh, quiet_s, unfilled_s = False, 0.0, 0.0
            failures = 0 if messages.frames else failures
            yield from self._take(messages)
            if messages.closed is not None:
                failures, fresh = failures + 1, True
                yield Wait(backoff_s(failures, base_s=self.backoff_base_s))

    def _fill(self) -> Steps:
        """What was missed while nobody listened; a Gap where REST does not give it."""
        before = self._state.at
        try:
            yield from self._round()
        except Unreachable:
            return  # ``after`` in the cursor keeps the place: it is tried again
        except SourceError as error:
            self._state.after = ""
            now = self.now()
            if before is not None:
                reason = f"what was posted from {iso(before)} to {iso(now)} may be missing: {error}"
                full = Gathered(self.name)
                full.add(Gap(self.name, before, now, reason))
                yield full.take(self._state.written())

    def _take(self, messages: Messages) -> Steps:
        full = Gathered(self.name)
        for frame in messages.frames:
            for thing in self._told(frame):
                if full.undoes(thing):
                    yield full.take(None)
                full.add(thing)
        if full or messages.frames:
            yield full.take(self._state.written())

    def _told(self, frame: str | bytes) -> Iterator[Post | Deletion | SetAside]:
        """What one event of the stream brings."""
        try:
            event = mapping(loads(frame))
            kind, payload = event.get("event"), event.get("payload")
            if kind in ("update", "status.update"):
                status = loads(payload) if isinstance(payload, str | bytes) else payload
                if kind == "update":
                    self._advance([status])
                yield from self._things(status)
            elif kind == "delete" and name_of(payload):
                self._state.watch.drop(name_of(payload))
                yield self._gone(name_of(payload), "deleted by its author")
        except ValueError as error:
            reason = f"an event of the stream that cannot be read ({str(error)[:80]})."
            yield set_aside(self.name, self.host, reason, self.now(), frame)

    # -- taking in ----------------------------------------------------------------------------

    def _give(self, statuses: list[Any], full: Gathered | None = None) -> Steps:
        full = full or Gathered(self.name)
        for status in statuses:
            for thing in self._things(status):
                full.add(thing)
        yield full.take(self._state.written())

    def _things(self, status: Any) -> Iterator[Post | SetAside | Deletion]:
        now = self.now()
        own = name_of(mapping(status).get("id"))
        try:
            posts = list(posts_of(status, host=self.host, source=self.name, fetched_at=now))
        except InputError as error:
            yield set_aside(self.name, post_id(self.host, own), str(error), now)
            if own in self._state.watch:
                # Taken in before, and its author has since said that it should not be.
                self._state.watch.drop(own)
                yield self._gone(own, str(error))
            return
        for post in posts:
            refused = admit(post, now=now, limits=self.limits)
            yield refused or post
            if refused is None and post.id == post_id(self.host, own):
                self._state.watch.add([own], now)

    def _gone(self, id: str, reason: str) -> Deletion:
        return Deletion(self.name, self.now(), post=post_id(self.host, id), reason=reason)

    def _advance(self, statuses: list[Any]) -> None:
        """Remember the newest of ``statuses``."""
        for status in mappings(array(statuses)):
            own, at = name_of(status.get("id")), moment(status.get("created_at"))
            if own and _order(own) > _order(self._state.last):
                self._state.last = own
                if at is not None:
                    self._state.at = max(at, self._state.at or at)


def _ids(statuses: list[Any]) -> list[str]:
    found = (name_of(status.get("id")) for status in mappings(statuses))
    return [one for one in found if one]


def _order(id: str) -> tuple[int, str]:
    """Ids are numbers as strings in Mastodon, and sort as strings elsewhere (Pleroma)."""
    return (len(id), id)


def _earlier(id: str) -> str:
    """``id`` with OVERLAP_MS taken off, where it is a snowflake (milliseconds << 16,
    https://github.com/mastodon/mastodon/blob/main/lib/mastodon/snowflake.rb)."""
    if id.isascii() and id.isdigit() and len(id) >= 17:
        return str(int(id) - (OVERLAP_MS << 16))
    return id
