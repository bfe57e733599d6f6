"""What a claim compares, and whether a sentence compares alike: "the largest", "too much"."""

from __future__ import annotations

import re

COMPARES = re.compile(
    r"\b(?:than (?:any|all|every|ever)|ever|record|(?<!at )(?:most|least|best|worst|"
    r"(?:bigg|larg|great|high|low|long|short|old|young|fast|slow|small|strong|weak|hott|cold|warm|rich|poor|deep|tall|wid|heavi|"
    r"few|busi|bus|earli|lat)est))\b|最|史上|历来|创(?:下)?(?:新)?纪录|第一次|首次",
    re.IGNORECASE,
)
# That there is too much of a thing is not said by who measures it.
TOO_MUCH = re.compile(
    r"\btoo (?:much|many|little|few|\w{3,})\b|\b(?:over|above|beyond) the (?:\w+ )?limits?\b|"
    r"\bexcess(?:ive)?\b|太[多少高低大小]|过[高多量低少]|超标",
    re.IGNORECASE,
)
EXCEEDS = re.compile(
    r"\b(?:too|times|over|above|beyond|high(?:er)?|low(?:er)?|unsafe|dangerous\w*|insufficient\w*|"
    r"exceed\w*|excess\w*|surpass\w*|breach\w*|short(?:age|fall)?|lack\w*|enough)\b|"
    r"太|超|过[高多量低少]|不足|倍",
    re.IGNORECASE,
)
# That there is not is said by who finds it within its limit, or harmless.
_WITHIN = re.compile(
    r"\b(?:meets?|met|within|below|under|beneath|compl(?:y|ies) with) (?:the |all |its |every )?"
    r"(?:\w+ ){0,2}(?:limit|standard|norm|guideline|threshold|requirement)s?\b|"
    r"\bsafe to (?:drink|eat|swim|use|breathe)\b|"
    r"(?<!不)符合.{0,6}标准|[未没](?:有)?超标|低于.{0,8}(?:限值|标准|上限)|(?<!不)达标|可以?放心(?:饮用|食用|喝|吃)",
    re.IGNORECASE,
)
_NOT_SO = re.compile(r"(?:\b(?:not|never|no longer|nor|if)\b|n['’]t\b)[^.;]{0,24}$|[不没未]$", re.I)
NOT_FIRST = re.compile(
    r"\b(?:second|third|fourth|fifth|\d+th|\d*2nd|\d*3rd|one of the) "
    r"(?:most|least|best|worst|\w{3,}est)\b|"
    r"\b(?:second|third|fourth|fifth) (?:time|year|in a row)\b|第[二三四五六七八九十]|之一",
    re.IGNORECASE,
)


def same_comparison(claim: str, sentence: str) -> bool:
    """Whether a sentence that is to support a superlative has one, and not a lower place."""
    if NOT_FIRST.search(sentence) and not NOT_FIRST.search(claim):
        return False
    return bool(COMPARES.search(sentence))


def within_limits(claim: str, sentence: str) -> str:
    """The words by which the sentence finds within its limits what the claim says there is too much
    or too little of; "" where it does not, or denies that it is."""
    found = _WITHIN.search(sentence) if TOO_MUCH.search(claim) else None
    if found is None or _NOT_SO.search(sentence[: found.start()]) or _WITHIN.search(claim):
        return ""
    return found.group()
