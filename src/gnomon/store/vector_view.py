"""The vector view: every vector's signs scanned flat by faiss, the best rescored from int8.

Scanning 1 bit a dimension costs a thirty-second of the memory traffic of float32; how much of the
true top survives is measured in ``bench/vectors.py``. Approximate graphs are not used: they cost
memory and inserts, and lose recall under filters.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from gnomon.errors import StoreError, StoreFull
from gnomon.store import reader, sign_scan
from gnomon.store.database import Database
from gnomon.store.keys import hash64
from gnomon.store.rules import check_vectors
from gnomon.store.vector_files import HEAD, VectorFiles
from gnomon.types import Filter, Post

log = logging.getLogger(__name__)

EXACT_BELOW = 4000  # posts that pass a filter: so few are all scored from int8
RESCORED = 512  # candidates of the first scan (or 20 k, if that is more)


class Positions:
    """Where a row's record lies: a sorted array, and a dictionary of what came since."""

    def __init__(self, rows: np.ndarray) -> None:
        held = np.flatnonzero(rows)
        order = np.argsort(rows[held], kind="stable")
        self._rows = rows[held][order].astype(np.int64)
        self._places = held[order]
        self._gone: set[int] = set()
        self._new: dict[int, int] = {}

    def __len__(self) -> int:
        return len(self._rows) - len(self._gone) + len(self._new)

    def get(self, row: int) -> int | None:
        if row in self._new:
            return self._new[row]
        if row in self._gone:
            return None
        i = int(np.searchsorted(self._rows, row))
        found = i < len(self._rows) and self._rows[i] == row
        return int(self._places[i]) if found else None

    def put(self, row: int, place: int) -> None:
        self._new[row] = place

    def drop(self, row: int) -> int | None:
        """Forget ``row``; where it was."""
        place = self.get(row)
        if row in self._new:
            del self._new[row]
        elif place is not None:
            self._gone.add(row)
        return place

    @property
    def stale(self) -> bool:
        return len(self._new) + len(self._gone) > 1000 + len(self._rows) // 10


class VectorView:
    """Safe between threads. Vectors are only ever those of one model."""

    def __init__(self, folder: Path, database: Database) -> None:
        self._path = folder / "vectors-1"
        self._database = database
        self._lock = threading.RLock()
        self._stamp: tuple[int, int] | None = None
        self._files = VectorFiles.open(self._path)
        if self._files is not None and not database.readonly:
            wrong = self._files.check()
            if wrong:
                log.warning(
                    "%d vectors in %s were damaged; they are made again.", wrong, self._path
                )
            with database.reading() as db:
                if self._files.state.seq > reader.sequence(db):
                    log.warning("Dropping %s: it is ahead of its record.", self._path)
                    state = self._files.state
                    self._files = VectorFiles.create(self._path, state.model, state.dim, 0)
        self._positions = self._place()
        self._seq = self._files.state.seq if self._files else 0

    def _place(self) -> Positions:
        return Positions(self._files.head["row"] if self._files else np.zeros(0, np.uint64))

    @property
    def seq(self) -> int:
        return self._seq

    @property
    def model(self) -> str:
        return self._files.state.model if self._files else ""

    def __len__(self) -> int:
        return len(self._positions)

    # -- writing ------------------------------------------------------------------------------
    def catch_up(self) -> None:
        """Follow the record's deletions and edits; in a reading process, the writer's files."""
        with self._lock:
            if self._database.readonly:
                self._reopen()
                return
            with self._database.reading() as db:
                goal = reader.sequence(db)
                changes = reader.changed_rows(db, self._seq, goal) if goal > self._seq else []
                gone = {row for kind, row in changes if kind in ("delete", "edit")}
            places = [place for row in gone if (place := self._positions.drop(row)) is not None]
            self._seq = max(self._seq, goal)
            if self._files is not None and places:
                self._files.blank(places)
                self._save()
                self._tidy()

    def _reopen(self) -> None:
        try:
            stat = (self._path / "state.json").stat()
        except FileNotFoundError:
            return
        stamp = (stat.st_mtime_ns, stat.st_ino)
        known = len(self._files.head) if self._files is not None else 0
        if self._files is None or stamp != self._stamp:  # every blanked record moves the stamp
            self._files, self._stamp, known = VectorFiles.open(self._path), stamp, -1
        else:
            self._files.remap()
        if self._files is not None and len(self._files.head) != known:
            self._positions = self._place()
            self._seq = self._files.state.seq

    def _save(self) -> None:
        if self._files is not None and self._files.state.seq != self._seq:
            self._files.state = replace(self._files.state, seq=self._seq)
            self._files.save()

    def _tidy(self) -> None:
        if self._files is None:
            return
        if self._files.wants_rewrite(len(self._positions)):
            self._files = self._files.rewrite()
            self._positions = self._place()
        elif self._positions.stale:
            self._positions = self._place()

    def put(self, model: str, posts: Sequence[tuple[int, Post]], vectors: np.ndarray) -> None:
        """Keep ``vectors[i]`` for ``posts[i]`` (its row number and itself), durably."""
        with self._lock:
            kept = self._files.state.dim if self._files and self.model == model else None
            check_vectors([post.id for _, post in posts], vectors, kept)
            self.catch_up()
            try:
                self._append(model, posts, np.ascontiguousarray(vectors, np.float32))
            except OSError as error:
                self._files = VectorFiles.open(self._path)
                if self._files is not None:
                    self._files.check()  # takes off what was half written
                self._positions = self._place()
                kind = StoreFull if error.errno == 28 else StoreError
                raise kind(
                    f"The vectors in {self._path} could not be written ({error}); free some "
                    f"space, and they are made again."
                ) from error

    def _append(self, model: str, posts: Sequence[tuple[int, Post]], vectors: np.ndarray) -> None:
        if self._files is None or self._files.state.model != model:
            self._files = VectorFiles.create(self._path, model, vectors.shape[1], self._seq)
            self._positions = self._place()
        if not posts:
            return
        last = {row: i for i, (row, _) in enumerate(posts)}
        chosen = sorted(last.values())
        old = [place for row in last if (place := self._positions.drop(row)) is not None]
        head = np.zeros(len(chosen), HEAD)
        for record, i in zip(head, chosen, strict=True):
            row, post = posts[i]
            record["row"], record["time"] = row, post.time
            record["source"], record["author"] = hash64(post.source), hash64(post.author)
            record["lang"] = hash64(post.lang)
        start = len(self._files.head)
        self._files.append(head, vectors[chosen])
        self._files.blank(old)
        for place, i in enumerate(chosen, start):
            self._positions.put(posts[i][0], place)
        self._tidy()

    def close(self) -> None:
        with self._lock:
            if not self._database.readonly:
                self._save()
            self._files = None
            self._positions = self._place()

    # -- reading ------------------------------------------------------------------------------
    def vectors(self, rows: Sequence[int]) -> dict[int, np.ndarray]:
        """By row number, for those that have one."""
        with self._lock:
            self.catch_up()
            found = {row: p for row in rows if (p := self._positions.get(row)) is not None}
            if self._files is None or not found:
                return {}
            decoded = self._files.decoded(np.array(list(found.values())))
            return dict(zip(found, decoded, strict=True))

    def holds(self, row: int) -> bool:
        return self._positions.get(row) is not None

    def nearest(
        self, vector: np.ndarray, k: int, where: Filter
    ) -> Iterator[list[tuple[int, float]]]:
        """Ever longer lists of ``(row, cosine)``, best first; the last one holds every match."""
        with self._lock:
            self.catch_up()
            files = self._files
            if files is None or not len(files.head):
                return
            check_vectors([""], vector[None, :], files.state.dim)
            head, bits, codes = files.head, files.bits, files.codes
            mean, times = files.mean, files.times()
        query = np.ascontiguousarray(vector, np.float32)
        within = _within(head, times, where)
        if within is not None:
            bits = bits[within] if len(within) > EXACT_BELOW else bits[:0]
        total = len(head) if within is None else len(within)
        signs = np.packbits(query > mean)[None, :]
        wanted = max(RESCORED, 20 * k)
        while True:
            if wanted >= total or (within is not None and total <= EXACT_BELOW):
                places = np.arange(total)
                wanted = total
            else:
                places = sign_scan.nearest(signs, np.asarray(bits), wanted)
            if within is not None:
                places = within[places]
            yield _scored(head, codes, places, query)
            if wanted >= total:
                return
            wanted *= 4


def _within(head: np.ndarray, times: np.ndarray, where: Filter) -> np.ndarray | None:
    """The places of records that may pass ``where``; None: no filter.

    Times are compared first, in an array of their own; then only what is left.
    """
    if where == Filter():
        return None
    mask = np.ones(len(times), bool)
    if where.since is not None:
        mask &= times >= where.since
    if where.until is not None:
        mask &= times < where.until
    places = np.flatnonzero(mask)
    for name in ("sources", "authors", "langs"):
        values = getattr(where, name)
        if values:
            held = head[name.removesuffix("s")][places]
            mask = np.zeros(len(places), bool)
            for value in values:
                mask |= held == np.uint64(hash64(value))
            places = places[mask]
    return places


def _scored(
    head: np.ndarray, codes: np.ndarray, places: np.ndarray, query: np.ndarray
) -> list[tuple[int, float]]:
    """Rows and cosines, best first, from the int8 codes; blank records left out."""
    out: list[tuple[np.ndarray, np.ndarray]] = []
    for start in range(0, len(places), 20_000):
        part = np.sort(places[start : start + 20_000])
        scores = np.asarray(codes[part], np.float32) @ query * head["scale"][part]
        out.append((np.asarray(head["row"][part], np.int64), scores))
    rows = np.concatenate([rows for rows, _ in out]) if out else np.zeros(0, np.int64)
    scores = np.concatenate([scores for _, scores in out]) if out else np.zeros(0, np.float32)
    order = np.lexsort((rows, -scores))
    return [(int(rows[i]), float(scores[i])) for i in order if rows[i]]
