"""One file as one text, to be read as a whole: for checking it, not for taking it in."""

from __future__ import annotations

import io
import zlib
from pathlib import PurePath
from typing import Any

from gnomon.errors import InputError
from gnomon.sources import ocr, sandbox
from gnomon.sources.admission import quoted
from gnomon.sources.documents import read_html, read_markdown, read_pdf, read_text
from gnomon.sources.files import FORMATS, MAX_DOCUMENT_BYTES
from gnomon.sources.lines import SAMPLE_BYTES, sniff
from gnomon.sources.unpack import Gunzip
from gnomon.types import Document

KINDS = ("text", "markdown", "html", "pdf", "picture")
_ROWS = ("jsonl", "json", "csv", "tsv", "parquet")
_GZIP = b"\x1f\x8b"
# Control characters that no text has (tab, line ends, form feed and escape are met in texts).
_BINARY = bytes({*range(0x00, 0x09), 0x0B, *range(0x0E, 0x1B), *range(0x1C, 0x20)})


def read_document(data: bytes, name: str, *, kind: str = "", encoding: str = "") -> Document:
    """The text of a file: plain text, Markdown, HTML (its main text), PDF, gzipped or not, or the
    text in a picture.

    ``kind`` is one of KINDS, or "" to go by the suffix of ``name`` and then by the first bytes.
    What the file says of itself (title, author, address, date) comes along. Raises InputError
    where there is no text to be had.
    """
    if data.startswith(_GZIP):
        data, name = _unpacked(data, name), name.removesuffix(".gz")
    if len(data) > MAX_DOCUMENT_BYTES:
        raise InputError(f"{name!r} is over {MAX_DOCUMENT_BYTES:,} bytes; split it.")
    kind = kind or _kind(data, name)
    if kind == "picture":
        (part,) = sandbox.parse_bytes(data, name).parts
        return _extracted({"text": part.text}, name)
    if kind == "pdf":
        return _extracted(read_pdf(data), name)
    if kind == "html":
        return _extracted(read_html(data.decode(encoding) if encoding else data), name)
    text = as_text(data, name, encoding)
    if not text.strip():
        raise InputError(f"{name!r} is empty; there is nothing in it to check.")
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    about = read_markdown(text) if kind == "markdown" else read_text(text)
    return Document(text, name, kind, **_about(about))


def _kind(data: bytes, name: str) -> str:
    """By the suffix, and where that says nothing by what the bytes begin with."""
    known = FORMATS.get(PurePath(name).suffix.lower())
    if known in _ROWS:
        raise InputError(
            f"{name!r} holds rows ({known}), not one text; give the text itself, and the rows as "
            "evidence with --against."
        )
    if known:
        return known
    if ocr.is_picture(data[:16]):
        return "picture"
    start = data[:1024].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start.startswith(b"%pdf-"):
        return "pdf"
    return "html" if start.startswith((b"<!doctype html", b"<html")) else "text"


def _unpacked(data: bytes, name: str) -> bytes:
    try:
        return io.BufferedReader(Gunzip(io.BytesIO(data))).read(MAX_DOCUMENT_BYTES + 1)
    except (EOFError, zlib.error) as error:
        raise InputError(
            f"{name!r}: its gzip data ends early or is damaged ({error}); fetch the file again."
        ) from error


def as_text(data: bytes, name: str, encoding: str = "") -> str:
    """The characters of a text file, by its byte order mark, ``encoding`` or what fits. Raises
    InputError where the bytes are none."""
    marked = sniff(data[:SAMPLE_BYTES])
    if not marked.skip and data[:SAMPLE_BYTES].translate(None, _BINARY) != data[:SAMPLE_BYTES]:
        raise InputError(
            f"{name!r} is no text (it begins {quoted(data[:16])}); check plain text, Markdown, "
            "HTML or PDF."
        )
    codec = marked.name if marked.skip or not encoding else encoding
    if not codec:
        raise InputError(
            f"{name!r} is not UTF-8 and its encoding cannot be told; convert it, for example with "
            "iconv -f gb18030 -t utf-8."
        )
    try:
        return data[marked.skip :].decode(codec)
    except UnicodeDecodeError as error:
        raise InputError(
            f"{name!r} is not {codec} throughout (byte 0x{data[marked.skip + error.start]:02x} at "
            f"{marked.skip + error.start}); convert it to UTF-8."
        ) from error


def _extracted(fields: dict[str, Any], name: str) -> Document:
    return Document(fields["text"], name, "text", extracted=True, **_about(fields))


def _about(fields: dict[str, Any]) -> dict[str, Any]:
    """What the file says of itself."""
    about = {key: fields[key] for key in ("title", "author", "url") if fields.get(key)}
    if fields.get("created_at") is not None:
        about |= {"date": fields["created_at"], "date_from": "stated"}
    return about
