"""What the views read of the record for one step, so that two that stand at the same place read it
once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import apsw

from gnomon.store.contract import Change, Store
from gnomon.types import Link, Post

STEP = 1000
"""Changes of the record that are followed at once."""
TOLD = ("post", "edit", "link", "delete")
"""The kinds of change that tell of a post."""


@dataclass(frozen=True, slots=True)
class Step:
    """The log after ``after``, with the posts that it tells of and their links as they are now (a
    post that is gone has none)."""

    after: int
    changes: Sequence[Change]
    posts: Mapping[str, Post]
    links: Mapping[str, Link]


def read(store: Store, after: int, limit: int = STEP) -> Step:
    """The next at most ``limit`` changes. Raises StoreError."""
    changes = store.tail(after, limit)
    told = list(dict.fromkeys(change.ref for change in changes if change.kind in TOLD))
    posts = store.get_many(told) if told else {}
    return Step(after, changes, posts, store.links(list(posts)) if posts else {})


def seq_of(path: Path) -> int | None:
    """The last sequence number that the view in ``path`` was written with, None where none is: for
    those who look on, without opening it as a view."""
    if not path.exists():
        return None
    try:
        db = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
        with closing(db):
            found = db.execute("SELECT value FROM meta WHERE name = 'seq'").fetchone()
    except apsw.Error:  # just being made, or none of ours: then nothing is known of it
        return None
    return int(found[0]) if found else 0
