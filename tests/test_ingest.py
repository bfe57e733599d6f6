"""Ingest: a real source through origins and language into a store; full disks; failing sources."""

import threading
import time
from dataclasses import replace

import pytest

from gnomon.errors import SourceError, StoreFull, Unreachable
from gnomon.ingest import BATCH_POSTS, ingest, language, prepare, take
from gnomon.sources.network import Network
from gnomon.store.memory import MemoryStore
from gnomon.types import Batch, Deletion, EdgeKind, Gap, Post, SetAside

TEXT = "A barge struck the old bridge in Porto Verde this morning and nobody was hurt"


def post(n, text=TEXT, **fields):
    return Post(id=f"p{n}", text=text, source="s", fetched_at=1000.0 + n, **fields)


class Listed:
    """A source that yields the batches it was given, after the one its cursor names."""

    name = "listed"

    def __init__(self, *batches, error=None):
        self.batches, self.error = batches, error

    def steps(self, cursor):
        yield from self.batches[int(cursor or 0) :]
        if self.error:
            raise self.error


@pytest.fixture
def network():
    with Network() as network:
        yield network


def test_a_source_ends_up_in_the_store_with_links_languages_and_counts(network):
    store = MemoryStore()
    first = Batch("listed", posts=(post(1), post(2, TEXT + " 🔥"), post(3, "今天下午大桥已经关闭")),
                  set_aside=(SetAside("listed", "row 4", "no text", 1.0),), cursor="1")  # fmt: skip
    second = Batch("listed", posts=(post(1),), deletions=(Deletion("listed", 5000.0, post="p3"),),
                   gaps=(Gap("listed", None, 2.0, "too old"),), cursor="2")  # fmt: skip
    seen = []
    report = ingest(Listed(first, second), store, network=network, on_progress=seen.append)
    assert (report.added, report.unchanged, report.deleted, report.set_aside, report.gaps) == (
        3, 1, 1, 1, 1,
    )  # fmt: skip
    assert (report.origins, report.batches, report.error, report.source) == (2, 2, "", "listed")
    assert report.posts == 4
    assert report.posts_per_s > 0
    assert [r.batches for r in seen] == [1, 2]
    assert store.links(["p2"])["p2"].kind is EdgeKind.COPY
    assert store.get("p1").lang == "en"
    assert store.get("p3") is None
    again = ingest(Listed(first, second), store, network=network)
    assert again.batches == 0, "the cursor was not used"


def test_what_a_failing_source_gave_is_kept_and_its_reason_reported(network):
    store = MemoryStore()
    report = ingest(
        Listed(Batch("listed", posts=(post(1),)), error=Unreachable("the other side is gone")),
        store,
        network=network,
    )
    assert report.added == 1
    assert report.error == "the other side is gone"
    with pytest.raises(SourceError):
        raise Unreachable("so that the test knows the tree")


def test_it_stops_when_asked(network):
    class Endless:
        name = "endless"

        def steps(self, cursor):
            n = 0
            while True:
                n += 1
                yield Batch("endless", posts=(post(n, f"post number {n}"),))

    stop = threading.Event()
    threading.Timer(0.2, stop.set).start()
    began = time.monotonic()
    report = ingest(Endless(), MemoryStore(), network=network, stop=stop)
    assert report.added > 0
    assert time.monotonic() - began < 5


class Full(MemoryStore):
    """Full until ``retain`` made room for it."""

    def __init__(self, drops):
        super().__init__()
        self.drops, self.full, self.asked = drops, True, []

    def write(self, batch):
        if self.full:
            raise StoreFull("no space is left; raise max_disk_mb.")
        return super().write(batch)

    def retain(self, max_bytes, max_age_s, now):
        self.asked.append((max_bytes, max_age_s))
        self.full = self.drops == 0
        return self.drops


def test_a_full_store_makes_room_once(network):
    store = Full(drops=3)
    batches = Listed(Batch("listed", posts=(post(1),)))
    report = ingest(batches, store, network=network, max_bytes=10, max_age_s=5.0)
    assert (report.added, report.retained_away, store.asked) == (1, 3, [(10, 5.0)])
    with pytest.raises(StoreFull):
        ingest(batches, Full(drops=0), network=network)


def test_loose_posts_in_batches_and_one_batch():
    store = MemoryStore()
    posts = [post(n, f"word{n} other{n * 7} third{n * 13}") for n in range(BATCH_POSTS + 10)]
    report = take(iter(posts), store, source="file:x")
    assert (report.added, report.batches) == (len(posts), 2)
    assert take(Batch("s", posts=(post(-1),)), store).added == 1
    whole = Batch("s", posts=tuple(posts), cursor="end")
    other = MemoryStore()
    assert take(whole, other).batches == 2
    assert other.cursor("s") == "end"


def test_prepare_keeps_what_the_source_said():
    store = MemoryStore()
    batch = Batch("s", posts=(post(1, lang="pt"), post(2, "lol"), post(3)), cursor="c")
    ready = prepare(batch, store)
    assert [p.lang for p in ready.posts] == ["pt", "", "en"]
    assert replace(ready, posts=batch.posts, links=(), bands={}) == batch
    empty = Batch("s", cursor="d")
    assert prepare(empty, store) is empty


@pytest.mark.parametrize(
    ("text", "lang"),
    [
        (TEXT, "en"),
        ("今天下午大桥已经关闭，请绕行", "zh"),
        ("Die Brücke ist seit heute Morgen für den Verkehr gesperrt", "de"),
        ("El puente está cerrado desde esta mañana por un accidente", "es"),
        ("東京で大きな地震がありました", "ja"),
        ("大橋今日下午已經關閉，請繞行の", "zh"),
        ("다리가 오늘 아침부터 통제되고 있습니다", "ko"),
        ("Мост закрыт с сегодняшнего утра", "ru"),
        ("lol", ""),
        ("", ""),
        ("😀😀😀", ""),
        ("好", ""),
        ("https://a.example/x @bob #tag", ""),
    ],
)
def test_language(text, lang):
    assert language(text) == lang
