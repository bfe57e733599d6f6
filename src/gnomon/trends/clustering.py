"""Online clustering of what is said into stories: lexical first, one pass, bounded memory.

Each new post is compared with the stories that share its heaviest terms and joins the likest if
that is like enough; a post that fits two stories which are alike makes them one; a story that has
come to hold two separate ones is split. Single-pass clustering over tf-idf is the classic of topic
detection and tracking (Allan, Papka and Lavrenko 1998, https://doi.org/10.1145/290941.290954); on
tweets it beats sentence encoders (Mazoyer et al. 2020, https://aclanthology.org/2020.lrec-1.763/).
A story's likeness to a post is taken from its centre and from its likest member, as both Miranda et
al. 2018 (https://aclanthology.org/D18-1483/) and first-story detection do.

Nothing here reads or writes a file. All sums are of whole numbers, so that what comes out depends
on the posts and their order alone.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from itertools import chain, islice
from operator import itemgetter

from gnomon.trends.cluster import INDEXED, Cluster, Doc
from gnomon.trends.story_terms import UNIT, Frequencies, Terms, is_pair, is_telling

DAY_S = 86_400.0
ROUND = 256
"""After so many posts the old ones are let go."""
LOOKED_UP = 24
"""Stories that one term leads to: the latest."""
KEPT_UNDER_TERM = 192
COMPARED = 8
"""Stories that a post is compared with."""
NEAREST = 4
"""Of those, the ones whose members are looked at, too."""
MERGED = 0.8
"""The share of ``join`` that a post's likeness to a second story must reach to make them one."""
SHARED = 4
"""What a post must share with a story: two telling words (one alone is a subject, no event), four
pairs of characters, or a link."""
WORD_IN_PAIRS = 3
"""So many pairs of characters in common tell as much as one word in common."""
SPLIT_FROM, SPLIT_PART, SPLIT_READ = 8, 3, 128
"""The least posts of a story that is looked at for two, and of a part; the most that are read."""


@dataclass(frozen=True, slots=True)
class Rules:
    """When a post is of a story. Fitted on the development half of bench/stories.py.

    ``join`` and ``merge`` are cosines (0..1) after the time between is discounted: a gap of
    ``fade_s`` seconds takes away (1 - 1/e) of what may go. ``floor`` is the share that stays
    whatever the gap where nothing telling is shared; with every telling word more of it stays, all
    with ``known`` of them: two articles with much in common are of one event months apart, two
    headlines with three words in common only in one day. Pairs of characters are counted as parts
    of words. ``centre`` is the share of the story's
    centre in a likeness, the rest being its likest member's. ``figures`` is what stays of a
    likeness where both sides give precise figures and none in common. ``window_s`` is how long a
    post is held to be compared with new ones; ``most`` how many posts are held at once.
    """

    join: float = 0.2
    merge: float = 0.32
    centre: float = 0.5
    fade_s: float = 0.5 * DAY_S
    floor: float = 0.2
    known: int = 20
    figures: float = 0.7
    window_s: float = 30 * DAY_S
    most: int = 60_000


@dataclass(frozen=True, slots=True)
class Placed:
    """What became of a post: its story, the stories that went into it, and those that were split
    off from it, with the numbers of their posts."""

    story: int
    absorbed: tuple[int, ...] = ()
    split: tuple[tuple[int, tuple[int, ...]], ...] = ()


class Clustering:
    """Stories, by the number of the post that began each. Not safe between threads."""

    def __init__(self, rules: Rules | None = None) -> None:
        self.rules = rules or Rules()
        self.frequencies = Frequencies()
        self.clusters: dict[int, Cluster] = {}
        self.story_of: dict[int, int] = {}
        # term, story, its latest post with it: in the order of those posts
        self._by_term: dict[str, dict[int, int]] = {}
        self._uncounted: list[tuple[str, ...]] = []  # the terms of this round's posts
        self.newest = -math.inf

    def __len__(self) -> int:
        return len(self.story_of)

    # -- coming -------------------------------------------------------------------------------
    def place(self, doc: Doc, story: int | None = None) -> Placed:
        """Put a post into the story it belongs to, or into ``story``; one of its own otherwise."""
        absorbed: tuple[int, ...] = ()
        if story is None or story not in self.clusters:
            scored = self._scored(doc)
            if scored and scored[0][0] >= self.rules.join:
                story = scored[0][1]
                self._put(doc, story)
                story, absorbed = self._merged(story, scored)
            else:
                story = doc.n
                self._put(doc, story)
        else:
            self._put(doc, story)
        size = len(self.clusters[story].docs)
        # Looked at whenever it has doubled: what it costs grows with the square.
        split = self._split(story) if size >= SPLIT_FROM and not size & (size - 1) else ()
        return Placed(self.story_of[doc.n], absorbed, split)

    def restore(self, doc: Doc, story: int, counted: bool) -> None:
        """Put back a post that was placed before: posts come in the order in which they did.
        ``counted`` where the round in which it came has ended."""
        self._put(doc, story)
        if counted:
            self.frequencies.add(self._uncounted.pop())

    def _put(self, doc: Doc, story: int) -> None:
        cluster = self.clusters.get(story)
        if cluster is None:
            cluster = self.clusters[story] = Cluster()
        cluster.add(doc)
        self.story_of[doc.n] = story
        for word in doc.terms.words[:INDEXED]:
            held = self._by_term.get(word)
            if held is None:
                self._by_term[word] = {story: doc.n}
                continue
            held.pop(story, None)
            held[story] = doc.n
            if len(held) > 2 * KEPT_UNDER_TERM:
                for old in list(held)[:KEPT_UNDER_TERM]:
                    del held[old]
        self._uncounted.append(doc.terms.words)
        self.newest = max(self.newest, doc.came)

    # -- comparing ----------------------------------------------------------------------------
    def _scored(self, doc: Doc) -> list[tuple[float, int]]:
        """The likest stories: (likeness, story), best first. None of them where none is like
        enough to be joined, and none that could not go into one with another."""
        own = dict(zip(doc.terms.words, doc.terms.weights, strict=True))
        words = own.keys()
        near = []
        for story in self._candidates(doc):
            cluster = self.clusters[story]
            total = cluster.total
            dot = sum([own[word] * total[word] for word in words & total.keys()])
            near.append((dot / (UNIT * math.sqrt(cluster.square)), story, dot))
        near.sort(key=_best_first)
        del near[NEAREST:]
        join, centre = self.rules.join, self.rules.centre
        most = [self._at_most(likeness, story, dot) for likeness, story, dot in near]
        if not most or max(most) < join:
            return []
        scored = []
        for (likeness, story, _), bound in zip(near, most, strict=True):
            if bound < MERGED * join:
                continue
            cluster = self.clusters[story]
            if not _shares_enough(doc, cluster):
                continue
            others = cluster.some()
            if len(cluster.docs) > 1:
                nearest = max(_dot(own, other.terms) for other in others) / UNIT**2
                likeness = centre * likeness + (1 - centre) * nearest
            if doc.figures and _other_figures(doc, others):
                likeness *= self.rules.figures
            gap = max(0.0, doc.said - cluster.last, cluster.first - doc.said)
            if gap:
                shared = max(_telling(own, other.terms.words) for other in others)
                likeness *= self._faded(gap, shared)
            scored.append((likeness, story))
        scored.sort(key=_best_first)
        return scored

    def _at_most(self, likeness: float, story: int, dot: int) -> float:
        """What the likeness to a story can come to, given that to its centre: no member has more of
        a post's words than all together, and what is looked at further only takes away."""
        if len(self.clusters[story].docs) == 1:
            return likeness
        centre = self.rules.centre
        # A little more, since it is rounded in another order.
        return (centre * likeness + (1 - centre) * dot / UNIT**2) * (1 + 1e-9)

    def _candidates(self, doc: Doc) -> list[int]:
        """The ``COMPARED`` stories with most of the post's heaviest terms, squares of their weights
        summed; of equals, those that were come upon first."""
        led: list[tuple[int, Collection[int]]] = []
        for word, weight in zip(doc.terms.words[:INDEXED], doc.terms.weights, strict=False):
            held = self._by_term.get(word)
            if held:
                few = len(held) <= LOOKED_UP
                led.append((weight, held if few else list(islice(reversed(held), LOOKED_UP))))
        hits = Counter(chain.from_iterable([stories for _, stories in led]))
        if len(hits) <= COMPARED:
            return list(hits)
        # Terms are heaviest first: of the stories that only one leads to, the first are the best.
        sums: dict[int, int] = {}
        alone = 0
        for story, number in hits.items():
            if number > 1:
                sums[story] = 0
            elif alone < COMPARED:
                sums[story] = 0
                alone += 1
        for weight, stories in led:
            square = weight * weight
            for story in sums.keys() & stories:
                sums[story] += square
        ranked = sorted(sums.items(), key=itemgetter(1), reverse=True)
        return [story for story, _ in ranked[:COMPARED]]

    def _faded(self, gap_s: float, shared: float) -> float:
        """What a gap in time leaves of a likeness, where so many telling words are shared."""
        rules = self.rules
        stays = rules.floor + (1 - rules.floor) * min(1.0, shared / rules.known)
        return stays + (1 - stays) * math.exp(-gap_s / rules.fade_s)

    # -- merging and splitting ------------------------------------------------------------------
    def _merged(self, story: int, scored: list[tuple[float, int]]) -> tuple[int, tuple[int, ...]]:
        """Make one of ``story`` and those of the others that the post fits, too, and that are like
        it as wholes."""
        absorbed = []
        for likeness, other in scored[1:]:
            if likeness < MERGED * self.rules.join:
                break
            if other in self.clusters and self.likeness(story, other) >= self.rules.merge:
                story, gone = self._older(story, other)
                self.merge(story, gone)
                absorbed.append(gone)
        return story, tuple(absorbed)

    def _older(self, a: int, b: int) -> tuple[int, int]:
        """Which of two stories keeps its number: the larger, or else the older."""
        size_a, size_b = len(self.clusters[a].docs), len(self.clusters[b].docs)
        return (a, b) if (-size_a, a) < (-size_b, b) else (b, a)

    def likeness(self, a: int, b: int) -> float:
        """How alike two stories are as wholes (0..1), the time between them discounted."""
        one, two = self.clusters[a], self.clusters[b]
        if len(one.total) > len(two.total):
            one, two = two, one
        dot = sum(weight * two.total.get(word, 0) for word, weight in one.total.items())
        gap = max(0.0, one.first - two.last, two.first - one.last)
        likeness = dot / math.sqrt(one.square * two.square)
        return likeness * self._faded(gap, _telling(two.total, one.total)) if gap else likeness

    def merge(self, story: int, gone: int) -> None:
        for doc in self.clusters.pop(gone).docs.values():
            self._move(doc, story)

    def _move(self, doc: Doc, story: int) -> None:
        old = self.story_of[doc.n]
        cluster = self.clusters.setdefault(story, Cluster())
        cluster.add(doc)
        self.story_of[doc.n] = story
        for word in doc.terms.words[:INDEXED]:
            held = self._by_term.get(word)
            if held is None:
                held = self._by_term[word] = {}
            if old in held and (old not in self.clusters or word not in self.clusters[old].total):
                del held[old]
            held[story] = max(held.get(story, 0), doc.n)
            self._by_term[word] = _in_order(held)

    def _split(self, story: int) -> tuple[tuple[int, tuple[int, ...]], ...]:
        """Split a story that holds several: groups of posts none of which is like one of another
        group, and whose centres are apart. The largest keeps the number."""
        docs = self.clusters[story].latest(SPLIT_READ)
        parts = [part for part in _linked(docs, self.rules.join) if len(part) >= SPLIT_PART]
        parts.sort(key=lambda part: (-len(part), part[0].n))
        made: list[tuple[int, tuple[int, ...]]] = []
        for part in parts[1:]:
            whole, piece = Cluster(), Cluster()
            gone = {doc.n for doc in part}
            for doc in self.clusters[story].docs.values():
                (piece if doc.n in gone else whole).add(doc)
            dot = sum(weight * whole.total.get(word, 0) for word, weight in piece.total.items())
            if dot >= 0.5 * self.rules.merge * math.sqrt(whole.square * piece.square):
                continue
            number = next(doc.n for doc in part if doc.n not in self.clusters)
            self.clusters[story] = whole
            for doc in part:
                self._move(doc, number)
            made.append((number, tuple(doc.n for doc in part)))
        return tuple(made)

    # -- going --------------------------------------------------------------------------------
    def remove(self, n: int) -> None:
        """Forget a post and its words."""
        story = self.story_of.pop(n)
        cluster = self.clusters[story]
        doc = cluster.remove(n)
        if doc.terms.words in self._uncounted:
            self._uncounted.remove(doc.terms.words)
        else:
            self.frequencies.remove(doc.terms.words)
        for word in doc.terms.words[:INDEXED]:
            held = self._by_term.get(word)
            if held is None or held.get(story) != n:
                continue
            latest = cluster.latest_under(word)
            if latest >= 0:
                held[story] = latest
                self._by_term[word] = _in_order(held)
                continue
            del held[story]
            if not held:
                del self._by_term[word]
        if not cluster.docs:
            del self.clusters[story]

    def round(self) -> list[int]:
        """End a round of ``ROUND`` posts: count its terms, let go of old posts, which are
        returned. What comes is weighed by the counts of earlier rounds."""
        for words in self._uncounted:
            self.frequencies.add(words)
        self._uncounted.clear()
        gone = self._old()
        for n in gone:
            self.remove(n)
        return gone

    def _old(self) -> list[int]:
        """The posts that are too old, and, of those over ``most``, the oldest that nothing joined
        and then the oldest."""
        horizon = self.newest - self.rules.window_s
        gone = []
        for n, story in self.story_of.items():  # the first are the oldest, but for a few
            if self.clusters[story].docs[n].came >= horizon:
                break
            gone.append(n)
        over = len(self.story_of) - len(gone) - self.rules.most
        if over <= 0:
            return gone
        over += self.rules.most // 20  # looking for them costs more than their going
        past = set(gone)
        left = [(n, story) for n, story in self.story_of.items() if n not in past]
        alone = [n for n, story in left if len(self.clusters[story].docs) == 1]
        gone += alone[:over]
        if over > len(alone):
            rest = past.union(alone)
            gone += [n for n, _ in left if n not in rest][: over - len(alone)]
        return gone


def _best_first(one: tuple[float, int] | tuple[float, int, int]) -> tuple[float, int]:
    return -one[0], one[1]


def _in_order(held: dict[int, int]) -> dict[int, int]:
    return dict(sorted(held.items(), key=itemgetter(1)))


def _dot(own: dict[str, int], terms: Terms) -> int:
    dot = 0
    for word, weight in zip(terms.words, terms.weights, strict=True):
        held = own.get(word)
        if held:
            dot += weight * held
    return dot


def _shares_enough(doc: Doc, cluster: Cluster) -> bool:
    """Whether a post and a story share as much as ``SHARED`` says."""
    shared = 0
    for word in doc.terms.words:
        if word in cluster.total and is_telling(word):
            shared += SHARED if "://" in word else 1 if is_pair(word) else 2
            if shared >= SHARED:
                return True
    return False


def _telling(held: Mapping[str, int], words: Iterable[str]) -> float:
    """How many telling words are in both."""
    both = [word for word in words if word in held and is_telling(word)]
    pairs = sum(map(is_pair, both))
    return len(both) - pairs + pairs / WORD_IN_PAIRS


def _other_figures(doc: Doc, others: Iterable[Doc]) -> bool:
    """Whether the others give precise figures, too, and none of them is the post's."""
    theirs = [other.figures for other in others if other.figures]
    return bool(theirs) and all(doc.figures.isdisjoint(figures) for figures in theirs)


def _linked(docs: list[Doc], least: float) -> list[list[Doc]]:
    """Groups of posts that hang together by likenesses of at least ``least``, in their order."""
    group = list(range(len(docs)))

    def root(i: int) -> int:
        while group[i] != i:
            group[i] = group[group[i]]
            i = group[i]
        return i

    for i, doc in enumerate(docs):
        own = dict(zip(doc.terms.words, doc.terms.weights, strict=True))
        for j in range(i):
            if root(i) != root(j) and _dot(own, docs[j].terms) >= least * UNIT**2:
                group[root(i)] = root(j)
    parts: dict[int, list[Doc]] = {}
    for i, doc in enumerate(docs):
        parts.setdefault(root(i), []).append(doc)
    return list(parts.values())
