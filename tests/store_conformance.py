"""What every store does alike, whatever its engine: subclass StoreConformance and give `store`."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from gnomon.errors import StoreError
from gnomon.store.contract import Store
from gnomon.text.urls import canonical
from gnomon.types import (
    Batch,
    Deletion,
    EdgeKind,
    Filter,
    Gap,
    Link,
    Post,
    SetAside,
)

T0 = 1_700_000_000.0
HOUR = 3600.0


def post(name, text, at=0.0, **more):
    more.setdefault("created_at", T0 + at)
    more.setdefault("fetched_at", T0 + at + 1)
    more.setdefault("source", "s")
    return Post(id=name, text=text, **more)


def batch(*posts, **more):
    return Batch(source=more.pop("source", "s"), posts=posts, **more)


def delete(name, at=1e6, **more):
    return batch(deletions=(Deletion("s", T0 + at, post=name, **more),))


def ids(hits):
    return [hit.post.id for hit in hits]


def units(n, dim=16, seed=0):
    vectors = np.random.default_rng(seed).standard_normal((n, dim)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


class StoreConformance:
    @pytest.fixture
    def store(self):
        raise NotImplementedError

    def fill(self, store: Store, *batches):
        written = [store.write(one) for one in batches]
        store.refresh()
        return written[-1]

    # -- posts ----------------------------------------------------------------------------------
    def test_an_empty_store_answers_everything(self, store):
        assert store.get("x") is None
        assert store.get_many(["x"]) == {}
        assert store.revisions("x") == [] == store.replies("x") == store.members("x")
        assert store.tombstone("x") is None
        assert list(store.scan()) == [] == store.tail(0)
        assert store.search("anything", 5) == []
        assert store.nearest(units(1)[0], 5) == []
        assert store.vectors(["x"]) == {} == store.links(["x"]) == store.origins(["x"])
        assert store.unembedded("m", 5) == []
        assert store.counts_per_hour("x", T0, T0) == []
        assert store.band_matches([1, 2]) == {} == store.by_url(["https://a.example/"])
        assert store.cursor("s") is None
        assert store.receipt("x") is None
        assert store.gaps() == [] == store.set_asides() == store.journal()
        status = store.status()
        assert (status.posts, status.origins, status.newest, status.oldest) == (0, 0, None, None)

    def test_a_post_comes_back_as_it_went_in(self, store):
        full = post(
            "full",
            "Wörter, 世界大战 und 🦊",
            author="ann",
            title="T",
            lang="de",
            url="https://Example.org/a?utm_source=x",
            reply_to="r",
            repost_of="o",
            quotes="q",
            links=("https://a.example/1",),
            media=("https://a.example/2",),
            labels=("l",),
            counts={"likes": 3},
            extra={"big": 2**70, "nested": {"a": [1, None, "ü"]}},
        )
        broken = post("broken", "half an emoji \ud83e stays", created_at=None)
        self.fill(store, batch(full, broken))
        assert store.get("full") == full
        assert store.get("broken") == broken
        assert store.get_many(["broken", "none", "full"]) == {"broken": broken, "full": full}
        assert ids(store.search("fuchs emoji", 5)) == ["broken"]

    def test_broken_names_do_not_stop_a_batch(self, store):
        broken = post("x\ud800", "words", author="\udfff", url="https://e.example/\ud800")
        links = (Link("x\ud800", "fine", EdgeKind.COPY),)
        written = self.fill(store, batch(post("fine", "words"), broken, links=links))
        assert written.added == 2
        assert len(store.search("words", 5, per_origin=None)) == 2

    def test_writing_the_same_batch_again_changes_nothing(self, store):
        same = batch(
            post("a", "first words", fetched_at=T0 + 5),
            post("a", "second words", fetched_at=T0 + 5),
            post("b", "other words", url="https://e.example/1"),
            links=(Link("b", "a", EdgeKind.URL, 1.0),),
            bands={"a": (1, 2), "b": (2,)},
            set_aside=(SetAside("s", "line 3", "no JSON", T0),),
            gaps=(Gap("s", T0, T0 + 9, "too old"),),
            cursor="c1",
            deletions=(Deletion("s", T0, post="never-seen"),),
        )
        first = store.write(same)
        assert (first.added, first.edited, first.set_aside) == (2, 1, 1)
        before = (store.status().seq, store.tail(0), store.links(["a", "b"]))
        again = store.write(same)
        assert (again.added, again.edited, again.unchanged, again.set_aside) == (0, 0, 3, 0)
        assert (store.status().seq, store.tail(0), store.links(["a", "b"])) == before
        assert [r.text for r in store.revisions("a")] == ["first words"]
        assert len(store.set_asides()) == len(store.gaps()) == 1
        assert store.cursor("s") == "c1"

    def test_an_edit_keeps_the_old_text_and_moves_the_index(self, store):
        self.fill(store, batch(post("a", "the old wording", fetched_at=T0), bands={"a": (7,)}))
        store.put_vectors("m", ["a"], units(1))
        edit = post("a", "the new phrase", fetched_at=T0 + 50)
        written = self.fill(store, batch(edit, bands={"a": (8,)}))
        assert (written.added, written.edited) == (0, 1)
        assert store.get("a") == edit
        [old] = store.revisions("a")
        assert (old.post, old.text, old.replaced_at) == ("a", "the old wording", T0 + 50)
        assert store.search("wording", 5) == []
        assert ids(store.search("phrase", 5)) == ["a"]
        assert store.band_matches([7, 8]) == {8: ["a"]}
        assert store.vectors(["a"]) == {}
        assert [p.id for p in store.unembedded("m", 5)] == ["a"]
        stale = post("a", "the old wording", fetched_at=T0)
        assert store.write(batch(stale)).unchanged == 1
        assert store.write(batch(post("a", "the old wording", fetched_at=T0 + 90))).edited == 1
        assert [r.text for r in store.revisions("a")] == ["the old wording", "the new phrase"]

    def test_a_changed_title_is_an_edit_and_counts_are_not(self, store):
        store.write(batch(post("a", "text", title="One")))
        liked = post("a", "text", title="One", fetched_at=T0 + 9, counts={"likes": 9})
        assert store.write(batch(liked)).unchanged == 1
        assert store.write(batch(post("a", "text", title="Two", fetched_at=T0 + 9))).edited == 1

    # -- deletions ------------------------------------------------------------------------------
    def test_a_deletion_reaches_everything_and_stays(self, store):
        held = post("a", "secret words", url="https://e.example/x", author="ann", reply_to="r")
        self.fill(
            store,
            batch(held, bands={"a": (5,)}),
            batch(post("a", "secret words again", fetched_at=T0 + 9, url=held.url)),
        )
        store.put_vectors("m", ["a"], units(1))
        written = self.fill(store, delete("a", 20, reason="gone"))
        assert written.deleted == 1
        assert store.get("a") is None
        assert store.tombstone("a") == "gone"
        assert store.search("secret words again", 5) == [] == store.nearest(units(1)[0], 5)
        assert store.revisions("a") == []
        assert store.vectors(["a"]) == {} == store.links(["a"])
        assert store.band_matches([5]) == {} == store.by_url([canonical(held.url)])
        assert store.replies("r") == []
        assert list(store.scan()) == []
        assert [c.kind for c in store.tail(0)] == ["delete"]
        assert store.write(batch(held)).buried == 1
        status = store.status()
        assert (status.posts, status.tombstones, status.vectors) == (0, 1, 0)
        assert store.write(delete("a", 20)).deleted == 0

    def test_a_deletion_may_come_before_its_post(self, store):
        assert store.write(delete("a", 10)).deleted == 0
        assert store.write(batch(post("a", "late", 5))).buried == 1
        assert store.tombstone("a")
        assert store.get("a") is None

    def test_a_post_newer_than_its_tombstone_lives(self, store):
        store.write(delete("a", 10))
        assert store.write(batch(post("a", "said after", 20))).added == 1
        assert store.tombstone("a") is None
        assert store.get("a") is not None
        assert store.status().tombstones == 0
        assert store.write(delete("a", 10)).deleted == 0  # the old deletion come again

    def test_a_clock_that_runs_ahead_does_not_outlive_a_deletion(self, store):
        store.write(batch(post("a", "from the future", created_at=T0 + 600, fetched_at=T0)))
        assert store.write(delete("a", 60)).deleted == 1

    def test_a_closed_account_takes_its_posts_with_it(self, store):
        store.write(batch(post("a", "one", author="ann"), post("b", "two", author="bob")))
        store.write(batch(post("c", "three", author="ann", source="t"), source="t"))
        gone = store.write(batch(deletions=(Deletion("s", T0 + 50, author="ann"),)))
        assert gone.deleted == 1
        assert {p.id for p in store.scan()} == {"b", "c"}
        assert store.tombstone("a")
        assert store.write(batch(post("d", "before", 40, author="ann"))).buried == 1
        assert store.write(batch(post("e", "after", 60, author="ann"))).added == 1

    def test_deletions_of_a_batch_follow_its_posts(self, store):
        both = batch(post("a", "x"), deletions=(Deletion("s", T0 + 9, post="a"),))
        written = store.write(both)
        assert (written.added, written.deleted) == (1, 1)
        assert store.get("a") is None

    # -- searching ------------------------------------------------------------------------------
    def test_any_word_matches_in_any_script(self, store):
        texts = {
            "en": "The bridge collapsed at 1,200 metres",
            "zh": "第二次世界大战结束",
            "ja": "東京タワーに行った",
            "ko": "서울 시청 앞",
            "ar": "السلام عليكم",
            "emoji": "🦊🔥 only",
            "case": "ISTANBUL Straße don't",
        }
        self.fill(store, batch(*(post(name, text) for name, text in texts.items())))
        for words, name in (
            ("bridges BRIDGE", "en"),
            ("1200", "en"),
            ("世界", "zh"),
            ("大战", "zh"),
            ("タワー", "ja"),
            ("行", "ja"),
            ("시청", "ko"),
            ("عليكم", "ar"),
            ("only", "emoji"),
            ("STRASSE", "case"),
            ("don’t", "case"),
        ):
            assert ids(store.search(words, 5)) == [name], words
        assert store.search("🦊", 5) == [] == store.search("美国", 5)

    def test_no_text_is_a_syntax_error(self, store):
        self.fill(store, batch(post("a", "plain words here")))
        for text in ('"', "a AND (", "text:x~2^", "*", "", " \n", "\ud800", "\x00", "-words +here"):
            store.search(text, 3)
        assert ids(store.search('words AND (" -here', 3)) == ["a"]
        assert ids(store.search("words " + " ".join(f"x{i}" for i in range(20_000)), 3)) == ["a"]

    def test_rarer_words_and_shorter_posts_rank_higher(self, store):
        common = [post(f"c{i}", f"common filler number{i}") for i in range(20)]
        self.fill(
            store,
            batch(*common, post("rare", "common zebra"), post("long", "zebra " + "word " * 200)),
        )
        assert ids(store.search("common zebra", 2)) == ["rare", "long"]
        hits = store.search("common zebra", 30)
        assert [h.score for h in hits] == sorted((h.score for h in hits), reverse=True)

    def test_english_words_meet_by_their_stem_and_are_counted_as_written(self, store):
        self.fill(store, batch(post("a", "The bridge reopened"), post("b", "桥 running 1,200")))
        assert ids(store.search("reopening bridges", 5)) == ["a"]
        assert ids(store.search("run", 5)) == ids(store.search("1200", 5)) == ["b"]
        held = store.frequencies(["reopened", "reopen", "running"])
        assert held == {"reopened": 1, "reopen": 0, "running": 1}
        assert sum(n for _, n in store.counts_per_hour("reopen", T0, T0 + HOUR)) == 0
        assert sum(n for _, n in store.counts_per_hour("reopened", T0, T0 + HOUR)) == 1

    def test_a_title_is_searched_too(self, store):
        self.fill(store, batch(post("a", "body", title="Headline")))
        assert ids(store.search("headline", 5)) == ["a"]

    def test_filters(self, store):
        self.fill(
            store,
            batch(
                post("a", "word", 0, author="ann", lang="en"),
                post("b", "word", 10, author="bob", lang="zh"),
                post("c", "word", 20, source="t", author="ann", lang="en"),
                post("d", "word", 30.5, created_at=None, author="", lang=""),
            ),
        )
        store.put_vectors("m", ["a", "b", "c", "d"], units(4))
        for where, wanted in (
            (Filter(), "abcd"),
            (Filter(since=T0 + 10), "bcd"),
            (Filter(until=T0 + 10), "a"),
            (Filter(since=T0 + 10, until=T0 + 20), "b"),
            (Filter(since=T0 + 31.5, until=T0 + 31.6), "d"),
            (Filter(sources=("t",)), "c"),
            (Filter(sources=("t", "s")), "abcd"),
            (Filter(authors=("ann",)), "ac"),
            (Filter(authors=("",)), "d"),
            (Filter(authors=("", "bob")), "bd"),
            (Filter(langs=("zh", "")), "bd"),
            (Filter(authors=("ann",), sources=("s",), langs=("en",), until=T0 + 1), "a"),
            (Filter(authors=("nobody",)), ""),
            (Filter(since=-1e300, until=1e300), "abcd"),
        ):
            assert set(ids(store.search("word", 9, where))) == set(wanted), where
            assert {p.id for p in store.scan(where)} == set(wanted), where
            assert set(ids(store.nearest(units(1)[0], 9, where))) == set(wanted), where

    def test_domains_and_authors_left_out(self, store):
        at = "https://news.example.org/1"
        self.fill(
            store,
            batch(
                post("a", "word", 0, author="Ann", url=at),
                post("b", "word", 10, author="@bob", url="https://www.other.test:8080/x?y"),
                post("c", "word", 20, source="feed:https://example.org/rss"),
                post("d", "word", 30, author="ann"),
            ),
        )
        store.put_vectors("m", ["a", "b", "c", "d"], units(4))
        for where, wanted in (
            (Filter(domains=("example.org",)), "ac"),
            (Filter(domains=("https://News.Example.org/",)), "a"),
            (Filter(domains=("ample.org",)), ""),
            (Filter(domains=("other.test", "example.org")), "abc"),
            (Filter(not_domains=("example.org",)), "bd"),
            (Filter(domains=("example.org",), not_domains=("news.example.org",)), "c"),
            (Filter(not_authors=("@ANN",)), "bc"),
            (Filter(not_authors=("Bob",), until=T0 + 25), "ac"),
        ):
            assert set(ids(store.search("word", 9, where))) == set(wanted), where
            assert {p.id for p in store.scan(where)} == set(wanted), where
            assert set(ids(store.nearest(units(1)[0], 9, where))) == set(wanted), where
            counted = store.counts_per_hour("word", T0, T0 + 60, where)
            assert sum(count for _, count in counted) == len(wanted), where

    def test_scan_is_newest_first(self, store):
        store.write(batch(*(post(f"p{i}", "x", (i * 7) % 1200) for i in range(1200))))
        times = [p.time for p in store.scan()]
        assert len(times) == 1200
        assert times == sorted(times, reverse=True)
        assert [p.time for p in store.scan(limit=3)] == times[:3]

    # -- origins --------------------------------------------------------------------------------
    def test_ten_thousand_copies_cannot_push_others_out(self, store):
        copies = [post(f"c{i}", "flood warning river", i, author=f"u{i}") for i in range(10_000)]
        links = [Link(p.id, "c0", EdgeKind.COPY, 0.9) for p in copies[1:]]
        others = [post(f"o{i}", f"flood warning river and more words {i}") for i in range(5)]
        self.fill(store, batch(*copies, links=tuple(links)), batch(*others))
        hits = store.search("flood warning river", 6)
        assert len(hits) == 6
        assert {h.origin for h in hits} == {"c0", *(o.id for o in others)}
        assert len(store.search("flood warning river", 50)) == 6
        two = store.search("flood", 50, per_origin=2)
        assert sum(h.origin == "c0" for h in two) == 2
        assert len(two) == 7
        assert len(store.search("flood", 300, per_origin=None)) == 300
        origin = store.origins(["c0", "none"])["c0"]
        assert (origin.posts, origin.authors, origin.first_seen) == (10_000, 10_000, T0)
        assert store.status().origins == 6

    def test_nearest_collapses_origins_too(self, store):
        copies = [post(f"c{i}", "same") for i in range(1500)]
        vector = units(1)[0]
        others = [post(f"o{i}", f"other {i}") for i in range(3)]
        links = tuple(Link(p.id, "c0", EdgeKind.COPY) for p in copies[1:])
        self.fill(store, batch(*copies, *others, links=links))
        store.put_vectors("m", [p.id for p in copies], np.tile(vector, (1500, 1)))
        store.put_vectors("m", [p.id for p in others], units(3, seed=2))
        assert {h.origin for h in store.nearest(vector, 4)} == {"c0", "o0", "o1", "o2"}

    def test_a_root_that_goes_leaves_its_place_to_the_next_earliest(self, store):
        posts = [post("root", "w", 1), post("late", "w", 9), post("early", "w", 5)]
        links = [Link(p.id, "root", EdgeKind.REPOST) for p in posts[1:]]
        self.fill(store, batch(*posts, links=tuple(links)))
        assert [p.id for p in store.members("root")] == ["root", "early", "late"]
        self.fill(store, delete("root", 20))
        assert store.links(["early", "late"]) == {
            "early": Link("early", "early", EdgeKind.ROOT),
            "late": Link("late", "early", EdgeKind.REPOST),
        }
        assert store.origins(["root"]) == {}
        assert store.origins(["early"])["early"].posts == 2
        assert [h.origin for h in store.search("w", 5)] == ["early"]
        self.fill(store, batch(post("more", "w", 30), links=(Link("more", "root", EdgeKind.COPY),)))
        assert store.links(["more"])["more"].origin == "early"

    def test_who_was_held_first_is_no_matter_of_claimed_times(self, store):
        posts = [
            replace(post(name, "w", said), fetched_at=T0 + held)
            for name, said, held in (("old", 1, 50), ("first", 5, 20), ("page", 2, 10))
        ]
        links = (Link("first", "old", EdgeKind.COPY), Link("page", "old", EdgeKind.URL))
        self.fill(store, batch(*posts, post("other", "w v"), links=links))
        assert store.first_held(["old", "other", "none"]) == {
            "old": store.get("first"),  # "page" names another as its source
            "other": store.get("other"),
        }
        self.fill(store, delete("first", 100))
        assert store.first_held(["old"])["old"].id == "old"
        self.fill(store, delete("old", 100))
        assert store.first_held(["page"])["page"].id == "page"

    def test_frequencies_count_origins_not_copies(self, store):
        posts = [post(f"c{i}", f"bridge {i}") for i in range(6)]
        links = tuple(Link(p.id, "c0", EdgeKind.COPY) for p in posts[1:4])
        self.fill(store, batch(*posts, links=links))
        assert store.frequencies(["bridge", "3", "0", "none"]) == {
            "bridge": 3, "3": 0, "0": 1, "none": 0,
        }  # fmt: skip
        self.fill(store, batch(links=(Link("c3", "c3", EdgeKind.ROOT),)))
        assert store.frequencies(["bridge", "3"]) == {"bridge": 4, "3": 1}
        self.fill(store, batch(links=(Link("c5", "c0", EdgeKind.COPY),)))
        assert store.frequencies(["bridge", "5"]) == {"bridge": 3, "5": 0}

    def test_copies_move_no_score_and_no_order(self, store):
        """Not even one that claims to be older and becomes the root."""
        said = [
            post("first", "the old bridge is closed", 50),
            *(post(f"other{i}", f"the new bridge {'word ' * i}", 60) for i in range(5)),
        ]
        self.fill(store, batch(*said))
        where = "the old bridge", 9
        before = [(h.post.id, h.score) for h in store.search(*where)]
        copies = [post(f"c{i}", f"WOW the old bridge is closed {i}", 70 - i) for i in range(40)]
        copies = [replace(copy, fetched_at=T0 + 100) for copy in copies]
        links = [Link(copy.id, "first", EdgeKind.COPY) for copy in copies]
        self.fill(store, batch(*copies, links=links))
        assert [(h.post.id, h.score) for h in store.search(*where)] == before
        self.fill(store, batch(links=[Link("first", "c39", EdgeKind.COPY)]))
        assert store.links(["first"])["first"].origin == "c39"
        hits = store.search(*where)
        assert [(h.post.id, h.score) for h in hits] == before
        assert {h.origin for h in hits if h.post.id == "first"} == {"c39"}
        # One more takes the place behind it, and none is lost.
        assert ids(store.search(*where, per_origin=2))[:2] == ["first", "c0"]
        assert len(store.search("bridge", 99, per_origin=None)) == 46

    def test_a_copy_is_found_by_what_it_alone_says_and_by_who_passed_it_on(self, store):
        root = post("root", "the bridge is closed", author="ann", lang="en")
        copy = post("copy", "the bridge is closed terrible", 60, author="bob", lang="de")
        late = post("late", "the bridge is closed", 9 * HOUR, author="bob", source="t")
        links = [Link(p.id, "root", EdgeKind.COPY) for p in (copy, late)]
        self.fill(store, batch(root, copy, late, links=links))
        assert ids(store.search("bridge", 9)) == ["root"]
        assert ids(store.search("terrible", 9)) == ["copy"]
        assert ids(store.search("terrible bridge", 9, per_origin=3)) == ["root", "copy", "late"]
        for where, found in (
            (Filter(authors=("bob",)), "late"),  # the shorter one
            (Filter(not_authors=("ann",)), "late"),
            (Filter(langs=("de",)), "copy"),
            (Filter(sources=("t",)), "late"),
            (Filter(since=T0 + HOUR), "late"),
        ):
            [hit] = store.search("bridge", 9, where)
            assert (hit.post.id, hit.origin) == (found, "root"), where

    def test_who_speaks_for_an_origin_is_as_it_is_held_now(self, store):
        """Words are counted once for an origin: those of the post that was held first."""
        posts = [
            replace(post(name, f"bridge {name}", said), fetched_at=T0 + held)
            for name, said, held in (("root", 1, 50), ("first", 5, 20), ("last", 9, 60))
        ]
        links = tuple(Link(name, "root", EdgeKind.COPY) for name in ("first", "last"))
        self.fill(store, batch(*posts, links=links))

        def counted():
            return store.frequencies(["bridge", "root", "first", "last"])

        assert counted() == {"bridge": 1, "root": 0, "first": 1, "last": 0}
        self.fill(store, delete("first", 100))
        assert counted() == {"bridge": 1, "root": 1, "first": 0, "last": 0}
        self.fill(store, batch(post("root", "other words", fetched_at=T0 + 70)))
        assert counted() == {"bridge": 1, "root": 0, "first": 0, "last": 1}
        early = replace(post("early", "bridge early", 0), fetched_at=T0 + 5)
        self.fill(store, batch(early, links=(Link("early", "root", EdgeKind.COPY),)))
        assert counted() == {"bridge": 1, "root": 0, "first": 0, "last": 0}
        assert store.frequencies(["early"]) == {"early": 1}
        self.fill(store, batch(links=(Link("early", "early", EdgeKind.ROOT),)))
        assert counted() == {"bridge": 2, "root": 0, "first": 0, "last": 1}
        repost = post("repost", "of nobody held", 3)
        self.fill(store, batch(repost, links=(Link("repost", "unheld", EdgeKind.REPOST),)))
        assert store.frequencies(["nobody"]) == {"nobody": 1}

    def test_origins_that_merge_take_their_members_along(self, store):
        posts = [post(name, "w", i) for i, name in enumerate("abcd")]
        links = (Link("d", "c", EdgeKind.COPY, 0.8), Link("b", "a", EdgeKind.COPY, 0.7))
        store.write(batch(*posts, links=links))
        seq = store.status().seq
        store.write(batch(links=(Link("c", "a", EdgeKind.URL),)))
        assert {link.origin for link in store.links(list("abcd")).values()} == {"a"}
        assert [(c.kind, c.ref) for c in store.tail(seq)] == [("link", "c"), ("link", "d")]
        # A link to a post that is itself a member means that member's root.
        store.write(batch(post("e", "w"), links=(Link("e", "d", EdgeKind.QUOTE),)))
        assert store.links(["e"])["e"].origin == "a"
        # An earlier root is found later: the old root becomes its member, and all follow.
        store.write(batch(post("z", "w", -9), links=(Link("a", "z", EdgeKind.COPY),)))
        assert store.origins(["z"])["z"].posts == 6
        # Its own follower becomes the root.
        store.write(batch(links=(Link("z", "e", EdgeKind.COPY),)))
        assert store.origins(["e"])["e"].posts == 6
        assert store.status().origins == 1

    def test_a_link_to_itself_takes_a_post_out_of_its_origin(self, store):
        posts = [post(name, "w", i) for i, name in enumerate("abc")]
        store.write(batch(*posts, links=[Link(n, "a", EdgeKind.COPY, 0.9) for n in "bc"]))
        seq = store.status().seq
        store.write(batch(links=(Link("c", "c", EdgeKind.ROOT), Link("b", "c", EdgeKind.COPY))))
        assert {k: v.origin for k, v in store.links(list("abc")).items()} == {
            "a": "a", "b": "c", "c": "c",
        }  # fmt: skip
        assert store.links(["c"])["c"] == Link("c", "c", EdgeKind.ROOT)
        assert {c.ref for c in store.tail(seq)} == {"b", "c"}
        assert (store.origins(["a"])["a"].posts, store.origins(["c"])["c"].posts) == (1, 2)
        self.fill(store, batch(post("d", "w"), links=(Link("d", "c", EdgeKind.URL),)))
        assert len(store.search("w", 9)) == 2

    def test_keys_of_a_held_post_are_replaced_and_a_batch_may_be_of_no_source(self, store):
        store.write(batch(post("a", "x"), post("b", "x"), bands={"a": (1, 2)}))
        seq = store.status().seq
        store.write(Batch("", bands={"a": (2, 3), "b": (3,), "nobody": (3,)}))
        assert store.band_matches([1, 2, 3]) == {2: ["a"], 3: ["a", "b"]}
        store.write(Batch("", bands={"b": ()}))
        assert store.band_matches([3]) == {3: ["a"]}
        assert store.status().seq == seq
        assert [source.source for source in store.status().sources] == ["s"]

    def test_an_origin_need_not_be_held(self, store):
        posts = [post("r1", "w", 2, repost_of="unheld"), post("r2", "w", 1, repost_of="unheld")]
        links = tuple(Link(p.id, "unheld", EdgeKind.REPOST) for p in posts)
        self.fill(store, batch(*posts, links=links))
        assert len(store.search("w", 5)) == 1
        assert store.status().origins == 1
        assert [p.id for p in store.members("unheld")] == ["r2", "r1"]
        store.write(batch(post("unheld", "w", 0)))
        assert store.origins(["unheld"])["unheld"].posts == 3

    def test_a_post_linked_twice_in_a_batch_keeps_the_last_link(self, store):
        half = Link("a", "a", EdgeKind.ROOT, 0.5)
        self.fill(store, batch(post("a", "x"), links=(half, Link("a", "a", EdgeKind.ROOT))))
        assert store.links(["a"])["a"].score == 1.0

    def test_bands_urls_and_replies(self, store):
        key = (1 << 64) - 1
        many = [post(f"m{i:02}", "x", 50 - i) for i in range(24)]
        store.write(batch(*many, bands={p.id: (key, 5, -1 & key, -2) for p in many}))
        assert store.band_matches([key, 5, 6, -2]) == {
            key: [p.id for p in many[:16]],
            5: [p.id for p in many[:16]],
            -2: [p.id for p in many[:16]],
        }
        store.write(
            batch(
                post("u2", "x", 9, url="http://www.News.example/a/?utm_medium=x"),
                post("u1", "x", 3, url="https://news.example/a"),
                post("q", "", 4, quotes="m01"),
                post("r", "yes", 8, reply_to="m01"),
                post("qc", "look", 6, quotes="m01"),
            )
        )
        url = canonical("https://news.example/a")
        assert store.by_url([url, "https://none.example/"]) == {url: "u1"}
        assert [p.id for p in store.replies("m01")] == ["qc", "r"]
        assert [p.id for p in store.replies("m01", limit=1)] == ["qc"]

    # -- counts, vectors ------------------------------------------------------------------------
    def test_counts_per_hour_have_no_holes(self, store):
        start = math.floor(T0 / HOUR) * HOUR
        at = [start + s - T0 for s in (0, 10, HOUR - 0.001, 3 * HOUR, 3 * HOUR + 1, 5 * HOUR)]
        self.fill(
            store,
            batch(*(post(f"p{i}", "quake in 東京", t) for i, t in enumerate(at))),
            batch(post("other", "in town", at[0], source="t"), source="t"),
        )
        hours = [start + i * HOUR for i in range(5)]
        assert store.counts_per_hour("Quake", start, start + 5 * HOUR) == list(
            zip(hours, [3, 0, 0, 2, 0], strict=True)
        )
        assert store.counts_per_hour("quake 東京", start + 5, start + HOUR) == [(start, 2)]
        assert store.counts_per_hour("quake town", start, start + HOUR) == [(start, 0)]
        sums = store.counts_per_hour("in", start, start + HOUR, Filter(sources=("t",)))
        assert sums == [(start, 1)]
        assert store.counts_per_hour("...", start, start + 1) == [(start, 0)]
        assert store.frequencies(["quake", "in", "none"]) == {"quake": 6, "in": 7, "none": 0}

    def test_vectors_come_back_and_find_their_posts(self, store):
        posts = [post(f"p{i:02}", f"text {i}", i) for i in range(50)]
        store.write(batch(*posts))
        vectors = units(50)
        store.put_vectors("m", [p.id for p in posts[:40]], vectors[:40])
        store.put_vectors("m", ["unheld"], vectors[:1])
        kept = store.vectors(["p00", "p39", "p40"])
        assert set(kept) == {"p00", "p39"}
        assert np.abs(kept["p39"] - vectors[39]).max() < 0.01
        [hit] = store.nearest(vectors[17], 1)
        assert hit.post.id == "p17"
        assert hit.score == pytest.approx(1, abs=0.02)
        exact = [posts[i].id for i in np.argsort(-(vectors[:40] @ vectors[45]))[:5]]
        assert len(set(ids(store.nearest(vectors[45], 5))) & set(exact)) >= 4
        assert [p.id for p in store.unembedded("m", 3)] == ["p49", "p48", "p47"]
        assert len(store.unembedded("other", 100)) == 50
        assert store.status().vectors == 40
        store.put_vectors("m", ["p00"], vectors[49:50])
        assert ids(store.nearest(vectors[49], 1)) == ["p00"]
        assert store.status().vectors == 40
        store.put_vectors("wider", ["p01"], units(1, dim=24))
        assert store.status().vectors == 1
        assert store.vectors(["p00"]) == {}

    def test_vectors_of_the_wrong_shape_are_refused(self, store):
        store.write(batch(post("a", "x")))
        with pytest.raises(StoreError, match="shape"):
            store.put_vectors("m", ["a"], units(1)[0])
        store.put_vectors("m", ["a"], units(1))
        with pytest.raises(StoreError, match="same model"):
            store.put_vectors("m", ["a"], units(1, dim=8))
        with pytest.raises(StoreError, match="same model"):
            store.nearest(units(1, dim=8)[0], 3)

    # -- reports, journal, retention ------------------------------------------------------------
    def test_sources_reports_and_status(self, store):
        aside = [SetAside("s", f"line {i}", "no JSON", T0 + i, "x\ud800") for i in range(3)]
        store.write(batch(post("a", "x", 5), cursor="7", set_aside=tuple(aside)))
        store.write(batch(source="t", gaps=(Gap("t", None, T0, "r1"), Gap("t", T0, T0 + 1, "r2"))))
        assert store.set_asides() == aside[::-1] == store.set_asides(source="s")
        assert store.set_asides(source="t") == []
        assert len(store.set_asides(limit=2)) == 2
        assert [gap.reason for gap in store.gaps()] == ["r2", "r1"]
        assert (store.cursor("s"), store.cursor("t")) == ("7", None)
        status = store.status()
        states = {state.source: state for state in status.sources}
        assert (states["s"].posts, states["s"].newest, states["s"].set_aside) == (1, T0 + 5, 3)
        assert states["s"].last_write == T0 + 6
        assert (states["t"].posts, states["t"].newest, states["t"].gaps) == (0, None, 2)
        assert (status.posts, status.set_aside, status.gaps) == (1, 3, 2)
        assert set(status.views) == {"text", "vectors"}

    def test_a_journalled_answer_loses_the_headline_of_a_deleted_post(self, store):
        store.write(batch(post("a", "The ferry sank at dawn.", title="Ferry lost off Norwick")))
        evidence = {
            "post": "a",
            "quote": "The ferry sank at dawn.",
            "title": "Ferry lost off Norwick",
        }
        short = {"post": "a", "quote": "sank", "title": "Update"}
        body = {
            "over": "Ferry lost off Norwick, they say",
            "say": "Update now",
            "of": [evidence, short],
        }
        receipt = store.append_journal(T0, body, ["a"])
        store.write(delete("a", 20))
        left = store.receipt(receipt.id).body
        assert left["over"] == "[deleted], they say"
        assert left["say"] == "Update now"  # a short title may be anybody's words
        assert [one["title"] for one in left["of"]] == ["", ""]

    def test_a_journalled_answer_loses_the_words_of_a_deleted_post(self, store):
        store.write(batch(post("a", "the very words"), post("b", "other words")))
        body = {
            "text": "They said: the very words [1]. other words [2]",
            "citations": [
                {"n": 1, "post": "a", "quote": "the very words"},
                {"n": 2, "post": "b", "quote": "other words"},
            ],
        }
        receipt = store.append_journal(T0, body, ["a", "b", "a"])
        assert len(receipt.id) == 64
        assert receipt.cites == ("a", "b")
        assert receipt.lost == ()
        assert store.receipt(receipt.id) == receipt == store.append_journal(T0, body, ["a", "b"])
        store.write(delete("a", 20))
        kept = store.receipt(receipt.id)
        assert kept.id == receipt.id
        assert kept.lost == ("a",)
        assert kept.body["citations"][0] == {"n": 1, "post": "a", "quote": "", "deleted": True}
        assert kept.body["citations"][1] == body["citations"][1]
        assert "very words" not in str(kept.body)
        assert "other words" in kept.body["text"]
        late = store.append_journal(T0 + 1, {**body, "n": 2}, ["a"])
        assert late.lost == ("a",)
        assert "very words" not in str(store.receipt(late.id).body)
        assert [r.id for r in store.journal()] == [late.id, receipt.id]
        assert store.status().journal == 2

    def test_retention_by_age_spares_what_is_cited(self, store):
        posts = [post(f"p{i}", "w", i) for i in range(10)]
        links = (Link("p5", "p0", EdgeKind.COPY), Link("p6", "p0", EdgeKind.COPY))
        self.fill(store, batch(*posts, links=links))
        store.append_journal(T0, {"x": 1}, ["p2"])
        assert store.retain(0, 5, T0 + 10) == 4
        store.refresh()
        kept = {"p2", "p5", "p6", "p7", "p8", "p9"}
        assert (
            {p.id for p in store.scan()} == kept == set(ids(store.search("w", 20, per_origin=None)))
        )
        assert store.links(["p6"])["p6"].origin == "p5"
        assert store.tombstone("p0") is None
        assert store.write(batch(posts[0])).added == 1
        assert store.retain(0, 0, T0 + 1e9) == 0

    def test_tail_is_the_log_in_order(self, store):
        store.write(batch(post("a", "x"), post("b", "y"), post("a", "z", fetched_at=T0 + 9)))
        store.write(batch(links=(Link("b", "a", EdgeKind.COPY),)))
        store.append_journal(T0, {"q": 1}, [])
        store.write(
            batch(gaps=(Gap("s", None, T0, "r"),), set_aside=(SetAside("s", "w", "r", T0),))
        )
        changes = store.tail(0)
        kinds = ["post", "post", "edit", "link", "journal", "set_aside", "gap"]
        assert [c.kind for c in changes] == kinds
        assert [c.ref for c in changes[:4]] == ["a", "b", "a", "b"]
        seqs = [c.seq for c in changes]
        assert seqs == sorted(set(seqs))
        assert seqs[-1] == store.status().seq
        assert store.tail(seqs[2], limit=2) == changes[3:5]
        store.write(delete("a", 20))
        assert [(c.kind, c.ref) for c in store.tail(0)][:2] == [("post", "b"), ("link", "b")]
        assert [(c.kind, c.ref) for c in store.tail(seqs[-1])] == [("delete", "a"), ("link", "b")]

    def test_closing_twice_is_no_error(self, store):
        store.close()
        store.close()
