"""The model: a decoder with exactly Qwen3's parameters, so that every runtime knows what it is.

Equal to ``transformers``' ``Qwen3ForCausalLM`` with tied embeddings (a test holds it to that):
RMSNorm before each part (https://arxiv.org/abs/1910.07467), rotary positions
(https://arxiv.org/abs/2104.09864), grouped queries (https://arxiv.org/abs/2305.13245) with a norm
on queries and keys, a gated feed-forward (https://arxiv.org/abs/2002.05202), no biases.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from gnomon.lab.dial import Sizes
from gnomon.lab.model.kernels import attention, rms_norm, rotate

ROPE_BASE = 10_000.0
"""Of the paper; enough for the contexts of the dial."""
NORM_EPS = 1e-6


@dataclass(frozen=True, slots=True)
class Shape:
    """``context`` is the longest text in tokens; ``ffn`` the inner width of the feed-forward;
    ``norm_eps`` is added to a mean square."""

    vocab: int
    context: int
    layers: int
    width: int
    heads: int
    kv_heads: int
    head_dim: int
    ffn: int
    rope_base: float = ROPE_BASE
    norm_eps: float = NORM_EPS

    @classmethod
    def of(cls, sizes: Sizes, vocab: int | None = None, context: int | None = None) -> Shape:
        """What the dial says; a tokenizer may have come out smaller than was asked for."""
        return cls(
            vocab=vocab or sizes.vocab,
            context=context or sizes.context,
            layers=sizes.depth,
            width=sizes.width,
            heads=sizes.heads,
            kv_heads=sizes.kv_heads,
            head_dim=sizes.head_dim,
            ffn=sizes.ffn,
        )

    @property
    def parameters(self) -> int:
        """How many numbers are learnt; the embedding, which is also the head, counts once."""
        attention = 2 * self.width * self.head_dim * (self.heads + self.kv_heads)
        norms = 2 * self.width + 2 * self.head_dim
        layer = attention + 3 * self.width * self.ffn + norms
        return self.vocab * self.width + self.layers * layer + self.width


class Cache:
    """Keys and values ``[B, kv_heads, capacity, head_dim]`` of each layer, of the tokens so far."""

    def __init__(self, model: GPT, batch: int, capacity: int) -> None:
        at = model.model.embed_tokens.weight
        shape = model.shape
        size = (batch, shape.kv_heads, capacity, shape.head_dim)
        self.keys = [at.new_empty(size) for _ in range(shape.layers)]
        self.values = [at.new_empty(size) for _ in range(shape.layers)]
        self.segments = torch.zeros((batch, capacity), dtype=torch.int32, device=at.device)
        self.length = 0

    def keep(self, rows: Tensor) -> None:
        """Only these rows of the batch go on."""
        self.keys = [one[rows] for one in self.keys]
        self.values = [one[rows] for one in self.values]
        self.segments = self.segments[rows]


class RMSNorm(nn.Module):
    def __init__(self, width: int, eps: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.eps = eps

    def forward(self, x: Tensor) -> Tensor:
        return rms_norm(x, self.weight, self.eps)


class Attention(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        inner, outer = shape.heads * shape.head_dim, shape.kv_heads * shape.head_dim
        self.q_proj = nn.Linear(shape.width, inner, bias=False)
        self.k_proj = nn.Linear(shape.width, outer, bias=False)
        self.v_proj = nn.Linear(shape.width, outer, bias=False)
        self.o_proj = nn.Linear(inner, shape.width, bias=False)
        self.q_norm = RMSNorm(shape.head_dim, shape.norm_eps)
        self.k_norm = RMSNorm(shape.head_dim, shape.norm_eps)

    def forward(
        self, x: Tensor, turn: tuple[Tensor, Tensor], mask: Tensor | None,
        cache: Cache | None, layer: int,
    ) -> Tensor:  # fmt: skip
        batch, length, _ = x.shape
        heads = (batch, length, -1, self.shape.head_dim)
        q = rotate(self.q_norm(self.q_proj(x).view(heads)), *turn).transpose(1, 2)
        k = rotate(self.k_norm(self.k_proj(x).view(heads)), *turn).transpose(1, 2)
        v = self.v_proj(x).view(heads).transpose(1, 2)
        if cache is not None:
            end = cache.length + length
            cache.keys[layer][:, :, cache.length : end] = k
            cache.values[layer][:, :, cache.length : end] = v
            k, v = cache.keys[layer][:, :, :end], cache.values[layer][:, :, :end]
        y = attention(q, k, v, mask)
        out: Tensor = self.o_proj(y.transpose(1, 2).reshape(batch, length, -1))
        return out


class FeedForward(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.gate_proj = nn.Linear(shape.width, shape.ffn, bias=False)
        self.up_proj = nn.Linear(shape.width, shape.ffn, bias=False)
        self.down_proj = nn.Linear(shape.ffn, shape.width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.down_proj(functional.silu(self.gate_proj(x)) * self.up_proj(x))
        return out


class Layer(nn.Module):
    def __init__(self, shape: Shape, dropout: float) -> None:
        super().__init__()
        self.self_attn = Attention(shape)
        self.mlp = FeedForward(shape)
        self.input_layernorm = RMSNorm(shape.width, shape.norm_eps)
        self.post_attention_layernorm = RMSNorm(shape.width, shape.norm_eps)
        self.dropout = nn.Dropout(dropout)

    def forward(
        self, x: Tensor, turn: tuple[Tensor, Tensor], mask: Tensor | None,
        cache: Cache | None, layer: int,
    ) -> Tensor:  # fmt: skip
        x = x + self.dropout(self.self_attn(self.input_layernorm(x), turn, mask, cache, layer))
        out: Tensor = x + self.dropout(self.mlp(self.post_attention_layernorm(x)))
        return out


class Decoder(nn.Module):
    def __init__(self, shape: Shape, dropout: float) -> None:
        super().__init__()
        self.embed_tokens = nn.Embedding(shape.vocab, shape.width)
        self.layers = nn.ModuleList(Layer(shape, dropout) for _ in range(shape.layers))
        self.norm = RMSNorm(shape.width, shape.norm_eps)


class GPT(nn.Module):
    """``dropout`` is on what each layer adds, in training only; the stock class has none there, and
    what is saved is the same without it."""

    cos: Tensor
    sin: Tensor

    def __init__(self, shape: Shape, dropout: float = 0.0) -> None:
        super().__init__()
        self.shape = shape
        self.model = Decoder(shape, dropout)
        cos, sin = rotations(shape)
        self.register_buffer("cos", cos, persistent=False)
        self.register_buffer("sin", sin, persistent=False)
        self.apply(_start)

    def hidden(
        self, ids: Tensor, *, segments: Tensor | None = None, cache: Cache | None = None
    ) -> Tensor:
        """``[B, T, width]`` after the last norm, of ``ids`` ``[B, T]``.

        A token sees those before it that have its number in ``segments`` ``[B, T]``: documents in
        one row never see each other. With a ``cache`` they follow what it holds, and it grows."""
        start = 0 if cache is None else cache.length
        end = start + ids.shape[1]
        mask = _mask(ids, segments, cache)
        if end > len(self.cos):
            self.cos, self.sin = (one.to(ids.device) for one in rotations(self.shape, 2 * end))
        turn = (self.cos[start:end], self.sin[start:end])
        x = self.model.embed_tokens(ids)
        if torch.is_autocast_enabled(x.device.type):
            x = x.to(torch.get_autocast_dtype(x.device.type))
        turn = (turn[0].to(x.dtype), turn[1].to(x.dtype))
        for number, layer in enumerate(self.model.layers):
            x = layer(x, turn, mask, cache, number)
        if cache is not None:
            cache.length = end
        out: Tensor = self.model.norm(x)
        return out

    def forward(
        self, ids: Tensor, *, segments: Tensor | None = None, cache: Cache | None = None
    ) -> Tensor:
        """Logits ``[B, T, vocab]``."""
        return functional.linear(self.hidden(ids, segments=segments, cache=cache), self.head)

    @property
    def head(self) -> Tensor:
        """``[vocab, width]``: the embedding."""
        return self.model.embed_tokens.weight


def rotations(shape: Shape, length: int = 0) -> tuple[Tensor, Tensor]:
    """Cosines and sines ``[length or context, 1, head_dim]``; both halves of a head turn alike.
    More than the context where rows of many lengths stand side by side: only distances count."""
    steps = torch.arange(0, shape.head_dim, 2, dtype=torch.float32) / shape.head_dim
    angles = torch.outer(torch.arange(length or shape.context).float(), shape.rope_base**-steps)
    both = torch.cat((angles, angles), dim=-1).unsqueeze(1)
    return both.cos(), both.sin()


def _mask(ids: Tensor, segments: Tensor | None, cache: Cache | None) -> Tensor | None:
    """Which keys a query sees, ``[B, 1, T, S]``; None: all before it."""
    start = 0 if cache is None else cache.length
    end = start + ids.shape[1]
    if cache is not None:
        if segments is not None:
            cache.segments[:, start:end] = segments
        keys = cache.segments[:, :end]
        segments = keys[:, start:end]
    elif segments is not None:
        keys = segments
    else:
        return None
    at = torch.arange(end, device=ids.device)
    before = at[start:, None] >= at[None, :]
    return ((segments[:, :, None] == keys[:, None, :]) & before).unsqueeze(1)


def _start(module: Any) -> None:
    """Weights as they are before the first step: what a layer adds is nothing at first
    (https://arxiv.org/abs/1901.09321), so that depth does not change the start."""
    if isinstance(module, nn.Embedding):
        nn.init.normal_(module.weight, std=0.02)
    elif isinstance(module, nn.Linear):
        nn.init.normal_(module.weight, std=module.in_features**-0.5)
    elif isinstance(module, Layer):
        nn.init.zeros_(module.self_attn.o_proj.weight)
        nn.init.zeros_(module.mlp.down_proj.weight)
