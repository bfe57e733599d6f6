"""``POST /v1/ask``: our own events, with follow-ups, kept like any response."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterator
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.routing import Route

from gnomon.errors import NotFound, StoreError
from gnomon.serve import events
from gnomon.serve.caller import caller_of
from gnomon.serve.context import Context
from gnomon.serve.events import OwnRenderer
from gnomon.serve.forgetting import settled
from gnomon.serve.http import ApiError, field, read_json
from gnomon.serve.ledger import Kept, Ledger
from gnomon.serve.render import Answering
from gnomon.serve.request import Asking, conversation, unmarked
from gnomon.serve.responses_asking import items_of
from gnomon.serve.responses_object import new_id
from gnomon.types import Event, Finished, Turn
from gnomon.wire import answer_to_json

log = logging.getLogger("gnomon.serve")


class Asks:
    """The endpoint over one ledger."""

    def __init__(self, context: Context, ledger: Ledger) -> None:
        self._desk = context.desk
        self._ledger = ledger

    def routes(self) -> list[Route]:
        return [Route("/v1/ask", self.ask, methods=["POST"])]

    async def ask(self, request: Request) -> Answering[Event]:
        body = await read_json(request)
        owner = caller_of(request).id
        previous = field(body, "previous", str, "")
        before = await self._before(previous, owner) if previous else ("", ())
        asking = events.parse(body, before[1])
        if not field(body, "store", bool, True):
            return Answering(self._desk, asking, OwnRenderer())
        return Answering(self._desk, asking, Keeping(self._ledger, asking, owner, before[0]))

    async def _before(self, id: str, owner: str) -> tuple[str, tuple[Turn, ...]]:
        """The kept answer that ``id`` names (its own, or the journal's), and its turns."""
        found = await asyncio.to_thread(self._ledger.named, id, owner)
        if found is None:
            try:
                answer = await self._desk.call(partial(self._desk.engine.answer, id))
            except NotFound:
                raise ApiError(
                    400,
                    f"The previous answer {id[:80]!r} is not kept here; ask without 'previous'.",
                    param="previous",
                    code="previous_not_found",
                ) from None
            return "", (Turn(str(answer["question"]), unmarked(str(answer["text"]))),)
        chain = await asyncio.to_thread(self._ledger.chain, found.id, owner)
        kept = [await self._settled(one) for one in chain]
        items = [item for one in kept for item in items_of(one)]
        asked = conversation([*items, {"role": "user", "content": "?"}], "previous")
        return found.id, asked.turns

    async def _settled(self, kept: Kept) -> Kept:
        return await self._desk.call(partial(settled, self._ledger, self._desk.engine, kept))


class Keeping(OwnRenderer):
    """Our own events; the finished answer is kept before it is told, and then says under which
    id (``response``)."""

    def __init__(self, ledger: Ledger, asking: Asking, owner: str, previous: str) -> None:
        super().__init__()
        self._ledger = ledger
        self._asking = asking
        self._owner = owner
        self._previous = previous

    def event(self, event: Event) -> Iterator[bytes]:
        if isinstance(event, Finished):
            self._extra = {"response": self._keep(answer_to_json(event.answer))}
        yield from super().event(event)

    def _keep(self, answer: dict[str, Any]) -> str | None:
        kept = Kept(
            new_id("ask"),
            self._owner,
            "ask",
            time.time(),
            "completed",
            self._asking.question,
            previous=self._previous,
            answer=str(answer["id"] or ""),
            object=answer,
        )
        try:
            self._ledger.keep(kept)
        except StoreError as error:
            log.warning("%s is not kept: %s", kept.id, type(error).__name__)
            return None
        return kept.id
