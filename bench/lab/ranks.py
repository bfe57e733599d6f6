"""One rank's run goes on as two: is its loss curve that of a run which was never cut?

    python bench/lab/ranks.py TEXT [--steps 60] [--out curve.svg]

The stage itself, on the paragraphs of TEXT by characters: once whole on one process; once stopped
by a real Ctrl-C half-way and gone on with by torchrun on two processes over gloo, whole copies
(DDP), and once more with sharded weights (FSDP2). What is printed is the largest relative
difference of the loss, before and after the cut, and of the bits a byte at the end.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from gnomon.lab import dial
from gnomon.lab.command import Bench
from gnomon.lab.model import curve
from gnomon.lab.model.pretrain import Settings, pretrain
from gnomon.lab.progress import Silence
from gnomon.lab.shards import Shard, finish_split, write_shard
from gnomon.lab.workspace import Workspace, workspace

DEPTH = 2


def prepare(text: Path, home: Path, name: str) -> Workspace:
    """Tokens of both splits, as the stage before leaves them."""
    work = workspace(home, name)
    folder = work.stage("tokenizer") / "tokens"
    folder.mkdir(exist_ok=True)
    whole = text.read_text("utf-8")
    table = {one: number for number, one in enumerate(sorted(set(whole)))}
    paragraphs = whole.split("\n\n")
    cut = int(0.95 * len(paragraphs))
    for split, some in (("train", paragraphs[:cut]), ("val", paragraphs[cut:])):
        ids = [one for paragraph in some for one in (*map(table.get, paragraph), len(table))]
        digest = write_shard(folder / f"{split}-00000.bin", np.array(ids, dtype="<u2"))
        size = sum(len(one.encode()) for one in some)
        shard = Shard(f"{split}-00000.bin", digest, len(ids), len(some), size)
        finish_split(
            folder, split, [shard], vocab=len(table) + 1, end=len(table), tokenizer="characters"
        )
    work.finish("tokenizer", {}, {}, "")
    return work


def stage(home: Path, name: str, steps: int, spread: str) -> dict[str, Any]:
    """The stage, on as many processes as there are; the cut run is the same but for ``spread``."""
    torch.set_num_threads(1)
    batch = dial.plan(DEPTH, 10**6, 10**6).batch
    settings = Settings(DEPTH, tokens=steps * batch, precision="f32", dropout=0.0,
                        compile=False, spread=spread)  # fmt: skip
    return pretrain(workspace(home, name), Bench(home, home, 1, Silence()), settings)


def cut(home: Path, name: str, steps: int) -> int:
    """Begin alone and press Ctrl-C half-way; the steps that were done."""
    log = home / "lab" / name / "pretrain" / curve.LOG
    process = subprocess.Popen(
        [sys.executable, __file__, "--stage", str(home), name, str(steps), "ddp"]
    )
    while process.poll() is None:
        if log.exists() and len(curve.read(log.parent)) >= steps // 2:
            process.send_signal(signal.SIGINT)
            break
        time.sleep(0.05)
    process.wait()
    return len(curve.read(log.parent))


def two(home: Path, name: str, steps: int, spread: str) -> None:
    subprocess.run(
        [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2",
         __file__, "--stage", str(home), name, str(steps), spread],
        check=True, env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("text", type=Path, nargs="?")
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--stage", nargs=4, metavar=("HOME", "NAME", "STEPS", "SPREAD"))
    options = parser.parse_args()
    if options.stage:
        home, name, steps, spread = options.stage
        try:
            stage(Path(home), name, int(steps), spread)
        except KeyboardInterrupt:
            sys.exit(130)
        return
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        prepare(options.text, home, "whole")
        want = stage(home, "whole", options.steps, "ddp")
        curves = {"whole": curve.read(home / "lab" / "whole" / "pretrain")}
        for spread in ("ddp", "fsdp"):
            work = prepare(options.text, home, spread)
            at = cut(home, spread, options.steps)
            two(home, spread, options.steps, spread)
            rows = curves[spread] = curve.read(work.folder / "pretrain")
            pairs = [
                abs(row["loss"] / other["loss"] - 1)
                for row, other in zip(rows, curves["whole"], strict=True)
            ]
            found = work.report("pretrain") or {}
            print(
                json.dumps(
                    {
                        "spread": spread, "steps": len(rows), "cut_after": at, "ranks_then": 2,
                        "largest_difference_before": max(pairs[:at]),
                        "largest_difference_after": max(pairs[at:]),
                        "bits_per_byte": found["bits_per_byte"],
                        "bits_per_byte_whole": want["bits_per_byte"],
                    }
                ),
                flush=True,
            )  # fmt: skip
        if options.out:
            rows = [
                {"step": row["step"], "one rank": row["loss"], "one, then two": other["loss"],
                 "one, then two sharded": third["loss"]}
                for row, other, third in zip(*curves.values(), strict=True)
            ]  # fmt: skip
            names = ["one rank", "one, then two", "one, then two sharded"]
            curve.draw(rows, options.out, title="loss, cut and gone on with", names=names)


if __name__ == "__main__":
    main()
