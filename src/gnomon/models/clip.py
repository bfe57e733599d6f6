"""CLIP on ONNX Runtime, in a worker process: pictures and words as vectors of one space.

The folder is what Optimum and transformers.js call a CLIP exported in two parts
(https://huggingface.co/docs/optimum-onnx, https://huggingface.co/Xenova/clip-vit-base-patch32);
`gnomon lab clip` makes one, and any other CLIP in that layout is read alike:

    vision/model.onnx         pixel_values [B,3,side,side] float32 -> image_embeds [B,D]
    text/model.onnx           input_ids [B,T] int64 (attention_mask [B,T] where it is an input)
                              -> text_embeds [B,D]
    tokenizer.json            read by ``tokenizers``, its template with begin and end
    preprocessor_config.json  sides, crop, mean and deviation, as CLIPImageProcessor has them
    tokenizer_config.json, config.json   optional: the longest text, where the graph does not say
    card.json                 gnomon: name, languages (["en"] where it does not say), licence
    pulled.json               each file with its hash: without it the folder is no installed model
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from gnomon.errors import ModelError, ModelMissing
from gnomon.models.installed import MANIFEST
from gnomon.models.process import WorkerProcess

IDLE_S = 300.0
BATCH = 16
TIMEOUT_S = 120.0
_PARTS = {
    "vision": ("vision/model.onnx", "vision_model.onnx", "onnx/vision_model.onnx"),
    "text": ("text/model.onnx", "text_model.onnx", "onnx/text_model.onnx"),
}
_USUAL_TOKENS = 77  # of OpenAI's CLIP
_MOST_TOKENS = 4096  # what is more is a placeholder for "no limit"


def part(folder: Path, name: str) -> Path | None:
    """Where the ``vision`` or ``text`` half lies."""
    return next((folder / p for p in _PARTS[name] if (folder / p).is_file()), None)


def is_clip(folder: Path) -> bool:
    """Whether a folder is one that this file runs."""
    return part(folder, "vision") is not None and part(folder, "text") is not None


class OnnxClip:
    """A See over an exported folder. Nothing is loaded before the first call."""

    def __init__(self, folder: Path, *, threads: int = 1, idle_s: float = IDLE_S) -> None:
        """Raises ModelMissing, ModelError where the folder is not whole."""
        vision, text = part(folder, "vision"), part(folder, "text")
        if vision is None or text is None:
            raise ModelMissing(
                f"{str(folder)!r} is no exported CLIP; it needs vision/model.onnx and "
                "text/model.onnx (docs/search-images.md)."
            )
        card = _object(folder / "card.json", needed=False)
        self.name = str(card.get("name") or folder.name)
        said = card.get("languages", ("en",))
        self.languages = tuple(map(str, said if isinstance(said, list) else ("en",)))
        self.id = f"{self.name} {_sha256(folder, vision)[:16]}"
        if not (folder / "tokenizer.json").is_file():
            raise ModelError(f"{str(folder)!r} has no tokenizer.json; export the model again.")
        load = {
            "op": "load",
            "task": "see",
            "vision": str(vision.absolute()),
            "text": str(text.absolute()),
            "tokenizer": str((folder / "tokenizer.json").absolute()),
            "tokens": _tokens(folder),
            "prepare": preparation(_object(folder / "preprocessor_config.json")),
            "threads": threads,
        }
        self.worker = WorkerProcess(self.name, load, threads=threads, slots=1, idle_s=idle_s)

    def pictures(self, files: Sequence[bytes], *, timeout_s: float = TIMEOUT_S) -> np.ndarray:
        found = [
            self._rows(
                {"op": "run", "sizes": [len(file) for file in some]}, b"".join(some), timeout_s
            )
            for some in (files[at : at + BATCH] for at in range(0, len(files), BATCH))
        ]
        return np.concatenate(found) if found else np.zeros((0, 0), np.float32)

    def words(self, text: str, *, timeout_s: float = TIMEOUT_S) -> np.ndarray:
        row: np.ndarray = self._rows({"op": "run", "words": text}, b"", timeout_s)[0]
        return row

    def _rows(self, asked: Mapping[str, Any], payload: bytes, timeout_s: float) -> np.ndarray:
        for frame in self.worker.request(dict(asked), timeout_s=timeout_s, payload=payload):
            if frame.header["op"] == "end":
                rows = np.frombuffer(frame.payload, np.float32).reshape(frame.header["rows"], -1)
                lengths = np.linalg.norm(rows, axis=1, keepdims=True)
                if not np.isfinite(lengths).all() or not (lengths > 0).all():
                    raise ModelError(f"{self.name} gave no numbers; export the model again.")
                unit: np.ndarray = rows / lengths
                return unit
        raise ModelError(f"{self.name} ended without vectors; ask again.")

    def close(self) -> None:
        self.worker.close()


def preparation(config: Mapping[str, Any]) -> dict[str, Any]:
    """What is done with a picture before the model sees it, from a preprocessor_config.json:
    ``resize`` (an edge, or height and width, or None), ``crop`` (height and width, or None),
    ``resample`` (Pillow's number), ``scale``, ``mean``, ``std``. Raises ModelError naming the
    field that cannot be used."""
    try:
        size = config.get("size", 224)
        resize: int | tuple[int, int] | None = None
        if config.get("do_resize", True):
            resize = (
                int(size["shortest_edge"]) if isinstance(size, dict) and "shortest_edge" in size
                else _height_width(size) if isinstance(size, dict) else int(size)
            )  # fmt: skip
        crop = config.get("crop_size", 224) if config.get("do_center_crop", True) else None
        rescale = float(config.get("rescale_factor", 1 / 255))
        normal = bool(config.get("do_normalize", True))
        mean = [float(x) for x in config["image_mean"]] if normal else [0.0] * 3
        std = [float(x) for x in config["image_std"]] if normal else [1.0] * 3
        if len(mean) != 3 or len(std) != 3 or min(std) <= 0:
            raise ValueError("image_mean and image_std want three numbers each")
        return {
            "resize": resize,
            "crop": None if crop is None else _height_width(crop),
            "resample": int(config.get("resample", 3)),
            "scale": rescale if config.get("do_rescale", True) else 1.0,
            "mean": mean,
            "std": std,
        }
    except (KeyError, TypeError, ValueError) as error:
        raise ModelError(
            f"preprocessor_config.json cannot be used ({type(error).__name__}: {error}); export "
            "the model again."
        ) from error


def _height_width(size: Any) -> tuple[int, int]:
    if isinstance(size, dict):
        return int(size["height"]), int(size["width"])
    return int(size), int(size)


def _object(path: Path, *, needed: bool = True) -> dict[str, Any]:
    """Raises ModelError."""
    if not needed and not path.is_file():
        return {}
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(f"{path} cannot be read ({error}); export the model again.") from error
    if not isinstance(value, dict):
        raise ModelError(f"{path} holds no object; export the model again.")
    return value


def _tokens(folder: Path) -> int:
    """The longest text in tokens, its begin and end included, as far as files say it."""
    for name, *path in (
        ("card.json", "context_tokens"),
        ("tokenizer_config.json", "model_max_length"),
        ("config.json", "text_config", "max_position_embeddings"),
    ):
        value: Any = _object(folder / name, needed=False)
        for key in path:
            value = value.get(key) if isinstance(value, dict) else None
        if isinstance(value, int | float) and 2 < value <= _MOST_TOKENS:
            return int(value)
    return _USUAL_TOKENS


def _sha256(folder: Path, path: Path) -> str:
    """Of the picture half: as ``pulled.json`` has it, else by reading it."""
    for file in _object(folder / MANIFEST, needed=False).get("files", ()):
        if isinstance(file, dict) and file.get("path") == path.relative_to(folder).as_posix():
            return str(file.get("sha256"))
    with path.open("rb") as held:
        return hashlib.file_digest(held, "sha256").hexdigest()
