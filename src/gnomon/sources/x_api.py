"""X by its API v2: an account's posts, or a search over the last seven days.

https://docs.x.com/x-api. It wants a key (a bearer token) and counts every post it gives; so a
first look is short, and nothing is asked for twice but to see what was deleted.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from gnomon.errors import InputError, SourceError
from gnomon.sources.admission import DEFAULT_LIMITS, Limits, admit, quoted, set_aside
from gnomon.sources.asking import Asker, Asking, rounds
from gnomon.sources.contract import Fetch, Response, Steps
from gnomon.sources.gather import Gathered
from gnomon.sources.shapes import body_json, mapping, mappings, moment, name_of, string
from gnomon.sources.watch import Watch
from gnomon.sources.x_posts import EPOCH_MS, NETWORK, Page, post_id, post_of, versions, written_at
from gnomon.types import Deletion, Gap, Post, SetAside
from gnomon.wire import iso

API = "https://api.x.com"
PAGE = 100
TIMELINE_HOLDS = 3200  # https://docs.x.com/x-api/posts/timelines/introduction
SEARCH_S = 7 * 86400.0  # https://docs.x.com/x-api/posts/search/introduction
# Two looks within the day in which X asks that deletions be followed: each look costs.
LOOKS_S = (6 * 3600.0, 20 * 3600.0)
LOOKS_A_ROUND = 2
_HANDLE = re.compile(r"[A-Za-z0-9_]{1,15}")
_FIELDS = {
    "tweet.fields": "attachments,author_id,conversation_id,created_at,edit_history_tweet_ids,"
    "entities,lang,note_tweet,possibly_sensitive,public_metrics,referenced_tweets,source,withheld",
    "user.fields": "created_at,name,protected,public_metrics,username,withheld",
    "media.fields": "alt_text,media_key,preview_image_url,type,url,variants",
    "poll.fields": "id,options",
    "expansions": "author_id,attachments.media_keys,attachments.poll_ids,referenced_tweets.id,"
    "referenced_tweets.id.author_id",
}


@dataclass
class _State:
    """The cursor. ``since`` is the newest post up to which everything was taken; while a look is
    under way, ``top`` is what it will be and ``token`` the page it stands at."""

    since: str = ""
    top: str = ""
    token: str = ""
    pages: int = 0
    oldest: float | None = None
    watch: Watch = field(default_factory=lambda: Watch(looks_s=LOOKS_S))

    def written(self) -> str:
        value = {"since": self.since, "top": self.top, "token": self.token, "pages": self.pages}
        value |= {"oldest": self.oldest, "watch": self.watch.written()}
        return json.dumps(value, separators=(",", ":"))

    @classmethod
    def read(cls, cursor: str | None) -> _State:
        try:
            value = mapping(json.loads(cursor or "{}"))
        except ValueError:
            return cls()
        since, top, token = (string(value.get(key)) for key in ("since", "top", "token"))
        state = cls(since, top, token)
        pages = value.get("pages")
        state.pages = pages if isinstance(pages, int) else 0
        state.oldest = moment(value.get("oldest"))
        state.watch.read(value.get("watch"))
        return state


@dataclass
class XApi:
    """``what`` is ``from:HANDLE`` (an account's posts) or ``search:QUERY`` (in X's own query
    language). ``key`` is a bearer token. ``history_pages`` bounds the first look and
    ``most_pages`` each later one, at PAGE posts a page. ``every_s`` None looks once."""

    what: str
    key: str = field(default="", repr=False)
    every_s: float | None = None
    limits: Limits = DEFAULT_LIMITS
    history_pages: int = 2
    most_pages: int = 20
    api: str = API
    now: Callable[[], float] = time.time
    name: str = field(default="", init=False)

    def __post_init__(self) -> None:
        kind, _, rest = self.what.partition(":")
        self._handle = rest.lstrip("@") if kind == "from" else ""
        self._query = rest.strip() if kind == "search" else ""
        if not (self._query or _HANDLE.fullmatch(self._handle)):
            raise InputError(f"{self.what!r} is nothing of X; give from:HANDLE or search:QUERY.")
        if not self.key:
            raise InputError(
                "X's API wants a key: make an app at https://developer.x.com and set x_key to its "
                "bearer token; or give the archive that X sends you, which needs none."
            )
        self.name = f"{NETWORK}:{kind}:{self._handle or self._query}"
        self._asker = Asker(self.now)
        self._state = _State()
        self._user = ""

    def steps(self, cursor: str | None) -> Steps:
        """Raises SourceError where the key is refused, or the account is protected or not there."""
        self._state = _State.read(cursor)
        yield from rounds(self._round, self.every_s)

    def _round(self) -> Steps:
        state = self._state
        if self._handle and not self._user:
            yield from self._look_up()
        yield from self._too_late()
        most = self.most_pages if state.since else self.history_pages
        while True:
            page, meta = yield from self._page()
            found = Page.read(page)
            numbers = [name_of(one.get("id")) for one in mappings(page.get("data"))]
            state.top = max([state.top, *numbers], key=_order)
            times = [moment(one.get("created_at")) for one in mappings(page.get("data"))]
            state.oldest = min([t for t in [*times, state.oldest] if t is not None], default=None)
            state.pages += 1
            state.token = name_of(meta.get("next_token"))
            full = Gathered(self.name)
            if not state.token or state.pages >= most:
                self._close(full, cut=bool(state.token))
            for thing in self._things(found, page):
                full.add(thing)
            yield full.take(state.written())
            if not state.token:
                break
        yield from self._look_again()

    def _close(self, full: Gathered, *, cut: bool) -> None:
        """A look is through: say what it did not reach, and begin the next from its newest."""
        state = self._state
        limit = not cut and bool(self._handle) and state.pages * PAGE >= TIMELINE_HOLDS
        start = written_at(state.since) if state.since else None
        if (cut and state.since) or limit:
            end = state.oldest if state.oldest is not None else self.now()
            why = f"only {state.pages} pages are asked for at once"
            if limit:
                why = f"X gives an account's newest {TIMELINE_HOLDS:,} posts only"
            begin = f"from {iso(start)} " if start is not None else ""
            reason = f"posts {begin}to {iso(end)} are missing: {why}."
            full.add(Gap(self.name, start, end, reason))
        state.since = max(state.since, state.top, key=_order)
        state.top, state.token, state.pages, state.oldest = "", "", 0, None

    def _too_late(self) -> Steps:
        """A search reaches back seven days: what lies before, since the last look, is a gap."""
        state = self._state
        since = written_at(state.since)
        edge = self.now() - SEARCH_S + 3600.0
        if not self._query or since is None or since >= edge:
            return
        reason = f"posts from {iso(since)} to {iso(edge)} are missing: X searches seven days back."
        full = Gathered(self.name)
        full.add(Gap(self.name, since, edge, reason))
        state.since, state.token, state.top = _number_at(edge), "", ""
        yield full.take(state.written())

    def _look_again(self) -> Steps:
        """Posts that X no longer shows are deletions (https://docs.x.com/developer-terms/policy)."""
        watch = self._state.watch
        for _ in range(LOOKS_A_ROUND):
            keys = {key.partition("<")[0]: key for key in watch.due(self.now(), PAGE)}
            if not keys:
                return
            pairs = {"ids": ",".join(keys), **_FIELDS}
            response = yield from self._get(f"/2/tweets?{urlencode(pairs)}")
            page = mapping(body_json(response))
            watch.looked(keys.values(), self.now())
            full = Gathered(self.name)
            for thing in self._things(Page.read(page), page):
                full.add(thing)
            for error in mappings(page.get("errors")):
                number = name_of(error.get("resource_id")) or name_of(error.get("value"))
                if error.get("resource_type") == "tweet" and number in keys:
                    watch.drop(keys[number])
                    full.add(self._deletion(keys[number], _why_gone(error)))
            yield full.take(self._state.written())

    # -- asking -------------------------------------------------------------------------------

    def _page(self) -> Asking[tuple[Mapping[str, Any], Mapping[str, Any]]]:
        state = self._state
        pairs = {"max_results": str(PAGE), **_FIELDS}
        if state.since:
            pairs["since_id"] = state.since
        if self._query:
            path, pairs["query"], token = "/2/tweets/search/recent", self._query, "next_token"
        else:
            path, token = f"/2/users/{self._user}/tweets", "pagination_token"
        if state.token:
            pairs[token] = state.token
        response = yield from self._get(f"{path}?{urlencode(pairs)}")
        page = body_json(response)
        if not isinstance(page, Mapping):
            raise SourceError(f"{quoted(response.url)} gives no page of posts; check the address.")
        return page, mapping(page.get("meta"))

    def _look_up(self) -> Asking[None]:
        pairs = {"user.fields": _FIELDS["user.fields"]}
        path = f"/2/users/by/username/{self._handle}?{urlencode(pairs)}"
        page = mapping(body_json((yield from self._get(path))))
        user = mapping(page.get("data"))
        if user.get("protected") is True:
            raise SourceError(f"@{self._handle} is protected, not public; it is not taken in.")
        number = name_of(user.get("id"))
        if not number.isdigit():
            why = next((string(one.get("detail")) for one in mappings(page.get("errors"))), "")
            raise SourceError(
                f"X knows no account @{self._handle} ({quoted(why, 100)}); check the name."
            )
        self._user = number

    def _get(self, path: str) -> Asking[Response]:
        headers = {"authorization": f"Bearer {self.key}", "accept": "application/json"}
        response = yield from self._asker.ask(Fetch(f"{self.api}{path}", headers, robots=False))
        if response.status != 200:
            raise SourceError(_status_says(response))
        return response

    # -- taking in ----------------------------------------------------------------------------

    def _things(self, found: Page, page: Mapping[str, Any]) -> Iterator[Post | SetAside | Deletion]:
        now = self.now()
        for tweet in found.newest():
            key = _watched(tweet)
            try:
                post = post_of(tweet, found, source=self.name, fetched_at=now)
            except InputError as error:
                where = post_id(name_of(tweet.get("id")))
                yield set_aside(self.name, where, str(error), now)
                if key in self._state.watch:
                    self._state.watch.drop(key)
                    yield self._deletion(key, str(error))
                continue
            refused = admit(post, now=now, limits=self.limits)
            if refused is None:
                self._state.watch.add([key], now)
            yield refused or post
        data = page.get("data")
        for item in data if isinstance(data, list) else ():
            if not isinstance(item, Mapping):
                reason = f"{str(item)[:40]!r} stands where a post should."
                yield set_aside(self.name, self.what, reason, now)

    def _deletion(self, key: str, reason: str) -> Deletion:
        first = key.partition("<")[2] or key
        return Deletion(self.name, self.now(), post=post_id(first), reason=reason)


def _watched(tweet: Mapping[str, Any]) -> str:
    """A post's number in the watch: the version to ask for, and after "<" the first one."""
    first, number = versions(tweet)[0], name_of(tweet.get("id"))
    return number if number == first else f"{number}<{first}"


def _order(number: str) -> tuple[int, str]:
    return (len(number), number)


def _number_at(seconds: float) -> str:
    return str((int(seconds * 1000) - EPOCH_MS) << 22)


def _why_gone(error: Mapping[str, Any]) -> str:
    if "not-authorized" in string(error.get("type")):
        return "its account is protected or suspended now"
    return "it is no longer there: deleted by its author, or its account is gone"


def _status_says(response: Response) -> str:
    try:
        body = mapping(body_json(response))
    except SourceError:
        body = {}
    detail = string(body.get("detail")) or string(body.get("title"))
    detail = detail or next((string(e.get("message")) for e in mappings(body.get("errors"))), "")
    said = f" ({quoted(detail, 160)})" if detail else ""
    if response.status == 401:
        return f"X refuses the key{said}; check x_key, a bearer token of https://developer.x.com."
    if response.status in (402, 403):
        return (
            f"X does not allow this{said}; look up what your plan of https://developer.x.com "
            "holds, or give the archive that X sends you."
        )
    return f"{quoted(response.url.partition('?')[0])} answers {response.status}{said}."
