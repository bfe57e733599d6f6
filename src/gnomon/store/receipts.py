"""Journal bodies: named by their own hash, and stripped of a post that was deleted since."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from gnomon.wire import FIXED

SIGNED = "receipt"
"""Where a body keeps its signature, which is over the rest and no part of its name."""
GONE = "[deleted]"
TELLING = 12
"""A shorter title ("Update") may be anybody's words; it goes only where the post is named."""


def canonical_json(body: Mapping[str, Any]) -> str:
    """``body`` in its one spelling: sorted keys, no spaces, no escapes beyond JSON's own."""
    return json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def receipt_id(body: Mapping[str, Any]) -> str:
    """SHA-256 of the canonical JSON, hexadecimal: what a receipt is named by."""
    said = {name: value for name, value in body.items() if name != SIGNED}
    return hashlib.sha256(canonical_json(said).encode("utf-8", "surrogatepass")).hexdigest()


def forget(body: Mapping[str, Any], post: str) -> dict[str, Any]:
    """``body`` without the words of ``post``.

    Every object that names the post (``"post": id``) loses its ``quote`` and ``title`` and is
    marked ``"deleted": true``; wherever else the same words stand (a sentence composed of the
    quote, a headline), they become ``[deleted]``, and a claim made of them loses its names and
    numbers. Of a signed body, the salts of what went go too, so that nobody can try words against
    what was signed.
    """
    said = {name: value for name, value in body.items() if name != SIGNED}
    quotes: set[str] = set()
    _collect(said, post, quotes)
    ordered = sorted((q for q in quotes if q.strip()), key=len, reverse=True)
    stripped = _strip(said, post, ordered)
    assert isinstance(stripped, dict)
    if isinstance(body.get(SIGNED), Mapping):
        stripped[SIGNED] = _unsalted(body[SIGNED], said, stripped)
    return stripped


def _unsalted(
    signed: Mapping[str, Any], before: Mapping[str, Any], after: Mapping[str, Any]
) -> dict[str, Any]:
    """The signature, without the salts of those texts that are not what they were."""
    leaves = [
        [pointer, digest, salt if _at(before, pointer) == _at(after, pointer) else ""]
        for pointer, digest, salt in signed["leaves"]
    ]
    return {**signed, "leaves": leaves}


def _at(value: Any, pointer: str) -> Any:
    """What a JSON pointer (RFC 6901) points at."""
    for step in pointer.split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        value = value[int(name)] if isinstance(value, list | tuple) else value[name]
    return value


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
        out = {
            key: item if key in FIXED and isinstance(item, str) else _strip(item, post, quotes)
            for key, item in value.items()
        }
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
