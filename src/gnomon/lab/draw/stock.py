"""The drawer as a folder of diffusers: a PRXPixelPipeline, which is pixels, flow and no decoder.

pipeline/
    model_index.json
    transformer/    config.json, diffusion_pytorch_model.safetensors
    text_encoder/   the CLIP's text tower, as transformers' CLIPTextModel
    tokenizer/      its words
    scheduler/      FlowMatchEulerDiscreteScheduler
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from gnomon.errors import InputError
from gnomon.lab.clip import words
from gnomon.lab.draw.dit import Dit, Shape, stock_config
from gnomon.lab.shards import writing
from gnomon.lab.workspace import write_json

WEIGHTS = "diffusion_pytorch_model.safetensors"
TEXT_WEIGHTS = "model.safetensors"
TRAINED_TIMES = 1000
TEXT = "text_model."


def save(shape: Shape, weights: Mapping[str, Tensor], clip: Path, folder: Path) -> None:
    """Write the pipeline; ``clip`` is the stock folder of the CLIP whose words were learnt with.
    Raises StoreFull."""
    shutil.rmtree(folder, ignore_errors=True)
    for part in ("transformer", "text_encoder", "tokenizer", "scheduler"):
        (folder / part).mkdir(parents=True)
    with writing(folder):
        held = {name: one.detach().cpu().contiguous() for name, one in weights.items()}
        save_file(held, folder / "transformer" / WEIGHTS, metadata={"format": "pt"})
        write_json(folder / "transformer" / "config.json", stock_config(shape))
        _save_text_tower(clip, folder / "text_encoder")
        words.save(words.load(clip), folder / "tokenizer")
        write_json(folder / "scheduler" / "scheduler_config.json", schedule())
        write_json(folder / "model_index.json", index(shape))


def schedule() -> dict[str, Any]:
    return {
        "_class_name": "FlowMatchEulerDiscreteScheduler",
        "_diffusers_version": "0.42.1",
        "num_train_timesteps": TRAINED_TIMES,
        "shift": 1.0,
        "use_dynamic_shifting": False,
    }


def index(shape: Shape) -> dict[str, Any]:
    return {
        "_class_name": "PRXPixelPipeline",
        "_diffusers_version": "0.42.1",
        "default_sample_size": shape.side,
        "noise_scale": 1.0,
        "prompt_max_tokens": words.CONTEXT,
        "scheduler": ["diffusers", "FlowMatchEulerDiscreteScheduler"],
        "text_encoder": ["transformers", "CLIPTextModel"],
        "tokenizer": ["transformers", "CLIPTokenizer"],
        "transformer": ["diffusers", "PRXTransformer2DModel"],
    }


def _save_text_tower(clip: Path, folder: Path) -> None:
    """The text tower of a stock CLIP as CLIPTextModel's folder."""
    config = json.loads((clip / "config.json").read_text("utf-8"))
    weights = load_file(clip / "model.safetensors")
    tower = {name: one for name, one in weights.items() if name.startswith(TEXT)}
    save_file(tower, folder / TEXT_WEIGHTS, metadata={"format": "pt"})
    write_json(
        folder / "config.json",
        {**config["text_config"], "architectures": ["CLIPTextModel"], "dtype": "float32"},
    )


def load(folder: Path) -> Dit:
    """The denoiser of a pipeline's folder. Raises InputError."""
    part = folder / "transformer"
    try:
        config = json.loads((part / "config.json").read_text("utf-8"))
        weights = load_file(part / WEIGHTS)
        shape = Shape(
            width=config["hidden_size"],
            layers=config["depth"],
            side=config["sample_size"],
            patch=config["patch_size"],
            context=config["context_in_dim"],
            channels=config["in_channels"],
            bottleneck=config["bottleneck_size"],
            mlp_ratio=config["mlp_ratio"],
        )
        model = Dit(shape)
        model.load_state_dict(weights)
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        raise InputError(
            f"{folder} holds no drawer of the lab's ({error}); make one with: gnomon lab draw"
        ) from error
    return model.eval()


def reader_folder(folder: Path) -> Path:
    """Where a pipeline's text tower is."""
    return folder / "text_encoder"
