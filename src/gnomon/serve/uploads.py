"""``/v1/uploads``: a large file in parts, put together at the end.

https://platform.openai.com/docs/api-reference/uploads. Parts lie beside the files until they are
one; what is not completed within its hour is let go.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gnomon.serve.caller import require
from gnomon.serve.context import Context
from gnomon.serve.database import Database
from gnomon.serve.file_rows import File, Files, not_found, over_quota
from gnomon.serve.files import check_purpose, file_too_large, life_of
from gnomon.serve.http import ApiError, field, json_response, read_json, strings
from gnomon.serve.multipart import read_form, safe_name
from gnomon.serve.shelving import Worker

_TABLES = """
CREATE TABLE uploads (
    id TEXT PRIMARY KEY,
    owner TEXT NOT NULL,
    name TEXT NOT NULL,
    bytes INT NOT NULL,
    purpose TEXT NOT NULL,
    created REAL NOT NULL,
    life REAL,
    status TEXT NOT NULL DEFAULT 'pending',
    file TEXT NOT NULL DEFAULT ''
);
CREATE TABLE upload_parts (
    id TEXT PRIMARY KEY,
    upload TEXT NOT NULL REFERENCES uploads (id) ON DELETE CASCADE,
    bytes INT NOT NULL,
    created REAL NOT NULL
);
CREATE INDEX upload_parts_of_upload ON upload_parts (upload);
"""
OPEN_S = 3600.0
MAX_PART_BYTES = 64 * 2**20
PIECE = 1 << 20


@dataclass(frozen=True, slots=True)
class _Upload:
    id: str
    owner: str
    name: str
    bytes: int
    purpose: str
    created: float
    life: float | None
    status: str
    file: str

    def object(self, file: File | None = None) -> dict[str, Any]:
        late = self.status == "pending" and time.time() >= self.created + OPEN_S
        return {
            "id": self.id,
            "object": "upload",
            "bytes": self.bytes,
            "created_at": int(self.created),
            "expires_at": int(self.created + OPEN_S),
            "filename": self.name,
            "purpose": self.purpose,
            "status": "expired" if late else self.status,
            "file": None if file is None else file.object(),
        }


def routes(context: Context, files: Files, worker: Worker) -> list[Route]:
    api = _Api(context, files, worker)
    base = "/v1/uploads"
    return [
        Route(base, api.create, methods=["POST"]),
        Route(base + "/{id}/parts", api.add, methods=["POST"]),
        Route(base + "/{id}/complete", api.complete, methods=["POST"]),
        Route(base + "/{id}/cancel", api.cancel, methods=["POST"]),
    ]


class _Rows:
    """The tables of uploads that are not files yet."""

    def __init__(self, database: Database, files: Files) -> None:
        self._database = database
        self._files = files
        database.tables("uploads", _TABLES)

    def make(self, owner: str, name: str, size: int, purpose: str, life: float | None) -> _Upload:
        made = f"upload_{secrets.token_hex(16)}"
        self._database.run(
            "INSERT INTO uploads (id, owner, name, bytes, purpose, created, life) "
            "VALUES (?, ?, ?, ?, ?, ?, ?)",
            (made, owner, name, size, purpose, time.time(), life),
        )
        return self.find(made, owner)

    def find(self, id: str, owner: str, *, pending: bool = False) -> _Upload:
        """Raises ApiError 404, and 400 where ``pending`` it is not."""
        rows = self._database.run(
            "SELECT id, owner, name, bytes, purpose, created, life, status, file FROM uploads "
            "WHERE id = ? AND owner = ?",
            (id, owner),
        )
        if not rows:
            raise not_found("upload", id)
        upload = _Upload(*rows[0])
        status = upload.object()["status"]
        if pending and status != "pending":
            raise ApiError(
                400, f"The upload is {status}; begin another.", code="upload_not_pending"
            )
        return upload

    def received(self, upload: str) -> int:
        rows = self._database.run("SELECT sum(bytes) FROM upload_parts WHERE upload = ?", (upload,))
        return int(rows[0][0] or 0)

    def pending_bytes(self, owner: str) -> int:
        """What lies in parts of the owner's uploads."""
        rows = self._database.run(
            "SELECT sum(p.bytes) FROM upload_parts p JOIN uploads u ON u.id = p.upload "
            "WHERE u.owner = ?",
            (owner,),
        )
        return int(rows[0][0] or 0)

    def add(self, upload: _Upload, part: str, size: int) -> dict[str, Any]:
        now = time.time()
        with self._database.transaction():
            if self.received(upload.id) + size > upload.bytes:
                raise ApiError(
                    400,
                    f"The parts are more than the {upload.bytes:,} bytes that were announced.",
                    param="data",
                    code="upload_too_large",
                )
            self._database.run("INSERT INTO upload_parts VALUES (?, ?, ?, ?)",
                               (part, upload.id, size, now))  # fmt: skip
        return {
            "id": part,
            "object": "upload.part",
            "created_at": int(now),
            "upload_id": upload.id,
        }

    def parts(self, upload: str) -> list[str]:
        rows = self._database.run("SELECT id FROM upload_parts WHERE upload = ?", (upload,))
        return [str(row[0]) for row in rows]

    def close(self, upload: _Upload, status: str, file: str = "") -> None:
        """Nothing more is added; the parts go."""
        for part in self.parts(upload.id):
            self._files.path(part).unlink(missing_ok=True)
        with self._database.transaction():
            self._database.run("DELETE FROM upload_parts WHERE upload = ?", (upload.id,))
            self._database.run(
                "UPDATE uploads SET status = ?, file = ? WHERE id = ?", (status, file, upload.id)
            )

    def expire(self, now: float) -> None:
        rows = self._database.run(
            "SELECT id, owner FROM uploads WHERE status = 'pending' AND created + ? <= ?",
            (OPEN_S, now),
        )
        for name, owner in rows:
            self.close(self.find(name, owner), "expired")


class _Api:
    def __init__(self, context: Context, files: Files, worker: Worker) -> None:
        self._desk = context.desk
        self._files = files
        self._rows = _Rows(context.database, files)
        self._worker = worker
        worker.letting_go.append(self._rows.expire)

    async def create(self, request: Request) -> Response:
        """``filename``, ``bytes``, ``purpose``, ``mime_type``, ``expires_after``."""
        owner, body = require(request, "write").id, await read_json(request)
        limits = self._desk.engine.library.limits
        size = field(body, "bytes", int, 0)
        if size < 1:
            raise ApiError(400, f"'bytes' is {size}; give the size of the file.", param="bytes")
        if size > limits.file_bytes:
            raise file_too_large(limits.file_bytes)
        purpose = check_purpose(body.get("purpose"))
        expires = field(body, "expires_after", dict, {})
        life = (
            life_of(expires.get("anchor"), expires.get("seconds"))
            if body.get("expires_after") is not None
            else None
        )
        name = safe_name(field(body, "filename", str, ""))

        def make() -> dict[str, Any]:
            used = self._files.used(owner) + self._rows.pending_bytes(owner)
            if used + size > limits.caller_bytes:
                raise over_quota(limits.caller_bytes)
            return self._rows.make(owner, name, size, purpose, life).object()

        self._worker.start()
        return json_response(await self._desk.call(make))

    async def add(self, request: Request) -> Response:
        """A part: the form field ``data``."""
        upload = await self._find(request)
        most = min(MAX_PART_BYTES, upload.bytes)
        part = f"part_{secrets.token_hex(16)}"
        into, done = self._files.path(part), False
        try:
            form = await read_form(
                request, into, file="data", limit=most, too_large=lambda: file_too_large(most)
            )
            if not form.has_file:
                raise ApiError(400, "There is no 'data' in the form.", param="data")
            said = await self._desk.call(partial(self._rows.add, upload, part, form.size))
            done = True
        finally:
            if not done:
                into.unlink(missing_ok=True)
        return json_response(said)

    async def complete(self, request: Request) -> Response:
        """``part_ids`` in their order, and if given the ``md5`` of the whole."""
        upload, body = await self._find(request), await read_json(request)
        wanted, md5 = strings(body.get("part_ids"), "part_ids"), field(body, "md5", str, "")
        quota = self._desk.engine.library.limits.caller_bytes
        finish = partial(self._finish, upload, wanted, md5, quota)
        return json_response(await self._desk.call(finish))

    def _finish(
        self, upload: _Upload, wanted: Sequence[str], md5: str, quota: int
    ) -> dict[str, Any]:
        held = set(self._rows.parts(upload.id))
        if not wanted or len(set(wanted)) != len(wanted) or not held.issuperset(wanted):
            raise ApiError(400, "'part_ids' are not parts of this upload, each once.",
                           param="part_ids", code="invalid_value")  # fmt: skip
        scratch = self._files.scratch()
        try:
            size, digest = _joined([self._files.path(part) for part in wanted], scratch)
            if size != upload.bytes:
                raise ApiError(
                    400,
                    f"The parts have {size:,} bytes, and {upload.bytes:,} were announced.",
                    param="part_ids",
                    code="upload_size_mismatch",
                )
            if md5 and md5.lower() != digest:
                raise ApiError(400, "The parts do not have that md5; send them again.",
                               param="md5", code="upload_checksum_mismatch")  # fmt: skip
            file = self._files.keep(
                upload.owner, upload.name, upload.purpose, upload.life, scratch, quota
            )
        finally:
            scratch.unlink(missing_ok=True)
        self._rows.close(upload, "completed", file.id)
        return self._rows.find(upload.id, upload.owner).object(file)

    async def cancel(self, request: Request) -> Response:
        upload = await self._find(request)
        await self._desk.call(partial(self._rows.close, upload, "cancelled"))
        find = partial(self._rows.find, upload.id, upload.owner)
        closed: _Upload = await self._desk.call(find)
        return json_response(closed.object())

    async def _find(self, request: Request) -> _Upload:
        owner = require(request, "write").id
        find = partial(self._rows.find, request.path_params["id"], owner, pending=True)
        upload: _Upload = await self._desk.call(find)
        return upload


def _joined(parts: Sequence[Path], into: Path) -> tuple[int, str]:
    """The parts as one file; its size and MD5, which is a checksum here and no proof."""
    digest, size = hashlib.md5(usedforsecurity=False), 0
    with into.open("xb") as out:
        for part in parts:
            with part.open("rb") as file:
                while piece := file.read(PIECE):
                    digest.update(piece)
                    size += len(piece)
                    out.write(piece)
    return size, digest.hexdigest()
