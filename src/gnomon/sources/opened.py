"""A named file as a stream, unpacked where it is gzip, and its mark for cursors."""

from __future__ import annotations

import hashlib
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gnomon.errors import SourceError
from gnomon.sources.unpack import Gunzip

_GZIP = b"\x1f\x8b"


@contextmanager
def opened(path: Path) -> Iterator[io.BufferedReader]:
    """``path`` to read, and to seek in. Raises SourceError for what goes wrong with the file,
    also while it is read."""
    try:
        with path.open("rb") as file:
            packed = file.read(2) == _GZIP
            file.seek(0)
            yield io.BufferedReader(Gunzip(file), 64 * 1024) if packed else file
    except (EOFError, zlib.error) as error:
        raise SourceError(
            f"{path.name!r}: its gzip data ends early or is damaged ({error}); fetch it again."
        ) from error
    except OSError as error:
        raise SourceError(
            f"{str(path)!r} cannot be read ({error.strerror or error}); check the path."
        ) from error


def file_mark(path: Path) -> str:
    """Names a file as it is now: it changes with its path, size or time of change.

    Raises SourceError where there is none.
    """
    try:
        state = path.stat()
    except OSError as error:
        raise SourceError(
            f"{str(path)!r} cannot be read ({error.strerror or error}); check the path."
        ) from error
    made_from = f"{path}\0{state.st_size}\0{state.st_mtime_ns}"
    return hashlib.sha256(made_from.encode("utf-8", "surrogateescape")).hexdigest()[:16]
