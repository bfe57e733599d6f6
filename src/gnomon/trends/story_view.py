"""Stories as a view over the record: it follows the log, and can be thrown away.

What it holds is decided by the posts and their order in the record. A deletion or an edit is
followed at its place in the log; a post that is gone is in no story, and its words in no file.
"""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import xxhash

from gnomon.store.contract import Change, Store
from gnomon.text.urls import canonical
from gnomon.trends.cluster import Doc
from gnomon.trends.clustering import ROUND, Clustering, Rules
from gnomon.trends.reading import STEP, Step, read
from gnomon.trends.story_file import SHOWN_AUTHORS, StoryFile, key_of
from gnomon.trends.story_terms import raw_terms, weigh
from gnomon.types import Link, Post

log = logging.getLogger(__name__)

_MEMBERS = 1000
_TOLD = ("post", "edit", "link")


class StoryView:
    """Stories of one store. Safe between threads; several processes may hold one file, and the one
    that comes second notices."""

    def __init__(
        self,
        store: Store,
        path: Path | None = None,
        *,
        readonly: bool = False,
        rules: Rules | None = None,
    ) -> None:
        """``path`` is its file (None: in memory). With ``readonly`` the file is only read.

        Raises StoreError.
        """
        self.store = store
        self.rules = rules or Rules()
        self.lock = threading.RLock()
        self.file = StoryFile(path, repr(self.rules), readonly=readonly)
        self._clustering: Clustering | None = None  # None: to be read from the file
        self._seq = -1
        self._touched: set[int] = set()
        self._n = 0  # the next doc's number
        self._posts: Mapping[str, Post] = {}
        self._links: Mapping[str, Link] = {}
        self._docs: dict[str, tuple[int, int]] = {}  # number and story of the roots at hand
        self._under: dict[str, str] = {}  # the origins of the other posts at hand
        self.standings: OrderedDict[int, tuple[tuple[Any, ...], Any]] = OrderedDict()
        """Who counts as one in a story, as ``story_voices`` found it last."""

    @property
    def seq(self) -> int:
        """The last sequence number of the record that it holds."""
        with self.lock:
            return int(self.file.meta("seq", 0))

    def close(self) -> None:
        with self.lock:
            self.file.close()

    # -- following ----------------------------------------------------------------------------
    def catch_up(self, stop: threading.Event | None = None, steps: int | None = None) -> int:
        """Follow the record to its end, until ``stop``, or for so many ``steps``; how many changes
        that were. Read-only: none."""
        followed = 0
        while not self.file.readonly and steps != 0 and not (stop is not None and stop.is_set()):
            done = self.step()
            followed += done
            if not done:
                break
            steps = None if steps is None else steps - 1
        return followed

    def step(self, limit: int = STEP, given: Step | None = None) -> int:
        """Follow at most ``limit`` changes, in one transaction; how many those were. ``given`` is
        what was read of the record for that, made use of where it goes on from here."""
        with self.lock:
            try:
                with self.file.writing():
                    seq = self._begin()
                    if given is None or given.after != seq:
                        given = read(self.store, seq, limit)
                    changes = given.changes
                    if changes:
                        self._prefetch(given)
                        for change in changes:
                            self._follow(change)
                        self._end(changes[-1].seq)
            except BaseException:
                self._clustering = None  # what is in memory may be ahead of the file
                self._touched.clear()
                raise
            finally:
                self._posts, self._links, self._docs, self._under = {}, {}, {}, {}
            return len(changes)

    def _begin(self) -> int:
        """Where the file is; what is in memory is brought to the same place."""
        seq = int(self.file.meta("seq", 0))
        if seq and seq > self.store.status().seq:
            log.warning("Dropping %s: it is ahead of its record.", self.file.path)
            self.file.clear()
            seq, self._clustering = 0, None
        if self._clustering is None or seq != self._seq:
            self._clustering = Clustering(self.rules)
            self._n = self.file.restore(self._clustering)
        return seq

    def _end(self, seq: int) -> None:
        for story in sorted(self._touched):
            self._count(story)
            self.standings.pop(story, None)
        self._touched.clear()
        self.file.set_meta("seq", seq)
        self.file.set_meta("docs", self._n)
        self.file.set_meta("newest", self._live.newest)
        self._seq = seq

    @property
    def _live(self) -> Clustering:
        assert self._clustering is not None
        return self._clustering

    def _prefetch(self, step: Step) -> None:
        """The posts and links as they are now, in few look-ups: what was read for the step, and
        the roots and followers that it does not tell of."""
        told = {change.ref for change in step.changes if change.kind in _TOLD}
        deleted = {change.ref for change in step.changes if change.kind == "delete"}
        links = {post: step.links[post] for post in told & step.links.keys()}
        followers: set[str] = set()
        for ref in sorted(deleted):
            rows = self.file.run("SELECT post FROM carried WHERE origin = ?", (ref,))
            followers.update(post for (post,) in rows if post not in told)
        if followers:
            links.update(self.store.links(sorted(followers)))
        roots = {link.origin for link in links.values()}
        told |= followers
        posts = {post: step.posts[post] for post in (told | roots) & step.posts.keys()}
        missing = sorted((told | roots) - posts.keys())
        posts.update(self.store.get_many(missing) if missing else {})
        far = sorted(posts.keys() - links.keys())
        links.update(self.store.links(far) if far else {})
        self._posts, self._links = posts, links
        refs = told | roots | deleted
        self._docs = self.file.docs(refs)
        self._under = self.file.under(refs)
        for origin in set(self._under.values()) - refs:
            self._docs.update(self.file.docs([origin]))

    def _follow(self, change: Change) -> None:
        if change.kind == "delete":
            self._delete(change.ref)
        elif change.kind in _TOLD:
            post, link = self._posts.get(change.ref), self._links.get(change.ref)
            if post is None or link is None:
                return  # deleted further on
            if link.origin == post.id:
                self._root(post, edited=change.kind == "edit")
            else:
                self._carrier(post, link.origin)

    def _root(self, post: Post, edited: bool) -> None:
        held = self._docs.get(post.id)
        if held and not edited:
            return
        under = self._under.get(post.id)
        story = self._story_of(under) if under else None
        self._let_down(post.id)
        if held:
            self._forget(post.id)
        self._place(post, story)

    def _carrier(self, post: Post, origin: str) -> None:
        if post.id in self._docs:
            self._forget(post.id, heir=origin)
        root = self._posts.get(origin)
        if origin not in self._docs and root is not None:
            link = self._links.get(origin)
            # Its root came long ago, and was let go of since: it is spoken of again.
            if link is None or link.origin != origin or not self._place(root, None):
                return
            for member in self.store.members(origin, _MEMBERS):
                self._carry(member, origin)
        self._carry(post, origin)

    def _carry(self, post: Post, origin: str) -> None:
        story = self._story_of(origin)
        if story is None or post.id == origin:
            return
        self.file.carry(post.id, origin, post.time, author_number(post))
        self._under[post.id] = origin
        self._touch(story)

    def _let_down(self, post: str) -> None:
        """The post is carried under no origin any more."""
        under = self._under.pop(post, None)
        if under is None:
            return
        self.file.run("DELETE FROM carried WHERE post = ?", (post,))
        story = self._story_of(under)
        if story is not None:
            self._touch(story)

    def _delete(self, ref: str) -> None:
        self._let_down(ref)
        held = self._docs.get(ref)
        if held is None:
            return
        heirs = set()
        for (post,) in self.file.run("SELECT post FROM carried WHERE origin = ?", (ref,)):
            link = self._links.get(post)
            if link is not None and link.origin in self._posts:
                heirs.add(link.origin)
                self.file.run("UPDATE carried SET origin = ? WHERE post = ?", (link.origin, post))
                self._under[post] = link.origin
            else:
                self.file.run("DELETE FROM carried WHERE post = ?", (post,))
        for heir in sorted(heirs):
            self._let_down(heir)
            if heir not in self._docs:
                self._place(self._posts[heir], held[1])
        self._forget(ref)

    # -- stories ------------------------------------------------------------------------------
    def _story_of(self, origin: str) -> int | None:
        found = self._docs.get(origin)
        return found[1] if found else None

    def _place(self, post: Post, story: int | None) -> bool:
        """Put a root into its story; False where it says too little to be of one."""
        counts = {} if post.reply_to else raw_terms(post)
        if not counts:
            return False
        n = self._n
        doc = Doc(n, post.time, post.fetched_at, weigh(counts, self._live.frequencies))
        placed = self._live.place(doc, story)
        self.file.add_doc(doc, post.id, placed.story, post.lang, author_number(post))
        self._docs[post.id] = n, placed.story
        for gone in placed.absorbed:
            self._merge(placed.story, gone)
        for new, numbers in placed.split:
            self._part(new, numbers)
        if placed.story != n or placed.split:
            self._touch(placed.story)
        self._n = n + 1
        if self._n % ROUND == 0:
            self._let_go(self._live.round())
        return True

    def _part(self, story: int, numbers: Sequence[int]) -> None:
        """The docs of these numbers are a story of their own now."""
        self.file.run_many("UPDATE docs SET story = ? WHERE n = ?", ((story, n) for n in numbers))
        parted = frozenset(numbers)
        for root, (n, _) in self._docs.items():
            if n in parted:
                self._docs[root] = n, story
        self._touch(story)

    def _merge(self, story: int, gone: int) -> None:
        """``gone`` went into ``story``: its id leads there."""
        self._touch(story)
        key, old = self._key(story), self._key(gone)
        self.file.run("UPDATE docs SET story = ? WHERE story = ?", (story, gone))
        for root, (n, held) in self._docs.items():
            if held == gone:
                self._docs[root] = n, story
        self.file.run("DELETE FROM stories WHERE story = ?", (gone,))
        self.file.run("REPLACE INTO aliases VALUES (?, ?)", (old, key))
        self._touched.discard(gone)

    def _forget(self, root: str, heir: str = "") -> None:
        """Take a root out of its story. Its id leads to where its posts went."""
        n, story = self._docs.pop(root)
        if n in self._live.story_of:
            self._live.remove(n)
        self.file.run("DELETE FROM docs WHERE n = ?", (n,))
        into = self._story_of(heir) if heir else None
        key = self._key(story if into is None else into)
        if key is not None and key != key_of(root):
            self.file.run("REPLACE INTO aliases VALUES (?, ?)", (key_of(root), key))
        self._touch(story)

    def _touch(self, story: int) -> None:
        """The story changes: it has a row, and with it an id that stays, as long as it has docs."""
        if story in self._touched and story in self._live.clusters:
            return
        held = self.file.run("SELECT 1 FROM docs WHERE story = ? LIMIT 1", (story,))
        if not held:
            self.file.run("DELETE FROM stories WHERE story = ?", (story,))
            self._touched.discard(story)
            return
        self._touched.add(story)
        self.file.run(
            "INSERT OR IGNORE INTO stories SELECT ?1, ?2, 0, 0, 0, 0, 0"
            " WHERE NOT EXISTS (SELECT 1 FROM stories WHERE story = ?1)",
            (story, self._free_key(story)),
        )

    def _let_go(self, old: Sequence[int]) -> None:
        """Posts too old to be compared: those of a story that is shown stay in it without their
        words, others are forgotten."""
        if not old:
            return
        for story in sorted(self._touched):
            self._count(story)
        gone = set(old)
        roots = [root for root, (n, _) in self._docs.items() if n in gone]
        stories = self.file.stories_of(old)
        marks = [(n,) for n in old]
        hidden = "NOT EXISTS (SELECT 1 FROM stories s WHERE s.story = docs.story AND s.shown)"
        self.file.run_many(
            f"DELETE FROM carried WHERE origin = (SELECT root FROM docs WHERE n = ? AND {hidden})",
            marks,
        )
        self.file.run_many(f"DELETE FROM docs WHERE n = ? AND {hidden}", marks)
        self.file.run_many("UPDATE docs SET terms = NULL, weights = NULL WHERE n = ?", marks)
        self.file.run_many(
            "DELETE FROM stories WHERE story = ?1"
            " AND NOT EXISTS (SELECT 1 FROM docs WHERE story = ?1)",
            [(story,) for story in stories],
        )
        for root in roots:
            del self._docs[root]
        self._docs.update(self.file.docs(roots))

    def _count(self, story: int) -> None:
        """Bring the row of a story up to date. It is shown once two authors tell it in two origins,
        or many carry one."""
        posts, authors, first, last = self.file.run(
            "SELECT count(*), count(DISTINCT author), min(said), max(said) FROM ("
            "SELECT author, said FROM docs WHERE story = ?1 UNION ALL SELECT c.author, c.said"
            " FROM docs d JOIN carried c ON c.origin = d.root WHERE d.story = ?1)",
            (story,),
        )[0]
        if not posts:
            return
        origins = self.file.run("SELECT count(*) FROM docs WHERE story = ?", (story,))[0][0]
        shown = (origins > 1 and authors > 1) or authors >= SHOWN_AUTHORS
        self.file.run(
            "UPDATE stories SET origins = ?, posts = ?, first = ?, last = ?, shown = ?"
            " WHERE story = ?",
            (origins, posts, first, last, shown, story),
        )

    def _key(self, story: int) -> int | None:
        found = self.file.run("SELECT key FROM stories WHERE story = ?", (story,))
        found = found or self.file.run(
            "SELECT key FROM docs WHERE story = ? ORDER BY n LIMIT 1", (story,)
        )
        return found[0][0] if found else None

    def _free_key(self, story: int) -> int:
        """The key of the story's first post that no other story goes by."""
        rows = self.file.run(
            "SELECT key FROM docs WHERE story = ? AND key NOT IN (SELECT key FROM stories)"
            " ORDER BY n LIMIT 1",
            (story,),
        )
        return int(rows[0][0]) if rows else key_of(f"story {story}")


def author_number(post: Post) -> int:
    """Who said it, as a number. A post without an author is its site's; where that is unknown, too,
    it is nobody else's."""
    name = f"@{post.source}\0{post.author}" if post.author else ""
    name = name or site_of(post) or f"post {post.id}"
    return xxhash.xxh3_64_intdigest(name.encode("utf-8", "surrogatepass")) >> 1


def site_of(post: Post) -> str:
    """The host of the post's own page, "" where it has none."""
    page = canonical(post.url) if post.url else ""
    return page.split("/", 3)[2] if page else ""
