"""ONNX operators that work value by value, or reduce along axes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

Inputs = Sequence[Any]
Settings = Mapping[str, Any]
Operator = Callable[[Inputs, Settings, int], Any]
"""Tensors (None for one that is left out), attributes, the version of the operators; to one tensor
or a tuple of them."""


def plain(compute: Callable[..., Tensor]) -> Operator:
    """An operator that is a function of its inputs alone."""
    return lambda inputs, settings, version: compute(*inputs)


def folded(compute: Callable[[Tensor, Tensor], Tensor]) -> Operator:
    """An operator over any number of inputs, two at a time."""

    def over(inputs: Inputs, settings: Settings, version: int) -> Tensor:
        whole = inputs[0]
        for one in inputs[1:]:
            whole = compute(whole, one)
        return whole

    return over


def tuned(compute: Callable[..., Tensor], **usual: Any) -> Operator:
    """An operator of one input with attributes, and what these usually are."""
    return lambda inputs, settings, version: compute(
        inputs[0], *(settings.get(name, value) for name, value in usual.items())
    )


def _div(a: Tensor, b: Tensor) -> Tensor:
    return a / b if a.is_floating_point() else torch.div(a, b, rounding_mode="trunc")


def _mod(inputs: Inputs, settings: Settings, version: int) -> Tensor:
    a, b = inputs
    return torch.fmod(a, b) if settings.get("fmod") else torch.remainder(a, b)


def _mean(inputs: Inputs, settings: Settings, version: int) -> Tensor:
    return folded(torch.add)(inputs, settings, version) / len(inputs)


def _clip(inputs: Inputs, settings: Settings, version: int) -> Tensor:
    low, high = (
        inputs[place] if len(inputs) > place else settings.get(name)
        for place, name in ((1, "min"), (2, "max"))
    )
    x: Tensor = inputs[0]
    if low is not None:
        x = torch.maximum(x, torch.as_tensor(low, dtype=x.dtype))
    return x if high is None else torch.minimum(x, torch.as_tensor(high, dtype=x.dtype))


def _gelu(inputs: Inputs, settings: Settings, version: int) -> Tensor:
    return functional.gelu(inputs[0], approximate=settings.get("approximate", "none"))


def _bias_gelu(x: Tensor, bias: Tensor) -> Tensor:
    return functional.gelu(x + bias)


def _fast_gelu(x: Tensor, bias: Tensor | None = None) -> Tensor:
    return functional.gelu(x if bias is None else x + bias, approximate="tanh")


def _softmax(compute: Callable[..., Tensor]) -> Operator:
    """Before version 13 over all axes from the given one on, since then over that one alone."""

    def over(inputs: Inputs, settings: Settings, version: int) -> Tensor:
        x = inputs[0]
        axis = settings.get("axis", -1 if version >= 13 else 1)
        if version >= 13:
            return compute(x, dim=axis)
        return compute(x.flatten(axis % x.ndim), dim=-1).view(x.shape)

    return over


def reducing(compute: Callable[..., Tensor]) -> Operator:
    """``compute(x, axes, keep)``; the axes are an attribute or, in newer files, an input."""

    def over(inputs: Inputs, settings: Settings, version: int) -> Tensor:
        x = inputs[0]
        axes = settings.get("axes")
        if len(inputs) > 1 and inputs[1] is not None:
            axes = inputs[1].tolist()
        if not axes and settings.get("noop_with_empty_axes", 0):
            return x
        return compute(x, list(axes) if axes else list(range(x.ndim)),
                       bool(settings.get("keepdims", 1)))  # fmt: skip

    return over


def _product(x: Tensor, axes: list[int], keep: bool) -> Tensor:
    for axis in sorted((axis % x.ndim for axis in axes), reverse=True):
        x = x.prod(axis, keepdim=keep)
    return x


def _arg(compute: Callable[..., Tensor]) -> Operator:
    def over(inputs: Inputs, settings: Settings, version: int) -> Tensor:
        axis, x = settings.get("axis", 0), inputs[0]
        keep = bool(settings.get("keepdims", 1))
        if settings.get("select_last_index", 0):
            found = compute(x.flip(axis), dim=axis, keepdim=keep)
            return x.shape[axis] - 1 - found
        return compute(x, dim=axis, keepdim=keep)

    return over


def _swish(x: Tensor, alpha: float) -> Tensor:
    return x * torch.sigmoid(alpha * x)


def _hard_sigmoid(x: Tensor, alpha: float, beta: float) -> Tensor:
    return (alpha * x + beta).clamp(0, 1)


def _selu(x: Tensor, alpha: float, gamma: float) -> Tensor:
    return gamma * torch.where(x > 0, x, alpha * torch.expm1(x))


def _shrink(x: Tensor, bias: float, edge: float) -> Tensor:
    zero = torch.zeros_like(x)
    return torch.where(x < -edge, x + bias, torch.where(x > edge, x - bias, zero))


def _prelu(x: Tensor, slope: Tensor) -> Tensor:
    return torch.where(x >= 0, x, slope * x)


def _power(x: Tensor, exponent: Tensor) -> Tensor:
    return x.pow(exponent).to(x.dtype)


OPERATORS: dict[str, Operator] = {
    "Abs": plain(torch.abs),
    "Add": plain(torch.add),
    "And": plain(torch.logical_and),
    "ArgMax": _arg(torch.argmax),
    "ArgMin": _arg(torch.argmin),
    "BiasGelu": plain(_bias_gelu),
    "Ceil": plain(torch.ceil),
    "Celu": tuned(functional.celu, alpha=1.0),
    "Clip": _clip,
    "Cos": plain(torch.cos),
    "Div": plain(_div),
    "Elu": tuned(functional.elu, alpha=1.0),
    "Equal": plain(torch.eq),
    "Erf": plain(torch.erf),
    "Exp": plain(torch.exp),
    "FastGelu": plain(_fast_gelu),
    "Floor": plain(torch.floor),
    "Gelu": _gelu,
    "Greater": plain(torch.gt),
    "GreaterOrEqual": plain(torch.ge),
    "HardSigmoid": tuned(_hard_sigmoid, alpha=0.2, beta=0.5),
    "HardSwish": plain(functional.hardswish),
    "LeakyRelu": tuned(functional.leaky_relu, alpha=0.01),
    "Less": plain(torch.lt),
    "LessOrEqual": plain(torch.le),
    "Log": plain(torch.log),
    "LogSoftmax": _softmax(torch.log_softmax),
    "Max": folded(torch.maximum),
    "Mean": _mean,
    "Min": folded(torch.minimum),
    "Mish": plain(functional.mish),
    "Mod": _mod,
    "Mul": plain(torch.mul),
    "Neg": plain(torch.neg),
    "Not": plain(torch.logical_not),
    "Or": plain(torch.logical_or),
    "PRelu": plain(_prelu),
    "Pow": plain(_power),
    "Reciprocal": plain(torch.reciprocal),
    "ReduceL1": reducing(lambda x, axes, keep: x.abs().sum(axes, keep)),
    "ReduceL2": reducing(lambda x, axes, keep: x.square().sum(axes, keep).sqrt()),
    "ReduceLogSum": reducing(lambda x, axes, keep: x.sum(axes, keep).log()),
    "ReduceLogSumExp": reducing(torch.logsumexp),
    "ReduceMax": reducing(torch.amax),
    "ReduceMean": reducing(lambda x, axes, keep: x.mean(axes, keep)),
    "ReduceMin": reducing(torch.amin),
    "ReduceProd": reducing(_product),
    "ReduceSum": reducing(lambda x, axes, keep: x.sum(axes, keep)),
    "ReduceSumSquare": reducing(lambda x, axes, keep: x.square().sum(axes, keep)),
    "Relu": plain(functional.relu),
    "Round": plain(torch.round),
    "Selu": tuned(_selu, alpha=1.6732632423543772, gamma=1.0507009873554805),
    "Shrink": tuned(_shrink, bias=0.0, lambd=0.5),
    "Sigmoid": plain(torch.sigmoid),
    "Sign": plain(torch.sign),
    "Sin": plain(torch.sin),
    "Softmax": _softmax(torch.softmax),
    "Softplus": plain(functional.softplus),
    "Softsign": plain(functional.softsign),
    "Sqrt": plain(torch.sqrt),
    "Sub": plain(torch.sub),
    "Sum": folded(torch.add),
    "Swish": tuned(_swish, alpha=1.0),
    "Tanh": plain(torch.tanh),
    "ThresholdedRelu": tuned(lambda x, a: torch.where(x > a, x, torch.zeros_like(x)), alpha=1.0),
    "Where": plain(torch.where),
    "Xor": plain(torch.logical_xor),
}
