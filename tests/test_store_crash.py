"""kill -9 during ingest: nothing acknowledged is lost, and the views equal the record."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gnomon.store.engine import open_store
from gnomon.text.tokens import tokens

ROOT = Path(__file__).parent.parent
KILLS = 20

CHILD = """
import sys
import numpy as np
from gnomon.store.engine import open_store
from gnomon.types import Batch, Deletion, EdgeKind, Link, Post

folder, first = sys.argv[1], int(sys.argv[2])
with open_store(folder) as store:
    print("open", flush=True)
    for n in range(first, first + 10_000):
        names = [f"p{n}-{i}" for i in range(20)]
        posts = [Post(name, f"batch{n} word{i} 世界{i} post{n}x{i}", "s", float(n), author=f"a{i}")
                 for i, name in enumerate(names)]
        gone = ()
        if n % 3 == 0 and n > first:
            posts.append(Post(f"p{n - 1}-0", f"edited{n} post{n - 1}x0", "s", float(n)))
            gone = (Deletion("s", float(n), post=f"p{n - 1}-1"),)
        link = Link(names[3], names[2], EdgeKind.COPY)
        store.write(Batch("s", tuple(posts), deletions=gone, cursor=str(n), links=(link,),
                          bands={names[0]: (n,)}))
        print(n, flush=True)
        if n % 5 == 0:
            vectors = np.eye(20, 64, dtype=np.float32)
            store.put_vectors("m", names, vectors)
            print("v", n, flush=True)
"""


def run_and_kill(folder, first, rng):
    """Ingest in a process of its own, kill it at a random moment; (last batch, vector batches)."""
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(folder), str(first)],
        stdout=subprocess.PIPE,
        text=True,
        env={"PYTHONPATH": str(ROOT / "src"), "PATH": "/usr/bin:/bin"},
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "open\n"
    time.sleep(rng.uniform(0.02, 0.4))
    child.kill()
    lines = child.stdout.read().split("\n")[:-1]  # a last line without its end was not said
    child.wait()
    done = [int(line) for line in lines if not line.startswith("v")]
    return max(done, default=first - 1), [int(line[2:]) for line in lines if line.startswith("v")]


def check(folder, first, last, embedded, rng):
    """The store holds what was acknowledged, whole, and its views find just what it holds."""
    with open_store(folder) as store:
        cursor = int(store.cursor("s") or 0)
        assert cursor in (last, last + 1)  # one more batch may be durable, but not yet said
        for n in range(first, cursor + 1):
            held = store.get_many([f"p{n}-{i}" for i in range(20)])
            edited = n < cursor and (n + 1) % 3 == 0
            assert len(held) == 20 - edited, n
            if edited:
                assert held[f"p{n}-0"].text.startswith("edited")
                assert len(store.revisions(f"p{n}-0")) == 1
                assert store.tombstone(f"p{n}-1")
            assert store.links([f"p{n}-3"])[f"p{n}-3"].origin == f"p{n}-2"
            assert store.band_matches([n]) == ({} if edited else {n: [f"p{n}-0"]})
        store.refresh()
        status = store.status()
        assert set(status.views.values()) == {status.seq}
        expected: dict[str, set[str]] = {}
        for post in store.scan():
            for token in tokens(post.text):
                expected.setdefault(token, set()).add(post.id)
        new = {f"batch{n}" for n in range(first, cursor + 1)} & expected.keys()
        for token in {*new, "word3", "世界", *rng.sample(sorted(expected), min(60, len(expected)))}:
            hits = store.search(token, len(expected[token]) + 9, per_origin=None)
            found = {hit.post.id for hit in hits}
            assert found == expected[token], token
            # Of each batch the fourth post is linked as a copy: it has no words of its own.
            own = [ref for ref in found if not ref.endswith("-3")]
            assert store.frequencies([token])[token] >= len(own)
        names = [f"p{n}-{i}" for n in embedded for i in (5, 9)]
        assert len(store.vectors(names)) == len(names)
    return cursor


@pytest.mark.timeout(170)
def test_nothing_acknowledged_is_lost_by_kill_9(tmp_path):
    rng = random.Random(20)
    last = 0
    written = 0
    for _ in range(KILLS):
        first = last + 1
        acknowledged, embedded = run_and_kill(tmp_path / "store", first, rng)
        last = check(tmp_path / "store", first, acknowledged, embedded, rng)
        written += last - first + 1
    assert written > KILLS  # most children were killed while they wrote
    with open_store(tmp_path / "store") as store:
        assert store.status().posts == len({post.id for post in store.scan()})
