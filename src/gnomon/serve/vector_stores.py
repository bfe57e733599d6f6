"""``/v1/vector_stores``: uploads made searchable, each caller's own.

https://platform.openai.com/docs/api-reference/vector-stores. Files are read and indexed beside the
answering (``shelving``); a client polls, or uses its library's ``upload_and_poll``.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gnomon.serve.attributes import attributes_of, check_filter, metadata_of
from gnomon.serve.caller import caller_of, require
from gnomon.serve.context import Context
from gnomon.serve.file_rows import Files, not_found, page
from gnomon.serve.files import limit_of, newest_first
from gnomon.serve.http import ApiError, field, json_response, read_json, strings
from gnomon.serve.shelf_rows import STATUSES, Shelves, Shelving, StoreRow
from gnomon.serve.shelving import Worker
from gnomon.types.library import TEXT_WEIGHT, ChunkHit, Chunking

MOST_LISTED, LISTED = 100, 20
MOST_AT_ONCE = 500
MOST_IN_BATCH = 2000
MOST_RESULTS = 50
MOST_QUERIES = 10
LONGEST_QUERY = 4096
POLL_MS = "250"
"""What we ask clients to wait between two looks (the openai client obeys)."""
AUTO = Chunking()


def routes(context: Context, files: Files, shelves: Shelves, worker: Worker) -> list[Route]:
    """The routes of vector stores; ``library.routes`` puts them together."""
    stores = _Stores(context, files, shelves, worker)
    placed = _Placed(context, files, shelves, worker)
    batches = _Batches(context, files, shelves, worker)
    base = "/v1/vector_stores"
    one, batch = base + "/{id}", base + "/{id}/file_batches/{batch}"
    return [
        Route(base, stores.create, methods=["POST"]),
        Route(base, stores.list),
        Route(one, stores.show),
        Route(one, stores.change, methods=["POST"]),
        Route(one, stores.delete, methods=["DELETE"]),
        Route(one + "/search", stores.search, methods=["POST"]),
        Route(one + "/files", placed.create, methods=["POST"]),
        Route(one + "/files", placed.list),
        Route(one + "/files/{file}", placed.show),
        Route(one + "/files/{file}", placed.change, methods=["POST"]),
        Route(one + "/files/{file}", placed.delete, methods=["DELETE"]),
        Route(one + "/files/{file}/content", placed.content),
        Route(one + "/file_batches", batches.create, methods=["POST"]),
        Route(batch, batches.show),
        Route(batch + "/cancel", batches.cancel, methods=["POST"]),
        Route(batch + "/files", batches.list),
    ]


class _Api:
    """What the three groups of routes work with. Every route names its caller's own things."""

    def __init__(self, context: Context, files: Files, shelves: Shelves, worker: Worker) -> None:
        self._desk = context.desk
        self._files = files
        self._shelves = shelves
        self._worker = worker

    async def _store(self, request: Request, *, write: bool = False) -> StoreRow:
        caller = require(request, "write") if write else caller_of(request)
        find = partial(self._shelves.find, request.path_params["id"], caller.id)
        row: StoreRow = await self._desk.call(find)
        if write and row.expired and request.method != "DELETE":
            raise ApiError(
                400, "This vector store has expired; make another.", code="vector_store_expired"
            )
        return row

    async def _put(
        self, store: StoreRow, wanted: list[tuple[str, dict[str, Any], Chunking]], batch: str = ""
    ) -> None:
        """Have files shelved. Raises ApiError 404 where one is not the caller's."""

        def put() -> None:
            for file, _, _ in wanted:
                self._files.find(file, store.owner)
            self._shelves.put(store.id, wanted, batch)
            for file, _, _ in wanted:
                self._worker.add(store.id, file)

        await self._desk.call(put)


class _Stores(_Api):
    async def create(self, request: Request) -> Response:
        """``name``, ``file_ids``, ``expires_after``, ``chunking_strategy``, ``metadata``."""
        owner = require(request, "write").id
        body = await read_json(request)
        chunking = chunking_of(body)
        files = file_ids(body, MOST_AT_ONCE)
        make = partial(
            self._shelves.make,
            owner,
            field(body, "name", str, "")[:256],
            field(body, "description", str, "")[:512],
            metadata_of(body.get("metadata")),
            _days(body.get("expires_after")),
        )
        for file in files:
            await self._desk.call(partial(self._files.find, file, owner))
        store: StoreRow = await self._desk.call(make)
        if files:
            await self._put(store, [(file, {}, chunking) for file in files])
        return await self._said(store)

    async def list(self, request: Request) -> Response:
        query = request.query_params
        find = partial(
            self._shelves.listed,
            caller_of(request).id,
            after=query.get("after", ""),
            before=query.get("before", ""),
            limit=limit_of(query, LISTED, MOST_LISTED),
            newest_first=newest_first(query),
        )

        def listed() -> dict[str, Any]:
            stores, more = find()
            return page([store_object(self._shelves, store) for store in stores], more)

        return json_response(await self._desk.call(listed))

    async def show(self, request: Request) -> Response:
        return await self._said(await self._store(request))

    async def change(self, request: Request) -> Response:
        """``name``, ``metadata``, ``expires_after``; null takes one away."""
        store, body = await self._store(request, write=True), await read_json(request)
        values: dict[str, Any] = {}
        if "name" in body:
            values["name"] = field(body, "name", str, "")[:256]
        if "metadata" in body:
            values["metadata"] = metadata_of(body["metadata"])
        if "expires_after" in body:
            values["expires_days"] = _days(body["expires_after"])
        change = partial(self._shelves.change, store.id, store.owner, **values)
        return await self._said(await self._desk.call(change))

    async def delete(self, request: Request) -> Response:
        store = await self._store(request, write=True)
        await self._desk.call(partial(self._shelves.delete, store.id, store.owner))
        return json_response({"id": store.id, "object": "vector_store.deleted", "deleted": True})

    async def search(self, request: Request) -> Response:
        """``query`` (one or several), ``filters``, ``max_num_results``, ``ranking_options``,
        ``rewrite_query``."""
        body = await read_json(request)
        queries = _queries(body.get("query"))
        wanted = check_filter(body.get("filters"))
        most = field(body, "max_num_results", int, 10)
        if not 1 <= most <= MOST_RESULTS:
            raise ApiError(
                400, f"'max_num_results' is {most}; give 1 to {MOST_RESULTS}.",
                param="max_num_results",
            )  # fmt: skip
        least, text_weight = ranking_of(body.get("ranking_options"))
        field(body, "rewrite_query", bool, False)  # questions are cut to their content words anyway
        owner, store = caller_of(request).id, request.path_params["id"]

        def find() -> list[dict[str, Any]]:
            shelves = self._shelves.open(owner, [store], wanted)
            found = self._desk.engine.library.search(
                shelves, queries, k=most, text_weight=text_weight
            )
            return results(
                self._shelves, self._files, owner, [h for h in found if h.score >= least]
            )

        data = await self._desk.call(find)
        return json_response(
            {
                "object": "vector_store.search_results.page",
                "search_query": queries,
                "data": data,
                "has_more": False,
                "next_page": None,
            }
        )

    async def _said(self, store: StoreRow) -> Response:
        return json_response(await self._desk.call(partial(store_object, self._shelves, store)))


class _Placed(_Api):
    """The files of one store."""

    async def create(self, request: Request) -> Response:
        """``file_id``, ``attributes``, ``chunking_strategy``."""
        store, body = await self._store(request, write=True), await read_json(request)
        file = field(body, "file_id", str, "")
        if not file:
            raise ApiError(400, "'file_id' is missing; give an uploaded file.", param="file_id")
        wanted = (file, attributes_of(body.get("attributes")), chunking_of(body))
        await self._put(store, [wanted])
        return await self._said(store.id, file)

    async def list(self, request: Request) -> Response:
        store = await self._store(request)
        return json_response(await self._desk.call(partial(_listed, self._shelves, store, request)))

    async def show(self, request: Request) -> Response:
        store = await self._store(request)
        return await self._said(store.id, request.path_params["file"])

    async def change(self, request: Request) -> Response:
        """``attributes``, all of them anew."""
        store, body = await self._store(request, write=True), await read_json(request)
        file = (await self._shelving(store.id, request.path_params["file"])).file
        if "attributes" not in body:
            raise ApiError(400, "'attributes' is missing.", param="attributes")
        attributes = attributes_of(body["attributes"])
        await self._desk.call(partial(self._shelves.describe, store.id, file, attributes))
        return await self._said(store.id, file)

    async def delete(self, request: Request) -> Response:
        """Off this store; the upload stays."""
        store = await self._store(request, write=True)
        file = (await self._shelving(store.id, request.path_params["file"])).file
        await self._desk.call(partial(self._shelves.take_off, store.id, file))
        return json_response({"id": file, "object": "vector_store.file.deleted", "deleted": True})

    async def content(self, request: Request) -> Response:
        """The text as it was read, in its chunks."""
        store = await self._store(request)
        file = (await self._shelving(store.id, request.path_params["file"])).file
        read = partial(self._desk.engine.library.texts, store.id, file)
        texts = await self._desk.call(read)
        return json_response(
            {
                "object": "vector_store.file_content.page",
                "data": [{"type": "text", "text": text} for text in texts],
                "has_more": False,
                "next_page": None,
            }
        )

    async def _shelving(self, store: str, file: str) -> Shelving:
        found = await self._desk.call(partial(self._shelves.shelving, store, file))
        if found is None:
            raise not_found("file", file)
        return found

    async def _said(self, store: str, file: str) -> Response:
        shelving = await self._shelving(store, file)
        return json_response(shelving.object(), headers=_poll(shelving.status == "in_progress"))


class _Batches(_Api):
    """Several files at once."""

    async def create(self, request: Request) -> Response:
        """``file_ids`` with common ``attributes`` and ``chunking_strategy``, or ``files``."""
        store, body = await self._store(request, write=True), await read_json(request)
        wanted = _batch(body)
        for file, _, _ in wanted:
            await self._desk.call(partial(self._files.find, file, store.owner))
        batch: str = await self._desk.call(partial(self._shelves.make_batch, store.id))
        await self._put(store, wanted, batch)
        return await self._said(store.id, batch)

    async def show(self, request: Request) -> Response:
        store = await self._store(request)
        return await self._said(store.id, request.path_params["batch"])

    async def cancel(self, request: Request) -> Response:
        store, batch = await self._store(request, write=True), request.path_params["batch"]
        await self._desk.call(partial(self._shelves.cancel, store.id, batch))
        return await self._said(store.id, batch)

    async def list(self, request: Request) -> Response:
        store, batch = await self._store(request), request.path_params["batch"]
        await self._desk.call(partial(self._shelves.batch, store.id, batch))
        return json_response(
            await self._desk.call(partial(_listed, self._shelves, store, request, batch))
        )

    async def _said(self, store: str, batch: str) -> Response:
        def object_() -> dict[str, Any]:
            created, cancelled = self._shelves.batch(store, batch)
            counts = self._shelves.counts(store, batch)
            status = "in_progress" if counts["in_progress"] else "completed"
            return {
                "id": batch,
                "object": "vector_store.files_batch",
                "created_at": int(created),
                "vector_store_id": store,
                "status": "cancelled" if cancelled else status,
                "file_counts": counts,
            }

        said = await self._desk.call(object_)
        return json_response(said, headers=_poll(said["status"] == "in_progress"))


# --------------------------------------------------------------------------------- what is shown


def store_object(shelves: Shelves, store: StoreRow) -> dict[str, Any]:
    """A vector store as the API shows it."""
    counts = shelves.counts(store.id)
    status = "in_progress" if counts["in_progress"] else "completed"
    days = store.expires_days
    return {
        "id": store.id,
        "object": "vector_store",
        "created_at": int(store.created),
        "name": store.name,
        "description": store.description or None,
        "usage_bytes": shelves.usage(store.id),
        "file_counts": counts,
        "status": "expired" if store.expired else status,
        "expires_after": None if days is None else {"anchor": "last_active_at", "days": days},
        "expires_at": None if store.expires is None else int(store.expires),
        "last_active_at": int(store.active),
        "metadata": dict(store.metadata),
    }


def results(
    shelves: Shelves, files: Files, owner: str, found: list[ChunkHit]
) -> list[dict[str, Any]]:
    """Chunks as a search gives them."""
    names = files.names(sorted({hit.file for hit in found}), owner)
    placed = {(h.shelf, h.file): shelves.shelving(h.shelf, h.file) for h in found}
    out = []
    for hit in found:
        held = placed[hit.shelf, hit.file]
        if held is None or hit.file not in names:
            continue  # taken off since
        out.append(
            {
                "file_id": hit.file,
                "filename": names[hit.file],
                "score": hit.score,
                "attributes": dict(held.attributes),
                "content": [{"type": "text", "text": hit.text}],
            }
        )
    return out


def _listed(
    shelves: Shelves, store: StoreRow, request: Request, batch: str | None = None
) -> dict[str, Any]:
    query = request.query_params
    status = query.get("filter")
    if status is not None and status not in STATUSES:
        raise ApiError(400, f"'filter' is {status[:20]!r}; give one of {', '.join(STATUSES)}.",
                       param="filter")  # fmt: skip
    found, more = shelves.shelvings(
        store.id,
        batch=batch,
        status=status or "",
        after=query.get("after", ""),
        before=query.get("before", ""),
        limit=limit_of(query, LISTED, MOST_LISTED),
        newest_first=newest_first(query),
    )
    return page([one.object() for one in found], more)


def _poll(running: bool) -> dict[str, str]:
    return {"openai-poll-after-ms": POLL_MS} if running else {}


# --------------------------------------------------------------------------------- what is asked


def chunking_of(body: Mapping[str, Any]) -> Chunking:
    """``chunking_strategy``: auto, or static with its sizes in tokens."""
    strategy = field(body, "chunking_strategy", dict, {})
    kind = strategy.get("type", "auto")
    if kind == "auto":
        return AUTO
    sizes = strategy.get("static")
    if kind != "static" or not isinstance(sizes, dict):
        raise _bad_chunking("give {'type': 'auto'} or {'type': 'static', 'static': {...}}")
    most = field(sizes, "max_chunk_size_tokens", int, 800)
    overlap = field(sizes, "chunk_overlap_tokens", int, min(400, most // 2))
    if not 100 <= most <= 4096:
        raise _bad_chunking(f"max_chunk_size_tokens is {most}; give 100 to 4096")
    if not 0 <= overlap <= most // 2:
        raise _bad_chunking(f"chunk_overlap_tokens is {overlap}; give at most {most // 2}")
    return Chunking(most, overlap)


def _bad_chunking(why: str) -> ApiError:
    return ApiError(
        400,
        f"'chunking_strategy' is not usable: {why}.",
        param="chunking_strategy",
        code="invalid_value",
    )


def file_ids(body: Mapping[str, Any], most: int) -> list[str]:
    found = list(dict.fromkeys(strings(body.get("file_ids"), "file_ids")))
    if len(found) > most:
        raise ApiError(400, f"'file_ids' are {len(found)}; give at most {most} at once.",
                       param="file_ids")  # fmt: skip
    return found


def _batch(body: Mapping[str, Any]) -> list[tuple[str, dict[str, Any], Chunking]]:
    given = field(body, "files", list, [])
    ids = file_ids(body, MOST_IN_BATCH)
    if bool(given) == bool(ids):
        raise ApiError(400, "Give either 'file_ids' or 'files'.", param="file_ids")
    if ids:
        common = attributes_of(body.get("attributes")), chunking_of(body)
        return [(file, *common) for file in ids]
    if len(given) > MOST_IN_BATCH:
        raise ApiError(400, f"'files' are {len(given)}; give at most {MOST_IN_BATCH}.",
                       param="files")  # fmt: skip
    wanted: dict[str, tuple[str, dict[str, Any], Chunking]] = {}
    for at, item in enumerate(given):
        if not isinstance(item, dict) or not isinstance(item.get("file_id"), str):
            raise ApiError(400, f"'files[{at}]' has no file_id.", param=f"files[{at}]")
        file = item["file_id"]
        wanted[file] = (file, attributes_of(item.get("attributes")), chunking_of(item))
    return list(wanted.values())


def _days(value: Any) -> int | None:
    """``expires_after`` of a store: days from its last use; None: never."""
    if value is None:
        return None
    days = value.get("days") if isinstance(value, dict) else None
    known = isinstance(value, dict) and value.get("anchor") == "last_active_at"
    if not known or isinstance(days, bool) or not isinstance(days, int) or not 1 <= days <= 365:
        raise ApiError(
            400,
            "'expires_after' is not usable; give the anchor 'last_active_at' and 1 to 365 days.",
            param="expires_after",
            code="invalid_value",
        )
    return days


def _queries(value: Any) -> list[str]:
    found = list(strings(value, "query"))
    if not found or len(found) > MOST_QUERIES or any(len(q) > LONGEST_QUERY for q in found):
        raise ApiError(
            400,
            f"'query' is empty or too much; give 1 to {MOST_QUERIES} of at most {LONGEST_QUERY} "
            "characters.",
            param="query",
        )
    return found


def ranking_of(value: Any, name: str = "ranking_options") -> tuple[float, float]:
    """The least score, and how much the words count beside the meaning (0..1)."""
    options = field({name: value}, name, dict, {})
    least = options.get("score_threshold") or 0.0
    if isinstance(least, bool) or not isinstance(least, int | float) or not 0 <= least <= 1:
        raise ApiError(400, f"'{name}.score_threshold' is no number from 0 to 1.",
                       param=f"{name}.score_threshold")  # fmt: skip
    hybrid = options.get("hybrid_search")
    if not isinstance(hybrid, dict):
        return float(least), TEXT_WEIGHT
    weights = [hybrid.get("embedding_weight", 1.0), hybrid.get("text_weight", 1.0)]
    if not all(isinstance(w, int | float) and w >= 0 for w in weights) or not sum(weights):
        raise ApiError(400, f"The weights of '{name}.hybrid_search' are no two numbers of which "
                       "one is more than 0.", param=f"{name}.hybrid_search")  # fmt: skip
    return float(least), weights[1] / sum(weights)
