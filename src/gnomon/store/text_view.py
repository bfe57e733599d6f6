"""The text view: a tantivy index over our own tokens, derived from the record.

A post's words stand in it twice: as written, for counts, and by their stems, for searches.

Each commit carries the sequence number it holds in a document of its own (the *mark*), so after a
crash the view goes on exactly where it stood. A view of another schema, a damaged one, or one that
claims more than the record has, is thrown away and made anew.
"""

from __future__ import annotations

import json
import logging
import math
import shutil
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import tantivy
from tantivy import Document, FieldType, Occur, Query

from gnomon.errors import StoreError, StoreFull
from gnomon.store import reader
from gnomon.store.database import Database
from gnomon.store.keys import hash64
from gnomon.store.rows import restored
from gnomon.store.rules import HOUR_S, hours
from gnomon.store.stems import ANALYSER, stems
from gnomon.text.tokens import tokens
from gnomon.types import Filter

log = logging.getLogger(__name__)

VERSION = 3
CHUNK = 5000  # posts read from the record at a time
COMMIT_EVERY = 100_000  # posts between commits while catching up
HEAP_BYTES = 64_000_000  # of the index writer
MAX_TOKEN = 1000  # characters; the index takes terms up to 65,530 bytes
MAX_TERMS = 64  # terms of one query: the rarest ones
_MICRO = 1_000_000
_FULL_BELOW = 1_000_000  # bytes left on the disk, when a writer died without saying why
_BUCKETS = 50_000  # hours in one aggregation; tantivy refuses above 65,000


def _schema() -> tantivy.Schema:
    builder = tantivy.SchemaBuilder()
    builder.add_text_field("text", tokenizer_name="whitespace", index_option="basic")
    builder.add_text_field("stems", tokenizer_name="stems", index_option="freq")
    for name in ("source", "author", "lang", "mark"):
        builder.add_text_field(name, tokenizer_name="raw", index_option="basic")
    builder.add_integer_field("time", fast=True)  # microseconds
    # Signed: deleting by a term of an unsigned field finds nothing (tantivy-py 0.27).
    builder.add_integer_field("row", indexed=True, fast=True)
    builder.add_unsigned_field("origin", indexed=True)  # hash64 of the origin's id
    builder.add_unsigned_field("root", indexed=True)  # 1 for a post with words of its own
    builder.add_unsigned_field("seq", fast=True)
    return builder.build()


def terms(text: str) -> list[str]:
    """Our tokens, cut to what the index takes."""
    return [token[:MAX_TOKEN] for token in tokens(text)]


def _index(schema: tantivy.Schema, path: Path) -> tantivy.Index:
    """The index in the folder ``path``, made where there is none."""
    index = tantivy.Index(schema, path=str(path))
    index.register_tokenizer("stems", ANALYSER)
    return index


def _micros(time: float) -> int:
    """A time as the index keeps it, held within 64 bits."""
    return math.floor(max(-9e12, min(9e12, time)) * _MICRO) if math.isfinite(time) else 0


class TextView:
    """Safe between threads. The writer's process catches up; readers see what it commits."""

    def __init__(self, folder: Path, database: Database) -> None:
        self._path = folder / f"text-{VERSION}"
        self._database = database
        self._schema = _schema()
        self._lock = threading.RLock()
        self._writer: tantivy.IndexWriter | None = None
        self._index: tantivy.Index | None = None
        self._stamp: tuple[int, int] | None = None
        self.seq = 0
        if not database.readonly:
            for other in folder.glob("text-*"):
                if other != self._path:
                    log.info("Dropping %s: this gnomon keeps its text index another way.", other)
                    shutil.rmtree(other, ignore_errors=True)
            self._open_for_writing()
        else:
            self._reload()

    # -- opening ------------------------------------------------------------------------------
    def _open_for_writing(self) -> None:
        with self._database.reading() as db:
            newest = reader.sequence(db)
        try:
            self._path.mkdir(parents=True, exist_ok=True)
            self._index = _index(self._schema, self._path)
            self._read_mark()
            if self.seq > newest:
                raise ValueError(f"it holds {self.seq} changes, the record only {newest}")
        except ValueError as error:
            log.warning("Making the text index %s anew from the record: %s.", self._path, error)
            self._start_anew()

    def _start_anew(self) -> None:
        self._writer = self._index = None
        self.seq = 0
        shutil.rmtree(self._path, ignore_errors=True)
        with self._translated():
            self._path.mkdir(parents=True, exist_ok=True)
            self._index = _index(self._schema, self._path)

    def _read_mark(self) -> None:
        assert self._index is not None
        self._index.config_reader("manual")
        self._index.reload()
        searcher = self._index.searcher()
        mark = Query.term_query(self._schema, "mark", "mark", "basic")
        found = searcher.search(mark, 1, count=False).hits
        value = searcher.fast_field_values("seq", [found[0][1]])[0] if found else 0
        self.seq = int(value or 0)

    def _reload(self) -> None:
        """In a reading process: see what the writer has committed since."""
        meta = self._path / "meta.json"
        try:
            stat = meta.stat()
        except FileNotFoundError:
            return
        stamp = (stat.st_mtime_ns, stat.st_ino)
        with self._lock:
            if stamp == self._stamp:
                return
            try:
                if self._index is None:
                    self._index = tantivy.Index.open(str(self._path))
                self._read_mark()
                self._stamp = stamp
            except ValueError as error:
                self._index = None
                raise StoreError(
                    f"The text index {self._path} cannot be read ({error}); start the writer "
                    f"(gnomon serve), which makes it anew."
                ) from error

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except (ValueError, OSError) as error:
            self._writer = None  # a writer that failed once takes nothing more
            free = shutil.disk_usage(self._path.parent).free
            if free < _FULL_BELOW or "No space left" in str(error):
                raise StoreFull(
                    f"No space is left for the text index {self._path} ({error}); free some, and "
                    f"it catches up by itself."
                ) from error
            raise StoreError(
                f"The text index {self._path} failed: {error}; it is tried again, and can be "
                f"deleted to be made anew."
            ) from error

    # -- catching up --------------------------------------------------------------------------
    def catch_up(self) -> None:
        """Index everything of the record that is not in the view yet, and show it."""
        if self._database.readonly:
            self._reload()
            return
        with self._lock:
            with self._database.reading() as db:
                goal = reader.sequence(db)
            if goal <= self.seq:
                return
            try:
                with self._translated():
                    self._feed(goal)
            except BaseException:
                self._writer = None  # whatever it took since the last commit must not stay
                raise
            if self._dead_share() > 0.5:
                self.rebuild()

    def _feed(self, goal: int) -> None:
        at, since_commit = self.seq, 0
        while at < goal:
            with self._database.reading() as db:
                posts = reader.arrivals(db, at, CHUNK)
                upto = int(posts[-1][0]) if len(posts) == CHUNK else goal
                posts = [post for post in posts if post[0] <= upto]
                changes = reader.changed_rows(db, at, upto)
                arrived = {post[0] for post in posts}
                moved = {row for kind, row in changes if kind != "delete"} - arrived
                gone = {row for kind, row in changes if kind == "delete"}
                again = reader.indexed(db, list(moved))
            for row in moved | gone:
                self._writing().delete_documents_by_term("row", row)
            for post in (*posts, *again):
                self._writing().add_document(self._document(post))
            at = upto
            since_commit += len(posts) + len(again)
            if at >= goal or since_commit >= COMMIT_EVERY:
                self._commit(at)
                since_commit = 0

    def _writing(self) -> tantivy.IndexWriter:
        assert self._index is not None
        if self._writer is None:
            self._writer = self._index.writer(HEAP_BYTES, 1)
            self._writer.garbage_collect_files()  # what a writer that failed left behind
        return self._writer

    def _commit(self, seq: int) -> None:
        assert self._index is not None
        mark = Document.from_dict({"mark": "mark", "seq": seq}, self._schema)
        self._writing().delete_documents_by_term("mark", "mark")
        self._writing().add_document(mark)
        self._writing().commit()
        self._index.reload()
        self.seq = seq

    def _document(self, post: Sequence[Any]) -> Document:
        row, time, source, author, lang, title, text, origin, root = post
        whole = restored(text) if not title else f"{restored(title)}\n{restored(text)}"
        words = " ".join(terms(whole))
        return Document.from_dict(
            {
                "text": words,
                "stems": words,
                "time": _micros(time),
                "row": row,
                "origin": hash64(origin),
                "root": int(root),
                "source": f"={source}",
                "author": f"={author}",
                "lang": f"={lang}",
            },
            self._schema,
        )

    def _dead_share(self) -> float:
        """The part of the index that is deleted posts, which only a merge takes off the disk."""
        try:
            segments = json.loads((self._path / "meta.json").read_bytes())["segments"]
        except (OSError, ValueError, KeyError):
            return 0.0
        held = sum(segment["max_doc"] for segment in segments)
        dead = sum(
            (segment.get("deletes") or {}).get("num_deleted_docs", 0) for segment in segments
        )
        return dead / held if held > 1000 else 0.0

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Nothing is indexed by other threads for the time of the block."""
        with self._lock:
            yield

    def rebuild(self) -> None:
        """Make the index anew from the record. Searches see the old one until it is done."""
        with self._lock, self._database.reading() as db:
            goal = reader.sequence(db)
            with self._translated():
                self._writing().delete_all_documents()
                at = 0
                while posts := reader.arrivals(db, at, CHUNK):
                    for post in posts:
                        self._writing().add_document(self._document(post))
                    at = int(posts[-1][0])
                self._commit(goal)
                self._writing().garbage_collect_files()

    # -- searching ----------------------------------------------------------------------------
    def _searcher(self) -> tantivy.Searcher | None:
        if self._database.readonly:
            self._reload()
        return None if self._index is None else self._index.searcher()

    def query(self, words: Sequence[str], where: Filter) -> Query | None:
        """Any of ``words`` by their stems, within ``where``; None if nothing can match."""
        searcher = self._searcher()
        if searcher is None:
            return None
        unique = list(dict.fromkeys(stems(words)))
        if len(unique) > MAX_TERMS:
            found = [(searcher.doc_freq("stems", word), i) for i, word in enumerate(unique)]
            unique = [unique[i] for n, i in sorted(found) if n][:MAX_TERMS]
        if not unique:
            return None
        text = [
            (Occur.Should, Query.term_query(self._schema, "stems", word, "freq")) for word in unique
        ]
        wanted = text[0][1] if len(text) == 1 else Query.boolean_query(text)
        filters = [(Occur.Must, Query.const_score_query(f, 0.0)) for f in self._filters(where)]
        return Query.boolean_query([(Occur.Must, wanted), *filters]) if filters else wanted

    def _term(self, word: str) -> Query:
        return Query.term_query(self._schema, "text", word, "basic")

    def _filters(self, where: Filter) -> Iterator[Query]:
        if where.since is not None or where.until is not None:
            since = None if where.since is None else _micros(where.since)
            until = None if where.until is None else _micros(where.until)
            yield Query.range_query(self._schema, "time", FieldType.Integer, since, until)
        for name in ("sources", "authors", "langs"):
            values = getattr(where, name)
            if values:
                wanted = [f"={value}" for value in values]
                yield Query.term_set_query(self._schema, name.removesuffix("s"), wanted)

    def rows(
        self, query: Query, limit: int, without: Sequence[str] = ()
    ) -> list[tuple[int, float]]:
        """The best ``limit`` posts: ``(row, score)``. ``without``: ids of origins to leave out."""
        searcher = self._searcher()
        if searcher is None:
            return []
        if without:
            shown = Query.term_set_query(self._schema, "origin", [hash64(o) for o in without])
            query = Query.boolean_query([(Occur.Must, query), (Occur.MustNot, shown)])
        with self._translated():
            hits = searcher.search(query, limit, count=False).hits
            found = searcher.fast_field_values("row", [address for _, address in hits])
        return [
            (int(row), float(score))
            for row, (score, _) in zip(found, hits, strict=True)
            if row is not None
        ]

    def frequencies(self, words: Iterable[str]) -> dict[str, int]:
        """How many posts with words of their own hold each word. A count reads the postings: 20
        microseconds where a thousand posts hold the word."""
        searcher = self._searcher()
        if searcher is None:
            return dict.fromkeys(words, 0)
        found = {word: searcher.doc_freq("text", word[:MAX_TOKEN]) for word in words}
        roots = Query.const_score_query(Query.term_query(self._schema, "root", 1), 0.0)
        for word in [word for word, n in found.items() if n]:
            term = Query.term_query(self._schema, "text", word[:MAX_TOKEN], "basic")
            both = [(Occur.Must, Query.const_score_query(term, 0.0)), (Occur.Must, roots)]
            counted: Any = searcher.search(Query.boolean_query(both), 1, count=True)
            found[word] = int(counted.count)
        return found

    def counts_per_hour(
        self, words: Sequence[str], since: float, until: float, where: Filter
    ) -> list[tuple[float, int]]:
        """See the contract."""
        starts = hours(since, until)
        since = max(since, -math.inf if where.since is None else where.since)
        until = min(until, math.inf if where.until is None else where.until)
        where = replace(where, since=None, until=None)
        searcher = self._searcher()
        count: dict[float, int] = {}
        if searcher is not None and words and starts:
            every: list[tuple[Occur, Query]] = [
                (Occur.Must, self._term(word)) for word in dict.fromkeys(words)
            ]
            every += [(Occur.Must, f) for f in self._filters(where)]
            for i in range(0, len(starts), _BUCKETS):
                part = starts[i : i + _BUCKETS]
                low, high = max(since, part[0]), min(until, part[-1] + HOUR_S)
                if low >= high:
                    continue
                within = Query.range_query(
                    self._schema,
                    "time",
                    FieldType.Integer,
                    math.ceil(low * _MICRO),
                    math.ceil(high * _MICRO) - 1,
                )
                count.update(self._histogram(searcher, [*every, (Occur.Must, within)]))
        return [(start, count.get(start, 0)) for start in starts]

    def _histogram(
        self, searcher: tantivy.Searcher, every: list[tuple[Occur, Query]]
    ) -> dict[float, int]:
        interval = HOUR_S * _MICRO
        wanted = {"hours": {"histogram": {"field": "time", "interval": interval}}}
        wanted["hours"]["histogram"]["min_doc_count"] = 1
        with self._translated():
            found = searcher.aggregate(Query.boolean_query(every), wanted)
        return {b["key"] / _MICRO: b["doc_count"] for b in found["hours"]["buckets"]}

    def close(self) -> None:
        """Let go of the index; nothing writes in its folder afterwards. What a merge under way
        has begun it ends first: its threads outlive the writer that started them."""
        with self._lock:
            writer, self._writer = self._writer, None
            if writer is not None:
                try:
                    writer.wait_merging_threads()
                except ValueError as error:  # a merge failed; the segments it read are still there
                    log.warning("A merge in the text index %s failed: %s.", self._path, error)
            self._index = None
