"""Who is at the door: from a bearer token, a session cookie or the owner's own machine to a Caller.

    gate = Gate(database, policy)
    caller = gate.bearer(token, address)              # for a road that is not HTTP, such as gRPC
    caller = gate.caller(scope, headers, address)     # for HTTP

A cookie counts only where the browser says that the request comes from a page of ours, so that no
other page can spend it (https://cheatsheetseries.owasp.org/cheatsheets/
Cross-Site_Request_Forgery_Prevention_Cheat_Sheet.html, "Fetch Metadata headers").
"""

from __future__ import annotations

import base64
import ipaddress
import time

from starlette.datastructures import Headers
from starlette.requests import cookie_parser
from starlette.types import Scope

from gnomon.serve.access import SAFE, is_feed
from gnomon.serve.caller import OWNER, Caller
from gnomon.serve.database import Database
from gnomon.serve.http import ApiError
from gnomon.serve.keys import KEY, Key, Keys
from gnomon.serve.passkeys import Passkeys
from gnomon.serve.policy import Policy
from gnomon.serve.sessions import Session, Sessions, cookie_name
from gnomon.serve.users import User, Users

_KEY_PROTOCOL = "openai-insecure-api-key."
_FORWARDED = ("forwarded", "x-forwarded-for", "x-real-ip", "via")


class Gate:
    """Reads the database at every request: a key that is made or revoked counts from then on."""

    def __init__(self, database: Database, policy: Policy | None = None) -> None:
        self.policy = policy or Policy()
        self.keys = Keys(database)
        self.users = Users(database)
        self.sessions = Sessions(database)
        self.passkeys = Passkeys(database)

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
        page's origin. Raises ApiError 401, or 403 for a cookie that another page may have sent."""
        if any(name in headers for name in _FORWARDED):
            # Whoever speaks through a proxy on this machine is not at this machine.
            address = ""
        token = token_of(headers) or feed_token(scope, headers)
        if token is None and not foreign and self.locked():
            who = self.signed_in(headers)
            if who is not None:
                if scope["method"] not in SAFE:
                    check_own_page(headers)
                return who.as_caller
        return self.bearer(token, address)

    def signed_in(self, headers: Headers) -> User | Key | None:
        """Whose session the cookie is: a user's, or that of the key that was given to the page;
        None without one, or where its user or key is gone."""
        session = self.session_of(headers)
        if session is None:
            return None
        if session.user is not None:
            return self.users.get(session.user) if self.policy.multi_user else None
        key = self.keys.get(session.key or "")
        return key if key and key.state(time.time()) == "live" else None

    def session_of(self, headers: Headers) -> Session | None:
        if headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
            return None
        token = self.cookie_of(headers)
        return self.sessions.find(token) if token else None

    def cookie_of(self, headers: Headers) -> str:
        cookies = cookie_parser(headers.get("cookie", ""))
        return cookies.get(cookie_name(self.policy.secure), "")


def check_own_page(headers: Headers) -> None:
    """Whether a request that may change something comes from a page of ours, by what the browser
    itself says; a foreign Origin has been refused before. Raises ApiError 403."""
    if "origin" not in headers and headers.get("sec-fetch-site") != "same-origin":
        raise ApiError(
            403,
            "A request that changes something needs an Origin header beside its cookie; programs "
            "use a key instead.",
            type="permission_error",
            code="csrf",
        )


def token_of(headers: Headers) -> str | None:
    """What ``Authorization: Bearer`` (or ``x-api-key``) carries."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    if scheme.casefold() == "bearer" and token.strip():
        return token.strip()
    return headers.get("x-api-key", "").strip() or _offered(headers)


def _offered(headers: Headers) -> str | None:
    """A key among the subprotocols of a WebSocket: a browser can send none otherwise, and OpenAI's
    client for pages does so."""
    offered = headers.get("sec-websocket-protocol", "").split(",")
    named = (one.strip() for one in offered)
    return next((one.removeprefix(_KEY_PROTOCOL) for one in named if one.startswith(_KEY_PROTOCOL)),
                None)  # fmt: skip


def feed_token(scope: Scope, headers: Headers) -> str | None:
    """A key as the password of ``Authorization: Basic``, for feeds alone: their readers know no
    other way, and what a browser sends by itself must not count anywhere else."""
    scheme, _, given = headers.get("authorization", "").partition(" ")
    if scheme.casefold() != "basic" or not is_feed(scope["method"], scope["path"]):
        return None
    try:
        pair = base64.b64decode(given, validate=True).decode("utf-8")
    except ValueError:
        return None
    return pair.partition(":")[2].strip() or None


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
