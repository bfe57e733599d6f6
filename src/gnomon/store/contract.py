"""What a store is. Nothing above this module knows an engine.

The *record* is durable and is the truth; *views* (text index, vector index) are derived from it by
sequence number and can be thrown away. Every hit is read back from the record before it is
returned, so a deletion holds from its commit, whatever a view still has.

``tests/store_conformance.py`` holds every implementation, the plain in-memory one included, to
the same behaviour.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Protocol, Self

import numpy as np

from gnomon.types import (
    Batch,
    Filter,
    Gap,
    Hit,
    Link,
    Origin,
    Post,
    Revision,
    SetAside,
)

ANY = Filter()
MANY, SHARE = 100, 50
"""How many changes, and which part of the posts (one in so many), must not be in the text view yet
for that to be told: fewer are the moment that a write takes."""


@dataclass(frozen=True, slots=True)
class Change:
    """One entry of the record's log. ``kind``: post, edit, delete, link, gap, set_aside, journal.

    ``ref`` is the post id; for a journal entry its hash, for a gap its source, for a set-aside
    thing its place. Entries about a post that is gone are left out, but for its ``delete`` (kept
    at least a week; retention writes one, too). A post's first link comes with its ``post`` entry;
    ``link`` tells of a change.
    """

    seq: int
    kind: str
    ref: str
    at: float


@dataclass(frozen=True, slots=True)
class Written:
    """What a batch did, returned only after it is durable. ``seq`` is the last sequence number.

    ``added`` and ``edited`` count posts; ``unchanged`` ones were held already with the same
    content; ``buried`` ones were refused because a tombstone stands for them; ``deleted`` counts
    posts removed.
    """

    seq: int
    added: int = 0
    edited: int = 0
    unchanged: int = 0
    buried: int = 0
    deleted: int = 0
    set_aside: int = 0


@dataclass(frozen=True, slots=True)
class Receipt:
    """A journalled answer: ``id`` is the SHA-256 of its body; ``cites`` are post ids.

    ``lost`` are cited posts that were deleted since: their quotes are gone from the body, too.
    """

    id: str
    at: float
    body: Mapping[str, Any]
    cites: tuple[str, ...]
    lost: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SourceState:
    """What the record knows of one source."""

    source: str
    posts: int
    newest: float | None
    last_write: float | None
    cursor: str | None
    set_aside: int
    gaps: int


@dataclass(frozen=True, slots=True)
class StoreStatus:
    """``views`` maps a view's name to the last sequence number it holds (lag = seq - that)."""

    posts: int
    origins: int
    tombstones: int
    seq: int
    disk_bytes: int
    newest: float | None
    oldest: float | None
    views: Mapping[str, int] = field(default_factory=dict)
    sources: tuple[SourceState, ...] = ()
    set_aside: int = 0
    gaps: int = 0
    vectors: int = 0
    journal: int = 0

    @property
    def unindexed(self) -> int:
        """Changes that searches do not see yet, where they are many or all there is; else 0. Until
        the view has caught up, that nothing was found does not mean that nothing is held."""
        seen = self.views.get("text", self.seq)
        behind = max(0, self.seq - seen)
        return behind if behind > max(MANY, self.posts // SHARE) or not seen else 0


class Store(Protocol):
    """The contract. One writer process, any number of readers.

    Every method may raise StoreError (StoreFull, StoreBusy). Ids that are not held are left out of
    results, never an error, unless a method says otherwise.
    """

    # -- writing ------------------------------------------------------------------------------
    def write(self, batch: Batch) -> Written:
        """Apply the whole batch in one transaction and return when it is durable.

        Idempotent: the same batch again changes nothing. A post whose text (or title) differs from
        the held one is an edit: the old text becomes a Revision. A post that is older news than
        its tombstone stays buried. Deletions are applied after posts, and remove the text,
        revisions, bands, vectors and links of a post from record and views, leaving a tombstone;
        the links of an origin whose root is deleted move to its next earliest post.

        Links are kept flat: a link to a post that has another origin means that origin, and when a
        root gets another origin its followers go along; a link to itself makes a post its own
        origin again, whatever it stood under. An origin need not be held. ``bands`` of a held post
        that is not among ``posts`` replace its keys. A batch without a ``source`` is of none.
        """
        ...

    def put_vectors(self, model: str, ids: Sequence[str], vectors: np.ndarray) -> None:
        """Keep unit vectors, float32 ``[len(ids), dim]``, for posts. One model at a time:
        a new model name drops the old vectors."""
        ...

    def append_journal(self, at: float, body: Mapping[str, Any], cites: Sequence[str]) -> Receipt:
        """Keep an answer. Posts that it cites outlive retention (but not deletion)."""
        ...

    def retain(self, max_bytes: int, max_age_s: float, now: float) -> int:
        """Drop the oldest posts over the limits (0: no limit), never one that the journal cites.
        Returns how many went. Such posts leave no tombstone: they may come again."""
        ...

    def refresh(self) -> None:
        """Catch every view up with the record and make it searchable (also done by itself, in the
        background, within about a second of a write)."""
        ...

    # -- reading posts ------------------------------------------------------------------------
    def get(self, id: str) -> Post | None: ...

    def get_many(self, ids: Sequence[str]) -> dict[str, Post]: ...

    def revisions(self, id: str) -> list[Revision]:
        """Earlier texts, oldest first."""
        ...

    def tombstone(self, id: str) -> str | None:
        """The reason, if the post was deleted."""
        ...

    def replies(self, id: str, limit: int = 20) -> list[Post]:
        """Direct replies and quotes with comment, oldest first."""
        ...

    def scan(self, where: Filter = ANY, limit: int | None = None) -> Iterator[Post]:
        """Posts, newest first by ``Post.time``."""
        ...

    def tail(self, after: int, limit: int = 1000) -> list[Change]:
        """The log after sequence number ``after``, in order."""
        ...

    # -- searching ----------------------------------------------------------------------------
    def search(
        self, text: str, k: int, where: Filter = ANY, *, per_origin: int | None = 1
    ) -> list[Hit]:
        """BM25 over title and text, best first; any term may match, English words by their stem
        (``stems.py``). ``text`` is plain words, cut by ``text.tokens`` here; no syntax, so nothing
        in it can be an error.

        At most ``per_origin`` posts of one origin (None: no limit): origins are collapsed *before*
        the cut at ``k``, so ten thousand copies cannot push others out. Words are weighed by the
        posts that *speak* (see ``frequencies``), and where origins are collapsed a copy scores no
        more than the post that speaks for it, if that one is found, too: how often something was
        copied moves no score and no order.
        """
        ...

    def nearest(
        self, vector: np.ndarray, k: int, where: Filter = ANY, *, per_origin: int | None = 1
    ) -> list[Hit]:
        """Posts by cosine to a unit vector ``[dim]``, best first; ``score`` is the cosine."""
        ...

    def vectors(self, ids: Sequence[str]) -> dict[str, np.ndarray]:
        """The kept vectors (approximate to int8 rounding)."""
        ...

    def unembedded(self, model: str, limit: int) -> list[Post]:
        """Posts without a vector of ``model``, newest first."""
        ...

    def counts_per_hour(
        self, term: str, since: float, until: float, where: Filter = ANY
    ) -> list[tuple[float, int]]:
        """Posts that hold ``term`` (one token, or several that must all occur) for each hour of
        ``[since, until)``: (start of hour, count), zeros included."""
        ...

    def frequencies(self, terms: Iterable[str]) -> dict[str, int]:
        """For each token of ``text.tokens``: how many posts that speak hold it (0 if none): of each
        origin the one that was held first (``first_held``), and those that belong to it by their
        link alone, with words of their own. Ten thousand copies of a statement do not make its
        words common. It is as new as the text view: this weighs terms, it answers no question."""
        ...

    # -- origins ------------------------------------------------------------------------------
    def links(self, ids: Sequence[str]) -> dict[str, Link]: ...

    def origins(self, ids: Sequence[str]) -> dict[str, Origin]:
        """By origin id."""
        ...

    def members(self, origin: str, limit: int = 100) -> list[Post]:
        """Posts of an origin, earliest first."""
        ...

    def first_held(self, origins: Sequence[str]) -> dict[str, Post]:
        """By origin: the post of it that was taken in first (``fetched_at``, then ``time``, then
        id), of those that name no other as their source by a hard edge (``rules.POINTING``) where
        there are any.

        The root is the earliest by what authors say of their posts' times. Who copies a post can
        claim to be older than it, but cannot be held before it: this one no copy can displace.
        """
        ...

    def band_matches(self, keys: Iterable[int]) -> dict[int, list[str]]:
        """For each 64-bit key: the ids of held posts that carry it (at most 16, the first
        that arrived)."""
        ...

    def by_url(self, urls: Sequence[str]) -> dict[str, str]:
        """For each canonical URL: the id of the earliest held post whose own ``url`` it is."""
        ...

    # -- sources, state, journal --------------------------------------------------------------
    def cursor(self, source: str) -> str | None: ...

    def gaps(self, limit: int = 100) -> list[Gap]:
        """Newest first."""
        ...

    def set_asides(self, limit: int = 100, source: str = "") -> list[SetAside]:
        """Newest first."""
        ...

    def journal(self, limit: int = 100) -> list[Receipt]:
        """Newest first."""
        ...

    def receipt(self, id: str) -> Receipt | None: ...

    def status(self) -> StoreStatus: ...

    def close(self) -> None: ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...
