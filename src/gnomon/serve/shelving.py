"""Uploads are put on vector stores beside the answering: a queue, and threads that work it off.

What was not done when the server stopped is done after its next start. The same threads let expire
what has had its time.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

from gnomon.errors import GnomonError, InputError, NotFound, StoreError, Unsupported
from gnomon.serve.desk import Desk
from gnomon.serve.file_rows import Files
from gnomon.serve.http import ApiError
from gnomon.serve.shelf_rows import Shelves, Shelving
from gnomon.types.library import Upload

log = logging.getLogger("gnomon.serve")

THREADS = 1
TICK_S = 1.0
EXPIRE_EVERY_S = 60.0


class Worker:
    """Shelves what ``add`` names, and what the rows say is still to be done."""

    def __init__(self, desk: Desk, files: Files, shelves: Shelves) -> None:
        self._desk = desk
        self._files = files
        self._shelves = shelves
        self._queue: queue.SimpleQueue[tuple[str, str]] = queue.SimpleQueue()
        self._expired_at = 0.0
        self.letting_go: list[Callable[[float], None]] = [files.expire, shelves.expire, files.sweep]
        self._started = False
        self._lock = threading.Lock()

    def resume(self) -> None:
        """Begin with what was left undone."""
        for store, file in self._shelves.waiting():
            self.add(store, file)
        if self._files.any():
            self.start()

    def add(self, store: str, file: str) -> None:
        self._queue.put((store, file))
        self.start()

    def start(self) -> None:
        """From now on there is something that may have to be shelved or let go."""
        with self._lock:
            if self._started:
                return
            self._started = True
        for number in range(THREADS):
            name = f"gnomon-shelving-{number}"
            threading.Thread(target=self._work, name=name, daemon=True).start()

    def expire(self) -> None:
        """Let go what has had its time; at most once in ``EXPIRE_EVERY_S``."""
        now = time.time()
        if now - self._expired_at >= EXPIRE_EVERY_S:
            self._expired_at = now
            for let_go in self.letting_go:
                let_go(now)

    def _work(self) -> None:
        while not self._desk.closing:
            try:
                store, file = self._queue.get(timeout=TICK_S)
            except queue.Empty:
                with suppress(GnomonError):  # it is tried again
                    self.expire()
                continue
            try:
                self._shelve(store, file)
            except StoreError as error:
                # It stays in progress, and is taken up again after the next start.
                log.warning("shelving stopped: %s", type(error).__name__)

    def _shelve(self, store: str, file: str) -> None:
        asked = self._shelves.shelving(store, file)
        if asked is None or asked.status != "in_progress":
            return
        done = self._done(asked)
        if not self._shelves.settle(done):
            again = self._shelves.shelving(store, file)
            if again is None or again.status == "cancelled":
                self._desk.engine.library.unshelve(store, file)

    def _done(self, asked: Shelving) -> Shelving:
        """The row as it is after the work. Raises StoreError where the work could not be done for
        reasons of ours."""
        try:
            file = self._files.find(asked.file, self._shelves.owner(asked.store))
            upload = Upload(file.id, file.name, str(self._files.path(file.id)))
            shelved = self._desk.engine.library.shelve(asked.store, upload, asked.chunking)
        except Unsupported as error:
            return _failed(asked, "unsupported_file", str(error))
        except InputError as error:
            return _failed(asked, "invalid_file", str(error))
        except StoreError:
            if self._desk.closing:
                raise
            said = "The server could not keep it; see its status, then add the file again."
            return _failed(asked, "server_error", said)
        except (ApiError, FileNotFoundError, NotFound):
            return _failed(asked, "invalid_file", "The file was deleted before it was read.")
        except GnomonError as error:
            return _failed(asked, "server_error", str(error))
        return replace(asked, status="completed", code="", message="", bytes=shelved.bytes)


def _failed(asked: Shelving, code: str, message: str) -> Shelving:
    return replace(asked, status="failed", code=code, message=message, bytes=0)
