"""Who is at the door: from a bearer token, a session cookie or the owner's own machine to a Caller.

gate = Gate(database, policy)
caller = gate.bearer(token, address)     # for any road that is not HTTP, such as gRPC
caller = gate.caller(scope, headers, address)   # for HTTP
"""

from __future__ import annotations

import ipaddress

from starlette.datastructures import Headers
from starlette.types import Scope

from gnomon.serve.caller import OWNER, Caller
from gnomon.serve.database import Database
from gnomon.serve.http import ApiError
from gnomon.serve.keys import KEY, Keys
from gnomon.serve.policy import Policy

_FORWARDED = ("forwarded", "x-forwarded-for", "x-real-ip", "via")


class Gate:
    """Reads the database at every request: a key that is made or revoked counts from then on."""

    def __init__(self, database: Database, policy: Policy | None = None) -> None:
        self.policy = policy or Policy()
        self.keys = Keys(database)

    def locked(self) -> bool:
        """Whether callers must say who they are: once a key was ever made, or people sign in, or
        other machines reach the port."""
        return self.policy.exposed or self.policy.multi_user or self.keys.any()

    def bearer(self, token: str | None, address: str) -> Caller:
        """The caller with this token (None: without one). Raises ApiError 401."""
        if not self.locked():
            return OWNER
        if token and (key := self.keys.find(token)):
            return key.as_caller
        if self.policy.open_loopback and is_loopback(address) and not looks_like_key(token):
            return OWNER
        raise unknown(token)

    def caller(
        self, scope: Scope, headers: Headers, address: str, *, foreign: bool = False
    ) -> Caller:
        """The caller of an HTTP request from ``address``; ``foreign`` ones come from another
        page's origin. Raises ApiError 401."""
        if any(name in headers for name in _FORWARDED):
            # Whoever speaks through a proxy on this machine is not at this machine.
            address = ""
        return self.bearer(token_of(headers), address)


def token_of(headers: Headers) -> str | None:
    """What ``Authorization: Bearer`` (or ``x-api-key``) carries."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    if scheme.casefold() == "bearer" and token.strip():
        return token.strip()
    return headers.get("x-api-key", "").strip() or None


def looks_like_key(token: str | None) -> bool:
    return bool(token and token.startswith("gnomon_"))


def is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def unknown(token: str | None) -> ApiError:
    """The 401 for no key or a wrong one; it never quotes the key
    (https://www.rfc-editor.org/rfc/rfc6750#section-3)."""
    if token is None:
        said, code, challenge = "No key is given", "missing_api_key", ""
    elif KEY.fullmatch(token):
        said = "This key is unknown, expired or revoked"
        code, challenge = "invalid_api_key", ', error="invalid_token"'
    else:
        said = "This is no key of gnomon's, or it is mistyped"
        code, challenge = "invalid_api_key", ', error="invalid_token"'
    return ApiError(
        401,
        f"{said}; send one as 'Authorization: Bearer gnomon_...' "
        "(the owner makes them with `gnomon keys create`).",
        code=code,
        headers={"www-authenticate": f'Bearer realm="gnomon"{challenge}'},
    )
