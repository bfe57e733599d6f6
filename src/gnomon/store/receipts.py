"""Journal bodies: named by their own hash, and stripped of a post that was deleted since."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

GONE = "[deleted]"
TELLING = 12
"""A shorter title ("Update") may be anybody's words; it goes only where the post is named."""


def canonical_json(body: Mapping[str, Any]) -> str:
    """``body`` in its one spelling: sorted keys, no spaces, no escapes beyond JSON's own."""
    return json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def receipt_id(body: Mapping[str, Any]) -> str:
    """SHA-256 of the canonical JSON, hexadecimal: what a receipt is named by."""
    return hashlib.sha256(canonical_json(body).encode("utf-8", "surrogatepass")).hexdigest()


def forget(body: Mapping[str, Any], post: str) -> dict[str, Any]:
    """``body`` without the words of ``post``.

    Every object that names the post (``"post": id``) loses its ``quote`` and ``title`` and is
    marked ``"deleted": true``; wherever else the same words stand (a sentence composed of the
    quote, a headline), they become ``[deleted]``, and a claim made of them loses its names and
    numbers.
    """
    quotes: set[str] = set()
    _collect(body, post, quotes)
    ordered = sorted((q for q in quotes if q.strip()), key=len, reverse=True)
    stripped = _strip(body, post, ordered)
    assert isinstance(stripped, dict)
    return stripped


def _collect(value: Any, post: str, quotes: set[str]) -> None:
    if isinstance(value, Mapping):
        if value.get("post") == post and isinstance(value.get("quote"), str):
            quotes.add(value["quote"])
            title = value.get("title")
            if isinstance(title, str) and len(title) >= TELLING:
                quotes.add(title)
        for item in value.values():
            _collect(item, post, quotes)
    elif isinstance(value, list | tuple):
        for item in value:
            _collect(item, post, quotes)


def _strip(value: Any, post: str, quotes: list[str]) -> Any:
    if isinstance(value, Mapping):
        out = {key: _strip(item, post, quotes) for key, item in value.items()}
        if value.get("post") == post:
            out["deleted"] = True
            out |= {name: "" for name in ("quote", "title") if name in out}
        if value.get("slots") and out.get("text") != value.get("text"):
            out["slots"] = []  # names and numbers out of those words
        return out
    if isinstance(value, list | tuple):
        return [_strip(item, post, quotes) for item in value]
    if isinstance(value, str):
        for quote in quotes:
            value = value.replace(quote, GONE)
    return value
