"""The one training loop: whatever is learnt in the lab is learnt here.

It is handed a module, the batches of each step, and a loss; it moves the weights, keeps count,
writes checkpoints and stops where it must. What a step learns from is a function of the step alone,
so a run that was cut goes on as if it had not been, on any number of processes.
"""

from __future__ import annotations

import hashlib
import math
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, TypeVar

import torch
from torch import Tensor, nn

from gnomon.energy import Ledger
from gnomon.errors import ModelError
from gnomon.lab.model import curve
from gnomon.lab.model.checkpoint import Checkpoints, state_of
from gnomon.lab.model.machine import keep_memory
from gnomon.lab.model.optimizer import Average, Recipe, optimizers, pace
from gnomon.lab.model.parallel import World, gathering, joined, settle
from gnomon.lab.progress import Progress, Reporter


class Piece(Protocol):
    """As much of a step as is computed at once. ``size`` counts what the speed is told in: tokens,
    or pictures."""

    @property
    def size(self) -> int: ...

    def to(self, device: torch.device) -> Any: ...


P = TypeVar("P", bound=Piece)
Look = Callable[[Any], Mapping[str, float]]


@dataclass(frozen=True, slots=True)
class Job:
    """What a run is called, where it lies, and how it is carried out; none of it changes what is
    learnt.

    ``folder`` gets checkpoints/, log.jsonl and curve.svg. ``identity`` is what a checkpoint must
    agree in, besides the recipe. ``bf16`` computes products in bfloat16. ``flops`` are those of one
    unit of size, forward and backward, and ``peak_flops`` what the processes together could do in
    a second, which is known from
    ``peak_source``; with both, the share that was used is told. ``energy`` counts joules, on the
    first rank of a machine."""

    stage: str
    folder: Path
    reporter: Reporter
    identity: Mapping[str, Any] = field(default_factory=dict)
    unit: str = "tokens"
    spread: str = "ddp"
    bf16: bool = False
    compile: bool = False
    look_every: int = 0
    save_every_s: float = 120.0
    flops: float = 0.0
    peak_flops: float = 0.0
    peak_source: str = ""
    energy: Ledger | None = None


@dataclass(frozen=True, slots=True)
class Trained:
    """How a run ended. ``loss`` is the mean over its last tenth; ``seen`` counts units in all,
    ``seconds`` the time it took, both over all its sittings; ``looks`` what was last measured."""

    steps: int
    loss: float
    seen: int
    seconds: float
    looks: Mapping[str, float]

    @property
    def per_s(self) -> float:
        return self.seen / self.seconds if self.seconds else 0.0


def train(
    module: nn.Module,
    batches: Callable[[int], Sequence[P]],
    loss: Callable[[Any, P], tuple[Tensor, float | Tensor]],
    recipe: Recipe,
    job: Job,
    at: World,
    *,
    look: Look | None = None,
) -> Trained:
    """Learn for ``recipe.steps``, from where the last checkpoint in ``job.folder`` is.

    ``batches(step)`` are the pieces of that step, the same on every rank; rank r computes every
    ``at.size``-th from the r-th on. ``loss(module, piece)`` is a sum and what it is a sum over: the
    gradient is that of all sums over all counts, however it was cut. ``look(module)`` measures
    without learning. Afterwards the module holds what is to be kept.

    Ctrl-C leaves a checkpoint and is raised again after it. Raises ModelError where the loss is no
    number, StoreFull where a checkpoint does not fit, InputError where one is of another run."""
    return _Run(module, loss, recipe, job, at, look).go(batches)


class _Run:
    def __init__(
        self, module: nn.Module, loss: Any, recipe: Recipe, job: Job, at: World, look: Look | None
    ) -> None:
        self.module, self.recipe, self.job, self.at, self.look = module, recipe, job, at, look
        if job.compile:
            compile_layers(module)
        if at.device.type == "cpu":
            keep_memory()
        self.learner = joined(module, loss, job.spread, at)
        self.moving = optimizers(module, recipe, bf16=job.bf16)
        self.average = Average(module, recipe.average)
        identity = {"stage": job.stage, "recipe": repr(recipe), **job.identity}
        self.kept = Checkpoints(job.folder / "checkpoints", identity, at)
        self.step, self.seen, self.seconds, self.saved = 0, 0, 0.0, 0
        self.looks: dict[str, float] = {}
        self.recent: list[float] = []
        self._stopping = self._due = False

    def go(self, batches: Callable[[int], Sequence[Any]]) -> Trained:
        self._resume()
        self.log = curve.Log(self.job.folder, self.step) if self.at.first else None
        self._began = self._saved_at = time.monotonic()
        first = self.step
        self.module.train()
        with interruptible() as stop:
            while self.step < self.recipe.steps:
                value = self._learn(batches(self.step), stop)
                self.step += 1
                self.recent = [*self.recent, value][-max(1, self.recipe.steps // 10) :]
                last = self.step == self.recipe.steps
                every = self.job.look_every
                if self.look and (last or (every and self.step % every == 0)):
                    self._look()
                self._tell(value, first)
                if last or self._stopping or self._due:
                    self._save()
                if self._stopping and not last:
                    if self.at.first:
                        self._picture()
                        self.job.reporter.say("stopped; the same command goes on")
                    raise KeyboardInterrupt
        self.average.swap()
        if self.at.first:
            self._picture()
        mean = sum(self.recent) / len(self.recent) if self.recent else math.nan
        return Trained(self.step, mean, self.seen, self._spent(), self.looks)

    def _learn(self, pieces: Sequence[Any], stop: threading.Event) -> float:
        """One step; the mean loss over all ranks."""
        mine = pieces[self.at.rank :: self.at.size]
        assert len(pieces) % self.at.size == 0, "every rank has as many pieces"
        total: Any = 0.0
        count: Any = 0.0
        size = 0
        for number, piece in enumerate(mine):
            torch.manual_seed(_chance(self.recipe.seed, self.step, number, self.at))
            with gathering(self.learner, number + 1 == len(mine)), self._products():
                value, weight = self.learner(piece.to(self.at.device))
                value.backward()
            total, count, size = total + value.detach(), count + weight, size + piece.size
        due = time.monotonic() - self._saved_at > self.job.save_every_s
        sums = self.at.sums([total, count, size, stop.is_set(), due and self.at.first])
        value, count, size, stopping, saving = sums.tolist()
        self._stopping, self._due = stopping > 0, saving > 0
        if not math.isfinite(value):
            self._lost()
        self._move(self.at.size / max(count, 1.0))
        self.seen += round(size)
        return value / max(count, 1.0)

    def _products(self) -> AbstractContextManager[Any]:
        if not self.job.bf16:
            return nullcontext()
        return torch.autocast(self.at.device.type, torch.bfloat16)

    def _move(self, scale: float) -> None:
        """Scale the gradients, bound their norm, and step."""
        grads = [one.grad for one in self.module.parameters() if one.grad is not None]
        norm = torch.nn.utils.get_total_norm(grads)
        norm = float(norm.full_tensor() if hasattr(norm, "full_tensor") else norm) * scale
        if not math.isfinite(norm):
            self._lost()
        bound = self.recipe.clip / norm if 0 < self.recipe.clip < norm else 1.0
        torch._foreach_mul_(grads, scale * bound)
        share = pace(self.recipe, self.step)
        for optimizer in self.moving:
            for group in optimizer.param_groups:
                group["lr"] = group["peak"] * share
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        self.average.add(self.step)

    def _lost(self) -> None:
        newest = self.kept.newest()
        held = f"the weights of {newest} are the last good ones" if newest else "none were kept yet"
        raise ModelError(
            f"{self.job.stage}: the loss is no longer a number at step {self.step} of "
            f"{self.recipe.steps}; {held}. Lower the rates (--rate-scale 0.5) or try another "
            "--seed."
        )

    def _look(self) -> None:
        assert self.look is not None
        self.average.swap()
        self.module.eval()
        with torch.no_grad(), self._products(), torch.compiler.set_stance("force_eager"):
            self.looks = dict(self.look(self.module))
        self.module.train()
        settle(self.module)
        self.average.swap()

    def _tell(self, value: float, first: int) -> None:
        if self.log is None:
            return
        spent = self._spent()
        here = time.monotonic() - self._began
        speed = self.seen / spent if spent else 0.0
        values = {"loss": value, f"{self.job.unit}/s": speed}
        if self.job.energy is not None:
            self.job.energy.note(tokens=self.seen, loss=self.looks.get("val_loss"))
        if self.job.flops and self.job.peak_flops:
            values["mfu"] = self.job.flops * speed / self.job.peak_flops
        row = {"step": self.step, "seen": self.seen, "seconds": spent, **values}
        row["rate"] = pace(self.recipe, self.step - 1)
        if self.look and (
            self.step == self.recipe.steps
            or (self.job.look_every and self.step % self.job.look_every == 0)
        ):
            row |= self.looks
        every = max(1, self.recipe.steps // 1000)
        if self.step % every == 0 or self.step == self.recipe.steps:
            self.log.add(row)
        left = here / (self.step - first) * (self.recipe.steps - self.step)
        self.job.reporter.at(
            Progress(
                self.job.stage, self.step, self.recipe.steps, "steps", left, values | self.looks
            )
        )

    def _picture(self) -> None:
        rows = curve.read(self.job.folder)
        names = ["loss", *(name for name in self.looks)]
        curve.draw(rows, self.job.folder / curve.PICTURE, title=self.job.stage, names=names)

    def _spent(self) -> float:
        return self.seconds + time.monotonic() - self._began

    def _state(self) -> dict[str, Tensor]:
        return state_of(self.module, self.moving, self.average)

    def _save(self) -> None:
        place = {"seen": self.seen, "seconds": self._spent(), "recent": self.recent}
        self.kept.save(self.step, self._state(), {**place, "looks": self.looks})
        if self.job.energy is not None:
            self.job.energy.save()
        self._saved_at = time.monotonic()

    def _resume(self) -> None:
        if self.kept.newest() is None:
            return
        place = self.kept.load(self._state())
        assert place is not None
        self.step, self.seen, self.seconds = place["step"], place["seen"], place["seconds"]
        self.recent, self.looks = place["recent"], place["looks"]
        if self.at.first and self.step < self.recipe.steps:
            self.job.reporter.say(
                f"{self.job.stage}: going on from step {self.step} of {self.recipe.steps}"
            )


def compile_layers(module: nn.Module) -> None:
    """Compile each layer of the module's lists: they share their code, so it is compiled once
    (https://docs.pytorch.org/tutorials/recipes/regional_compilation.html)."""
    for child in module.modules():
        if isinstance(child, nn.ModuleList):
            for layer in child:
                layer.compile(dynamic=False)


def _chance(seed: int, step: int, number: int, at: World) -> int:
    """The seed of what is dropped in a piece: of its place in the step, on whichever rank."""
    name = f"{seed} {step} {number * at.size + at.rank}"
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=7).digest(), "big")


@contextmanager
def interruptible() -> Iterator[threading.Event]:
    """Ctrl-C and SIGTERM set the event, so that a step is done whole; a second one is not held."""
    asked = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield asked
        return
    before = {one: signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)}

    def note(number: int, frame: Any) -> None:
        if asked.is_set():
            raise KeyboardInterrupt
        asked.set()

    try:
        for one in before:
            signal.signal(one, note)
        yield asked
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)
