"""Stories as they are shown: ranked, and told from what the record holds now.

The view says which posts are of a story; every word is read back from the record, so that what an
author deleted is in no story from that moment.
"""

from __future__ import annotations

import heapq
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from gnomon.errors import NotFound
from gnomon.text.bare import is_bare
from gnomon.text.orders import is_instruction
from gnomon.text.sentences import split
from gnomon.trends.agreement import Verifier, agreement
from gnomon.trends.background import shares
from gnomon.trends.story_file import key_from, key_of, story_id
from gnomon.trends.story_terms import raw_terms
from gnomon.trends.story_view import StoryView, site_of
from gnomon.trends.story_voices import Carried, Standing, loudness, standing_of
from gnomon.trends.timeline import Root, saying, timeline
from gnomon.types import Carrier, Post, Stories, Story, Support

HOUR_S = 3600.0
MOST_ROOTS = 300
"""Origins of one story that are read when it is told; of a larger one, those with most posts."""
LISTED_ROOTS = 12
RANKED = 400
MOST_BINS = 96
TITLE_CHARS = (12, 200)
HEADLINE = 1.5
"""How much more a headline counts than a sentence: somebody wrote it to say what it is about."""
_CARRIERS = 8
_EXCERPT = 200
_LEAST_SHARE = 0.00025

By = Literal["interest", "support"]


@dataclass(frozen=True, slots=True)
class _Voices:
    """Who posts a story: for each post its origin, time and author (as numbers), and its language
    where it is an origin's root."""

    rows: Sequence[Carried]
    langs: Counter[str]

    def authors(self) -> int:
        return len({author for _, _, author in self.rows})


# --------------------------------------------------------------------------- listing


def rank(
    view: StoryView,
    *,
    since: float,
    until: float,
    now: float,
    langs: Sequence[str] = (),
    k: int = 20,
    by: By = "interest",
) -> Stories:
    """The ``k`` best stories that were spoken of in ``since <= time < until``, by how loud or how
    well supported they are. Raises StoreError."""
    as_of = min(now, until)
    with view.lock:
        ranking = _ranking(view, since, until, langs, as_of, by)
    told: list[Story] = []
    for story, key in ranking.best():
        if len(told) == k:
            break
        one = _brief(view, story, key, as_of)
        if one is not None:
            told.append(one)
    behind = view.store.status().seq - view.seq
    return Stories(since, until, len(ranking.bounds), behind, tuple(told))


@dataclass(frozen=True, slots=True)
class _Ranking:
    """Stories by what they may score at most: everybody counted for one."""

    view: StoryView
    bounds: Sequence[tuple[tuple[float, float], int, int, _Voices | None]]
    as_of: float
    by: By

    def best(self) -> Iterator[tuple[int, int]]:
        """Number and key of the stories, best first. Who counts as one voice is looked up only
        where a story is next by what it may score at most."""
        waiting = [
            ((-first, -second), key, story, voices)
            for (first, second), key, story, voices in self.bounds
        ]
        heapq.heapify(waiting)
        while waiting:
            _, key, story, voices = heapq.heappop(waiting)
            if voices is None:
                yield story, key
                continue
            with self.view.lock:
                counted = standing_of(self.view, story)
            first, second = _score(voices, counted, self.as_of, self.by)
            heapq.heappush(waiting, ((-first, -second), key, story, None))


def _ranking(
    view: StoryView, since: float, until: float, langs: Sequence[str], as_of: float, by: By
) -> _Ranking:
    found = view.file.run(
        "SELECT story, key, origins FROM stories WHERE shown AND last >= ? AND first < ?"
        " ORDER BY posts DESC LIMIT ?",
        (since, until, RANKED),
    )
    bounds: list[tuple[tuple[float, float], int, int, _Voices | None]] = []
    for story, key, origins in found:
        voices = _voices(view, story, since, until)
        if not voices.rows or (langs and not voices.langs.keys() & set(langs)):
            continue
        loud = loudness(voices.rows, as_of)
        most = (loud, origins) if by == "interest" else (min(origins, voices.authors()), loud)
        bounds.append((most, key, story, voices))
    return _Ranking(view, bounds, as_of, by)


def _score(voices: _Voices, counted: Standing, as_of: float, by: By) -> tuple[float, float]:
    loud = counted.interest(voices.rows, as_of)
    if by == "interest":
        return loud, counted.origins
    return min(counted.origins, counted.authors, voices.authors()), loud


def _voices(view: StoryView, story: int, since: float, until: float) -> _Voices:
    roots = view.file.run(
        "SELECT root, said, author, lang FROM docs WHERE story = ?1 AND said >= ?2 AND said < ?3",
        (story, since, until),
    )
    others = view.file.run(
        "SELECT c.origin, c.said, c.author FROM docs d JOIN carried c ON c.origin = d.root"
        " WHERE d.story = ?1 AND c.said >= ?2 AND c.said < ?3",
        (story, since, until),
    )
    rows: list[Any] = [*(row[:3] for row in roots), *others]
    return _Voices(rows, Counter(row[3] for row in roots if row[3]))


# --------------------------------------------------------------------------- telling


def tell(view: StoryView, id: str, *, now: float, verifier: Verifier | None = None) -> Story:
    """A story with its timeline, and what is agreed and disputed in it. ``id`` is its own, one that
    went into it, or that of a post in it.

    Raises NotFound, StoreError.
    """
    with view.lock:
        found = find(view, id)
        if found is None:
            raise NotFound(f"No story {id[:120]!r} is held; `gnomon stories` shows ids.")
        story, key = found
        roots = _roots(view, story, MOST_ROOTS)
        voices = _voices(view, story, -math.inf, math.inf)
        was = _was(view, story, key)
        counted = standing_of(view, story)
    roots = [replace(root, voice=counted.voice.get(root.post.id)) for root in roots]
    brief = _told(key, roots, voices, counted, now) if roots else None
    if brief is None:
        raise NotFound(
            f"The story {id[:120]!r} is gone: its posts were deleted, or speak to machines only."
        )
    compared = agreement(roots, verifier)
    claims = len(compared.agreed) + len(compared.disputed) + compared.alone
    support = replace(
        brief.support,
        agreed=len(compared.agreed),
        disputed=len(compared.disputed),
        alone=compared.alone,
        share=len(compared.agreed) / claims if claims else None,
    )
    return replace(
        brief,
        support=support,
        timeline=timeline(roots),
        agreed=compared.agreed,
        disputed=compared.disputed,
        checked_by=compared.checked_by,
        was=was,
        one_voice=counted.groups,
    )


def find(view: StoryView, id: str) -> tuple[int, int] | None:
    """Number and key of the story that an id leads to: the story's own, one that went into it, or
    the id of a post in it."""
    wanted = key_from(id)
    for key in (wanted, key_of(id)):
        for _ in range(16):  # an alias may lead to an alias
            if key is None:
                break
            shown = view.file.run("SELECT story, key FROM stories WHERE key = ? AND shown", (key,))
            shown = shown or view.file.run(
                "SELECT s.story, s.key FROM docs d JOIN stories s ON s.story = d.story"
                " WHERE d.key = ? AND s.shown",
                (key,),
            )
            if shown:
                return int(shown[0][0]), int(shown[0][1])
            alias = view.file.run("SELECT story_key FROM aliases WHERE key = ?", (key,))
            key = int(alias[0][0]) if alias else None
    carried = view.file.run("SELECT origin FROM carried WHERE post = ?", (id,))
    return find(view, carried[0][0]) if carried and carried[0][0] != id else None


def _was(view: StoryView, story: int, key: int) -> tuple[str, ...]:
    gone = view.file.run("SELECT key FROM aliases WHERE story_key = ? ORDER BY key", (key,))
    return tuple(story_id(one) for (one,) in gone)


def _brief(view: StoryView, story: int, key: int, now: float) -> Story | None:
    with view.lock:
        roots = _roots(view, story, LISTED_ROOTS)
        voices = _voices(view, story, -math.inf, math.inf)
        counted = standing_of(view, story)
    roots = [replace(root, voice=counted.voice.get(root.post.id)) for root in roots]
    return _told(key, roots, voices, counted, now) if roots else None


def _roots(view: StoryView, story: int, most: int) -> list[Root]:
    """The story's origins that are still held: those with most posts, in the order of time. What
    speaks to machines is counted among a story's posts, and never quoted in it."""
    rows = view.file.run(
        "SELECT d.root, 1 + (SELECT count(*) FROM carried c WHERE c.origin = d.root) AS posts"
        " FROM docs d WHERE d.story = ? ORDER BY posts DESC, d.n LIMIT ?",
        (story, most),
    )
    first = view.file.run(
        "SELECT root, 1 + (SELECT count(*) FROM carried c WHERE c.origin = root)"
        " FROM docs WHERE story = ? ORDER BY said, n LIMIT 1",
        (story,),
    )
    sizes = {str(root): int(posts) for root, posts in [*rows, *first]}
    held = view.store.get_many(list(sizes))
    roots = [
        Root(post, sizes[post.id])
        for post in held.values()
        if not is_instruction(f"{post.title}\n{post.text}")
    ]
    return sorted(roots, key=lambda root: (root.post.time, root.post.id))


def _told(key: int, roots: Sequence[Root], voices: _Voices, counted: Standing, now: float) -> Story:
    title, best = _title(roots)
    spark, start, width = _spark([said for _, said, _ in voices.rows])
    rows = voices.rows
    support = Support(
        origins=counted.origins,
        authors=counted.authors,
        sites=len({_site(root.post) for root in roots}),
    )
    return Story(
        id=story_id(key),
        title=title,
        title_post=best.post.id,
        langs=tuple(lang for lang, _ in voices.langs.most_common()),
        first_seen=min(said for _, said, _ in rows),
        last_seen=max(said for _, said, _ in rows),
        posts=len(rows),
        origins=len({origin for origin, _, _ in rows}),
        authors=voices.authors(),
        interest=round(counted.interest(rows, now), 3),
        support=support,
        spark=spark,
        spark_from=start,
        spark_s=width,
        first=saying(roots[0], _headline(roots[0])),
        discount=counted.discount,
        carriers=_carriers(roots),
    )


def _carriers(roots: Sequence[Root]) -> tuple[Carrier, ...]:
    most = sorted(roots, key=lambda root: (-root.posts, root.post.time))[:_CARRIERS]
    return tuple(
        Carrier(r.post.id, r.post.author, r.post.time, r.posts, _headline(r)[:_EXCERPT])
        for r in most
    )


def _site(post: Post) -> str:
    """Where it was published: the host of its page, or else its source."""
    return site_of(post) or post.source


def _spark(times: Sequence[float]) -> tuple[tuple[int, ...], float, float]:
    """Posts by the hour; wider bins (2, 4, 8 ... hours) where there would be too many."""
    width = HOUR_S
    while (max(times) // width - min(times) // width) >= MOST_BINS:
        width *= 2
    start = min(times) // width
    bins = [0] * int(max(times) // width - start + 1)
    for said in times:
        bins[int(said // width - start)] += 1
    return tuple(bins), start * width, width


# --------------------------------------------------------------------------- the title


def _title(roots: Sequence[Root]) -> tuple[str, Root]:
    """The headline or sentence that says most of what the origins say together, and whose it is;
    what one voice says in many origins counts once."""
    alone = len({root.who for root in roots}) == 1
    said = {
        (i if alone else root.who, word)
        for i, root in enumerate(roots) for word in raw_terms(root.post)
    }  # fmt: skip
    spread: Counter[str] = Counter(word for _, word in said)
    weights = {word: (n - 1 if len(roots) > 1 else 1) * _rarity(word) for word, n in spread.items()}
    best: tuple[float, str, Root] | None = None
    for root in roots:
        for rank, text in enumerate(_candidates(root)):
            score = _central(text, weights) * (1 + 0.1 * math.log2(root.posts)) * 0.85**rank
            score *= HEADLINE if root.post.title.strip() else 1.0
            if best is None or score > best[0]:
                best = (score, text, root)
    if best is None:
        return _headline(roots[0]), roots[0]
    return best[1], best[2]


def _candidates(root: Root) -> Iterable[str]:
    post = root.post
    if post.title.strip():
        yield _headline(root)
        return
    for start, end in split(post.text)[:3]:
        if is_bare(post.text[start:end]):
            continue
        if TITLE_CHARS[0] <= end - start <= TITLE_CHARS[1]:
            yield " ".join(post.text[start:end].split())


def _headline(root: Root) -> str:
    """The origin's own headline, or its first sentence."""
    post = root.post
    if post.title.strip():
        return " ".join(post.title.split())[: TITLE_CHARS[1]]
    spans = split(post.text) or [(0, len(post.text))]
    return " ".join(post.text[slice(*spans[0])].split())[: TITLE_CHARS[1]]


def _central(text: str, weights: Mapping[str, float]) -> float:
    """How much of the story a text says for its length."""
    words = raw_terms(Post(id="", text=text, source="", fetched_at=0.0))
    return sum(weights.get(word, 0.0) for word in words) / (6 + len(words)) if words else 0.0


def _rarity(word: str) -> float:
    return -math.log(max(shares().get(word, 0.0), _LEAST_SHARE))
