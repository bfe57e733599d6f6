"""Where requests wait for the engine: threads, a bounded queue, and an end when nobody listens.

The engine is synchronous. One thread runs one question from its first event to its last, so that
an engine may keep what it likes in thread-local places. A caller who hangs up has the generator
closed at its next event, which stops the model.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable, Generator, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Generic, Literal, TypeVar

from starlette.types import Receive

from gnomon.serve.contract import Engine
from gnomon.serve.http import ApiError
from gnomon.serve.metrics import Metrics
from gnomon.serve.quota import seat

T = TypeVar("T")


class HungUp(Exception):
    """Nobody reads the answer any more."""


class Asked(Generic[T]):
    """One question being answered, or text being checked. ``next`` waits for its next event."""

    def __init__(
        self,
        queue: asyncio.Queue[T | HungUp | None],
        future: Future[None],
        deadline_s: float,
    ) -> None:
        self._queue = queue
        self._future = future
        self._deadline_s = deadline_s
        self._ends = time.monotonic() + deadline_s
        self.ended = ""
        """Why it was stopped before its end: "hung up" or "deadline"; "" where it was not."""

    async def next(self, timeout_s: float | None = None) -> T | None:
        """The next event, or None after the last (at once where closing took its turn). Raises what
        the engine raised, ``HungUp``, TimeoutError after ``timeout_s`` without an event, or
        ApiError 504 past the deadline."""
        left_s = self._ends - time.monotonic()
        first = timeout_s is not None and timeout_s < left_s
        try:
            async with asyncio.timeout(timeout_s if first else max(left_s, 0)):
                item = await self._queue.get()
        except TimeoutError:
            if first:
                raise
            self.ended = "deadline"
            raise late(self._deadline_s) from None
        if isinstance(item, HungUp):
            self.ended = "hung up"
            raise item
        if item is None and not self._future.cancelled():
            await asyncio.wrap_future(self._future)
        return item


class Desk:
    """``asks`` questions at once, ``waiting`` in line, the next gets 429; ``calls`` short calls.

    Questions and short calls (search, show, status) have their own threads, so that a slow model
    never keeps a citation from opening. What is ranked over a whole time (trends, stories) takes a
    second and more of a large record and has ``rankings`` threads of its own: those who wait for it
    keep nobody else waiting. A question has ``deadline_s`` from its coming to its last event; a
    call has as long.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        asks: int = 2,
        waiting: int = 16,
        calls: int = 4,
        rankings: int = 2,
        deadline_s: float = 300.0,
        metrics: Metrics | None = None,
    ) -> None:
        self.engine = engine
        self.metrics = metrics or Metrics()
        self._deadline_s = deadline_s
        self._at_once = asks
        self._room = {
            "ask": asks + waiting,
            "call": calls + 16 * waiting,
            "ranking": rankings + 4 * waiting,
            "voice": asks + waiting,
        }
        self._taken = dict.fromkeys(self._room, 0)
        self._asks = ThreadPoolExecutor(asks, thread_name_prefix="gnomon-ask")
        self._calls = ThreadPoolExecutor(calls, thread_name_prefix="gnomon-call")
        self._rankings = ThreadPoolExecutor(rankings, thread_name_prefix="gnomon-ranking")
        self._voices = ThreadPoolExecutor(asks, thread_name_prefix="gnomon-voice")
        self._closing = threading.Event()
        self._draining = False

    @property
    def closing(self) -> bool:
        return self._draining or self._closing.is_set()

    def questions(self) -> Mapping[str, int]:
        """How many run, and how many wait."""
        taken = self._taken["ask"]
        running = min(taken, self._at_once)
        return {"running": running, "waiting": taken - running}

    def full(self) -> bool:
        """Whether the next question is refused."""
        return self._taken["ask"] >= self._room["ask"]

    async def call(
        self, function: Callable[[], T], *, line: Literal["call", "ranking"] = "call"
    ) -> T:
        """Run one call of the engine in a thread of its ``line``. Raises ApiError 504 past the
        deadline, 503 where the server closes before its turn."""
        self._enter(line)
        loop = asyncio.get_running_loop()
        future = (self._calls if line == "call" else self._rankings).submit(function)
        # Its place is free when the thread is, not when the caller has stopped waiting.
        future.add_done_callback(lambda _: self._leave(loop, line))
        try:
            async with asyncio.timeout(self._deadline_s) as deadline:
                return await asyncio.wrap_future(future)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if not (self._closing.is_set() and future.cancelled()) or (task and task.cancelling()):
                raise
            raise closing() from None
        except TimeoutError:
            if not deadline.expired():
                raise
            raise late(self._deadline_s) from None

    @asynccontextmanager
    async def ask(
        self,
        begin: Callable[[Engine], Iterator[T]],
        receive: Receive,
        *,
        line: Literal["ask", "voice"] = "ask",
        deadline_s: float = 0.0,
    ) -> AsyncIterator[Asked[T]]:
        """Have the engine do what ``begin`` asks of it, while ``receive`` is watched for the
        caller's leaving. Speaking and listening wait in a ``line`` of their own, so that an answer
        is spoken while it is made; ``deadline_s`` is for what lasts longer than a question may."""
        leave = seat()
        try:
            self._enter(line)
        except ApiError:
            leave()
            raise
        loop = asyncio.get_running_loop()
        queue: asyncio.Queue[T | HungUp | None] = asyncio.Queue()
        left = threading.Event()
        came = time.monotonic()

        def put(item: T | None) -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(queue.put_nowait, item)

        def answer() -> None:
            self.metrics.waited(time.monotonic() - came)
            self._answer(begin, put, left)

        future = (self._asks if line == "ask" else self._voices).submit(answer)
        future.add_done_callback(lambda _: self._leave(loop, line, leave))
        future.add_done_callback(lambda done: put(None) if done.cancelled() else None)
        watcher = asyncio.create_task(_watch(receive, queue))
        asked = Asked(queue, future, max(deadline_s, self._deadline_s))
        try:
            yield asked
        finally:
            left.set()
            future.cancel()
            watcher.cancel()
            if asked.ended or self._closing.is_set():
                self.metrics.stopped(asked.ended or "closing")

    def drain(self) -> None:
        """From now on ``closing``; what runs goes on, and what comes on kept connections too."""
        self._draining = True

    def close(self) -> None:
        """Stop every question at its next event; nothing new is begun."""
        self._closing.set()
        self._asks.shutdown(wait=False, cancel_futures=True)
        self._voices.shutdown(wait=False, cancel_futures=True)
        self._calls.shutdown(wait=False, cancel_futures=True)
        self._rankings.shutdown(wait=False, cancel_futures=True)

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
        if self._closing.is_set():
            raise closing()
        if self._taken[line] >= self._room[line]:
            raise ApiError(
                429,
                "Too many questions are waiting; try again in a moment.",
                type="too_many_requests",
                code="queue_full",
                headers={"retry-after": "3"},
            )
        self._taken[line] += 1

    def _leave(
        self, loop: asyncio.AbstractEventLoop, line: str, then: Callable[[], None] = lambda: None
    ) -> None:
        def one_less() -> None:
            self._taken[line] -= 1
            then()

        if not loop.is_closed():
            loop.call_soon_threadsafe(one_less)


def closing() -> ApiError:
    return ApiError(
        503,
        "The server is closing; ask again when it is back.",
        type="server_error",
        code="closing",
        headers={"retry-after": "5"},
    )


def late(deadline_s: float) -> ApiError:
    return ApiError(
        504,
        f"This took longer than {deadline_s:g} seconds and was stopped; ask something narrower, or "
        "raise the setting `deadline_s`.",
        type="server_error",
        code="deadline_exceeded",
    )


async def _watch(receive: Receive, queue: asyncio.Queue[T | HungUp | None]) -> None:
    """The body has been read, so all that can still come is the caller's leaving."""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            queue.put_nowait(HungUp())
            return
