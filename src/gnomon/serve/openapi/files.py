"""Files and uploads in parts, each caller's own."""

from __future__ import annotations

from gnomon.serve.file_rows import PURPOSES
from gnomon.serve.files import LONGEST_LIFE_S, MOST_LISTED, SHORTEST_LIFE_S
from gnomon.serve.openapi.parts import (
    AFTER,
    ORDER,
    Paths,
    Schema,
    always,
    array,
    asked,
    at,
    body,
    deleted,
    does,
    gives,
    limit,
    listing,
    null_or,
    obj,
    one_of,
    query,
    ref,
    text,
    whole,
)

TAG = "files"
FORM = "multipart/form-data"
BYTES = "application/octet-stream"
_FILE: Schema = {"type": "string", "format": "binary", "description": "The bytes."}
_LIFE = whole("How long it is kept.", minimum=SHORTEST_LIFE_S, maximum=LONGEST_LIFE_S)
_ID = at("id", "The `id` of a file.")
_UPLOAD = at("id", "The `id` of an upload.")

SCHEMAS: dict[str, Schema] = {
    "File": obj(
        {
            "id": text(pattern="^file-"),
            "object": always("file"),
            "bytes": whole(minimum=0),
            "created_at": whole(),
            "expires_at": null_or(whole()),
            "filename": text(),
            "purpose": one_of(*PURPOSES),
            "status": always("processed"),
            "status_details": {"type": "null"},
        }
    ),
    "Upload": obj(
        {
            "id": text(pattern="^upload_"),
            "object": always("upload"),
            "bytes": whole(minimum=1),
            "created_at": whole(),
            "expires_at": whole(),
            "filename": text(),
            "purpose": one_of(*PURPOSES),
            "status": one_of("pending", "completed", "cancelled", "expired"),
            "file": null_or(ref("File")),
        }
    ),
    "UploadPart": obj(
        {
            "id": text(pattern="^part_"),
            "object": always("upload.part"),
            "created_at": whole(),
            "upload_id": text(),
        }
    ),
}

PATHS: Paths = {
    "/v1/files": {
        "post": does(
            TAG,
            "create_file",
            "Keep a file",
            {200: gives("It is kept.", ref("File"))},
            507,
            scope="write",
            body=body(
                obj(
                    {
                        "file": _FILE,
                        "purpose": one_of(*PURPOSES),
                        "expires_after[anchor]": always("created_at"),
                        "expires_after[seconds]": _LIFE,
                    },
                    required=["file", "purpose"],
                    extra=True,
                ),
                {"text": {"file": "The annual dues are 40 crowns.", "purpose": "user_data"}},
                FORM,
            ),
        ),
        "get": does(
            TAG,
            "files",
            "Yours, newest first",
            {200: gives("A page of them.", listing(ref("File"), paged=True))},
            params=[
                query("purpose", text(), "Only those for this purpose."),
                AFTER,
                limit(MOST_LISTED, MOST_LISTED),
                ORDER,
            ],
        ),
    },
    "/v1/files/{id}": {
        "get": does(
            TAG, "file", "One of them", {200: gives("It.", ref("File"))}, 404, params=[_ID]
        ),
        "delete": does(
            TAG,
            "delete_file",
            "Delete it, from every vector store too",
            {200: gives("It is gone.", deleted("file"))},
            404,
            507,
            params=[_ID],
            scope="write",
        ),
    },
    "/v1/files/{id}/content": {
        "get": does(
            TAG,
            "file_content",
            "Its bytes, as a download",
            {200: gives("The bytes.", {"type": "string", "format": "binary"}, BYTES)},
            404,
            params=[_ID],
        )
    },
    "/v1/uploads": {
        "post": does(
            TAG,
            "begin_upload",
            "Begin a large file in parts; it is open for an hour",
            {200: gives("It is open.", ref("Upload"))},
            507,
            scope="write",
            body=body(
                asked(
                    {
                        "filename": text(),
                        "bytes": whole("The size of the whole.", minimum=1),
                        "purpose": one_of(*PURPOSES),
                        "mime_type": {},
                        "expires_after": obj(
                            {"anchor": null_or(always("created_at")), "seconds": _LIFE},
                            required=["seconds"],
                            extra=True,
                        ),
                    },
                    ["bytes", "purpose"],
                ),
                {"small": {"filename": "dues.txt", "bytes": 4, "purpose": "user_data"}},
            ),
        )
    },
    "/v1/uploads/{id}/parts": {
        "post": does(
            TAG,
            "add_part",
            "Add one part, at most 64 MiB",
            {200: gives("It is kept.", ref("UploadPart"))},
            404,
            507,
            params=[_UPLOAD],
            scope="write",
            body=body(
                obj({"data": _FILE}, extra=True),
                {"part": {"data": "dues"}},
                FORM,
            ),
        )
    },
    "/v1/uploads/{id}/complete": {
        "post": does(
            TAG,
            "complete_upload",
            "The parts become a file",
            {200: gives("They did.", ref("Upload"))},
            404,
            507,
            params=[_UPLOAD],
            scope="write",
            body=body(
                asked(
                    {
                        "part_ids": array(text(), "In their order, each once.", minItems=1),
                        "md5": text(),
                    },
                    ["part_ids"],
                ),
                {"whole": {"part_ids": ["part_0"]}},
            ),
        )
    },
    "/v1/uploads/{id}/cancel": {
        "post": does(
            TAG,
            "cancel_upload",
            "The parts go",
            {200: gives("They are gone.", ref("Upload"))},
            404,
            507,
            params=[_UPLOAD],
            scope="write",
        )
    },
}
