"""Puts the posts of a batch into origins, incrementally, as they arrive."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import chain

from gnomon.origins import bands, media, wire
from gnomon.origins.compare import EQUAL_BELOW, is_copy
from gnomon.origins.facts import differ
from gnomon.origins.pages import only_points
from gnomon.origins.surroundings import Surroundings, age, post_age
from gnomon.origins.wording import Wording
from gnomon.store.contract import Store
from gnomon.store.rules import BAND_MATCHES, POINTING
from gnomon.text.urls import canonical
from gnomon.types import Deletion, EdgeKind, Link, Post

# Posts of one origin that carry one key, its root aside. Did every copy, a flood would fill what a
# look-up returns, and hide the origins that share the key and differ in a number.
CARRIERS = 2
# Origins looked at for one post, those that share most keys first.
CANDIDATES = 8
# An origin larger than this keeps its root when an earlier copy turns up: of the same words, or of
# others, so that every post must be compared again. A flood may come newest first, page by page.
LARGEST_MOVED, LARGEST_CHECKED = 20_000, 5_000
# With a copy as near as this, only origins that share half as many keys are looked at, too.
_SURE = 0.9
_HARD = frozenset(POINTING)


Linked = tuple[tuple[Link, ...], Mapping[str, tuple[int, ...]]]


def link(store: Store, posts: Sequence[Post], deletions: Sequence[Deletion] = ()) -> Linked:
    """Links and band keys for a batch of posts and deletions that is not yet written.

    Every post that is new or edited gets a link: to its origin's root, or to itself as a root.
    Hard edges first (repost, quote without comment, the same page, the same picture without a
    word), then near-duplicates and the stories of one agency, each verified against the origin's
    earliest post, so that likeness does not wander along a chain.
    Links (and keys) of held posts that move are returned, too. Raises StoreError.

    A post earlier than the root of its origin becomes the root. Where a root goes (another takes
    its place, its author edits or deletes it), its copies stay with the next root if they verify
    against that one, too; the others are placed again, as if they arrived now. A repost whose
    original is not held stands in the origin named by the original's id; when the original arrives
    it is that origin's root.

    **Order.** The result does not depend on the order within a batch. Across batches, whatever the
    order of arrival: every copy verifies against the root of its origin, which is its earliest
    post; two origins are not one only because a post of either came late; and where "is a copy
    of" holds between all posts of a group and between none of two groups, the origins are those
    groups and the roots their earliest posts. Where it does not (a post that copies two others
    which do not copy each other) the post stands with the likest root that was known when it was
    placed. Looking up is bounded: of the posts that carry a key the store returns a few, at most
    ``CANDIDATES`` origins are compared, and a very large origin keeps its root
    (``LARGEST_MOVED``).
    """
    return _Linking(store, posts, deletions).run()


def regroup(store: Store, roots: Iterable[str]) -> Linked:
    """Links and band keys for origins whose root is gone already (dropped to make room): ``roots``
    are those that the store put in its place. Raises StoreError."""
    linking = _Linking(store, ())
    for root in roots:
        linking.succeed(root)
    return linking.run()


class _Linking(Surroundings):
    """One batch, post by post in the order in which they were said."""

    def run(self) -> Linked:
        self._wake()
        for gone in sorted(self.gone & self.held.keys()):
            if self.stored[gone].origin == gone:
                self.succeed(gone)
        heapq.heapify(self.queue)
        fresh = iter((*self.fresh, None))
        post = next(fresh)
        while post is not None or self.queue:
            while self.queue and (post is None or self.queue[0] < post_age(post)):
                again = heapq.heappop(self.queue)[1]
                self.pending.discard(again)
                if again not in self.links:
                    self._place(self.batch[again])
            if post is not None:
                if self._alone(post):
                    self.links[post.id] = Link(post.id, post.id, EdgeKind.ROOT)
                elif post.id not in self.links:
                    self._place(post)
                post = next(fresh)
        for one in self.following:
            held = self.links[one]
            self.links[one] = replace(held, origin=self._origin(held.origin))
        self._await()
        return tuple(self.links.values()), self.keys

    def _alone(self, post: Post) -> bool:
        """Whether nothing leads from the post to another: most posts."""
        if post.repost_of or post.quotes or post.url or post.id in self.pointing:
            return False
        return post.id not in self.held and self.leading.isdisjoint(self.keys.get(post.id, ()))

    def _wake(self) -> None:
        """Posts that came before what they quote or point to are placed again now that it came."""
        came = [bands.of_awaited(post.id) for post in self.fresh]
        came += [bands.of_awaited(canonical(post.url)) for post in self.fresh if post.url]
        found = self.store.band_matches(came) if came else {}
        waiting = set(chain.from_iterable(found.values())) - self.batch.keys() - self.gone
        if waiting:
            self._learn(waiting)
            waiting |= {self.stored[one].origin for one in waiting if one in self.stored}
            self._learn(waiting)
            known = sorted((waiting & self.held.keys()) - self.batch.keys())
            self._again([self.held[one] for one in known])

    # -- one post ---------------------------------------------------------------------------------
    def _place(self, post: Post) -> None:
        current = self.stored.get(post.id)
        if current is not None and current.kind is EdgeKind.ROOT and self._keeps(post):
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
        """Leave the post to be found under its keys, but for those that enough others of its
        origin carry."""
        keys = self.keys.get(id, ())
        if self.leading.isdisjoint(keys):
            return
        origin = self._origin(id)
        kept = []
        for key in keys:
            if key in self.leading:
                others = {other for other in self._near(key) if other != id}
                same = sum(self._origin(other) == origin for other in others)
                if origin != id and same >= CARRIERS:
                    continue
                if len(self.by_key[key]) < BAND_MATCHES:
                    self.by_key[key].append(id)
            kept.append(key)
        self.keys[id] = tuple(kept)

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
        return sorted(found, key=post_age)

    def _picture(self, post: Post) -> Link | None:
        """A post that shows an earlier one's picture and says nothing."""
        wording = self.wordings[post.id]
        if not media.is_wordless(wording):
            return None
        for other in self._with_picture(post):
            if post_age(other) < post_age(post) and media.passes_on(other, post, wording):
                return Link(post.id, self._origin(other.id), EdgeKind.MEDIA)
        return None

    def _show(self, post: Post) -> None:
        """Later posts that say nothing about a picture of ``post`` belong to it, if they stood for
        themselves or under a still later one."""
        target = self._origin(post.id)
        for other in self._with_picture(post):
            root = self._origin(other.id)
            above = self.batch.get(root) or self.held.get(root)
            if above is None or root == target or post_age(above) <= post_age(post):
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
                if only_points(wording, page):
                    return Link(post.id, self._origin(target), EdgeKind.URL)
        if post.id in self.pointing and not wording.mergeable:
            for key in self.keys[post.id]:
                for other in self._near(key):
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
        if len(verified) > 1:
            self._join(sorted((time, origin) for _, time, origin, _ in verified))
        earlier: list[tuple[float, EdgeKind, str, Wording]] = []
        later: list[tuple[float, EdgeKind, str, Wording]] = []
        for score, _, origin, kind in sorted(verified):
            origin = self._origin_now(origin)
            root = self._root(origin)
            assert root is not None
            comes_first = age(wording) < age(root) and root.id == origin
            (later if comes_first else earlier).append((-score, kind, origin, root))
        if not earlier:
            return self._found(post, later)
        score, kind, origin, root = earlier[0]
        handle = root.author.removeprefix("@").casefold()
        repost = bool(wording.of) and wording.of.casefold() in (handle, handle.split(".")[0])
        return Link(post.id, origin, EdgeKind.REPOST if repost else kind, score)

    def _found(self, post: Post, later: list[tuple[float, EdgeKind, str, Wording]]) -> Link | None:
        """The post as the root of the origins of ``later``, which are all said after it."""
        for score, kind, origin, root in sorted(later, key=lambda one: age(one[3])):
            if self._origin_now(origin) != origin:
                continue
            verifies = self._edge(root, self.wordings[post.id])[1]
            if not verifies or not self._take_over(post.id, origin):
                return Link(post.id, origin, kind, score)
            self.links[origin] = Link(origin, post.id, kind, score)
        return Link(post.id, post.id, EdgeKind.ROOT) if later else None

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
            for origin in {self._origin(other) for other in self._near(key)}:
                count[origin] = count.get(origin, 0) + 1
        for other in (id, *(count.keys() & self.pending)):
            count.pop(other, None)
        if len(count) < 2:
            return list(count.items())
        return sorted(count.items(), key=lambda pair: (-pair[1], pair[0]))[:CANDIDATES]

    # -- when a root goes -------------------------------------------------------------------------
    def _take_over(self, root: str, origin: str) -> bool:
        """Make ``root`` the root of ``origin``; False where the origin is too large to be moved."""
        target, now, old = self._origin(root), self._wording_of(root), self._root(origin)
        same = old is not None and old.words == now.words and ("?" in old.text) == ("?" in now.text)
        size = self.store.origins([origin]).get(origin)
        if size is not None and size.posts > (LARGEST_MOVED if same else LARGEST_CHECKED):
            return False
        here = [p for p in self.batch.values() if self._linked_to(p.id, origin)]
        self.moved[origin] = target
        if not same:
            members = self.store.members(origin, LARGEST_CHECKED) if size else []
            self._settle(now, target, [*members, *here], {origin, root})
        return True

    def succeed(self, gone: str) -> None:
        """Give the origin of ``gone``, which goes (or went: then it is the next root already), to
        its earliest post with words of its own."""
        members = [m for m in self.store.members(gone, LARGEST_MOVED) if m.id not in self.gone]
        if not members:
            return
        self.held |= {member.id: member for member in members}
        self.stored |= self.store.links([member.id for member in members])
        heir = next(
            (m for m in members if not self._is_hard(m) and self._wording(m).mergeable), members[0]
        )
        self.moved[gone] = heir.id
        self.moved.pop(heir.id, None)
        self.stored[heir.id] = Link(heir.id, heir.id, EdgeKind.ROOT)
        others = [member for member in members if member is not heir]
        if heir is not members[0]:  # the store would take the first
            self.links[heir.id] = self.stored[heir.id]
            for one in others:
                kind = EdgeKind.REPOST if one.id == gone else self.stored[one.id].kind
                self.links[one.id] = replace(self.stored[one.id], origin=heir.id, kind=kind)
        stayed = self._settle(self._wording(heir), heir.id, others, {heir.id})
        # Those that carried the origin's keys may be gone.
        carrying = [heir, *stayed[:CARRIERS]]
        found = bands.keys([self._wording(post).keyed for post in carrying])
        for post, some in zip(carrying, found, strict=True):
            self.keys.setdefault(post.id, (*some, *wire.keys(post), *media.keys(post)))

    def _is_hard(self, post: Post) -> bool:
        held = self.links.get(post.id) or self.stored[post.id]
        return held.kind in _HARD

    def _keeps(self, root: Post) -> bool:
        """Whether an edited root stays one: if any of those who copied it copies it still."""
        members = [m for m in self.store.members(root.id, LARGEST_MOVED) if m.id != root.id]
        return bool(self._settle(self.wordings[root.id], root.id, members, {root.id}))

    def _settle(
        self, root: Wording, target: str, members: Iterable[Post], but: set[str]
    ) -> list[Post]:
        """Put ``members`` under ``target``, whose root is ``root``: those that verify against it,
        which are returned, and what follows by a hard edge; the others are placed again."""
        unique = {m.id: m for m in members if m.id not in but and m.id not in self.gone}
        self.stored |= self.store.links(
            sorted(unique.keys() - self.stored.keys() - self.links.keys())
        )
        stayed: list[Post] = []
        again: dict[str, Post] = {}
        copies: dict[str, float] = {}  # texts that were compared; that of a short one has its time
        for member in sorted(unique.values(), key=post_age):
            held = self.links.get(member.id) or self.stored.get(member.id)
            if held is None:
                continue
            if held.kind in _HARD:
                of = member.repost_of or member.quotes
                self.links[member.id] = replace(held, origin=of if of in again else target)
                self.following += [member.id] if of in again else []
                continue
            self.held.setdefault(member.id, member)
            wording = self._wording(member)
            kind, score = EdgeKind.COPY, copies.get(wording.text, 0.0)
            if not score:
                kind, score = self._edge(root, wording)
                if kind is EdgeKind.COPY and wording.size >= EQUAL_BELOW:
                    copies[wording.text] = score
            if not score and held.kind is EdgeKind.MEANING and not differ(root, wording):
                kind, score = held.kind, held.score
            if score:
                stayed.append(member)
                # Who is held goes along with the root; only what changes beside that is written.
                if member.id in self.links or (held.kind, held.score) != (kind, score):
                    self.links[member.id] = Link(member.id, target, kind, score)
            else:
                again[member.id] = member
        self._again(again.values())
        return stayed

    def _again(self, posts: Iterable[Post]) -> None:
        """Have ``posts`` placed as if they arrived now, each at most once."""
        some = [post for post in posts if post.id not in self.twice]
        for post in posts:
            if post.id in self.twice:
                self.links[post.id] = Link(post.id, post.id, EdgeKind.ROOT)
        self.twice |= {post.id for post in some}
        for post in some:
            self.batch[post.id] = post
            self.wordings[post.id] = self._wording(post)
            self.stored.pop(post.id, None)
            self.links.pop(post.id, None)
            self.moved.pop(post.id, None)
            heapq.heappush(self.queue, post_age(post))
        self.pending |= {post.id for post in some}
        known = self.leading.copy()
        self._prepare(some)
        # Who was placed before may carry the keys that lead somewhere only now.
        new = {key for post in some for key in self.keys.get(post.id, ())} - known
        if new:
            for placed in self.batch.keys() - self.pending:
                for key in new.intersection(self.keys.get(placed, ())):
                    self.leading.add(key)
                    if len(self.by_key[key]) < BAND_MATCHES:
                        self.by_key[key].append(placed)
