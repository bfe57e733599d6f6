"""The worker's side of ``draw_onnx``: rectified flow by Euler's steps, with guidance.

Rectified flow (Liu et al. 2022, https://arxiv.org/abs/2209.03003) goes along x' = v(x, t) from
noise (sigma 1) to the picture (sigma 0); the schedule and its shift are diffusers'
``FlowMatchEulerDiscreteScheduler`` (Esser et al. 2024, https://arxiv.org/abs/2403.03206); guidance
is classifier-free (Ho and Salimans 2022, https://arxiv.org/abs/2207.12598).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

MOST_TOKENS = 512
_NAMES = {
    "sample": ("hidden_states", "sample", "latent_sample"),
    "timestep": ("timestep", "timesteps", "t"),
    "text": ("encoder_hidden_states", "text_embeds", "embeddings"),
    "mask": ("encoder_attention_mask", "attention_mask", "text_mask"),
}


def sigmas(steps: int, shift: float, timesteps: int) -> np.ndarray:
    """``[steps + 1]`` from 1 to 0, as diffusers' ``set_timesteps`` makes them: the ends are those
    of the shifted schedule of training, and the shift is applied to what lies between."""

    def shifted(sigma: np.ndarray) -> np.ndarray:
        moved: np.ndarray = shift * sigma / (1 + (shift - 1) * sigma)
        return moved

    ends = shifted(np.array([1.0, 1.0 / timesteps]))
    line = np.linspace(ends[0] * timesteps, ends[1] * timesteps, steps) / timesteps
    return np.append(shifted(line), 0.0).astype(np.float32)


class OnnxDrawRunner:
    """Loaded sessions. A request runs under a lock: one picture at a time."""

    def __init__(self, load: Mapping[str, Any]) -> None:
        import onnxruntime
        from tokenizers import Tokenizer

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = load["threads"]
        options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 3
        self._parts: Mapping[str, Any] = load["parts"]

        def session(part: str) -> Any:
            path = self._parts.get(part)
            if path is None:
                return None
            return onnxruntime.InferenceSession(path, options, providers=providers(onnxruntime))

        self._text, self._denoiser = session("text_encoder"), session("denoiser")
        self._decoder, self._encoder = session("vae_decoder"), session("vae_encoder")
        self._tokenizer = Tokenizer.from_file(self._parts["tokenizer"])
        self._tokenizer.no_padding()
        self._length = _length(self._text)
        self._tokenizer.enable_truncation(self._length or MOST_TOKENS)
        self._busy = threading.Lock()

    def facts(self) -> dict[str, Any]:
        return {"providers": self._denoiser.get_providers()}

    def run(
        self, request: dict[str, Any], send: Callable[..., None], cancelled: threading.Event
    ) -> None:
        with self._busy:
            picture = self._draw(request, send, cancelled)
        if picture is None:
            send("end", width=0, height=0)
            return
        height, width = picture.shape[:2]
        send("end", payload=picture.tobytes(), width=width, height=height)

    def _draw(
        self, request: dict[str, Any], send: Callable[..., None], cancelled: threading.Event
    ) -> np.ndarray | None:
        guidance = float(request["guidance"])
        texts = [request["prompt"]] + ([request["negative"]] if guidance != 1.0 else [])
        told, mask = self._encoded(texts)
        steps, factor = int(request["steps"]), int(self._parts["factor"])
        schedule = sigmas(steps, self._parts["sigma_shift"], self._parts["timesteps"])
        shape = (
            1,
            self._parts["channels"],
            request["height"] // factor,
            request["width"] // factor,
        )
        # The same numbers for the same seed, whatever the machine.
        noise = np.random.Generator(np.random.PCG64(request["seed"])).standard_normal(
            shape, dtype=np.float32
        )
        source, keep = self._source(request, shape)
        first = 0
        x = noise
        if source is not None:
            first = min(steps - 1, round(steps * (1 - float(request["strength"]))))
            x = schedule[first] * noise + (1 - schedule[first]) * source
        shown = _shown(steps - first, int(request["previews"]))
        for at in range(first, steps):
            if cancelled.is_set():
                return None
            now, after = schedule[at], schedule[at + 1]
            velocity = self._velocity(x, now, told, mask, guidance)
            ended = x - now * velocity
            x = x + (after - now) * velocity
            if keep is not None and source is not None:
                # What may not change follows the source along the same path.
                x = np.where(keep, after * noise + (1 - after) * source, x)
            done = at - first + 1
            if done in shown:
                seen = self._pixels(ended)
                height, width = seen.shape[:2]
                send("stroke", payload=seen.tobytes(), step=done, steps=steps - first,
                     width=width, height=height)  # fmt: skip
            else:
                send("stroke", step=done, steps=steps - first)
        return self._pixels(x)

    def _velocity(
        self, x: np.ndarray, sigma: float, told: np.ndarray, mask: np.ndarray, guidance: float
    ) -> np.ndarray:
        count = len(told)
        given = {
            "sample": np.repeat(x, count, axis=0),
            "timestep": np.full(count, sigma * self._parts["timesteps"], np.float32),
            "text": told,
            "mask": mask,
        }
        (found, *_) = self._denoiser.run(None, _feeds(self._denoiser, given))
        found = found.astype(np.float32)
        if count == 1:
            only: np.ndarray = found
            return only
        wanted, unwanted = found[:1], found[1:]
        guided: np.ndarray = unwanted + guidance * (wanted - unwanted)
        return guided

    def _encoded(self, texts: list[str]) -> tuple[np.ndarray, np.ndarray]:
        codes = [self._tokenizer.encode(text).ids for text in texts]
        width = self._length or max(1, *(len(ids) for ids in codes))
        ids, mask = np.zeros((2, len(codes), width), np.int64)
        for row, code in enumerate(codes):
            ids[row, : len(code)], mask[row, : len(code)] = code, 1
        given = {"input_ids": ids, "attention_mask": mask}
        names = {one.name for one in self._text.get_inputs()}
        found = self._text.run(None, {name: given[name] for name in given if name in names})
        told = next(out for out in found if out.ndim == 3)
        return told.astype(np.float32), mask

    def _source(
        self, request: Mapping[str, Any], shape: tuple[int, ...]
    ) -> tuple[np.ndarray | None, np.ndarray | None]:
        if not request["source"]:
            return None, None
        height, width = request["height"], request["width"]
        size = height * width * 3
        pixels = np.frombuffer(request["payload"][:size], np.uint8).reshape(1, height, width, 3)
        picture = pixels.astype(np.float32).transpose(0, 3, 1, 2) / 127.5 - 1
        if self._encoder is not None:
            (found, *_) = self._encoder.run(None, {self._encoder.get_inputs()[0].name: picture})
            # Some exports give mean and variance; the mean is the picture.
            found = found[:, : shape[1]]
            picture = (found - self._parts["shift"]) * self._parts["scale"]
        keep = None
        if request["mask"]:
            may = np.frombuffer(request["payload"][size:], np.uint8).reshape(height, width)
            factor = height // shape[2]
            coarse = may.reshape(shape[2], factor, shape[3], factor).max(axis=(1, 3))
            keep = (coarse < 128)[None, None]
        return picture.astype(np.float32), keep

    def _pixels(self, x: np.ndarray) -> np.ndarray:
        """``[height, width, 3]`` bytes."""
        if self._decoder is not None:
            latent = x / self._parts["scale"] + self._parts["shift"]
            (x, *_) = self._decoder.run(None, {self._decoder.get_inputs()[0].name: latent})
        pixels = np.clip((x[0].astype(np.float32) + 1) * 127.5, 0, 255).round().astype(np.uint8)
        if pixels.shape[0] == 1:
            pixels = np.repeat(pixels, 3, axis=0)
        return np.ascontiguousarray(pixels[:3].transpose(1, 2, 0))


def providers(onnxruntime: Any) -> list[str]:
    """A GPU where this build of ONNX Runtime has one, then the processor."""
    here = onnxruntime.get_available_providers()
    return [p for p in ("CUDAExecutionProvider", "CoreMLExecutionProvider") if p in here] + [
        "CPUExecutionProvider"
    ]


def _feeds(session: Any, given: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """What the denoiser calls its inputs, by the names that exports use. Raises ValueError."""
    feeds = {}
    for wanted in session.get_inputs():
        meant = next((m for m, names in _NAMES.items() if wanted.name in names), None)
        if meant is None:
            raise ValueError(f"the denoiser wants an input {wanted.name!r} that nothing here gives")
        value = given[meant]
        feeds[wanted.name] = value.astype(np.int64) if "int64" in wanted.type else value
    return feeds


def _length(session: Any) -> int:
    """How many tokens the text encoder takes, 0 where any number does."""
    shape = next(one.shape for one in session.get_inputs() if one.name == "input_ids")
    return shape[1] if isinstance(shape[1], int) else 0


def _shown(steps: int, previews: int) -> set[int]:
    """After which steps a preview is shown: evenly, never after the last."""
    if previews <= 0:
        return set()
    return {round(steps * (n + 1) / (previews + 1)) for n in range(previews)} - {0, steps}
