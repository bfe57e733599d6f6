"""What every request passes before any route sees it, and every answer on its way out.

In this order: a name and an origin of ours (``cross``), a size that can be, who asks (``gate``)
and whether that caller may (``access``), how much it has had already (``quota``). Then the route
runs, while slow senders and slow readers are watched (``pace``).

Every answer carries the headers that keep a page of ours from running foreign script or being
framed, and an id. The one log line of a request holds its id, route, status, time and who asked by
id, and no word of anybody's: no query, no post, no question (``logs``).
"""

from __future__ import annotations

import logging
import re
import time
import traceback
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from uuid import uuid4

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gnomon.serve.access import SAFE, needed, takes_uploads
from gnomon.serve.caller import missing
from gnomon.serve.cross import Names, allowing, forbidden, preflight
from gnomon.serve.gate import Gate
from gnomon.serve.http import MAX_BODY_BYTES, ApiError, in_range
from gnomon.serve.keys import KEY
from gnomon.serve.metrics import Metrics
from gnomon.serve.pace import Gone, Pace
from gnomon.serve.quota import Quota

log = logging.getLogger("gnomon.serve")

CSP = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "manifest-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
    )
)
HEADERS = {
    "content-security-policy": CSP,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "x-frame-options": "DENY",
    "cross-origin-opener-policy": "same-origin",
    "vary": "origin, accept-encoding",
    "permissions-policy": "camera=(), geolocation=(), microphone=(self)",
}
_ALWAYS = {name.encode(): value.encode() for name, value in HEADERS.items()}
# A proxy's id for the request is taken over where it is one: hexadecimal, so nobody's words.
_REQUEST_ID = re.compile(r"(?:req_)?[0-9a-fA-F]{8}[0-9a-fA-F-]{8,40}")
_HSTS = "max-age=31536000"


class Guard:
    """ASGI middleware around the whole application."""

    def __init__(self, app: ASGIApp, gate: Gate, quota: Quota, metrics: Metrics) -> None:
        self._app = app
        self._gate = gate
        self._quota = quota
        self._metrics = metrics
        self._policy = gate.policy
        self._names = Names.of(gate.policy)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            await self._talk(scope, receive, send)
            return
        headers = Headers(scope=scope)
        visit = _Visit(scope, headers, self._policy.secure)
        answer = visit.sending(send)
        pace = Pace(receive, answer, self._policy, self._largest(scope))
        try:
            await self._admit(visit, scope, pace)
        except ApiError as refusal:
            await _respond(refusal.response(), scope, receive, answer)
        except Gone as gone:
            visit.gone = gone.why
            self._metrics.dropped(gone.why)
            pace.abort(scope)
        except Exception as error:  # noqa: BLE001 - the one place that reports our own bugs
            log.error("%s failed: %s", visit.id, place_of(error))
            if visit.status:
                pace.abort(scope)
            else:
                await _respond(_fault(visit.id).response(), scope, receive, answer)
        finally:
            visit.close(self._metrics)

    async def _talk(self, scope: Scope, receive: Receive, send: Send) -> None:
        """A WebSocket passes the same guards before it is opened, and is logged when it closes. A
        browser sends cookies along with one from any page, so only its Origin tells whose it is."""
        headers = Headers(scope=scope)
        asked: Scope = {**scope, "method": "POST", "type": "http"}
        visit = _Visit(asked, headers, self._policy.secure)
        began = False

        async def answer(message: Message) -> None:
            nonlocal began
            began = began or message["type"] == "websocket.accept"
            visit.status = 101 if began else visit.status
            await send(message)

        try:
            with self._opened(asked, headers, visit):
                scope.update({k: v for k, v in asked.items() if k.startswith("gnomon.")})
                await self._app(scope, receive, answer)
        except ApiError as refusal:
            visit.status = refusal.status
            response = refusal.response()
            marked = visit.marked(response.raw_headers)
            start = {"type": "websocket.http.response.start", "status": refusal.status}
            await send({**start, "headers": marked})
            await send({"type": "websocket.http.response.body", "body": bytes(response.body)})
        except Exception as error:  # noqa: BLE001 - the one place that reports our own bugs
            log.error("%s failed: %s", visit.id, place_of(error))
            await send({"type": "websocket.close", "code": 1011})
        finally:
            visit.close(self._metrics, scope)

    @contextmanager
    def _opened(self, scope: Scope, headers: Headers, visit: _Visit) -> Iterator[None]:
        """Whether a WebSocket may be opened, and its cost while it is. Raises ApiError."""
        if refusal := self._names.refusal(scope, headers):
            raise refusal
        origin = headers.get("origin", "")
        foreign = bool(origin) and not self._names.is_own(origin, headers["host"])
        check_address(scope)
        address = (scope.get("client") or ("", 0))[0]
        locked = self._gate.locked()
        if locked:
            self._quota.visit(address)
        caller = self._gate.caller(scope, headers, address, foreign=foreign)
        scope["gnomon.caller"] = caller
        visit.caller = caller.key or caller.id
        wanted = needed("POST", scope["path"]) or "ask"
        if not caller.may(wanted):
            raise missing(wanted, caller)
        if not locked:
            with self._quota.unlimited(self._metrics):
                yield
            return
        with self._quota.spending(caller, self._metrics):
            yield

    async def _admit(self, visit: _Visit, scope: Scope, pace: Pace) -> None:
        """Let a request through to its route, or raise ApiError."""
        headers = visit.headers
        if refusal := self._names.refusal(scope, headers):
            raise refusal
        origin = headers.get("origin", "")
        foreign = bool(origin) and not self._names.is_own(origin, headers["host"])
        if foreign:
            visit.more |= allowing(origin)
        else:
            visit.more["cross-origin-resource-policy"] = "same-origin"
        if foreign and scope["method"] == "OPTIONS" and (allowed := preflight(headers)):
            await Response(status_code=204, headers=allowed)(scope, pace.receive, pace.send)
            return
        check_address(scope)
        self._check_length(scope, headers)
        address = (scope.get("client") or ("", 0))[0]
        locked = self._gate.locked()
        if locked:
            self._quota.visit(address)
        scope_needed = needed(scope["method"], scope["path"])
        if scope_needed is None:
            if foreign and scope["method"] not in SAFE:
                raise forbidden(origin)  # signing in is for pages of ours alone
            await self._app(scope, pace.receive, pace.send)
            return
        caller = self._gate.caller(scope, headers, address, foreign=foreign)
        scope["gnomon.caller"] = caller
        visit.caller = caller.key or caller.id
        if not caller.may(scope_needed):
            raise missing(scope_needed, caller)
        if not locked:
            with self._quota.unlimited(self._metrics):
                await self._app(scope, pace.receive, pace.send)
            return
        with self._quota.spending(caller, self._metrics) as told:
            visit.more |= told
            await self._app(scope, pace.receive, pace.send)

    def _largest(self, scope: Scope) -> int:
        """The most bytes that this request's body may have."""
        if takes_uploads(scope["method"], scope["path"]):
            # A form is a little larger than the file in it.
            return (self._policy.upload_mb << 20) + MAX_BODY_BYTES
        return MAX_BODY_BYTES

    def _check_length(self, scope: Scope, headers: Headers) -> None:
        length, most = headers.get("content-length", "0"), self._largest(scope)
        if not in_range(length, 0, most):
            raise ApiError(
                413,
                f"The body is larger than {most:,} bytes; send less at once.",
                code="body_too_large",
            )


class _Visit:
    """One request on its way: what its answer's headers and its log line say."""

    def __init__(self, scope: Scope, headers: Headers, secure: bool) -> None:
        self.headers = headers
        given = headers.get("x-request-id", "")
        self.id = given if _REQUEST_ID.fullmatch(given) else f"req_{uuid4().hex}"
        self.more: dict[str, str] = {"strict-transport-security": _HSTS} if secure else {}
        self.status = 0
        self.caller = "-"
        self.gone = ""
        self._scope = scope
        self._began = time.perf_counter()
        scope["gnomon.request_id"] = self.id

    def sending(self, send: Send) -> Send:
        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                self.status = message["status"]
                message["headers"] = self.marked(message.get("headers", ()))
            await send(message)

        return guarded

    def marked(self, headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        """The headers of an answer, with ours in place of what a route says of the same name."""
        ours = {name.encode(): value.encode("latin-1") for name, value in self.more.items()}
        ours |= _ALWAYS | {b"x-request-id": self.id.encode()}
        kept = [pair for pair in headers if pair[0] not in ours]
        if all(name != b"cache-control" for name, _ in kept):
            ours[b"cache-control"] = b"no-store"
        return kept + list(ours.items())

    def close(self, metrics: Metrics, scope: Scope | None = None) -> None:
        """``scope`` is where the router left the route, if elsewhere."""
        took_s = time.perf_counter() - self._began
        route = getattr((scope or self._scope).get("route"), "path", "-")
        method = self._scope["method"]
        status = self.status or 499  # nginx's number for a client that left
        metrics.answered(method, route, status, took_s)
        told: Mapping[str, object] = {
            "request_id": self.id, "method": method, "route": route, "status": status,
            "took_ms": round(took_s * 1000, 1), "caller": self.caller, "gone": self.gone,
        }  # fmt: skip
        log.info("%s %s %s %d %.0f ms", self.id, method, route, status, took_s * 1000, extra=told)


def check_address(scope: Scope) -> None:
    """Raises ApiError where the address holds a key."""
    if KEY.search(scope.get("query_string", b"").decode("latin-1")):
        raise ApiError(
            400,
            "There is a key in the address, where proxies and logs keep it: revoke it, make "
            "another, and send that as 'Authorization: Bearer ...'.",
            code="key_in_address",
        )


def place_of(error: BaseException) -> str:
    """What failed and where, without the message of the error, which may quote somebody."""
    places = traceback.extract_tb(error.__traceback__)[-4:]
    where = " < ".join(f"{p.filename.rpartition('/')[2]}:{p.lineno}" for p in places[::-1])
    return f"{type(error).__name__} at {where}"


async def _respond(response: Response, scope: Scope, receive: Receive, send: Send) -> None:
    """Send a refusal; who does not even read that is left."""
    try:
        await response(scope, receive, send)
    except Gone:
        return


def _fault(id: str) -> ApiError:
    return ApiError(
        500,
        f"gnomon failed; its log says where under {id}.",
        type="server_error",
        code="internal",
    )
