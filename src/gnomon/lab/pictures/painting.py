"""Many pictures through a few confined processes, none of which can stop the others.

A process that takes too long over one picture, or dies of it, is ended and followed by a fresh one;
the picture is left out and the rest goes on.
"""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Self

import numpy as np
from numpy.typing import NDArray

import gnomon
from gnomon.errors import InputError
from gnomon.lab.pictures.found import SVG, Found
from gnomon.lab.pictures.painter import ASKED, SAID

EACH_S = 10.0
"""Of CPU, for one picture: on a busy machine as on an idle one."""
PATIENCE = 30.0
"""So many times as long it may take by the clock, before it is given up."""
CPU_S = 600
"""Of CPU, for all that one process paints."""
FRESH_AFTER = 2000
"""Pictures that one process paints before a fresh one follows: what a library leaks goes too."""

TOO_LONG, DEADLY = "takes too long", "ends the process that paints it"
END_S = 1.0
"""A process that is asked nothing more ends by itself; one that hangs is killed."""

Painted = NDArray[np.uint8] | str
"""[side, side, 4] RGBA, or why there is no picture."""


class Painter:
    """One process at a time. ``side`` in pixels, ``each_s`` seconds of CPU for one picture."""

    def __init__(self, side: int, each_s: float = EACH_S) -> None:
        self._side, self._each_s = side, each_s
        self._process: subprocess.Popen[bytes] | None = None
        self._done = 0
        self.fences: tuple[str, ...] = ()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End its process; a picture that is asked for later has a fresh one."""
        self._end()

    def paint(self, found: Found) -> Painted:
        """One picture."""
        if self._process is None or self._done >= FRESH_AFTER:
            self._end()
            self._process = self._begun()
        self._done += 1
        form = b"s" if found.form == SVG else b"r"
        header = ASKED.pack(form, bytes([found.crop]), self._side, len(found.data))
        try:
            answer = _asked(self._process, header + found.data, self._each_s * PATIENCE)
        except TimeoutError:
            self._end()
            return TOO_LONG
        except (BrokenPipeError, EOFError):
            return TOO_LONG if self._end() == -signal.SIGPROF else DEADLY
        if answer[:1] == b"!" and len(answer) < 200:
            return answer[1:].decode("utf-8", "replace")
        if len(answer) != self._side * self._side * 4:
            self._end()
            return DEADLY
        return np.frombuffer(answer, np.uint8).reshape(self._side, self._side, 4)

    def _begun(self) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "gnomon.lab.pictures.painter", str(CPU_S),
             str(self._each_s)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            close_fds=True, start_new_session=True, cwd="/", env=_environment(), bufsize=0,
        )  # fmt: skip
        assert process.stdout is not None
        self._done = 0
        try:
            with _watching(process.stdout) as watch:
                line = b""
                while not line.endswith(b"\n"):
                    line += _some(process.stdout, watch, 1, 60.0)
        except (TimeoutError, EOFError) as error:
            process.kill()
            process.wait()
            raise InputError(
                "the process that draws pictures does not start; try: "
                "python -m gnomon.lab.pictures.painter 10 1"
            ) from error
        self.fences = tuple(line.decode().strip().split(","))
        return process

    def _end(self) -> int:
        """End the process, if there is one; how it ended, where it had already."""
        process, self._process = self._process, None
        if process is None:
            return 0
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()
        try:
            code = process.wait(END_S)
        except subprocess.TimeoutExpired:
            process.kill()
            code = process.wait()
        return code


def _asked(process: subprocess.Popen[bytes], question: bytes, each_s: float) -> bytes:
    """What the process answers. Raises TimeoutError, EOFError, BrokenPipeError."""
    assert process.stdin is not None
    assert process.stdout is not None
    # The process reads a question whole before it writes, so this cannot wait for itself.
    view = memoryview(question)
    while view:
        view = view[process.stdin.write(view) or 0 :]
    with _watching(process.stdout) as watch:
        (length,) = SAID.unpack(_some(process.stdout, watch, SAID.size, each_s))
        if length > 2**26:
            raise EOFError
        return _some(process.stdout, watch, length, each_s)


@contextmanager
def _watching(pipe: IO[bytes]) -> Iterator[selectors.BaseSelector]:
    with selectors.DefaultSelector() as watch:
        watch.register(pipe, selectors.EVENT_READ)
        yield watch


def _some(pipe: IO[bytes], watch: selectors.BaseSelector, length: int, each_s: float) -> bytes:
    """Just so many bytes."""
    read = bytearray()
    while len(read) < length:
        if not watch.select(each_s):
            raise TimeoutError
        part = os.read(pipe.fileno(), length - len(read))
        if not part:
            raise EOFError
        read += part
    return bytes(read)


def _environment() -> dict[str, str]:
    """Nothing of ours but where Python finds its modules."""
    return {
        "PYTHONPATH": str(Path(gnomon.__file__).parent.parent),
        "PYTHONDONTWRITEBYTECODE": "1",
        "LANG": "C.UTF-8",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
    }
