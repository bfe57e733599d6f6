"""A story's posts: order, times and terms are what going through all of them would give."""

from __future__ import annotations

import random

from gnomon.trends.cluster import COUNTED_FROM, INDEXED, Cluster, Doc
from gnomon.trends.clustering import Clustering
from gnomon.trends.story_terms import UNIT, Terms


def test_what_a_cluster_knows_is_what_its_posts_say():
    rng = random.Random(3)
    cluster = Cluster()
    held: dict[int, Doc] = {}
    numbers = list(range(4 * COUNTED_FROM))
    rng.shuffle(numbers)  # a merge brings older posts in behind newer ones
    for n in numbers:
        words = tuple(f"word{w}" for w in rng.sample(range(300), INDEXED + 4))
        held[n] = Doc(n, float(rng.randrange(1000)), 0.0, Terms(words, (1,) * len(words)))
        cluster.add(held[n])
        if rng.random() < 0.4:
            cluster.remove(gone := rng.choice(list(held)))
            del held[gone]
        said = [doc.said for doc in held.values()]
        if said:
            assert (cluster.first, cluster.last) == (min(said), max(said))
        assert cluster.order == sorted(held)
    assert len(held) > COUNTED_FROM
    order = sorted(held)
    assert [doc.n for doc in cluster.some()] == order[:4] + order[-6:]
    assert [doc.n for doc in cluster.latest(20)] == order[-20:]
    for word in (f"word{w}" for w in range(300)):
        under = [n for n in held if word in held[n].terms.words[:INDEXED]]
        assert cluster.latest_under(word) == max(under, default=-1)


def doc(n: int, words: list[str], said: float = 0.0) -> Doc:
    """A post whose words all weigh the same."""
    weight = round(UNIT / len(words) ** 0.5)
    return Doc(n, said, said, Terms(tuple(words), (weight,) * len(words)))


def test_posts_that_share_none_of_their_ten_heaviest_words_are_compared():
    shared = [f"shared{i}" for i in range(6)]
    stories = Clustering()
    for n, own in enumerate("ab"):
        stories.place(doc(n, [*(f"{own}{i}" for i in range(10)), *shared]))
    assert len(stories.clusters) == 1


def test_pairs_of_characters_are_parts_of_words():
    """Nine words in common hold days apart; nine pairs are a phrase or two, as in reports that
    recur."""
    pairs = [chr(0x4E00 + 2 * i) + chr(0x4E01 + 2 * i) for i in range(9)]
    for shared, found in (([f"shared{i}" for i in range(9)], 1), (pairs, 2)):
        stories = Clustering()
        for n, own in enumerate("ab"):
            words = [*shared, *(f"{own}{i}" for i in range(6))]
            stories.place(doc(n, words, said=n * 3 * 86_400.0))
        assert len(stories.clusters) == found
