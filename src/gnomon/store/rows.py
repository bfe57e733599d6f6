"""Posts as rows of the record and back."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from typing import Any

import orjson

from gnomon.types import EdgeKind, Link, Post

COLUMNS = (
    "p.id, p.text, s.name, p.fetched, p.author, p.created, p.title, p.lang, p.url, p.reply_to,"
    " p.repost_of, p.quotes, p.rest"
)
SELECT = f"SELECT {COLUMNS} FROM posts p JOIN sources s ON s.source = p.source"

INSERT = (
    "INSERT INTO posts (row, id, source, author, time, created, fetched, lang, title, text, url,"
    " reply_to, repost_of, quotes, rest) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"
)
UPDATE = (
    "UPDATE posts SET row=?1, id=?2, source=?3, author=?4, time=?5, created=?6, fetched=?7,"
    " lang=?8, title=?9, text=?10, url=?11, reply_to=?12, repost_of=?13, quotes=?14, rest=?15"
    " WHERE row=?1"
)


def storable(text: str) -> str | bytes:
    """``text`` as SQLite takes it: broken text (lone surrogates) is kept as bytes, unchanged."""
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")
    return text


def restored(value: Any) -> str:
    """The inverse of :func:`storable`."""
    return value.decode("utf-8", "surrogatepass") if isinstance(value, bytes) else str(value)


def as_list(values: Sequence[Any]) -> str:
    """A JSON array for SQLite's ``json_each``; strings that are no Unicode match nothing."""
    try:
        return orjson.dumps(list(values)).decode()
    except TypeError:
        return json.dumps([v for v in values if not isinstance(v, str) or _is_unicode(v)])


def _is_unicode(text: str) -> bool:
    return isinstance(storable(text), str)


_MAY_BE_BROKEN = frozenset({"text", "title", "where", "reason", "excerpt"})


def mended(value: Any, name: str = "") -> Any:
    """A batch with lone surrogates replaced by U+FFFD in every name, key and address of it.

    Words (texts, titles, reports) stay as they are: they are kept byte for byte.
    """
    if type(value) is str:
        if name in _MAY_BE_BROKEN:
            return value
        return value.encode("utf-8", "surrogatepass").decode("utf-8", "replace")
    if isinstance(value, list | tuple):
        return type(value)(mended(item, name) for item in value)
    if isinstance(value, Mapping):
        return {mended(key): mended(item) for key, item in value.items()}
    if is_dataclass(value) and not isinstance(value, type):
        parts = {f.name: mended(getattr(value, f.name), f.name) for f in fields(value)}
        return replace(value, **parts)
    return value


def to_row(row: int, source: int, post: Post) -> tuple[Any, ...]:
    """The values for INSERT and UPDATE."""
    return (
        row,
        post.id,
        source,
        post.author,
        post.time,
        post.created_at,
        post.fetched_at,
        post.lang,
        storable(post.title),
        storable(post.text),
        post.url,
        post.reply_to,
        post.repost_of,
        post.quotes,
        _rest(post),
    )


def _rest(post: Post) -> str | None:
    """The fields that are never searched, as JSON; None where all of them are empty."""
    if not (post.links or post.media or post.labels or post.counts or post.extra):
        return None
    rest = {
        "links": post.links,
        "media": post.media,
        "labels": post.labels,
        "counts": dict(post.counts),
        "extra": dict(post.extra),
    }
    rest = {name: value for name, value in rest.items() if value}
    try:
        return orjson.dumps(rest, option=orjson.OPT_NON_STR_KEYS).decode()
    except TypeError:  # an integer beyond 64 bits, or a value of a foreign type
        return json.dumps(rest, ensure_ascii=False, default=str)


def to_post(values: Sequence[Any]) -> Post:
    """A Post from the first columns of a SELECT of COLUMNS."""
    post_id, text, source, fetched, author, created, title, lang, url = values[:9]
    reply_to, repost_of, quotes, rest = values[9:13]
    more: dict[str, Any] = {}
    if rest is not None:
        try:
            more = orjson.loads(rest)
        except orjson.JSONDecodeError:  # an integer beyond 64 bits
            more = json.loads(rest)
        for name in ("links", "media", "labels"):
            if name in more:
                more[name] = tuple(more[name])
    return Post(
        id=post_id,
        text=text if isinstance(text, str) else restored(text),
        source=source,
        fetched_at=fetched,
        author=author,
        created_at=created,
        title=title if isinstance(title, str) else restored(title),
        lang=lang,
        url=url,
        reply_to=reply_to,
        repost_of=repost_of,
        quotes=quotes,
        **more,
    )


def to_link(post: str, origin: str | None, kind: str, score: float) -> Link:
    return Link(post, origin or post, EdgeKind(kind), score)
