"""Where requests wait for the engine: threads, a bounded queue, and an end when nobody listens.

The engine is synchronous. One thread runs one question from its first event to its last, so that
an engine may keep what it likes in thread-local places. A caller who hangs up has the generator
closed at its next event, which stops the model.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Generic, TypeVar

from starlette.types import Receive

from gnomon.serve.contract import Engine
from gnomon.serve.http import ApiError

T = TypeVar("T")


class HungUp(Exception):
    """Nobody reads the answer any more."""


class Asked(Generic[T]):
    """One question being answered, or text being checked. ``next`` waits for its next event."""

    def __init__(self, queue: asyncio.Queue[T | HungUp | None], future: Future[None]) -> None:
        self._queue = queue
        self._future = future

    async def next(self, timeout_s: float | None = None) -> T | None:
        """The next event, or None after the last. Raises what the engine raised, ``HungUp``, or
        TimeoutError after ``timeout_s`` without an event."""
        item = await asyncio.wait_for(self._queue.get(), timeout_s)
        if isinstance(item, HungUp):
            raise item
        if item is None:
            await asyncio.wrap_future(self._future)
        return item


class Desk:
    """``asks`` questions at once, ``waiting`` in line, the next gets 429; ``calls`` short calls.

    Questions and short calls (search, show, status) have their own threads, so that a slow model
    never keeps a citation from opening.
    """

    def __init__(self, engine: Engine, *, asks: int = 2, waiting: int = 16, calls: int = 4) -> None:
        self.engine = engine
        self._room = {"ask": asks + waiting, "call": calls + 16 * waiting}
        self._taken = {"ask": 0, "call": 0}
        self._asks = ThreadPoolExecutor(asks, thread_name_prefix="gnomon-ask")
        self._calls = ThreadPoolExecutor(calls, thread_name_prefix="gnomon-call")
        self._closing = threading.Event()

    async def call(self, function: Callable[[], T]) -> T:
        """Run one short call of the engine in a thread."""
        self._enter("call")
        try:
            return await asyncio.get_running_loop().run_in_executor(self._calls, function)
        finally:
            self._taken["call"] -= 1

    @asynccontextmanager
    async def ask(
        self, begin: Callable[[Engine], Iterator[T]], receive: Receive
    ) -> AsyncIterator[Asked[T]]:
        """Have the engine do what ``begin`` asks of it, while ``receive`` is watched for the
        caller's leaving."""
        self._enter("ask")
        loop = asyncio.get_running_loop()
        queue: asyncio.Queue[T | HungUp | None] = asyncio.Queue()
        left = threading.Event()

        def put(item: T | None) -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(queue.put_nowait, item)

        future = self._asks.submit(self._answer, begin, put, left)
        future.add_done_callback(lambda _: self._leave(loop))
        watcher = asyncio.create_task(_watch(receive, queue))
        try:
            yield Asked(queue, future)
        finally:
            left.set()
            future.cancel()
            watcher.cancel()

    def close(self) -> None:
        """Stop every question at its next event; nothing new is begun."""
        self._closing.set()
        self._asks.shutdown(wait=False, cancel_futures=True)
        self._calls.shutdown(wait=False, cancel_futures=True)

    def _answer(
        self,
        begin: Callable[[Engine], Iterator[T]],
        put: Callable[[T | None], None],
        left: threading.Event,
    ) -> None:
        try:
            events = begin(self.engine)
            try:
                for event in events:
                    put(event)
                    if left.is_set() or self._closing.is_set():
                        break
            finally:
                if isinstance(events, Generator):
                    events.close()
        finally:
            put(None)

    def _enter(self, line: str) -> None:
        if self._taken[line] >= self._room[line] or self._closing.is_set():
            raise ApiError(
                429,
                "Too many questions are waiting; try again in a moment.",
                type="too_many_requests",
                code="queue_full",
                headers={"retry-after": "3"},
            )
        self._taken[line] += 1

    def _leave(self, loop: asyncio.AbstractEventLoop) -> None:
        def one_less() -> None:
            self._taken["ask"] -= 1

        if not loop.is_closed():
            loop.call_soon_threadsafe(one_less)


async def _watch(receive: Receive, queue: asyncio.Queue[T | HungUp | None]) -> None:
    """The body has been read, so all that can still come is the caller's leaving."""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            queue.put_nowait(HungUp())
            return
