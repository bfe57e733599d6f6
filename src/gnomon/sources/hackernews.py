"""Hacker News: every item as it comes, or the stories of one of its lists.

Live from the official API (https://github.com/HackerNews/API), which numbers items one after
another and names those that changed: an item that is now deleted or dead is a deletion here. What
was missed in a longer pause comes from Algolia's search (https://hn.algolia.com/api), a thousand
items a request; what neither gives is a Gap.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from gnomon.errors import InputError, SourceError, Unreachable
from gnomon.sources.admission import DEFAULT_LIMITS, Limits, admit, quoted, set_aside
from gnomon.sources.asking import Asker, Asking, rounds
from gnomon.sources.contract import Fetch, Steps
from gnomon.sources.gather import Gathered
from gnomon.sources.markup import plain_text
from gnomon.sources.shapes import (
    array,
    body_json,
    counts,
    filled,
    mapping,
    mappings,
    moment,
    name_of,
    string,
    strings,
)
from gnomon.types import Deletion, Gap, Post, SetAside
from gnomon.wire import iso

NETWORK = "hn"
API = "https://hacker-news.firebaseio.com"
SEARCH = "https://hn.algolia.com"
LISTS = {
    "top": "topstories",
    "newest": "newstories",
    "best": "beststories",
    "ask": "askstories",
    "show": "showstories",
    "jobs": "jobstories",
}
# "There is currently no rate limit" (the API's README); one request an item, so be modest.
PACE_S = 0.1
# Algolia allows 10,000 requests an hour from one address (https://hn.algolia.com/api).
SEARCH_PACE_S = 1.0
SEARCH_PAGE = 1000
ITEMS_A_BATCH = 100
# More missed items than this are asked from the search: they would take minutes one by one.
MOST_ONE_BY_ONE = 1000
# The newest items come into the search late, and not in order.
SEARCH_LAG = 100
SEARCH_TRIES = 3
MOST_SEARCHES = 200
# A number is given out a moment before its item can be read.
EMPTY_TRIES = 3
_TAKEN = ("story", "comment", "job", "poll", "pollopt")


def post_id(id: str) -> str:
    """``hn:<item>``."""
    return f"{NETWORK}:{id}"


@dataclass
class _State:
    """The cursor. ``last`` is the newest item taken, ``at`` its time; ``waiting`` are items that
    could not be read yet and how often that was tried; ``since`` and ``until`` (epoch seconds)
    bound what is still to be asked from the search, newest first; ``top`` is the newest item that
    it gave. ``seen`` are the stories that a list named at the last look."""

    last: int = 0
    at: float | None = None
    waiting: dict[str, int] = field(default_factory=dict)
    since: int = 0
    until: int = 0
    top: int = 0
    seen: tuple[int, ...] = ()

    def written(self) -> str:
        return json.dumps(
            {
                "last": self.last,
                "at": self.at,
                "waiting": self.waiting,
                "since": self.since,
                "until": self.until,
                "top": self.top,
                "seen": self.seen,
            },
            separators=(",", ":"),
        )

    @classmethod
    def read(cls, cursor: str | None) -> _State:
        try:
            value = mapping(json.loads(cursor or "{}"))
        except ValueError:
            return cls()
        waiting = {
            str(own): tries
            for own, tries in mapping(value.get("waiting")).items()
            if isinstance(tries, int)
        }
        return cls(
            _number(value.get("last")),
            moment(value.get("at")),
            waiting,
            _number(value.get("since")),
            _number(value.get("until")),
            _number(value.get("top")),
            tuple(own for own in array(value.get("seen")) if isinstance(own, int)),
        )


@dataclass
class HackerNews:
    """``what`` is "" (every story and comment) or one of LISTS (its stories, and their comments
    where ``comments``). ``history`` is how many of the newest items the first look takes.
    ``every_s`` None looks once. ``api`` and ``search`` are the two hosts' URLs."""

    what: str = ""
    every_s: float | None = None
    limits: Limits = DEFAULT_LIMITS
    history: int = 500
    comments: bool = True
    most_comments: int = 500
    api: str = API
    search: str = SEARCH
    now: Callable[[], float] = time.time
    name: str = field(default="", init=False)

    def __post_init__(self) -> None:
        if self.what and self.what not in LISTS:
            raise InputError(
                f"{self.what!r} is no list of Hacker News; give hn, or hn: and one of "
                f"{', '.join(LISTS)}."
            )
        self.name = f"{NETWORK}:{self.what}" if self.what else NETWORK
        self._asker = Asker(self.now)
        self._state = _State()
        self._failed = 0

    def steps(self, cursor: str | None) -> Steps:
        """Raises SourceError where the API does not answer as documented."""
        self._state = _State.read(cursor)
        yield from rounds(self._list if self.what else self._all, self.every_s)

    # -- every item ---------------------------------------------------------------------------

    def _all(self) -> Steps:
        state = self._state
        newest = _number((yield from self._get("maxitem")))
        if not newest:
            raise SourceError(f"{self.api!r} does not give its newest item; check the address.")
        if not state.last:
            state.last = max(0, newest - self.history)
        while state.until or (newest - state.last > MOST_ONE_BY_ONE and state.at is not None):
            yield from self._missed(newest)
        yield from self._items(list(state.waiting))
        while state.last < newest:
            upto = min(newest, state.last + ITEMS_A_BATCH)
            yield from self._items([str(n) for n in range(state.last + 1, upto + 1)], upto)
        yield from self._changed()

    def _missed(self, newest: int) -> Steps:
        """What was said since ``at``, from the search, newest first. ``last`` moves only when it
        is through: until then the cursor says what is left."""
        state = self._state
        if not state.until:
            state.since, state.until, state.top = int(state.at or 0), int(self.now()) + 1, 0
        for _ in range(MOST_SEARCHES):
            try:
                found = yield from self._search(state.since, state.until)
            except Unreachable:
                self._failed += 1
                if self._failed < SEARCH_TRIES:
                    raise
                yield from self._give_up(newest, "the search does not answer")
                return
            self._failed = 0
            full = Gathered(self.name)
            times = [when for hit in found if (when := _number(hit.get("created_at_i")))]
            oldest = min(times, default=0) if len(found) >= SEARCH_PAGE else 0
            if oldest and oldest >= state.until - 1:
                oldest -= 1  # a thousand items of one second: there is no paging within it
                full.add(self._gap(oldest, state.until, "one second holds more than is given"))
            numbers = [int(own) for hit in found if (own := name_of(hit.get("objectID"))).isdigit()]
            state.top = max([state.top, *numbers])
            state.until = oldest + 1 if oldest > state.since else 0
            if not state.until and state.top - SEARCH_LAG > state.last:
                state.last = state.top - SEARCH_LAG
            elif not state.until and newest - state.last > MOST_ONE_BY_ONE:
                yield from self._give_up(newest, "the search does not hold it")
            yield from self._give((_of_hit(hit) for hit in found), full)
            if not state.until:
                return
        yield from self._give_up(newest, f"more was said than {MOST_SEARCHES} pages hold")

    def _give_up(self, newest: int, why: str) -> Steps:
        """What neither API gives is a gap; on with the newest."""
        state, full = self._state, Gathered(self.name)
        full.add(self._gap(state.since, state.until or int(self.now()), why))
        state.last, state.until = newest - MOST_ONE_BY_ONE, 0
        yield full.take(state.written())

    def _search(self, since: int, until: int) -> Asking[list[Mapping[str, Any]]]:
        pairs = {
            "tags": "(story,comment,poll,job)",
            "numericFilters": f"created_at_i>={since},created_at_i<{until}",
            "hitsPerPage": str(SEARCH_PAGE),
        }
        url = f"{self.search}/api/v1/search_by_date?{urlencode(pairs)}"
        response = yield from self._asker.ask(
            Fetch(url, max_bytes=40_000_000, robots=False, pace_s=SEARCH_PACE_S)
        )
        if response.status != 200:
            raise Unreachable(f"{quoted(self.search)} answers {response.status}; try later.")
        return mappings(mapping(body_json(response)).get("hits"))

    def _changed(self) -> Steps:
        """Items that the API names as changed: edits, deletions and kills."""
        named = mapping((yield from self._get("updates"))).get("items")
        ids = [own for own in array(named) if isinstance(own, int) and own <= self._state.last]
        if ids:
            yield from self._items([str(own) for own in dict.fromkeys(ids)])

    # -- a list -------------------------------------------------------------------------------

    def _list(self) -> Steps:
        """The stories that the list names now; those of the last look only for what changed."""
        state = self._state
        named = yield from self._get(LISTS[self.what])
        stories = [own for own in array(named) if isinstance(own, int)]
        if not stories and not isinstance(named, list):
            raise SourceError(f"{self.api!r} does not give the list {self.what!r}.")
        fresh = [own for own in stories if own not in set(state.seen)]
        for at in range(0, len(fresh), ITEMS_A_BATCH):
            part = fresh[at : at + ITEMS_A_BATCH]
            left = set(fresh[at + ITEMS_A_BATCH :])
            state.seen = tuple(own for own in stories if own not in left)
            yield from self._items([str(own) for own in part], within=self.comments)
        state.seen = tuple(stories)
        yield from self._items(list(state.waiting))
        named = mapping((yield from self._get("updates"))).get("items")
        changed = [own for own in array(named) if own in set(stories)]
        yield from self._items([str(own) for own in changed], within=self.comments)

    # -- taking in ----------------------------------------------------------------------------

    def _items(self, ids: list[str], upto: int = 0, within: bool = False) -> Steps:
        """Read items, and ``within`` them their comments; after them ``last`` is ``upto``."""
        state, full = self._state, Gathered(self.name)
        queue = list(reversed(ids))
        left = self.most_comments
        while queue:
            own = queue.pop()
            item = yield from self._get(f"item/{own}")
            if not isinstance(item, Mapping):
                self._wait_for(own)
                continue
            state.waiting.pop(own, None)
            for thing in self._things(item):
                full.add(thing)
            kids = [kid for kid in array(item.get("kids")) if isinstance(kid, int)]
            if within and kids:
                queue += [str(kid) for kid in reversed(kids[: max(0, left)])]
                left -= len(kids)
            if full.ready and within:
                yield full.take(None)
        state.last = max(state.last, upto)
        yield full.take(state.written())

    def _wait_for(self, own: str) -> None:
        """An item without content: not written out yet, or hidden for good."""
        tries = self._state.waiting.pop(own, 0) + 1
        if tries < EMPTY_TRIES:
            self._state.waiting[own] = tries

    def _give(self, items: Iterator[Mapping[str, Any]], full: Gathered) -> Steps:
        for item in items:
            for thing in self._things(item):
                full.add(thing)
        yield full.take(self._state.written())

    def _things(self, item: Mapping[str, Any]) -> Iterator[Post | SetAside | Deletion]:
        now = self.now()
        own = name_of(item.get("id"))
        if own.isdigit() and (item.get("deleted") is True or item.get("dead") is True):
            deleted = item.get("deleted") is True
            reason = "deleted by its author" if deleted else "killed by Hacker News (dead)"
            yield Deletion(self.name, now, post=post_id(own), reason=reason)
            return
        try:
            post = post_of(item, source=self.name, fetched_at=now)
        except InputError as error:
            yield set_aside(self.name, post_id(own), str(error), now)
            return
        if post.created_at is not None:
            self._state.at = max(post.created_at, self._state.at or post.created_at)
        yield admit(post, now=now, limits=self.limits) or post

    def _get(self, path: str) -> Asking[Any]:
        url = f"{self.api}/v0/{path}.json"
        response = yield from self._asker.ask(Fetch(url, robots=False, pace_s=PACE_S))
        if response.status != 200:
            raise SourceError(f"{quoted(url)} answers {response.status}; check the address.")
        return body_json(response)

    def _gap(self, start: int, end: int, why: str) -> Gap:
        reason = f"items from {iso(float(start))} to {iso(float(end))} are missing: {why}."
        return Gap(self.name, float(start), float(end), reason)


def post_of(item: Mapping[str, Any], *, source: str, fetched_at: float) -> Post:
    """The Post of an item (https://github.com/HackerNews/API#items). A story that only links has
    its title as text. Raises InputError for what is no item."""
    own, kind = name_of(item.get("id")), string(item.get("type"))
    if not own.isdigit() or kind not in _TAKEN:
        raise InputError(f"an item {own[:20]!r} of type {kind[:20]!r} is no story or comment.")
    title = plain_text(string(item.get("title")))
    html = string(item.get("text"))
    text = plain_text(html)
    if not text:
        text, title = title, ""
    url = string(item.get("url"))
    parent = name_of(item.get("parent")) or name_of(item.get("poll"))
    return Post(
        id=post_id(own),
        text=text,
        source=source,
        fetched_at=fetched_at,
        author=string(item.get("by")),
        created_at=moment(item.get("time")),
        title=title,
        url=f"https://news.ycombinator.com/item?id={own}",
        reply_to=post_id(parent) if parent.isdigit() else "",
        links=strings([url, *_links(html)]),
        counts=counts(likes=item.get("score"), replies=item.get("descendants")),
        extra=filled(kind=kind, story=name_of(item.get("story"))),
    )


def _links(html: str) -> Iterator[str]:
    """Addresses in an item's text: shown ones are shortened, so from the markup."""
    for piece in html.split('href="')[1:]:
        url = piece.partition('"')[0].replace("&#x2F;", "/").replace("&amp;", "&")
        if url.startswith(("http://", "https://")):
            yield url


def _of_hit(hit: Mapping[str, Any]) -> Mapping[str, Any]:
    """A result of the search as an item of the API."""
    tags = array(hit.get("_tags"))
    kind = next((kind for kind in ("comment", "poll", "job", "story") if kind in tags), "")
    return {
        "id": hit.get("objectID"),
        "type": kind,
        "by": hit.get("author"),
        "time": hit.get("created_at_i"),
        "title": hit.get("title"),
        "url": hit.get("url"),
        "text": hit.get("comment_text") or hit.get("story_text"),
        "parent": hit.get("parent_id") if kind == "comment" else None,
        "score": hit.get("points"),
        "descendants": hit.get("num_comments"),
        "story": hit.get("story_id") if kind == "comment" else None,
    }


def _number(value: Any) -> int:
    """A whole number above 0, or 0."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0
