"""Step 5, trained: the rules of ``verify.py`` beside a trained verifier.

The rules know what must be exact (numbers, dates, names, who says it and how firmly); the model
knows that one sentence says what another does in other words. A rule that saw a mismatch forbids
"supports", whatever the model thinks. Where the rules decide, they stand, unless the model is sure
of the contrary. Where they do not, the two are weighed: by the ground on which the rule gave up, a
small table says how far to believe the model there (``Mixing``, fitted on development pairs by
``bench/truth/mixing.py``).
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from gnomon.errors import ModelError
from gnomon.models.protocols import Scorer
from gnomon.text.sentences import split
from gnomon.text.tokens import is_cjk
from gnomon.truth.verify import Ground, LexicalEntail, Ruling
from gnomon.types import Judgement, Stance

# On these grounds nothing in the passage can support or refute: it does not state anything.
SILENT = frozenset({Ground.ASKS, Ground.EMPTY})
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
# The model decides about windows that share at least this much of the claim's words, the judged
# sentence some of them ("Spread the word!" says nothing, whatever stands before it); of each claim
# the nearest MOST. The rest are about something else, and each costs 5-10 ms: of those it says only
# whither they lean, and for the nearest FEW.
ABOUT_LEAST, HERE_LEAST, MOST, FEW = 0.15, 0.05, 32, 8
# Between languages the words in common are those that the glossary knows, and names: there the
# sentence itself must have some, or a fragment ("back to school.") passes for what it never says.
ACROSS_LEAST = 0.2
# A hope, a plan or a rumour of the contrary does not refute either, nor what compares nothing.
FORBIDS_REFUTATION = frozenset(
    {Ground.HEARSAY, Ground.CONDITIONAL, Ground.HEDGED, Ground.COMPARISON}
)
# A rule that decided falls silent where the model is this sure of the contrary. It does not turn
# round: of fragments ("Felt sorry for the victims of ...") the model is sometimes sure and wrong.
CONTRARY = 0.7
# A rule that found all words said falls silent, too, where the model is this sure that nothing is
# ("Satire: the bridge is open", "I hope that ..."): of made pairs that it decides 3 in 10 are such,
# and on the published sets nothing is lost. A denial stands: "Mr Lee had won" is for the model
# another man than Ann Lee.
SAYS_NOTHING = 0.85
# In Chinese it has met few ways to write a number, and takes 一百二十万 for another one than 120万.
CONTRARY_ZH = 0.9
# A name that the window lacks may be what a pronoun or a title there stands for: then the rest
# must be as good as certain.
WITHOUT_NAME = 0.9
# Where few words are shared, or a name is not, most windows settle nothing, and what reads as a
# contradiction is mostly another matter: from here on the model is believed. On FEVER's held-back
# claims 9 of 10 such verdicts are right; of windows merely near a claim one in thirty passes.
FAR_SUPPORTS, FAR_REFUTES = 0.6, 0.7
# Between languages it is believed where it is sure: of such pairs it has seen few, none of posts.
ACROSS_SURE = 0.9
# The context alone says as much as window and sentence together, but for so much: then it is
# not this sentence that says it, where it shares less than so much of the claim's words. (Of
# sentences that share more, 35 of 36 decisions so silenced were right, on calibrating halves.)
SAID_BEFORE, SAID_AT_LEAST, SAID_HERE = 0.25, 0.5, 0.3
_FLOOR = 1e-4
FEATURES = 6
Chances = tuple[float, float, float]
"""Of supports, refutes and neither."""


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

    def __call__(self, ruling: Ruling, p: Sequence[float]) -> Chances:
        weights = self.rows.get(ruling.ground, BELIEVE_MODEL)
        x = features(ruling, p)
        scores = [math.fsum(w * v for w, v in zip(row, x, strict=True)) for row in weights]
        top = max(0.0, *scores)
        s, r, n = (math.exp(score - top) for score in (*scores, 0.0))
        total = s + r + n
        return s / total, r / total, n / total


BELIEVE_MODEL = ((0.0, 1.0, 0.0, 0.0, 0.0, 0.0), (0.0, 0.0, 1.0, 0.0, 0.0, 0.0))


def load_mixing(path: Path, verifier: str) -> Mixing:
    """The table beside a verifier; where there is none, the model is believed as it is. Raises
    ModelError where the table is of another verifier, or is no table."""
    if not path.exists():
        return Mixing(verifier, {})
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
            if self.reads(pair) and ruling.about and ruling.ground not in SILENT | SETTLED
        ]
        asked = _nearest(asked, pairs, rulings)
        judged = [ruling.judgement for ruling in rulings]
        try:
            found = self._mixed([pairs[i] for i in asked], [rulings[i] for i in asked])
        except ModelError as error:
            self._on_trouble(str(error))
            return judged
        for i, p in zip(asked, found, strict=True):
            judged[i] = self._joined(pairs[i], rulings[i], p)
        return judged

    def reads(self, pair: tuple[str, str]) -> bool:
        """Whether the model reads the languages of both; else the rules judge alone."""
        return all(("zh" if is_cjk(text) else "en") in self._langs for text in pair)

    def _mixed(self, pairs: Sequence[tuple[str, str]], rulings: Sequence[Ruling]) -> list[Chances]:
        """What rule and model make of each pair; where the model goes by the context of the
        sentence and not by the sentence, "neither"."""
        scores = self._scorer.scores(pairs)
        found = [
            self._undecided(pair, ruling, p)
            if ruling.judgement.stance is Stance.NEITHER
            else against_rule(ruling, p, _contrary(pair, ruling))
            for pair, ruling, p in zip(pairs, rulings, scores.tolist(), strict=True)
        ]
        contexts = {
            i: (context, pairs[i][1])
            for i, (p, ruling) in enumerate(zip(found, rulings, strict=True))
            if p[2] < max(p) and ruling.judgement.stance is Stance.NEITHER
            if ruling.here < SAID_HERE
            if (context := context_of(pairs[i][0]))
        }
        before = self._scorer.scores(list(contexts.values())).tolist()
        for i, alone in zip(contexts, before, strict=True):
            side = 0 if found[i][0] > found[i][1] else 1
            if alone[side] >= max(SAID_AT_LEAST, scores[i][side] - SAID_BEFORE):
                found[i] = doubted(found[i])
        return found

    def _undecided(self, pair: tuple[str, str], ruling: Ruling, p: Sequence[float]) -> Chances:
        """What is made of a pair that the rules leave open."""
        supports, refutes, neither = permitted(ruling.ground, self._mixing(ruling, p))
        sure_enough = _decidable(pair, ruling)
        if sure_enough and crosses(pair):
            sure_enough = max(supports, refutes) >= ACROSS_SURE
        if sure_enough and ruling.ground in (Ground.ELSEWHERE, Ground.ABSENT_NAME):
            sure_enough = supports >= FAR_SUPPORTS or refutes >= FAR_REFUTES
        if sure_enough or neither >= max(supports, refutes):
            return supports, refutes, neither
        return doubted((supports, refutes, neither))

    def _joined(self, pair: tuple[str, str], ruling: Ruling, p: Chances) -> Judgement:
        supports, refutes, neither = p
        rule = ruling.judgement.rule
        if supports > max(refutes, neither) and ruling.judgement.stance is not Stance.SUPPORTS:
            bar = self._rules.unequal(*pair)
            if bar is not None and not (bar[0] is Ground.ABSENT_NAME and supports >= WITHOUT_NAME):
                if bar[0] is Ground.OTHER_VALUE:
                    return Judgement(0.0, refutes, 1 - refutes, bar[1])
                return Judgement(*doubted(p), bar[1])
        judged = Judgement(supports, refutes, neither, rule)
        refuted = judged.stance is Stance.REFUTES and ruling.judgement.stance is Stance.NEITHER
        if refuted and (why := self._rules.counts_otherwise(*pair)):
            return Judgement(*doubted(p), why)
        if judged.stance is ruling.judgement.stance:
            return judged
        return Judgement(supports, refutes, neither, f"{_READS[judged.stance]} (by rule: {rule})")


class ByLanguage:
    """An Entail of two: ``chinese`` judges pairs in which there is Chinese, ``english`` the rest.
    On English pairs the two models are level, but over the case files the English one errs less
    (LOG.md). It goes by the name of ``english``, which confidence was calibrated with."""

    def __init__(self, english: TrainedEntail, chinese: TrainedEntail) -> None:
        self._english = english
        self._chinese = chinese

    @property
    def name(self) -> str:
        return self._english.name

    def judge(self, pairs: Sequence[tuple[str, str]]) -> list[Judgement]:
        """One Judgement for each (window, claim), in order."""
        theirs = [any(map(is_cjk, pair)) for pair in pairs]
        found: list[Judgement | None] = [None] * len(pairs)
        for entail, chosen in ((self._chinese, True), (self._english, False)):
            rows = [i for i, own in enumerate(theirs) if own is chosen]
            for i, judged in zip(rows, entail.judge([pairs[i] for i in rows]), strict=True):
                found[i] = judged
        return [judged for judged in found if judged is not None]


def against_rule(ruling: Ruling, p: Sequence[float], sure: float = CONTRARY) -> Chances:
    """What is left of a rule's decision beside the model's ``p``, which is heard from ``sure``."""
    ruled = ruling.judgement
    if ruling.plain:
        return ruled.supports, ruled.refutes, ruled.neither
    contrary = p[1] if ruled.stance is Stance.SUPPORTS else p[0]
    hollow = ruling.ground is Ground.SAYS and sure < 1.0 and p[2] >= SAYS_NOTHING
    if contrary < sure and not hollow:
        return ruled.supports, ruled.refutes, ruled.neither
    return doubted((float(p[0]), float(p[1]), float(p[2])))


def doubted(p: Chances) -> Chances:
    """``p`` as "neither", still leaning to where it leant."""
    return p[0] * 0.4, p[1] * 0.4, 1 - 0.4 * (p[0] + p[1])


def _nearest(
    asked: Sequence[int], pairs: Sequence[tuple[str, str]], rulings: Sequence[Ruling]
) -> list[int]:
    """Of each claim's windows the ``MOST`` that share most with it; of those that may only lean,
    what is left of ``FEW``."""
    count: Counter[str] = Counter()
    kept = []
    for i in sorted(asked, key=lambda i: (not _decidable(pairs[i], rulings[i]), -rulings[i].about)):
        claim = pairs[i][1]
        count[claim] += 1
        if count[claim] <= (MOST if _decidable(pairs[i], rulings[i]) else FEW):
            kept.append(i)
    return kept


def _decidable(pair: tuple[str, str], ruling: Ruling) -> bool:
    """Whether the window shares enough with the claim for the model to decide about it."""
    least = ACROSS_LEAST if crosses(pair) else HERE_LEAST
    return ruling.about >= ABOUT_LEAST and ruling.here >= least


def _contrary(pair: tuple[str, str], ruling: Ruling) -> float:
    if not _decidable(pair, ruling):
        return 1.0
    return CONTRARY_ZH if any(map(is_cjk, pair)) else CONTRARY


def crosses(pair: tuple[str, str]) -> bool:
    """Whether window and claim are in different languages."""
    return is_cjk(pair[0]) != is_cjk(pair[1])


def context_of(window: str) -> str:
    """What stands before the window's last sentence."""
    spans = split(window)
    return window[: spans[-1][0]].strip() if spans else ""


_READS = {
    Stance.SUPPORTS: "reads as saying so in other words",
    Stance.REFUTES: "reads as saying otherwise",
    Stance.NEITHER: "does not read as settling it",
}


def permitted(ground: Ground, p: Chances) -> Chances:
    """``p`` without what the ground forbids. What so becomes "neither" still leans whither it
    leant: that a thing is not asserted does not make its contrary likelier."""
    supports, refutes, neither = p
    if ground in FORBIDS_SUPPORT:
        supports, neither = 0.0, neither + supports
    if ground in FORBIDS_REFUTATION:
        refutes, neither = 0.0, neither + refutes
    if neither < max(supports, refutes):
        return supports, refutes, neither
    return p if p[2] >= max(p[0], p[1]) else doubted(p)
