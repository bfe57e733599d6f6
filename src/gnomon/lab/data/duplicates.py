"""One document for each origin: reposts, copies and near-copies are told, the earliest stays.

What is a copy is ``gnomon.origins``' to say, the same as when posts are taken in: words that are
nearly the same, and never across a changed number, negation or name.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import cast

from gnomon import origins
from gnomon.lab.data.documents import Document
from gnomon.origins.compare import is_copy
from gnomon.origins.wording import Wording, of_post
from gnomon.store.contract import Store
from gnomon.store.rules import BAND_MATCHES
from gnomon.text.urls import canonical
from gnomon.types import EdgeKind, Link, Origin, Post

KINDS = {
    EdgeKind.REPOST: "a repost",
    EdgeKind.QUOTE: "a quote without a comment",
    EdgeKind.URL: "the same page",
    EdgeKind.COPY: "a copy",
    EdgeKind.MEDIA: "the same picture without a word",
    EdgeKind.WIRE: "the story of one agency",
    EdgeKind.MEANING: "the same facts in other words",
}
"""How a report says why a document is another's."""

LIKE = 0.7
"""How like its origin's earliest a copy must be to be left out. Origins join more, since an echo is
no second witness; below this most pairs of real posts said different things in one turn of phrase
("..., what do you think?"), which a model may learn from twice (docs/lab-data.md)."""

COMPARED = 50
"""Of an origin's posts that are not like its earliest, so many are compared with each later one."""

TOGETHER = 2000
"""Documents that are linked at once."""


class Kin:
    """What linking asks of a store, over the documents seen so far, in dictionaries."""

    def __init__(self) -> None:
        self._posts: dict[str, Post] = {}
        self._links: dict[str, Link] = {}
        self._members: dict[str, set[str]] = defaultdict(set)
        self._keys: dict[str, tuple[int, ...]] = {}
        self._bands: dict[int, list[str]] = defaultdict(list)
        self._urls: dict[str, str] = {}

    # -- the part of gnomon.store.contract.Store that origins reads ---------------------------
    def get_many(self, ids: Sequence[str]) -> dict[str, Post]:
        return {one: self._posts[one] for one in ids if one in self._posts}

    def links(self, ids: Sequence[str]) -> dict[str, Link]:
        return {one: self._links[one] for one in ids if one in self._links}

    def origins(self, ids: Sequence[str]) -> dict[str, Origin]:
        found = {}
        for one in ids:
            if posts := [self._posts[name] for name in self._members.get(one, ())]:
                authors = len({post.author for post in posts})
                first = min(post.time for post in posts)
                found[one] = Origin(one, len(posts), authors, first)
        return found

    def members(self, origin: str, limit: int = 100) -> list[Post]:
        found = sorted((self._posts[one] for one in self._members.get(origin, ())), key=_age)
        return found[:limit]

    def band_matches(self, keys: Iterable[int]) -> dict[int, list[str]]:
        return {key: self._bands[key][:BAND_MATCHES] for key in keys if key in self._bands}

    def by_url(self, urls: Sequence[str]) -> dict[str, str]:
        return {url: self._urls[url] for url in urls if url in self._urls}

    # -----------------------------------------------------------------------------------------
    def take(self, posts: Sequence[Post]) -> None:
        """Link posts among themselves and to those taken before."""
        links, bands = origins.link(cast(Store, self), posts)
        for post in posts:
            self._posts[post.id] = post
            if post.url:
                self._urls.setdefault(canonical(post.url), post.id)
        for one, keys in bands.items():
            for key in self._keys.get(one, ()):
                self._bands[key].remove(one)
            self._keys[one] = keys
            for key in keys:
                self._bands[key].append(one)
        for link in sorted(links, key=lambda link: link.post != link.origin):
            self._move(link)

    def _move(self, link: Link) -> None:
        """Take a link in, as the store's contract has it: one to a post that has another origin
        means that origin, and the followers of a root that moves go along."""
        link = replace(link, origin=self._root(link.origin, besides=link.post))
        held = self._links.get(link.post)
        if held is not None:
            self._members[held.origin].discard(link.post)
        self._links[link.post] = link
        self._members[link.origin].add(link.post)
        if link.origin != link.post:
            for follower in self._members.pop(link.post, set()):
                self._links[follower] = replace(self._links[follower], origin=link.origin)
                self._members[link.origin].add(follower)

    def _root(self, origin: str, besides: str) -> str:
        seen = {besides}
        while origin not in seen and origin in self._links:
            seen.add(origin)
            origin = self._links[origin].origin
        return origin

    def duplicates(self) -> dict[str, Link]:
        """By id: the link of every document that another one stands for: its origin's earliest,
        or one that came before it among those that are not like that one."""
        found = {one: link for one, link in self._links.items() if stands_for(link)}
        weak: dict[str, list[Post]] = defaultdict(list)
        for one, link in self._links.items():
            if link.origin != one and one not in found:
                weak[link.origin].append(self._posts[one])
        for posts in weak.values():
            found |= _among(sorted(posts, key=_age))
        return found


def _among(posts: Sequence[Post]) -> dict[str, Link]:
    """Copies among posts of one origin, earliest first."""
    kept: list[Wording] = []
    found = {}
    for post in posts:
        wording = of_post(post)
        likes = ((is_copy(other, wording), other.id) for other in kept[-COMPARED:])
        score, best = max(likes, default=(0.0, ""))
        if score >= LIKE:
            found[post.id] = Link(post.id, best, EdgeKind.COPY, score)
        else:
            kept.append(wording)
    return found


def stands_for(link: Link) -> bool:
    """Whether the post at the other end says what this one says."""
    if link.origin == link.post:
        return False
    return link.kind is not EdgeKind.COPY or link.score >= LIKE


def find(
    documents: Iterable[Document], progress: Callable[[int], None] = lambda count: None
) -> dict[str, Link]:
    """The documents that another one stands for, by id, with the link that says which and why.
    ``progress`` is told how many were linked. Documents of one id: the first stays (see
    ``repeated``)."""
    kin = Kin()
    for count, chunk in _chunks(documents):
        kin.take(chunk)
        progress(count)
    return kin.duplicates()


def _chunks(documents: Iterable[Document]) -> Iterator[tuple[int, list[Post]]]:
    chunk: dict[str, Post] = {}
    count = 0
    for document in documents:
        chunk.setdefault(document.id, _post(document, count))
        count += 1
        if len(chunk) >= TOGETHER:
            yield count, list(chunk.values())
            chunk = {}
    if chunk:
        yield count, list(chunk.values())


def _post(document: Document, number: int) -> Post:
    """The document as linking reads it. Without a date the order of reading is the order."""
    created = document.metadata.get("created_at")
    return Post(
        id=document.id,
        text=document.text,
        source=str(document.metadata.get("source", "")),
        fetched_at=float(number),
        author=str(document.metadata.get("author", "")),
        created_at=created if isinstance(created, int | float) else None,
    )


def _age(post: Post) -> tuple[float, str]:
    return post.time, post.id
