"""People with accounts, for an owner who turns on ``multi_user``: names, passwords, invitations.

Passwords are kept as argon2id with OWASP's parameters (m = 19 MiB, t = 2, p = 1;
https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html#argon2id). They
have at least 15 characters and need no special ones, as NIST SP 800-63B-4 (3.1.1.2) demands of a
password that stands alone (https://pages.nist.gov/800-63-4/sp800-63b.html#passwordver).
"""

from __future__ import annotations

import hashlib
import secrets
import time
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass
from functools import cache

import argon2

from gnomon.errors import InputError, NotFound
from gnomon.serve.caller import SCOPES, Caller
from gnomon.serve.database import Database, Row

MIN_PASSWORD_CHARS, MAX_PASSWORD_CHARS = 15, 256
MAX_NAME_CHARS = 40
INVITE_S = 7 * 86_400.0

_TABLES = """
CREATE TABLE users (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, folded TEXT NOT NULL UNIQUE, password TEXT,
    scopes TEXT NOT NULL, created_at REAL NOT NULL);
CREATE TABLE invites (
    hash BLOB PRIMARY KEY, scopes TEXT NOT NULL, expires_at REAL NOT NULL) WITHOUT ROWID"""
_COLUMNS = "id, name, scopes, created_at"
_HASHER = argon2.PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)


@dataclass(frozen=True, slots=True)
class User:
    """A person. ``id`` is a random one, never the name: names may be in nobody's log."""

    id: str
    name: str
    scopes: frozenset[str]
    created_at: float

    @property
    def as_caller(self) -> Caller:
        return Caller(self.id, self.scopes)


class Users:
    """The people of one server."""

    def __init__(self, database: Database) -> None:
        self._database = database
        database.tables("users", _TABLES)

    def add(
        self, name: str, password: str | None = None, scopes: Collection[str] = ("ask", "write")
    ) -> User:
        """A new user; without a password, one who will sign in with a passkey. Raises InputError
        for a name that is taken, or values that cannot be used."""
        name = check_name(name)
        _check_scopes(scopes)
        hashed = _HASHER.hash(check_password(password, name)) if password is not None else None
        user = User(f"user_{secrets.token_hex(8)}", name, frozenset(scopes), time.time())
        with self._database.transaction():
            if self._database.run("SELECT 1 FROM users WHERE folded = ?", (_folded(name),)):
                raise InputError(f"There is a user {name!r} already; take another name.")
            self._database.run(
                "INSERT INTO users VALUES (?, ?, ?, ?, ?, ?)",
                (user.id, name, _folded(name), hashed, _words(scopes), user.created_at),
            )
        return user

    def named(self, name: str) -> User:
        """Raises NotFound."""
        select = f"SELECT {_COLUMNS} FROM users WHERE folded = ?"
        rows = self._database.run(select, (_folded(name),))
        if not rows:
            raise NotFound(f"There is no user {name[:40]!r}; `gnomon users list` shows them.")
        return _user(rows[0])

    def get(self, user_id: str) -> User | None:
        rows = self._database.run(f"SELECT {_COLUMNS} FROM users WHERE id = ?", (user_id,))
        return _user(rows[0]) if rows else None

    def list(self) -> list[User]:
        rows = self._database.run(f"SELECT {_COLUMNS} FROM users ORDER BY created_at, id")
        return [_user(row) for row in rows]

    def remove(self, name: str) -> User:
        """End an account with its sessions and passkeys. Raises NotFound."""
        user = self.named(name)
        self._database.run("DELETE FROM users WHERE id = ?", (user.id,))
        return user

    def verify(self, name: str, password: str) -> User | None:
        """The user whose password this is. Takes as long for a name that nobody has, so that time
        tells no names."""
        select = f"SELECT password, {_COLUMNS} FROM users WHERE folded = ?"
        rows = self._database.run(select, (_folded(name),))
        held = rows[0][0] if rows and rows[0][0] else None
        password = unicodedata.normalize("NFKC", password[: 2 * MAX_PASSWORD_CHARS])
        try:
            _HASHER.verify(held or _nobodys_hash(), password)
        except argon2.exceptions.VerificationError:
            return None
        if held is None:
            return None
        user = _user(rows[0][1:])
        if _HASHER.check_needs_rehash(held):
            self._keep_password(user, password)
        return user

    def set_password(self, user: User, password: str) -> None:
        """Raises InputError for one that is too weak."""
        self._keep_password(user, check_password(password, user.name))

    def _keep_password(self, user: User, password: str) -> None:
        hashed = _HASHER.hash(password)
        self._database.run("UPDATE users SET password = ? WHERE id = ?", (hashed, user.id))

    def invite(
        self, scopes: Collection[str] = ("ask", "write"), expires_at: float | None = None
    ) -> str:
        """A word that lets one person register, once, within a week unless said otherwise."""
        _check_scopes(scopes)
        token = secrets.token_urlsafe(24)
        self._database.run("DELETE FROM invites WHERE expires_at <= ?", (time.time(),))
        self._database.run(
            "INSERT INTO invites VALUES (?, ?, ?)",
            (_hash(token), _words(scopes), expires_at or time.time() + INVITE_S),
        )
        return token

    def invited(self, token: str) -> bool:
        """Whether an invitation still stands."""
        return bool(
            self._database.run(
                "SELECT 1 FROM invites WHERE hash = ? AND expires_at > ?",
                (_hash(token), time.time()),
            )
        )

    def register(self, token: str, name: str, password: str | None) -> User:
        """Take up an invitation. Raises InputError; the invitation then still stands."""
        with self._database.transaction():
            rows = self._database.run(
                "DELETE FROM invites WHERE hash = ? AND expires_at > ? RETURNING scopes",
                (_hash(token), time.time()),
            )
            if not rows:
                raise InputError(
                    "This invitation is unknown, used or expired; ask the owner for another."
                )
            return self.add(name, password, rows[0][0].split())


def check_name(name: str) -> str:
    """A name as it is kept. Raises InputError."""
    name = unicodedata.normalize("NFKC", name).strip()
    if not 1 <= len(name) <= MAX_NAME_CHARS or not name.isprintable() or name.casefold() == "owner":
        raise InputError(
            f"The name {name[:MAX_NAME_CHARS]!r} cannot be used; give 1 to {MAX_NAME_CHARS} "
            "printable characters, and not 'owner'."
        )
    return name


def check_password(password: str, name: str) -> str:
    """A password as it is hashed. Raises InputError, which never quotes it."""
    password = unicodedata.normalize("NFKC", password)
    if not MIN_PASSWORD_CHARS <= len(password) <= MAX_PASSWORD_CHARS:
        raise InputError(
            f"The password has {len(password)} characters; give {MIN_PASSWORD_CHARS} to "
            f"{MAX_PASSWORD_CHARS}: four or five words that only you put together are good."
        )
    if len(set(password)) < 5 or _folded(name) == _folded(password):
        raise InputError("The password is too easy to guess; give words of your own.")
    return password


def _check_scopes(scopes: Collection[str]) -> None:
    unknown = sorted(set(scopes) - set(SCOPES))
    if unknown or not scopes:
        said = f"{unknown[0][:40]!r} is no scope" if unknown else "A user needs a scope"
        raise InputError(f"{said}; give some of {', '.join(SCOPES)}.")


@cache
def _nobodys_hash() -> str:
    return _HASHER.hash(secrets.token_hex(16))


def _user(row: Row) -> User:
    user_id, name, scopes, created_at = row
    return User(user_id, name, frozenset(scopes.split()), created_at)


def _words(scopes: Collection[str]) -> str:
    return " ".join(sorted(scopes))


def _folded(name: str) -> str:
    return unicodedata.normalize("NFKC", name).strip().casefold()


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
