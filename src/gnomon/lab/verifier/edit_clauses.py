"""Edits of what is said to hold: negation, hedges, plans, denials, speakers, opposites, roles."""

from __future__ import annotations

import re
from random import Random

from gnomon.lab.verifier.edit_values import NEITHER, REFUTES, SUPPORTS, Case, square
from gnomon.lab.verifier.verbs import (
    PARTICIPLE,
    PAST,
    inside,
    main_verb,
    negated,
    sentence_case,
    with_infinitive,
    with_participle,
)

_HEDGES = (
    "There are unconfirmed reports that {s}.", "It is rumoured that {s}.", "It may be that {s}.",
    "Some people believe that {s}.", "It is not yet known whether {s}.", "Reportedly, {s}.",
    "It has been alleged, without proof, that {s}.", "Perhaps {s}.", "It is possible that {s}.",
    "It remains unclear whether {s}.", "Rumours that {s} are going around.", "Allegedly, {s}.",
    "Nobody has been able to confirm that {s}.", "Many hope that {s}.", "Critics doubt that {s}.",
    "It cannot be ruled out that {s}.", "There is speculation that {s}.", "Unverified: {s}.",
    "A post claims that {s}, but this could not be verified.", "Apparently {s}, though nothing is "
    "confirmed.", "There is no confirmation so far that {s}.", "Investigators are looking into "
    "whether {s}.",
)  # fmt: skip
_QUESTIONS = (
    "Is it true that {s}?", "Does anyone know whether {s}?", "Can somebody confirm that {s}?",
    "Has anybody heard that {s}?", "So {s}?", "Who says that {s}?", "Why would anyone think that "
    "{s}?", "What if {s}?",
)  # fmt: skip
_CONDITIONS = (
    "If {s}, there will be an inquiry.", "If it turns out that {s}, much will change.",
    "Unless {s}, nothing will happen.", "Suppose that {s}.", "Imagine that {s}.",
    "In the novel, {s}.", "In the film, {s}.", "In a dream she had, {s}.",
    "A satirical website wrote that {s}.", "We would be glad if {s}.",
    "Assuming that {s}, the plan could work.", "They would act differently if {s}.",
)  # fmt: skip
_FALSE = (
    "It is false that {s}.", "It is not true that {s}.", "The claim that {s} is false.",
    "Reports that {s} are untrue.", "Fact-checkers rated as false the claim that {s}.",
    "The rumour that {s} has been debunked.", "Contrary to what was claimed, it is not the case "
    "that {s}.", "It was wrongly reported that {s}.", "It is a myth that {s}.",
    "The story that {s} was made up.", "A correction: it is not true that {s}.",
    "Many wrongly believe that {s}.", "It turned out to be untrue that {s}.",
)  # fmt: skip
_TRUE = (
    "It is true that {s}.", "It has been established that {s}.", "It is a fact that {s}.",
    "Records show that {s}.", "It has been confirmed that {s}.", "The police confirmed that {s}.",
    "According to official figures, {s}.", "The ministry announced that {s}.",
    "Official documents show that {s}.", "It is well known that {s}.",
    "The government confirmed on its website that {s}.", "A court found that {s}.",
    "The city council announced that {s}.", "Researchers found that {s}.",
    "As is widely documented, {s}.", "It is not in dispute that {s}.",
)  # fmt: skip
_SPEAKERS = (
    "a witness", "the mayor", "her lawyer", "a neighbour", "the opposition leader", "a columnist",
    "a former colleague", "the company", "a blogger", "the minister", "his brother", "an analyst",
    "the union", "a resident", "the club", "a spokeswoman", "an anonymous user", "the director",
    "a taxi driver", "the senator", "a rival", "one fan", "the manager", "a student",
)  # fmt: skip
_AUTHORITIES = (
    "police said", "official figures show", "the court ruled", "the ministry confirmed",
    "the fire service reported", "the authorities said", "the statistics office reported",
    "according to the police", "according to official records", "the electoral commission said",
)  # fmt: skip
_SAYS = ("said", "claimed", "says", "argued", "insisted", "wrote", "told reporters", "suggested")
_DENIES = ("denied", "denies", "disputed", "rejected the claim", "has denied")
_DOUBTS = ("believes", "hopes", "fears", "suspects", "thinks", "guesses", "doubts",
           "wonders whether", "asked whether", "expects", "dreamed", "assumes")  # fmt: skip
_KNOWS = ("knew", "realised", "learned", "was surprised", "was glad", "discovered", "forgot",
          "remembered", "regretted", "noticed", "is aware", "proved")  # fmt: skip
_MISTAKES = (
    "falsely claimed", "wrongly assumed", "pretended", "lied", "mistakenly believed",
    "was wrong to say", "invented the story", "was under the false impression",
)  # fmt: skip

_PLANS = (
    "plans to", "was expected to", "intended to", "wanted to", "hoped to", "tried to", "was asked "
    "to", "promised to", "was scheduled to", "had planned to", "was about to", "agreed to",
    "was preparing to", "threatened to", "was set to", "is considering whether to", "may", "might",
    "could", "will", "offered to", "was supposed to", "had hopes to", "was urged to", "vowed to",
    "is under pressure to", "was told to", "is said to have been about to", "considered whether to",
)  # fmt: skip
# What can be said of things, too.
_PENDING = ("was expected to", "was scheduled to", "was about to", "was set to", "may", "might",
            "could", "will", "was supposed to", "is likely to", "is planned to")  # fmt: skip
_FAILED = ("failed to", "did not", "refused to", "declined to", "never managed to", "was unable to",
           "was not able to", "forgot to")  # fmt: skip
_MANAGED = ("managed to", "was able to", "went on to", "did", "finally managed to", "did indeed")
_PASSIVE_PLANS = (
    "is to be", "was expected to be", "was supposed to be", "may be", "will be", "was about to be",
    "could be", "is scheduled to be", "was going to be", "might have been", "is likely to be",
    "is feared to be", "is rumoured to be", "was on course to be", "is hoped to be",
)  # fmt: skip
_PASSIVE_FAILED = ("was never", "was not", "failed to be", "was in the end not", "has yet to be")
# Not things that one plans, fails or manages to do.
_STATES = frozenset(
    "be have know remain last suffer consist contain include feature lack need like occur happen "
    "star debut die originate fall cost involve cover represent depict face see hear belong find "
    "get become inspire attract cause think tell say emerge collapse survive inherit lose forget "
    "gain live move start begin end stop want allow decline increase decrease improve".split()
)


def frame(template: str, sentence: str) -> str:
    """``sentence`` set into ``template``."""
    return sentence_case(template.format(s=inside(sentence)))


def negation(window: str, claim: str, rng: Random) -> list[Case]:
    """The claim denied by its verb; the denial as window against the claim."""
    denied = negated(claim)
    if denied is None:
        return []
    if " not " in denied and rng.random() < 0.3:
        denied = _contracted(denied)
    elif " did not " in denied and rng.random() < 0.25:
        verb = main_verb(claim)
        if verb is not None:
            past = claim[verb.start : verb.end]
            denied = f"{claim[: verb.start]}never {past}{claim[verb.end :]}"
    return square(window, denied, claim, _plainly(denied), REFUTES)


def _contracted(text: str) -> str:
    return re.sub(
        r"\b(was|is|were|are|did|does|has|had|could|would) not\b", r"\1n't", text, count=1
    )


def _plainly(denied: str) -> str:
    return denied.replace("n't ", " not ")


def denial(window: str, claim: str, rng: Random) -> list[Case]:
    """ "It is false that P" refutes P; "it is confirmed that P" supports it; both ways round."""
    false, true = rng.choice(_FALSE), rng.choice(_TRUE)
    claimed = frame(rng.choice(_FALSE[:3]), claim)
    return [
        (frame(true, claim), claim, SUPPORTS), (frame(false, claim), claim, REFUTES),
        (frame(true, claim), claimed, REFUTES), (frame(false, claim), claimed, SUPPORTS),
        (window, claim, SUPPORTS), (window, claimed, REFUTES),
    ]  # fmt: skip


def hedge(window: str, claim: str, rng: Random) -> list[Case]:
    """A hedged, asked, supposed or fictional P says neither P nor not P; it supports itself."""
    family = rng.choices((_HEDGES, _QUESTIONS, _CONDITIONS), (3, 1, 1))[0]
    hedged = frame(rng.choice(family), claim)
    denied = negated(claim) or frame(rng.choice(_FALSE[:3]), claim)
    cases = [
        (window, claim, SUPPORTS), (window, denied, REFUTES), (hedged, claim, NEITHER),
        (hedged, denied, NEITHER), (denied, claim, REFUTES), (denied, denied, SUPPORTS),
    ]  # fmt: skip
    weak = frame(rng.choice(("It is possible that {s}.", "It may be that {s}.")), claim)
    cases.append((window, weak, SUPPORTS))
    if family is _HEDGES:
        reported = frame(rng.choice(("There are reports that {s}.", "There are claims that {s}.")),
                         claim)  # fmt: skip
        unsure = frame("There are unconfirmed reports that {s}.", claim)
        cases += [(unsure, reported, SUPPORTS), (unsure, claim, NEITHER)]
    return cases


def speech(window: str, claim: str, rng: Random) -> list[Case]:
    """Who said, denied, knew or wrongly claimed P: toward P, and toward the saying itself."""
    who, other = rng.sample(_SPEAKERS, 2)
    p = inside(claim)
    denies = rng.choice(_DENIES)
    says = rng.choice(_SAYS)

    def told(person: str, verb: str) -> str:
        that = "" if verb.endswith("whether") else " that"
        if verb in ("was wrong to say", "invented the story", "proved"):
            that = " that"
        return sentence_case(f"{person} {verb}{that} {p}.")

    doubt = rng.choice(_DOUBTS)
    told_so = rng.choice((f"According to {who}, {p}.", f"{claim.rstrip('.')}, {who} said."))
    authority = rng.choice(_AUTHORITIES)
    return [
        (sentence_case(told_so), told(who, "said"), SUPPORTS),
        (sentence_case(told_so), told(who, "denied"), REFUTES),
        (f"{claim.rstrip('.')}, {authority}.", claim, SUPPORTS),
        (f"{claim.rstrip('.')}, {authority}.", told(who, "said"), NEITHER),
        (told(who, says), told(who, "said"), SUPPORTS),
        (told(who, denies), told(who, "said"), REFUTES),
        (told(who, denies), told(who, "denied"), SUPPORTS),
        (told(who, says), told(who, "denied"), REFUTES),
        (told(who, says), told(other, "said"), NEITHER),
        (told(other, says), told(other, "said"), SUPPORTS),
        (told(who, denies), claim, NEITHER), (told(who, doubt), claim, NEITHER),
        (told(who, rng.choice(_KNOWS)), claim, SUPPORTS),
        (told(who, rng.choice(_MISTAKES)), claim, REFUTES),
    ]  # fmt: skip


def plan(window: str, claim: str, rng: Random) -> list[Case]:
    """ "Plans to", "tried to", "may": neither; "failed to", "refused to": refutes; "managed to":
    supports. Passives alike."""
    verb = main_verb(claim)
    if verb is None or verb.base in _STATES or re.search(r"\b(?:not|never|no)\b", claim):
        return []
    if verb.kind == "past":
        person = re.match(r"(?:[A-Z][\w'’.-]+ ){2,4}$", claim[: verb.start]) is not None
        person = person and not claim.startswith(("The ", "A ", "An "))
        tables = (_PLANS, _FAILED, _MANAGED) if person else (_PENDING, _FAILED[:2], _MANAGED[-2:])
        forms = [with_infinitive(claim, rng.choice(t)) for t in tables]
        planned_claim = with_infinitive(claim, "planned to")
        may = with_participle(claim, rng.choice(("may have", "might have")))
    else:
        forms = _passive_forms(claim, rng)
        planned_claim = may = None
    if any(f is None for f in forms):
        return []
    planned, failed, managed = (f or "" for f in forms)
    denied = negated(claim)
    cases = [(window, claim, SUPPORTS), (planned, claim, NEITHER), (failed, claim, REFUTES)]
    if managed:
        cases.append((managed, claim, SUPPORTS))
    if denied:
        cases += [(planned, denied, NEITHER), (window, denied, REFUTES), (failed, denied, SUPPORTS)]
    if may:
        cases += [(may, claim, NEITHER), (window, may, SUPPORTS), (may, may, SUPPORTS)]
    if planned_claim and re.search(r"\b(?:plans|intended|planned) to\b", planned):
        cases.append((planned, planned_claim, SUPPORTS))
    return cases


_PASSIVE = re.compile(r"\b(was|were) ((?!born\b|known\b|named\b|called\b)\w+)\b")


def _passive_forms(claim: str, rng: Random) -> list[str | None]:
    verb = main_verb(claim)
    m = _PASSIVE.search(claim)
    if m is None or verb is None or m.start() != verb.start:
        return [None, None, None]
    participle = m[2]
    if participle not in PARTICIPLE.values() or participle in ("been", "had", "set"):
        return [None, None, None]
    if re.search(r"\band \w+ed\b", claim[m.end() :]):
        return [None, None, None]

    def put(words: str) -> str:
        if m[1] == "were":
            words = re.sub(r"^was\b", "were", re.sub(r"^is\b", "are", words)).replace(
                "has ", "have "
            )
        return f"{claim[: m.start()]}{words} {participle}{claim[m.end() :]}"

    return [put(rng.choice(_PASSIVE_PLANS)), put(rng.choice(_PASSIVE_FAILED)), ""]


# Both ways. Left out: what can hold one after the other (joined and left, bought and sold).
_OPPOSED = """
rose/fell increased/decreased won/lost opened/closed accepted/rejected gained/lost
northern/southern eastern/western north/south east/west northeast/southwest northwest/southeast
higher/lower older/younger larger/smaller before/after prior_to/after approved/rejected
survived/died_in victory/defeat husband/brother wife/sister father/son mother/daughter male/female
public/private elected/defeated supported/opposed increase/decrease boys/girls guilty/innocent
strengthened/weakened allowed/banned expanded/shrank upper/lower maximum/minimum
successful/unsuccessful more_than/less_than more_than/fewer_than freshwater/saltwater alive/dead
daughter/son brother/sister confirmed/denied failed/succeeded praised/criticised wide/narrow
improved/worsened growth/decline profit/loss inside/outside above/below left-wing/right-wing
"""
# These differ in what they single out, so they contradict only as predicates ("is the oldest").
_SINGLED = """
largest/smallest oldest/youngest highest/lowest longest/shortest first/last first/second
second/third best/worst most/least earliest/latest third/fourth final/first major/minor
"""
_PAIRS = [
    (a.replace("_", " "), b.replace("_", " "), singled)
    for rows, singled in ((_OPPOSED, False), (_SINGLED, True))
    for pair in rows.split()
    for a, b in (pair.split("/"), pair.split("/")[::-1])
]
_PREDICATE = re.compile(
    r"\b(?:is|was|are|were|became|becomes|finished|ranked|ranks|be|being) (?:\w+ ){0,3}$"
)
_NOT_OPPOSED_AFTER = re.compile(r"(?:named|called|shortly|soon|right|even|in|at|and|or|to) $")


def opposite(window: str, claim: str, rng: Random) -> list[Case]:
    """A word of the claim and the window changed to its opposite: refutes."""
    options = []
    for old, new, singled in _PAIRS:
        ours = list(re.finditer(rf"(?<![\w-]){old}(?![\w-])", claim))
        theirs = list(re.finditer(rf"(?<![\w-]){old}(?![\w-])", window))
        if len(ours) != 1 or len(theirs) != 1 or re.search(rf"\b{new}\b", f"{window} {claim}"):
            continue
        if not _same_neighbour(claim, ours[0], window, theirs[0]):
            continue
        if singled and not all(
            _PREDICATE.search(text[: m.start()])
            for text, m in ((claim, ours[0]), (window, theirs[0]))
        ):
            continue
        if old == "lost" and re.search(
            r"\b(?:is|are|was|were|be|been|of|and) $", claim[: ours[0].start()]
        ):
            continue
        if old in ("before", "after", "prior to") and _NOT_OPPOSED_AFTER.search(
            window[: theirs[0].start()]
        ):
            continue
        options.append((ours[0], theirs[0], new))
    if not options:
        return []
    ours_at, theirs_at, new = rng.choice(options)
    c2 = claim[: ours_at.start()] + new + claim[ours_at.end() :]
    w2 = window[: theirs_at.start()] + new + window[theirs_at.end() :]
    return square(window, w2, claim, c2, REFUTES)


def _same_neighbour(claim: str, ours: re.Match[str], window: str, theirs: re.Match[str]) -> bool:
    """Whether the next or the last word is the same: the word then speaks of the same thing."""
    after = [re.findall(r"\w+", t[m.end() :])[:2] for t, m in ((claim, ours), (window, theirs))]
    before = [re.findall(r"\w+", t[: m.start()])[-1:] for t, m in ((claim, ours), (window, theirs))]
    return after[0][:1] == after[1][:1] != [] and (before[0] == before[1] or after[0] == after[1])


_NAME = r"(?:[A-Z][\w'’.-]*\w(?: (?:of|de|van|von|the|al|la|le|du|di))?)"
_NAMES = rf"(?:{_NAME}(?: {_NAME}){{0,4}})"
_ASYMMETRIC = {
    "defeated": "defeat", "beat": "beat", "succeeded": "succeed", "replaced": "replace",
    "acquired": "acquire", "killed": "kill", "conquered": "conquer", "overthrew": "overthrow",
    "founded": "found", "purchased": "purchase", "bought": "buy", "preceded": "precede",
    "murdered": "murder", "annexed": "annex", "discovered": "discover", "captured": "capture",
    "arrested": "arrest",
}  # fmt: skip
# These can go both ways: that A attacked B says nothing about whether B attacked A.
_TWO_WAY = {
    "attacked": "attack", "criticised": "criticise", "criticized": "criticize",
    "sued": "sue", "followed": "follow", "visited": "visit", "supported": "support",
    "nominated": "nominate", "rescued": "rescue", "invaded": "invade", "praised": "praise",
}  # fmt: skip
# Nobody would swap the sides of these; they are only turned.
_MAKES = {
    "directed": "direct", "wrote": "write", "produced": "produce", "designed": "design",
    "built": "build", "composed": "compose", "painted": "paint", "published": "publish",
    "released": "release", "developed": "develop", "created": "create", "hosted": "host",
    "recorded": "record", "performed": "perform", "translated": "translate", "opened": "open",
}  # fmt: skip
_ACTIVE = re.compile(
    rf"^(?P<a>(?:The )?{_NAMES}) (?P<v>{'|'.join(_ASYMMETRIC | _TWO_WAY | _MAKES)}) "
    rf"(?P<b>(?:the )?{_NAMES})"
    r"(?P<rest>(?: (?:in|on|at|by|with|to|as|during|after|from|for) [^,;]*)?)\.$"
)
_TURNED = re.compile(
    rf"^(?P<a>(?:The )?{_NAMES}) (?P<be>was|were) (?P<v>\w+) by (?P<b>(?:the )?{_NAMES})"
    r"(?P<rest>(?: (?:in|on|at|during|after|for) [^,;]*)?)\.$"
)
_PARTICIPLE_TO_PAST = {PARTICIPLE.get(base, past): past for past, base in PAST.items()}
_ONE_WAY = frozenset(
    PARTICIPLE.get(base, past) for past, base in _ASYMMETRIC.items()
) | {"beaten"}  # fmt: skip


def role(window: str, claim: str, rng: Random) -> list[Case]:
    """ "A beat B" is "B was beaten by A" and not "B beat A"."""
    m = _ACTIVE.match(claim)
    if m:
        past = m["v"]
        participle = PARTICIPLE.get((_ASYMMETRIC | _TWO_WAY | _MAKES)[past], past)
        a, b, rest = m["a"], m["b"], m["rest"]
    else:
        t = _TURNED.match(claim)
        if t is None or t["v"] not in _PARTICIPLE_TO_PAST:
            return []
        past, participle = _PARTICIPLE_TO_PAST[t["v"]], t["v"]
        a, b, rest = t["b"], t["a"], t["rest"]
    if a.lower() == b.lower() or " by " in rest or _plural_name(b):
        return []
    active = f"{sentence_case(a)} {past} {_lower_the(b)}{rest}."
    passive = f"{sentence_case(b)} was {participle} by {_lower_the(a)}{rest}."
    if past in _TWO_WAY:
        return square(
            active,
            f"{sentence_case(b)} {past} {_lower_the(a)}{rest}.",
            passive,
            f"{sentence_case(a)} was {participle} by {_lower_the(b)}{rest}.",
            NEITHER,
        )
    if participle not in _ONE_WAY:
        # "B directed A" of a film is no claim that anyone would make; only the turning is taught.
        denied = f"{sentence_case(b)} was not {participle} by {_lower_the(a)}{rest}."
        return [
            *square(active, denied, passive, denied, REFUTES),
            (window, active, SUPPORTS),
            (window, passive, SUPPORTS),
            (passive, active, SUPPORTS),
        ]
    swapped = f"{sentence_case(b)} {past} {_lower_the(a)}{rest}."
    turned = f"{sentence_case(a)} was {participle} by {_lower_the(b)}{rest}."
    return [
        *square(active, swapped, passive, turned, REFUTES), (window, active, SUPPORTS),
        (window, passive, SUPPORTS), (window, swapped, REFUTES), (window, turned, REFUTES),
    ]  # fmt: skip


def _plural_name(name: str) -> bool:
    return name.endswith("s") and name.startswith(("the ", "The "))


def _lower_the(name: str) -> str:
    return "the " + name[4:] if name.startswith("The ") else name


_QUANTIFIERS = [
    (re.compile(r"^All (?:of the )?(?=[a-z])"), "all"),
    (re.compile(r"^(?:Most|Many|Several|Some) (?:of the )?(?=[a-z])"), "some"),
    (re.compile(r"^(?:No|None of the) (?=[a-z]+s )"), "no"),
]


def quantifier(window: str, claim: str, rng: Random) -> list[Case]:
    """All, some, most and no of a plural subject, in windows and claims of the same clause."""
    for pattern, _ in _QUANTIFIERS:
        m = pattern.match(claim)
        if m:
            rest = claim[m.end() :]
            break
    else:
        return []
    verb = main_verb("The " + rest)
    if (
        verb is None
        or re.search(r"\b(?:not|never|no)\b", rest)
        or verb.base in ("is", "was", "has")
    ):
        return []
    forms = {q: f"{q} {rest}" for q in ("All", "Some", "Most", "No")}
    a, s, m_, n = (forms[q] for q in ("All", "Some", "Most", "No"))
    return [
        (a, s, SUPPORTS), (a, m_, SUPPORTS), (a, n, REFUTES), (n, a, REFUTES), (n, s, REFUTES),
        (s, n, REFUTES), (m_, s, SUPPORTS), (m_, n, REFUTES), (n, n, SUPPORTS),
        (s, a, NEITHER), (s, m_, NEITHER), (m_, a, NEITHER),
    ]  # fmt: skip
