"""Every case of a set, judged once; the measures read from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from bench.truth import subject
from bench.truth.data import NEITHER, REFUTES, SUPPORTS, Case, Set
from bench.truth.run import Run

from gnomon.lab.verifier.splits import calibrates

CHUNK = 512


@dataclass(frozen=True, slots=True)
class Scores:
    """``p`` ``[n, 3]``: the judgement of the window that decides, the one least sure of "neither".
    ``support`` ``[n]``: the greatest P(supports) of any window, and ``shown`` ``[n, 2]`` the first
    and last sentence of that window. ``classes`` as in the set."""

    cases: tuple[Case, ...]
    p: np.ndarray
    support: np.ndarray
    shown: np.ndarray
    classes: int

    @property
    def gold(self) -> np.ndarray:
        return np.asarray([case.label for case in self.cases])

    @property
    def groups(self) -> list[str]:
        return [case.group for case in self.cases]

    def half(self, fitting: bool) -> Scores:
        """The half that thresholds are fitted on, or the half that is measured."""
        kept = np.flatnonzero(self.calibrates == fitting)
        cases = tuple(self.cases[int(i)] for i in kept)
        return Scores(cases, self.p[kept], self.support[kept], self.shown[kept], self.classes)

    @property
    def calibrates(self) -> np.ndarray:
        """Which cases are in the half that thresholds are fitted on, ``[n]`` of bool."""
        return np.asarray([calibrates(case.claim) for case in self.cases])


def probabilities(p: np.ndarray, classes: int) -> np.ndarray:
    """``p`` over the labels that occur: where there is no "neither", its mass is shared out."""
    if classes == 3:
        return p
    both = np.maximum(p[:, :2], 1e-6)
    out = np.zeros_like(p)
    out[:, :2] = both / both.sum(axis=1, keepdims=True)
    return out


def judged(run: Run, wanted: Set) -> Scores:
    """The set's cases, judged by the run's verifier. Raises Absent or Changed."""
    cases = run.cases(wanted)
    found = run.kept(f"scores-{wanted.name}", lambda: judge(run, wanted.name, cases))
    return Scores(
        cases,
        np.asarray(found["p"], dtype=float).reshape(-1, 3),
        np.asarray(found["support"], dtype=float),
        np.asarray(found["shown"], dtype=int).reshape(-1, 2),
        wanted.classes,
    )


def judge(run: Run, name: str, cases: Sequence[Case]) -> dict[str, Any]:
    """``p``, ``support`` and ``shown`` of ``Scores``, as lists: what is kept between runs."""
    weights = subject.weights_over(f"{case.title} {case.text}" for case in cases)
    entail = subject.open_entail(run.verifier, weights)
    shown = [subject.windows(case, weights) for case in cases]
    pairs = [(w[0], c.claim) for c, own in zip(cases, shown, strict=True) for w in own]
    starts = range(0, len(pairs), CHUNK)
    judged = [
        j
        for at in run.progress(starts, f"{name}, chunks of {CHUNK} pairs")
        for j in entail.judge(pairs[at : at + CHUNK])
    ]
    out: dict[str, Any] = {"p": [], "support": [], "shown": []}
    rest = iter(judged)
    for own in shown:
        mine = [next(rest) for _ in own]
        decides = min(mine, key=lambda j: j.neither)
        best = max(range(len(own)), key=lambda i: mine[i].supports)
        out["p"].append([decides.supports, decides.refutes, decides.neither])
        out["support"].append(mine[best].supports)
        out["shown"].append(own[best][1:])
    return out


def said(scores: Scores) -> np.ndarray:
    """The label of each case ``[n]``; among two, the likelier of them even where the verifier would
    rather say "neither"."""
    p = probabilities(scores.p, scores.classes)
    return np.where(
        (scores.classes == 3) & (p[:, NEITHER] >= p[:, :2].max(axis=1)),
        NEITHER,
        np.where(p[:, SUPPORTS] >= p[:, REFUTES], SUPPORTS, REFUTES),
    )
