"""The routes that show what is held: search, posts, answers, status."""

from __future__ import annotations

from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gnomon.serve import verify
from gnomon.serve.caller import caller_of
from gnomon.serve.context import Context
from gnomon.serve.http import ApiError, filter_from, in_range, json_response, read_json
from gnomon.serve.picture_search import listed, wants_images
from gnomon.serve.render import Answering
from gnomon.types import Finding, Found, Verification
from gnomon.wire import to_json

MAX_RESULTS = 50


def routes(context: Context) -> list[Route]:
    return Api(context).routes()


class Api:
    """The endpoints over one Context."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._desk = context.desk

    def routes(self) -> list[Route]:
        return [
            Route("/v1/verify", self.verify, methods=["POST"]),
            Route("/v1/search", self.search),
            Route("/v1/posts/{id:path}", self.show_post),
            Route("/v1/answers/{id}", self.show_answer),
            Route("/v1/status", self.status),
        ]

    async def verify(self, request: Request) -> Answering[Verification | Finding]:
        checking = verify.parse(await read_json(request), now=self._desk.engine.now())
        return Answering(self._desk, checking, verify.VerifyRenderer())

    async def search(self, request: Request) -> Response:
        """``?q=&k=&since=&until=&source=&author=&lang=&images=``; source, author and lang may
        repeat."""
        query = request.query_params
        words = query.get("q", "").strip()
        if not words:
            raise ApiError(400, "'q' is empty; give the words to search for.", param="q")
        k = query.get("k", "10")
        if not in_range(k, 1, MAX_RESULTS):
            raise ApiError(400, f"'k' is {k[:20]!r}; give 1 to {MAX_RESULTS}.", param="k")
        fields: dict[str, Any] = {name: query.get(name) for name in ("since", "until")}
        fields |= {name: query.getlist(name) for name in ("source", "author", "lang")}
        if wants_images(request):
            look = partial(self._desk.engine.post_pictures.search, words, k=int(k),
                           where=filter_from(fields))  # fmt: skip
            return json_response(listed(await self._desk.call(look), self._context.base(request)))
        where = filter_from(fields)

        def find() -> tuple[int, list[Found]]:
            engine = self._desk.engine
            return engine.unindexed(), engine.search(words, k=int(k), where=where)

        unindexed, found = await self._desk.call(find)
        return json_response(
            {
                "object": "list",
                "query": words,
                "unindexed": unindexed,
                "origins": len(found),
                "posts": sum(one.origin.posts for one in found),
                "data": [_found_json(one) for one in found],
            }
        )

    async def show_post(self, request: Request) -> Response:
        show = partial(self._desk.engine.show, request.path_params["id"])
        return json_response(to_json(await self._desk.call(show)))

    async def show_answer(self, request: Request) -> Response:
        read = partial(self._desk.engine.answer, request.path_params["id"])
        return json_response(await self._desk.call(read))

    async def status(self, request: Request) -> Response:
        """Where things lie on the owner's disk is for the owner."""
        told = dict(await self._desk.call(self._desk.engine.status))
        if not caller_of(request).may("admin"):
            told.pop("home", None)
        return json_response(told)


def _found_json(one: Found) -> dict[str, Any]:
    return {
        "post": to_json(one.post),
        "score": round(one.score, 6),
        "origin": to_json(one.origin),
        "start": one.start,
        "end": one.end,
        "quote": one.post.text[one.start : one.end],
    }
