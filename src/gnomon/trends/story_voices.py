"""Which of those who tell a story are one voice, and what that leaves of it.

The measures are those of trends and of origins. Among the origins of a story ``coordination`` finds
those in like wording, those of accounts that act together, and too many of young ones. Among the
posts that carry what such a group says, or one origin, ``origins.campaign`` finds who passes one
text off as their own. Each such group counts as one, in how well a story is supported and in how
loud it is.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from gnomon.origins import campaign
from gnomon.trends import coordination
from gnomon.trends.pushed import large
from gnomon.trends.rows import Row, account_born, hashed
from gnomon.trends.story_view import StoryView, author_number, site_of
from gnomon.trends.terms import keys_of
from gnomon.types import Discount, Filter, Post

DAY_S = 86_400.0
HALF_LIFE_S = 6 * 3600.0
SUBJECT = 5
"""Terms that most origins of a story share and that say no more than what it is about: they are no
sign of like wording, as the term itself is none among those who carry a trend."""
KEPT_STANDINGS = 1_000
READ = 300
"""Posts of one group that are read for who passes its text off as their own: the earliest. What
those accounts do elsewhere is not looked up for a list of stories."""
_ELSEWHERE = 30
_USUAL = 500
_NO_KEYS = np.zeros(0, np.uint64)
_NOBODY: Mapping[int, int] = {}
_ALL: Mapping[int, float] = {}
_WHOLE: Mapping[str, float] = {}

Carried = tuple[str, float, int]
"""A post of a story: its origin, when it was said, and its author as a number."""


@dataclass(frozen=True, slots=True)
class Standing:
    """Who counts as one in a story. ``origins`` and ``authors`` are what is left of them.

    ``voice`` has a number for each origin that was looked at, the same for those that are one
    voice; ``groups`` are the origins of each voice of several authors, the largest first. ``one``
    has, by author, the number of the group that they count as one with; ``weight`` what an author
    counts where that is less than one, and ``left`` what those who carry an origin count who were
    not looked at.
    """

    discount: Discount
    origins: int
    authors: int
    voice: Mapping[str, int]
    groups: tuple[tuple[str, ...], ...]
    one: Mapping[int, int]
    weight: Mapping[int, float]
    left: Mapping[str, float]

    def interest(self, posts: Iterable[Carried], now: float) -> float:
        """How loud ``posts`` are: see ``loudness``; a group is as loud as one person."""
        return loudness(posts, now, self.one, self.weight, self.left)


def loudness(
    posts: Iterable[Carried],
    now: float,
    one: Mapping[int, int] = _NOBODY,
    weight: Mapping[int, float] = _ALL,
    left: Mapping[str, float] = _WHOLE,
) -> float:
    """How loud ``posts`` are: people, each by their latest post, counting half as much with every
    ``HALF_LIFE_S``. The others as in Standing; without them everybody counts."""
    latest: dict[tuple[bool, int], float] = {}
    counts: dict[tuple[bool, int], float] = {}
    for origin, said, author in posts:
        group = one.get(author)
        who = (group is None, author if group is None else group)
        share = 1.0 if group is not None else weight.get(author, left.get(origin, 1.0))
        latest[who] = max(said, latest.get(who, said))
        counts[who] = max(share, counts.get(who, 0.0))
    return math.fsum(
        counts[who] * 2.0 ** (-max(0.0, now - said) / HALF_LIFE_S) for who, said in latest.items()
    )


def standing_of(view: StoryView, story: int) -> Standing:
    """Who counts as one in a story, kept as long as the story stays as it is. The caller holds the
    view's lock. Raises StoreError."""
    row = view.file.run("SELECT origins, posts, first, last FROM stories WHERE story = ?", (story,))
    stamp = (*row[0], view.seq if view.file.readonly else 0) if row else ()
    held: tuple[tuple[object, ...], Standing] | None = view.standings.get(story)
    if held is not None and held[0] == stamp:
        view.standings.move_to_end(story)
        return held[1]
    found = _stand(view, story)
    view.standings[story] = stamp, found
    while len(view.standings) > KEPT_STANDINGS:
        view.standings.popitem(last=False)
    return found


def _stand(view: StoryView, story: int) -> Standing:
    docs = view.file.run(
        "SELECT root, said, author FROM docs WHERE story = ? ORDER BY said, n", (story,)
    )
    some = coordination.spread(docs, coordination.MOST)
    posts = view.store.get_many([root for root, _, _ in some])
    rows = [
        Row(n, root, said, _voice(posts[root]), hashed(root), True, account_born(posts[root]),
            keys_of(posts[root]))
        for n, (root, said, _) in enumerate(some) if root in posts
    ]  # fmt: skip
    young, elsewhere = _young_share(view, rows), _Elsewhere(view, rows, posts)
    discount, groups = coordination.weigh(rows, set(), young, elsewhere, len(docs))
    about = subject(rows, groups)
    if about:
        discount, groups = coordination.weigh(rows, about, young, elsewhere, len(docs))
    crowd = _Crowd(view, {root: author for root, _, author in some})
    for group in groups:
        crowd.look([row.id for row in group], len({row.author for row in group}) > 1)
    return _made(docs, rows, discount, groups, crowd)


def subject(rows: Sequence[Row], groups: Sequence[Sequence[Row]]) -> set[int]:
    """The keys of the ``SUBJECT`` terms that most origins have, of those that half of them have.
    Nothing where most origins are of one large group: what that says would be the subject."""
    if any(2 * len(group) > len(rows) for group in large(groups)):
        return set()
    spread = Counter(key for row in rows for key in row.keys[1:].tolist())
    return {key for key, n in spread.most_common(SUBJECT) if n >= max(2, len(rows) / 2)}


def _made(
    docs: Sequence[tuple[str, float, int]], rows: Sequence[Row], discount: Discount,
    groups: Sequence[Sequence[Row]], crowd: _Crowd,
) -> Standing:  # fmt: skip
    several = [group for group in groups if len({row.author for row in group}) > 1]
    repeated = sum(len(group) - 1 for group in several) * len(docs) / max(1, len(rows))
    weight: dict[int, float] = {}
    young = 0.0
    if len(docs) > len(rows):
        seen = {row.id for row in rows}
        weight = {author: 1 - discount.share for root, _, author in docs if root not in seen}
    elif discount.independent < len(groups) - 0.1:
        # Young accounts beyond what is usual: of them counts what would be usual.
        young = len(groups) - discount.independent
        fresh = [row.id for row in rows if coordination.is_young(row)]
        count = 1 - young / max(1, len(fresh))
        weight = {crowd.authors[root]: count for root in fresh}
    authors = max(1, round(discount.independent))
    origins = max(authors, round(len(docs) - repeated - young))
    if crowd.passed_off:
        said = (
            f"{crowd.passed_off:,} accounts put one text out as their own; in how loud it is they "
            "count as one."
        )
        discount = replace(
            discount, passed_off=crowd.passed_off, reason=f"{discount.reason} {said}"
        )
    return Standing(
        discount, origins, authors,
        {row.id: n for n, group in enumerate(groups) for row in group},
        tuple(tuple(row.id for row in group) for group in several),
        crowd.one, weight, crowd.left,
    )  # fmt: skip


@dataclass(slots=True)
class _Crowd:
    """Those who carry the origins of a story, group by group. ``authors`` are the authors of its
    origins, by root; what is found is as in Standing, and how many accounts pass off."""

    view: StoryView
    authors: Mapping[str, int]
    one: dict[int, int] = field(default_factory=dict)
    left: dict[str, float] = field(default_factory=dict)
    passed_off: int = 0
    _groups: int = 0

    def look(self, roots: Sequence[str], are_several: bool) -> None:
        """Look at a group of origins that are one voice, of one author or of several."""
        self._groups += 1
        if are_several:
            self.one |= {self.authors[root]: self._groups for root in roots}
        held = [
            (said, post, origin, author)
            for origin in roots
            for post, said, author in self.view.file.run(
                "SELECT post, said, author FROM carried WHERE origin = ?", (origin,)
            )
        ]
        accounts = {self.authors[root] for root in roots} | {author for *_, author in held}
        if len(accounts) < campaign.FEWEST:
            return
        held.sort()
        read = [*roots, *(post for _, post, *_ in held)][:READ]
        posts = sorted(self.view.store.get_many(read).values(), key=lambda post: post.time)
        if not posts:
            return
        links = self.view.store.links([post.id for post in posts])
        found = campaign.assess(posts, links)
        if found is None or not found.coordinated:
            return
        own = campaign.unattributed(posts, links)
        self.one |= {author_number(post): self._groups for post in own.values()}
        self.one |= {self.authors[root]: self._groups for root in roots}
        share = found.unattributed / found.accounts
        if len(held) + len(roots) > len(read):
            self.left |= dict.fromkeys(roots, 1 - share)
        self.passed_off += max(len(own), round(share * len(accounts)))


class _Elsewhere:
    """What the authors of a story's origins posted of late outside of it: read once, where it is
    asked for at all."""

    def __init__(self, view: StoryView, rows: Sequence[Row], posts: Mapping[str, Post]) -> None:
        self._view, self._rows, self._posts = view, rows, posts
        self._by_author: dict[int, list[Row]] | None = None

    def __call__(self, author: int) -> Sequence[Row]:
        if self._by_author is None:
            self._by_author = self._read()
        return self._by_author.get(author, ())

    def _read(self) -> dict[int, list[Row]]:
        names = {post.author for post in self._posts.values() if post.author}
        names_read = tuple(sorted(names)[: coordination.ACCOUNTS])
        if not names_read:
            return {}
        last = max(row.time for row in self._rows)
        where = Filter(since=last - DAY_S, until=last + 1, authors=names_read)
        found = list(self._view.store.scan(where, _ELSEWHERE * len(names_read)))
        links = self._view.store.links([post.id for post in found])
        inside = {row.origin for row in self._rows}
        by_author: dict[int, list[Row]] = defaultdict(list)
        for post in found:
            origin = hashed(links[post.id].origin if post.id in links else post.id)
            if origin not in inside:
                who = _voice(post)
                by_author[who].append(Row(0, post.id, post.time, who, origin, True, None, _NO_KEYS))
        return by_author


def _voice(post: Post) -> int:
    """Whose word it is: its author's, or its site's. Unnamed ones of one source have one voice."""
    return author_number(post) if post.author else hashed(f"site {site_of(post) or post.source}")


def _young_share(view: StoryView, rows: Sequence[Row]) -> float:
    """The share of young accounts among who told anything in the day before; what is usual where
    nobody's age is known."""
    if all(row.born is None for row in rows):
        return coordination.young_share([])
    first = min(row.time for row in rows)
    before = view.file.run(
        "SELECT root, said FROM docs WHERE said >= ? AND said < ? LIMIT ?",
        (first - DAY_S, first, _USUAL),
    )
    posts = view.store.get_many([root for root, _ in before])
    usual = [
        Row(0, root, said, _voice(posts[root]), 0, True, account_born(posts[root]), _NO_KEYS)
        for root, said in before if root in posts
    ]  # fmt: skip
    return coordination.young_share(usual)
