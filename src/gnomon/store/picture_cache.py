"""Pictures of posts, kept small: a view over the record, in a file of its own.

It holds thumbnails, what their authors say is in them, and a model's vectors of them. A post that
goes takes what only it showed along in one transaction; whoever shows a picture reads its post
back from the record first, so a deletion holds from its commit, whatever is here still. The file
can be thrown away: what it held is then taken in again, or not.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import apsw
import numpy as np

from gnomon.store import likeness
from gnomon.store.database import translated
from gnomon.store.picture_rows import Rows
from gnomon.store.vector_files import quantised
from gnomon.text.tokens import tokens
from gnomon.types import Post
from gnomon.types.post_pictures import SeenPicture, Thumbnail

_SCHEMA = """
PRAGMA auto_vacuum = INCREMENTAL;
PRAGMA secure_delete = ON;
CREATE TABLE IF NOT EXISTS pictures (
    id INTEGER PRIMARY KEY AUTOINCREMENT, sha256 TEXT NOT NULL UNIQUE, form TEXT NOT NULL,
    width INTEGER NOT NULL, height INTEGER NOT NULL, moving INTEGER NOT NULL,
    fetched_at REAL NOT NULL, alike INTEGER NOT NULL, cells BLOB NOT NULL, thumb BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS shown (
    id INTEGER PRIMARY KEY AUTOINCREMENT, post TEXT NOT NULL, media TEXT NOT NULL,
    alt TEXT NOT NULL, picture INTEGER NOT NULL, said_at REAL NOT NULL, UNIQUE (post, media)
);
CREATE INDEX IF NOT EXISTS shown_picture ON shown (picture);
CREATE INDEX IF NOT EXISTS shown_said ON shown (said_at);
CREATE TABLE IF NOT EXISTS vectors (
    picture INTEGER PRIMARY KEY, scale REAL NOT NULL, code BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS aside (
    post TEXT NOT NULL, media TEXT NOT NULL, reason TEXT NOT NULL, at REAL NOT NULL,
    PRIMARY KEY (post, media)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS wanted (post TEXT PRIMARY KEY, folders TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE VIRTUAL TABLE IF NOT EXISTS words USING fts5(
    alt, caption, tokenize = "unicode61 remove_diacritics 0"
);
"""
# Without it the index keeps words of what was deleted until it is merged
# (https://www.sqlite.org/fts5.html#the_secure_delete_configuration_option).
_SECURE = "SELECT 1 FROM words_config WHERE k = 'secure-delete' AND v = 1"
_SECURED = "INSERT INTO words (words, rank) VALUES ('secure-delete', 1)"
_ALT_WEIGHT, _CAPTION_WEIGHT = 2.0, 1.0
_BUSY_MS = 10_000
_TRIMMED = 50
"""Posts whose pictures go at once where there are too many."""


@dataclass(frozen=True, slots=True)
class Aside:
    """A picture that was not kept, and why."""

    post: str
    media: str
    reason: str
    at: float


@dataclass(frozen=True, slots=True)
class Counts:
    """``posts`` show ``pictures``; a model has seen ``seen`` of these."""

    pictures: int
    posts: int
    seen: int
    bytes: int
    aside: int
    wanted: int


class PictureCache:
    """Safe between threads and processes. ``path`` None keeps it in memory."""

    def __init__(self, path: Path | None) -> None:
        """Raises StoreError."""
        self._path = path or Path("pictures in memory")
        self._lock = threading.RLock()
        with translated(self._path):
            if path is not None:
                path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._db = apsw.Connection(str(path) if path is not None else ":memory:")
            self._db.set_busy_timeout(_BUSY_MS)
            # Two processes that read first and then write would each wait for the other.
            self._db.transaction_mode = "IMMEDIATE"
            self._db.execute(_SCHEMA).fetchall()  # a pragma that gives a row would stop it there
            if not self._db.execute(_SECURE).fetchone():
                self._db.execute(_SECURED)
            self._rows = Rows(self._db)

    # -- what is kept -------------------------------------------------------------------------
    def put(self, post: Post, media: str, alt: str, sha256: str, made: Thumbnail, file: bytes,
            now: float) -> None:  # fmt: skip
        """Keep a picture of a post: ``file`` is the thumbnail as it is served. One that is here
        already, by its bytes, gains a post that shows it."""
        new: tuple[int, bytes, str] | None = None
        with self._lock:
            with translated(self._path), self._db:
                found = "SELECT id FROM pictures WHERE sha256 = ?"
                row = self._db.execute(found, (sha256,)).fetchone()
                if row is None:
                    picture, first, cells = self._added(sha256, made, file, now)
                    new = (picture if first else 0, cells, self._rows.now("pictures"))
                else:
                    picture = int(row[0])
                self._show(post, media, alt, picture)
                self._db.execute("DELETE FROM aside WHERE post = ? AND media = ?", (post.id, media))
            if new is not None:  # and durable
                self._rows.added(*new)

    def _added(
        self, sha256: str, made: Thumbnail, file: bytes, now: float
    ) -> tuple[int, bool, bytes]:
        """A picture that is new by its bytes: its id, whether it is new to the eye, its cells."""
        cells = likeness.cells_of(made.rgb, made.width, made.height)
        alike = self._rows.alike(cells, made.whole)
        width, height = made.whole
        self._db.execute(
            "INSERT INTO pictures (sha256, form, width, height, moving, fetched_at, alike, cells, "
            "thumb) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (sha256, made.form, width, height, made.moving, now, alike, cells, file),
        )
        picture = self._db.last_insert_rowid()
        if not alike:
            self._db.execute("UPDATE pictures SET alike = id WHERE id = ?", (picture,))
        self._changed("pictures")
        return picture, not alike, cells

    def _show(self, post: Post, media: str, alt: str, picture: int) -> None:
        self._hide("post = ? AND media = ?", (post.id, media))
        self._db.execute(
            "INSERT INTO shown (post, media, alt, picture, said_at) VALUES (?, ?, ?, ?, ?)",
            (post.id, media, alt, picture, post.time),
        )
        said = (" ".join(tokens(alt)), " ".join(tokens(f"{post.title}\n{post.text}")))
        self._db.execute(
            "INSERT INTO words (rowid, alt, caption) VALUES (?, ?, ?)",
            (self._db.last_insert_rowid(), *said),
        )

    def set_aside(self, post: str, media: str, reason: str, now: float) -> None:
        row = (post, media, reason[:500], now)
        with self._lock, translated(self._path), self._db:
            self._db.execute("REPLACE INTO aside VALUES (?, ?, ?, ?)", row)

    def met(self, post: str) -> frozenset[str]:
        """The media of a post that are kept or were set aside."""
        found = "SELECT media FROM shown WHERE post = ?1 UNION SELECT media FROM aside " \
                "WHERE post = ?1"  # fmt: skip
        return frozenset(str(row[0]) for row in self._all(found, (post,)))

    def keep_only(self, post: Post, alts: Mapping[str, str]) -> None:
        """Follow an edit: what a post shows no longer goes, what it says of the rest is new."""
        with self._lock, translated(self._path), self._db:
            held = self._db.execute("SELECT media, picture FROM shown WHERE post = ?", (post.id,))
            for media, picture in list(held):
                if media in alts:
                    self._show(post, str(media), alts[media], int(picture))
                else:
                    self._hide("post = ? AND media = ?", (post.id, media))
            for (media,) in list(
                self._db.execute("SELECT media FROM aside WHERE post = ?", (post.id,))
            ):
                if media not in alts:
                    self._db.execute(
                        "DELETE FROM aside WHERE post = ? AND media = ?", (post.id, media)
                    )
            self._drop_orphans()

    def forget(self, posts: Iterable[str]) -> None:
        """What these posts showed goes, with every trace of it here that no other post shows."""
        with self._lock, translated(self._path), self._db:
            for post in posts:
                self._hide("post = ?", (post,))
                self._db.execute("DELETE FROM aside WHERE post = ?", (post,))
                self._db.execute("DELETE FROM wanted WHERE post = ?", (post,))
            self._drop_orphans()

    def _hide(self, which: str, values: Sequence[Any]) -> None:
        for (row,) in list(self._db.execute(f"SELECT id FROM shown WHERE {which}", values)):
            self._db.execute("DELETE FROM words WHERE rowid = ?", (row,))
            self._db.execute("DELETE FROM shown WHERE id = ?", (row,))

    def _drop_orphans(self) -> None:
        self._db.execute("DELETE FROM pictures WHERE id NOT IN (SELECT picture FROM shown)")
        if self._db.changes():
            self._changed("pictures")
            self._db.execute("DELETE FROM vectors WHERE picture NOT IN (SELECT id FROM pictures)")
            self._changed("vectors")

    def _changed(self, table: str) -> None:
        """So that whoever holds rows of it in memory reads them anew, in any process."""
        self._db.execute(
            "INSERT INTO facts VALUES (?, '1') ON CONFLICT (name) DO UPDATE SET value = value + 1",
            (f"{table} changed",),
        )

    def trim(self, most_bytes: int) -> int:
        """Drop pictures of the oldest posts until the file is no larger; of how many posts."""
        gone = 0
        while self.counts().bytes > most_bytes:
            oldest = self._all(
                "SELECT post FROM shown GROUP BY post ORDER BY min(said_at) LIMIT ?", (_TRIMMED,)
            )
            if not oldest:
                break
            self.forget(str(row[0]) for row in oldest)
            gone += len(oldest)
            self._all("PRAGMA incremental_vacuum")
        return gone

    def posts(self) -> list[str]:
        """The posts that something is kept about."""
        found = "SELECT post FROM shown UNION SELECT post FROM aside UNION SELECT post FROM wanted"
        return [str(row[0]) for row in self._all(found)]

    # -- what is still to be taken in --------------------------------------------------------
    def want(self, posts: Iterable[str], folders: str = "") -> None:
        """Remember posts whose pictures are to be taken in; ``folders`` (JSON) is where pictures
        that are named by a path may lie."""
        rows = [(post, folders) for post in posts]
        with self._lock, translated(self._path), self._db:
            self._db.executemany("REPLACE INTO wanted VALUES (?, ?)", rows)

    def wanted(self, limit: int) -> list[tuple[str, str]]:
        found = self._all("SELECT post, folders FROM wanted LIMIT ?", (limit,))
        return [(str(post), str(folders)) for post, folders in found]

    def done(self, post: str) -> None:
        with self._lock, translated(self._path), self._db:
            self._db.execute("DELETE FROM wanted WHERE post = ?", (post,))

    @property
    def seq(self) -> int | None:
        """How far the record's log was followed; None where it never was."""
        value = self._fact("seq")
        return int(value) if value else None

    def reached(self, seq: int) -> None:
        self._set_fact("seq", str(seq))

    def _fact(self, name: str) -> str:
        rows = self._all("SELECT value FROM facts WHERE name = ?", (name,))
        return str(rows[0][0]) if rows else ""

    def _set_fact(self, name: str, value: str) -> None:
        with self._lock, translated(self._path), self._db:
            self._db.execute("REPLACE INTO facts VALUES (?, ?)", (name, value))

    # -- vectors ------------------------------------------------------------------------------
    @property
    def model(self) -> str:
        """Whose vectors are kept."""
        return self._fact("model")

    def unseen(self, model: str, limit: int) -> list[tuple[int, bytes]]:
        """Pictures without a vector of ``model``, the newest first: id and thumbnail."""
        known = "WHERE id NOT IN (SELECT picture FROM vectors)" if self.model == model else ""
        found = f"SELECT id, thumb FROM pictures {known} ORDER BY id DESC LIMIT ?"
        return [(int(row[0]), bytes(row[1])) for row in self._all(found, (limit,))]

    def put_vectors(self, model: str, pictures: Sequence[int], vectors: np.ndarray) -> None:
        """Keep unit vectors, float32 ``[len(pictures), dim]``, of pictures that are still here. A
        new model's name drops the vectors of another."""
        codes, scales = quantised(np.ascontiguousarray(vectors, np.float32))
        with self._lock, translated(self._path), self._db:
            if self.model != model:
                self._db.execute("DELETE FROM vectors")
                self._set_fact("model", model)
            for picture, scale, code in zip(pictures, scales, codes, strict=True):
                self._db.execute(
                    "REPLACE INTO vectors SELECT id, ?, ? FROM pictures WHERE id = ?",
                    (float(scale), code.tobytes(), picture),
                )
            self._changed("vectors")

    # -- looking ------------------------------------------------------------------------------
    def nearest(self, model: str, vector: np.ndarray, k: int) -> list[tuple[int, int, float]]:
        """The ``k`` pictures nearest to a unit vector: (picture, alike, cosine), best first."""
        if self.model != model:
            return []
        with self._lock, translated(self._path):
            return self._rows.nearest(vector, k)

    def with_words(self, text: str, k: int) -> list[tuple[int, str, float]]:
        """Pictures whose description or post has words of ``text``, by BM25, best first: (alike,
        post, the share of what ``text`` says that they have, 0..1). A word weighs by how rare it
        is here; one that is nowhere here weighs most."""
        terms = dict.fromkeys(tokens(text))
        if not terms:
            return []
        quoted = {term: '"' + term.replace('"', "") + '"' for term in terms}
        with self._lock, translated(self._path):
            (total,) = self._db.execute("SELECT count(*) FROM shown").fetchone()  # type: ignore[misc]
            weights = {
                term: math.log(1 + total / (0.5 + self._holding(quoted[term]))) for term in terms
            }
            found: list[tuple[Any, ...]] = self._db.execute(
                "SELECT pictures.alike, shown.post, words.alt, words.caption FROM words "
                "JOIN shown ON shown.id = words.rowid "
                "JOIN pictures ON pictures.id = shown.picture WHERE words MATCH ? "
                f"ORDER BY bm25(words, {_ALT_WEIGHT}, {_CAPTION_WEIGHT}) LIMIT ?",
                (" OR ".join(quoted.values()), k),
            ).fetchall()
        whole = sum(weights.values()) or 1.0
        return [
            (int(alike), str(post), sum(weights[t] for t in _among(terms, alt, caption)) / whole)
            for alike, post, alt, caption in found
        ]

    def _holding(self, term: str) -> int:
        row = self._db.execute("SELECT count(*) FROM words WHERE words MATCH ?", (term,))
        return int(row.fetchone()[0])  # type: ignore[index]

    def shown(self, alikes: Sequence[int]) -> dict[int, list[tuple[str, SeenPicture]]]:
        """For each group of alike pictures: (post, picture as the post shows it), the earliest post
        first."""
        out: dict[int, list[tuple[str, SeenPicture]]] = {alike: [] for alike in alikes}
        marks = ", ".join("?" * len(out))
        for row in self._all(
            "SELECT alike, post, sha256, media, alt, width, height, form, fetched_at, "
            "moving FROM pictures JOIN shown ON shown.picture = pictures.id "
            f"WHERE alike IN ({marks}) ORDER BY said_at, shown.id",
            tuple(out),
        ):
            alike, post, sha256, media, alt, width, height, form, at, moving = row
            seen = SeenPicture(sha256, media, alt, width, height, form, at, bool(moving))
            out[int(alike)].append((str(post), seen))
        return out

    def thumb(self, sha256: str) -> tuple[bytes, list[str]] | None:
        """A thumbnail and the posts that show it."""
        found = self._all("SELECT thumb FROM pictures WHERE sha256 = ?", (sha256,))
        if not found:
            return None
        posts = self._all(
            "SELECT post FROM shown JOIN pictures ON pictures.id = picture WHERE sha256 = ?",
            (sha256,),
        )
        return bytes(found[0][0]), [str(row[0]) for row in posts]

    def of_post(self, post: str) -> dict[str, bytes]:
        """The thumbnails of a post's pictures, by their address."""
        rows = self._all(
            "SELECT media, thumb FROM shown JOIN pictures ON pictures.id = picture WHERE post = ?",
            (post,),
        )
        return {str(media): bytes(thumb) for media, thumb in rows}

    def asides(self, limit: int = 50) -> list[Aside]:
        """Pictures that were not kept, the newest first."""
        found = self._all("SELECT * FROM aside ORDER BY at DESC LIMIT ?", (limit,))
        return [Aside(*row) for row in found]

    def counts(self) -> Counts:
        (row,) = self._all(
            "SELECT (SELECT count(*) FROM pictures), (SELECT count(DISTINCT post) FROM shown), "
            "(SELECT count(*) FROM vectors), (SELECT count(*) FROM aside), "
            "(SELECT count(*) FROM wanted), (SELECT (p.page_count - f.freelist_count) * "
            "s.page_size FROM pragma_page_count p, pragma_freelist_count f, pragma_page_size s)"
        )
        pictures, posts, seen, aside, wanted, size = map(int, row)
        return Counts(pictures, posts, seen, size, aside, wanted)

    def _all(self, query: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        with self._lock, translated(self._path):
            return list(self._db.execute(query, values))

    def close(self) -> None:
        with self._lock:
            self._db.close()


def _among(terms: Iterable[str], *said: str) -> set[str]:
    return set(terms) & set(" ".join(said).split())
