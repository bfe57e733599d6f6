"""ONNX weights in half the bytes."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import numpy_helper


def halved(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same model with its larger weights kept in 16 bits and cast where they are used; ONNX
    Runtime casts them once, when it loads them."""
    graph = model.graph
    casts = []
    for weight in graph.initializer:
        if weight.data_type != onnx.TensorProto.FLOAT or np.prod(weight.dims) < 1024:
            continue
        half = numpy_helper.to_array(weight).astype(np.float16)
        name = weight.name
        weight.CopyFrom(numpy_helper.from_array(half, name + ".f16"))
        casts.append(
            onnx.helper.make_node("Cast", [name + ".f16"], [name], to=onnx.TensorProto.FLOAT)
        )
    nodes = list(graph.node)
    del graph.node[:]
    graph.node.extend([*casts, *nodes])
    return model
