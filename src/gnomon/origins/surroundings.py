"""What must be known to place the posts of a batch: what is held near them, looked up at once."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from itertools import chain

from gnomon.origins import bands, media, wire
from gnomon.origins.compare import is_copy
from gnomon.origins.wording import Wording, of_post, says_nothing, substantial
from gnomon.store.contract import Store
from gnomon.store.rules import news_time
from gnomon.text.urls import canonical
from gnomon.types import Deletion, EdgeKind, Filter, Link, Post


class Surroundings:
    """Of one batch: the posts near it that are held, their links and origins by now.

    ``links`` grows while posts are placed; ``moved`` maps an origin to the one that took its place;
    ``by_key`` are posts of the batch that were placed, by their keys.
    """

    def __init__(
        self, store: Store, posts: Sequence[Post], deletions: Sequence[Deletion] = ()
    ) -> None:
        self.store = store
        unique = {post.id: post for post in posts}
        self.refs = {r for p in unique.values() for r in (p.repost_of, p.quotes) if r}
        self.held = store.get_many([*unique, *(self.refs - unique.keys())])
        self.stored = store.links(list(self.held)) if self.held else {}
        self.gone = self._deleted(unique, deletions) if deletions else set()
        changed = (p for p in unique.values() if p.id not in self.gone and not self._unchanged(p))
        self.fresh = sorted(changed, key=post_age)
        self.queue: list[tuple[float, str]] = []  # posts to be placed again
        self.batch = {p.id: p for p in self.fresh}
        self.wordings: dict[str, Wording] = {p.id: of_post(p) for p in self.fresh}
        self.keys: dict[str, tuple[int, ...]] = {}
        self.links: dict[str, Link] = {}
        self.moved: dict[str, str] = {}
        self.by_key: dict[int, list[str]] = defaultdict(list)
        self.earliest: dict[str, str] = {}
        self.pointing: dict[str, list[str]] = {}
        self.pages: dict[str, str] = {}
        self.matches: dict[int, list[str]] = {}
        self.leading: set[int] = set()
        self.following: list[str] = []  # reposts of posts that are to be placed again
        self.twice: set[str] = set()  # posts that were placed again
        self.pending: set[str] = set()  # those of them that still wait for it
        self._prepare(self.fresh)

    def _unchanged(self, post: Post) -> bool:
        held = self.held.get(post.id)
        return held is not None and (held.text, held.title) == (post.text, post.title)

    def _deleted(self, batch: dict[str, Post], deletions: Sequence[Deletion]) -> set[str]:
        """Posts, held or of the batch, that ``deletions`` take away."""
        posts: dict[str, Post] = {}
        gone = set()
        for one in deletions:
            if one.post:
                posts = self.held | batch
                if one.post not in posts:
                    self.held |= self.store.get_many([one.post])
                    posts = self.held
                found = [posts[one.post]] if one.post in posts else []
            else:
                where = Filter(sources=(one.source,), authors=(one.author,))
                held = {post.id: post for post in self.store.scan(where)}
                self.held |= held
                own = {p.id: p for p in batch.values() if p.author == one.author}
                found = list((held | own).values())
            gone |= {post.id for post in found if news_time(post) <= one.at}
        self.stored |= self.store.links(sorted(gone))
        return gone

    # -- looking up, once for the whole batch -----------------------------------------------------
    def _prepare(self, posts: Sequence[Post]) -> None:
        """Keys of ``posts`` and what they lead to."""
        found = bands.keys([self._wording(post).keyed for post in posts])
        self.keys |= {p.id: k for p, k in zip(posts, found, strict=True) if k}
        self._look_up_pages(posts)
        for post in posts:
            more = wire.keys(post)
            if post.media:
                more = (*more, *media.keys(post))
            if more:
                self.keys[post.id] = (*self.keys.get(post.id, ()), *more)
        self._look_up_likenesses(posts)

    def _look_up_pages(self, posts: Sequence[Post]) -> None:
        """``pages``: canonical URL to the earliest post (held, or of the batch) that is it."""
        own: dict[str, str] = {}
        for post in posts:
            if post.url:
                own.setdefault(canonical(post.url), post.id)
            wording = self.wordings[post.id]
            if not wording.urls:
                continue
            urls = [u for u in map(canonical, wording.urls[:4]) if u]
            if urls:
                self.pointing[post.id] = urls
                if post.id not in self.keys:
                    self.keys[post.id] = (bands.of_page(urls[0], wording.words),)
        wanted = {*own, *(u for p in posts for u in self.pointing.get(p.id, ()))} - {""}
        self.pages = {url: post_id for url, post_id in own.items() if url} | self.pages
        wanted -= self.pages.keys() - own.keys()
        if wanted:
            self.pages |= self.store.by_url(sorted(wanted))
        self._learn(self.pages.values())

    def _learn(self, ids: Iterable[str]) -> None:
        """Posts that are held, with their links: ``held`` and ``stored``."""
        wanted = set(ids) - self.batch.keys()
        if missing := sorted(wanted - self.held.keys()):
            self.held |= self.store.get_many(missing)
        if missing := sorted(wanted - self.stored.keys()):
            self.stored |= self.store.links(missing)

    def _look_up_likenesses(self, posts: Sequence[Post]) -> None:
        """``matches``: key to held posts; their links, and their origins' roots. Keys of none of
        them and of one post of the batch only, which are most, are not ``leading``."""
        keys = {post.id: self.keys[post.id] for post in posts if post.id in self.keys}
        asked = {
            key for of, some in keys.items() if not self._follows(self.batch[of]) for key in some
        }
        matches = self.store.band_matches(asked) if asked else {}
        found = set(chain.from_iterable(matches.values()))
        found -= self.stored.keys() | self.batch.keys()
        if found:
            self.stored |= self.store.links(sorted(found))
        roots = {held.origin for held in self.stored.values()} - self.held.keys()
        if roots:
            self.held |= self.store.get_many(sorted(roots))
        carried = Counter(chain.from_iterable(keys.values()))
        self.matches |= matches
        self.leading |= matches.keys() | {key for key, n in carried.items() if n > 1}

    def _await(self) -> None:
        """Keys for posts that quote or point to what is not held yet."""
        passing = {p.id for p in self.batch.values() if p.quotes or p.repost_of}
        for name in sorted(self.pointing.keys() | passing):
            post = self.batch[name]
            names = [url for url in self.pointing.get(name, ()) if url not in self.pages]
            names += [
                ref
                for ref in (post.quotes, post.repost_of)
                if ref and ref not in self.batch and ref not in self.held
            ]
            if names:
                more = map(bands.of_awaited, names)
                self.keys[name] = (*self.keys.get(name, ()), *more)

    def _near(self, key: int) -> list[str]:
        near = [*self.matches.get(key, ()), *self.by_key.get(key, ())]
        return [other for other in near if other not in self.gone] if self.gone else near

    # -- how two posts stand to each other --------------------------------------------------------
    def _follows(self, post: Post) -> EdgeKind | None:
        """REPOST or QUOTE if the post passes another on without saying anything of its own."""
        if not post.repost_of and not post.quotes:
            return None
        for target, kind in ((post.repost_of, EdgeKind.REPOST), (post.quotes, EdgeKind.QUOTE)):
            if not target or target == post.id:
                continue
            wording = self.wordings[post.id]
            if says_nothing(post.text) or wording.of or not substantial(wording.words):
                return kind
            original = self.held.get(target) or self.batch.get(target)
            if original is not None and is_copy(self._wording(original), wording):
                return kind
        return None

    def _edge(self, one: Wording, other: Wording) -> tuple[EdgeKind, float]:
        """How the later of the two comes from the earlier, and how near; (COPY, 0) if it does not:
        as a copy, or as the story of one agency."""
        root, copy = (one, other) if age(one) <= age(other) else (other, one)
        score = is_copy(root, copy)
        if score or min(len(one.words), len(other.words)) < wire.FEWEST_WORDS:
            return EdgeKind.COPY, score
        first, again = (self.batch.get(w.id) or self.held[w.id] for w in (root, copy))
        return wire.edge(first, root, again, copy) or (EdgeKind.COPY, 0.0)

    def _precedes(self, id: str, post: Post) -> bool:
        other = self.held.get(id) or self.batch[id]
        return post_age(other) < post_age(post)

    # -- what is known of a post ------------------------------------------------------------------
    def _linked_to(self, id: str, origin: str) -> bool:
        return id in self.links and self.links[id].origin == origin

    def _origin(self, id: str) -> str:
        """The origin that ``id`` stands in by now; its own id if nothing is known of it."""
        placed = self.links.get(id) or self.stored.get(id)
        return self._origin_now(placed.origin if placed else id)

    def _origin_now(self, origin: str) -> str:
        seen = set()
        while origin in self.moved and origin not in seen:
            seen.add(origin)
            origin = self.moved[origin]
        return origin

    def _root(self, origin: str) -> Wording | None:
        """The wording of the origin's earliest post that is held."""
        if origin in self.wordings or origin in self.held:
            return self._wording_of(origin)
        if origin not in self.earliest:
            first = self.store.members(origin, 1)
            here = [p for p in self.fresh if self._linked_to(p.id, origin)]
            found = min((*first, *here), key=post_age, default=None)
            if found is None:
                return None
            self.earliest[origin] = found.id
            self.held.setdefault(found.id, found)
        return self._wording_of(self.earliest[origin])

    def _wording_of(self, id: str) -> Wording:
        return self.wordings.get(id) or self._wording(self.held[id])

    def _wording(self, post: Post) -> Wording:
        if post.id not in self.wordings:
            self.wordings[post.id] = of_post(post)
        return self.wordings[post.id]

    def _words_of(self, id: str) -> list[str] | None:
        if id not in self.wordings and id not in self.held:
            self.held |= self.store.get_many([id])
        return self._wording_of(id).words if id in self.wordings or id in self.held else None


def age(wording: Wording) -> tuple[float, str]:
    return wording.time, wording.id


def post_age(post: Post) -> tuple[float, str]:
    return post.time, post.id
