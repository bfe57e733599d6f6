"""API keys: made once, shown once, kept as hashes.

A key is ``gnomon_`` and 48 letters and digits: 10 of its id, 32 of secret (190 bits), 6 of
checksum. The prefix and the checksum let secret scanners find a leaked one and let us refuse a
mistyped one unseen, as GitHub's do
(https://github.blog/engineering/behind-githubs-new-authentication-token-formats/).

At rest there is SHA-256 of the whole key. Slow hashes are for passwords, which can be guessed;
nobody guesses 190 random bits, and a fast hash keeps each request fast
(https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html). The id finds
the row, and the hashes are compared in constant time, so that no timing tells of the secret.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import string
import time
import zlib
from collections.abc import Collection
from dataclasses import dataclass

from gnomon.errors import InputError, NotFound
from gnomon.serve.caller import SCOPES, Caller
from gnomon.serve.database import Database, Row

PREFIX = "gnomon_"
KEY = re.compile(r"gnomon_[0-9A-Za-z]{48}")
"""How a key looks, for whoever must keep one out of a log or an address."""

_ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
_ID_CHARS, _SECRET_CHARS, _CHECK_CHARS = 10, 32, 6
_NAME_CHARS = 80
_TABLE = """CREATE TABLE keys (
    id TEXT PRIMARY KEY, hash BLOB NOT NULL, name TEXT NOT NULL, caller TEXT NOT NULL,
    scopes TEXT NOT NULL, created_at REAL NOT NULL, expires_at REAL, revoked_at REAL,
    requests_per_minute INT, tokens_per_day INT)"""
_COLUMNS = (
    "id, name, caller, scopes, created_at, expires_at, revoked_at, requests_per_minute, "
    "tokens_per_day"
)


@dataclass(frozen=True, slots=True)
class Key:
    """What is known of a key; never the key itself. Times are epoch seconds; None: never.

    ``caller`` is whose history it shares (see ``Caller.id``). ``requests_per_minute`` and
    ``tokens_per_day`` None: as the owner's settings say.
    """

    id: str
    name: str
    caller: str
    scopes: frozenset[str]
    created_at: float
    expires_at: float | None = None
    revoked_at: float | None = None
    requests_per_minute: int | None = None
    tokens_per_day: int | None = None

    def state(self, now: float) -> str:
        """ "live", "expired" or "revoked"."""
        if self.revoked_at is not None:
            return "revoked"
        return "expired" if self.expires_at is not None and self.expires_at <= now else "live"

    @property
    def as_caller(self) -> Caller:
        return Caller(self.caller, self.scopes, self.id)


class Keys:
    """The keys of one server. Whoever opens its database sees a change at once."""

    def __init__(self, database: Database) -> None:
        self._database = database
        database.tables("keys", _TABLE)

    def any(self) -> bool:
        """Whether a key was ever made. A revoked one counts: its server stays closed."""
        return bool(self._database.run("SELECT 1 FROM keys LIMIT 1"))

    def create(
        self,
        name: str = "",
        *,
        scopes: Collection[str] = ("ask",),
        caller: str | None = None,
        expires_at: float | None = None,
        requests_per_minute: int | None = None,
        tokens_per_day: int | None = None,
        now: float | None = None,
    ) -> tuple[str, Key]:
        """A new key, which nobody can read again, and what is kept of it.

        ``caller`` None gives it a history of its own. Raises InputError for values that no key
        can have.
        """
        now = time.time() if now is None else now
        unknown = sorted(set(scopes) - set(SCOPES))
        if unknown or not scopes:
            said = f"{unknown[0][:40]!r} is no scope" if unknown else "A key needs a scope"
            raise InputError(f"{said}; give some of {', '.join(SCOPES)}.")
        if len(name) > _NAME_CHARS or not name.isprintable():
            raise InputError(
                f"The name {name[:40]!r} cannot be used; give at most {_NAME_CHARS} printable "
                "characters."
            )
        if expires_at is not None and expires_at <= now:
            raise InputError("The key would be expired already; give a time that is to come.")
        key_id, secret = _random(_ID_CHARS), _random(_SECRET_CHARS)
        whole = f"{PREFIX}{key_id}{secret}{_checksum(key_id + secret)}"
        key = Key(
            key_id, name, caller or f"key_{key_id}", frozenset(scopes), now, expires_at, None,
            requests_per_minute, tokens_per_day,
        )  # fmt: skip
        self._database.run(
            f"INSERT INTO keys (hash, {_COLUMNS}) VALUES ({', '.join('?' * 10)})",
            (
                _hash(whole), key_id, name, key.caller, " ".join(sorted(key.scopes)), now,
                expires_at, None, requests_per_minute, tokens_per_day,
            ),
        )  # fmt: skip
        return whole, key

    def find(self, whole: str, now: float | None = None) -> Key | None:
        """The live key that ``whole`` is; None for anything else."""
        if not KEY.fullmatch(whole):
            return None
        body, check = whole[len(PREFIX) : -_CHECK_CHARS], whole[-_CHECK_CHARS:]
        if check != _checksum(body):
            return None
        select = f"SELECT hash, {_COLUMNS} FROM keys WHERE id = ?"
        rows = self._database.run(select, (body[:_ID_CHARS],))
        # Compared even where there is no such id, so that no time tells which ids there are.
        held = rows[0][0] if rows else bytes(32)
        if not hmac.compare_digest(_hash(whole), held) or not rows:
            return None
        key = _key(rows[0][1:])
        return key if key.state(time.time() if now is None else now) == "live" else None

    def get(self, id: str) -> Key | None:
        rows = self._database.run(f"SELECT {_COLUMNS} FROM keys WHERE id = ?", (id,))
        return _key(rows[0]) if rows else None

    def list(self) -> list[Key]:
        """All keys, the revoked ones too, in the order of their making."""
        rows = self._database.run(f"SELECT {_COLUMNS} FROM keys ORDER BY created_at, id")
        return [_key(row) for row in rows]

    def revoke(self, id: str, now: float | None = None) -> Key:
        """End a key at once. ``id`` may also be a beginning of the key. Raises NotFound."""
        wanted = id.removeprefix(PREFIX)[:_ID_CHARS]
        key = self.get(wanted)
        if key is None:
            raise NotFound(f"There is no key {wanted!r}; `gnomon keys list` shows what there is.")
        now = time.time() if now is None else now
        self._database.run(
            "UPDATE keys SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL", (now, key.id)
        )
        ended = self.get(key.id)
        assert ended is not None
        return ended


def masked(text: str) -> str:
    """``text`` with the secret of every key in it left out."""
    return KEY.sub(lambda found: f"{found[0][: len(PREFIX) + _ID_CHARS]}...", text)


def _key(row: Row) -> Key:
    key_id, name, caller, scopes, *rest = row
    return Key(key_id, name, caller, frozenset(scopes.split()), *rest)


def _hash(whole: str) -> bytes:
    return hashlib.sha256(whole.encode("ascii")).digest()


def _random(chars: int) -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(chars))


def _checksum(body: str) -> str:
    """CRC-32 in base 62, six characters."""
    number, digits = zlib.crc32(body.encode("ascii")), ""
    for _ in range(_CHECK_CHARS):
        number, digit = divmod(number, len(_ALPHABET))
        digits = _ALPHABET[digit] + digits
    return digits
