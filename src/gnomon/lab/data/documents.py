"""Documents, in datatrove's shape, and the files they lie in.

A document is ``{"text", "id", "metadata"}``, one JSON object a line of a ``.jsonl.gz``: what
``datatrove.pipeline.readers.JsonlReader`` reads as it is
(https://github.com/huggingface/datatrove/blob/main/src/datatrove/data.py).
"""

from __future__ import annotations

import gzip
import json
import os
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

import orjson

from gnomon.errors import InputError
from gnomon.lab.shards import CorruptShard, writing
from gnomon.lab.workspace import file_sha256

MANIFEST = "manifest.json"


@dataclass(frozen=True, slots=True)
class Document:
    """``metadata`` holds ``source``, ``lang``, ``origin`` (the id of the earliest of the posts that
    say this), and what the source said of it: ``created_at``, ``license``. A piece of a longer
    text has ``piece`` (0, 1, ...) and ``of``, the id of the whole."""

    text: str
    id: str
    metadata: Mapping[str, Any] = field(default_factory=dict)

    @property
    def post(self) -> str:
        """The id of the post or file that it is, or is a piece of."""
        return str(self.metadata.get("of") or self.id)

    @property
    def lang(self) -> str:
        return str(self.metadata.get("lang", ""))

    def noting(self, **more: Any) -> Self:
        """The same with more metadata."""
        return replace(self, metadata={**self.metadata, **more})


def line_of(document: Document) -> bytes:
    """One line of a file, its end included."""
    value = {"text": document.text, "id": document.id, "metadata": document.metadata}
    return orjson.dumps(value, default=str) + b"\n"


def document_of(line: bytes) -> Document:
    """The document of a line. Raises ValueError, KeyError or TypeError where it is none."""
    row = orjson.loads(line)
    return Document(row["text"], row["id"], row.get("metadata") or {})


@dataclass(frozen=True, slots=True)
class DocumentFile:
    """A file of documents; ``file`` is relative to the stage's folder, ``bytes`` are of texts."""

    file: str
    sha256: str
    documents: int
    bytes: int


def write_documents(folder: Path, name: str, documents: Iterable[Document]) -> DocumentFile:
    """``name`` (as ``docs/train/00000.jsonl.gz``) below ``folder``, whole or not at all. The same
    documents give the same bytes. Raises StoreFull, InputError."""
    path = folder / name
    fresh = path.with_name(path.name + ".new")
    count = size = 0
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with fresh.open("wb") as raw:
            with gzip.GzipFile("", "wb", compresslevel=3, fileobj=raw, mtime=0) as file:
                for document in documents:
                    file.write(line_of(document))
                    count += 1
                    size += len(document.text.encode())
            raw.flush()
            os.fsync(raw.fileno())
        os.replace(fresh, path)
    return DocumentFile(name, file_sha256(path), count, size)


def read_documents(path: Path) -> Iterator[Document]:
    """The documents of one file, in order. Raises CorruptShard where it is damaged."""
    again = "run `gnomon lab data` again with --anew"
    try:
        with gzip.open(path, "rb") as file:
            for line in file:
                yield document_of(line)
    except FileNotFoundError as error:
        raise CorruptShard(f"{path} is not there any more; {again}.") from error
    except (OSError, EOFError, zlib.error, ValueError, KeyError, TypeError) as error:
        raise CorruptShard(f"{path} is damaged ({error}); {again}.") from error


def read_manifest(folder: Path) -> dict[str, Any]:
    """What the data stage wrote into its folder. Raises InputError where it has not finished."""
    path = folder / MANIFEST
    try:
        found: dict[str, Any] = json.loads(path.read_text("utf-8"))
    except FileNotFoundError as error:
        raise InputError(f"There is no corpus at {folder}; run: gnomon lab data") from error
    except ValueError as error:
        raise CorruptShard(
            f"{path} is damaged ({error}); run `gnomon lab data` again with --anew."
        ) from error
    return found


def document_files(folder: Path, split: str) -> list[DocumentFile]:
    """The files of a split (train, val or dropped), in order. Raises InputError, CorruptShard."""
    manifest = read_manifest(folder)
    try:
        return [DocumentFile(**file) for file in manifest["files"][split]]
    except (KeyError, TypeError) as error:
        raise CorruptShard(
            f"{folder / MANIFEST} lacks the files of {split!r}; run `gnomon lab data` again with "
            "--anew."
        ) from error


def documents(folder: Path, split: str) -> Iterator[Document]:
    """Every document of a split of the stage's folder, each file hashed before it is read.

    Raises InputError where there is no corpus, CorruptShard naming the file and the next step.
    """
    for file in document_files(folder, split):
        check_file(folder, file)
        yield from read_documents(folder / file.file)


def check_file(folder: Path, file: DocumentFile) -> None:
    """Raises CorruptShard where the bytes are not those that were written."""
    path = folder / file.file
    try:
        digest = file_sha256(path)
    except OSError as error:
        raise CorruptShard(
            f"{path} cannot be read ({error.strerror}); run `gnomon lab data` again with --anew."
        ) from error
    if digest != file.sha256:
        raise CorruptShard(
            f"{path} has SHA-256 {digest}, not {file.sha256}: it was changed or damaged; run "
            "`gnomon lab data` again with --anew."
        )
