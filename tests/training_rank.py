"""A tiny run of the lab's loop, alone or by one process of several; all of it from seeds.

python training_rank.py FOLDER SPREAD [FOLDER SPREAD ...]
"""

import json
import os
import signal
import sys
from pathlib import Path

import torch

from gnomon.lab.model.gpt import GPT, Shape
from gnomon.lab.model.loop import Job, train
from gnomon.lab.model.optimizer import Recipe
from gnomon.lab.model.parallel import World, gathered, spread, world
from gnomon.lab.model.pretrain import row_loss
from gnomon.lab.model.rows import Rows
from gnomon.lab.progress import Silence

SHAPE = Shape(vocab=31, context=24, layers=2, width=32, heads=2, kv_heads=1, head_dim=16, ffn=64)
RECIPE = Recipe(steps=12, average=0.2)
ROWS = 8


def rows(step):
    """Rows in which the next token follows from the one before, two documents in each."""
    chance = torch.Generator().manual_seed(step)
    first = torch.randint(0, SHAPE.vocab, (ROWS, 1), generator=chance)
    whole = (first + 3 * torch.arange(SHAPE.context + 1)) % SHAPE.vocab
    segments = (torch.arange(SHAPE.context) >= 10).int().expand(ROWS, -1).contiguous()
    weights = torch.rand(ROWS, SHAPE.context, generator=chance).round()
    return Rows(whole[:, :-1].contiguous(), whole[:, 1:].contiguous(), weights, segments)


def job(folder, how="ddp", **given):
    identity = {"shape": repr(SHAPE)}
    return Job("test", folder, Silence(), identity, spread=how, **given)


def run(folder, at, how="ddp", *, stop_before=None, recipe=RECIPE, loss=row_loss, **given):
    """Train in ``folder`` from where it is; a real Ctrl-C comes while the step ``stop_before`` is
    being done."""
    torch.manual_seed(5)
    model = GPT(SHAPE)
    spread(model, how, at)

    def batches(step):
        if step == stop_before:
            os.kill(os.getpid(), signal.SIGINT)
        return rows(step).cut(2)

    def look(one):
        return {"spread_of_what_is_hidden": float(one.hidden(rows(0).ids).std())}

    trained = train(
        model, batches, loss, recipe, job(folder, how, look_every=4, **given), at, look=look
    )
    return model, trained


def main():
    torch.set_num_threads(1)
    with world() as at:
        for folder, how in zip(sys.argv[1::2], sys.argv[2::2], strict=True):
            model, trained = run(Path(folder), at, how)
            weights = {name: value.tolist() for name, value in gathered(model).items()}
            if at.first:
                told = {"steps": trained.steps, "weights": weights, "ranks": at.size}
                (Path(folder) / "told.json").write_text(json.dumps(told), "utf-8")


ALONE = World(0, 1, torch.device("cpu"))

if __name__ == "__main__":
    main()
