"""Looking for pictures of posts by what is in them: by a CLIP, and by what is said of them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gnomon.assemble.picture_taking import is_adult
from gnomon.config import Config
from gnomon.models.draw_prompt import translated
from gnomon.models.protocols import See
from gnomon.store.contract import Store
from gnomon.store.picture_cache import PictureCache
from gnomon.store.rules import accepts
from gnomon.text.tokens import CJK
from gnomon.types import Filter, Post
from gnomon.types.post_pictures import PictureFound, SeenPicture

RRF_K = 60
"""Reciprocal rank fusion: Cormack, Clarke and Buettcher 2009,
https://doi.org/10.1145/1571941.1572114. What is said of a picture counts by how much of the search
it holds: unweighted, one word of four pushes down what the model saw (bench/picture_search.py)."""
FIRST = 400
"""Pictures of each ranking that are fused at first; more where a filter lets few through."""
MOST_OTHERS = 20
_GROUPS = 40  # groups whose posts are read from the record at once
_HAN = re.compile(f"[{CJK}]")


@dataclass(frozen=True, slots=True)
class _Group:
    """A picture with its copies, as the rankings have it."""

    alike: int
    score: float
    similarity: float | None
    posts: tuple[str, ...]


def question(words: str, see: See) -> tuple[str, tuple[str, ...]]:
    """What the model is asked, and what could not be translated. "" where nothing of Chinese words
    is in the glossary of a model that reads only English."""
    if not _HAN.search(words) or "zh" in see.languages:
        return words, ()
    english, left = translated(words)
    return english, left


def find(
    cache: PictureCache,
    store: Store,
    config: Config,
    words: str,
    vector: tuple[See, str] | None,
    *,
    k: int,
    where: Filter,
) -> tuple[PictureFound, ...]:
    """The ``k`` best pictures; ``vector`` is the model and what it is asked, None: only what is
    said of pictures is searched. Each picture once, with all posts that show it or a copy, read
    back from the record."""
    asked = None if vector is None else vector[0].words(vector[1])
    found: list[PictureFound] = []
    wide, met = max(FIRST, 20 * k), set[int]()
    while True:
        near = [] if vector is None or asked is None else cache.nearest(vector[0].id, asked, wide)
        said = cache.with_words(words, wide)
        groups = [group for group in _fused(near, said) if group.alike not in met]
        for some in (groups[at : at + _GROUPS] for at in range(0, len(groups), _GROUPS)):
            found += _read(cache, store, config, some, where)
            if len(found) >= k:
                return tuple(found[:k])
        met |= {group.alike for group in groups}
        if len(near) < wide and len(said) < wide:
            return tuple(found)
        wide *= 8


def _fused(
    near: Sequence[tuple[int, int, float]], said: Sequence[tuple[int, str, float]]
) -> list[_Group]:
    """Both rankings as one. Copies are one *before* they are ranked, so that a picture that many
    posts show does not push others down."""
    best: dict[int, float] = {}
    for _, alike, cosine in near:
        best.setdefault(alike, cosine)
    worded: dict[int, list[str]] = {}
    shares: dict[int, float] = {}
    for alike, post, share in said:
        worded.setdefault(alike, []).append(post)
        shares.setdefault(alike, share)
    scores: dict[int, float] = {}
    for rank, alike in enumerate(best, 1):
        scores[alike] = 1 / (RRF_K + rank)
    for rank, (alike, share) in enumerate(shares.items(), 1):
        scores[alike] = scores.get(alike, 0.0) + share / (RRF_K + rank)
    return [
        _Group(alike, score, best.get(alike), tuple(worded.get(alike, ())))
        for alike, score in sorted(scores.items(), key=lambda one: (-one[1], one[0]))
    ]


def _read(
    cache: PictureCache, store: Store, config: Config, groups: Sequence[_Group], where: Filter
) -> Iterator[PictureFound]:
    """What the record still holds of these, under the filter."""
    shown = cache.shown([group.alike for group in groups])
    ids = {post for rows in shown.values() for post, _ in rows}
    held = store.get_many(sorted(ids))
    for group in groups:
        rows = [
            (held[post], seen)
            for post, seen in shown[group.alike]
            if post in held and _may_be_shown(held[post], seen, config) and
            accepts(where, held[post])
        ]  # fmt: skip
        if rows:
            yield _found(group, rows)


def _may_be_shown(post: Post, seen: SeenPicture, config: Config) -> bool:
    """As the post is now: an edit may have taken the picture out, the owner may have changed
    their mind."""
    return seen.media in post.media and (config.adult or not is_adult(post))


def _found(group: _Group, rows: Sequence[tuple[Post, SeenPicture]]) -> PictureFound:
    """Shown by the post that has the words, or by the first."""
    first = rows[0][0]
    worded = next((row for name in group.posts for row in rows if row[0].id == name), None)
    post, seen = worded or rows[0]
    posts = dict.fromkeys(post.id for post, _ in rows)
    return PictureFound(
        picture=seen,
        post=post,
        first=first,
        score=group.score,
        posts=len(posts),
        authors=len({one.author or one.id for one, _ in rows}),
        similarity=group.similarity,
        by_words=worded is not None,
        others=tuple(name for name in posts if name != post.id)[:MOST_OTHERS],
    )
