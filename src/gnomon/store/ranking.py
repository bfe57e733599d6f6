"""Hits of a search: collapsed to origins, posts that speak before those that say it again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from gnomon.store.rules import accepts
from gnomon.store.text_index import Found
from gnomon.store.text_view import Question
from gnomon.types import Filter, Hit, Post

Read = Callable[[Sequence[int]], Mapping[int, tuple[Post, str]]]
"""By row: the post that the record holds there, and its origin's id."""


class Collapse:
    """Hits as they are taken, best first, at most ``per_origin`` of one origin."""

    def __init__(self, k: int, where: Filter, per_origin: int | None) -> None:
        self.hits: list[Hit] = []
        self.rows: list[int] = []
        """The rows of ``hits``."""
        self.seen: set[int] = set()
        self._k, self._where, self._per_origin = k, where, per_origin
        self._shown: Counter[str] = Counter()

    @property
    def done(self) -> bool:
        return len(self.hits) >= self._k

    def take(self, found: Sequence[tuple[int, float]], read: Read) -> None:
        """Take what is ``found``, ``(row, score)``, as far as the record, the filter and the
        origins still allow it."""
        new = [(row, score) for row, score in found if row not in self.seen]
        posts = read([row for row, _ in new])
        for row, score in new:
            self.seen.add(row)
            if row in posts and not self.done:
                self.offer(row, *posts[row], score)

    def offer(self, row: int, post: Post, origin: str, score: float) -> None:
        """Take the post if the filter and its origin still allow it."""
        full = self._per_origin is not None and self._shown[origin] >= self._per_origin
        if not full and accepts(self._where, post):
            self._shown[origin] += 1
            self.hits.append(Hit(post, score, origin))
            self.rows.append(row)

    def full(self, speakers: Mapping[int, int]) -> list[int]:
        """Of ``speakers``, by row the post that speaks: those whose origins show as many posts as
        they may."""
        most = self._per_origin
        if most is None:
            return []
        rows = zip(self.rows, self.hits, strict=True)
        full = {speakers[row] for row, hit in rows if self._shown[hit.origin] >= most}
        return sorted(full)


def ranked(asked: Question, read: Read, k: int, where: Filter, per_origin: int | None) -> list[Hit]:
    """The best ``k`` posts for a question, at most ``per_origin`` of one origin.

    Where origins are collapsed, a copy scores no more than the post that speaks for it, if that
    one matches: an origin ranks by what was said first, and however many variants of it come, none
    of them lifts it. A copy that says what that post does not (or whose author, time or place are
    asked for) is found by itself.
    """
    said = _collapsed(asked.speaking, read, k, where, per_origin)
    if not asked.has_copies:
        return said.hits
    if per_origin is None:
        again = _collapsed(asked.copies, read, k, where, None)
        return sorted([*said.hits, *again.hits], key=lambda hit: -hit.score)[:k]
    return _Joined(asked, read, k, where, per_origin, said).hits()


def _collapsed(
    find: Callable[[int, Sequence[int]], list[Found]],
    read: Read,
    k: int,
    where: Filter,
    per_origin: int | None,
) -> Collapse:
    collapse = Collapse(k, where, per_origin)
    speakers: dict[int, int] = {}
    limit = max(2 * k, 16)
    while True:
        # Origins that are full are left out of the next, longer list.
        found = find(limit, collapse.full(speakers))
        speakers.update((row, speaker) for row, speaker, _ in found)
        collapse.take([(row, score) for row, _, score in found], read)
        if collapse.done or len(found) < limit:
            return collapse
        limit *= 2


class _Joined:
    """What is said, and copies joined to it."""

    def __init__(
        self,
        asked: Question,
        read: Read,
        k: int,
        where: Filter,
        per_origin: int,
        said: Collapse,
    ) -> None:
        self._asked, self._read, self._k, self._where = asked, read, k, where
        self._per_origin = per_origin
        # row -> hit; of posts that speak, and of copies as they score by themselves
        self._said = dict(zip(said.rows, said.hits, strict=True))
        self._again: dict[int, Hit] = {}
        self._speaker: dict[int, int] = {}  # of copies, by row
        self._known: set[int] = set(self._said)  # posts that speak and were asked about

    def hits(self) -> list[Hit]:
        """The best ``k``: copies are looked up until none that is left could be among them."""
        limit = max(2 * self._k, 16)
        shown: Counter[int] = Counter()
        seen: set[int] = set()
        while True:
            # So ten thousand copies cost one more query, not ten thousand reads.
            full = [row for row, n in shown.items() if n >= self._per_origin]
            found = self._asked.copies(limit, full)
            chosen: dict[int, Found] = {}
            room = Counter({row: self._per_origin - shown[row] for _, row, _ in found})
            for one in found:
                row, speaker, _ = one
                if row not in seen and room[speaker] > 0:
                    room[speaker] -= 1
                    chosen[row] = one
            seen |= chosen.keys()
            for row, (post, origin) in self._read(list(chosen)).items():
                if accepts(self._where, post):
                    _, self._speaker[row], score = chosen[row]
                    self._again[row] = Hit(post, score, origin)
                    shown[self._speaker[row]] += 1
            self._ask_speakers()
            hits = self._best()
            enough = len(hits) >= self._k and hits[-1].score >= found[-1][2] if found else True
            if enough or len(found) < limit:
                return hits
            limit *= 2

    def _ask_speakers(self) -> None:
        """How those score who speak for the copies that were found."""
        new = set(self._speaker.values()) - self._known
        self._known |= new
        found = {row: score for row, _, score in self._asked.among_speaking(new)}
        for row, (post, origin) in self._read(list(found)).items():
            if accepts(self._where, post):
                self._said[row] = Hit(post, found[row], origin)

    def _best(self) -> list[Hit]:
        every = [(-hit.score, 0, row, hit) for row, hit in self._said.items()]
        for row, hit in self._again.items():
            speaks = self._said.get(self._speaker[row])
            score = hit.score if speaks is None else min(hit.score, speaks.score)
            every.append((-score, 1, row, Hit(hit.post, score, hit.origin)))
        shown: Counter[str] = Counter()
        hits: list[Hit] = []
        for _, _, _, hit in sorted(every, key=lambda one: one[:3]):
            if len(hits) < self._k and shown[hit.origin] < self._per_origin:
                shown[hit.origin] += 1
                hits.append(hit)
        return hits
