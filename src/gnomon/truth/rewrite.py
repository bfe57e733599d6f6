"""Step 1: a question becomes a query plan.

Rules always; a chat model, where one is there, adds up to three search texts under a JSON schema.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from gnomon.errors import InputError, ModelError
from gnomon.models.protocols import Chat, Message
from gnomon.text import slots
from gnomon.text.tokens import is_cjk
from gnomon.truth.bilingual import search_form
from gnomon.truth.declarative import as_statement
from gnomon.truth.terms import Weights, content_terms
from gnomon.types import Filter, QueryPlan, SlotKind


class Asks(StrEnum):
    """What kind of thing would answer a question."""

    WHETHER = "whether"  # yes or no: the question holds a claim
    WHO = "who"
    WHEN = "when"
    WHERE = "where"
    COUNT = "count"
    WHY = "why"
    WHAT = "what"


_ASKS_EN: tuple[tuple[Asks, str], ...] = (
    (Asks.COUNT, r"\bhow (?:many|much|long|far|tall|big|large|high|deep|old|fast|often|heavy)\b"),
    (Asks.COUNT, r"\b(?:what|which)(?: was| is| were| are)?(?: the)? (?:\w+ ){0,2}"
                 r"(?:number|total|amount|cost|price|percentage|share|score|budget|length|turnout|"
                 r"damage|loss|losses|toll|estimate|fee|fare|salary|population|distance|speed|height|"
                 r"weight|temperature|age|attendance|capacity|depth|rate)\b"),
    (Asks.WHEN, r"\bwhen\b|\b(?:what|which) (?:time|day|date|year|month)\b|\bhow soon\b"),
    (Asks.WHERE, r"\bwhere\b|\b(?:what|which) (?:place|street|town|city|location)\b"),
    (Asks.WHO, r"\bwho(?:m|se)?\b"),
    (Asks.WHY, r"\bwhy\b|\bwhat (?:caused|is the reason|was the reason|led)\b|\bhow come\b"),
    (Asks.WHAT, r"\bwhat\b|\bwhich\b|\bhow\b"),
)  # fmt: skip
_ASKS_ZH: tuple[tuple[Asks, str], ...] = (
    (Asks.WHETHER, r"吗[？?]?$|是否|有没有|是不是|会不会|能不能"),
    (Asks.WHEN, r"什么时候|何时|几点|哪天|哪一天|几号|几月|什么时间|哪一?年"),
    (
        Asks.COUNT,
        r"多少|几[个名人位条家天次元米公]|多大|多长|多高|多远|多久|多深|第几|占比|比例是|票价|人口|损失|价格|费用",
    ),
    (Asks.WHERE, r"哪里|哪儿|何处|在哪|什么地方|哪个城市"),
    (Asks.WHO, r"谁|哪位|何人|什么人"),
    (Asks.WHY, r"为什么|为何|什么原因|怎么会|原因是"),
    (Asks.WHAT, r"什么|哪|怎么|怎样|如何"),
)
_AUXILIARY = re.compile(
    r"^(?:so |and |but |then |is it true (?:that )?|did|do|does|is|are|was|were|has|have|had|will|"
    r"would|can|could|should|isn't|aren't|wasn't|weren't|didn't|doesn't|won't|hasn't)\b",
    re.IGNORECASE,
)


def asks(question: str) -> Asks:
    """What would answer ``question``."""
    stripped = question.strip()
    if is_cjk(stripped):
        for kind, pattern in _ASKS_ZH:
            if re.search(pattern, stripped):
                return kind
        return Asks.WHAT
    lowered = stripped.lower()
    if _AUXILIARY.match(lowered):
        return Asks.WHETHER
    for kind, pattern in _ASKS_EN:
        if re.search(pattern, lowered):
            return kind
    if lowered.endswith("?") or len(lowered.split()) < 4:
        return Asks.WHAT
    return Asks.WHETHER  # a plain statement: is it so?


_WHETHER_ZH = {"是不是": "是", "有没有": "有", "会不会": "会", "能不能": "能"} | dict.fromkeys(
    ("是否", "请问", "到底", "究竟", "真的"), ""
)


def as_claim(question: str) -> str:
    """A yes-or-no question as the statement whose truth it asks (``declarative``)."""
    text = question.strip().rstrip("?？ 。.")
    if not is_cjk(text):
        return as_statement(text)
    for phrase, plain in _WHETHER_ZH.items():
        text = text.replace(phrase, plain)
    return text.removesuffix("吗").strip()


_DAY = 86400.0
_NEWS = re.compile(r"\b(?:happen\w*|news|latest|new|going on)\b|发生|新闻|消息|大事|动态|最新")


def time_window(question: str, now: float) -> tuple[float | None, float | None]:
    """The window a relative time word asks for, as (since, until), else (None, None).

    Only a question for news opens a window ("What happened yesterday?"): of a fact that was asked
    for ("When does the last ferry leave today?") the newest statement may be weeks old. A named
    date stays a term, because posts about 9 March are also written on the 10th.
    """
    text = question.lower()
    if not _NEWS.search(text) and len(content_terms(text)) > 2:
        return None, None
    midnight = datetime.fromtimestamp(now, UTC).replace(hour=0, minute=0, second=0, microsecond=0)

    def day(offset: int) -> float:
        return (midnight + timedelta(days=offset)).timestamp()

    hours = re.search(r"(?:last|past)\s+(\d{1,3})\s*(?:hours|hrs|h)\b|过去(\d{1,3})小时", text)
    if hours:
        return now - 3600.0 * int(hours.group(1) or hours.group(2)), None
    days = re.search(r"(?:last|past)\s+(\d{1,3})\s*days\b|(?:过去|最近)(\d{1,3})天", text)
    if days:
        return now - _DAY * int(days.group(1) or days.group(2)), None
    if re.search(r"\b(?:today|tonight|this morning)\b|今天|今日|今晚|今早", text):
        return day(0), None
    if re.search(r"\b(?:yesterday|last night)\b|昨天|昨日|昨晚", text):
        return day(-1), None
    if re.search(r"\bthis week\b|本周|这周|这个星期", text):
        return day(-midnight.weekday()), None
    if re.search(r"\b(?:the )?last (?:few days|week)\b|上周|过去一周|最近一周", text):
        return day(-8), None
    return None, None


_SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "properties": {
        "queries": {
            "type": "array",
            "items": {"type": "string", "maxLength": 120},
            "minItems": 1,
            "maxItems": 3,
        }
    },
    "required": ["queries"],
    "additionalProperties": False,
}
_PROMPT = (
    "You turn a question into search queries over news and social posts. Reply with JSON: "
    "up to three short queries of key words, the last one in the other language (English or "
    "Chinese). Keep names and numbers exactly. Do not answer the question."
)


def model_queries(question: str, chat: Chat, timeout_s: float) -> list[str]:
    """Search texts from the model; [] when its reply cannot be used."""
    messages = [Message("system", _PROMPT), Message("user", question)]
    try:
        reply = chat.complete(messages, max_tokens=160, schema=_SCHEMA, timeout_s=timeout_s)
        found = json.loads(reply.text)["queries"]
    except (ModelError, ValueError, KeyError, TypeError):
        return []
    return [text.strip() for text in found if isinstance(text, str) and content_terms(text)][:3]


_GREETING = re.compile(
    r"(?:(?:hello|hi|hey|hiya|good (?:morning|afternoon|evening|day)|greetings|howdy|test|testing|"
    r"ping|are you there|anyone there|gnomon|there|everyone|all)\W*)+|"
    r"(?:[你您]们?好|早上好|上午好|下午好|晚上好|早安?|嗨|哈[喽啰]|喂|在吗|测试|[呀啊吗]|\W)+",
    re.IGNORECASE,
)
_THANKS = re.compile(
    r"(?:(?:ok(?:ay)?|great|good|thanks?(?: you)?(?: (?:so|very) much| a lot)?|thx|ty|cheers|"
    r"much appreciated|perfect|cool)\W*)+|"
    r"(?:好的?|谢谢[你您]?|多谢|感谢|非常感谢|辛苦了|[了啊呀]|\W)+",
    re.IGNORECASE,
)


def courtesy(question: str) -> str:
    """ "greeting" or "thanks", where a message is only that and asks nothing; "" otherwise."""
    text = question.strip()
    if len(text) > 60 or not any(character.isalpha() for character in text):
        return ""
    if _GREETING.fullmatch(text):
        return "greeting"
    return "thanks" if _THANKS.fullmatch(text) else ""


def plan(
    question: str,
    *,
    now: float,
    where: Filter | None = None,
    weights: Weights | None = None,
    chat: Chat | None = None,
    max_chars: int = 4000,
    timeout_s: float = 20.0,
) -> QueryPlan:
    """The plan for ``question`` asked at ``now``. Nothing said after ``now`` is searched.

    ``weights`` know in which forms the store holds the question's words.

    Raises InputError for a question that is empty, too long, or has no word to search for.
    """
    text = " ".join(question.split())
    if not text:
        raise InputError("The question is empty; ask something, like: Did the bridge reopen?")
    if len(text) > max_chars:
        raise InputError(
            f"The question has {len(text):,} characters and the limit is {max_chars:,}; ask a "
            "shorter question, or give a long text as a file (--file)."
        )
    terms = content_terms(text)
    if not terms and not any(character.isalnum() for character in text):
        raise InputError(f"{text[:40]!r} has no word to search for; ask in words.")
    found = slots.find(text, now=now)
    names = tuple(slot.text for slot in found if slot.kind is SlotKind.NAME)
    lang = "zh" if is_cjk(text) else "en"
    kind = asks(text)
    negated = _negate(as_claim(text), lang) if kind is Asks.WHETHER else ""
    forms = weights.forms(text) if weights else [text]
    if names:
        forms.append(" ".join(names))
    if other := search_form(text, lang == "zh"):
        forms.append(other)
    if chat is not None:
        forms.extend(model_queries(text, chat, timeout_s))
    base = where or Filter()
    since, until = time_window(text, now)
    window = replace(
        base,
        since=base.since if base.since is not None else since,
        until=min(base.until if base.until is not None else now, until or now) + 1e-6,
    )
    return QueryPlan(
        question=text,
        forms=tuple(dict.fromkeys(form for form in forms if form.strip())) or (text,),
        lang=lang,
        names=names,
        slots=found,
        negated=negated,
        where=window,
    )


def _negate(claim: str, lang: str) -> str:
    """The denied form, which finds denials and corrections."""
    return f"{claim} 否认 并非 不实" if lang == "zh" else f"{claim} not false denied correction"
