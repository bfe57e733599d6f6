"""An ONNX graph computed by torch, node by node, so that it can be run backwards.

ONNX Runtime computes no gradients without its training build, and the libraries that turn ONNX into
torch modules are not kept up, so this is an interpreter of our own over the operators of picture
models (https://onnx.ai/onnx/operators/). An operator that it does not know is named when the file
is opened. Integers stay exact; nothing is folded; weights are constants.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from gnomon.errors import InputError
from gnomon.lab.dream import onnx_arithmetic, onnx_layers, onnx_shapes

OPERATORS = {**onnx_arithmetic.OPERATORS, **onnx_shapes.OPERATORS, **onnx_layers.OPERATORS}
DOMAINS = ("", "ai.onnx", "com.microsoft")


@dataclass(frozen=True, slots=True)
class Node:
    """One operator: names of what goes in ("" for nothing) and comes out, attributes by name, and
    the version of the operators that the file was written for."""

    name: str
    kind: str
    takes: tuple[str, ...]
    gives: tuple[str, ...]
    settings: Mapping[str, Any]
    version: int


@dataclass(frozen=True)
class Graph:
    """``takes`` is the name of the picture's input and ``shape`` its sizes, None where they are
    free; ``gives`` the graph's outputs; ``weights`` what is known beforehand, by name."""

    takes: str
    shape: tuple[int | None, ...]
    gives: tuple[str, ...]
    nodes: Sequence[Node]
    weights: Mapping[str, Tensor] = field(repr=False)

    def values(self, picture: Tensor, wanted: Collection[str] | None = None) -> dict[str, Tensor]:
        """Every value by its name, or those ``wanted``, computing no further than the last of them.
        Raises InputError where an operator cannot be computed over a picture of this size."""
        held: dict[str, Any] = {"": None, **self.weights, self.takes: picture}
        left = set(wanted) - held.keys() if wanted is not None else None
        for node in self.nodes:
            if left is not None and not left:
                break
            inputs = [held[name] for name in node.takes]
            try:
                made = OPERATORS[node.kind](inputs, node.settings, node.version)
            except (RuntimeError, IndexError, TypeError, ValueError) as error:
                sizes = [tuple(one.shape) if one is not None else None for one in inputs]
                raise InputError(
                    f"the model's {node.kind} {node.name!r} cannot be computed over {sizes} for a "
                    f"picture of {tuple(picture.shape)}: {str(error).splitlines()[0]}"
                ) from error
            results = made if isinstance(made, tuple) else (made,)
            held.update(zip(node.gives, results, strict=False))
            if left is not None:
                left.difference_update(node.gives)
        names = held.keys() - {""} if wanted is None else wanted
        return {name: held[name] for name in names}


def read(path: Path) -> Graph:
    """The graph of an ONNX file. Raises InputError for one that is none, takes no picture, or uses
    an operator that is not known here."""
    import onnx
    from google.protobuf.message import DecodeError

    try:
        model = onnx.load(str(path))
    except (OSError, DecodeError, onnx.checker.ValidationError) as error:
        raise InputError(f"{path} is no ONNX model that can be read: {error}") from error
    return of(model, str(path))


def of(model: Any, where: str = "the model") -> Graph:
    """The graph of an ``onnx.ModelProto``. Raises InputError."""
    graph = model.graph
    versions = {one.domain: one.version for one in model.opset_import}
    version = versions.get("", versions.get("ai.onnx", 1))
    weights = {one.name: _tensor(one) for one in graph.initializer}
    nodes = [_node(one, version, where) for one in graph.node]
    _known(nodes, graph.node, where)
    takes = [one for one in graph.input if one.name not in weights]
    pictures = [one for one in takes if len(one.type.tensor_type.shape.dim) in (0, 4)]
    if len(takes) != 1 or not pictures:
        names = ", ".join(one.name for one in takes)
        raise InputError(f"{where} takes {names or 'nothing'}; it must take one picture.")
    shape = tuple(
        one.dim_value if one.HasField("dim_value") and one.dim_value > 0 else None
        for one in pictures[0].type.tensor_type.shape.dim
    )
    return Graph(
        takes[0].name, shape or (None,) * 4, tuple(one.name for one in graph.output), nodes, weights
    )


def _node(one: Any, version: int, where: str) -> Node:
    settings = {each.name: _setting(each, where) for each in one.attribute}
    if one.op_type == "Split":
        settings.setdefault("num_outputs", len(one.output))
    name = one.name or (one.output[0] if one.output else one.op_type)
    return Node(name, one.op_type, tuple(one.input), tuple(one.output), settings, version)


def _known(nodes: Sequence[Node], told: Sequence[Any], where: str) -> None:
    strange = {node.kind for node in nodes if node.kind not in OPERATORS}
    strange |= {f"{one.domain}.{one.op_type}" for one in told if one.domain not in DOMAINS}
    if strange:
        raise InputError(
            f"{where} uses {', '.join(sorted(strange))}, which gnomon cannot run backwards. Export "
            "the model in float32 and without fused operators (quantised and optimised files have "
            "them), or give its folder with config.json and model.safetensors."
        )


def _setting(attribute: Any, where: str) -> Any:
    from onnx import AttributeProto, helper

    if attribute.type in (AttributeProto.GRAPH, AttributeProto.GRAPHS):
        raise InputError(
            f"{where} has a graph inside a node ({attribute.name}): branches and loops cannot be "
            "run backwards here."
        )
    value = helper.get_attribute_value(attribute)
    if attribute.type == AttributeProto.TENSOR:
        return _tensor(value)
    return value.decode("utf-8") if isinstance(value, bytes) else value


def _tensor(told: Any) -> Tensor:
    import numpy as np
    from onnx import numpy_helper

    values = numpy_helper.to_array(told)
    if values.dtype.kind not in "fiub":
        values = values.astype(np.float32)
    whole = torch.from_numpy(np.array(values))
    return whole.float() if whole.dtype in (torch.float16, torch.bfloat16) else whole
