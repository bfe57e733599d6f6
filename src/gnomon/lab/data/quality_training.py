"""The recipe of ``quality.npz``: ``python -m gnomon.lab.data.quality_training DATA [OUT]``.

Language: passages of Wikipedia in English and Chinese (CC BY-SA), books (public domain), dialogues
(BSD-3-Clause), Chinese histories (MIT) and Reddit's titles and texts (PDDL). No language: ten kinds
of junk made of these (``junk``). Every text stands on one side only: learned from or tested
on. A minute on one core; the seed fixes everything.
"""

from __future__ import annotations

import gzip
import json
import random
import sys
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path

import numpy as np
import numpy.typing as npt

from gnomon.lab.data.junk import MAKERS
from gnomon.lab.data.quality import BUCKETS, WEIGHTS, Classifier, buckets

SETS = {
    "text/enwiki_2014.jsonl.gz": 8000,
    "text/zhwiki.jsonl.gz": 8000,
    "text/books_en.jsonl.gz": 3000,
    "text/zh_history_modern.jsonl.gz": 2000,
    "chat/self_dialogues_en.jsonl.gz": 4000,
    "social/reddit_top.jsonl.gz": 8000,
}
"""Below DATA, and passages taken of each."""
THRESHOLD = -3.5
"""Log-odds: dropped only where no language is thirty times as probable as language."""
EPOCHS, RATE, DECAY = 4, 0.5, 1e-6

Bags = list[npt.NDArray[np.int64]]


def passages(path: Path, most: int, rng: random.Random) -> list[str]:
    """``most`` passages of one to five sentences or a post's size, from texts of a set."""
    texts = list(_texts(path))
    rng.shuffle(texts)
    found: list[str] = []
    for text in texts:
        size = rng.choice([60, 120, 250, 500, 1000])
        start = 0 if len(text) <= size else rng.randrange(len(text) - size)
        if start:
            start = max(text.rfind(mark, 0, start) for mark in ("\n", ". ", "。", " ")) + 1
        passage = text[start : start + size].strip()
        if len(passage) >= 24:
            found.append(passage)
        if len(found) == most:
            break
    return found


def _texts(path: Path) -> Iterator[str]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        for line in file:
            row = json.loads(line)
            text = row.get("text") or row.get("selftext") or " ".join(row.get("turns") or ())
            whole = f"{row.get('title', '')}\n{text}".strip()
            # A book has many passages, an article one.
            cuts = range(0, len(whole), 20_000)
            yield from (whole[at : at + 20_000] for at in cuts)


def fit(bags: Bags, labels: Sequence[int], seed: int = 0) -> Classifier:
    """Logistic regression by stochastic gradient descent with AdaGrad
    (https://jmlr.org/papers/v12/duchi11a.html)."""
    weights, squares = np.zeros(BUCKETS, np.float32), np.full(BUCKETS, 1e-8, np.float32)
    bias, bias_squares = 0.0, 1e-8
    order = np.random.default_rng(seed)
    for _ in range(EPOCHS):
        for at in order.permutation(len(bags)):
            bag = bags[at]
            norm = max(1.0, len(bag) ** 0.5)
            score = float(weights[bag].sum()) / norm + bias
            error = 1 / (1 + np.exp(-np.clip(score, -30, 30))) - labels[at]
            gradient = np.float32(error / norm) + np.float32(DECAY) * weights[bag]
            squares[bag] += gradient**2
            weights[bag] -= np.float32(RATE) * gradient / np.sqrt(squares[bag])
            bias_squares += error**2
            bias -= RATE * float(error) / bias_squares**0.5
    return Classifier(weights, bias, 0.0)


def scores(classifier: Classifier, bags: Bags) -> npt.NDArray[np.float64]:
    return np.array([
        float(classifier.weights[bag].sum()) / max(1.0, len(bag) ** 0.5) + classifier.bias
        for bag in bags
    ])  # fmt: skip


def auc(good: npt.NDArray[np.float64], bad: npt.NDArray[np.float64]) -> float:
    """The chance that a good one scores above a bad one (Mann and Whitney's U)."""
    ranks = np.argsort(np.argsort(np.concatenate([bad, good]))) + 1.0
    above = ranks[len(bad) :].sum() - len(good) * (len(good) + 1) / 2
    return float(above / (len(good) * len(bad)))


def interval(
    good: npt.NDArray[np.float64], bad: npt.NDArray[np.float64], draws: int = 200
) -> tuple[float, float]:
    """95 % of ``draws`` bootstraps of the AUC."""
    rng = np.random.default_rng(0)
    found = [auc(rng.choice(good, len(good)), rng.choice(bad, len(bad))) for _ in range(draws)]
    return float(np.quantile(found, 0.025)), float(np.quantile(found, 0.975))


PARTS = {"learn": (0.0, 0.8), "test": (0.8, 1.0)}


def main(data: Path, out: Path, seed: int = 0) -> None:
    """Fit, test, and print what came of it."""
    rng = random.Random(seed)
    texts: dict[str, dict[str, list[str]]] = {part: {} for part in PARTS}
    for name, most in SETS.items():
        found = passages(data / name, most, rng)
        for part, (start, stop) in PARTS.items():
            texts[part][name] = found[int(start * len(found)) : int(stop * len(found))]
    good = {part: {n: bags_of(some) for n, some in sets.items()} for part, sets in texts.items()}
    junk = {
        part: {kind: bags_of(some) for kind, some in _junk(texts[part], rng).items()}
        for part in PARTS
    }
    fitted = _fit(good["learn"], junk["learn"], seed)
    scale = float(np.abs(fitted.weights).max()) / 127
    weights = np.rint(fitted.weights / scale).astype(np.int8)
    np.savez_compressed(out, weights=weights, scale=scale, bias=fitted.bias, threshold=THRESHOLD)
    _test(Classifier(weights.astype(np.float32) * scale, fitted.bias, THRESHOLD), good, junk, seed)


def bags_of(texts: Sequence[str]) -> Bags:
    return [buckets(text) for text in texts]


def _fit(good: dict[str, Bags], junk: dict[str, Bags], seed: int) -> Classifier:
    yes, no = list(chain(*good.values())), list(chain(*junk.values()))
    return fit(yes + no, [1] * len(yes) + [0] * len(no), seed)


def _test(
    final: Classifier,
    good: dict[str, dict[str, Bags]],
    junk: dict[str, dict[str, Bags]],
    seed: int,
) -> None:
    """Print, for the test part, what is dropped of each, and AUC with its interval; and AUC of a
    classifier that has not seen the kind."""
    language = list(chain(*good["test"].values()))
    every = scores(final, language)
    print(f"threshold {final.threshold:.2f}")
    for name, some in good["test"].items():
        wrong = (scores(final, some) < final.threshold).mean()
        print(f"language {name}: {len(some)} passages, dropped {wrong:.2%}")
    for kind, some in junk["test"].items():
        found = scores(final, some)
        others = {name: bags for name, bags in junk["learn"].items() if name != kind}
        unseen = _fit(good["learn"], others, seed)
        low, high = interval(every, found)
        print(
            f"junk {kind}: dropped {(found < final.threshold).mean():.1%}, "
            f"AUC {auc(every, found):.4f} [{low:.4f}, {high:.4f}]; "
            f"not learned from {auc(scores(unseen, language), scores(unseen, some)):.4f}"
        )


def _junk(sets: dict[str, list[str]], rng: random.Random) -> dict[str, list[str]]:
    """As many texts of each kind as there are passages in the mean set, at least 24 long."""
    good = [text for some in sets.values() for text in some]
    each = len(good) // len(MAKERS)
    found: dict[str, list[str]] = {}
    for kind, make in MAKERS.items():
        made = (make(rng, good)[:1000] for _ in range(each))
        found[kind] = [text for text in made if len(text) >= 24]
    return found


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else WEIGHTS)
