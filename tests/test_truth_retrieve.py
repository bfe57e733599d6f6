"""How rankings become one: the question leads, other forms add, words and meaning count alike."""

import numpy as np
import pytest

from gnomon import sample
from gnomon.ingest import take
from gnomon.store.memory import MemoryStore
from gnomon.truth import retrieve
from gnomon.truth.rewrite import plan
from gnomon.truth.terms import Weights
from gnomon.types import Filter, Hit, Post

NOW = 1_700_000_000.0


def hit(name, score, origin=""):
    return Hit(Post(name, name, "s", 0.0, created_at=0.0), score, origin or name)


class Rankings:
    """A store that has its answers ready: by form, by vector, the vectors of some posts, and which
    post of an origin was held first."""

    def __init__(self, found, near=(), rows=None, first=None):
        self.found, self.near, self.rows, self.first = found, near, rows or {}, first or {}

    def first_held(self, origins):
        return {name: self.first[name] for name in origins if name in self.first}

    def search(self, form, k, where, *, per_origin):
        return self.found[form]

    def nearest(self, vector, k, where):
        return list(self.near)

    def vectors(self, ids):
        return {name: self.rows[name] for name in ids if name in self.rows}


class Encoder:
    def query(self, text):
        return np.array([1.0, 0.0], np.float32)


def fused(store, forms, embed=None):
    hits, _ = retrieve._fused(forms, "asked", store, Filter(), embed, NOW, 40)
    return {hit.post.id: pytest.approx(hit.score, abs=1e-4) for hit in hits}


def test_other_forms_add_a_fifth_and_do_not_outvote_the_question():
    found = {
        "asked": [hit("a", 10.0), hit("b", 8.0), hit("c", 5.0)],
        "name": [hit("c", 3.0), hit("d", 1.5), hit("b", 0.6)],
    }
    got = fused(Rankings(found), ["asked", "name"])
    assert list(got) == ["a", "b", "c", "d"], "by reciprocal rank and .4, c and b would lead"
    assert got == {"a": 1.0, "b": 0.8 + 0.2 * 0.2, "c": 0.5 + 0.2, "d": 0.2 * 0.5}


def test_copies_do_not_raise_what_they_copy():
    found = {"asked": [hit("a", 4.0), hit("b", 3.0, "o"), hit("copy", 2.0, "o")]}
    assert fused(Rankings(found), ["asked"]) == {"a": 1.0, "b": 0.75, "copy": 0.75}


def test_words_and_meaning_count_alike_and_meaning_is_looked_up_for_what_words_found():
    floor = retrieve.COSINE_FLOOR
    top = floor + 0.1
    store = Rankings(
        {"asked": [hit("a", 10.0), hit("b", 6.0)]},
        near=[hit("c", top), hit("far", floor - 0.1)],
        rows={"b": np.array([floor + 0.08, 0.0], np.float32)},
    )
    got = fused(store, ["asked"], Encoder())
    assert list(got) == ["b", "a", "c"]
    assert got == {"b": 0.6 + 0.8, "a": 1.0, "c": 1.0}


def test_an_origin_is_as_near_as_what_was_said_first_however_near_a_copy_is():
    floor = retrieve.COSINE_FLOOR
    said = hit("said", 0.0).post
    near = [hit("copy", floor + 0.2, "said"), hit("b", floor + 0.1), hit("far", floor)]
    rows = {"said": np.array([floor + 0.05, 0.0], np.float32)}
    store = Rankings({"asked": [hit("b", 1.0)]}, near, rows, {"said": said})
    assert fused(store, ["asked"], Encoder()) == {"b": 2.0, "copy": 0.5}


def test_many_origins_that_are_there_twice_leave_room_for_the_others():
    """What is asked of the store is origins: their second posts take nobody's place."""
    twice = [hit(f"{n}{i}", 100.0 - n, f"o{n}") for n in range(40) for i in "ab"]

    class Twice(Rankings):
        def search(self, form, k, where, *, per_origin):
            return [h for h in twice if h.post.id[-1] == "a" or per_origin > 1][:k]

    got, _ = retrieve._fused(["asked"], "asked", Twice({}), Filter(), None, NOW, 40)
    assert len({h.origin for h in got}) == 40


def test_what_another_form_finds_first_is_read_however_many_posts_share_a_word_of_the_question():
    many = [hit(f"t{n}", 10.0 - n / 10) for n in range(30)]
    found = {"asked": many, "other language": [hit("x", 1.0), hit("y", 0.9)]}
    hits, best = retrieve._fused(
        ["asked", "other language"], "asked", Rankings(found), Filter(), None, NOW, 40
    )
    assert [h.post.id for h in hits].index("x") > 20
    read = [h.post.id for h in retrieve._first_origins(hits, 20, best)]
    assert len(read) == 20
    assert (read[0], read[-1]) == ("t0", "x")


def test_an_encoder_to_which_nothing_is_near_says_nothing():
    store = Rankings({"asked": [hit("a", 10.0)]}, near=[hit("z", retrieve.COSINE_FLOOR)])
    assert fused(store, ["asked"], Encoder()) == {"a": 1.0}


def test_in_the_sample_world_the_town_s_name_does_not_lead_to_its_festival():
    store = MemoryStore()
    for batch in sample.batches():
        take(batch, store)
    weights = Weights(store.frequencies, store.status().posts)
    question = "Is there too much lead in Marrowick's tap water?"
    made = plan(question, now=sample.NOW, weights=weights)
    found = retrieve.retrieve(made, store, weights, now=sample.NOW)
    best = {}
    for passage in found.passages:
        best[passage.origin] = max(best.get(passage.origin, 0.0), passage.scores["rank"])
    measured, festival = ("town/0316", "town/0310"), "gazette/02"
    assert min(best[name] for name in measured) > best.get(festival, 0.0)
