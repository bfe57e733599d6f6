"""An exported pipeline on ONNX Runtime, in a worker process: text encoder, denoiser, decoder.

The folder is laid out as Optimum exports diffusers pipelines
(https://huggingface.co/docs/optimum-onnx): nothing of it is of our own making.

    model_index.json                    which parts there are
    tokenizer/tokenizer.json            or tokenizer.json; read by ``tokenizers``
    text_encoder/model.onnx             input_ids [B,T] int64 (attention_mask [B,T] where it is an
                                        input) -> the first output with three axes: [B,T,D] float32
    transformer/model.onnx              hidden_states or sample [B,C,h,w], timestep [B] float32
      (or unet/)                        (0 to num_train_timesteps), encoder_hidden_states [B,T,D]
                                        (encoder_attention_mask [B,T]) -> velocity [B,C,h,w]
    transformer/config.json             sample_size, in_channels
    vae_decoder/model.onnx, config.json optional: latent_sample -> sample in -1..1; scaling_factor,
                                        shift_factor. Without it the denoiser works on pixels
    vae_encoder/model.onnx              optional: to start from a picture
    scheduler/scheduler_config.json     _class_name FlowMatchEulerDiscreteScheduler, shift,
                                        num_train_timesteps
    card.json                           gnomon: name, languages, sizes, fixed, multiple, steps,
                                        guidance, short_prompts, licence
    README.md, pulled.json              what is known of it; each file with its hash
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from gnomon.errors import InputError, ModelError, ModelMissing
from gnomon.models.process import WorkerProcess
from gnomon.types.pictures import Brush, Raster, Sketch, Stroke

IDLE_S = 600.0
SHIPPED = Path(__file__).parent / "drawer"
"""The small model of our own that comes with gnomon; made by runs/pictures.sh."""
FLOW = "FlowMatchEulerDiscreteScheduler"
_DENOISERS = ("transformer", "unet")


def is_pipeline(folder: Path) -> bool:
    """Whether a folder is one that this file runs."""
    return (folder / "model_index.json").is_file() and any(
        (folder / part / "model.onnx").is_file() for part in _DENOISERS
    )


def read_json(path: Path) -> dict[str, Any]:
    """Raises ModelError."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(f"{path} cannot be read ({error}); export the model again.") from error
    if not isinstance(value, dict):
        raise ModelError(f"{path} holds no object; export the model again.")
    return value


class OnnxDraw:
    """A Draw over an exported folder. Nothing is loaded before the first picture."""

    def __init__(self, folder: Path, *, threads: int = 2, idle_s: float = IDLE_S) -> None:
        """Raises ModelMissing, ModelError where the folder is not such a pipeline."""
        if not is_pipeline(folder):
            raise ModelMissing(
                f"{str(folder)!r} is no exported pipeline; it needs model_index.json and "
                "transformer/model.onnx (docs/pictures.md)."
            )
        self._folder = folder
        self._parts = _parts(folder)
        self._brush = _brush(folder, self._parts)
        self.name = self._brush.name
        load = {
            "op": "load",
            "task": "draw-onnx",
            "folder": str(folder.absolute()),
            "parts": self._parts,
            "threads": threads,
        }
        self.worker = WorkerProcess(self.name, load, threads=threads, slots=1, idle_s=idle_s)

    def brush(self) -> Brush:
        return self._brush

    def draw(self, sketch: Sketch, *, timeout_s: float = 600.0) -> Iterator[Stroke | Raster]:
        """See ``protocols.Draw``."""
        check_size(sketch, self._brush)
        if sketch.source is not None and not self._brush.edits:
            raise InputError(f"{self.name} cannot start from a picture: it has no vae_encoder.")
        yield from pictures_of(self.worker, asked_of(sketch, self._brush), sketch, timeout_s)

    def close(self) -> None:
        self.worker.close()


def check_size(sketch: Sketch, brush: Brush) -> None:
    """Raises InputError for a size that the model cannot draw."""
    size = (sketch.width, sketch.height)
    if brush.fixed and size not in brush.sizes:
        known = ", ".join(f"{w}x{h}" for w, h in brush.sizes)
        raise InputError(f"{brush.name} cannot draw {size[0]}x{size[1]}; it draws {known}.")
    if any(side % brush.multiple or side < brush.multiple for side in size):
        raise InputError(
            f"{size[0]}x{size[1]} is no size for {brush.name}; give multiples of {brush.multiple}."
        )


def asked_of(sketch: Sketch, brush: Brush) -> dict[str, Any]:
    """A sketch as a request to a worker; the pixels of a source go beside it."""
    guidance = brush.guidance if sketch.guidance is None else sketch.guidance
    return {
        "op": "run",
        "prompt": sketch.prompt,
        "negative": sketch.negative,
        "width": sketch.width,
        "height": sketch.height,
        "seed": sketch.seed,
        "steps": sketch.steps or brush.steps,
        "guidance": guidance,
        "source": sketch.source is not None,
        "mask": sketch.mask is not None,
        "strength": sketch.strength,
        "previews": sketch.previews,
    }


def pictures_of(
    worker: WorkerProcess, asked: Mapping[str, Any], sketch: Sketch, timeout_s: float
) -> Iterator[Stroke | Raster]:
    """A worker's frames as strokes and a picture."""
    payload = (sketch.source.rgb if sketch.source else b"") + (sketch.mask or b"")
    for frame in worker.request(dict(asked), timeout_s=timeout_s, payload=payload):
        told = frame.header
        if told["op"] == "stroke":
            preview = None
            if frame.payload:
                preview = Raster(told["width"], told["height"], frame.payload)
            yield Stroke(told["step"], told["steps"], preview)
        elif told["op"] == "end":
            if not frame.payload:
                raise ModelError(f"{worker.name} ended without a picture; ask again.")
            yield Raster(told["width"], told["height"], frame.payload)


def _parts(folder: Path) -> dict[str, Any]:
    """Where each part is, and the settings of the schedule."""
    scheduler = read_json(folder / "scheduler" / "scheduler_config.json")
    if scheduler.get("_class_name", FLOW) != FLOW:
        raise ModelError(
            f"{str(folder)!r} wants {scheduler.get('_class_name')!r}; exported pipelines run with "
            f"{FLOW} only. Give the diffusers folder itself instead."
        )
    tokenizer = next(
        (p for p in (folder / "tokenizer" / "tokenizer.json", folder / "tokenizer.json")
         if p.is_file()), None,
    )  # fmt: skip
    if tokenizer is None:
        raise ModelError(f"{str(folder)!r} has no tokenizer.json; export the model again.")
    held: dict[str, Any] = {"tokenizer": str(tokenizer.absolute())}
    for part in ("text_encoder", "vae_decoder", "vae_encoder", *_DENOISERS):
        if (path := folder / part / "model.onnx").is_file():
            held["denoiser" if part in _DENOISERS else part] = str(path.absolute())
    if "text_encoder" not in held:
        raise ModelError(f"{str(folder)!r} has no text_encoder/model.onnx; export it again.")
    denoiser = next(part for part in _DENOISERS if (folder / part / "model.onnx").is_file())
    config = read_json(folder / denoiser / "config.json")
    vae = folder / "vae_decoder" / "config.json"
    decoder = read_json(vae) if vae.is_file() else {}
    return held | {
        "channels": int(config.get("in_channels", 3)),
        "sample_size": config.get("sample_size", 64),
        "scale": float(decoder.get("scaling_factor") or 1.0),
        "shift": float(decoder.get("shift_factor") or 0.0),
        "factor": 2 ** (len(decoder.get("block_out_channels", (0,))) - 1) if decoder else 1,
        "sigma_shift": float(scheduler.get("shift", 1.0)),
        "timesteps": int(scheduler.get("num_train_timesteps", 1000)),
    }


def _brush(folder: Path, parts: Mapping[str, Any]) -> Brush:
    card_path = folder / "card.json"
    card = read_json(card_path) if card_path.is_file() else {}
    side = parts["sample_size"]
    height, width = (side, side) if isinstance(side, int) else side
    factor = parts["factor"]
    sizes = tuple((int(w), int(h)) for w, h in card.get("sizes", ())) or (
        (width * factor, height * factor),
    )
    return Brush(
        name=str(card.get("name") or folder.name),
        sha256=_sha256(folder, parts),
        sizes=sizes,
        multiple=int(card.get("multiple", factor)),
        fixed=bool(card.get("fixed", True)),
        languages=tuple(card.get("languages", ("en",))),
        steps=int(card.get("steps", 20)),
        guidance=float(card.get("guidance", 4.0)),
        edits="vae_decoder" not in parts or "vae_encoder" in parts,
        masks=True,
        short=bool(card.get("short_prompts", False)),
        licence=str(card.get("licence", "not stated")),
    )


def _sha256(folder: Path, parts: Mapping[str, Any]) -> str:
    """Of the denoiser: as ``pulled.json`` has it, else by reading it."""
    path = Path(parts["denoiser"])
    manifest = folder / "pulled.json"
    if manifest.is_file():
        for file in read_json(manifest).get("files", ()):
            if file.get("path") == path.relative_to(folder.absolute()).as_posix():
                return str(file["sha256"])
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
