"""Several stores read as one: the shelves that a question may look at, and what is held in public.

Nothing is written through it but the receipt of the answer, which goes to the first shelf: an
answer over somebody's documents belongs with the documents, and never into the public journal.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, cast

import numpy as np

from gnomon.store.contract import ANY, Receipt, Store, StoreStatus
from gnomon.types import Filter, Gap, Hit, Link, Origin, Post

UPLOAD = "file:upload/"
"""Begins the source of an upload's chunks. No file that was pulled has such a source: its name
holds no slash."""
# A document is one origin, and one passage of it may not hide the others: so many chunks of each
# are looked at where one post of an origin would be.
CHUNKS_PER_DOCUMENT = 4


def source_of(file: str) -> str:
    return UPLOAD + file


@dataclass(frozen=True, slots=True)
class Room:
    """One of the stores. ``sources`` are those that may be seen in it; None: all of it, under the
    question's own filter (the public store)."""

    store: Store
    sources: tuple[str, ...] | None = None

    def where(self, asked: Filter) -> Filter:
        """A shelf is chosen by name: the time, domain and author of public posts that are asked
        for say nothing of documents, most of which do not tell theirs."""
        return asked if self.sources is None else Filter(sources=self.sources, langs=asked.langs)

    def sees(self, post: Post) -> bool:
        return self.sources is None or post.source in self.sources


class Joined:
    """What ``truth`` reads of a store, over several. ``as_store`` is how it is handed on."""

    def __init__(self, rooms: Sequence[Room]) -> None:
        self._rooms = tuple(room for room in rooms if room.sources is None or room.sources)

    @property
    def as_store(self) -> Store:
        return cast(Store, self)

    def search(
        self, text: str, k: int, where: Filter = ANY, *, per_origin: int | None = 1
    ) -> list[Hit]:
        """Scores of different indexes do not compare, so ranks take turns."""
        found = [
            room.store.search(text, k, room.where(where), per_origin=self._most(room, per_origin))
            for room in self._rooms
        ]
        ranked = [(rank, at, hit) for at, hits in enumerate(found) for rank, hit in enumerate(hits)]
        ranked.sort(key=lambda row: row[:2])
        return [replace(hit, score=1.0 / (1 + rank)) for rank, _, hit in ranked[:k]]

    def nearest(
        self, vector: np.ndarray, k: int, where: Filter = ANY, *, per_origin: int | None = 1
    ) -> list[Hit]:
        found = [
            hit
            for room in self._rooms
            for hit in room.store.nearest(
                vector, k, room.where(where), per_origin=self._most(room, per_origin)
            )
        ]
        return sorted(found, key=lambda hit: -hit.score)[:k]

    def _most(self, room: Room, per_origin: int | None) -> int | None:
        if room.sources is None or per_origin is None:
            return per_origin
        return per_origin * CHUNKS_PER_DOCUMENT

    def get(self, id: str) -> Post | None:
        return self.get_many([id]).get(id)

    def get_many(self, ids: Sequence[str]) -> dict[str, Post]:
        return {
            name: post
            for room in self._rooms
            for name, post in room.store.get_many(ids).items()
            if room.sees(post)
        }

    def replies(self, id: str, limit: int = 20) -> list[Post]:
        found = [post for room in self._public() for post in room.store.replies(id, limit)]
        return found[:limit]

    def links(self, ids: Sequence[str]) -> dict[str, Link]:
        return {k: link for room in self._rooms for k, link in room.store.links(ids).items()}

    def origins(self, ids: Sequence[str]) -> dict[str, Origin]:
        """A document stands for itself, however many chunks it was cut into."""
        return {
            name: origin if room.sources is None else replace(origin, posts=1, authors=1)
            for room in self._rooms
            for name, origin in room.store.origins(ids).items()
        }

    def members(self, origin: str, limit: int = 100) -> list[Post]:
        found = [post for room in self._public() for post in room.store.members(origin, limit)]
        return found[:limit]

    def first_held(self, origins: Sequence[str]) -> dict[str, Post]:
        return {
            name: post
            for room in self._rooms
            for name, post in room.store.first_held(origins).items()
            if room.sees(post)
        }

    def scan(self, where: Filter = ANY, limit: int | None = None) -> Iterator[Post]:
        rows = (post for room in self._rooms for post in room.store.scan(room.where(where), limit))
        return islice(rows, limit)

    def frequencies(self, terms: Iterable[str]) -> dict[str, int]:
        wanted = list(terms)
        out = dict.fromkeys(wanted, 0)
        for room in self._rooms:
            for term, count in room.store.frequencies(wanted).items():
                out[term] += count
        return out

    def gaps(self, limit: int = 100) -> list[Gap]:
        return [gap for room in self._public() for gap in room.store.gaps(limit)][:limit]

    def status(self) -> StoreStatus:
        held = [room.store.status() for room in self._rooms]
        newest = [one.newest for one in held if one.newest is not None]
        oldest = [one.oldest for one in held if one.oldest is not None]
        return StoreStatus(
            posts=sum(one.posts for one in held),
            # Of a document each chunk says something else: words are weighed by chunks.
            origins=sum(
                one.origins if room.sources is None else one.posts
                for room, one in zip(self._rooms, held, strict=True)
            ),
            tombstones=0,
            seq=sum(one.seq for one in held),
            views={"text": sum(one.views.get("text", one.seq) for one in held)},
            disk_bytes=sum(one.disk_bytes for one in held),
            newest=max(newest, default=None),
            oldest=min(oldest, default=None),
            vectors=sum(one.vectors for one in held),
        )

    def append_journal(self, at: float, body: Mapping[str, Any], cites: Sequence[str]) -> Receipt:
        for room in self._rooms:
            if room.sources is not None:
                return room.store.append_journal(at, body, cites)
        return Receipt("", at, body, tuple(cites))

    def _public(self) -> list[Room]:
        """Chunks have no replies, and their neighbours are found by search."""
        return [room for room in self._rooms if room.sources is None]
