"""Gathers what a source reads until it is worth a transaction."""

from __future__ import annotations

from gnomon.types import Batch, Deletion, Gap, Post, SetAside

BATCH_ROWS = 1000
BATCH_BYTES = 8 * 2**20


class Gathered:
    """Posts, deletions, gaps and what was set aside, in the order in which they came.

    The store applies a batch's deletions after its posts. So what is said again after its own
    deletion must go into a later batch: ``undoes`` tells.
    """

    def __init__(self, source: str) -> None:
        self._source = source
        self._clear()

    def _clear(self) -> None:
        self._posts: list[Post] = []
        self._deletions: list[Deletion] = []
        self._aside: list[SetAside] = []
        self._gaps: list[Gap] = []
        self._gone: set[str] = set()
        self._size = 0

    def __len__(self) -> int:
        return len(self._posts) + len(self._deletions) + len(self._aside) + len(self._gaps)

    def undoes(self, thing: Post | Deletion | SetAside | Gap) -> bool:
        """Whether ``thing`` is a post that a deletion gathered before it would take away."""
        if not isinstance(thing, Post) or not self._gone:
            return False
        return thing.id in self._gone or thing.author in self._gone

    def add(self, thing: Post | Deletion | SetAside | Gap) -> None:
        if isinstance(thing, Post):
            self._posts.append(thing)
            self._size += len(thing.text)
        elif isinstance(thing, Deletion):
            self._deletions.append(thing)
            self._gone.add(thing.post or thing.author)
        elif isinstance(thing, Gap):
            self._gaps.append(thing)
        else:
            self._aside.append(thing)

    @property
    def ready(self) -> bool:
        return len(self) >= BATCH_ROWS or self._size >= BATCH_BYTES

    def take(self, cursor: str | None) -> Batch:
        """Everything gathered, as a batch; then it is empty again."""
        made = Batch(
            self._source,
            posts=tuple(self._posts),
            deletions=tuple(self._deletions),
            set_aside=tuple(self._aside),
            gaps=tuple(self._gaps),
            cursor=cursor,
        )
        self._clear()
        return made
