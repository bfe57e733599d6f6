"""A span of work, and what it took."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from gnomon.energy.counters import Found, Rapl, Unreadable, find
from gnomon.types.measured import Joules

LOOK_EVERY_S = 20.0


@dataclass(frozen=True, slots=True)
class Mark:
    """A moment: ``at`` on the meter's clock, the joules of all counters together since some other
    moment (None where one cannot be read), how often each was lost sight of until then."""

    at: float
    joules: float | None
    lost: tuple[int, ...]
    why: str


class Meter:
    """A span of work with a beginning, read as often as one likes. Thread-safe.

    ``idle_s`` > 0: before it first begins, so long is waited to see what the machine takes doing
    nothing (only where there is a counter); ten seconds tell it truly.
    """

    def __init__(
        self,
        found: Found | None = None,
        *,
        idle_s: float = 0.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.found = find() if found is None else found
        self.idle_watts: float | None = None
        self._idle_s = idle_s
        self._clock = clock
        self._end = threading.Event()
        self._watch: threading.Thread | None = None
        self._begun: Mark | None = None
        self._ended: Joules | None = None

    def start(self) -> Self:
        """Begin, anew if it had begun."""
        self._ended = None
        if self._end.is_set():
            self._end, self._watch = threading.Event(), None
        if self._watch is None and any(isinstance(one, Rapl) for one in self.found.counters):
            self._watch = threading.Thread(target=self._look, name="gnomon-energy", daemon=True)
            self._watch.start()
        if self._idle_s and self.idle_watts is None and self.found.counters:
            before = self.mark()
            time.sleep(self._idle_s)
            self.idle_watts = self.since(before).watts
        self._begun = self.mark()
        return self

    def _look(self) -> None:
        """See to it that no counter wraps around unseen."""
        while not self._end.wait(LOOK_EVERY_S):
            self.mark()

    def mark(self) -> Mark:
        """Now, to be handed to ``since`` later."""
        counters = self.found.counters
        joules, why = None, self.found.why
        if counters:
            try:
                joules = sum(counter.joules() for counter in counters)
            except Unreadable as error:
                why = f"not measured: {error}"
        return Mark(self._clock(), joules, tuple(counter.lost for counter in counters), why)

    def since(self, before: Mark) -> Joules:
        """What was taken since ``before``."""
        now = self.mark()
        seconds, device = now.at - before.at, self.found.device
        if now.joules is None or before.joules is None:
            why = now.why if now.joules is None else before.why
            return Joules(None, seconds, device, self.idle_watts, why)
        if now.lost != before.lost:
            why = "not measured: a counter was not looked at for so long that it may have wrapped"
            return Joules(None, seconds, device, self.idle_watts, why)
        shortest = max(counter.shortest_s for counter in self.found.counters)
        why = now.why
        if short := seconds < shortest:
            why = "; ".join(filter(None, [f"too short a span to trust: under {shortest:g} s", why]))
        return Joules(now.joules - before.joules, seconds, device, self.idle_watts, why, short)

    def read(self) -> Joules:
        """What the span has taken so far (where it was stopped, in all)."""
        if self._ended is not None:
            return self._ended
        assert self._begun is not None, "a meter is started before it is read"
        return self.since(self._begun)

    def stop(self) -> Joules:
        """End the span; ``read`` says the same from then on."""
        self._ended = self.read()
        self.close()
        return self._ended

    def close(self) -> None:
        """Let go of the thread that watches the counters."""
        self._end.set()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
