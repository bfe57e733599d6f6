"""What comes in over a realtime connection: sound, and where in it somebody speaks.

No I/O and no model: it is told how likely somebody speaks in each 32 ms, as Silero says, and tells
when a turn begins and ends (hysteresis and durations as in https://github.com/snakers4/silero-vad).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from gnomon.serve.realtime_session import Turns
from gnomon.types.spoken import Turned

WINDOW_MS = 32
STARTS = 3
"""So many windows of speech in a row begin a turn: a click has one or two."""
_BELOW = 0.15
"""A turn goes on until speech is this much less likely than what begins one."""
MOST_BYTES = 15 << 20
"""Of one turn, as with OpenAI: five minutes at 24 kHz."""
_IDLE_MS = 10_000
"""While nobody speaks, this much is kept."""
LEAST_MS = 100


class Buffer:
    """PCM (16-bit mono at ``rate``) since the last turn, in milliseconds of the conversation."""

    def __init__(self, rate: int) -> None:
        self.rate = rate
        self._pcm = bytearray()
        self._first_ms = 0.0

    @property
    def ms(self) -> float:
        """How much is held."""
        return len(self._pcm) / 2 / self.rate * 1000

    @property
    def end_ms(self) -> float:
        return self._first_ms + self.ms

    @property
    def full(self) -> bool:
        return len(self._pcm) > MOST_BYTES

    def add(self, pcm: bytes) -> None:
        self._pcm += pcm

    def take(self, start_ms: float | None = None, end_ms: float | None = None) -> bytes:
        """What lies between two moments; it and all before it are held no longer."""
        first = 0 if start_ms is None else self._at(start_ms)
        last = len(self._pcm) if end_ms is None else self._at(end_ms)
        taken = bytes(self._pcm[first:last])
        self._drop(last)
        return taken

    def forget(self, keep_ms: float = 0.0) -> None:
        """Hold no more than the last ``keep_ms``."""
        self._drop(max(0, len(self._pcm) - self._bytes(keep_ms)))

    def quiet(self) -> None:
        """Nobody speaks: what is long past will not be asked for."""
        self.forget(_IDLE_MS)

    def _bytes(self, ms: float) -> int:
        return 2 * int(ms * self.rate / 1000)

    def _at(self, ms: float) -> int:
        return min(len(self._pcm), max(0, self._bytes(ms - self._first_ms)))

    def _drop(self, size: int) -> None:
        self._first_ms += size / 2 / self.rate * 1000
        del self._pcm[:size]


class Ear:
    """Takes how likely speech is, window by window; gives the turns' beginnings and ends."""

    def __init__(self, turns: Turns, at_ms: float = 0.0) -> None:
        self._turns = turns
        self._now_ms = at_ms
        self._loud = 0
        self._quiet_ms = 0
        self.speaking = False

    def listen(self, speech: Iterable[float]) -> Iterator[Turned]:
        for likely in speech:
            self._now_ms += WINDOW_MS
            if self.speaking:
                quiet = likely < self._turns.threshold - _BELOW
                self._quiet_ms = self._quiet_ms + WINDOW_MS if quiet else 0
                if self._quiet_ms >= self._turns.silence_ms:
                    self.speaking, self._loud = False, 0
                    yield Turned(False, int(self._now_ms))
                continue
            self._loud = self._loud + 1 if likely >= self._turns.threshold else 0
            if self._loud >= STARTS:
                self.speaking, self._quiet_ms = True, 0
                began = self._now_ms - STARTS * WINDOW_MS - self._turns.prefix_ms
                yield Turned(True, int(max(0, began)))
