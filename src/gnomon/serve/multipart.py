"""A form with one file in it (RFC 7578), the file streamed to the disk as it arrives.

Nothing of the file is held in memory, and nothing of the form decides where it lies: the path is
ours. What is over a limit ends the reading at once.
"""

from __future__ import annotations

import errno
import os
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import ClientDisconnect, Request

from gnomon.errors import StoreError, StoreFull
from gnomon.serve.http import ApiError

MAX_FIELD_BYTES = 64 * 1024
MAX_HEADER_BYTES = 8 * 1024
MAX_PARTS = 64
MAX_NAME = 200
_UNSAFE = re.compile(r"[\\/:*?\"<>|\x00-\x1f\x7f]+")


@dataclass(frozen=True, slots=True)
class Form:
    """The fields of a form, lists (``name[]``) joined by commas; ``name`` and ``size`` are those
    of its file, ``has_file`` whether it had one."""

    fields: dict[str, str]
    name: str
    size: int
    has_file: bool


@dataclass
class _Part:
    """The part that is being read. ``length`` counts the bytes of its headers."""

    headers: dict[str, str] = field(default_factory=dict)
    name: str = ""
    filename: str | None = None
    key: bytes = b""
    value: bytes = b""
    length: int = 0
    data: bytearray = field(default_factory=bytearray)


async def read_form(
    request: Request, into: Path, *, file: str, limit: int, too_large: Callable[[], ApiError]
) -> Form:
    """Read the form of ``request``, the part named ``file`` into the path ``into``, at most
    ``limit`` bytes; past them ``too_large()`` is raised.

    What was written is removed again where this raises. Raises ApiError, StoreError.
    """
    kind, options = parse_options_header(request.headers.get("content-type", ""))
    boundary = options.get(b"boundary")
    if kind != b"multipart/form-data" or not boundary:
        raise ApiError(
            400,
            "Send the file as multipart/form-data (curl -F purpose=user_data -F file=@report.pdf).",
            code="invalid_content_type",
        )
    into.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    done = False
    try:
        with open(os.open(into, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
            reading = _Reading(out, file, limit, too_large)
            parser = MultipartParser(boundary, reading.callbacks())  # type: ignore[arg-type]
            async for chunk in request.stream():
                parser.write(chunk)
            parser.finalize()
            if not reading.ended:
                raise _broken("it ends before its last boundary")
        done = True
        return Form(reading.fields, reading.filename, reading.size, reading.has_file)
    except MultipartParseError as error:
        raise _broken(str(error)[:120]) from None
    except ClientDisconnect:
        raise _broken("the client hung up") from None
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise StoreFull("The disk is full; free space, then upload again.") from error
        raise StoreError(f"The upload cannot be written ({error.strerror}).") from error
    finally:
        if not done:
            into.unlink(missing_ok=True)


class _Reading:
    """What the parser calls as it meets the pieces of a form."""

    def __init__(
        self, out: BinaryIO, file: str, limit: int, too_large: Callable[[], ApiError]
    ) -> None:
        self.fields: dict[str, str] = {}
        self.filename = ""
        self.size = 0
        self.has_file = False
        self.ended = False
        self._out = out
        self._file = file
        self._limit = limit
        self._too_large = too_large
        self._part = _Part()
        self._parts = 0

    def callbacks(self) -> dict[str, Callable[..., None]]:
        return {
            "on_part_begin": self._begin,
            "on_header_field": self._key,
            "on_header_value": self._value,
            "on_header_end": self._header,
            "on_headers_finished": self._headed,
            "on_part_data": self._data,
            "on_part_end": self._finish,
            "on_end": self._end,
        }

    def _begin(self) -> None:
        self._part = _Part()
        self._parts += 1
        if self._parts > MAX_PARTS:
            raise _broken(f"it has more than {MAX_PARTS} parts")

    def _key(self, data: bytes, start: int, end: int) -> None:
        self._part.key += data[start:end]
        self._count(end - start)

    def _value(self, data: bytes, start: int, end: int) -> None:
        self._part.value += data[start:end]
        self._count(end - start)

    def _count(self, more: int) -> None:
        self._part.length += more
        if self._part.length > MAX_HEADER_BYTES:
            raise _broken("the headers of a part are too long")

    def _header(self) -> None:
        part = self._part
        part.headers[part.key.decode("latin-1").lower()] = part.value.decode("latin-1")
        part.key = part.value = b""

    def _headed(self) -> None:
        part = self._part
        _, options = parse_options_header(part.headers.get("content-disposition", ""))
        part.name = options.get(b"name", b"").decode("utf-8", "replace")
        named = options.get(b"filename")
        part.filename = None if named is None else named.decode("utf-8", "replace")
        if part.name == self._file:
            if self.has_file:
                raise _broken(f"it has more than one {self._file!r}")
            self.has_file = True
            self.filename = safe_name(part.filename or "")

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self._part.name == self._file:
            self.size += end - start
            if self.size > self._limit:
                raise self._too_large()
            self._out.write(data[start:end])
            return
        self._part.data += data[start:end]
        if len(self._part.data) > MAX_FIELD_BYTES:
            raise _broken(f"the field {self._part.name[:40]!r} is too long")

    def _finish(self) -> None:
        part = self._part
        if part.name != self._file:
            value = part.data.decode("utf-8", "replace")
            before = self.fields.get(part.name)
            # OpenAI's clients send a list as the same name with brackets, again and again.
            several = part.name.endswith("[]") and before is not None
            self.fields[part.name] = f"{before},{value}" if several else value

    def _end(self) -> None:
        self.ended = True


def safe_name(name: str) -> str:
    """What a client calls its file, as a name alone: no path, no control or direction marks, at
    most ``MAX_NAME`` characters. It is shown, and never opened."""
    last = re.split(r"[\\/]", name)[-1]
    shown = "".join(c for c in last if unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Co"))
    clean = _UNSAFE.sub("_", shown).strip(" .")
    if len(clean) > MAX_NAME:
        stem, dot, suffix = clean.rpartition(".")
        kept = f"{dot}{suffix}" if dot and len(suffix) <= 12 else ""
        clean = (stem or clean)[: MAX_NAME - len(kept)] + kept
    return clean or "upload"


def _broken(why: str) -> ApiError:
    return ApiError(400, f"The form cannot be read: {why}.", code="invalid_form")
