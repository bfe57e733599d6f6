"""The pictures that were drawn for callers, kept: each its caller's alone."""

from __future__ import annotations

import json
import secrets
import time
from dataclasses import dataclass
from typing import Any

from gnomon.serve.database import Database, Row
from gnomon.serve.http import ApiError
from gnomon.types.pictures import Picture

_TABLES = """
CREATE TABLE pictures (
    n INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    owner TEXT NOT NULL,
    created REAL NOT NULL,
    mime TEXT NOT NULL,
    about TEXT NOT NULL,
    data BLOB NOT NULL
);
CREATE INDEX pictures_of_owner ON pictures (owner, n);
"""
_COLUMNS = "id, owner, created, mime, about, length(data)"


@dataclass(frozen=True, slots=True)
class KeptPicture:
    """``id`` is 128 random bits: who has it and may ask as its owner sees the picture."""

    id: str
    owner: str
    created: float
    mime: str
    about: dict[str, Any]
    bytes: int

    def object(self, base: str) -> dict[str, Any]:
        """As the API shows it."""
        return {
            "id": self.id,
            "object": "gnomon.image",
            "created_at": int(self.created),
            "url": url_of(base, self.id),
            "bytes": self.bytes,
            **self.about,
        }


def url_of(base: str, id: str) -> str:
    return f"{base}/v1/images/{id}/content"


class KeptPictures:
    """The table. Thread-safe; ``most`` bytes are kept of each owner's."""

    def __init__(self, database: Database) -> None:
        self._database = database
        database.tables("pictures", _TABLES)

    def keep(self, owner: str, picture: Picture, most: int) -> KeptPicture:
        """Raises ApiError over the owner's room, StoreError."""
        kept = KeptPicture(
            f"img_{secrets.token_hex(16)}",
            owner,
            time.time(),
            picture.mime,
            picture.about(),
            len(picture.data),
        )
        with self._database.transaction():
            if self.used(owner) + kept.bytes > most:
                raise ApiError(
                    413,
                    f"Your kept pictures would be more than {most:,} bytes together; delete some "
                    "first, or ask with store false and response_format b64_json.",
                    code="storage_quota_exceeded",
                )
            self._database.run(
                "INSERT INTO pictures (id, owner, created, mime, about, data) "
                "VALUES (?, ?, ?, ?, ?, ?)",
                (kept.id, owner, kept.created, kept.mime, json.dumps(kept.about), picture.data),
            )
        return kept

    def used(self, owner: str) -> int:
        """Bytes of all pictures of ``owner``."""
        rows = self._database.run(
            "SELECT sum(length(data)) FROM pictures WHERE owner = ?", (owner,)
        )
        return int(rows[0][0] or 0)

    def find(self, id: str, owner: str) -> KeptPicture:
        """Raises ApiError 404, for another's picture too."""
        rows = self._database.run(
            f"SELECT {_COLUMNS} FROM pictures WHERE id = ? AND owner = ?", (id, owner)
        )
        if not rows:
            raise ApiError(
                404,
                f"There is no picture {id[:60]!r}; list those there are: GET /v1/images.",
                type="not_found",
                code="not_found",
            )
        return _kept(rows[0])

    def data(self, id: str, owner: str) -> tuple[KeptPicture, bytes]:
        """A picture with its bytes. Raises ApiError 404."""
        kept = self.find(id, owner)
        rows = self._database.run("SELECT data FROM pictures WHERE id = ?", (id,))
        return kept, bytes(rows[0][0])

    def listed(self, owner: str, *, after: str, limit: int) -> tuple[list[KeptPicture], bool]:
        """A page of pictures, the newest first, and whether there are more."""
        wanted, values = "owner = ?", [owner]
        if after:
            wanted += " AND n < (SELECT n FROM pictures WHERE id = ? AND owner = ?)"
            values += [after, owner]
        rows = self._database.run(
            f"SELECT {_COLUMNS} FROM pictures WHERE {wanted} ORDER BY n DESC LIMIT ?",
            (*values, limit + 1),
        )
        return [_kept(row) for row in rows[:limit]], len(rows) > limit

    def delete(self, id: str, owner: str) -> None:
        """Raises ApiError 404."""
        self.find(id, owner)
        self._database.run("DELETE FROM pictures WHERE id = ? AND owner = ?", (id, owner))
        self._database.settle()


def _kept(row: Row) -> KeptPicture:
    name, owner, created, mime, about, size = row
    return KeptPicture(name, owner, created, mime, json.loads(about), size)
