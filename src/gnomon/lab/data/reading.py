"""Where documents come from: the owner's record, and files and folders.

The record is opened to be read only. A post that passes the consent gate becomes a document, what
does not is told with its reason; so is a row of a file that could not be read.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gnomon.errors import InputError, SourceError
from gnomon.lab.data.cleaning import clean, pieces
from gnomon.lab.data.consent import refusal
from gnomon.lab.data.documents import Document
from gnomon.lab.data.duplicates import KINDS, stands_for
from gnomon.sources.admission import Limits
from gnomon.sources.contract import Source
from gnomon.store.contract import ANY, Store
from gnomon.types import Filter, Post

RECORD = "record"
"""The source that is the owner's own record."""

MAX_TEXT_BYTES = 256 * 2**20
_LINKS_TOGETHER = 1000


@dataclass(frozen=True, slots=True)
class Read:
    """A document, or (with ``reason``) what may not become one. ``time`` and ``id`` of the post
    say where in the record to go on."""

    document: Document
    reason: str = ""
    at: tuple[float, str] = (math.inf, "")


def check_paths(paths: Sequence[str]) -> None:
    """Raises InputError, naming it, for a path that is not there or may not be read."""
    for path in paths:
        if path == RECORD:
            continue
        if not os.path.lexists(os.path.expanduser(path)):
            raise InputError(
                f"{path!r} is neither 'record' nor a file or folder; give one of them."
            )
        if not os.access(os.path.expanduser(path), os.R_OK):
            raise InputError(f"{path!r} may not be read; change its permissions.")


def marks(paths: Sequence[str]) -> dict[str, Any]:
    """What names each file as it is now (size and time of change), for the inputs of the stage.
    The record has none: it grows all the time, and a corpus is of its moment."""
    found: dict[str, Any] = {}
    for path in paths:
        if path == RECORD:
            continue
        top = Path(path).expanduser()
        every = [top] if top.is_file() else sorted(p for p in top.rglob("*") if p.is_file())
        found[path] = [len(every), *_newest(every)]
    return found


def _newest(files: Sequence[Path]) -> tuple[int, int]:
    states = [file.stat() for file in files]
    return sum(s.st_size for s in states), max((s.st_mtime_ns for s in states), default=0)


# --------------------------------------------------------------------------- the record


def read_record(
    store: Store,
    *,
    until: float,
    after: tuple[float, str] | None = None,
    left_out: frozenset[str] = frozenset(),
    where: Filter = ANY,
) -> Iterator[Read]:
    """The record's posts said before ``until``, newest first; ``after`` is the (time, id) of the
    last one that a cut run had. A copy whose original is held here is told as such."""
    if after is not None:
        until = min(until, math.nextafter(after[0], math.inf))
    scan = store.scan(Filter(since=where.since, until=until, sources=where.sources))
    seen_last = after is None
    chunk: list[Post] = []
    for post in scan:
        if after is not None and not seen_last and post.time == after[0]:
            # Posts of one moment come in a fixed order: those up to the last one were had.
            seen_last = post.id == after[1]
            continue
        seen_last = True
        chunk.append(post)
        if len(chunk) == _LINKS_TOGETHER:
            yield from _of_record(store, chunk, left_out)
            chunk = []
    yield from _of_record(store, chunk, left_out)


def _of_record(store: Store, posts: list[Post], left_out: frozenset[str]) -> Iterator[Read]:
    if not posts:
        return
    links = store.links([post.id for post in posts])
    roots = {link.origin for link in links.values() if link.origin != link.post}
    held = store.links(sorted(roots))
    for post in posts:
        link = links.get(post.id)
        origin = link.origin if link else post.id
        at = (post.time, post.id)
        reason = ""
        if link and stands_for(link) and origin in held:
            reason = f"duplicate: {KINDS[link.kind]} of {origin}"
        for read in of_post(post, left_out, origin=origin):
            yield Read(read.document, read.reason or reason, at)


# --------------------------------------------------------------------------- files


@dataclass
class FileReader:
    """Reads one file or folder; ``deleted`` are ids that it says were deleted (an X archive)."""

    path: str
    left_out: frozenset[str] = frozenset()
    deleted: set[str] = field(default_factory=set)

    def read(self) -> Iterator[Read]:
        """Its documents in its own order. Raises InputError where it cannot be read at all."""
        from gnomon.sources.specs import make_sources

        limits = Limits(max_post_bytes=MAX_TEXT_BYTES, future_s=math.inf)
        try:
            for source in make_sources(self.path, limits=limits):
                yield from self._of(source)
        except SourceError as error:
            raise InputError(str(error)) from error

    def _of(self, source: Source) -> Iterator[Read]:
        from gnomon.types import Batch

        for step in source.steps(None):
            if not isinstance(step, Batch):
                raise InputError(
                    f"{self.path!r} wants the network; take it in with `gnomon pull` first and "
                    "make the corpus from the record."
                )
            self.deleted |= {deletion.post for deletion in step.deletions if deletion.post}
            for aside in step.set_aside:
                nothing = Document(aside.excerpt, aside.where, {"source": source.name})
                yield Read(nothing, f"unreadable: {aside.reason}")
            for post in step.posts:
                for read in of_post(post, self.left_out):
                    if post.id in self.deleted:
                        yield Read(read.document, "deleted: by its author")
                    else:
                        yield read


# --------------------------------------------------------------------------- posts


def of_post(post: Post, left_out: frozenset[str] = frozenset(), origin: str = "") -> Iterator[Read]:
    """The documents that a post is: one, or the pieces of a long text."""
    metadata: dict[str, Any] = {"source": post.source, "lang": post.lang, "author": post.author}
    if post.created_at is not None:
        metadata["created_at"] = post.created_at
    if licence := _licence(post.extra):
        metadata["license"] = licence
    if origin and origin != post.id:
        metadata["origin"] = origin
    reason = refusal(post, left_out)
    text = clean(post.title, post.text)
    if not reason and not text:
        reason = "empty: a repost, or no words of its own"
    if reason:
        yield Read(Document(text, post.id, metadata), reason)
        return
    parts = list(pieces(text))
    if len(parts) == 1:
        yield Read(Document(parts[0], post.id, metadata))
        return
    for number, part in enumerate(parts):
        more = {**metadata, "of": post.id, "piece": number}
        yield Read(Document(part, f"{post.id}#{number}", more))


def _licence(extra: Mapping[str, Any]) -> str:
    for name in ("license", "licence", "rights"):
        value = extra.get(name)
        if isinstance(value, str) and value.strip():
            return value.strip()[:100]
    return ""
