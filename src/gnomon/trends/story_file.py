"""The file of the story view: SQLite beside the record, which can be thrown away.

It holds ids, times and the terms that stories are told apart by; what is shown is read back from
the record. ``docs`` has a row for each origin (its root post), ``carried`` one for each other post
of it. A doc whose ``terms`` are NULL is of a story, and too old to be compared with new posts.
"""

from __future__ import annotations

import base64
from array import array
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import apsw
import xxhash

from gnomon.errors import StoreError
from gnomon.store.database import translated
from gnomon.store.rows import as_list
from gnomon.trends.cluster import Doc
from gnomon.trends.clustering import ROUND, Clustering
from gnomon.trends.story_terms import Terms

FORMAT = 2
"""A file of another format, or of other rules, is thrown away and made anew."""
SHOWN_AUTHORS = 5
"""One origin alone is a story once so many carry it."""

_PRAGMAS = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = NORMAL",  # after a power cut it goes on from the number it then holds
    "PRAGMA secure_delete = ON",  # a deleted word is overwritten, not just unlinked
    "PRAGMA cache_size = -16384",
    "PRAGMA temp_store = MEMORY",
)
_SCHEMA = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value ANY) WITHOUT ROWID;
CREATE TABLE docs (
    n INTEGER PRIMARY KEY, key INTEGER NOT NULL UNIQUE, root TEXT NOT NULL UNIQUE,
    story INTEGER NOT NULL, said REAL NOT NULL, came REAL NOT NULL, lang TEXT NOT NULL,
    author INTEGER NOT NULL, terms TEXT, weights BLOB
);
CREATE INDEX docs_story ON docs (story);
CREATE TABLE carried (
    post TEXT PRIMARY KEY, origin TEXT NOT NULL, said REAL NOT NULL, author INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX carried_origin ON carried (origin);
CREATE TABLE stories (
    story INTEGER PRIMARY KEY, key INTEGER NOT NULL UNIQUE, origins INTEGER NOT NULL,
    posts INTEGER NOT NULL, first REAL NOT NULL, last REAL NOT NULL, shown INTEGER NOT NULL
);
CREATE INDEX stories_last ON stories (last) WHERE shown;
CREATE TABLE aliases (key INTEGER PRIMARY KEY, story_key INTEGER NOT NULL);
"""


def key_of(post: str) -> int:
    """A post's key: 63 bits, the same in every file."""
    return xxhash.xxh3_64_intdigest(post.encode("utf-8", "surrogatepass")) >> 1


def story_id(key: int) -> str:
    """A story's public id: 13 letters and digits."""
    return base64.b32encode(key.to_bytes(8, "big")).decode().rstrip("=").lower()


def key_from(id: str) -> int | None:
    """The inverse of ``story_id``; None for what is none."""
    if len(id) != 13:
        return None
    try:
        raw = base64.b32decode(id.upper() + "=" * (-len(id) % 8))
    except ValueError:
        return None
    return int.from_bytes(raw, "big") if len(raw) == 8 and raw[0] < 128 else None


class StoryFile:
    """One connection. The view that owns it sees to threads. ``path`` None: in memory."""

    def __init__(self, path: Path | None, rules: str, *, readonly: bool = False) -> None:
        """Raises StoreError where the file cannot be opened."""
        self.path = path or Path(":memory:")
        self.readonly = readonly
        self._rules = f"{FORMAT} {rules}"
        with translated(self.path):
            self._db = self._open()
            if not self._fits():
                if readonly:
                    raise StoreError(
                        f"{self.path} is of another gnomon; run `gnomon stories` while nothing "
                        "else writes, and it is made anew."
                    )
                self._db.close()
                self._throw_away()
                self._db = self._open()
                self._make()

    def _open(self) -> apsw.Connection:
        flags = apsw.SQLITE_OPEN_READWRITE | (0 if self.readonly else apsw.SQLITE_OPEN_CREATE)
        db = apsw.Connection(str(self.path), flags=flags)
        db.set_busy_timeout(5000)
        if not self.readonly:
            for pragma in _PRAGMAS:
                db.execute(pragma).fetchall()
        return db

    def _fits(self) -> bool:
        made = self._db.execute("SELECT 1 FROM sqlite_schema WHERE name = 'meta'").fetchone()
        return bool(made) and self.meta("rules") == self._rules

    def _throw_away(self) -> None:
        for tail in ("", "-wal", "-shm"):
            Path(f"{self.path}{tail}").unlink(missing_ok=True)

    def _make(self) -> None:
        with self._db:
            self._db.execute(_SCHEMA)
            self.set_meta("rules", self._rules)

    def clear(self) -> None:
        """Forget everything: the record is another one."""
        for table in ("docs", "carried", "stories", "aliases", "meta"):
            self._db.execute(f"DELETE FROM {table}")
        self.set_meta("rules", self._rules)

    def close(self) -> None:
        self._db.close()

    @contextmanager
    def writing(self) -> Iterator[None]:
        """All of it or nothing."""
        with translated(self.path):
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise

    def run(self, statement: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        with translated(self.path):
            return list(self._db.execute(statement, tuple(values)))

    def run_many(self, statement: str, values: Iterable[Sequence[Any]]) -> None:
        with translated(self.path):
            self._db.executemany(statement, [tuple(one) for one in values])

    # -- meta ---------------------------------------------------------------------------------
    def meta(self, name: str, default: Any = None) -> Any:
        row = self._db.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
        return row[0] if row else default

    def set_meta(self, name: str, value: Any) -> None:
        self._db.execute("REPLACE INTO meta VALUES (?, ?)", (name, value))

    # -- docs ---------------------------------------------------------------------------------
    def add_doc(self, doc: Doc, root: str, story: int, lang: str, author: int) -> None:
        self._db.execute(
            "INSERT INTO docs VALUES (?,?,?,?,?,?,?,?,?,?)",
            (
                doc.n, key_of(root), root, story, doc.said, doc.came, lang, author,
                " ".join(doc.terms.words), array("H", doc.terms.weights).tobytes(),
            ),
        )  # fmt: skip

    def docs(self, roots: Iterable[str]) -> dict[str, tuple[int, int]]:
        """Number and story of those roots that are held."""
        rows = self._db.execute(
            "SELECT d.root, d.n, d.story FROM json_each(?) j JOIN docs d ON d.root = j.value",
            (as_list(sorted(roots)),),
        )
        return {root: (n, story) for root, n, story in rows}

    def stories_of(self, numbers: Iterable[int]) -> list[int]:
        """The stories of docs, by their numbers."""
        rows = self._db.execute(
            "SELECT DISTINCT d.story FROM json_each(?) j JOIN docs d ON d.n = j.value",
            (as_list(list(numbers)),),
        )
        return [int(row[0]) for row in rows]

    def under(self, posts: Iterable[str]) -> dict[str, str]:
        """The origins that those posts are carried under."""
        rows = self._db.execute(
            "SELECT c.post, c.origin FROM json_each(?) j JOIN carried c ON c.post = j.value",
            (as_list(sorted(posts)),),
        )
        return {post: origin for post, origin in rows}  # noqa: C416 - typed so

    def carry(self, post: str, origin: str, said: float, author: int) -> None:
        self._db.execute("REPLACE INTO carried VALUES (?,?,?,?)", (post, origin, said, author))

    def restore(self, clustering: Clustering) -> int:
        """Put every doc that is still compared back, as it was; the number of the next."""
        number = int(self.meta("docs", 0))
        counted = number // ROUND * ROUND
        rows = self._db.execute(
            "SELECT n, said, came, terms, weights, story FROM docs WHERE terms IS NOT NULL"
            " ORDER BY n"
        )
        for n, said, came, words, weights, story in rows:
            held = array("H")
            held.frombytes(weights)
            terms = Terms(tuple(words.split(" ")), tuple(held))
            clustering.restore(Doc(n, said, came, terms), story, n < counted)
        clustering.newest = self.meta("newest", clustering.newest)
        return number
