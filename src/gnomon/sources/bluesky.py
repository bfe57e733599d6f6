"""Bluesky's events as posts and deletions, without any network.

The record types are the lexicons ``app.bsky.feed.post``, ``app.bsky.feed.repost``
(https://github.com/bluesky-social/atproto/tree/main/lexicons/app/bsky), the account statuses
those of https://atproto.com/specs/account.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from gnomon.errors import InputError
from gnomon.types import Deletion, Post
from gnomon.wire import iso, parse_time

SOURCE = "bluesky"
POST = "app.bsky.feed.post"
REPOST = "app.bsky.feed.repost"
# A post that says it is older than this when we see it live claims what nobody can check.
OLDEST_S = 24 * 3600.0

# Statuses under which the specification forbids to show or pass on the account's content. Only
# "deleted" asks that it be removed; the others may end. This store cannot hide without holding,
# so all four are followed by deletion, each with its own reason.
GONE = {
    "deleted": "its account was deleted",
    "takendown": "its account was taken down by its host",
    "suspended": "its account was suspended by its host, so its posts may not be passed on",
    "deactivated": "its author deactivated the account, so its posts may not be passed on",
}
_AT_URI = re.compile(r"at://(did:[a-z0-9]+:[A-Za-z0-9._:%-]+)/([a-zA-Z0-9.-]+)/([A-Za-z0-9._:~-]+)")


@dataclass(frozen=True, slots=True)
class Event:
    """One event of either wire. ``time`` is when it happened as shown, ``time_us`` when this
    instance saw it (unix microseconds, what a time cursor means); ``seq`` is v2's, else None.

    ``body`` is the commit, account or identity object.
    """

    kind: str
    did: str
    time: float
    time_us: int
    seq: int | None
    body: Mapping[str, Any]


def post_id(did: str, rkey: str, collection: str = POST) -> str:
    """``bluesky:<did>/<rkey>``, and ``bluesky:<did>/repost/<rkey>`` for a repost (record keys are
    unique within one collection only)."""
    return f"{SOURCE}:{did}/{'repost/' if collection == REPOST else ''}{rkey}"


def post_of(event: Event, *, fetched_at: float, handle: str = "") -> Post:
    """The Post that a create or update brings. A repost has no text and ``repost_of`` set: it is
    held so that origins can count it. Raises InputError for a record that is not to its lexicon.
    """
    commit = event.body
    collection, rkey = str(commit.get("collection")), str(commit.get("rkey"))
    record = commit.get("record")
    if not isinstance(record, Mapping):
        raise InputError(f"the record is {str(record)[:40]!r}, not an object.")
    created_at, extra = _said_at(record, event)
    if handle:
        extra["handle"] = handle
    if collection == REPOST:
        original = _post_ref(record.get("subject"))
        if not original:
            raise InputError("a repost of something that is not a post.")
        return Post(
            id=post_id(event.did, rkey, REPOST),
            text="",
            source=SOURCE,
            fetched_at=fetched_at,
            author=event.did,
            created_at=created_at,
            repost_of=original,
            extra=extra,
        )
    text = record.get("text")
    if not isinstance(text, str):
        raise InputError(f"'text' is {str(text)[:40]!r}, not a string.")
    return _post(event, rkey, record, text, created_at, extra, fetched_at)


def _post(
    event: Event,
    rkey: str,
    record: Mapping[str, Any],
    text: str,
    created_at: float,
    extra: dict[str, Any],
    fetched_at: float,
) -> Post:
    embed = _Embed.of(record.get("embed"), event.did)
    links, tags, mentions = _facets(record.get("facets"))
    tags += [tag for tag in _strings(record.get("tags")) if tag not in tags]
    langs = list(_strings(record.get("langs")))
    reply = _object(record.get("reply"))
    root = _post_ref(reply.get("root"))
    for name, value in (
        ("tags", tags),
        ("mentions", mentions),
        ("alt", list(embed.alt)),
        ("card", dict(embed.card)),
        ("langs", langs[1:] and langs),
        ("reply_root", root),
    ):
        if value:
            extra[name] = value
    return Post(
        id=post_id(event.did, rkey),
        text=text,
        source=SOURCE,
        fetched_at=fetched_at,
        author=event.did,
        created_at=created_at,
        lang=langs[0] if langs else "",
        url=f"https://bsky.app/profile/{event.did}/post/{rkey}",
        reply_to=_post_ref(reply.get("parent")),
        quotes=embed.quotes,
        links=tuple(dict.fromkeys([*links, *embed.links])),
        media=embed.media,
        labels=tuple(_labels(record.get("labels"))),
        extra=extra,
    )


def deletion_of(event: Event) -> Deletion | None:
    """The deletion that a delete commit or an account event asks for, if it asks for one."""
    if event.kind == "commit":
        collection = str(event.body.get("collection"))
        if collection not in (POST, REPOST):
            return None
        gone = post_id(event.did, str(event.body.get("rkey")), collection)
        return Deletion(SOURCE, event.time, post=gone)
    if event.kind != "account" or event.body.get("active") is not False:
        return None
    status = str(event.body.get("status") or "")
    if status and status not in GONE:  # desynchronized, throttled: about the host, not the posts
        return None
    reason = GONE.get(status, "its account is no longer active")
    return Deletion(SOURCE, event.time, author=event.did, reason=reason)


def _said_at(record: Mapping[str, Any], event: Event) -> tuple[float, dict[str, Any]]:
    """When it was said. Clients write ``createdAt`` themselves: a missing or unreadable one gives
    the event's time, and so does one long before, with what it claims kept in ``extra`` (else a
    back-dated copy could pass for the earliest post). One from the future is for ``admit``."""
    stated = record.get("createdAt")
    try:
        said = parse_time(stated)
    except InputError:
        return event.time, ({"claimed_created_at": str(stated)[:60]} if stated else {})
    if said < event.time - OLDEST_S:
        return event.time, {"claimed_created_at": iso(said)}
    return said, {}


@dataclass(frozen=True, slots=True)
class _Embed:
    """What is embedded in a post: a link card, pictures, a film, a quoted post."""

    quotes: str = ""
    links: tuple[str, ...] = ()
    media: tuple[str, ...] = ()
    alt: tuple[str, ...] = ()
    card: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, value: Any, did: str) -> _Embed:
        embed = _object(value)
        kind = str(embed.get("$type"))
        if kind == "app.bsky.embed.recordWithMedia":
            inner = cls.of(embed.get("media"), did)
            quoted = _post_ref(_object(embed.get("record")).get("record"))
            return cls(quoted, inner.links, inner.media, inner.alt, inner.card)
        if kind == "app.bsky.embed.record":
            return cls(quotes=_post_ref(embed.get("record")))
        if kind == "app.bsky.embed.external":
            external = _object(embed.get("external"))
            uri = external.get("uri")
            card = {k: str(external[k]) for k in ("title", "description") if external.get(k)}
            return cls(links=(uri,) if isinstance(uri, str) and uri else (), card=card)
        if kind == "app.bsky.embed.images":
            return cls._images(embed, did)
        if kind == "app.bsky.embed.video":
            cid = _blob(embed.get("video"))
            film = f"https://video.bsky.app/watch/{did}/{cid}/playlist.m3u8"
            return cls(media=(film,) if cid else (), alt=tuple(_strings([embed.get("alt")])))
        return cls()

    @classmethod
    def _images(cls, embed: Mapping[str, Any], did: str) -> _Embed:
        images = [_object(image) for image in _list(embed.get("images"))]
        cids = [cid for cid in (_blob(image.get("image")) for image in images) if cid]
        return cls(
            media=tuple(f"https://cdn.bsky.app/img/feed_fullsize/plain/{did}/{c}" for c in cids),
            alt=tuple(_strings(image.get("alt") for image in images)),
        )


def _facets(value: Any) -> tuple[list[str], list[str], list[str]]:
    """Links, tags and mentioned accounts that the text's facets name."""
    found: dict[str, list[str]] = {"uri": [], "tag": [], "did": []}
    for facet in _list(value):
        for feature in _list(_object(facet).get("features")):
            for name, values in found.items():
                item = _object(feature).get(name)
                if isinstance(item, str) and item and item not in values:
                    values.append(item)
    return found["uri"], found["tag"], found["did"]


def _labels(value: Any) -> Iterable[str]:
    for label in _list(_object(value).get("values")):
        name = _object(label).get("val")
        if isinstance(name, str) and name:
            yield name


def _post_ref(value: Any) -> str:
    """The post id of a strong reference ``{"uri", "cid"}``, "" if it is not to a post."""
    match = _AT_URI.fullmatch(str(_object(value).get("uri")))
    return post_id(match[1], match[3]) if match and match[2] == POST else ""


def _blob(value: Any) -> str:
    blob = _object(value)
    link = _object(blob.get("ref")).get("$link") or blob.get("cid")
    return link if isinstance(link, str) else ""


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _strings(value: Any) -> list[str]:
    if value is None or isinstance(value, str | Mapping):
        return []
    return [item for item in value if isinstance(item, str) and item]
