"""Every document read, judged by rules one after another, and set down with what came of it.

A rule is a function from a document to a document (the same, or mended) or to the reason for which
it is dropped: ``"reason: what of it"``. What was judged lies in files of their own, so that a cut
run goes on behind the last one, and origins can be found over all of them afterwards.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from xxhash import xxh3_64_intdigest

from gnomon.lab.data.documents import Document, DocumentFile, read_documents, write_documents
from gnomon.lab.data.reading import Read
from gnomon.lab.progress import Progress, Reporter
from gnomon.lab.shards import writing
from gnomon.lab.workspace import write_json

Rule = Callable[[Document], "Document | str"]

SPOOL = "judged"
SHARD_DOCUMENTS = 5000


@dataclass(frozen=True, slots=True)
class Position:
    """Where a cut run goes on: documents had of each source, whether it is finished, and for the
    record the (time, id) of the last post."""

    had: tuple[int, ...]
    finished: tuple[bool, ...]
    at: tuple[float, str] | None = None
    files: tuple[DocumentFile, ...] = ()
    seconds: float = 0.0


@dataclass
class Spool:
    """The folder of judged documents and where reading stands. ``sources`` is how many there
    are."""

    folder: Path
    sources: int
    position: Position = field(init=False)

    def __post_init__(self) -> None:
        nothing = Position((0,) * self.sources, (False,) * self.sources)
        try:
            held = json.loads((self.folder / SPOOL / "state.json").read_text("utf-8"))
            files = tuple(DocumentFile(**file) for file in held.pop("files"))
            at = tuple(held.pop("at") or ()) or None
            had, finished = tuple(held.pop("had")), tuple(held.pop("finished"))
            self.position = Position(had, finished, at, files, **held)
        except (FileNotFoundError, ValueError, TypeError, KeyError):
            self.position = nothing
        if len(self.position.had) != self.sources:
            self.position = nothing

    @property
    def count(self) -> int:
        return sum(file.documents for file in self.position.files)

    def add(self, documents: Sequence[Document], position: Position) -> None:
        """Set documents down, durably, and where to go on after them."""
        files = self.position.files
        if documents:
            name = f"{SPOOL}/{len(files):05}.jsonl.gz"
            files = (*files, write_documents(self.folder, name, documents))
        seconds = position.seconds
        self.position = Position(position.had, position.finished, position.at, files, seconds)
        state = self.folder / SPOOL / "state.json"
        with writing(state):
            state.parent.mkdir(parents=True, exist_ok=True)
            write_json(state, asdict(self.position))

    def documents(self) -> Iterator[Document]:
        """All of them, in the order of reading. Where another text came under an id before (two
        files count their rows from 1), the later one is ``id~2``."""
        seen: dict[str, int] = {}
        for file in self.position.files:
            for document in read_documents(self.folder / file.file):
                name, again = document.id, 1
                here = xxh3_64_intdigest(document.text.encode())
                while seen.setdefault(name, here) != here:
                    again += 1
                    name = f"{document.id}~{again}"
                yield document if again == 1 else replace(document, id=name)


def judge(document: Document, rules: Iterable[Rule]) -> Document:
    """The document after all rules, or after the first that drops it, then with ``reason`` and
    ``detail`` in its metadata."""
    for rule in rules:
        found = rule(document)
        if isinstance(found, str):
            return dropped(document, found)
        document = found
    return document


def dropped(document: Document, reason: str) -> Document:
    """The document as it is kept among the dropped. ``reason``: "kind: what of it"."""
    kind, _, detail = reason.partition(":")
    return document.noting(reason=kind, detail=detail.strip())


def is_kept(document: Document) -> bool:
    return "reason" not in document.metadata


def judge_all(
    spool: Spool,
    open_source: Callable[[int, Position], Iterator[Read]],
    rules: Sequence[Rule],
    reporter: Reporter,
    *,
    expected: int = 0,
    limit: int = 0,
) -> None:
    """Read every source and judge what it brings, going on behind what ``spool`` has.

    ``open_source(number, position)`` gives a source's documents; it may skip itself what the
    position says was had (the record does), or give them again (files do; they are skipped here).
    ``expected`` documents are shown as the whole; ``limit`` (0: none) ends the reading."""
    began, before = time.monotonic(), spool.position.seconds
    chunk: list[Document] = []
    had, finished, at = list(spool.position.had), list(spool.position.finished), spool.position.at

    def flush() -> None:
        seconds = round(before + time.monotonic() - began, 2)
        spool.add(chunk, Position(tuple(had), tuple(finished), at, (), seconds))
        chunk.clear()
        rate = spool.count / seconds if seconds else 0.0
        left = max(0, expected - spool.count) / rate if rate and expected else None
        whole = max(expected, spool.count) if expected else 0
        reporter.at(Progress("data", spool.count, whole, "documents", left, {"documents/s": rate}))

    for number in range(spool.sources):
        if finished[number]:
            continue
        for read in open_source(number, spool.position):
            if limit and spool.count + len(chunk) >= limit:
                break
            # Not amid the pieces of one post: the record goes on behind whole posts.
            if len(chunk) >= SHARD_DOCUMENTS and (not read.at[1] or read.at != at):
                flush()
            had[number] += 1
            if read.at[1]:
                at = read.at
            fate = dropped(read.document, read.reason) if read.reason else None
            chunk.append(fate or judge(read.document, rules))
        finished[number], at = True, None
        flush()


def reason_of(document: Document) -> str:
    return str(document.metadata.get("reason", ""))


def counted(values: Iterable[str]) -> dict[str, Any]:
    """How often each is there, the most frequent first."""
    count: dict[str, int] = {}
    for value in values:
        count[value] = count.get(value, 0) + 1
    return dict(sorted(count.items(), key=lambda item: (-item[1], item[0])))
