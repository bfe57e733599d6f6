"""Files in a message (``input_file``): read, searched for this one question, and gone after it.

They go the same way as uploads: parsed in the process that can do nothing else, cut into chunks,
and put on a shelf of their own that lives as long as the question.
"""

from __future__ import annotations

import base64
import binascii
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gnomon.errors import InputError, SourceError
from gnomon.serve.contract import Engine
from gnomon.serve.http import ApiError, unsupported
from gnomon.types.library import Chunking, Shelf, Upload

MOST_FILES = 10


@dataclass(frozen=True, slots=True)
class Attached:
    """A file of a message: its bytes, or the id of an upload of the caller's (``path`` once that
    is found)."""

    name: str
    data: bytes = b""
    file: str = ""
    path: Path | None = None


def attached(part: Mapping[str, Any], param: str) -> Attached:
    """An ``input_file`` part. Raises 400 for one that holds no file."""
    name = str(part.get("filename") or "file")[:200]
    if isinstance(file := part.get("file_id"), str) and file:
        return Attached(name, file=file)
    if part.get("file_url"):
        raise unsupported(
            f"{param}.file_url", f"{param} is to be fetched, and nothing is fetched for a question."
        )
    given = part.get("file_data")
    if not isinstance(given, str) or not given:
        raise ApiError(
            400, f"{param} holds neither file_data nor file_id.", param=param, code="invalid_value"
        )
    packed = given.partition(";base64,")[2] if given.startswith("data:") else given
    try:
        return Attached(name, base64.b64decode(packed, validate=True))
    except binascii.Error:
        raise ApiError(
            400,
            f"{param}.file_data is not base64.",
            param=f"{param}.file_data",
            code="invalid_value",
        ) from None


@contextmanager
def shelved(engine: Engine, files: Sequence[Attached]) -> Iterator[tuple[list[Shelf], list[str]]]:
    """The files on a shelf of their own for the time of the block (no shelf where none could be
    read), and why those that could not be read were not."""
    if not files:
        yield [], []
        return
    unread: list[str] = []
    library = engine.library
    shelf, written = f"vs_{secrets.token_hex(16)}", []
    try:
        for file in files:
            path = file.path
            if path is None:
                path = library.files_dir / f".part-{secrets.token_hex(12)}"
                path.parent.mkdir(parents=True, exist_ok=True)
                written.append(path)
                path.write_bytes(file.data)
            name = file.file or f"file-{secrets.token_hex(12)}"
            try:
                library.shelve(shelf, Upload(name, file.name, str(path)), Chunking())
            except (InputError, SourceError) as error:
                unread.append(str(error))
        yield ([Shelf(shelf)] if len(unread) < len(files) else []), unread
    finally:
        for path in written:
            path.unlink(missing_ok=True)
        library.forget(shelf)
