"""Files and folders as a source: rows become posts, documents become one post each.

The cursor holds the marks (path, size, time of change) of what is finished and the position in
what is not: an interrupted import goes on where its last written batch ended, and a changed file
starts again (posts that are held already change nothing).
"""

from __future__ import annotations

import codecs
import contextlib
import functools
import hashlib
import io
import json
import os
import stat
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gnomon.errors import InputError, SourceError
from gnomon.sources import ocr, sandbox, tables
from gnomon.sources.admission import DEFAULT_LIMITS, Limits, admit, ascii_safe, quoted, set_aside
from gnomon.sources.contract import Steps
from gnomon.sources.documents import read_html, read_markdown, read_pdf, read_text
from gnomon.sources.flowing import flowing
from gnomon.sources.gather import Gathered
from gnomon.sources.lines import SAMPLE_BYTES, Encoding, sniff
from gnomon.sources.rows import date_order, post_from_row
from gnomon.sources.tables import START, Position, Record
from gnomon.sources.unpack import Gunzip
from gnomon.types import Post, SetAside

MAX_DOCUMENT_BYTES = 128 * 2**20

FORMATS = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "json",
    ".csv": "csv",
    ".tsv": "tsv",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".md": "markdown",
    ".markdown": "markdown",
    ".txt": "text",
    ".text": "text",
    ".html": "html",
    ".htm": "html",
    ".xhtml": "html",
    ".pdf": "pdf",
    ".png": "picture",
    ".jpg": "picture",
    ".jpeg": "picture",
    ".webp": "picture",
}
_ROWS = ("jsonl", "json", "csv", "tsv", "parquet")
_PACKED = ("parquet", "pdf", "picture")
"""Bytes, not text: without an encoding, and not read out of gzip."""
_GZIP = b"\x1f\x8b"


@dataclass(frozen=True, slots=True)
class _Item:
    """One thing read from a file: a post, or what was set aside; and where to go on."""

    thing: Post | SetAside
    after: Position = START


@dataclass
class Files:
    """``paths`` are files and folders (read recursively, in sorted order, without hidden ones).

    ``name`` is the source's (default ``file:<name of the file or folder>``); ``namespace`` is put
    before ids and references (``NAME:id``); ``encoding`` names the codec of text files that are
    not UTF-8 and do not say what they are. ``now`` is the clock, epoch seconds.
    """

    paths: Sequence[str | os.PathLike[str]]
    name: str = ""
    namespace: str = ""
    encoding: str = ""
    limits: Limits = DEFAULT_LIMITS
    now: Callable[[], float] = time.time
    _tops: tuple[Path, ...] = field(init=False, default=())

    def __post_init__(self) -> None:
        if isinstance(self.paths, str | os.PathLike):
            self.paths = (self.paths,)
        self._tops = tuple(Path(path).expanduser().absolute() for path in self.paths)
        if not self.name:
            names = "+".join(top.name or str(top) for top in self._tops[:3])
            more = f"+{len(self._tops) - 3}" if len(self._tops) > 3 else ""
            self.name = self.namespace or f"file:{names}{more}"
        self.name = ascii_safe(self.name)
        if self.encoding:
            try:
                self.encoding = codecs.lookup(self.encoding).name
            except LookupError as error:
                raise InputError(
                    f"{self.encoding!r} is no encoding; give one like utf-8, gb18030 or cp1252."
                ) from error

    def steps(self, cursor: str | None) -> Steps:
        """Read everything once. Raises SourceError where a named path cannot be read at all."""
        done, mark, position = _read_cursor(cursor)
        found, aside = self._walk()
        marks = {_mark(path): path for path in found}
        done = [old for old in done if old in marks]
        finished = frozenset(done)
        full = Gathered(self.name)
        if len(finished) < len(marks):
            for problem in aside:
                full.add(problem)
        for here, path in marks.items():
            if here in finished:
                continue
            start = position if here == mark else START
            for item in self._items(path, start):
                full.add(item.thing)
                if full.ready:
                    yield full.take(_cursor(done, here, item.after))
            done.append(here)
            if full.ready:
                yield full.take(_cursor(done, "", START))
        yield full.take(_cursor(done, "", START))

    def _walk(self) -> tuple[list[Path], list[SetAside]]:
        found: list[Path] = []
        other: dict[str, list[Path]] = {}
        unread = set() if ocr.installed() else {s for s, k in FORMATS.items() if k == "picture"}
        for top in self._tops:
            _check_top(top)
            if not top.is_dir():
                found.append(top)
                continue
            for path in _inside(top):
                suffix = _suffix(path) if path.is_file() else "no content (broken links, pipes)"
                if suffix in FORMATS and suffix not in unread:
                    found.append(path)
                else:
                    other.setdefault(suffix or "no suffix", []).append(path)
        now = self.now()
        aside = [
            set_aside(
                self.name,
                str(paths[0]),
                f"{len(paths)} files with {suffix} are "
                + (
                    f"pictures; to read their text run {ocr.INSTALL} "
                    if suffix in unread
                    else "in no format that gnomon reads "
                )
                + f"(first: {quoted(paths[0].name)}); it reads {', '.join(FORMATS)} and .gz of "
                "the text ones.",
                now,
            )
            for suffix, paths in other.items()
        ]
        return list(dict.fromkeys(found)), aside

    def _items(self, path: Path, start: Position) -> Iterator[_Item]:
        """Everything in one file. What cannot be read is set aside with the reason."""
        try:
            yield from self._read(path, start)
        except (InputError, UnicodeDecodeError) as error:
            yield _Item(self._aside(str(path), _say(error)))
        except (EOFError, zlib.error) as error:
            reason = f"its gzip data ends early or is damaged ({error}); fetch the file again."
            yield _Item(self._aside(str(path), reason))
        except OSError as error:
            reason = f"{path.name!r} cannot be read ({error.strerror or error}); check the file "
            yield _Item(self._aside(str(path), f"{reason}and its permissions."))

    def _read(self, path: Path, start: Position) -> Iterator[_Item]:
        with _open(path) as file:
            sample = _sample(file)
            kind = _format(path, sample)
            packed = kind in _PACKED
            encoding = Encoding("utf-8") if packed else self._encoding(path, sample, kind)
            if encoding.guessed and start == START:
                yield _Item(self._aside(str(path), _guess_note(path, encoding)))
            if kind in _ROWS:
                yield from self._rows(path, file, kind, encoding, sample, start)
            else:
                yield self._document(path, file, kind, encoding)

    def _encoding(self, path: Path, sample: bytes, kind: str) -> Encoding:
        if self.encoding:
            marked = sniff(sample[:4])
            return marked if marked.skip else Encoding(self.encoding)
        if kind == "html":  # pages say themselves what they are written in
            return Encoding("utf-8")
        encoding = sniff(sample)
        if not encoding.name:
            raise InputError(
                f"{path.name!r} is not UTF-8 and its encoding cannot be told; convert it, for "
                "example with iconv -f gb18030 -t utf-8."
            )
        return encoding

    def _rows(
        self,
        path: Path,
        file: io.BufferedReader,
        kind: str,
        encoding: Encoding,
        sample: bytes,
        start: Position,
    ) -> Iterator[_Item]:
        order = ""
        if kind != "parquet":
            order = date_order(sample.decode(encoding.name, "ignore"))
        make = functools.partial(
            post_from_row,
            source=self.name,
            namespace=self.namespace,
            order=order,
            encoding=encoding.name if encoding.guessed else "",
        )
        for record in self._records(path, file, kind, encoding, start):
            where = f"{path.name}, {record.where}"
            now = self.now()
            if record.row is None:
                yield _Item(self._aside(where, record.problem, record.raw), record.after)
                continue
            try:
                post = make(record.row, fetched_at=now)
            except InputError as error:
                thing = json.dumps(record.row, default=str, ensure_ascii=True)[:200]
                yield _Item(self._aside(where, str(error), thing), record.after)
                continue
            refused = admit(post, now=now, limits=self.limits)
            if refused:
                refused = self._aside(where, refused.reason, refused.excerpt)
            yield _Item(refused or post, record.after)

    def _records(
        self, path: Path, file: io.BufferedReader, kind: str, encoding: Encoding, start: Position
    ) -> Iterable[Record]:
        # A post of the longest length may be thrice as long in JSON escapes, plus its other fields.
        longest = 3 * self.limits.max_post_bytes + 2**20
        if kind == "jsonl":
            return tables.read_json_lines(file, encoding, start, longest)
        if kind == "json":
            return tables.read_json_document(file, encoding, start, longest)
        if kind == "parquet":
            return tables.read_parquet(path, start)
        return tables.read_csv(file, encoding, start, longest, tabs=kind == "tsv")

    def _document(
        self, path: Path, file: io.BufferedReader, kind: str, encoding: Encoding
    ) -> _Item:
        file.seek(0)
        data = file.read(MAX_DOCUMENT_BYTES + 1)
        if len(data) > MAX_DOCUMENT_BYTES:
            raise InputError(
                f"{path.name!r} is over {MAX_DOCUMENT_BYTES:,} bytes, too long for one document; "
                "split it."
            )
        now = self.now()
        place = hashlib.sha256(str(path).encode("utf-8", "surrogateescape")).hexdigest()[:8]
        file_name = path.name.encode("utf-8", "replace").decode()
        named = functools.partial(
            Post, id=f"file:{file_name}:{place}", source=self.name, fetched_at=now
        )
        extra: dict[str, object] = {"file": file_name}
        if encoding.guessed:
            extra["encoding"] = encoding.name
        if kind == "pdf":
            fields = read_pdf(data)
        elif kind == "picture":
            fields = _pictured(data, path.name)
        elif kind == "html":
            fields = read_html(data.decode(self.encoding) if self.encoding else data)
        else:
            text = data[encoding.skip :].decode(encoding.name)
            fields = read_markdown(text) if kind == "markdown" else read_text(text)
        fields = fields if kind == "picture" else flowing(fields, kind)
        fields["extra"] = {**extra, **fields.get("extra", {})}
        post = named(**fields)
        refused = admit(post, now=now, limits=self.limits)
        return _Item(self._aside(str(path), refused.reason, refused.excerpt) if refused else post)

    def _aside(self, where: str, reason: str, thing: str | bytes = "") -> SetAside:
        return set_aside(self.name, where, reason, self.now(), thing)


def _pictured(data: bytes, name: str) -> dict[str, Any]:
    """A picture's text, read in a confined process, marked as read from one."""
    parsed = sandbox.parse_bytes(data, name)
    (part,) = parsed.parts
    return {"text": part.text, "extra": {"read_from": "picture", "unsure_lines": parsed.unsure}}


def _check_top(top: Path) -> None:
    try:
        mode = top.stat().st_mode
    except OSError as error:
        raise SourceError(
            f"{str(top)!r} cannot be read ({error.strerror}); check the path."
        ) from error
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise SourceError(
            f"{str(top)!r} is neither a file nor a folder; pipe it in and use '-' instead."
        )
    if not os.access(top, os.R_OK):
        raise SourceError(f"{str(top)!r} may not be read; change its permissions.")


def _inside(folder: Path) -> Iterator[Path]:
    for root, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            path = Path(root, name)
            if not name.startswith("."):
                yield path


def _suffix(path: Path) -> str:
    suffix = path.suffix.lower()
    if suffix == ".gz":
        inner = Path(path.stem).suffix.lower()
        return inner if FORMATS.get(inner) not in _PACKED else suffix
    return suffix


def _format(path: Path, sample: bytes) -> str:
    known = FORMATS.get(_suffix(path))
    if known:
        return known
    if ocr.is_picture(sample[:16]):
        return "picture"
    start = sample[:1024].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    for mark, kind in (
        (b"%pdf-", "pdf"),
        (b"par1", "parquet"),
        (b"{", "jsonl"),
        (b"[", "json"),
        (b"<!doctype html", "html"),
        (b"<html", "html"),
    ):
        if start.startswith(mark):
            return kind
    if b"\x00" in sample and not sniff(sample[:4]).skip:
        raise InputError(
            f"{path.name!r} is in no format that gnomon reads (it begins {quoted(sample[:16])}); "
            f"it reads {', '.join(FORMATS)} and .gz of the text ones."
        )
    return "text"


def _open(path: Path) -> io.BufferedReader:
    """The file, unpacked where its first bytes are gzip's, whatever its name says."""
    file = path.open("rb")  # closed by the caller's ``with``
    start = file.read(2)
    file.seek(0)
    return io.BufferedReader(Gunzip(file), 64 * 1024) if start == _GZIP else file


def _sample(file: io.BufferedReader) -> bytes:
    """The first bytes, as far as they can be had: what is damaged is told by the reader."""
    sample = b""
    with contextlib.suppress(EOFError, zlib.error):
        while len(sample) < SAMPLE_BYTES and (piece := file.read1(SAMPLE_BYTES)):
            sample += piece
    return sample


def _guess_note(path: Path, encoding: Encoding) -> str:
    return (
        f"{path.name!r} is not UTF-8; it was read as {encoding.name}, a guess from its letters "
        "(kept in each post's 'encoding'). If words look wrong, convert it with "
        f"iconv -f {encoding.name} -t utf-8."
    )


def _say(error: InputError | UnicodeDecodeError) -> str:
    if isinstance(error, InputError):
        return str(error)
    byte = error.object[error.start]
    return (
        f"it is not {error.encoding} throughout (byte 0x{byte:02x} at {error.start}); the rest "
        "was not read: convert the file to UTF-8."
    )


def _mark(path: Path) -> str:
    """Names a file as it is now: it changes with its path, size or time of change."""
    try:
        state = path.stat()
    except OSError:
        return ""
    made_from = f"{path}\0{state.st_size}\0{state.st_mtime_ns}"
    return hashlib.sha256(made_from.encode("utf-8", "surrogateescape")).hexdigest()[:16]


def _cursor(done: list[str], mark: str, position: Position) -> str:
    value: dict[str, object] = {"done": done}
    if mark:
        value["mark"] = mark
        value["at"] = [position.at, position.line]
    return json.dumps(value, separators=(",", ":"))


def _read_cursor(cursor: str | None) -> tuple[list[str], str, Position]:
    if not cursor:
        return [], "", START
    try:
        value = json.loads(cursor)
        at, line = value.get("at", (0, 0))
        return [str(mark) for mark in value["done"]], str(value.get("mark", "")), Position(at, line)
    except (ValueError, KeyError, TypeError, AttributeError):
        return [], "", START  # another version's cursor: reading again changes nothing
