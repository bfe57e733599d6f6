"""The store on disk and the plain one are given the same random batches, and must look the same."""

from __future__ import annotations

import tempfile

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from gnomon.store import reader
from gnomon.store.engine import open_store
from gnomon.store.memory import MemoryStore
from gnomon.types import Batch, Deletion, EdgeKind, Filter, Gap, Link, Post, SetAside
from store_conformance import HOUR, T0, units

IDS = [f"id{i}" for i in range(9)]
WORDS = ["flood", "river", "1,200", "世界", "大战", "東京タワー", "🦊", "don't", "Ünï"]
SOURCES = ["s", "t"]
AUTHORS = ["", "ann", "bob"]
URLS = ["", "https://a.example/1", "http://www.a.example/1?utm_source=x", "https://b.example/"]
AT = st.integers(0, 40).map(lambda n: T0 + 600.0 * n)
names = st.sampled_from(IDS)

posts = st.builds(
    Post,
    id=names,
    text=st.lists(st.sampled_from(WORDS), max_size=5).map(" ".join),
    title=st.sampled_from(["", "", "headline flood"]),
    source=st.sampled_from(SOURCES),
    author=st.sampled_from(AUTHORS),
    lang=st.sampled_from(["", "en", "zh"]),
    created_at=st.one_of(st.none(), AT),
    fetched_at=AT,
    url=st.sampled_from(URLS),
    reply_to=st.sampled_from(["", *IDS]),
    quotes=st.sampled_from(["", *IDS]),
)
links = st.builds(
    Link,
    post=names,
    origin=st.sampled_from([*IDS, "unheld"]),
    kind=st.sampled_from(list(EdgeKind)),
    score=st.sampled_from([0.5, 1.0]),
)
deletions = st.one_of(
    st.builds(Deletion, source=st.sampled_from(SOURCES), at=AT, post=names),
    st.builds(
        Deletion, source=st.sampled_from(SOURCES), at=AT, author=st.sampled_from(AUTHORS[1:])
    ),
)
batches = st.builds(
    Batch,
    source=st.sampled_from(SOURCES),
    posts=st.lists(posts, max_size=6).map(tuple),
    deletions=st.one_of(st.just(()), st.lists(deletions, max_size=2).map(tuple)),
    set_aside=st.lists(
        st.builds(SetAside, st.just("s"), st.sampled_from("ab"), st.just("why"), AT), max_size=1
    ).map(tuple),
    gaps=st.lists(
        st.builds(Gap, st.just("t"), st.one_of(st.none(), AT), AT, st.just("why")), max_size=1
    ).map(tuple),
    cursor=st.sampled_from([None, "1", "2"]),
    links=st.lists(links, max_size=3).map(tuple),
    bands=st.dictionaries(
        names, st.lists(st.integers(0, 3), max_size=2, unique=True).map(tuple), max_size=4
    ),
)
FILTERS = [
    Filter(),
    Filter(since=T0 + 6000, until=T0 + 18_000),
    Filter(sources=("t",), langs=("en", "")),
    Filter(authors=("ann", "")),
]


def standing(store):
    """Of every post held: which one speaks for it, as the text index has it and as it should be."""
    with store._db.reading() as db:
        rows = reader.rows_of(db, IDS)
    found = {}
    for part in (store._text._speaking, store._text._copies):
        for row, speaker in part.speakers("row", list(rows.values())).items():
            assert row not in found
            found[row] = speaker, part is store._text._speaking
    links = store.links(IDS)
    first = store.first_held([link.origin for link in links.values()])
    wanted = {}
    for post, link in links.items():
        speaker = first[link.origin].id
        alone = link.kind is EdgeKind.URL and link.origin != post
        wanted[rows[post]] = rows[speaker], alone or speaker == post
    return found, wanted


def everything(store):
    """All that a caller can see, in a form that does not hang on the order of equal scores."""
    seen = {
        "get": store.get_many(IDS),
        "tail": [(c.seq, c.kind, c.ref) for c in store.tail(0)],
        "links": store.links(IDS),
        "bands": store.band_matches(range(4)),
        "urls": store.by_url([u.replace("http://www.", "https://") for u in URLS]),
        "gaps": store.gaps(),
        "set_asides": store.set_asides(),
        "journal": store.journal(),
        "cursors": [store.cursor(name) for name in SOURCES],
    }
    roots = [*IDS, "unheld"]
    seen["origins"] = store.origins(roots)
    for name in roots:
        seen["members", name] = store.members(name)
        seen["revisions", name] = store.revisions(name)
        seen["tombstone", name] = store.tombstone(name)
        seen["replies", name] = store.replies(name)
    for where in FILTERS:
        seen["scan", where] = list(store.scan(where))
        for word in [*WORDS, "flood river 世"]:
            hits = store.search(word, 50, where, per_origin=None)
            seen["search", word, where] = {h.post.id: h.origin for h in hits}
            collapsed = store.search(word, 50, where)
            assert len({h.origin for h in collapsed}) == len(collapsed)
            seen["origins", word, where] = {h.origin for h in collapsed}
            hours = store.counts_per_hour(word, T0, T0 + 8 * HOUR, where)
            seen["hours", word, where] = hours
    seen["frequencies"] = store.frequencies(["flood", "river", "1200", "世界", "don't"])
    seen["first"] = {name: post.id for name, post in store.first_held(roots).items()}
    status = store.status()
    numbers = ("posts", "origins", "tombstones", "seq", "newest", "oldest", "sources", "vectors")
    seen["status"] = [getattr(status, name) for name in numbers]
    seen["vectors"] = sorted(store.vectors(IDS))
    seen["near"] = {h.post.id for h in store.nearest(units(1)[0], 50, per_origin=None)}
    seen["unembedded"] = [post.id for post in store.unembedded("m", 50)]
    return seen


class TwoStores(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.plain = MemoryStore()
        self.real = open_store(self.folder.name)
        self.written = []
        self.compared = False

    @rule(batch=batches)
    def write(self, batch):
        self.compare_written(batch)
        self.written.append(batch)

    @rule(n=st.integers(0, 50))
    def write_again(self, n):
        """Batches come twice, and old ones late."""
        if self.written:
            self.compare_written(self.written[n % len(self.written)])

    def compare_written(self, batch):
        assert self.plain.write(batch) == self.real.write(batch)
        self.compared = False

    @rule(some=st.lists(names, unique=True, max_size=3))
    def put_vectors(self, some):
        for store in (self.plain, self.real):
            store.put_vectors("m", some, units(9)[: len(some)])
        self.compared = False

    @rule(at=AT, cites=st.lists(names, max_size=3))
    def journal(self, at, cites):
        held = self.plain.get_many(cites)
        quotes = [{"post": p.id, "quote": p.text} for p in held.values()]
        body = {"at": at, "evidence": quotes, "text": " / ".join(p.text for p in held.values())}
        for store in (self.plain, self.real):
            store.append_journal(at, body, cites)
        self.compared = False

    @rule(age=st.integers(1, 30))
    def retain(self, age):
        now = T0 + 600.0 * 40
        gone = [store.retain(0, 600.0 * age, now) for store in (self.plain, self.real)]
        assert gone[0] == gone[1]
        self.compared = False

    @rule()
    def reopen(self):
        self.real.close()
        self.real = open_store(self.folder.name)

    @invariant()
    def look_the_same(self):
        if self.compared:
            return
        self.compared = True
        self.real.refresh()
        found, wanted = standing(self.real)
        assert found == wanted
        plain, real = everything(self.plain), everything(self.real)
        for key, value in plain.items():
            assert real[key] == value, key

    def teardown(self):
        self.real.close()
        self.folder.cleanup()


@pytest.mark.timeout(240)
def test_both_stores_look_the_same_after_any_batches():
    run_state_machine_as_test(
        TwoStores,
        settings=settings(
            max_examples=25,
            stateful_step_count=12,
            deadline=None,
            phases=[Phase.explicit, Phase.reuse, Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )
