"""Bench: the mark in a model's words, by length.

    python bench/textmark.py MODEL.gguf [--texts 14] [--tokens 200]

The model continues the beginnings of encyclopaedia articles, with the mark and without. Pieces of
25, 50, 100 and 200 tokens are looked at with the right secret. Negatives: pieces of the same
lengths of human texts (books, encyclopaedia, tweets; English and Chinese), each with a secret of
its own, and the model's unmarked texts. For each length: the threshold that 1 % of the human pieces
pass, the share of marked pieces above it and above the shipped threshold, with 95 % intervals
(Wilson); and how likely the model finds what it wrote (mean log-probability), marked and not.
"""

from __future__ import annotations

import argparse
import gzip
import json
import math
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from gnomon.models.likelihood import LlamaLikelihood
from gnomon.provenance.textmark import FEWEST_TOKENS, MOST_CANDIDATES, THRESHOLD, TextMark, go_on

DATA = Path(__file__).parent.parent.parent / "shared" / "data"
HUMAN = (
    "text/enwiki_2014.jsonl.gz",
    "text/books_en.jsonl.gz",
    "text/zhwiki.jsonl.gz",
    "social/crisislex_tweets.jsonl.gz",
)
LENGTHS = (25, 50, 100, 200)
PIECES = 1000


def texts(path: Path, most: int) -> list[str]:
    """The first texts of a file; short ones (tweets) in heaps of 40."""
    found: list[str] = []
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            text = next(
                (row[k] for k in ("text", "content", "body") if isinstance(row.get(k), str)), ""
            )
            found.append(text[:6000])
            if len(found) >= most * 40:
                break
    if np.median([len(t) for t in found]) < 400:
        found = ["\n".join(found[i : i + 40]) for i in range(0, len(found), 40)]
    return found[:most]


def pieces(rows: Sequence[Sequence[int]], length: int) -> list[list[int]]:
    return [list(r[i : i + length]) for r in rows for i in range(0, len(r) - length + 1, length)]


def wilson(hits: int, n: int) -> str:
    if not n:
        return "none"
    z, p = 1.96, hits / n
    d = 1 + z * z / n
    mid, half = (p + z * z / (2 * n)) / d, z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / d
    low, high = 100 * max(0.0, mid - half), 100 * min(1.0, mid + half)
    return f"{100 * p:.1f} % ({low:.1f}-{high:.1f}; {n:,})"


def written(
    model: LlamaLikelihood,
    prompts: Sequence[Sequence[int]],
    mark: TextMark | None,
    tokens: int,
    heat: float,
) -> tuple[list[list[int]], float]:
    """Continuations, and the mean log-probability of their tokens."""
    rows, sure = [], []
    for seed, prompt in enumerate(prompts):
        last: dict[int, float] = {}

        def following(
            ids: list[int], last: dict[int, float] = last
        ) -> tuple[np.ndarray, np.ndarray]:
            best, logs = model.likeliest(ids, MOST_CANDIDATES)
            last.clear()
            last.update(zip(best.tolist(), logs.tolist(), strict=True))
            return best, logs

        row = []
        for token in go_on(following, prompt, mark, max_new=tokens, temperature=heat, seed=seed):
            sure.append(last[token])
            row.append(token)
        rows.append(row)
    return rows, float(np.mean(sure))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path)
    parser.add_argument("--texts", type=int, default=14)
    parser.add_argument("--tokens", type=int, default=200)
    parser.add_argument("--temperature", type=float, default=1.0)
    args = parser.parse_args()
    paths = [DATA / name for name in HUMAN if (DATA / name).is_file()]
    if not args.model.is_file() or not paths:
        raise SystemExit(f"skipped: {args.model} or {DATA} is not there")
    model = LlamaLikelihood(args.model, threads=1)
    mark = TextMark(b"bench")
    begun = [t[:200] for t in texts(paths[0], args.texts * 3)[args.texts :: 2]][: args.texts]
    prompts = model.tokens(begun)
    began = time.perf_counter()
    marked, sure = written(model, prompts, mark, args.tokens, args.temperature)
    rate = sum(map(len, marked)) / (time.perf_counter() - began)
    bare, bare_sure = written(
        model, prompts[: max(3, args.texts // 3)], None, args.tokens, args.temperature
    )
    human = {path.name: model.tokens(texts(path, 150)) for path in paths}
    model.close()
    print(f"{args.model.name}, temperature {args.temperature}: {sum(map(len, marked)):,} marked "
          f"tokens, {rate:.1f} a second; mean log-probability {sure:.3f} marked, {bare_sure:.3f} "
          "not")  # fmt: skip
    for length in LENGTHS:
        scores, per_set = [], []
        for name, rows in human.items():
            cut = pieces(rows, length)[:PIECES]
            got = [TextMark(f"{name} {i}".encode()).detect(p).score for i, p in enumerate(cut)]
            scores += got
            per_set.append(
                f"{name.split('.')[0]} {wilson(sum(s >= THRESHOLD for s in got), len(got))}"
            )
        level = float(np.quantile(scores, 0.99))
        print(f"\n{length} tokens: 1 % of {len(scores):,} human pieces score {level:.2f} or more; "
              f"the highest {max(scores):.2f}")  # fmt: skip
        hits = [mark.detect(p).score for p in pieces(marked, length)]
        plain = [mark.detect(p).score for p in pieces(bare, length)]
        for name, got, least in (
            ("marked, above that", hits, level),
            (f"marked, above {THRESHOLD} (shipped)", hits, THRESHOLD),
            ("the model's own, unmarked", plain, THRESHOLD),
        ):
            share = wilson(sum(s >= least for s in got), len(got))
            print(f"  {name:28} {share}, median score {np.median(got):.1f}")
        for line in per_set:
            print(f"  human above {THRESHOLD}: {line}")
    print(f"\nBelow {FEWEST_TOKENS} tokens nothing is said.")


if __name__ == "__main__":
    main()
