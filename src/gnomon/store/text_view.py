"""The text view: tantivy indexes over our own tokens, derived from the record.

A post's words stand in it twice: as written, for counts, and by their stems, for searches.

There are two indexes, so that what is said weighs the same however often it is said again. The
first holds the posts that *speak*: of each origin the one that was held first
(``contract.Store.first_held``), and those that belong to it by their link alone, with words of
their own. The second holds all others, the *copies*. BM25 takes its statistics from the first:
how many posts hold a word, and how long they are on average. A million copies change nothing
there, not even the bytes.

A commit of both carries, in the copies' index, the sequence number that they hold and the number of
the first index's own last commit (the *mark*), so after a crash the view goes on where it stood. A
view of another schema, a damaged one, one whose indexes were not committed together, or one that
claims more than the record has, is thrown away and made anew.
"""

from __future__ import annotations

import logging
import math
import shutil
import threading
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import tantivy
from tantivy import Document, FieldType, Occur, Query

from gnomon.errors import StoreError, StoreFull
from gnomon.store import reader
from gnomon.store.database import Database
from gnomon.store.rows import restored
from gnomon.store.rules import HOUR_S, hours
from gnomon.store.stems import stems
from gnomon.store.text_index import SCHEMA, Found, TextIndex, among, best, without
from gnomon.text.tokens import tokens
from gnomon.types import Filter

log = logging.getLogger(__name__)

VERSION = 4
CHUNK = 5000  # posts read from the record at a time
COMMIT_EVERY = 100_000  # posts between commits while catching up
HEAP_BYTES, COPIES_HEAP_BYTES = 64_000_000, 16_000_000  # of the index writers
MAX_TOKEN = 1000  # characters; the index takes terms up to 65,530 bytes
MAX_TERMS = 64  # terms of one query: the rarest ones
_MICRO = 1_000_000
_FULL_BELOW = 1_000_000  # bytes left on the disk, when a writer died without saying why
_BUCKETS = 50_000  # hours in one aggregation; tantivy refuses above 65,000


def terms(text: str) -> list[str]:
    """Our tokens, cut to what the index takes."""
    return [token[:MAX_TOKEN] for token in tokens(text)]


def _micros(time: float) -> int:
    """A time as the index keeps it, held within 64 bits."""
    return math.floor(max(-9e12, min(9e12, time)) * _MICRO) if math.isfinite(time) else 0


def _idf(n: int, total: int) -> float:
    """BM25's, as tantivy has it (https://en.wikipedia.org/wiki/Okapi_BM25)."""
    return math.log(1 + (max(total, n) - n + 0.5) / (n + 0.5))


@dataclass(frozen=True, slots=True)
class Question:
    """Any of some words, within a filter, at one moment of both indexes. Scores are BM25 by the
    statistics of the posts that speak, the copies' too, but for the average length there."""

    _speaking: tantivy.Searcher
    _copies: tantivy.Searcher
    _query: Query
    _query_copies: Query | None

    @property
    def has_copies(self) -> bool:
        """Whether any copy holds one of the words."""
        return self._query_copies is not None

    def speaking(self, limit: int, full: Sequence[int] = ()) -> list[Found]:
        """The first ``limit`` posts that speak, best first. ``full``: rows of posts whose origins
        are to be left out."""
        return best(self._speaking, without(self._query, full), limit)

    def copies(self, limit: int, full: Sequence[int] = ()) -> list[Found]:
        """The same of copies."""
        if self._query_copies is None:
            return []
        return best(self._copies, without(self._query_copies, full), limit)

    def among_speaking(self, rows: Collection[int]) -> list[Found]:
        """Those of ``rows`` that speak and match."""
        if not rows:
            return []
        both = [(Occur.Must, self._query), (Occur.Must, among("row", list(rows)))]
        return best(self._speaking, Query.boolean_query(both), len(rows))


def _document(post: reader.Indexed, speaker: int) -> Document:
    text = restored(post.text)
    words = " ".join(terms(f"{restored(post.title)}\n{text}" if post.title else text))
    return Document.from_dict(
        {
            "text": words,
            "stems": words,
            "time": _micros(post.time),
            "row": post.row,
            "speaker": speaker,
            "source": f"={post.source}",
            "author": f"={post.author}",
            "lang": f"={post.lang}",
        },
        SCHEMA,
    )


class _Place:
    """Where posts stand by now, of those at ``rows``: in which index, and who speaks for them."""

    def __init__(self, speaking: TextIndex, copies: TextIndex, rows: Sequence[int]) -> None:
        self._both = speaking, copies
        self._held = [index.speakers("row", rows) for index in self._both]
        self._asked = frozenset(rows)

    def holds(self, row: int, speaker: int, speaks: bool) -> bool:
        """Whether the post stands where it should."""
        return self._held[0 if speaks else 1].get(row) == speaker

    def take_out(self, row: int) -> None:
        """Remove the post from where it stands: an index in which it does not stand is left as it
        is. A post that was not asked about may stand in either."""
        for index, held in zip(self._both, self._held, strict=True):
            if row in held or row not in self._asked:
                index.remove(row)


class TextView:
    """Safe between threads. The writer's process catches up; readers see what it commits."""

    def __init__(self, folder: Path, database: Database) -> None:
        self._path = folder / f"text-{VERSION}"
        self._database = database
        self._lock = threading.RLock()
        self._speaking = TextIndex(self._path / "speaking", HEAP_BYTES)
        self._copies = TextIndex(self._path / "copies", COPIES_HEAP_BYTES)
        self._sizes = ((0, 0), (0, 0))  # posts and deleted posts, of either
        self.seq = 0
        if not database.readonly:
            for other in folder.glob("text-*"):
                if other != self._path:
                    log.info("Dropping %s: this gnomon keeps its text index another way.", other)
                    shutil.rmtree(other, ignore_errors=True)
            self._open_for_writing()
        else:
            self._reload()

    @property
    def _both(self) -> tuple[TextIndex, TextIndex]:
        return self._speaking, self._copies

    # -- opening ------------------------------------------------------------------------------
    def _open_for_writing(self) -> None:
        with self._database.reading() as db:
            newest = reader.sequence(db)
        try:
            for index in self._both:
                index.make()
            self.seq, beside = self._copies.marked()
            if self.seq > newest:
                raise ValueError(f"it holds {self.seq} changes, the record only {newest}")
            if beside != self._speaking.opstamp():
                raise ValueError("its parts were not written together")
        except (ValueError, KeyError) as error:
            log.warning("Making the text index %s anew from the record: %s.", self._path, error)
            self._start_anew()
        self._sizes = self._speaking.sizes(), self._copies.sizes()

    def _start_anew(self) -> None:
        for index in self._both:
            index.forget()
        self.seq = 0
        shutil.rmtree(self._path, ignore_errors=True)
        with self.translated():
            for index in self._both:
                index.make()

    def _reload(self) -> None:
        """In a reading process: see what the writer has committed since."""
        with self._lock:
            try:
                news = [index.look() for index in self._both]
                if any(news):
                    self.seq = self._copies.marked()[0]
                    self._sizes = self._speaking.sizes(), self._copies.sizes()
            except ValueError as error:
                raise StoreError(
                    f"The text index {self._path} cannot be read ({error}); start the writer "
                    f"(gnomon serve), which makes it anew."
                ) from error

    @contextmanager
    def translated(self) -> Iterator[None]:
        """What tantivy raises in the block, as a StoreError that names the index."""
        try:
            yield
        except (ValueError, OSError) as error:
            for index in self._both:
                index.forget()  # a writer that failed once takes nothing more
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
                with self.translated():
                    self._feed(goal)
            except BaseException:
                for index in self._both:
                    index.forget()  # whatever it took since the last commit must not stay
                raise
            if any(dead > held / 2 and held > 1000 for held, dead in self._sizes):
                self.rebuild()

    def _feed(self, goal: int) -> None:
        at, since_commit = self.seq, 0
        while at < goal:
            with self._database.reading() as db:
                posts = reader.arrivals(db, at, CHUNK)
                upto = posts[-1].row if len(posts) == CHUNK else goal
                posts = [post for post in posts if post.row <= upto]
                changes = reader.changed_rows(db, at, upto)
            if changes and since_commit:
                self._commit(at)  # what stands where is asked of what is committed
                since_commit = 0
            since_commit += self._put(at, posts, changes)
            at = upto
            if at >= goal or since_commit >= COMMIT_EVERY:
                self._commit(at)
                since_commit = 0

    def _put(
        self,
        start: int,
        posts: Sequence[reader.Indexed],
        changes: Sequence[tuple[str, int]],
        *,
        anew: bool = False,
    ) -> int:
        """Put what arrived after ``start``, and what changed, where it belongs by now; how many
        posts were written. ``anew``: the indexes are being filled, what they showed is no matter.

        A change may give an origin another speaker: then all of its posts are looked at. A copy
        that comes, whatever it claims, changes nothing for what stands there."""
        arrived = {post.row for post in posts}
        gone = {row for kind, row in changes if kind == "delete"}
        edited = {row for kind, row in changes if kind == "edit"}
        touched = {row for _, row in changes} - arrived
        for index in self._both:
            touched |= index.speakers("speaker", sorted(touched)).keys()
        with self._database.reading() as db:
            again = reader.indexed(db, sorted(touched - arrived))
            speakers = reader.speakers(db, [post.origin for post in (*posts, *again)])
            came = arrived | touched
            turned = [origin for origin, row in speakers.items() if row in came]
            others = {row for row in reader.rows_under(db, turned) if row <= start} - came
            again += reader.indexed(db, sorted(others))
        if others and not anew and (self._speaking.changed or self._copies.changed):
            self._commit(start)
        place = _Place(self._speaking, self._copies, [] if anew else sorted(touched | others))
        for row in gone:
            place.take_out(row)
        written = 0
        for post in (*posts, *again):
            speaker = speakers.get(post.origin, post.row)
            speaks = post.link or post.row == speaker
            if post.row not in arrived:
                if post.row not in edited and place.holds(post.row, speaker, speaks):
                    continue
                place.take_out(post.row)
            (self._speaking if speaks else self._copies).add(_document(post, speaker))
            written += 1
        return written

    def _commit(self, seq: int) -> None:
        if self._speaking.changed:
            self._speaking.commit()
        self._copies.mark(seq, self._speaking.opstamp())
        self._copies.commit()
        self.seq = seq
        self._sizes = self._speaking.sizes(), self._copies.sizes()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Nothing is indexed by other threads for the time of the block."""
        with self._lock:
            yield

    def rebuild(self) -> None:
        """Make the indexes anew from the record. Searches see the old ones until it is done."""
        with self._lock:
            with self._database.reading() as db:
                goal = reader.sequence(db)
            with self.translated():
                for index in self._both:
                    index.clear()
                at = 0
                while at < goal:
                    with self._database.reading() as db:
                        posts = reader.arrivals(db, at, CHUNK)
                    at = posts[-1].row if len(posts) == CHUNK else goal
                    self._put(goal, [post for post in posts if post.row <= goal], (), anew=True)
                self._commit(goal)
                for index in self._both:
                    index.writer().garbage_collect_files()

    # -- searching ----------------------------------------------------------------------------
    def _searchers(self) -> tuple[tantivy.Searcher, tantivy.Searcher] | None:
        if self._database.readonly:
            self._reload()
        speaking, copies = (index.searcher() for index in self._both)
        return None if speaking is None or copies is None else (speaking, copies)

    def ask(self, words: Sequence[str], where: Filter) -> Question | None:
        """Any of ``words`` by their stems, within ``where``; None if nothing can match."""
        searchers = self._searchers()
        if searchers is None:
            return None
        speaking, copies = searchers
        unique = list(dict.fromkeys(stems(words)))
        (held, _), (held_copies, _) = self._sizes
        counts = [
            (speaking.doc_freq("stems", stem), copies.doc_freq("stems", stem)) for stem in unique
        ]
        if len(unique) > MAX_TERMS:
            found = [(own + more, i) for i, (own, more) in enumerate(counts)]
            kept = [i for n, i in sorted(found) if n][:MAX_TERMS]
            unique, counts = [unique[i] for i in kept], [counts[i] for i in kept]
        if not unique:
            return None
        wanted = [Query.term_query(SCHEMA, "stems", stem, "freq") for stem in unique]
        again = [
            # As rare as it is in what is said, not in what is said again.
            Query.boost_query(term, _idf(own, held) / _idf(more, held_copies))
            for term, (own, more) in zip(wanted, counts, strict=True)
            if more
        ]
        return Question(
            speaking, copies, self._within(wanted, where),
            self._within(again, where) if again else None,
        )  # fmt: skip

    def _within(self, wanted: Sequence[Query], where: Filter) -> Query:
        """Any of ``wanted``, within ``where``."""
        some = [(Occur.Should, term) for term in wanted]
        query = wanted[0] if len(wanted) == 1 else Query.boolean_query(some)
        filters = [(Occur.Must, Query.const_score_query(f, 0.0)) for f in self._filters(where)]
        return Query.boolean_query([(Occur.Must, query), *filters]) if filters else query

    def _term(self, word: str) -> Query:
        return Query.term_query(SCHEMA, "text", word, "basic")

    def _filters(self, where: Filter) -> Iterator[Query]:
        if where.since is not None or where.until is not None:
            since = None if where.since is None else _micros(where.since)
            until = None if where.until is None else _micros(where.until)
            yield Query.range_query(SCHEMA, "time", FieldType.Integer, since, until)
        for name in ("sources", "authors", "langs"):
            values = getattr(where, name)
            if values:
                wanted = [f"={value}" for value in values]
                yield Query.term_set_query(SCHEMA, name.removesuffix("s"), wanted)

    def frequencies(self, words: Iterable[str]) -> dict[str, int]:
        """How many posts that speak hold each word. Where some of them were deleted and are still
        in the files, a count reads the postings: 20 microseconds where a thousand hold the word."""
        searchers = self._searchers()
        if searchers is None:
            return dict.fromkeys(words, 0)
        speaking = searchers[0]
        found = {word: speaking.doc_freq("text", word[:MAX_TOKEN]) for word in words}
        if self._sizes[0][1]:
            for word in [word for word, n in found.items() if n]:
                term = Query.const_score_query(self._term(word[:MAX_TOKEN]), 0.0)
                counted: Any = speaking.search(term, 1, count=True)
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
        searchers = self._searchers()
        count: dict[float, int] = {}
        if searchers is not None and words and starts:
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
                    SCHEMA,
                    "time",
                    FieldType.Integer,
                    math.ceil(low * _MICRO),
                    math.ceil(high * _MICRO) - 1,
                )
                for searcher in searchers:
                    for hour, n in self._histogram(searcher, [*every, (Occur.Must, within)]):
                        count[hour] = count.get(hour, 0) + n
        return [(start, count.get(start, 0)) for start in starts]

    def _histogram(
        self, searcher: tantivy.Searcher, every: list[tuple[Occur, Query]]
    ) -> list[tuple[float, int]]:
        interval = HOUR_S * _MICRO
        wanted = {"hours": {"histogram": {"field": "time", "interval": interval}}}
        wanted["hours"]["histogram"]["min_doc_count"] = 1
        with self.translated():
            found = searcher.aggregate(Query.boolean_query(every), wanted)
        return [(b["key"] / _MICRO, b["doc_count"]) for b in found["hours"]["buckets"]]

    def close(self) -> None:
        """Let go of the indexes; nothing writes in their folders afterwards."""
        with self._lock:
            for index in self._both:
                try:
                    index.close()
                except ValueError as error:  # a merge failed; the segments it read are still there
                    log.warning("A merge in the text index %s failed: %s.", index.path, error)
