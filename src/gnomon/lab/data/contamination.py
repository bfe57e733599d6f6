"""Nothing of an evaluation set may be learned from: documents that share a run of words go.

Thirteen words, as GPT-3 (appendix C of https://arxiv.org/abs/2005.14165) and Gopher; twenty
characters of Chinese or Japanese, which say about as much. A shorter item of a set counts whole,
from eight words (GPT-3's least) or thirteen characters on; what is shorter still is everybody's.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from xxhash import xxh3_64_intdigest

from gnomon.errors import InputError
from gnomon.lab.data.documents import Document
from gnomon.text.tokens import CJK, words

RUN, SHORTEST = 13, 8
RUN_CJK, SHORTEST_CJK = 20, 13
SUFFIXES = (".jsonl", ".json", ".txt", ".csv", ".tsv")

Hashes = npt.NDArray[np.uint64]

_BASE = 0x9E3779B97F4A7C15
_TABLE_BITS = 22
_FIRST_CJK = CJK[0]


@dataclass(frozen=True)
class EvaluationSets:
    """The runs of words of all sets: for each length sorted hashes and the number of their set.
    ``table`` passes by nearly every run that is in none."""

    names: tuple[str, ...]
    runs: dict[int, tuple[Hashes, npt.NDArray[np.int32]]]
    table: npt.NDArray[np.bool_] = field(repr=False)

    def find(self, text: str) -> tuple[str, int] | None:
        """The set that the text shares a run with, and the run's length in words."""
        prefix, inverse = _prefix(_hashes(words(text)))
        lengths = [length for length in self.runs if length < len(prefix)]
        windows = [_windows(prefix, inverse, length) for length in lengths]
        if not windows or not self.table[_place(np.concatenate(windows))].any():
            return None
        for length, found in zip(lengths, windows, strict=True):
            known, sets = self.runs[length]
            at = np.minimum(np.searchsorted(known, found), len(known) - 1)
            same = np.flatnonzero(known[at] == found)
            if len(same):
                return self.names[int(sets[at[same[0]]])], length
        return None


def load(folder: Path) -> EvaluationSets:
    """The sets in a folder: every text in every ``.jsonl``, ``.json``, ``.txt``, ``.csv`` or
    ``.tsv`` in it, ``.gz`` or not; a set is named after its file.

    Raises InputError where the folder or a file cannot be read, or there is no set."""
    if not folder.is_dir():
        raise InputError(f"--eval-dir {str(folder)!r} is no folder; give that of the sets.")
    paths = sorted(path for path in folder.rglob("*") if _kind(path))
    if not paths:
        raise InputError(
            f"{folder} holds no evaluation set ({', '.join(SUFFIXES)}, .gz or not); give the "
            "folder that does."
        )
    gathered: dict[int, list[tuple[Hashes, int]]] = {}
    for number, path in enumerate(paths):
        for item in _items(path):
            for length, hashes in _runs(item):
                gathered.setdefault(length, []).append((hashes, number))
    runs = {}
    table = np.zeros(1 << _TABLE_BITS, np.bool_)
    for length, found in sorted(gathered.items()):
        every = np.concatenate([hashes for hashes, _ in found])
        sets = np.repeat([number for _, number in found], [len(hashes) for hashes, _ in found])
        known, first = np.unique(every, return_index=True)
        table[_place(known)] = True
        runs[length] = (known, sets[first].astype(np.int32))
    return EvaluationSets(tuple(_name(path) for path in paths), runs, table)


def clear_of(sets: EvaluationSets) -> Callable[[Document], Document | str]:
    """The rule that drops, with ``contamination`` and the set's name, what shares a run."""

    def rule(document: Document) -> Document | str:
        found = sets.find(document.text)
        if found is None:
            return document
        return f"contamination: {found[0]} ({found[1]} words in a row)"

    return rule


def fingerprint(folder: Path) -> str:
    """Names the sets as they are now, by path, size and time of change."""
    states = [(str(p), p.stat().st_size, p.stat().st_mtime_ns) for p in sorted(folder.rglob("*"))]
    return f"{xxh3_64_intdigest(repr(states).encode('utf-8', 'surrogateescape')):016x}"


# --------------------------------------------------------------------------- reading sets


def _kind(path: Path) -> str:
    name = path.name.removesuffix(".gz")
    return Path(name).suffix if Path(name).suffix in SUFFIXES and path.is_file() else ""


def _name(path: Path) -> str:
    return Path(path.name.removesuffix(".gz")).stem


def _items(path: Path) -> Iterator[str]:
    """The texts of a set."""
    try:
        data = path.read_bytes()
        text = (gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data).decode("utf-8")
        kind = _kind(path)
        if kind == ".jsonl":
            for line in text.split("\n"):
                if line.strip():
                    yield from _strings(json.loads(line))
        elif kind == ".json":
            yield from _strings(json.loads(text))
        elif kind == ".txt":
            yield from text.split("\n")
        else:
            delimiter = "\t" if kind == ".tsv" else ","
            for row in csv.reader(io.StringIO(text), delimiter=delimiter):
                yield from row
    except (OSError, EOFError, zlib.error, ValueError, csv.Error) as error:
        raise InputError(
            f"the evaluation set {str(path)!r} cannot be read ({error}); mend or remove it, or "
            "nobody can say that it was not learned from."
        ) from error


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _strings(inner)


# --------------------------------------------------------------------------- runs of words


def _runs(text: str) -> Iterator[tuple[int, Hashes]]:
    """The runs of an item by length: of ``RUN`` words or ``RUN_CJK`` characters, or all of it."""
    said = words(text)
    if len(said) < SHORTEST:
        return
    prefix, inverse = _prefix(_hashes(said))
    wide = np.array([word[0] >= _FIRST_CJK for word in said])
    count = np.concatenate([[0], np.cumsum(wide)])
    if len(said) < (RUN_CJK if 2 * count[-1] > len(said) else RUN):
        least = SHORTEST_CJK if 2 * count[-1] > len(said) else SHORTEST
        if len(said) >= least:
            yield len(said), _windows(prefix, inverse, len(said))
        return
    for length, of_cjk in ((RUN, False), (RUN_CJK, True)):
        found = _windows(prefix, inverse, length)
        if not len(found):
            continue
        mostly = 2 * (count[length:] - count[:-length]) > length
        chosen = found[mostly == of_cjk]
        if len(chosen):
            yield length, chosen


def _hashes(said: Sequence[str]) -> Hashes:
    return np.fromiter(
        (xxh3_64_intdigest(word.encode("utf-8", "surrogatepass")) for word in said),
        np.uint64,
        len(said),
    )


def _prefix(hashes: Hashes) -> tuple[Hashes, Hashes]:
    """Sums of a polynomial over the words, ``[words + 1]``, and the inverse powers by which a
    window is moved to its start (all modulo 2^64)."""
    powers, inverse = _powers(1 << max(8, (len(hashes) - 1).bit_length()))
    with np.errstate(over="ignore"):
        sums = np.cumsum(hashes * powers[: len(hashes)], dtype=np.uint64)
    return np.concatenate([np.zeros(1, np.uint64), sums]), inverse[: len(hashes)]


@lru_cache(maxsize=8)
def _powers(count: int) -> tuple[Hashes, Hashes]:
    """The powers of the base and of its inverse modulo 2^64, ``count`` of each."""
    found = []
    for base in (_BASE, pow(_BASE, -1, 1 << 64)):
        factors = np.full(count, base, np.uint64)
        factors[0] = 1
        found.append(np.cumprod(factors, dtype=np.uint64))
    return found[0], found[1]


def _windows(prefix: Hashes, inverse: Hashes, length: int) -> Hashes:
    """A hash for each run of ``length`` words."""
    if len(prefix) <= length:
        return np.zeros(0, np.uint64)
    with np.errstate(over="ignore"):
        found = (prefix[length:] - prefix[:-length]) * inverse[: len(prefix) - length]
        found ^= found >> np.uint64(29)
        return found * np.uint64(0xBF58476D1CE4E5B9) + np.uint64(length)


def _place(hashes: Hashes) -> npt.NDArray[np.int64]:
    return (hashes >> np.uint64(64 - _TABLE_BITS)).astype(np.int64)
