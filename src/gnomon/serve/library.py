"""Uploads and vector stores: the routes of both over one set of rows, and what works them off."""

from __future__ import annotations

from starlette.routing import Route

from gnomon.serve import files, uploads, vector_stores
from gnomon.serve.context import Context
from gnomon.serve.file_rows import Files
from gnomon.serve.shelf_rows import Shelves
from gnomon.serve.shelving import Worker


def shelves_of(context: Context) -> Shelves:
    """The tables of vector stores. The engine is asked for its library when that is needed."""
    engine = context.desk.engine
    return Shelves(context.database, lambda: engine.library)


def files_of(context: Context) -> Files:
    """The table of uploads."""
    engine, shelves = context.desk.engine, shelves_of(context)
    return Files(context.database, lambda: engine.library.files_dir, shelves.unshelve)


def routes(context: Context) -> list[Route]:
    kept, shelves = files_of(context), shelves_of(context)
    worker = Worker(context.desk, kept, shelves)
    worker.resume()
    return [
        *files.routes(context, kept, worker),
        *uploads.routes(context, kept, worker),
        *vector_stores.routes(context, kept, shelves, worker),
    ]
