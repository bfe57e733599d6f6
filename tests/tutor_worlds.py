"""A run of the lab as it is before conversations are learnt: a few invented posts, a tokenizer that
was trained on them, and a tiny model with weights as they start."""

from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import torch

from gnomon.lab.command import Bench
from gnomon.lab.data.documents import Document, write_documents
from gnomon.lab.model.gpt import GPT, Shape
from gnomon.lab.model.stock import save
from gnomon.lab.progress import Progress
from gnomon.lab.rl.tasks.passages import made_up
from gnomon.lab.rl.tasks.strings import WORDS
from gnomon.lab.shards import Shard, finish_split, id_type, write_shard
from gnomon.lab.tokenizer import encoding, train
from gnomon.lab.workspace import Workspace, write_json

CONTEXT = 128


@dataclass
class Heard:
    """Who is told, remembering it; ``stop_at`` interrupts at that step, as Ctrl-C does."""

    lines: list[str] = field(default_factory=list)
    steps: list[int] = field(default_factory=list)
    stop_at: int = -1

    def say(self, line: str) -> None:
        self.lines.append(line)

    def at(self, progress: Progress) -> None:
        self.steps.append(progress.done)
        if progress.done == self.stop_at:
            import signal

            signal.raise_signal(signal.SIGINT)


def texts() -> list[str]:
    """Invented news and the words of the tasks, the same every time."""
    lines = [" ".join(one.sentences) for one in made_up(events=40)]
    tasks = [
        f"What is the first letter of {word}? Say: {word}. {number} + {number % 7} = 12 yes no"
        for number, word in enumerate(WORDS)
    ]
    return lines + tasks


def bench(folder: Path, heard: Heard | None = None) -> Bench:
    return Bench(folder, folder / "models", threads=1, reporter=heard or Heard())


def tokens_of(work: Workspace, split: str, texts: list[str]) -> None:
    """The tokens of one split, as the tokenizer's stage leaves them."""
    words = encoding.load(work.stage("tokenizer"))
    ids = [token for text in words.encode_all(texts) for token in (*text, words.end)]
    folder, file = work.stage("tokenizer") / "tokens", f"{split}-00000.bin"
    folder.mkdir(exist_ok=True)
    digest = write_shard(folder / file, np.array(ids, id_type(words.vocab)))
    size = sum(len(text.encode()) for text in texts)
    shard = Shard(file, digest, len(ids), len(texts), size)
    finish_split(folder, split, [shard], vocab=words.vocab, end=words.end, tokenizer="0")


def work_at(folder: Path, *, name: str = "tiny", vocab: int = 700, width: int = 64) -> Workspace:
    """The stages *data*, *tokenizer* and *pretrain*, done."""
    work = bench(folder).workspace(name)
    data = work.stage("data")
    posts = [
        Document(text, f"post:{n}", {"source": "test", "created_at": 1.7e9 + 86400 * n})
        for n, text in enumerate(texts())
    ]
    files = {
        split: [asdict(write_documents(data, f"docs/{split}/00000.jsonl.gz", part))]
        for split, part in (("train", posts[20:]), ("val", posts[:20]))
    }
    write_json(data / "manifest.json", {"files": files})
    work.finish("data", {}, {"folder": str(data), "manifest_sha256": "0"}, "")
    tokenizer = train.train(texts(), vocab=vocab)
    train.save(tokenizer, work.stage("tokenizer"), context=CONTEXT)
    for split, part in (("train", posts[20:]), ("val", posts[:20])):
        tokens_of(work, split, [post.text for post in part])
    work.finish("tokenizer", {}, {"folder": str(work.stage("tokenizer"))}, "")
    torch.manual_seed(0)
    shape = Shape(
        vocab=tokenizer.get_vocab_size(), context=CONTEXT, layers=1, width=width,
        heads=1, kv_heads=1, head_dim=width, ffn=2 * width,
    )  # fmt: skip
    save(GPT(shape), work.stage("pretrain") / "model")
    work.finish("pretrain", {}, {"folder": str(work.stage("pretrain") / "model")}, "")
    return work
