"""A diffusion transformer over pixels: diffusers' PRXTransformer2DModel, by parameter names.

Patches of the noisy picture attend to each other and to the words
(https://huggingface.co/blog/Photoroom/prx-part1); the time scales and shifts every layer
(https://arxiv.org/abs/2212.09748). It predicts the clean picture, not the noise: a picture lies
near few dimensions and noise does not, which is what lets patches be large and the model small
(https://arxiv.org/abs/2511.13720).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from gnomon.errors import InputError

MAX_DEPTH = 24
HEAD = 64
TIMES = 256  # width of the sines that a time becomes; fixed in the stock class


@dataclass(frozen=True, slots=True)
class Shape:
    """``side`` and ``patch`` in pixels; ``context`` is the width of the words' vectors;
    ``bottleneck`` what a patch is squeezed through on its way in."""

    width: int
    layers: int
    side: int = 64
    patch: int = 8
    context: int = 256
    channels: int = 3
    bottleneck: int = 96
    mlp_ratio: float = 3.0

    @property
    def heads(self) -> int:
        return self.width // HEAD

    @property
    def tokens(self) -> int:
        return (self.side // self.patch) ** 2

    @property
    def flops(self) -> float:
        """Operations for one picture of training, forward and backward: 6 for each weight that a
        token passes, and the attention (as ``lab.model.rates`` counts)."""
        inner = int(self.width * self.mlp_ratio)
        passed = self.layers * (4 * self.width**2 + 3 * self.width * inner)
        return self.tokens * (6.0 * passed + 12.0 * self.layers * self.width * self.tokens)


def shape_of(depth: int, side: int = 64, context: int = 256) -> Shape:
    """The sizes of a depth: three quarters of a head a layer, so that 8 layers are 384 wide.
    Raises InputError."""
    if not 1 <= depth <= MAX_DEPTH:
        raise InputError(f"--depth is {depth}; give a number from 1 to {MAX_DEPTH}.")
    if side not in (32, 48, 64):
        raise InputError(f"--side is {side}; give 32, 48 or 64.")
    return Shape(HEAD * math.ceil(depth * 0.75), depth, side, side // 8, context)


class Norm(nn.Module):
    """The root mean square of each head made 1 (https://arxiv.org/abs/1910.07467), as queries and
    keys want it; written out, so that it can be fused and exported."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(HEAD))

    def forward(self, x: Tensor) -> Tensor:
        x = x.float()
        return x * (x.square().mean(-1, keepdim=True) + 1e-6).rsqrt() * self.weight


class Attention(nn.Module):
    """Patches look at words and patches; queries come from patches alone."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.heads = width // HEAD
        self.img_qkv_proj = nn.Linear(width, 3 * width, bias=False)
        self.norm_q = Norm()
        self.norm_k = Norm()
        self.txt_kv_proj = nn.Linear(width, 2 * width, bias=False)
        self.norm_added_k = Norm()
        self.to_out = nn.ModuleList([nn.Linear(width, width, bias=False)])

    def forward(self, x: Tensor, words: Tensor, turns: Tensor, mask: Tensor) -> Tensor:
        q, k, v = self._heads(self.img_qkv_proj(x), 3)
        word_k, word_v = self._heads(self.txt_kv_proj(words), 2)
        q, k = turned(self.norm_q(q), turns), turned(self.norm_k(k), turns)
        keys = torch.cat((self.norm_added_k(word_k), k), dim=2)
        values = torch.cat((word_v, v), dim=2)
        seen = attended(q.to(values.dtype), keys.to(values.dtype), values, mask)
        out: Tensor = self.to_out[0](seen.transpose(1, 2).flatten(2))
        return out

    def _heads(self, x: Tensor, parts: int) -> tuple[Tensor, ...]:
        return x.unflatten(2, (parts, self.heads, HEAD)).permute(2, 0, 3, 1, 4).unbind(0)


def attended(q: Tensor, k: Tensor, v: Tensor, mask: Tensor) -> Tensor:
    """Scaled dot-product attention. On a CPU as two products, which torch.compile fuses with what
    is between: for so few tokens that is 2.8 times as fast as torch's own kernel, both ways."""
    if q.device.type != "cpu":
        return functional.scaled_dot_product_attention(q, k, v, attn_mask=mask)
    scores = (q @ k.transpose(-1, -2)) * HEAD**-0.5
    return scores.masked_fill(~mask, -1e4).softmax(-1).to(v.dtype) @ v


class Modulation(nn.Module):
    """Shift, scale and gate of both halves of a layer, from the time; all 0 at first, so that a
    layer begins as the identity."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.lin = nn.Linear(width, 6 * width)
        nn.init.zeros_(self.lin.weight)
        nn.init.zeros_(self.lin.bias)

    def forward(self, time: Tensor) -> tuple[Tensor, ...]:
        return self.lin(functional.silu(time))[:, None].chunk(6, dim=-1)


class Block(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        inner = int(shape.width * shape.mlp_ratio)
        self.img_pre_norm = nn.LayerNorm(shape.width, elementwise_affine=False, eps=1e-6)
        self.attention = Attention(shape.width)
        self.post_attention_layernorm = nn.LayerNorm(
            shape.width, elementwise_affine=False, eps=1e-6
        )
        self.gate_proj = nn.Linear(shape.width, inner, bias=False)
        self.up_proj = nn.Linear(shape.width, inner, bias=False)
        self.down_proj = nn.Linear(inner, shape.width, bias=False)
        self.modulation = Modulation(shape.width)

    def forward(
        self, x: Tensor, words: Tensor, time: Tensor, turns: Tensor, mask: Tensor
    ) -> Tensor:
        shift, scale, gate, shift_2, scale_2, gate_2 = self.modulation(time)
        seen = (1 + scale) * self.img_pre_norm(x) + shift
        x = x + gate * self.attention(seen, words, turns, mask)
        thought = (1 + scale_2) * self.post_attention_layernorm(x) + shift_2
        thought = functional.gelu(self.gate_proj(thought), approximate="tanh") * self.up_proj(
            thought
        )
        return x + gate_2 * self.down_proj(thought)


class Times(nn.Module):
    """A time in 0..1 as sines, then as a vector."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.in_layer = nn.Linear(TIMES, width)
        self.out_layer = nn.Linear(width, width)

    def forward(self, time: Tensor) -> Tensor:
        half = TIMES // 2
        steps = torch.arange(half, dtype=torch.float32, device=time.device)
        angles = 1000.0 * time.float()[:, None] * torch.exp(-math.log(10_000) / half * steps)
        sines = torch.cat((angles.cos(), angles.sin()), dim=-1)
        out: Tensor = self.out_layer(functional.silu(self.in_layer(sines)))
        return out


class Final(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.norm_final = nn.LayerNorm(shape.width, elementwise_affine=False, eps=1e-6)
        self.linear = nn.Linear(shape.width, shape.channels * shape.patch**2)
        self.adaLN_modulation = nn.Sequential(nn.SiLU(), nn.Linear(shape.width, 2 * shape.width))
        for weight in (self.linear.weight, self.linear.bias, *self.adaLN_modulation.parameters()):
            nn.init.zeros_(weight)

    def forward(self, x: Tensor, time: Tensor) -> Tensor:
        shift, scale = self.adaLN_modulation(time)[:, None].chunk(2, dim=-1)
        out: Tensor = self.linear((1 + scale) * self.norm_final(x) + shift)
        return out


class Dit(nn.Module):
    """``forward(noisy, time, words, mask)`` is the clean picture, [B,3,h,w]: from the noisy one,
    its time [B] in 0..1 (1: noise), the words [B,T,context] and which of them count [B,T] bool."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.img_in = nn.Sequential(
            nn.Linear(shape.channels * shape.patch**2, shape.bottleneck),
            nn.Linear(shape.bottleneck, shape.width),
        )
        self.time_in = Times(shape.width)
        self.txt_in = nn.Linear(shape.context, shape.width)
        self.blocks = nn.ModuleList(Block(shape) for _ in range(shape.layers))
        self.final_layer = Final(shape)

    def forward(self, noisy: Tensor, time: Tensor, words: Tensor, mask: Tensor) -> Tensor:
        patch = self.shape.patch
        rows, columns = noisy.shape[2] // patch, noisy.shape[3] // patch
        x = self.img_in(cut(noisy, patch))
        turns = places(rows, columns, noisy.device)
        seen = functional.pad(mask, (0, rows * columns), value=True)[:, None, None]
        at, words = self.time_in(time), self.txt_in(words)
        for block in self.blocks:
            x = block(x, words, at, turns, seen)
        return joined(self.final_layer(x, at).float(), rows, columns, patch)


def cut(pictures: Tensor, patch: int) -> Tensor:
    """[B,C,h,w] to [B, patches, C * patch * patch], rows of patches one after the other."""
    parts = pictures.unflatten(3, (-1, patch)).unflatten(2, (-1, patch))  # B C r p c q
    return parts.permute(0, 2, 4, 1, 3, 5).flatten(3).flatten(1, 2)


def joined(patches: Tensor, rows: int, columns: int, patch: int) -> Tensor:
    """What ``cut`` cut."""
    parts = patches.unflatten(2, (-1, patch, patch)).unflatten(1, (rows, columns))
    return parts.permute(0, 3, 1, 4, 2, 5).flatten(4).flatten(2, 3)


def places(rows: int, columns: int, device: torch.device) -> Tensor:
    """Where each patch is, as turns: [rows * columns, HEAD / 2] angles, the row's in the first half
    and the column's in the second (https://arxiv.org/abs/2104.09864)."""
    axis = HEAD // 2
    speeds = 10_000.0 ** -(torch.arange(0, axis, 2, dtype=torch.float64, device=device) / axis)
    row = torch.arange(rows, device=device).repeat_interleave(columns)
    column = torch.arange(columns, device=device).repeat(rows)
    return torch.cat([row[:, None] * speeds, column[:, None] * speeds], dim=-1).float()


def turned(x: Tensor, angles: Tensor) -> Tensor:
    """``x`` [..., T, HEAD] with each neighbouring pair of numbers turned by its angle."""
    even, odd = x.unflatten(-1, (-1, 2)).unbind(-1)
    cos, sin = angles.cos(), angles.sin()
    return torch.stack((cos * even - sin * odd, sin * even + cos * odd), dim=-1).flatten(-2)


def stock_config(shape: Shape) -> dict[str, Any]:
    """``transformer/config.json`` of the same model in diffusers."""
    return {
        "_class_name": "PRXTransformer2DModel",
        "_diffusers_version": "0.42.1",
        "in_channels": shape.channels,
        "patch_size": shape.patch,
        "context_in_dim": shape.context,
        "hidden_size": shape.width,
        "mlp_ratio": shape.mlp_ratio,
        "num_heads": shape.heads,
        "depth": shape.layers,
        "axes_dim": [HEAD // 2, HEAD // 2],
        "theta": 10_000,
        "time_factor": 1000.0,
        "time_max_period": 10_000,
        "bottleneck_size": shape.bottleneck,
        "resolution_embeds": False,
        "sample_size": shape.side,
    }
