"""Looking at a finished picture: Yahoo's Open-NSFW, a small network for one question.

https://github.com/yahoo/open_nsfw. It tells nudity in photographs; drawings, violence, hate and
documents it does not know. In a worker process, since it reads what a model made of strangers'
words.
"""

from __future__ import annotations

from pathlib import Path

from gnomon.errors import ModelError, ModelMissing
from gnomon.models.installed import find, verify
from gnomon.models.process import WorkerProcess
from gnomon.types.pictures import Raster

NAME = "open-nsfw"
IDLE_S = 300.0


class Look:
    """Over the pulled model. Raises ModelMissing where it is not here, ModelMismatch."""

    def __init__(self, models_dir: Path, *, threads: int = 1) -> None:
        held = find(models_dir, NAME)
        if held is None:
            raise ModelMissing(f"{NAME} is not on this machine; run `gnomon models pull {NAME}`.")
        verify(held)
        load = {
            "op": "load", "task": "draw-look", "path": str(held.path.absolute()),
            "threads": threads,
        }  # fmt: skip
        self.worker = WorkerProcess(NAME, load, threads=threads, slots=1, idle_s=IDLE_S)

    def nsfw(self, raster: Raster) -> float:
        """The probability that it shows nudity, 0 to 1. Raises ModelError."""
        asked = {"op": "run", "width": raster.width, "height": raster.height}
        for frame in self.worker.request(asked, timeout_s=60.0, payload=raster.rgb):
            if frame.header["op"] == "end":
                return float(frame.header["score"])
        raise ModelError(f"{NAME} ended without a score; ask again.")

    def close(self) -> None:
        self.worker.close()
