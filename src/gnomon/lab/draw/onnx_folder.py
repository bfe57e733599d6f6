"""The drawer as the assistant runs it: ONNX, laid out as docs/pictures.md says.

The denoiser's file takes the time from 0 to 1000 and gives a velocity, as every flow model does
there; within, it is the clean picture that is predicted. Weights are eight bits (products with
them in eight bits too), sixteen (spread to 32 when they are loaded), or 32.
"""

from __future__ import annotations

import shutil
import time
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import onnx
import torch
from onnxruntime.quantization import QuantType, quantize_dynamic
from torch import Tensor, nn

from gnomon import __version__
from gnomon.lab.clip import model as clip
from gnomon.lab.clip import words
from gnomon.lab.clip.model import Clip
from gnomon.lab.command import Bench
from gnomon.lab.draw import card, stock
from gnomon.lab.draw.dit import Dit
from gnomon.lab.draw.flow import LEAST
from gnomon.lab.export.halves import halved
from gnomon.lab.workspace import Workspace, file_sha256, write_json
from gnomon.models import installed
from gnomon.models.installed import HeldFile

OPSET = 18
STEPS, GUIDANCE = 24, 4.0
DENOISER = "transformer/model.onnx"
PRECISIONS = ("int8", "fp16", "fp32")


class Velocity(nn.Module):
    """A Dit as a denoiser of velocities."""

    def __init__(self, model: Dit) -> None:
        super().__init__()
        self.model = model

    def forward(self, noisy: Tensor, timestep: Tensor, words: Tensor, mask: Tensor) -> Tensor:
        at = timestep / stock.TRAINED_TIMES
        clean = self.model(noisy, at, words, mask.bool())
        return (noisy - clean) / at.clamp(min=LEAST)[:, None, None, None]


class Text(nn.Module):
    """A CLIP's text tower alone."""

    def __init__(self, model: Clip) -> None:
        super().__init__()
        self.clip = model

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        return self.clip.text_hidden(ids, mask)


def export(
    work: Workspace, bench: Bench, *, precision: str = "int8", licence: str = ""
) -> dict[str, Any]:
    """Write ``<models_dir>/<name>-draw``; what it is, with ``folder``. Raises InputError."""
    report = work.needs("draw", wanted_by="the export")
    held = work.needs("clip", wanted_by="the export")
    name = f"{work.name}-draw"
    folder = bench.models_dir / name
    told = card.of(
        name, report, held, work.needs("pictures", wanted_by="the export"),
        precision=precision, licence=licence,
    )  # fmt: skip
    made = write(
        stock.load(Path(report["folder"])), clip.load(Path(held["folder"])),
        Path(held["folder"]), folder, told, precision,
    )  # fmt: skip
    bench.reporter.say(f"exported to {folder}; try: gnomon draw a red apple")
    return made


def write(
    model: Dit, reader: Clip, reader_folder: Path, folder: Path, told: Mapping[str, Any],
    precision: str,
) -> dict[str, Any]:  # fmt: skip
    """Write the folder of a model and its text tower; ``told`` is its card."""
    assert precision in PRECISIONS, precision
    began = time.monotonic()
    fresh = folder.with_name(folder.name + ".new")
    shutil.rmtree(fresh, ignore_errors=True)
    for part in ("transformer", "text_encoder", "tokenizer", "scheduler"):
        (fresh / part).mkdir(parents=True)
    _denoiser(model, fresh / DENOISER, precision)
    _text_tower(reader, fresh / "text_encoder" / "model.onnx", precision)
    words.load(reader_folder).tokenizer.save(str(fresh / "tokenizer" / "tokenizer.json"))
    write_json(
        fresh / "transformer" / "config.json",
        {"sample_size": model.shape.side, "in_channels": model.shape.channels},
    )
    write_json(fresh / "scheduler" / "scheduler_config.json", stock.schedule())
    write_json(fresh / "model_index.json", stock.index(model.shape))
    side = model.shape.side
    whole = {
        **told,
        "sizes": [[side, side]], "fixed": True, "steps": STEPS, "guidance": GUIDANCE,
        "short_prompts": True, "languages": ["en", "zh"], "gnomon": __version__,
    }  # fmt: skip
    write_json(fresh / installed.CARD, whole)
    (fresh / "README.md").write_text(card.readme(whole), "utf-8")
    files = sorted(one for one in fresh.rglob("*") if one.is_file())
    files.sort(key=lambda one: one != fresh / DENOISER)
    rows = [
        HeldFile(one.relative_to(fresh).as_posix(), one.stat().st_size, file_sha256(one))
        for one in files
    ]
    installed.write_manifest(fresh, str(told["name"]), rows, installed.OWN)
    shutil.rmtree(folder, ignore_errors=True)
    fresh.rename(folder)
    return {
        "folder": str(folder),
        "bytes": sum(row.bytes for row in rows),
        "sha256": rows[0].sha256,
        "precision": precision,
        "seconds": round(time.monotonic() - began, 1),
    }


def _denoiser(model: Dit, path: Path, precision: str) -> None:
    shape, text = model.shape, 8
    noisy = torch.randn(2, shape.channels, shape.side, shape.side)
    given = (
        noisy, torch.full((2,), 500.0), torch.randn(2, text, shape.context),
        torch.ones(2, text, dtype=torch.int64),
    )  # fmt: skip
    names = ["hidden_states", "timestep", "encoder_hidden_states", "encoder_attention_mask"]
    axes = {name: {0: "pictures"} for name in (*names, "velocity")}
    for name in names[2:]:
        axes[name][1] = "tokens"
    _written(
        Velocity(model.float().eval()), given, names, "velocity", axes, path, precision,
        # What goes in and what comes out of the picture keeps its bits.
        keep=lambda name: any(part in name for part in ("img_in", "final_layer", "time_in")),
    )  # fmt: skip


def _text_tower(model: Clip, path: Path, precision: str) -> None:
    ids = torch.randint(3, model.shape.vocab - 2, (2, 8))
    names = ["input_ids", "attention_mask"]
    axes = {name: {0: "texts", 1: "tokens"} for name in (*names, "last_hidden_state")}
    given = (ids, torch.ones_like(ids))
    _written(
        Text(model.float().eval()), given, names, "last_hidden_state", axes, path, precision,
        keep=lambda name: False,
    )  # fmt: skip


def _written(
    module: nn.Module, given: tuple[Tensor, ...], names: list[str], output: str,
    axes: dict[str, dict[int, str]], path: Path, precision: str, keep: Callable[[str], bool],
) -> None:  # fmt: skip
    with TemporaryDirectory() as folder:
        plain = Path(folder, "plain.onnx")
        with torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that there is a newer exporter
            torch.onnx.export(
                module, given, str(plain), input_names=names, output_names=[output],
                dynamic_axes=axes, opset_version=OPSET, dynamo=False,
            )  # fmt: skip
        if precision == "int8":
            nodes = [node.name for node in onnx.load(str(plain)).graph.node if keep(node.name)]
            quantize_dynamic(
                plain, path, per_channel=True, reduce_range=True, weight_type=QuantType.QInt8,
                nodes_to_exclude=nodes,
                extra_options={"DefaultTensorType": onnx.TensorProto.FLOAT},
            )  # fmt: skip
        elif precision == "fp16":
            onnx.save(halved(onnx.load(str(plain))), str(path))
        else:
            shutil.copy(plain, path)
