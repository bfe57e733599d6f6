"""A question, read once for all the passages that are tried against it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from gnomon.text.tokens import is_cjk
from gnomon.truth.entities import named_things
from gnomon.truth.rewrite import Asks, as_claim, asks
from gnomon.truth.terms import Weights, content_terms, without_exact
from gnomon.types import QueryPlan, Slot, SlotKind

# Verbs that say little of what was asked: "How much damage did the storm cause?"
LIGHT = 0.4
_LIGHT = frozenset(
    content_terms("cause bring take make give leave come go use become keep put occur")
)
RELATIVE = re.compile(
    r"\b(?:today|tonight|tomorrow|yesterday|now|currently|nowadays|this (?:week|year|month))\b|"
    r"今天|今晚|明天|昨天|现在|目前|如今",
    re.IGNORECASE,
)


_NOW = re.compile(r"(?:today|tonight|now|this \w+|今[天日晚年]|现在|本[周月])", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Asked:
    """A question, read once for all the passages that are tried against it.

    ``wanted`` are its content terms with their weights, ``focus`` those that belong to no name;
    ``parts`` the pieces of a Chinese question between its function words; ``verb`` the term it
    ends in ("Where was the dog found?"); ``things`` the names that say what they name.
    """

    question: str
    lang: str
    kind: Asks
    wanted: Mapping[str, float]
    focus: Mapping[str, float]
    names: Mapping[str, float]
    parts: Mapping[str, float]
    verb: str
    known: tuple[Slot, ...]
    year: str
    things: tuple[str, ...] = ()

    @property
    def dates(self) -> list[Slot]:
        """The days it names; "today" is when it is asked, not what it is about."""
        return [
            slot
            for slot in self.known
            if slot.kind is SlotKind.DATE and not _NOW.fullmatch(slot.text)
        ]


def read(plan: QueryPlan, weights: Weights) -> Asked:
    """``plan``'s question with the weights of its terms in the store."""
    kind = asks(plan.question)
    target = as_claim(plan.question) if kind is Asks.WHETHER else plan.question
    target = RELATIVE.sub(" ", without_exact(target)) or target
    wanted = weights.of(target) or weights.of(plan.question)
    if kind is not Asks.WHETHER:
        wanted = {t: w * LIGHT if t in _LIGHT else w for t, w in wanted.items()}
    named = {term for name in plan.names for term in content_terms(name)}
    names = {n: max(weights.of(n).values(), default=0.0) for n in plan.names}
    parts = {
        part: max(weights.of(part).values(), default=0.0) for part in _parts(target, plan.names)
    }
    return Asked(
        question=plan.question,
        lang=plan.lang,
        kind=kind,
        wanted=wanted,
        focus={term: weight for term, weight in wanted.items() if term not in named},
        names=names,
        parts=parts,
        verb=_last_verb(target, kind),
        known=plan.slots,
        year=str(datetime.fromtimestamp(plan.where.until or 0.0, UTC).year),
        things=named_things(plan.question, plan.names),
    )


_ASKING_ZH = re.compile(
    r"什么时候|可以|能够|为什么|有没有|是不是|多少|怎么样?|怎样|如何|什么|何时|是否|几点|请问|到底|究竟|目前|现在|现任|如今|一共|[今去明前]年|[今昨明]天|[本上下]月|最近|近期|当前|总共|"
    r"哪(?:一)?(?:里|儿|些|个?(?:国家|城市|地方|时间)|[个位条家天种所座年月支只])?|几(?=[个名人位条家天次元米公岁])|"
    r"[的了是在和与及或也都就而且但这那吗呢吧啊么之其被把从对于为以所个们你我他她它谁何有，、？?！!。\s]"
)


def _parts(question: str, names: Iterable[str]) -> list[str]:
    """What stands between the function words of a Chinese question: its subject and what is asked
    of it. "林先生的电话号码是多少" gives 林先生 and 电话号码."""
    if not is_cjk(question):
        return []
    cut = _ASKING_ZH.sub(" ", question)
    for name in names:
        cut = cut.replace(name, f" {name} ")
    pieces = cut.split()
    return [piece for piece in pieces if len(piece) > 1 and is_cjk(piece)]


_ENDS_IN_VERB = re.compile(
    r"\b(?:did|do|does|is|are|was|were|has|have|had|been|be|will)\b.*?(?<![\w'-])([a-z]+)\s*\??\s*$"
)


def _last_verb(question: str, kind: Asks) -> str:
    """The term that a question ends in, where that is its verb ("Where was the dog found?")."""
    match = _ENDS_IN_VERB.search(question)
    if kind not in (Asks.WHERE, Asks.WHEN, Asks.WHO) or match is None:
        return ""
    found = content_terms(match[1])
    return found[0] if found and found[0] not in _LIGHT else ""
