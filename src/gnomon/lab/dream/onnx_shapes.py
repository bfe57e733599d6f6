"""ONNX operators that move values about: shapes, slices, types."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from gnomon.lab.dream.onnx_arithmetic import Inputs, Operator, Settings, plain

TYPES = {
    1: torch.float32, 2: torch.uint8, 3: torch.int8, 5: torch.int16, 6: torch.int32,
    7: torch.int64, 9: torch.bool, 10: torch.float32, 11: torch.float64, 16: torch.float32,
}  # fmt: skip
"""``TensorProto.DataType``; halves are computed in float32."""


def _cast(inputs: Inputs, settings: Settings, version: int) -> Tensor:
    kind = settings["to"]
    if kind not in TYPES:
        raise ValueError(f"type {kind} of TensorProto is not known here")
    return inputs[0].to(TYPES[kind])


def _given(inputs: Inputs, settings: Settings, place: int, name: str) -> Any:
    """A list that is an input in newer files and was an attribute in older ones."""
    if len(inputs) > place and inputs[place] is not None:
        return inputs[place].tolist()
    return settings.get(name)


def _reshape(inputs: Inputs, settings: Settings, version: int) -> Tensor:
    x = inputs[0]
    asked = _given(inputs, settings, 1, "shape")
    if not settings.get("allowzero", 0):
        asked = [x.shape[place] if size == 0 else size for place, size in enumerate(asked)]
    return x.reshape(asked)


def _flatten(inputs: Inputs, settings: Settings, version: int) -> Tensor:
    x, axis = inputs[0], settings.get("axis", 1)
    axis = axis + x.ndim if axis < 0 else axis
    return x.reshape(math.prod(x.shape[:axis]), -1)


def _transpose(inputs: Inputs, settings: Settings, version: int) -> Tensor:
    return inputs[0].permute(settings.get("perm") or tuple(range(inputs[0].ndim))[::-1])


def _squeeze(inputs: Inputs, settings: Settings, version: int) -> Tensor:
    axes = _given(inputs, settings, 1, "axes")
    return inputs[0].squeeze() if axes is None else inputs[0].squeeze(tuple(axes))


def _unsqueeze(inputs: Inputs, settings: Settings, version: int) -> Tensor:
    x, axes = inputs[0], _given(inputs, settings, 1, "axes")
    axes = axes if isinstance(axes, list | tuple) else [axes]
    whole = x.ndim + len(axes)
    for axis in sorted(axis % whole for axis in axes):
        x = x.unsqueeze(axis)
    return x


def _concat(inputs: Inputs, settings: Settings, version: int) -> Tensor:
    return torch.cat(list(inputs), settings["axis"])


def _split(inputs: Inputs, settings: Settings, version: int) -> tuple[Tensor, ...]:
    x, axis = inputs[0], settings.get("axis", 0)
    sizes = _given(inputs, settings, 1, "split")
    if sizes is None:
        many = settings["num_outputs"]
        size = -(-x.shape[axis] // many)
        sizes = [min(size, x.shape[axis] - size * n) for n in range(many)]
    return torch.split(x, sizes, axis)


def _slice(inputs: Inputs, settings: Settings, version: int) -> Tensor:
    x = inputs[0]
    starts = _given(inputs, settings, 1, "starts")
    ends = _given(inputs, settings, 2, "ends")
    axes = _given(inputs, settings, 3, "axes") or list(range(len(starts)))
    steps = _given(inputs, settings, 4, "steps") or [1] * len(starts)
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        places = range(x.shape[axis])[start:end:step]
        if step == 1:
            x = x.narrow(axis, places.start, len(places))
        else:
            x = x.index_select(axis, torch.tensor(list(places), dtype=torch.int64))
    return x


def _gather(inputs: Inputs, settings: Settings, version: int) -> Tensor:
    x, places = inputs[0], inputs[1].long()
    axis = settings.get("axis", 0) % x.ndim
    places = torch.where(places < 0, places + x.shape[axis], places)
    found = x.index_select(axis, places.reshape(-1))
    return found.reshape(x.shape[:axis] + places.shape + x.shape[axis + 1 :])


def _gather_elements(inputs: Inputs, settings: Settings, version: int) -> Tensor:
    x, places, axis = inputs[0], inputs[1].long(), settings.get("axis", 0)
    return x.gather(axis, torch.where(places < 0, places + x.shape[axis], places))


def _expand(x: Tensor, shape: Tensor) -> Tensor:
    return x.expand(torch.broadcast_shapes(x.shape, tuple(shape.tolist())))


def _shape(inputs: Inputs, settings: Settings, version: int) -> Tensor:
    sizes = list(inputs[0].shape)[settings.get("start", 0) : settings.get("end")]
    return torch.tensor(sizes, dtype=torch.int64)


def _constant(inputs: Inputs, settings: Settings, version: int) -> Tensor:
    (name, value), *_ = settings.items()
    if name == "value":
        return value
    kind = torch.float32 if name.startswith("value_float") else torch.int64
    return torch.tensor(value, dtype=kind)


def _constant_of_shape(inputs: Inputs, settings: Settings, version: int) -> Tensor:
    value = settings.get("value", torch.zeros(1))
    return torch.full(tuple(inputs[0].tolist()), value.item(), dtype=value.dtype)


def _pad(inputs: Inputs, settings: Settings, version: int) -> Tensor:
    x = inputs[0]
    mode = settings.get("mode", "constant")
    pads = _given(inputs, settings, 1, "pads")
    fill = settings.get("value", 0.0)
    if len(inputs) > 2 and inputs[2] is not None:
        fill = inputs[2].item()
    axes = _given(inputs, settings, 3, "axes") or range(x.ndim)
    count = len(pads) // 2
    for place, axis in enumerate(axes):
        before, after = pads[place], pads[place + count]
        if mode == "constant" or (before <= 0 and after <= 0):
            flat = [0, 0] * (x.ndim - 1 - axis % x.ndim) + [before, after]
            x = functional.pad(x, flat, value=fill)
        else:
            x = x.index_select(axis, _beyond(x.shape[axis], before, after, mode))
    return x


def _beyond(size: int, before: int, after: int, mode: str) -> Tensor:
    """Which places an axis shows when it is continued past both ends."""
    places = torch.arange(-before, size + after)
    if mode == "edge":
        return places.clamp(0, size - 1)
    if mode == "wrap":
        return places % size
    turn = max(1, 2 * (size - 1))
    places = places % turn
    return torch.where(places >= size, turn - places, places)


def _depth_to_space(inputs: Inputs, settings: Settings, version: int) -> Tensor:
    x, block = inputs[0], settings["blocksize"]
    if settings.get("mode", "DCR") == "CRD":
        return functional.pixel_shuffle(x, block)
    n, c, h, w = x.shape
    x = x.reshape(n, block, block, c // block**2, h, w).permute(0, 3, 4, 1, 5, 2)
    return x.reshape(n, c // block**2, h * block, w * block)


def _space_to_depth(inputs: Inputs, settings: Settings, version: int) -> Tensor:
    x, block = inputs[0], settings["blocksize"]
    if settings.get("mode", "DCR") != "DCR":
        raise ValueError("its mode CRD is not known here")
    n, c, h, w = x.shape
    x = x.reshape(n, c, h // block, block, w // block, block).permute(0, 3, 5, 1, 2, 4)
    return x.reshape(n, c * block**2, h // block, w // block)


def _resize(inputs: Inputs, settings: Settings, version: int) -> Tensor:
    """As torch does it, where ONNX can say the same; all else is refused, not done nearly."""
    x = inputs[0]
    mode = settings.get("mode", "nearest")
    usual = "half_pixel" if version >= 11 else "asymmetric"
    way = settings.get("coordinate_transformation_mode", usual)
    sizes = _new_sizes(inputs, settings, version)
    if tuple(sizes) == tuple(x.shape):
        return x
    nearest = mode == "nearest" and _floors(settings, way, x.shape, sizes, version)
    smooth = {"linear": "bilinear", "cubic": "bicubic"}.get(mode)
    single = way == "pytorch_half_pixel" and 1 in sizes[2:]
    known = not single and way in ("half_pixel", "pytorch_half_pixel", "align_corners") and not (
        settings.get("exclude_outside") or settings.get("antialias")
        or settings.get("cubic_coeff_a", -0.75) != -0.75
    )  # fmt: skip
    if list(sizes[:2]) != list(x.shape[:2]) or not (nearest or (smooth and known)):
        raise ValueError(f"a resize by {mode!r} and {way!r} is not known here")
    if mode == "nearest":
        return functional.interpolate(x, sizes[2:], mode="nearest")
    assert smooth is not None
    return functional.interpolate(x, sizes[2:], mode=smooth, align_corners=way == "align_corners")


def _new_sizes(inputs: Inputs, settings: Settings, version: int) -> list[int]:
    """Of a resize: given, or so many times the old ones, for all axes or for some."""
    x = inputs[0]
    axes = list(settings.get("axes") or range(x.ndim))
    if settings.get("keep_aspect_ratio_policy", "stretch") != "stretch":
        raise ValueError("a resize that keeps the aspect is not known here")
    sizes = list(x.shape)
    if len(inputs) > 3 and inputs[3] is not None:
        for axis, size in zip(axes, inputs[3].tolist(), strict=True):
            sizes[axis] = size
        return sizes
    given = inputs[2 if version >= 11 else 1] if len(inputs) > 1 else None
    factors = settings["scales"] if given is None else given.tolist()
    for axis, factor in zip(axes, factors, strict=True):
        sizes[axis] = round(x.shape[axis] * factor)
        if abs(sizes[axis] - x.shape[axis] * factor) > 1e-3:
            raise ValueError("a resize to a broken number of places is not known here")
    return sizes


def _floors(settings: Settings, way: str, small: Any, large: Any, version: int) -> bool:
    """Whether a resize to the nearest takes the place below, as torch does."""
    if version < 11:
        return True
    rounding = settings.get("nearest_mode", "round_prefer_floor")
    if way == "asymmetric":
        return bool(rounding == "floor")
    whole = all(big % size == 0 for big, size in zip(large, small, strict=True))
    return whole and way.endswith("half_pixel") and rounding.startswith("round")


def _dropout(inputs: Inputs, settings: Settings, version: int) -> tuple[Tensor, Tensor]:
    """Nothing is dropped where nothing is learnt."""
    return inputs[0], torch.ones_like(inputs[0], dtype=torch.bool)


def _range(start: Tensor, end: Tensor, step: Tensor) -> Tensor:
    return torch.arange(start.item(), end.item(), step.item(), dtype=start.dtype)


def _einsum(inputs: Inputs, settings: Settings, version: int) -> Tensor:
    return torch.einsum(settings["equation"].replace(" ", ""), *inputs)


OPERATORS: dict[str, Operator] = {
    "Cast": _cast,
    "CastLike": plain(lambda x, like: x.to(like.dtype)),
    "Concat": _concat,
    "Constant": _constant,
    "ConstantOfShape": _constant_of_shape,
    "DepthToSpace": _depth_to_space,
    "Dropout": _dropout,
    "Einsum": _einsum,
    "Expand": plain(_expand),
    "Flatten": _flatten,
    "Gather": _gather,
    "GatherElements": _gather_elements,
    "Identity": plain(lambda x: x),
    "Pad": _pad,
    "Range": plain(_range),
    "Reshape": _reshape,
    "Resize": _resize,
    "Shape": _shape,
    "Size": plain(lambda x: torch.tensor(x.numel(), dtype=torch.int64)),
    "Slice": _slice,
    "SpaceToDepth": _space_to_depth,
    "Split": _split,
    "Squeeze": _squeeze,
    "Tile": plain(lambda x, times: x.repeat(tuple(times.tolist()))),
    "Transpose": _transpose,
    "Unsqueeze": _unsqueeze,
    "Upsample": _resize,
}
