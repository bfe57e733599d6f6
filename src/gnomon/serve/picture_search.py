"""Pictures in posts: found by what they show (``GET /v1/search?images=true``), and handed out.

What is handed out is the small copy that gnomon encoded itself and keeps; nothing leads a browser
to a stranger's host.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from gnomon.serve.context import Context
from gnomon.serve.http import ApiError
from gnomon.types.post_pictures import PictureFound, PicturesFound
from gnomon.wire import to_json

PLACE = "/v1/search/pictures"
_YES, _NO = ("true", "1"), ("", "false", "0")


def routes(context: Context) -> Sequence[BaseRoute]:
    return [Route(PLACE + "/{id}", partial(picture, context))]


def wants_images(request: Request) -> bool:
    """``?images=``. Raises ApiError."""
    said = request.query_params.get("images", "").strip().lower()
    if said not in _YES + _NO:
        raise ApiError(400, f"'images' is {said[:20]!r}; give true or false.", param="images")
    return said in _YES


def listed(found: PicturesFound, base: str) -> dict[str, Any]:
    """What a search brought, as it is answered."""
    return {
        "object": "list",
        "query": found.query,
        "images": True,
        "pictures": len(found.found),
        "posts": sum(one.posts for one in found.found),
        "kept": found.kept,
        "unseen": found.unseen,
        "model": found.model or None,
        "why": found.why,
        "asked": found.asked or found.query,
        "not_translated": list(found.not_translated),
        "data": [_one(one, base) for one in found.found],
    }


def _one(found: PictureFound, base: str) -> dict[str, Any]:
    told: dict[str, Any] = to_json(found)
    name = found.picture.sha256
    return {
        **told,
        "picture": {"id": name, "url": f"{base}{PLACE}/{name}", **told["picture"]},
        "score": round(found.score, 6),
        "similarity": None if found.similarity is None else round(found.similarity, 4),
    }


async def picture(context: Context, request: Request) -> Response:
    """The small copy. It is asked for anew each time, for its author may have deleted it since; a
    browser that has it gets no bytes again."""
    find = partial(context.desk.engine.post_pictures.thumb, request.path_params["id"])
    file, mime = await context.desk.call(find)
    headers = {
        "cache-control": "private, no-cache",
        "etag": f'"{hashlib.sha256(file).hexdigest()[:32]}"',
        "content-security-policy": "default-src 'none'",
        "content-disposition": "inline",
    }
    if headers["etag"] in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(file, media_type=mime, headers=headers)
