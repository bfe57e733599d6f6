"""Vector stores as rows: whose they are, which uploads stand on them and how far that has come.

The texts themselves are the engine's (``Library``); a row says who may see them.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gnomon.serve.attributes import Attributes, fits
from gnomon.serve.contract import Library
from gnomon.serve.database import Database, Row
from gnomon.serve.file_rows import not_found
from gnomon.serve.http import ApiError
from gnomon.types.library import Chunking, Shelf

_TABLES = """
CREATE TABLE vector_stores (
    n INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    owner TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    metadata TEXT NOT NULL,
    created REAL NOT NULL,
    active REAL NOT NULL,
    expires_days INT,
    expired INT NOT NULL DEFAULT 0
);
CREATE INDEX vector_stores_of_owner ON vector_stores (owner, n);
CREATE TABLE vector_store_files (
    n INTEGER PRIMARY KEY AUTOINCREMENT,
    store TEXT NOT NULL,
    file TEXT NOT NULL,
    batch TEXT NOT NULL,
    status TEXT NOT NULL,
    code TEXT NOT NULL DEFAULT '',
    message TEXT NOT NULL DEFAULT '',
    bytes INT NOT NULL DEFAULT 0,
    created REAL NOT NULL,
    attributes TEXT NOT NULL,
    max_tokens INT NOT NULL,
    overlap INT NOT NULL,
    UNIQUE (store, file)
);
CREATE INDEX vector_store_files_of_file ON vector_store_files (file);
CREATE TABLE vector_store_batches (
    id TEXT PRIMARY KEY,
    store TEXT NOT NULL,
    created REAL NOT NULL,
    cancelled INT NOT NULL DEFAULT 0
);
"""
_STORE = "id, owner, name, description, metadata, created, active, expires_days, expired"
_FILE = "store, file, batch, status, code, message, bytes, created, attributes, max_tokens, overlap"
STATUSES = ("in_progress", "completed", "failed", "cancelled")
DAY_S = 86_400.0


@dataclass(frozen=True, slots=True)
class StoreRow:
    """A vector store."""

    id: str
    owner: str
    name: str
    description: str
    metadata: Mapping[str, str]
    created: float
    active: float
    expires_days: int | None
    expired: bool

    @property
    def expires(self) -> float | None:
        return None if self.expires_days is None else self.active + self.expires_days * DAY_S


@dataclass(frozen=True, slots=True)
class Shelving:
    """An upload on a vector store. ``status`` is one of ``STATUSES``; ``code`` and ``message`` say
    why it failed. ``batch`` is "" where it came alone."""

    store: str
    file: str
    batch: str
    status: str
    code: str
    message: str
    bytes: int
    created: float
    attributes: Attributes
    chunking: Chunking

    def object(self) -> dict[str, Any]:
        """As the API shows it."""
        failed = {"code": self.code, "message": self.message} if self.code else None
        return {
            "id": self.file,
            "object": "vector_store.file",
            "created_at": int(self.created),
            "usage_bytes": self.bytes,
            "vector_store_id": self.store,
            "status": self.status,
            "last_error": failed,
            "attributes": dict(self.attributes),
            "chunking_strategy": {
                "type": "static",
                "static": {
                    "max_chunk_size_tokens": self.chunking.max_tokens,
                    "chunk_overlap_tokens": self.chunking.overlap_tokens,
                },
            },
        }


class Shelves:
    """The tables of vector stores. Thread-safe."""

    def __init__(self, database: Database, library: Callable[[], Library]) -> None:
        self._database = database
        self._library = library
        database.tables("vector_stores", _TABLES)

    # -- stores ---------------------------------------------------------------------------------
    def make(
        self,
        owner: str,
        name: str,
        description: str,
        metadata: Mapping[str, str],
        expires_days: int | None,
    ) -> StoreRow:
        now, made = time.time(), f"vs_{secrets.token_hex(16)}"
        self._database.run(
            f"INSERT INTO vector_stores ({_STORE}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0)",
            (made, owner, name, description, json.dumps(metadata), now, now, expires_days),
        )
        return self.find(made, owner)

    def find(self, id: str, owner: str) -> StoreRow:
        """Raises ApiError 404, for another's too."""
        rows = self._database.run(
            f"SELECT {_STORE} FROM vector_stores WHERE id = ? AND owner = ?", (id, owner)
        )
        if not rows:
            raise not_found("vector store", id)
        return _store(rows[0])

    def owner(self, id: str) -> str:
        """Whose a store is; "" where there is none."""
        rows = self._database.run("SELECT owner FROM vector_stores WHERE id = ?", (id,))
        return str(rows[0][0]) if rows else ""

    def change(self, id: str, owner: str, **values: Any) -> StoreRow:
        """Set columns of ``name``, ``metadata``, ``expires_days``, ``active``."""
        self.find(id, owner)
        for column, value in values.items():
            assert column in ("name", "metadata", "expires_days", "active"), column
            held = json.dumps(value) if column == "metadata" else value
            self._database.run(f"UPDATE vector_stores SET {column} = ? WHERE id = ?", (held, id))
        return self.find(id, owner)

    def listed(
        self, owner: str, *, after: str, before: str, limit: int, newest_first: bool
    ) -> tuple[list[StoreRow], bool]:
        rows, more = self._page(
            "vector_stores", _STORE, [("owner", owner)], "id", after, before, limit, newest_first
        )
        return [_store(row) for row in rows], more

    def delete(self, id: str, owner: str) -> None:
        """The texts first: what is interrupted can be asked for again."""
        self.find(id, owner)
        self._library().forget(id)
        with self._database.transaction():
            for table, column in (
                ("vector_store_files", "store"),
                ("vector_store_batches", "store"),
                ("vector_stores", "id"),
            ):
                self._database.run(f"DELETE FROM {table} WHERE {column} = ?", (id,))

    def expire(self, now: float) -> None:
        """Take everything off the stores that have had their time; they stay listed as expired."""
        rows = self._database.run(
            "SELECT id FROM vector_stores WHERE NOT expired AND expires_days IS NOT NULL "
            "AND active + expires_days * ? <= ?",
            (DAY_S, now),
        )
        for (store,) in rows:
            self._library().forget(store)
            with self._database.transaction():
                self._database.run("DELETE FROM vector_store_files WHERE store = ?", (store,))
                self._database.run("UPDATE vector_stores SET expired = 1 WHERE id = ?", (store,))

    def counts(self, id: str, batch: str | None = None) -> dict[str, int]:
        """``file_counts`` of a store, or of one batch on it."""
        only, values = ("", (id,)) if batch is None else (" AND batch = ?", (id, batch))
        rows = self._database.run(
            f"SELECT status, count(*) FROM vector_store_files WHERE store = ?{only} GROUP BY 1",
            values,
        )
        held = {str(status): int(count) for status, count in rows}
        return {status: held.get(status, 0) for status in STATUSES} | {"total": sum(held.values())}

    def usage(self, id: str) -> int:
        rows = self._database.run(
            "SELECT sum(bytes) FROM vector_store_files WHERE store = ?", (id,)
        )
        return int(rows[0][0] or 0)

    # -- files on stores ------------------------------------------------------------------------
    def put(
        self,
        store: str,
        files: Sequence[tuple[str, Attributes, Chunking]],
        batch: str = "",
    ) -> None:
        """Have uploads shelved; what stood there of them is done anew."""
        now = time.time()
        with self._database.transaction():
            for file, attributes, chunking in files:
                self._database.run(
                    f"REPLACE INTO vector_store_files ({_FILE}) "
                    "VALUES (?, ?, ?, 'in_progress', '', '', 0, ?, ?, ?, ?)",
                    (
                        *(store, file, batch, now, json.dumps(attributes)),
                        *(chunking.max_tokens, chunking.overlap_tokens),
                    ),
                )
            self._database.run("UPDATE vector_stores SET active = ? WHERE id = ?", (now, store))

    def shelving(self, store: str, file: str) -> Shelving | None:
        rows = self._database.run(
            f"SELECT {_FILE} FROM vector_store_files WHERE store = ? AND file = ?", (store, file)
        )
        return _shelving(rows[0]) if rows else None

    def shelvings(
        self,
        store: str,
        *,
        batch: str | None = None,
        status: str = "",
        after: str = "",
        before: str = "",
        limit: int = 1_000_000,
        newest_first: bool = True,
    ) -> tuple[list[Shelving], bool]:
        """A page of the uploads on a store, and whether there are more."""
        wanted = [("store", store)]
        wanted += [] if batch is None else [("batch", batch)]
        wanted += [("status", status)] if status else []
        rows, more = self._page(
            "vector_store_files", _FILE, wanted, "file", after, before, limit, newest_first
        )
        return [_shelving(row) for row in rows], more

    def settle(self, done: Shelving) -> bool:
        """Write down how a shelving ended; False where it was taken off or cancelled meanwhile."""
        rows = self._database.run(
            "UPDATE vector_store_files SET status = ?, code = ?, message = ?, bytes = ? "
            "WHERE store = ? AND file = ? AND status = 'in_progress' AND created = ? RETURNING 1",
            (
                *(done.status, done.code, done.message, done.bytes),
                *(done.store, done.file, done.created),
            ),
        )
        return bool(rows)

    def describe(self, store: str, file: str, attributes: Attributes) -> None:
        self._database.run(
            "UPDATE vector_store_files SET attributes = ? WHERE store = ? AND file = ?",
            (json.dumps(attributes), store, file),
        )

    def take_off(self, store: str, file: str) -> None:
        """Take one upload off one store, its texts too."""
        self._library().unshelve(store, file)
        self._database.run(
            "DELETE FROM vector_store_files WHERE store = ? AND file = ?", (store, file)
        )

    def unshelve(self, file: str) -> None:
        """Take an upload off every store."""
        rows = self._database.run("SELECT store FROM vector_store_files WHERE file = ?", (file,))
        for (store,) in rows:
            self.take_off(store, file)

    def waiting(self) -> list[tuple[str, str]]:
        """(store, file) of what is still to be shelved, oldest first."""
        rows = self._database.run(
            "SELECT store, file FROM vector_store_files WHERE status = 'in_progress' ORDER BY n"
        )
        return [(str(store), str(file)) for store, file in rows]

    # -- batches --------------------------------------------------------------------------------
    def make_batch(self, store: str) -> str:
        made = f"vsfb_{secrets.token_hex(16)}"
        self._database.run(
            "INSERT INTO vector_store_batches (id, store, created) VALUES (?, ?, ?)",
            (made, store, time.time()),
        )
        return made

    def batch(self, store: str, id: str) -> tuple[float, bool]:
        """When a batch was made, and whether it was cancelled. Raises ApiError 404."""
        rows = self._database.run(
            "SELECT created, cancelled FROM vector_store_batches WHERE id = ? AND store = ?",
            (id, store),
        )
        if not rows:
            raise not_found("batch", id)
        return float(rows[0][0]), bool(rows[0][1])

    def cancel(self, store: str, id: str) -> None:
        """What of a batch has not been shelved yet will not be."""
        self.batch(store, id)
        with self._database.transaction():
            self._database.run("UPDATE vector_store_batches SET cancelled = 1 WHERE id = ?", (id,))
            self._database.run(
                "UPDATE vector_store_files SET status = 'cancelled' "
                "WHERE store = ? AND batch = ? AND status = 'in_progress'",
                (store, id),
            )

    # -- what may be looked at ------------------------------------------------------------------
    def open(
        self, owner: str, ids: Sequence[str], wanted: Mapping[str, Any] | None = None
    ) -> list[Shelf]:
        """The owner's stores ``ids``, with the uploads that a checked filter lets in. They count as
        used now. Raises ApiError 404 for one that is not the owner's, 400 for an expired one."""
        shelves = []
        for store in dict.fromkeys(ids):
            if self.find(store, owner).expired:
                raise ApiError(
                    400,
                    f"The vector store {store[:60]!r} has expired; make another and add its files.",
                    param="vector_store_id",
                    code="vector_store_expired",
                )
            files: tuple[str, ...] | None = None
            if wanted is not None:
                done, _ = self.shelvings(store, status="completed")
                files = tuple(one.file for one in done if fits(one.attributes, wanted))
            shelves.append(Shelf(store, files))
            self.change(store, owner, active=time.time())
        return shelves

    def _page(
        self,
        table: str,
        columns: str,
        equal: Sequence[tuple[str, str]],
        key: str,
        after: str,
        before: str,
        limit: int,
        newest_first: bool,
    ) -> tuple[list[Row], bool]:
        """Rows in the order of their making, from the one that ``after`` or ``before`` names by
        ``key``, which is unique among those with the ``equal`` columns."""
        wanted = [f"{column} = ?" for column, _ in equal]
        values: list[Any] = [value for _, value in equal]
        backwards = bool(before) and not after
        if after or before:
            sign = "<" if newest_first != backwards else ">"
            held = f"SELECT n FROM {table} WHERE {key} = ? AND {equal[0][0]} = ?"
            wanted.append(f"n {sign} ({held})")
            values += [after or before, equal[0][1]]
        order = "DESC" if newest_first != backwards else "ASC"
        rows = self._database.run(
            f"SELECT {columns} FROM {table} WHERE {' AND '.join(wanted)} ORDER BY n {order} "
            "LIMIT ?",
            (*values, limit + 1),
        )
        kept = rows[:limit]
        return (kept[::-1] if backwards else kept), len(rows) > limit


def _store(row: Row) -> StoreRow:
    id, owner, name, description, metadata, created, active, days, expired = row  # noqa: A001
    held = json.loads(metadata)
    return StoreRow(id, owner, name, description, held, created, active, days, bool(expired))


def _shelving(row: Row) -> Shelving:
    store, file, batch, status, code, message, size, created, attributes, most, overlap = row
    held, chunking = json.loads(attributes), Chunking(most, overlap)
    return Shelving(store, file, batch, status, code, message, size, created, held, chunking)
