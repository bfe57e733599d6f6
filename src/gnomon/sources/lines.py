"""Bytes to lines and characters, without ever holding more than one bounded line.

An encoding is never guessed in silence: a file is UTF-8, or says what it is with a byte order
mark, or its guessed encoding is reported (``Encoding.guessed``).
"""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterator
from dataclasses import dataclass

SAMPLE_BYTES = 256 * 1024

_MARKS = (  # the longer mark first: UTF-32 LE begins with UTF-16 LE's
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


@dataclass(frozen=True, slots=True)
class Encoding:
    """``name`` is Python's codec ("" if none fits), ``skip`` the bytes of the byte order mark.

    ``guessed`` is True where only statistics speak for it: that must be shown to the owner.
    """

    name: str
    skip: int = 0
    guessed: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """One line without its end. ``end`` is the offset after it in bytes, ``number`` counts from 1.

    ``size`` is its true length in bytes; where that is over the limit, ``data`` is only its start.
    """

    data: bytes
    end: int
    number: int
    size: int
    complete: bool = True


def sniff(sample: bytes) -> Encoding:
    """The encoding of a file from its first bytes (``SAMPLE_BYTES`` are enough)."""
    for mark, name in _MARKS:
        if sample.startswith(mark):
            return Encoding(name, len(mark))
    if _is_utf8(sample):
        return Encoding("utf-8")
    if _some_lines_are_utf8(sample):
        return Encoding("utf-8")  # UTF-8 with damaged lines: those are set aside one by one
    from charset_normalizer import from_bytes

    best = from_bytes(sample).best()
    if best is None or best.encoding == "ascii":
        return Encoding("")
    return Encoding(best.encoding, guessed=True)


def bounded_lines(
    readline: Callable[[int], bytes], limit: int, *, start: int = 0, number: int = 0
) -> Iterator[Line]:
    """Lines from ``readline`` (of a binary stream that stands at byte ``start``).

    At most ``limit`` bytes of a line are held; the rest of a longer one is read and dropped.
    """
    end = start
    while True:
        data = readline(limit + 1)
        if not data:
            return
        end += len(data)
        number += 1
        size = len(data)
        if data.endswith(b"\n") or size <= limit:
            yield Line(data.rstrip(b"\r\n"), end, number, size)
            continue
        kept = data[:limit]
        while data and not data.endswith(b"\n"):
            data = readline(64 * 1024)
            end += len(data)
            size += len(data)
        yield Line(kept, end, number, size, complete=size <= limit)


def decoded_chunks(
    read: Callable[[int], bytes], encoding: str, size: int = 256 * 1024
) -> Iterator[str]:
    """Characters, strictly decoded. Raises UnicodeDecodeError where the bytes do not fit."""
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    while data := read(size):
        yield decoder.decode(data)
    yield decoder.decode(b"", final=True)


def _is_utf8(sample: bytes) -> bool:
    try:
        # The sample may end inside a character.
        codecs.getincrementaldecoder("utf-8")("strict").decode(sample, final=False)
    except UnicodeDecodeError:
        return False
    return True


def _some_lines_are_utf8(sample: bytes) -> bool:
    """Whether non-ASCII lines that are UTF-8 outnumber those that are not.

    Text in a legacy encoding is hardly ever valid UTF-8 by chance
    (https://www.w3.org/International/questions/qa-forms-utf-8).
    """
    good = bad = 0
    for line in sample.splitlines()[:-1] or [sample]:
        if line.isascii():
            continue
        if _is_utf8(line):
            good += 1
        else:
            bad += 1
    return good > bad
