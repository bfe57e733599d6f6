"""How a long stage says where it is: the same values for the terminal, the page and a test."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Progress:
    """``done`` of ``total`` (0: not known) in ``unit``; ``values`` are what to watch, such as loss
    or tokens/s. ``left_s`` None: not known yet."""

    stage: str
    done: int
    total: int
    unit: str
    left_s: float | None = None
    values: Mapping[str, float] = field(default_factory=dict)


class Reporter(Protocol):
    """Who is told. Both may be called as often as a stage likes; showing less is theirs."""

    def say(self, line: str) -> None:
        """Something that happened once."""
        ...

    def at(self, progress: Progress) -> None:
        """Where a stage is."""
        ...


class Lines:
    """Lines on standard error: each ``say``, and of one stage's progress one every ``every_s``
    seconds and the last."""

    def __init__(self, every_s: float = 2.0) -> None:
        self._every_s = every_s
        self._last = ("", float("-inf"))

    def say(self, line: str) -> None:
        print(line, file=sys.stderr, flush=True)

    def at(self, progress: Progress) -> None:
        stage, then = self._last
        now = time.monotonic()
        finished = 0 < progress.total <= progress.done
        if stage == progress.stage and now - then < self._every_s and not finished:
            return
        self._last = (progress.stage, now)
        self.say(line_of(progress))


class Silence:
    """Nobody is told."""

    def say(self, line: str) -> None:
        return None

    def at(self, progress: Progress) -> None:
        return None


def line_of(progress: Progress) -> str:
    """``pretrain: 120 of 400 steps, loss 4.31, 21000 tokens/s, 2 min left``"""
    of = f" of {progress.total:,}" if progress.total else ""
    parts = [f"{progress.done:,}{of} {progress.unit}"]
    parts += [f"{name} {value:.4g}" for name, value in progress.values.items()]
    if progress.left_s is not None:
        parts.append(f"{_span(progress.left_s)} left")
    return f"{progress.stage}: " + ", ".join(parts)


def _span(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
