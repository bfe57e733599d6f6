"""What we hold: posts, their origins, what was not taken in, and how it is looked for."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from gnomon.types.provenance import MediaCheck


def content_hash(text: str) -> str:
    """SHA-256 of the UTF-8 bytes of ``text``, hexadecimal (64 characters).

    Lone surrogates (broken input) are kept apart with ``surrogatepass``, so that no two texts
    share a hash because of how they were damaged.
    """
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True, slots=True)
class Post:
    """One public thing somebody said: a post, an article, a document.

    ``id`` names it in the whole of gnomon: network sources prefix their own name
    (``bluesky:did:plc:x/3k2``), files keep the id that the row carries.
    ``created_at`` is when it was said, or None where the source does not say;
    ``fetched_at`` is when we took it in. ``repost_of``, ``quotes`` and ``reply_to`` hold post ids.
    ``counts`` (likes, reposts, followers) are kept for display and are never evidence.
    ``labels`` are the author's own content labels. ``extra`` keeps every field we do not know.
    """

    id: str
    text: str
    source: str
    fetched_at: float
    author: str = ""
    created_at: float | None = None
    title: str = ""
    lang: str = ""
    url: str = ""
    reply_to: str = ""
    repost_of: str = ""
    quotes: str = ""
    links: tuple[str, ...] = ()
    media: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def hash(self) -> str:
        """Content hash of ``text``: what a citation is checked against."""
        return content_hash(self.text)

    @property
    def time(self) -> float:
        """When it was said, or else when it was fetched."""
        return self.fetched_at if self.created_at is None else self.created_at


@dataclass(frozen=True, slots=True)
class Revision:
    """An earlier text of a post that its author edited. ``replaced_at`` is when we saw the edit."""

    post: str
    text: str
    hash: str
    replaced_at: float


class EdgeKind(StrEnum):
    """Why a post belongs to an origin."""

    ROOT = "root"  # it is the origin's earliest post
    REPOST = "repost"
    QUOTE = "quote"  # a quote without a comment of its own
    URL = "url"  # the same canonical URL
    COPY = "copy"  # (nearly) the same words
    MEDIA = "media"  # the same picture or film, and hardly a word
    WIRE = "wire"  # mostly the story of an agency that it credits
    MEANING = "meaning"  # the same facts in other words, as an encoder tells


@dataclass(frozen=True, slots=True)
class Link:
    """One post's place in an origin. ``origin`` is the id of the origin's root post.

    ``score`` is the similarity that decided (0..1; 1 for hard edges).
    """

    post: str
    origin: str
    kind: EdgeKind
    score: float = 1.0


@dataclass(frozen=True, slots=True)
class Origin:
    """The posts that say one thing because they come from one place.

    ``posts`` and ``authors`` say how many posts and distinct authors it stands for.
    """

    id: str
    posts: int
    authors: int
    first_seen: float


@dataclass(frozen=True, slots=True)
class Sign:
    """One way in which an origin's posts look placed together. ``p`` is how probable as much of it
    (or more) is in ordinary sharing; 1 where it is told and not counted. ``reason`` says it."""

    name: str
    observed: float
    expected: float
    p: float
    reason: str


@dataclass(frozen=True, slots=True)
class Variant:
    """How a post of an origin differs from its root: the words that went and that came."""

    post: str
    author: str
    removed: str
    added: str


@dataclass(frozen=True, slots=True)
class Campaign:
    """How far the posts of an origin look placed together by accounts that act as one, rather than
    passed on. It never changes a verdict: an origin has one vote, whoever carries it.

    ``accounts`` put the text out; ``unattributed`` of them as their own words, naming nobody and
    linking nowhere, between ``since`` and ``until``; ``texts`` counts their different wordings.
    ``score`` is 1 - p of all ``signs`` together (0..1); ``coordinated`` is our reading of it.
    """

    origin: str
    posts: int
    accounts: int
    unattributed: int
    texts: int
    since: float
    until: float
    score: float
    coordinated: bool
    signs: tuple[Sign, ...] = ()
    variants: tuple[Variant, ...] = ()


@dataclass(frozen=True, slots=True)
class SetAside:
    """Something that was not taken in, and why. ``where`` is a file and line, a URL or a post id.

    ``reason`` is one sentence that quotes the value and names the next step; ``excerpt`` is at
    most 200 characters of the thing itself.
    """

    source: str
    where: str
    reason: str
    at: float
    excerpt: str = ""


@dataclass(frozen=True, slots=True)
class Gap:
    """A stretch of time that a source could not give us. Shown, never hidden."""

    source: str
    start: float | None
    end: float
    reason: str


@dataclass(frozen=True, slots=True)
class Deletion:
    """An author's deletion. Exactly one of ``post`` and ``author`` is set.

    ``author`` (with ``source``) deletes everything of an account that was removed or closed.
    """

    source: str
    at: float
    post: str = ""
    author: str = ""
    reason: str = "deleted by its author"


@dataclass(frozen=True, slots=True)
class Batch:
    """What one step of a source brings; written as one durable transaction.

    ``cursor`` is where the source resumes after this batch (None: unchanged).
    ``links`` and ``bands`` are filled in by ``origins`` on the way to the store: ``bands`` are the
    64-bit keys under which a post's near-duplicates are looked up.
    """

    source: str
    posts: tuple[Post, ...] = ()
    deletions: tuple[Deletion, ...] = ()
    set_aside: tuple[SetAside, ...] = ()
    gaps: tuple[Gap, ...] = ()
    cursor: str | None = None
    links: tuple[Link, ...] = ()
    bands: Mapping[str, tuple[int, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Filter:
    """Which posts a search may return. Empty means any. Times: ``since <= time < until``.

    ``domains`` are hosts: of them are the posts whose own address lies there or below, or whose
    source does; ``not_domains`` leaves those out. ``not_authors`` leaves authors out, in whatever
    case and with or without an ``@``.
    """

    since: float | None = None
    until: float | None = None
    sources: tuple[str, ...] = ()
    authors: tuple[str, ...] = ()
    langs: tuple[str, ...] = ()
    domains: tuple[str, ...] = ()
    not_domains: tuple[str, ...] = ()
    not_authors: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Hit:
    """A post that a search returned, read back from the record. ``origin`` is its origin's id."""

    post: Post
    score: float
    origin: str


@dataclass(frozen=True, slots=True)
class PostView:
    """A post as it is shown: with its origin (``posts`` it stands for), the other posts of that
    origin (earliest first) with their ``links``, earlier texts, and direct replies. ``why`` says
    why it stands there; ``campaign`` is None where too few accounts carry the origin to tell.
    ``media_checks`` are those of its pictures that were looked at."""

    post: Post
    link: Link
    origin: Origin
    members: tuple[Post, ...] = ()
    revisions: tuple[Revision, ...] = ()
    replies: tuple[Post, ...] = ()
    why: str = ""
    links: tuple[Link, ...] = ()
    campaign: Campaign | None = None
    media_checks: tuple[MediaCheck, ...] = ()


@dataclass(frozen=True, slots=True)
class Found:
    """A search result: one origin, shown by its best post, with how many posts it stands for."""

    post: Post
    score: float
    origin: Origin
    start: int = 0
    end: int = 0  # the span of ``post.text`` that answers the words best


@dataclass(frozen=True, slots=True)
class Tried:
    """What a source gave in a trial: nothing of it is kept."""

    spec: str
    sources: tuple[str, ...]
    posts: int
    seconds: float
    examples: tuple[Post, ...]
    set_aside: tuple[SetAside, ...]
    error: str = ""
