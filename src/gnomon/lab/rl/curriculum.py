"""Which task next: a proposer that aims at the middle of what the learner can do.

A group of replies of which all are right, or none, teaches nothing: its advantages are zero. Where
a share ``p`` is right, the variance of the reward is ``p (1 - p)``, most at one half. So each
family's difficulties are arms of a bandit whose pay is that variance: of each arm a Beta posterior
of ``p`` is kept, old evidence fading since the learner moves, and arms are drawn by the pay of a
draw from it (Thompson 1933, https://doi.org/10.1093/biomet/25.3-4.285; a bandit over kinds of
tasks: https://arxiv.org/abs/2505.14970; a proposer paid for tasks that are neither trivial nor
impossible: https://arxiv.org/abs/2505.03335).

It sees the reward that the learner sees, never the gold one: a curriculum by gold would be a
channel through which gold leaks into a run that is not to have it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from gnomon.lab.rl.tasks import Family

FADE = 0.9
"""What is kept of an arm's evidence at each new group."""
EXPLORE = 0.1
"""The share of draws that go to any arm alike, so that none is given up for good."""


@dataclass(slots=True)
class Arm:
    """Faded counts of right and wrong replies, and the groups that were asked in all."""

    right: float = 0.0
    wrong: float = 0.0
    groups: int = 0

    @property
    def pass_rate(self) -> float:
        """The posterior's mean under a uniform prior."""
        return (1 + self.right) / (2 + self.right + self.wrong)


@dataclass(slots=True)
class Curriculum:
    """Arms by ``(family, difficulty)``."""

    arms: dict[tuple[str, int], Arm] = field(default_factory=dict)

    @classmethod
    def over(cls, families: Mapping[str, Family]) -> Curriculum:
        return cls(
            {(name, d): Arm() for name, one in families.items() for d in range(1, one.levels + 1)}
        )

    def propose(self, random: Random) -> tuple[str, int]:
        """The family and difficulty of the next task."""
        names = list(self.arms)
        if random.random() < EXPLORE:
            return random.choice(names)
        pays = []
        for arm in self.arms.values():
            p = random.betavariate(1 + arm.right, 1 + arm.wrong)
            pays.append(p * (1 - p))
        return random.choices(names, pays)[0]

    def learn(self, family: str, difficulty: int, rewards: Sequence[float]) -> None:
        """What a group of replies to one task was paid, each 0 to 1."""
        arm = self.arms[family, difficulty]
        right = sum(min(1.0, max(0.0, reward)) for reward in rewards)
        arm.right = FADE * arm.right + right
        arm.wrong = FADE * arm.wrong + len(rewards) - right
        arm.groups += 1

    def as_json(self) -> list[list[Any]]:
        return [
            [family, difficulty, arm.right, arm.wrong, arm.groups]
            for (family, difficulty), arm in self.arms.items()
        ]

    @classmethod
    def from_json(cls, rows: Sequence[Sequence[Any]]) -> Curriculum:
        return cls({(str(f), int(d)): Arm(float(r), float(w), int(g)) for f, d, r, w, g in rows})
