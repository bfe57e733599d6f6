"""Trends and stories kept up beside the answering: both from one reading of the record."""

import time
from dataclasses import replace

import pytest

from gnomon import terminal
from gnomon.assemble import rising as following
from gnomon.assemble.background import Background
from gnomon.assemble.chronicle import Chronicle
from gnomon.ingest import take
from gnomon.store.engine import open_store
from gnomon.store.memory import MemoryStore
from gnomon.trends import TrendsView
from gnomon.trends.reading import read, seq_of
from gnomon.trends.story_view import StoryView
from gnomon.types import Batch, Deletion
from trend_streams import DAY, HOUR, MONDAY, chatter, event, write

NOW = MONDAY + 2 * DAY


def told(view):
    file = view.file
    return [file.run(f"SELECT * FROM {name} ORDER BY 1") for name in ("docs", "carried", "stories")]


def counted(view):
    return view._db.execute("SELECT * FROM rows ORDER BY seq").fetchall()


def stream(store):
    """Batches with a copy, an edit and a deletion among them, one after another."""
    posts = [*chatter(1, 8, seed=4), *event("lighthouse", 9, NOW - HOUR)]
    for start in range(0, len(posts), 60):
        some = posts[start : start + 60]
        first = some[0]
        copy = replace(first, id=f"copy{start}", author=f"copier{start}", created_at=NOW)
        edited = replace(some[1], text=f"{some[1].text} 4711 people", fetched_at=NOW + start)
        gone = (Deletion("test", NOW + start, post=first.id),)
        take(Batch("test", posts=(*some, copy)), store)
        take(Batch("test", posts=(edited,), deletions=gone), store)
        yield


def test_one_reading_for_both_views_is_as_good_as_one_for_each():
    store = MemoryStore()
    trends, stories = TrendsView(store), StoryView(store)
    for _ in stream(store):
        given = read(store, trends.seq)
        assert trends.take(given) == stories.step(given=given) == len(given.changes) > 0
    again, later = TrendsView(second := MemoryStore()), StoryView(second)
    for _ in stream(second):
        again.catch_up()
        later.catch_up()
    assert trends.seq == stories.seq == again.seq == later.seq
    assert counted(trends) == counted(again)
    assert told(stories) == told(later)
    assert len(counted(trends)) > 100
    assert len(told(stories)[0]) > 100


def test_a_step_read_elsewhere_in_the_log_is_not_taken():
    store = MemoryStore()
    for _ in stream(store):
        pass
    trends, stories = TrendsView(store), StoryView(store)
    stray = read(store, 50)
    assert stray.changes
    trends.take(stray)
    stories.step(given=stray)
    trends.catch_up()
    stories.catch_up()
    whole, all_stories = TrendsView(store), StoryView(store)
    whole.catch_up()
    all_stories.catch_up()
    assert counted(trends) == counted(whole)
    assert told(stories) == told(all_stories)


def test_both_views_follow_the_record_in_one_thread(tmp_path, monkeypatch):
    monkeypatch.setattr(following, "FOLLOW_S", 0.02)
    with open_store(tmp_path / "store") as store:
        chronicle, background = Chronicle(store, tmp_path / "views", lambda: NOW), Background()
        chronicle.follow(background)
        for _ in stream(store):
            pass
        seq = store.status().seq
        until = time.monotonic() + 20
        while chronicle._opened().seq < seq or chronicle._story_view().seq < seq:
            assert time.monotonic() < until
            time.sleep(0.02)
        background.close()
        assert background.health == {}
        chronicle.close()
        assert seq_of(tmp_path / "views" / "trends.db") == seq
        assert seq_of(tmp_path / "views" / "stories.db") == seq


def test_how_far_a_first_catch_up_is_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(following, "LAG_TOLD", 40)
    with open_store(tmp_path / "store") as store:
        write(store, chatter(1, 4, seed=2))
        seq = store.status().seq
        chronicle = Chronicle(store, tmp_path / "views", lambda: NOW)
        assert chronicle.progress(seq) == {}, "views that nobody asked for are not behind"
        chronicle._story_view().step(30)
        chronicle._opened()
        told = chronicle.progress(seq)
        assert told == {"trends": f"0 of {seq:,} changes", "stories": f"30 of {seq:,} changes"}
        seen = []
        chronicle.watch = lambda *facts: seen.append(facts)
        chronicle.caught_up()
        chronicle.stories_caught_up()
        assert [facts[0] for facts in seen] == ["trends", "stories"]
        assert all(done == of == seq for _, done, of in seen)
        assert chronicle.progress(seq) == {}
        chronicle.close()


@pytest.mark.parametrize("looked_at", [True, False])
def test_a_terminal_shows_it_and_a_pipe_does_not(looked_at, monkeypatch):
    class Rising:
        watch = None

    monkeypatch.setattr(terminal.err, "_force_terminal", looked_at)
    rising = Rising()
    with terminal.catching_up(rising):
        assert (rising.watch is not None) is looked_at
        if rising.watch is not None:
            rising.watch("trends", 40_000, 120_000)
    assert rising.watch is None
