"""One process or many: who this one is among them, and how a module is spread over them.

``torchrun`` starts the processes and names them in the environment
(https://docs.pytorch.org/docs/stable/elastic/run.html); started alone, there is one.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, distributed, nn

from gnomon.errors import InputError

SPREADS = ("ddp", "fsdp")


@dataclass(frozen=True, slots=True)
class World:
    """``rank`` of ``size`` processes, which computes on ``device``."""

    rank: int
    size: int
    device: torch.device

    @property
    def first(self) -> bool:
        """Who writes files and speaks."""
        return self.rank == 0

    def sums(self, values: Sequence[float | Tensor]) -> Tensor:
        """The values summed over all processes, float64 ``[n]``."""
        here = [torch.as_tensor(one, dtype=torch.float64, device=self.device) for one in values]
        total = torch.stack(here)
        if self.size > 1:
            distributed.all_reduce(total)
        return total

    def wait(self) -> None:
        """Until every process is here."""
        if self.size > 1:
            distributed.barrier()


@contextmanager
def world() -> Iterator[World]:
    """This process's place; several are connected for as long as this lasts."""
    size = int(os.environ.get("WORLD_SIZE", "1"))
    local = int(os.environ.get("LOCAL_RANK", "0"))
    device = torch.device("cuda", local) if torch.cuda.is_available() else torch.device("cpu")
    if device.type == "cuda":
        torch.cuda.set_device(device)
    if size == 1:
        yield World(0, 1, device)
        return
    distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield World(distributed.get_rank(), size, device)
    finally:
        distributed.destroy_process_group()


class Learner(nn.Module):
    """A module and its loss as one, so that what spreads it sees the whole forward pass."""

    def __init__(self, module: nn.Module, loss: Any) -> None:
        super().__init__()
        self.module = module
        self.loss = loss

    def forward(self, batch: Any) -> Any:
        return self.loss(self.module, batch)


def spread(module: nn.Module, how: str, at: World) -> None:
    """Shard ``module`` over the processes by FSDP2, each of its lists of layers a layer at a time
    (https://docs.pytorch.org/docs/stable/distributed.fsdp.fully_shard.html); "ddp" needs nothing
    here."""
    if how not in SPREADS:
        raise InputError(f"--spread is {how!r}; give one of: {', '.join(SPREADS)}.")
    if how == "ddp" or at.size == 1:
        return
    from torch.distributed.fsdp import fully_shard, register_fsdp_forward_method

    for child in module.modules():
        if isinstance(child, nn.ModuleList):
            for layer in child:
                fully_shard(layer)
    fully_shard(module, reshard_after_forward=False)
    if hasattr(module, "hidden"):
        register_fsdp_forward_method(module, "hidden")


def settle(module: nn.Module) -> None:
    """Lay the weights out in shards again: reading without learning leaves the last ones whole."""
    for part in module.modules():
        if hasattr(part, "reshard"):
            part.reshard()


def gathered(module: nn.Module) -> dict[str, Tensor]:
    """The parameters whole, by name, on every rank; all ranks must ask."""
    settle(module)
    return {
        name: weight.full_tensor() if hasattr(weight, "full_tensor") else weight
        for name, weight in module.named_parameters()
    }


def joined(module: nn.Module, loss: Any, how: str, at: World) -> nn.Module:
    """What is called with a batch: the module's loss, its gradients averaged over the ranks."""
    learner = Learner(module, loss)
    if at.size == 1 or how == "fsdp":
        return learner
    ids = [at.device.index] if at.device.type == "cuda" else None
    return nn.parallel.DistributedDataParallel(learner, device_ids=ids)


@contextmanager
def gathering(learner: nn.Module, last: bool) -> Iterator[None]:
    """Gradients go over the wire in the last piece of a step only."""
    if isinstance(learner, nn.parallel.DistributedDataParallel) and not last:
        with learner.no_sync():
            yield
        return
    inner: Any = getattr(learner, "module", None)
    if hasattr(inner, "set_requires_gradient_sync"):
        inner.set_requires_gradient_sync(last)
    yield
