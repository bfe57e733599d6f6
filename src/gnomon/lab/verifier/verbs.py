"""English main verbs for rules that must change a clause: negate it, plan it, ask it, turn it.

No parser: only clauses whose subject and verb can be told by their words are changed, and the rest
are left alone. A rule that may err here makes a wrong label, so it refuses when in doubt.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

# base past participle
_IRREGULAR = """
be was been; beat beat beaten; become became become; begin began begun; break broke broken
bring brought brought
build built built; buy bought bought; catch caught caught; choose chose chosen; come came come
draw drew drawn; drive drove driven; fall fell fallen; fight fought fought; find found found
fly flew flown; forbid forbade forbidden; forget forgot forgotten; get got got; give gave given
go went gone; grow grew grown; hear heard heard; hold held held; keep kept kept; know knew known
leave left left; lose lost lost; make made made; meet met met; pay paid paid; ride rode ridden
rise rose risen; run ran run; say said said; see saw seen; seek sought sought; sell sold sold
send sent sent; sing sang sung; sink sank sunk; speak spoke spoken; spend spent spent
stand stood stood; steal stole stolen; swim swam swum; take took taken; teach taught taught
tell told told; think thought thought; throw threw thrown; wear wore worn; win won won
write wrote written; withdraw withdrew withdrawn; undergo underwent undergone
overthrow overthrew overthrown; lead led led; strike struck struck; shoot shot shot
"""
_REGULAR = """
abandon abolish accept accompany accuse achieve acquire adopt allow announce annex appeal appear
apply appoint approve arrange arrest arrive ask assassinate assist attack attempt attend attract
ban capture carry celebrate change claim close collaborate collapse collect command commission
compete complete compose conclude conduct confirm conquer consist construct contribute convert
cover create cross criticise criticize debut declare decline decrease defeat defend deliver demand
demolish deny depart deploy describe design destroy develop die direct discover dismiss dissolve
divide donate earn edit elect emerge employ enact encounter end engage enjoy enlist enter escape
establish evacuate exhibit expand explore express face fail feature file finish follow force form
found fund gain graduate guide happen help host ignore import improve include increase inherit
injure inspire install intend introduce invade invent invest investigate invite involve issue join
kill lack land last launch like live locate maintain manage marry merge move murder name need
nominate obtain occur occupy offer open oppose order organise organize orbit own paint participate
pass perform persuade plan play postpone practise practice predict premiere present preserve
prevent produce promise promote propose protect protest provide publish punish purchase raise
reach rebuild receive record recover recruit reduce refuse reject release remain remove renovate
reopen replace report represent require rescue resign restore retain retire return review reveal
rule sail score secure serve settle share sign star start stay stop study succeed suffer suggest
support surrender survive suspend tour train transfer translate travel treat try turn unveil use
visit vote want warn work worship
"""
_AMBIGUOUS = frozenset("found like last need practice plan star will report rule tour".split())
_AUXILIARIES = (
    "is are was were has have had will would can could may might must should did does do".split()
)
_BARE_MODALS = frozenset("will would can could may might must should".split())


def _doubles(base: str) -> bool:
    return base in {"ban", "stop", "plan", "star", "transfer"}


def _regular_past(base: str) -> str:
    if base.endswith("e"):
        return base + "d"
    if base.endswith("y") and base[-2] not in "aeiou":
        return base[:-1] + "ied"
    return base + (base[-1] if _doubles(base) else "") + "ed"


def third_person(base: str) -> str:
    """The present tense after he, she or it: "carries", "teaches"."""
    if base.endswith("y") and base[-2] not in "aeiou":
        return base[:-1] + "ies"
    if base == "go" or base.endswith(("s", "sh", "ch", "x", "z")):
        return base + "es"
    return base + "s"


_NOUNS = """
plays works uses reports plans stars rules tours lasts likes needs names features attacks attempts
demands offers visits ends starts stops shares votes treats turns records releases forces forms
covers hosts launches lands promises protests purchases runs leads draws holds falls rises moves
claims changes designs travels opens closes finishes crosses appeals supports signs scores murders
trains transfers returns reviews stays studies commissions commands captures catches bans buys
faces finds fights flies funds gains guides helps increases decreases declines issues lives matches
orders passes pays performs premieres presents raises recruits rescues rides sails sings stands
strikes wins bears kills bases wears debuts drives stamps shoots locates practices practises
exhibits estimates debates sinks swims
"""


def _tables() -> tuple[dict[str, str], dict[str, str], dict[str, str], frozenset[str]]:
    past: dict[str, str] = {}
    present: dict[str, str] = {}
    participle: dict[str, str] = {}
    for row in re.split(r"[;\n]", _IRREGULAR):
        if row.strip():
            base, was, been = row.split()
            past[was], present[third_person(base)], participle[base] = base, base, been
    for base in _REGULAR.split():
        was = "rebuilt" if base == "rebuild" else _regular_past(base)
        past[was], participle[base] = base, was
        present[third_person(base)] = base
    del past["was"], present["bes"]
    # "found" is a past of "find" far more often than a present of "found"; plural nouns are no
    # verbs we can be sure of.
    for noun in _NOUNS.split():
        present.pop(noun, None)
    return past, present, participle, frozenset(participle.values()) | {"been", "had", "done"}


PAST, PRESENT, PARTICIPLE, PARTICIPLES = _tables()

_SUBJECT_STOPS = re.compile(
    r"[,;:()\"“”]|\b(?:who|which|that|whose|where|when|while|if|because|although|but|or|as|than)\b"
)
_QUANTIFIED = re.compile(
    r"^(?:all|some|many|most|every|each|no|few|neither|none|nobody|nothing|several|both|only|not|"
    r"there|here|what|this is|it was|it is|any|never|one|either|half|much|more|less|fewer|such)\b",
    re.IGNORECASE,
)
# A clause that opens with where or when may have its subject behind its verb.
_PREPOSED = re.compile(
    r"^(?:In|On|At|Near|During|From|Under|Over|Above|Below|Beyond|Among|Between|Behind|Along|With|"
    r"By|After|Before|Since|For|As|At least|Until|About|Nearby|Within|Despite|Through|Of|To|"
    r"Based|Following|According|Due) "
)
_WORD = re.compile(r"[A-Za-z][\w'’.-]*")
_FINITE_LATER = re.compile(r"\b(?:is|are|was|were|has|have|had|will|would|can|could)\b")
_PARTICIPIAL = re.compile(r"\s+(?:in \d{4} )?(?:by|as an?)\b")


@dataclass(frozen=True, slots=True)
class Verb:
    """The finite verb of a simple clause: where it stands, its base form and its kind."""

    start: int
    end: int
    base: str
    kind: str
    """ "aux" (takes "not" itself), "past" or "present" (take "did not", "does not")."""


def main_verb(sentence: str) -> Verb | None:
    """The finite verb of ``sentence`` where its subject is plain (no comma, clause or quantifier)
    and the verb is one that is known; else None."""
    if _QUANTIFIED.match(sentence) or _PREPOSED.match(sentence):
        return None
    words = list(_WORD.finditer(sentence))
    for i, word in enumerate(words[:11]):
        text = word.group()
        if _SUBJECT_STOPS.search(sentence[: word.start()]):
            return None
        if i == 0 or not text[0].islower():
            continue
        following = words[i + 1].group() if i + 1 < len(words) else ""
        verb = _finite(text, word, following)
        if verb is None:
            continue
        if verb.kind == "past" and _reduced(sentence, verb):
            return None
        return verb
    return None


def _finite(text: str, word: re.Match[str], following: str) -> Verb | None:
    if text in _AUXILIARIES:
        if text in ("has", "have", "had") and not _participle_like(following):
            kind = {"has": "present", "had": "past"}.get(text)
            return Verb(word.start(), word.end(), "have", kind) if kind else None
        return Verb(word.start(), word.end(), text, "aux")
    if text in PAST:
        return Verb(word.start(), word.end(), PAST[text], "past")
    if text in PRESENT:
        return Verb(word.start(), word.end(), PRESENT[text], "present")
    return None


def _participle_like(word: str) -> bool:
    return word in PARTICIPLES or word.endswith("ed") or word in ("not", "never", "also", "since")


def _reduced(sentence: str, verb: Verb) -> bool:
    """Whether a past form may be a participle that hangs on the subject ("the album released in
    1998 was ...")."""
    rest = sentence[verb.end :]
    if PARTICIPLE.get(verb.base) != sentence[verb.start : verb.end]:
        return False
    if _PARTICIPIAL.match(rest):
        return True
    later = _FINITE_LATER.search(rest)
    return later is not None and not re.search(
        r"[,;]|\b(?:and|but|who|which|that|when|while|where|after|before|as|because|until)\b",
        rest[: later.start()],
    )


def negated(sentence: str) -> str | None:
    """``sentence`` with its main verb denied ("was not", "did not win"), or None."""
    if re.search(
        r"\b(?:not|never|no|none|nor|neither|only|also|even|still|already|any|nobody|nothing|rather"
        r"|because|until|unless|since|although|though|while|whereas|but|if|when|after|before|so"
        r"|without|too|just|yet|hardly|barely|few|little|who|which|whose|where|alone|failed"
        r"|refused|denied|ever|both|either|either|despite|thus|however|possibly|perhaps|probably"
        r"|may|might|must|should|would|sometimes|often|usually)\b|n['’]t\b|[;:]| [–—-] |--",
        sentence,
        re.IGNORECASE,
    ):
        return None
    verb = main_verb(sentence)
    if verb is None:
        return None
    head, tail = sentence[: verb.start], sentence[verb.end :]
    # "did not arrive and opened" would deny only the first of two.
    if re.search(
        r"\band (?:\w+ly )?(?:\w+ed|" + "|".join(PAST) + r"|was|is|were|are|had|has)\b", tail
    ):
        return None
    if verb.kind == "aux":
        return f"{sentence[: verb.end]} not{tail}"
    helper = "did not" if verb.kind == "past" else "does not"
    return f"{head}{helper} {verb.base}{tail}"


def with_infinitive(sentence: str, before: str, *, past_only: bool = True) -> str | None:
    """``sentence`` with its past verb put behind ``before`` ("failed to", "plans to"), or None."""
    verb = main_verb(sentence)
    if verb is None or verb.kind == "aux" or (past_only and verb.kind != "past"):
        return None
    if re.search(r"\band (?:\w+ed|" + "|".join(PAST) + r"|was|is)\b", sentence[verb.end :]):
        return None
    return f"{sentence[: verb.start]}{before} {verb.base}{sentence[verb.end :]}"


def with_participle(sentence: str, before: str) -> str | None:
    """``sentence`` with its past verb as participle behind ``before`` ("may have"), or None."""
    verb = main_verb(sentence)
    if verb is None or verb.kind != "past":
        return None
    form = "had" if verb.base == "have" else PARTICIPLE.get(verb.base)
    if form is None:
        return None
    return f"{sentence[: verb.start]}{before} {form}{sentence[verb.end :]}"


_LOWER_FIRST = frozenset(
    "the a an in on at by from for with after before during its his her their this that these "
    "those it he she they we there since until between over under about most many some two three "
    "four five six seven eight nine ten several both all each every one another as when while "
    "although because if however also then here where what who which under within among despite "
    "following initially originally today currently early late later officials police residents "
    "construction people students members".split()
)


def inside(sentence: str) -> str:
    """``sentence`` as it stands inside another: its first word small unless a name, no stop."""
    body = sentence.strip().rstrip(".!").strip()
    first, _, rest = body.partition(" ")
    # "A Good Day", "One Dance": a title, while "The United States" is said with a small "the".
    if first.lower() in _LOWER_FIRST and (first == "The" or not rest[:1].isupper()):
        return body[:1].lower() + body[1:]
    return body


def sentence_case(text: str) -> str:
    """The first letter large."""
    return text[:1].upper() + text[1:]
