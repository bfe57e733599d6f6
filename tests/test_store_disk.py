"""What only a store on disk must do: share, recover, refuse, give space back."""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import apsw
import numpy as np
import pytest

from gnomon.errors import StoreBusy, StoreError, StoreFull
from gnomon.store import reader, text_view
from gnomon.store.engine import open_store
from gnomon.store.schema import MIGRATIONS
from gnomon.types import Batch, EdgeKind, Filter, Link, Post
from store_conformance import T0, batch, delete, ids, post, units

ROOT = Path(__file__).parent.parent


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "store"


def many(n, first=0, words="flood in the river town"):
    return batch(*(post(f"p{i}", f"{words} number{i} {'x' * 200}", i) for i in range(first, n)))


LONG = "flood " + "".join(chr(97 + i * i % 26) for i in range(4000))


def python(code, *arguments):
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=60,
        env={"PYTHONPATH": str(ROOT / "src"), "PATH": os.environ["PATH"]},
    )


# -- sharing --------------------------------------------------------------------------------------


def test_a_second_writer_is_told_who_writes(folder):
    with open_store(folder), pytest.raises(StoreBusy, match=str(os.getpid())):
        open_store(folder)
    open_store(folder).close()


def test_readers_in_other_processes_see_what_is_written(folder):
    code = (
        "import sys; from gnomon.store.engine import open_store\n"
        "with open_store(sys.argv[1], readonly=True) as s:\n"
        "    print(s.status().posts, len(s.search('flood', 99, per_origin=None)),"
        " len(s.vectors(['p1', 'p2'])))"
    )
    with open_store(folder) as store:
        store.write(many(10))
        store.put_vectors("m", ["p1"], units(1))
        store.refresh()
        assert python(code, folder).stdout.split() == ["10", "10", "1"]
        other = open_store(folder, readonly=True)
        assert len(other.search("flood", 99)) == 10
        store.write(many(25, 10))
        store.write(delete("p1"))
        store.put_vectors("m", ["p2"], units(1))
        store.refresh()
        assert len(other.search("flood", 99)) == 24
        assert other.get("p20") is not None
        assert ids(other.nearest(units(1)[0], 5)) == ["p2"]
        assert other.status().views["text"] == other.status().seq
        with pytest.raises(StoreError, match="reading only"):
            other.write(many(1))
        other.close()


def test_there_must_be_a_store_to_read(folder):
    with pytest.raises(StoreError, match="no store"):
        open_store(folder, readonly=True)


def test_an_old_record_is_read_as_it_is_and_brought_up_to_date_by_its_writer(folder):
    """One of before the index by source and time: told right either way, and then by the index."""

    def plan():
        db = apsw.Connection(str(folder / "record.db"))
        found = db.execute("EXPLAIN QUERY PLAN " + reader.SOURCE_STATES).fetchall()
        version = db.pragma("user_version")
        db.close()
        return version, " ".join(str(row[3]) for row in found)

    with open_store(folder) as store:
        store.write(many(30))
        store.write(batch(post("q1", "A word from elsewhere.", 5, source="elsewhere")))
        told = {state.source: state.newest for state in store.status().sources}
    assert told["elsewhere"] == T0 + 5
    db = apsw.Connection(str(folder / "record.db"))
    db.execute("DROP INDEX posts_source; PRAGMA user_version = 1")
    db.close()
    assert "posts_source" not in plan()[1]
    with open_store(folder, readonly=True) as old:
        assert {state.source: state.newest for state in old.status().sources} == told
    with open_store(folder) as store:
        assert {state.source: state.newest for state in store.status().sources} == told
    version, how = plan()
    assert version == len(MIGRATIONS)
    assert "posts_source" in how
    assert "posts_time" not in how


def test_views_follow_by_themselves_within_about_a_second(folder):
    with open_store(folder) as store:
        store.write(many(10))
        deadline = time.monotonic() + 10
        while len(store.search("flood", 99)) < 10 and time.monotonic() < deadline:
            time.sleep(0.02)
        assert len(store.search("flood", 99)) == 10


def test_threads_share_a_store(folder):
    failures = []

    def read(store):
        try:
            for _ in range(40):
                store.search("flood river", 5)
                store.status()
                list(store.scan(limit=5))
        except Exception as error:  # noqa: BLE001 - reported below
            failures.append(error)

    with open_store(folder) as store:
        threads = [threading.Thread(target=read, args=(store,)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for n in range(10):
            store.write(many((n + 1) * 20, n * 20))
        for thread in threads:
            thread.join()
        store.refresh()
        assert not failures
        assert len(store.search("flood", 999)) == 200


def test_a_process_that_forgets_to_close_ends_cleanly(folder):
    code = (
        "import sys; from gnomon.store.engine import open_store\n"
        "from gnomon.types import Batch, Post\n"
        "s = open_store(sys.argv[1])\n"
        "for n in range(30):\n"
        "    s.write(Batch('s', tuple(Post(f'{n}-{i}', 'flood', 's', 1.0) for i in range(100))))\n"
    )
    done = python(code, folder)
    assert (done.returncode, done.stderr) == (0, "")
    with open_store(folder) as store:
        assert store.status().posts == 3000


def threads_of_this_process():
    names = {}
    for comm in Path("/proc/self/task").glob("*/comm"):
        with contextlib.suppress(OSError):  # it ended meanwhile
            names[comm.parent.name] = comm.read_text().strip()
    return names


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="the system lists no threads")
def test_nothing_writes_in_the_folder_after_close(folder):
    others = threads_of_this_process()  # stores that other tests left open
    rng = random.Random(1)
    store = open_store(folder)
    for n in range(8):  # as many segments are merged, so that the merge is under way at the end
        words = [" ".join(f"w{rng.randrange(50_000)}" for _ in range(60)) for _ in range(2000)]
        store.write(Batch("s", tuple(Post(f"{n}-{i}", w, "s", 1.0) for i, w in enumerate(words))))
        store.refresh()
    busy = ("merge_thread", "segment_updater", "gnomon-")

    def ours():
        now = threads_of_this_process()
        return [now[one] for one in now.keys() - others.keys() if now[one].startswith(busy)]

    assert ours()
    store.close()
    assert not ours()
    shutil.rmtree(folder)


def test_a_closed_store_says_so(folder):
    store = open_store(folder)
    store.close()
    with pytest.raises(StoreError, match="closed"):
        store.get("x")
    with pytest.raises(StoreError, match="closed"):
        store.write(many(1))


# -- recovery -------------------------------------------------------------------------------------


def damage(file):
    file.write_bytes(b"{" + os.urandom(200))


@pytest.mark.parametrize("part", ["speaking", "copies"])
@pytest.mark.parametrize("how", ["lost", "meta", "emptied", "ahead"])
def test_a_damaged_text_index_is_made_anew(folder, how, part, caplog):
    with open_store(folder) as store:
        store.write(many(50))
        store.write(batch(links=[Link(f"p{i}", "p0", EdgeKind.COPY) for i in range(1, 9)]))
        store.refresh()
    [index] = folder.glob(f"text-*/{part}")
    if how == "lost":
        shutil.rmtree(index)
    elif how == "meta":
        damage(index / "meta.json")
    elif how == "emptied":
        for file in index.iterdir():
            if file.suffix in (".term", ".idx", ".store", ".fast"):
                file.write_bytes(b"")
    else:  # the record was put back from an older copy
        shutil.copy(folder / "record.db", folder.parent)
        with open_store(folder) as store:
            store.write(many(70, 50))
            store.refresh()
        shutil.copy(folder.parent / "record.db", folder)
    with open_store(folder) as store:
        store.refresh()
        assert len(store.search("flood", 99, per_origin=None)) == 50
        assert store.frequencies(["flood"]) == {"flood": 42}
    assert "anew" in caplog.text


def test_a_crash_between_the_commits_of_both_indexes_makes_them_anew(folder, monkeypatch, caplog):
    """What one of them holds must not be counted on in the other."""
    with open_store(folder) as store:
        store.write(many(50))
        store.refresh()
        with store._text.paused(), monkeypatch.context() as crash:
            store.write(batch(links=[Link("p1", "p0", EdgeKind.COPY)]))
            crash.setattr(store._text._copies, "commit", lambda: 1 / 0)
            with pytest.raises(ZeroDivisionError):
                store.refresh()
            shutil.copytree(folder, folder.parent / "crashed")
    assert "anew" not in caplog.text
    with open_store(folder.parent / "crashed") as store:
        assert "not written together" in caplog.text
        store.refresh()
        assert store.frequencies(["flood"]) == {"flood": 49}
        assert len(store.search("flood", 99, per_origin=None)) == 50


def test_many_commits_and_merges_later_the_indexes_are_still_known_as_written_together(
    folder, caplog
):
    with open_store(folder) as store:
        for n in range(24):
            links = [Link(f"p{3 * n + 1}", f"p{3 * n}", EdgeKind.COPY)]
            store.write(replace(many(3 * n + 3, 3 * n), links=links))
            store.refresh()
    with open_store(folder) as store:
        assert store.status().views["text"] == store.status().seq
    assert "anew" not in caplog.text


def test_a_round_that_failed_half_way_leaves_nothing_twice(folder, monkeypatch):
    with open_store(folder) as store:
        store._text.catch_up()
        monkeypatch.setattr(text_view, "CHUNK", 10)
        real, calls = reader.arrivals, []

        def failing(db, after, limit):
            calls.append(after)
            if len(calls) > 3:
                raise StoreError("the record could not be read")
            return real(db, after, limit)

        with store._text.paused():
            store.write(many(50))
            monkeypatch.setattr(reader, "arrivals", failing)
            with pytest.raises(StoreError, match="could not be read"):
                store.refresh()
            monkeypatch.setattr(reader, "arrivals", real)
        store.refresh()
        assert store.frequencies(["flood"]) == {"flood": 50}
        assert sum(n for _, n in store.counts_per_hour("flood", T0, T0 + 50)) == 50


def test_copies_are_left_out_of_the_next_list_not_read_one_by_one(folder, monkeypatch):
    copies = [post(f"c{i}", "flood warning", i) for i in range(3000)]
    links = tuple(Link(p.id, "c0", EdgeKind.COPY) for p in copies[1:])
    others = [post(f"o{i}", f"flood warning and more words {i}") for i in range(5)]
    with open_store(folder) as store:
        store.write(batch(*copies, *others, links=links))
        store.refresh()
        limits = []
        real = text_view.best

        def best(searcher, query, limit):
            limits.append(limit)
            return real(searcher, query, limit)

        monkeypatch.setattr(text_view, "best", best)
        assert len(store.search("flood warning", 6)) == 6
        assert sum(limits) < 100


def test_an_index_of_another_schema_is_dropped(folder):
    with open_store(folder) as store:
        store.write(many(5))
    (folder / "text-0").mkdir()
    with open_store(folder) as store:
        store.refresh()
        assert len(store.search("flood", 9)) == 5
    assert not (folder / "text-0").exists()


def test_a_newer_record_is_refused(folder):
    open_store(folder).close()
    with apsw.Connection(str(folder / "record.db")) as db:
        db.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    with pytest.raises(StoreError, match="update gnomon"):
        open_store(folder)


def test_a_record_that_is_no_database_is_refused(folder):
    folder.mkdir()
    (folder / "record.db").write_bytes(os.urandom(5000))
    with pytest.raises(StoreError, match="damaged"):
        open_store(folder)
    (folder / "record.db").unlink()
    open_store(folder).close()  # the writer's place was given back


@pytest.mark.parametrize("how", ["torn", "flipped", "state", "lost"])
def test_damaged_vectors_are_asked_for_again(folder, how):
    with open_store(folder) as store:
        store.write(many(20))
        store.put_vectors("m", [f"p{i}" for i in range(20)], units(20))
    [head], [codes] = folder.glob("vectors-1/head-*"), folder.glob("vectors-1/codes-*")
    if how == "torn":
        os.truncate(head, head.stat().st_size - 7)
    elif how == "flipped":
        with open(codes, "r+b") as file:
            file.seek(16 * 5)
            file.write(b"\x55\xaa")
    elif how == "state":
        damage(folder / "vectors-1" / "state.json")
    else:
        shutil.rmtree(folder / "vectors-1")
    lost = {"torn": 1, "flipped": 1, "state": 20, "lost": 20}[how]
    with open_store(folder) as store:
        missing = store.unembedded("m", 50)
        assert len(missing) == lost
        store.put_vectors("m", [p.id for p in missing], units(lost, seed=3))
        assert store.unembedded("m", 50) == []
        assert store.status().vectors == 20
        assert len(store.nearest(units(1)[0], 50)) == 20


def test_vectors_are_rewritten_as_their_number_grows_and_shrinks(folder):
    # Clusters around a large common part, as encoders' vectors have.
    vectors = units(3000, dim=256) + units(60, dim=256, seed=1)[np.arange(3000) % 60] + 0.1
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    vectors = vectors.astype(np.float32)
    names = [f"p{i}" for i in range(3000)]
    with open_store(folder) as store:
        store.write(many(3000))
        for start in range(0, 3000, 100):
            store.put_vectors("m", names[start : start + 100], vectors[start : start + 100])
        top = [names[i] for i in np.argsort(-(vectors @ vectors[7]))[:10]]
        assert len(set(ids(store.nearest(vectors[7], 10))) & set(top)) >= 9
        size = next(folder.glob("vectors-1/codes-*")).stat().st_size
        assert size == 3000 * 256
        store.write(batch(deletions=[delete(name).deletions[0] for name in names[:2000]]))
        store.refresh()
        assert next(folder.glob("vectors-1/codes-*")).stat().st_size == 1000 * 256
        assert ids(store.nearest(vectors[2500], 1)) == ["p2500"]


# -- a deletion leaves nothing ----------------------------------------------------------------


def test_deleted_words_are_gone_from_the_files(folder):
    with open_store(folder) as store:
        store.write(many(300))
        store.write(batch(post("x", "zzsecretzz qqhiddenqq", author="zzsecretzzauthor")))
        store.write(batch(post("x", "zzsecretzz edited", fetched_at=T0 + 99)))
        store.put_vectors("m", ["x"], units(1))
        store.refresh()
        store.write(delete("x"))
        store.refresh()
        asked = store._text.ask(["zzsecretzz"], Filter())
        assert asked.speaking(9) == []  # the view itself has let go of it
        store._text.rebuild()  # what merging does in its own time
    for file in folder.rglob("*"):
        if file.is_file():
            held = file.read_bytes()
            for word in (b"zzsecretzz", b"qqhiddenqq"):
                assert word not in held, file
    codes = next(folder.glob("vectors-1/codes-*")).read_bytes()
    assert set(codes) <= {0}


# -- space ----------------------------------------------------------------------------------------


def test_over_the_owners_limit_a_batch_is_refused_whole(folder):
    with open_store(folder, max_bytes=1_000_000) as store:
        store.write(many(100))
        with pytest.raises(StoreFull, match="max_disk_mb"):
            store.write(many(9000, 100))
        assert store.status().posts == 100
        assert store.get("p100") is None
        assert store.write(many(120, 100)).added == 20
        store.refresh()
        assert len(store.search("flood", 200)) == 120


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 40 MB of its own."""
    place = tmp_path / "disk"
    place.mkdir()
    options = ["-t", "tmpfs", "-o", "size=40m", "tmpfs", str(place)]
    done = subprocess.run(["mount", *options], capture_output=True, check=False)
    if done.returncode:
        pytest.skip("mounting a small file system needs the rights of root")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def test_on_a_full_disk_nothing_acknowledged_is_lost(small_disk):
    acknowledged = 0
    with open_store(small_disk / "store") as store:
        with pytest.raises(StoreFull, match="No space"):  # noqa: PT012
            for n in range(200):
                store.write(many((n + 1) * 200, n * 200, LONG))
                acknowledged = (n + 1) * 200
        assert acknowledged >= 200
        assert store.status().posts == acknowledged
        assert store.get(f"p{acknowledged - 1}") is not None
        names = [f"p{i}" for i in range(acknowledged)]
        with pytest.raises(StoreFull, match="vectors"):
            store.put_vectors("m", names, units(acknowledged, dim=8192))
        assert store.vectors(["p0"]) == {}
    with open_store(small_disk / "store") as store:
        assert store.status().posts == acknowledged
        # How much of the disk the record had when the index took the rest is for their threads.
        room = store.status().disk_bytes // 2
        dropped = store.retain(room, 0, T0 + 1e6)
        assert dropped > 0
        assert store.status().disk_bytes <= room
        assert store.write(many(acknowledged + 10, acknowledged)).added == 10
        store.refresh()
        found = store.search("flood", 99_999, per_origin=None)
        assert len(found) == store.status().posts == acknowledged + 10 - dropped


def test_retention_by_size_gives_space_back_oldest_first(folder):
    with open_store(folder) as store:
        for n in range(10):
            store.write(many((n + 1) * 1000, n * 1000))
        store.append_journal(T0, {"q": 1}, ["p3"])
        store.refresh()
        before = store.status().disk_bytes
        wanted = before - 4_000_000
        dropped = store.retain(wanted, 0, T0 + 1e6)
        status = store.status()
        assert status.disk_bytes <= wanted
        assert 0 < dropped < 9500
        assert status.posts == 10_000 - dropped
        held = {p.id for p in store.scan()}
        assert held == {"p3", *(f"p{i}" for i in range(dropped + 1, 10_000))}
        assert set(ids(store.search("flood", 20_000))) == held
        assert store.retain(wanted, 0, T0 + 1e6) == 0


# -- layout ---------------------------------------------------------------------------------


def test_every_acknowledged_batch_is_synced(folder):
    with open_store(folder) as store, store._db.writing() as db:
        assert db.pragma("journal_mode") == "wal"
        assert db.pragma("synchronous") == 2  # FULL
        assert db.pragma("auto_vacuum") == 2  # incremental


def test_the_view_says_how_far_it_is(folder):
    with open_store(folder) as store:
        store.write(many(10))
        store.refresh()
        status = store.status()
        assert status.views == {"text": 10, "vectors": 10}
        assert status.seq == 10
    state = folder / "vectors-1" / "state.json"
    assert not state.exists() or json.loads(state.read_bytes())["seq"] == 10
