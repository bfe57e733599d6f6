"""The view of trends: exactly once, equal to a rebuilt one, and no larger than it says."""

import os
import random
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import httpx
import numpy as np
import pytest

from gnomon.cli import main
from gnomon.errors import InputError
from gnomon.store.engine import open_store
from gnomon.store.memory import MemoryStore
from gnomon.trends import TrendsView, rising
from gnomon.trends import view as viewing
from gnomon.trends.sketches import Distinct, Tally
from gnomon.trends.windows import FINE_S, HOUR_S
from gnomon.types import Batch, Deletion
from gnomon.wire import parse_span
from serving import running, sample_world
from trend_streams import DAY, HOUR, MONDAY, chatter, event, post, write

NOW = MONDAY + 2 * DAY


def state(view):
    """Everything that is counted, and what each post adds."""
    panes = {
        (length, start): (view.tally(length, start).keys.tolist(),
                          view.tally(length, start).posts.tolist(),
                          view.tally(length, start).voices.tolist())
        for length in (FINE_S, HOUR_S)
        # Five minutes are kept for 26 hours before the newest post that there ever was.
        for start in range(int(NOW - DAY if length == FINE_S else MONDAY), int(NOW), int(length))
        if view.tally(length, start) is not None and len(view.tally(length, start).keys)
    }  # fmt: skip
    rows = view._db.execute("SELECT id, time, author, origin, counted, keys FROM rows ORDER BY id")
    return panes, rows.fetchall()


def stormy(seed):
    """Batches of a stream with copies, reposts, repetitions, edits and deletions, out of order."""
    rng = random.Random(seed)
    posts = chatter(2, 12, seed=seed)
    posts += [
        replace(rng.choice(posts), id=f"copy{n}", author=f"copier{n}", created_at=NOW - n * 60)
        for n in range(40)
    ]
    posts += [
        post(f"re{n}", "", NOW - 90 * n, f"r{n}", repost_of=rng.choice(posts).id) for n in range(40)
    ]
    posts += [
        replace(one, id=f"again{n}", author=posts[0].author, created_at=NOW - 7 * n)
        for n, one in enumerate(posts[50:90])
    ]
    rng.shuffle(posts)
    batches = [Batch("test", posts=tuple(posts[i : i + 97])) for i in range(0, len(posts), 97)]
    for n in range(12):
        edited = [
            replace(one, text=f"{one.text} edited{n}", fetched_at=NOW + n)
            for one in rng.sample(posts, 8)
            if one.text
        ]
        gone = [Deletion("test", NOW + n, post=one.id) for one in rng.sample(posts, 8)]
        place = rng.randrange(len(batches) // 2, len(batches) + 1)
        batches.insert(place, Batch("test", posts=tuple(edited), deletions=tuple(gone)))
    batches.append(Batch("test", deletions=(Deletion("test", NOW + 99, author="p7"),)))
    return batches


@pytest.mark.parametrize("seed", [1, 2])
def test_a_rebuilt_view_equals_a_grown_one(seed, tmp_path):
    from gnomon.ingest import take

    store = MemoryStore()
    grown = TrendsView(store, tmp_path / "grown.db")
    for n, batch in enumerate(stormy(seed)):
        take(batch, store)
        grown.catch_up(most=random.Random(n).randrange(1, 300))
        if n == 9:  # closed and opened again in between
            grown.close()
            grown = TrendsView(store, tmp_path / "grown.db")
    grown.catch_up()
    rebuilt = TrendsView(store)
    rebuilt.catch_up()
    assert grown.seq == rebuilt.seq
    mine, other = state(grown), state(rebuilt)
    assert mine[1] == other[1]
    assert mine[0] == other[0]
    assert len(mine[0]) > 100
    grown.reset()
    grown.catch_up()
    assert state(grown) == other


def test_a_deleted_account_and_an_edit_are_followed():
    store = MemoryStore()
    posts = event("lighthouse", 5, NOW - HOUR)
    write(store, posts)
    view = TrendsView(store)
    view.catch_up()
    edited = replace(posts[0], text="nothing to see here any more", fetched_at=NOW)
    closed = Deletion("test", NOW + 1, author="lighthouse-witness-1")
    store.write(Batch("test", posts=(edited,), deletions=(closed,)))
    view.catch_up()
    found = rising(view, store, 2 * HOUR, now=NOW)
    assert found.posts == 4
    held = [view.rows.of_ids([f"lighthouse-{n}"]) for n in range(5)]
    assert [len(one) for one in held] == [1, 0, 1, 1, 1]


def test_what_retention_drops_stays_counted():
    store = MemoryStore()
    write(store, event("lighthouse", 6, NOW - HOUR))
    view = TrendsView(store)
    view.catch_up()
    assert store.retain(0, 60.0, NOW) > 0
    view.catch_up()
    assert rising(view, store, 2 * HOUR, now=NOW).posts == 6


WORKER = """
import sys
from pathlib import Path
from gnomon.store.engine import open_store
from gnomon.trends import TrendsView, view as viewing
viewing.COMMIT_POSTS, viewing.BATCH = 60, 25
store = open_store(Path(sys.argv[1]), readonly=True)
view = TrendsView(store, Path(sys.argv[2]))
while view.catch_up(most=25):
    print(view.seq, flush=True)
"""


def test_every_post_is_counted_once_across_kill_9(tmp_path):
    with open_store(tmp_path / "store") as store:
        write(store, chatter(2, 12))
        file = tmp_path / "trends.db"
        environment = {**os.environ, "PYTHONPATH": str(Path(viewing.__file__).parents[2])}
        for kills in range(3):
            with subprocess.Popen(
                [sys.executable, "-c", WORKER, str(tmp_path / "store"), str(file)],
                stdout=subprocess.PIPE, env=environment,
            ) as worker:  # fmt: skip
                assert worker.stdout is not None
                for _ in range(3 + kills):
                    assert worker.stdout.readline()
                worker.send_signal(signal.SIGKILL)
        view = TrendsView(store, file)
        assert 0 < view.seq < store.status().seq  # it went on, and was not done
        view.catch_up()
        rebuilt = TrendsView(store)
        rebuilt.catch_up()
        assert state(view) == state(rebuilt)
        assert rising(view, store, 2 * DAY, now=NOW).posts == 576
        view.close()


def test_a_reader_beside_the_writer_sees_what_was_written(tmp_path):
    store = MemoryStore()
    write(store, event("lighthouse", 9, NOW - HOUR))
    writer = TrendsView(store, tmp_path / "trends.db")
    writer.catch_up()
    writer.commit()
    reader = TrendsView(store, tmp_path / "trends.db", readonly=True)
    assert reader.catch_up() == 0
    assert rising(reader, store, 2 * HOUR, now=NOW).posts == 9
    write(store, event("ferry", 3, NOW - HOUR))
    assert reader.behind() > 0
    reader.close()
    writer.close()


# --------------------------------------------------------------------------- bounds


def test_ten_million_words_take_no_more_than_the_tally_says():
    """A Zipf stream over a vocabulary of ten million: memory is fixed, the frequent are exact or
    nearly, and nothing is counted that was not there."""
    rng = np.random.default_rng(7)
    tally = Tally(cap=20_000)
    truth: dict[int, int] = {}
    sizes = []
    for _ in range(60):
        ranks = rng.zipf(1.15, 20_000)
        keys = (
            ranks[ranks < 10_000_000].astype(np.uint64) * np.uint64(2_654_435_761)
        ) >> np.uint64(3)
        ones = np.ones(len(keys), np.int64)
        tally.add(keys, ones, ones)
        sizes.append(tally.nbytes)
        found, counts = np.unique(keys, return_counts=True)
        for key, count in zip(found.tolist(), counts.tolist(), strict=True):
            truth[key] = truth.get(key, 0) + count
    assert len(truth) > 100_000
    assert max(sizes) <= 20_000 * 16 + (1 << 14) * 18
    assert len(tally.keys) == 20_000
    held = dict(zip(tally.keys.tolist(), tally.voices.tolist(), strict=True))
    assert all(held[key] <= truth[key] for key in held)
    frequent = sorted(truth, key=truth.__getitem__, reverse=True)[:2_000]
    assert all(key in held for key in frequent)
    assert all(truth[key] - held[key] <= tally.error for key in frequent)
    again = Tally.from_blobs(20_000, *tally.to_blobs())
    again.add(keys, ones, ones)
    tally.add(keys, ones, ones)
    assert again.keys.tolist() == tally.keys.tolist()


def test_a_word_that_becomes_frequent_late_is_taken_in():
    tally = Tally(cap=1_000)
    every = np.arange(1, 30_001, dtype=np.uint64)
    tally.add(every, np.ones(len(every)), np.ones(len(every)))
    late = np.full(60_000, 999_999, np.uint64)
    tally.add(late, np.ones(len(late)), np.ones(len(late)))
    for _ in range(3):
        tally.add(every, np.ones(len(every)), np.ones(len(every)))
    held = dict(zip(tally.keys.tolist(), tally.voices.tolist(), strict=True))
    assert 0 <= 60_000 - held[999_999] <= tally.error


def test_authors_and_origins_are_estimated_over_joined_windows():
    halves = [Distinct(), Distinct()]
    for half, numbers in zip(halves, (range(0, 60_000), range(40_000, 100_000)), strict=True):
        for number in numbers:
            half.add(number)
        assert len(half.to_bytes()) < 3_000
    joined = Distinct.of_all([Distinct.from_bytes(half.to_bytes()) for half in halves])
    assert abs(joined - 100_000) < 6_000


def test_rows_and_panes_leave_with_their_time(monkeypatch):
    monkeypatch.setattr(viewing, "MOST_ROWS", 150)
    store = MemoryStore()
    view = TrendsView(store)
    for day in range(40):
        write(store, [replace(one, id=f"d{day}-{one.id}") for one in
                      chatter(1, 1, since=MONDAY + day * DAY, seed=day)])  # fmt: skip
        view.catch_up()
    assert view.rows.count() <= 150 + 24
    hours = view.hours(0, 1e11)
    assert len(hours) <= 35 * 24 + 2
    assert hours[0] >= view.newest - 36 * DAY
    assert view.nbytes() < 3_000_000


# --------------------------------------------------------------------------- doors


def test_lengths_of_time_are_read():
    assert [parse_span(text) for text in ("300", "5m", "1.5h", "6 h", "1d", "1w")] == [
        300.0, 300.0, 5400.0, 21600.0, 86400.0, 604800.0,
    ]  # fmt: skip
    for text in ("", "soon", "-5m", "1y", "5 m m", "9" * 30):
        with pytest.raises(InputError, match="no length of time"):
            parse_span(text)


def test_the_api_lists_and_explains_trends(tmp_path):
    with sample_world(tmp_path) as engine, running(engine) as url:
        asked = {"window": "3d", "now": "2026-03-12T12:00:00Z", "k": "3"}
        found = httpx.get(f"{url}/v1/trends", params=asked).json()
        assert found["object"] == "list"
        assert found["until"] == "2026-03-12T12:00:00Z"
        assert 1 <= len(found["data"]) <= 3
        one = found["data"][0]
        assert one["posts"] >= one["origins"] >= one["independent"] > one["expected"]
        assert one["carriers"][0]["excerpt"]
        assert set(one["discount"]) >= {"voices", "independent", "share", "reason"}
        told = httpx.get(f"{url}/v1/trends", params={**asked, "term": "Storm Ottoline"}).json()
        assert told["data"][0]["label"] == "Storm Ottoline"
        for name, value in (
            ("window", "2s"), ("window", "soon"), ("kind", "mood"), ("k", "0"), ("k", "1e3"),
            ("lang", "e n"), ("now", "x"), ("sure", "maybe"), ("foo", "1"), ("term", "x" * 201),
        ):  # fmt: skip
            answer = httpx.get(f"{url}/v1/trends", params={name: value})
            assert answer.status_code == 400, (name, value)
            assert answer.json()["error"]["message"]
        assert httpx.get(f"{url}/v1/trends?term=zzzunheard").status_code == 404


def test_the_command_line_says_what_rises(capsys, tmp_path):
    common = ["--home", str(tmp_path), "trends", "--sample", "--window", "3d"]
    assert main([*common, "--now", "2026-03-12T12:00:00Z", "-k", "4"]) == 0
    shown = capsys.readouterr().out
    assert "voices" in shown
    assert "terms looked at" in shown
    assert main([*common, "--now", "2026-03-12T12:00:00Z", "--json", "storm"]) == 0
    assert '"kind": "term"' in capsys.readouterr().out
    assert main([*common, "--kind", "mood"]) == 2
    assert main([*common, "--window", "1s"]) == 1
