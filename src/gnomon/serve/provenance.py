"""``POST /v1/content_provenance_checks``: where a picture or a sound says that it comes from.

https://developers.openai.com/api/docs/guides/content-provenance. OpenAI's reads its own signals;
ours reads the manifest (C2PA) of anybody, so ``issuer`` and ``model`` are what a stranger wrote
unless ``validation_state`` is "trusted". ``outcome`` is "detected" where a manifest holds. What we
know beyond that shape is under ``gnomon``.
"""

from __future__ import annotations

import secrets
import tempfile
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from gnomon.errors import ConfigError
from gnomon.serve.context import Context
from gnomon.serve.contract import Provenance as Signed
from gnomon.serve.http import ApiError, field, json_response, read_json
from gnomon.serve.multipart import read_form
from gnomon.types.provenance import Provenance
from gnomon.wire import iso, to_json

MAX_BYTES = 100 * 2**20


def routes(context: Context) -> Sequence[BaseRoute]:
    return [
        Route("/v1/content_provenance_checks", partial(check, context), methods=["POST"]),
        Route("/v1/provenance/keys", partial(keys, context)),
        Route("/v1/answers/{id}/receipt", partial(receipt, context)),
        Route("/v1/posts/{id:path}/media_checks", partial(pictures, context), methods=["POST"]),
        Route("/v1/receipts/verify", partial(verify, context), methods=["POST"]),
    ]


async def check(context: Context, request: Request) -> Response:
    """A form with ``file``. Its bytes decide what it is, not its name."""
    limit = min(MAX_BYTES, context.desk.engine.library.limits.file_bytes)

    def too_large() -> ApiError:
        return ApiError(
            413, f"The file is over {limit:,} bytes.", param="file", code="file_too_large"
        )

    with tempfile.TemporaryDirectory(prefix="gnomon-check-") as folder:
        path = Path(folder) / secrets.token_hex(8)
        form = await read_form(request, path, file="file", limit=limit, too_large=too_large)
        if not form.has_file:
            raise ApiError(400, "There is no 'file' in the form.", param="file")
        signed = context.desk.engine.provenance
        found = await context.desk.call(partial(_read, signed, path, form.name))
    return json_response(result(found, int(time.time())))


def _read(signed: Signed, path: Path, name: str) -> Provenance:
    try:
        return signed.read(path, name)
    except ConfigError as error:  # the library is not installed: trying again is of no use
        headers = {"x-should-retry": "false"}
        raise ApiError(
            501, str(error), type="server_error", code="not_installed", headers=headers
        ) from error


async def keys(context: Context, request: Request) -> Response:
    """Our keys, so that others can verify receipts and put us on their trust lists."""
    signed = context.desk.engine.provenance
    told = await context.desk.call(signed.about)
    return json_response({"object": "list", "data": told["keys"]})


async def receipt(context: Context, request: Request) -> Response:
    """The signed receipt of a kept answer, with all that verifying it needs."""
    show = partial(context.desk.engine.receipts.show, request.path_params["id"])
    return json_response(await context.desk.call(show))


async def pictures(context: Context, request: Request) -> Response:
    """Look at the pictures of a post now: they are fetched, and only the verdicts are kept."""
    check = partial(context.desk.engine.media_checks.check, request.path_params["id"])
    found = await context.desk.call(check)
    return json_response({"object": "list", "data": to_json(found)})


async def verify(context: Context, request: Request) -> Response:
    """A receipt as ``receipt`` gives it, and if given ``key``, a public key (PEM) to trust."""
    given = await read_json(request)
    public = field(given, "key", str, "")
    check = partial(context.desk.engine.receipts.verify, given, public)
    found = await context.desk.call(check)
    at = iso(found.at) if found.at is not None else None
    return json_response({"object": "gnomon.receipt_check", **to_json(found), "at": at})


def result(found: Provenance, now: int) -> dict[str, Any]:
    """In OpenAI's shape. ``not_present`` is its word for "absent"."""
    holds = found.state in ("trusted", "valid")
    return {
        "object": "content_provenance_check",
        "created_at": now,
        "results": [
            {
                "type": "c2pa",
                "outcome": "detected" if holds else "not_detected",
                "validation_state": "not_present" if found.state == "absent" else found.state,
                "issuer": found.signer.organization or None,
                "model": found.model or None,
                "generated_at": iso(found.at) if found.at is not None else None,
            }
        ],
        "gnomon": {**to_json(found), "at": iso(found.at) if found.at is not None else None},
    }
