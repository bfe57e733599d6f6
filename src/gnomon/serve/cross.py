"""Names and origins: which pages in a browser may speak to this server.

* The Host header must be a name of ours. A page elsewhere that rebinds its own name to our
  address (DNS rebinding) still sends its own name.
* An Origin other than ours is refused, whatever the method: CORS is closed. So is what the browser
  says another page asks for (Sec-Fetch-Site), links to us excepted. The owner may list origins;
  those get the headers that a browser asks for, and never credentials of a cookie.

https://fetch.spec.whatwg.org/#http-cors-protocol
"""

from __future__ import annotations

import socket
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import Scope

from gnomon.serve.http import ApiError
from gnomon.serve.policy import Policy

LOOPBACK = ("localhost", "127.0.0.1", "[::1]")
EXPOSED = "x-request-id, retry-after, x-ratelimit-limit-requests, x-ratelimit-remaining-requests, \
x-ratelimit-reset-requests, x-ratelimit-limit-tokens, x-ratelimit-remaining-tokens, \
x-ratelimit-reset-tokens"
PREFLIGHT_S = 600


@dataclass(frozen=True, slots=True)
class Names:
    """The names and origins of one server."""

    hosts: frozenset[str]
    origins: frozenset[str]
    exposed: bool
    public: str  # the origin of ``public_url``; "" without one

    @classmethod
    def of(cls, policy: Policy) -> Names:
        hosts = {*LOOPBACK, *(host.casefold() for host in policy.hosts)}
        public = urlsplit(policy.public_url)
        if public.hostname:
            hosts.add(_bracketed(public.hostname))
        if policy.exposed:
            # A name that only this network gives out cannot be pointed at us from elsewhere.
            own = socket.gethostname().casefold()
            hosts |= {own, f"{own.partition('.')[0]}.local"}
        origins = frozenset(origin.rstrip("/").casefold() for origin in policy.origins)
        origin = f"{public.scheme}://{public.netloc}".casefold() if public.netloc else ""
        return cls(frozenset(hosts), origins, policy.exposed, origin)

    def refusal(self, scope: Scope, headers: Headers) -> ApiError | None:
        """Why a request may not come in at all; None where it may."""
        host = headers.get("host", "")
        if not self._answers_to(_name(host), scope):
            return ApiError(
                403,
                f"This server does not answer to the name {host[:80]!r}; "
                f"use {' or '.join(sorted(self.hosts))}, or add yours to the setting `hosts`.",
                code="forbidden_host",
            )
        origin = headers.get("origin")
        if _from_elsewhere(headers) and not (origin and self.is_listed(origin)):
            return forbidden(origin or "elsewhere")
        if origin is None or self.is_own(origin, host) or self.is_listed(origin):
            return None
        return forbidden(origin)

    def is_own(self, origin: str, host: str) -> bool:
        """Whether an Origin header names the page that this server itself gave out."""
        parts = urlsplit(origin.casefold())
        if parts.scheme not in ("http", "https"):
            return False
        if self.public and _name(host) == _name(urlsplit(self.public).netloc):
            return origin.casefold() == self.public
        return parts.netloc == host.casefold()

    def is_listed(self, origin: str) -> bool:
        """Whether the owner listed this origin."""
        return origin.casefold() in self.origins

    def _answers_to(self, name: str, scope: Scope) -> bool:
        if name in self.hosts:
            return True
        # Where others may come at all, the very address that they connected to is ours; only
        # names can be rebound, an address cannot.
        own = scope.get("server")
        return self.exposed and own is not None and name == _bracketed(str(own[0]))


def _from_elsewhere(headers: Headers) -> bool:
    """Whether the browser says that a page elsewhere asks for this as a part of itself: a picture,
    a script, a fetch. It could not read the answer, but it could time it, and so learn what is held
    (https://web.dev/articles/fetch-metadata). Following a link to us is no such thing."""
    site, mode = headers.get("sec-fetch-site"), headers.get("sec-fetch-mode")
    return site in ("cross-site", "same-site") and mode != "navigate"


def forbidden(origin: str) -> ApiError:
    return ApiError(
        403, f"Pages from {origin[:80]!r} may not use this server.", code="forbidden_origin"
    )


def allowing(origin: str) -> dict[str, str]:
    """The headers of an answer to a listed origin."""
    return {
        "access-control-allow-origin": origin,
        "access-control-expose-headers": EXPOSED,
        "cross-origin-resource-policy": "cross-origin",
    }


def preflight(headers: Headers) -> dict[str, str] | None:
    """The answer to a listed origin's preflight; None where the request is none."""
    method = headers.get("access-control-request-method")
    if method is None:
        return None
    asked = headers.get("access-control-request-headers", "authorization, content-type")
    return {
        "access-control-allow-methods": "GET, POST, DELETE, PUT, PATCH",
        "access-control-allow-headers": asked[:1000],
        "access-control-max-age": str(PREFLIGHT_S),
    }


def _bracketed(name: str) -> str:
    return f"[{name}]" if ":" in name and not name.startswith("[") else name.casefold()


def _name(host: str) -> str:
    """The host without its port: ``127.0.0.1:8080`` and ``[::1]:8080`` alike."""
    name, _, port = host.rpartition(":")
    return (name if name and port.isdecimal() else host).casefold()
