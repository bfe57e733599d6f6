"""Whether a passage can be about the thing that a question names: it holds the name, or a part of
it, or says it of nothing else.

"When will Lantern Bridge reopen?" is not answered by "Cliff Road will reopen on 23 March", however
alike the words. Only names that say what they name ("... Bridge", 灯笼桥) and persons are held to
this: of others it cannot be told whether one lies within the other.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import SequenceMatcher

from gnomon.text.tokens import is_cjk, normalise
from gnomon.truth import mentions
from gnomon.truth.mentions import Kind, Mention
from gnomon.truth.terms import content_terms, term_set

_KINDS = frozenset(
    "bridge road street avenue lane square park beach airport harbour harbor pier quay station "
    "hospital clinic school college university academy church cathedral mosque temple museum "
    "library theatre theater stadium arena hotel tower hall market mall court prison works mill "
    "factory plant mine dam lighthouse tunnel ferry zoo".split()
)
_KINDS_ZH = re.compile(
    r"(?:大桥|桥|公路|路|街|广场|公园|机场|港|车站|站|医院|诊所|大学|学校|中学|小学|教堂|博物馆|图书馆|体育场|"
    r"酒店|塔|市场|法院|监狱|厂|矿|大坝|隧道|灯塔|动物园|村|镇)$"
)
ALIKE = 0.8
"""How alike two spellings of one name are at least ("Lukla", "Luklah"): the share of their letters
that stand in the same order (Ratcliff and Metzener 1988, as in ``difflib``)."""
_OPENING = re.compile(
    r"^(?:RT\b|MT\b|via\b|[@#]\w+:?|https?:\S+|[^\w]|update:?|breaking:?|the|re)*"
    r"(?:[a-z]\w* (?:of|on|at|to|for) (?:the )?)?$",
    re.IGNORECASE,
)
_PLACED = re.compile(
    r"(?:\b(?:in|at|on|near|from|to|outside|behind|along|by|off|around) (?:the )?|[在到往去])$",
    re.I,
)


def named_things(question: str, names: Iterable[str]) -> tuple[str, ...]:
    """Those of a question's ``names`` that tell what they name: a bridge, a school, a person."""
    kinds = {m.name: m for m in mentions.find(question)}
    return tuple(
        name
        for name in names
        if kind_of(name) or ((m := kinds.get(name)) and _is_person(m) and not is_cjk(name))
    )


def kind_of(name: str) -> str:
    """The noun that a name ends in and that says what it names ("bridge"); "" if it has none."""
    if is_cjk(name):
        found = _KINDS_ZH.search(name)
        return found.group()[-1] if found and found.start() > 0 else ""
    words = normalise(name).split()
    last = words[-1].removesuffix("'s") if words else ""
    return last if len(words) > 1 and last in _KINDS else ""


def held(name: str, around: str) -> bool:
    """Whether ``around`` holds what tells ``name`` from others of its kind, in any spelling."""
    text = normalise(around)
    if normalise(name) in text or _joined(name) in _joined(around):
        return True
    proper = _proper(name)
    if is_cjk(name):
        return not proper or any(
            proper[i : i + 2] in around for i in range(max(1, len(proper) - 1))
        )
    terms = term_set(around)
    wanted = [term for term in content_terms(proper) if len(term) > 2]
    return not wanted or any(
        term in terms or any(_alike(term, other) for other in terms) for term in wanted
    )


def about_another(name: str, sentence: str, around: str, *, asks_where: bool = False) -> bool:
    """Whether ``sentence``, read in ``around``, is about another thing of the kind of ``name``: it
    or its context names one, and ``name`` is not held."""
    if held(name, around):
        return False
    kind, person = kind_of(name), not kind_of(name)
    for text in (sentence, around.removesuffix(sentence)):
        for other in mentions.find(text):
            if person:
                if text is sentence and other.sure and _is_person(other) and _opens(text, other):
                    return True
                continue
            theirs = kind_of(other.name)
            if asks_where and _PLACED.search(text[: other.start]):
                continue
            if theirs == kind:
                return True
            said_here = bool(theirs) and text is sentence and kind not in normalise(around)
            if said_here and _opens(text, other):
                return True
    return False


def silent(name: str, around: str) -> bool:
    """Whether ``around`` has no word of ``name``, not even of its kind ("the bridge")."""
    kind = kind_of(name)
    return not held(name, around) and not (kind and kind in normalise(around))


def _is_person(mention: Mention) -> bool:
    return mention.kind is Kind.PERSON


def _opens(text: str, name: Mention) -> bool:
    before = text[: name.start]
    for title in ("Mr", "Mrs", "Ms", "Dr", *name.roles):
        before = re.sub(rf"\b{title}\.? $", "", before, flags=re.IGNORECASE)
    return bool(_OPENING.match(before)) or (is_cjk(text) and name.start <= 1)


def _proper(name: str) -> str:
    if is_cjk(name):
        return _KINDS_ZH.sub("", name)
    return name.rsplit(" ", 1)[0] if kind_of(name) else name


def _joined(text: str) -> str:
    return re.sub(r"\W+", "", normalise(text))


def _alike(a: str, b: str) -> bool:
    if min(len(a), len(b)) < 5 or a[0] != b[0] or abs(len(a) - len(b)) > 2:
        return False
    return SequenceMatcher(None, a, b).ratio() >= ALIKE
