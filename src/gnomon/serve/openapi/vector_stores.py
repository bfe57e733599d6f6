"""Vector stores: uploads made searchable, each caller's own."""

from __future__ import annotations

from gnomon.serve.attributes import LONGEST_KEY, LONGEST_VALUE, MOST_PAIRS
from gnomon.serve.openapi.parts import (
    AFTER,
    BEFORE,
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
    flag,
    gives,
    limit,
    listing,
    null_or,
    number,
    obj,
    one_of,
    query,
    record,
    ref,
    text,
    whole,
)
from gnomon.serve.openapi.responses import METADATA
from gnomon.serve.shelf_rows import STATUSES
from gnomon.serve.vector_stores import (
    LISTED,
    LONGEST_QUERY,
    MOST_AT_ONCE,
    MOST_IN_BATCH,
    MOST_LISTED,
    MOST_QUERIES,
    MOST_RESULTS,
)

TAG = "vector stores"
_SIZES = {
    "max_chunk_size_tokens": whole(minimum=100, maximum=4096),
    "chunk_overlap_tokens": whole("At most half of the size.", minimum=0),
}
_ATTRIBUTES = {
    **record({"anyOf": [text(maxLength=LONGEST_VALUE), number(), flag()]}),
    "maxProperties": MOST_PAIRS,
    "propertyNames": {"minLength": 1, "maxLength": LONGEST_KEY},
}
_COUNTS = obj({name: whole(minimum=0) for name in (*STATUSES, "total")})
_STORE = {
    "id": text(pattern="^vs_"),
    "object": always("vector_store"),
    "created_at": whole(),
    "name": text(),
    "description": null_or(text()),
    "usage_bytes": whole(minimum=0),
    "file_counts": _COUNTS,
    "status": one_of("in_progress", "completed", "expired"),
    "expires_after": null_or(ref("StoreLife")),
    "expires_at": null_or(whole()),
    "last_active_at": whole(),
    "metadata": METADATA,
}
_PLACED = {
    "id": text(pattern="^file-"),
    "object": always("vector_store.file"),
    "created_at": whole(),
    "usage_bytes": whole(minimum=0),
    "vector_store_id": text(),
    "status": one_of(*STATUSES),
    "last_error": null_or(obj({"code": text(), "message": text()})),
    "attributes": _ATTRIBUTES,
    "chunking_strategy": obj({"type": always("static"), "static": obj(_SIZES)}),
}
_CHUNK = {
    "file_id": text(),
    "filename": text(),
    "score": number(minimum=0, maximum=1),
    "attributes": _ATTRIBUTES,
    "content": array(obj({"type": always("text"), "text": text()})),
}


def _ids(most: int) -> Schema:
    return {"anyOf": [array(text(), maxItems=most), text()]}


def _page(kind: str, items: Schema, **more: Schema) -> Schema:
    ends = {"has_more": always(False), "next_page": {"type": "null"}}
    return obj({"object": always(kind), **more, "data": array(items), **ends})


SCHEMAS: dict[str, Schema] = {
    "StoreLife": obj(
        {"anchor": always("last_active_at"), "days": whole(minimum=1, maximum=365)}, extra=True
    ),
    "Chunking": obj(
        {
            "type": one_of("auto", "static"),
            "static": obj(
                {name: null_or(size) for name, size in _SIZES.items()}, required=[], extra=True
            ),
        },
        required=[],
        extra=True,
        description="How files are cut; `static` needs its sizes.",
    ),
    "AttributeFilter": {
        "description": "A comparison of one attribute, or `and`/`or` of several (8 deep).",
        "anyOf": [
            obj(
                {
                    "type": one_of("eq", "ne", "gt", "gte", "lt", "lte"),
                    "key": text(),
                    "value": {"anyOf": [text(), number(), flag()]},
                },
                extra=True,
            ),
            obj(
                {
                    "type": one_of("in", "nin"),
                    "key": text(),
                    "value": array({"anyOf": [text(), number(), flag()]}),
                },
                extra=True,
            ),
            obj(
                {
                    "type": one_of("and", "or"),
                    "filters": array(obj({"type": text()}, extra=True), minItems=1),
                },
                extra=True,
            ),
        ],
    },
    "VectorStore": obj(_STORE),
    "StoredFile": obj(_PLACED),
    "FileBatch": obj(
        {
            "id": text(),
            "object": always("vector_store.files_batch"),
            "created_at": whole(),
            "vector_store_id": text(),
            "status": one_of("in_progress", "completed", "cancelled"),
            "file_counts": _COUNTS,
        }
    ),
    "StoreSearch": asked(
        {
            "query": {
                "anyOf": [
                    text(pattern=r"\S", maxLength=LONGEST_QUERY),
                    array(text(pattern=r"\S", maxLength=LONGEST_QUERY), minItems=1,
                          maxItems=MOST_QUERIES),
                ]
            },
            "filters": ref("AttributeFilter"),
            "max_num_results": whole(minimum=1, maximum=MOST_RESULTS, default=10),
            "ranking_options": obj(
                {"score_threshold": null_or(number(minimum=0, maximum=1))}, required=[], extra=True
            ),
            "rewrite_query": flag(),
        },
        ["query"],
    ),
}  # fmt: skip
_STORES, _ONE = "/v1/vector_stores", "/v1/vector_stores/{id}"
_BATCH = _ONE + "/file_batches/{batch}"
_ID = at("id", "The `id` of a vector store.")
_FILE, _OF = at("file", "The `id` of a file."), at("batch", "The `id` of a batch.")
_PAGED = [AFTER, BEFORE, limit(MOST_LISTED, LISTED), ORDER]
_FILTERED = [query("filter", one_of(*STATUSES)), *_PAGED]
_IS = {200: gives("It.", ref("VectorStore"))}
_FILE_IS = {200: gives("It.", ref("StoredFile"))}
_BATCH_IS = {200: gives("It.", ref("FileBatch"))}
_FILES_ARE = {200: gives("A page of them.", listing(ref("StoredFile"), paged=True))}


def _write(
    id: str, summary: str, answers: dict[int, Schema], *params: Schema, sent: Schema | None = None
) -> Schema:
    return does(
        TAG, id, summary, answers, 404, 507, params=params, body=sent, scope="write"
    )  # fmt: skip


def _read(id: str, summary: str, answers: dict[int, Schema], *params: Schema) -> Schema:
    return does(TAG, id, summary, answers, 404, params=params)


_NEW = asked(
    {
        "name": text("Cut after 256 characters."),
        "description": text("Cut after 512 characters."),
        "file_ids": _ids(MOST_AT_ONCE),
        "chunking_strategy": ref("Chunking"),
        "expires_after": ref("StoreLife"),
        "metadata": METADATA,
    }
)
_CHANGED = asked({"name": text(), "expires_after": ref("StoreLife"), "metadata": METADATA})
_ADDED = {"attributes": _ATTRIBUTES, "chunking_strategy": ref("Chunking")}
_BATCHED = asked(
    {
        "file_ids": _ids(MOST_IN_BATCH),
        "files": array(
            asked({"file_id": text(), **_ADDED}, ["file_id"]), maxItems=MOST_IN_BATCH
        ),
        **_ADDED,
    }
)  # fmt: skip

PATHS: Paths = {
    _STORES: {
        "post": _write(
            "create_store",
            "A vector store",
            _IS,
            sent=body(_NEW, {"empty": {}, "named": {"name": "club", "metadata": {"of": "us"}}}),
        ),
        "get": does(
            TAG,
            "stores",
            "Yours",
            {200: gives("A page of them.", listing(ref("VectorStore"), paged=True))},
            params=_PAGED,
        ),
    },
    _ONE: {
        "get": _read("store", "One of them", _IS, _ID),
        "post": _write(
            "change_store",
            "Change its name, metadata, expiry; null takes one away",
            _IS,
            _ID,
            sent=body(_CHANGED, {"renamed": {"name": "the club"}}),
        ),
        "delete": _write(
            "delete_store",
            "Delete it with its index; the files stay",
            {200: gives("It is gone.", deleted("vector_store.deleted"))},
            _ID,
        ),
    },
    _ONE + "/search": {
        "post": does(
            TAG,
            "search_store",
            "The chunks that fit best",
            {
                200: gives(
                    "The chunks, best first.",
                    _page(
                        "vector_store.search_results.page",
                        obj(_CHUNK),
                        search_query=array(text()),
                    ),
                )
            },
            404,
            params=[_ID],
            body=body(ref("StoreSearch"), {"words": {"query": "annual dues"}}),
        )
    },
    _ONE + "/files": {
        "post": _write(
            "add_file",
            "Add a file",
            _FILE_IS,
            _ID,
            sent=body(
                asked({"file_id": text(minLength=1), **_ADDED}, ["file_id"]),
                {"file": {"file_id": "file-0"}},
            ),
        ),
        "get": _read("stored_files", "Its files", _FILES_ARE, _ID, *_FILTERED),
    },
    _ONE + "/files/{file}": {
        "get": _read("stored_file", "One of them", _FILE_IS, _ID, _FILE),
        "post": _write(
            "describe_file",
            "Other attributes",
            _FILE_IS,
            _ID,
            _FILE,
            sent=body(
                obj({"attributes": null_or(_ATTRIBUTES)}, extra=True),
                {"year": {"attributes": {"year": 2026}}},
            ),
        ),
        "delete": _write(
            "take_file_off",
            "Take it off this vector store; the file stays",
            {200: gives("It is off.", deleted("vector_store.file.deleted"))},
            _ID,
            _FILE,
        ),
    },
    _ONE + "/files/{file}/content": {
        "get": _read(
            "stored_text",
            "The text as it was read, in its chunks",
            {
                200: gives(
                    "The chunks.",
                    _page(
                        "vector_store.file_content.page",
                        obj({"type": always("text"), "text": text()}),
                    ),
                )
            },
            _ID,
            _FILE,
        )
    },
    _ONE + "/file_batches": {
        "post": _write(
            "add_files",
            "Several files at once: `file_ids`, or `files` with their own attributes",
            _BATCH_IS,
            _ID,
            sent=body(_BATCHED, {"ids": {"file_ids": ["file-0"]}}),
        )
    },
    _BATCH: {"get": _read("batch", "How far that is", _BATCH_IS, _ID, _OF)},
    _BATCH + "/cancel": {
        "post": _write("cancel_batch", "What is not done yet will not be", _BATCH_IS, _ID, _OF)
    },
    _BATCH + "/files": {"get": _read("batch_files", "Its files", _FILES_ARE, _ID, _OF, *_FILTERED)},
}
