"""What clients leave here to be searched: parsed uploads, and how they are cut."""

from __future__ import annotations

from dataclasses import dataclass

TEXT_WEIGHT = 0.35
"""How much a chunk's words count in its score beside its meaning, unless a search says otherwise:
the best of .2, .35, .5 and .7 on claims of SciFact's training part (LOG.md)."""


@dataclass(frozen=True, slots=True)
class Part:
    """One text of an upload: a document is one part, each post or row of a table another.

    ``pages`` are the offsets in ``text`` at which its pages begin, where it has any. ``date`` is
    when the text says that it was written, epoch seconds.
    """

    text: str
    title: str = ""
    author: str = ""
    url: str = ""
    lang: str = ""
    date: float | None = None
    pages: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Chunking:
    """How a text is cut: at most ``max_tokens`` each, ``overlap_tokens`` of them shared with the
    chunk before. A token is four bytes of UTF-8, as everywhere on our wire."""

    max_tokens: int = 400
    overlap_tokens: int = 100


@dataclass(frozen=True, slots=True)
class Upload:
    """A file as it lies on the disk. ``id`` is its public name, ``name`` what its owner gave it."""

    id: str
    name: str
    path: str


@dataclass(frozen=True, slots=True)
class Shelved:
    """What came of shelving an upload: how many chunks, and their bytes of UTF-8."""

    chunks: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Shelf:
    """A vector store to look in. ``files`` are those of its uploads to look at; None: all."""

    id: str
    files: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class ChunkHit:
    """A chunk that a search of shelves found. ``score`` is 0..1; ``page`` counts from 1 (0: no
    pages)."""

    shelf: str
    file: str
    n: int
    text: str
    score: float
    page: int = 0
