"""Fit how far rule and model are believed, by ground: ``python -m bench.truth.mixing``.

Pairs of which no claim was trained on and whose licences let the table be shipped: the calibrating
half of FEVER's held-back claims and of FEVER-symmetric's, windows near them that settle nothing,
edits of them, events and standings invented with another seed, the calibrating half of
Citation-Integrity's development claims, and,
where the verifier reads it, edits of Chinese histories (training saw an encyclopaedia).
A multinomial logistic regression for each ground, drawn towards "believe the model" (ridge), so
that a ground with few pairs changes little.
"""

from __future__ import annotations

import argparse
import json
import random
from collections import defaultdict
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

import numpy as np
from bench.truth import data as sets_of
from bench.truth.subject import weights_over

from gnomon.lab.verifier import edits, sets
from gnomon.lab.verifier.pairs import Pair
from gnomon.lab.verifier.splits import calibrates, held_back
from gnomon.models.verifier import SHIPPED, OnnxVerifier
from gnomon.truth.trained import BELIEVE_MODEL, FEATURES, SETTLED, SILENT, features, permitted
from gnomon.truth.verify import Ground, LexicalEntail, Ruling

# How strongly each ground is drawn to the model's own probabilities, in pairs.
RIDGE = 12.0
# Most passages that a search brings settle nothing; a set of pairs shows too few of them.
NEITHER_COUNTS = 2.0
EDITS, EVENTS, MOST_EVENTS, MOST_SENTENCES = 2500, 150, 1500, 3
STANDINGS, MOST_STANDINGS = 100, 900
# Articles behind those that training reads.
ARTICLES, FIRST_ARTICLE, MOST_TOLD = 700, 12_000, 2500
MOST_CHINESE = 1500
SEED = 99


def pairs(data: Path, langs: Sequence[str] = ("en",)) -> list[Pair]:
    """The pairs to fit on, seeded."""
    rng = random.Random(SEED)
    own = [
        Pair(window, claim, label, "fever", claim)
        for window, claim, label in sets.fever_rows(data)
        if held_back(claim) and calibrates(claim)
    ]
    probe = [
        Pair(case.text, case.claim, case.label, "symmetric", case.group)
        for case in sets_of.load(sets_of.SYMMETRIC, data.parent)
        if calibrates(case.claim)
    ]
    made = list(edits.edited(own, seed=SEED))
    articles = islice(sets.encyclopedia(data), FIRST_ARTICLE, FIRST_ARTICLE + ARTICLES)
    told = list(edits.statements((text[:1500] for text in articles), seed=SEED))
    beside = [pair for pair in told if pair.source == "text:beside"]
    told = [pair for pair in told if pair.source != "text:beside"]
    events = list(edits.invented(seed=SEED, events=EVENTS))
    stand = list(edits.standings(seed=SEED, rounds=STANDINGS))
    citing = [
        Pair(case.text, case.claim, case.label, "citint", case.group)
        for case in sets_of.load(sets_of.CITINT, data.parent)
        if calibrates(case.claim) and len(case.evidence) <= MOST_SENTENCES
    ]
    return (
        own
        + probe
        + list(edits.unrelated(own, seed=SEED, per=1))
        + rng.sample(made, min(EDITS, len(made)))
        + rng.sample(told, min(MOST_TOLD, len(told)))
        + rng.sample(beside, min(MOST_TOLD, len(beside)))
        + rng.sample(events, min(MOST_EVENTS, len(events)))
        + rng.sample(stand, min(MOST_STANDINGS, len(stand)))
        + citing
        + (chinese(data, rng) if "zh" in langs else [])
    )


def chinese(data: Path, rng: random.Random) -> list[Pair]:
    """Edits of Chinese texts that training does not read, and windows that settle none."""
    articles = islice(sets.encyclopedia(data, "zh_history_modern"), ARTICLES)
    told = list(edits.chinese((text[:1500] for text in articles), seed=SEED))
    told = rng.sample(told, min(MOST_CHINESE, len(told)))
    apart = list(edits.unrelated(told, seed=SEED, per=1))
    return told + rng.sample(apart, min(MOST_CHINESE // 3, len(apart)))


def fit(x: np.ndarray, gold: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Weights ``[2, 6]`` of (supports, refutes) against neither, by damped Newton steps: ``x``
    ``[n, 6]``, ``gold`` ``[n]``, ``weight`` ``[n]``."""
    start = np.asarray(BELIEVE_MODEL).ravel()
    truth = np.stack([gold == 0, gold == 1, gold == 2], axis=1).astype(float)
    w = start.copy()
    loss = _loss(w, start, x, truth, weight)
    for _ in range(50):
        step = _newton(w, start, x, truth, weight)
        size = 1.0
        while size > 1e-4 and _loss(w - size * step, start, x, truth, weight) > loss:
            size /= 2
        w = w - size * step
        found = _loss(w, start, x, truth, weight)
        if loss - found < 1e-6:
            break
        loss = found
    return w.reshape(2, FEATURES)


def _shares(w: np.ndarray, x: np.ndarray) -> np.ndarray:
    scores = np.concatenate([x @ w.reshape(2, FEATURES).T, np.zeros((len(x), 1))], axis=1)
    shares = np.exp(scores - scores.max(axis=1, keepdims=True))
    result: np.ndarray = shares / shares.sum(axis=1, keepdims=True)
    return result


def _loss(
    w: np.ndarray, start: np.ndarray, x: np.ndarray, truth: np.ndarray, weight: np.ndarray
) -> float:
    logs = np.log(np.maximum((_shares(w, x) * truth).sum(axis=1), 1e-12))
    return float(-(weight * logs).sum() + RIDGE / 2 * ((w - start) ** 2).sum())


def _newton(
    w: np.ndarray, start: np.ndarray, x: np.ndarray, truth: np.ndarray, weight: np.ndarray
) -> np.ndarray:
    p = _shares(w, x)[:, :2]
    slope = (((p - truth[:, :2]) * weight[:, None]).T @ x).ravel() + RIDGE * (w - start)
    bend = RIDGE * np.eye(2 * FEATURES)
    for a in range(2):
        for b in range(2):
            each = weight * p[:, a] * ((a == b) - p[:, b])
            rows = slice(a * FEATURES, (a + 1) * FEATURES)
            columns = slice(b * FEATURES, (b + 1) * FEATURES)
            bend[rows, columns] += (x * each[:, None]).T @ x
    return np.linalg.solve(bend, slope)


def mixed(row: np.ndarray, x: np.ndarray, ground: Ground) -> np.ndarray:
    """Probabilities ``[n, 3]``, with what the ground forbids left out."""
    return np.asarray([permitted(ground, tuple(p)) for p in _shares(row, x)])


def table(
    found: Sequence[Pair], rulings: Sequence[Ruling], scores: np.ndarray
) -> dict[str, list[list[float]]]:
    """Rows by ground, as ``mixing.json`` holds them; prints what each does out of its fit."""
    by_ground: dict[Ground, list[int]] = defaultdict(list)
    for i, ruling in enumerate(rulings):
        if ruling.ground not in SILENT | SETTLED:
            by_ground[ruling.ground].append(i)
    rows = {}
    groups = np.asarray([pair.group for pair in found])
    for ground, own in sorted(by_ground.items(), key=lambda item: -len(item[1])):
        x = np.asarray([features(rulings[i], scores[i]) for i in own])
        gold = np.asarray([found[i].label for i in own])
        weight = np.where(gold == 2, NEITHER_COUNTS, 1.0)
        fold = np.asarray([hash_of(group) for group in groups[own]])
        out = np.zeros((len(own), 3))
        for k in range(5):
            if (fold == k).any():
                out[fold == k] = mixed(
                    fit(x[fold != k], gold[fold != k], weight[fold != k]), x[fold == k], ground
                )
        rows[ground.value] = np.round(fit(x, gold, weight), 4).tolist()
        ruled = [[*_three(rulings[i])] for i in own]
        shown = {
            "rules": _right(np.asarray(ruled), gold),
            "model": _right(scores[own], gold),
            "both, out of fold": _right(out, gold),
        }
        print(f"{ground.value:12} {len(own):5}  {np.bincount(gold, minlength=3)}  {shown}")
    return rows


def hash_of(group: str) -> int:
    return random.Random(f"fold:{group}").randrange(5)


def _three(ruling: Ruling) -> tuple[float, float, float]:
    judged = ruling.judgement
    return judged.supports, judged.refutes, judged.neither


def _right(p: np.ndarray, gold: np.ndarray) -> str:
    return f"{(p.argmax(axis=1) == gold).mean():.3f}"


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--data", type=Path, default=sets_of.DATA / "truth")
    options.add_argument("--verifier", type=Path, default=SHIPPED)
    chosen = options.parse_args()
    verifier = OnnxVerifier(chosen.verifier)
    found = pairs(chosen.data, verifier.card["langs"])
    rules = LexicalEntail(weights_over(pair.window for pair in found))
    texts = [(pair.window, pair.claim) for pair in found]
    rulings, scores = rules.rulings(texts), verifier.scores(texts)
    verifier.close()
    held = {
        "verifier": verifier.card["sha256"],
        "pairs": len(found),
        "rows": table(found, rulings, scores),
    }
    target = chosen.verifier / "mixing.json"
    target.write_text(json.dumps(held, indent=1) + "\n", "utf-8")
    print(f"wrote {target.name} for {verifier.name}")


if __name__ == "__main__":
    main()
