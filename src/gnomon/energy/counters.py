"""Counters of energy: RAPL's of processors and memory, NVML's of GPUs."""

from __future__ import annotations

import ctypes
import os
import re
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

POWERCAP = Path("/sys/class/powercap")
NVML = "libnvidia-ml.so.1"
NVML_SHORTEST_S = 10.0
"""https://arxiv.org/abs/2312.02741: power is sampled for only part of the time on several GPUs, and
a figure is within some per cent only over seconds of it."""
RAPL_SHORTEST_S = 0.1
"""The counters are renewed about every millisecond (Khan et al. 2018, "RAPL in Action",
https://doi.org/10.1145/3177754): a hundred renewals leave an error of about one per cent."""
MOST_WATTS = 1000.0
"""No one socket takes more. A RAPL counter that was not looked at for longer than it lasts at this
power may have wrapped unseen, so what it says then is not used."""


class Unreadable(Exception):
    """A counter that cannot be read (any more), and why, for a person."""


class Counter(Protocol):
    """A device's energy. ``shortest_s`` is the shortest span over which it is right; ``lost`` says
    how often it was lost sight of, each time so that no span over it can be told."""

    @property
    def name(self) -> str: ...

    @property
    def shortest_s(self) -> float: ...

    @property
    def lost(self) -> int: ...

    def joules(self) -> float:
        """Since some moment; never less than before. Raises Unreadable."""
        ...


@dataclass(frozen=True, slots=True)
class Found:
    """The counters of this machine that can be read, and why others cannot."""

    counters: tuple[Counter, ...] = ()
    unread: tuple[str, ...] = ()

    @property
    def device(self) -> str:
        return ", ".join(counter.name for counter in self.counters)

    @property
    def why(self) -> str:
        """What no figure has in it, and the reason."""
        if self.counters:
            return f"not in it: {'; '.join(self.unread)}" if self.unread else ""
        return "not measured: " + ("; ".join(self.unread) or "this machine has no energy counter")


def find(
    powercap: Path = POWERCAP, nvml: str = NVML, *, clock: Callable[[], float] = time.monotonic
) -> Found:
    """Every counter of this machine; GPUs only those that ``CUDA_VISIBLE_DEVICES`` leaves."""
    found: list[Counter] = []
    unread: list[str] = []
    for look in (lambda: _gpus(nvml), lambda: _packages(powercap, clock)):
        for one in look():
            (unread if isinstance(one, str) else found).append(one)  # type: ignore[arg-type]
    return Found(tuple(found), tuple(unread))


# ------------------------------------------------------------------------------------- RAPL


# Zones of the other interfaces ("intel-rapl-mmio:0") are the same packages once more. AMD's
# packages come under the same names.
_ZONE = re.compile(r"intel-rapl:\d+(?::\d+)?")
_COUNTED = re.compile(r"package-\d+(?:-die-\d+)?|dram")


class Rapl:
    """One domain of RAPL."""

    shortest_s = RAPL_SHORTEST_S

    def __init__(
        self, folder: Path, name: str, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Raises Unreadable."""
        self.name = f"{name} (RAPL)"
        self._file = folder / "energy_uj"
        self._clock = clock
        self._range = _millionths(folder / "max_energy_range_uj")
        self._lock = threading.Lock()
        self._last = self._now()
        self._seen = clock()
        self._joules = 0.0
        self.lost = 0

    def joules(self) -> float:
        with self._lock:
            now, seen = self._now(), self._clock()
            if seen - self._seen > self._range / MOST_WATTS:
                self.lost += 1  # as when the machine slept: it may have wrapped more than once
            step = now - self._last
            self._joules += step if step >= 0 else step + self._range
            self._last, self._seen = now, seen
            return self._joules

    def _now(self) -> float:
        return _millionths(self._file)


def _packages(powercap: Path, clock: Callable[[], float]) -> Iterator[Rapl | str]:
    """Packages, and memory, which no package has in it. (Cores and graphics are in theirs; "psys"
    has all of it once more.)"""
    try:
        zones = sorted(zone for zone in powercap.iterdir() if _ZONE.fullmatch(zone.name))
    except OSError:
        return  # no Linux, or a processor or a container without it
    for zone in zones:
        try:
            name = _words(zone / "name")
            if not _COUNTED.fullmatch(name):
                continue
            parent = powercap / zone.name.rpartition(":")[0]
            if name == "dram" and parent != powercap:
                name = f"memory of {_words(parent / 'name')}"
            yield Rapl(zone, name, clock)
        except Unreadable as error:
            yield str(error)


def _millionths(path: Path) -> float:
    words = _words(path)
    try:
        return int(words) / 1e6
    except ValueError:
        raise Unreadable(f"{path} holds {words[:40]!r}, which is no number") from None


def _words(path: Path) -> str:
    try:
        return path.read_text("utf-8").strip()
    except PermissionError:
        raise Unreadable(
            f"{path} may be read by root alone; run as root, or let others read it (chmod a+r, "
            "which tells them what this machine does: CVE-2020-8694)"
        ) from None
    except (OSError, ValueError) as error:
        raise Unreadable(f"{path} cannot be read ({error})") from error


# ------------------------------------------------------------------------------------- NVML


class Gpu:
    """One GPU's cumulative energy
    (https://docs.nvidia.com/deploy/nvml-api/group__nvmlDeviceQueries.html)."""

    shortest_s = NVML_SHORTEST_S
    lost = 0  # millijoules in 64 bits do not wrap

    def __init__(self, library: ctypes.CDLL, index: int) -> None:
        """Raises Unreadable."""
        self._library = library
        self.name = f"GPU {index} (NVML)"
        self._handle = ctypes.c_void_p()
        self._call("nvmlDeviceGetHandleByIndex_v2", index, ctypes.byref(self._handle))
        self.uuid = self._text("nvmlDeviceGetUUID")
        self.name = f"{self._text('nvmlDeviceGetName')} (NVML)"

    def joules(self) -> float:
        millijoules = ctypes.c_ulonglong()
        self._call("nvmlDeviceGetTotalEnergyConsumption", self._handle, ctypes.byref(millijoules))
        return millijoules.value / 1e3

    def _text(self, function: str) -> str:
        text = ctypes.create_string_buffer(96)
        self._call(function, self._handle, text, 96)
        return text.value.decode("utf-8", "replace")

    def _call(self, function: str, *arguments: Any) -> None:
        _call(self._library, function, *arguments, of=self.name)


def _gpus(nvml: str) -> Iterator[Gpu | str]:
    try:
        library = ctypes.CDLL(nvml)
    except OSError:
        return  # no driver, so no GPU of NVIDIA's that could be at work
    try:
        _call(library, "nvmlInit_v2")
        count = ctypes.c_uint()
        _call(library, "nvmlDeviceGetCount_v2", ctypes.byref(count))
    except Unreadable as error:
        yield str(error)
        return
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    for index in range(count.value):
        try:
            gpu = Gpu(library, index)
            if _visible(visible, index, gpu.uuid):
                gpu.joules()
                yield gpu
        except Unreadable as error:
            yield str(error)


def _visible(listed: str | None, index: int, uuid: str) -> bool:
    """Whether CUDA sees a GPU: by its number, or by the beginning of its UUID
    (https://docs.nvidia.com/cuda/cuda-c-programming-guide/index.html#env-vars). A MIG slice does
    not say whose it is; the GPU is counted, which has the slice in it."""
    if listed is None:
        return True
    for one in (word.strip() for word in listed.split(",")):
        if one == str(index) or one.startswith("MIG-"):
            return True
        if one.startswith("GPU-") and uuid.startswith(one):
            return True
    return False


def _call(library: ctypes.CDLL, function: str, *arguments: Any, of: str = "NVML") -> None:
    try:
        code = int(getattr(library, function)(*arguments))
    except AttributeError:
        raise Unreadable(f"{of}: the driver is too old for {function}") from None
    if code:
        say = library.nvmlErrorString
        say.restype = ctypes.c_char_p
        said = (say(code) or b"").decode("utf-8", "replace") or f"error {code}"
        raise Unreadable(f"{of}: {function} says {said!r}")
