"""A story's posts: order, times and terms are what going through all of them would give."""

from __future__ import annotations

import random

from gnomon.trends.cluster import COUNTED_FROM, INDEXED, Cluster, Doc
from gnomon.trends.story_terms import Terms


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
