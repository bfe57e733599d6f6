"""What a set is to the runner."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gnomon.lab.evaluate.results import Result
from gnomon.lab.evaluate.scoring import At, Scorer, nobody


@dataclass(frozen=True, slots=True)
class Run:
    """How a set is asked. ``shots``: solved examples before the question, None for the set's own
    usual number; ``most``: tokens of an answer that is generated; ``of``: how many items the file
    has, of which the runner may have taken a part."""

    shots: int | None = None
    most: int = 256
    of: int = 0
    at: At = nobody


@dataclass(frozen=True, slots=True)
class EvalSet:
    """``files`` are how the names of its file begin. ``read`` gives the items of that file, ``ask``
    what a model makes of some of them. ``quick`` is how many items a first look takes."""

    name: str
    what: str
    files: tuple[str, ...]
    link: str
    quick: int
    read: Callable[[Path], Sequence[Any]]
    ask: Callable[[Sequence[Any], Scorer, Run], list[Result]]
