"""What the owner lets in, and how much of it: the settings that the guards read."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Policy:
    """The defaults are those of a server for one person at one machine.

    ``exposed``: the port can be reached from other machines, so a key is always needed.
    ``hosts``: names the server answers to besides loopback (and, when exposed, its own address).
    ``public_url``: where others reach it through a proxy, as ``https://gnomon.example.org``.
    ``origins``: other pages' origins that may call the API, as ``https://app.example.org``.
    ``proxies``: addresses whose ``X-Forwarded-For`` is believed.
    ``open_loopback``: this machine needs no key even where there are keys.
    ``multi_user``: people sign in, each with a history of their own.
    Limits count from when keys or users are needed; 0 is no limit: ``requests_per_minute`` and
    ``tokens_per_day`` for each key or user, ``requests_per_minute_address`` for each address
    (IPv6: each /64), ``concurrent`` requests at once for each key or user;
    ``connections_address`` connections at once from each address that is no proxy, where exposed.
    ``deadline_s``: how long one question may take, its waiting included.
    ``header_timeout_s``, ``body_timeout_s``: for a client to send its headers, the next piece of
    its body; ``send_timeout_s``: to read what was sent. ``upload_mb``: the largest upload, in MiB.
    """

    exposed: bool = False
    hosts: tuple[str, ...] = ()
    public_url: str = ""
    origins: tuple[str, ...] = ()
    proxies: tuple[str, ...] = ()
    open_loopback: bool = False
    multi_user: bool = False
    requests_per_minute: int = 300
    requests_per_minute_address: int = 1200
    tokens_per_day: int = 0
    concurrent: int = 8
    connections_address: int = 256
    deadline_s: float = 300.0
    header_timeout_s: float = 10.0
    body_timeout_s: float = 20.0
    send_timeout_s: float = 60.0
    upload_mb: int = 100

    @property
    def secure(self) -> bool:
        """Whether people reach the server over TLS."""
        return self.public_url.startswith("https://")
