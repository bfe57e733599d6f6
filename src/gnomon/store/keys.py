"""Hashed keys under which the record finds posts by URL, author, reply and near-duplicate band.

A key is a letter for its kind and 16 hexadecimal digits, one token of an FTS5 table. Two different
things may share a key, so whoever looks one up compares the thing itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

import xxhash

from gnomon.store.key_filter import as_keys
from gnomon.store.rules import own_url
from gnomon.types import Post

_MASK = (1 << 64) - 1


def hash64(text: str) -> int:
    """XXH3, 64 bits, unsigned (https://xxhash.com): fast and well spread, not cryptographic."""
    return xxhash.xxh3_64_intdigest(text.encode("utf-8", "surrogatepass"))


def author_key(author: str) -> str:
    """Whatever the source: a Filter names authors alone."""
    return f"a{hash64(author):016x}" if author else ""


def url_key(url: str) -> str:
    return f"u{hash64(url):016x}" if url else ""


def reply_key(post: str) -> str:
    """Under which a post's replies and quotes are found."""
    return f"r{hash64(post):016x}" if post else ""


def ref_keys(post: Post) -> str:
    """Every key of ``post`` in the table ``refs``, joined by spaces."""
    keys = (
        author_key(post.author),
        url_key(own_url(post)),
        reply_key(post.reply_to),
        reply_key(post.quotes),
    )
    return " ".join(filter(None, keys))


def band_key(band: int) -> str:
    """``band`` is any 64-bit integer, signed or not."""
    return f"b{band & _MASK:016x}"


def band_keys(bands: Sequence[Sequence[int]]) -> list[str]:
    """For each post's bands their keys, joined by spaces."""
    written = as_keys(list(chain.from_iterable(bands))).astype(">u8").tobytes()
    out, start = [], 0
    for keys in bands:
        end = start + 8 * len(keys)
        # In groups of eight bytes: "0123456789abcdef 0123..."
        out.append(f"b{written[start:end].hex(' ', 8).replace(' ', ' b')}" if keys else "")
        start = end
    return out
