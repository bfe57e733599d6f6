"""Asking an API as it wants to be asked: within the limits that its answers state, again and again.

What is read: Retry-After (RFC 9110, section 10.2.3; the driver obeys short ones itself) and the
rate-limit headers of Mastodon (https://docs.joinmastodon.org/api/rate-limits/), X
(https://docs.x.com/x-api/fundamentals/rate-limits) and Reddit
(https://support.reddithelp.com/hc/en-us/articles/16160319875092).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import TypeVar

from gnomon.errors import Unreachable
from gnomon.sources.contract import Fetch, Messages, Request, Response, Steps, Wait
from gnomon.sources.retry import budget_pause_s

T = TypeVar("T")
Asking = Generator[Request, Response | Messages | None, T]
"""Part of a source's steps that asks and brings back a value, without batches."""

PATIENCE_S = 16 * 60.0
"""The longest pause that is waited for within one round: X's and Mastodon's windows are shorter."""
TRIES = 3
MAX_POLL_S = 6 * 3600.0


@dataclass
class Asker:
    """Sends requests one after another, and pauses where an answer says the budget is spent."""

    now: Callable[[], float] = time.time
    patience_s: float = PATIENCE_S
    _pause_s: float = field(default=0.0, init=False)

    def ask(self, request: Fetch) -> Asking[Response]:
        """The answer to ``request``. Raises Unreachable where the other side asks for more
        patience than we have, and what the driver raises."""
        waited, tries = 0.0, 0
        while True:
            if self._pause_s:
                pause, self._pause_s = self._pause_s, 0.0
                yield Wait(pause)
            try:
                response = yield request
            except Unreachable as error:
                asked = error.retry_after_s
                tries += 1
                if asked is None or waited + asked > self.patience_s or tries >= TRIES:
                    raise
                waited += asked + 1.0
                yield Wait(asked + 1.0)
                continue
            assert isinstance(response, Response), "the driver answers a Fetch with a Response"
            spent = budget_pause_s(response.headers, self.now())
            self._pause_s = min(spent, self.patience_s)
            return response


def rounds(one: Callable[[], Steps], every_s: float | None) -> Steps:
    """``one()`` again and again with ``every_s`` between, or once where that is None.

    A round that fails for a reason that may pass (Unreachable) is waited out, longer each time;
    where there is to be one round only, the error is raised.
    """
    failures = 0
    while True:
        pause = every_s
        try:
            yield from one()
            failures = 0
        except Unreachable as error:
            if every_s is None:
                raise
            failures += 1
            pause = max(error.retry_after_s or 0.0, every_s * 2 ** min(failures, 8))
        if pause is None:
            return
        yield Wait(min(pause, MAX_POLL_S))
