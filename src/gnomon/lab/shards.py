"""Tokens on disk: flat files of little-endian ids, and beside each split what is in them.

    train-00000.bin  train-00001.bin  ...  train.json
    val-00000.bin    ...                   val.json

Every document ends with the tokenizer's END. Ids are uint16, or uint32 where the vocabulary is
larger than that holds. ``<split>.json`` is written last, whole: without it the split is not done.
"""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from gnomon.errors import InputError, StoreFull
from gnomon.lab.workspace import file_sha256, write_json

Ids = npt.NDArray[np.unsignedinteger[Any]]

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class CorruptShard(InputError):
    """A file of a corpus whose bytes are not those that were written."""


@dataclass(frozen=True, slots=True)
class Shard:
    """One file of tokens. ``bytes`` are those of the texts in UTF-8, before tokens were made."""

    file: str
    sha256: str
    tokens: int
    documents: int
    bytes: int
    languages: Mapping[str, int] = field(default_factory=dict)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """What the disk refuses, as our errors. What was half written stays beside, as ``*.new``, and
    is never read. Raises StoreFull, InputError."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise StoreFull(
                f"No space is left to write {path} ({error.strerror}); free some and give the same "
                "command again: it goes on from what is finished."
            ) from error
        raise InputError(
            f"{path} cannot be written ({error.strerror or error}); check the folder and its "
            "permissions."
        ) from error


def id_type(vocab: int) -> np.dtype[Any]:
    """The smallest of uint16 and uint32 that holds every id below ``vocab``."""
    return np.dtype("<u2") if vocab <= 2**16 else np.dtype("<u4")


def write_shard(path: Path, ids: Ids) -> str:
    """Write ids to ``path``, whole or not at all; their file's SHA-256. Raises StoreFull."""
    fresh = path.with_name(path.name + ".new")
    with writing(path):
        with fresh.open("wb") as file:
            file.write(ids.data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(fresh, path)
    return file_sha256(path)


def finish_split(
    folder: Path, split: str, shards: Sequence[Shard], *, vocab: int, end: int, tokenizer: str
) -> None:
    """Declare a split done. ``end`` is END's id, ``tokenizer`` the SHA-256 of its file."""
    whole = {
        "split": split,
        "dtype": id_type(vocab).name,
        "vocab": vocab,
        "end": end,
        "tokenizer_sha256": tokenizer,
        "tokens": sum(shard.tokens for shard in shards),
        "documents": sum(shard.documents for shard in shards),
        "bytes": sum(shard.bytes for shard in shards),
        "languages": _sum(shard.languages for shard in shards),
        "files": [asdict(shard) for shard in shards],
    }
    path = folder / f"{split}.json"
    with writing(path):
        write_json(path, whole)


def _sum(counts: Iterator[Mapping[str, int]]) -> dict[str, int]:
    total: dict[str, int] = {}
    for count in counts:
        for name, number in count.items():
            total[name] = total.get(name, 0) + number
    return dict(sorted(total.items(), key=lambda item: (-item[1], item[0])))


@dataclass(frozen=True)
class Tokens:
    """One split, read where it lies. ``parts`` are memory-mapped ids ``[tokens of the file]``."""

    split: str
    vocab: int
    end: int
    tokenizer_sha256: str
    documents: int
    bytes: int
    languages: Mapping[str, int]
    parts: tuple[Ids, ...]

    def __len__(self) -> int:
        return sum(map(len, self.parts))

    @property
    def bytes_per_token(self) -> float:
        """Bits per byte = (nats per token / ln 2) / this, where END counts as a token."""
        return self.bytes / len(self)

    @cached_property
    def _starts(self) -> npt.NDArray[np.int64]:
        return np.concatenate([[0], np.cumsum([len(part) for part in self.parts])])

    @cached_property
    def document_starts(self) -> npt.NDArray[np.int64]:
        """Where each document begins, ``[documents]``, counted over all parts; found once by
        looking for END, which no text can spell."""
        found = [
            np.flatnonzero(part == self.end) + start + 1
            for part, start in zip(self.parts, self._starts, strict=False)
        ]
        ends = np.concatenate(found) if found else np.zeros(0, np.int64)
        return np.concatenate([[0], ends[:-1]]).astype(np.int64)

    def read(self, start: int, stop: int) -> Ids:
        """The ids of ``[start, stop)``, across files, ``[stop - start]`` (fewer at the end)."""
        pieces = []
        for part, first in zip(self.parts, self._starts, strict=False):
            here = part[max(0, start - first) : max(0, stop - first)]
            if len(here):
                pieces.append(here)
        if len(pieces) == 1:
            return pieces[0]
        kind = self.parts[0].dtype if self.parts else np.dtype("<u2")
        return np.concatenate(pieces) if pieces else np.zeros(0, kind)

    def document(self, number: int) -> Ids:
        """One document's ids, without its END."""
        starts = self.document_starts
        stop = int(starts[number + 1]) if number + 1 < len(starts) else len(self)
        return self.read(int(starts[number]), stop - 1)


def open_tokens(folder: Path, split: str, *, check: bool = True) -> Tokens:
    """A split that the tokenizer stage wrote to ``folder``; with ``check`` every file is hashed.

    Raises InputError where it is not there, CorruptShard naming the file and the next step.
    """
    path = folder / f"{split}.json"
    try:
        held = json.loads(path.read_text("utf-8"))
        shards = [Shard(**file) for file in held["files"]]
        kind = np.dtype(held["dtype"]).newbyteorder("<")
        about = {name: held[name] for name in ("vocab", "end", "tokenizer_sha256")}
    except FileNotFoundError as error:
        raise InputError(
            f"There are no {split} tokens in {folder}; run: gnomon lab tokenizer"
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise CorruptShard(
            f"{path} is damaged ({error}); run `gnomon lab tokenizer` again with --anew."
        ) from error
    return Tokens(
        split=split,
        documents=sum(shard.documents for shard in shards),
        bytes=sum(shard.bytes for shard in shards),
        languages=held.get("languages", {}),
        parts=tuple(_mapped(folder / shard.file, shard, kind, check) for shard in shards),
        **about,
    )


def _mapped(path: Path, shard: Shard, kind: np.dtype[Any], check: bool) -> Ids:
    again = "run `gnomon lab tokenizer` again with --anew, which writes it afresh"
    try:
        size = path.stat().st_size
        if size != shard.tokens * kind.itemsize:
            raise CorruptShard(
                f"{path} has {size:,} bytes and should have {shard.tokens * kind.itemsize:,}: it "
                f"was cut or changed; {again}."
            )
        if check and (digest := file_sha256(path)) != shard.sha256:
            raise CorruptShard(
                f"{path} has SHA-256 {digest}, not {shard.sha256}: it was changed or damaged; "
                f"{again}."
            )
        return np.memmap(path, dtype=kind, mode="r") if size else np.zeros(0, kind)
    except OSError as error:
        raise CorruptShard(f"{path} cannot be read ({error.strerror}); {again}.") from error
