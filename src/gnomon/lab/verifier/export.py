"""A trained verifier as the assistant serves it: ONNX, fused, eight bits.

Weights become int8 a column at a time; activations are quantised as they come (dynamic
quantisation, https://onnxruntime.ai/docs/performance/model-optimizations/quantization.html).
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import onnx
import onnxruntime
import torch
from onnxruntime.quantization import QuantType, quantize_dynamic
from onnxruntime.transformers import optimizer
from onnxruntime.transformers.fusion_options import FusionOptions
from transformers import BertForSequenceClassification

from gnomon.lab.verifier.corpus import Batch

INPUTS = ("input_ids", "attention_mask", "token_type_ids")
OPSET = 17


def export(trained: Path, target: Path) -> None:
    """Write the model folder ``trained`` to the file ``target``, int8."""
    with TemporaryDirectory() as folder:
        plain, fused = Path(folder, "plain.onnx"), Path(folder, "fused.onnx")
        _to_onnx(trained, plain)
        _fuse(trained, plain, fused)
        # Without VNNI two products of full range may overflow the 16 bits between them, so
        # weights keep to seven bits (``reduce_range``).
        quantize_dynamic(
            fused,
            target,
            per_channel=True,
            reduce_range=True,
            weight_type=QuantType.QInt8,
            extra_options={"DefaultTensorType": onnx.TensorProto.FLOAT},
        )


def _to_onnx(trained: Path, target: Path) -> None:
    model = BertForSequenceClassification.from_pretrained(trained, attn_implementation="eager")
    model.eval()
    ids = torch.full((2, 16), 1000)
    sizes = {name: {0: "pairs", 1: "tokens"} for name in INPUTS}
    torch.onnx.export(
        model,
        (ids, torch.ones_like(ids), torch.zeros_like(ids)),
        str(target),
        input_names=list(INPUTS),
        output_names=["logits"],
        dynamic_axes={**sizes, "logits": {0: "pairs"}},
        opset_version=OPSET,
        dynamo=False,
    )


def _fuse(trained: Path, plain: Path, target: Path) -> None:
    """Attention, layer norms and GELU as one operator each; embeddings stay plain, so that they
    are quantised too."""
    config = BertForSequenceClassification.config_class.from_pretrained(trained)
    options = FusionOptions("bert")
    options.enable_embed_layer_norm = False
    fused = optimizer.optimize_model(
        str(plain),
        "bert",
        num_heads=config.num_attention_heads,
        hidden_size=config.hidden_size,
        optimization_options=options,
        opt_level=0,
    )
    fused.save_model_to_file(str(target))


def logits(model: Path, batch: Batch) -> np.ndarray:
    """``[n, 3]`` float32 from an exported file."""
    session = _session(str(model))
    (found,) = session.run(
        ["logits"],
        {"input_ids": batch.ids, "attention_mask": batch.mask, "token_type_ids": batch.types},
    )
    result: np.ndarray = found
    return result


@lru_cache(maxsize=2)
def _session(model: str) -> Any:
    return onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
