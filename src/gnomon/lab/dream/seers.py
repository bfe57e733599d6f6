"""What is run backwards: a classifier or an encoder of pictures, whatever it is made of.

A seer takes pictures [n, 3, height, width] from 0 to 1 and gives what one of its layers makes of
them as [n, places, channels]: a map of channels is flattened, tokens are places already, and a
vector has one place.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from gnomon.errors import InputError
from gnomon.lab.dream import onnx_graph
from gnomon.lab.workspace import file_sha256

IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
SCALINGS = {
    "imagenet": IMAGENET,
    "unit": ((0.0,) * 3, (1.0,) * 3),
    "signed": ((0.5,) * 3, (0.5,) * 3),
    "bytes": ((0.0,) * 3, (1 / 255,) * 3),
}
"""Mean and spread that pictures from 0 to 1 are brought to: ImageNet's, none, -1 to 1, 0 to 255."""
PREPROCESSOR = "preprocessor_config.json"
USUAL_SIDE = 224
"""Of what ImageNet's models see, where a model does not say."""


@dataclass(frozen=True, slots=True)
class Layer:
    """``shape`` is of what it gives for one picture of the usual size."""

    name: str
    kind: str
    shape: tuple[int, ...]

    @property
    def channels(self) -> int:
        return self.shape[0] if len(self.shape) == 3 else self.shape[-1]

    @property
    def places(self) -> int:
        whole = 1
        for size in self.shape:
            whole *= size
        return whole // max(1, self.channels)


class Seer(Protocol):
    """``side`` is what it usually sees, ``fixed`` whether it sees nothing else; ``labels`` are the
    words for its last layer's channels; ``sha256`` is that of its weights."""

    name: str
    sha256: str
    side: int
    fixed: bool
    labels: tuple[str, ...]

    def layers(self) -> list[Layer]:
        """In the order in which they are computed."""
        ...

    def at(self, pictures: Tensor, layer: str) -> Tensor:
        """[n, places, channels] of pictures [n, 3, height, width] from 0 to 1."""
        ...


def by_places(values: Tensor) -> Tensor:
    """A map, tokens [n, places, channels] or a vector [n, channels], as [n, places, channels]."""
    if values.ndim == 4:
        return values.flatten(2).transpose(1, 2)
    return values if values.ndim == 3 else values[:, None]


def open_seer(path: Path, scaling: str | None = None) -> Seer:
    """The model of an ONNX file, or of a folder with config.json and model.safetensors (a folder
    with one ONNX file in it is that file). Raises InputError."""
    if scaling is not None and scaling not in SCALINGS:
        raise InputError(f"--scaling is {scaling!r}; give one of: {', '.join(SCALINGS)}.")
    if path.is_dir():
        if (path / "config.json").exists() and any(path.glob("*.safetensors")):
            return Stock(path, scaling)
        files = sorted(path.glob("*.onnx"))
        if len(files) == 1:
            return Onnx(files[0], scaling)
        raise InputError(
            f"{path} holds no model that can be run backwards: give an .onnx file, or a folder "
            "with config.json and model.safetensors (pickled weights, .bin or .pt, are not opened)."
        )
    if path.suffix != ".onnx":
        raise InputError(
            f"{path} is no .onnx file and no folder; pickled weights (.bin, .pt, .pth) can run "
            "code and are not opened: save them with save_pretrained(safe_serialization=True)."
        )
    return Onnx(path, scaling)


def _scales(folder: Path, scaling: str | None) -> tuple[Tensor, Tensor]:
    """Mean and spread [3, 1, 1]: those asked for, or the folder's own, or ImageNet's."""
    mean, spread = SCALINGS[scaling or "imagenet"]
    told = _json(folder / PREPROCESSOR) if scaling is None else {}
    if told and told.get("do_normalize", True) and "image_mean" in told:
        mean, spread = tuple(told["image_mean"]), tuple(told["image_std"])
    elif told and not told.get("do_normalize", True):
        mean, spread = SCALINGS["unit" if told.get("do_rescale", True) else "bytes"]
    return torch.tensor(mean).view(3, 1, 1), torch.tensor(spread).view(3, 1, 1)


def _json(path: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise InputError(f"{path} is not JSON: {error}") from error
    return found


class Onnx:
    """An ONNX file. Its layers are the values between its nodes, by the name of the value; a node's
    name means its first value."""

    def __init__(self, path: Path, scaling: str | None = None) -> None:
        self.graph = onnx_graph.read(path)
        self.name, self.sha256 = str(path), file_sha256(path)
        self.labels: tuple[str, ...] = ()
        self.mean, self.spread = _scales(path.parent, scaling)
        shape = self.graph.shape
        self.last = shape[1] != 3 and shape[3] == 3
        height, width = shape[1:3] if self.last else shape[2:4]
        if height != width:
            raise InputError(f"{path} sees {height} x {width}; only square ones are run backwards.")
        self.batch = shape[0]
        self.side = height or USUAL_SIDE
        self.fixed = height is not None or not sees(self, self.side * 5 // 4)

    def _values(self, pictures: Tensor, wanted: set[str] | None) -> dict[str, Tensor]:
        x = (pictures - self.mean) / self.spread
        x = x.permute(0, 2, 3, 1) if self.last else x
        if self.batch is None or len(x) == self.batch:
            return self.graph.values(x, wanted)
        if self.batch != 1:
            raise InputError(f"{self.name} takes {self.batch} pictures at once; export it for any.")
        each = [self.graph.values(one[None], wanted) for one in x]
        return {name: torch.cat([one[name] for one in each]) for name in each[0]}

    def layers(self) -> list[Layer]:
        with torch.no_grad():
            some = torch.full((self.batch or 1, 3, self.side, self.side), 0.5)
            held = self._values(some, {name for node in self.graph.nodes for name in node.gives})
            moved = self._values(some * 0.5, set(held))
        found = []
        for node in self.graph.nodes:
            value = held[node.gives[0]]
            if _is_layer(value, self.batch or 1) and not value.equal(moved[node.gives[0]]):
                found.append(Layer(node.gives[0], node.kind, tuple(value.shape[1:])))
        return found

    def at(self, pictures: Tensor, layer: str) -> Tensor:
        known = {node.name: node.gives[0] for node in self.graph.nodes}
        known |= {name: name for node in self.graph.nodes for name in node.gives}
        if layer not in known:
            raise InputError(f"no layer {layer!r} in {self.name}; see --list-layers.")
        value = self._values(pictures, {known[layer]})[known[layer]]
        value = value.permute(0, 3, 1, 2) if self.last and value.ndim == 4 else value
        return by_places(value)


def _is_layer(value: Any, batch: int) -> bool:
    """Whether a picture could be made to please it."""
    return (
        isinstance(value, Tensor)
        and value.is_floating_point()
        and 2 <= value.ndim <= 4
        and value.shape[0] == batch
        and value[0].numel() > 1
    )


class _Seen(Exception):
    """Enough was computed."""


class Stock:
    """A folder of ``transformers``, from safetensors alone, without any code of its own. Its layers
    are the modules that give a map, tokens or a vector."""

    def __init__(self, folder: Path, scaling: str | None = None) -> None:
        self.model, config = _stock(folder)
        self.name = str(folder)
        self.sha256 = file_sha256(next(iter(sorted(folder.glob("*.safetensors")))))
        self.mean, self.spread = _scales(folder, scaling)
        side = getattr(config, "image_size", None) or _side(folder)
        self.side = int(side if not isinstance(side, list | tuple) else side[0])
        labels = getattr(config, "id2label", None) or {}
        named = hasattr(self.model, "classifier") and labels
        self.labels = tuple(str(labels[place]) for place in sorted(labels)) if named else ()
        self.fixed = not sees(self, self.side * 5 // 4)

    def layers(self) -> list[Layer]:
        found: list[Layer] = []

        def note(name: str, kind: str) -> Callable[..., None]:
            def hook(module: nn.Module, inputs: Any, made: Any) -> None:
                value = made[0] if isinstance(made, tuple) and made else made
                if _is_layer(value, 1):
                    found.append(Layer(name, kind, tuple(value.shape[1:])))

            return hook

        hooks = [
            module.register_forward_hook(note(name, type(module).__name__))
            for name, module in self.model.named_modules()
            if name
        ]
        try:
            with torch.no_grad():
                self._forward(torch.full((1, 3, self.side, self.side), 0.5))
        finally:
            for hook in hooks:
                hook.remove()
        return found

    def at(self, pictures: Tensor, layer: str) -> Tensor:
        module = dict(self.model.named_modules()).get(layer)
        if module is None or not layer:
            raise InputError(f"no layer {layer!r} in {self.name}; see --list-layers.")
        held: list[Tensor] = []

        def keep(module: nn.Module, inputs: Any, made: Any) -> None:
            held.append(made[0] if isinstance(made, tuple) else made)
            raise _Seen

        hook = module.register_forward_hook(keep)
        try:
            self._forward(pictures)
        except _Seen:
            pass
        finally:
            hook.remove()
        if not held or not _is_layer(held[0], len(pictures)):
            raise InputError(f"layer {layer!r} of {self.name} gives no map; see --list-layers.")
        return by_places(held[0])

    def _forward(self, pictures: Tensor) -> None:
        self.model((pictures - self.mean) / self.spread)


def _stock(folder: Path) -> tuple[Any, Any]:
    """The model of a folder, and its part that sees, where it has others. Raises InputError."""
    import transformers
    from safetensors import SafetensorError
    from transformers import AutoConfig

    try:
        config = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        told = _json(folder / "config.json").get("architectures") or [""]
        if config.model_type == "clip":
            maker: Any = transformers.CLIPVisionModelWithProjection
        elif told[0].endswith("ForImageClassification"):
            maker = transformers.AutoModelForImageClassification
        else:
            maker = transformers.AutoModel
        model = maker.from_pretrained(
            folder, local_files_only=True, trust_remote_code=False, use_safetensors=True,
            dtype=torch.float32,
        )  # fmt: skip
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        raise InputError(
            f"{folder} cannot be opened as a model that sees: {str(error).splitlines()[0]}"
        ) from error
    config = getattr(model, "config", config)
    return model.eval().requires_grad_(False), config


def _side(folder: Path) -> int:
    """What the folder says that its model sees."""
    size: Mapping[str, int] | int = _json(folder / PREPROCESSOR).get("size") or {}
    if isinstance(size, int):
        return size
    return int(size.get("height") or size.get("shortest_edge") or USUAL_SIDE)


def sees(seer: Any, side: int) -> bool:
    """Whether a seer takes pictures of this side as well."""
    try:
        with torch.no_grad():
            if isinstance(seer, Onnx):
                seer._values(torch.zeros(seer.batch or 1, 3, side, side), set(seer.graph.gives))
            else:
                seer._forward(torch.zeros(1, 3, side, side))
    except (InputError, RuntimeError, ValueError):
        return False
    return True
