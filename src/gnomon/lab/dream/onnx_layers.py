"""ONNX operators that are layers of networks: convolutions, pools, norms, products."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from gnomon.lab.dream.onnx_arithmetic import Inputs, Operator, Settings, plain

CONVOLUTIONS = (functional.conv1d, functional.conv2d, functional.conv3d)
TRANSPOSED = (
    functional.conv_transpose1d, functional.conv_transpose2d, functional.conv_transpose3d,
)  # fmt: skip
MAXIMA = (functional.max_pool1d, functional.max_pool2d, functional.max_pool3d)


def _window(x: Tensor, kernel: list[int], settings: Settings) -> tuple[Any, Any, Any]:
    """Strides, dilations, and what is added before and after each axis."""
    axes = len(kernel)
    strides = list(settings.get("strides", [1] * axes))
    dilations = list(settings.get("dilations", [1] * axes))
    pads = list(settings.get("pads", [0] * 2 * axes))
    auto = settings.get("auto_pad", "NOTSET")
    if auto == "VALID":
        pads = [0] * 2 * axes
    elif auto.startswith("SAME"):
        for axis in range(axes):
            size = x.shape[2 + axis]
            reach = (kernel[axis] - 1) * dilations[axis] + 1
            lack = max(0, (-(-size // strides[axis]) - 1) * strides[axis] + reach - size)
            small, large = lack // 2, lack - lack // 2
            pads[axis], pads[axes + axis] = (
                (small, large) if auto == "SAME_UPPER" else (large, small)
            )
    return strides, dilations, [(pads[axis], pads[axes + axis]) for axis in range(axes)]


def _padded(x: Tensor, pads: list[tuple[int, int]], fill: float = 0.0) -> Tensor:
    flat = [side for pair in reversed(pads) for side in pair]
    return functional.pad(x, flat, value=fill) if any(flat) else x


def _conv(inputs: Inputs, settings: Settings, version: int) -> Tensor:
    x, weight, *bias = inputs
    strides, dilations, pads = _window(x, list(weight.shape[2:]), settings)
    even = all(before == after for before, after in pads)
    return CONVOLUTIONS[weight.ndim - 3](
        x if even else _padded(x, pads), weight, bias[0] if bias else None, strides,
        [before for before, _ in pads] if even else 0, dilations, settings.get("group", 1),
    )  # fmt: skip


def _conv_transpose(inputs: Inputs, settings: Settings, version: int) -> Tensor:
    x, weight, *bias = inputs
    if settings.get("auto_pad", "NOTSET") not in ("NOTSET", "VALID") or "output_shape" in settings:
        raise ValueError("a transposed convolution that finds its own padding is not known here")
    axes = weight.ndim - 2
    strides, dilations, pads = _window(x, list(weight.shape[2:]), settings)
    beyond = list(settings.get("output_padding", [0] * axes))
    whole = TRANSPOSED[axes - 1](
        x, weight, bias[0] if bias else None, strides, 0, beyond, settings.get("group", 1),
        dilations,
    )  # fmt: skip
    for axis, (before, after) in enumerate(pads):
        whole = whole.narrow(2 + axis, before, whole.shape[2 + axis] - before - after)
    return whole


def _ceiled(x: Tensor, kernel: Any, strides: Any, dilations: Any, pads: Any, up: bool) -> Any:
    """The padding with which a pool reaches as many places as ONNX counts, rounding up where
    asked; and no window begins past the picture and what is added before it."""
    out = []
    for axis, (before, after) in enumerate(pads):
        size = x.shape[2 + axis]
        reach = (kernel[axis] - 1) * dilations[axis] + 1
        room = size + before + after - reach
        places = (-(-room // strides[axis]) if up else room // strides[axis]) + 1
        if up and (places - 1) * strides[axis] >= size + before:
            places -= 1
        out.append((before, max(0, (places - 1) * strides[axis] + reach - size - before)))
    return out


def _max_pool(inputs: Inputs, settings: Settings, version: int) -> Tensor:
    x, kernel = inputs[0], list(settings["kernel_shape"])
    strides, dilations, pads = _window(x, kernel, settings)
    pads = _ceiled(x, kernel, strides, dilations, pads, bool(settings.get("ceil_mode", 0)))
    low = float("-inf") if x.is_floating_point() else torch.iinfo(x.dtype).min
    whole = _padded(x.float() if x.dtype == torch.uint8 else x, pads, low)
    return MAXIMA[len(kernel) - 1](whole, kernel, strides, 0, dilations).to(x.dtype)


def _average_pool(inputs: Inputs, settings: Settings, version: int) -> Tensor:
    x, kernel = inputs[0], list(settings["kernel_shape"])
    strides, dilations, pads = _window(x, kernel, settings)
    inside = bool(settings.get("count_include_pad", 0))
    reached = _ceiled(x, kernel, strides, dilations, pads, bool(settings.get("ceil_mode", 0)))
    ones = torch.ones_like(x[:1, :1])
    if inside:
        beyond = [
            (0, max(0, after - asked)) for (_, after), (_, asked) in zip(reached, pads, strict=True)
        ]
        ones = _padded(_padded(ones, pads, 1.0), beyond)
        counted = _summed(ones, kernel, strides, dilations)
    else:
        counted = _summed(_padded(ones, reached), kernel, strides, dilations)
    wide = _padded(x, reached)
    channels = x.shape[1]
    total = _summed(wide.reshape(-1, 1, *wide.shape[2:]), kernel, strides, dilations)
    return total.reshape(len(x), channels, *total.shape[2:]) / counted


def _summed(x: Tensor, kernel: Any, strides: Any, dilations: Any) -> Tensor:
    ones = torch.ones(1, 1, *kernel, dtype=x.dtype)
    return CONVOLUTIONS[len(kernel) - 1](x, ones, None, strides, 0, dilations)


def _global(compute: Any) -> Operator:
    return lambda inputs, settings, version: compute(
        inputs[0], tuple(range(2, inputs[0].ndim)), keepdim=True
    )


def _batch_norm(inputs: Inputs, settings: Settings, version: int) -> Tensor:
    x, scale, bias, mean, variance = inputs
    if settings.get("training_mode", 0):
        raise ValueError("it is in training mode; export the model for inference")
    return functional.batch_norm(x, mean, variance, scale, bias, eps=settings.get("epsilon", 1e-5))


def _instance_norm(inputs: Inputs, settings: Settings, version: int) -> Tensor:
    x, scale, bias = inputs
    return functional.instance_norm(x, weight=scale, bias=bias, eps=settings.get("epsilon", 1e-5))


def _layer_norm(inputs: Inputs, settings: Settings, version: int) -> Tensor:
    x, scale, *bias = inputs
    axis = settings.get("axis", -1) % x.ndim
    shape = x.shape[axis:]
    even = functional.layer_norm(x, shape, eps=settings.get("epsilon", 1e-5)) * scale
    return even + bias[0] if bias and bias[0] is not None else even


def _skip_layer_norm(inputs: Inputs, settings: Settings, version: int) -> tuple[Tensor, ...]:
    """com.microsoft's: a sum, then a layer norm; the sum is the fourth output."""
    x, skip, scale, *rest = inputs
    beta, bias = ([*rest, None, None])[:2]
    whole = x + skip if bias is None else x + skip + bias
    even = functional.layer_norm(
        whole, whole.shape[-1:], scale, beta, settings.get("epsilon", 1e-12)
    )
    return even, whole, whole, whole


def _group_norm(inputs: Inputs, settings: Settings, version: int) -> Tensor:
    """Scale and bias are of the groups in version 18, of the channels since version 21."""
    x, scale, bias = inputs
    groups = settings["num_groups"]
    if len(scale) == groups != x.shape[1]:
        scale, bias = (one.repeat_interleave(x.shape[1] // groups) for one in (scale, bias))
    return functional.group_norm(x, groups, scale, bias, settings.get("epsilon", 1e-5))


def _rms_norm(inputs: Inputs, settings: Settings, version: int) -> Tensor:
    x, scale = inputs
    shape = x.shape[settings.get("axis", -1) % x.ndim :]
    return functional.rms_norm(x, shape, eps=settings.get("epsilon", 1e-5)) * scale


def _lp_norm(inputs: Inputs, settings: Settings, version: int) -> Tensor:
    axis, power = settings.get("axis", -1), settings.get("p", 2)
    return functional.normalize(inputs[0], p=power, dim=axis, eps=1e-30)


def _lrn(inputs: Inputs, settings: Settings, version: int) -> Tensor:
    """AlexNet's: over neighbouring channels."""
    x, size = inputs[0], settings["size"]
    before = (size - 1) // 2
    squares = functional.pad(x.square().unsqueeze(1), [0, 0] * (x.ndim - 2)
                             + [before, size - 1 - before])  # fmt: skip
    total = squares.unfold(2, size, 1).sum(-1).squeeze(1)
    share = settings.get("alpha", 1e-4) / size * total
    return x / (settings.get("bias", 1.0) + share).pow(settings.get("beta", 0.75))


def _gemm(inputs: Inputs, settings: Settings, version: int) -> Tensor:
    a, b, *c = inputs
    a = a.T if settings.get("transA", 0) else a
    b = b.T if settings.get("transB", 0) else b
    product = settings.get("alpha", 1.0) * (a @ b)
    if c and c[0] is not None:
        product = product + settings.get("beta", 1.0) * c[0]
    return product.to(a.dtype)


def _pooled_power(inputs: Inputs, settings: Settings, version: int) -> Tensor:
    x, power = inputs[0], settings.get("p", 2)
    axes = tuple(range(2, x.ndim))
    return x.abs().pow(power).sum(axes, keepdim=True).pow(1 / power)


OPERATORS: dict[str, Operator] = {
    "AveragePool": _average_pool,
    "BatchNormalization": _batch_norm,
    "Conv": _conv,
    "ConvTranspose": _conv_transpose,
    "Gemm": _gemm,
    "GlobalAveragePool": _global(torch.mean),
    "GlobalLpPool": _pooled_power,
    "GlobalMaxPool": _global(torch.amax),
    "GroupNormalization": _group_norm,
    "InstanceNormalization": _instance_norm,
    "LRN": _lrn,
    "LayerNormalization": _layer_norm,
    "LpNormalization": _lp_norm,
    "MatMul": plain(torch.matmul),
    "MaxPool": _max_pool,
    "RMSNormalization": _rms_norm,
    "SkipLayerNormalization": _skip_layer_norm,
}
"""Computed with weights as they are: nothing here learns."""
