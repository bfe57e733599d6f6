"""The worker's side of ``clip``."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from gnomon.models.draw_onnx_runner import providers


class ClipRunner:
    """Two loaded sessions. Texts and pictures one request at a time."""

    def __init__(self, load: Mapping[str, Any]) -> None:
        """Raises ValueError where the two halves are no CLIP together."""
        from tokenizers import Tokenizer

        self._vision = _session(load["vision"], load["threads"])
        self._text = _session(load["text"], load["threads"])
        self._prepare: Mapping[str, Any] = load["prepare"]
        self._tokenizer = Tokenizer.from_file(load["tokenizer"])
        self._tokenizer.no_padding()
        fixed = _fixed_length(self._text)
        self._length = fixed
        self._tokenizer.enable_truncation(fixed or load["tokens"])
        self._busy = threading.Lock()
        side = self._sides()
        seen = self._see(np.zeros((1, 3, *side), np.float32))
        told = self._tell("a")
        if seen.shape[1] != told.shape[1]:
            raise ValueError(
                f"its pictures have {seen.shape[1]} dimensions and its words {told.shape[1]}: "
                "these are halves of two models"
            )
        self._dim = seen.shape[1]

    def facts(self) -> dict[str, Any]:
        return {"dim": self._dim, "providers": self._vision.get_providers()}

    def run(
        self, request: dict[str, Any], send: Callable[..., None], cancelled: threading.Event
    ) -> None:
        with self._busy:
            if "words" in request:
                rows = self._tell(request["words"])
            else:
                pixels, at = [], 0
                for size in request["sizes"]:
                    pixels.append(prepared(request["payload"][at : at + size], self._prepare))
                    at += size
                rows = self._see(np.stack(pixels))
        send("end", payload=np.ascontiguousarray(rows).tobytes(), rows=len(rows))

    def _sides(self) -> tuple[int, int]:
        """Of what the model is given: after the crop, or the resize."""
        crop, resize = self._prepare["crop"], self._prepare["resize"]
        if crop is not None:
            return int(crop[0]), int(crop[1])
        if isinstance(resize, int):
            return resize, resize
        if resize is not None:
            return int(resize[0]), int(resize[1])
        shape = self._vision.get_inputs()[0].shape
        return tuple(s if isinstance(s, int) else 224 for s in shape[-2:])  # type: ignore[return-value]

    def _see(self, pixels: np.ndarray) -> np.ndarray:
        name = self._vision.get_inputs()[0].name
        return _embeds(self._vision, {name: pixels}, "image_embeds")

    def _tell(self, text: str) -> np.ndarray:
        ids = self._tokenizer.encode(text).ids
        if not ids:
            raise ValueError("the tokenizer makes nothing of these words")
        width = self._length or len(ids)
        row, mask = np.zeros((2, 1, width), np.int64)
        # What comes after the end is not attended to; CLIPs pool at the first end or the largest
        # id, so the end itself is what may be repeated.
        row[0, :], row[0, : len(ids)], mask[0, : len(ids)] = ids[-1], ids, 1
        given = {"input_ids": row, "attention_mask": mask}
        wanted = {one.name: one.type for one in self._text.get_inputs()}
        if unknown := sorted(set(wanted) - set(given)):
            raise ValueError(f"the text half wants {unknown[0]!r}, which nothing here gives")
        feeds = {
            name: given[name].astype(np.int32) if "int32" in kind else given[name]
            for name, kind in wanted.items()
        }
        return _embeds(self._text, feeds, "text_embeds")


def prepared(file: bytes, how: Mapping[str, Any]) -> np.ndarray:
    """``[3, height, width]`` float32: resized, cropped from the middle (with black where it is too
    small), scaled and normalised in the order of CLIPImageProcessor
    (https://huggingface.co/docs/transformers/model_doc/clip)."""
    from PIL import Image

    image = Image.open(io.BytesIO(file)).convert("RGB")
    resize, crop = how["resize"], how["crop"]
    if resize is not None:
        width, height = image.size
        if isinstance(resize, int):
            short, long = min(width, height), max(width, height)
            other = int(resize * long / short)
            size = (resize, other) if width <= height else (other, resize)
        else:
            size = (int(resize[1]), int(resize[0]))
        image = image.resize(size, Image.Resampling(how["resample"]))
    pixels = np.asarray(image, np.float32)
    if crop is not None:
        pixels = _cropped(pixels, int(crop[0]), int(crop[1]))
    pixels = pixels * np.float32(how["scale"])
    mean, std = np.asarray(how["mean"], np.float32), np.asarray(how["std"], np.float32)
    return np.ascontiguousarray(((pixels - mean) / std).transpose(2, 0, 1), np.float32)


def _cropped(pixels: np.ndarray, height: int, width: int) -> np.ndarray:
    down, right = height - pixels.shape[0], width - pixels.shape[1]
    if down > 0 or right > 0:
        above, left = max(0, -(-down // 2)), max(0, -(-right // 2))
        edges = ((above, max(0, down) - above if down > 0 else 0),
                 (left, max(0, right) - left if right > 0 else 0), (0, 0))  # fmt: skip
        pixels = np.pad(pixels, edges)
    top, first = (pixels.shape[0] - height) // 2, (pixels.shape[1] - width) // 2
    return pixels[top : top + height, first : first + width]


def _session(path: str, threads: int) -> Any:
    """Raises ValueError where it is no model that runs here."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # Threads that spin while they wait starve everything else on a small machine.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(path, options, providers=providers(onnxruntime))
    except _failures() as error:
        raise ValueError(
            f"{path} is damaged or no model that runs here ({str(error)[:160]})"
        ) from error


def _failures() -> tuple[type[Exception], ...]:
    """ONNX Runtime's errors, which have no root of their own."""
    from onnxruntime.capi import onnxruntime_pybind11_state as told

    return (
        told.Fail,
        told.InvalidArgument,
        told.InvalidGraph,
        told.InvalidProtobuf,
        told.NotImplemented,
        told.RuntimeException,
    )


def _embeds(session: Any, feeds: Mapping[str, np.ndarray], name: str) -> np.ndarray:
    """The output called ``name``, or the only one with two axes. Raises ValueError."""
    outputs = [one.name for one in session.get_outputs()]
    try:
        found = dict(zip(outputs, session.run(None, dict(feeds)), strict=True))
    except _failures() as error:
        raise ValueError(f"it cannot run ({str(error)[:160]})") from error
    flat = [value for value in found.values() if value.ndim == 2]
    if name not in found and len(flat) != 1:
        raise ValueError(f"of its outputs {', '.join(outputs)} none is {name}")
    rows = found.get(name, flat[0] if flat else None)
    return np.asarray(rows, np.float32)


def _fixed_length(session: Any) -> int:
    """How many tokens the text half takes, 0 where any number does."""
    shape = next((one.shape for one in session.get_inputs() if one.name == "input_ids"), None)
    if not shape or len(shape) != 2:
        raise ValueError("its text half takes no input_ids [B,T]")
    return shape[1] if isinstance(shape[1], int) else 0
