"""``/v1/images``: pictures as OpenAI's and xAI's clients ask for them, and those that are kept.

https://platform.openai.com/docs/api-reference/images,
https://docs.x.ai/docs/guides/image-generations.
Every picture that is handed out has gone through the owner's policy and is signed; where signing is
off, ``gnomon.signed`` is false and says why. The field ``gnomon`` of each picture tells its seed,
the prompt that the model got, and what was not looked for.
"""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from gnomon.serve.caller import caller_of, require
from gnomon.serve.context import Context
from gnomon.serve.contract import Engine
from gnomon.serve.drawing import Drawn, Hung, Shown, cost, counted, drawing, pictures_of
from gnomon.serve.files import limit_of
from gnomon.serve.http import ApiError, field, json_response, read_json
from gnomon.serve.images_asking import commission, pictures_in, pictures_of_form, wants_url
from gnomon.serve.picture_rows import KeptPictures, url_of
from gnomon.serve.render import Answering
from gnomon.serve.sse import frame
from gnomon.types.pictures import Commission, Picture, Stroke

Data = dict[str, Any]
MOST_LISTED = 100
MOST_JSON = 40 * 2**20
"""A picture in JSON is larger by a third than as a file."""
_SUFFIX = {"image/png": "png", "image/jpeg": "jpeg", "image/webp": "webp"}


def routes(context: Context) -> Sequence[BaseRoute]:
    api = _Api(context)
    one = "/v1/images/{id}"
    return [
        Route("/v1/images/generations", api.generate, methods=["POST"]),
        Route("/v1/images/edits", api.edit, methods=["POST"]),
        Route("/v1/images/prompt", api.prompt, methods=["POST"]),
        Route("/v1/images/about", api.about, methods=["GET"]),
        Route("/v1/images/log", api.log, methods=["GET"]),
        Route("/v1/images", api.list, methods=["GET"]),
        Route(f"{one}/content", api.content, methods=["GET"]),
        Route(one, api.show, methods=["GET"]),
        Route(one, api.delete, methods=["DELETE"]),
    ]


@dataclass(frozen=True, slots=True)
class Work:
    """One request for pictures; see ``render.Work``. ``table`` keeps them, None: nothing does."""

    wish: Commission
    stream: bool
    table: KeptPictures | None
    most: int

    def begin(self, engine: Engine) -> Iterator[Drawn]:
        return drawing(engine, self.wish, self.table, self.most)


class _Api:
    def __init__(self, context: Context) -> None:
        self._context = context
        self._desk = context.desk
        self._table = pictures_of(context)

    async def generate(self, request: Request) -> Answering[Any]:
        body = await read_json(request)
        return await self._answer(request, body, "image_generation")

    async def edit(self, request: Request) -> Answering[Any]:
        """A form with the picture as a file, as OpenAI's clients send it, or JSON as xAI's do."""
        if request.headers.get("content-type", "").startswith("multipart/form-data"):
            try:
                async with request.form(max_files=4, max_fields=64) as form:
                    body, source, mask = await pictures_of_form(form)
            except HTTPException as error:
                raise ApiError(
                    400, f"The form cannot be read: {error.detail}.", code="invalid_form"
                ) from None
        else:
            body = await read_json(request, most=MOST_JSON)
            source, mask = pictures_in(body)
        return await self._answer(request, body, "image_edit", source, mask)

    async def _answer(
        self,
        request: Request,
        body: Mapping[str, Any],
        kind: str,
        source: bytes | None = None,
        mask: bytes | None = None,
    ) -> Answering[Any]:
        owner = caller_of(request).id
        about = await self._desk.call(self._desk.engine.pictures.about)
        wish = commission(body, owner, about, source=source, mask=mask)
        stream, url = field(body, "stream", bool, False), wants_url(body)
        store = field(body, "store", bool, True)
        if url and not store:
            raise ApiError(
                400, "A picture that is not kept has no url; ask for b64_json.",
                param="store", code="invalid_value",
            )  # fmt: skip
        most = int(about["limits"]["kept_bytes"])
        work = Work(wish, stream, self._table if store else None, most)
        progress = field(body, "progress", bool, False)
        base = self._context.base(request)
        renderer = _Renderer(wish, kind, base, url=url, progress=progress)
        return Answering(self._desk, work, renderer)

    async def prompt(self, request: Request) -> Response:
        """What a prompt would become, for a person to see and change first."""
        body = await read_json(request)
        given = field(body, "prompt", str, "")
        model, expand = field(body, "model", str, ""), field(body, "expand", bool, True)
        understand = partial(
            self._desk.engine.pictures.understand, given, model=model, expand=expand
        )
        found = await self._desk.call(understand)
        return json_response(
            {
                "object": "gnomon.image_prompt",
                "asked": found.asked,
                "prompt": found.prompt,
                "expanded_by": found.by,
                "lang": found.lang,
                "not_translated": list(found.left),
            }
        )

    async def about(self, request: Request) -> Response:
        """What draws here, within which limits and rules."""
        told = await self._desk.call(self._desk.engine.pictures.about)
        return json_response({"object": "gnomon.images", **told})

    async def log(self, request: Request) -> Response:
        """``?limit=``: what the policy refused or warned of, for the owner."""
        require(request, "admin")
        limit = limit_of(request.query_params, 50, MOST_LISTED)
        entries = await self._desk.call(partial(self._desk.engine.pictures.entries, limit))
        return json_response({"object": "list", "data": entries})

    async def list(self, request: Request) -> Response:
        """``?after=&limit=``: one's own pictures, the newest first."""
        query, owner = request.query_params, caller_of(request).id
        limit = limit_of(query, 20, MOST_LISTED)
        find = partial(self._table.listed, owner, after=query.get("after", ""), limit=limit)
        found, more = await asyncio.to_thread(find)
        base = self._context.base(request)
        data = [one.object(base) for one in found]
        return json_response(
            {
                "object": "list",
                "data": data,
                "first_id": data[0]["id"] if data else None,
                "last_id": data[-1]["id"] if data else None,
                "has_more": more,
            }
        )

    async def show(self, request: Request) -> Response:
        find = partial(self._table.find, request.path_params["id"], caller_of(request).id)
        return json_response((await asyncio.to_thread(find)).object(self._context.base(request)))

    async def content(self, request: Request) -> Response:
        """The file as it was signed. Its bytes never change, so it may be kept by a browser."""
        find = partial(self._table.data, request.path_params["id"], caller_of(request).id)
        kept, data = await asyncio.to_thread(find)
        name = f"gnomon-{kept.about.get('seed', 0)}.{_SUFFIX.get(kept.mime, 'bin')}"
        headers = {
            "content-disposition": f'inline; filename="{name}"',
            "cache-control": "private, max-age=31536000, immutable",
        }
        return Response(data, media_type=kept.mime, headers=headers)

    async def delete(self, request: Request) -> Response:
        owner, name = caller_of(request).id, request.path_params["id"]
        await asyncio.to_thread(partial(self._table.delete, name, owner))
        return json_response({"id": name, "object": "gnomon.image", "deleted": True})


class _Renderer:
    """OpenAI's events and its whole answer; see ``render.Renderer``."""

    def __init__(
        self, wish: Commission, kind: str, base: str, *, url: bool, progress: bool
    ) -> None:
        self._wish = wish
        self._progress = progress
        self._kind = kind
        self._base = base
        self._url = url
        self._partial = 0
        self._whole: Data = {}

    def begin(self) -> Iterator[bytes]:
        return iter(())

    def event(self, event: Drawn) -> Iterator[bytes]:
        if isinstance(event, Shown) and event.picture.preview:
            yield self._frame(
                f"{self._kind}.partial_image", event, partial_image_index=self._partial
            )
            self._partial += 1
        elif isinstance(event, Shown):
            counts = _usage(self._wish, *counted(self._wish, (event,)))
            yield self._frame(f"{self._kind}.completed", event, usage=counts)
        elif isinstance(event, Stroke) and self._progress:
            told = {"type": "gnomon.image.progress", "step": event.step, "steps": event.steps,
                    "picture": event.picture, "pictures": event.pictures}  # fmt: skip
            yield frame(told, "gnomon.image.progress")
        elif isinstance(event, Hung):
            self._finish(event)

    def failed(self, error: ApiError) -> Iterator[bytes]:
        yield frame(error.body(), "error")

    def whole(self) -> Data:
        return self._whole

    def _frame(self, kind: str, shown: Shown, **more: Any) -> bytes:
        picture = shown.picture
        told = {
            "type": kind,
            "b64_json": _packed(picture),
            "created_at": int(time.time()),
            "background": "opaque",
            "output_format": self._wish.format,
            "quality": "auto",
            "size": f"{picture.width}x{picture.height}",
            **more,
            "gnomon": self._told(shown),
        }
        return frame(told, kind)

    def _finish(self, event: Hung) -> None:
        counts = _usage(self._wish, *cost(self._wish, event.shown))
        first = event.shown[0].picture
        self._whole = {
            "created": int(time.time()),
            "background": "opaque",
            "data": [self._item(shown) for shown in event.shown],
            "output_format": self._wish.format,
            "size": f"{first.width}x{first.height}",
            "usage": counts,
            "model": first.model,
        }

    def _item(self, shown: Shown) -> Data:
        picture = shown.picture
        item: Data = {"revised_prompt": picture.understood.prompt, "mime_type": picture.mime}
        if self._url and shown.kept:
            item["url"] = url_of(self._base, shown.kept.id)
        else:
            item["b64_json"] = _packed(picture)
        return item | {"gnomon": self._told(shown)}

    def _told(self, shown: Shown) -> Data:
        kept = shown.kept
        where = {"id": kept.id, "url": url_of(self._base, kept.id)} if kept else {"id": None}
        return where | shown.picture.about()


def _packed(picture: Picture) -> str:
    return base64.b64encode(picture.data).decode("ascii")


def _usage(wish: Commission, asked: int, said: int) -> Data:
    """Estimated: a token for each square of 32 x 32 pixels."""
    read = 1024 if wish.source else 0
    return {
        "input_tokens": asked + read,
        "input_tokens_details": {"text_tokens": asked, "image_tokens": read},
        "output_tokens": said,
        "total_tokens": asked + read + said,
    }
