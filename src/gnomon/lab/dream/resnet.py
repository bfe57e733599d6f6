"""A residual network (He et al. 2015, https://arxiv.org/abs/1512.03385) with exactly the parameters
of ``transformers``' ``ResNetForImageClassification``, so that a folder saved here is read there
with equal outputs (a test holds it to that)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from gnomon.errors import InputError
from gnomon.lab.model.stock import refusal
from gnomon.lab.shards import writing
from gnomon.lab.workspace import write_json

CONFIG, WEIGHTS, PREPROCESSOR = "config.json", "model.safetensors", "preprocessor_config.json"


@dataclass(frozen=True, slots=True)
class Shape:
    """``width`` channels at first, doubled from stage to stage; ``depth`` layers a stage; ``side``
    of the pictures it learns from, in pixels; ``labels`` are the words it tells apart."""

    labels: tuple[str, ...]
    width: int = 48
    stages: int = 4
    depth: int = 2
    side: int = 64

    @property
    def widths(self) -> list[int]:
        return [self.width * 2**n for n in range(self.stages)]


class ConvLayer(nn.Module):
    """Convolution, batch norm, and a rectifier unless ``plain``."""

    def __init__(self, taken: int, given: int, kernel: int, stride: int, plain: bool) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(taken, given, kernel, stride, kernel // 2, bias=False)
        self.normalization = nn.BatchNorm2d(given)
        self.plain = plain
        nn.init.kaiming_normal_(self.convolution.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:
        x = self.normalization(self.convolution(x))
        return x if self.plain else nn.functional.relu(x)


class Basic(nn.Module):
    """Two convolutions beside a shortcut."""

    def __init__(self, taken: int, given: int, stride: int) -> None:
        super().__init__()
        same = taken == given and stride == 1
        self.shortcut = nn.Identity() if same else ConvLayer(taken, given, 1, stride, True)
        self.layer = nn.Sequential(
            ConvLayer(taken, given, 3, stride, False), ConvLayer(given, given, 3, 1, True)
        )

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.relu(self.layer(x) + self.shortcut(x))


class Stage(nn.Module):
    def __init__(self, taken: int, given: int, stride: int, depth: int) -> None:
        super().__init__()
        rest = [Basic(given, given, 1) for _ in range(depth - 1)]
        self.layers = nn.Sequential(Basic(taken, given, stride), *rest)

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)


class Stem(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.embedder = ConvLayer(3, width, 7, 2, False)

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.max_pool2d(self.embedder(x), 3, 2, 1)


class Encoder(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        widths = shape.widths
        self.stages = nn.ModuleList(
            Stage(a, b, 1 if n == 0 else 2, shape.depth)
            for n, (a, b) in enumerate(zip([shape.width, *widths[:-1]], widths, strict=True))
        )

    def forward(self, x: Tensor) -> Tensor:
        for stage in self.stages:
            x = stage(x)
        return x


class Body(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.embedder = Stem(shape.width)
        self.encoder = Encoder(shape)

    def forward(self, x: Tensor) -> Tensor:
        return self.encoder(self.embedder(x)).mean((2, 3))


class ResNet(nn.Module):
    """Pictures [n, 3, height, width], about zero with a spread of one, to logits [n, labels]."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.resnet = Body(shape)
        self.classifier = nn.Sequential(
            nn.Flatten(), nn.Linear(shape.widths[-1], len(shape.labels))
        )
        self.to(memory_format=torch.channels_last)

    def forward(self, pictures: Tensor) -> Tensor:
        x = pictures.contiguous(memory_format=torch.channels_last)
        return self.classifier(self.resnet(x))


def config_of(shape: Shape) -> dict[str, Any]:
    """What ``config.json`` says."""
    return {
        "architectures": ["ResNetForImageClassification"],
        "model_type": "resnet",
        "num_channels": 3,
        "embedding_size": shape.width,
        "hidden_sizes": shape.widths,
        "depths": [shape.depth] * shape.stages,
        "layer_type": "basic",
        "hidden_act": "relu",
        "downsample_in_first_stage": False,
        "downsample_in_bottleneck": False,
        "id2label": {str(place): word for place, word in enumerate(shape.labels)},
        "label2id": {word: place for place, word in enumerate(shape.labels)},
        "dtype": "float32",
    }


def preprocessing(side: int) -> dict[str, Any]:
    """What ``preprocessor_config.json`` says: pictures from -1 to 1."""
    return {
        "image_processor_type": "ViTImageProcessor",
        "do_resize": True,
        "size": {"height": side, "width": side},
        "resample": 3,
        "do_rescale": True,
        "rescale_factor": 1 / 255,
        "do_normalize": True,
        "image_mean": [0.5] * 3,
        "image_std": [0.5] * 3,
    }


def save(model: ResNet, folder: Path) -> None:
    """Write the three files, config.json last. Raises StoreFull."""
    folder.mkdir(parents=True, exist_ok=True)
    weights = {
        name: value.detach().cpu().contiguous() for name, value in model.state_dict().items()
    }
    fresh = folder / (WEIGHTS + ".new")
    with writing(folder / WEIGHTS):
        try:
            save_file(weights, fresh, metadata={"format": "pt"})
        except SafetensorError as error:
            raise refusal(error) from error
        fresh.replace(folder / WEIGHTS)
        write_json(folder / PREPROCESSOR, preprocessing(model.shape.side))
        write_json(folder / CONFIG, config_of(model.shape))


def load(folder: Path) -> ResNet:
    """The network of such a folder, ready to tell. Raises InputError for one that is not ours."""
    try:
        config = json.loads((folder / CONFIG).read_text("utf-8"))
        told = json.loads((folder / PREPROCESSOR).read_text("utf-8"))
        weights = load_file(folder / WEIGHTS)
    except FileNotFoundError as error:
        raise InputError(f"no classifier in {folder}: {error.filename} is not there.") from error
    except (ValueError, SafetensorError) as error:
        raise InputError(f"the classifier in {folder} cannot be read: {error}") from error
    depths: Sequence[int] = config.get("depths") or [0]
    if config.get("model_type") != "resnet" or len(set(depths)) != 1:
        raise InputError(f"{folder / CONFIG} is no residual network of the lab's.")
    words = config["id2label"]
    shape = Shape(
        tuple(words[place] for place in sorted(words, key=int)), config["embedding_size"],
        len(depths), depths[0], told["size"]["height"],
    )  # fmt: skip
    model = ResNet(shape)
    try:
        model.load_state_dict(weights)
    except RuntimeError as error:
        raise InputError(f"{folder / WEIGHTS} does not fit {CONFIG} beside it: {error}") from error
    return model.eval()
