"""Norm, rotation and attention with few passes over memory where a CPU learns in eager mode.

There ``torch`` takes the gradient of a norm or a rotation apart into a score of operations, and its
attention has no quick way back in bfloat16. Elsewhere (a GPU, ``torch.compile``, answering) torch's
own are used. Both ways are equal: a test holds each to the other.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

SHORT = 512
"""Rows up to this length have their whole table of scores in memory, where that is quicker."""
NEVER = -1e30
"""Added to the score of what is not seen."""


def by_hand(x: Tensor) -> bool:
    """Whether the passes are written out here for ``x``."""
    return x.device.type == "cpu" and torch.is_grad_enabled() and not torch.compiler.is_compiling()


def rms_norm(x: Tensor, weight: Tensor, eps: float) -> Tensor:
    """``x`` over the root of its mean square in the last dimension, times ``weight``
    (https://arxiv.org/abs/1910.07467)."""
    weight = weight.to(x.dtype)
    if by_hand(x):
        out: Tensor = _Norm.apply(x, weight, eps)
        return out
    return functional.rms_norm(x, (x.shape[-1],), weight, eps)


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """``x`` ``[B, T, heads, head_dim]`` turned by its position: ``cos`` and ``sin``
    ``[T, 1, head_dim]``, the first half of a head against the second
    (https://arxiv.org/abs/2104.09864)."""
    if by_hand(x):
        out: Tensor = _Rotation.apply(x, cos, sin)
        return out
    left, right = x.chunk(2, dim=-1)
    return x * cos + torch.cat((-right, left), dim=-1) * sin


def attention(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None) -> Tensor:
    """What each query finds, ``[B, H, T, D]``: ``q`` of ``H`` heads, ``k`` and ``v`` of as many or
    of a divisor. ``mask`` is true where a query sees a key; None: all before it and itself."""
    learning = q.device.type == "cpu" and torch.is_grad_enabled()
    if learning and q.dtype == torch.bfloat16 and k.shape[2] <= SHORT:
        return _scores(q, k, v, mask)
    return functional.scaled_dot_product_attention(
        q, k, v, attn_mask=mask, is_causal=mask is None and q.shape[2] > 1,
        enable_gqa=bool(q.shape[1] != k.shape[1]),
    )  # fmt: skip


def _scores(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None) -> Tensor:
    batch, heads, length, width = q.shape
    if k.shape[1] != heads:
        k, v = (one.repeat_interleave(heads // k.shape[1], dim=1) for one in (k, v))
    if mask is None:
        mask = torch.ones(1, 1, length, k.shape[2], dtype=torch.bool).tril()
    hidden = torch.zeros(mask.shape, dtype=q.dtype).masked_fill_(~mask, NEVER)
    hidden = hidden.expand(batch, heads, length, -1).reshape(batch * heads, length, -1)
    q, k, v = ((one.reshape(batch * heads, -1, width)) for one in (q * width**-0.5, k, v))
    found = torch.baddbmm(hidden, q, k.mT).softmax(dim=-1) @ v
    return found.view(batch, heads, length, width)


class _Norm(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, eps: float) -> Tensor:
        length = torch.linalg.vector_norm(x, 2, -1, keepdim=True, dtype=torch.float32)
        scale = length.square_().div_(x.shape[-1]).add_(eps).rsqrt_().to(x.dtype)
        ctx.save_for_backward(x, weight, scale)
        return (x * scale).mul_(weight)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Any:
        x, weight, scale = ctx.saved_tensors
        grad = grads[0].contiguous()
        width = x.shape[-1]
        even = x * scale
        along = (grad * even).view(-1, width)
        share = (along @ weight).div_(width).view(scale.shape)
        to_x = (grad * weight).addcmul_(even, share, value=-1).mul_(scale)
        return to_x, along.sum(dim=0), None


class _Rotation(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        ctx.save_for_backward(cos, sin)
        return _turned(x, cos, sin, 1)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Any:
        cos, sin = ctx.saved_tensors
        return _turned(grads[0], cos, sin, -1), None, None


def _turned(x: Tensor, cos: Tensor, sin: Tensor, way: int) -> Tensor:
    half = x.shape[-1] // 2
    out = x * cos
    out[..., :half].addcmul_(x[..., half:], sin[..., :half], value=-way)
    out[..., half:].addcmul_(x[..., :half], sin[..., :half], value=way)
    return out
