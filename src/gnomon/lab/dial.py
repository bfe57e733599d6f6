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


@dataclass(frozen=True, slots=True)
class Plan:
    """How a model of some depth learns from a corpus: ``tokens`` in all, over however many passes,
    ``batch`` of them a step; peak rates of Muon and AdamW; weight decay; ``average`` the share of
    the steps over which weights are averaged; ``dropout``."""

    tokens: int
    batch: int
    matrix_rate: float
    rate: float
    decay: float
    average: float
    dropout: float


def plan(depth: int, parameters: int, corpus: int, tokens: int | None = None) -> Plan:
    """For a model of so many parameters and a corpus of so many tokens; ``tokens`` where it is
    known how many are to be learnt from.

    Twenty tokens a parameter (https://arxiv.org/abs/2203.15556), but no more than sixteen passes:
    from the fifth on they teach less and less (https://arxiv.org/abs/2305.16264)."""
    tokens = tokens or max(1, min(20 * parameters, 16 * corpus))
    passes = tokens / max(1, corpus)
    return Plan(
        tokens=tokens,
        batch=2048 if depth <= 3 else 16384 if depth <= 8 else 131072 if depth <= 11 else 524288,
        matrix_rate=0.02,
        rate=3e-3,
        decay=0.1 if passes <= 4 else 0.3,
        average=0.0,
        dropout=0.0 if passes <= 4 else 0.1,
    )
