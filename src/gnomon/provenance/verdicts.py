"""Verdicts about pictures of posts, beside the posts: a table of (post, picture), no picture."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import apsw

from gnomon.errors import StoreError
from gnomon.types.provenance import MediaCheck

_SCHEMA = """
CREATE TABLE IF NOT EXISTS verdicts (
    post TEXT NOT NULL, media TEXT NOT NULL, at REAL NOT NULL, said TEXT NOT NULL,
    PRIMARY KEY (post, media)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS place (seq INTEGER NOT NULL);
"""


class Verdicts:
    """Thread-safe; ``path`` None keeps them in memory."""

    def __init__(self, path: Path | None) -> None:
        self._lock = threading.Lock()
        try:
            if path is not None:
                path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._db = apsw.Connection(str(path) if path is not None else ":memory:")
            self._db.set_busy_timeout(5000)
            self._db.execute("PRAGMA secure_delete=ON")
            self._db.execute(_SCHEMA)
        except (apsw.Error, OSError) as error:
            raise StoreError(
                f"Verdicts about pictures cannot be kept at {path} ({error})."
            ) from error

    def put(self, post: str, checks: Sequence[MediaCheck]) -> None:
        with self._lock, self._db:
            for one in checks:
                said = json.dumps(
                    [one.state, one.why, one.sha256, one.signer, one.model, one.machine, one.mark]
                )
                row = (post, one.media, one.checked_at, said)
                self._db.execute("REPLACE INTO verdicts VALUES (?, ?, ?, ?)", row)

    def of(self, post: str) -> tuple[MediaCheck, ...]:
        with self._lock:
            rows = list(
                self._db.execute("SELECT media, at, said FROM verdicts WHERE post = ?", (post,))
            )
        return tuple(_check(str(media), float(at), json.loads(said)) for media, at, said in rows)

    def by_model(self) -> frozenset[str]:
        """The posts of which a picture holds and says that a model made it, or has our mark."""
        with self._lock:
            rows = self._db.execute(
                "SELECT DISTINCT post FROM verdicts WHERE json_extract(said, '$[6]') OR "
                "(json_extract(said, '$[5]') AND json_extract(said, '$[0]') IN "
                "('trusted', 'valid'))"
            )
            return frozenset(str(row[0]) for row in rows)

    def forget(self, posts: Sequence[str]) -> None:
        with self._lock, self._db:
            self._db.executemany("DELETE FROM verdicts WHERE post = ?", [(post,) for post in posts])

    def posts(self) -> list[str]:
        """The posts that something is kept about."""
        with self._lock:
            return [str(row[0]) for row in self._db.execute("SELECT DISTINCT post FROM verdicts")]

    @property
    def seq(self) -> int | None:
        """How far the record's log was followed; None where it never was."""
        with self._lock:
            row = self._db.execute("SELECT seq FROM place").fetchone()
        return int(row[0]) if row else None

    def reached(self, seq: int) -> None:
        with self._lock, self._db:
            self._db.execute("DELETE FROM place")
            self._db.execute("INSERT INTO place VALUES (?)", (seq,))

    def facts(self) -> Mapping[str, Any]:
        """How many pictures were looked at, by verdict."""
        with self._lock:
            rows = self._db.execute(
                "SELECT json_extract(said, '$[0]'), count(*) FROM verdicts GROUP BY 1"
            )
            return {str(state): int(n) for state, n in rows}

    def close(self) -> None:
        with self._lock:
            self._db.close()


def _check(media: str, at: float, said: list[Any]) -> MediaCheck:
    state, why, sha256, signer, model, machine, mark = said
    return MediaCheck(media, state, why, at, sha256, signer, model, machine, mark)
