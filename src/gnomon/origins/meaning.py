"""Soft edges: posts that state the same facts in other words, as an encoder tells.

An encoder alone is no judge of this: "4 dead" and "5 dead" lie closer to each other than two ways
to say either. So its cosine only proposes; the facts decide (``facts.differ``), and neither post
may say much that the other does not. It runs where vectors are made, in the background, never on
the way in.

Thresholds, from multilingual-e5-small (4-bit) on development pairs with equal facts that are no
copies by their words: with all three, 94 % (interval 88-99) of the 68 pairs of MSR paraphrase
(train) that are merged are labelled paraphrases, at a third of all there are; ``COSINE`` alone,
even at .96, gives 80 %. On real tweets, what lies between .92 and .95 is wrong about one time in
four. There were no Chinese pairs to calibrate on. bench/origins.py measures it again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from gnomon.origins import wire
from gnomon.origins.compare import is_copy, weight
from gnomon.origins.facts import content, differ, is_testimony
from gnomon.origins.wording import Wording, of_post
from gnomon.store.contract import Store
from gnomon.text import sentences
from gnomon.types import EdgeKind, Filter, Link, Post

COSINE, OVERLAP, OWN = 0.95, 0.6, 3
"""The least cosine, the least Jaccard of content words, the most content words either has alone."""
CREDITED_COSINE, CREDITED_OVERLAP, CREDITED_OWN = 0.92, 0.5, 4
"""The same where both name one agency for it."""
SHARED = 5
"""Content words in common, at least: short true statements are made again independently."""
WITHIN_S = 2 * 86400.0
"""How far apart in time they may be: the news of a day and of the morning after."""
NEIGHBOURS = 8
"""Origins that are looked at for one post, the nearest first."""
LARGEST_MOVED = 2_000
"""An origin of more posts keeps its root here; its members could not all be checked again."""
_ROUNDING = 0.005  # kept vectors are int8


@dataclass(frozen=True, slots=True)
class _Root:
    """A post that is its own origin, with its unit vector ``[dim]``."""

    post: Post
    wording: Wording
    vector: np.ndarray

    @property
    def age(self) -> tuple[float, str]:
        return self.post.time, self.post.id


def links(store: Store, posts: Sequence[Post], vectors: np.ndarray) -> tuple[Link, ...]:
    """The soft edges of ``posts``, which have just been encoded: ``vectors`` is ``[n, dim]``.

    A post is compared as the root of its origin, with the roots of the origins nearest to it, held
    or among ``posts``; the later becomes part of the earlier. Each is checked against the root
    itself, so likeness does not wander along a chain. To be written before the vectors are: then
    what was interrupted is done again. Raises StoreError.
    """
    placed = store.links([post.id for post in posts])
    fresh = [
        _Root(post, of_post(post), vector)
        for post, vector in zip(posts, vectors, strict=True)
        if post.id in placed and placed[post.id].kind is EdgeKind.ROOT
    ]
    fresh = [root for root in fresh if _may_soften(root.wording)]
    found: dict[str, list[tuple[float, EdgeKind, _Root]]] = {}
    later: dict[str, _Root] = {}
    for one, other in _pairs(store, fresh):
        first, again = (one, other) if one.age <= other.age else (other, one)
        edge = _edge(first, again)
        if edge is not None:
            found.setdefault(again.post.id, []).append((edge[1], edge[0], first))
            later[again.post.id] = again
    out: list[Link] = []
    moved: set[str] = set()
    for again in sorted(later.values(), key=lambda root: root.age):
        roots = [edge for edge in found[again.post.id] if edge[2].post.id not in moved]
        if roots:
            score, kind, first = max(roots, key=lambda edge: (edge[0], -edge[2].post.time))
            regrouped = _members(store, again, first, round(score, 4))
            if regrouped is not None:
                moved.add(again.post.id)
                out += [*regrouped, Link(again.post.id, first.post.id, kind, round(score, 4))]
    return tuple(out)


def _may_soften(wording: Wording) -> bool:
    """Whether the post says enough, and nothing of what its author saw."""
    return (
        wording.mergeable
        and weight(content(wording)) > SHARED
        and not is_testimony(wording.text[:_READ])
    )


_READ = 2000  # characters, as many as are encoded


def _pairs(store: Store, fresh: Sequence[_Root]) -> Iterator[tuple[_Root, _Root]]:
    """Pairs of roots that lie near each other, each pair once."""
    if not fresh:
        return
    vectors = np.stack([root.vector for root in fresh])
    near = vectors @ vectors.T >= CREDITED_COSINE
    for i, root in enumerate(fresh):
        for j in np.flatnonzero(near[i, :i]):
            yield fresh[int(j)], root
    here = {root.post.id for root in fresh}
    for root in fresh:
        window = Filter(since=root.post.time - WITHIN_S, until=root.post.time + WITHIN_S)
        hits = store.nearest(root.vector, NEIGHBOURS, window)
        hits = [hit for hit in hits if hit.score >= CREDITED_COSINE - _ROUNDING]
        origins = {hit.origin for hit in hits} - here
        held, kept = store.get_many(sorted(origins)), store.vectors(sorted(origins))
        for name in sorted(held.keys() & kept.keys()):
            yield _Root(held[name], of_post(held[name]), kept[name]), root


def _edge(first: _Root, again: _Root) -> tuple[EdgeKind, float] | None:
    """MEANING or WIRE with the cosine if ``again`` says what ``first`` says."""
    cosine = float(first.vector @ again.vector)
    if again.post.time - first.post.time > WITHIN_S or not _may_soften(first.wording):
        return None
    credited = wire.named_by_both(first.post, again.post)
    bounds = (
        (CREDITED_COSINE, CREDITED_OVERLAP, CREDITED_OWN) if credited else (COSINE, OVERLAP, OWN)
    )
    if cosine < bounds[0] - _ROUNDING:
        return None
    root, copy = first.wording, again.wording
    if min(len(root.words), len(copy.words)) >= wire.FEWEST_WORDS:
        if not wire.shared(first.post, again.post):
            return None  # articles say too much for one vector to tell
        root, copy = _lead(first.post), _lead(again.post)
    if not _alike(root, copy, bounds[1], bounds[2]) or differ(root, copy):
        return None
    return (EdgeKind.WIRE if credited else EdgeKind.MEANING), min(cosine, 1.0)


def _alike(root: Wording, copy: Wording, overlap: float, own: int) -> bool:
    a, b = content(root), content(copy)
    common = a & b
    if weight(common) < SHARED or max(weight(a - common), weight(b - common)) > own:
        return False
    return weight(common) >= overlap * weight(a | b)


def _lead(post: Post) -> Wording:
    """The wording of an article's first sentence, what was filed where aside."""
    text = of_post(post).text
    spans = sentences.split(text)
    start, end = next((s for s in spans if s[1] - s[0] >= _LEAD_CHARS), (0, len(text)))
    return of_post(replace(post, title="", text=wire.undated(text[start:end])))


_LEAD_CHARS = 40  # shorter ones are headlines and by-lines


def _members(store: Store, moving: _Root, first: _Root, cosine: float) -> list[Link] | None:
    """Links for the followers of a root that becomes part of ``first``: those that came by their
    words go along if they say what it says, and are grouped under the earliest of themselves if
    not. None where there are too many to look at."""
    origin = store.origins([moving.post.id]).get(moving.post.id)
    if origin is None or origin.posts <= 1:
        return []
    if origin.posts > LARGEST_MOVED:
        return None
    members = [p for p in store.members(moving.post.id, LARGEST_MOVED) if p.id != moving.post.id]
    kinds = store.links([post.id for post in members])
    out: list[Link] = []
    roots: list[Wording] = []
    for post in members:
        if kinds[post.id].kind not in (EdgeKind.COPY, EdgeKind.MEANING, EdgeKind.WIRE):
            continue
        wording = of_post(post)
        near = is_copy(first.wording, wording)
        alike = near or _alike(first.wording, wording, CREDITED_OVERLAP, CREDITED_OWN)
        if near or (alike and not differ(first.wording, wording)):
            kind = EdgeKind.COPY if near else EdgeKind.MEANING
            out.append(Link(post.id, first.post.id, kind, near or cosine))
            continue
        score, under = max(((is_copy(r, wording), r.id) for r in roots), default=(0.0, ""))
        if score:
            out.append(Link(post.id, under, EdgeKind.COPY, score))
        else:
            out.append(Link(post.id, post.id, EdgeKind.ROOT))
            roots.append(wording)
    return out
