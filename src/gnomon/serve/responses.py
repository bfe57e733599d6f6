"""``/v1/responses``: OpenAI's Responses API, as Open Responses writes it down, whole.

https://www.openresponses.org/specification and the openai client's own types are the reference.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from gnomon.serve.attached import Attached
from gnomon.serve.caller import caller_of
from gnomon.serve.context import Context
from gnomon.serve.conversations import Conversations
from gnomon.serve.desk import HungUp
from gnomon.serve.forgetting import settled
from gnomon.serve.http import ApiError, in_range, json_response, read_json
from gnomon.serve.ledger import UNFINISHED, Kept, Ledger
from gnomon.serve.library import files_of, shelves_of
from gnomon.serve.making import Wanted
from gnomon.serve.paging import page_of
from gnomon.serve.picture_wishes import commissioned
from gnomon.serve.render import HEADERS
from gnomon.serve.request import compaction, conversation
from gnomon.serve.responses_asking import (
    Items,
    check_one_road,
    input_items,
    items_of,
    listed_item,
    parse,
)
from gnomon.serve.responses_events import Maker
from gnomon.serve.responses_object import begun, conversation_id, counted, new_id, shaped, usage
from gnomon.serve.run import Run, Runs, replayed
from gnomon.serve.sse import BEAT, DONE, frame
from gnomon.serve.talking import check_model
from gnomon.serve.transcript import links

Data = dict[str, Any]
MOST_EVENTS = 10**9


class Responses:
    """The endpoints over one ledger; ``runs`` are those made in the background."""

    def __init__(
        self, context: Context, ledger: Ledger, runs: Runs, conversations: Conversations
    ) -> None:
        self._context = context
        self._conversations = conversations
        self._desk = context.desk
        self._ledger = ledger
        self._runs = runs
        self._shelves = shelves_of(context)
        self._files = files_of(context)

    def routes(self) -> list[Route]:
        one = "/v1/responses/{id}"
        return [
            Route("/v1/responses", self.create, methods=["POST"]),
            Route("/v1/responses/compact", self.compact, methods=["POST"]),
            Route("/v1/responses/input_tokens", self.count, methods=["POST"]),
            Route(one, self.show, methods=["GET"]),
            Route(one, self.delete, methods=["DELETE"]),
            Route(f"{one}/cancel", self.cancel, methods=["POST"]),
            Route(f"{one}/input_items", self.input_items, methods=["GET"]),
        ]

    # -- making ---------------------------------------------------------------------------------
    async def create(self, request: Request) -> Response | Foreground | Following:
        body = await read_json(request)
        owner = caller_of(request).id
        body = await self._resolved(body, owner)
        wanted = parse(body, await self._before(body, owner))
        wanted = await commissioned(self._context, wanted, owner)
        if wanted.plain is not None and wanted.commission is None:
            await self._desk.call(partial(check_model, self._desk.engine, str(body["model"])))
        if wanted.tools.shelves:
            wanted = await self._shelved(wanted, owner)
        if wanted.asked.files:
            wanted = await self._opened(wanted, owner)
        run = self._run(request, body, wanted, owner)
        if not wanted.background:
            return Foreground(run, self._context, wanted.stream)
        self._runs.hold(run, await run.background(self._desk))
        if wanted.stream:
            return Following(_frames(run.follow()))
        return json_response(run.maker.seen)

    def _run(self, request: Request, body: Mapping[str, Any], wanted: Wanted, owner: str) -> Run:
        response = begun(body, store=wanted.store, background=wanted.background)
        maker = Maker(response, wanted, links(self._context.base(request)))
        kept = Kept(
            response["id"],
            owner,
            "response",
            time.time(),
            response["status"],
            wanted.question,
            previous=wanted.previous,
            conversation=wanted.conversation,
            background=wanted.background,
            input=[listed_item(item) for item in wanted.items],
        )
        told = self._conversations.went_on if wanted.conversation else None
        return Run(maker, wanted, kept, self._ledger if wanted.store else None, told)

    async def _resolved(self, body: Data, owner: str) -> Data:
        """``body`` with each ``item_reference`` replaced by the kept item that it names. Raises
        ApiError 404 for one that the caller does not have."""
        given = body.get("input")
        if not isinstance(given, list):
            return body
        items = list(given)
        for at, item in enumerate(given):
            if isinstance(item, Mapping) and item.get("type") == "item_reference":
                name = str(item.get("id"))
                kept = await asyncio.to_thread(self._ledger.item, owner, name)
                held = [] if kept is None else items_of(await self._settled(kept))
                found = next((one for one in held if one.get("id") == name), None)
                if found is None:
                    raise ApiError(
                        404,
                        f"Item with id {name[:80]!r} not found.",
                        type="not_found",
                        param=f"input[{at}]",
                        code="not_found",
                    )
                items[at] = found
        return body | {"input": items}

    async def _shelved(self, wanted: Wanted, owner: str) -> Wanted:
        """With the caller's own vector stores opened. Raises ApiError 404 for another's."""
        tools = wanted.tools
        opening = partial(self._shelves.open, owner, tools.shelves, tools.shelf_filter)
        shelves = await self._desk.call(opening)
        return replace(wanted, shelves=shelves, naming=partial(self._files.names, owner=owner))

    async def _opened(self, wanted: Wanted, owner: str) -> Wanted:
        """With the caller's uploads that a message names found. Raises ApiError 404."""

        def find(file: Attached) -> Attached:
            if not file.file:
                return file
            held = self._files.find(file.file, owner)
            return replace(file, name=held.name, path=self._files.path(held.id))

        def found() -> tuple[Attached, ...]:
            return tuple(find(file) for file in wanted.asked.files)

        files = await self._desk.call(found)
        return replace(wanted, asked=replace(wanted.asked, files=files))

    async def _before(self, body: Mapping[str, Any], owner: str) -> Items:
        """The items of the conversation that a request goes on with."""
        check_one_road(body)
        if named := conversation_id(body.get("conversation")):
            return list((await self._conversations.read(named, owner)).input)
        name = str(body.get("previous_response_id") or "")
        if not name:
            return []
        chain = await self._chain(name, owner)
        if not chain:
            raise ApiError(
                400,
                f"Previous response with id {name[:80]!r} not found.",
                param="previous_response_id",
                code="previous_response_not_found",
            )
        if chain[-1].status in UNFINISHED:
            raise ApiError(
                400,
                f"The previous response {name[:80]!r} is still {chain[-1].status}; wait for it.",
                param="previous_response_id",
                code="previous_response_unfinished",
            )
        return [item for kept in chain for item in items_of(kept)]

    async def _chain(self, id: str, owner: str) -> list[Kept]:
        chain = await asyncio.to_thread(self._ledger.chain, id, owner)
        return [await self._settled(kept) for kept in chain]

    async def _settled(self, kept: Kept) -> Kept:
        return await self._desk.call(partial(settled, self._ledger, self._desk.engine, kept))

    # -- what is kept ---------------------------------------------------------------------------
    async def _kept(self, request: Request) -> Kept:
        name = request.path_params["id"]
        find = partial(self._ledger.find, name, caller_of(request).id, "response")
        kept = await asyncio.to_thread(find)
        if kept is None:
            raise ApiError(
                404,
                f"Response with id {name[:80]!r} not found.",
                type="not_found",
                code="not_found",
            )
        return await self._settled(kept)

    async def show(self, request: Request) -> Response | Following:
        """The object, or with ``?stream=true`` its events again, from ``starting_after`` on."""
        query = request.query_params
        include = frozenset((*query.getlist("include"), *query.getlist("include[]")))
        after = _after(query)
        run = self._runs.of(request.path_params["id"], caller_of(request).id)
        kept = None if run else await self._kept(request)
        if query.get("stream") not in ("true", "1"):
            if run:
                return json_response(shaped(run.maker.response, include))
            assert kept is not None
            return json_response(shaped(kept.object, include))
        if run:
            return Following(_frames(run.follow(after)))
        assert kept is not None
        return Following(_again(replayed(kept, include), after))

    async def delete(self, request: Request) -> Response:
        name, owner = request.path_params["id"], caller_of(request).id
        if run := self._runs.of(name, owner):
            run.cancel()
            await run.ended()
        gone = 0
        if await asyncio.to_thread(self._ledger.find, name, owner, "response"):
            gone = await asyncio.to_thread(self._ledger.forget, owner, name)
        if not gone:
            await self._kept(request)
        return json_response({"id": name, "object": "response", "deleted": True})

    async def cancel(self, request: Request) -> Response:
        """Only what runs in the background can be cancelled; what is over stays as it is."""
        if run := self._runs.of(request.path_params["id"], caller_of(request).id):
            run.cancel()
            await run.ended()
            return json_response(run.maker.seen)
        kept = await self._kept(request)
        if not kept.background:
            raise ApiError(
                400,
                "Only a response that was created with background=true can be cancelled; hang up "
                "to stop another.",
                code="invalid_value",
            )
        return json_response(shaped(kept.object, ()))

    async def input_items(self, request: Request) -> Response:
        """What the response was made from, its conversation included: ``?after=&limit=&order=``."""
        kept = await self._kept(request)
        before = await self._chain(kept.previous, kept.owner) if kept.previous else []
        items = [item for one in before for item in items_of(one)] + list(kept.input)
        return json_response(page_of([listed_item(item) for item in items], request.query_params))

    # -- around it ------------------------------------------------------------------------------
    async def count(self, request: Request) -> Response:
        """How many tokens a request would read: an estimate, four bytes to a token."""
        body = await read_json(request)
        before = await self._before(body, caller_of(request).id)
        items = input_items(body) if body.get("input") is not None else []
        total = counted([*before, *items]) + counted(body.get("instructions"))
        return json_response({"object": "response.input_tokens", "input_tokens": total})

    async def compact(self, request: Request) -> Response:
        """A conversation in one item: what gnomon takes from it, the questions and the answers."""
        body = await read_json(request)
        before = await self._before(body, caller_of(request).id)
        items = [*before, *(input_items(body) if body.get("input") is not None else [])]
        asked = conversation([*items, _user("?")], "input", len(before))
        packed = {
            "id": new_id("cmp"),
            "type": "compaction",
            "encrypted_content": compaction(asked.turns),
        }
        return json_response(
            {
                "id": new_id("resp"),
                "object": "response.compaction",
                "created_at": int(time.time()),
                "output": [packed],
                "usage": usage(counted(items), 0),
            }
        )


def _after(query: Mapping[str, str]) -> int:
    """``?starting_after=``. Raises 400."""
    given = query.get("starting_after", "-1")
    if not in_range(given.removeprefix("-"), 0, MOST_EVENTS):
        raise ApiError(
            400,
            f"'starting_after' is {given[:20]!r}; give the sequence_number of an event.",
            param="starting_after",
            code="invalid_value",
        )
    return int(given)


def _user(text: str) -> Data:
    return {"type": "message", "role": "user", "content": text}


async def _frames(events: AsyncIterator[Data | None]) -> AsyncIterator[bytes]:
    async for event in events:
        yield BEAT if event is None else frame(event, event["type"])
    yield DONE


async def _again(events: Iterator[Data], after: int) -> AsyncIterator[bytes]:
    for event in events:
        if event["sequence_number"] > after:
            yield frame(event, event["type"])
    yield DONE


class Following:
    """An ASGI response: frames of a stream that goes on whether or not anybody listens."""

    def __init__(self, frames: AsyncIterator[bytes]) -> None:
        self._frames = frames

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        left = asyncio.create_task(_left(receive))
        sending = asyncio.create_task(_send(self._frames, send))
        try:
            await asyncio.wait({left, sending}, return_when=asyncio.FIRST_COMPLETED)
            if sending.done():
                await sending
        finally:
            left.cancel()
            sending.cancel()


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _send(frames: AsyncIterator[bytes], send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
    async for body in frames:
        await send({"type": "http.response.body", "body": body, "more_body": True})
    await send({"type": "http.response.body", "body": b"", "more_body": False})


class Foreground:
    """An ASGI response: makes the response while its caller waits, and stops when the caller
    leaves.

    The first event is awaited before anything is sent, so that a question that cannot be used
    gets a proper status instead of a stream that breaks.
    """

    def __init__(self, run: Run, context: Context, stream: bool) -> None:
        self._run = run
        self._desk = context.desk
        self._stream = stream

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        run = self._run
        making = asyncio.create_task(run.drive(self._desk, receive))
        try:
            await run.begun()
            if run.events and self._stream:
                await _send(_frames(run.follow()), send)
            await making
            run.refused()
        except HungUp:
            return
        finally:
            if not making.done():
                making.cancel()
        if not self._stream:
            await json_response(run.maker.seen)(scope, receive, send)
