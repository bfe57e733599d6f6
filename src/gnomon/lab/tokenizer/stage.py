"""The tokenizer stage: a vocabulary from the corpus, and the corpus as tokens.

A cut run goes on: a tokenizer that was trained from the same inputs is kept, and so is every file
of tokens that was finished.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from gnomon.errors import InputError
from gnomon.lab.command import Bench
from gnomon.lab.data.documents import (
    Document,
    DocumentFile,
    check_file,
    document_files,
    documents,
    read_documents,
)
from gnomon.lab.progress import Progress
from gnomon.lab.shards import Ids, Shard, finish_split, id_type, write_shard, writing
from gnomon.lab.tokenizer import encoding, train
from gnomon.lab.tokenizer.report import markdown
from gnomon.lab.tokenizer.splits import GGUF_PRE, pattern
from gnomon.lab.workspace import REPORT, Workspace, file_sha256, write_json

STAGE = "tokenizer"
SPLITS = ("train", "val")
_TOGETHER = 1000
"""Documents that are encoded at once: enough for every thread, little enough for a Ctrl-C."""


@dataclass(frozen=True, slots=True)
class Settings:
    """``vocab`` counts the specials in; ``context`` is the longest input of the model in tokens;
    ``sample_bytes`` is how much text the vocabulary is learned from, taken evenly."""

    vocab: int
    context: int
    split: str = "qwen2"
    sample_bytes: int = 400_000_000


def stage(work: Workspace, bench: Bench, settings: Settings) -> dict[str, Any]:
    """Train the tokenizer on the train split and write both splits as tokens.

    Raises InputError where there is no corpus or a setting cannot be used, CorruptShard for a file
    of the corpus that has changed, StoreFull where the disk is full.
    """
    pattern(settings.split)
    data = work.needs("data", wanted_by=STAGE)
    inputs = {**asdict(settings), "data": data["manifest_sha256"]}
    if found := work.current(STAGE, inputs):
        return found
    corpus = work.folder / "data"
    folder = _begin(work, inputs)
    tokenizer_sha256 = _trained(corpus, folder, bench, settings)
    words = encoding.load(folder)
    splits = {split: _encode(corpus, folder, split, words, bench) for split in SPLITS}
    for split, shards in splits.items():
        finish_split(
            folder / "tokens", split, shards,
            vocab=words.vocab, end=words.end, tokenizer=tokenizer_sha256,
        )  # fmt: skip
    report = {
        "folder": str(folder),
        "vocab": words.vocab,
        "split": settings.split,
        "ggml_pre": GGUF_PRE[settings.split],
        "context": settings.context,
        "tokenizer_sha256": tokenizer_sha256,
        "data_sha256": data["manifest_sha256"],
        **{
            name: {split: sum(getattr(s, name) for s in shards) for split, shards in splits.items()}
            for name in ("tokens", "documents", "bytes")
        },
        "bytes_per_token": _bytes_per_token(corpus, words),
    }
    with writing(folder / REPORT):
        return work.finish(STAGE, inputs, report, markdown(report, words))


def _begin(work: Workspace, inputs: Mapping[str, Any]) -> Path:
    """The stage's folder, emptied where it was begun from other inputs."""
    folder = work.stage(STAGE)
    try:
        before = json.loads((folder / "inputs.json").read_text("utf-8"))
    except (FileNotFoundError, ValueError):
        before = {}
    if {name: before.get(name) for name in inputs} != dict(inputs):
        shutil.rmtree(folder)
    with writing(folder):
        return work.begin(STAGE, inputs)


def _trained(corpus: Path, folder: Path, bench: Bench, settings: Settings) -> str:
    """Train, or find what was trained before the cut; the tokenizer's SHA-256."""
    path = folder / "tokenizer.json"
    if path.exists() and (folder / "tokenizer_config.json").exists():
        bench.reporter.say(f"{STAGE}: the vocabulary is there")
        return file_sha256(path)
    bench.reporter.say(f"{STAGE}: learning {settings.vocab:,} tokens")
    texts = _sample(corpus, settings.sample_bytes)
    trained = train.train(texts, vocab=settings.vocab, split=settings.split)
    return train.save(trained, folder, context=settings.context)


def _sample(corpus: Path, most: int) -> Iterator[str]:
    """Texts of the train split, every n-th document, so that about ``most`` bytes are read."""
    files = document_files(corpus, "train")
    whole = sum(file.bytes for file in files)
    step = max(1, -(-whole // most))
    for document in islice(documents(corpus, "train"), 0, None, step):
        yield document.text


def _encode(
    corpus: Path, folder: Path, split: str, words: encoding.Words, bench: Bench
) -> list[Shard]:
    """A file of tokens for each file of documents; those that a cut run finished are kept."""
    out = folder / "tokens"
    out.mkdir(exist_ok=True)
    notes = out / f"{split}.partial.json"
    try:
        done = [Shard(**shard) for shard in json.loads(notes.read_text("utf-8"))]
    except (FileNotFoundError, ValueError, TypeError):
        done = []
    files = document_files(corpus, split)
    total = sum(file.documents for file in files)
    for number, file in enumerate(files[len(done) :], len(done)):
        check_file(corpus, file)
        before = sum(shard.documents for shard in done)
        done.append(
            _shard(corpus, out, f"{split}-{number:05}.bin", file, words, bench, (before, total))
        )
        with writing(notes):
            write_json(notes, [asdict(shard) for shard in done])
    return done


def _shard(
    corpus: Path,
    out: Path,
    name: str,
    file: DocumentFile,
    words: encoding.Words,
    bench: Bench,
    place: tuple[int, int],
) -> Shard:
    """Write one file of tokens. ``place``: documents done before it, and all."""
    kind = id_type(words.vocab)
    pieces: list[Ids] = []
    count = size = 0
    languages: dict[str, int] = {}
    source = read_documents(corpus / file.file)
    while chunk := list(islice(source, _TOGETHER)):
        found = words.encode_all([document.text for document in chunk])
        for document, ids in zip(chunk, found, strict=True):
            pieces.append(np.array([*ids, words.end], kind))
            size += len(document.text.encode())
            languages[document.lang] = languages.get(document.lang, 0) + len(ids) + 1
        count += len(chunk)
        bench.reporter.at(Progress(STAGE, place[0] + count, place[1], "documents"))
    whole = np.concatenate(pieces) if pieces else np.zeros(0, kind)
    return Shard(name, write_shard(out / name, whole), len(whole), count, size, languages)


def _bytes_per_token(corpus: Path, words: encoding.Words) -> dict[str, float]:
    """UTF-8 bytes a token over the first 2,000 documents of ``val`` (END not counted): all
    together and by language, those with 1,000 bytes at least."""
    sample: list[Document] = list(islice(documents(corpus, "val"), 2000))
    ids = words.encode_all([document.text for document in sample])
    count: dict[str, tuple[int, int]] = {}
    for document, found in zip(sample, ids, strict=True):
        for name in ("all", document.lang or "unknown"):
            size, tokens = count.get(name, (0, 0))
            count[name] = (size + len(document.text.encode()), tokens + len(found))
    shown = {name: pair for name, pair in count.items() if name == "all" or pair[0] >= 1000}
    order = sorted(shown.items(), key=lambda item: (item[0] != "all", -item[1][0]))
    return {name: round(size / max(1, tokens), 3) for name, (size, tokens) in order}


def check_vocab(vocab: int) -> int:
    """Raises InputError for a vocabulary that is too small or absurd."""
    if not train.LEAST_VOCAB <= vocab <= 1_000_000:
        raise InputError(
            f"--vocab is {vocab}; give a number from {train.LEAST_VOCAB} to 1,000,000."
        )
    return vocab
