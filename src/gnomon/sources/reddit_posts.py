"""Reddit's submissions (t3) and comments (t1) as posts, without any network.

https://www.reddit.com/dev/api/ (listings are "things": ``{"kind", "data"}``).
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping
from typing import Any

from gnomon.errors import InputError
from gnomon.sources.shapes import (
    counts,
    filled,
    mapping,
    mappings,
    moment,
    moment_iso,
    name_of,
    string,
    strings,
)
from gnomon.types import Post

NETWORK = "reddit"
SITE = "https://www.reddit.com"
FULLNAME = re.compile(r"t[13]_[a-z0-9]+", re.ASCII)
_PICTURE = re.compile(r"https?://(?:i\.redd\.it|i\.imgur\.com|v\.redd\.it)/", re.IGNORECASE)
_LINK = re.compile(r"\]\((https?://[^\s)]+)\)|(?<![\](])\b(https?://[^\s)\]>\"]+)")
# What stands where words were (https://www.reddit.com/wiki/deleted_comments).
_TOMBS = {
    "[deleted]": "deleted by its author",
    "[removed]": "removed by moderators or Reddit",
    "[ removed by reddit ]": "removed by Reddit",
}


class NotPublicError(InputError):
    """Something of a community that not everybody may read."""


def post_id(fullname: str) -> str:
    """``reddit:t3_abc`` for a submission, ``reddit:t1_abc`` for a comment."""
    return f"{NETWORK}:{fullname}"


def fullname_of(thing: Mapping[str, Any]) -> str:
    """``t3_abc``, "" for what is neither a submission nor a comment."""
    kind, data = thing.get("kind"), mapping(thing.get("data"))
    name = string(data.get("name")) or f"{kind}_{name_of(data.get('id'))}"
    return name if kind in ("t1", "t3") and FULLNAME.fullmatch(name) else ""


def gone(thing: Mapping[str, Any]) -> str:
    """Why a thing's words are no longer there, "" where they are."""
    data = mapping(thing.get("data"))
    words = string(data.get("body")) or string(data.get("selftext"))
    tomb = _TOMBS.get(words.strip().lower(), "")
    if tomb:
        return tomb
    if thing.get("kind") == "t3" and data.get("removed_by_category"):
        by_author = data["removed_by_category"] == "deleted"
        return _TOMBS["[deleted]"] if by_author else _TOMBS["[removed]"]
    # Reddit asks that what people said goes with their account
    # (https://redditinc.com/policies/data-api-terms).
    if data.get("author") in (None, "[deleted]"):
        return "its account was deleted"
    return ""


def post_of(thing: Mapping[str, Any], *, source: str, fetched_at: float) -> Post:
    """The Post of a submission or comment. A submission that only links has its title as text.

    Raises NotPublicError or InputError.
    """
    data, fullname = mapping(thing.get("data")), fullname_of(thing)
    if not fullname:
        raise InputError(f"a thing of kind {str(thing.get('kind'))[:20]!r} is no post.")
    _require_public(data)
    comment = fullname.startswith("t1_")
    words = data.get("body") if comment else data.get("selftext", "")
    if not isinstance(words, str):
        raise InputError(f"its words are {str(words)[:40]!r}, not a string.")
    text = html.unescape(words).strip()
    title = "" if comment else html.unescape(string(data.get("title"))).strip()
    if not text:
        text, title = title, ""
    parent = string(data.get("parent_id")) if comment else ""
    original = string(data.get("crosspost_parent"))
    outside = "" if comment or data.get("is_self") is True else string(data.get("url"))
    outside = outside if outside.startswith(("http://", "https://")) else ""
    pictures = [outside] if _PICTURE.match(outside) else []
    return Post(
        id=post_id(fullname),
        text=text,
        source=source,
        fetched_at=fetched_at,
        author=string(data.get("author")),
        created_at=moment(data.get("created_utc")),
        title=title,
        url=SITE + string(data.get("permalink")) if data.get("permalink") else "",
        reply_to=post_id(parent) if FULLNAME.fullmatch(parent) else "",
        quotes=post_id(original) if FULLNAME.fullmatch(original) else "",
        links=strings([*([] if pictures else [outside]), *_links(words)]),
        media=strings([*pictures, *_gallery(data)]),
        labels=_labels(data),
        counts=counts(
            likes=data.get("score"),
            replies=data.get("num_comments"),
            reposts=data.get("num_crossposts"),
        ),
        extra=_extra(data),
    )


def _require_public(data: Mapping[str, Any]) -> None:
    community = string(data.get("subreddit"))
    if data.get("quarantine") is True:
        raise NotPublicError(
            f"its community r/{community[:40]} is quarantined: shown only to who opts in; it is "
            "not taken in."
        )
    kind = data.get("subreddit_type", "public")
    # In "restricted" and "archived" communities not all may write, but all may read.
    if kind not in ("public", "restricted", "archived", "user", None):
        raise NotPublicError(
            f"its community r/{community[:40]} is {str(kind)[:20]!r}, not public; it is not taken "
            "in."
        )


def _labels(data: Mapping[str, Any]) -> tuple[str, ...]:
    names = (("adult", data.get("over_18") is True), ("spoiler", data.get("spoiler") is True))
    return tuple(name for name, holds in names if holds)


def _links(words: str) -> Iterator[str]:
    for match in _LINK.finditer(words):
        yield html.unescape(match[1] or match[2]).rstrip(".,;:!?*")


def _gallery(data: Mapping[str, Any]) -> Iterator[str]:
    pictures = mapping(data.get("media_metadata"))
    for entry in mappings(mapping(data.get("gallery_data")).get("items")):
        picture = mapping(mapping(pictures.get(string(entry.get("media_id")))).get("s"))
        yield html.unescape(string(picture.get("u")))


def _extra(data: Mapping[str, Any]) -> dict[str, Any]:
    author = string(data.get("author"))
    return filled(
        community=string(data.get("subreddit")),
        author_id=string(data.get("author_fullname")),
        bot=author == "AutoModerator",
        account_created_at=moment_iso(data.get("author_created_utc")),
        edited_at=moment_iso(data.get("edited")) if data.get("edited") is not True else "",
        thread=string(data.get("link_id")),
        tags=list(strings([string(data.get("link_flair_text"))])),
        poll=list(
            strings(
                string(option.get("text"))
                for option in mappings(mapping(data.get("poll_data")).get("options"))
            )
        ),
    )
