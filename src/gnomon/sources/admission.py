"""What every source obeys before a post is taken in: one place for the rules.

A post that fails is *set aside*: it carries a sentence that says why and what to do about it, and
the rest of its batch is kept.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from gnomon.types import Post, SetAside
from gnomon.wire import iso

# Self-labels by which authors mark adult or shocking pictures: Bluesky's global label values
# (https://docs.bsky.app/docs/advanced-guides/moderation#global-label-values) and the plain words
# that files and feeds use.
ADULT_LABELS = frozenset(
    {
        "porn",
        "sexual",
        "suggestive",
        "nudity",
        "graphic-media",
        "gore",
        "nsfl",
        "nsfw",
        "adult",
        "explicit",
    }
)
MAX_ID_CHARS = 1024
_BROKEN = re.compile("[\ud800-\udfff\x00]")
_INVISIBLE = re.compile(r"[\s\u200b-\u200f\u2060\ufeff\u00ad]+")


@dataclass(frozen=True, slots=True)
class Limits:
    """The owner's limits: longest text in UTF-8 bytes, how far ahead of our clock a post may be
    dated in seconds, and whether posts labelled adult are wanted."""

    max_post_bytes: int = 2 * 2**20
    future_s: float = 900.0
    adult: bool = False


DEFAULT_LIMITS = Limits()


def admit(post: Post, *, now: float, limits: Limits = DEFAULT_LIMITS) -> SetAside | None:
    """None if the post may be taken in, or else why not. ``now`` is our clock, epoch seconds."""
    reason = _reason(post, now, limits)
    if reason is None:
        return None
    return set_aside(post.source, post.id, reason, now, post.text)


def set_aside(source: str, where: str, reason: str, at: float, thing: str | bytes = "") -> SetAside:
    """A SetAside whose excerpt is short and printable, whatever ``thing`` holds."""
    if isinstance(thing, bytes):
        thing = thing[:800].decode("utf-8", "replace")
    excerpt = _BROKEN.sub("\ufffd", thing[:200])
    return SetAside(source, _BROKEN.sub("\ufffd", where)[:500], reason, at, excerpt)


def quoted(value: str | bytes, limit: int = 60) -> str:
    """``value`` for a message: quoted, printable, at most about ``limit`` characters."""
    if isinstance(value, bytes):
        value = value[: limit * 4].decode("utf-8", "replace")
    return ascii_safe(repr(value if len(value) <= limit else value[:limit] + "..."))


def ascii_safe(text: str) -> str:
    """Without lone surrogates or NUL, so that it can be stored and printed."""
    return _BROKEN.sub("\ufffd", text)


def _reason(post: Post, now: float, limits: Limits) -> str | None:
    broken = _broken_field(post)
    if broken:
        return (
            f"its {broken} holds NUL or half a character (a lone surrogate), so it is not text; "
            "mend the program that wrote it."
        )
    if len(post.id) > MAX_ID_CHARS:
        return (
            f"its id has {len(post.id)} characters ({quoted(post.id, 40)}); "
            f"give one of at most {MAX_ID_CHARS}."
        )
    # A repost, or a quote without a comment, says nothing itself and still counts for its origin.
    if not (post.repost_of or post.quotes) and not _INVISIBLE.sub("", post.text):
        return f"it has no text ({quoted(post.text)}); give the post's words in 'text'."
    size = len(post.text)
    if size * 4 > limits.max_post_bytes:
        size = len(post.text.encode())
        if size > limits.max_post_bytes:
            return (
                f"its text is {size:,} bytes, over the limit of {limits.max_post_bytes:,}; "
                "split it, or raise max_post_mb."
            )
    if post.created_at is not None and post.created_at > now + limits.future_s:
        return (
            f"it is dated {iso(post.created_at)}, from the future (the clock said "
            f"{iso(float(int(now)))}); correct the date or the clock, or raise future_s."
        )
    adult = ADULT_LABELS.intersection(label.lower() for label in post.labels)
    if adult and not limits.adult:
        return f"its author labels it {quoted(min(adult))}; set adult = true to take in such posts."
    return None


def _broken_field(post: Post) -> str:
    for name in ("text", "id", "author", "title", "lang", "url", "source"):
        if _BROKEN.search(getattr(post, name)):
            return name
    for name in ("reply_to", "repost_of", "quotes"):
        if _BROKEN.search(getattr(post, name)):
            return name
    for name in ("links", "media", "labels"):
        if any(_BROKEN.search(item) for item in getattr(post, name)):
            return name
    return ""
