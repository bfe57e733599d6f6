"""The plain store: dictionaries and loops, nothing kept after the process ends.

Slow and obviously right. It serves ``ask --file`` and tests, and it is the twin that
``tests/store_conformance.py`` compares every real engine with.
"""

from __future__ import annotations

import heapq
import math
import threading
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from types import TracebackType
from typing import Any, Self

import numpy as np

from gnomon.store.contract import ANY, Change, Receipt, SourceState, StoreStatus, Written
from gnomon.store.receipts import forget, receipt_id
from gnomon.store.rules import (
    BAND_MATCHES,
    HOUR_S,
    POINTING,
    SET_ASIDES_KEPT,
    accepts,
    check_vectors,
    hours,
    is_reply,
    news_time,
    own_url,
    replaces,
)
from gnomon.store.stems import stems
from gnomon.text.tokens import tokens
from gnomon.types import (
    Batch,
    Deletion,
    EdgeKind,
    Filter,
    Gap,
    Hit,
    Link,
    Origin,
    Post,
    Revision,
    SetAside,
)

# The usual BM25 constants, as in Lucene and tantivy
# (https://en.wikipedia.org/wiki/Okapi_BM25).
K1, B = 1.2, 0.75


@dataclass(slots=True)
class _Held:
    """A held post. ``row`` is the sequence number of its arrival."""

    row: int
    post: Post
    link: Link
    terms: Counter[str]
    stems: Counter[str]
    revisions: list[Revision] = field(default_factory=list)
    bands: tuple[int, ...] = ()


@dataclass(slots=True)
class _Source:
    posts: int = 0
    last_write: float | None = None
    cursor: str | None = None


class MemoryStore:
    """A Store in this process's memory. Safe to share between threads."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._seq = 0
        self._held: dict[str, _Held] = {}
        self._by_term: dict[str, set[str]] = defaultdict(set)
        self._by_stem: dict[str, set[str]] = defaultdict(set)
        self._by_origin: dict[str, set[str]] = defaultdict(set)
        self._by_band: dict[int, set[str]] = defaultdict(set)
        self._tombs: dict[str, Deletion] = {}
        self._closed_accounts: dict[tuple[str, str], Deletion] = {}
        self._heirs: dict[str, str] = {}
        self._log: list[tuple[Change, int]] = []
        self._gaps: dict[tuple[Any, ...], tuple[int, Gap]] = {}
        self._aside: dict[tuple[str, ...], tuple[int, SetAside]] = {}
        self._sources: dict[str, _Source] = defaultdict(_Source)
        self._journal: dict[str, tuple[int, Receipt]] = {}
        self._model = ""
        self._vectors: dict[str, np.ndarray] = {}
        self._speaking: tuple[int, frozenset[str]] | None = None  # as of which change

    # -- writing ------------------------------------------------------------------------------
    def write(self, batch: Batch) -> Written:
        with self._lock:
            count: Counter[str] = Counter()
            fresh: set[str] = set()
            for post in batch.posts:
                outcome = self._put(post, batch.bands.get(post.id, ()))
                count[outcome] += 1
                if outcome == "added":
                    fresh.add(post.id)
            self._put_bands(batch)
            self._put_links(batch.links, fresh)
            for deletion in batch.deletions:
                count["deleted"] += self._delete(deletion)
            count["set_aside"] = self._put_reports(batch)
            self._put_source(batch)
            return Written(seq=self._seq, **count)

    def _put_source(self, batch: Batch) -> None:
        if not batch.source:
            return
        source = self._sources[batch.source]
        times = [p.fetched_at for p in batch.posts] + [a.at for a in batch.set_aside]
        if times:
            source.last_write = max([*times, source.last_write or max(times)])
        if batch.cursor is not None:
            source.cursor = batch.cursor

    def _put_bands(self, batch: Batch) -> None:
        for ref in batch.bands.keys() - {post.id for post in batch.posts}:
            held = self._held.get(ref)
            if held is not None:
                for key in held.bands:
                    self._by_band[key].discard(ref)
                held.bands = tuple(batch.bands[ref])
                for key in held.bands:
                    self._by_band[key].add(ref)

    def _note(self, kind: str, ref: str, at: float, row: int = 0) -> int:
        self._seq += 1
        self._log.append((Change(self._seq, kind, ref, at), row or self._seq))
        return self._seq

    def _put(self, post: Post, bands: tuple[int, ...]) -> str:
        for tomb in (
            self._tombs.get(post.id),
            self._closed_accounts.get((post.source, post.author)) if post.author else None,
        ):
            if tomb is not None and news_time(post) <= tomb.at:
                return "buried"
        held = self._held.get(post.id)
        if held is None:
            row = self._note("post", post.id, post.fetched_at)
            link = Link(post.id, post.id, EdgeKind.ROOT)
            self._held[post.id] = held = _Held(row, post, link, Counter(), Counter())
            self._by_origin[post.id].add(post.id)
            self._sources[post.source].posts += 1
            outcome = "added"
        elif replaces(post, held.post, (r.hash for r in held.revisions)):
            old = held.post
            held.revisions.append(Revision(post.id, old.text, old.hash, post.fetched_at))
            self._sources[old.source].posts -= 1
            self._sources[post.source].posts += 1
            self._note("edit", post.id, post.fetched_at, held.row)
            self._vectors.pop(post.id, None)
            outcome = "edited"
        else:
            return "unchanged"
        self._unindex(held)
        held.post, held.bands = post, tuple(bands)
        words = tokens(f"{post.title}\n{post.text}")
        held.terms, held.stems = Counter(words), Counter(stems(words))
        for term in held.terms:
            self._by_term[term].add(post.id)
        for stem in held.stems:
            self._by_stem[stem].add(post.id)
        for key in held.bands:
            self._by_band[key].add(post.id)
        return outcome

    def _unindex(self, held: _Held) -> None:
        for term in held.terms:
            self._by_term[term].discard(held.post.id)
        for stem in held.stems:
            self._by_stem[stem].discard(held.post.id)
        for key in held.bands:
            self._by_band[key].discard(held.post.id)

    def _put_links(self, links: Sequence[Link], fresh: set[str]) -> None:
        for link in sorted(links, key=lambda link: link.post != link.origin):
            held = self._held.get(link.post)
            if held is None:
                continue
            itself = link.origin == link.post
            target = link.post if itself else self._resolve(link.origin)
            if target == link.post != link.origin:
                if link.origin not in self._held:  # it is the heir of what it names
                    continue
                target = link.origin  # its own follower becomes its root
                self._move(target, Link(target, target, EdgeKind.ROOT), fresh)
            followers = self._by_origin[link.post] - {link.post}
            self._move(link.post, replace(link, origin=target), fresh)
            if target != link.post:
                for follower in sorted(followers, key=self._row):
                    self._move(follower, replace(self._held[follower].link, origin=target), fresh)

    def _resolve(self, origin: str) -> str:
        """The root that ``origin`` stands under by now: origins merge, dead roots have heirs."""
        seen: set[str] = set()
        while origin not in seen:
            seen.add(origin)
            held = self._held.get(origin)
            origin = held.link.origin if held else self._heirs.get(origin, origin)
        return origin

    def _row(self, ref: str) -> int:
        return self._held[ref].row

    def _move(self, id: str, link: Link, fresh: Iterable[str] = ()) -> None:
        held = self._held[id]
        if held.link == link:
            return
        self._by_origin[held.link.origin].discard(id)
        self._by_origin[link.origin].add(id)
        held.link = link
        if id not in fresh:
            self._note("link", id, held.post.fetched_at, held.row)

    def _delete(self, deletion: Deletion) -> int:
        assert bool(deletion.post) != bool(deletion.author), deletion
        if deletion.author:
            account = (deletion.source, deletion.author)
            earlier = self._closed_accounts.get(account)
            if earlier is None or earlier.at < deletion.at:
                self._closed_accounts[account] = deletion
            posts = [h for h in self._held.values() if (h.post.source, h.post.author) == account]
            ids = [h.post.id for h in sorted(posts, key=lambda h: h.row)]
        else:
            ids = [deletion.post]
        removed = 0
        for ref in ids:
            held = self._held.get(ref)
            if held is not None and news_time(held.post) > deletion.at:
                continue
            earlier = self._tombs.get(ref)
            if earlier is None or earlier.at < deletion.at:
                self._tombs[ref] = deletion
            for key, (seq, receipt) in self._journal.items():
                if ref in receipt.cites and ref not in receipt.lost:
                    body = forget(receipt.body, ref)
                    lost = (*receipt.lost, ref)
                    self._journal[key] = (seq, replace(receipt, body=body, lost=lost))
            removed += self._remove(ref, deletion.at)
        return removed

    def _remove(self, id: str, at: float) -> int:
        held = self._held.pop(id, None)
        if held is not None:
            self._unindex(held)
            self._vectors.pop(id, None)
            self._by_origin[held.link.origin].discard(id)
            self._sources[held.post.source].posts -= 1
            self._note("delete", id, at, held.row)
            if held.link.origin != id:
                self._heirs[id] = held.link.origin
        orphans = sorted((self._held[m] for m in self._by_origin[id]), key=_age)
        if orphans:
            root = orphans[0].post.id
            self._heirs[id] = root
            self._move(root, Link(root, root, EdgeKind.ROOT))
            for orphan in sorted(orphans[1:], key=lambda h: h.row):
                self._move(orphan.post.id, replace(orphan.link, origin=root))
        return held is not None

    def _put_reports(self, batch: Batch) -> int:
        new = 0
        for aside in batch.set_aside:
            key = (aside.source, aside.where, aside.reason)
            if key not in self._aside:
                new += 1
                self._aside[key] = (self._note("set_aside", aside.where, aside.at), aside)
        for gap in batch.gaps:
            key = (gap.source, gap.start, gap.end, gap.reason)  # type: ignore[assignment]
            if key not in self._gaps:
                self._gaps[key] = (self._note("gap", gap.source, gap.end), gap)
        return new

    def put_vectors(self, model: str, ids: Sequence[str], vectors: np.ndarray) -> None:
        with self._lock:
            kept = next(iter(self._vectors.values()), None) if model == self._model else None
            check_vectors(ids, vectors, None if kept is None else len(kept))
            if model != self._model:
                self._model, self._vectors = model, {}
            for ref, vector in zip(ids, vectors, strict=True):
                if ref in self._held:
                    self._vectors[ref] = np.array(vector, np.float32)

    def append_journal(self, at: float, body: Mapping[str, Any], cites: Sequence[str]) -> Receipt:
        with self._lock:
            name = receipt_id(body)
            if name in self._journal:
                return self._journal[name][1]
            unique = tuple(dict.fromkeys(cites))
            lost = tuple(c for c in unique if self.tombstone(c) is not None)
            for cite in lost:
                body = forget(body, cite)
            receipt = Receipt(name, at, body, unique, lost)
            self._journal[name] = (self._note("journal", name, at), receipt)
            return receipt

    def retain(self, max_bytes: int, max_age_s: float, now: float) -> int:
        with self._lock:
            cited = {c for _, r in self._journal.values() for c in r.cites}
            free = sorted((h for h in self._held.values() if h.post.id not in cited), key=_age)
            gone = 0
            for held in free:
                too_old = max_age_s > 0 and held.post.time < now - max_age_s
                if not too_old and (max_bytes <= 0 or self._bytes() <= max_bytes):
                    break
                gone += self._remove(held.post.id, now)
            while len(self._aside) > SET_ASIDES_KEPT:
                del self._aside[next(iter(self._aside))]
            return gone

    def refresh(self) -> None:
        """Nothing lags here."""

    # -- reading posts ------------------------------------------------------------------------
    def get(self, id: str) -> Post | None:
        held = self._held.get(id)
        return held.post if held else None

    def get_many(self, ids: Sequence[str]) -> dict[str, Post]:
        return {ref: self._held[ref].post for ref in ids if ref in self._held}

    def revisions(self, id: str) -> list[Revision]:
        held = self._held.get(id)
        return list(held.revisions) if held else []

    def tombstone(self, id: str) -> str | None:
        tomb = self._tombs.get(id)
        return tomb.reason if tomb and id not in self._held else None

    def replies(self, id: str, limit: int = 20) -> list[Post]:
        with self._lock:
            found = sorted((h for h in self._held.values() if is_reply(h.post, id)), key=_age)
            return [held.post for held in found[:limit]]

    def scan(self, where: Filter = ANY, limit: int | None = None) -> Iterator[Post]:
        with self._lock:
            found = [h for h in self._held.values() if accepts(where, h.post)]
        found.sort(key=_age, reverse=True)
        return (held.post for held in islice(found, limit))

    def tail(self, after: int, limit: int = 1000) -> list[Change]:
        with self._lock:
            return list(islice((c for c, row in self._log if self._shown(c, row, after)), limit))

    def _shown(self, change: Change, row: int, after: int) -> bool:
        if change.seq <= after:
            return False
        if change.kind not in ("post", "edit", "link"):
            return True
        held = self._held.get(change.ref)
        return held is not None and held.row == row

    # -- searching ----------------------------------------------------------------------------
    def search(
        self, text: str, k: int, where: Filter = ANY, *, per_origin: int | None = 1
    ) -> list[Hit]:
        with self._lock:
            speaks = self._speaks()
            total = len(speaks)
            mean = sum(self._held[ref].stems.total() for ref in speaks) / max(total, 1)
            scores: dict[str, float] = defaultdict(float)
            for stem in dict.fromkeys(stems(tokens(text))):
                holders = self._by_stem.get(stem, set())
                n = len(holders & speaks)
                idf = math.log(1 + (total - n + 0.5) / (n + 0.5))
                for ref in holders:
                    tf, length = self._held[ref].stems[stem], self._held[ref].stems.total()
                    norm = K1 * (1 - B + B * length / max(mean, 1.0))
                    scores[ref] += idf * tf * (K1 + 1) / (tf + norm)
            if per_origin is not None:
                scores = self._held_down(scores, speaks, where)
            return self._best(scores, k, where, per_origin)

    def _speaks(self) -> frozenset[str]:
        """The posts by which words are weighed: of each origin the one that was held first, and
        those that belong to it by their link alone, with words of their own."""
        if self._speaking is None or self._speaking[0] != self._seq:
            first = {post.id for post in self.first_held(list(self._by_origin)).values()}
            link = {
                ref
                for ref, held in self._held.items()
                if held.link.kind is EdgeKind.URL and held.link.origin != ref
            }
            self._speaking = self._seq, frozenset(first | link)
        return self._speaking[1]

    def _held_down(
        self, scores: Mapping[str, float], speaks: frozenset[str], where: Filter
    ) -> dict[str, float]:
        """A copy scores no more than the post that speaks for it, if that one is found, too."""
        copies = scores.keys() - speaks
        first = self.first_held(list({self._held[ref].link.origin for ref in copies}))
        out = dict(scores)
        for ref in copies:
            speaker = first[self._held[ref].link.origin]
            if speaker.id in scores and accepts(where, speaker):
                out[ref] = min(scores[ref], scores[speaker.id])
        return out

    def nearest(
        self, vector: np.ndarray, k: int, where: Filter = ANY, *, per_origin: int | None = 1
    ) -> list[Hit]:
        with self._lock:
            if self._vectors:
                check_vectors([""], vector[None, :], len(next(iter(self._vectors.values()))))
            scores = {ref: float(kept @ vector) for ref, kept in self._vectors.items()}
            return self._best(scores, k, where, per_origin)

    def _best(
        self, scores: Mapping[str, float], k: int, where: Filter, per_origin: int | None
    ) -> list[Hit]:
        hits: list[Hit] = []
        shown: Counter[str] = Counter()
        speaks = self._speaks()
        order = sorted(scores, key=lambda ref: (-scores[ref], ref not in speaks, self._row(ref)))
        for ref in order:
            held = self._held[ref]
            origin = held.link.origin
            if len(hits) >= k:
                break
            if accepts(where, held.post) and (per_origin is None or shown[origin] < per_origin):
                shown[origin] += 1
                hits.append(Hit(held.post, scores[ref], origin))
        return hits

    def vectors(self, ids: Sequence[str]) -> dict[str, np.ndarray]:
        return {ref: self._vectors[ref] for ref in ids if ref in self._vectors}

    def unembedded(self, model: str, limit: int) -> list[Post]:
        kept = self._vectors if model == self._model else {}
        return list(islice((post for post in self.scan() if post.id not in kept), limit))

    def counts_per_hour(
        self, term: str, since: float, until: float, where: Filter = ANY
    ) -> list[tuple[float, int]]:
        with self._lock:
            wanted = set(tokens(term))
            count: Counter[float] = Counter()
            for held in self._held.values():
                time = held.post.time
                if wanted and wanted <= held.terms.keys() and since <= time < until:
                    count[time // HOUR_S * HOUR_S] += accepts(where, held.post)
            return [(start, count[start]) for start in hours(since, until)]

    def frequencies(self, terms: Iterable[str]) -> dict[str, int]:
        with self._lock:
            speaks = self._speaks()
            return {term: len(self._by_term.get(term, set()) & speaks) for term in terms}

    # -- origins ------------------------------------------------------------------------------
    def links(self, ids: Sequence[str]) -> dict[str, Link]:
        return {ref: self._held[ref].link for ref in ids if ref in self._held}

    def origins(self, ids: Sequence[str]) -> dict[str, Origin]:
        with self._lock:
            out = {}
            for ref in ids:
                posts = [self._held[m].post for m in self._by_origin.get(ref, ())]
                if posts:
                    authors = len({post.author for post in posts})
                    out[ref] = Origin(ref, len(posts), authors, min(p.time for p in posts))
            return out

    def members(self, origin: str, limit: int = 100) -> list[Post]:
        with self._lock:
            found = sorted((self._held[m] for m in self._by_origin.get(origin, ())), key=_age)
            return [held.post for held in found[:limit]]

    def first_held(self, origins: Sequence[str]) -> dict[str, Post]:
        def order(held: _Held) -> tuple[bool, float, float, str]:
            post = held.post
            return held.link.kind in POINTING, post.fetched_at, post.time, post.id

        with self._lock:
            members = {
                ref: [self._held[m] for m in self._by_origin.get(ref, ())] for ref in origins
            }
            return {ref: min(own, key=order).post for ref, own in members.items() if own}

    def band_matches(self, keys: Iterable[int]) -> dict[int, list[str]]:
        with self._lock:
            out: dict[int, list[str]] = {}
            for key in keys:
                found = heapq.nsmallest(BAND_MATCHES, self._by_band.get(key, ()), key=self._row)
                if found:
                    out[key] = found
            return out

    def by_url(self, urls: Sequence[str]) -> dict[str, str]:
        with self._lock:
            wanted, out = set(urls), dict[str, str]()
            for held in sorted(self._held.values(), key=_age):
                url = own_url(held.post)
                if url and url in wanted:
                    out.setdefault(url, held.post.id)
            return out

    # -- sources, state, journal --------------------------------------------------------------
    def cursor(self, source: str) -> str | None:
        return self._sources[source].cursor if source in self._sources else None

    def gaps(self, limit: int = 100) -> list[Gap]:
        return [gap for _, gap in sorted(self._gaps.values(), key=_seq, reverse=True)[:limit]]

    def set_asides(self, limit: int = 100, source: str = "") -> list[SetAside]:
        kept = [p for p in self._aside.values() if source in ("", p[1].source)]
        return [aside for _, aside in sorted(kept, key=_seq, reverse=True)[:limit]]

    def journal(self, limit: int = 100) -> list[Receipt]:
        return [r for _, r in sorted(self._journal.values(), key=_seq, reverse=True)[:limit]]

    def receipt(self, id: str) -> Receipt | None:
        return self._journal[id][1] if id in self._journal else None

    def _bytes(self) -> int:
        return sum(len((h.post.title + h.post.text).encode()) for h in self._held.values())

    def _state(self, name: str) -> SourceState:
        of_it = self._sources.get(name) or _Source()
        times = [h.post.time for h in self._held.values() if h.post.source == name]
        asides = sum(a.source == name for _, a in self._aside.values())
        gaps = sum(g.source == name for _, g in self._gaps.values())
        newest = max(times, default=None)
        return SourceState(name, of_it.posts, newest, of_it.last_write, of_it.cursor, asides, gaps)

    def status(self) -> StoreStatus:
        with self._lock:
            times = [h.post.time for h in self._held.values()]
            return StoreStatus(
                posts=len(self._held),
                origins=sum(bool(members) for members in self._by_origin.values()),
                tombstones=sum(ref not in self._held for ref in self._tombs),
                seq=self._seq,
                disk_bytes=self._bytes(),
                newest=max(times, default=None),
                oldest=min(times, default=None),
                views={"text": self._seq, "vectors": self._seq},
                sources=tuple(self._state(name) for name in sorted(self._sources)),
                set_aside=len(self._aside),
                gaps=len(self._gaps),
                vectors=len(self._vectors),
                journal=len(self._journal),
            )

    def close(self) -> None:
        """Nothing is open."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _age(held: _Held) -> tuple[float, int]:
    return (held.post.time, held.row)


def _seq(pair: tuple[int, Any]) -> int:
    return pair[0]
