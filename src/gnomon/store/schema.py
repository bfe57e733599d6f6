"""The record's tables, as a list of migrations that only grows.

A database says in ``PRAGMA user_version`` how many of them it has. To change the schema, append a
migration; never edit one that was released.
"""

from __future__ import annotations

import apsw

from gnomon.errors import StoreError

# posts.row is the sequence number of the post's arrival, so the post's own log entry is the row
# itself, and row numbers are never used twice. posts.origin is NULL for a post that is its own.
# The two FTS5 tables hold hashed keys, not words (see keys.py): an FTS5 table takes random keys in
# sorted runs, where a B-tree pays for each of them with a random page.
MIGRATIONS = (
    """
    CREATE TABLE meta (name TEXT PRIMARY KEY, value ANY) WITHOUT ROWID;
    INSERT INTO meta VALUES ('seq', 0);
    CREATE TABLE sources (
        source INTEGER PRIMARY KEY,
        name TEXT NOT NULL UNIQUE,
        posts INTEGER NOT NULL DEFAULT 0,
        last_write REAL,
        cursor TEXT
    );
    CREATE TABLE posts (
        row INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        source INTEGER NOT NULL REFERENCES sources,
        author TEXT NOT NULL,
        time REAL NOT NULL,
        created REAL,
        fetched REAL NOT NULL,
        lang TEXT NOT NULL,
        title TEXT NOT NULL,
        text TEXT NOT NULL,
        url TEXT NOT NULL,
        reply_to TEXT NOT NULL,
        repost_of TEXT NOT NULL,
        quotes TEXT NOT NULL,
        rest TEXT,
        origin TEXT,
        kind TEXT NOT NULL DEFAULT 'root',
        score REAL NOT NULL DEFAULT 1.0
    );
    CREATE INDEX posts_time ON posts (time);
    CREATE INDEX posts_origin ON posts (origin) WHERE origin IS NOT NULL;
    CREATE VIRTUAL TABLE refs USING
        fts5(keys, content='', contentless_delete=1, detail=none, tokenize='ascii');
    CREATE VIRTUAL TABLE bands USING
        fts5(keys, content='', contentless_delete=1, detail=none, tokenize='ascii');
    CREATE TABLE revisions (
        row INTEGER NOT NULL, n INTEGER NOT NULL, text TEXT NOT NULL, hash TEXT NOT NULL,
        replaced_at REAL NOT NULL, PRIMARY KEY (row, n)
    ) WITHOUT ROWID;
    CREATE TABLE log (
        seq INTEGER PRIMARY KEY, kind TEXT NOT NULL, row INTEGER, ref TEXT, at REAL NOT NULL
    );
    CREATE TABLE tombstones (id TEXT PRIMARY KEY, at REAL NOT NULL, reason TEXT NOT NULL)
        WITHOUT ROWID;
    CREATE TABLE closed_accounts (
        source TEXT NOT NULL, author TEXT NOT NULL, at REAL NOT NULL, reason TEXT NOT NULL,
        PRIMARY KEY (source, author)
    ) WITHOUT ROWID;
    CREATE TABLE heirs (id TEXT PRIMARY KEY, heir TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE set_aside (
        seq INTEGER PRIMARY KEY, source TEXT NOT NULL, place TEXT NOT NULL, reason TEXT NOT NULL,
        at REAL NOT NULL, excerpt TEXT NOT NULL, UNIQUE (source, place, reason)
    );
    CREATE TABLE gaps (
        seq INTEGER PRIMARY KEY, source TEXT NOT NULL, start REAL, end REAL NOT NULL,
        reason TEXT NOT NULL
    );
    CREATE TABLE journal (
        seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, at REAL NOT NULL, body TEXT NOT NULL,
        cites TEXT NOT NULL, lost TEXT NOT NULL DEFAULT '[]'
    );
    CREATE TABLE cites (
        post TEXT NOT NULL, receipt TEXT NOT NULL, PRIMARY KEY (post, receipt)
    ) WITHOUT ROWID;
    """,
    # The newest post of each source. Without it a look at the status walked the posts of all the
    # others: half a second of CPU over 188,000 posts, in every status, search and question.
    """
    CREATE INDEX posts_source ON posts (source, time);
    """,
)


def migrate(connection: apsw.Connection) -> None:
    """Bring the database up to this program's schema, one transaction for each step.

    Raises StoreError if a newer gnomon has written it.
    """
    version = schema_version(connection)
    for number, script in enumerate(MIGRATIONS[version:], version + 1):
        with connection:
            connection.execute(script)
            connection.execute(f"PRAGMA user_version = {number}")


def schema_version(connection: apsw.Connection) -> int:
    """How many migrations the database has had; StoreError if more than this program knows."""
    version = int(connection.pragma("user_version"))
    if version > len(MIGRATIONS):
        raise StoreError(
            f"{connection.filename} has schema {version}, but this gnomon knows only "
            f"{len(MIGRATIONS)}; update gnomon to read it."
        )
    return version
