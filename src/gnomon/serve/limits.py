"""How much a caller may have: one number for each limit, which survives a restart.

The generic cell rate algorithm (https://en.wikipedia.org/wiki/Generic_cell_rate_algorithm, ITU-T
I.371): a limit of ``limit`` units in ``period_s`` is a bucket that refills steadily. All that is
kept is the moment at which it is full again. From that follow exactly what is left, when to come
back, and OpenAI's "time until the limit resets to its initial state"
(https://platform.openai.com/docs/guides/rate-limits#rate-limits-in-headers).
"""

from __future__ import annotations

import ipaddress
import math
import threading
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass

from gnomon.errors import StoreError
from gnomon.serve.database import Database

MAX_NAMES = 100_000
"""Buckets held at most; beyond that those go first that are nearest to full."""

_TABLE = "CREATE TABLE limits (name TEXT PRIMARY KEY, full_at REAL NOT NULL) WITHOUT ROWID"


@dataclass(frozen=True, slots=True)
class Rate:
    """``limit`` units in ``period_s`` seconds, all of which may come at once."""

    limit: int
    period_s: float


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a bucket stands. ``remaining`` units may come now; it is full again in ``reset_s``;
    what was refused may come in ``retry_after_s``."""

    allowed: bool
    limit: int
    remaining: int
    reset_s: float
    retry_after_s: float = 0.0


class Limiter:
    """Buckets by name, in memory, written to ``database`` by ``flush``. Thread-safe.

    ``clock`` gives epoch seconds: a bucket must mean the same after a restart.
    """

    def __init__(
        self, database: Database | None = None, clock: Callable[[], float] = time.time
    ) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._database = database
        self._full_at: dict[str, float] = {}
        self._changed: set[str] = set()
        if database is not None:
            database.tables("limits", _TABLE)
            now = clock()
            rows = database.run("SELECT name, full_at FROM limits WHERE full_at > ?", (now,))
            self._full_at = dict(rows)

    def take(self, name: str, rate: Rate, cost: float = 1.0, *, force: bool = False) -> Standing:
        """Take ``cost`` units if they are there. With ``force`` they are taken even if not, so
        that the bucket owes them: for what has been used already. Cost 0 only looks: it is
        refused where not even one unit is left."""
        with self._lock:
            now = self._clock()
            each_s = rate.period_s / rate.limit
            # No debt lasts longer than a period more, nor does a clock that was set back.
            latest = now + 2 * rate.period_s
            held = max(self._full_at.get(name, now), now)
            if held > latest:
                self._full_at[name] = held = latest
            after = min(held + cost * each_s, latest)
            over_s = held + max(cost, 1.0) * each_s - now - rate.period_s
            # A microsecond of grace: sums of floats are not exact.
            allowed = over_s <= 1e-6
            if (allowed or force) and cost:
                self._full_at[name] = held = after
                self._changed.add(name)
                if len(self._full_at) > MAX_NAMES:
                    self._forget(now)
            left = max(0, math.floor((now + rate.period_s - held) / each_s + 1e-6))
            return Standing(allowed, rate.limit, left, held - now, max(0.0, over_s))

    def flush(self) -> None:
        """Write what changed, and forget what is full again. Raises StoreError."""
        with self._lock:
            now = self._clock()
            self._full_at = {name: at for name, at in self._full_at.items() if at > now}
            changed, self._changed = self._changed, set()
            rows = [(name, self._full_at[name]) for name in changed if name in self._full_at]
        if self._database is None or not changed:
            return
        try:
            with self._database.transaction():
                for row in rows:
                    self._database.run("REPLACE INTO limits VALUES (?, ?)", row)
                self._database.run("DELETE FROM limits WHERE full_at <= ?", (now,))
        except StoreError:
            with self._lock:
                self._changed |= changed  # for the next try
            raise

    def drop(self, names: Collection[str]) -> None:
        """Forget what was counted under ``names``. Raises StoreError."""
        with self._lock:
            for name in names:
                self._full_at.pop(name, None)
                self._changed.discard(name)
        if self._database is not None:
            for name in names:
                self._database.run("DELETE FROM limits WHERE name = ?", (name,))

    def _forget(self, now: float) -> None:
        kept = sorted(self._full_at.items(), key=lambda item: item[1])[MAX_NAMES // 10 :]
        self._full_at = {name: at for name, at in kept if at > now}


def address_name(address: str) -> str:
    """What an address is counted as: itself, or the /64 of an IPv6 address, which is what one
    household has (https://www.rfc-editor.org/rfc/rfc6177)."""
    try:
        ip = ipaddress.ip_address(address.split("%", 1)[0])
    except ValueError:
        return "elsewhere"
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped:
            return str(ip.ipv4_mapped)
        return str(ipaddress.ip_network((ip, 64), strict=False))
    return str(ip)


def rate_headers(kind: str, standing: Standing) -> dict[str, str]:
    """``x-ratelimit-*`` as OpenAI has them; ``kind`` is "requests" or "tokens"."""
    return {
        f"x-ratelimit-limit-{kind}": str(standing.limit),
        f"x-ratelimit-remaining-{kind}": str(standing.remaining),
        f"x-ratelimit-reset-{kind}": duration(standing.reset_s),
    }


def duration(seconds: float) -> str:
    """As OpenAI writes one: ``120ms``, ``1.5s``, ``6m0s``, ``1h2m3s``."""
    if seconds < 1:
        return f"{math.ceil(seconds * 1000)}ms"
    if seconds < 60:
        return f"{math.ceil(seconds * 10) / 10:g}s"
    minutes, rest = divmod(math.ceil(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{f'{hours}h' if hours else ''}{minutes}m{rest}s"
