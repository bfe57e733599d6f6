"""The uploads of clients as rows, each its owner's alone, and the bytes of each on the disk."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gnomon.serve.database import Database, Row
from gnomon.serve.http import ApiError

_TABLES = """
CREATE TABLE files (
    n INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    owner TEXT NOT NULL,
    name TEXT NOT NULL,
    bytes INT NOT NULL,
    purpose TEXT NOT NULL,
    created REAL NOT NULL,
    expires REAL
);
CREATE INDEX files_of_owner ON files (owner, n);
"""
_COLUMNS = "id, owner, name, bytes, purpose, created, expires"
PURPOSES = ("assistants", "batch", "fine-tune", "vision", "user_data", "evals")
ORPHANED_S = 86_400.0


@dataclass(frozen=True, slots=True)
class File:
    id: str
    owner: str
    name: str
    bytes: int
    purpose: str
    created: float
    expires: float | None = None

    def object(self) -> dict[str, Any]:
        """As the API shows it."""
        return {
            "id": self.id,
            "object": "file",
            "bytes": self.bytes,
            "created_at": int(self.created),
            "expires_at": None if self.expires is None else int(self.expires),
            "filename": self.name,
            "purpose": self.purpose,
            "status": "processed",
            "status_details": None,
        }


class Files:
    """The table of uploads. Thread-safe. ``folder`` gives where their bytes lie, when it is needed;
    ``unshelve`` takes one off every shelf it stands on."""

    def __init__(
        self, database: Database, folder: Callable[[], Path], unshelve: Callable[[str], None]
    ) -> None:
        self._database = database
        self._folder = folder
        self._unshelve = unshelve
        database.tables("files", _TABLES)

    def path(self, id: str) -> Path:
        """Where the bytes of an upload lie. ``id`` is one of ours, never a client's words."""
        return self._folder() / id

    def scratch(self) -> Path:
        """A path for bytes that are not an upload yet."""
        return self._folder() / f".part-{secrets.token_hex(12)}"

    def keep(
        self, owner: str, name: str, purpose: str, expires_s: float | None, data: Path, quota: int
    ) -> File:
        """``data`` becomes an upload of ``owner``. Raises ApiError over the quota."""
        now = time.time()
        file = File(
            id=f"file-{secrets.token_hex(12)}",
            owner=owner,
            name=name,
            bytes=data.stat().st_size,
            purpose=purpose,
            created=now,
            expires=None if expires_s is None else now + expires_s,
        )
        with self._database.transaction():
            if self.used(owner) + file.bytes > quota:
                raise over_quota(quota)
            os.replace(data, self.path(file.id))
            self._database.run(
                f"INSERT INTO files ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)",
                (file.id, owner, name, file.bytes, purpose, file.created, file.expires),
            )
        return file

    def used(self, owner: str) -> int:
        """Bytes of all uploads of ``owner``."""
        rows = self._database.run("SELECT sum(bytes) FROM files WHERE owner = ?", (owner,))
        return int(rows[0][0] or 0)

    def any(self) -> bool:
        return bool(self._database.run("SELECT 1 FROM files LIMIT 1"))

    def find(self, id: str, owner: str) -> File:
        """Raises ApiError 404, for another's upload too."""
        rows = self._database.run(
            f"SELECT {_COLUMNS} FROM files WHERE id = ? AND owner = ?", (id, owner)
        )
        if not rows:
            raise not_found("file", id)
        return _file(rows[0])

    def names(self, ids: list[str], owner: str) -> dict[str, str]:
        """The names of those of ``ids`` that are the owner's."""
        marks = ", ".join("?" * len(ids))
        rows = self._database.run(
            f"SELECT id, name FROM files WHERE owner = ? AND id IN ({marks})", (owner, *ids)
        )
        return {str(row[0]): str(row[1]) for row in rows}

    def listed(
        self, owner: str, *, purpose: str, after: str, limit: int, newest_first: bool
    ) -> tuple[list[File], bool]:
        """A page of uploads, and whether there are more."""
        wanted, values = ["owner = ?"], [owner]
        if purpose:
            wanted.append("purpose = ?")
            values.append(purpose)
        if after:
            sign = "<" if newest_first else ">"
            wanted.append(f"n {sign} (SELECT n FROM files WHERE id = ? AND owner = ?)")
            values += [after, owner]
        rows = self._database.run(
            f"SELECT {_COLUMNS} FROM files WHERE {' AND '.join(wanted)} "
            f"ORDER BY n {'DESC' if newest_first else 'ASC'} LIMIT ?",
            (*values, limit + 1),
        )
        return [_file(row) for row in rows[:limit]], len(rows) > limit

    def delete(self, id: str, owner: str) -> None:
        """The row, the bytes, and all that was made of them. Raises ApiError 404."""
        self.find(id, owner)
        self._gone(id)

    def _gone(self, id: str) -> None:
        """The row goes last: what is interrupted is found by the next try, and done again."""
        self._unshelve(id)
        self.path(id).unlink(missing_ok=True)
        self._database.run("DELETE FROM files WHERE id = ?", (id,))

    def expire(self, now: float) -> None:
        """Delete what has had its time."""
        for row in self._database.run("SELECT id FROM files WHERE expires <= ?", (now,)):
            self._gone(row[0])

    def sweep(self, now: float) -> None:
        """Remove bytes that no row tells of, such as those of an upload that was cut short."""
        folder = self._folder()
        if self._database.path is None or not folder.is_dir():
            return
        known = {row[0] for row in self._database.run("SELECT id FROM files")}
        for path in folder.iterdir():
            if path.name not in known and now - path.stat().st_mtime > ORPHANED_S:
                path.unlink(missing_ok=True)


def _file(row: Row) -> File:
    return File(*row)


def over_quota(quota: int) -> ApiError:
    return ApiError(
        413,
        f"Your uploads would be more than {quota:,} bytes together; delete some first.",
        code="storage_quota_exceeded",
    )


def not_found(what: str, id: str) -> ApiError:
    return ApiError(
        404,
        f"There is no {what} {id[:60]!r}; list those there are.",
        type="not_found",
        param=f"{what.replace(' ', '_')}_id",
        code="not_found",
    )


def page(objects: list[Mapping[str, Any]], more: bool) -> dict[str, Any]:
    """A list as the API pages it."""
    return {
        "object": "list",
        "data": objects,
        "first_id": objects[0]["id"] if objects else None,
        "last_id": objects[-1]["id"] if objects else None,
        "has_more": more,
    }
