"""Sessions of browsers: a random cookie, kept as a hash, that ends.

A session belongs to a user, or to an API key that somebody gave to the page, and ends with it. The
cookie is HttpOnly and SameSite=Strict; over TLS it is Secure and has the ``__Host-`` prefix, which
keeps other hosts from setting it
(https://developer.mozilla.org/en-US/docs/Web/HTTP/Reference/Headers/Set-Cookie).
"""

from __future__ import annotations

import hashlib
import re
import secrets
import time
from dataclasses import dataclass

from starlette.responses import Response

from gnomon.serve.database import Database

LONGEST_S = 30 * 86_400.0
"""A session ends after this, used or not."""
IDLE_S = 7 * 86_400.0
"""And after this without a request."""

_SEEN_EVERY_S = 3600.0
_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")
_TABLE = """CREATE TABLE sessions (
    hash BLOB PRIMARY KEY, user TEXT REFERENCES users(id) ON DELETE CASCADE, key TEXT,
    created_at REAL NOT NULL, seen_at REAL NOT NULL) WITHOUT ROWID"""


@dataclass(frozen=True, slots=True)
class Session:
    """Whose it is: one of ``user`` and ``key`` is an id."""

    user: str | None
    key: str | None


class Sessions:
    """The sessions of one server; needs the tables of ``Users``."""

    def __init__(self, database: Database) -> None:
        self._database = database
        database.tables("sessions", _TABLE)

    def begin(self, *, user: str | None = None, key: str | None = None) -> str:
        """The cookie's value of a new session."""
        assert (user is None) != (key is None)
        token, now = secrets.token_urlsafe(32), time.time()
        self._database.run(
            "DELETE FROM sessions WHERE created_at <= ? OR seen_at <= ?",
            (now - LONGEST_S, now - IDLE_S),
        )
        self._database.run(
            "INSERT INTO sessions VALUES (?, ?, ?, ?, ?)", (_hash(token), user, key, now, now)
        )
        return token

    def find(self, token: str, now: float | None = None) -> Session | None:
        if not _TOKEN.fullmatch(token):
            return None
        now = time.time() if now is None else now
        rows = self._database.run(
            "SELECT user, key, seen_at FROM sessions "
            "WHERE hash = ? AND created_at > ? AND seen_at > ?",
            (_hash(token), now - LONGEST_S, now - IDLE_S),
        )
        if not rows:
            return None
        user, key, seen_at = rows[0]
        if seen_at < now - _SEEN_EVERY_S:
            self._database.run(
                "UPDATE sessions SET seen_at = ? WHERE hash = ?", (now, _hash(token))
            )
        return Session(user, key)

    def end(self, token: str) -> None:
        self._database.run("DELETE FROM sessions WHERE hash = ?", (_hash(token),))

    def end_all(self, user: str) -> None:
        """Sign a user out everywhere."""
        self._database.run("DELETE FROM sessions WHERE user = ?", (user,))


def cookie_name(secure: bool) -> str:
    return "__Host-gnomon" if secure else "gnomon_session"


def set_cookie(response: Response, token: str, *, secure: bool) -> None:
    """Have the browser keep ``token``; "" has it forget."""
    response.set_cookie(
        cookie_name(secure), token, max_age=int(LONGEST_S) if token else 0, path="/",
        secure=secure, httponly=True, samesite="strict",
    )  # fmt: skip


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
