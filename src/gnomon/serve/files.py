"""``/v1/files``: what clients upload, each caller's own.

https://platform.openai.com/docs/api-reference/files. A file is streamed to the disk, within the
owner's limit for one and for all of a caller. Its id is random and its name is only shown.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial
from typing import Any
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from gnomon.serve.caller import caller_of, require
from gnomon.serve.context import Context
from gnomon.serve.file_rows import PURPOSES, File, Files, over_quota, page
from gnomon.serve.http import ApiError, in_range, json_response
from gnomon.serve.multipart import read_form
from gnomon.serve.shelving import Worker

MOST_LISTED = 10_000
SHORTEST_LIFE_S, LONGEST_LIFE_S = 3600, 30 * 86_400
_ASCII = re.compile(r"[^A-Za-z0-9._ -]")


def routes(context: Context, files: Files, worker: Worker) -> list[Route]:
    """The routes of files; ``library.routes`` puts them beside those that search them."""
    api = _Api(context, files, worker)
    return [
        Route("/v1/files", api.create, methods=["POST"]),
        Route("/v1/files", api.list),
        Route("/v1/files/{id}", api.show),
        Route("/v1/files/{id}", api.delete, methods=["DELETE"]),
        Route("/v1/files/{id}/content", api.content),
    ]


class _Api:
    def __init__(self, context: Context, files: Files, worker: Worker) -> None:
        self._desk = context.desk
        self._files = files
        self._worker = worker

    async def create(self, request: Request) -> Response:
        """``file``, ``purpose``, and if given ``expires_after[anchor]`` and ``[seconds]``."""
        owner = require(request, "write").id
        limits = self._desk.engine.library.limits
        room = limits.caller_bytes - await self._desk.call(partial(self._files.used, owner))
        if room <= 0:
            raise over_quota(limits.caller_bytes)

        def too_large() -> ApiError:
            if room < limits.file_bytes:
                return over_quota(limits.caller_bytes)
            return file_too_large(limits.file_bytes)

        scratch = self._files.scratch()
        try:
            form = await read_form(
                request, scratch, file="file", limit=min(room, limits.file_bytes),
                too_large=too_large,
            )  # fmt: skip
            if not form.has_file:
                raise ApiError(400, "There is no 'file' in the form.", param="file")
            life_s = _life(form.fields)
            purpose = check_purpose(form.fields.get("purpose"))
            keep = partial(
                self._files.keep, owner, form.name, purpose, life_s, scratch, limits.caller_bytes
            )
            file: File = await self._desk.call(keep)
        finally:
            scratch.unlink(missing_ok=True)
        self._worker.start()
        return json_response(file.object())

    async def list(self, request: Request) -> Response:
        """``?purpose=&after=&limit=&order=``, newest first."""
        query = request.query_params
        find = partial(
            self._files.listed,
            caller_of(request).id,
            purpose=query.get("purpose", ""),
            after=query.get("after", ""),
            limit=limit_of(query, MOST_LISTED, MOST_LISTED),
            newest_first=newest_first(query),
        )
        files, more = await self._desk.call(find)
        return json_response(page([file.object() for file in files], more))

    async def show(self, request: Request) -> Response:
        return json_response((await self._find(request)).object())

    async def content(self, request: Request) -> Response:
        """The bytes as they came. Never as a page: a stranger's HTML must not run under our
        name."""
        file = await self._find(request)
        plain = _ASCII.sub("_", file.name)
        said = f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(file.name, safe='')}"
        return FileResponse(
            self._files.path(file.id),
            media_type="application/octet-stream",
            headers={"content-disposition": said},
        )

    async def delete(self, request: Request) -> Response:
        owner, file = require(request, "write").id, request.path_params["id"]
        await self._desk.call(partial(self._files.delete, file, owner))
        return json_response({"id": file, "object": "file", "deleted": True})

    async def _find(self, request: Request) -> File:
        find = partial(self._files.find, request.path_params["id"], caller_of(request).id)
        return await self._desk.call(find)


def check_purpose(purpose: Any) -> str:
    if purpose not in PURPOSES:
        raise ApiError(
            400,
            f"'purpose' is {str(purpose)[:40]!r}; give one of {', '.join(PURPOSES)}.",
            param="purpose",
            code="invalid_value",
        )
    return str(purpose)


def file_too_large(limit: int) -> ApiError:
    return ApiError(
        413,
        f"The file is larger than {limit:,} bytes; split it, or raise the setting upload_mb.",
        param="file",
        code="file_too_large",
    )


def _life(fields: Mapping[str, str]) -> float | None:
    """How long a file is kept, in seconds; None: until it is deleted."""
    seconds, anchor = fields.get("expires_after[seconds]", ""), fields.get("expires_after[anchor]")
    if not seconds and anchor is None:
        return None
    return life_of(anchor, int(seconds) if in_range(seconds, 0, LONGEST_LIFE_S) else seconds)


def life_of(anchor: Any, seconds: Any) -> float:
    """``expires_after`` of a file or upload, checked."""
    known = anchor in ("created_at", None)
    whole = isinstance(seconds, int) and not isinstance(seconds, bool)
    if not known or not whole or not SHORTEST_LIFE_S <= seconds <= LONGEST_LIFE_S:
        raise ApiError(
            400,
            "'expires_after' is not usable; give the anchor 'created_at' and "
            f"{SHORTEST_LIFE_S} to {LONGEST_LIFE_S} seconds.",
            param="expires_after",
            code="invalid_value",
        )
    return float(seconds)


def limit_of(query: Mapping[str, str], default: int, most: int) -> int:
    limit = query.get("limit", str(default))
    if not in_range(limit, 1, most):
        raise ApiError(400, f"'limit' is {limit[:20]!r}; give 1 to {most}.", param="limit")
    return int(limit)


def newest_first(query: Mapping[str, str]) -> bool:
    order = query.get("order", "desc")
    if order not in ("asc", "desc"):
        raise ApiError(400, f"'order' is {order[:20]!r}; give asc or desc.", param="order")
    return order == "desc"
