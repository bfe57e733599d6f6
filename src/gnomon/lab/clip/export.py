"""CLIP as the assistant runs it: both towers as ONNX, in eight bits where that costs little.

<models_dir>/<name>-clip/
    vision/model.onnx   pixel_values [B,3,side,side] float32 -> image_embeds [B,D], unit rows
    text/model.onnx     input_ids, attention_mask [B,T] int64 -> text_embeds [B,D], unit rows
    tokenizer.json  tokenizer_config.json  preprocessor_config.json
    card.json  README.md
    pulled.json         written last: gnomon sees it as a model
"""

from __future__ import annotations

import logging
import os
import shutil
import time
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import onnx
import onnxruntime
import torch
from onnx import TensorProto
from onnxruntime.quantization import QuantType, quantize_dynamic
from torch import Tensor, nn
from torch.nn import functional

from gnomon import __version__
from gnomon.errors import InputError, ModelError
from gnomon.lab.clip import words as vocabulary
from gnomon.lab.clip.card import NOT_STATED, write_readme
from gnomon.lab.clip.model import Clip, Patches, load
from gnomon.lab.clip.pairs import values
from gnomon.lab.clip.recipe import Split
from gnomon.lab.clip.scores import Eyes, Rows, eyes, measure
from gnomon.lab.clip.words import Words
from gnomon.lab.command import Bench
from gnomon.lab.export.halves import halved
from gnomon.lab.pictures.held import Pictures
from gnomon.lab.shards import writing
from gnomon.lab.workspace import write_json
from gnomon.models import installed
from gnomon.models.installed import HeldFile

OPSET = 17
VISION, TEXT = "vision/model.onnx", "text/model.onnx"
DEAREST = 0.01
"""Eight bits may cost so much of any score, as a share of all questions; otherwise sixteen."""
ASKED = 600
"""So many pictures say it where nothing was held out."""
ALIKE = 1e-5
"""So far may the cosine of an exported row with the trainer's be from 1, in 32 bits."""


def model_name(name: str) -> str:
    """What a run's exported CLIP is called among the models."""
    return f"{name}-clip"


def refuse_foreign(models_dir: Path, name: str) -> None:
    """Raises InputError where a model of that name came from elsewhere."""
    made = installed.find(models_dir, model_name(name))
    if made is not None and made.source != installed.OWN:
        raise InputError(
            f"{made.folder} is a model that came from {made.source!r}; give yours another: --name"
        )


def there(models_dir: Path, name: str) -> bool:
    """Whether what a run exported is still among the models."""
    return installed.find(models_dir, model_name(name)) is not None


def export(
    name: str, bench: Bench, trained: Path, report: Mapping[str, Any], pictures: Pictures,
    rows: Split, licence: str = "",
) -> dict[str, Any]:  # fmt: skip
    """Write the stock folder ``trained`` among the models; the report with ``exported``,
    ``exported_bytes``, ``bits``, and what eight of them cost: on val where there is one, otherwise
    on pictures that were learnt from.

    Raises ModelError where the exported towers are not the trained ones, StoreFull."""
    target = bench.models_dir / model_name(name)
    fresh = bench.models_dir / f".{target.name}.export"
    shutil.rmtree(fresh, ignore_errors=True)
    model, words = load(trained), vocabulary.load(trained)
    with writing(fresh):
        fresh.mkdir(parents=True)
        bits = _towers(model, words, fresh, pictures, rows)
        for one in ("tokenizer.json", "tokenizer_config.json", "preprocessor_config.json"):
            shutil.copyfile(trained / one, fresh / one)
        card = _card(target.name, model, words, report, bits, licence)
        card["files"] = [asdict(file) for file in _files(fresh)]
        write_json(fresh / "card.json", card)
        write_readme(fresh, card)
        installed.write_manifest(fresh, target.name, _files(fresh), installed.OWN)
        shutil.rmtree(target, ignore_errors=True)
        os.replace(fresh, target)
    bench.reporter.say(f"clip: {target} ({bits['bits']} bits)")
    size = sum((target / one).stat().st_size for one in (VISION, TEXT))
    return {**report, "exported": str(target), "exported_bytes": size, **bits}


def _towers(
    model: Clip, words: Words, folder: Path, pictures: Pictures, split: Split
) -> dict[str, Any]:
    """Both files, in as few bits as do; which, and what each cost in points of each score."""
    known = split.learnt[:: max(1, len(split.learnt) // ASKED)]
    rows, on = (split.val, "on val") if split.val else (known, "on pictures it learnt from")
    want = {one.name: one.value for one in measure(eyes(model, words), pictures, rows)}
    with TemporaryDirectory() as place:
        whole = Path(place)
        write(model, whole)
        _same(model, words, whole)
        quantise(whole, folder)
        found = measure(exported_eyes(folder, words), pictures, rows)
        costs = {one.name: round(want[one.name] - one.value, 5) for one in found}
        bits = 8 if max(costs.values()) < DEAREST else 16
        if bits == 16:
            narrow(whole, folder)
    return {"bits": bits, "cost_8_bits": costs, "cost_on": on}


class _Convolved(nn.Module):
    """Patches as the convolution that every runtime has."""

    def __init__(self, patches: Patches) -> None:
        super().__init__()
        self.patch = patches.patch
        self.weight = nn.Parameter(patches.weight.unflatten(1, (3, self.patch, self.patch)))

    def forward(self, pixels: Tensor) -> Tensor:
        return functional.conv2d(pixels, self.weight, stride=self.patch).flatten(2).transpose(1, 2)


class _Seeing(nn.Module):
    def __init__(self, model: Clip) -> None:
        super().__init__()
        self.model = model

    def forward(self, pixels: Tensor) -> Tensor:
        return self.model.embed_pictures(pixels)


class _Reading(nn.Module):
    def __init__(self, model: Clip) -> None:
        super().__init__()
        self.model = model

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        return self.model.embed_texts(ids, mask)


def write(model: Clip, folder: Path) -> None:
    """Both towers in 32 bits."""
    shape = model.shape
    patches = model.vision_model.embeddings.patch_embedding
    ids = torch.tensor([[shape.start, 5, 6, shape.end, shape.pad]] * 2)
    pixels = torch.zeros(2, 3, shape.side, shape.side)
    rows, both = {0: "B"}, {0: "B", 1: "T"}
    parts: tuple[tuple[str, nn.Module, tuple[Tensor, ...], list[str], str, dict[str, Any]], ...] = (
        (VISION, _Seeing(model), (pixels,), ["pixel_values"], "image_embeds",
         {"pixel_values": rows, "image_embeds": rows}),
        (TEXT, _Reading(model), (ids, (ids != shape.pad).long()), ["input_ids", "attention_mask"],
         "text_embeds", {"input_ids": both, "attention_mask": both, "text_embeds": rows}),
    )  # fmt: skip
    model.vision_model.embeddings.patch_embedding = _Convolved(patches)
    try:
        for path, part, given, names, output, sizes in parts:
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            with torch.no_grad(), warnings.catch_warnings():
                warnings.simplefilter("ignore")  # that there is a newer exporter
                torch.onnx.export(
                    part.eval(), given, str(folder / path), input_names=names,
                    output_names=[output], dynamic_axes=sizes, opset_version=OPSET, dynamo=False,
                )  # fmt: skip
    finally:
        model.vision_model.embeddings.patch_embedding = patches


def quantise(whole: Path, folder: Path) -> None:
    """Weights of products as int8 a column at a time, activations as they come
    (https://onnxruntime.ai/docs/performance/model-optimizations/quantization.html)."""
    # It advises, through the root logger, a step that these small graphs do without.
    logging.disable(logging.WARNING)
    try:
        for path in (VISION, TEXT):
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            # Without VNNI two products of full range may overflow the 16 bits between them.
            quantize_dynamic(
                whole / path,
                folder / path,
                per_channel=True,
                reduce_range=True,
                weight_type=QuantType.QInt8,
                extra_options={"DefaultTensorType": TensorProto.FLOAT},
            )
    finally:
        logging.disable(logging.NOTSET)


def narrow(whole: Path, folder: Path) -> None:
    """Weights are kept in 16 bits, and computed with in 32: a runtime widens them once."""
    for path in (VISION, TEXT):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        onnx.save(halved(onnx.load(whole / path)), folder / path)


def exported_eyes(folder: Path, words: Words) -> Eyes:
    """Those of an exported folder, by ONNX Runtime."""
    vision, text = (
        onnxruntime.InferenceSession(str(folder / one), providers=["CPUExecutionProvider"])
        for one in (VISION, TEXT)
    )

    def pictures(pixels: Tensor) -> Rows:
        found: Rows = vision.run(["image_embeds"], {"pixel_values": values(pixels).numpy()})[0]
        return found

    def texts(said: Sequence[str]) -> Rows:
        ids, mask = words.encode(said)
        given = {"input_ids": ids.numpy(), "attention_mask": mask.numpy()}
        found: Rows = text.run(["text_embeds"], given)[0]
        return found

    return Eyes(pictures, texts)


def _same(model: Clip, words: Words, folder: Path) -> None:
    """Raises ModelError where an exported tower gives another row than the trained one."""
    side = model.shape.side
    pixels = torch.randint(
        256, (4, 3, side, side), dtype=torch.uint8, generator=torch.Generator().manual_seed(0)
    )
    said = ["a red umbrella", "猫", "x"]
    trained, made = eyes(model, words), exported_eyes(folder, words)
    for one, other in (
        (trained.pictures(pixels), made.pictures(pixels)),
        (trained.texts(said), made.texts(said)),
    ):
        least = float((one * other).sum(axis=1).min())
        if not least > 1 - ALIKE:
            raise ModelError(
                f"the exported CLIP is not the one that was trained (cosine {least:.4f}); report "
                "this."
            )


def _card(
    name: str, model: Clip, words: Words, report: Mapping[str, Any], bits: Mapping[str, Any],
    licence: str,
) -> dict[str, Any]:  # fmt: skip
    """What the model says of itself."""
    return {
        "name": name,
        "made_by": f"gnomon {__version__}",
        "made_at": datetime.fromtimestamp(time.time(), UTC).isoformat(timespec="seconds"),
        "architecture": "CLIPModel",
        "languages": report["languages"],
        "licence": licence or NOT_STATED,
        "parameters": sum(one.numel() for one in model.parameters()),
        "context_tokens": model.shape.context,
        "vocabulary": words.vocab,
        "side": model.shape.side,
        "logit_scale": float(model.scale.detach()),
        "logit_bias": None if model.logit_bias is None else float(model.logit_bias.detach()),
        "everything": report["everything"],
        "held_set": report["held_set"],
        "data": {key: report[key] for key in ("pictures", "concepts", "sets", "licences")},
        "training": {
            key: report[key] for key in ("loss", "steps", "pairs", "train_loss", "seconds")
        },
        "scores": report["scores"],
        **bits,
    }


def _files(folder: Path) -> list[HeldFile]:
    """Every file with its hash, the image tower first."""
    paths = [one for one in folder.rglob("*") if one.is_file() and one.name != installed.MANIFEST]
    names = sorted(one.relative_to(folder).as_posix() for one in paths)
    names.sort(key=lambda one: one != VISION)
    return [
        HeldFile(one, (folder / one).stat().st_size, installed.file_sha256(folder / one))
        for one in names
    ]
