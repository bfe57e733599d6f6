"""The store on disk: the record, and the text and vector views derived from it.

A folder holds ``record.db`` (SQLite: the truth), ``text-*`` and ``vectors-*`` (views: they may be
deleted and are made anew), ``writer.lock``, and ``reserve`` (see database.Reserve).
In the writer's process a thread of its own brings the views up to date, about a second behind the
record at most while it keeps pace.
"""

from __future__ import annotations

import atexit
import json
import logging
import math
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from gnomon.errors import StoreError, StoreFull
from gnomon.store import reader
from gnomon.store.contract import ANY, Change, Receipt, Store, StoreStatus, Written
from gnomon.store.database import Database, Reserve, WriterPlace
from gnomon.store.key_lookup import KeyLookup
from gnomon.store.ranking import Collapse, ranked
from gnomon.store.receipts import canonical_json, forget, receipt_id
from gnomon.store.rows import mended, storable
from gnomon.store.rules import HOUR_S, check_vectors, hours
from gnomon.store.text_view import TextView, terms
from gnomon.store.vector_view import VectorView
from gnomon.store.writer import Transaction
from gnomon.types import (
    Batch,
    Filter,
    Gap,
    Hit,
    Link,
    Origin,
    Post,
    Revision,
    SetAside,
)

log = logging.getLogger(__name__)

CATCH_UP_S = 0.5  # pause between two rounds of catching up
_RETRY_S = 5.0  # pause after a round that failed
_DROP = 500  # posts that retention removes in one transaction
_OVERSHOOT, _FEWEST_DROPPED = 1.05, 20  # so that the average post's cost need not be exact
_LOG_KEPT_S = 7 * 86_400.0  # how long the log tells of posts that are gone
_ORIGINS_FOR_S = 5.0  # how long a large store's count of origins is taken as current


def open_store(
    path: str | Path, *, readonly: bool = False, max_bytes: int = 0, reserve: bool = True
) -> Store:
    """Open (or, unless ``readonly``, make) the store in the folder ``path``.

    ``max_bytes`` (0: no limit) is a wall for the record alone: a batch that would pass it raises
    StoreFull. ``reserve`` sets room aside to delete things in on a full disk; many small stores go
    without. Raises StoreBusy if another process writes there, StoreError if there is nothing to
    read or it cannot be read.
    """
    return Engine(Path(path), readonly=readonly, max_bytes=max_bytes, reserve=reserve)


class Engine:
    """See ``contract.Store``. Safe between threads."""

    def __init__(
        self,
        folder: Path,
        *,
        readonly: bool = False,
        max_bytes: int = 0,
        reserve: bool = True,
    ) -> None:
        self._folder = folder
        self._place: WriterPlace | None = None
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()
        self._news = threading.Event()
        self._reserve = Reserve(folder / "reserve")
        self._origins: tuple[float, int] = (0.0, 0)
        try:
            if not readonly:
                folder.mkdir(parents=True, exist_ok=True)
                self._place = WriterPlace(folder / "writer.lock")
            self._db = self._opened(folder / "record.db", readonly, max_bytes)
            self._keys = KeyLookup(self._db)
            self._text = TextView(folder, self._db)
            self._vectors = VectorView(folder, self._db)
        except OSError as error:
            self._release()
            raise StoreError(f"{folder} cannot be opened: {error}; choose another home.") from error
        except BaseException:
            self._release()
            raise
        if not readonly:
            if reserve:
                self._reserve.take()
            self._thread = threading.Thread(target=self._follow, name="gnomon-views", daemon=True)
            self._thread.start()
        atexit.register(self.close)

    def _opened(self, path: Path, readonly: bool, max_bytes: int) -> Database:
        """The record. On a disk without a free page the room that was set aside is given up: even
        to open it, SQLite needs a few, and what is to make room must be able to begin."""
        try:
            return Database(path, readonly=readonly, max_bytes=max_bytes)
        except StoreFull:
            if readonly or not self._reserve.release():
                raise
        return Database(path, readonly=readonly, max_bytes=max_bytes)

    def _release(self) -> None:
        if self._place is not None:
            self._place.release()

    def _follow(self) -> None:
        """Bring the views up to date until the store is closed."""
        self._news.set()
        while not self._stop.is_set():
            self._news.wait()
            self._news.clear()
            if self._stop.is_set():
                return
            pause = CATCH_UP_S
            try:
                self._text.catch_up()
                self._vectors.catch_up()
            except StoreError as error:
                log.warning("%s", error)
                self._news.set()
                pause = _RETRY_S
            self._stop.wait(pause)

    # -- writing ------------------------------------------------------------------------------
    def write(self, batch: Batch) -> Written:
        try:
            with self._db.writing() as db:
                written = self._apply(Transaction(db), batch)
        except UnicodeEncodeError:  # broken text where a name should be; rare, so mended late
            with self._db.writing() as db:
                written = self._apply(Transaction(db), mended(batch))
        self._news.set()
        return written

    def _apply(self, transaction: Transaction, batch: Batch) -> Written:
        written = transaction.apply(batch)
        transaction.finish()
        self._keys.written(batch)
        return written

    def put_vectors(self, model: str, ids: Sequence[str], vectors: np.ndarray) -> None:
        check_vectors(ids, vectors, None)
        if self._db.readonly:
            raise StoreError(f"The store at {self._folder} is open for reading only.")
        with self._db.reading() as db:
            rows = reader.rows_of(db, ids)
            posts = reader.posts(db, ids)
        kept = [i for i, post in enumerate(ids) if post in posts]
        chosen = [(rows[ids[i]], posts[ids[i]]) for i in kept]
        self._vectors.put(model, chosen, vectors[kept])

    def append_journal(self, at: float, body: Mapping[str, Any], cites: Sequence[str]) -> Receipt:
        name = receipt_id(body)
        unique = tuple(dict.fromkeys(cites))
        with self._db.writing() as db:
            held = reader.receipt(db, name)
            if held is not None:
                return held
            lost = tuple(c for c in unique if reader.tombstone(db, c) is not None)
            for cite in lost:
                body = forget(body, cite)
            transaction = Transaction(db)
            seq = transaction.note("journal", at, ref=name)
            text = storable(canonical_json(body))
            values = (seq, name, at, text, json.dumps(unique), json.dumps(lost))
            db.execute("INSERT INTO journal VALUES (?,?,?,?,?,?)", values)
            db.executemany("INSERT INTO cites VALUES (?, ?)", [(c, name) for c in unique])
            transaction.finish()
        return Receipt(name, at, body, unique, lost)

    def retain(self, max_bytes: int, max_age_s: float, now: float) -> int:
        try:
            gone = self._retain(max_bytes, max_age_s, now)
        except StoreFull as error:
            log.warning("%s Using the reserve.", error)
            with self._text.paused(), self._db.alone():
                reserved = self._reserve.release()
                self._db.shrink()
                if max_bytes > 0:
                    max_bytes = max(1, max_bytes - reserved)
                gone = self._retain(max_bytes, max_age_s, now)
                self._reserve.take(reserved)
        if gone:
            self._news.set()
        return gone

    def _retain(self, max_bytes: int, max_age_s: float, now: float) -> int:
        gone = 0
        if max_age_s > 0:
            while dropped := self._drop(now - max_age_s, _DROP, now):
                gone += dropped
        if max_bytes > 0:
            gone += self._retain_bytes(max_bytes, now)
        views = min(self._text.seq, self._vectors.seq)
        with self._db.writing() as db:
            Transaction(db).trim(views, now - _LOG_KEPT_S)
        return gone

    def _retain_bytes(self, max_bytes: int, now: float) -> int:
        """Drop the oldest until the folder fits.

        What a post costs is taken as the average, a little more is dropped than that says, and the
        space is given back before the next look. Dead terms leave the text index only when it
        merges, so it is rebuilt when the rest was not enough: at most once in a look.
        """
        gone = 0
        fixed = self._reserve.bytes()
        while (size := self._disk_bytes()) > max_bytes:
            with self._db.reading() as db:
                posts = reader.counts(db)["posts"]
            if not posts:
                break
            share = min(1.0, _OVERSHOOT * (size - max_bytes) / max(1, size - fixed))
            wanted, step = max(_FEWEST_DROPPED, int(posts * share)), 0
            while wanted > 0 and (dropped := self._drop(None, min(_DROP, wanted), now)):
                wanted -= dropped
                step += dropped
            gone += step
            self._db.shrink()
            self._text.catch_up()
            if self._disk_bytes() > max_bytes:
                self._text.rebuild()
            self._vectors.catch_up()
            if not step:
                break
        return gone

    def _drop(self, before: float | None, limit: int, now: float) -> int:
        with self._db.writing() as db:
            transaction = Transaction(db)
            dropped = transaction.drop_oldest(before, limit, now)
            transaction.finish()
        return dropped

    def refresh(self) -> None:
        self._text.catch_up()
        self._vectors.catch_up()

    # -- reading posts ------------------------------------------------------------------------
    def get(self, id: str) -> Post | None:
        return self.get_many([id]).get(id)

    def get_many(self, ids: Sequence[str]) -> dict[str, Post]:
        with self._db.reading() as db:
            return reader.posts(db, ids)

    def revisions(self, id: str) -> list[Revision]:
        with self._db.reading() as db:
            return reader.revisions(db, id)

    def tombstone(self, id: str) -> str | None:
        with self._db.reading() as db:
            return reader.tombstone(db, id)

    def replies(self, id: str, limit: int = 20) -> list[Post]:
        with self._db.reading() as db:
            return reader.replies(db, id, limit)

    def scan(self, where: Filter = ANY, limit: int | None = None) -> Iterator[Post]:
        return islice(self._pages(where), limit)

    def _pages(self, where: Filter) -> Iterator[Post]:
        after: tuple[float, int] | None = None
        while True:
            with self._db.reading() as db:
                posts, after = reader.page(db, where, after)
            yield from posts
            if after is None:
                return

    def tail(self, after: int, limit: int = 1000) -> list[Change]:
        with self._db.reading() as db:
            return reader.tail(db, after, limit)

    # -- searching ----------------------------------------------------------------------------
    def search(
        self, text: str, k: int, where: Filter = ANY, *, per_origin: int | None = 1
    ) -> list[Hit]:
        asked = self._text.ask(terms(text), where)
        if asked is None or k <= 0:
            return []
        with self._text.translated():
            return ranked(asked, self._read, k, where, per_origin)

    def nearest(
        self, vector: np.ndarray, k: int, where: Filter = ANY, *, per_origin: int | None = 1
    ) -> list[Hit]:
        if k <= 0:
            return []
        collapse = Collapse(k, where, per_origin)
        for found in self._vectors.nearest(vector, k, where):
            # A longer list may rank better what a shorter one missed: collapse it from its start.
            collapse = Collapse(k, where, per_origin)
            for start in range(0, len(found), 4 * k):
                collapse.take(found[start : start + 4 * k], self._read)
                if collapse.done:
                    return collapse.hits
        return collapse.hits

    def _read(self, rows: Sequence[int]) -> dict[int, tuple[Post, str]]:
        with self._db.reading() as db:
            return reader.posts_at(db, rows)

    def vectors(self, ids: Sequence[str]) -> dict[str, np.ndarray]:
        with self._db.reading() as db:
            rows = reader.rows_of(db, ids)
        found = self._vectors.vectors(list(rows.values()))
        return {post: found[row] for post, row in rows.items() if row in found}

    def unembedded(self, model: str, limit: int) -> list[Post]:
        self._vectors.catch_up()
        if model != self._vectors.model:
            return list(self.scan(limit=limit))
        with self._db.reading() as db:
            if reader.counts(db)["posts"] == len(self._vectors):
                return []
            rows = reader.newest_rows(db)
            missing = list(islice((row for row in rows if not self._vectors.holds(row)), limit))
            posts = reader.posts_at(db, missing)
        return [posts[row][0] for row in missing if row in posts]

    def counts_per_hour(
        self, term: str, since: float, until: float, where: Filter = ANY
    ) -> list[tuple[float, int]]:
        if where.domains or where.not_domains or where.not_authors:
            return self._counted(term, since, until, where)
        return self._text.counts_per_hour(terms(term), since, until, where)

    def _counted(
        self, term: str, since: float, until: float, where: Filter
    ) -> list[tuple[float, int]]:
        """As ``counts_per_hour``, post by post: for what the text index does not know."""
        words = set(terms(term))
        within = replace(
            where,
            since=max(since, -math.inf if where.since is None else where.since),
            until=min(until, math.inf if where.until is None else where.until),
        )
        count: Counter[float] = Counter()
        for post in self.scan(within) if words else ():
            said = f"{post.title}\n{post.text}" if post.title else post.text
            if words <= set(terms(said)):
                count[post.time // HOUR_S * HOUR_S] += 1
        return [(start, count[start]) for start in hours(since, until)]

    def frequencies(self, terms: Iterable[str]) -> dict[str, int]:
        return self._text.frequencies(terms)

    # -- origins ------------------------------------------------------------------------------
    def links(self, ids: Sequence[str]) -> dict[str, Link]:
        with self._db.reading() as db:
            return reader.links(db, ids)

    def origins(self, ids: Sequence[str]) -> dict[str, Origin]:
        with self._db.reading() as db:
            return reader.origins(db, ids)

    def members(self, origin: str, limit: int = 100) -> list[Post]:
        with self._db.reading() as db:
            return reader.members(db, origin, limit)

    def first_held(self, origins: Sequence[str]) -> dict[str, Post]:
        with self._db.reading() as db:
            return reader.first_held(db, origins)

    def band_matches(self, keys: Iterable[int]) -> dict[int, list[str]]:
        return self._keys.band_matches(keys)

    def by_url(self, urls: Sequence[str]) -> dict[str, str]:
        return self._keys.by_url(urls)

    # -- sources, state, journal --------------------------------------------------------------
    def cursor(self, source: str) -> str | None:
        with self._db.reading() as db:
            return reader.cursor(db, source)

    def gaps(self, limit: int = 100) -> list[Gap]:
        with self._db.reading() as db:
            return reader.gaps(db, limit)

    def set_asides(self, limit: int = 100, source: str = "") -> list[SetAside]:
        with self._db.reading() as db:
            return reader.set_asides(db, limit, source)

    def journal(self, limit: int = 100) -> list[Receipt]:
        with self._db.reading() as db:
            return reader.journal(db, limit)

    def receipt(self, id: str) -> Receipt | None:
        with self._db.reading() as db:
            return reader.receipt(db, id)

    def _disk_bytes(self) -> int:
        total = 0
        for file in self._folder.rglob("*"):
            try:
                total += file.stat().st_size if file.is_file() else 0
            except FileNotFoundError:  # a view merged it away meanwhile
                continue
        return total

    def status(self) -> StoreStatus:
        if self._db.readonly:
            with suppress(StoreError):  # which a search tells
                self._text.catch_up()  # as the writer left it
        with self._db.reading() as db:
            counts = reader.counts(db)
            counted_at, origins = self._origins
            if counts["posts"] < 100_000 or time.monotonic() - counted_at > _ORIGINS_FOR_S:
                origins = reader.origin_count(db)
                self._origins = (time.monotonic(), origins)
            return StoreStatus(
                **counts,
                origins=origins,
                seq=reader.sequence(db),
                disk_bytes=self._disk_bytes(),
                views={"text": self._text.seq, "vectors": self._vectors.seq},
                sources=reader.source_states(db),
                vectors=len(self._vectors),
            )

    def close(self) -> None:
        """Stop the views' thread and release the writer's place. What is not in a view yet is
        caught up at the next opening. Closing twice is no error."""
        if self._stop.is_set():
            return
        self._stop.set()
        self._news.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join()
        self._keys.close()
        self._text.close()
        self._vectors.close()
        self._db.close()
        self._release()
        atexit.unregister(self.close)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
