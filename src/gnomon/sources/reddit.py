"""Reddit: a community, its comments, a user or a thread, by the API's JSON.

https://www.reddit.com/dev/api/ and https://github.com/reddit-archive/reddit/wiki/API. Reddit's
robots.txt closes its pages to programs, so in practice an app's key is needed; without one the
pages are asked for as robots.txt allows, and the refusal says what to do. A listing gives its
newest thousand things: what lies further back than that is a Gap.
"""

from __future__ import annotations

import base64
import json
import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from gnomon.errors import InputError, Refused, SourceError
from gnomon.sources.admission import DEFAULT_LIMITS, Limits, admit, quoted, set_aside
from gnomon.sources.asking import Asker, Asking, rounds
from gnomon.sources.contract import Fetch, Response, Steps
from gnomon.sources.gather import Gathered
from gnomon.sources.reddit_posts import NETWORK, SITE, fullname_of, gone, post_id, post_of
from gnomon.sources.shapes import array, body_json, mapping, mappings, moment, name_of, string
from gnomon.sources.watch import Watch
from gnomon.types import Deletion, Gap, Post, SetAside
from gnomon.wire import iso

API = "https://oauth.reddit.com"
PAGE = 100  # the most things of one page, and ids of one /api/info
MOST_PAGES = 10  # a listing ends after about a thousand things
# Things come into a listing a little late (filters, moderators).
OVERLAP_S = 600.0
LOOKS_A_ROUND = 4
# Folded-away comments of one thread that are unfolded.
MOST_FOLDED = 1000
_NAME = r"[A-Za-z0-9_-]{2,32}"
_WHAT = re.compile(
    rf"(?:r/(?P<community>{_NAME}(?:\+{_NAME})*)(?P<comments>/comments(?:/(?P<thread>[a-z0-9]+))?)?"
    rf"|(?:u|user)/(?P<user>{_NAME})|comments/(?P<alone>[a-z0-9]+))/?"
)
_REASONS = {
    "private": "is private: only its members may read it",
    "quarantined": "is quarantined: shown only to who opts in",
    "banned": "was banned by Reddit",
    "gated": "is shown only to who opts in",
    "gold_only": "is for paying members only",
}


@dataclass
class _State:
    """The cursor. ``at`` is the time up to which everything was taken; while a look is under way,
    ``top`` is what it will be and ``after`` the page it stands at."""

    at: float | None = None
    top: float | None = None
    after: str = ""
    pages: int = 0
    watch: Watch = field(default_factory=Watch)

    def written(self) -> str:
        value = {"at": self.at, "top": self.top, "after": self.after, "pages": self.pages}
        return json.dumps(value | {"watch": self.watch.written()}, separators=(",", ":"))

    @classmethod
    def read(cls, cursor: str | None) -> _State:
        try:
            value = mapping(json.loads(cursor or "{}"))
        except ValueError:
            return cls()
        pages = value.get("pages")
        state = cls(moment(value.get("at")), moment(value.get("top")), string(value.get("after")))
        state.pages = pages if isinstance(pages, int) else 0
        state.watch.read(value.get("watch"))
        return state


@dataclass
class Reddit:
    """``what`` is ``r/NAME`` (new submissions), ``r/NAME/comments`` (new comments), ``u/NAME`` or
    ``r/NAME/comments/ID`` (a thread). ``key`` is an app's ``ID:SECRET`` (or ``ID:`` for an
    installed app), "" to ask without. ``every_s`` None looks once. ``api`` and ``site`` are the
    hosts' URLs."""

    what: str
    key: str = field(default="", repr=False)
    every_s: float | None = None
    limits: Limits = DEFAULT_LIMITS
    api: str = API
    site: str = SITE
    now: Callable[[], float] = time.time
    name: str = field(default="", init=False)

    def __post_init__(self) -> None:
        asked = _WHAT.fullmatch(self.what)
        if not asked:
            raise InputError(
                f"{self.what!r} is nothing of Reddit; give r/NAME, r/NAME/comments, u/NAME or "
                "r/NAME/comments/ID."
            )
        self.name = f"{NETWORK}:{self.what.rstrip('/')}"
        self._thread = asked["thread"] or asked["alone"] or ""
        if self._thread:
            self._path = f"/comments/{self._thread}"
        elif asked["user"]:
            self._path = f"/user/{asked['user']}/overview"
        else:
            self._path = f"/r/{asked['community']}/{'comments' if asked['comments'] else 'new'}"
        self._asker = Asker(self.now)
        self._state = _State()
        self._token, self._token_ends = "", 0.0

    def steps(self, cursor: str | None) -> Steps:
        """Raises SourceError where there is no such community, or it is not public, or Reddit
        wants a key."""
        self._state = _State.read(cursor)
        yield from rounds(self._whole if self._thread else self._round, self.every_s)

    def _round(self) -> Steps:
        """From the newest back to where the last look was, then another look at recent things."""
        state = self._state
        while True:
            pairs = {"limit": str(PAGE), "raw_json": "1"}
            if state.after:
                pairs["after"] = state.after
            listing = mapping((yield from self._listing(f"{self._path}?{urlencode(pairs)}")))
            things = mappings(listing.get("children"))
            times = [when for thing in things if (when := _written(thing)) is not None]
            state.top = max([*times, *([] if state.top is None else [state.top])], default=None)
            state.pages += 1
            after = name_of(listing.get("after"))
            # The last of the page: what a user has pinned stands before the newest.
            met = state.at is not None and (not times or times[-1] < state.at - OVERLAP_S)
            full = Gathered(self.name)
            if met or not after or state.pages >= MOST_PAGES:
                if state.at is not None and not met and state.pages >= MOST_PAGES and times:
                    full.add(self._gap(state.at, times[-1]))
                state.at = max(state.top or 0.0, state.at or 0.0) or None
                state.top, state.after, state.pages = None, "", 0
            else:
                state.after = after
            yield from self._give(things, full)
            if not state.after:
                break
        yield from self._look_again()

    def _gap(self, start: float, end: float) -> Gap:
        reason = (
            f"what was posted from {iso(start)} to {iso(end)} is missing: a listing of Reddit "
            "ends after about a thousand things; look more often."
        )
        return Gap(self.name, start, end, reason)

    def _look_again(self) -> Steps:
        """Recent things that are gone are deletions; edited ones are edits."""
        watch = self._state.watch
        for _ in range(LOOKS_A_ROUND):
            names = watch.due(self.now(), PAGE)
            if not names:
                return
            found = yield from self._info(names)
            here = {fullname_of(thing) for thing in found}
            if not here.intersection(names):
                return  # an answer without any of them says more about itself than about them
            watch.looked(names, self.now())
            full = Gathered(self.name)
            for name in names:
                if name not in here:
                    watch.drop(name)
                    full.add(self._deletion(name, "it is no longer there"))
            yield from self._give(found, full)

    # -- a thread -----------------------------------------------------------------------------

    def _whole(self) -> Steps:
        """A thread with all its comments, those that a page folds away included."""
        pairs = {"limit": "500", "raw_json": "1", "sort": "new"}
        response = yield from self._get(f"{self._path}?{urlencode(pairs)}")
        page = body_json(response)
        if not isinstance(page, list):
            raise SourceError(f"{quoted(response.url)} gives no thread; check the address.")
        things: list[Mapping[str, Any]] = []
        folded: list[str] = []
        queue = [thing for part in mappings(page) for thing in _children(part)]
        while queue:  # comments nest as deep as people argue: no recursion
            thing = queue.pop()
            if thing.get("kind") == "more":
                folded += [
                    name_of(one) for one in array(mapping(thing.get("data")).get("children"))
                ]
                continue
            things.append(thing)
            queue += _children(mapping(thing.get("data")).get("replies"))
        yield from self._give(things, Gathered(self.name))
        names = [f"t1_{own}" for own in dict.fromkeys(folded) if own.isalnum()]
        for at in range(0, min(len(names), MOST_FOLDED), PAGE):
            found = yield from self._info(names[at : at + PAGE])
            yield from self._give(found, Gathered(self.name))
        if len(names) > MOST_FOLDED:
            full = Gathered(self.name)
            left = f"{len(names) - MOST_FOLDED} comments of the thread are folded away too deep"
            full.add(set_aside(self.name, self.what, f"{left} to be fetched.", self.now()))
            yield full.take(self._state.written())

    # -- asking -------------------------------------------------------------------------------

    def _info(self, names: list[str]) -> Asking[list[Mapping[str, Any]]]:
        pairs = {"id": ",".join(names), "raw_json": "1"}
        listing = yield from self._listing(f"/api/info?{urlencode(pairs)}")
        return mappings(mapping(listing).get("children"))

    def _listing(self, path: str) -> Asking[Any]:
        response = yield from self._get(path)
        value = mapping(body_json(response))
        if value.get("kind") != "Listing":
            raise SourceError(
                f"{quoted(response.url)} gives no listing; check that {self.what!r} exists."
            )
        return value.get("data")

    def _get(self, path: str) -> Asking[Response]:
        if not self.key:
            path_part, _, query = path.partition("?")
            return (yield from self._without_key(f"{self.site}{path_part}.json?{query}"))
        for fresh in (False, True):
            token = yield from self._bearer(fresh)
            headers = {"authorization": f"Bearer {token}", "accept": "application/json"}
            response = yield from self._asker.ask(Fetch(f"{self.api}{path}", headers, robots=False))
            if response.status != 401:
                break
        self._require_ok(response)
        return response

    def _without_key(self, url: str) -> Asking[Response]:
        try:
            response = yield from self._asker.ask(Fetch(url, {"accept": "application/json"}))
        except Refused as error:
            raise SourceError(f"{error} {_KEY_HINT}") from error
        page = response.body.lstrip()[:1] == b"<"
        if response.status in (401, 403, 429) and (page or not response.body.strip()):
            raise SourceError(f"Reddit answers {response.status} without a key. {_KEY_HINT}")
        self._require_ok(response)
        return response

    def _require_ok(self, response: Response) -> None:
        if response.status == 200:
            return
        try:
            reason = string(mapping(body_json(response)).get("reason"))
        except SourceError:
            reason = ""
        if reason in _REASONS:
            raise SourceError(f"{self.what!r} {_REASONS[reason]}; it is not taken in.")
        if response.status == 404:
            raise SourceError(f"Reddit has no {self.what!r} (404); check the name.")
        if response.status in (401, 403):
            raise SourceError(
                f"Reddit does not let us read {self.what!r} ({response.status}): it is not public, "
                "or reddit_key is wrong."
            )
        raise SourceError(f"{quoted(response.url)} answers {response.status}; check the address.")

    def _bearer(self, fresh: bool) -> Asking[str]:
        """A token for the app alone, no user's
        (https://github.com/reddit-archive/reddit/wiki/OAuth2#application-only-oauth)."""
        if self._token and not fresh and self.now() < self._token_ends:
            return self._token
        _, _, secret = self.key.partition(":")
        form = {"grant_type": "client_credentials"}
        if not secret:
            form = {
                "grant_type": "https://oauth.reddit.com/grants/installed_client",
                "device_id": "DO_NOT_TRACK_THIS_DEVICE",
            }
        pair = self.key if ":" in self.key else f"{self.key}:"
        basic = base64.b64encode(pair.encode()).decode()
        headers = {"authorization": f"Basic {basic}"}
        url = f"{self.site}/api/v1/access_token"
        response = yield from self._asker.ask(Fetch(url, headers, robots=False, form=form))
        given = mapping(body_json(response)) if response.status == 200 else {}
        self._token = name_of(given.get("access_token"))
        if not self._token:
            raise SourceError(
                f"Reddit gives no token for the app's key ({response.status}); check reddit_key "
                "(ID:SECRET of https://www.reddit.com/prefs/apps)."
            )
        lasts = given.get("expires_in")
        self._token_ends = self.now() + (float(lasts) if isinstance(lasts, int) else 600.0) - 60.0
        return self._token

    # -- taking in ----------------------------------------------------------------------------

    def _give(self, things: list[Mapping[str, Any]], full: Gathered) -> Steps:
        for thing in things:
            for made in self._made(thing):
                full.add(made)
        yield full.take(self._state.written())

    def _made(self, thing: Mapping[str, Any]) -> Iterator[Post | SetAside | Deletion]:
        now, fullname = self.now(), fullname_of(thing)
        why = gone(thing) if fullname else ""
        if why:
            self._state.watch.drop(fullname)
            yield self._deletion(fullname, why)
            return
        try:
            post = post_of(thing, source=self.name, fetched_at=now)
        except InputError as error:
            yield set_aside(self.name, post_id(fullname), str(error), now)
            if fullname in self._state.watch:  # its community has closed since
                self._state.watch.drop(fullname)
                yield self._deletion(fullname, str(error))
            return
        refused = admit(post, now=now, limits=self.limits)
        if refused is None:
            self._state.watch.add([fullname], now)
        yield refused or post

    def _deletion(self, fullname: str, reason: str) -> Deletion:
        return Deletion(self.name, self.now(), post=post_id(fullname), reason=reason)


_KEY_HINT = (
    "Reddit lets programs in with an app's key only: make an app at "
    'https://www.reddit.com/prefs/apps and set reddit_key = "ID:SECRET".'
)


def _children(listing: Any) -> list[Mapping[str, Any]]:
    return mappings(mapping(mapping(listing).get("data")).get("children"))


def _written(thing: Mapping[str, Any]) -> float | None:
    return moment(mapping(thing.get("data")).get("created_utc"))
