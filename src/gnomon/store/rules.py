"""Decisions that every store makes alike: what is news, what is an edit, what a filter lets in."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from functools import lru_cache

import numpy as np

from gnomon.errors import StoreError
from gnomon.text.urls import canonical
from gnomon.types import EdgeKind, Filter, Post

HOUR_S = 3600.0

BAND_MATCHES = 16
"""The most posts that a look-up of one band key returns."""

POINTING = (EdgeKind.REPOST, EdgeKind.QUOTE, EdgeKind.URL, EdgeKind.MEDIA)
"""Edges of posts that name what they pass on, or show it and say nothing: no origin began with
such a post, however early it came."""

SET_ASIDES_KEPT = 100_000
"""How many set-aside things ``retain`` leaves listed; the oldest entries go first."""


def news_time(post: Post) -> float:
    """When ``post`` was news: what a tombstone's time is compared with.

    The earlier of said and fetched: an author's clock may run ahead, and then the post must still
    count as older than its deletion.
    """
    return min(post.time, post.fetched_at)


def replaces(new: Post, held: Post, earlier: Iterable[str]) -> bool:
    """Whether ``new`` is an edit of ``held``: other words, and not an older version come again.

    ``earlier`` are the hashes of the held post's earlier texts. A version fetched before the held
    one is old news; one fetched at the same moment is, if its text was replaced already (the same
    batch written twice).
    """
    if (new.text, new.title) == (held.text, held.title) or new.fetched_at < held.fetched_at:
        return False
    return new.fetched_at > held.fetched_at or new.hash not in set(earlier)


def accepts(where: Filter, post: Post) -> bool:
    """Whether ``where`` lets ``post`` in."""
    return (
        (where.since is None or post.time >= where.since)
        and (where.until is None or post.time < where.until)
        and (not where.sources or post.source in where.sources)
        and (not where.authors or post.author in where.authors)
        and (not where.langs or post.lang in where.langs)
        and (not where.domains or any(is_of(post, domain) for domain in where.domains))
        and not any(is_of(post, domain) for domain in where.not_domains)
        and (not where.not_authors or handle(post.author) not in map(handle, where.not_authors))
    )


def handle(author: str) -> str:
    """An author's name as it is compared where one is left out."""
    return author.strip().removeprefix("@").casefold()


def is_of(post: Post, domain: str) -> bool:
    """Whether ``post`` stands at ``domain`` or below it: by its address, or by its source
    (``feed:https://news.example.org/rss``)."""
    name = _host(domain)
    return bool(name) and any(
        host == name or host.endswith("." + name) for host in (_host(post.url), _host(post.source))
    )


@lru_cache(maxsize=8192)
def _host(address: str) -> str:
    """The host in an address, a source's name or a bare domain, in small letters; "" if none."""
    rest = address.rpartition("://")[2].split("/", 1)[0].split("?", 1)[0].split("#", 1)[0]
    bare = rest.rpartition("@")[2].casefold()
    head, _, port = bare.rpartition(":")
    name = head if head and port.isdecimal() else bare.rpartition(":")[2]
    return name.strip(".").removeprefix("www.")


def is_reply(post: Post, to: str) -> bool:
    """Whether ``post`` answers ``to``: a direct reply, or a quote with words of its own."""
    return bool(to) and (post.reply_to == to or (post.quotes == to and bool(post.text.strip())))


def hours(since: float, until: float) -> list[float]:
    """The starts of the clock hours (UTC) that ``[since, until)`` touches."""
    if not since < until:
        return []
    first, last = math.floor(since / HOUR_S), math.ceil(until / HOUR_S)
    return [hour * HOUR_S for hour in range(first, last)]


def own_url(post: Post) -> str:
    """The canonical form of the post's own URL, "" where it has none.

    A URL that is no web address (a file's, say) is its own canonical form.
    """
    return (canonical(post.url) or post.url) if post.url else ""


def check_vectors(ids: Sequence[str], vectors: np.ndarray, dim: int | None) -> None:
    """Raise StoreError unless ``vectors`` is ``[len(ids), dim]`` (``dim`` None: any)."""
    if vectors.ndim != 2 or len(vectors) != len(ids) or (dim and vectors.shape[1] != dim):
        raise StoreError(
            f"vectors have the shape {vectors.shape}, but {len(ids)} ids of dimension "
            f"{dim or 'any'} need {(len(ids), dim or 'any')}; embed them with the same model."
        )
