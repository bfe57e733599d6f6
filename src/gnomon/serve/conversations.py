"""``/v1/conversations``: items under one name, to which each response that names it adds its own.

https://platform.openai.com/docs/api-reference/conversations. A conversation is one row of the
ledger: its items, and which posts they quote, so that it loses their words like any response.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gnomon.serve.caller import caller_of
from gnomon.serve.context import Context
from gnomon.serve.forgetting import UPLOAD, evidence_in, settled
from gnomon.serve.http import ApiError, json_response, read_json
from gnomon.serve.ledger import CONVERSATION, Kept, Ledger
from gnomon.serve.paging import page_of
from gnomon.serve.request import check_items
from gnomon.serve.responses_asking import check_metadata, listed_item
from gnomon.serve.responses_object import new_id

MOST_ADDED = 20
"""Items that one request may add, as at OpenAI."""
MOST_ITEMS = 5_000
Data = dict[str, Any]


class Conversations:
    """The endpoints over one ledger, and what responses need of them."""

    def __init__(self, context: Context, ledger: Ledger) -> None:
        self._desk = context.desk
        self._ledger = ledger

    def routes(self) -> list[Route]:
        one = "/v1/conversations/{id}"
        return [
            Route("/v1/conversations", self.create, methods=["POST"]),
            Route(one, self.show, methods=["GET"]),
            Route(one, self.change, methods=["POST"]),
            Route(one, self.delete, methods=["DELETE"]),
            Route(f"{one}/items", self.add, methods=["POST"]),
            Route(f"{one}/items", self.items, methods=["GET"]),
            Route(f"{one}/items/{{item}}", self.show_item, methods=["GET"]),
            Route(f"{one}/items/{{item}}", self.delete_item, methods=["DELETE"]),
        ]

    # -- for responses --------------------------------------------------------------------------
    async def read(self, name: str, owner: str) -> Kept:
        """One conversation, settled. Raises ApiError 404."""
        kept = await asyncio.to_thread(self._ledger.find, name, owner, CONVERSATION)
        if kept is None:
            raise ApiError(
                404,
                f"Conversation with id {name[:80]!r} not found.",
                type="not_found",
                code="not_found",
            )
        return await self._desk.call(partial(settled, self._ledger, self._desk.engine, kept))

    def went_on(self, response: Kept) -> None:
        """A response that names a conversation is over: what was sent and said goes into it."""
        if response.status not in ("completed", "incomplete"):
            return
        output = [item for item in response.object.get("output", ()) if _is_standard(item)]
        evidence = [e for e in evidence_in(response.object) if not e["source"].startswith(UPLOAD)]
        self._extend(response.conversation, response.owner, [*response.input, *output], evidence)

    def _extend(
        self, name: str, owner: str, items: Iterable[Mapping[str, Any]], evidence: list[Data]
    ) -> None:
        def more(kept: Kept) -> Kept:
            held = [*kept.object["evidence"], *evidence]
            body = {**kept.object, "evidence": held}
            return replace(kept, input=[*kept.input, *items][-MOST_ITEMS:], object=body)

        self._ledger.change(name, owner, CONVERSATION, more)

    # -- routes ---------------------------------------------------------------------------------
    async def create(self, request: Request) -> Response:
        body = await read_json(request)
        kept = Kept(
            new_id("conv"),
            caller_of(request).id,
            CONVERSATION,
            time.time(),
            "completed",
            "",
            input=_added(body, 0),
            object={"metadata": check_metadata(body), "evidence": []},
        )
        await asyncio.to_thread(self._ledger.keep, kept)
        return json_response(_shown(kept))

    async def show(self, request: Request) -> Response:
        return json_response(_shown(await self._read(request)))

    async def change(self, request: Request) -> Response:
        body = await read_json(request)
        kept = await self._read(request)
        changed = {**kept.object, "metadata": check_metadata(body)}
        change = partial(replace, object=changed)
        await asyncio.to_thread(self._ledger.change, kept.id, kept.owner, CONVERSATION, change)
        return json_response(_shown(replace(kept, object=changed)))

    async def delete(self, request: Request) -> Response:
        kept = await self._read(request)
        await asyncio.to_thread(self._ledger.forget, kept.owner, kept.id)
        return json_response({"id": kept.id, "object": "conversation.deleted", "deleted": True})

    async def add(self, request: Request) -> Response:
        kept = await self._read(request)
        items = _added(await read_json(request), 1)
        await asyncio.to_thread(self._extend, kept.id, kept.owner, items, [])
        return json_response(page_of(items, {"order": "asc", "limit": str(MOST_ADDED)}))

    async def items(self, request: Request) -> Response:
        kept = await self._read(request)
        return json_response(page_of(list(kept.input), request.query_params))

    async def show_item(self, request: Request) -> Response:
        kept = await self._read(request)
        return json_response(self._item(kept, request.path_params["item"]))

    async def delete_item(self, request: Request) -> Response:
        kept = await self._read(request)
        item = self._item(kept, request.path_params["item"])

        def less(held: Kept) -> Kept:
            return replace(held, input=[one for one in held.input if one["id"] != item["id"]])

        await asyncio.to_thread(self._ledger.change, kept.id, kept.owner, CONVERSATION, less)
        return json_response(_shown(kept))

    async def _read(self, request: Request) -> Kept:
        return await self.read(request.path_params["id"], caller_of(request).id)

    @staticmethod
    def _item(kept: Kept, name: str) -> Mapping[str, Any]:
        for item in kept.input:
            if item["id"] == name:
                return item
        raise ApiError(
            404,
            f"Item with id {name[:80]!r} not found in conversation {kept.id!r}.",
            type="not_found",
            code="not_found",
        )


def _added(body: Mapping[str, Any], least: int) -> list[Data]:
    """``items`` of a request, as they are kept."""
    given = body.get("items")
    items = [] if given is None else given
    if not isinstance(items, list) or not least <= len(items) <= MOST_ADDED:
        raise ApiError(
            400,
            f"'items' takes a list of {least} to {MOST_ADDED} items.",
            param="items",
            code="invalid_value",
        )
    check_items(items, "items")
    return [listed_item(item) for item in items]


def _is_standard(item: Mapping[str, Any]) -> bool:
    return not str(item["type"]).startswith("gnomon:")


def _shown(kept: Kept) -> Data:
    return {
        "id": kept.id,
        "object": "conversation",
        "created_at": int(kept.created),
        "metadata": kept.object["metadata"],
    }
