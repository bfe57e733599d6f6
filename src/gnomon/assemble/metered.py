"""What answers take: joules beside each receipt, where this machine has a counter."""

from __future__ import annotations

import ipaddress
import threading
from collections.abc import Callable, Generator, Iterator
from dataclasses import replace
from typing import TypeVar
from urllib.parse import urlsplit

from gnomon import energy
from gnomon.config import Config
from gnomon.energy import Joules, Meter
from gnomon.energy.meter import Mark

T = TypeVar("T")
IDLE_S = 10.0
"""A stretch without any answer that tells what the machine takes besides."""
ELSEWHERE = "not in it: the chat model, which runs on another machine"
TOGETHER = "another answer was made at the same time, and is in it, too"


class Answers:
    """The energy of answers. A counter has all of its device in it, so answers that were made at
    the same time say so. Idle power is that of the last stretch of ``IDLE_S`` or more in which none
    was made. Thread-safe; nothing is opened before the first answer."""

    def __init__(self, find: Callable[[], energy.Found] = energy.find) -> None:
        self._find = find
        self._lock = threading.Lock()
        self._meter: Meter | None = None
        self._running: set[Spent] = set()
        self._quiet: Mark | None = None

    @property
    def meter(self) -> Meter:
        with self._lock:
            if self._meter is None:
                self._meter = Meter(self._find()).start()
                self._quiet = self._meter.mark()
            return self._meter

    def told(self) -> dict[str, str]:
        """What is measured here, and what is not and why."""
        found = self.meter.found
        return {"device": found.device, "why": found.why}

    def of_one(self, *, elsewhere: bool = False) -> Spent:
        """The meter of one answer; ``elsewhere``: its chat model runs on another machine."""
        return Spent(self, self.meter, elsewhere)

    def begin(self, one: Spent) -> Mark:
        meter = self.meter
        with self._lock:
            if not self._running and self._quiet is not None:
                still = meter.since(self._quiet)
                if still.seconds >= IDLE_S and still.watts is not None:
                    meter.idle_watts = still.watts
            self._running.add(one)
            if len(self._running) > 1:
                for other in self._running:
                    other.together = True
        return meter.mark()

    def end(self, one: Spent) -> None:
        with self._lock:
            self._running.discard(one)
            if not self._running and self._meter is not None:
                self._quiet = self._meter.mark()

    def close(self) -> None:
        if self._meter is not None:
            self._meter.close()


class Spent:
    """What one answer has taken since its first event was asked for."""

    def __init__(self, answers: Answers, meter: Meter, elsewhere: bool) -> None:
        self._answers = answers
        self._meter = meter
        self._elsewhere = elsewhere
        self._begun: Mark | None = None
        self.together = False

    def joules(self) -> Joules | None:
        """So far; None where nothing is measured."""
        if self._begun is None or not self._meter.found.counters:
            return None
        spent = self._meter.since(self._begun)
        if spent.joules is None:
            return spent
        more = [ELSEWHERE] if self._elsewhere else []
        more += [TOGETHER] if self.together else []
        return replace(spent, why="; ".join(filter(None, [spent.why, *more])))

    def over(self, events: Iterator[T]) -> Generator[T, None, None]:
        """``events``, measured from the first to the last."""
        self._begun = self._answers.begin(self)
        try:
            yield from events
        finally:
            self._answers.end(self)
            if isinstance(events, Generator):
                events.close()


def is_elsewhere(config: Config) -> bool:
    """Whether the chat model answers at an address that is not this machine's."""
    url = config.chat_model if "://" in config.chat_model else ""
    host = urlsplit(url).hostname or ""
    try:
        return bool(host) and host != "localhost" and not ipaddress.ip_address(host).is_loopback
    except ValueError:
        return True
