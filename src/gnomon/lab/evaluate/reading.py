"""The folder of evaluation sets: which file is which set, and its rows.

The files are those that the sets' publishers give, as JSON lines, JSON or text, ``.gz`` or not; a
set is known by how its file's name begins (docs/lab-eval.md has the table).
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gnomon.errors import InputError

Row = dict[str, Any]


def find(folder: Path, prefixes: Sequence[str]) -> Path | None:
    """The first file, by name, that begins with one of the prefixes, those in their order."""
    for prefix in prefixes:
        found = sorted(path for path in folder.glob(f"{prefix}*") if path.is_file())
        if found:
            return found[0]
    return None


def text_of(path: Path) -> str:
    """Raises InputError where it cannot be read."""
    try:
        raw = path.read_bytes()
        return (gzip.decompress(raw) if path.suffix == ".gz" else raw).decode("utf-8")
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise InputError(f"the set {path} cannot be read ({error}); fetch it again.") from error


def rows_of(path: Path) -> list[Row]:
    """The objects of a file of JSON lines. Raises InputError naming the line that is none."""
    rows: list[Row] = []
    for number, line in enumerate(text_of(path).split("\n"), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError as error:
            raise InputError(f"{path}, line {number}, is not JSON ({error}).") from error
        if not isinstance(row, dict):
            raise InputError(f"{path}, line {number}, is no JSON object.")
        rows.append(row)
    return rows


def json_of(path: Path) -> Any:
    """Raises InputError."""
    try:
        return json.loads(text_of(path))
    except ValueError as error:
        raise InputError(f"{path} is not JSON ({error}).") from error


def spread(rows: Sequence[Any], limit: int) -> list[Any]:
    """``limit`` of the rows, evenly over all of them (0: every one): sets come sorted by subject.
    The same rows each time."""
    if not limit or limit >= len(rows):
        return list(rows)
    return [rows[number * len(rows) // limit] for number in range(limit)]
