"""The first look of the vector view: which sign codes are nearest to the query's.

faiss parallelises over queries, and there is one: so the codes are cut into a part for each core
and each part is scanned by a thread of ours (faiss gives the GIL up while it scans). Its own
threads would only wait beside, and a waiting OpenMP thread takes a whole core.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from itertools import pairwise

import numpy as np

PARTS = min(4, os.cpu_count() or 1)
ONE_PART_BELOW = 100_000  # codes: so few are scanned in about a millisecond
_COUNTING_ABOVE = 1000  # candidates above which faiss counts distances instead of keeping a heap


@cache
def _pool() -> ThreadPoolExecutor:
    import faiss

    return ThreadPoolExecutor(
        PARTS, thread_name_prefix="vectors", initializer=faiss.omp_set_num_threads, initargs=(1,)
    )


def nearest(signs: np.ndarray, bits: np.ndarray, wanted: int) -> np.ndarray:
    """Places of (about) the ``wanted`` codes of ``bits`` nearest to ``signs`` by Hamming distance.

    ``signs`` is ``[1, bytes]`` and ``bits`` ``[n, bytes]``, uint8. Of those that lie equally far at
    the end any may be left out. The order means nothing: they are scored exactly afterwards.
    """
    if len(bits) < ONE_PART_BELOW or PARTS == 1:
        distances, places = _scan(signs, bits, wanted)
    else:
        cuts = np.linspace(0, len(bits), PARTS + 1).astype(int)
        parts = [bits[a:b] for a, b in pairwise(cuts)]
        found = list(_pool().map(lambda part: _scan(signs, part, wanted), parts))
        distances = np.concatenate([d for d, _ in found])
        places = np.concatenate([p + a for (_, p), a in zip(found, cuts, strict=False)])
    if len(places) > wanted:
        places = places[np.argpartition(distances, wanted - 1)[:wanted]]
    return places


def _scan(signs: np.ndarray, bits: np.ndarray, wanted: int) -> tuple[np.ndarray, np.ndarray]:
    import faiss  # here, since a store without vectors needs none of it

    variant = "mc" if wanted > _COUNTING_ABOVE else "hc"
    distances, places = faiss.knn_hamming(
        signs, np.ascontiguousarray(bits), min(wanted, len(bits)), variant=variant
    )
    held = places[0] >= 0
    return distances[0][held], places[0][held]
