"""JSON lines from another program, as they come: posts, and ``{"delete": ID}``."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import IO

from gnomon.errors import InputError
from gnomon.sources.admission import DEFAULT_LIMITS, Limits, admit, set_aside
from gnomon.sources.contract import Steps, Wait
from gnomon.sources.gather import BATCH_ROWS, Gathered
from gnomon.sources.lines import Line, bounded_lines
from gnomon.sources.rows import post_from_row
from gnomon.sources.tables import json_object, too_long
from gnomon.types import Deletion, Post, SetAside

FLUSH_S = 1.0


@dataclass
class Pipe:
    """``stream`` is binary (``sys.stdin.buffer``). A batch is handed on at 1000 rows or after a
    second. A pipe has no cursor: what was read and not yet written is the writer's to send again.
    """

    stream: IO[bytes]
    name: str = "pipe"
    namespace: str = ""
    limits: Limits = DEFAULT_LIMITS
    now: Callable[[], float] = time.time

    def steps(self, cursor: str | None) -> Steps:
        """Until the other program closes its end."""
        lines: queue.Queue[Line | Exception | None] = queue.Queue(2 * BATCH_ROWS)
        reader = threading.Thread(target=self._pump, args=(lines,), daemon=True)
        reader.start()
        full = Gathered(self.name)
        ended = False
        while not ended:
            rows, ended = _gather(lines)
            for line in rows:
                thing = self._thing(line)
                if thing is None:
                    continue
                if full.undoes(thing):
                    yield full.take(None)
                full.add(thing)
                if full.ready:
                    yield full.take(None)
            if full:
                yield full.take(None)
            elif not ended:
                yield Wait(0.0)  # lets the driver see whether the owner stops

    def _pump(self, lines: queue.Queue[Line | Exception | None]) -> None:
        """On its own thread, because reading a pipe cannot be given a time limit."""
        try:
            for line in bounded_lines(self.stream.readline, self._longest):
                lines.put(line)
        except (OSError, ValueError) as error:  # closed under us
            lines.put(error)
        lines.put(None)

    @property
    def _longest(self) -> int:
        return 3 * self.limits.max_post_bytes + 2**20

    def _thing(self, line: Line | Exception) -> Post | Deletion | SetAside | None:
        """What a line brings; None for an empty one."""
        now = self.now()
        if isinstance(line, Exception):
            reason = f"reading failed ({line}); what came before is kept: send the rest again."
            return set_aside(self.name, self.name, reason, now)
        where = f"{self.name}, line {line.number}"
        if not line.complete:
            return set_aside(self.name, where, too_long(line, self._longest), now, line.data)
        if not line.data.strip():
            return None
        row, problem = json_object(line.data)
        if row is None:
            return set_aside(self.name, where, problem, now, line.data)
        try:
            if "delete" in row and "text" not in row:
                return self._deletion(row["delete"], now)
            post = post_from_row(row, source=self.name, fetched_at=now, namespace=self.namespace)
        except InputError as error:
            return set_aside(self.name, where, str(error), now, line.data)
        refused = admit(post, now=now, limits=self.limits)
        if refused:
            return set_aside(self.name, where, refused.reason, now, line.data)
        return post

    def _deletion(self, value: object, now: float) -> Deletion:
        gone = str(value) if isinstance(value, str | int) else ""
        if not gone:
            raise InputError(f"'delete' is {value!r}; give the id of a post, as a string.")
        if self.namespace and not gone.startswith(f"{self.namespace}:"):
            gone = f"{self.namespace}:{gone}"
        return Deletion(self.name, now, post=gone)


def _gather(
    lines: queue.Queue[Line | Exception | None],
) -> tuple[list[Line | Exception], bool]:
    """What comes within a second, at most a batch; and whether the stream has ended."""
    rows: list[Line | Exception] = []
    ends = time.monotonic() + FLUSH_S
    while len(rows) < BATCH_ROWS:
        left = ends - time.monotonic()
        if left <= 0:
            break
        try:
            line = lines.get(timeout=left)
        except queue.Empty:
            break
        if line is None:
            return rows, True
        rows.append(line)
    return rows, False
