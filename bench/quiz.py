"""How often the quiz's interval holds what is true, beside Wilson's, and what its verdicts cost.

    python bench/quiz.py [--repeats 400] [--seed 1]

People are simulated: each has a chance of being right of their own (normal on the logit scale),
each answer is a toss of it. The truth is the mean chance of a million such people. Aim: a nominal
95 % holds the truth in 93 to 98 of 100, and two kinds that nobody can tell apart are not said to be
told apart more often than in 5 of 100. The last line is JSON.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict, dataclass

import numpy as np

from gnomon.quiz import statistics
from gnomon.types.quiz import By, Said

KINDS: tuple[By, By] = ("machine", "person")


@dataclass(frozen=True)
class Case:
    people: int
    answers: int
    share: float
    spread: float


CASES = (
    Case(10, 20, 0.5, 0.0), Case(10, 20, 0.7, 0.0), Case(10, 20, 0.7, 0.7),
    Case(10, 60, 0.7, 0.7), Case(20, 20, 0.7, 0.7), Case(30, 40, 0.65, 0.5),
)  # fmt: skip


def chances(case: Case, people: int, chance: np.random.Generator) -> np.ndarray:
    """Of each person, of being right."""
    middle = np.log(case.share / (1 - case.share))
    return 1 / (1 + np.exp(-(middle + chance.normal(0, case.spread, people))))


def answers(case: Case, chance: np.random.Generator) -> list[Said]:
    said = []
    for n, able in enumerate(chances(case, case.people, chance)):
        for _ in range(case.answers):
            kind = int(chance.integers(2))
            right = chance.random() < able
            said.append(Said(f"p{n}", f"r{n}", KINDS[kind], KINDS[kind if right else 1 - kind]))
    return said


def tried(case: Case, repeats: int, chance: np.random.Generator) -> dict[str, float]:
    truth = float(chances(case, 1_000_000, chance).mean())
    counts = {"wilson": 0, "ours": 0, "told apart": 0, "the same": 0}
    widths = []
    for _ in range(repeats):
        score = statistics.score(answers(case, chance))
        plain, share = statistics.wilson(score.right.times, score.right.of), score.right.share
        assert share is not None
        counts["wilson"] += plain.low <= truth <= plain.high
        counts["ours"] += share.low <= truth <= share.high
        counts["told apart"] += bool(score.differs)
        counts["the same"] += score.equivalent
        widths.append(share.high - share.low)
    found = {name: count / repeats for name, count in counts.items()}
    return {"truth": truth, **found, "width": float(np.mean(widths))}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--repeats", type=int, default=400)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    chance = np.random.default_rng(args.seed)
    rows = []
    for case in CASES:
        found = tried(case, args.repeats, chance)
        rows.append({**asdict(case), **found})
        print(f"{case.people} people x {case.answers}, {case.share:.0%} right, spread "
              f"{case.spread}: Wilson holds {found['wilson']:.1%}, ours {found['ours']:.1%}, "
              f"width {found['width']:.3f}, told apart {found['told apart']:.1%}",
              flush=True)  # fmt: skip
    print(json.dumps({"repeats": args.repeats, "cases": rows}))


if __name__ == "__main__":
    main()
