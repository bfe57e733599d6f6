"""How much arithmetic a token takes, how much the machine can do, and the share that was used."""

from __future__ import annotations

import time
from collections.abc import Callable

import torch

from gnomon.lab.model.gpt import Shape

DENSE_BF16 = {
    "H200": 989e12,
    "H100": 989e12,
    "GH200": 989e12,
    "B200": 2250e12,
    "A100": 312e12,
    "L40S": 362e12,
    "L4": 121e12,
    "RTX 4090": 165e12,
    "RTX 3090": 71e12,
}
"""Operations a second in bfloat16 without sparsity, from the makers' data sheets, such as
https://resources.nvidia.com/en-us-tensor-core/nvidia-tensor-core-gpu-datasheet (SXM versions)."""

FORMULA = "(6 N + 12 L H Q T) x tokens/s / peak operations/s"
"""Model FLOPs utilisation (https://arxiv.org/abs/2204.02311, appendix B): N parameters that
multiply, L layers, H heads of Q, T tokens of context."""


def flops_per_token(shape: Shape, length: int) -> float:
    """Operations for one token of training, forward and backward, in rows of ``length``. The
    embedding counts once, as the head; looking a row up is no arithmetic."""
    attention = 12 * shape.layers * shape.heads * shape.head_dim * length
    return 6.0 * shape.parameters + attention


def peak(device: torch.device, dtype: torch.dtype = torch.float32) -> tuple[float, str]:
    """Operations a second, and where the number is from: a data sheet for a GPU that is in the
    table, otherwise a measurement of one large product on this machine."""
    if device.type == "cuda":
        name = torch.cuda.get_device_name(device)
        for known, rate in DENSE_BF16.items():
            if known in name:
                return rate, f"{name}, dense bfloat16, data sheet"
    return gemm(device, dtype), f"measured, {_word(dtype)} product of 1536 x 1536"


def _word(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def gemm(
    device: torch.device, dtype: torch.dtype = torch.float32, size: int = 1536,
    clock: Callable[[], float] = time.perf_counter,
) -> float:  # fmt: skip
    """Operations a second of ``clock`` of a square product, the best of several."""
    a = torch.randn(size, size, device=device).to(dtype)
    b = torch.randn(size, size, device=device).to(dtype)
    best = min(_seconds(lambda: a @ b, device, clock) for _ in range(6))
    return 2 * size**3 / best


def _seconds(
    work: Callable[[], object], device: torch.device,
    clock: Callable[[], float] = time.perf_counter,
) -> float:  # fmt: skip
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    began = clock()
    work()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return clock() - began


def faster(first: Callable[[], object], second: Callable[[], object], device: torch.device) -> bool:
    """Whether ``second`` takes less time than ``first``: each twice, the second time counts."""
    first()
    second()
    return _seconds(second, device) < _seconds(first, device)
