"""Where a run is, on disk: whole or not at all, and readable by any number of processes.

    checkpoints/step-000400/    torch.distributed.checkpoint's files, and place.json

Tensors are written by name, each process its own part, and read back as the reader is laid out
(https://docs.pytorch.org/docs/stable/distributed.checkpoint.html): one rank's run goes on on two.
A checkpoint is written beside the last one, which goes only when the new one is whole.
"""

from __future__ import annotations

import errno
import json
import shutil
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.distributed import checkpoint as dcp
from torch.distributed.checkpoint.api import CheckpointException

from gnomon.errors import InputError, StoreFull
from gnomon.lab.model.optimizer import Average
from gnomon.lab.model.parallel import World
from gnomon.lab.workspace import write_json

PLACE = "place.json"
PLAN, ENERGY = "plan.json", "energy.json"
"""What a stage keeps beside its checkpoints: how the run goes, and what it has taken so far."""
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def forget(folder: Path) -> None:
    """Drop what a stage's run goes on from: it is done, or to be done anew."""
    shutil.rmtree(folder / "checkpoints", ignore_errors=True)
    for name in (PLAN, ENERGY):
        (folder / name).unlink(missing_ok=True)


class Checkpoints:
    """Those of one run, in ``folder``. ``identity`` is what a checkpoint must agree in to be gone
    on from: the model's shape, the data, the recipe."""

    def __init__(self, folder: Path, identity: Mapping[str, Any], at: World) -> None:
        self.folder = folder
        self.identity = json.loads(json.dumps(identity, sort_keys=True, default=str))
        self.at = at

    def newest(self) -> Path | None:
        """The last whole one."""
        found = [one for one in self.folder.glob("step-*") if (one / PLACE).exists()]
        return max(found, key=_step_of, default=None)

    def save(self, step: int, state: Mapping[str, Tensor], place: Mapping[str, Any]) -> Path:
        """Write one; the older ones go. Raises StoreFull, and then the last one is still there."""
        whole = self.folder / f"step-{step:06d}"
        fresh = self.folder / f"step-{step:06d}.new"
        if self.at.first:
            shutil.rmtree(fresh, ignore_errors=True)
            self._room(state)
            fresh.mkdir(parents=True)
        self.at.wait()
        with self._writing(fresh):
            dcp.save(dict(state), checkpoint_id=fresh)
            if self.at.first:
                write_json(fresh / PLACE, {"identity": self.identity, "step": step, **place})
        self.at.wait()
        if self.at.first:
            shutil.rmtree(whole, ignore_errors=True)
            fresh.rename(whole)
            for older in self.folder.glob("step-*"):
                if older != whole:
                    shutil.rmtree(older, ignore_errors=True)
        self.at.wait()
        return whole

    def load(self, state: Mapping[str, Tensor]) -> dict[str, Any] | None:
        """Fill ``state`` from the newest; its place, None where there is no checkpoint.

        Raises InputError for one of another run, and for one that is damaged."""
        newest = self.newest()
        if newest is None:
            return None
        try:
            place: dict[str, Any] = json.loads((newest / PLACE).read_text("utf-8"))
            self._same(place["identity"], newest)
            with _quiet():
                dcp.load(dict(state), checkpoint_id=newest)
        except (CheckpointException, ValueError, KeyError, OSError, RuntimeError) as error:
            raise InputError(
                f"{newest} cannot be read ({str(error).splitlines()[0]}); delete {self.folder} to "
                "start over."
            ) from error
        return place

    def _same(self, theirs: Mapping[str, Any], where: Path) -> None:
        other = [
            f"{name} is {self.identity.get(name)!r} and was {theirs.get(name)!r}"
            for name in sorted({*self.identity, *theirs})
            if self.identity.get(name) != theirs.get(name)
        ]
        if other:
            raise InputError(
                f"{where} is a checkpoint of another run: {'; '.join(other)}. Give the same "
                f"settings again, another --name, or delete {self.folder} to start over."
            )

    def _room(self, state: Mapping[str, Tensor]) -> None:
        needed = sum(value.numel() * value.element_size() for value in state.values())
        self.folder.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(self.folder).free
        if free < needed:
            raise StoreFull(
                f"A checkpoint takes {needed / 1e6:,.0f} MB and {self.folder} has "
                f"{free / 1e6:,.0f} MB free; {self._kept()}"
            )

    def _kept(self) -> str:
        newest = self.newest()
        last = f"the last one, {newest.name}, is kept" if newest else "there is none yet"
        return f"{last}. Free some space and give the same command again: it goes on from there."

    @contextmanager
    def _writing(self, fresh: Path) -> Iterator[None]:
        try:
            with _quiet():
                yield
        except (OSError, CheckpointException) as error:
            if self.at.first:
                shutil.rmtree(fresh, ignore_errors=True)
            if _cause(error) in FULL:
                raise StoreFull(
                    f"No space is left for a checkpoint in {self.folder}; {self._kept()}"
                ) from error
            raise InputError(
                f"No checkpoint could be written to {self.folder} "
                f"({str(error).splitlines()[0]}); {self._kept()}"
            ) from error


def _step_of(folder: Path) -> int:
    digits = folder.name.removeprefix("step-")
    return int(digits) if digits.isdigit() else -1


def _cause(error: BaseException) -> int | None:
    """The operating system's number of what went wrong, however deep it was wrapped."""
    if isinstance(error, CheckpointException):
        inner = [failure[0] for failure in error.failures.values()]
        return next((found for one in inner if (found := _cause(one))), None)
    if isinstance(error, OSError):
        return error.errno
    below = error.__cause__ or error.__context__
    return _cause(below) if below else None


@contextmanager
def _quiet() -> Iterator[None]:
    """Without its remark that a single process is saving, which is so on purpose."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"torch\.distributed\.checkpoint")
        yield


def state_of(
    module: nn.Module, moving: list[torch.optim.Optimizer], average: Average
) -> dict[str, Tensor]:
    """All that a run is made of, by name: weights, moments, averages."""
    names = {id(weight): name for name, weight in module.named_parameters()}
    state = {f"weights.{name}": value.detach() for name, value in module.named_parameters()}
    state |= {f"buffers.{name}": value for name, value in _kept_buffers(module)}
    for number, optimizer in enumerate(moving):
        for group in optimizer.param_groups:
            for weight in group["params"]:
                held = _begun(optimizer, weight)
                state |= {
                    f"moments.{number}.{names[id(weight)]}.{key}": value
                    for key, value in held.items()
                }
    for weight, held in zip(average.live, average.held, strict=bool(average.held)):
        state[f"average.{names[id(weight)]}"] = held
    return state


def _kept_buffers(module: nn.Module) -> Iterator[tuple[str, Tensor]]:
    kept = module.state_dict().keys()
    return ((name, value) for name, value in module.named_buffers() if name in kept)


def _begun(optimizer: torch.optim.Optimizer, weight: Tensor) -> dict[str, Tensor]:
    """An optimizer's moments of a weight, as they are before its first step where it has none: what
    is read back needs a place to go to."""
    held = optimizer.state[weight]
    if not held and isinstance(optimizer, torch.optim.AdamW):
        held["step"] = torch.zeros((), dtype=torch.float32, device=weight.device)
        held["exp_avg"] = torch.zeros_like(weight)
        held["exp_avg_sq"] = torch.zeros_like(weight)
    elif not held:
        held["momentum"] = torch.zeros_like(weight)
    return {key: value for key, value in held.items() if isinstance(value, Tensor)}
