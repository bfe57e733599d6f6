"""stable-diffusion.cpp: the owner's own ``sd-cli`` as a child process, one a picture.

https://github.com/leejet/stable-diffusion.cpp (MIT). The program, not a binding: the well-kept
bindings are source packages that compile for half an hour, and a program that crashes takes no
server with it. It reads GGUF and safetensors; the model is loaded anew for each picture.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import tempfile
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO

from gnomon.errors import ConfigError, ModelError, ModelMissing, ModelTimeout
from gnomon.models.draw_onnx import check_size
from gnomon.models.draw_raster import decode, encode
from gnomon.models.process import environment
from gnomon.types.pictures import Brush, Raster, Sketch, Stroke

PROGRAMS = ("sd-cli", "sd")
SUFFIXES = (".gguf", ".safetensors", ".ckpt")
_PROGRESS = re.compile(r"\|\s*(\d+)/(\d+)\s*-")
_LOG_LINES = 4


class SdCpp:
    """A Draw over a model file. ``program`` is a path or "" for the first of ``PROGRAMS`` that is
    on the PATH. ``more`` are further arguments of the owner's, such as those that name a VAE."""

    def __init__(
        self, model: Path, *, program: str = "", threads: int = 2, more: tuple[str, ...] = ()
    ) -> None:
        """Raises ModelMissing, ConfigError."""
        if not model.is_file():
            raise ModelMissing(f"No model file at {str(model)!r}; give a GGUF or safetensors file.")
        found = (
            shutil.which(program)
            if program
            else next(filter(None, map(shutil.which, PROGRAMS)), None)
        )
        if found is None:
            raise ConfigError(
                f"{program or ' or '.join(PROGRAMS)} is not on this machine; build "
                "stable-diffusion.cpp and set draw_program to its sd-cli."
            )
        self.name = model.stem
        self._model, self._program, self._threads, self._more = model, found, threads, more
        self._busy = threading.Lock()
        self._sha256 = ""

    def brush(self) -> Brush:
        if not self._sha256:
            with self._model.open("rb") as file:
                self._sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        return Brush(
            name=self.name,
            sha256=self._sha256,
            sizes=((512, 512),),
            multiple=64,
            languages=("en",),
            steps=20,
            guidance=7.0,
            edits=True,
            masks=True,
        )

    def draw(self, sketch: Sketch, *, timeout_s: float = 600.0) -> Iterator[Stroke | Raster]:
        """See ``protocols.Draw``."""
        brush = self.brush()
        check_size(sketch, brush)
        ends = time.monotonic() + timeout_s
        if not self._busy.acquire(timeout=timeout_s):
            raise ModelTimeout(f"{self.name} was busy for {timeout_s:g} s; ask again later.")
        try:
            with tempfile.TemporaryDirectory(prefix="gnomon-draw-") as scratch:
                yield from self._run(sketch, brush, Path(scratch), ends, timeout_s)
        finally:
            self._busy.release()

    def close(self) -> None:
        pass  # each picture's process has ended with it

    def _run(
        self, sketch: Sketch, brush: Brush, scratch: Path, ends: float, timeout_s: float
    ) -> Iterator[Stroke | Raster]:
        out = scratch / "picture.png"
        try:
            process = subprocess.Popen(
                self._command(sketch, brush, scratch, out),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                env=environment(self._threads),
                cwd=scratch,
            )
        except OSError as error:
            raise ModelError(f"{self._program} cannot be started: {error.strerror}.") from error
        # A program that says nothing is ended, too.
        late = threading.Timer(max(0.0, ends - time.monotonic()), process.kill)
        late.daemon = True
        late.start()
        said: deque[str] = deque(maxlen=_LOG_LINES)
        try:
            assert process.stdout is not None
            yield from _strokes(process.stdout, said)
            code = process.wait()
        finally:
            late.cancel()
            if process.poll() is None:
                process.kill()
                with suppress(subprocess.TimeoutExpired):
                    process.wait(timeout=5)
            if process.stdout is not None:
                process.stdout.close()
        if time.monotonic() >= ends:
            raise ModelTimeout(f"{self.name} did not finish within {timeout_s:g} s.")
        if code or not out.is_file():
            words = " | ".join(said) or "it said nothing"
            raise ModelError(f"{Path(self._program).name} failed (exit status {code}): {words}.")
        yield decode(out.read_bytes())

    def _command(self, sketch: Sketch, brush: Brush, scratch: Path, out: Path) -> list[str]:
        guidance = brush.guidance if sketch.guidance is None else sketch.guidance
        command = [
            self._program, "-m", str(self._model.absolute()), "-p", sketch.prompt,
            "-n", sketch.negative, "-W", str(sketch.width), "-H", str(sketch.height),
            "--steps", str(sketch.steps or brush.steps), "-s", str(sketch.seed),
            "--cfg-scale", f"{guidance:g}", "-t", str(self._threads), "-o", str(out),
        ]  # fmt: skip
        if sketch.source is not None:
            first = scratch / "source.png"
            first.write_bytes(encode(sketch.source, "png"))
            command += ["-i", str(first), "--strength", f"{sketch.strength:g}"]
            if sketch.mask is not None:
                grey = b"".join(bytes((value,)) * 3 for value in sketch.mask)
                mask = scratch / "mask.png"
                mask.write_bytes(encode(Raster(sketch.width, sketch.height, grey), "png"))
                command += ["--mask", str(mask)]
        return [*command, *self._more]


def _strokes(stream: IO[bytes], said: deque[str]) -> Iterator[Stroke]:
    """Progress is a line that is written over itself: ``|=====>   | 5/20 - 1.52s/it``."""
    rest = b""
    last = 0
    while chunk := stream.read1(4096):  # type: ignore[attr-defined]
        *lines, rest = re.split(rb"[\r\n]", rest + chunk)
        for line in lines:
            text = line.decode("utf-8", "replace").strip()
            if found := _PROGRESS.search(text):
                step, steps = int(found[1]), int(found[2])
                # Loading has such lines, too, with more steps than any picture.
                if last < step <= steps <= 1000:
                    last = step
                    yield Stroke(step, steps)
            elif text:
                said.append(text[:300])
    if rest.strip():
        said.append(rest.decode("utf-8", "replace").strip()[:300])
