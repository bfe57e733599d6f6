"""What a search and a look for copies go over again and again, held in memory: every kept picture's
coarse colours and vector, read anew where any process changed them."""

from __future__ import annotations

import apsw
import numpy as np

from gnomon.store import likeness

_BLOCK = 8192  # vectors that are widened to floats at once


class Rows:
    """Over the tables of ``picture_cache``. The caller holds the lock."""

    def __init__(self, db: apsw.Connection) -> None:
        self._db = db
        self._kept_at = self._seen_at = "never"
        self._read_of = ""  # the model whose vectors these are
        self._ids = np.zeros(0, np.int64)
        self._coarse = np.zeros((0, likeness.COARSE**2 * 3), np.float32)
        self._seen = np.zeros(0, np.int64)
        self._alike = np.zeros(0, np.int64)
        self._scales = np.zeros(0, np.float32)
        self._codes = np.zeros((0, 0), np.int8)

    def now(self, table: str) -> str:
        """Moves with every change of a table, by whatever process."""
        return self._fact(f"{table} changed")

    def alike(self, cells: bytes, size: tuple[int, int]) -> int:
        """The group of the kept picture that these cells are a copy of, 0 where there is none. Held
        against the first of each group, so that a chain of small changes ends."""
        if self.now("pictures") != self._kept_at:
            firsts = "SELECT min(id) FROM pictures GROUP BY alike"
            ids = np.array([row[0] for row in self._db.execute(firsts)], np.int64)
            new = np.setdiff1d(ids, self._ids)
            kept = np.isin(self._ids, ids)
            rows = [likeness.coarse_of(self._cells(int(one))[0]) for one in new]
            self._ids = np.concatenate([self._ids[kept], new])
            self._coarse = np.concatenate([self._coarse[kept], *(row[None] for row in rows)])
            self._kept_at = self.now("pictures")
        for place in likeness.candidates(likeness.coarse_of(cells), self._coarse):
            held, held_size, alike = self._cells(int(self._ids[place]))
            if likeness.same(cells, size, held, held_size):
                return alike
        return 0

    def added(self, picture: int, cells: bytes, at: str) -> None:
        """In the transaction of the last ``alike``, whose ``now`` at its end was ``at``, a picture
        came that is the first of a group (or 0: one that is a copy)."""
        if picture:
            self._ids = np.append(self._ids, picture)
            self._coarse = np.concatenate([self._coarse, likeness.coarse_of(cells)[None]])
        self._kept_at = at

    def _cells(self, picture: int) -> tuple[bytes, tuple[int, int], int]:
        row = self._db.execute(
            "SELECT cells, width, height, alike FROM pictures WHERE id = ?", (picture,)
        ).fetchone()
        assert row is not None
        return bytes(row[0]), (int(row[1]), int(row[2])), int(row[3])

    def nearest(self, vector: np.ndarray, k: int) -> list[tuple[int, int, float]]:
        """(picture, its group, cosine), best first."""
        if (now := self.now("vectors")) != self._seen_at:
            self._read_vectors()
            self._seen_at = now
        if not len(self._seen) or self._codes.shape[1] != len(vector):
            return []
        scores = np.concatenate(
            [
                self._codes[start : start + _BLOCK].astype(np.float32) @ vector
                for start in range(0, len(self._codes), _BLOCK)
            ]
        )
        scores *= self._scales
        best = np.argpartition(-scores, min(k, len(scores)) - 1)[:k]
        best = best[np.lexsort((self._seen[best], -scores[best]))]
        return [(int(self._seen[i]), int(self._alike[i]), float(scores[i])) for i in best]

    def _read_vectors(self) -> None:
        """What came is added; where anything went, all is read anew."""
        last = int(self._seen[-1]) if len(self._seen) else 0
        held = [
            row[0]
            for row in self._db.execute(
                "SELECT picture FROM vectors WHERE picture <= ? ORDER BY picture", (last,)
            )
        ]
        stale = not np.array_equal(np.array(held, np.int64), self._seen)
        stale = stale or self._model() != self._read_of
        if stale:
            self._seen, self._alike = np.zeros(0, np.int64), np.zeros(0, np.int64)
            self._scales, self._codes = np.zeros(0, np.float32), np.zeros((0, 0), np.int8)
            last = 0
        rows = list(
            self._db.execute(
                "SELECT picture, alike, scale, code FROM vectors JOIN pictures ON id = picture "
                "WHERE picture > ? ORDER BY picture",
                (last,),
            )
        )
        self._read_of = self._model()
        if not rows:
            return
        codes = np.frombuffer(b"".join(row[3] for row in rows), np.int8).reshape(len(rows), -1)
        self._codes = np.concatenate([self._codes, codes]) if len(self._codes) else codes
        self._seen = np.concatenate([self._seen, np.array([row[0] for row in rows], np.int64)])
        self._alike = np.concatenate([self._alike, np.array([row[1] for row in rows], np.int64)])
        scales = np.array([row[2] for row in rows], np.float32)
        self._scales = np.concatenate([self._scales, scales])

    def _model(self) -> str:
        return self._fact("model")

    def _fact(self, name: str) -> str:
        row = self._db.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        return str(row[0]) if row else ""
