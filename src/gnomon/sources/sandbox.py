"""A stranger's file is read in a process of its own that can do nothing else.

A fresh process for each file: no network, no other process, no file but Python's own, bounded in
CPU, memory and time, and killed when it is over any of it (see ``confine``). What it says comes
back over a pipe as JSON, of bounded size.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import gnomon
from gnomon.errors import InputError, SourceError, Unsupported
from gnomon.types.library import Part


@dataclass(frozen=True, slots=True)
class Bounds:
    """What reading one file may take: seconds of CPU and of the clock, bytes of address space, of
    the file itself, and of what comes back."""

    cpu_s: int = 60
    wall_s: float = 300.0
    memory_bytes: int = 2 * 2**30
    max_bytes: int = 100 * 2**20
    max_answer_bytes: int = 64 * 2**20


@dataclass(frozen=True, slots=True)
class Parsed:
    """``kind`` is the format, ``fences`` name what held the process. ``unsure`` counts the lines of
    a picture that were left out."""

    kind: str
    parts: tuple[Part, ...]
    fences: tuple[str, ...]
    unsure: int = 0


STANDARD = Bounds()
PARSER = "gnomon.sources.parser"
END_S = 5.0


def parse(
    path: str | Path,
    name: str,
    *,
    bounds: Bounds = STANDARD,
    stop: threading.Event | None = None,
) -> Parsed:
    """The texts of the file at ``path``, which its owner calls ``name``.

    Raises Unsupported (a format that is not read), InputError (a file that cannot be, or that
    takes more than ``bounds``), SourceError where the process could not do its work.
    """
    with open(path, "rb") as file:
        return _parse(file, name, bounds, stop)


def parse_bytes(data: bytes, name: str, *, bounds: Bounds = STANDARD) -> Parsed:
    """The same for a file whose bytes are here already."""
    with tempfile.TemporaryFile() as file:
        file.write(data)
        file.seek(0)
        return _parse(file, name, bounds, None)


def _parse(file: IO[bytes], name: str, bounds: Bounds, stop: threading.Event | None) -> Parsed:
    size = os.fstat(file.fileno()).st_size
    if size > bounds.max_bytes:
        raise InputError(f"{name!r} is {size:,} bytes, over {bounds.max_bytes:,}; split it.")
    asked = {
        "name": name[-200:],
        "cpu_s": bounds.cpu_s,
        "memory_bytes": bounds.memory_bytes,
        "max_bytes": bounds.max_bytes,
    }
    answer, code, late = run(PARSER, file, json.dumps(asked), bounds, stop)
    return _read(answer, code, late, name, bounds)


def run(
    module: str, file: IO[bytes], asked: str, bounds: Bounds, stop: threading.Event | None = None
) -> tuple[bytes, int, bool]:
    """Run ``module`` over a file, with ``asked`` (JSON) as its argument: what the process said (at
    most a byte more than it may), how it ended, and whether its time was up. The module calls
    ``confine`` itself, before it reads its standard input."""
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", module, asked],
        stdin=file,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # a traceback could quote the file
        close_fds=True,
        start_new_session=True,
        env=_environment(),
        cwd="/",
    )
    late = threading.Event()

    def end() -> None:
        late.set()
        process.kill()

    timer = threading.Timer(bounds.wall_s, end)
    timer.daemon = True
    timer.start()
    watch = threading.Event()
    if stop is not None:
        threading.Thread(target=_end_with, args=(stop, watch, process), daemon=True).start()
    answer = b""
    try:
        assert process.stdout is not None
        answer = process.stdout.read(bounds.max_answer_bytes + 1)
    finally:
        timer.cancel()
        watch.set()
        if len(answer) > bounds.max_answer_bytes:
            process.kill()
        code = _ended(process)
        if process.stdout is not None:
            process.stdout.close()
    return answer, code, late.is_set()


def _ended(process: subprocess.Popen[bytes]) -> int:
    """How a process ended that has nothing more to say."""
    try:
        return process.wait(timeout=END_S)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()


def _end_with(
    stop: threading.Event, over: threading.Event, process: subprocess.Popen[bytes]
) -> None:
    while not over.wait(0.2):
        if stop.is_set():
            process.kill()
            return


def _environment() -> dict[str, str]:
    """Nothing of ours but where Python finds its modules: no keys, no proxy, no home."""
    source = str(Path(gnomon.__file__).parent.parent)
    return {
        "PYTHONPATH": source,
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONIOENCODING": "utf-8",
        "LANG": "C.UTF-8",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
    }


def _read(answer: bytes, code: int, late: bool, name: str, bounds: Bounds) -> Parsed:
    if len(answer) > bounds.max_answer_bytes:
        raise InputError(
            f"{name!r} holds more than {bounds.max_answer_bytes:,} bytes of text; split it."
        )
    if late or code == -signal.SIGXCPU or (code == -signal.SIGKILL and not answer):
        raise InputError(
            f"{name!r} takes longer to read than a file may ({bounds.cpu_s} s of CPU, "
            f"{bounds.wall_s:.0f} s in all); split it or save it in a plainer format."
        )
    try:
        said: dict[str, Any] = json.loads(answer)
        if "error" not in said:
            fences = tuple(map(str, said["fences"]))
            unsure = sum(int(part.get("unsure", 0)) for part in said["parts"])
            return Parsed(str(said["kind"]), tuple(map(_part, said["parts"])), fences, unsure)
        kind = Unsupported if said.get("code") == "unsupported_file" else InputError
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError):
        # What a stranger's file may have taken over is not trusted to answer in form either.
        raise SourceError(
            f"reading {name!r} ended without a result (exit status {code}); save it in a plainer "
            "format, such as text."
        ) from None
    raise kind(_named(str(said["error"])[:500], name))


def _part(said: Mapping[str, Any]) -> Part:
    date = said["date"]
    if not isinstance(said["text"], str):
        raise TypeError("no text")
    return Part(
        text=said["text"],
        title=str(said["title"])[:500],
        author=str(said["author"])[:500],
        url=str(said["url"])[:2000],
        lang=str(said["lang"])[:20],
        date=None if date is None else float(date),
        pages=tuple(map(int, said["pages"])),
    )


def _named(said: str, name: str) -> str:
    return said if repr(name) in said else f"{name!r}: {said}"
