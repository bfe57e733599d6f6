"""One tantivy index in a folder, as ``text_view`` keeps two of them.

A document is a post: its words as written and by their stems, what filters ask for, its row in the
record, and the row of the post that speaks for its origin.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import tantivy
from tantivy import Document, Occur, Query

from gnomon.store.stems import ANALYSER

Found = tuple[int, int, float]
"""A post that was found: its row, the row of the post that speaks for its origin, its score."""


def schema() -> tantivy.Schema:
    """The fields of a post, and of the mark (see ``TextIndex.commit``)."""
    builder = tantivy.SchemaBuilder()
    builder.add_text_field("text", tokenizer_name="whitespace", index_option="basic")
    builder.add_text_field("stems", tokenizer_name="stems", index_option="freq")
    for name in ("source", "author", "lang", "mark"):
        builder.add_text_field(name, tokenizer_name="raw", index_option="basic")
    builder.add_integer_field("time", fast=True)  # microseconds
    # Signed: deleting by a term of an unsigned field finds nothing (tantivy-py 0.27).
    builder.add_integer_field("row", indexed=True, fast=True)
    builder.add_integer_field("speaker", indexed=True, fast=True)
    builder.add_unsigned_field("seq", fast=True)
    builder.add_unsigned_field("beside", fast=True)
    return builder.build()


SCHEMA = schema()


def among(field: str, rows: Sequence[int]) -> Query:
    """Posts whose ``field`` (row or speaker) is one of ``rows``, whatever their score."""
    return Query.const_score_query(Query.term_set_query(SCHEMA, field, list(rows)), 0.0)


class TextIndex:
    """Not safe between threads that write; tantivy's errors (ValueError, OSError) come through."""

    def __init__(self, path: Path, heap_bytes: int) -> None:
        self.path = path
        self._heap_bytes = heap_bytes
        self._index: tantivy.Index | None = None
        self._writer: tantivy.IndexWriter | None = None
        self._stamp: tuple[int, int] | None = None
        self.changed = False
        """Whether something was added or removed since the last commit."""

    # -- opening ------------------------------------------------------------------------------
    def make(self) -> None:
        """Open the index to be written, made where there is none."""
        self.path.mkdir(parents=True, exist_ok=True)
        self._index = tantivy.Index(SCHEMA, path=str(self.path))
        self._index.register_tokenizer("stems", ANALYSER)
        self._index.config_reader("manual")
        self._index.reload()

    def look(self) -> bool:
        """In a reading process: see what the writer has committed since; whether that is news."""
        try:
            stat = (self.path / "meta.json").stat()
        except FileNotFoundError:
            return False
        stamp = (stat.st_mtime_ns, stat.st_ino)
        if stamp == self._stamp:
            return False
        try:
            if self._index is None:
                self._index = tantivy.Index.open(str(self.path))
                self._index.config_reader("manual")
            self._index.reload()
        except ValueError:
            self._index = None
            raise
        self._stamp = stamp
        return True

    def searcher(self) -> tantivy.Searcher | None:
        """What is committed; None before anything was."""
        return None if self._index is None else self._index.searcher()

    def opstamp(self) -> int:
        """The number of the last commit, which grows with each."""
        return int(self._meta()["opstamp"])

    def sizes(self) -> tuple[int, int]:
        """How many posts the files hold, and how many of those are deleted: they go, and leave the
        counts that BM25 goes by, when segments merge."""
        try:
            segments = self._meta()["segments"]
        except (OSError, ValueError, KeyError):
            return 0, 0
        dead = sum(
            (segment.get("deletes") or {}).get("num_deleted_docs", 0) for segment in segments
        )
        return sum(segment["max_doc"] for segment in segments), dead

    def _meta(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.path / "meta.json").read_bytes())
        return found

    # -- writing ------------------------------------------------------------------------------
    def writer(self) -> tantivy.IndexWriter:
        assert self._index is not None
        if self._writer is None:
            self._writer = self._index.writer(self._heap_bytes, 1)
            self._writer.garbage_collect_files()  # what a writer that failed left behind
        return self._writer

    def add(self, document: Document) -> None:
        self.writer().add_document(document)
        self.changed = True

    def remove(self, row: int) -> None:
        self.writer().delete_documents_by_term("row", row)
        self.changed = True

    def clear(self) -> None:
        self.writer().delete_all_documents()
        self.changed = True

    def mark(self, seq: int, beside: int) -> None:
        """Put ``seq`` and ``beside`` into the index, in the place of what stood there."""
        self.writer().delete_documents_by_term("mark", "mark")
        mark = {"mark": "mark", "seq": seq, "beside": beside}
        self.add(Document.from_dict(mark, SCHEMA))

    def marked(self) -> tuple[int, int]:
        """What ``mark`` put there and is committed; zeros where nothing did."""
        searcher = self.searcher()
        if searcher is None:
            return 0, 0
        wanted = Query.term_query(SCHEMA, "mark", "mark", "basic")
        found = [address for _, address in searcher.search(wanted, 1, count=False).hits]
        if not found:
            return 0, 0
        seq, beside = (searcher.fast_field_values(name, found)[0] for name in ("seq", "beside"))
        return int(seq or 0), int(beside or 0)

    def commit(self) -> None:
        assert self._index is not None
        self.writer().commit()
        self._index.reload()
        self.changed = False

    def forget(self) -> None:
        """Let go of the writer, and of what it took since the last commit."""
        self._writer = None
        self.changed = False

    def close(self) -> None:
        """Let go of the index. What a merge under way has begun it ends first: its threads outlive
        the writer that started them. Raises ValueError where it failed; nothing is lost by that."""
        writer, self._writer = self._writer, None
        self._index = None
        if writer is not None:
            writer.wait_merging_threads()

    # -- reading ------------------------------------------------------------------------------
    def speakers(self, field: str, rows: Sequence[int]) -> dict[int, int]:
        """By row: the row of the post that speaks, of posts whose ``field`` is one of ``rows``."""
        searcher = self.searcher()
        if searcher is None or not rows:
            return {}
        wanted = among(field, rows)
        counted: Any = searcher.search(wanted, 1, count=True)
        found = best(searcher, wanted, int(counted.count)) if counted.count else []
        return {row: speaker for row, speaker, _ in found}


def best(searcher: tantivy.Searcher, query: Query, limit: int) -> list[Found]:
    """The first ``limit`` posts for ``query``, best first."""
    hits = searcher.search(query, limit, count=False).hits
    places = [address for _, address in hits]
    rows = searcher.fast_field_values("row", places)
    speakers = searcher.fast_field_values("speaker", places)
    return [
        (int(row), int(speaker or row), float(score))
        for row, speaker, (score, _) in zip(rows, speakers, hits, strict=True)
        if row is not None
    ]


def without(query: Query, speakers: Sequence[int]) -> Query:
    """``query`` but for the posts for which one of ``speakers`` (rows) speaks."""
    if not speakers:
        return query
    return Query.boolean_query([(Occur.Must, query), (Occur.MustNot, among("speaker", speakers))])
