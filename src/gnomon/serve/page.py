"""The page: a few files of the package, read once, served compressed, with an ETag and no build
step."""

from __future__ import annotations

import gzip
import hashlib
from importlib.resources import files
from pathlib import PurePosixPath

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gnomon.serve.context import Context

_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".webmanifest": "application/manifest+json",
}


class Asset:
    """One file, as an endpoint. ``no-cache`` has browsers ask each time; 304 is the usual reply."""

    def __init__(self, name: str, body: bytes) -> None:
        self._body = body
        self._headers = {
            "content-type": _TYPES[PurePosixPath(name).suffix],
            "cache-control": "no-cache",
            "etag": f'"{hashlib.sha256(body).hexdigest()[:32]}"',
        }
        # Nothing secret and nothing of a reader's is in these files: there is nothing to learn from
        # their compressed size (BREACH). Pictures are compressed already.
        smaller = gzip.compress(body, mtime=0)
        self._smaller = smaller if len(smaller) < 0.9 * len(body) else None

    async def __call__(self, request: Request) -> Response:
        if self._headers["etag"] in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=self._headers)
        if self._smaller is not None and _takes_gzip(request.headers.get("accept-encoding", "")):
            return Response(self._smaller, headers=self._headers | {"content-encoding": "gzip"})
        return Response(self._body, headers=self._headers)


def _takes_gzip(accepted: str) -> bool:
    """Whether an Accept-Encoding names gzip and does not forbid it (RFC 9110, 12.5.3)."""
    for one in accepted.split(","):
        coding, _, weight = one.partition(";")
        if coding.strip().lower() == "gzip":
            return weight.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False


def routes(context: Context) -> list[Route]:
    """``/`` and ``/posts/{id}`` (one page, which reads its address), and the page's files."""
    held = {
        entry.name: Asset(entry.name, entry.read_bytes())
        for entry in (files("gnomon.serve") / "page").iterdir()
        if PurePosixPath(entry.name).suffix in _TYPES
    }
    index = held.pop("index.html")
    return [
        Route("/", index.__call__),
        Route("/posts/{id:path}", index.__call__),
        *(Route(f"/page/{name}", asset.__call__) for name, asset in sorted(held.items())),
    ]
