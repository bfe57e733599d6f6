"""The server's own small database: keys, users, limits, kept responses, uploads.

What was said in public is in the store; this is what the owner's clients left here. One SQLite
file (WAL), one connection behind a lock: every statement is short. Each part of the server has its
own tables, made by ``Database.tables`` with the statements that part owns.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import apsw

from gnomon.errors import StoreError, StoreFull

Row = tuple[Any, ...]


class Database:
    """Thread-safe. ``path`` None keeps everything in memory, for as long as the server runs.

    Raises StoreError where the file cannot be opened or is no database.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.path = path
        self._lock = threading.RLock()
        try:
            if path is not None:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.touch(mode=0o600)  # it holds hashes of keys, and people's questions
            self._connection = apsw.Connection(":memory:" if path is None else str(path))
            self._connection.setbusytimeout(5000)
            # What is deleted is overwritten: these are people's questions and uploads' names.
            # One by one: apsw stops at the first row that a statement returns.
            for pragma in ("journal_mode=WAL", "foreign_keys=ON", "secure_delete=ON"):
                self._connection.execute(f"PRAGMA {pragma}").fetchall()
        except (apsw.Error, OSError) as error:
            raise StoreError(
                f"{str(path)!r} cannot be opened as the server's database ({error}); move it away "
                "and a new one is made."
            ) from error

    def tables(self, part: str, *versions: str) -> None:
        """Make or bring up to date the tables of ``part``: ``versions`` are SQL scripts, each
        applied once, in order. Never change one that has been released; append another."""
        with self.transaction():
            self.run("CREATE TABLE IF NOT EXISTS parts (part TEXT PRIMARY KEY, version INT)")
            held = self.run("SELECT version FROM parts WHERE part = ?", (part,))
            for script in versions[held[0][0] if held else 0 :]:
                self.run(script)
            self.run("REPLACE INTO parts VALUES (?, ?)", (part, len(versions)))

    def run(self, statement: str, values: Sequence[Any] = ()) -> list[Row]:
        """All rows of one statement. Raises StoreFull where the disk is full, else StoreError."""
        with self._lock:
            try:
                return list(self._connection.execute(statement, tuple(values) or None))
            except apsw.FullError as error:
                raise StoreFull("The disk is full; free space, then ask again.") from error
            except apsw.ConnectionClosedError as error:
                raise StoreError("The server is closing; ask again when it is back.") from error
            except (apsw.BusyError, apsw.IOError, apsw.CorruptError) as error:
                raise StoreError(f"The server's database cannot be used: {error}.") from error

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All of it or nothing; nests. Other threads wait. Raises StoreError."""
        with self._lock:
            if self._began():
                with self._connection:
                    yield
                return
            # The writer's place at once: who reads first and then finds that another process has
            # written since is refused without waiting (https://sqlite.org/isolation.html).
            self.run("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                if self._began():  # a full disk has rolled back already
                    self._connection.execute("ROLLBACK")
                raise
            self.run("COMMIT")

    def _began(self) -> bool:
        return self._connection.in_transaction

    def settle(self) -> None:
        """Bring what is committed into the file itself and empty the write-ahead log, so that
        nothing deleted stands there. Where another process reads just now, its next one does."""
        if self.path is not None:
            self.run("PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        with self._lock:
            self._connection.close()
