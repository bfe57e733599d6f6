"""The vector view beside faiss's flat float32 index: latency and recall@10, in one run.

    python bench/vectors.py [--vectors 2000000] [--dim 384] [--queries 200] [--noise 1.2]

Vectors are made: unit vectors around random centres, one for every 100 vectors, with a part that
all share, as text encoders' have: ``x = shared + centre + noise`` with norms 0.5, 1 and
``--noise`` (1.2), then brought to unit length; queries are made the same way. The exact top 10
come from float32 over all vectors, block by block. Flat float32 is timed over as many vectors as
``--flat-mb`` of memory hold, and its time scaled up to all of them. Latencies are of the view
alone, without reading posts. The last line is JSON.
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import faiss
import numpy as np

from gnomon.store.database import Database
from gnomon.store.keys import hash64
from gnomon.store.vector_files import HEAD, VectorFiles
from gnomon.store.vector_view import VectorView
from gnomon.types import Filter

K = 10
BLOCK = 50_000
PER_CENTRE = 100
DAYS = 30


class Made:
    """Clustered unit vectors, the same for the same seed, one block at a time."""

    def __init__(self, n: int, dim: int, noise: float, seed: int) -> None:
        rng = np.random.default_rng(seed)
        self.dim, self.noise, self.seed = dim, noise, seed
        self.shared = 0.5 * unit(rng.standard_normal((1, dim)).astype(np.float32))
        self.centres = unit(rng.standard_normal((max(1, n // PER_CENTRE), dim)).astype(np.float32))

    def block(self, number: int, n: int) -> np.ndarray:
        """``float32 [n, dim]``"""
        rng = np.random.default_rng((self.seed, number))
        noise = unit(rng.standard_normal((n, self.dim)).astype(np.float32)) * self.noise
        return unit(self.shared + self.centres[rng.integers(0, len(self.centres), n)] + noise)


def unit(vectors: np.ndarray) -> np.ndarray:
    out: np.ndarray = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return out


def build(folder: Path, made: Made, n: int) -> float:
    """Fill the view's files as the store does; seconds, without making the vectors."""
    files = VectorFiles.create(folder / "vectors-1", "bench", made.dim, 0)
    took = 0.0
    for number, start in enumerate(range(0, n, BLOCK)):
        count = min(BLOCK, n - start)
        vectors = made.block(number, count)
        begin = time.perf_counter()
        head = np.zeros(count, HEAD)
        head["row"] = np.arange(start + 1, start + count + 1)
        head["time"] = head["row"] * (DAYS * 86_400 / n)
        head["source"] = np.where(head["row"] % 2, hash64("a"), hash64("b"))
        files.append(head, vectors)
        took += time.perf_counter() - begin
    return took


def exact(made: Made, n: int, queries: np.ndarray) -> np.ndarray:
    """Rows of the true top K, ``int64 [queries, K]``."""
    scores = np.full((len(queries), K), -2.0, np.float32)
    rows = np.zeros((len(queries), K), np.int64)
    for number, start in enumerate(range(0, n, BLOCK)):
        vectors = made.block(number, min(BLOCK, n - start))
        found, where = faiss.knn(queries, vectors, K, metric=faiss.METRIC_INNER_PRODUCT)
        scores = np.concatenate([scores, found], axis=1)
        rows = np.concatenate([rows, where + start + 1], axis=1)
        best = np.argsort(-scores, axis=1)[:, :K]
        scores = np.take_along_axis(scores, best, axis=1)
        rows = np.take_along_axis(rows, best, axis=1)
    return rows


def timed(call: Callable[[np.ndarray], object], queries: np.ndarray) -> dict[str, float]:
    for query in queries[:10]:
        call(query)
    samples = []
    for query in queries:
        start = time.perf_counter()
        call(query)
        samples.append((time.perf_counter() - start) * 1000)
    return {f"p{p}_ms": round(float(np.percentile(samples, p)), 2) for p in (50, 95)}


def bench_flat(made: Made, n: int, flat_mb: int, queries: np.ndarray) -> dict[str, object]:
    """faiss IndexFlatIP over a part of the vectors, its time scaled to all of them."""
    held = min(n, flat_mb * (1 << 20) // (4 * made.dim) // BLOCK * BLOCK or min(n, BLOCK))
    index = faiss.IndexFlatIP(made.dim)
    for number, start in enumerate(range(0, held, BLOCK)):
        index.add(made.block(number, min(BLOCK, held - start)))
    out = timed(lambda query: index.search(query[None, :], K), queries[:30])
    scaled = {name: round(value * n / held, 2) for name, value in out.items()}
    return {"vectors": held, **out, "scaled_to_all": scaled}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--vectors", type=int, default=2_000_000)
    parser.add_argument("--dim", type=int, default=384)
    parser.add_argument("--queries", type=int, default=200)
    parser.add_argument("--noise", type=float, default=1.2)
    parser.add_argument("--flat-mb", type=int, default=3072)
    parser.add_argument("--threads", type=int, default=0, help="of faiss (0: its default)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--dir", type=Path, help="where to build (default: a temporary folder)")
    given = parser.parse_args()
    if given.threads:
        faiss.omp_set_num_threads(given.threads)
    made = Made(given.vectors, given.dim, given.noise, given.seed)
    n = given.vectors
    queries = made.block(1_000_000, given.queries)
    folder = Path(tempfile.mkdtemp(prefix="bench-vectors-", dir=given.dir))
    out: dict[str, object] = {
        "bench": "vectors",
        "vectors": n,
        "dim": given.dim,
        "data": f"synthetic: {len(made.centres)} centres, shared part 0.5, noise {given.noise}",
        "threads": faiss.omp_get_max_threads(),
    }
    try:
        Database(folder / "record.db", readonly=False).close()
        took = build(folder, made, n)
        out["added_per_s"] = round(n / took)
        print("built", file=sys.stderr, flush=True)
        database = Database(folder / "record.db", readonly=False)
        start = time.perf_counter()
        view = VectorView(folder, database)
        out["open_s"] = round(time.perf_counter() - start, 2)
        truth = exact(made, n, queries)
        print("exact top known", file=sys.stderr, flush=True)
        right = 0
        for query, rows in zip(queries, truth, strict=True):
            found = next(view.nearest(query, K, Filter()))[:K]
            right += len({row for row, _ in found} & {int(row) for row in rows})
        out["recall_at_10"] = round(right / (K * len(queries)), 4)
        out["gnomon"] = timed(lambda query: next(view.nearest(query, K, Filter())), queries)
        day = Filter(since=86_400.0 * 3, until=86_400.0 * 4, sources=("a",))
        out["gnomon_day_and_source"] = timed(
            lambda query: next(view.nearest(query, K, day)), queries
        )
        out["bytes_per_vector"] = round(
            sum(f.stat().st_size for f in (folder / "vectors-1").glob("*.bin")) / n
        )
        view.close()
        database.close()
        out["faiss_flat_f32"] = bench_flat(made, n, given.flat_mb, queries)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    out["peak_memory_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(json.dumps(out))


if __name__ == "__main__":
    main()
