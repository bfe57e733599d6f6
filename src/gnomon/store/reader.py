"""Questions to the record, each answered through one connection.

Functions here take an ``apsw.Connection`` and return plain values; ``engine`` lends them one from
the pool. Lists of ids travel as one JSON array, so that a statement is prepared once.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import apsw
import numpy as np

from gnomon.store.contract import Change, Receipt, SourceState
from gnomon.store.keys import author_key, band_key, reply_key, url_key
from gnomon.store.rows import SELECT, as_list, restored, to_link, to_post
from gnomon.store.rules import BAND_MATCHES, POINTING, accepts, is_reply, own_url
from gnomon.types import EdgeKind, Filter, Gap, Link, Origin, Post, Revision, SetAside

PAGE = 500


def sequence(db: apsw.Connection) -> int:
    """The last sequence number that is durable."""
    return int(_one(db, "SELECT value FROM meta WHERE name = 'seq'"))


def _one(db: apsw.Connection, sql: str, values: Sequence[Any] = ()) -> Any:
    found = db.execute(sql, values).fetchone()
    return None if found is None else found[0]


# -- posts --------------------------------------------------------------------------------------


def posts(db: apsw.Connection, ids: Sequence[str]) -> dict[str, Post]:
    sql = SELECT.replace("FROM posts p", "FROM json_each(?) j JOIN posts p ON p.id = j.value")
    found = {row[0]: to_post(row) for row in db.execute(sql, (as_list(ids),))}
    return {post: found[post] for post in ids if post in found}


def posts_at(db: apsw.Connection, rows: Sequence[int]) -> dict[int, tuple[Post, str]]:
    """By row number: the post and its origin's id."""
    sql = SELECT.replace("SELECT ", "SELECT p.row, ifnull(p.origin, p.id), ").replace(
        "FROM posts p", "FROM json_each(?) j JOIN posts p ON p.row = j.value"
    )
    return {row[0]: (to_post(row[2:]), row[1]) for row in db.execute(sql, (as_list(rows),))}


def rows_of(db: apsw.Connection, ids: Sequence[str]) -> dict[str, int]:
    sql = "SELECT p.id, p.row FROM json_each(?) j JOIN posts p ON p.id = j.value"
    return dict(db.execute(sql, (as_list(ids),)))


def revisions(db: apsw.Connection, post: str) -> list[Revision]:
    sql = (
        "SELECT r.text, r.hash, r.replaced_at FROM posts p JOIN revisions r ON r.row = p.row"
        " WHERE p.id = ? ORDER BY r.n"
    )
    return [Revision(post, restored(text), *rest) for text, *rest in db.execute(sql, (post,))]


def tombstone(db: apsw.Connection, post: str) -> str | None:
    reason = _one(
        db,
        "SELECT reason FROM tombstones t WHERE id = ?"
        " AND NOT EXISTS (SELECT 1 FROM posts WHERE posts.id = t.id)",
        (post,),
    )
    return None if reason is None else str(reason)


def _keyed(db: apsw.Connection, key: str) -> list[Post]:
    """Posts that carry ``key`` in the table ``refs``, earliest first."""
    if not key:
        return []
    sql = SELECT.replace("FROM posts p", "FROM refs r JOIN posts p ON p.row = r.rowid")
    found = db.execute(f"{sql} WHERE refs MATCH ? ORDER BY p.time, p.row", (key,))
    return [to_post(row) for row in found]


def replies(db: apsw.Connection, post: str, limit: int) -> list[Post]:
    found = (reply for reply in _keyed(db, reply_key(post)) if is_reply(reply, post))
    return [reply for reply, _ in zip(found, range(limit), strict=False)]


def by_url(db: apsw.Connection, urls: Sequence[str]) -> dict[str, str]:
    out = {}
    for url in dict.fromkeys(urls):
        for post in _keyed(db, url_key(url)):
            if own_url(post) == url:
                out[url] = post.id
                break
    return out


def page(
    db: apsw.Connection, where: Filter, before: tuple[float, int] | None
) -> tuple[list[Post], tuple[float, int] | None]:
    """One page of a scan, newest first, and where the next one begins (None: that was all)."""
    conditions, values = ["1"], list[Any]()
    if before is not None:
        conditions.append("(p.time, p.row) < (?, ?)")
        values += before
    if where.since is not None:
        conditions.append("p.time >= ?")
        values.append(where.since)
    if where.until is not None:
        conditions.append("p.time < ?")
        values.append(where.until)
    for column, names in (("s.name", where.sources), ("p.lang", where.langs)):
        if names:
            conditions.append(f"+{column} IN (SELECT value FROM json_each(?))")
            values.append(as_list(names))
    if where.authors and all(where.authors):
        conditions.append("p.row IN (SELECT rowid FROM refs WHERE refs MATCH ?)")
        values.append(" OR ".join(map(author_key, where.authors)))
    sql = SELECT.replace("SELECT ", "SELECT p.time, p.row, ")
    sql += f" WHERE {' AND '.join(conditions)} ORDER BY p.time DESC, p.row DESC LIMIT {PAGE}"
    found = db.execute(sql, values).fetchall()
    after: Any = found[-1][:2] if len(found) == PAGE else None
    kept = (to_post(row[2:]) for row in found)
    return [post for post in kept if accepts(where, post)], after


def tail(db: apsw.Connection, after: int, limit: int) -> list[Change]:
    """The log, and the arrivals (which are the posts' own row numbers), merged."""
    sql = """
        SELECT * FROM (
            SELECT row, 'post', id, fetched FROM posts WHERE row > ?1 ORDER BY row LIMIT ?2)
        UNION ALL SELECT * FROM (
            SELECT l.seq, l.kind, ifnull(l.ref, p.id), l.at
            FROM log l LEFT JOIN posts p ON p.row = l.row
            WHERE l.seq > ?1 AND ifnull(l.ref, p.id) IS NOT NULL ORDER BY l.seq LIMIT ?2)
        ORDER BY 1 LIMIT ?2
    """
    found = db.execute(sql, (after, limit))
    return [Change(seq, kind, restored(ref), at) for seq, kind, ref, at in found]


# -- origins ------------------------------------------------------------------------------------


def links(db: apsw.Connection, ids: Sequence[str]) -> dict[str, Link]:
    sql = (
        "SELECT p.id, p.origin, p.kind, p.score FROM json_each(?) j JOIN posts p ON p.id = j.value"
    )
    return {row[0]: to_link(*row) for row in db.execute(sql, (as_list(ids),))}


_MEMBERS = (
    "(SELECT row FROM posts WHERE origin = ?1"
    " UNION ALL SELECT row FROM posts WHERE id = ?1 AND origin IS NULL)"
)


def origins(db: apsw.Connection, ids: Sequence[str]) -> dict[str, Origin]:
    sql = "SELECT count(*), count(DISTINCT author), min(time) FROM posts WHERE row IN " + _MEMBERS
    out = {}
    for origin in dict.fromkeys(ids):
        found: Any = db.execute(sql, (origin,)).fetchone()
        count, authors, first = found
        if count:
            out[origin] = Origin(origin, count, authors, first)
    return out


def members(db: apsw.Connection, origin: str, limit: int) -> list[Post]:
    found = db.execute(
        f"{SELECT} WHERE p.row IN {_MEMBERS} ORDER BY p.time, p.row LIMIT ?2", (origin, limit)
    )
    return [to_post(row) for row in found]


_FIRST = (
    f"(SELECT row FROM posts WHERE row IN {_MEMBERS} ORDER BY kind IN"
    f" ({', '.join(map(repr, map(str, POINTING)))}), fetched, time, id LIMIT 1)"
)


def first_held(db: apsw.Connection, origins: Sequence[str]) -> dict[str, Post]:
    sql = f"{SELECT} WHERE p.row = {_FIRST}"
    out = {}
    for origin in dict.fromkeys(origins):
        found = db.execute(sql, (origin,)).fetchone()
        if found is not None:
            out[origin] = to_post(found)
    return out


def band_matches(db: apsw.Connection, keys: Iterable[int]) -> dict[int, list[str]]:
    sql = (
        "SELECT ?1, p.id FROM (SELECT rowid FROM bands WHERE bands MATCH ?2 ORDER BY rowid"
        f" LIMIT {BAND_MATCHES}) b JOIN posts p ON p.row = b.rowid"
    )
    # In the index's own order, so that neighbouring keys share pages.
    wanted = sorted((band_key(key), str(key)) for key in set(keys))
    out: dict[int, list[str]] = {}
    for key, post in db.executemany(sql, [(name, band) for band, name in wanted]):
        out.setdefault(int(key), []).append(post)
    return out


KEYED = (("bands", "b"), ("refs", "u"))  # table, and the letter of its keys
KEY_PARTS = 256


def keys_of_part(db: apsw.Connection, keyed: tuple[str, str], part: int) -> np.ndarray:
    """The band keys or hashes of URLs whose first byte is ``part`` as ``uint64 [n]``, each once;
    some may be of posts that are gone.

    See https://www.sqlite.org/fts5.html#the_fts5vocab_virtual_table_module."""
    table, letter = keyed
    db.pragma("query_only", False)  # which stands in the way of a temporary table, too
    try:
        db.execute(
            f"CREATE VIRTUAL TABLE IF NOT EXISTS temp.{table}_terms USING"
            f" fts5vocab('main', '{table}', 'row')"
        )
    finally:
        db.pragma("query_only", True)
    found = _one(
        db,
        f"SELECT group_concat(substr(term, 2), '') FROM temp.{table}_terms"
        " WHERE term BETWEEN ? AND ?",
        (f"{letter}{part:02x}", f"{letter}{part:02x}~"),
    )
    return np.frombuffer(bytes.fromhex(found or ""), ">u8").astype(np.uint64)


def post_count(db: apsw.Connection) -> int:
    return int(_one(db, "SELECT ifnull(sum(posts), 0) FROM sources"))


# -- sources, state, journal --------------------------------------------------------------------


def cursor(db: apsw.Connection, source: str) -> str | None:
    found = _one(db, "SELECT cursor FROM sources WHERE name = ?", (source,))
    return None if found is None else str(found)


def gaps(db: apsw.Connection, limit: int) -> list[Gap]:
    sql = "SELECT source, start, end, reason FROM gaps ORDER BY seq DESC LIMIT ?"
    return [Gap(*row) for row in db.execute(sql, (limit,))]


def set_asides(db: apsw.Connection, limit: int, source: str) -> list[SetAside]:
    sql = (
        "SELECT source, place, reason, at, excerpt FROM set_aside"
        " WHERE ?1 = '' OR source = ?1 ORDER BY seq DESC LIMIT ?2"
    )
    return [
        SetAside(name, restored(place), restored(reason), at, restored(excerpt))
        for name, place, reason, at, excerpt in db.execute(sql, (source, limit))
    ]


_RECEIPT = "SELECT id, at, body, cites, lost FROM journal"


def _receipt(row: Sequence[Any]) -> Receipt:
    name, at, body, cites, lost = row
    return Receipt(
        name, at, json.loads(restored(body)), tuple(json.loads(cites)), tuple(json.loads(lost))
    )


def journal(db: apsw.Connection, limit: int) -> list[Receipt]:
    return [_receipt(row) for row in db.execute(f"{_RECEIPT} ORDER BY seq DESC LIMIT ?", (limit,))]


def receipt(db: apsw.Connection, name: str) -> Receipt | None:
    found = db.execute(f"{_RECEIPT} WHERE id = ?", (name,)).fetchone()
    return None if found is None else _receipt(found)


SOURCE_STATES = """
    SELECT s.name, s.posts,
        (SELECT p.time FROM posts p WHERE s.posts > 0 AND p.source = s.source
         ORDER BY p.time DESC LIMIT 1),
        s.last_write, s.cursor,
        (SELECT count(*) FROM set_aside a WHERE a.source = s.name),
        (SELECT count(*) FROM gaps g WHERE g.source = s.name)
    FROM sources s ORDER BY s.name
"""


def source_states(db: apsw.Connection) -> tuple[SourceState, ...]:
    return tuple(SourceState(*row) for row in db.execute(SOURCE_STATES))


def origin_count(db: apsw.Connection) -> int:
    """Posts that are their own origin, and origins whose root is not held."""
    sql = """
        SELECT (SELECT sum(posts) FROM sources)
            - (SELECT count(*) FROM posts WHERE origin IS NOT NULL)
            + (SELECT count(*) FROM (SELECT DISTINCT origin FROM posts WHERE origin IS NOT NULL) o
               WHERE NOT EXISTS (SELECT 1 FROM posts r WHERE r.id = o.origin))
    """
    return int(_one(db, sql) or 0)


def counts(db: apsw.Connection) -> dict[str, Any]:
    """The plain numbers of a StoreStatus."""
    questions = {
        "posts": "SELECT ifnull(sum(posts), 0) FROM sources",
        "tombstones": "SELECT count(*) FROM tombstones t"
        " WHERE NOT EXISTS (SELECT 1 FROM posts WHERE posts.id = t.id)",
        "newest": "SELECT max(time) FROM posts",
        "oldest": "SELECT min(time) FROM posts",
        "set_aside": "SELECT count(*) FROM set_aside",
        "gaps": "SELECT count(*) FROM gaps",
        "journal": "SELECT count(*) FROM journal",
    }
    return {name: _one(db, sql) for name, sql in questions.items()}


def newest_rows(db: apsw.Connection) -> Iterator[int]:
    """Every row number, newest post first."""
    return (row for (row,) in db.execute("SELECT row FROM posts ORDER BY time DESC, row DESC"))


# -- what the views read ------------------------------------------------------------------------


class Indexed(NamedTuple):
    """A post as the text view takes it. ``origin`` is an id; ``link``: it belongs there by its link
    alone, with words of its own."""

    row: int
    time: float
    source: str
    author: str
    lang: str
    title: Any
    text: Any
    origin: str
    link: bool


def arrivals(db: apsw.Connection, after: int, limit: int) -> list[Indexed]:
    """Posts that arrived after ``after``, in order."""
    found = db.execute(f"{_INDEXED} WHERE p.row > ? ORDER BY p.row LIMIT ?", (after, limit))
    return [Indexed(*row) for row in found]


def indexed(db: apsw.Connection, rows: Sequence[int]) -> list[Indexed]:
    """The posts at ``rows``, those that are gone left out."""
    if not rows:
        return []
    sql = _INDEXED.replace("FROM posts p", "FROM json_each(?) j JOIN posts p ON p.row = j.value")
    return [Indexed(*row) for row in db.execute(sql, (as_list(rows),))]


_INDEXED = (
    "SELECT p.row, p.time, s.name, p.author, p.lang, p.title, p.text, ifnull(p.origin, p.id),"
    f" p.origin IS NOT NULL AND p.kind = '{EdgeKind.URL}'"
    " FROM posts p JOIN sources s ON s.source = p.source"
)


def speakers(db: apsw.Connection, origins: Iterable[str]) -> dict[str, int]:
    """Of those ``origins`` under which posts stand: the row of the post that was held first (see
    ``first_held``). Posts of all others are alone."""
    sql = (
        f"SELECT j.value, {_FIRST.replace('?1', 'j.value')} FROM json_each(?) j"
        " WHERE EXISTS (SELECT 1 FROM posts WHERE origin = j.value)"
    )
    return dict(db.execute(sql, (as_list(list(dict.fromkeys(origins))),)))


def rows_under(db: apsw.Connection, origins: Sequence[str]) -> list[int]:
    """The rows of all posts of ``origins``."""
    sql = f"SELECT row FROM posts WHERE row IN {_MEMBERS}"
    return [row for origin in origins for (row,) in db.execute(sql, (origin,))]


def changed_rows(db: apsw.Connection, after: int, upto: int) -> list[tuple[str, int]]:
    """``(kind, row)`` of the log's edits, links and deletions in ``(after, upto]``."""
    sql = "SELECT kind, row FROM log WHERE seq > ? AND seq <= ? AND row IS NOT NULL ORDER BY seq"
    found: Any = db.execute(sql, (after, upto)).fetchall()
    return list(found)
