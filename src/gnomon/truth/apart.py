"""A store without some of its origins: a text under check is no evidence for itself."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, cast

import numpy as np

from gnomon.store.contract import ANY, Store
from gnomon.types import Filter, Hit, Post


class Apart:
    """Everything of ``store`` but what searches find of ``origins`` (ids) and ``posts`` (ids)."""

    def __init__(self, store: Store, origins: Collection[str], posts: Collection[str] = ()) -> None:
        self._store = store
        self._origins = frozenset(origins)
        self._posts = frozenset(posts)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def search(
        self, text: str, k: int, where: Filter = ANY, *, per_origin: int | None = 1
    ) -> list[Hit]:
        found = self._store.search(text, k + self._room(per_origin), where, per_origin=per_origin)
        return self._kept(found)[:k]

    def nearest(
        self, vector: np.ndarray, k: int, where: Filter = ANY, *, per_origin: int | None = 1
    ) -> list[Hit]:
        room = self._room(per_origin)
        return self._kept(self._store.nearest(vector, k + room, where, per_origin=per_origin))[:k]

    def replies(self, id: str, limit: int = 20) -> list[Post]:
        return self._without(self._store.replies(id, limit))

    def get_many(self, ids: Sequence[str]) -> dict[str, Post]:
        return {post.id: post for post in self._without([*self._store.get_many(ids).values()])}

    def first_held(self, origins: Sequence[str]) -> dict[str, Post]:
        held = self._store.first_held(origins)
        kept = {post.id for post in self._without(list(held.values()))}
        return {origin: post for origin, post in held.items() if post.id in kept}

    @property
    def as_store(self) -> Store:
        """This, as what it stands for: the rest of the contract goes to the store itself."""
        return cast(Store, self)

    def _room(self, per_origin: int | None) -> int:
        """How many hits may fall away."""
        return len(self._origins) * (per_origin or 100) + len(self._posts)

    def _kept(self, hits: Sequence[Hit]) -> list[Hit]:
        return [
            hit
            for hit in hits
            if hit.origin not in self._origins and hit.post.id not in self._posts
        ]

    def _without(self, posts: Sequence[Post]) -> list[Post]:
        links = self._store.links([post.id for post in posts])
        return [
            post
            for post in posts
            if post.id not in self._posts
            and (links[post.id].origin if post.id in links else post.id) not in self._origins
        ]
