"""Puts the posts of a batch into origins, incrementally, as they arrive."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import chain

from gnomon.origins import bands, media, wire
from gnomon.origins.compare import is_copy
from gnomon.origins.facts import differ
from gnomon.origins.wording import Wording, of_post, running, says_nothing, substantial
from gnomon.store.contract import Store
from gnomon.text import polarity
from gnomon.text.tokens import words
from gnomon.text.urls import canonical
from gnomon.types import EdgeKind, Link, Post

# As many posts a key as the store returns.
_KEPT_PER_KEY = 8
# Origins looked at for one post, those that share most keys first.
CANDIDATES = 5
# An origin larger than this keeps its root when an earlier copy turns up.
LARGEST_MOVED = 20_000
# With a copy as near as this, only origins that share half as many keys are looked at, too.
_SURE = 0.9
_HARD = frozenset({EdgeKind.REPOST, EdgeKind.QUOTE, EdgeKind.URL, EdgeKind.MEDIA})
# The share of a post's own words that stand in a page's title, for the post to be but a link to it.
_HEADLINE = 0.8


def link(
    store: Store, posts: Sequence[Post]
) -> tuple[tuple[Link, ...], Mapping[str, tuple[int, ...]]]:
    """Links and band keys for a batch of posts that is not yet written.

    Every post that is new or edited gets a link: to its origin's root, or to itself as a root.
    Hard edges first (repost, quote without comment, the same page, the same picture without a
    word), then near-duplicates and the stories of one agency, each verified against the origin's
    earliest post, so that likeness does not wander along a chain.
    A post earlier than the root of its origin becomes the root; links for held posts that move
    are returned, too. The result does not depend on the order of ``posts``. Raises StoreError.

    A repost whose original is not held stands in the origin named by the original's id; when the
    original arrives it is that origin's root.
    """
    return _Linking(store, posts).run()


class _Linking:
    """One batch. ``links`` grows; ``moved`` maps an origin to the one that took its place."""

    def __init__(self, store: Store, posts: Sequence[Post]) -> None:
        self.store = store
        unique = {post.id: post for post in posts}
        self.refs = {r for p in unique.values() for r in (p.repost_of, p.quotes) if r}
        self.held = store.get_many([*unique, *(self.refs - unique.keys())])
        self.stored = store.links(list(self.held)) if self.held else {}
        self.fresh = sorted(
            (p for p in unique.values() if not self._unchanged(p)), key=lambda p: (p.time, p.id)
        )
        self.batch = {p.id: p for p in self.fresh}
        self.wordings: dict[str, Wording] = {p.id: of_post(p) for p in self.fresh}
        found = bands.keys([w.text for w in self.wordings.values()])
        self.keys = {name: k for name, k in zip(self.wordings, found, strict=True) if k}
        self.links: dict[str, Link] = {}
        self.moved: dict[str, str] = {}
        self.by_key: dict[int, list[str]] = defaultdict(list)
        self.earliest: dict[str, str] = {}

    def _unchanged(self, post: Post) -> bool:
        held = self.held.get(post.id)
        return held is not None and (held.text, held.title) == (post.text, post.title)

    def run(self) -> tuple[tuple[Link, ...], dict[str, tuple[int, ...]]]:
        self._look_up_pages()
        for post in self.fresh:
            more = wire.keys(post)
            if post.media:
                more = (*more, *media.keys(post))
            if more:
                self.keys[post.id] = (*self.keys.get(post.id, ()), *more)
        self._look_up_likenesses()
        for post in self.fresh:
            if self._alone(post):
                self.links[post.id] = Link(post.id, post.id, EdgeKind.ROOT)
            else:
                self._place(post)
        return tuple(self.links.values()), self.keys

    def _alone(self, post: Post) -> bool:
        """Whether nothing leads from the post to another: most posts."""
        if post.repost_of or post.quotes or post.url or post.id in self.pointing:
            return False
        return post.id not in self.held and self.leading.isdisjoint(self.keys.get(post.id, ()))

    # -- looking up, once for the whole batch -----------------------------------------------------
    def _look_up_pages(self) -> None:
        """``pages``: canonical URL to the earliest post (held, or of the batch) that is it."""
        self.pointing: dict[str, list[str]] = {}
        own: dict[str, str] = {}
        for post in self.fresh:
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
        wanted = {*own, *(u for urls in self.pointing.values() for u in urls)} - {""}
        self.pages = {url: post_id for url, post_id in own.items() if url}
        if wanted:
            self.pages |= self.store.by_url(sorted(wanted))
        missing = set(self.pages.values()) - self.held.keys() - self.batch.keys()
        if missing:
            self.held |= self.store.get_many(sorted(missing))
            self.stored |= self.store.links(sorted(missing))

    def _look_up_likenesses(self) -> None:
        """``matches``: key to held posts; their links, and their origins' roots. ``shared``: keys
        of more than one post of the batch. All other keys, which are most, are not ``leading``."""
        asked = {
            key
            for post_id, keys in self.keys.items()
            if not self._follows(self.batch[post_id])
            for key in keys
        }
        self.matches = self.store.band_matches(asked) if asked else {}
        found = {other for ids in self.matches.values() for other in ids} - self.stored.keys()
        if found:
            self.stored |= self.store.links(sorted(found))
        roots = {held.origin for held in self.stored.values()} - self.held.keys()
        if roots:
            self.held |= self.store.get_many(sorted(roots))
        carried = Counter(chain.from_iterable(self.keys.values()))
        self.shared = {key for key, posts in carried.items() if posts > 1}
        self.leading = self.shared | self.matches.keys()

    # -- one post ---------------------------------------------------------------------------------
    def _place(self, post: Post) -> None:
        current = self.stored.get(post.id)
        if current is not None and current.kind is EdgeKind.ROOT:
            # An edited root stays where those who copied it look for it.
            self._index(post.id)
            return
        placed = self._hard(post) or self._soft(post)
        if placed is None:
            placed = Link(post.id, post.id, EdgeKind.ROOT)
        self.links[post.id] = placed
        if placed.origin != post.id:
            # Reposts that came before their original stand under its id; they follow it.
            self.moved[post.id] = placed.origin
        if post.media:
            self._show(post)
        self._index(post.id)

    def _index(self, id: str) -> None:
        for key in self.keys.get(id, ()):
            if key in self.shared and len(self.by_key[key]) < _KEPT_PER_KEY:
                self.by_key[key].append(id)

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

    def _hard(self, post: Post) -> Link | None:
        kind = self._follows(post)
        if kind is not None:
            target = post.repost_of if kind is EdgeKind.REPOST else post.quotes
            origin = self._origin(target)
            if origin != post.id:
                return Link(post.id, origin, kind)
        return self._page(post) or (self._picture(post) if post.media else None)

    def _with_picture(self, post: Post) -> list[Post]:
        """The posts that carry a picture of ``post``, earliest first."""
        near = {other for key in media.keys(post) for other in self._near(key)} - {post.id}
        missing = near - self.held.keys() - self.batch.keys()
        if missing:
            self.held |= self.store.get_many(sorted(missing))
        found = [p for one in near if (p := self.batch.get(one) or self.held.get(one)) is not None]
        return sorted(found, key=_post_age)

    def _near(self, key: int) -> tuple[str, ...]:
        return (*self.matches.get(key, ()), *self.by_key.get(key, ()))

    def _picture(self, post: Post) -> Link | None:
        """A post that shows an earlier one's picture and says nothing."""
        wording = self.wordings[post.id]
        if not media.is_wordless(wording):
            return None
        for other in self._with_picture(post):
            if _post_age(other) < _post_age(post) and media.passes_on(other, post, wording):
                return Link(post.id, self._origin(other.id), EdgeKind.MEDIA)
        return None

    def _show(self, post: Post) -> None:
        """Later posts that say nothing about a picture of ``post`` belong to it, if they stood for
        themselves or under a still later one."""
        target = self._origin(post.id)
        for other in self._with_picture(post):
            root = self._origin(other.id)
            above = self.batch.get(root) or self.held.get(root)
            if above is None or root == target or _post_age(above) <= _post_age(post):
                continue
            if not media.names(other) <= media.names(above):
                continue
            if media.passes_on(post, other, self._wording(other)):
                self.links[other.id] = Link(other.id, target, EdgeKind.MEDIA)
                if root == other.id:
                    self.moved[other.id] = target

    def _page(self, post: Post) -> Link | None:
        """The same page taken in twice, or a post that is but a link to a page held."""
        wording = self.wordings[post.id]
        own = self.pages.get(canonical(post.url)) if post.url else None
        if own and own != post.id and self._precedes(own, post):
            page = self.held.get(own) or self.batch[own]
            if is_copy(self._wording(page), wording):
                return Link(post.id, self._origin(own), EdgeKind.URL)
        for url in self.pointing.get(post.id, ()):
            target = self.pages.get(url)
            if target and target != post.id:
                page = self.held.get(target) or self.batch[target]
                if _only_points(wording, page):
                    return Link(post.id, self._origin(target), EdgeKind.URL)
        if post.id in self.pointing and not wording.mergeable:
            for key in self.keys[post.id]:
                for other in (*self.matches.get(key, ()), *self.by_key.get(key, ())):
                    if other != post.id and self._words_of(other) == wording.words:
                        return Link(post.id, self._origin(other), EdgeKind.URL)
        return None

    def _soft(self, post: Post) -> Link | None:
        """The best origin whose earliest post this copies; its root moves if this is earlier."""
        wording = self.wordings[post.id]
        if not wording.mergeable:
            return None
        verified: list[tuple[float, float, str, EdgeKind]] = []
        enough = 0.0
        for origin, shared in self._candidates(post.id):
            if shared < enough:
                break
            root = self._root(origin)
            if root is None or root.id == post.id:
                continue
            kind, score = self._edge(root, wording)
            score = score or self._like_a_pointer(post.id, origin)
            if score:
                verified.append((-score, root.time, origin, kind))
                enough = shared / 2 if score >= _SURE else enough
        if not verified:
            return None
        if len(verified) > 1:
            self._join(sorted((time, origin) for _, time, origin, _ in verified))
        best = min(verified)
        score, origin = -best[0], self._origin_now(best[2])
        root = self._root(origin)
        assert root is not None
        earlier = _age(wording) < _age(root) and root.id == origin
        kind = best[3]
        if earlier and self._edge(root, wording)[1] and self._take_over(post.id, origin):
            self.links[origin] = Link(origin, post.id, kind, score)
            return Link(post.id, post.id, EdgeKind.ROOT)
        handle = root.author.removeprefix("@").casefold()
        repost = bool(wording.of) and wording.of.casefold() in (handle, handle.split(".")[0])
        return Link(post.id, origin, EdgeKind.REPOST if repost else kind, score)

    def _edge(self, one: Wording, other: Wording) -> tuple[EdgeKind, float]:
        """How the later of the two comes from the earlier, and how near; (COPY, 0) if it does not:
        as a copy, or as the story of one agency."""
        root, copy = (one, other) if _age(one) <= _age(other) else (other, one)
        score = is_copy(root, copy)
        if score or min(len(one.words), len(other.words)) < wire.FEWEST_WORDS:
            return EdgeKind.COPY, score
        first, again = (self.batch.get(w.id) or self.held[w.id] for w in (root, copy))
        return wire.edge(first, root, again, copy) or (EdgeKind.COPY, 0.0)

    def _join(self, found: list[tuple[float, str]]) -> None:
        """Origins that missed each other and now met in one post are one if their roots say so."""
        first = self._root(found[0][1])
        for _, origin in found[1:]:
            root = self._root(origin)
            if first is None or root is None or root.id != origin:
                continue
            kind, score = self._edge(first, root)
            if score and self._take_over(first.id, origin):
                self.links[origin] = Link(origin, self._origin(first.id), kind, score)

    def _like_a_pointer(self, id: str, origin: str) -> float:
        """A page is passed on in the words of those who pointed to it, too; that they belong to it
        was sure, so this is no chain."""
        wording, best = self.wordings[id], 0.0
        for key in self.keys.get(id, ()):
            for other in (*self.matches.get(key, ()), *self.by_key.get(key, ())):
                held = self.links.get(other) or self.stored.get(other)
                if held is None or held.kind is not EdgeKind.URL or self._origin(other) != origin:
                    continue
                if self._words_of(other) is not None:
                    best = max(best, is_copy(self._wording_of(other), wording))
        return best

    def _candidates(self, id: str) -> list[tuple[str, int]]:
        """Origins and how many keys they share with the post, most first."""
        count: dict[str, int] = {}
        for key in self.keys.get(id, ()):
            if key not in self.matches and key not in self.by_key:
                continue
            near = (*self.matches.get(key, ()), *self.by_key.get(key, ()))
            for origin in {self._origin(other) for other in near}:
                count[origin] = count.get(origin, 0) + 1
        count.pop(id, None)
        if len(count) < 2:
            return list(count.items())
        return sorted(count.items(), key=lambda pair: (-pair[1], pair[0]))[:CANDIDATES]

    def _take_over(self, root: str, origin: str) -> bool:
        """Make ``root`` the root of ``origin``: copies that do not verify against it are regrouped
        under the earliest of themselves. False where the origin is too large to be moved."""
        size = self.store.origins([origin]).get(origin)
        if size is not None and size.posts > LARGEST_MOVED:
            return False
        members = self.store.members(origin, LARGEST_MOVED) if size else []
        here = [p for p in self.batch.values() if self._linked_to(p.id, origin)]
        target = self._origin(root)
        self.moved[origin] = target
        roots = [self._wording_of(root)]
        for member in sorted({p.id: p for p in (*members, *here)}.values(), key=_post_age):
            if member.id in (origin, root):
                continue
            held = self.links.get(member.id) or self.stored.get(member.id)
            if held is None:
                held = self.store.links([member.id]).get(member.id)
            if held is None or held.kind in _HARD:
                if held is not None:
                    self.links[member.id] = replace(held, origin=target)
                continue
            wording = self._wording(member)
            edges = [(*self._edge(other, wording)[::-1], other.id) for other in roots]
            score, kind, under = max(edges, key=lambda edge: edge[0])
            if not score and held.kind is EdgeKind.MEANING and not differ(roots[0], wording):
                score, kind, under = held.score, held.kind, root
            if score:
                self.links[member.id] = Link(
                    member.id, target if under == root else under, kind, score
                )
            else:
                self.links[member.id] = Link(member.id, member.id, EdgeKind.ROOT)
                roots.append(wording)
        return True

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
            found = min((*first, *here), key=_post_age, default=None)
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

    def _precedes(self, id: str, post: Post) -> bool:
        other = self.held.get(id) or self.batch[id]
        return _post_age(other) < _post_age(post)


def _age(wording: Wording) -> tuple[float, str]:
    return wording.time, wording.id


def _post_age(post: Post) -> tuple[float, str]:
    return post.time, post.id


def _only_points(wording: Wording, page: Post) -> bool:
    """Whether a post that links to ``page`` says no more than the page does: its headline, or
    words most of which stand there, with no number and no denial of its own."""
    if not wording.words:
        return True
    title = set(words(page.title or page.text[:200]))
    fresh = [word for word in wording.words if word not in title]
    if len(fresh) <= (1 - _HEADLINE) * len(wording.words):
        return not substantial(fresh)
    body = {_stem(word) for word in words(f"{page.title} {page.text}")}
    own = {_stem(word) for word in wording.words if word not in _FUNCTION_WORDS}
    if _FIRST_PERSON.search(wording.text) or len(own & body) < _FROM_PAGE * len(own):
        return False
    added = [word for word in wording.words if _stem(word) not in body]
    return not substantial(added) and not polarity.negations(running(added))


def _stem(word: str) -> str:
    return word[:5] if word.isascii() and not word.isdigit() else word


# The share of the content words that must come from the page where its headline is not repeated.
_FROM_PAGE = 0.6
_FIRST_PERSON = re.compile(r"\b(?:I|my|me|mine|I'[a-z]+)\b|我(?!们|市|国|省|校|县)")
_FUNCTION_WORDS = frozenset(
    "the a an of to in on at for and or is are was were be by with from our we on why he she "
    "it its "
    "his her this that us as not no do did has have had will 的 了 在 是 和 与 于".split()
)
