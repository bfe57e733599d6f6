"""``/v1/history``: what a caller has asked here, for the page: searched, opened, deleted."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gnomon.serve.caller import caller_of
from gnomon.serve.context import Context
from gnomon.serve.forgetting import settled
from gnomon.serve.http import ApiError, json_response, moment
from gnomon.serve.ledger import Kept, Ledger
from gnomon.serve.paging import limit_of
from gnomon.serve.responses_object import shaped
from gnomon.serve.run import Runs
from gnomon.wire import iso

EXCERPT = 280
WEAKEST = ("refuted", "not_enough_evidence", "disputed", "supported")


class History:
    """The endpoints over one ledger."""

    def __init__(self, context: Context, ledger: Ledger, runs: Runs) -> None:
        self._desk = context.desk
        self._ledger = ledger
        self._runs = runs

    def routes(self) -> list[Route]:
        return [
            Route("/v1/history", self.list, methods=["GET"]),
            Route("/v1/history", self.clear, methods=["DELETE"]),
            Route("/v1/history/{id}", self.show, methods=["GET"]),
            Route("/v1/history/{id}", self.delete, methods=["DELETE"]),
        ]

    async def list(self, request: Request) -> Response:
        """The newest first: ``?q=`` (every word must stand in the question or the answer),
        ``before`` (an id of the list, or a time), ``limit``."""
        query, owner = request.query_params, caller_of(request).id
        limit = limit_of(query)
        before = await self._before(query.get("before", ""), owner)
        find = partial(self._ledger.history, owner, query.get("q", ""), before, limit + 1)
        found = await asyncio.to_thread(find)
        shown = [_line(await self._settled(kept, thorough=False)) for kept in found[:limit]]
        return json_response({"object": "list", "data": shown, "has_more": len(found) > limit})

    async def show(self, request: Request) -> Response:
        """One of them whole, with the questions it follows up (``thread``, oldest first)."""
        name, owner = request.path_params["id"], caller_of(request).id
        chain = await asyncio.to_thread(self._ledger.chain, name, owner)
        if not chain:
            raise _not_found(name)
        *earlier, kept = [await self._settled(one, thorough=True) for one in chain]
        whole = kept.object if kept.kind == "ask" else shaped(kept.object, ())
        return json_response(
            {**_line(kept), "thread": [_line(one) for one in earlier], kept.kind: whole}
        )

    async def delete(self, request: Request) -> Response:
        name, owner = request.path_params["id"], caller_of(request).id
        if run := self._runs.of(name, owner):
            run.cancel()
            await run.ended()
        if not await asyncio.to_thread(self._ledger.forget, owner, name):
            raise _not_found(name)
        return json_response({"id": name, "object": "gnomon.kept", "deleted": True})

    async def clear(self, request: Request) -> Response:
        """Everything of the caller goes; what is still being answered is stopped first."""
        owner = caller_of(request).id
        for run in self._runs.all_of(owner):
            run.cancel()
            await run.ended()
        gone = await asyncio.to_thread(self._ledger.forget, owner)
        return json_response({"object": "gnomon.kept", "deleted": gone})

    async def _before(self, given: str, owner: str) -> str | float | None:
        if not given:
            return None
        if await asyncio.to_thread(self._ledger.find, given, owner):
            return given
        if given.startswith(("resp_", "ask_")):
            raise _not_found(given)
        return moment(given, "before")

    async def _settled(self, kept: Kept, *, thorough: bool) -> Kept:
        settle = partial(settled, self._ledger, self._desk.engine, kept, thorough=thorough)
        return await self._desk.call(settle)


def _line(kept: Kept) -> dict[str, Any]:
    """One line of the history. ``answer`` opens the whole at ``/v1/answers/{id}``."""
    text = kept.text
    return {
        "id": kept.id,
        "object": "gnomon.kept",
        "kind": kept.kind,
        "created_at": iso(kept.created),
        "status": kept.status,
        "model": kept.object.get("model") if kept.kind == "response" else "gnomon",
        "question": kept.question,
        "excerpt": text if len(text) <= EXCERPT else text[: EXCERPT - 1] + "…",
        "verdict": verdict_of(kept.object if kept.kind == "ask" else kept.object.get("gnomon")),
        "answer": kept.answer or None,
        "previous": kept.previous or None,
        "conversation": kept.conversation or None,
    }


def verdict_of(answer: Any) -> dict[str, Any] | None:
    """The verdict on the whole of an answer, as the page shows it when it is opened: the weakest of
    its sentences that carry one on themselves, and the least confidence with which that was given
    (null where it was not: an answer that abstains). None where nothing was judged."""
    if not isinstance(answer, Mapping) or "sentences" not in answer:
        return None
    if answer.get("abstained"):
        return {"label": "not_enough_evidence", "confidence": None}
    cited = {one["n"]: one for one in answer["citations"]}
    verdicts = answer["verdicts"]
    judged = [
        (sentence["label"], [verdicts[n] for n in sentence["verdicts"]])
        for sentence in answer["sentences"]
        if sentence["label"] and not _is_quote(sentence, cited, verdicts)
    ]
    label = next((one for one in WEAKEST if one in {said for said, _ in judged}), None)
    if label is None:
        return None
    sure = [
        verdict["confidence"]
        for said, own in judged
        if said == label
        for verdict in own
        if verdict["label"] == label
    ]
    return {"label": label, "confidence": min(sure, default=None)}


def _is_quote(sentence: Mapping[str, Any], cited: Mapping[int, Any], verdicts: Any) -> bool:
    """Whether a sentence is one held quote about another claim: it carries a side, no verdict on
    itself."""
    only = cited.get(sentence["citations"][0]) if len(sentence["citations"]) == 1 else None
    if only is None or not (only.get("deleted") or only["quote"] == sentence["text"]):
        return False
    own = [verdicts[n]["claim"]["text"] for n in sentence["verdicts"][:1]]
    return own != [sentence["text"]]


def _not_found(id: str) -> ApiError:
    return ApiError(
        404,
        f"Nothing is kept under {id[:80]!r}; GET /v1/history lists what is.",
        type="not_found",
        code="not_found",
    )
