"""Passkeys: signing in without a password (WebAuthn level 3, https://www.w3.org/TR/webauthn-3/).

The browser must have verified its person (a PIN, a finger, a face): a passkey stands alone here,
beside no password. Credentials are discoverable, so nobody types a name. Attestation is not asked
for: what kind of device somebody has is none of our business.
"""

from __future__ import annotations

import ipaddress
import json
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import webauthn
from webauthn.helpers import parse_client_data_json
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from gnomon.errors import InputError, NotFound
from gnomon.serve.database import Database
from gnomon.serve.users import User

CHALLENGE_S = 300.0
MAX_CHALLENGES = 10_000
MAX_PASSKEYS = 20
MAX_NAME_CHARS = 60

_TABLE = """CREATE TABLE passkeys (
    id TEXT PRIMARY KEY, user TEXT NOT NULL REFERENCES users(id) ON DELETE CASCADE,
    public_key BLOB NOT NULL, sign_count INT NOT NULL, name TEXT NOT NULL,
    created_at REAL NOT NULL, used_at REAL)"""


@dataclass(frozen=True, slots=True)
class Relying:
    """Us, as the browser knows us: a domain, and the origin of the page."""

    id: str
    origin: str

    @classmethod
    def of(cls, origin: str, host: str) -> Relying:
        """Raises InputError for an address instead of a name: WebAuthn has no passkeys there."""
        try:
            ipaddress.ip_address(host.strip("[]"))
        except ValueError:
            return cls(host, origin)
        raise InputError(
            f"Passkeys need a name, and {host} is an address; use http://localhost on this "
            "machine, or the name in the setting `public_url`."
        )


class Passkeys:
    """The passkeys of one server; needs the tables of ``Users``. A challenge is used once."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._challenges: dict[bytes, tuple[str | None, float]] = {}
        database.tables("passkeys", _TABLE)

    def to_register(self, user: User, relying: Relying) -> dict[str, Any]:
        """Options for ``navigator.credentials.create``, as JSON."""
        if len(held := self.of(user)) >= MAX_PASSKEYS:
            raise InputError(f"You have {len(held)} passkeys; remove one first.")
        options = webauthn.generate_registration_options(
            rp_id=relying.id,
            rp_name="gnomon",
            user_name=user.name,
            user_id=user.id.encode(),
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.REQUIRED,
                user_verification=UserVerificationRequirement.REQUIRED,
            ),
            exclude_credentials=[
                PublicKeyCredentialDescriptor(webauthn.base64url_to_bytes(row["id"]))
                for row in held
            ],
        )
        self._await(options.challenge, user.id)
        return dict(json.loads(webauthn.options_to_json(options)))

    def register(
        self, user: User, credential: Mapping[str, Any], name: str, relying: Relying
    ) -> None:
        """Keep what ``navigator.credentials.create`` gave. Raises InputError."""
        if len(name) > MAX_NAME_CHARS or not name.isprintable():
            raise InputError(f"Give a name of at most {MAX_NAME_CHARS} printable characters.")
        challenge = self._answered(credential, user.id)
        try:
            made = webauthn.verify_registration_response(
                credential=dict(credential),
                expected_challenge=challenge,
                expected_rp_id=relying.id,
                expected_origin=relying.origin,
                require_user_verification=True,
            )
        except (WebAuthnException, ValueError, KeyError, TypeError) as error:
            raise _unusable() from error
        kept = self._database.run(
            "INSERT OR IGNORE INTO passkeys VALUES (?, ?, ?, ?, ?, ?, NULL) RETURNING 1",
            (
                webauthn.helpers.bytes_to_base64url(made.credential_id), user.id,
                made.credential_public_key, made.sign_count, name, time.time(),
            ),
        )  # fmt: skip
        if not kept:
            raise InputError("This passkey is held already; use another.")

    def to_sign_in(self, relying: Relying) -> dict[str, Any]:
        """Options for ``navigator.credentials.get``, as JSON."""
        options = webauthn.generate_authentication_options(
            rp_id=relying.id, user_verification=UserVerificationRequirement.REQUIRED
        )
        self._await(options.challenge, None)
        return dict(json.loads(webauthn.options_to_json(options)))

    def sign_in(self, credential: Mapping[str, Any], relying: Relying) -> str:
        """The id of the user whose passkey this is. Raises InputError."""
        challenge = self._answered(credential, None)
        rows = self._database.run(
            "SELECT user, public_key, sign_count FROM passkeys WHERE id = ?",
            (str(credential.get("id", ""))[:2000],),
        )
        if not rows:
            raise InputError("This passkey is not known here; it may have been removed.")
        user, public_key, sign_count = rows[0]
        try:
            verified = webauthn.verify_authentication_response(
                credential=dict(credential),
                expected_challenge=challenge,
                expected_rp_id=relying.id,
                expected_origin=relying.origin,
                credential_public_key=public_key,
                credential_current_sign_count=sign_count,
                require_user_verification=True,
            )
        except (WebAuthnException, ValueError, KeyError, TypeError) as error:
            raise _unusable() from error
        self._database.run(
            "UPDATE passkeys SET sign_count = ?, used_at = ? WHERE id = ?",
            (verified.new_sign_count, time.time(), credential["id"]),
        )
        return str(user)

    def of(self, user: User) -> list[dict[str, Any]]:
        """A user's passkeys: id, name, times."""
        rows = self._database.run(
            "SELECT id, name, created_at, used_at FROM passkeys WHERE user = ? ORDER BY created_at",
            (user.id,),
        )
        return [
            dict(zip(("id", "name", "created_at", "used_at"), row, strict=True)) for row in rows
        ]

    def remove(self, user: User, passkey: str) -> None:
        """Raises NotFound for one that is not this user's."""
        gone = self._database.run(
            "DELETE FROM passkeys WHERE id = ? AND user = ? RETURNING 1", (passkey, user.id)
        )
        if not gone:
            raise NotFound("You have no such passkey.")

    def _await(self, challenge: bytes, user: str | None) -> None:
        now = time.time()
        with self._lock:
            while self._challenges and (
                len(self._challenges) >= MAX_CHALLENGES
                or next(iter(self._challenges.values()))[1] <= now
            ):
                del self._challenges[next(iter(self._challenges))]
            self._challenges[challenge] = (user, now + CHALLENGE_S)

    def _answered(self, credential: Mapping[str, Any], user: str | None) -> bytes:
        """The challenge that a credential answers, which must be one of ours, for this user."""
        try:
            data = credential["response"]["clientDataJSON"]
            challenge = parse_client_data_json(webauthn.base64url_to_bytes(data)).challenge
        except (WebAuthnException, ValueError, KeyError, TypeError) as error:
            raise _unusable() from error
        with self._lock:
            held = self._challenges.pop(challenge, None)
        if held is None or held[0] != user or held[1] <= time.time():
            raise InputError("The time to answer is over; begin again.")
        return challenge


def _unusable() -> InputError:
    return InputError("The passkey could not be verified; begin again.")
