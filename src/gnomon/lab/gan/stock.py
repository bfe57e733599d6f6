"""A generator as a folder: ``config.json`` and ``model.safetensors``; the judge beside it, for who
wants to look into it. No library has a stock class for either."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from gnomon.errors import InputError
from gnomon.lab.gan.players import Generator, Judge, Players, Shape
from gnomon.lab.model.stock import refusal
from gnomon.lab.shards import writing
from gnomon.lab.workspace import write_json

CONFIG, WEIGHTS, JUDGE = "config.json", "model.safetensors", "judge.safetensors"
KIND = "gnomon-gan"


def save(players: Players, folder: Path, told: Mapping[str, Any]) -> None:
    """Write the three files, the config last. ``told`` goes into it. Raises StoreFull."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, player in ((JUDGE, players.judge), (WEIGHTS, players.generator)):
        weights = {key: value.detach().contiguous() for key, value in player.state_dict().items()}
        with writing(folder / name):
            try:
                save_file(weights, folder / name, metadata={"format": "pt"})
            except SafetensorError as error:
                raise refusal(error) from error
    write_json(folder / CONFIG, {"model_type": KIND, **asdict(players.shape), **told})


def load(folder: Path) -> Generator:
    """The generator of such a folder, ready to draw. Raises InputError."""
    return _filled(Generator(shape_of(folder)), folder / WEIGHTS)


def load_judge(folder: Path) -> Judge:
    """The judge of such a folder. Raises InputError."""
    return _filled(Judge(shape_of(folder)), folder / JUDGE)


def config_of(folder: Path) -> dict[str, Any]:
    """What ``config.json`` says. Raises InputError."""
    try:
        found: dict[str, Any] = json.loads((folder / CONFIG).read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(
            f"no generator in {folder} ({error}); make one with: gnomon lab gan"
        ) from error
    if found.get("model_type") != KIND:
        raise InputError(f"{folder / CONFIG} is of type {found.get('model_type')!r}, not {KIND!r}.")
    return found


def shape_of(folder: Path) -> Shape:
    """The shape of the players of such a folder. Raises InputError."""
    found = config_of(folder)
    try:
        shape = Shape(*(int(found[name]) for name in ("side", "latent", "width", "styles")))
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{folder / CONFIG} lacks a usable {error}.") from error
    shape.check()
    return shape


def _filled(player: Any, path: Path) -> Any:
    try:
        player.load_state_dict(load_file(path))
    except (OSError, SafetensorError, RuntimeError) as error:
        raise InputError(f"{path} cannot be read: {str(error).splitlines()[0]}") from error
    return player.to(memory_format=torch.channels_last).eval()


def noise_of(seed: int, latent: int) -> Tensor:
    """The noise [1, latent] of a seed: the same on every machine."""
    return torch.randn(1, latent, generator=torch.Generator().manual_seed(seed))


@torch.no_grad()
def draw(generator: nn.Module, seeds: range) -> Tensor:
    """Pictures [n, 3, side, side] from -1 to 1, one for a seed, each made alone: what a seed gives
    does not hang on its neighbours."""
    latent = generator.shape.latent
    return torch.cat([generator(noise_of(seed, latent)) for seed in seeds])
