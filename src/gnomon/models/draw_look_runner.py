"""The worker's side of ``draw_look``.

The network was trained on pictures that went through a resize, JPEG and a crop, in BGR less the
mean of its training set, so they do here
(https://github.com/yahoo/open_nsfw/blob/master/classify_nsfw.py).
"""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

RESIZED, CROP = 256, 224
_MEAN_BGR = np.array([104.0, 117.0, 123.0], np.float32)


class LookRunner:
    def __init__(self, load: Mapping[str, Any]) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = load["threads"]
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(
            load["path"], options, providers=["CPUExecutionProvider"]
        )

    def facts(self) -> dict[str, Any]:
        return {"inputs": self._session.get_inputs()[0].shape}

    def run(
        self, request: dict[str, Any], send: Callable[..., None], cancelled: threading.Event
    ) -> None:
        pixels = prepared((request["width"], request["height"]), request["payload"])
        name = self._session.get_inputs()[0].name
        (found, *_) = self._session.run(None, {name: pixels[None]})
        send("end", score=float(np.asarray(found).reshape(-1)[-1]))


def prepared(size: tuple[int, int], rgb: bytes) -> np.ndarray:
    """``[224, 224, 3]`` float32."""
    from PIL import Image

    small = Image.frombytes("RGB", size, rgb).resize((RESIZED, RESIZED), Image.Resampling.BILINEAR)
    out = io.BytesIO()
    small.save(out, "JPEG")
    decoded = np.asarray(Image.open(out).convert("RGB"), np.float32)
    edge = (RESIZED - CROP) // 2
    cut = decoded[edge : edge + CROP, edge : edge + CROP]
    return np.ascontiguousarray(cut[:, :, ::-1] - _MEAN_BGR)
