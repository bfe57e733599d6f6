"""One dial: ``depth`` sets every other size of a model of words.

The ratios are nanochat's and Qwen3's where they agree: width 64 a layer, heads of 64, a gated
feed-forward of 8/3 the width (https://arxiv.org/abs/2002.05202), rotary positions.
"""

from __future__ import annotations

from dataclasses import dataclass

from gnomon.errors import InputError

MAX_DEPTH = 48


@dataclass(frozen=True, slots=True)
class Sizes:
    """``vocab`` and ``context`` in tokens; ``ffn`` is the inner width of the feed-forward."""

    depth: int
    width: int
    heads: int
    kv_heads: int
    head_dim: int
    ffn: int
    vocab: int
    context: int


def sizes(depth: int) -> Sizes:
    """Raises InputError outside 1 to 48."""
    if not 1 <= depth <= MAX_DEPTH:
        raise InputError(f"--depth is {depth}; give a number from 1 to {MAX_DEPTH}.")
    width = max(64, 64 * depth)
    heads = width // 64
    return Sizes(
        depth=depth,
        width=width,
        heads=heads,
        kv_heads=heads,
        head_dim=64,
        ffn=-(-width * 8 // 3 // 64) * 64,
        vocab=4096 if depth <= 3 else 16384 if depth <= 8 else 32768,
        context=256 if depth <= 3 else 512 if depth <= 8 else 1024 if depth <= 11 else 2048,
    )
