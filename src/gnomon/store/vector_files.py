"""The vector view's files: fixed-size records that are only appended, and blanked when deleted.

Three files of one generation lie side by side, record ``i`` of each belonging together:
``head`` (row, what filters need, scale, checksum), ``codes`` (int8, one byte a dimension) and
``bits`` (the signs of the vector less the mean, one bit a dimension). ``state.json`` names the
generation, the model, the mean and the sequence number that deletions were followed to. Codes and
bits reach the disk before the head that counts them, so a crash leaves whole records or none.
"""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

HEAD = np.dtype(
    [
        ("row", "<u8"),  # 0: blank
        ("time", "<f8"),
        ("source", "<u8"),
        ("author", "<u8"),
        ("lang", "<u8"),
        ("scale", "<f4"),
        ("crc", "<u4"),
    ]
)
CHECKED_AT_OPEN = 4096  # newest records whose checksum is verified when the files are opened
_MEAN_SAMPLE = 20_000
_MEAN_MAX = 100_000  # a mean of more vectors is not worth making again


@dataclass(frozen=True, slots=True)
class State:
    """What ``state.json`` holds. ``mean_of`` is how many vectors the mean was made from."""

    model: str
    dim: int
    generation: int
    seq: int
    mean: tuple[float, ...]
    mean_of: int


def signs(vectors: np.ndarray, mean: np.ndarray) -> np.ndarray:
    """One bit a dimension, ``uint8 [n, ceil(dim / 8)]``: which side of the mean.

    Encoders' vectors share a large common part; without taking it away most signs would agree.
    """
    return np.packbits(vectors > mean, axis=1)


def quantised(vectors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """``(int8 [n, dim], float32 [n])``: codes and the scale that brings them back."""
    peak = np.abs(vectors).max(axis=1)
    scale = np.where(peak > 0, peak, 1.0).astype(np.float32) / 127
    return np.rint(vectors / scale[:, None]).astype(np.int8), scale


class VectorFiles:
    """The files of one folder, memory mapped. The caller holds the lock."""

    def __init__(self, folder: Path, state: State) -> None:
        self.folder = folder
        self.state = state
        self.mean = np.array(state.mean, np.float32)
        self.head = np.zeros(0, HEAD)
        self.codes = np.zeros((0, state.dim), np.int8)
        self.bits = np.zeros((0, (state.dim + 7) // 8), np.uint8)
        self._times = np.zeros(0)
        self.remap()

    # -- opening ------------------------------------------------------------------------------
    @classmethod
    def open(cls, folder: Path) -> VectorFiles | None:
        """The files in ``folder``; None if there are none that can be used."""
        try:
            held = json.loads((folder / "state.json").read_bytes())
            state = State(**{**held, "mean": tuple(held["mean"])})
            return cls(folder, state)
        except (OSError, ValueError, TypeError, KeyError):
            return None

    @classmethod
    def create(cls, folder: Path, model: str, dim: int, seq: int) -> VectorFiles:
        """Empty files for ``model``; those of another model are removed."""
        folder.mkdir(parents=True, exist_ok=True)
        old = cls.open(folder)
        generation = old.state.generation + 1 if old else 0
        files = cls(folder, State(model, dim, generation, seq, (0.0,) * dim, 0))
        files.save()
        files.remove_others()
        return files

    def _file(self, name: str) -> Path:
        return self.folder / f"{name}-{self.state.generation}.bin"

    def remap(self) -> None:
        """See what was appended (by this process or by the writer's)."""
        width = self.bits.shape[1]
        sizes = {"head": HEAD.itemsize, "codes": self.state.dim, "bits": width}
        whole = []
        for name, size in sizes.items():
            file = self._file(name)
            whole.append(file.stat().st_size // size if file.exists() else 0)
        n = min(whole)
        if n == len(self.head):
            return
        mode = "r+" if os.access(self._file("head"), os.W_OK) else "r"
        self.head = np.memmap(self._file("head"), HEAD, mode, shape=(n,))  # type: ignore[call-overload]
        self.codes = np.memmap(self._file("codes"), np.int8, mode, shape=(n, self.state.dim))  # type: ignore[call-overload]
        self.bits = np.memmap(self._file("bits"), np.uint8, mode, shape=(n, width))  # type: ignore[call-overload]

    def check(self) -> int:
        """Cut torn ends off, also after a write that failed, and blank the newest records whose
        checksum is wrong; how many those were.

        Only the process that writes may call this.
        """
        n = len(self.head)
        for name, size in (
            ("head", HEAD.itemsize),
            ("codes", self.state.dim),
            ("bits", self.bits.shape[1]),
        ):
            if self._file(name).exists():
                os.truncate(self._file(name), n * size)
        wrong = [
            i
            for i in range(max(0, n - CHECKED_AT_OPEN), n)
            if self.head["row"][i] and self.head["crc"][i] != zlib.crc32(self.codes[i].tobytes())
        ]
        self.blank(wrong)
        return len(wrong)

    # -- writing ------------------------------------------------------------------------------
    def append(self, head: np.ndarray, vectors: np.ndarray) -> None:
        """Add records and make them durable. ``head`` lacks scale and checksum."""
        if not self.state.mean_of:
            self._take_mean(vectors)
        codes, scale = quantised(vectors)
        head["scale"] = scale
        head["crc"] = [zlib.crc32(code.tobytes()) for code in codes]
        self._extend("codes", codes)
        self._extend("bits", signs(vectors, self.mean))
        self._extend("head", head)
        self.remap()

    def _extend(self, name: str, records: np.ndarray) -> None:
        with open(self._file(name), "ab") as file:
            file.write(records.tobytes())
            file.flush()
            os.fsync(file.fileno())

    def _take_mean(self, vectors: np.ndarray) -> None:
        sample = vectors[:: max(1, len(vectors) // _MEAN_SAMPLE)]
        self.mean = sample.mean(axis=0, dtype=np.float64).astype(np.float32)
        mean = tuple(float(value) for value in self.mean)
        self.state = replace(self.state, mean=mean, mean_of=max(1, len(vectors)))
        self.save()

    def blank(self, positions: Sequence[int]) -> None:
        """Overwrite records with nothing, durably."""
        for i in positions:
            self.codes[i] = 0
            self.bits[i] = 0
            self.head[i] = np.zeros((), HEAD)
        if len(positions):
            for part in (self.codes, self.bits, self.head):
                if isinstance(part, np.memmap):
                    part.flush()

    def wants_rewrite(self, alive: int) -> bool:
        """Whether most records are blank, or the mean was made from few of the vectors."""
        sparse = len(self.head) > 1000 and alive * 2 < len(self.head)
        return sparse or (self.state.mean_of < _MEAN_MAX and alive >= 8 * self.state.mean_of)

    def rewrite(self) -> VectorFiles:
        """The next generation: without blank records, and with the mean of what is held."""
        kept = np.flatnonzero(self.head["row"])
        state = replace(self.state, generation=self.state.generation + 1, mean_of=0)
        new = VectorFiles(self.folder, state)
        new.remove()
        step = max(1, len(kept) // _MEAN_SAMPLE)
        sample = self.decoded(kept[::step])
        if len(sample):
            new.mean = sample.mean(axis=0, dtype=np.float64).astype(np.float32)
        mean = tuple(float(value) for value in new.mean)
        new.state = replace(state, mean=mean, mean_of=max(1, len(kept)))
        for start in range(0, len(kept), _MEAN_SAMPLE):
            part = kept[start : start + _MEAN_SAMPLE]
            new._extend("codes", np.asarray(self.codes[part]))
            new._extend("bits", signs(self.decoded(part), new.mean))
            new._extend("head", np.asarray(self.head[part]))
        new.remap()
        new.save()
        new.remove_others()
        return new

    def save(self) -> None:
        """Replace ``state.json`` as one step."""
        part = self.folder / "state.json.part"
        with open(part, "w", encoding="utf-8") as file:
            json.dump(asdict(self.state), file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, self.folder / "state.json")

    def remove(self) -> None:
        """Delete this generation's files."""
        for name in ("head", "codes", "bits"):
            self._file(name).unlink(missing_ok=True)

    def remove_others(self) -> None:
        """Delete other generations' files."""
        for file in self.folder.glob("*-*.bin"):
            if file.stem.rpartition("-")[2] != str(self.state.generation):
                file.unlink(missing_ok=True)

    # -- reading ------------------------------------------------------------------------------
    def times(self) -> np.ndarray:
        """Every record's time, side by side in memory (in the file a stride lies between them)."""
        if len(self._times) != len(self.head):
            self._times = np.ascontiguousarray(self.head["time"])
        return self._times

    def decoded(self, positions: np.ndarray) -> np.ndarray:
        """``float32 [len(positions), dim]``"""
        scale = np.asarray(self.head["scale"][positions], np.float32)
        return np.asarray(self.codes[positions], np.float32) * scale[:, None]
