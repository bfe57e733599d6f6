"""What each post adds to the counts, so that it can be taken back.

A post adds its keys to ``posts``. To ``voices`` it adds them only where it is the earliest held
post of its origin, and only those that its author has not yet said in that hour: so copies and
repetitions make a thing louder, and never better supported. All counts are a function of the rows
here, in whatever order they came; that is why a rebuilt view equals a grown one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import apsw
import numpy as np
import xxhash

from gnomon.store.rows import as_list
from gnomon.trends.windows import HOUR_S, pane
from gnomon.types import Link, Post

SCHEMA = """
    CREATE TABLE rows (
        seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, time REAL NOT NULL,
        author INTEGER NOT NULL, origin INTEGER NOT NULL, counted INTEGER NOT NULL,
        born REAL, keys BLOB NOT NULL
    );
    CREATE INDEX rows_time ON rows (time);
    CREATE INDEX rows_author ON rows (author, time);
    CREATE INDEX rows_origin ON rows (origin);
"""
_AGES = ("account_created_at", "author_created_at", "user_created_at")
Group = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Row:
    """``author`` and ``origin`` are hashes; ``born`` is when the account was made, if a source
    says so; ``keys`` are uint64 ``[n]``, the language's total first."""

    seq: int
    id: str
    time: float
    author: int
    origin: int
    counted: bool
    born: float | None
    keys: np.ndarray

    @property
    def group(self) -> Group:
        """Within which an author says a thing once: the author's hour."""
        return self.author, pane(self.time, HOUR_S)


@dataclass(frozen=True, slots=True)
class Share:
    """What a row adds: ``keys`` to posts, those where ``voiced`` to voices."""

    row: Row
    voiced: np.ndarray


def hashed(text: str) -> int:
    """63 bits of ``text``, as SQLite keeps them."""
    return xxhash.xxh3_64_intdigest(text.encode("utf-8", "surrogatepass")) >> 1


def said_at(post: Post) -> float:
    """When it was said; no later than when it was fetched, whatever the author's clock says."""
    return min(post.time, post.fetched_at)


def make_row(seq: int, post: Post, link: Link | None, keys: np.ndarray) -> Row:
    """A post without an author is somebody of its own."""
    origin = link.origin if link is not None else post.id
    author = f"author {post.author}" if post.author else f"post {post.id}"
    return Row(
        seq, post.id, said_at(post), hashed(author), hashed(origin), origin == post.id,
        account_born(post), keys,
    )  # fmt: skip


def account_born(post: Post) -> float | None:
    """When the author's account was made, epoch seconds, where the source says it: as ISO 8601, as
    ours do, or as a number."""
    for name in _AGES:
        value = post.extra.get(name)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return float(value)
        if isinstance(value, str):
            try:
                moment = datetime.fromisoformat(value)
            except ValueError:
                continue
            return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    return None


def shares(rows: Iterable[Row]) -> Iterator[Share]:
    """What the rows of one group add, each thing said by its author once."""
    said: set[int] | None = None
    for row in sorted(rows, key=lambda row: (row.time, row.seq)):
        if not row.counted:
            yield Share(row, np.zeros(len(row.keys), bool))
        elif said is None:
            said = set(row.keys.tolist())
            yield Share(row, np.ones(len(row.keys), bool))
        else:
            keys = row.keys.tolist()
            yield Share(row, np.array([key not in said for key in keys], bool))
            said.update(keys)


class Rows:
    """The table, over a connection that its owner begins and ends transactions on."""

    def __init__(self, db: apsw.Connection) -> None:
        self._db = db

    def of_ids(self, ids: Sequence[str]) -> dict[str, Row]:
        sql = f"{_SELECT_FOR_EACH} ON r.id = j.value ORDER BY j.key"
        return {row.id: row for row in self._all(sql, as_list(ids))}

    def of_origins(self, origins: Sequence[int]) -> dict[int, list[Row]]:
        """By origin, those that have any."""
        sql = f"{_SELECT_FOR_EACH} ON r.origin = j.value ORDER BY j.key"
        found: dict[int, list[Row]] = {}
        for row in self._all(sql, as_list(origins)):
            found.setdefault(row.origin, []).append(row)
        return found

    def of_groups(self, groups: Sequence[Group]) -> list[Row]:
        hour = "json_extract(j.value, '$[1]')"
        sql = (
            f"{_SELECT_FOR_EACH} ON r.author = json_extract(j.value, '$[0]')"
            f" AND r.time >= {hour} AND r.time < {hour} + {HOUR_S} ORDER BY j.key"
        )
        return self._all(sql, as_list(groups))

    def of_author(self, author: int, since: float, until: float, most: int) -> list[Row]:
        """The newest first."""
        sql = f"{_SELECT} WHERE author = ? AND time >= ? AND time < ? ORDER BY time DESC LIMIT ?"
        return self._all(sql, author, since, until, most)

    def between(self, since: float, until: float, most: int) -> tuple[list[Row], float]:
        """Rows in order of time; of more than ``most`` a sample by number, and the share of all
        that it is."""
        total = int(
            self._value("SELECT count(*) FROM rows WHERE time >= ? AND time < ?", since, until)
        )
        if total <= most:
            return self._all(
                f"{_SELECT} WHERE time >= ? AND time < ? ORDER BY time, seq", since, until
            ), 1.0
        share = most / total
        # Knuth's multiplicative hash of the sequence number: the same sample each time.
        sql = (
            f"{_SELECT} WHERE time >= ? AND time < ? AND (seq * 2654435761 & 1048575) < ?"
            " ORDER BY time, seq"
        )
        return self._all(sql, since, until, int(share * 1048576)), share

    def put(self, rows: Sequence[Row]) -> None:
        self._db.executemany(
            "REPLACE INTO rows VALUES (?,?,?,?,?,?,?,?)",
            [
                (r.seq, r.id, r.time, r.author, r.origin, r.counted, r.born, r.keys.tobytes())
                for r in rows
            ],
        )

    def remove(self, ids: Sequence[str]) -> None:
        self._db.executemany("DELETE FROM rows WHERE id = ?", [(post,) for post in ids])

    def forget(self, before: float) -> None:
        """Follow nothing older; what it added stays counted."""
        self._db.execute("DELETE FROM rows WHERE time < ?", (before,))

    def count(self) -> int:
        return int(self._value("SELECT count(*) FROM rows"))

    def time_of_newest(self, number: int) -> float:
        """The time of the ``number``-th newest row."""
        sql = "SELECT time FROM rows ORDER BY time DESC LIMIT 1 OFFSET ?"
        return float(self._value(sql, number - 1) or 0.0)

    def _value(self, sql: str, *values: object) -> float:
        found = self._db.execute(sql, values).fetchone()
        return 0 if found is None else found[0]

    def _all(self, sql: str, *values: object) -> list[Row]:
        return [_row(found) for found in self._db.execute(sql, values)]


_COLUMNS = "SELECT r.seq, r.id, r.time, r.author, r.origin, r.counted, r.born, r.keys FROM"
_SELECT = f"{_COLUMNS} rows r"
_SELECT_FOR_EACH = f"{_COLUMNS} json_each(?) j CROSS JOIN rows r"  # in that order


def _row(found: Any) -> Row:
    seq, post, time, author, origin, counted, born, keys = found
    return Row(
        seq, post, time, author, origin, bool(counted), born, np.frombuffer(keys, np.uint64)
    )  # fmt: skip


def settle(members: Sequence[Row]) -> list[Row]:
    """The members of one origin that must change so that exactly the earliest is counted."""
    first = min(members, key=lambda row: (row.time, row.seq), default=None)
    return [replace(row, counted=row is first) for row in members if row.counted != (row is first)]
