"""Judged documents to the corpus: one for each origin, split, in files; what was dropped beside."""

from __future__ import annotations

import gzip
import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from xxhash import xxh3_64_intdigest

from gnomon.lab.data.documents import Document, DocumentFile, write_documents
from gnomon.lab.data.duplicates import KINDS
from gnomon.lab.data.judging import Spool, dropped, is_kept, reason_of
from gnomon.lab.data.split import chosen, split_of
from gnomon.lab.data.templates import Forms
from gnomon.lab.shards import writing
from gnomon.lab.workspace import file_sha256
from gnomon.text.tokens import words
from gnomon.types import Link

FILE_DOCUMENTS = 20_000
FILE_BYTES = 32 * 2**20
"""A file ends at either: small enough to be read again after a cut, large enough for a disk."""

HELD = "held.txt.gz"
"""The ids of the posts that the corpus holds, one a line: what later deletions are looked for in.
It names whose words are in a model; leave it out of what you publish, if you publish one."""

DETAILED = frozenset({"consent", "contamination", "duplicate", "language"})
"""Reasons whose details are few and nobody's words."""

FOLDERS = {"train": "docs/train", "val": "docs/val", "dropped": "dropped"}


@dataclass
class Gathered:
    """What was made. ``read`` counts documents, kept and dropped; ``held.documents`` posts.
    ``masked`` counts e-mail addresses and the like; ``details`` says of some reasons what of them:
    the language, the evaluation set, the kind of duplicate. ``unreadable`` is why the first thing
    that could not be read could not."""

    files: dict[str, list[DocumentFile]] = field(default_factory=dict)
    kept: dict[str, int] = field(default_factory=lambda: {"train": 0, "val": 0})
    read: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    languages: Counter[str] = field(default_factory=Counter)
    sources: Counter[str] = field(default_factory=Counter)
    licences: Counter[str] = field(default_factory=Counter)
    masked: Counter[str] = field(default_factory=Counter)
    details: dict[str, Counter[str]] = field(default_factory=dict)
    unreadable: str = ""
    held: DocumentFile = field(default_factory=lambda: DocumentFile(HELD, "", 0, 0))


class _Files:
    """The files of one folder, each begun when the last one is full."""

    def __init__(self, stage: Path, folder: str) -> None:
        self._stage, self._folder = stage, folder
        self._waiting: list[Document] = []
        self._bytes = 0
        self.written: list[DocumentFile] = []

    def add(self, document: Document) -> None:
        self._waiting.append(document)
        self._bytes += len(document.text)
        if len(self._waiting) >= FILE_DOCUMENTS or self._bytes >= FILE_BYTES:
            self.flush()

    def flush(self) -> None:
        if self._waiting:
            name = f"{self._folder}/{len(self.written):05}.jsonl.gz"
            self.written.append(write_documents(self._stage, name, self._waiting))
            self._waiting, self._bytes = [], 0


def gather(
    stage: Path, spool: Spool, twins: Mapping[str, Link], forms: Forms, val: float, seed: int
) -> Gathered:
    """Write ``docs/``, ``dropped/`` and the list of the posts held into the stage's folder.

    ``twins`` are the documents that another stands for, ``forms`` has counted the kept
    ones. Raises StoreFull, CorruptShard."""
    share = chosen(_origins(spool, twins), val, seed)
    out = {name: _Files(stage, folder) for name, folder in FOLDERS.items()}
    gathered = Gathered()
    posts: dict[str, None] = {}
    seen = _Seen()
    for document in spool.documents():
        document = _fate(document, twins, seen, forms)
        gathered.read += 1
        gathered.sources[str(document.metadata.get("source", ""))] += 1
        if not is_kept(document):
            _tell(gathered, document)
            out["dropped"].add(document)
            continue
        seen.ids.add(document.id)
        posts[document.post] = None
        split = split_of(document.id, share, seed)
        gathered.kept[split] += 1
        gathered.languages[document.lang or "unknown"] += 1
        gathered.licences[str(document.metadata.get("license", "not stated"))] += 1
        gathered.masked.update(document.metadata.get("masked", {}))
        out[split].add(_bare(document))
    for name, files in out.items():
        files.flush()
        gathered.files[name] = files.written
    gathered.held = write_held(stage, posts)
    return gathered


@dataclass
class _Seen:
    """Ids and wordings that are in already."""

    ids: set[str] = field(default_factory=set)
    wordings: set[int] = field(default_factory=set)

    def words_of(self, document: Document) -> bool:
        """Take the document's words in; whether no other had the same in the same order."""
        said = " ".join(words(document.text))
        key = xxh3_64_intdigest(said.encode("utf-8", "surrogatepass"))
        fresh = key not in self.wordings or not said
        self.wordings.add(key)
        return fresh


_DETAIL = re.compile(r" of \S+$| \(.*$")


def _tell(gathered: Gathered, document: Document) -> None:
    """Count a dropped document, by reason and for some reasons by what of it."""
    reason = reason_of(document)
    gathered.dropped[reason] += 1
    if reason == "unreadable" and not gathered.unreadable:
        gathered.unreadable = str(document.metadata.get("detail", "")).rstrip(".")
    if reason in DETAILED:
        detail = _DETAIL.sub("", str(document.metadata.get("detail", "")))
        gathered.details.setdefault(reason, Counter())[detail] += 1


def _fate(document: Document, twins: Mapping[str, Link], seen: _Seen, forms: Forms) -> Document:
    """The document, dropped where another one stands for it."""
    if not is_kept(document):
        return document
    if document.id in seen.ids:
        return dropped(document, "duplicate: read twice")
    if link := twins.get(document.id):
        return dropped(document, f"duplicate: {KINDS[link.kind]} of {link.origin}")
    if not seen.words_of(document):  # too short a phrase for origins to join: "Happy New Year"
        return dropped(document, "duplicate: the same words")
    reason = forms.too_many(document)
    return dropped(document, reason) if reason else document


def _origins(spool: Spool, twins: Mapping[str, Link]) -> Iterator[str]:
    """The ids of the documents that will be kept, as far as forms let them."""
    seen = _Seen()
    for document in spool.documents():
        if not is_kept(document) or document.id in twins or document.id in seen.ids:
            continue
        if seen.words_of(document):
            seen.ids.add(document.id)
            yield document.id


def _bare(document: Document) -> Document:
    """Without its author: the documents need no names, and the fewer copies of one the better."""
    metadata = {name: value for name, value in document.metadata.items() if name != "author"}
    return Document(document.text, document.id, {**metadata, "origin": document.id})


def write_held(stage: Path, posts: Iterable[str]) -> DocumentFile:
    """List the posts that a stage's folder holds, for later deletions. Raises StoreFull."""
    path = stage / HELD
    fresh = path.with_name(path.name + ".new")
    count = size = 0
    with writing(path):
        with fresh.open("wb") as raw, gzip.GzipFile("", "wb", fileobj=raw, mtime=0) as file:
            for post in posts:
                line = post.replace("\n", " ").encode("utf-8", "replace") + b"\n"
                file.write(line)
                count, size = count + 1, size + len(line)
        os.replace(fresh, path)
    return DocumentFile(HELD, file_sha256(path), count, size)
