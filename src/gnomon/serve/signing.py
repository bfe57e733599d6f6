"""``/v1/session``: who is signed in; signing in and out; registering by invitation; passkeys.

These addresses ask nobody who they are beforehand: each checks for itself. Guessing is slowed:
after a few wrong passwords for a name from an address, or many from one address, or very many for
one name, the next try gets 429 with ``retry-after``. docs/operations.md has each request and reply.
"""

from __future__ import annotations

import asyncio
import hashlib
import math
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from gnomon.serve.context import Context
from gnomon.serve.gate import check_own_page, unknown
from gnomon.serve.http import ApiError, field, json_response, read_json
from gnomon.serve.keys import Key
from gnomon.serve.limits import Limiter, Rate, address_name
from gnomon.serve.passkeys import Relying
from gnomon.serve.sessions import set_cookie
from gnomon.serve.users import User
from gnomon.wire import iso

T = TypeVar("T")

# Wrong tries that may come at once, and the time in which so many come back: a person who mistypes
# waits a minute, a program that guesses has 1,440 a day against one name and address.
BY_BOTH = Rate(5, 300.0)
BY_ADDRESS = Rate(20, 600.0)
BY_NAME = Rate(100, 3600.0)
HASHING_AT_ONCE, HASHING_WAITING = 1, 8


def routes(context: Context) -> list[BaseRoute]:
    return Signing(context).routes()


class Signing:
    """The endpoints over one Context."""

    def __init__(self, context: Context) -> None:
        self._gate = context.gate
        self._policy = context.gate.policy
        self._guesses = Guesses(context.limiter)
        # argon2 takes 19 MiB and a core: few at once, and away from everything else.
        self._hashing = ThreadPoolExecutor(HASHING_AT_ONCE, thread_name_prefix="gnomon-password")
        self._hashed = 0

    def routes(self) -> list[BaseRoute]:
        at = "/v1/session"
        return [
            Route(at, self.show),
            Route(at, self.sign_in, methods=["POST"]),
            Route(at, self.sign_out, methods=["DELETE"]),
            Route(f"{at}/register", self.register, methods=["POST"]),
            Route(f"{at}/password", self.change_password, methods=["POST"]),
            Route(f"{at}/passkey/options", self.passkey_options, methods=["POST"]),
            Route(f"{at}/passkey", self.passkey_sign_in, methods=["POST"]),
            Route(f"{at}/passkeys", self.list_passkeys),
            Route(f"{at}/passkeys", self.add_passkey, methods=["POST"]),
            Route(f"{at}/passkeys/options", self.new_passkey_options, methods=["POST"]),
            Route(f"{at}/passkeys/{{id}}", self.remove_passkey, methods=["DELETE"]),
        ]

    async def show(self, request: Request) -> Response:
        """Who is signed in, and the ways in."""
        return self._session(self._gate.signed_in(request.headers))

    async def sign_in(self, request: Request) -> Response:
        """With a name and password, or with a key."""
        body = await read_json(request)
        if whole := field(body, "key", str, ""):
            return self._with_key(request, whole.strip())
        self._need_users()
        name, password = field(body, "name", str, ""), field(body, "password", str, "")
        self._guesses.check(name, _address(request))
        user = await self._hash(lambda: self._gate.users.verify(name, password))
        if user is None:
            self._guesses.wrong(name, _address(request))
            raise ApiError(
                401,
                "The name or the password is wrong.",
                code="invalid_credentials",
                headers={"www-authenticate": 'Bearer realm="gnomon"'},
            )
        return self._signed_in(request, user)

    def _with_key(self, request: Request, whole: str) -> Response:
        self._guesses.check("", _address(request))
        key = self._gate.keys.find(whole)
        if key is None:
            self._guesses.wrong("", _address(request))
            raise unknown(whole)
        return self._signed_in(request, key)

    async def sign_out(self, request: Request) -> Response:
        if token := self._gate.cookie_of(request.headers):
            check_own_page(request.headers)
            self._gate.sessions.end(token)
        response = self._session(None)
        set_cookie(response, "", secure=self._policy.secure)
        return response

    async def register(self, request: Request) -> Response:
        """With an invitation of the owner's; without a password, a passkey must follow."""
        self._need_users()
        body = await read_json(request)
        invite, name = field(body, "invite", str, ""), field(body, "name", str, "")
        password = field(body, "password", str, "") or None
        self._guesses.check("", _address(request))
        if not self._gate.users.invited(invite):
            self._guesses.wrong("", _address(request))
        user = await self._hash(lambda: self._gate.users.register(invite, name, password))
        return self._signed_in(request, user)

    async def change_password(self, request: Request) -> Response:
        """Ends every session of the user's but a new one."""
        user = self._user(request)
        body = await read_json(request)
        old, new = field(body, "password", str, ""), field(body, "new_password", str, "")
        self._guesses.check(user.name, _address(request))
        if await self._hash(lambda: self._gate.users.verify(user.name, old)) is None:
            self._guesses.wrong(user.name, _address(request))
            raise ApiError(401, "The old password is wrong.", code="invalid_credentials")
        await self._hash(lambda: self._gate.users.set_password(user, new))
        self._gate.sessions.end_all(user.id)
        return self._signed_in(request, user)

    async def passkey_options(self, request: Request) -> Response:
        self._need_users()
        return json_response(self._gate.passkeys.to_sign_in(self._relying(request)))

    async def passkey_sign_in(self, request: Request) -> Response:
        self._need_users()
        body = await read_json(request)
        credential = field(body, "credential", dict, {})
        user = self._gate.users.get(self._gate.passkeys.sign_in(credential, self._relying(request)))
        assert user is not None  # a passkey goes with its user
        return self._signed_in(request, user)

    async def list_passkeys(self, request: Request) -> Response:
        return self._passkeys(self._user(request))

    async def new_passkey_options(self, request: Request) -> Response:
        user = self._user(request)
        return json_response(self._gate.passkeys.to_register(user, self._relying(request)))

    async def add_passkey(self, request: Request) -> Response:
        user = self._user(request)
        body = await read_json(request)
        credential, name = field(body, "credential", dict, {}), field(body, "name", str, "")
        self._gate.passkeys.register(user, credential, name, self._relying(request))
        return self._passkeys(user)

    async def remove_passkey(self, request: Request) -> Response:
        user = self._user(request)
        self._gate.passkeys.remove(user, request.path_params["id"])
        return self._passkeys(user)

    # -- what they share ------------------------------------------------------------------------
    def _session(self, who: User | Key | None) -> Response:
        ways = ["key"] if self._gate.locked() else []
        if self._policy.multi_user:
            ways += ["password", "passkey"]
        user = None
        if isinstance(who, User):
            user = {"id": who.id, "name": who.name, "created_at": iso(who.created_at)}
        return json_response(
            {
                "object": "session",
                "signed_in": who is not None,
                "user": user,
                "key": who.id if isinstance(who, Key) else None,
                "scopes": sorted(who.scopes) if who else [],
                "locked": self._gate.locked(),
                "multi_user": self._policy.multi_user,
                "ways": ways,
            }
        )

    def _signed_in(self, request: Request, who: User | Key) -> Response:
        if held := self._gate.cookie_of(request.headers):
            self._gate.sessions.end(held)
        sessions = self._gate.sessions
        by_user = isinstance(who, User)
        token = sessions.begin(user=who.id) if by_user else sessions.begin(key=who.id)
        response = self._session(who)
        set_cookie(response, token, secure=self._policy.secure)
        return response

    def _user(self, request: Request) -> User:
        """The user who is signed in, asking from a page of ours. Raises ApiError 401 or 403."""
        who = self._gate.signed_in(request.headers)
        if not isinstance(who, User):
            raise ApiError(401, "Sign in first.", code="not_signed_in")
        if request.method != "GET":
            check_own_page(request.headers)
        return who

    def _need_users(self) -> None:
        if not self._policy.multi_user:
            raise ApiError(
                404,
                "This server has no users; sign in with a key, or set multi_user = true.",
                type="not_found",
                code="no_users",
            )

    def _relying(self, request: Request) -> Relying:
        base = self._policy.public_url.rstrip("/")
        url = request.url.replace(path="", query="", fragment="")
        origin = base or f"{url.scheme}://{url.netloc}"
        return Relying.of(origin, urlsplit(origin).hostname or "")

    def _passkeys(self, user: User) -> Response:
        rows = [
            row | {"created_at": iso(row["created_at"]), "used_at": iso(row["used_at"])}
            for row in self._gate.passkeys.of(user)
        ]
        return json_response({"object": "list", "data": rows})

    async def _hash(self, work: Callable[[], T]) -> T:
        """Run something that hashes a password, a few at a time."""
        if self._hashed >= HASHING_AT_ONCE + HASHING_WAITING:
            raise _slow_down("Too many people are signing in", 2)
        self._hashed += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._hashing, work)
        finally:
            self._hashed -= 1


class Guesses:
    """Wrong tries to sign in, counted so that guessing does not pay."""

    def __init__(self, limiter: Limiter) -> None:
        self._limiter = limiter

    def check(self, name: str, address: str) -> None:
        """Raises ApiError 429 where there were too many."""
        wait_s = max(
            self._limiter.take(bucket, rate, 0).retry_after_s
            for bucket, rate in self._buckets(name, address).items()
        )
        if wait_s > 0:
            raise _slow_down("There were too many wrong tries", wait_s)

    def wrong(self, name: str, address: str) -> None:
        for bucket, rate in self._buckets(name, address).items():
            self._limiter.take(bucket, rate, force=True)

    def _buckets(self, name: str, address: str) -> Mapping[str, Rate]:
        address = address_name(address)
        buckets = {f"guess {address}": BY_ADDRESS}
        if name:
            # What was typed as a name may be a password: it is kept as a hash.
            typed = hashlib.sha256(name.strip().casefold().encode("utf-8", "replace")).hexdigest()
            buckets |= {f"guess {typed[:32]}": BY_NAME}
            buckets |= {f"guess {typed[:32]} {address}": BY_BOTH}
        return buckets


def _address(request: Request) -> str:
    return request.client.host if request.client else ""


def _slow_down(said: str, wait_s: float) -> ApiError:
    wait = max(1, math.ceil(wait_s))
    return ApiError(
        429,
        f"{said}; try again in {wait} s.",
        type="too_many_requests",
        code="too_many_tries",
        headers={"retry-after": str(wait)},
    )
