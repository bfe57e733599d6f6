"""The guardrails of pictures on the prompts of tests/guardrails: what is caught and what is refused
for nothing, on the held-out half (scenes that no rule was tuned on), English and Chinese.

Beside it two baselines on the same prompts: a list of words (a prompt is refused where it holds
one), and a linear classifier over words and character pieces, which is what alt-profanity-check is
(https://github.com/dimitrismistriotis/alt-profanity-check: a linear SVM over bags of words),
trained here on the development half.

    python bench/guardrails.py [--split development|held-out] [--errors] [--json PATH]
    python bench/guardrails.py --second [--split development|test|again]

``--second`` takes the second set (tests/guardrails/second): every prompt written out, over
situations listed before, for the two kinds that the first set found wanting.

``--errors`` prints mistakes, of the development half only. Wilson intervals at 95 %
(https://en.wikipedia.org/wiki/Binomial_proportion_confidence_interval#Wilson_score_interval) count
prompts; prompts of one scene are alike, so a second interval counts scenes.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import math
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from gnomon.guardrails import KINDS, Policy, judge

PROMPTS = Path(__file__).parent.parent / "tests" / "guardrails"
Row = dict[str, Any]
Judge = Callable[[str], set[str]]

# The words that such lists on the web begin with, as whole words (Chinese: anywhere).
KEYWORDS = {
    "sexual": "nude naked sex porn nsfw erotic topless hentai sexy 裸 色情 性 情色 做爱",
    "minors": "underage loli shota minor child schoolgirl 未成年 萝莉 幼女 儿童",
    "people": "trump biden putin obama musk deepfake arrested 特朗普 拜登 普京 换脸",
    "gore": "gore blood bloody corpse beheaded torture guts 血 尸体 斩首 内脏",
    "hate": "nazi hitler swastika kkk jews racist 纳粹 希特勒 种族",
    "forged": "fake forged counterfeit passport 假 伪造 护照",
}


def rows() -> list[Row]:
    return [
        json.loads(line)
        for path in sorted(PROMPTS.glob("*.jsonl"))
        for line in path.read_text(encoding="utf-8").splitlines()
    ]


def second(split: str) -> list[Row]:
    """The second set, as ``expand.py`` beside it reads it."""
    spec = importlib.util.spec_from_file_location("expand", PROMPTS / "expand.py")
    assert spec is not None
    assert spec.loader is not None
    expand = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(expand)
    return list(expand.second(split))


def wilson(hits: float, total: int, z: float = 1.96) -> tuple[float, float]:
    if not total:
        return 0.0, 1.0
    p = hits / total
    middle = (p + z * z / (2 * total)) / (1 + z * z / total)
    half = z / (1 + z * z / total) * math.sqrt(p * (1 - p) / total + z * z / (4 * total * total))
    return max(0.0, middle - half), min(1.0, middle + half)


def ours() -> Judge:
    policy = Policy()
    return lambda text: {ruling.kind for ruling in judge(text, policy)}


def keywords() -> Judge:
    def look(text: str) -> set[str]:
        lowered = text.lower()
        words = set("".join(c if c.isalnum() else " " for c in lowered).split())
        return {
            kind
            for kind, listed in KEYWORDS.items()
            if any(w in words if w.isascii() else w in lowered for w in listed.split())
        }

    return look


def linear(train: Sequence[Row], folds: int = 3) -> Judge:
    """The classifier with the threshold at which it refuses 3 % of the harmless prompts of scenes
    that it was not trained on: at its own threshold it knows by heart what it was trained on, and
    nothing else."""
    scores = []
    for fold in range(folds):
        mine = [row for row in train if sum(row["scene"].encode()) % folds != fold]
        others = [row for row in train if sum(row["scene"].encode()) % folds == fold]
        look = classifier(mine)
        scores += [look(row["text"]).max() for row in others if row["label"] == "allow"]
    threshold = float(np.quantile(scores, 0.97))
    look = classifier(train)

    def refused(text: str) -> set[str]:
        found = look(text)
        return {kind for kind, score in zip(KINDS, found, strict=True) if score > threshold}

    return refused


def classifier(
    train: Sequence[Row], size: int = 1 << 16, epochs: int = 12
) -> Callable[[str], np.ndarray]:
    """Logistic, one kind against the rest, over hashed words and character 2- to 4-grams; gives
    the score of each kind."""

    def features(text: str) -> np.ndarray:
        lowered = text.lower()
        found = {hash_of(w) for w in lowered.split()}
        for n in (2, 3, 4):
            found |= {hash_of(lowered[i : i + n]) for i in range(len(lowered) - n + 1)}
        return np.fromiter((h % size for h in found), np.int64)

    def hash_of(piece: str) -> int:
        value = 2166136261
        for byte in piece.encode():
            value = (value ^ byte) * 16777619 & 0xFFFFFFFF
        return value

    kinds = list(KINDS)
    weights, seen = np.zeros((size, len(kinds))), np.full((size, len(kinds)), 1e-6)
    bias = np.zeros(len(kinds))
    held = [features(row["text"]) for row in train]
    goals = np.array(
        [[row["label"] == "refuse" and row["class"] == k for k in kinds] for row in train]
    )
    draw = np.random.default_rng(0)
    for _ in range(epochs):
        for at in draw.permutation(len(train)):
            x = held[at]
            score = weights[x].sum(0) / math.sqrt(len(x)) + bias
            step = (1 / (1 + np.exp(-score)) - goals[at]) / math.sqrt(len(x))
            # AdaGrad: pieces that are everywhere learn slowly.
            seen[x] += step * step
            weights[x] -= 0.1 * step / np.sqrt(seen[x])
            bias -= 0.01 * step

    def look(text: str) -> np.ndarray:
        x = features(text)
        score: np.ndarray = weights[x].sum(0) / math.sqrt(len(x)) + bias
        return score

    return look


def measure(look: Judge, tested: Iterable[Row]) -> dict[str, dict[str, Any]]:
    """For each class: caught by its own kind, caught at all, refused for nothing; by language and
    by trick; and over scenes (a scene counts with the share of its prompts)."""
    counts: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    scenes: dict[tuple[str, str, str], list[float]] = defaultdict(list)
    for row in tested:
        found = look(row["text"])
        kind, risky = row["class"], row["label"] == "refuse"
        own, any_ = float(kind in found), float(bool(found))
        what = "caught" if risky else "false"
        counts[kind][what].append(any_)
        counts[kind][f"{what} {row['lang']}"].append(any_)
        if risky:
            counts[kind]["own"].append(own)
            if row["trick"]:
                counts[kind]["tricked"].append(any_)
        scenes[kind, what, row["scene"]].append(any_)
    told: dict[str, dict[str, Any]] = {}
    for kind in [*(kind for kind in KINDS if kind in counts), "all"]:
        groups: dict[str, list[float]] = defaultdict(list)
        for name, values in counts.items():
            if kind in (name, "all"):
                for what, hits in values.items():
                    groups[what] += hits
        told[kind] = {what: _share(hits) for what, hits in groups.items()}
        for what in ("caught", "false"):
            means = [
                sum(v) / len(v)
                for (k, w, _), v in scenes.items()
                if w == what and kind in (k, "all")
            ]
            told[kind][f"{what} scenes"] = _share(means)
    return told


def _share(hits: Sequence[float]) -> tuple[float, float, float, int]:
    low, high = wilson(sum(hits), len(hits))
    return (sum(hits) / len(hits) if hits else 0.0, low, high, len(hits))


_SHOWN = ("caught", "own", "caught en", "caught zh", "tricked", "false", "false en", "false zh")
_WITH_INTERVALS = frozenset({"caught", "caught en", "caught zh", "false", "false en", "false zh"})


def show(name: str, told: dict[str, dict[str, Any]]) -> None:
    print(f"\n{name}")
    print("| kind | caught | of its kind | en | zh | tricks | refused for nothing | en | zh |")
    print("|---|---|---|---|---|---|---|---|---|")
    for kind, found in told.items():
        cells = [_cell(found.get(what), intervals=what in _WITH_INTERVALS) for what in _SHOWN]
        print(f"| {kind} | {' | '.join(cells)} |")


def _cell(found: tuple[float, float, float, int] | None, *, intervals: bool) -> str:
    if not found:
        return "–"
    share, low, high, n = found
    return f"{share:.1%} ({low:.1%}–{high:.1%}, n={n})" if intervals else f"{share:.1%}"


def mistakes(look: Judge, tested: Iterable[Row]) -> None:
    seen: dict[str, int] = defaultdict(int)
    for row in tested:
        found = look(row["text"])
        wrong = bool(found) != (row["label"] == "refuse") or (
            row["label"] == "refuse" and row["class"] not in found
        )
        if wrong and seen[row["scene"]] < 3:
            seen[row["scene"]] += 1
            print(row["scene"], row["trick"], sorted(found), row["text"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--split", choices=["development", "held-out", "test", "again"])
    parser.add_argument("--second", action="store_true", help="the second set")
    parser.add_argument("--errors", action="store_true")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    split = args.split or ("test" if args.second else "held-out")
    every = rows()
    tested = second(split) if args.second else [row for row in every if row["split"] == split]
    began = time.process_time()
    told = {"gnomon": measure(ours(), tested)}
    spent_s = time.process_time() - began
    show(f"gnomon, {split}: {1e3 * spent_s / len(tested):.2f} CPU ms a prompt", told["gnomon"])
    if args.errors:
        if split != "development":
            raise SystemExit("mistakes are shown of the development half only")
        mistakes(ours(), tested)
        return
    told["keywords"] = measure(keywords(), tested)
    show("a list of words", told["keywords"])
    train = [row for row in every if row["split"] == "development"]
    told["linear"] = measure(linear(train), tested)
    show("linear classifier trained on the development half", told["linear"])
    if args.json:
        args.json.write_text(json.dumps(told, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
