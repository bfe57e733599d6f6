"""The routes of digests: made and listed under ``/v1/digests``, read as pages under ``/digests``,
followed as ``/digests.atom`` or ``/digests.rss``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from gnomon.errors import InputError
from gnomon.serve.context import Context
from gnomon.serve.contract import Engine
from gnomon.serve.http import ApiError, field, in_range, json_response, moment, read_json, strings
from gnomon.serve.render import Answering
from gnomon.serve.sse import frame
from gnomon.types import Digest, Step
from gnomon.wire import iso, to_json

OBJECT = "gnomon.digest"
MOST_KEPT = 100
_FIELDS = ("since", "until", "about", "lang", "langs", "k", "stream")
_TYPES = {
    "md": "text/markdown; charset=utf-8",
    "html": "text/html; charset=utf-8",
    "atom": "application/atom+xml; charset=utf-8",
    "rss": "application/rss+xml; charset=utf-8",
}


def routes(context: Context) -> list[Route]:
    made = DigestRoutes(context)
    return [
        Route("/v1/digests", made.make, methods=["POST"]),
        Route("/v1/digests", made.listed),
        Route("/v1/digests/{id}", made.show),
        Route("/digests", made.newest),
        Route("/digests.atom", partial(made.feed, form="atom")),
        Route("/digests.rss", partial(made.feed, form="rss")),
        Route("/digests/style.css", made.style),
        Route("/digests/{id}", made.page),
    ]


@dataclass(frozen=True, slots=True)
class Ordered:
    """What a digest is to hold, as a request says it."""

    wishes: Mapping[str, Any]
    stream: bool

    def begin(self, engine: Engine) -> Iterator[Step | Digest]:
        return engine.digests.make(**self.wishes)


def parse(body: Mapping[str, Any]) -> Ordered:
    """Raises ApiError naming the field that is at fault."""
    for name in body:
        if name not in _FIELDS:
            raise ApiError(
                400, f"{name[:40]!r} is not known; a digest takes {', '.join(_FIELDS)}.", param=name
            )
    wishes = {
        "since": moment(body.get("since"), "since"),
        "until": moment(body.get("until"), "until"),
        "about": field(body, "about", str, "")[:400],
        "langs": strings(body.get("langs"), "langs"),
        "lang": field(body, "lang", str, "en"),
        "k": field(body, "k", int, 8),
    }
    return Ordered(wishes, field(body, "stream", bool, False))


class DigestRenderer:
    """``step`` events, then ``digest``; or ``error``."""

    def __init__(self) -> None:
        self._whole: dict[str, Any] = {}

    def begin(self) -> Iterator[bytes]:
        yield from ()

    def event(self, event: Step | Digest) -> Iterator[bytes]:
        if isinstance(event, Digest):
            self._whole = {"object": OBJECT, **to_json(event)}
            yield frame(self._whole, "digest")
        else:
            yield frame(to_json(event), "step")

    def failed(self, error: ApiError) -> Iterator[bytes]:
        yield frame(error.body(), "error")

    def whole(self) -> dict[str, Any]:
        return self._whole


class DigestRoutes:
    """The endpoints over one Context."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._desk = context.desk

    async def make(self, request: Request) -> Answering[Step | Digest]:
        return Answering(self._desk, parse(await read_json(request)), DigestRenderer())

    async def listed(self, request: Request) -> Response:
        """``?limit=``: the newest, each with its stories' headlines."""
        limit = request.query_params.get("limit", "20")
        if not in_range(limit, 1, MOST_KEPT):
            said = f"'limit' is {limit[:20]!r}; give 1 to {MOST_KEPT}."
            raise ApiError(400, said, param="limit")
        found = await self._desk.call(partial(self._desk.engine.digests.kept, int(limit)))
        return json_response({"object": "list", "data": [_head(one) for one in found]})

    async def show(self, request: Request) -> Response:
        """``?format=json|md|html|rss|atom``."""
        form = request.query_params.get("format", "json")
        return await self._shown(request, form)

    async def page(self, request: Request) -> Response:
        return await self._shown(request, "html")

    async def newest(self, request: Request) -> Response:
        found = await self._desk.call(partial(self._desk.engine.digests.kept, 1))
        # Where none has been made yet, the page says so and makes one.
        return RedirectResponse(
            f"/digests/{found[0].id}" if found else "/#digests", status_code=302
        )

    async def _shown(self, request: Request, form: str) -> Response:
        base, wanted = self._context.base(request), request.path_params["id"]
        style_at = "/digests/style.css" if form == "html" else ""

        def show() -> str | dict[str, Any]:
            digests = self._desk.engine.digests
            return digests.shown(digests.digest(wanted), form, base=base, style_at=style_at)

        try:
            made = await self._desk.call(show)
        except InputError as error:
            raise ApiError(400, str(error), param="format") from None
        if isinstance(made, dict):
            return json_response(made)
        return Response(made, media_type=_TYPES[form])

    async def feed(self, request: Request, form: str) -> Response:
        base = self._context.base(request)
        made = await self._desk.call(partial(self._desk.engine.digests.feed, form, base=base))
        return Response(made, media_type=_TYPES[form])

    async def style(self, request: Request) -> Response:
        return Response(self._desk.engine.digests.style(), media_type="text/css; charset=utf-8")


def _head(digest: Digest) -> dict[str, Any]:
    return {
        "object": OBJECT,
        "id": digest.id,
        "made_at": iso(digest.made_at),
        "since": iso(digest.since),
        "until": iso(digest.until),
        "lang": digest.lang,
        "langs": list(digest.langs),
        "about": digest.about,
        "stories": [brief.title for brief in digest.briefs],
        "posts": digest.posts,
        "origins": digest.origins,
    }
