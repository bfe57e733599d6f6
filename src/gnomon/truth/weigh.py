"""Step 6: evidence becomes a verdict. One vote per origin.

Likes, reposts, followers and the number of posts never enter. An origin's vote is the stance's
probability times a weight: relevance x freshness x kind of source, each at most 1.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from urllib.parse import urlsplit

from gnomon.text import polarity, slots
from gnomon.text.tokens import normalise
from gnomon.truth import hearsay, phrases
from gnomon.truth.terms import content_terms, stem, without_exact
from gnomon.types import Claim, Evidence, Label, Origin, Post, SlotKind, Stance, Verdict

# A side is heard from MASS on, and strong from STRONG on: one report that says just the claim
# weighs about 0.8, a loose or anonymous one about 0.5. Chosen on the development half of
# tests/cases.
MASS = 0.35
STRONG = 0.45
# A side this many times heavier than the other decides alone, however strong the other is.
DECISIVE = 3.0
# Freshness falls by half in this time, to no less than FRESH_FLOOR: old is weaker, not worthless.
HALF_LIFE_S = 180 * 86400.0
FRESH_FLOOR = 0.5
# What does not say when it was said (a file of bare texts) may be new or old.
UNDATED = 0.75

_OFFICIAL = re.compile(
    r"\b(official|council|police|hospital|ministry|govt?|government|authority|department|agency|"
    r"court|university|club|fire|transit|transport|city|town|county|mayor|observatory|"
    r"weather|board|commission|institute|bureau|office)\b|"
    r"官方|政府|警方|公安|医院|市政|气象|消防|法院|大学|局|委员会|管理处|俱乐部",
    re.IGNORECASE,
)
_SATIRE = re.compile(
    r"satir|parod|humou?r|\bonion\b|spoof|\bjoke|讽刺|恶搞|段子|搞笑", re.IGNORECASE
)
_CORRECTS = re.compile(
    r"\bcorrect(?:ion|ed|s|ing)\b|\bclarif|\bupdated?:|\bretract|an earlier (?:version|report)|"
    r"\bwe (?:wrongly|incorrectly|mistakenly)\b|更正|勘误|订正|澄清|辟谣|此前报道有误",
    re.IGNORECASE,
)


def is_satire(post: Post) -> bool:
    """Whether the post's own labels, author, source or site say that it is satire."""
    named = (*post.labels, post.author, post.source, str(post.extra.get("kind", "")))
    site = urlsplit(post.url).hostname or ""
    return any(_SATIRE.search(re.sub(r"[_\-.]", " ", text)) for text in (*named, site))


_COMMANDS = re.compile(
    r"\b(?:ignore|disregard|forget|override)\b.{0,40}\b(?:instructions?|prompts?|rules|guidelines)\b|"
    r"\b(?:system|developer) (?:prompt|message|note)\b|\byou are (?:now )?an? (?:\w+ ){0,3}"
    r"(?:assistant|chatbot|ai|model|llm)\b|\b(?:language model|ai|assistant|chatbot)s?\b.{0,30}\b"
    r"(?:must|should|shall|always|never) (?:say|answer|reply|tell|repeat|respond|report|state)\b|"
    r"(?:忽略|无视|忘记|忘掉).{0,12}(?:指令|指示|提示|规则|要求)|你(?:现在)?是一?[个名位]?.{0,6}(?:助手|模型|机器人)|"
    r"系统(?:提示|指令)|(?:AI|人工智能|助手|模型).{0,8}(?:必须|应当|一律)(?:回答|回复|说)",
    re.IGNORECASE | re.DOTALL,
)


def is_instruction(text: str) -> bool:
    """Whether a text speaks to a machine that reads it ("ignore previous instructions"). It is
    data like any other, but what it says is said to steer us, so it carries no weight."""
    return bool(_COMMANDS.search(text))


def is_correction(text: str) -> bool:
    """Whether a text presents itself as a correction of something said before."""
    return bool(_CORRECTS.search(text))


def kind_weight(post: Post, quote: str) -> tuple[float, str]:
    """What kind of source speaks, and what that weighs: primary 1, report 0.9, post 0.75, opinion
    and hearsay 0.3, satire and instructions to machines 0."""
    if is_satire(post):
        return 0.0, "satire"
    if is_instruction(post.text):
        return 0.0, "instruction"
    if polarity.is_opinion(quote):
        return 0.3, "opinion"
    if hearsay.is_only_hearsay(quote):
        return 0.3, "hearsay"
    if _OFFICIAL.search(re.sub(r"[_\-.]", " ", post.author)):
        return 1.0, "primary"
    if post.title or post.source.startswith(("feed", "article")):
        return 0.9, "report"
    return 0.75, "post"


def freshness(said_at: float | None, now: float) -> float:
    """Between FRESH_FLOOR and 1, by the age of what was said; UNDATED where that is not known."""
    if said_at is None:
        return UNDATED
    age = max(0.0, now - said_at)
    return max(FRESH_FLOOR, float(0.5 ** (age / HALF_LIFE_S)))


def weight(post: Post, quote: str, relevance: float, now: float) -> float:
    """The weight of one origin's vote, 0..1."""
    return min(1.0, relevance) * freshness(post.created_at, now) * kind_weight(post, quote)[0]


def speaker_of(said: Evidence | Post) -> str:
    """Who answers for a statement: the paper for an article, else its author; "" if not known."""
    site = (urlsplit(said.url).hostname or "").removeprefix("www.")
    return site if said.title and site else normalise(said.author)


def without_superseded(evidence: Sequence[Evidence]) -> list[Evidence]:
    """Drop what its own speaker has since said otherwise, and what a later correction by the same
    speaker withdrew: of two statements of one speaker on different sides, the later one stands."""
    newest: dict[str, Evidence] = {}
    evidence = [item for item in evidence if item.stance is not Stance.NEITHER]
    for item in evidence:
        key = speaker_of(item) or item.origin
        held = newest.get(key)
        if held is None or (item.said_at or 0.0) > (held.said_at or 0.0):
            newest[key] = item
    return [
        item
        for item in evidence
        if newest[(speaker_of(item) or item.origin)].stance is item.stance
        or newest[(speaker_of(item) or item.origin)].said_at == item.said_at
    ]


def without_withdrawn(evidence: Sequence[Evidence], roots: Mapping[str, Post]) -> list[Evidence]:
    """Drop what rests on a statement that its own source has corrected since: the source's earlier
    posts, the copies whose origin is the source's, and what is put down to it ("according to the
    Courier"). An outlet's account and its paper's article are one source where one links to the
    other: ``roots`` are the earliest posts of the origins, by origin."""
    corrections = [item for item in evidence if is_correction(f"{item.title}. {item.quote}")]

    def voices(item: Evidence) -> set[str]:
        root = roots.get(item.origin)
        return {speaker_of(item), speaker_of(root) if root else ""} - {""}

    def rests_on(item: Evidence, correction: Evidence) -> bool:
        if (item.said_at or 0.0) >= (correction.said_at or 0.0):
            return False
        held = voices(correction)
        return bool(voices(item) & held) or any(
            _shares_name(polarity.speaker(item.quote), voice) for voice in held
        )

    return [
        item
        for item in evidence
        if item.stance is Stance.NEITHER
        or not any(c.stance is _OTHER.get(item.stance) and rests_on(item, c) for c in corrections)
    ]


_OTHER = {Stance.SUPPORTS: Stance.REFUTES, Stance.REFUTES: Stance.SUPPORTS}


def _shares_name(name: str, voice: str) -> bool:
    """Whether a source's name and an account or site have a telling word in common."""
    named = {word for word in re.findall(r"[^\W_]+", normalise(name)) if len(word) > 3}
    return bool(named & set(re.findall(r"[^\W_]+", voice)))


# An older, lower toll beside a newer, higher one: the count went on.
STALE, STALE_AFTER_S = 0.2, 6 * 3600.0
_GROWS = frozenset(
    "killed injured missing arrested evacuated rescued infected hospitalised".split()
)


def without_stale_tolls(evidence: Sequence[Evidence]) -> list[Evidence]:
    """``evidence`` with little weight for a count of victims that others give higher and hours
    later, from sources of the same standing or better. Other numbers do not grow by
    themselves: there, later is not truer."""

    def is_stale(old: Evidence, old_tolls: Mapping[str, float]) -> bool:
        return any(
            (new.said_at or 0.0) - (old.said_at or 0.0) >= STALE_AFTER_S
            and new.weight >= old.weight
            and any(tolls.get(role, 0.0) > value for role, value in old_tolls.items())
            for new, tolls in counted
        )

    counted = [(item, tolls) for item in evidence if (tolls := _tolls(item))]
    stale = {id(item) for item, tolls in counted if is_stale(item, tolls)}
    return [
        replace(item, weight=item.weight * STALE) if id(item) in stale else item
        for item in evidence
    ]


def _tolls(item: Evidence) -> dict[str, float]:
    """The greatest count of each fate that the quote gives: ``{"killed": 78.0}``."""
    found: dict[str, float] = {}
    for slot in slots.exact(item.quote) if item.stance is not Stance.NEITHER else ():
        role = slot.unit.rpartition(" ")[2]
        if slot.kind is SlotKind.NUMBER and role in _GROWS:
            found[role] = max(found.get(role, 0.0), float(slot.value))
    return found


# What a speaker's word weighs where others report it only as a claim of theirs.
CLAIMED = 0.35


def only_claimed(evidence: Sequence[Evidence]) -> list[Evidence]:
    """``evidence`` with less weight for what others report at arm's length ("X claimed that ...")
    and X says: those who looked into it did not make it their own."""
    speakers = [
        named
        for item in evidence
        if item.judgement.rule == hearsay.RULE and (named := polarity.speaker(item.quote))
    ]
    return [
        replace(item, weight=item.weight * CLAIMED)
        if item.stance is Stance.SUPPORTS and any(is_named(item.author, who) for who in speakers)
        else item
        for item in evidence
    ]


def is_named(author: str, name: str) -> bool:
    """Whether an account's name holds every word of a name ("pell_atterby", "Pell Atterby")."""
    said = {stem(word) for word in normalise(name).split() if len(word) > 2}
    held = {stem(word) for word in re.findall(r"[^\W_]+", normalise(author))}
    return (bool(said) and said <= held) or normalise(name) == normalise(author)


def one_per_origin(evidence: Iterable[Evidence]) -> list[Evidence]:
    """The strongest entry of each origin. An origin that holds both sides votes for neither: it
    keeps its strongest entry on each, and they cancel."""
    best: dict[tuple[str, Stance], Evidence] = {}
    for item in evidence:
        if item.stance is Stance.NEITHER or item.weight <= 0:
            continue
        key = (item.origin, item.stance)
        if key not in best or _vote(item) > _vote(best[key]):
            best[key] = item
    return sorted(best.values(), key=_vote, reverse=True)


# Two sentences that share this much of their content words (Jaccard), of at least so many words and
# with the same numbers, come from one mouth: independent witnesses find words of their own. The
# threshold is that of origins for whole posts (0.6 of shingles), stricter for bags of words.
ECHO, ECHO_WORDS = 0.7, 6


def echoes(evidence: Sequence[Evidence]) -> list[list[Evidence]]:
    """Entries of one side grouped by wording, the earliest of each group first.

    Posts with a comment of their own around a copied sentence are origins of their own as posts,
    but the sentence has one origin, and one vote.
    """
    groups: list[tuple[str, list[Evidence]]] = []
    for item in sorted(evidence, key=lambda e: (e.said_at or 0.0, e.post)):
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


def _vote(evidence: Evidence) -> float:
    judged = evidence.judgement
    p = judged.supports if evidence.stance is Stance.SUPPORTS else judged.refutes
    return p * evidence.weight


def _attributed_to_held(item: Evidence, others: Sequence[Evidence]) -> bool:
    """Whether ``item`` only repeats a statement ("according to X") of which X's own is held."""
    named = polarity.speaker(item.quote)
    if not named:
        return False
    return any(
        is_named(other.author, named)
        for other in others
        if other.origin != item.origin and other.stance is item.stance
    )


def weigh(
    claim: Claim,
    evidence: Sequence[Evidence],
    origins: Mapping[str, Origin],
    roots: Mapping[str, Post] | None = None,
) -> Verdict:
    """The verdict on ``claim``. ``origins`` says how many posts each origin stands for (shown),
    ``roots`` which post of it came first (held ones only)."""
    standing = without_withdrawn(only_claimed(evidence), roots or {})
    votes = one_per_origin(without_superseded(without_stale_tolls(standing)))
    votes = [item for item in votes if not _attributed_to_held(item, votes)]
    sides = []
    stands_for: dict[str, int] = {}
    for stance in (Stance.SUPPORTS, Stance.REFUTES):
        groups = echoes([item for item in votes if item.stance is stance])
        leaders = []
        for group in groups:
            leaders.append(group[0])
            stands_for[group[0].origin] = _posts(group, origins)
        sides.append(sorted(leaders, key=_vote, reverse=True))
    for_, against = sides
    support, refute = sum(map(_vote, for_)), sum(map(_vote, against))
    label, rule = _decide(support, refute)
    shown = for_ + against
    return Verdict(
        claim=claim,
        label=label,
        confidence=_confidence(label, for_, against),
        evidence=tuple(replace(item, weight=round(item.weight, 4)) for item in shown),
        origins_for=len(for_),
        origins_against=len(against),
        posts_for=sum(stands_for[item.origin] for item in for_),
        posts_against=sum(stands_for[item.origin] for item in against),
        first_seen=min((item.said_at for item in shown if item.said_at), default=None),
        rule=rule,
        reason=_reason(claim, label, len(for_), len(against)),
        posts_by_origin=stands_for,
    )


def _decide(support: float, refute: float) -> tuple[Label, str]:
    if support < MASS and refute < MASS:
        return Label.NOT_ENOUGH, "little mass on either side"
    if min(support, refute) >= STRONG and max(support, refute) < DECISIVE * min(support, refute):
        return Label.DISPUTED, "both sides are strong"
    if support > refute:
        return Label.SUPPORTED, "support outweighs"
    return Label.REFUTED, "refutation outweighs"


def _confidence(label: Label, for_: Sequence[Evidence], against: Sequence[Evidence]) -> float:
    """That the label is right, if origins err independently: noisy-or of one side times the silence
    of the other. Not yet calibrated."""

    def silent(side: Sequence[Evidence]) -> float:
        out = 1.0
        for item in side:
            out *= 1.0 - min(0.95, _vote(item))
        return out

    quiet_for, quiet_against = silent(for_), silent(against)
    if label is Label.SUPPORTED:
        return (1 - quiet_for) * (0.5 + 0.5 * quiet_against)
    if label is Label.REFUTED:
        return (1 - quiet_against) * (0.5 + 0.5 * quiet_for)
    if label is Label.DISPUTED:
        return (1 - quiet_for) * (1 - quiet_against)
    return quiet_for * quiet_against


def _posts(side: Sequence[Evidence], origins: Mapping[str, Origin]) -> int:
    return sum(
        origins[origin].posts if origin in origins else 1
        for origin in {item.origin for item in side}
    )


def _reason(claim: Claim, label: Label, for_: int, against: int) -> str:
    """The verdict as a sentence in the claim's language."""
    lang = "zh" if (claim.lang or "en").startswith("zh") else "en"
    n, m = phrases.origins(for_, lang), phrases.origins(against, lang)
    if label is Label.NOT_ENOUGH:
        return phrases.say("not enough", lang)
    if label is Label.DISPUTED:
        return phrases.say("both sides", lang, n=n, m=m)
    if label is Label.SUPPORTED:
        text, weaker = phrases.say("support", lang, n=n), (against, m)
    else:
        text, weaker = phrases.say("contradict", lang, n=m), (for_, n)
    return text + (phrases.say("weaker", lang, n=weaker[1]) if weaker[0] else "")
