"""The guard against being sent to places that only this machine can reach (SSRF).

A name is resolved by us, every address it has must be public, and the connection goes to the very
address that was checked: a second DNS answer is never asked for, so it cannot differ. The owner's
own servers are let through by name and port (``allow``), and only when the owner's own URL, not a
redirect from elsewhere, leads to them.

https://cheatsheetseries.owasp.org/cheatsheets/Server_Side_Request_Forgery_Prevention_Cheat_Sheet.html
"""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from gnomon.errors import Refused, Unreachable
from gnomon.sources.admission import quoted

Resolver = Callable[[str, int], Sequence[str]]
"""``(host, port)`` to the addresses of the host, as strings. Raises OSError when there are none."""

DEFAULT_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}

# Ports that speak other protocols: those that browsers refuse (https://fetch.spec.whatwg.org/
# #port-blocking) among the unprivileged ones, and common databases and control sockets.
_BAD_PORTS = frozenset(
    {1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, 6679, 6697, 10080}
    | {*range(6665, 6670)}
    | {1433, 1521, 2375, 2376, 2379, 2380, 3306, 3389, 5432, 5672, 5900, 6379, 9042, 9200, 9300}
    | {10250, 10255, 11211, 27017}
)
# What ``ipaddress`` of Python 3.11 calls global and the registries do not
# (https://www.iana.org/assignments/iana-ipv4-special-registry, .../iana-ipv6-special-registry).
_SPECIAL = tuple(
    ipaddress.ip_network(network)
    for network in (
        "192.0.0.0/24",  # protocol assignments
        "192.88.99.0/24",  # 6to4 relay anycast
        "64:ff9b:1::/48",  # NAT64 for local use
        "2001::/23",  # protocol assignments, Teredo among them
        "3fff::/20",  # documentation
        "5f00::/16",  # segment routing
        "fec0::/10",  # site-local
    )
)
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_MAPPED = ipaddress.ip_network("::/96")  # IPv4-compatible, deprecated
_ODD = re.compile(r"[\x00-\x20\x7f\\]")
_NUMERIC_HOST = re.compile(r"(?:0x[0-9a-f]*|\d+)(?:\.(?:0x[0-9a-f]*|\d+))*\.?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a URL leads: ``authority`` is ``host:port`` with the port always written."""

    scheme: str
    host: str
    port: int

    @property
    def authority(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def secure(self) -> bool:
        return self.scheme in ("https", "wss")


def place_of(url: str, schemes: Collection[str] = ("http", "https")) -> Place:
    """Read a URL strictly. Raises Refused for anything but a plain public-looking address."""
    if _ODD.search(url):
        raise Refused(f"{quoted(url)} holds spaces, backslashes or control characters; mend it.")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise Refused(f"{quoted(url)} is no URL ({error}); check it.") from error
    if parts.scheme not in schemes:
        raise Refused(f"{quoted(url)} is refused: only {', '.join(schemes)} URLs are fetched.")
    if "@" in parts.netloc:
        raise Refused("URLs that carry a user name or password are refused; leave them out.")
    if not host:
        raise Refused(f"{quoted(url)} names no host; give a whole URL.")
    return Place(parts.scheme, host.lower(), port or DEFAULT_PORTS[parts.scheme])


def system_resolver(host: str, port: int) -> list[str]:
    """The system's answer, each address once."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


@dataclass(frozen=True, slots=True)
class Guard:
    """``allow`` holds ``host:port`` of the owner's own servers; ``resolver`` asks the DNS."""

    allow: frozenset[str] = frozenset()
    resolver: Resolver = system_resolver

    def allowed(self, place: Place) -> bool:
        return place.authority in self.allow

    def check(self, place: Place, *, trusted: bool = True) -> None:
        """Refuse by what the URL itself says. ``trusted`` is False for a redirect that comes
        from a place that is not the owner's own: such a one may not lead to the owner's own."""
        if self.allowed(place):
            if trusted:
                return
            raise Refused(f"a redirect from elsewhere leads to your own {place.authority}.")
        if place.port not in (80, 443) and (place.port < 1024 or place.port in _BAD_PORTS):
            raise Refused(
                f"{place.authority} is refused: port {place.port} is not one that web servers "
                f"use; if it is your own server, allow {place.authority!r}."
            )
        address = _literal(place.host)
        if address is not None:
            self._require_public(place, [str(address)])
        elif _NUMERIC_HOST.fullmatch(place.host):
            raise Refused(f"{place.host!r} is an IP address in disguise; write it plainly.")

    def addresses(self, place: Place, *, trusted: bool = True) -> list[str]:
        """The addresses to connect to, all of them vetted. Raises Refused or Unreachable."""
        self.check(place, trusted=trusted)
        try:
            found = list(self.resolver(place.host, place.port))
        except (OSError, UnicodeError) as error:
            raise Unreachable(
                f"the name {place.host!r} has no address ({error}); check it and the network."
            ) from error
        if not found:
            raise Unreachable(f"the name {place.host!r} has no address; check it.")
        if not self.allowed(place):
            self._require_public(place, found)
        return found

    def _require_public(self, place: Place, addresses: Sequence[str]) -> None:
        for address in addresses:
            if not is_public(address):
                raise Refused(
                    f"{place.authority} is refused: {address} is not a public address; "
                    f"if it is your own server, allow {place.authority!r}."
                )


def is_public(address: str) -> bool:
    """Whether an address is on the public internet, whatever it is wrapped in.

    IPv4 inside IPv6 (mapped, compatible, NAT64, 6to4) is judged by the IPv4 address within.
    """
    try:
        ip = ipaddress.ip_address(address.split("%", 1)[0])
    except ValueError:
        return False
    if "%" in address:  # an address with a zone is link-local
        return False
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour
        if inner is None and (ip in _NAT64 or ip in _MAPPED):
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(str(inner))
    if any(ip.version == network.version and ip in network for network in _SPECIAL):
        return False
    return ip.is_global and not (
        ip.is_private
        or ip.is_loopback
        or ip.is_link_local
        or ip.is_multicast
        or ip.is_reserved
        or ip.is_unspecified
    )


def _literal(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host.split("%", 1)[0])
    except ValueError:
        return None
