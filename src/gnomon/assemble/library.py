"""What clients upload and search: files read in a sandbox, cut into chunks, one store to a shelf.

A shelf is what the API calls a vector store. Each has a store of its own in a folder of its own, so
that nothing of one can come up in another, nor in what is held in public; to forget a shelf is to
delete its folder. Whose shelf it is, is for the server to know and to hold to.
"""

from __future__ import annotations

import re
import shutil
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol
from uuid import uuid4

import numpy as np

from gnomon import journal
from gnomon.assemble.shelves import Joined, Room, source_of
from gnomon.errors import ModelError, NotFound, StoreError
from gnomon.models.protocols import Embed
from gnomon.sources import sandbox
from gnomon.store.contract import Store
from gnomon.store.engine import open_store
from gnomon.store.memory import MemoryStore
from gnomon.text import chunks
from gnomon.text.sentences import split
from gnomon.truth.terms import Weights, coverage, term_set
from gnomon.types import Batch, Deletion, EdgeKind, Event, Filter, Hit, Link, Post, Turn
from gnomon.types.library import TEXT_WEIGHT, ChunkHit, Chunking, Part, Shelf, Shelved, Upload

ANY = Filter()
MOST_OPEN = 8
DEPTH = 60
EMBED_BATCH = 16
EMBED_CHARS = 1600
CATCH_UP = 32
WRITE_BATCH = 500
# Cosines of e5 lie in about 0.7..1 for any two texts (its FAQ says why:
# https://huggingface.co/intfloat/multilingual-e5-small#faq).
COSINE_FLOOR = 0.7
# How much of a lexical score goes by BM25's beside the best hit's: of 0, .25, .5 and a sum in place
# of the product chosen on claims of SciFact's training part (LOG.md). A product keeps a hit that
# shares little with the query low, however much worse the others are.
BY_RANK = 0.25
_NAME = re.compile(r"[a-z]{1,4}_[0-9a-f]{8,64}")


@dataclass(frozen=True, slots=True)
class Limits:
    """Bytes of one upload, and of all uploads of one caller together."""

    file_bytes: int
    caller_bytes: int


class Asks(Protocol):
    """How the product answers over a store that is handed to it."""

    def __call__(
        self,
        question: str,
        store: Store,
        *,
        where: Filter,
        now: float | None,
        turns: Sequence[Turn],
        live: bool,
    ) -> Iterator[Event]: ...


@dataclass
class _Open:
    """A shelf's store, and how many are at it."""

    store: Store
    users: int = 0
    ending: bool = False  # to be closed by its last user


class Library:
    """See ``serve.contract.Library``. Thread-safe; close it before the models are closed."""

    def __init__(
        self,
        home: Path,
        limits: Limits,
        *,
        public: Store,
        embed: Callable[[], Embed | None],
        ask: Asks,
    ) -> None:
        """``home`` is the owner's folder. ``ask`` answers over a store, ``embed`` gives the
        encoder if there is one."""
        self.limits = limits
        self.files_dir = files_dir(home)
        self._shelves_dir = home / "shelves"
        self._public = public
        self._embed = embed
        self._ask = ask
        self._open: OrderedDict[str, _Open] = OrderedDict()
        self._lock = threading.Lock()
        self._stop = threading.Event()

    # -- shelving -------------------------------------------------------------------------------
    def shelve(self, shelf: str, upload: Upload, chunking: Chunking) -> Shelved:
        """Read an upload and put its chunks on ``shelf`` (made if it is not there), in place of
        what stood there of it.

        Raises Unsupported, InputError (it cannot be read), StoreError, SourceError.
        """
        bounds = replace(sandbox.STANDARD, max_bytes=self.limits.file_bytes)
        parsed = sandbox.parse(upload.path, upload.name, bounds=bounds, stop=self._stop)
        posts, links = _posts(upload, parsed.parts, chunking, time.time())
        self.unshelve(shelf, upload.id)
        with self._at(shelf, make=True) as store:
            for begin in range(0, len(posts), WRITE_BATCH):
                some = slice(begin, begin + WRITE_BATCH)
                batch = Batch(source_of(upload.id), posts=posts[some], links=links[some])
                store.write(batch)
            self._encode(store, posts)
            store.refresh()
        return Shelved(len(posts), sum(len(post.text.encode("utf-8", "replace")) for post in posts))

    def unshelve(self, shelf: str, file: str) -> None:
        """Take every chunk of an upload off ``shelf``: out of its record, index and vectors."""
        with self._at(shelf) as store:
            source, now = source_of(file), time.time()
            held = [post.id for post in store.scan(Filter(sources=(source,)))]
            for begin in range(0, len(held), WRITE_BATCH):
                some = held[begin : begin + WRITE_BATCH]
                gone = tuple(Deletion(source, now, post=one, reason="taken off") for one in some)
                store.write(Batch(source, deletions=gone))
            if held:
                store.refresh()
                self._end(shelf)  # until it is closed, its write-ahead log still holds the words

    def _end(self, shelf: str) -> None:
        with self._lock:
            if (held := self._open.get(shelf)) is not None:
                held.ending = True
                self._close_idle(shelf)

    def _close_idle(self, shelf: str) -> None:
        """Close a shelf that is to end, once nobody is at it. Under the lock, so that nobody opens
        it again before its place is free."""
        held = self._open.get(shelf)
        if held is not None and held.ending and not held.users:
            del self._open[shelf]
            held.store.close()

    def forget(self, shelf: str) -> None:
        """Delete ``shelf`` and all that is on it. Nothing, if it is not there."""
        self._folder(shelf)
        with self._lock:
            if (held := self._open.pop(shelf, None)) is not None:
                held.store.close()
            forget_shelf(self._shelves_dir.parent, shelf)

    def shelves(self) -> list[str]:
        """The shelves that are on the disk."""
        if not self._shelves_dir.is_dir():
            return []
        return sorted(p.name for p in self._shelves_dir.iterdir() if _NAME.fullmatch(p.name))

    def texts(self, shelf: str, file: str) -> list[str]:
        """The chunks of an upload, in their order."""
        with self._at(shelf) as store:
            held = store.scan(Filter(sources=(source_of(file),)))
            return [post.text for post in sorted(held, key=_number)]

    # -- searching ------------------------------------------------------------------------------
    def search(
        self,
        shelves: Sequence[Shelf],
        queries: Sequence[str],
        *,
        k: int = 10,
        text_weight: float = TEXT_WEIGHT,
    ) -> list[ChunkHit]:
        """The chunks that fit any of ``queries`` best, best first. ``text_weight`` is how much the
        words count beside the meaning, 0..1, where there is an encoder."""
        best: dict[tuple[str, str], ChunkHit] = {}
        for shelf in shelves:
            if shelf.files is not None and not shelf.files:
                continue
            with self._at(shelf.id) as store:
                for query in queries:
                    for hit in self._search(store, shelf, query, text_weight):
                        key = (shelf.id, f"{hit.file}/{hit.n}")
                        if key not in best or best[key].score < hit.score:
                            best[key] = hit
        return sorted(best.values(), key=lambda hit: (-hit.score, hit.file, hit.n))[:k]

    def _search(
        self, store: Store, shelf: Shelf, query: str, text_weight: float
    ) -> Iterator[ChunkHit]:
        where = _within(shelf)
        found = store.search(query, DEPTH, where, per_origin=None)
        hits = {hit.post.id: hit for hit in found}
        near: dict[str, float] = {}
        embed = self._encoder()
        if embed is not None and text_weight < 1.0:
            self._catch_up(store, embed)
            close = store.nearest(embed.query(query), DEPTH, where, per_origin=None)
            near = {hit.post.id: hit.score for hit in close}
            hits |= {hit.post.id: hit for hit in close if hit.post.id not in hits}
        wanted = Weights(store.frequencies, store.status().posts).of(query)
        vector = embed.query(query) if near and embed is not None else None
        missing = [name for name in hits if name not in near] if vector is not None else []
        near |= {name: float(v @ vector) for name, v in store.vectors(missing).items()}
        top = max((hit.score for hit in found), default=0.0)
        ranked = {hit.post.id: hit.score / top for hit in found if top > 0}
        for name, hit in hits.items():
            score = _lexical(hit.post, wanted) * (1 - BY_RANK + BY_RANK * ranked.get(name, 0.0))
            if vector is not None:
                meaning = max(0.0, near.get(name, 0.0) - COSINE_FLOOR) / (1 - COSINE_FLOOR)
                score = text_weight * score + (1 - text_weight) * min(1.0, meaning)
            if score > 0:
                yield _chunk(shelf.id, hit, round(score, 4))

    # -- asking ---------------------------------------------------------------------------------
    def ask(
        self,
        question: str,
        shelves: Sequence[Shelf],
        *,
        held: bool = False,
        where: Filter = ANY,
        now: float | None = None,
        turns: Sequence[Turn] = (),
        live: bool = False,
    ) -> Iterator[Event]:
        """Answer from what is on ``shelves`` and, with ``held``, from what is held in public under
        ``where`` (only then does ``live`` count). As ``Gnomon.ask`` answers; the receipt is kept
        with the first shelf.

        ``Evidence.source`` of what an upload says is ``file:upload/`` and the upload's id.
        """
        with ExitStack() as stack:
            rooms = []
            for shelf in shelves:
                store = stack.enter_context(self._at(shelf.id))
                files = shelf.files
                if files is None:
                    rooms.append(Room(store, _sources(store)))
                else:
                    rooms.append(Room(store, tuple(map(source_of, files))))
                if (embed := self._encoder()) is not None:
                    self._catch_up(store, embed)
            if held:
                rooms.append(Room(self._public))
            joined = Joined(rooms).as_store
            yield from self._ask(
                question, joined, where=where, now=now, turns=turns, live=live and held
            )

    def answer(self, shelf: str, id: str) -> Mapping[str, Any]:
        """The receipt of an answer over ``shelf``, without quotes of what was taken off since.
        Raises NotFound."""
        with self._at(shelf) as store:
            return journal.read(store, id)

    # -- stores ---------------------------------------------------------------------------------
    def _folder(self, shelf: str) -> Path:
        if not _NAME.fullmatch(shelf):
            raise NotFound(f"There is no shelf {shelf[:60]!r}.")
        return self._shelves_dir / shelf

    @contextmanager
    def _at(self, shelf: str, *, make: bool = False) -> Iterator[Store]:
        """The store of a shelf, open for as long as it is used and a while after. One that is not
        there is made, or else stands as an empty one. Raises NotFound, StoreError."""
        if not make and not (self._folder(shelf) / "record.db").exists():
            yield MemoryStore()
            return
        with self._lock:
            if self._stop.is_set():
                raise StoreError("gnomon is closing; ask again when it is back.")
            held = self._open.get(shelf)
            if held is None:
                folder = self._folder(shelf)
                folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                held = self._open[shelf] = _Open(open_store(folder, reserve=False))
            self._open.move_to_end(shelf)
            held.users += 1
            idle = [name for name, one in self._open.items() if not one.users]
            for name in idle[: max(0, len(self._open) - MOST_OPEN)]:
                self._open.pop(name).store.close()
        try:
            yield held.store
        finally:
            with self._lock:
                held.users -= 1
                self._close_idle(shelf)

    def close(self) -> None:
        """Stop reading uploads and close every shelf."""
        self._stop.set()
        with self._lock:
            held, self._open = list(self._open.values()), OrderedDict()
        for one in held:
            one.store.close()

    # -- meaning --------------------------------------------------------------------------------
    def _encoder(self) -> Embed | None:
        """The encoder, or None where it fails: then words alone find."""
        try:
            return self._embed()
        except ModelError:
            return None

    def _encode(self, store: Store, posts: Sequence[Post]) -> None:
        embed = self._encoder()
        if embed is None:
            return
        for begin in range(0, len(posts), EMBED_BATCH):
            if self._stop.is_set():
                return
            some = posts[begin : begin + EMBED_BATCH]
            try:
                vectors = _vectors(embed, some)
            except ModelError:
                return
            store.put_vectors(embed.name, [post.id for post in some], vectors)

    def _catch_up(self, store: Store, embed: Embed) -> None:
        """Encode some of what was shelved while there was no encoder, or another."""
        if missing := store.unembedded(embed.name, CATCH_UP):
            self._encode(store, missing)
            store.refresh()


def files_dir(home: Path) -> Path:
    """Where uploads lie."""
    return home / "files"


def forget_shelf(home: Path, shelf: str) -> None:
    """Delete a shelf from the disk, whoever has it open. Raises NotFound for what is no name."""
    if not _NAME.fullmatch(shelf):
        raise NotFound(f"There is no shelf {shelf[:60]!r}.")
    shutil.rmtree(home / "shelves" / shelf, ignore_errors=True)


def _posts(
    upload: Upload, parts: Sequence[Part], chunking: Chunking, now: float
) -> tuple[tuple[Post, ...], tuple[Link, ...]]:
    """The chunks of an upload as posts; those of one part are one origin, led by its first."""
    shelving = uuid4().hex[:8]  # a chunk that is put back must not look like the one taken off
    posts: list[Post] = []
    links: list[Link] = []
    for number, part in enumerate(parts):
        root = ""
        for start, end in chunks.cut(part.text, chunking.max_tokens, chunking.overlap_tokens):
            n = len(posts)
            name = f"{upload.id}/{shelving}/{n}"
            root = root or name
            post = Post(
                id=name,
                text=part.text[start:end],
                source=source_of(upload.id),
                fetched_at=now,
                author=part.author,
                created_at=part.date,
                title=part.title or upload.name,
                lang=part.lang,
                url=part.url,
                extra={"part": number, "chunk": n, "page": _page(part, start)},
            )
            posts.append(post)
            links.append(Link(name, root, EdgeKind.ROOT if name == root else EdgeKind.URL))
    return tuple(posts), tuple(links)


def _page(part: Part, start: int) -> int:
    """The page on which a chunk begins, from 1; 0 where there are none."""
    return sum(begin <= start for begin in part.pages)


def _number(post: Post) -> int:
    return int(post.extra.get("chunk", 0))


def _chunk(shelf: str, hit: Hit, score: float) -> ChunkHit:
    post = hit.post
    file = post.id.partition("/")[0]
    return ChunkHit(shelf, file, _number(post), post.text, score, int(post.extra.get("page", 0)))


def _within(shelf: Shelf) -> Filter:
    return ANY if shelf.files is None else Filter(sources=tuple(map(source_of, shelf.files)))


def _sources(store: Store) -> tuple[str, ...]:
    return tuple(state.source for state in store.status().sources if state.posts)


def _lexical(post: Post, wanted: Mapping[str, float]) -> float:
    """How much of a query's weighted words a chunk holds, and how much its best sentence, 0..1."""
    whole = coverage(wanted, term_set(f"{post.title}\n{post.text}"), wanted)
    if not whole:
        return 0.0
    spans = split(post.text)
    best = max(
        (coverage(wanted, term_set(post.text[start:end]), wanted) for start, end in spans),
        default=0.0,
    )
    return 0.5 * whole + 0.5 * best


def _vectors(embed: Embed, posts: Sequence[Post]) -> np.ndarray:
    """A unit vector for each post: of a chunk longer than the encoder reads, the mean of its
    pieces."""
    texts: list[str] = []
    owners: list[int] = []
    for at, post in enumerate(posts):
        for begin in range(0, max(1, len(post.text)), EMBED_CHARS):
            texts.append(f"{post.title}\n{post.text[begin : begin + EMBED_CHARS]}".strip())
            owners.append(at)
    sums = np.zeros((len(posts), embed.dim), dtype=np.float32)
    np.add.at(sums, owners, embed.passages(texts, patient=True))
    norms = np.linalg.norm(sums, axis=1, keepdims=True)
    unit: np.ndarray = sums / np.where(norms > 0, norms, 1.0)
    return unit
