"""A row (a JSON object, a line of a table) as a Post: common names of fields are understood.

The names of the wire come first; only where one is absent are the names looked at under which
other programs write the same thing (exports of social networks, crawlers, spreadsheets).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from email.utils import parsedate_to_datetime
from typing import Any

from gnomon.errors import InputError
from gnomon.types import Post
from gnomon.wire import parse_time, post_from_json

ALIASES: Mapping[str, tuple[str, ...]] = {
    "text": (
        "full_text",
        "content",
        "body",
        "message",
        "selftext",
        "tweet",
        "post",
        "comment",
        "caption",
    ),
    "title": ("headline", "subject"),
    "id": ("id_str", "post_id", "tweet_id", "status_id", "uuid", "guid"),
    "author": ("user", "username", "user_name", "screen_name", "handle", "author_name", "by"),
    "created_at": (
        "created",
        "created_utc",
        "published_at",
        "published",
        "pub_date",
        "datetime",
        "timestamp",
        "date",
        "time",
        "day",
    ),
    "url": ("permalink", "link", "href"),
    "lang": ("language",),
    "reply_to": ("in_reply_to", "in_reply_to_status_id_str", "parent_id", "parent"),
}
_FITS: Mapping[str, tuple[type, ...]] = {"text": (str,), "author": (str, int, Mapping)}
_ADULT_FLAGS = ("over_18", "nsfw", "possibly_sensitive", "sensitive")
_PERSON_KEYS = ("handle", "username", "screen_name", "acct", "name", "id")
_SLASHED = re.compile(r"\b(\d{1,2})/(\d{1,2})/(\d{4})\b")
_SLASHED_TIME = re.compile(
    r"(\d{1,2})/(\d{1,2})/(\d{4})(?:[ T,]+(\d{1,2}):(\d{2})(?::(\d{2}))?)?\s*", re.ASCII
)
REFERENCES = ("reply_to", "repost_of", "quotes")


def date_order(sample: str) -> str:
    """Whether dates like 6/24/2016 in a file are month first ("mdy") or day first ("dmy").

    "" where the sample does not settle it: then such dates are not guessed.
    """
    first = second = False
    for match in _SLASHED.finditer(sample):
        first = first or int(match[1]) > 12
        second = second or int(match[2]) > 12
    if first == second:
        return ""
    return "dmy" if first else "mdy"


def post_from_row(
    row: Mapping[str, Any],
    *,
    source: str,
    fetched_at: float,
    namespace: str = "",
    order: str = "",
    encoding: str = "",
) -> Post:
    """A Post from a row whose fields may have other programs' names.

    A row with a title and no text is a headline: the title is its words. ``order`` settles dates
    with slashes (``date_order``). With ``namespace`` the ids become ``namespace:id``. A guessed
    ``encoding`` is kept in ``extra``. Raises InputError naming the field that cannot be used.
    """
    known = _canonical(row)
    moment = known.get("created_at")
    if isinstance(moment, str) and moment.strip():
        known["created_at"] = _time(moment.strip(), order)
    post = post_from_json(known, source=source, fetched_at=fetched_at)
    if encoding:
        post = replace(post, extra={**post.extra, "encoding": encoding})
    return namespaced(post, namespace) if namespace else post


def namespaced(post: Post, namespace: str) -> Post:
    """``post`` with its id and references prefixed, so that two files' ids cannot collide."""
    prefix = f"{namespace}:"
    names = {
        name: prefix + getattr(post, name)
        for name in ("id", *REFERENCES)
        if getattr(post, name) and not getattr(post, name).startswith(prefix)
    }
    return replace(post, **names)


def _canonical(row: Mapping[str, Any]) -> dict[str, Any]:
    known = {str(name): _plain(value) for name, value in row.items()}
    for name, others in ALIASES.items():
        if not _empty(known.get(name)):
            continue
        for other in others:
            value = known.get(other)
            if not _empty(value) and isinstance(value, _FITS.get(name, (str, int, float))):
                known[name] = known.pop(other)
                break
    if isinstance(known.get("author"), Mapping):
        known["author"] = _person(known["author"])
    for name in ("text", *REFERENCES, "id"):
        if isinstance(known.get(name), float):
            raise InputError(f"{name!r} is the number {known[name]!r}; give it as a string.")
    if isinstance(known.get("text"), int):
        known["text"] = str(known["text"])
    if _empty(known.get("text")) and isinstance(known.get("title"), str) and known["title"]:
        known["text"] = known.pop("title")
    if any(str(known.get(flag)).lower() in ("true", "1") for flag in _ADULT_FLAGS):
        labels = known.get("labels") or []
        labels = [labels] if isinstance(labels, str) else labels
        known["labels"] = [*labels, "adult"] if isinstance(labels, list) else labels
    return known


def _person(value: Mapping[str, Any]) -> str:
    for key in _PERSON_KEYS:
        if isinstance(value.get(key), str | int):
            return str(value[key])
    return ""


def _empty(value: Any) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


def _plain(value: Any) -> Any:
    """Parquet's richer types as JSON's."""
    if isinstance(value, datetime):
        return (value if value.tzinfo else value.replace(tzinfo=UTC)).isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else str(value)
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, float) and value != value:  # NaN: a missing cell
        return None
    return value


def _time(text: str, order: str) -> float:
    """ISO 8601 or epoch first; then RFC 2822 and the forms that exports use."""
    try:
        return parse_time(text)
    except InputError as unknown:
        slashed = _SLASHED_TIME.fullmatch(text)
        if slashed:
            if not order:
                raise InputError(
                    f"'created_at' is {text[:40]!r}, which may be day first or month first; "
                    "write it as ISO 8601, like 2026-03-07."
                ) from None
            first, second, year, hour, minute, second_ = slashed.groups()
            month, day = (first, second) if order == "mdy" else (second, first)
            parts = (int(year), int(month), int(day), int(hour or 0), int(minute or 0))
            try:
                return datetime(*parts, int(second_ or 0), tzinfo=UTC).timestamp()
            except ValueError:
                raise unknown from None
        return _other_time(text, unknown)


def _other_time(text: str, unknown: InputError) -> float:
    for form in ("%a %b %d %H:%M:%S %z %Y", "%Y-%m-%d %H:%M:%S UTC", "%Y/%m/%d %H:%M:%S"):
        try:
            moment = datetime.strptime(text, form)
        except ValueError:
            continue
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        raise unknown from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def list_cell(text: str) -> list[str]:
    """A table's cell that stands for a list: JSON, or words parted by spaces, ``|`` or ``;``."""
    stripped = text.strip()
    if stripped.startswith("["):
        try:
            items = json.loads(stripped)
        except ValueError:
            items = None
        if isinstance(items, list):
            return [str(item) for item in items]
    return [piece for piece in re.split(r"[\s|;]+", stripped) if piece]
