"""Two processes learn what one does: run by ``test_lab_clip`` with a folder to meet in."""

from __future__ import annotations

import os
import sys

import torch
from torch import distributed

from gnomon.lab.clip.loss import contrast, sigmoids
from gnomon.lab.clip.model import Clip, Shape, Tower
from gnomon.lab.clip.pairs import Pairs

SIZE = 6


def grads(how, bias, parts, rank):
    """Of the mean loss over all pairs, all parameters as one row; and that loss."""
    torch.manual_seed(0)
    shape = Shape(20, 18, 19, 0, 8, 16, 8, Tower(1, 64, 1), Tower(1, 64, 1), 16, bias)
    model = Clip(shape)
    ids = torch.randint(1, 18, (SIZE, 8))
    ids[:, 0], ids[:, 7] = 18, 19
    pixels = torch.randint(256, (SIZE, 3, 16, 16), dtype=torch.uint8)
    names = torch.tensor([1, 2, 3, 1, 5, 6]), torch.tensor([1, 2, 3, 4, 2, 6])
    mine = Pairs(pixels, ids, torch.ones_like(ids), *names).cut(parts)[rank]
    value, count = how(model, mine)
    value.backward()
    row = torch.cat([one.grad.flatten() for one in model.parameters()])
    told = torch.cat([row, torch.stack([value.detach(), torch.tensor(count)])])
    if parts > 1:
        distributed.all_reduce(told)
    return told[:-1] / told[-1]


if __name__ == "__main__":
    torch.set_num_threads(1)
    ways = ((contrast, False), (sigmoids, True))
    alone = [grads(how, bias, 1, 0) for how, bias in ways]
    other = os.fork()
    rank = 1 if other == 0 else 0
    distributed.init_process_group(
        "gloo", init_method=f"file://{sys.argv[1]}/meet", rank=rank, world_size=2
    )
    both = [grads(how, bias, 2, rank) for how, bias in ways]
    distributed.barrier()
    distributed.destroy_process_group()
    if rank:
        os._exit(0)
    assert os.waitpid(other, 0)[1] == 0
    for one, two in zip(alone, both, strict=True):
        assert float((two - one).norm() / one.norm()) < 1e-4
    print("alike")
