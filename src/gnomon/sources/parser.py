"""The process that reads one upload: its bytes on standard input, JSON on standard output.

    python -P -m gnomon.sources.parser '{"name": "report.pdf", "cpu_s": 30, "memory_bytes": ...}'

What comes out is one object: ``{"parts": [...], "kind", "fences": [...]}``, or ``{"error",
"code"}`` with the codes of OpenAI's ``last_error``. ``sandbox.parse`` is what starts it.
"""

from __future__ import annotations

import csv
import io
import json
import os
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import PurePath
from typing import Any

from gnomon.errors import InputError, Unsupported
from gnomon.sources import confine, docx, ocr
from gnomon.sources.documents import read_html, read_markdown, read_pdf, read_text
from gnomon.sources.files import FORMATS
from gnomon.sources.flowing import flowing
from gnomon.sources.lines import SAMPLE_BYTES
from gnomon.sources.reading import as_text
from gnomon.sources.rows import post_from_row

READS = {
    **{suffix: kind for suffix, kind in FORMATS.items() if kind != "parquet"},
    ".docx": "docx",
}
# What begins a file, whatever its name says.
_MAGIC = ((b"%PDF-", "pdf"), (b"PK\x03\x04", "zip"))
_UNREAD = (b"GIF8", b"RIFF", b"BM", b"II*\0", b"MM\0*", b"\x7fELF", b"MZ", b"\x1f\x8b", b"Rar!")
MAX_ROWS = 200_000


def read(data: bytes, name: str) -> tuple[str, list[dict[str, Any]]]:
    """The kind of an upload, and its parts as keyword arguments of ``types.Part``.

    Raises Unsupported for a format that is not read, InputError for a file of one that is and
    cannot be.
    """
    kind = _kind(data, name)
    if kind == "pdf":
        return kind, [_part(flowing(read_pdf(data), kind))]
    if kind == "picture":
        if not ocr.installed():
            raise ocr.missing(name)
        return kind, [_part(flowing(ocr.read_picture(data), kind))]
    if kind == "docx":
        return kind, [_part(docx.read_docx(data))]
    if kind == "html":
        return kind, [_part(read_html(data))]
    text = as_text(data, name)
    if not text.strip():
        raise InputError(f"{name!r} is empty; there is nothing in it to search.")
    if kind == "markdown":
        return kind, [_part(flowing(read_markdown(text), kind))]
    if kind in ("jsonl", "json", "csv", "tsv"):
        return kind, [_part(row) for row in _rows(text, kind, name)]
    return kind, [_part(flowing(read_text(text), "text"))]


def _kind(data: bytes, name: str) -> str:
    """By the suffix, but for what the first bytes cannot be."""
    suffix = PurePath(name).suffix.lower()
    known = READS.get(suffix, "")
    start = data[:1024].lstrip(b"\xef\xbb\xbf \t\r\n")
    actual = next((kind for mark, kind in _MAGIC if start.startswith(mark)), "")
    if known == "pdf" and actual != "pdf":
        raise InputError(f"{name!r} is called a PDF and is none; give it the suffix of what it is.")
    if known == "docx" and actual != "zip":
        raise InputError(f"{name!r} is called a .docx and is none; save it as one again.")
    if ocr.is_picture(data[:16]):
        return "picture"
    if known == "picture":
        raise InputError(
            f"{name!r} is called a picture and is no PNG, JPEG or WebP; save it as one of them."
        )
    if (actual == "zip" and known != "docx") or start.startswith(_UNREAD):
        raise Unsupported(_unread(name))
    if actual == "pdf" or known:
        return actual if actual == "pdf" else known
    head = start.lower()
    if head.startswith((b"<!doctype html", b"<html")):
        return "html"
    if b"\0" in data[:SAMPLE_BYTES] and not data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise Unsupported(_unread(name))
    return "text"


def _unread(name: str) -> str:
    return f"{name!r} is in no format that is read here; send {', '.join(sorted(READS))} or text."


# ------------------------------------------------------------------------------------- rows


def _rows(text: str, kind: str, name: str) -> list[dict[str, Any]]:
    parts = []
    for number, row in enumerate(_values(text, kind, name), 1):
        if number > MAX_ROWS:
            raise InputError(f"{name!r} has more than {MAX_ROWS:,} rows; split it.")
        said = _said(row)
        if said["text"].strip():
            parts.append(said)
    if not parts:
        raise InputError(f"{name!r} has no row with words in it.")
    return parts


def _values(text: str, kind: str, name: str) -> Iterator[Any]:
    if kind in ("csv", "tsv"):
        try:
            yield from csv.DictReader(io.StringIO(text), delimiter="\t" if kind == "tsv" else ",")
        except csv.Error as error:
            raise InputError(f"{name!r} is no table that can be read ({error}).") from error
        return
    if kind == "json":
        value = _json(text, name)
        yield from value if isinstance(value, list) else [value]
        return
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            yield _json(line, f"line {number} of {name}")


def _json(text: str, name: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{name} is no JSON ({str(error)[:80]}); mend it.") from error


def _said(row: Any) -> dict[str, Any]:
    """A row with words of its own (a post) by its fields; any other as "name: value" lines."""
    if isinstance(row, Mapping):
        try:
            post = post_from_row(row, source="file", fetched_at=0.0)
        except InputError:
            return {"text": "\n".join(_flat(row, ""))}
        if post.text.strip():
            return {name: getattr(post, name) for name in ("text", "title", "author", "url", "lang")
                    } | {"created_at": post.created_at}  # fmt: skip
    return {"text": "\n".join(_flat(row, ""))}


def _flat(value: Any, name: str) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _flat(inner, f"{name}.{key}" if name else str(key))
    elif isinstance(value, list):
        for inner in value:
            yield from _flat(inner, name)
    elif value not in (None, ""):
        yield f"{name}: {value}" if name else str(value)


def _part(fields: Mapping[str, Any]) -> dict[str, Any]:
    extra = fields.get("extra") or {}
    return {
        "text": fields["text"],
        "date": fields.get("created_at"),
        "pages": list(extra.get("pages", ())),
        "unsure": extra.get("unsure", 0),
        **{name: str(fields.get(name) or "")[:500] for name in ("title", "author", "lang", "url")},
    }


# ---------------------------------------------------------------------------------- the process


def main() -> None:
    asked = json.loads(sys.argv[1])
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # libraries print; nothing may land in the answer
    _warm(asked["name"], _start())
    fences = confine.confine(cpu_s=asked["cpu_s"], memory_bytes=asked["memory_bytes"])
    try:
        kind, parts = read(sys.stdin.buffer.read(asked["max_bytes"] + 1), asked["name"])
        answer: dict[str, Any] = {"kind": kind, "parts": parts, "fences": fences}
    except Unsupported as error:
        answer = {"error": str(error), "code": "unsupported_file"}
    except InputError as error:
        answer = {"error": str(error), "code": "invalid_file"}
    except MemoryError:
        answer = {"error": "it takes more memory than a file may; split it.", "code": "too_much"}
    except RecursionError:
        answer = {"error": "it nests too deeply to be read; flatten it.", "code": "invalid_file"}
    out.write(json.dumps(answer).encode("ascii"))
    out.close()
    os._exit(0)


def _start() -> bytes:
    """The first bytes of standard input, left there."""
    stdin = sys.stdin.buffer
    assert isinstance(stdin, io.BufferedReader)
    return stdin.peek(16)[:16]


def _warm(name: str, start: bytes) -> None:
    """Import what the reading will need while everything may still be read."""
    if ocr.is_picture(start):
        if ocr.installed():
            ocr.warm()
        return
    import charset_normalizer  # noqa: F401
    import lxml.etree  # type: ignore[import-untyped]  # noqa: F401

    time.strptime("2026-01-01", "%Y-%m-%d")
    suffix = PurePath(name).suffix.lower()
    if READS.get(suffix) in (None, "html", "pdf"):
        import pypdf  # noqa: F401
        import trafilatura  # noqa: F401


if __name__ == "__main__":
    main()
