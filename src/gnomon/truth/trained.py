"""Step 5, trained: the rules of ``verify.py`` beside a trained verifier.

The rules know what must be exact (numbers, dates, names, who says it and how firmly); the model
knows that one sentence says what another does in other words. A rule that saw a mismatch forbids
"supports", whatever the model thinks. Otherwise the two are weighed: by the ground on which the
rule decided, a small table says how far to believe the model there (``Mixing``, fitted on
development pairs by ``bench/truth/mixing.py``).
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from gnomon.errors import ModelError
from gnomon.models.protocols import Scorer
from gnomon.text.tokens import is_cjk
from gnomon.truth.verify import Ground, LexicalEntail, Ruling
from gnomon.types import Judgement, Stance

# On these grounds nothing in the passage can support or refute: it does not state anything.
SILENT = frozenset({Ground.ASKS})
# The rule is sure, and a model can only be wrong.
SETTLED = frozenset({Ground.SAME_WORDS})
# What is not equal, not asserted or not compared alike forbids "supports".
FORBIDS_SUPPORT = frozenset(
    {
        Ground.OTHER_VALUE,
        Ground.ANOTHER_KIND,
        Ground.LACKS_VALUE,
        Ground.LOWER_PLACE,
        Ground.COMPARISON,
        Ground.HEARSAY,
        Ground.CONDITIONAL,
        Ground.HEDGED,
    }
)
# The model is asked about windows that share at least this much of the claim's words, the nearest
# MOST of one call: the rest are about something else, and each costs 5-10 ms.
ABOUT_LEAST, MOST = 0.15, 32
# A hope, a plan or a rumour of the contrary does not refute either.
FORBIDS_REFUTATION = frozenset({Ground.HEARSAY, Ground.CONDITIONAL, Ground.HEDGED})
_FLOOR = 1e-4
FEATURES = 6


def features(ruling: Ruling, p: Sequence[float]) -> tuple[float, ...]:
    """What the mixing reads for one pair, ``[6]``: a constant, the model's log odds of supports and
    of refutes against neither, the rule's own supports and refutes, and the words in common."""
    supports, refutes, neither = (max(float(x), _FLOOR) for x in p)
    ruled = ruling.judgement
    return (
        1.0,
        math.log(supports / neither),
        math.log(refutes / neither),
        ruled.supports,
        ruled.refutes,
        ruling.about,
    )


@dataclass(frozen=True, slots=True)
class Mixing:
    """For each ground, how rule and model make one probability: a softmax over (supports, refutes,
    neither) whose first two scores are linear in ``features`` and whose third is 0. ``rows`` holds
    ``[2][6]`` weights by ground; ``verifier`` is the SHA-256 of the model it was fitted for."""

    verifier: str
    rows: Mapping[Ground, tuple[tuple[float, ...], tuple[float, ...]]]

    def __call__(self, ruling: Ruling, p: Sequence[float]) -> tuple[float, float, float]:
        weights = self.rows.get(ruling.ground, BELIEVE_MODEL)
        x = features(ruling, p)
        scores = [math.fsum(w * v for w, v in zip(row, x, strict=True)) for row in weights]
        top = max(0.0, *scores)
        s, r, n = (math.exp(score - top) for score in (*scores, 0.0))
        total = s + r + n
        return s / total, r / total, n / total


BELIEVE_MODEL = ((0.0, 1.0, 0.0, 0.0, 0.0, 0.0), (0.0, 0.0, 1.0, 0.0, 0.0, 0.0))


def load_mixing(path: Path, verifier: str) -> Mixing:
    """The table beside a verifier. Raises ModelError where it is of another, or is no table."""
    try:
        held = json.loads(path.read_text("utf-8"))
        rows = {Ground(g): (tuple(a), tuple(b)) for g, (a, b) in held["rows"].items()}
        fitted = str(held["verifier"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(
            f"{str(path)!r} is no mixing table ({error}); bench/truth/mixing.py makes one."
        ) from error
    if fitted != verifier:
        raise ModelError(
            f"{str(path)!r} was fitted for the verifier with SHA-256 {fitted[:12]}..., this one "
            f"is {verifier[:12]}...; run bench/truth/mixing.py again."
        )
    return Mixing(fitted, rows)


class TrainedEntail:
    """An Entail: rules, and a scorer for what they leave open. ``langs`` are the languages the
    scorer reads ("en", "zh"); a pair with another stays with the rules. Where the scorer fails, the
    rules judge alone, and ``on_trouble`` is told why."""

    def __init__(
        self,
        rules: LexicalEntail,
        scorer: Scorer,
        mixing: Mixing,
        *,
        langs: frozenset[str] = frozenset({"en"}),
        on_trouble: Callable[[str], None] = lambda why: None,
    ) -> None:
        self._rules = rules
        self._scorer = scorer
        self._mixing = mixing
        self._langs = langs
        self._on_trouble = on_trouble

    @property
    def name(self) -> str:
        return f"{self._scorer.name}+{self._rules.name}"

    def judge(self, pairs: Sequence[tuple[str, str]]) -> list[Judgement]:
        """One Judgement for each (window, claim), in order."""
        rulings = self._rules.rulings(pairs)
        asked = [
            i
            for i, (pair, ruling) in enumerate(zip(pairs, rulings, strict=True))
            if self._reads(pair)
            and ruling.ground not in SILENT | SETTLED
            and ruling.about >= ABOUT_LEAST
        ]
        asked = sorted(asked, key=lambda i: -rulings[i].about)[:MOST]
        judged = [ruling.judgement for ruling in rulings]
        try:
            found = self._scorer.scores([pairs[i] for i in asked])
        except ModelError as error:
            self._on_trouble(str(error))
            return judged
        for i, p in zip(asked, found, strict=True):
            judged[i] = self._joined(rulings[i], [float(x) for x in p])
        return judged

    def _reads(self, pair: tuple[str, str]) -> bool:
        return all(("zh" if is_cjk(text) else "en") in self._langs for text in pair)

    def _joined(self, ruling: Ruling, p: Sequence[float]) -> Judgement:
        supports, refutes, neither = permitted(ruling.ground, self._mixing(ruling, p))
        rule = ruling.judgement.rule
        judged = Judgement(supports, refutes, neither, rule)
        if judged.stance is ruling.judgement.stance:
            return judged
        return Judgement(supports, refutes, neither, f"{_READS[judged.stance]} (by rule: {rule})")


_READS = {
    Stance.SUPPORTS: "reads as saying so in other words",
    Stance.REFUTES: "reads as saying otherwise",
    Stance.NEITHER: "does not read as settling it",
}


def permitted(ground: Ground, p: tuple[float, float, float]) -> tuple[float, float, float]:
    """``p`` without what the ground forbids, which goes to "neither"."""
    supports, refutes, neither = p
    if ground in FORBIDS_SUPPORT:
        supports, neither = 0.0, neither + supports
    if ground in FORBIDS_REFUTATION:
        refutes, neither = 0.0, neither + refutes
    return supports, refutes, neither
