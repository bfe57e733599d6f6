"""A model as a stock folder: ``config.json`` and ``model.safetensors``, as ``transformers`` has it.

The folder opens with ``Qwen3ForCausalLM``; so do folders of that class here, where their
embeddings are tied.
"""

from __future__ import annotations

import errno
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from gnomon.errors import InputError
from gnomon.lab.model.gpt import GPT, Shape
from gnomon.lab.shards import writing
from gnomon.lab.workspace import write_json

CONFIG = "config.json"
WEIGHTS = "model.safetensors"


def config_of(shape: Shape, dtype: torch.dtype = torch.float32) -> dict[str, Any]:
    """What ``config.json`` says. ``rope_theta`` stands twice: for version 5 of ``transformers`` and
    for those who read the older place."""
    return {
        "architectures": ["Qwen3ForCausalLM"],
        "model_type": "qwen3",
        "vocab_size": shape.vocab,
        "max_position_embeddings": shape.context,
        "num_hidden_layers": shape.layers,
        "hidden_size": shape.width,
        "num_attention_heads": shape.heads,
        "num_key_value_heads": shape.kv_heads,
        "head_dim": shape.head_dim,
        "intermediate_size": shape.ffn,
        "hidden_act": "silu",
        "rms_norm_eps": shape.norm_eps,
        "rope_theta": shape.rope_base,
        "rope_parameters": {"rope_type": "default", "rope_theta": shape.rope_base},
        "tie_word_embeddings": True,
        "attention_bias": False,
        "attention_dropout": 0.0,
        "initializer_range": 0.02,
        "use_cache": True,
        "use_sliding_window": False,
        "torch_dtype": str(dtype).removeprefix("torch."),
    }


def shape_of(config: dict[str, Any], where: Path) -> Shape:
    """The shape that a ``config.json`` says. Raises InputError where this is not our model."""
    kind = config.get("model_type")
    if kind != "qwen3" or not config.get("tie_word_embeddings"):
        raise InputError(
            f"{where} holds a model of type {kind!r}; the lab reads qwen3 with tied embeddings."
        )
    rope = config.get("rope_parameters") or {}
    try:
        return Shape(
            vocab=config["vocab_size"],
            context=config["max_position_embeddings"],
            layers=config["num_hidden_layers"],
            width=config["hidden_size"],
            heads=config["num_attention_heads"],
            kv_heads=config["num_key_value_heads"],
            head_dim=config["head_dim"],
            ffn=config["intermediate_size"],
            rope_base=rope.get("rope_theta") or config["rope_theta"],
            norm_eps=config["rms_norm_eps"],
        )
    except KeyError as error:
        raise InputError(f"{where} lacks {error}; it is not a whole qwen3 config.") from error


def save(model: GPT, folder: Path, weights: Mapping[str, torch.Tensor] | None = None) -> None:
    """Write both files; weights first, so that a folder with a config is whole. ``weights`` are
    given where the model holds a part of them only. Raises StoreFull where the disk is full."""
    folder.mkdir(parents=True, exist_ok=True)
    held = named(model) if weights is None else weights
    weights = {name: value.detach().contiguous().cpu() for name, value in held.items()}
    fresh = folder / (WEIGHTS + ".new")
    dtype = next(iter(weights.values())).dtype
    with writing(folder / WEIGHTS):
        try:
            save_file(weights, fresh, metadata={"format": "pt"})
        except SafetensorError as error:
            raise refusal(error) from error
        fresh.replace(folder / WEIGHTS)
        write_json(folder / CONFIG, config_of(model.shape, dtype))


def refusal(error: SafetensorError) -> OSError:
    """The operating system's refusal that safetensors tells in words: ``... (os error 28)``."""
    told = re.search(r"os error (\d+)", str(error))
    return OSError(int(told[1]) if told else errno.EIO, str(error))


def named(model: GPT) -> dict[str, torch.Tensor]:
    """The parameters by their stock names; the head is the embedding and has none of its own."""
    return dict(model.named_parameters())


def load(folder: Path, dropout: float = 0.0) -> GPT:
    """The model of a stock folder, ready to answer; ``train()`` it to learn.

    Raises InputError for a folder that is not one, or whose two files disagree."""
    try:
        config = json.loads((folder / CONFIG).read_text("utf-8"))
        weights = load_file(folder / WEIGHTS)
    except FileNotFoundError as error:
        raise InputError(f"no model in {folder}: {error.filename} is not there.") from error
    except (ValueError, SafetensorError) as error:
        raise InputError(f"the model in {folder} cannot be read: {error}") from error
    model = GPT(shape_of(config, folder / CONFIG), dropout)
    weights.pop("lm_head.weight", None)
    dtype = next(iter(weights.values())).dtype if weights else torch.float32
    try:
        model.to(dtype).load_state_dict(weights)
    except RuntimeError as error:
        raise InputError(f"{folder / WEIGHTS} does not fit {CONFIG} beside it: {error}") from error
    return model.eval()
