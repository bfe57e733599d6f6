"""Whether a text affirms, denies, doubts or plans, and who is said to have said it: by cue words.

Rules, not a parser: they are right on plain reporting language and are used as brakes (a differing
polarity forbids merging and marks a pair for the verifier), never as proof.
"""

from __future__ import annotations

import re

_NEGATION = re.compile(
    r"\b(?:not|never|nobody|nothing|nowhere|neither|nor|none|without|cannot|no one|hardly|barely"
    r"|scarcely|no longer|no(?= [a-z])|untrue|false(?:ly|hood)?|fake[ds]?|hoax(?:es)?|bogus"
    r"|debunk\w*"
    r"|refut\w+|den(?:y|ies|ied|ying|ials?)|disprov\w+|dismiss(?:ed|es)|reject(?:s|ed|ing)?"
    r"|fail(?:s|ed)? to|unlikely|myth|fabricated|misinformation|disinformation|baseless|unfounded"
    r"|incorrect|inaccurate|wrong(?:ly)?|contrary to|refus(?:e|es|ed|ing)|lacks?|lacked"
    r"|rumou?rs? (?:is|are|was))\b"
    r"|\b\w+n['’]t\b|\b(?:ain|can|don|doesn|didn|isn|wasn|aren|weren|won|wouldn|couldn|shouldn|hasn|haven|hadn)t\b",
    re.IGNORECASE,
)
# 不 and 没 inside these negate nothing.
_CJK_NEGATION = re.compile(
    r"并非|并不|并没有|并未|没有|沒有|不是|不会|不會|不再|不曾|从不|从未|從未|未曾|未能|尚未|否认|否認|否定|驳斥|辟谣|闢謠|谣言"
    r"|謠言|谣传|不实|不實|虚假|假新闻|假消息|假的|造假|伪造|子虚乌有|误传|无关|非真|毫无|无人|绝无|拒绝|未(?=[一-龥])"
    r"|不(?!过|但|仅|僅|只|少|久|断|斷|同|论|管|禁|得不|错|錯|妨|料|幸|止|满|安|良|动产|锈|足|到\d|超过|低于|如|知道|然|乏|约而同|由|惜|遗余力)"
    r"|没(?!收|落|有)|沒(?!收|落|有)|无(?=罪|法|效|恙|伤亡|一)|勿|莫(?=要|信)|別(?=信)|别(?=信|传)"
)
# Idioms that look negative and are not, or negate themselves.
_POSITIVE = re.compile(
    r"\bnot only\b|\bno doubt\b|\bnot just\b|\bnot merely\b|\bno less than\b|\bno fewer than\b"
    r"|\bno sooner\b|\bno\. ?\d|\bno matter\b|\bwithout (?:a )?doubt\b|\bnot to mention\b"
    r"|\bwhy not\b"
    r"|\bcan(?:no|['’])t wait\b|\bno problem\b|\bno wonder\b|\bnothing but\b"
    r"|不得不|不能不|无不|不仅|不但|不只|不无|毫不犹豫|不断|不少于",
    re.IGNORECASE,
)
# Two negations in one breath that cancel: "did not deny", "not false", "isn't untrue", 没有否认
_DOUBLE = re.compile(
    r"\b(?:not|never|\w+n['’]t|cannot|no one|nobody|neither) (?:\w+ ){0,2}?(?:den(?:y|ies|ied)"
    r"|false|untrue"
    r"|fake|a hoax|hoax|wrong|incorrect|refut\w+|reject\w*|dismiss\w*|refus\w+|fail(?:s|ed)? to"
    r"|without|unlikely|a myth"
    r"|a rumou?r)\b"
    r"|\b(?:den(?:y|ies|ied)|refut\w+) (?:\w+ ){0,3}?(?:false|fake|untrue|not)\b"
    r"|(?:没有|并未|不|未|并没有)(?:否认|拒绝|造假|辟谣)|(?:不是|并非)(?:谣言|假的|虚假|假新闻|假消息|不)",
    re.IGNORECASE,
)


def negations(text: str) -> int:
    """How many negations are left once those that cancel each other are taken away."""
    text = _DOUBLE.sub(" ", _POSITIVE.sub(" ", text))
    return len(_NEGATION.findall(text)) + len(_CJK_NEGATION.findall(text))


def negation_cues(text: str) -> list[tuple[int, int]]:
    """Spans of the negating words that ``negations`` counts, in order."""

    def blank(match: re.Match[str]) -> str:
        return " " * len(match.group())

    masked = _DOUBLE.sub(blank, _POSITIVE.sub(blank, text))
    found = [m.span() for p in (_NEGATION, _CJK_NEGATION) for m in p.finditer(masked)]
    return sorted(found)


_DENIED = re.compile(
    r"\b(?:den(?:y|ies|ied|ying)|debunk\w*|refut(?:es|ed)|disprov\w+|hoax|untrue|fake news"
    r"|(?:is|are|was|were) (?:completely |totally |entirely )?(?:false|fake)|no truth|not true"
    r"|no evidence (?:that|of|for)|false (?:claims?|rumou?rs?|reports?)|rejected (?:claims?"
    r"|reports?))\b"
    r"|否认|否認|辟谣|闢謠|谣言|謠言|不实|不實|假消息|假新闻|假的|子虚乌有|并非事实|误传",
    re.IGNORECASE,
)
_HEDGED = re.compile(
    r"\b(?:may(?= [a-z])|might|could|possibl[ye]|perhaps|maybe|reportedly|allegedly|apparently"
    r"|supposedly|presumably|probably|likely|unconfirmed|rumou?r(?:s|ed)?|alleged|suspected"
    r"|(?<!not )(?<!n['’]t )(?:seems?|appears?)"
    r"|it is (?:believed|thought|feared)|is said to|are said to|hearing that|not yet confirmed"
    r"|unverified)\b"
    r"|可能|或许|也许|或将|疑似|据传|传言|听说|据说|网传|涉嫌|恐怕|恐怕|大概|似乎|未经证实|尚未证实|有消息称",
    re.IGNORECASE,
)
_PLANNED = re.compile(
    r"\b(?:will(?! (?:smith|of))|shall|going to|plans? to|planned to|planning to|intends? to"
    r"|aims? to"
    r"|is to|are to|expected to|scheduled (?:to|for)|proposes? to|set to|due to (?:open|start"
    r"|begin)|would|'ll"
    r"|aiming to|hopes? to|promis(?:es|ed) to|vow(?:s|ed) to|pledg(?:es|ed) to)\b"
    r"|(?:计划|打算|拟|预计|预定|准备|即将|将要|将于|将会|有望|争取|承诺)|将(?=[在对把建设开启举实推修])"
    r"|(?<![协大委工学晚社机峰年总都才就开商])会(?=[在于为将被把对向给再推举发开取降涨停])",
    re.IGNORECASE,
)


def modality(text: str) -> str:
    """ "asserted", "hedged" (may, reportedly), "planned" (will, plans to) or "denied"."""
    plain = _POSITIVE.sub(" ", text)
    if _DENIED.search(_DOUBLE.sub(" ", plain)):
        return "denied"
    if _HEDGED.search(plain):
        return "hedged"
    if _PLANNED.search(plain):
        return "planned"
    return "asserted"


# What is told beside a plan is no plan: "will name the officer / who shot a boy".
_TOLD_BESIDE = re.compile(r"\b(?:who|whom|whose|which|because)\b", re.IGNORECASE)


def told_beside(text: str) -> str:
    """What an English text says as so beside what it only plans or supposes: what stands behind
    "who" or "because" after the last such word; "" where it has none, or denies."""
    cues = [m for p in (_HEDGED, _PLANNED) for m in p.finditer(text)]
    if not cues or _DENIED.search(text):
        return ""
    end = max(m.end() for m in cues)
    beside = _TOLD_BESIDE.search(text, end)
    return text[beside.end() :].strip() if beside else ""


_SAY = (
    r"(?:said|says|say|told|tells|reports?|reported|claims?|claimed|states?|stated|announced|announces"
    r"|confirmed|confirms|tweeted|wrote|writes|added|adds|argued|argues|warned|warns|insisted|insists"
    r"|denied|denies|explained|explains|noted|notes|alleged|alleges|admitted|posted|declared)"
)
_N = r"(?:[A-Z][\w.'’-]*|[A-Z]+)"
_OFFICES = (
    "police|mayor|officials?|spokes\\w+|government|ministry|witness(?:es)?|doctors?|scientists?"
    "|researchers?|company|authorities|hospital|council|president|minister"
)
_NAME = (
    rf"(?:@\w+|(?:(?:the|The) )?{_N}(?: (?:of |for |the |de |van |von )?{_N}){{0,4}}"
    rf"|(?:[Tt]he |[Aa] |[Ll]ocal |[Ss]tate )?[a-z]*(?:{_OFFICES}))"
)
_SPEAKERS = (
    re.compile(rf"\b[Aa]ccording to (?P<who>{_NAME})"),
    re.compile(
        rf"(?:^|[.!?”\"',;:]\s*|\n)(?P<who>{_NAME})(?:,[^,.]{{2,60}},)? "
        rf"(?:has |have |had |also |later )?{_SAY}\b"
    ),
    re.compile(rf"[,”\"'’]\s*{_SAY} (?P<who>{_NAME})"),
    re.compile(rf"[,”\"'’]\s*(?P<who>{_NAME}) {_SAY}\b"),
    re.compile(rf"\b(?P<who>{_NAME}) {_SAY}(?: that|:|,? [\"“])"),
    re.compile(r"\bvia (?P<who>@\w+)"),
    re.compile(r"(?:据|根据)(?P<who>[^，。、；：“”\s]{2,14}?)(?:的)?(?:报道|消息|介绍|通报|透露|统计|数据|公告|声明|称)"),
    re.compile(r"(?:^|[，。；！？”\s】])(?P<who>[^，。、；：“”\s【】]{2,12}?)(?:今日|昨日|今天|昨天)?(?:表示|宣布|指出|称(?![为号])|介绍说|透露|通报|报道称?|认为|强调|回应|说|否认)"),
)  # fmt: skip
_NOT_SPEAKERS = frozenset(
    "he she they it we i you this that who which there what the a he's she's and but so 他 她 "
    "他们 我 我们 "
    "你 你们 有人 大家 但是 而且 所以 就是 也 还 可以 应该 如果".split()
)


def speaker(text: str) -> str:
    """Who is said to have said it ("according to X", "X said", 据X报道), as written; "" if nobody.

    Only the first reporting phrase counts, and pronouns do not.
    """
    best: tuple[int, str] | None = None
    for pattern in _SPEAKERS:
        m = pattern.search(text)
        if m is None or (best is not None and m.start("who") >= best[0]):
            continue
        who = re.sub(r"^(?:据|根据)|(?:今日|昨日|今天|昨天)$", "", m["who"])
        if who.lower() not in _NOT_SPEAKERS:
            best = (m.start("who"), who)
    return best[1].strip(" .,'’") if best else ""


_QUESTION = re.compile(
    r"[?？]\s*[\"'”’)\]»]*\s*$"
    r"|^(?:who|what|when|where|why|how|which|whose|is|are|was|were|do|does|did|can|could|will|would"
    r"|should|has|have|had)\b(?!.*[.!]\s*$).*$"
    r"|[吗嗎么呢](?:\s|$)|^(?:谁|什么|为什么|怎么|哪|是否|何时|多少|几)",
    re.IGNORECASE | re.DOTALL,
)
_OPINION = re.compile(
    r"\b(?:i (?:really |just |do |don['’]t |personally )?(?:think|believe|feel|guess|love|hate"
    r"|like|wish|hope|prefer"
    r"|want|suppose|doubt)|in my (?:opinion|view)|imo|imho|should(?:n['’]t)?|ought to|must|best"
    r"|worst|beautiful"
    r"|ugly|awesome|amazing|terrible|horrible|disgusting|ridiculous|stupid|great|awful|lovely|shame|pathetic"
    r"|wonderful|boring|overrated|underrated|hopefully|favou?rite|better than|worse than|sad"
    r"|wow|lol)\b"
    r"|我(?:觉得|认为|希望|想|喜欢|讨厌|爱|猜)|个人认为|应该|太(?:好|棒|美|差|可怕|过分)|真(?:好|棒|美|是)|最(?:好|差|棒)|希望|可惜"
    r"|讨厌|恶心|加油",
    re.IGNORECASE,
)


def is_question(text: str) -> bool:
    """Whether the text asks (by its mark, or by its first word where it has no mark at all)."""
    return bool(_QUESTION.search(text.strip()))


# "the Boring Company": a name of several words, which judges nobody.
_NAME_OF_WORDS = re.compile(r"(?<![.!?] )(?<!^)\b[A-Z][a-z]+(?: (?:of |the )?[A-Z][a-z]+)+")


def is_opinion(text: str) -> bool:
    """Whether the text judges or wishes rather than states: rough, by cue words; a text with an
    exact number or a named speaker is taken as a statement."""
    named = _NAME_OF_WORDS.sub(" ", text)
    shouted = not any(word.islower() for word in named.split())
    return (
        bool(_OPINION.search(text if shouted else named))
        and not re.search(r"\d", text)
        and not speaker(text)
    )
