"""The SQLite file under the record: connections, durability, the writer's place, and errors."""

from __future__ import annotations

import fcntl
import os
import queue
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import apsw

from gnomon.errors import StoreBusy, StoreError, StoreFull
from gnomon.store.schema import migrate, schema_version

# An acknowledged write survives a power cut only with FULL: in WAL mode NORMAL syncs at
# checkpoints alone (https://www.sqlite.org/pragma.html#pragma_synchronous). One fdatasync a batch.
_WRITER_PRAGMAS = (
    # Counts before the first page is written, and lets `retain` give pages back to the disk.
    "PRAGMA auto_vacuum = INCREMENTAL",
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA secure_delete = ON",  # a deleted text is overwritten, not just unlinked
    "PRAGMA wal_autocheckpoint = 1000",
    "PRAGMA journal_size_limit = 67108864",
    "PRAGMA cache_size = -65536",
    "PRAGMA temp_store = MEMORY",
)
_READER_PRAGMAS = ("PRAGMA query_only = ON", "PRAGMA cache_size = -16384")
_BUSY_MS = 10_000


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """SQLite's errors as ours, naming the file and the next step."""
    try:
        yield
    except apsw.FullError as error:
        raise StoreFull(
            f"No space is left for {path} ({error}); free some, or lower max_disk_mb or "
            f"max_age_days so that older posts go."
        ) from error
    except (apsw.BusyError, apsw.LockedError) as error:
        raise StoreBusy(f"{path} is locked by another process; try again.") from error
    except (apsw.CorruptError, apsw.NotADBError) as error:
        raise StoreError(
            f"{path} is damaged ({error}); restore it from a backup, or delete its folder and "
            f"take the posts in again."
        ) from error
    except apsw.ReadOnlyError as error:
        raise StoreError(f"{path} cannot be written ({error}); open it for writing.") from error
    except apsw.Error as error:
        raise StoreError(f"{path} failed: {error}; see whether its disk is well.") from error


class Reserve:
    """A file that only takes room, so that on a full disk there is some to delete things in:
    a deletion writes to the log before it gives anything back."""

    MAX_BYTES = 16 << 20

    def __init__(self, path: Path) -> None:
        self._path = path

    def take(self, limit: int = MAX_BYTES) -> None:
        """Set room aside, at most ``limit`` bytes; less, or none, on a disk that has little."""
        wanted = min(limit, shutil.disk_usage(self._path.parent).free // 4)
        if self._path.exists() or not wanted:
            return
        try:
            with open(self._path, "wb") as file:
                os.posix_fallocate(file.fileno(), 0, wanted)
        except OSError:
            self.release()

    def bytes(self) -> int:
        """How much room is set aside."""
        return self._path.stat().st_size if self._path.exists() else 0

    def release(self) -> int:
        """Give the room up; how many bytes that was."""
        held = self.bytes()
        self._path.unlink(missing_ok=True)
        return held


class WriterPlace:
    """The one writer's place, held through an operating-system lock that dies with the process."""

    def __init__(self, path: Path) -> None:
        self._file: IO[str] | None = open(path, "a+", encoding="utf-8")  # noqa: SIM115
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._file.seek(0)
            holder = self._file.read().strip() or "unknown"
            self._file.close()
            raise StoreBusy(
                f"{path.parent} is being written by another process (number {holder}); stop it, "
                f"or only read from here."
            ) from error
        self._file.truncate(0)
        self._file.write(str(os.getpid()))
        self._file.flush()

    def release(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


def _make(path: Path) -> None:
    """A record with its tables and nothing in it, under its name only once it is whole: a reader
    beside a first writer finds no store, or one that it can read."""
    making = path.with_suffix(".making")
    making.unlink(missing_ok=True)
    connection = apsw.Connection(str(making))
    connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
    migrate(connection)
    connection.close()
    making.replace(path)


class Database:
    """One writing connection behind a lock, and a pool of reading ones. Safe between threads."""

    def __init__(self, path: Path, *, readonly: bool, max_bytes: int = 0) -> None:
        self.path = path
        self.readonly = readonly
        self._lock = threading.RLock()
        self._readers: queue.LifoQueue[apsw.Connection] = queue.LifoQueue()
        self._open = True
        self._writer: apsw.Connection | None = None
        if readonly and not path.exists():
            raise StoreError(f"There is no store at {path.parent}; take some posts in first.")
        with translated(path):
            if not readonly:
                if not path.exists():
                    _make(path)
                self._writer = self._connect(apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE)
                for pragma in _WRITER_PRAGMAS:
                    self._writer.execute(pragma)
                migrate(self._writer)
                if max_bytes:
                    pages = max_bytes // int(self._writer.pragma("page_size"))
                    self._writer.pragma("max_page_count", pages)
            with self.reading() as connection:
                schema_version(connection)

    def _connect(self, flags: int) -> apsw.Connection:
        connection = apsw.Connection(str(self.path), flags=flags, statementcachesize=200)
        connection.set_busy_timeout(_BUSY_MS)
        return connection

    @contextmanager
    def reading(self) -> Iterator[apsw.Connection]:
        """A connection of one's own, for the time of the block."""
        with translated(self.path):
            connection = self._take()
            try:
                yield connection
            finally:
                if self._open:
                    self._readers.put(connection)
                else:
                    connection.close()

    def _take(self) -> apsw.Connection:
        if not self._open:
            raise StoreError(f"The store at {self.path.parent} is closed; open it again.")
        try:
            return self._readers.get_nowait()
        except queue.Empty:
            # Not SQLITE_OPEN_READONLY: a reader of a WAL file may have to make its shared memory.
            connection = self._connect(apsw.SQLITE_OPEN_READWRITE)
            for pragma in _READER_PRAGMAS:
                connection.execute(pragma)
            return connection

    @contextmanager
    def writing(self) -> Iterator[apsw.Connection]:
        """The writing connection, in a transaction: durable after the block, or undone."""
        with self._lock, translated(self.path):
            if not self._open or self._writer is None:
                raise StoreError(
                    f"The store at {self.path.parent} is open for reading only, or closed; open "
                    f"it for writing."
                )
            self._writer.execute("BEGIN IMMEDIATE")
            try:
                yield self._writer
                self._writer.execute("COMMIT")
            except BaseException:
                if self._writer.in_transaction:
                    self._writer.execute("ROLLBACK")
                raise

    @contextmanager
    def alone(self) -> Iterator[None]:
        """No other thread writes for the time of the block."""
        with self._lock:
            yield

    def shrink(self) -> None:
        """Give free pages back to the disk, those of the write-ahead log first."""
        with self._lock, translated(self.path):
            if self._writer is not None:
                for pragma in ("wal_checkpoint(TRUNCATE)", "incremental_vacuum"):
                    self._writer.execute(f"PRAGMA {pragma}").fetchall()
                self._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def close(self) -> None:
        with self._lock:
            if not self._open:
                return
            self._open = False
            while not self._readers.empty():
                self._readers.get_nowait().close()
            if self._writer is not None:
                self._writer.close()
