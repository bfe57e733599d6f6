"""What is held, told and taken in: uploads, what rises, digests, sources."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from gnomon.types import (
    Digest,
    Event,
    Filter,
    Spread,
    Step,
    Stories,
    Story,
    Trend,
    Trends,
    Tried,
    Turn,
)
from gnomon.types.library import TEXT_WEIGHT, ChunkHit, Chunking, Shelf, Shelved, Upload


class UploadLimits(Protocol):
    """Bytes of one upload, and of all uploads of one caller together."""

    @property
    def file_bytes(self) -> int: ...

    @property
    def caller_bytes(self) -> int: ...


class Library(Protocol):
    """Uploads as texts, and the shelves (vector stores) that they are searched on. Whose they are,
    the server knows. A shelf is made by its first use."""

    @property
    def limits(self) -> UploadLimits: ...

    @property
    def files_dir(self) -> Path:
        """Where the server keeps uploads."""
        ...

    def shelve(self, shelf: str, upload: Upload, chunking: Chunking) -> Shelved:
        """Read an upload and put it on a shelf, in place of what stood there of it. Raises
        Unsupported, InputError (it cannot be read), SourceError, StoreError."""
        ...

    def unshelve(self, shelf: str, file: str) -> None:
        """Take an upload off, with its texts and vectors."""
        ...

    def forget(self, shelf: str) -> None:
        """Delete a shelf and all that is on it."""
        ...

    def shelves(self) -> list[str]: ...

    def texts(self, shelf: str, file: str) -> list[str]:
        """The chunks of an upload, in their order."""
        ...

    def search(
        self,
        shelves: Sequence[Shelf],
        queries: Sequence[str],
        *,
        k: int = 10,
        text_weight: float = TEXT_WEIGHT,
    ) -> list[ChunkHit]:
        """The best chunks for any of the queries, scored 0..1."""
        ...

    def ask(
        self,
        question: str,
        shelves: Sequence[Shelf],
        *,
        held: bool = False,
        where: Filter = ...,
        now: float | None = None,
        turns: Sequence[Turn] = (),
        live: bool = False,
    ) -> Iterator[Event]:
        """As ``Engine.ask``, over shelves and, with ``held``, over what is held under ``where``.
        What an upload says has the ``Evidence.source`` ``file:upload/`` and the upload's id. The
        receipt lies with the first shelf (``answer``), never in the public journal."""
        ...

    def answer(self, shelf: str, id: str) -> Mapping[str, Any]:
        """A receipt of ``ask``, without quotes of what was taken off since, or NotFound."""
        ...


class Rising(Protocol):
    """What is rising, and the stories."""

    def trends(
        self,
        window_s: float = ...,
        *,
        kind: str = "",
        lang: str = "",
        k: int = 20,
        now: float | None = None,
        unsure: bool = True,
    ) -> Trends:
        """What rises in the window that ends at ``now`` (the present, or the newest post), the most
        surprising first. Raises InputError."""
        ...

    def explain(
        self, term: str, *, window_s: float = ..., lang: str = "", now: float | None = None
    ) -> Trend:
        """The figures of one term, rising or not. Raises NotFound where nobody said it,
        InputError."""
        ...

    def stories(
        self,
        *,
        since: float | None = None,
        until: float | None = None,
        langs: Sequence[str] = (),
        k: int = 20,
        by: str = "interest",
    ) -> Stories:
        """The ``k`` best stories of a time (default: the last 24 hours, or those before the newest
        post), by "interest" or "support". Raises InputError."""
        ...

    def story(self, id: str) -> Story:
        """A story, told; ``id`` may be that of a story that went into it, or of a post in it.
        Raises NotFound."""
        ...

    def spread(self, post: str) -> Spread:
        """Who repeated the origin of a post, when and how. Raises NotFound."""
        ...


class Digests(Protocol):
    """Dated briefs: made, kept, shown."""

    def make(
        self,
        *,
        since: float | None = None,
        until: float | None = None,
        about: str = "",
        langs: Sequence[str] = (),
        lang: str = "en",
        k: int = 8,
    ) -> Iterator[Step | Digest]:
        """Steps, then the Digest. Closing the iterator stops the work. Raises InputError."""
        ...

    def kept(self, limit: int = 20) -> list[Digest]: ...

    def digest(self, id: str) -> Digest:
        """Raises NotFound."""
        ...

    def shown(
        self, digest: Digest, form: str, *, base: str = "", style_at: str = ""
    ) -> str | dict[str, Any]:
        """As Markdown, HTML, RSS, Atom or a JSON object. Raises InputError."""
        ...

    def feed(self, form: str, *, base: str) -> str: ...

    def style(self) -> str: ...


class Supply(Protocol):
    """The sources that are followed."""

    def rows(self) -> list[dict[str, Any]]:
        """Each source on the list with what is held of it and how it is doing, as JSON."""
        ...

    def add_remote(self, spec: str, *, every_s: float | None = None) -> object:
        """Follow one more source of the network. Raises InputError."""
        ...

    def try_remote(self, spec: str, *, for_s: float = ...) -> Tried:
        """What a source of the network gives, kept nowhere. Raises InputError."""
        ...

    def pause(self, spec: str, paused: bool) -> object:
        """Raises NotFound."""
        ...

    def remove(self, spec: str) -> object:
        """Raises NotFound."""
        ...
