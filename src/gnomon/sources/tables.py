"""Files of rows: JSON lines, JSON arrays, CSV/TSV and Parquet, each as a stream of records.

Every reader starts at a position that an earlier record gave and never holds the whole file.
"""

from __future__ import annotations

import csv
import io
import itertools
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from gnomon.errors import InputError, pip_install
from gnomon.sources.admission import quoted
from gnomon.sources.lines import Encoding, Line, bounded_lines, decoded_chunks
from gnomon.sources.rows import ALIASES, list_cell

_SPACE = re.compile(r"[\s,]*")
_LINE = re.compile(r"[^\n]*\n|[^\n]+")
_LIST_KEYS = ("posts", "data", "items", "results", "statuses", "tweets", "articles")


@dataclass(frozen=True, slots=True)
class Position:
    """Where a reader goes on: ``at`` is a byte offset for UTF-8 JSON lines and a count of items
    or rows otherwise; ``line`` is the number of the last line read (for messages)."""

    at: int = 0
    line: int = 0


START = Position()


@dataclass(frozen=True, slots=True)
class Record:
    """One row, or (``row`` None) why there is none. ``where`` names the line or row;
    ``after`` is where to go on; ``raw`` is what was read, for an excerpt."""

    where: str
    after: Position
    row: Mapping[str, Any] | None = None
    problem: str = ""
    raw: str | bytes = ""


def json_object(data: bytes) -> tuple[dict[str, Any] | None, str]:
    """``(object, "")``, or ``(None, problem)`` with a sentence that quotes ``data``."""
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        return None, _json_problem(data, error)
    if not isinstance(value, dict):
        return None, f'{quoted(data)} is no JSON object; give one like {{"text": "..."}}.'
    return value, ""


def _json_problem(data: bytes, error: orjson.JSONDecodeError) -> str:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as wrong:
        byte = data[wrong.start]
        return (
            f"{quoted(data)} is not UTF-8 (byte 0x{byte:02x} at {wrong.start}); "
            "convert the file, for example with iconv -t utf-8."
        )
    return f"{quoted(data)} is no JSON ({error}); give one JSON object a line."


def too_long(line: Line, limit: int, unit: str = "bytes") -> str:
    return (
        f"it is {line.size:,} {unit} long, over the {limit:,} that one row may have; "
        "split it, or raise max_post_mb."
    )


def read_json_lines(
    file: io.BufferedReader, encoding: Encoding, start: Position, limit: int
) -> Iterator[Record]:
    """JSON lines. UTF-8 goes on at a byte; other encodings are read again and skipped."""
    if encoding.name != "utf-8":
        yield from _decoded_json_lines(file, encoding, start, limit)
        return
    at = start.at or encoding.skip
    file.seek(at)
    for line in bounded_lines(file.readline, limit, start=at, number=start.line):
        where = f"line {line.number}"
        after = Position(line.end, line.number)
        if not line.complete:
            yield Record(where, after, problem=too_long(line, limit), raw=line.data[:800])
        elif line.data.strip():
            row, problem = json_object(line.data)
            yield Record(where, after, row, problem, b"" if row is not None else line.data[:800])


def _decoded_json_lines(
    file: io.BufferedReader, encoding: Encoding, start: Position, limit: int
) -> Iterator[Record]:
    for number, text in _text_lines(file, encoding, limit):
        if number <= start.at:
            continue
        if isinstance(text, Line):
            problem = too_long(text, limit, "characters")
            yield Record(f"line {number}", Position(number, number), None, problem, text.data)
            continue
        if not text.strip():
            continue
        row, problem = json_object(text.encode("utf-8", "surrogatepass"))
        yield Record(f"line {number}", Position(number, number), row, problem, text[:200])


def _text_lines(
    file: io.BufferedReader, encoding: Encoding, limit: int
) -> Iterator[tuple[int, str | Line]]:
    """Numbered lines, decoded strictly; line ends are kept, as ``csv`` wants them. Of one that is
    over ``limit`` characters only the start is held, as a Line that is not complete."""
    file.seek(encoding.skip)
    number, size = 1, 0
    pieces: list[str] = []

    def line() -> str | Line:
        held = "".join(pieces)
        if size <= limit:
            return held
        return Line(held[:800].encode("utf-8", "replace"), 0, number, size, complete=False)

    for chunk in decoded_chunks(file.read1, encoding.name):
        for piece in _LINE.findall(chunk):
            size += len(piece)
            if size <= limit or not pieces:
                pieces.append(piece[: limit + 1])
            if piece.endswith("\n"):
                yield number, line()
                number, size, pieces = number + 1, 0, []
    if pieces:
        yield number, line()


def read_json_array(
    file: io.BufferedReader, encoding: Encoding, start: Position, limit: int
) -> Iterator[Record]:
    """The items of a JSON array, one after another, holding one item and one chunk at a time.

    Where the array is broken the rest cannot be told apart any more: one record says so.
    """
    file.seek(encoding.skip)
    decoder = json.JSONDecoder()
    chunks = decoded_chunks(file.read1, encoding.name)
    buffer = next(chunks, "").lstrip()[1:]
    index, at, ended = 0, 0, False
    while True:
        at = _SPACE.match(buffer, at).end()  # type: ignore[union-attr]  # it matches nothing, too
        if at < len(buffer) and buffer[at] == "]":
            return
        try:
            # A number or word at the very end of the buffer may go on in the next chunk.
            _, end = decoder.raw_decode(buffer, at)
            whole = end < len(buffer) or ended
        except ValueError:
            whole = False
        if whole:
            index += 1
            piece = buffer[at:end]
            at = end
            if index > start.at:
                row, problem = json_object(piece.encode("utf-8", "surrogatepass"))
                raw = "" if row is not None else piece[:200]
                yield Record(f"item {index}", Position(index, index), row, problem, raw)
            continue
        pending = buffer[at:]
        if ended or len(pending) > limit:
            yield _broken_array(pending, index, len(pending) > limit, limit)
            return
        more = "".join(itertools.islice(chunks, max(1, len(pending) // (256 * 1024))))
        ended = not more
        buffer, at = pending + more, 0


def _broken_array(pending: str, index: int, long: bool, limit: int) -> Record:
    if long:
        problem = f"item {index + 1} is longer than {limit:,} characters or never ends"
    elif pending.strip():
        problem = f"item {index + 1} is no JSON: {quoted(pending)}"
    else:
        problem = "the array is not closed: the file ends early"
    return Record(
        f"item {index + 1}",
        Position(index, index),
        problem=f"{problem}; the rest was not read: mend the file, or write one object a line.",
        raw=pending[:200],
    )


def read_json_document(
    file: io.BufferedReader,
    encoding: Encoding,
    start: Position,
    limit: int,
    *,
    list_keys: Sequence[str] = _LIST_KEYS,
) -> Iterator[Record]:
    """A ``.json`` file: an array, JSON lines, one object, or an object that holds a list under one
    of ``list_keys``."""
    file.seek(encoding.skip)
    head = file.read(4096).decode(encoding.name, "ignore").lstrip()
    if head.startswith("["):
        yield from read_json_array(file, encoding, start, limit)
        return
    first = head.split("\n", 1)[0].strip()
    if "\n" in head and json_object(first.encode())[0] is not None:
        yield from read_json_lines(file, encoding, start, limit)
        return
    file.seek(encoding.skip)
    data = file.read(limit + 1)
    if len(data) > limit:  # too long for one object: as lines, each is judged by itself
        yield from read_json_lines(file, encoding, start, limit)
        return
    text = data.decode(encoding.name)
    row, problem = json_object(text.encode())
    first, _, more = text.partition("\n")
    if row is None and more.strip() and json_object(first.encode())[0] is not None:
        yield from read_json_lines(file, encoding, start, limit)  # its first line is a long one
        return
    items: Any = [row]
    if row is not None and "text" not in row:
        items = next((row[k] for k in list_keys if isinstance(row.get(k), list)), [row])
    for index, item in enumerate(items, 1):
        if index > start.at:
            good = item if isinstance(item, dict) else None
            said = problem or ("" if good is not None else f"{quoted(str(item))} is no object.")
            yield Record(f"item {index}", Position(index, index), good, said, data[:800])


def read_csv(
    file: io.BufferedReader, encoding: Encoding, start: Position, limit: int, *, tabs: bool = False
) -> Iterator[Record]:
    """CSV or TSV with a header. Raises InputError when no column holds text."""
    csv.field_size_limit(max(csv.field_size_limit(), limit))
    lines = _CsvLines(file, encoding, limit)
    try:
        header_line = next(lines, "")
        delimiter = "\t" if tabs else max(",;\t|", key=header_line.count)
        header = next(csv.reader([header_line], delimiter=delimiter), [])
    except (_BadLineError, csv.Error) as error:
        raise InputError(f"its first line does not name columns: {error}") from error
    names = [_column(name) for name in header]
    if not {"text", "title", *ALIASES["text"], *ALIASES["title"]} & set(names):
        raise InputError(
            f"its columns are {quoted(', '.join(header), 120)}, and none of them is the posts' "
            "words; name one 'text'."
        )
    row_number = 0
    while True:
        reader = csv.reader(lines, delimiter=delimiter)
        try:
            for cells in reader:
                row_number += 1
                if row_number > start.at and cells:
                    yield _csv_record(names, cells, Position(row_number, lines.number))
            return
        except (_BadLineError, csv.Error) as error:
            row_number += 1
            if row_number > start.at:
                problem = str(error)
                if isinstance(error, csv.Error):
                    problem = f"it cannot be read as a row ({error}); check its quotes."
                after = Position(row_number, lines.number)
                yield Record(f"line {lines.number}", after, problem=problem)


class _BadLineError(Exception):
    """Passes through the csv reader to the loop that can say so."""


class _CsvLines:
    """Decoded lines for ``csv.reader``; ``number`` is the last one's."""

    def __init__(self, file: io.BufferedReader, encoding: Encoding, limit: int) -> None:
        self.number = 0
        self._limit = limit
        self._encoding = encoding
        file.seek(encoding.skip)
        utf8 = encoding.name == "utf-8"
        self._lines = self._utf8(file) if utf8 else _text_lines(file, encoding, limit)

    def _utf8(
        self, file: io.BufferedReader
    ) -> Iterator[tuple[int, str | Line | UnicodeDecodeError]]:
        for line in bounded_lines(file.readline, self._limit, start=self._encoding.skip):
            if not line.complete:
                yield line.number, line
                continue
            try:
                yield line.number, line.data.decode("utf-8") + "\n"
            except UnicodeDecodeError as error:
                yield line.number, error

    def __iter__(self) -> _CsvLines:
        return self

    def __next__(self) -> str:
        self.number, line = next(self._lines)
        if isinstance(line, Line):
            raise _BadLineError(too_long(line, self._limit))
        if isinstance(line, UnicodeDecodeError):
            raise _BadLineError(
                f"{quoted(line.object)} is not UTF-8 (byte 0x{line.object[line.start]:02x} at "
                f"{line.start}); convert the file, for example with iconv -t utf-8."
            )
        return line


def _column(name: str) -> str:
    return re.sub(r"\s+", "_", name.strip().lower().lstrip("\ufeff"))


def _csv_record(names: list[str], cells: list[str], after: Position) -> Record:
    where = f"line {after.line}"
    if len(cells) > len(names):
        return Record(
            where,
            after,
            problem=f"it has {len(cells)} cells for {len(names)} columns; quote cells that hold "
            "the delimiter.",
            raw=" ".join(cells)[:200],
        )
    row: dict[str, Any] = {}
    for name, cell in zip(names, cells, strict=False):
        if cell != "":
            row[name] = list_cell(cell) if name in ("links", "media", "labels") else cell
    return Record(where, after, row)


def read_parquet(path: Path, start: Position) -> Iterator[Record]:
    """Rows of a Parquet file. Raises InputError when pyarrow is missing or cannot read it."""
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise InputError(
            f"Parquet needs pyarrow; install it with: {pip_install('gnomon[parquet]')}."
        ) from error
    index = 0
    try:
        with pyarrow.parquet.ParquetFile(path) as table:
            groups: list[int] = []
            for group in range(table.metadata.num_row_groups):
                rows = table.metadata.row_group(group).num_rows
                if index + rows <= start.at and not groups:
                    index += rows
                else:
                    groups.append(group)
            for batch in table.iter_batches(batch_size=512, row_groups=groups):
                for row in batch.to_pylist():
                    index += 1
                    if index > start.at:
                        yield Record(f"row {index}", Position(index, index), row)
    except (pyarrow.ArrowException, OSError) as error:
        raise InputError(
            f"it cannot be read as Parquet ({quoted(str(error), 120)}); write it again, or "
            "export it as CSV."
        ) from error
