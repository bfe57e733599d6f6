"""RSS, Atom and JSON feeds: one poll is one step.

An entry that changes comes again under its own id, so the store sees an edit. A feed shows only
its latest entries: when none of those of the last look is left, what lay between is a gap, and is
recorded as one.
"""

from __future__ import annotations

import calendar
import hashlib
import io
import json
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import feedparser

from gnomon.errors import InputError, SourceError, Unreachable
from gnomon.sources.admission import DEFAULT_LIMITS, Limits, admit, quoted, set_aside
from gnomon.sources.contract import Fetch, Response, Steps, Wait
from gnomon.sources.markup import plain_text
from gnomon.types import Batch, Gap, Post, SetAside, content_hash
from gnomon.wire import iso, parse_time

ACCEPT = (
    "application/atom+xml, application/rss+xml, application/feed+json, application/xml;q=0.9, "
    "text/xml;q=0.9, */*;q=0.5"
)
MAX_WAIT_S = 6 * 3600.0
_REMEMBERED = 500  # entries of the last look kept in the cursor
_LINK = re.compile(r"<link\b[^>]*>", re.IGNORECASE)
_HREF = re.compile(r"""href\s*=\s*["']?([^"'\s>]+)""", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _State:
    """The cursor: what makes the next request conditional, and what the last look saw."""

    etag: str = ""
    modified: str = ""
    seen: tuple[str, ...] = ()
    at: float | None = None


@dataclass
class Feed:
    """``url`` of an RSS, Atom or JSON feed. ``every_s`` polls again and again, None only once."""

    url: str
    every_s: float | None = None
    limits: Limits = DEFAULT_LIMITS
    now: Callable[[], float] = time.time
    name: str = field(default="")

    def __post_init__(self) -> None:
        self.name = self.name or f"feed:{self.url}"

    def steps(self, cursor: str | None) -> Steps:
        """Poll. Raises SourceError when the feed is not there or is none; a polling feed waits
        out what may pass (Unreachable), longer each time."""
        state = _read_cursor(cursor)
        failures = 0
        while True:
            request = Fetch(self.url, {"accept": ACCEPT}, etag=state.etag, modified=state.modified)
            try:
                response = yield request
                assert isinstance(response, Response), "the driver answers a Fetch with a Response"
                batch, state = self._read(response, state)
                failures = 0
                yield batch
                pause = self.every_s
            except Unreachable as error:
                if self.every_s is None:
                    raise
                failures += 1
                pause = max(error.retry_after_s or 0.0, self.every_s * 2 ** min(failures, 8))
            if pause is None:
                return
            yield Wait(min(pause, MAX_WAIT_S))

    def _read(self, response: Response, state: _State) -> tuple[Batch, _State]:
        now = self.now()
        if response.status == 304:
            state = _State(state.etag, state.modified, state.seen, now)
            return Batch(self.name, cursor=_cursor(state)), state
        if response.status >= 300:
            raise SourceError(_status_says(self.url, response.status))
        posts: list[Post] = []
        aside: list[SetAside] = []
        for entry in self._entries(response):
            try:
                post = self._post(entry, now)
            except InputError as error:
                where = str(entry.get("id") or self.url)
                aside.append(set_aside(self.name, where, str(error), now))
                continue
            refused = admit(post, now=now, limits=self.limits)
            if refused:
                aside.append(refused)
            else:
                posts.append(post)
        seen = tuple(_short(post.id) for post in posts[:_REMEMBERED])
        gaps: tuple[Gap, ...] = ()
        if state.seen and seen and not set(seen) & set(state.seen):
            gaps = (
                Gap(
                    self.name,
                    state.at,
                    now,
                    f"the feed shows only its latest {len(seen)} entries, and none of those of "
                    "the last look is among them; look more often.",
                ),
            )
        fresh = _State(
            response.headers.get("etag", ""),
            response.headers.get("last-modified", ""),
            seen or state.seen,
            now,
        )
        made = Batch(self.name, tuple(posts), (), tuple(aside), gaps, _cursor(fresh))
        return made, fresh

    def _entries(self, response: Response) -> list[dict[str, Any]]:
        """The feed's entries in one shape. Raises SourceError if what came is no feed."""
        body = response.body
        if body.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"):
            return _json_entries(body, self.url)
        headers = {
            "content-type": response.headers.get("content-type", ""),
            "content-location": response.url,
        }
        parsed = feedparser.parse(io.BytesIO(body), response_headers=headers, sanitize_html=False)
        if not parsed.entries and not parsed.get("version"):
            raise SourceError(_no_feed(self.url, response))
        about = parsed.feed
        return [_entry(entry, about) for entry in parsed.entries]

    def _post(self, entry: Mapping[str, Any], now: float) -> Post:
        text, title = entry["text"], entry["title"]
        if not text:
            text, title = title, ""
        guid = entry["id"] or entry["url"] or content_hash(text)
        stated = entry["created_at"]
        extra = {name: entry[name] for name in ("feed", "updated", "tags") if entry.get(name)}
        return Post(
            id=f"{self.name}#{guid}",
            text=text,
            source=self.name,
            fetched_at=now,
            author=entry["author"],
            created_at=None if stated is None else parse_time(stated),
            title=title,
            lang=entry["lang"],
            url=entry["url"],
            links=tuple(entry["links"]),
            media=tuple(entry["media"]),
            labels=tuple(entry["labels"]),
            extra=extra,
        )


def _entry(entry: Any, about: Any) -> dict[str, Any]:
    """A feedparser entry in the one shape (see ``_json_entry``)."""
    bodies = [part for part in entry.get("content", ()) if part.get("value")]
    body = max(bodies, key=lambda part: len(part["value"]), default=None)
    if body is None:
        body = entry.get("summary_detail") or {}
    # feedparser's own ``get`` would quietly give one date for the other.
    dates = [dict.get(entry, name) for name in ("published_parsed", "updated_parsed")]
    dates = [date for date in dates if date]
    url = entry.get("feedburner_origlink") or entry.get("link") or ""
    labels = []
    if (entry.get("media_rating") or {}).get("content") == "adult":
        labels.append("adult")
    if entry.get("itunes_explicit"):
        labels.append("explicit")
    return {
        "id": entry.get("id") or "",
        "text": _words(body),
        "title": _words(entry.get("title_detail") or {}),
        "author": entry.get("author") or about.get("title") or "",
        "created_at": _seconds(dates[0]) if dates else None,
        "updated": iso(_seconds(dates[1])) if len(dates) > 1 else None,
        "lang": (body.get("language") or about.get("language") or "").split(",")[0].strip(),
        "url": url,
        "links": [],
        "media": [part["href"] for part in entry.get("enclosures", ()) if part.get("href")],
        "labels": labels,
        "tags": [tag["term"] for tag in entry.get("tags", ()) if tag.get("term")],
        "feed": about.get("title") or "",
    }


def _words(part: Any) -> str:
    value = part.get("value") or ""
    return str(value).strip() if part.get("type") == "text/plain" else plain_text(value)


def _json_entries(body: bytes, url: str) -> list[dict[str, Any]]:
    """JSON Feed 1.1 (https://www.jsonfeed.org/version/1.1/)."""
    try:
        feed = json.loads(body)
    except ValueError as error:
        raise SourceError(f"{quoted(url)} is no feed: its JSON is broken ({error}).") from error
    items = feed.get("items") if isinstance(feed, dict) else None
    if not isinstance(items, list) or "jsonfeed.org" not in str(feed.get("version")):
        raise SourceError(
            f"{quoted(url)} is JSON but no JSON Feed; download it, and give it as a file."
        )
    return [_json_entry(item, feed) for item in items if isinstance(item, dict)]


def _json_entry(item: Mapping[str, Any], feed: Mapping[str, Any]) -> dict[str, Any]:
    authors = item.get("authors") or feed.get("authors") or []
    author = authors[0] if isinstance(authors, list) and authors else item.get("author")
    name = author.get("name") if isinstance(author, dict) else ""
    stated = item.get("date_published") or item.get("date_modified")
    text = item.get("content_text") or plain_text(str(item.get("content_html") or ""))
    attachments = [part for part in item.get("attachments") or () if isinstance(part, dict)]
    return {
        "id": str(item.get("id") or ""),
        "text": str(text or item.get("summary") or "").strip(),
        "title": str(item.get("title") or ""),
        "author": str(name or feed.get("title") or ""),
        "created_at": stated or None,
        "updated": item.get("date_modified"),
        "lang": str(item.get("language") or feed.get("language") or ""),
        "url": str(item.get("url") or ""),
        "links": [str(item["external_url"])] if item.get("external_url") else [],
        "media": [str(part["url"]) for part in attachments if part.get("url")],
        "labels": [],
        "tags": [str(tag) for tag in item.get("tags") or ()],
        "feed": str(feed.get("title") or ""),
    }


def _seconds(moment: Any) -> float | None:
    """feedparser's UTC struct_time as epoch seconds; None where it lies outside the calendar."""
    if moment is None:
        return None
    try:
        return float(calendar.timegm(moment))
    except (ValueError, OverflowError):
        return None


def _status_says(url: str, status: int) -> str:
    if status in (404, 410):
        return f"{quoted(url)} is not there ({status}); look up the feed's address."
    if status in (401, 402, 403):
        return f"{quoted(url)} does not let us in ({status}); it wants a login or no robots."
    return f"{quoted(url)} answers {status}; check the address."


def _no_feed(url: str, response: Response) -> str:
    kind = response.headers.get("content-type", "").split(";")[0] or "no stated type"
    text = response.body[:200_000].decode("utf-8", "replace")
    for link in _LINK.findall(text):
        target = _HREF.search(link)
        if target and re.search(r"application/(rss|atom)\+xml|feed\+json", link, re.IGNORECASE):
            return (
                f"{quoted(url)} is a page, not a feed; its feed is {quoted(target[1], 200)}: "
                "give that address."
            )
    return (
        f"{quoted(url)} is no feed: {kind} came, beginning {quoted(text[:60].strip())}; give the "
        "address of an RSS, Atom or JSON feed."
    )


def _short(id: str) -> str:
    return hashlib.sha256(id.encode("utf-8", "replace")).hexdigest()[:12]


def _cursor(state: _State) -> str:
    value = {"etag": state.etag, "modified": state.modified, "seen": state.seen, "at": state.at}
    return json.dumps(value, separators=(",", ":"))


def _read_cursor(cursor: str | None) -> _State:
    try:
        value = json.loads(cursor or "{}")
        return _State(
            str(value.get("etag", "")),
            str(value.get("modified", "")),
            tuple(str(one) for one in value.get("seen", ())),
            value.get("at"),
        )
    except (ValueError, TypeError, AttributeError):
        return _State()  # another version's cursor: the next look is a first one
