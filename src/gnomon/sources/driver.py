"""Runs a source: performs what it asks for, hands out what it brings."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from gnomon.errors import SourceError
from gnomon.sources.contract import Fetch, Listen, Messages, Response, Source, Wait
from gnomon.types import Batch

# The clients of other machines are loaded by who makes a Network: files need none.
if TYPE_CHECKING:
    from gnomon.sources.network import Network


def drive(
    source: Source,
    cursor: str | None,
    *,
    network: Network,
    stop: threading.Event | None = None,
) -> Iterator[Batch]:
    """Run ``source`` from ``cursor`` and yield its batches.

    The caller writes each batch durably before it takes the next; only then does the source go
    on. A failed request is raised inside the source, which may try something else; what it does
    not handle comes out here (SourceError). Ends when the source ends or ``stop`` is set.
    """
    steps = source.steps(cursor)
    listening: set[str] = set()
    answer: Response | Messages | None = None
    failure: SourceError | None = None
    try:
        while stop is None or not stop.is_set():
            try:
                step = steps.send(answer) if failure is None else steps.throw(failure)
            except StopIteration:
                return
            answer, failure = None, None
            if isinstance(step, Batch):
                yield step
                continue
            try:
                if isinstance(step, Fetch):
                    answer = network.fetch(step, stop)
                elif isinstance(step, Listen):
                    for url in listening - {step.url}:
                        network.hang_up(url)
                    listening = {step.url}
                    answer = network.listen(step, stop)
                else:
                    _wait(step, stop)
            except SourceError as error:
                failure = error
    finally:
        steps.close()
        for url in listening:
            network.hang_up(url)


def _wait(step: Wait, stop: threading.Event | None) -> None:
    if stop is not None:
        stop.wait(step.seconds)
    else:
        time.sleep(step.seconds)
