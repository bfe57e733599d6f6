"""What callers have had: requests and tokens, counted and refused.

A refusal is 429 with ``retry-after`` and ``x-ratelimit-*``, as OpenAI's clients obey them. How
many tokens an answer takes is known only after it: who has any left is answered, and what it took
is counted then, below zero if need be.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

from gnomon.serve.caller import Caller
from gnomon.serve.http import ApiError
from gnomon.serve.keys import Key
from gnomon.serve.limits import Limiter, Rate, Standing, address_name, rate_headers
from gnomon.serve.metrics import Metrics
from gnomon.serve.policy import Policy

MINUTE_S, DAY_S = 60.0, 86_400.0


def spent(asked: int, said: int) -> None:
    """Tell the guards what an answer took: tokens of the question and of the answer. To be called
    once, in the task of the request or one that it started."""
    visitor = _visitor.get()
    if visitor is not None:
        visitor.spend(asked, said)


def seat() -> Callable[[], None]:
    """Take one of the caller's places among the questions that run or wait; what is returned gives
    it back. In the background, too, where no request counts any more. Raises ApiError 429."""
    visitor = _visitor.get()
    return visitor.sit() if visitor is not None else lambda: None


class Visitor:
    """Whose request it is, for whoever works on it. Used in the event loop alone."""

    def __init__(self, spend: Callable[[int, int], None], sit: Callable[[], Callable[[], None]]):
        self.spend = spend
        self.sit = sit


_visitor: ContextVar[Visitor | None] = ContextVar("gnomon_visitor", default=None)


class Quota:
    """``key_of`` finds a key's own limits by its id; without them the policy's hold."""

    def __init__(
        self, limiter: Limiter, policy: Policy, key_of: Callable[[str], Key | None]
    ) -> None:
        self._limiter = limiter
        self._policy = policy
        self._key_of = key_of
        self._running: Counter[str] = Counter()

    def visit(self, address: str) -> None:
        """Count one request of an address. Raises ApiError 429."""
        if limit := self._policy.requests_per_minute_address:
            name = f"address {address_name(address)}"
            standing = self._limiter.take(name, Rate(limit, MINUTE_S))
            if not standing.allowed:
                raise _refused("requests", standing, "your address", "minute")

    @contextmanager
    def spending(self, caller: Caller, metrics: Metrics) -> Iterator[dict[str, str]]:
        """Count one request of ``caller`` while it runs, and what it spends. Yields the headers
        that tell where the caller stands. Raises ApiError 429."""
        key = self._key_of(caller.key) if caller.key else None
        told, tokens = self._take(caller, key)
        name = caller.key or caller.id
        leave = self._enter(f"requests {name}", told)

        def spend(asked: int, said: int) -> None:
            metrics.tokens(asked, said)
            if tokens is not None:
                self._limiter.take(f"tokens {name}", tokens, asked + said, force=True)

        before = _visitor.set(Visitor(spend, lambda: self._enter(f"questions {name}", {})))
        try:
            yield told
        finally:
            _visitor.reset(before)
            leave()

    @contextmanager
    def unlimited(self, metrics: Metrics) -> Iterator[None]:
        """Only count what is spent, for the metrics."""
        before = _visitor.set(Visitor(metrics.tokens, lambda: lambda: None))
        try:
            yield
        finally:
            _visitor.reset(before)

    def _enter(self, name: str, told: Mapping[str, str]) -> Callable[[], None]:
        most = self._policy.concurrent
        if most and self._running[name] >= most:
            raise ApiError(
                429,
                f"{most} of your requests are being answered already; wait for one of them.",
                type="too_many_requests",
                code="too_many_at_once",
                headers={**told, "retry-after": "1"},
            )
        self._running[name] += 1

        def leave() -> None:
            self._running[name] -= 1
            if not self._running[name]:
                del self._running[name]

        return leave

    def _take(self, caller: Caller, key: Key | None) -> tuple[dict[str, str], Rate | None]:
        name = caller.key or caller.id
        told: dict[str, str] = {}
        tokens: Rate | None = None
        limit = _first(key.tokens_per_day if key else None, self._policy.tokens_per_day)
        if limit:
            tokens = Rate(limit, DAY_S)
            standing = self._limiter.take(f"tokens {name}", tokens, 0)
            told |= rate_headers("tokens", standing)
            if not standing.allowed:
                raise _refused("tokens", standing, "your key or account", "day")
        limit = _first(key.requests_per_minute if key else None, self._policy.requests_per_minute)
        if limit:
            standing = self._limiter.take(f"requests {name}", Rate(limit, MINUTE_S))
            told |= rate_headers("requests", standing)
            if not standing.allowed:
                raise _refused("requests", standing, "your key or account", "minute")
        return told, tokens


def _first(own: int | None, general: int) -> int:
    return general if own is None else own


def _refused(kind: str, standing: Standing, whose: str, period: str) -> ApiError:
    wait_s = max(1, math.ceil(standing.retry_after_s))
    return ApiError(
        429,
        f"Rate limit reached for {whose}: {standing.limit:,} {kind} a {period}; try again in "
        f"{wait_s} s.",
        type="too_many_requests",
        code="rate_limit_exceeded",
        headers=rate_headers(kind, standing) | {"retry-after": str(wait_s)},
    )
