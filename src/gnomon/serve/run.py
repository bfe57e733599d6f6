"""A response on its way: what was made of it so far, and who follows it.

A run in the foreground ends when its caller hangs up. One in the background goes on without
anybody, can be followed from any event on, and is kept as it ends.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from starlette.types import Message, Receive

from gnomon.errors import GnomonError, StoreError
from gnomon.serve.desk import Asked, Desk, HungUp
from gnomon.serve.http import ApiError, api_error
from gnomon.serve.ledger import Kept, Ledger
from gnomon.serve.making import Made, Wanted
from gnomon.serve.render import next_of, our_fault
from gnomon.serve.responses_events import Maker
from gnomon.serve.responses_object import before_output, shaped
from gnomon.serve.sse import BEAT_S

log = logging.getLogger("gnomon.serve")

Data = dict[str, Any]
_ENDS = ("response.completed", "response.incomplete", "response.failed")
_BEGINS = ("response.created", "response.queued", "response.in_progress")


class Run:
    """One response being made. ``kept`` is the row it becomes; ``ledger`` None keeps nothing;
    ``told`` is given the row once it is kept."""

    def __init__(
        self,
        maker: Maker,
        wanted: Wanted,
        kept: Kept,
        ledger: Ledger | None,
        told: Callable[[Kept], None] | None = None,
    ) -> None:
        self.maker = maker
        self.kept = kept
        self.events: list[Data] = []
        self.over = False
        self._wanted = wanted
        self._ledger = ledger
        self._told = told
        self._changed = asyncio.Event()
        self._cancelled = asyncio.Event()
        self._placed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    # -- making ---------------------------------------------------------------------------------
    async def drive(self, desk: Desk, receive: Receive) -> None:
        """Make it. Raises ApiError or GnomonError before its first event, and, where nobody
        streams it, after; ``HungUp`` where a caller in the foreground has left."""
        try:
            async with desk.ask(self._wanted.begin, receive) as asked:
                if not self._placed.done():
                    self._placed.set_result(None)
                await self._make(asked)
        except (GnomonError, ApiError) as error:
            if not self._placed.done():
                self._placed.set_exception(error)
                return
            if not self._wanted.background and not (self._wanted.stream and self.events):
                raise
            # One in the background is marked as failed at the next start; a reader is told now.
            if not desk.closing or not self._wanted.background:
                await self._end(self.maker.failed(api_error(error)))
        except HungUp:
            if not self._wanted.background:
                raise
            if not desk.closing:
                await self._end(self.maker.cancelled())
        except Exception:
            await self._end(self.maker.failed(our_fault()))
            raise
        finally:
            self.over = True
            self._news()

    async def _make(self, asked: Asked[Made]) -> None:
        event = await next_of(asked)
        if not self.events:
            self._publish(self.maker.created())
        self._publish(self.maker.begin())
        while True:
            made = self.maker.event(event)
            events = list(made)
            if self.maker.done:
                await self._end(events)
                return
            self._publish(events)
            event = await next_of(asked)

    async def background(self, desk: Desk) -> asyncio.Task[None]:
        """Set it going without a caller; returns once it has a place in the queue. Raises ApiError
        429 where there is none, StoreError where it cannot be kept."""
        assert self._ledger is not None
        self._publish(self.maker.created())
        await asyncio.to_thread(self._ledger.keep, self._row())
        task = asyncio.create_task(self.drive(desk, self._until_cancelled))
        task.add_done_callback(self._report)
        try:
            await self._placed
        except ApiError:
            await asyncio.to_thread(self._ledger.forget, self.kept.owner, self.kept.id)
            raise
        return task

    def cancel(self) -> None:
        """Stop it at its next event."""
        self._cancelled.set()

    async def _until_cancelled(self) -> Message:
        await self._cancelled.wait()
        return {"type": "http.disconnect"}

    def _report(self, task: asyncio.Task[None]) -> None:
        error = None if task.cancelled() else task.exception()
        if error is not None:
            log.error("%s failed: %s", self.kept.id, type(error).__name__)

    async def _end(self, events: Iterable[Data]) -> None:
        """The last events; they are told once the response is kept."""
        last = list(events)
        if self._ledger is not None:
            self.kept = self._row(last)
            try:
                await asyncio.to_thread(self._ledger.keep, self.kept)
                if self._told is not None:
                    await asyncio.to_thread(self._told, self.kept)
            except StoreError as error:
                log.warning("%s is not kept: %s", self.kept.id, type(error).__name__)
                self.maker.response["store"] = False
                last[-1] = {**last[-1], "response": self.maker.seen}
        self._publish(last)

    def _row(self, more: Iterable[Data] = ()) -> Kept:
        response = self.maker.response
        return replace(
            self.kept,
            status=str(response["status"]),
            answer=self.maker.answer_id,
            object=dict(response),
            events=[pruned(event) for event in (*self.events, *more)],
        )

    # -- following ------------------------------------------------------------------------------
    def _publish(self, events: Iterable[Data]) -> None:
        self.events.extend(events)
        self._news()

    def _news(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    async def begun(self) -> None:
        """Wait for the first event, or the end."""
        while not self.events and not self.over:
            await self._changed.wait()

    async def follow(self, after: int = -1) -> AsyncIterator[Data | None]:
        """Events whose ``sequence_number`` is above ``after``; None when nothing came for a
        while."""
        at = 0
        while True:
            while at < len(self.events):
                event = self.events[at]
                at += 1
                if event["sequence_number"] > after:
                    yield event
            if self.over:
                return
            try:
                async with asyncio.timeout(BEAT_S):
                    await self._changed.wait()
            except TimeoutError:
                yield None

    def refused(self) -> None:
        """Raises what kept it out of the queue, if anything did."""
        if self._placed.done() and (error := self._placed.exception()):
            raise error

    async def ended(self) -> None:
        """Wait for the end."""
        while not self.over:
            await self._changed.wait()


class Runs:
    """What is being made in the background, by id."""

    def __init__(self) -> None:
        self._runs: dict[str, tuple[Run, asyncio.Task[None]]] = {}

    def hold(self, run: Run, task: asyncio.Task[None]) -> None:
        """Until it is over."""
        self._runs[run.kept.id] = (run, task)
        task.add_done_callback(lambda _: self._runs.pop(run.kept.id, None))

    def of(self, id: str, owner: str) -> Run | None:
        held = self._runs.get(id)
        return held[0] if held and held[0].kept.owner == owner else None

    def all_of(self, owner: str) -> list[Run]:
        return [run for run, _ in self._runs.values() if run.kept.owner == owner]


def pruned(event: Mapping[str, Any]) -> Data:
    """An event as it is kept: the object is kept once, beside them all."""
    if event["type"] == "response.image_generation_call.partial_image":
        # Megabytes of what a picture looked like on the way are not kept; the picture is.
        return {**event, "partial_image_b64": ""}
    if event["type"] not in (*_BEGINS, *_ENDS):
        return dict(event)
    rest = {name: value for name, value in event.items() if name != "response"}
    return rest | {"status": event["response"]["status"]}


def replayed(kept: Kept, include: frozenset[str]) -> Iterator[Data]:
    """The events of a kept response, with its object in them again."""
    for event in kept.events:
        data = {name: value for name, value in event.items() if name != "status"}
        if event["type"] in _ENDS:
            data["response"] = shaped(kept.object, include)
        elif event["type"] in _BEGINS:
            data["response"] = before_output(kept.object, str(event.get("status")))
        else:
            data = dict(event)
        yield data
