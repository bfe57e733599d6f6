"""What each address demands of a caller, before any route sees the request.

The rule fails closed. An address that is not named here needs "ask" to be read, and "write" for
any method that may change something. A route may ask for more (``require``), never for less.
"""

from __future__ import annotations

import re

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})

_PUBLIC = re.compile(
    r"/|/page/.*|/posts/.*"  # the page's files, without anything that is held
    r"|/health|/ready"
    r"|/v1/session(/.*)?"  # signing in, which checks for itself
)
_ADMIN = re.compile(r"/v1/(keys|users|settings|pulls)(/.*)?")
# What makes the model work, or touches only what the caller itself left here, changes nothing
# for anybody else: "ask" is enough for these whatever the method.
_ASKING = re.compile(
    r"/v1/(responses|chat/completions|completions|embeddings|moderations|ask|verify|search"
    r"|history|conversations|digests|images|audio|tts|stt|realtime|videos|content_provenance_checks|receipts"
    r"|skills|quiz)(/.*)?"
    r"|/v1/vector_stores/[^/]+/search"
    r"|/mcp(/.*)?"
)
_FEEDS = frozenset({"/digests.atom", "/digests.rss"})
_UPLOADS = re.compile(
    r"/v1/(files|uploads|images/edits|audio/\w+|stt|content_provenance_checks)(/.*)?"
)


def needed(method: str, path: str) -> str | None:
    """The scope that a request needs; None where nobody is asked who they are."""
    if _PUBLIC.fullmatch(path):
        return None
    if method in SAFE:
        return "ask"
    if _ADMIN.fullmatch(path):
        return "admin"
    return "ask" if _ASKING.fullmatch(path) else "write"


def is_feed(method: str, path: str) -> bool:
    """Whether this is read by a feed reader."""
    return method in ("GET", "HEAD") and path in _FEEDS


def takes_uploads(method: str, path: str) -> bool:
    """Whether the body may be a file, and so as large as an upload may be."""
    return method not in SAFE and bool(_UPLOADS.fullmatch(path))
