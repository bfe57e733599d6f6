"""robots.txt, as RFC 9309 asks: read once a day at most for each site, and obeyed."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from protego import Protego

from gnomon.errors import Refused, Unreachable
from gnomon.sources.contract import Response

MAX_BYTES = 512 * 1024  # RFC 9309, section 2.5: at least 500 KiB must be parsed
KEEP_S = 24 * 3600.0  # section 2.4: not longer than a day
MAX_DELAY_S = 30.0


@dataclass(frozen=True, slots=True)
class _Rules:
    rules: Protego
    read_at: float


class Robots:
    """``get(url)`` fetches a robots.txt; ``agent`` is the name that its rules are looked up by."""

    def __init__(
        self,
        get: Callable[[str], Response],
        agent: str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._get = get
        self._agent = agent
        self._clock = clock
        self._known: dict[str, _Rules] = {}
        self._lock = threading.Lock()

    def check(self, url: str, site: str) -> float:
        """The crawl delay in seconds (0 if none). ``site`` is the URL's scheme and authority.

        Raises Refused where the rules forbid ``url``, and Unreachable where they cannot be read:
        the RFC then assumes that all is forbidden (section 2.3.1.4).
        """
        rules = self._rules(site)
        if not rules.can_fetch(url, self._agent):
            raise Refused(
                f"{site}/robots.txt forbids {url!r} to {self._agent}; ask the site, or find "
                "another source."
            )
        return min(MAX_DELAY_S, float(rules.crawl_delay(self._agent) or 0.0))

    def _rules(self, site: str) -> Protego:
        with self._lock:
            known = self._known.get(site)
        if known and self._clock() - known.read_at < KEEP_S:
            return known.rules
        response = self._get(f"{site}/robots.txt")
        if response.status >= 500 or response.status == 429:
            raise Unreachable(
                f"{site}/robots.txt answers {response.status}, so nothing there may be fetched "
                "now; try later."
            )
        # 4xx: there are no rules (section 2.3.1.3).
        text = response.body.decode("utf-8", "replace") if response.status < 300 else ""
        rules = Protego.parse(text)
        with self._lock:
            self._known[site] = _Rules(rules, self._clock())
        return rules
