"""Step 6: evidence becomes a verdict. One vote per origin.

Likes, reposts, followers and the number of posts never enter. An origin's vote is the stance's
probability times a weight: relevance x freshness x kind of source, each at most 1. Only what reads
as for or against votes: log odds over all evidence were measured and are worse (LOG.md), for the
many passages that say nothing add up.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from gnomon.text import slots
from gnomon.truth import phrases
from gnomon.truth.confidence import ABSTAINS, POST, REPORT, Side, Trust, kind_of
from gnomon.truth.speakers import is_primary, stands_alone
from gnomon.truth.standing import TOLLS, standing
from gnomon.truth.terms import content_terms, term_set, without_exact
from gnomon.types import Claim, Evidence, Label, Origin, Post, Stance, Verdict

# A side is heard from MASS on, and strong from STRONG on: one report that says just the claim
# weighs about 0.8, a loose or anonymous one about 0.5, and an old post of somebody's that says just
# the claim 0.349 (0.93 x 0.75 x FRESH_FLOOR). Chosen on the development half of tests/cases.
MASS = 0.34
STRONG = 0.45
# A side this many times heavier than the other decides alone, however strong the other is.
DECISIVE = 3.0


def weigh(
    claim: Claim,
    evidence: Sequence[Evidence],
    origins: Mapping[str, Origin],
    first: Mapping[str, Post] | None = None,
    trust: Trust | None = None,
    lang: str = "",
    attributed: bool = False,
    stakes: str = "",
) -> Verdict:
    """The verdict on ``claim``. ``origins`` says how many posts each origin stands for (shown),
    ``first`` which post of it was held first (``Store.first_held``). With ``trust`` the confidence
    is calibrated, and a verdict less sure than the owner's risk allows is "not enough evidence".
    ``lang`` is the language of the reason, the claim's unless given. ``attributed``: the claim is
    shown as the very words of its source, so that one origin without standing may carry it; the
    reason says so. ``stakes`` is what of the claim an answer rests on, where that is less than the
    whole: by it, not by the rest of a quote, go the stakes."""
    left = standing(evidence, first or {})
    for_, against = sides(left.evidence)
    label, rule = decide(claim, for_, against, attributed=attributed, stakes=stakes)
    if left.because:
        rule = f"{rule} ({'; '.join(left.because)})"
    lang = lang or _lang(claim)
    reason = _reason(lang, label, for_, against, counted=TOLLS in left.because)
    if rule.startswith((ALONE, HIGH_STAKES)) or (
        label is Label.SUPPORTED and not _stands(for_, claim)
    ):
        says = "one says so" if for_.mass >= against.mass else "one says otherwise"
        if for_.mass >= MASS and against.mass >= MASS:
            says = "one each"
        elif rule.startswith(HIGH_STAKES) and says == "one says so":
            says = "one, high stakes"
        reason = phrases.say(says, lang)
    sure = _confidence(claim, label, for_, against, trust)
    abstains = "" if trust is None else _abstains(claim, label, sure, for_, against, trust)
    if abstains:
        said = _abstains(claim, label, sure, for_, against, trust, lang) if trust else ""
        label, rule = Label.NOT_ENOUGH, abstains
        reason = phrases.say("unsure", lang, why=said.removeprefix(ABSTAINS))
    shown = (*for_.leaders, *against.leaders)
    stands_for = {
        group[0].origin: _posts(group, origins) for group in (*for_.groups, *against.groups)
    }
    return Verdict(
        claim=claim,
        label=label,
        confidence=sure,
        evidence=tuple(replace(item, weight=round(item.weight, 4)) for item in shown),
        origins_for=for_.origins,
        origins_against=against.origins,
        posts_for=sum(stands_for[item.origin] for item in for_.leaders),
        posts_against=sum(stands_for[item.origin] for item in against.leaders),
        first_seen=min((item.said_at for item in shown if item.said_at), default=None),
        rule=rule,
        reason=reason,
        posts_by_origin=stands_for,
        abstained=bool(abstains),
    )


# ------------------------------------------------------------------------------- the votes


@dataclass(frozen=True, slots=True)
class Votes:
    """One side's votes: ``groups`` of one wording, each led by the entry that was held first, which
    votes; strongest first."""

    groups: tuple[tuple[Evidence, ...], ...]

    @property
    def leaders(self) -> tuple[Evidence, ...]:
        return tuple(group[0] for group in self.groups)

    @property
    def origins(self) -> int:
        return len(self.groups)

    @property
    def mass(self) -> float:
        return sum(map(vote, self.leaders))

    def side(self, claim: Claim) -> Side:
        """What confidence is read from."""
        best = max(map(probability, self.leaders), default=0.0)
        told = sum(vote(item) * _told(claim, item) for item in self.leaders)
        return Side(self.mass, self.origins, best, told / self.mass if self.mass else 0.0)


def sides(evidence: Iterable[Evidence]) -> tuple[Votes, Votes]:
    """The votes for and against: one of each origin and wording."""
    votes = one_per_origin(evidence)
    for_, against = (
        Votes(
            tuple(
                sorted(
                    map(tuple, echoes([item for item in votes if item.stance is stance])),
                    key=lambda group: vote(group[0]),
                    reverse=True,
                )
            )
        )
        for stance in (Stance.SUPPORTS, Stance.REFUTES)
    )
    return for_, against


def probability(evidence: Evidence) -> float:
    """The probability of the side that the evidence is on."""
    judged = evidence.judgement
    return judged.supports if evidence.stance is Stance.SUPPORTS else judged.refutes


def _told(claim: Claim, evidence: Evidence) -> float:
    """The share of the claim's content words that stand in the quote or its post's title."""
    wanted = content_terms(claim.whole)
    held = term_set(f"{evidence.title} {evidence.quote}")
    return sum(term in held for term in wanted) / len(wanted) if wanted else 0.0


def vote(evidence: Evidence) -> float:
    """What one piece of evidence brings to its side, 0..1."""
    return probability(evidence) * evidence.weight


def one_per_origin(evidence: Iterable[Evidence]) -> list[Evidence]:
    """The strongest entry of each origin. An origin that holds both sides votes for neither: it
    keeps its strongest entry on each, and they cancel."""
    best: dict[tuple[str, Stance], Evidence] = {}
    for item in evidence:
        if item.stance is Stance.NEITHER or item.weight <= 0:
            continue
        key = (item.origin, item.stance)
        if key not in best or vote(item) > vote(best[key]):
            best[key] = item
    return sorted(best.values(), key=vote, reverse=True)


# Two sentences that share this much of their content words (Jaccard), of at least so many words and
# with the same numbers, come from one mouth: independent witnesses find words of their own. The
# threshold is that of origins for whole posts (0.6 of shingles), stricter for bags of words.
ECHO, ECHO_WORDS = 0.7, 6


def echoes(evidence: Sequence[Evidence]) -> list[list[Evidence]]:
    """Entries of one side grouped by wording, the one held first of each group first.

    Posts with a comment of their own around a copied sentence are origins of their own as posts,
    but the sentence has one origin, and one vote.
    """
    groups: list[tuple[str, list[Evidence]]] = []
    for item in sorted(evidence, key=lambda e: (e.fetched_at, e.said_at or 0.0, e.post)):
        for words, group in groups:
            if same_words(words, item.quote):
                group.append(item)
                break
        else:
            groups.append((item.quote, [item]))
    return [group for _, group in groups]


def same_words(one: str, other: str) -> bool:
    """Whether two sentences have (nearly) the same content words and the same numbers and dates."""
    a, b = (frozenset(content_terms(without_exact(text))) for text in (one, other))
    if min(len(a), len(b)) < ECHO_WORDS or len(a & b) < ECHO * len(a | b):
        return False
    return {slot.value for slot in slots.exact(one)} == {slot.value for slot in slots.exact(other)}


# ------------------------------------------------------------------------------- the decision

_HIGH_STAKES = re.compile(
    r"\b(?:kill\w*|dead|dies|died|deaths?|murder\w*|injur\w+|wounded|shot|shoot\w*|stabb\w*|bomb\w*|"
    r"explo\w+|terror\w*|hostages?|kidnap\w*|rape\w*|assault\w*|arrest\w*|charged with|convicted|"
    r"fraud\w*|brib\w+|corrupt\w*|poison\w*|contaminat\w*|toxic|overdose|vaccin\w+|cures?|"
    r"evacuat\w*|outbreak|epidemic|resign\w*|impeach\w*|ballots?|vote[sd]? (?:rigg|stolen)\w*|"
    r"bankrupt\w*|insolven\w*|diagnos\w+|infect\w+|contract(?:ed|s)? (?:ebola|hiv|covid|malaria)|"
    r"ebola|cancer|hiv|test(?:ed|s) positive|overdosed)\b|"
    r"死亡|死者|遇难|丧生|身亡|受伤|伤亡|谋杀|枪击|爆炸|恐怖|人质|绑架|强奸|逮捕|被捕|拘留|起诉|"
    r"判刑|诈骗|贿|腐败|中毒|污染|有毒|疫苗|治愈|确诊|感染|癌症|艾滋|疏散|撤离|疫情|爆发|辞职|弹劾|选票|破产",
    re.IGNORECASE,
)


def is_high_stakes(claim: str) -> bool:
    """Whether being wrong about the claim could hurt somebody: deaths and injuries, crimes laid to
    somebody's charge, health, evacuation, offices and elections. By cue words."""
    return bool(_HIGH_STAKES.search(claim))


# The rule of a verdict that one origin without standing leans to (``speakers.stands_alone``).
ALONE = "one origin alone"
HIGH_STAKES = "high stakes: neither two origins nor a primary source"


def leans_alone(verdict: Verdict) -> bool:
    """Whether a verdict is "not enough evidence" only because one origin, of no standing or of too
    little for what is at stake, is all that speaks for its side."""
    return verdict.label is Label.NOT_ENOUGH and verdict.rule.startswith((ALONE, HIGH_STAKES))


def decide(
    claim: Claim, for_: Votes, against: Votes, *, attributed: bool = False, stakes: str = ""
) -> tuple[Label, str]:
    """The label and the rule that decided it."""
    support, refute = for_.mass, against.mass
    if support < MASS and refute < MASS:
        return Label.NOT_ENOUGH, "little mass on either side"
    if min(support, refute) >= STRONG and max(support, refute) < DECISIVE * min(support, refute):
        return Label.DISPUTED, "both sides are strong"
    heavier = for_ if support > refute else against
    if is_high_stakes(stakes or claim.text) and not _well_founded(heavier):
        return Label.NOT_ENOUGH, HIGH_STAKES
    if not (attributed or _stands(heavier, claim)):
        return Label.NOT_ENOUGH, ALONE
    if heavier is for_:
        return Label.SUPPORTED, "support outweighs"
    return Label.REFUTED, "refutation outweighs"


def _well_founded(side: Votes) -> bool:
    """Two origins, or one that speaks of its own affairs; a file of the owner's is taken as one."""
    return side.origins >= 2 or any(
        is_primary(item.author) or kind_of(item) == "document" for item in side.leaders
    )


def _stands(side: Votes, claim: Claim) -> bool:
    """Two origins, or one with standing."""
    return side.origins >= 2 or any(stands_alone(item, claim.whole) for item in side.leaders)


def _confidence(
    claim: Claim, label: Label, for_: Votes, against: Votes, trust: Trust | None
) -> float:
    """That the label is right. Without a calibration: if origins err independently, noisy-or of one
    side times the silence of the other."""
    if trust is not None:
        kind = kind_of_side(claim, for_ if for_.mass >= against.mass else against)
        table = trust.calibration.table(kind)
        return table.confidence(label, for_.side(claim), against.side(claim))

    def silent(side: Votes) -> float:
        out = 1.0
        for item in side.leaders:
            out *= 1.0 - min(0.95, vote(item))
        return out

    quiet_for, quiet_against = silent(for_), silent(against)
    if label is Label.SUPPORTED:
        return (1 - quiet_for) * (0.5 + 0.5 * quiet_against)
    if label is Label.REFUTED:
        return (1 - quiet_against) * (0.5 + 0.5 * quiet_for)
    if label is Label.DISPUTED:
        return (1 - quiet_for) * (1 - quiet_against)
    return quiet_for * quiet_against


def _abstains(
    claim: Claim,
    label: Label,
    sure: float,
    for_: Votes,
    against: Votes,
    trust: Trust,
    lang: str = "en",
) -> str:
    """Why a verdict for or against is not given, in ``lang``; "" where it is."""
    if label not in (Label.SUPPORTED, Label.REFUTED):
        return ""
    side = for_ if label is Label.SUPPORTED else against
    return trust.abstains(sure, kind_of_side(claim, side), lang)


def kind_of_side(claim: Claim, side: Votes) -> str:
    """The kind of source that a side is calibrated as: that of its strongest vote, and that of a
    report where one with standing is among them; "post" where there is no vote."""
    kind = kind_of(side.leaders[0]) if side.leaders else POST
    if kind == POST and any(stands_alone(item, claim.whole) for item in side.leaders):
        return REPORT
    return kind


def _posts(side: Sequence[Evidence], origins: Mapping[str, Origin]) -> int:
    return sum(
        origins[origin].posts if origin in origins else 1
        for origin in {item.origin for item in side}
    )


def disputed(verdict: Verdict, lang: str = "") -> str:
    """The reason of a verdict that is disputed, whatever the masses say."""
    lang = lang or _lang(verdict.claim)
    n, m = (
        phrases.origins(count, lang) for count in (verdict.origins_for, verdict.origins_against)
    )
    return phrases.say("both sides", lang, n=n, m=m)


def _lang(claim: Claim) -> str:
    return "zh" if (claim.lang or "en").startswith("zh") else "en"


def _reason(lang: str, label: Label, for_: Votes, against: Votes, *, counted: bool) -> str:
    """The verdict as a sentence in ``lang``; ``counted``: with the time of a toll."""
    n, m = phrases.origins(for_.origins, lang), phrases.origins(against.origins, lang)
    if label is Label.NOT_ENOUGH:
        return phrases.say("not enough", lang)
    if label is Label.DISPUTED:
        return phrases.say("both sides", lang, n=n, m=m)
    if label is Label.SUPPORTED:
        text, winner, weaker = phrases.say("support", lang, n=n), for_, (against.origins, m)
    else:
        text, winner, weaker = phrases.say("contradict", lang, n=m), against, (for_.origins, n)
    if weaker[0]:
        text += phrases.say("weaker", lang, n=weaker[1])
    newest = max((item.said_at or 0.0 for item in winner.leaders), default=0.0)
    if counted and newest:
        at = f"{datetime.fromtimestamp(newest, UTC):%Y-%m-%d %H:%M} UTC"
        text += phrases.say("newest count", lang, at=at)
    return text
