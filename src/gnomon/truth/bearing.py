"""Whether a passage that a verifier takes for or against a claim speaks of what is claimed at all.

A verifier reads two texts and says how they stand to each other; of posts it is often sure that
what merely shares the subject supports or denies the claim ("I need a picture of what Ann Lee was
wearing" against "Ann Lee was unarmed"). So its word carries no more than the words bear out:

- what it takes for support must have the words on which the claim turns, and what is said of its
  subject; what it takes for a denial, nearly all words, for a denial names what it denies;
- what is told of nearly happening, or of being feared or tried, did not happen thereby;
- who kills is not killed: a claim that something was done to its subject is not borne by a sentence
  in which the subject does it;
- a Chinese claim is about what it begins with.

The thresholds were chosen on the yes-or-no questions of ``bench/truth/posts.jsonl`` (LOG.md).
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from gnomon.text import polarity
from gnomon.text.tokens import is_cjk
from gnomon.truth.terms import content_terms, coverage, stem, term_set
from gnomon.types import Judgement, Stance

# How the rule of a judgement begins that the trained verifier made (``trained.py``).
BY_MODEL = "reads as saying"
# A claim turns on its weightiest word, and on those that weigh nearly as much: so much of it. One
# of them may be missing where this share of all is there: it is then a detail ("on Mill Lane").
TURNS_ON, BUT_FOR_DETAILS = 0.9, 0.75
# The weighted share of the claim's words that support and a denial must have. Of the character
# bigrams of Chinese a paraphrase keeps fewer.
SUPPORT_SHARE = {"en": 0.6, "zh": 0.4}
DENIAL_SHARE = {"en": 0.8, "zh": 0.5}


def borne_out(
    claim: str, window: str, sentence: str, judgement: Judgement, weights: Mapping[str, float]
) -> Judgement:
    """``judgement`` on ``sentence``, the last of ``window``; "neither" where it does not speak of
    what is claimed, and a denial where it says that it nearly happened. ``weights`` are those of
    the claim's terms."""
    if judgement.stance is Stance.NEITHER or is_cjk(claim) != is_cjk(window):
        return judgement
    if head := other_head(claim, window, weights):
        return _silent(judgement, f"does not name {head}")
    if judgement.rule.startswith(BY_MODEL):
        why = _unsaid(claim, window, sentence, judgement.stance, weights)
        if why:
            return _silent(judgement, why)
    if judgement.stance is not Stance.SUPPORTS:
        return judgement
    if almost := nearly(claim, sentence):
        return Judgement(0.02, 0.75, 0.23, f"only says {almost!r}")
    if risk := unrealised(claim, sentence):
        return _silent(judgement, f"only says {risk!r}")
    if other := of_another(claim, sentence):
        return _silent(judgement, f"says {other!r}")
    if who := only_speaks(claim, sentence):
        return _silent(judgement, f"{who} says it of something else")
    if done := by_its_subject(claim, sentence):
        return _silent(judgement, f"{done!r} is not what was done to it")
    return judgement


def _silent(judgement: Judgement, why: str) -> Judgement:
    """``judgement`` as "neither", still leaning to where it leant."""
    supports, refutes = 0.4 * judgement.supports, 0.4 * judgement.refutes
    return Judgement(supports, refutes, 1.0 - supports - refutes, why)


def _unsaid(
    claim: str, window: str, sentence: str, stance: Stance, weights: Mapping[str, float]
) -> str:
    """What the window lacks of what is claimed, in words; "" if nothing that matters."""
    held = term_set(window)
    # Who is said to say it ("Firefighters say that ...") is not what is claimed.
    said_by = set(content_terms(polarity.speaker(claim)))
    weights = {t: w for t, w in weights.items() if t not in said_by} or weights
    if stance is Stance.SUPPORTS:
        claim, weights = _at_its_core(claim, weights)
    share = coverage(weights, held, weights)
    lang = "zh" if is_cjk(claim) else "en"
    if stance is Stance.REFUTES:
        return "" if share >= DENIAL_SHARE[lang] else "does not speak of what it would deny"
    heaviest = max(weights.values(), default=0.0)
    turns_on = {term for term, weight in weights.items() if weight >= TURNS_ON * heaviest}
    if share < SUPPORT_SHARE[lang] or not (
        lang == "zh" or share >= BUT_FOR_DETAILS or turns_on <= held
    ):
        return "does not say what the claim turns on"
    predicate = _predicate(claim)
    if predicate and predicate not in term_set(sentence):
        return "does not say that of its subject"
    return ""


# In spite of what, and because of what, a thing is so: a circumstance, and not what is claimed;
# unless it is just this that is said ("the delay was due to ice").
_CIRCUMSTANCE = re.compile(
    r"(?<!\bis)(?<!\bare)(?<!\bwas)(?<!\bwere)\s+(?:despite|in spite of|regardless of|because of|"
    r"because|due to|owing to|thanks to|as a result of|although|even though|amid|in the wake of)\s"
    r"[^,;]*",
    re.IGNORECASE,
)
# Of a verb of two words the second says little by itself: "go ahead", "turn back".
_SECOND_WORDS = frozenset(content_terms("ahead back away along apart aside forward together"))


def _at_its_core(claim: str, weights: Mapping[str, float]) -> tuple[str, Mapping[str, float]]:
    """``claim`` and ``weights`` without its circumstances and what says little, where two words are
    left."""
    core = "" if is_cjk(claim) else _CIRCUMSTANCE.sub("", claim)
    kept = set(content_terms(core)) - _SECOND_WORDS - _LIGHT_VERBS
    left = {term: weight for term, weight in weights.items() if term in kept}
    return (core, left) if len(left) > 1 else (claim, weights)


# What a Chinese statement begins with names something where it weighs so much: not 我们, 今天.
NAMES = 0.45
# Countries that Chinese writes in one character, too: 美, 英, 日.
_COUNTRIES = frozenset("美国 英国 法国 德国 日本 韩国 印度 泰国 中国 俄国".split())


def other_head(text: str, window: str, weights: Mapping[str, float]) -> str:
    """What a Chinese statement or question begins with, which is whom or what it is about, where
    the text turns on it and the window has it nowhere: 小米停止... is not told by 魅族停止....  ""
    where it is there, and for other languages, whose names are told by their form."""
    head = text.strip()[:2]
    if len(head) < 2 or not all("一" <= c <= "龥" for c in head) or head in window:
        return ""
    if head in _COUNTRIES and head[0] in window:
        return ""
    return head if weights.get(head, 0.0) >= NAMES else ""


_AUXILIARY = re.compile(
    r"\b(?:is|are|was|were|be|been|being|has|have|had|will|would|did|does|do|get|got)"
    r"(?:n['’]t| not)?\b",
    re.IGNORECASE,
)


# "was taken into custody": what was done is said by what stands behind these.
_LIGHT_VERBS = frozenset(content_terms("taken put made given brought kept left set placed held go"))


def _predicate(claim: str) -> str:
    """The term behind the claim's last auxiliary ("was *killed*"); "" where there is none."""
    found = list(_AUXILIARY.finditer(claim))
    said = content_terms(claim[found[-1].end() :]) if found and not is_cjk(claim) else []
    return next((term for term in said if term not in _LIGHT_VERBS | _SECOND_WORDS), "")


# ------------------------------------------------------------------------------- nearly

_NEARLY = re.compile(
    r"\b(?:almost|nearly|narrowly|just about|all but|(?:came?|coming) (?:\w+ )?close to"
    r"|on the (?:verge|brink) of)\s+(?:(?:been|being|was|were|got|had|\w+ly)\s+)?([a-z]+)",
    re.IGNORECASE,
)
_NEARLY_ZH = re.compile(r"(?:差一?点儿?(?:就|没)?|险些|几乎)([一-龥]{2,4})")
_UNREALISED = re.compile(
    r"\b(?:(?:at |in )?(?:risks?|danger)(?: of)?|risking|threat(?:ens?|ened|ening)?(?: to| of)?"
    r"|fears? (?:of|that|for)|fear(?:ed|ing)(?: to| that)?|about to|tr(?:y|ies|ied|ying) to"
    r"|attempt(?:s|ed|ing)?(?: to| at)?|want(?:s|ed|ing)? to|ready to|prepar(?:es|ed|ing) to"
    r"|(?:call|calls|called|calling|urge[ds]?) (?:for|to|on)|refus(?:es|ed|ing) to"
    r"|prevent(?:s|ed|ing)?|avoid(?:s|ed|ing)?|averted"
    r"|(?:stop|stops|stopped|keep|keeps|kept|save[sd]?|block(?:s|ed)?)"
    r"(?= (?:[\w'’-]+ ){1,3}from \w+ing))\s+"
    r"((?:[a-z'’-]+\s+){0,3}[a-z]+)",
    re.IGNORECASE,
)
_UNREALISED_ZH = re.compile(r"(?:试图|企图|有可能|面临|或将|担心|恐将|避免|呼吁)([一-龥]{2,6})")


def nearly(claim: str, sentence: str) -> str:
    """The words by which the sentence says that the claim came close to being so; "" if none."""
    return _governed(claim, sentence, _NEARLY_ZH if is_cjk(claim) else _NEARLY)


def unrealised(claim: str, sentence: str) -> str:
    """The words by which the sentence says that the claim was feared, tried or called for."""
    return _governed(claim, sentence, _UNREALISED_ZH if is_cjk(claim) else _UNREALISED)


def _governed(claim: str, sentence: str, cue: re.Pattern[str]) -> str:
    """A cue of the sentence that governs a word of the claim, with it: "nearly escaped" and not
    "nearly 200 people". "" where the claim has such a cue itself, or says it elsewhere without."""
    if cue.search(claim):
        return ""
    wanted = set(content_terms(claim))
    for match in cue.finditer(sentence):
        governed = wanted & term_set(match[1])
        rest = sentence[: match.start()] + " " + sentence[match.end() :]
        if governed and not governed <= term_set(rest):
            return match.group().strip()
    return ""


# ------------------------------------------------------------------------------- of whom

_ROLE_OF = re.compile(
    r"\b(?:is|are|was|were|be|been|become|became) (?:the |an? )?(?:\w+ ){0,2}?"
    r"(?P<role>[a-z]+) of (?:the )?(?P<whom>[A-Z][\w'’-]*)"
)


_NO_PLACE = frozenset(
    "the a an former new old acting deputy first next our my his her their its this that vice lord "
    "and but as rt breaking".split()
)


def of_another(claim: str, sentence: str) -> str:
    """The words by which the sentence gives the office that the claim gives to somebody, but of
    another place: "Toronto Mayor Rob Ford" for "Rob Ford is the mayor of Calgary". "" where it is
    of the same, or has no such words."""
    found = None if is_cjk(claim) else _ROLE_OF.search(claim)
    if found is None:
        return ""
    role, whom = re.escape(found["role"]), found["whom"].lower()
    other = ""
    for match in re.finditer(
        rf"(?P<before>[A-Z][\w-]*)(?:['’]s)? {role}\b|\b{role} of (?:the )?(?P<behind>[A-Z][\w-]*)",
        _any_case(sentence, role),
    ):
        place = (match["before"] or match["behind"]).lower()
        if place == whom:
            return ""
        if place in _NO_PLACE:
            continue
        other = other or match.group()
    return other


def _any_case(sentence: str, role: str) -> str:
    """``sentence`` with the word in small letters, which titles are not written in."""
    return re.sub(rf"\b{role}\b", role.lower(), sentence, flags=re.IGNORECASE)


# ------------------------------------------------------------------------------- who did it

_DONE_TO = re.compile(
    r"\b([\w'’-]+) (?:(?:has|have|had) been|is|are|was|were|got) (?:also |\w+ly )?"
    r"(\w+(?:ed|en)|shot)\b",
    re.IGNORECASE,
)
_PRONOUN = re.compile(
    r"\b(?:it|its|they|their|them|he|she|his|her|him|we|our|us|i|my|itself|themselves)\b", re.I
)


def only_speaks(claim: str, sentence: str) -> str:
    """Who the sentence quotes, where the claim says that something was done to them and they speak
    of something else: "The fair says events were cancelled" for "the fair was cancelled"."""
    found = None if is_cjk(claim) else _DONE_TO.search(claim)
    who = polarity.speaker(sentence) if found else ""
    if not found or not who:
        return ""
    subject, rest = stem(found[1].lower()), sentence.replace(who, " ")
    theirs = subject in term_set(who) and subject not in term_set(rest)
    return who if theirs and not _PRONOUN.search(rest) else ""


_BEING = frozenset("is are was were be been being get gets got".split())
_WORD = re.compile(r"[\w'’-]+|[^\w\s]")
_OBJECT = re.compile(r"(?:the|a|an|his|her|its|their|our|two|three|four|five|six|\d.*|[A-Z].*)")
_NO_OBJECT = re.compile(
    r"(?:in|at|by|on|after|during|near|and|as|of|for|from|with|when|while)", re.I
)


def by_its_subject(claim: str, sentence: str) -> str:
    """The words in which the subject does what the claim says was done to it ("shooter kills"); ""
    where any word of the sentence may tell that it was done."""
    found = _DONE_TO.search(claim)
    if found is None or is_cjk(claim):
        return ""
    verb, subject = stem(found[2].lower()), stem(found[1].lower())
    words = _WORD.findall(sentence)
    active = ""
    for i, word in enumerate(words):
        if stem(word.lower()) != verb:
            continue
        before, after = (words[i - 1] if i else ""), (words[i + 1] if i + 1 < len(words) else "")
        acting = word.lower().endswith(("s", "ing")) or before.lower() == "to"
        object_ = _OBJECT.fullmatch(after) and not _NO_OBJECT.fullmatch(after)
        if not acting and not (
            object_ and before.lower() not in _BEING and word.lower().endswith("ed")
        ):
            return ""
        active = active or f"{before} {word}".strip()
    return active if subject in term_set(sentence) else ""
