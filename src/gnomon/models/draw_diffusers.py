"""Any pipeline of diffusers (FLUX, Stable Diffusion, PRX, ...), in a worker process with torch.

A folder as ``save_pretrained`` writes it, or a name on the hub (``owner/name``), which diffusers
fetches and keeps itself. Only safetensors are loaded, and no code that comes with a model is run.
"""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Iterator
from pathlib import Path

from gnomon.errors import ConfigError, InputError, pip_install
from gnomon.models.draw_onnx import asked_of, check_size, pictures_of
from gnomon.models.process import WorkerProcess
from gnomon.types.pictures import Brush, Raster, Sketch, Stroke

IDLE_S = 600.0
LOAD_S = 600.0
"""From the hub the weights come first: gigabytes."""


def is_diffusers(folder: Path) -> bool:
    return (folder / "model_index.json").is_file()


class DiffusersDraw:
    """A Draw over a folder or a name on the hub. ``device`` is "auto", "cpu", "cuda" or "mps"."""

    def __init__(
        self, where: str, *, device: str = "auto", threads: int = 2, idle_s: float = IDLE_S
    ) -> None:
        """Raises ConfigError without ``gnomon[diffusers]``."""
        missing = [name for name in ("torch", "diffusers") if not importlib.util.find_spec(name)]
        if missing:
            raise ConfigError(
                f"{where[:120]!r} is a pipeline of diffusers, and {' and '.join(missing)} is not "
                f"installed; run: {pip_install('gnomon[diffusers]')}"
            )
        folder = Path(where).expanduser()
        self._folder = folder if folder.is_dir() else None
        self.name = folder.name if self._folder else where
        self._brush: Brush | None = None
        load = {
            "op": "load",
            "task": "draw-diffusers",
            "where": str(folder.absolute()) if self._folder else where,
            "device": device,
            "threads": threads,
        }
        self.worker = WorkerProcess(self.name, load, threads=threads, slots=1, idle_s=idle_s)

    def brush(self) -> Brush:
        """See ``protocols.Draw``; loads the pipeline."""
        if self._brush is None:
            facts = self.worker.start(LOAD_S)
            side = facts["side"]
            self._brush = Brush(
                name=self.name,
                sha256=_sha256(self._folder) if self._folder else "",
                sizes=((side, side),),
                multiple=facts["multiple"],
                # Text encoders of these pipelines read English; which read more is not told.
                languages=("en",),
                steps=facts["steps"],
                guidance=facts["guidance"],
                edits=facts["edits"],
                masks=facts["masks"],
            )
        return self._brush

    def draw(self, sketch: Sketch, *, timeout_s: float = 600.0) -> Iterator[Stroke | Raster]:
        """See ``protocols.Draw``."""
        brush = self.brush()
        check_size(sketch, brush)
        if sketch.mask is not None and not brush.masks:
            raise InputError(f"{self.name} has no way to keep a part of a picture; leave the mask.")
        if sketch.source is not None and not brush.edits:
            raise InputError(f"{self.name} cannot start from a picture.")
        yield from pictures_of(self.worker, asked_of(sketch, brush), sketch, timeout_s)

    def close(self) -> None:
        self.worker.close()


def _sha256(folder: Path) -> str:
    """Of all weights of the pipeline, in the order of their names."""
    whole = hashlib.sha256()
    for path in sorted(folder.rglob("*.safetensors")):
        with path.open("rb") as file:
            whole.update(hashlib.file_digest(file, "sha256").digest())
    return whole.hexdigest()
