"""The rule-based verifier on FEVER pairs: what it decides, and how often rightly.

    python bench/verifier.py [--pairs 2000] [--seed 0] [--data FOLDER]

Gold evidence against claims, half supported and half refuted, none "not enough": so a "neither" is
a pair that it leaves open. Beside it, majority (.50) and the claim-only baseline of the data's
makers (.68). Intervals are Wilson's, 95 %. The last line is JSON.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import time
from collections import Counter
from math import sqrt
from pathlib import Path

from gnomon.text.tokens import tokens
from gnomon.truth.terms import Weights
from gnomon.truth.verify import LexicalEntail
from gnomon.types import Stance

DATA = Path(__file__).parent.parent.parent / "shared" / "data" / "truth" / "fever_pairs"


def wilson(right: int, n: int, z: float = 1.96) -> list[float]:
    """The 95 % interval of a proportion (Wilson 1927)."""
    if not n:
        return [0.0, 1.0]
    p, d = right / n, 1 + z * z / n
    half = z * sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / d
    middle = (p + z * z / (2 * n)) / d
    return [round(middle - half, 3), round(middle + half, 3)]


def pairs(folder: Path) -> list[tuple[str, str, bool]]:
    """(evidence, claim, whether it is supported)"""

    def lines(name: str) -> list[str]:
        with gzip.open(folder / name, "rt", encoding="utf-8") as file:
            return file.read().splitlines()

    labels = (folder / "dev.label").read_text(encoding="utf-8").split()
    rows = zip(lines("dev.raw.input0.gz"), lines("dev.raw.input1.gz"), labels, strict=True)
    return [(evidence, claim, label == "entailment") for evidence, claim, label in rows]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--data", type=Path, default=DATA)
    options = parser.parse_args()
    if not (options.data / "dev.label").exists():
        print(json.dumps({"bench": "verifier", "skipped": f"no FEVER pairs in {options.data}"}))
        return
    rows = pairs(options.data)
    held: Counter[str] = Counter()
    for evidence, _, _ in rows:
        held.update(set(tokens(evidence)))
    entail = LexicalEntail(Weights(lambda terms: {t: held[t] for t in terms}, len(rows)))
    chosen = random.Random(options.seed).sample(rows, min(options.pairs, len(rows)))
    began = time.perf_counter()
    judged = entail.judge([(evidence, claim) for evidence, claim, _ in chosen])
    seconds = time.perf_counter() - began
    counts = Counter(
        (judgement.stance, supported)
        for judgement, (_, _, supported) in zip(judged, chosen, strict=True)
    )
    out: dict[str, object] = {"bench": "verifier", "pairs": len(chosen), "seed": options.seed}
    for stance, right in ((Stance.SUPPORTS, True), (Stance.REFUTES, False)):
        said = counts[stance, True] + counts[stance, False]
        good = counts[stance, right]
        out[stance.value] = {
            "said": said,
            "right": good,
            "precision": round(good / max(said, 1), 3),
            "interval": wilson(good, said),
        }
    out["neither"] = counts[Stance.NEITHER, True] + counts[Stance.NEITHER, False]
    out["pairs_per_s"] = round(len(chosen) / seconds)
    print(json.dumps(out))


if __name__ == "__main__":
    main()
