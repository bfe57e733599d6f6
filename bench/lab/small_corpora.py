"""Small corpora of posts: bits a byte of what was held out, the lab's loop beside plain nanoGPT's.

    nice -n 19 python bench/lab/small_corpora.py DATA --tokens 1 --out build/small

Posts of DATA/social/reddit_top.jsonl.gz (ODC PDDL), with DATA/chat/self_dialogues_en.jsonl.gz
(BSD-3-Clause) where more are wanted than it has; one tokenizer of 4,096 for both. Every run gets
the same seconds of CPU, three seeds each. What is done is in OUT/results.jsonl and is not done
again, so that it can be stopped at any time. nanoGPT is measured after its last step and at looks
before it, and the best of them counts: it keeps that checkpoint.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import math
import statistics
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import peers
import torch
from tokenizers import Tokenizer

from gnomon.lab import dial
from gnomon.lab.model.gpt import GPT, Shape
from gnomon.lab.model.loop import Job, train
from gnomon.lab.model.machine import keep_memory
from gnomon.lab.model.optimizer import Recipe
from gnomon.lab.model.parallel import World
from gnomon.lab.model.pretrain import measure, row_loss
from gnomon.lab.model.rows import Rows, Stream
from gnomon.lab.progress import Silence
from gnomon.lab.shards import Shard, Tokens, finish_split, open_tokens, write_shard
from gnomon.lab.tokenizer import train as bpe
from gnomon.lab.tokenizer.specials import END

VOCAB = 4096
HELD_OUT = 0.02
AT = World(0, 1, torch.device("cpu"))


def texts(raw: Iterable[str]) -> Iterator[tuple[float, str]]:
    """Each text with its place between 0 and 1, which follows from it; the smallest are held
    out, so that they are the same for every size."""
    for text in raw:
        digest = hashlib.blake2b(text.encode(), digest_size=8).digest()
        yield int.from_bytes(digest, "big") / 2**64, text


def _posts(data: Path) -> Iterator[str]:
    with gzip.open(data / "social" / "reddit_top.jsonl.gz", "rt", encoding="utf-8") as file:
        for line in file:
            post = json.loads(line)
            yield f"{post['title']}\n\n{post.get('selftext') or ''}".strip()


def _talks(data: Path) -> Iterator[str]:
    with gzip.open(data / "chat" / "self_dialogues_en.jsonl.gz", "rt", encoding="utf-8") as file:
        for line in file:
            yield "\n".join(json.loads(line)["turns"])


def prepare(data: Path, folder: Path, most: int) -> None:
    """Tokens of both splits, once. Reddit's posts come first; what is held out is of them only."""
    if (folder / "val.json").exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    reddit = sorted(texts(_posts(data)))
    more = sorted(texts(_talks(data)))
    held = [text for place, text in reddit if place < HELD_OUT]
    learnt = [text for place, text in [*reddit, *more] if place >= HELD_OUT]
    tokenizer = bpe.train(learnt[:20_000], vocab=VOCAB)
    for split, some, limit in (("train", learnt, most), ("val", held, 10**9)):
        _write(folder, split, some, tokenizer, limit)


def _write(folder: Path, split: str, some: list[str], tokenizer: Tokenizer, most: int) -> None:
    end = tokenizer.token_to_id(END)
    ids: list[int] = []
    documents = size = 0
    for text in some:
        ids += [*tokenizer.encode(text, add_special_tokens=False).ids, end]
        documents, size = documents + 1, size + len(text.encode())
        if len(ids) >= most:
            break
    name = f"{split}-00000.bin"
    digest = write_shard(folder / name, np.array(ids, dtype="<u2"))
    shard = Shard(name, digest, len(ids), documents, size)
    vocab = tokenizer.get_vocab_size()
    finish_split(folder, split, [shard], vocab=vocab, end=end, tokenizer="")


def lab(learnt: Tokens, watched: Tokens, seed: int, options: argparse.Namespace) -> dict[str, Any]:
    """The dial's model and plan, as long as the seconds allow."""
    keep_memory()
    clock = peers.CLOCKS[options.clock]
    began = clock()
    shape = Shape.of(dial.sizes(options.depth), vocab=learnt.vocab)
    stream = Stream(learnt, shape.context, seed)

    def go(steps: int, folder: Path) -> tuple[GPT, dial.Plan, int]:
        rows = dial.plan(options.depth, shape.parameters, len(learnt)).batch // shape.context
        plan = dial.plan(options.depth, shape.parameters, len(learnt), steps * rows * shape.context)
        torch.manual_seed(seed)
        model = GPT(shape, plan.dropout)
        recipe = Recipe(
            steps=steps, matrix_rate=plan.matrix_rate, rate=plan.rate, decay=plan.decay,
            average=plan.average, seed=seed,
        )  # fmt: skip
        job = Job("lab", folder, Silence(), bf16=options.bf16, save_every_s=1e9)

        def batches(step: int) -> list[Rows]:
            return [stream.take(step * rows, rows)]

        trained = train(model, batches, row_loss, recipe, job, AT)
        return model.eval(), plan, trained.seen

    with tempfile.TemporaryDirectory() as folder:
        go(3, Path(folder) / "warm")
        then = clock()
        go(8, Path(folder) / "probe")
        a_step = (clock() - then) / 8
        steps = max(1, int((options.seconds - (clock() - began)) / a_step))
        model, plan, seen = go(steps, Path(folder) / "run")
    spent = clock() - began
    with torch.no_grad():
        found = measure(model, watched)
    return {
        **found, "steps": steps, "tokens": seen, "seconds": round(spent, 1),
        "parameters": shape.parameters, "dropout": plan.dropout, "decay": plan.decay,
    }  # fmt: skip


def nano(learnt: Tokens, watched: Tokens, seed: int, options: argparse.Namespace) -> dict[str, Any]:
    """Its published settings for a CPU; its steps, and with them its decay, are as many as the
    seconds allow."""
    clock = peers.CLOCKS[options.clock]
    train_ids = np.asarray(learnt.read(0, len(learnt)))
    val_ids = np.asarray(watched.read(0, len(watched)))
    torch.manual_seed(1337 + seed)
    plan = peers.Nano()
    probe = peers.nano_steps(
        peers.NanoGPT(learnt.vocab, plan), train_ids, val_ids, plan, looking=False
    )
    for _ in range(5):
        next(probe)
    then = clock()
    for _ in range(40):
        next(probe)
    plan = replace(plan, steps=int(0.97 * options.seconds / ((clock() - then) / 40)))
    model = peers.NanoGPT(learnt.vocab, plan)
    began, best = clock(), math.inf
    for step in peers.nano_steps(model, train_ids, val_ids, plan, looking=False):
        if step > plan.steps // 2 and step % max(1, plan.steps // 6) == 0:
            then = clock()
            best = min(best, _bits(model, val_ids, plan.context, watched))
            began += clock() - then
    return {
        "bits_per_byte": min(best, _bits(model, val_ids, plan.context, watched)),
        "steps": plan.steps, "tokens": plan.steps * plan.batch * plan.context,
        "seconds": round(clock() - began, 1),
        "parameters": sum(weight.numel() for weight in model.parameters()),
    }  # fmt: skip


@torch.no_grad()
def _bits(model: peers.NanoGPT, ids: np.ndarray, context: int, watched: Tokens) -> float:
    """Over all tokens but the first and the last few, in rows that do not overlap."""
    count = (len(ids) - 1) // context
    flat = torch.from_numpy(ids[: count * context + 1].astype(np.int64))
    x, y = flat[:-1].view(count, context), flat[1:].view(count, context)
    total = sum(
        float(model(x[at : at + 64], y[at : at + 64])[1]) * len(x[at : at + 64])
        for at in range(0, count, 64)
    )
    return total / count / math.log(2) / watched.bytes_per_token


ARMS = {"lab": lab, "nano": nano}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--tokens", type=int, default=1, help="millions")
    parser.add_argument("--seconds", type=float, default=60, help="of CPU, each run")
    parser.add_argument("--clock", choices=peers.CLOCKS, default="cpu")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--depth", type=int, default=2)
    parser.add_argument("--bf16", action=argparse.BooleanOptionalAction, default=True)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    folder = options.out / f"{options.tokens}M"
    prepare(options.data, folder, options.tokens * 10**6)
    learnt, watched = open_tokens(folder, "train"), open_tokens(folder, "val")
    results = options.out / "results.jsonl"
    done = (
        [json.loads(line) for line in results.read_text().splitlines()] if results.exists() else []
    )
    key = {"corpus": len(learnt), "budget_s": options.seconds, "depth": options.depth}
    for seed in range(options.seeds):
        for arm, work in ARMS.items():
            about = {"arm": arm, "seed": seed, **key}
            if any(about.items() <= row.items() for row in done):
                continue
            row = {**about, **work(learnt, watched, seed, options)}
            done.append(row)
            with results.open("a") as file:
                file.write(json.dumps(row) + "\n")
            print(json.dumps(row), flush=True)
    for arm in ARMS:
        bits = [
            row["bits_per_byte"] for row in done if row["arm"] == arm and key.items() <= row.items()
        ]
        spread = statistics.stdev(bits) if len(bits) > 1 else math.nan
        print(f"{arm}: {statistics.mean(bits):.4f} bits a byte, sd {spread:.4f}, n {len(bits)}")


if __name__ == "__main__":
    main()
