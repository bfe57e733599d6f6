"""gzip as a stream that gives everything up to the byte where a damaged file ends.

The standard library's ``gzip`` raises on a cut-off file before it hands out what it had unpacked
already; an import would lose the last stretch of good lines.
"""

from __future__ import annotations

import io
import zlib
from typing import IO, Any

_PIECE = 64 * 1024
_GZIP = 31  # zlib's number for "gzip header and trailer"


class Gunzip(io.RawIOBase):
    """Reads (and seeks) the unpacked bytes of ``file``, members one after another.

    Raises EOFError where the data ends early and zlib.error where it is damaged.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._rewind()

    def _rewind(self) -> None:
        self._file.seek(0)
        self._member = zlib.decompressobj(_GZIP)
        self._packed = b""
        self._at = 0
        self._fresh = True  # nothing of the current member was read yet
        self._whole = False  # at least one member was read to its end

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while True:
            if self._member.eof:
                # Another member may follow, or padding with zeros.
                self._packed = (self._member.unused_data or self._packed).lstrip(b"\0")
                self._member = zlib.decompressobj(_GZIP)
                self._fresh = self._whole = True
            if not self._packed:
                self._packed = self._file.read(_PIECE)
                if self._fresh and self._whole:
                    self._packed = self._packed.lstrip(b"\0")
                if not self._packed:
                    if self._fresh and self._whole:
                        return 0
                    raise EOFError("the last bytes are missing")
            piece = self._member.decompress(self._packed, len(buffer))
            self._packed = self._member.unconsumed_tail
            self._fresh = False
            if piece:
                buffer[: len(piece)] = piece
                self._at += len(piece)
                return len(piece)

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """To ``offset`` from the start (or the present place): backwards reads all again."""
        if whence == io.SEEK_CUR:
            offset += self._at
        elif whence != io.SEEK_SET:
            raise io.UnsupportedOperation("the unpacked length is not known beforehand")
        if offset < self._at:
            self._rewind()
        scratch = bytearray(_PIECE)
        while self._at < offset:
            view = memoryview(scratch)[: min(_PIECE, offset - self._at)]
            if not self.readinto(view):
                break
        return self._at

    def close(self) -> None:
        if not self.closed:
            self._file.close()
        super().close()
