"""Loss on tinyshakespeare after so many seconds on a CPU: the lab's loop beside those to beat.

    python bench/lab/shakespeare.py TEXT --arm lab            (five minutes an arm, two threads)
    python bench/lab/shakespeare.py TEXT --arm nano --arm nano-long --arm trainer
    python bench/lab/shakespeare.py TEXT --dev --seconds 60   (to tune: val is not read)

Characters, 90 % to learn from and 10 % to measure on, as nanoGPT's prepare.py has it; every arm is
measured on all of the 10 %, in rows of its own context. ``nano`` is the published run as it is,
``nano-long`` and ``trainer`` the same with their steps stretched over the same time as ours.
"""

from __future__ import annotations

import argparse
import json
import math
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import peers
import torch

from gnomon.lab.model.gpt import GPT, Shape
from gnomon.lab.model.loop import Job, train
from gnomon.lab.model.machine import keep_memory
from gnomon.lab.model.optimizer import Recipe
from gnomon.lab.model.parallel import World
from gnomon.lab.model.pretrain import row_loss
from gnomon.lab.model.rows import Rows
from gnomon.lab.progress import Lines

Data = np.ndarray
LAYERS, WIDTH, CONTEXT, BATCH = 4, 192, 256, 8
RECIPE = Recipe(steps=1, matrix_rate=0.02, rate=4e-3, decay=0.1, warm_up=0.02, cool_down=0.7)
AT = World(0, 1, torch.device("cpu"))


def splits(text: Path, dev: bool) -> tuple[Data, Data, int]:
    """What is learnt from, what is measured on, and how many characters there are."""
    characters = text.read_text("utf-8")
    table = {one: number for number, one in enumerate(sorted(set(characters)))}
    ids = np.array([table[one] for one in characters], dtype=np.uint16)
    cut = int(0.9 * len(ids))
    if dev:
        ids, cut = ids[:cut], int(0.9 * cut)
    return ids[:cut], ids[cut:], len(table)


def windows(data: Data, count: int, context: int, seed: int) -> Rows:
    places = np.random.default_rng(seed).integers(0, len(data) - context, count)
    rows = np.stack([data[at : at + context + 1] for at in places]).astype(np.int64)
    return rows_of(rows)


def rows_of(rows: Data) -> Rows:
    ids, targets = torch.from_numpy(rows[:, :-1]), torch.from_numpy(rows[:, 1:])
    return Rows(ids.contiguous(), targets.contiguous(), torch.ones(ids.shape))


@torch.no_grad()
def whole(logits: Callable[[torch.Tensor], torch.Tensor], data: Data, context: int) -> float:
    """Nats a character over all of ``data`` in rows of ``context`` that do not overlap."""
    count = (len(data) - 1) // context
    ids = torch.from_numpy(data[: count * context + 1].astype(np.int64))
    x, y = ids[:-1].view(count, context), ids[1:].view(count, context)
    total = 0.0
    for first in range(0, count, 64):
        out = logits(x[first : first + 64]).float()
        total += float(
            torch.nn.functional.cross_entropy(
                out.flatten(0, 1), y[first : first + 64].flatten(), reduction="sum"
            )
        )
    return total / (count * context)


def lab(options: argparse.Namespace, learnt: Data, watched: Data, vocab: int) -> dict[str, Any]:
    keep_memory()
    clock = peers.CLOCKS[options.clock]
    began = clock()
    width, batch, context = options.width, options.batch, CONTEXT
    shape = Shape(vocab, context, options.layers, width, width // 64, width // 64, 64, _ffn(width))
    torch.manual_seed(options.seed)
    model = GPT(shape, options.dropout)
    recipe = replace(
        RECIPE, matrix_rate=options.matrix_rate, rate=options.rate, decay=options.decay,
        seed=options.seed, average=options.average,
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        job = Job("lab", Path(folder), Lines(10.0), bf16=options.bf16, save_every_s=1e9)

        def batches(step: int) -> list[Any]:
            return [windows(learnt, batch, context, options.seed * 10**6 + step)]

        probe = GPT(shape, options.dropout)
        train(probe, batches, row_loss, replace(recipe, steps=3), job, AT)
        then = clock()
        train(
            probe,
            batches,
            row_loss,
            replace(recipe, steps=8),
            replace(job, folder=Path(folder) / "p"),
            AT,
        )
        a_step = (clock() - then) / 8
        steps = max(1, int((options.seconds - (clock() - began)) / a_step))
        trained = train(
            model, batches, row_loss, replace(recipe, steps=steps),
            replace(job, folder=Path(folder) / "run"), AT,
        )  # fmt: skip
    seconds = clock() - began
    model.eval()
    return {
        "val_loss": whole(model, watched, context),
        "val_loss_rows_of_64": whole(model, watched, 64),
        "train_loss": trained.loss,
        "steps": steps,
        "tokens": trained.seen,
        "parameters": shape.parameters,
        "seconds": round(seconds, 1),
    }


def _ffn(width: int) -> int:
    return -(-width * 8 // 3 // 64) * 64


def nano(
    options: argparse.Namespace, learnt: Data, watched: Data, vocab: int, long: bool
) -> dict[str, Any]:
    clock = peers.CLOCKS[options.clock]
    plan = peers.Nano()
    torch.manual_seed(1337 + options.seed)
    if long:
        model = peers.NanoGPT(vocab, plan)
        steps = peers.nano_steps(model, learnt, watched, plan, looking=False)
        for _ in range(5):
            next(steps)
        then = clock()
        for _ in range(50):
            next(steps)
        plan = replace(plan, steps=int(0.97 * options.seconds / ((clock() - then) / 50)))
    model = peers.NanoGPT(vocab, plan)
    began = clock()
    done = sum(1 for _ in peers.nano_steps(model, learnt, watched, plan, looking=not long))
    seconds = clock() - began
    model.eval()
    return {
        "val_loss": whole(lambda ids: model(ids, ids)[0], watched, plan.context),
        "steps": done,
        "tokens": done * plan.batch * plan.context,
        "parameters": sum(weight.numel() for weight in model.parameters()),
        "seconds": round(seconds, 1),
    }


def trainer(options: argparse.Namespace, learnt: Data, watched: Data, vocab: int) -> dict[str, Any]:
    clock = peers.CLOCKS[options.clock]
    with tempfile.TemporaryDirectory() as folder:
        few = replace(peers.Nano(), steps=60)
        _, steps, seconds = peers.trainer(vocab, learnt, few, Path(folder), math.inf, clock)
        plan = replace(few, steps=int(0.97 * options.seconds / (seconds / steps)))
        model, steps, seconds = peers.trainer(
            vocab, learnt, plan, Path(folder), options.seconds, clock
        )
    model.eval()
    return {
        "val_loss": whole(lambda ids: model(ids).logits, watched, plan.context),
        "steps": steps,
        "tokens": steps * plan.batch * plan.context,
        "parameters": sum(weight.numel() for weight in model.parameters()),
        "seconds": round(seconds, 1),
    }


ARMS: dict[str, Callable[..., dict[str, Any]]] = {
    "lab": lab,
    "nano": lambda *given: nano(*given, long=False),
    "nano-long": lambda *given: nano(*given, long=True),
    "trainer": trainer,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("text", type=Path)
    parser.add_argument("--arm", action="append", choices=ARMS)
    parser.add_argument("--seconds", type=float, default=300)
    parser.add_argument("--clock", choices=peers.CLOCKS, default="wall")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--dev", action="store_true")
    parser.add_argument("--out", type=Path, help="add the results to this file, a line each")
    parser.add_argument("--layers", type=int, default=LAYERS)
    parser.add_argument("--width", type=int, default=WIDTH)
    parser.add_argument("--batch", type=int, default=BATCH)
    parser.add_argument("--matrix-rate", type=float, default=RECIPE.matrix_rate)
    parser.add_argument("--rate", type=float, default=RECIPE.rate)
    parser.add_argument("--decay", type=float, default=RECIPE.decay)
    parser.add_argument("--average", type=float, default=RECIPE.average)
    parser.add_argument("--dropout", type=float, default=0.0)
    parser.add_argument("--bf16", action=argparse.BooleanOptionalAction, default=True)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    learnt, watched, vocab = splits(options.text, options.dev)
    for arm in options.arm or ["lab"]:
        began = time.time()
        found = ARMS[arm](options, learnt, watched, vocab)
        given = {k: v for k, v in vars(options).items() if k not in ("text", "out", "arm")}
        line = json.dumps({"arm": arm, **found, "wall": round(time.time() - began), **given})
        print(line, flush=True)
        if options.out:
            with options.out.open("a") as file:
                file.write(line + "\n")


if __name__ == "__main__":
    main()
