"""The view over the record that trends are read from.

It tails the record's log and keeps, in one SQLite file: what each post of the last days adds
(``rows``), and the counts of each five minutes of the last day and each hour of five weeks
(``sketches.Tally``). The sequence number that it holds is written in the same transaction, so that
after a crash every change is counted once. It can be thrown away; a rebuilt one is equal.

Bounds. A deleted, edited or regrouped post is taken out of the counts as long as it is followed:
``FOLLOWED_S`` and ``MOST_ROWS`` posts back. Older ones stay counted, as numbers without words,
until their hour leaves the view after ``KEPT_S``. What retention drops was said all the same, and
stays counted as well. The estimates of distinct authors and origins of whole windows
(``Distinct``) cannot take anything back; they say how much was held, and decide nothing.

No word is kept here: terms are hashes, and what they stand for is read from the record when it is
shown.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict, defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

import apsw
import numpy as np

from gnomon.errors import StoreError, StoreFull
from gnomon.store.contract import Store
from gnomon.trends import rows as rowing
from gnomon.trends.reading import TOLD, Step, read
from gnomon.trends.rows import Group, Row, Rows, Share, make_row, said_at, settle, shares
from gnomon.trends.sketches import Distinct, Tally
from gnomon.trends.terms import TOTAL, keys_of
from gnomon.trends.windows import FINE_KEPT_S, FINE_S, FOLLOWED_S, HOUR_S, KEPT_S, pane

OPEN_CAP, CLOSED_CAP, OLD_CAP = 131_072, 16_384, 8_192
"""Keys that are held exactly in an hour: now, once it is two hours old, once it is two days old."""
MOST_ROWS = 2_000_000
BATCH = 1000
COMMIT_S = 20.0
COMMIT_POSTS = 20_000
STALE_S = 6 * 86400.0
"""A view last written longer ago is rebuilt: the log may no longer tell what was deleted."""
_CACHED = 1_300  # tallies in memory: all hours of five weeks, all five minutes of a day, some more
_LATE_S = 2 * HOUR_S
_OLD_S = 48 * HOUR_S
_VERSION = 1
_TOTALS = TOTAL << 61
_SCHEMA = (
    rowing.SCHEMA
    + """
    CREATE TABLE meta (name TEXT PRIMARY KEY, value REAL NOT NULL) WITHOUT ROWID;
    CREATE TABLE panes (
        length INTEGER NOT NULL, start INTEGER NOT NULL, keys BLOB NOT NULL, posts BLOB NOT NULL,
        voices BLOB NOT NULL, sketch BLOB, lost INTEGER NOT NULL, authors BLOB, origins BLOB,
        PRIMARY KEY (length, start)
    );
"""
)
_TABLES = ("rows", "meta", "panes")
Pane = tuple[float, int]


class TrendsView:
    """Thread-safe. ``path`` None keeps it in memory, for as long as it is open.

    Raises StoreError where the file cannot be used.
    """

    def __init__(self, store: Store, path: Path | None = None, *, readonly: bool = False) -> None:
        """``readonly`` takes the file as it was last written and changes nothing: for a process
        beside the one that writes."""
        self.store = store
        self.lock = threading.RLock()
        self._path = path
        self.readonly = readonly
        self._tallies: OrderedDict[Pane, Tally] = OrderedDict()
        self._distinct: OrderedDict[int, tuple[Distinct, Distinct]] = OrderedDict()
        self._dirty: set[Pane] = set()
        self._uncommitted = 0
        self._committed_at = time.monotonic()
        try:
            self._db = self._open()
        except apsw.Error as error:
            raise StoreError(
                f"{str(path)!r} cannot be opened as the view of trends ({error}); delete it and it "
                "is made anew."
            ) from error
        self.rows = Rows(self._db)
        self._meta: dict[str, float] = dict(self._db.execute("SELECT name, value FROM meta"))
        if not readonly and self._is_foreign():
            self.reset()

    def _open(self) -> apsw.Connection:
        if self.readonly and self._path is not None and self._path.exists():
            db = apsw.Connection(str(self._path), flags=apsw.SQLITE_OPEN_READONLY)
            if db.pragma("user_version") == _VERSION:
                return db
            db.close()
        if self._path is None or self.readonly:
            db = apsw.Connection(":memory:")
        else:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            db = apsw.Connection(str(self._path))
            db.setbusytimeout(5000)
            # NORMAL may lose the last commits in a power cut, never consistency: they are tailed
            # again. What was written stays in order (https://sqlite.org/pragma.html#pragma_synchronous)
            db.execute(
                "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA cache_size=-32768"
            )
        if db.pragma("user_version") != _VERSION:
            with db:
                for table in _TABLES:
                    db.execute(f"DROP TABLE IF EXISTS {table}")
                db.execute(_SCHEMA)
                db.execute(f"PRAGMA user_version={_VERSION}")
        return db

    def _is_foreign(self) -> bool:
        """Whether it is of another record, or too old to be caught up."""
        if not self._meta:
            return False
        return self.seq > self.store.status().seq or time.time() - self._meta["at"] > STALE_S

    def reset(self) -> None:
        """Throw everything away; the next ``catch_up`` begins at the beginning."""
        with self.lock:
            self._rollback()
            with self._db:
                for table in _TABLES:
                    self._db.execute(f"DELETE FROM {table}")
            self._meta = {}

    # -- what it holds ------------------------------------------------------------------------
    @property
    def seq(self) -> int:
        """The record's sequence number up to which everything is counted."""
        return int(self._meta.get("seq", 0))

    @property
    def newest(self) -> float:
        """The latest time that a counted post was said at, 0 where there is none."""
        return self._meta.get("newest", 0.0)

    @property
    def followed_since(self) -> float:
        """From when on posts are followed one by one."""
        return self._meta.get("sealed", 0.0)

    def behind(self) -> int:
        """How many changes of the record are not counted yet, at most ``BATCH`` of them."""
        return len(self.store.tail(self.seq, BATCH))

    def tally(self, length: float, start: int) -> Tally | None:
        """The counts of a stretch of time, None where there are none."""
        with self.lock:
            held = self._tallies.get((length, start))
            if held is None:
                found = self._db.execute(
                    "SELECT keys, posts, voices, sketch, lost FROM panes"
                    " WHERE length = ? AND start = ?",
                    (int(length), start),
                ).fetchone()
                if found is None:
                    return None
                held = Tally.from_blobs(OPEN_CAP, *found)
                self._tallies[length, start] = held
                self._trim_cache()
            self._tallies.move_to_end((length, start))
            return held

    def hours(self, since: float, until: float) -> list[int]:
        """The hours of ``[since, until)`` that hold anything."""
        with self.lock:
            found = self._db.execute(
                "SELECT start FROM panes WHERE length = ? AND start >= ? AND start < ?",
                (int(HOUR_S), since, until),
            )
            written = {int(start) for (start,) in found}
            fresh = {s for length, s in self._tallies if length == HOUR_S and since <= s < until}
            return sorted(written | fresh)

    def distinct(self, since: float, until: float) -> tuple[int, int]:
        """About how many authors and origins spoke in the hours of ``[since, until)``."""
        with self.lock:
            pairs = [self._sketches(hour) for hour in self.hours(since, until)]
            authors = Distinct.of_all([authors for authors, _ in pairs])
            return authors, Distinct.of_all([origins for _, origins in pairs])

    def nbytes(self) -> int:
        """What the counts in memory take."""
        with self.lock:
            return sum(tally.nbytes for tally in self._tallies.values())

    # -- keeping up ---------------------------------------------------------------------------
    def catch_up(self, stop: threading.Event | None = None, most: int | None = None) -> int:
        """Count what the record's log tells since; returns how many changes that were. Ends early
        once ``stop`` is set or ``most`` changes are done. Raises StoreError."""
        if self.readonly and self._path is not None and self._path.exists():
            return 0
        done = 0
        while not (stop is not None and stop.is_set()) and (most is None or done < most):
            step = self.take()
            if not step:
                break
            done += step
        if most is None or done < most:
            self._commit_if_due()
        return done

    def take(self, step: Step | None = None) -> int:
        """Count one step; how many changes that was. ``step`` is what was read of the record for
        that, made use of where it goes on from here. Raises StoreError."""
        with self.lock:
            if self.readonly and self._path is not None and self._path.exists():
                return 0
            if step is None or step.after != self.seq:
                step = read(self.store, self.seq, BATCH)
            if not step.changes:
                self._commit_if_due()
                return 0
            try:
                self._apply(step)
            except BaseException:  # nothing half-counted stays
                self._rollback()
                raise
            return len(step.changes)

    def commit(self) -> None:
        """Write what was counted. Raises StoreFull, StoreError."""
        with self.lock:
            if not self._db.in_transaction:
                return
            try:
                self._write()
                self._db.execute("COMMIT")
            except apsw.FullError as error:
                self._rollback()
                raise StoreFull("The disk is full; free space, and trends go on.") from error
            except apsw.Error as error:
                self._rollback()
                raise StoreError(f"The view of trends cannot be written: {error}.") from error
            self._uncommitted = 0
            self._committed_at = time.monotonic()

    def close(self) -> None:
        with self.lock:
            if not self.readonly:
                self.commit()
            self._db.close()

    def _commit_if_due(self) -> None:
        due = time.monotonic() - self._committed_at > COMMIT_S
        if due or self._uncommitted >= COMMIT_POSTS:
            self.commit()

    def _rollback(self) -> None:
        if self._db.in_transaction:
            self._db.execute("ROLLBACK")
        self._tallies.clear()
        self._distinct.clear()
        self._dirty.clear()
        self._meta = dict(self._db.execute("SELECT name, value FROM meta"))

    def _write(self) -> None:
        for length, start in sorted(self._dirty):
            tally = self._tallies[length, start]
            if not len(tally.keys):
                self._db.execute(
                    "DELETE FROM panes WHERE length = ? AND start = ?", (int(length), start)
                )
                continue
            sketches: tuple[bytes | None, bytes | None] = (None, None)
            if length == HOUR_S:
                authors, origins = self._sketches(start)
                sketches = authors.to_bytes(), origins.to_bytes()
            values = (int(length), start, *tally.to_blobs(), *sketches)
            self._db.execute("REPLACE INTO panes VALUES (?,?,?,?,?,?,?,?,?)", values)
        self._dirty.clear()
        self._meta["at"] = time.time()
        self._db.executemany("REPLACE INTO meta VALUES (?, ?)", list(self._meta.items()))

    # -- counting -----------------------------------------------------------------------------
    def _apply(self, step: Step) -> None:
        if not self._db.in_transaction:
            self._db.execute("BEGIN IMMEDIATE")
        arrivals = {c.ref: c.seq for c in step.changes if c.kind == "post"}
        posts, links = step.posts, step.links
        told = dict.fromkeys(c.ref for c in step.changes if c.kind in TOLD)
        old = self.rows.of_ids(list(told))
        newest = max([self.newest, *map(said_at, posts.values())])
        self._meta["newest"] = newest
        removed = [
            row
            for name, row in old.items()
            if name not in posts and self.store.tombstone(name) is not None
        ]
        changed: list[Row] = []
        unfollowed: list[Row] = []
        for name, post in posts.items():
            at, held = said_at(post), old.get(name)
            if at < pane(newest, HOUR_S) - KEPT_S or (held is None and name not in arrivals):
                continue  # too old to count, or no longer followed
            seq = held.seq if held is not None else arrivals[name]
            row = make_row(seq, post, links.get(name), keys_of(post))
            (unfollowed if at < self.followed_since else changed).append(row)
        self._replace(changed, removed, old)
        self._count([share for row in unfollowed for share in shares([row])], 1)
        self._meta["seq"] = step.changes[-1].seq
        self._uncommitted += len(posts)
        self._grow_old(newest)
        if self._uncommitted >= COMMIT_POSTS:
            self.commit()

    def _replace(self, changed: Sequence[Row], removed: Sequence[Row], old: dict[str, Row]) -> None:
        """Put ``changed`` in the place of what is held under their ids, and take ``removed`` out,
        rows and counts alike."""
        after = {row.id: row for row in changed}
        gone = {row.id: row for row in removed}
        before = {name: old[name] for name in after if name in old} | gone
        arriving: dict[int, list[Row]] = defaultdict(list)
        for row in after.values():
            arriving[row.origin].append(row)
        origins = {row.origin for row in (*after.values(), *before.values())}
        standing = self.rows.of_origins(list(origins))
        touched = after.keys() | gone.keys()
        for origin in origins:
            held = {r.id: r for r in standing.get(origin, ()) if r.id not in touched}
            members = [*held.values(), *arriving.get(origin, ())]
            for row in settle(members):
                if row.id in held:
                    before[row.id] = held[row.id]
                after[row.id] = row
        groups = {row.group for row in (*before.values(), *after.values())}
        held_rows = {row.id: row for row in self.rows.of_groups(list(groups))}
        self._count(_shares_by_group(held_rows.values()), -1)
        self.rows.remove(list(gone))
        self.rows.put(list(after.values()))
        kept = {name: row for name, row in held_rows.items() if name not in gone} | after
        self._count(_shares_by_group(kept.values()), 1)

    def _count(self, given: Iterable[Share], sign: int) -> None:
        by_pane: dict[Pane, list[Share]] = defaultdict(list)
        oldest_fine = pane(self.newest, HOUR_S) - FINE_KEPT_S
        for share in given:
            at = share.row.time
            by_pane[HOUR_S, pane(at, HOUR_S)].append(share)
            if pane(at, FINE_S) >= oldest_fine:
                by_pane[FINE_S, pane(at, FINE_S)].append(share)
        for (length, start), some in by_pane.items():
            tally = self.tally(length, start)
            if tally is None:
                tally = self._tallies[length, start] = Tally(OPEN_CAP)
            keys = np.concatenate([share.row.keys for share in some])
            voiced = np.concatenate([share.voiced for share in some])
            tally.add(keys, np.full(len(keys), sign), voiced * sign)
            self._dirty.add((length, start))
            if length == HOUR_S and sign > 0:
                authors, origins = self._sketches(start)
                for share in some:
                    authors.add(share.row.author)
                    origins.add(share.row.origin)

    def _sketches(self, hour: int) -> tuple[Distinct, Distinct]:
        held = self._distinct.get(hour)
        if held is None:
            found = self._db.execute(
                "SELECT authors, origins FROM panes WHERE length = ? AND start = ?",
                (int(HOUR_S), hour),
            ).fetchone()
            authors, origins = found or (None, None)
            held = self._distinct[hour] = (
                Distinct.from_bytes(authors) if authors else Distinct(),
                Distinct.from_bytes(origins) if origins else Distinct(),
            )
        return held

    # -- growing old --------------------------------------------------------------------------
    def _grow_old(self, newest: float) -> None:
        """Once an hour of the stream: forget what is too old, and close what is."""
        hour = pane(newest, HOUR_S)
        crowded = self._uncommitted % 50_000 < BATCH and self.rows.count() > MOST_ROWS * 1.05
        if hour <= self._meta.get("aged", 0) and not crowded:
            return
        before = self._meta.get("aged", 0.0)
        self._meta["aged"] = hour
        sealed = max(self.followed_since, pane(newest - FOLLOWED_S, HOUR_S))
        if crowded or self.rows.count() > MOST_ROWS:
            sealed = max(sealed, pane(self.rows.time_of_newest(MOST_ROWS), HOUR_S) + HOUR_S)
        self._meta["sealed"] = sealed
        self.rows.forget(sealed)
        for length, kept_s in ((FINE_S, FINE_KEPT_S), (HOUR_S, KEPT_S)):
            oldest = hour - kept_s
            self._db.execute(
                "DELETE FROM panes WHERE length = ? AND start < ?", (int(length), oldest)
            )
            for one in [p for p in self._tallies if p[0] == length and p[1] < oldest]:
                del self._tallies[one]
                self._dirty.discard(one)
        for start in [h for h in self._distinct if h < hour - KEPT_S]:
            del self._distinct[start]
        for age, cap in ((_LATE_S, CLOSED_CAP), (_OLD_S, OLD_CAP)):
            for start in self.hours(min(before, hour) - age - HOUR_S, hour - age):
                self._close(start, cap)

    def _close(self, start: int, cap: int) -> None:
        tally = self.tally(HOUR_S, start)
        if tally is not None and (tally.overflow is not None or len(tally.keys) > cap):
            tally.close(cap, _TOTALS)
            self._dirty.add((HOUR_S, start))

    def _trim_cache(self) -> None:
        """Let go of the longest unused tallies, but never of unwritten ones."""
        if len(self._tallies) <= _CACHED:
            return
        if len(self._dirty) > _CACHED // 2:
            self._write()
        for one in list(self._tallies)[: len(self._tallies) - _CACHED]:
            if one not in self._dirty:
                del self._tallies[one]


def _shares_by_group(rows: Iterable[Row]) -> list[Share]:
    groups: dict[Group, list[Row]] = defaultdict(list)
    for row in rows:
        groups[row.group].append(row)
    return [share for members in groups.values() for share in shares(members)]
