"""What a question is about, by the shape of its words: the thing that "it" would mean after it.

"Where did the meteor fall in Russia?" is about the meteor and not about Russia: a name behind "in",
"at" or "near" says where, and what stands before it is what was asked of. A name behind "of" is
what the question is about ("the gust of Storm Ottoline").
"""

from __future__ import annotations

import re

from gnomon.text.tokens import is_cjk
from gnomon.truth import mentions

LONGEST_SUBJECT = 60
_PLACING = (
    "in|at|near|over|from|off|outside|inside|by|under|above|along|across|around|to|on|beside|"
    "behind|between|through|towards?|into|onto|within|throughout"
)
AUXILIARY = re.compile(
    r"(?:is|are|was|were|did|does|do|has|have|had|will|would|can|could|should)\b", re.IGNORECASE
)
WH_LEAD = re.compile(
    r"^(?:and |but |so )?(?:(?:at |in |on |to |from )?(?:how (?:many|much) (?:[\w-]+ ){0,3}?|"
    r"how \w+ |what (?!is|are|was|were|did|does|do|has|have|had|will|would|can|could)(?:[\w-]+ "
    r"){1,3}?|which (?:[\w-]+ ){1,3}?|who(?:m|se)? |what |when |where |why |how ))"
    r"(?=(?:is|are|was|were|did|does|do|has|have|had|will|would|can|could|should)\b)",
    re.IGNORECASE,
)
PHRASE = re.compile(
    r"\b(?:the|a|an|this|that|our|their|his|her) (?:[\w'’-]+ ){0,2}?[\w'’-]+(?= (?:is|are|was|were|"
    r"will|has|have|had|be|been|going|of|in|on|at|to|for|from|by|with|that|which|who|\w+ed|\w+ing|"
    r"\w+en|open|close|reopen|start|end|begin|leave|cost|happen|take|make|run|go|come)\b|$)",
    re.IGNORECASE,
)
_DOES = re.compile(r"\b(?:did|does|do|will|would|can|could|should)\s+$", re.IGNORECASE)
_VERBS = (
    "fall|hit|strike|crash|collapse|sink|burn|explode|erupt|begin|start|end|open|close|reopen|stop|"
    "leave|arrive|depart|cost|happen|take|make|run|go|come|kill|injure|hurt|damage|destroy|cause|"
    "last|win|lose|say|decide|announce|plan|want|land|pass|move|rise|drop|grow|spread|break|turn|"
    "die|resign|vote|rule|find|get|give|have|be|reach|stand|stay|return|resume|charge|employ|own|"
    "affect|work|sell|buy|build|play|meet|need|know|think|hold|keep|carry|bring|face|free|safe"
)
_MODIFIERS = r"(?:[\w'’-]+ ){0,3}?"
_DETERMINED = re.compile(
    rf"\b(?:the|an?|this|that|these|those|our|their) (?!\w+ of\b){_MODIFIERS}[\w'’-]+?"
    rf"(?= (?:{_PLACING}|{_VERBS}|is|are|was|were|has|have|had|will|\w{{2,}}ed|\w{{2,}}ing)\b|$)",
    re.IGNORECASE,
)
_THERE = re.compile(r"^(?:is|are|was|were|will|has|have)\s+(?:there )(?:be |been )?", re.IGNORECASE)
# "The Lunde Kiln Works fire" is a fire.
EVENT = re.compile(
    r" (?:fire|flood|crash|collision|strike|trial|election|vote|referendum|merger|takeover|storm|"
    r"earthquake|explosion|attack|shooting|protest|march|festival|inquiry|report|scandal|rescue|"
    r"closure|reopening|auction|final|match|budget|plan(?!s? to\b))\b"
)


def subject_of(question: str) -> str:
    """What a question is about: the name it asks of, or else its noun phrase; "" where neither can
    be told. A phrase before "in NAME" wins, with it where they touch ("the earthquake near Napa");
    else the first name: "Does Rosa Lind plan to sell the harbour?" is about her."""
    text = question.strip().rstrip("?？.。! ")
    if is_cjk(text):
        return subject_zh(text)
    named = names_in(text)
    if named:
        if phrase := _placed(text, named[0]):
            return phrase
        event = EVENT.match(text, named[0].end)
        return text[named[0].start : event.end() if event else named[0].end]
    rest = AUXILIARY.sub("", WH_LEAD.sub("", text), count=1).strip()
    found = PHRASE.match(rest) or PHRASE.search(text)
    if found is None or len(found.group()) > LONGEST_SUBJECT:
        return ""
    phrase = found.group().strip()
    if (
        phrase.count(" ") > 1
        and found.end() == len(found.string)
        and _DOES.search(text[: text.rfind(phrase)])
    ):
        phrase = phrase.rsplit(" ", 1)[0]  # "did the festival raise": its verb stands last
    return phrase


def names_in(text: str) -> list[mentions.Mention]:
    """Names that a question gives itself; its first word is capital anyway."""
    return [m for m in mentions.find(text) if m.start > 0 or " " in m.name or is_cjk(text)]


def where_of(text: str, name: mentions.Mention) -> re.Match[str] | None:
    """The preposition of place before ``name``, with its article; None where there is none."""
    return re.search(rf"\b(?P<prep>{_PLACING}) (?:the )?$", text[: name.start], flags=re.IGNORECASE)


def _placed(text: str, name: mentions.Mention) -> str:
    """The noun phrase that ``name`` only places or describes; "" where the name is the subject."""
    where = where_of(text, name)
    if head := _described(text, name):
        return head
    if where is None:
        return ""
    before = text[: where.start()].rstrip()
    phrases = list(_DETERMINED.finditer(f"{before} {where['prep']}"))
    phrases = [p for p in phrases if p.end() <= len(before) and len(p.group()) <= LONGEST_SUBJECT]
    if not phrases:
        return ""
    first = phrases[0]
    phrase, touches = first.group(), first.end() == len(before)
    behind = text[name.end :].strip()
    if touches and not behind and _DOES.search(before[: first.start()]) and phrase.count(" ") > 1:
        # "Where did the meteor fall in Russia": what stands last before the place is the verb.
        phrase, touches = phrase.rsplit(" ", 1)[0], False
    phrase = re.sub(r"^an? ", "the ", phrase, flags=re.IGNORECASE)
    return f"{phrase} {text[where.start() : name.end]}" if touches else phrase


def _described(text: str, name: mentions.Mention) -> str:
    """ "The Germanwings plane": a name with its article that tells which of a kind; else ""."""
    before = re.search(
        rf"\b(?:the|an?) (?:(?!(?:{_PLACING}|of|for)\b)[a-z][\w-]* ){{0,2}}$", text[: name.start]
    )
    head = re.match(r" [a-z][\w-]+(?: [a-z][\w-]+)??(?= |$)", text[name.end :])
    if not before or not head or _NO_NOUN.fullmatch(head.group().strip()):
        return ""
    return f"the {text[name.start : name.end]}{head.group()}"


_NO_NOUN = re.compile(
    rf"(?:{_PLACING}|{_VERBS}|of|and|or|\w+ed|\w+ing|{AUXILIARY.pattern})", re.IGNORECASE
)


# ------------------------------------------------------------------------------- Chinese

QUESTION_ZH = re.compile(
    r"为什么|为何|什么时候|何时|什么|有?多(?=[强高大长远深快重厚宽])|多少|多久|多大|几[个名人天点月年]?|谁|"
    r"哪[里儿个些]?|怎[么样]+|如何|"
    r"是否|有没有|会不会|是不是|能不能|吗|呢|会|将|已经?|被|了"
)
_TRAILING_ZH = re.compile(
    r"(?:的?(?:损失|费用|票价|人数|人口|学费|价格|时间)|[的是在有]|造成|导致|引起|发生|落|坠落|坠毁|"
    r"(?:停止|开始|恢复)[一-龥]{0,3}|一共|总共|目前|现在|最近|究竟|到底)+$"
)


def subject_zh(text: str) -> str:
    """What stands before the first question word: "医院急诊科会关闭吗" is about 医院急诊科."""
    found = QUESTION_ZH.search(text)
    head = text[: found.start()] if found else text
    head = re.sub(r"^(?:请问|那么|那|但是|但)", "", head)
    head = _TRAILING_ZH.sub("", head)
    return head if 2 <= len(head) <= 20 else ""
