"""Tokens a second in nanoGPT's character configuration, beside its own loop and HF's Trainer.

    python bench/lab/speed.py TEXT [--threads 2] [--clock wall] [--compile] [--trainer]

Every arm has 4 layers, 4 heads, width 128, rows of 64 and 12 of them a step, learning from the same
characters; nanoGPT's model is GPT-2's, ours Qwen3's with a feed-forward of as many parameters. The
arms take turns, several rounds, and the best round of each counts, as what else the machine does
only ever slows. The share is that of the operations which the model needs (6 N + 12 L H Q T each,
https://arxiv.org/abs/2204.02311, appendix B) in the measured rate of one large product in float32;
where products are in bfloat16 that is a yardstick, not a limit, and the share of a bfloat16 product
is told, too. ``recipe`` arms are the lab's own sizes, as `gnomon lab pretrain` trains them.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import peers
import torch
from shakespeare import splits, windows

from gnomon.lab import dial
from gnomon.lab.model import rates
from gnomon.lab.model.gpt import GPT, Shape
from gnomon.lab.model.loop import Job, train
from gnomon.lab.model.machine import keep_memory
from gnomon.lab.model.optimizer import Recipe
from gnomon.lab.model.parallel import World
from gnomon.lab.model.pretrain import row_loss
from gnomon.lab.model.rows import Rows
from gnomon.lab.progress import Silence

AT = World(0, 1, torch.device("cpu"))
PLAN = peers.Nano(steps=10**6)
FFN = 344
"""Three matrices of it are nearly as many parameters as nanoGPT's two of 512."""
WARM = 3
"""Steps of each round that are not timed."""

Clock = Callable[[], float]
Arm = Callable[[float, Clock], float]
"""Tokens a second over about so many seconds of a clock."""


class Enough(Exception):
    """A round is over."""


def nano(data: np.ndarray, vocab: int) -> Arm:
    torch.manual_seed(0)
    model = peers.NanoGPT(vocab, PLAN)
    steps = peers.nano_steps(model, data, data, PLAN, looking=False)

    def rate(seconds: float, clock: Clock) -> float:
        for _ in range(WARM):
            first = next(steps)
        began = clock()
        while clock() - began < seconds:
            last = next(steps)
        return (last - first) * PLAN.batch * PLAN.context / (clock() - began)

    return rate


def lab(
    shape: Shape,
    rows: int,
    data: np.ndarray,
    *,
    bf16: bool,
    muon: bool = True,
    compiled: bool = False,
) -> Arm:
    """The lab's own loop, stopped from where it asks for a step's batch."""
    torch.manual_seed(0)
    model = GPT(shape)
    recipe = Recipe(steps=10**6, matrix_rate=0.02 if muon else 0.0)

    def rate(seconds: float, clock: Clock) -> float:
        times: list[float] = []

        def batches(step: int) -> list[Rows]:
            times.append(clock())
            if step > WARM + 1 and times[-1] - times[WARM] > seconds:
                raise Enough
            return [windows(data, rows, shape.context, step)]

        with tempfile.TemporaryDirectory() as folder:
            job = Job(
                "speed", Path(folder), Silence(), bf16=bf16, compile=compiled, save_every_s=1e9
            )
            with suppress(Enough):
                train(model, batches, row_loss, recipe, job, AT)
        timed = times[WARM:]
        return (len(timed) - 1) * rows * shape.context / (timed[-1] - timed[0])

    return rate


def trainer(data: np.ndarray, vocab: int) -> Arm:
    def rate(seconds: float, clock: Clock) -> float:
        with tempfile.TemporaryDirectory() as folder:
            plan = replace(PLAN, steps=100_000)
            _, steps, spent = peers.trainer(vocab, data, plan, Path(folder), seconds, clock)
        return steps * plan.batch * plan.context / spent

    return rate


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("text", type=Path)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--clock", choices=peers.CLOCKS, default="wall")
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=4.0, help="of a round of an arm")
    parser.add_argument("--compile", action="store_true", help="and the lab's arms compiled")
    parser.add_argument("--trainer", action="store_true", help="and HF's; it needs accelerate")
    parser.add_argument("--only", default="", help="arms whose names hold this, and nanoGPT")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    keep_memory()
    clock = peers.CLOCKS[options.clock]
    data, _, vocab = splits(options.text, dev=False)
    arms, shapes = _arms(data, vocab, options)
    sgemm = bgemm = 0.0
    best = dict.fromkeys(arms, 0.0)
    for _ in range(options.rounds):
        for name, rate in arms.items():
            best[name] = max(best[name], rate(options.seconds, clock))
        sgemm = max(sgemm, rates.gemm(AT.device, clock=clock))
        bgemm = max(bgemm, rates.gemm(AT.device, torch.bfloat16, clock=clock))
    _show(best, shapes, sgemm, bgemm)


def _arms(
    data: np.ndarray, vocab: int, options: argparse.Namespace
) -> tuple[dict[str, Arm], dict[str, Shape]]:
    small = Shape(vocab, 64, 4, 128, 4, 4, 32, FFN)
    arms: dict[str, Arm] = {}
    shapes: dict[str, Shape] = {}
    for bf16 in (False, True):
        kind = "bf16" if bf16 else "f32"
        for muon in (False, True):
            name = f"lab {kind} {'Muon' if muon else 'AdamW'}"
            arms[name] = lab(small, PLAN.batch, data, bf16=bf16, muon=muon)
            shapes[name] = small
        if options.compile:
            name = f"lab {kind} AdamW compiled"
            arms[name] = lab(small, PLAN.batch, data, bf16=bf16, muon=False, compiled=True)
            shapes[name] = small
        for depth in (2, 4):
            name = f"recipe depth {depth} {kind}"
            shapes[name] = Shape.of(dial.sizes(depth))
            plan = dial.plan(depth, shapes[name].parameters, 10**9)
            rows = plan.batch // shapes[name].context
            arms[name] = lab(shapes[name], rows, data, bf16=bf16)
    arms = {name: arm for name, arm in arms.items() if options.only in name}
    if options.trainer:
        arms["HF Trainer"] = trainer(data, vocab)
    return {"nanoGPT": nano(data, vocab), **arms}, shapes


def _show(best: dict[str, float], shapes: dict[str, Shape], sgemm: float, bgemm: float) -> None:
    print(f"one large product: float32 {sgemm / 1e9:.0f} G/s, bfloat16 {bgemm / 1e9:.0f} G/s")
    for name, rate in best.items():
        row: dict[str, object] = {"arm": name, "tokens_per_s": round(rate)}
        if not name.startswith("recipe"):
            row["x nanoGPT"] = round(rate / best["nanoGPT"], 2)
        if name in shapes:
            work = rates.flops_per_token(shapes[name], shapes[name].context) * rate
            row |= {"of sgemm": round(work / sgemm, 3), "of bf16 gemm": round(work / bgemm, 3)}
        print(json.dumps(row))


if __name__ == "__main__":
    main()
