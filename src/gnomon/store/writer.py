"""A batch applied to the record, inside one transaction of the database.

What happens to posts, links and deletions here is what ``memory.MemoryStore`` does with
dictionaries; ``tests/store_conformance.py`` compares the two.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import apsw

from gnomon.store.contract import Written
from gnomon.store.keys import author_key, band_keys, ref_keys
from gnomon.store.receipts import canonical_json, forget
from gnomon.store.rows import INSERT, UPDATE, as_list, restored, storable, to_row
from gnomon.store.rules import SET_ASIDES_KEPT, news_time, replaces
from gnomon.types import Batch, Deletion, EdgeKind, Link, Post, Revision, content_hash


@dataclass(slots=True)
class _Held:
    """What the batch must know of a post that is held. ``post`` is None until it is asked for."""

    row: int
    fetched: float
    title: str
    text: str
    source: int
    pending: Post | None = None  # added in this batch, or edited in it


class Transaction:
    """One transaction's work. ``seq`` is the last sequence number given out."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._db = connection
        self.seq = int(self._value("SELECT value FROM meta WHERE name = 'seq'") or 0)
        self._held: dict[str, _Held] = {}
        self._fresh: dict[str, _Held] = {}
        self._edited: dict[str, _Held] = {}
        self._log: list[tuple[int, str, int | None, str | None, float]] = []
        self._sources: dict[str, int] = {}
        self._counts: Counter[int] = Counter()

    def _value(self, sql: str, *values: Any) -> Any:
        found = self._db.execute(sql, values).fetchone()
        return None if found is None else found[0]

    def note(self, kind: str, at: float, *, row: int | None = None, ref: str | None = None) -> int:
        """Give out the next sequence number and log what it stands for."""
        self.seq += 1
        self._log.append((self.seq, kind, row, ref, at))
        return self.seq

    def finish(self) -> None:
        """Write what was gathered; call it last."""
        self._db.executemany("INSERT INTO log VALUES (?,?,?,?,?)", self._log)
        self._db.executemany(
            "UPDATE sources SET posts = posts + ? WHERE source = ?",
            [(n, source) for source, n in self._counts.items()],
        )
        self._db.execute("UPDATE meta SET value = ? WHERE name = 'seq'", (self.seq,))

    # -- a batch ------------------------------------------------------------------------------
    def apply(self, batch: Batch) -> Written:
        """Everything of ``batch``, in the contract's order."""
        count = self._put_posts(batch)
        self._put_bands(batch)
        self._put_links(batch.links)
        for deletion in batch.deletions:
            count["deleted"] += self._delete(deletion)
        count["set_aside"] = self._put_reports(batch)
        self._put_source(batch)
        return Written(seq=self.seq, **count)

    def _source(self, name: str) -> int:
        if name not in self._sources:
            found = self._value("SELECT source FROM sources WHERE name = ?", name)
            if found is None:
                self._db.execute("INSERT INTO sources (name) VALUES (?)", (name,))
                found = self._db.last_insert_rowid()
            self._sources[name] = int(found)
        return self._sources[name]

    def _put_source(self, batch: Batch) -> None:
        if not batch.source:
            return
        source = self._source(batch.source)
        times = [p.fetched_at for p in batch.posts] + [a.at for a in batch.set_aside]
        if times:
            self._db.execute(
                "UPDATE sources SET last_write = max(ifnull(last_write, ?1), ?1) WHERE source = ?2",
                (max(times), source),
            )
        if batch.cursor is not None:
            self._db.execute(
                "UPDATE sources SET cursor = ? WHERE source = ?", (batch.cursor, source)
            )

    # -- posts --------------------------------------------------------------------------------
    def _put_posts(self, batch: Batch) -> Counter[str]:
        count: Counter[str] = Counter()
        if not batch.posts:
            return count
        self._load(post.id for post in batch.posts)
        buried = self._burials(batch.posts)
        for post in batch.posts:
            at = buried.get(post.id)
            closed = buried.get((post.source, post.author)) if post.author else None
            if any(time is not None and news_time(post) <= time for time in (at, closed)):
                count["buried"] += 1
                continue
            held = self._held.get(post.id)
            if held is None:
                self._add(post)
                count["added"] += 1
            elif self._edits(post, held):
                self._edit(post, held)
                count["edited"] += 1
            else:
                count["unchanged"] += 1
        self._store(batch)
        return count

    def _put_bands(self, batch: Batch) -> None:
        """New keys of posts that are held and not among the batch's."""
        ids = batch.bands.keys() - {post.id for post in batch.posts}
        if not ids:
            return
        found = self._db.execute(
            "SELECT p.id, p.row FROM json_each(?) j JOIN posts p ON p.id = j.value",
            (as_list(sorted(ids)),),
        ).fetchall()
        keyed = {int(row): batch.bands[str(post)] for post, row in found}  # type: ignore[arg-type]
        self._db.executemany("DELETE FROM bands WHERE rowid = ?", [(row,) for row in keyed])
        self._key(keyed)

    def _key(self, bands: Mapping[int, Sequence[int]]) -> None:
        written = zip(bands, band_keys(list(bands.values())), strict=True)
        some = [(row, keys) for row, keys in written if keys]
        self._db.executemany("INSERT INTO bands (rowid, keys) VALUES (?, ?)", some)

    def _load(self, ids: Iterable[str]) -> None:
        found = self._db.execute(
            "SELECT p.id, p.row, p.fetched, p.title, p.text, p.source"
            " FROM json_each(?) j JOIN posts p ON p.id = j.value",
            (as_list(list(ids)),),
        )
        for post, row, fetched, title, text, source in found:
            self._held[post] = _Held(row, fetched, restored(title), restored(text), source)

    def _burials(self, posts: Sequence[Post]) -> dict[Any, float]:
        """The times of the tombstones that may lie on ``posts``, by id and by account."""
        out: dict[Any, float] = {}
        if self._value("SELECT 1 FROM tombstones LIMIT 1"):
            found = self._db.execute(
                "SELECT t.id, t.at FROM json_each(?) j JOIN tombstones t ON t.id = j.value",
                (as_list([post.id for post in posts]),),
            )
            out.update(found)
        if self._value("SELECT 1 FROM closed_accounts LIMIT 1"):
            for account in {(post.source, post.author) for post in posts if post.author}:
                at = self._value(
                    "SELECT at FROM closed_accounts WHERE source = ? AND author = ?", *account
                )
                if at is not None:
                    out[account] = at
        return out

    def _edits(self, post: Post, held: _Held) -> bool:
        if post.text == held.text and post.title == held.title:
            return False
        now = Post(post.id, held.text, post.source, held.fetched, title=held.title)
        earlier = self._db.execute("SELECT hash FROM revisions WHERE row = ?", (held.row,))
        return replaces(post, now, [hash_ for (hash_,) in earlier])

    def _add(self, post: Post) -> None:
        self.seq += 1
        source = self._source(post.source)
        self._counts[source] += 1
        held = _Held(self.seq, post.fetched_at, post.title, post.text, source, post)
        self._held[post.id] = self._fresh[post.id] = held

    def _edit(self, post: Post, held: _Held) -> None:
        old = Revision(post.id, held.text, content_hash(held.text), post.fetched_at)
        self._db.execute(
            "INSERT INTO revisions SELECT ?1, count(*), ?2, ?3, ?4 FROM revisions WHERE row = ?1",
            (held.row, storable(old.text), old.hash, old.replaced_at),
        )
        self.note("edit", post.fetched_at, row=held.row)
        source = self._source(post.source)
        self._counts[held.source] -= 1
        self._counts[source] += 1
        held.fetched, held.title, held.text = post.fetched_at, post.title, post.text
        held.source, held.pending = source, post
        if post.id not in self._fresh:
            self._edited[post.id] = held

    def _store(self, batch: Batch) -> None:
        """The rows and keys of the posts that were added or edited."""
        for sql, some in ((INSERT, self._fresh), (UPDATE, self._edited)):
            if not some:
                continue
            if sql is UPDATE:
                self._unkey([held.row for held in some.values()])
            changed = [(h.row, h.source, h.pending) for h in some.values() if h.pending is not None]
            self._db.executemany(sql, [to_row(*values) for values in changed])
            refs = [(row, keys) for row, _, post in changed if (keys := ref_keys(post))]
            self._db.executemany("INSERT INTO refs (rowid, keys) VALUES (?, ?)", refs)
            self._key({r: batch.bands[post.id] for r, _, post in changed if post.id in batch.bands})

    def _unkey(self, rows: Sequence[int]) -> None:
        for table in ("refs", "bands"):
            self._db.executemany(f"DELETE FROM {table} WHERE rowid = ?", [(row,) for row in rows])

    # -- origins ------------------------------------------------------------------------------
    def _put_links(self, links: Sequence[Link]) -> None:
        """Roots first, then in their order; but posts that this batch adds and that nobody stands
        under get their links together at the end: they change nothing for any other link."""
        targets = {link.origin for link in links if link.post != link.origin}
        new = {link.post for link in links if link.post in self._fresh and link.post not in targets}
        new -= self._above(list(new))
        rooted: set[str] = set()
        for link in links:
            if link.post == link.origin:
                plain = link == Link(link.post, link.post, EdgeKind.ROOT)
                # A post that is added is its own root already.
                if not (plain and link.post in self._fresh and link.post not in rooted):
                    rooted.add(link.post)
                    self._put_link(link)
        alone = []
        for link in links:
            if link.post != link.origin:
                if link.post in new:
                    alone.append(link)
                else:
                    self._put_link(link)
        self._put_alone(alone)

    def _above(self, posts: Sequence[str]) -> set[str]:
        """Those of ``posts`` that others stand under."""
        found = self._db.execute(
            "SELECT value FROM json_each(?) j"
            " WHERE EXISTS (SELECT 1 FROM posts WHERE origin = j.value)",
            (as_list(posts),),
        )
        return {str(post) for (post,) in found}

    def _put_alone(self, links: Sequence[Link]) -> None:
        """Links of posts that this batch added, with nobody under them."""
        target = {origin: self._resolve(origin) for origin in {link.origin for link in links}}
        if not {link.post for link in links}.isdisjoint(target.values()):
            for link in links:  # one is the heir of what another names
                self._put_link(link)
            return
        self._db.executemany(
            "UPDATE posts SET origin = ?, kind = ?, score = ? WHERE row = ?",
            [
                (target[k.origin], k.kind.value, float(k.score), self._fresh[k.post].row)
                for k in links
            ],
        )

    def _put_link(self, link: Link) -> None:
        if self._origin(link.post) is None:
            return
        itself = link.origin == link.post
        target = link.post if itself else self._resolve(link.origin)
        if target == link.post != link.origin:
            if self._origin(link.origin) is None:  # it is the heir of what it names
                return
            target = link.origin  # its own follower becomes its root
            self._move([target], target, EdgeKind.ROOT, 1.0)
        followers = self._followers(link.post)
        self._move([link.post], target, link.kind, link.score)
        if target != link.post and followers:
            self._move(followers, target)

    def _origin(self, post: str) -> str | None:
        """The origin of a held post; None if it is not held."""
        found = self._value("SELECT ifnull(origin, id) FROM posts WHERE id = ?", post)
        return None if found is None else str(found)

    def _resolve(self, origin: str) -> str:
        """The root that ``origin`` stands under by now: origins merge, dead roots have heirs."""
        seen: set[str] = set()
        while origin not in seen:
            seen.add(origin)
            above = self._origin(origin) or self._value(
                "SELECT heir FROM heirs WHERE id = ?", origin
            )
            origin = above or origin
        return origin

    def _followers(self, root: str) -> list[str]:
        """Posts under ``root`` but itself, in the order of their arrival."""
        found = self._db.execute("SELECT id FROM posts WHERE origin = ? ORDER BY row", (root,))
        return [post for (post,) in found]

    def _move(
        self,
        posts: Sequence[str],
        origin: str,
        kind: EdgeKind | None = None,
        score: float | None = None,
        *,
        quiet: bool = True,
    ) -> None:
        """Put ``posts`` under ``origin`` (kind and score None: as they are), logging each change;
        ``quiet``: but not those of posts that this very batch added."""
        for post in posts:
            found = self._db.execute(
                "SELECT row, ifnull(origin, id), kind, score, fetched FROM posts WHERE id = ?",
                (post,),
            ).fetchone()
            assert found is not None, post
            row, *now, fetched = found
            wanted = [origin, now[1] if kind is None else kind.value]
            wanted.append(now[2] if score is None else float(score))
            if now == wanted:
                continue
            self._db.execute(
                "UPDATE posts SET origin = nullif(?, id), kind = ?, score = ? WHERE row = ?",
                (*wanted, row),
            )
            if not (quiet and post in self._fresh):
                self.note("link", fetched, row=row)

    # -- deletions ----------------------------------------------------------------------------
    def _delete(self, deletion: Deletion) -> int:
        assert bool(deletion.post) != bool(deletion.author), deletion
        if not deletion.author:
            return self._bury(deletion.post, deletion)
        self._db.execute(
            "INSERT INTO closed_accounts VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO UPDATE"
            " SET at = excluded.at, reason = excluded.reason WHERE excluded.at > at",
            (deletion.source, deletion.author, deletion.at, deletion.reason),
        )
        found = self._db.execute(
            "SELECT p.id FROM refs r JOIN posts p ON p.row = r.rowid"
            " JOIN sources s ON s.source = p.source"
            " WHERE refs MATCH ? AND s.name = ? AND p.author = ? ORDER BY p.row",
            (author_key(deletion.author), deletion.source, deletion.author),
        ).fetchall()
        return sum(self._bury(str(post), deletion) for (post,) in found)

    def _bury(self, post: str, deletion: Deletion) -> bool:
        news = self._value("SELECT min(time, fetched) FROM posts WHERE id = ?", post)
        if news is not None and news > deletion.at:
            return False
        self._db.execute(
            "INSERT INTO tombstones VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE"
            " SET at = excluded.at, reason = excluded.reason WHERE excluded.at > at",
            (post, deletion.at, deletion.reason),
        )
        self._forget(post)
        return self.remove(post, deletion.at)

    def _forget(self, post: str) -> None:
        """Take the post's words out of the journalled answers that cite it."""
        found: Any = self._db.execute(
            "SELECT j.seq, j.body, j.lost FROM cites c JOIN journal j ON j.id = c.receipt"
            " WHERE c.post = ?",
            (post,),
        ).fetchall()
        for seq, body, lost in found:
            names = json.loads(lost)
            if post not in names:
                stripped = canonical_json(forget(json.loads(restored(body)), post))
                self._db.execute(
                    "UPDATE journal SET body = ?, lost = ? WHERE seq = ?",
                    (storable(stripped), json.dumps([*names, post]), seq),
                )

    def remove(self, post: str, at: float) -> bool:
        """Take ``post`` out of the record, without a tombstone; whether it was held.

        Its followers, and those of a root that was never held, move to the earliest of them.
        """
        found = self._db.execute(
            "SELECT row, source, ifnull(origin, id) FROM posts WHERE id = ?", (post,)
        ).fetchone()
        if found is not None:
            row, source, origin = found
            self._unkey([row])
            self._db.execute("DELETE FROM revisions WHERE row = ?", (row,))
            self._db.execute("DELETE FROM posts WHERE row = ?", (row,))
            self._counts[source] -= 1
            self._held.pop(post, None)
            self._fresh.pop(post, None)
            self.note("delete", at, row=row, ref=post)
            if origin != post:
                self._inherit(post, origin)
        heir = self._value("SELECT id FROM posts WHERE origin = ? ORDER BY time, row LIMIT 1", post)
        if heir is not None:
            self._inherit(post, heir)
            followers = self._followers(post)
            self._move([heir], heir, EdgeKind.ROOT, 1.0, quiet=False)
            self._move([f for f in followers if f != heir], heir, quiet=False)
        return found is not None

    def _inherit(self, post: str, heir: str) -> None:
        self._db.execute("INSERT OR REPLACE INTO heirs VALUES (?, ?)", (post, heir))

    def drop_oldest(self, before: float | None, limit: int, now: float) -> int:
        """Remove up to ``limit`` posts, oldest first, older than ``before`` (None: any age), and
        never one that the journal cites. Returns how many."""
        found = self._db.execute(
            "SELECT id FROM posts WHERE (?1 IS NULL OR time < ?1)"
            " AND NOT EXISTS (SELECT 1 FROM cites WHERE cites.post = posts.id)"
            " ORDER BY time, row LIMIT ?2",
            (before, limit),
        ).fetchall()
        return sum(self.remove(str(post), now) for (post,) in found)

    # -- what was not taken in ----------------------------------------------------------------
    def _put_reports(self, batch: Batch) -> int:
        new = 0
        for aside in batch.set_aside:
            held = self._value(
                "SELECT 1 FROM set_aside WHERE source = ? AND place = ? AND reason = ?",
                aside.source,
                storable(aside.where),
                storable(aside.reason),
            )
            if held is None:
                new += 1
                where = storable(aside.where)
                reason, excerpt = storable(aside.reason), storable(aside.excerpt)
                seq = self.note("set_aside", aside.at, ref=where)  # type: ignore[arg-type]
                values = (seq, aside.source, where, reason, aside.at, excerpt)
                self._db.execute("INSERT INTO set_aside VALUES (?,?,?,?,?,?)", values)
        for gap in batch.gaps:
            held = self._value(
                "SELECT 1 FROM gaps WHERE source = ? AND start IS ? AND end = ? AND reason = ?",
                *(gap.source, gap.start, gap.end, gap.reason),
            )
            if held is None:
                seq = self.note("gap", gap.end, ref=gap.source)
                self._db.execute(
                    "INSERT INTO gaps VALUES (?,?,?,?,?)",
                    (seq, gap.source, gap.start, gap.end, gap.reason),
                )
        return new

    def trim(self, seq: int, before: float) -> None:
        """Keep the newest set-aside things only; and forget log entries up to ``seq`` and older
        than ``before`` about posts that are gone."""
        self._db.execute(
            "DELETE FROM set_aside WHERE seq <= (SELECT seq FROM set_aside ORDER BY seq DESC"
            " LIMIT 1 OFFSET ?)",
            (SET_ASIDES_KEPT,),
        )
        self._db.execute(
            "DELETE FROM log WHERE seq <= ? AND at < ? AND row IS NOT NULL"
            " AND NOT EXISTS (SELECT 1 FROM posts WHERE posts.row = log.row)",
            (seq, before),
        )
