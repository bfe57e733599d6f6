"""What goes on beside the answering: threads that end with the product, and how each is doing."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final

JOIN_S: Final = 5.0
"""How long closing waits for one thread; a thread that is in a download may take longer and is
then left behind, as a daemon."""


class Background:
    """Threads with one common end. ``health`` says of each named work how it is doing."""

    def __init__(self) -> None:
        self.stop = threading.Event()
        self.health: dict[str, str] = {}
        self._threads: list[threading.Thread] = []

    def start(self, name: str, work: Callable[[], None]) -> None:
        """Run ``work`` in a thread. A bug in it is printed by threading's own hook, and
        ``health`` says that it stopped."""

        def run() -> None:
            ended = False
            try:
                work()
                ended = True
            finally:
                if not ended:
                    self.health[name] = "stopped by a fault of ours; start gnomon again"

        thread = threading.Thread(target=run, name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def close(self) -> None:
        """Ask every thread to end and wait a little for each."""
        self.stop.set()
        for thread in self._threads:
            if thread is not threading.current_thread():
                thread.join(timeout=JOIN_S)
