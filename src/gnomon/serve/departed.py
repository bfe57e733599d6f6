"""Removing a person leaves nothing of theirs: what they asked, their uploads and what was made of
these, sessions, passkeys, keys, counters.

The rows go at once, in one transaction. Bytes on the disk go right after, and once more by a
running server: it may have had them open, or have been writing some just then. So who left is
remembered for a day by a random id, under which nothing stays.

Receipts of answers from public posts stay in the journal, which names nobody.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from gnomon.errors import StoreError
from gnomon.serve.database import Database
from gnomon.serve.keys import Keys
from gnomon.serve.limits import Limiter
from gnomon.serve.passkeys import Passkeys
from gnomon.serve.sessions import Sessions
from gnomon.serve.users import User, Users

REMEMBERED_S = 86_400.0
"""Longer than any request that was under way can last."""

_TABLES = """
CREATE TABLE departed (owner TEXT PRIMARY KEY, at REAL NOT NULL);
CREATE TABLE departed_bytes (
    kind TEXT NOT NULL, id TEXT NOT NULL, PRIMARY KEY (kind, id)) WITHOUT ROWID;
"""
# What each owner has, by table, and which bytes on the disk a row stands for. Rows that name no
# owner come before those that they hang on.
_BYTES = (
    ("shelf", "vector_stores", "SELECT id FROM vector_stores WHERE owner = ?"),
    ("file", "files", "SELECT id FROM files WHERE owner = ?"),
    (
        "file",
        "uploads",
        "SELECT p.id FROM upload_parts p JOIN uploads u ON u.id = p.upload WHERE u.owner = ?",
    ),
)
_OF_STORES = "store IN (SELECT id FROM vector_stores WHERE owner = ?)"
_ROWS = (
    ("responses", "owner = ?"),
    ("vector_store_files", _OF_STORES),
    ("vector_store_batches", _OF_STORES),
    ("vector_stores", "owner = ?"),
    ("upload_parts", "upload IN (SELECT id FROM uploads WHERE owner = ?)"),
    ("uploads", "owner = ?"),
    ("files", "owner = ?"),
    ("pictures", "owner = ?"),
    ("quiz_questions", "round IN (SELECT id FROM quiz_rounds WHERE owner = ?)"),
    ("quiz_rounds", "owner = ?"),
)


class Departed:
    """Those who left. ``files`` gives the folder of uploads, ``forget`` deletes a shelf; both are
    asked only where there is something to remove; ``words`` takes an owner's words out of logs."""

    def __init__(
        self,
        database: Database,
        files: Callable[[], Path],
        forget: Callable[[str], None],
        words: Callable[[str], None] = lambda owner: None,
    ) -> None:
        self._database = database
        self._files = files
        self._forget = forget
        self._words = words
        database.tables("departed", _TABLES)

    def remove(self, name: str) -> User:
        """End an account, with everything that is its owner's. Raises NotFound, StoreError."""
        users, keys = Users(self._database), Keys(self._database)
        sessions, _ = Sessions(self._database), Passkeys(self._database)
        now = time.time()
        with self._database.transaction():
            user = users.remove(name)
            sessions.end_all(user.id)
            for key in keys.list():
                if key.caller == user.id:
                    keys.revoke(key.id, now)
            self._database.run("REPLACE INTO departed VALUES (?, ?)", (user.id, now))
            self._take(user.id)
            Limiter(self._database).drop(self._counters(user.id))
        self._words(user.id)
        self._wipe(done=False)
        return user

    def sweep(self, now: float, limiter: Limiter | None = None) -> None:
        """Remove what came of those who left since they did, and what could not be removed then.
        Raises StoreError."""
        owners = [str(row[0]) for row in self._database.run("SELECT owner FROM departed")]
        for owner in owners:
            with self._database.transaction():
                self._take(owner)
            self._words(owner)
            if limiter is not None:
                limiter.drop(self._counters(owner))
        if owners or self._database.run("SELECT 1 FROM departed_bytes"):
            self._wipe(done=True)
            self._database.run("DELETE FROM departed WHERE at <= ?", (now - REMEMBERED_S,))

    def _take(self, owner: str) -> None:
        """The owner's rows go; the bytes that they stand for are written down."""
        held = {row[0] for row in self._database.run("SELECT name FROM sqlite_master")}
        for kind, table, select in _BYTES:
            if table in held:
                for (name,) in self._database.run(select, (owner,)):
                    self._database.run("REPLACE INTO departed_bytes VALUES (?, ?)", (kind, name))
        for table, of_owner in _ROWS:
            if table in held:
                self._database.run(f"DELETE FROM {table} WHERE {of_owner}", (owner,))

    def _counters(self, owner: str) -> list[str]:
        """The names under which ``quota`` counts what an owner has had."""
        own = [key.id for key in Keys(self._database).list() if key.caller == owner]
        return [f"{kind} {name}" for name in (owner, *own) for kind in ("requests", "tokens")]

    def _wipe(self, *, done: bool) -> None:
        """Remove the bytes that are written down; ``done`` crosses them off."""
        rows = self._database.run("SELECT kind, id FROM departed_bytes")
        for kind, name in rows:
            if kind == "shelf":
                self._forget(name)
            else:
                _unlink(self._files() / name)
            if done:
                self._database.run(
                    "DELETE FROM departed_bytes WHERE kind = ? AND id = ?", (kind, name)
                )
        self._database.settle()


def _unlink(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise StoreError(f"{str(path)!r} cannot be deleted ({error.strerror}).") from error
