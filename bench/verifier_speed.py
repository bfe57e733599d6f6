"""How fast the shipped verifier reads: pairs a second at 128 tokens and at the length of posts,
beside the same network in floats through ``transformers``, interleaved in one run.

    python bench/verifier_speed.py [--base DIR] [--seconds 10]

``--base`` is a folder with the float model (`gnomon lab verifier` leaves one in OUT/model); by
default the encoder that ours was trained from, which has the same shape and so the same cost.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_WAIT_POLICY", "passive")

from gnomon.models.verifier import OnnxVerifier

ROOT = Path(__file__).resolve().parents[1]
BASE = ROOT / ".cache" / "models" / "all-minilm-l6-v2"
WORDS = (
    "the harbour bridge reopened to traffic on monday after repairs that cost more than planned "
    "and the council said that lorries may cross again from friday"
).split()
THREADS, PAIRS, REPEATS = 2, 64, 5


def pairs(tokens: int, start: int) -> list[tuple[str, str]]:
    """Pairs of about so many tokens, no two alike, so that nothing is remembered."""
    claim = "the harbour bridge reopened on monday"
    found = []
    for i in range(PAIRS):
        n = max(4, tokens - 11)
        window = [WORDS[(start + i + k) % len(WORDS)] for k in range(n - 2)]
        found.append((" ".join([str(start + i), *window]), claim))
    return found


def in_floats(base: Path) -> Callable[[list[tuple[str, str]]], Any]:
    """The float network as its users run it: transformers, padded batches of 32, no gradients."""
    import torch
    from tokenizers import Tokenizer
    from transformers import BertForSequenceClassification

    torch.set_num_threads(THREADS)
    model = BertForSequenceClassification.from_pretrained(base, num_labels=3).eval()
    tokenizer = Tokenizer.from_file(str(base / "tokenizer.json"))
    tokenizer.enable_truncation(128, strategy="longest_first")
    tokenizer.enable_padding()

    def judge(asked: list[tuple[str, str]]) -> Any:
        with torch.inference_mode():
            for first in range(0, len(asked), 32):
                codes = tokenizer.encode_batch(asked[first : first + 32])
                model(
                    input_ids=torch.tensor([c.ids for c in codes]),
                    token_type_ids=torch.tensor([c.type_ids for c in codes]),
                    attention_mask=torch.tensor([c.attention_mask for c in codes]),
                )

    return judge


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--base", type=Path, default=BASE)
    chosen = options.parse_args()
    ours = OnnxVerifier(threads=THREADS)
    readers = {"int8, ONNX Runtime": ours.scores, "float32, transformers": in_floats(chosen.base)}
    rows = []
    for tokens in (128, 48):
        rates: dict[str, list[float]] = {name: [] for name in readers}
        for repeat in range(REPEATS + 1):
            for name, read in readers.items():
                asked = pairs(tokens, 1000 * tokens + 100 * repeat)
                began = time.perf_counter()
                read(asked)
                if repeat:  # the first round loads and warms
                    rates[name].append(len(asked) / (time.perf_counter() - began))
        found = {name: round(statistics.median(each), 1) for name, each in rates.items()}
        mine, theirs = found.values()
        rows.append({"tokens": tokens, **found, "ratio": round(mine / theirs, 2)})
    ours.close()
    print(json.dumps({"threads": THREADS, "pairs": PAIRS, "median_of": REPEATS, "rows": rows}))


if __name__ == "__main__":
    main()
