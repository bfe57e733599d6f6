"""The worker's side of ``draw_diffusers``: it alone of the assistant loads torch."""

from __future__ import annotations

import inspect
import os
import threading
from collections.abc import Callable, Mapping
from typing import Any

STEPS, GUIDANCE = 25, 5.0
"""Where a pipeline's own call has no default of its own."""


class DiffusersRunner:
    """One pipeline; image-to-image and inpainting share its parts (``AutoPipeline``)."""

    def __init__(self, load: Mapping[str, Any]) -> None:
        os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
        os.environ["DISABLE_TELEMETRY"] = "YES"
        import torch

        torch.set_num_threads(load["threads"])
        import diffusers

        self._torch, self._diffusers = torch, diffusers
        self._device = _device(torch, load["device"])
        kind = torch.float32 if self._device == "cpu" else torch.bfloat16
        pipe: Any = diffusers.DiffusionPipeline
        pipe = pipe.from_pretrained(
            load["where"], torch_dtype=kind, use_safetensors=True, trust_remote_code=False
        )
        self._pipe = pipe.to(self._device)
        self._pipe.set_progress_bar_config(disable=True)
        self._others: dict[str, Any] = {}
        self._busy = threading.Lock()

    def facts(self) -> dict[str, Any]:
        given = inspect.signature(self._pipe.__call__).parameters
        factor = getattr(self._pipe, "vae_scale_factor", 8)
        denoiser = getattr(self._pipe, "transformer", None) or getattr(self._pipe, "unet", None)
        side = getattr(getattr(denoiser, "config", None), "sample_size", None) or 64
        side = side if isinstance(side, int) else max(side)
        default = getattr(self._pipe, "default_sample_size", side)
        default = default if isinstance(default, int) else side
        return {
            "device": self._device,
            "side": default * factor,
            "multiple": factor * 2 if hasattr(self._pipe, "transformer") else factor,
            "steps": _default(given, "num_inference_steps", STEPS),
            "guidance": _default(given, "guidance_scale", GUIDANCE),
            "edits": self._other("AutoPipelineForImage2Image") is not None,
            "masks": self._other("AutoPipelineForInpainting") is not None,
        }

    def run(
        self, request: dict[str, Any], send: Callable[..., None], cancelled: threading.Event
    ) -> None:
        with self._busy:
            picture = self._draw(request, send, cancelled)
        if cancelled.is_set():
            send("end", width=0, height=0)
            return
        send("end", payload=picture.tobytes(), width=picture.width, height=picture.height)

    def _draw(
        self, request: dict[str, Any], send: Callable[..., None], cancelled: threading.Event
    ) -> Any:
        kind = "AutoPipelineForInpainting" if request["mask"] else "AutoPipelineForImage2Image"
        pipe = self._other(kind) if request["source"] else self._pipe
        steps = request["steps"]
        of = max(1, int(steps * request["strength"])) if request["source"] else steps

        def on_step(pipe: Any, step: int, timestep: Any, kept: dict[str, Any]) -> dict[str, Any]:
            if cancelled.is_set():
                pipe._interrupt = True
            send("stroke", step=min(step + 1, of), steps=of)
            return kept

        how: dict[str, Any] = {
            "prompt": request["prompt"],
            "num_inference_steps": steps,
            "guidance_scale": request["guidance"],
            # On the processor, so that a seed gives one picture whatever the device.
            "generator": self._torch.Generator("cpu").manual_seed(request["seed"] % 2**63),
            "callback_on_step_end": on_step,
            "output_type": "pil",
        }
        if request["source"]:
            how |= _source(request)
        else:
            how |= {"width": request["width"], "height": request["height"]}
        if request["negative"]:
            how["negative_prompt"] = request["negative"]
        known = inspect.signature(pipe.__call__).parameters
        with self._torch.inference_mode():
            made = pipe(**{name: value for name, value in how.items() if name in known})
        return made.images[0].convert("RGB")

    def _other(self, kind: str) -> Any:
        """The same parts as another pipeline, None where diffusers has none for them."""
        if kind not in self._others:
            try:
                other = getattr(self._diffusers, kind).from_pipe(self._pipe)
            except (ValueError, TypeError, AttributeError):
                other = None
            else:
                other.set_progress_bar_config(disable=True)
            self._others[kind] = other
        return self._others[kind]


def _source(request: Mapping[str, Any]) -> dict[str, Any]:
    from PIL import Image

    size = (request["width"], request["height"])
    count = size[0] * size[1] * 3
    given = {
        "image": Image.frombytes("RGB", size, request["payload"][:count]),
        "strength": request["strength"],
    }
    if request["mask"]:
        given["mask_image"] = Image.frombytes("L", size, request["payload"][count:])
        given |= {"width": size[0], "height": size[1]}
    return given


def _default(given: Mapping[str, Any], name: str, otherwise: Any) -> Any:
    value = getattr(given.get(name), "default", None)
    return value if isinstance(value, int | float) and not isinstance(value, bool) else otherwise


def _device(torch: Any, asked: str) -> str:
    if asked != "auto":
        return asked
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"
