"""The filter in front of band keys and URLs: never a false denial, whatever happens meanwhile."""

import threading

import numpy as np
import pytest

from gnomon.store import key_lookup, reader
from gnomon.store.engine import open_store
from gnomon.store.key_filter import KeyFilter, as_keys
from gnomon.types import Batch, Deletion, Post

N = 3000


def post(n, text="word", **fields):
    return Post(f"p{n}", f"{text} {n}", "s", 1000.0 + n, **fields)


def keys(n):
    """Five keys of post ``n``, as spread as a hash."""
    return tuple((7919 * n + i + 1) * 0x9E3779B97F4A7C15 % 2**63 for i in range(5))


def fill(store, start, stop):
    some = [post(n, url=f"https://e.example/{n}") for n in range(start, stop)]
    store.write(Batch("s", tuple(some), bands={p.id: keys(int(p.id[1:])) for p in some}))


def whole(store):
    """The store with its filter made: asks until it begins, waits until it is done."""
    for n in range(10**6, 10**6 + N):
        store.band_matches(keys(n))
        if store._keys._thread is not None:
            break
    store._keys._thread.join()
    assert store._keys._whole.is_set()
    return store


@pytest.fixture
def folder(tmp_path):
    with open_store(tmp_path / "store") as store:
        fill(store, 0, N)
    return tmp_path / "store"


def test_what_was_added_is_never_denied_and_what_was_not_mostly_is():
    rng = np.random.default_rng(1)
    added = rng.integers(0, 2**63, 300_000, dtype=np.uint64)
    kept = KeyFilter()
    for part in np.split(added, 30):
        kept.add(part)
    assert kept.may_hold(added).all()
    others = rng.integers(0, 2**63, 100_000, dtype=np.uint64)
    assert kept.may_hold(others).mean() < 0.05
    # 16 bits a key, and what lies idle in the newest layer: ten to fifteen bytes a post.
    assert kept.nbytes <= 3 * len(added)
    sized = KeyFilter(len(added))
    sized.add(added)
    assert sized.nbytes <= 2.01 * len(added)
    assert sized.may_hold(added).all()
    assert sized.may_hold(others).mean() < 0.01


def test_small_negative_and_equal_keys():
    kept = KeyFilter()
    kept.add(as_keys([1, 2, 3, -1, -1, 2**63, 0]))
    assert kept.may_hold(as_keys([1, 2, 3, -1, 2**64 - 1, -(2**63), 0])).all()
    assert not kept.may_hold(as_keys(range(100, 130))).any()
    assert not KeyFilter().may_hold(as_keys([1])).any()


def test_the_filter_changes_no_answer(folder):
    with open_store(folder) as store:
        whole(store)
        asked = [key for n in range(-50, N + 50) for key in keys(n)]
        with store._db.reading() as db:
            assert store.band_matches(asked) == reader.band_matches(db, asked)
        urls = [f"https://e.example/{n}" for n in range(0, N + 50, 7)]
        found = store.by_url(urls)
        assert found == {f"https://e.example/{n}": f"p{n}" for n in range(0, N, 7)}
        assert store.band_matches([]) == {} == store.by_url([])


def test_most_keys_that_were_never_seen_cost_no_query(folder, monkeypatch):
    with open_store(folder) as store:
        whole(store)
        asked = []
        real = reader.band_matches
        monkeypatch.setattr(
            reader, "band_matches", lambda db, some: asked.extend(some) or real(db, some)
        )
        store.band_matches([key for n in range(2 * N, 3 * N) for key in keys(n)])
        assert len(asked) < 0.05 * 5 * N


def test_writes_edits_and_deletions_after_and_while_it_is_made(folder, monkeypatch):
    with open_store(folder) as store:
        real = reader.keys_of_part
        wrote = threading.Event()

        def slow(db, keyed, part):
            if part == 128 and not wrote.is_set():
                fill(store, N, N + 100)  # keys on both sides of where the reading stands
                wrote.set()
            return real(db, keyed, part)

        monkeypatch.setattr(key_lookup.reader, "keys_of_part", slow)
        whole(store)
        assert wrote.is_set()
        fill(store, N + 100, N + 200)
        new = {key: [f"p{n}"] for n in range(N, N + 200) for key in keys(n)}
        assert store.band_matches(new) == new
        edited = Post("p5", "other words", "s", 9000.0)
        store.write(Batch("s", (edited,), bands={"p5": (77,)}))
        assert store.band_matches([77, *keys(5)]) == {77: ["p5"]}
        store.write(Batch("s", deletions=(Deletion("s", 9e9, post="p6"),)))
        assert store.band_matches(keys(6)) == {}


def test_a_few_questions_to_a_large_store_do_not_read_all_its_keys(folder):
    with open_store(folder) as store:
        store.band_matches(keys(1))
        assert store._keys._thread is None
        assert store._keys.nbytes == 0


def test_closing_while_the_filter_is_made(folder, monkeypatch):
    store = open_store(folder)
    began = threading.Event()
    real = reader.keys_of_part
    monkeypatch.setattr(key_lookup.reader, "keys_of_part", lambda *some: began.set() or real(*some))
    for n in range(10**6, 10**6 + N):
        store.band_matches(keys(n))
    assert began.wait(10)
    store.close()
    assert not store._keys._thread.is_alive()


def test_a_reader_beside_the_writer_sees_new_keys(folder):
    with open_store(folder) as store, open_store(folder, readonly=True) as beside:
        for n in range(10**6, 10**6 + N):
            beside.band_matches(keys(n))
        fill(store, N, N + 1)
        assert beside.band_matches(keys(N)) == {key: [f"p{N}"] for key in keys(N)}
        assert beside._keys.nbytes == 0
