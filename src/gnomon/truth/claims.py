"""Step 4: what a text claims, one checkable statement at a time."""

from __future__ import annotations

import re

from gnomon.text import polarity, slots
from gnomon.text.sentences import split
from gnomon.text.tokens import is_cjk, words
from gnomon.text.verbs import has_verb
from gnomon.types import Claim

# A conjunction starts a claim of its own only when a subject follows it; "bread and butter" stays.
_JOINT_EN = re.compile(
    r"(?:;|,? (?:and|but|while|whereas))\s+(?=(?:the|a|an|it|he|she|they|we|its|his|her|their|"
    r"that|this|there|no|\d|[A-Z])\b[\w'’-]*(?:\s+[\w'’.-]+){3,})",
)
_JOINT_ZH = re.compile(r"[；;]|，(?=(?:而|但|同时|并且|不过|然而|另外|此外))")
_MIN_WORDS = 4


def claims_of(text: str, *, said_at: float | None = None) -> tuple[Claim, ...]:
    """The claims of ``text`` in order; ``text[claim.start:claim.end] == claim.text``.

    Relative dates in the slots are resolved against ``said_at``. What is not to be checked
    (``unchecked`` says why) is returned with ``checkable=False``.
    """
    out = []
    for start, end in split(text):
        for a, b in clause_spans(text[start:end]):
            out.append(claim_at(text, start + a, start + b, said_at=said_at))
    return tuple(out)


def claim_at(text: str, start: int, end: int, *, said_at: float | None = None) -> Claim:
    """The span of ``text`` as one claim."""
    words_ = text[start:end]
    return Claim(
        text=words_,
        start=start,
        end=end,
        slots=slots.find(words_, now=said_at),
        lang="zh" if is_cjk(words_) else "en",
        speaker=polarity.speaker(words_),
        modality=polarity.modality(words_),
        checkable=not unchecked(words_),
    )


def clause_spans(sentence: str) -> list[tuple[int, int]]:
    """Spans of the sentence's independent statements; the whole when it cannot be divided.

    In English each must have a verb of its own: "The mayor of Nice and President Hollande" are two
    people of one statement.
    """
    chinese = is_cjk(sentence)
    joint = _JOINT_ZH if chinese else _JOINT_EN
    if polarity.is_question(sentence) or re.search(r"[\"“”「『]", sentence):
        return [(0, len(sentence))]
    cuts = [0]
    ends = []
    for match in joint.finditer(sentence):
        left, right = sentence[cuts[-1] : match.start()], sentence[match.end() :]
        if min(len(words(left)), len(words(right))) < _MIN_WORDS:
            continue
        if chinese or (_states(left, right) and not _depends(left)):
            ends.append(match.start())
            cuts.append(match.end())
    ends.append(len(sentence))
    return list(zip(cuts, ends, strict=True))


_SUBORDINATE = re.compile(
    r"\b(?:when|where|which|who|whom|whose|that|since|after|before|while|as|if|because|although|"
    r"though|until|unless|whether|to)\b",
    re.IGNORECASE,
)


def _states(left: str, right: str) -> bool:
    """Whether both halves of a joint have a verb before anything hangs on them: "avoid the line and
    the area, where there is a cordon" is one statement, and so is "when two women and the driver
    died"."""
    inner = list(_SUBORDINATE.finditer(left))
    tail = left[inner[-1].end() :] if inner else left
    hanging = _SUBORDINATE.search(right)
    return has_verb(tail) and has_verb(right[: hanging.start()] if hanging else right)


# "If the bridge closes and the ferry stops, ...": neither half is said by itself. Nor is what
# somebody said after "that": the second half is theirs, too.
_DEPENDENT = re.compile(
    r"^\W*(?:if|when|while|whenever|unless|although|though|because|since|once|after|before|as)\b"
    r"|\b(?:between|both|either|neither)\b[^,;]*$",
    re.IGNORECASE,
)


def _depends(left: str) -> bool:
    return bool(_DEPENDENT.search(left))


# ------------------------------------------------------------------- what is not to be checked

_VERBS = (
    "add|ask|avoid|build|buy|call|change|check|choose|click|compare|consider|contact|copy|create|"
    "delete|disregard|do|download|edit|enable|enter|find|follow|forget|get|give|go|ignore|imagine|"
    "include|insert|install|join|keep|learn|leave|let|listen|look|make|move|note|open|output|pick|"
    "play|press|print|put|read|register|remember|remove|repeat|replace|reply|report|respond|"
    "restart|run|save|say|scroll|see|select|send|set|share|sign|start|stay|stop|subscribe|swipe|"
    "switch|tap|take|tell|think|try|turn|type|update|upgrade|use|verify|visit|wait|watch|write"
)
# "Share the link" asks, "Share prices fell" tells: a verb that may be a noun needs its object.
_IMPERATIVE = re.compile(
    r"^\W*(?:(?:then|now|first|next|finally|also|and|so|to begin),? )?"
    r"(?:(?:please|kindly)\b|(?:do not|don['’]t|let['’]s|let us|be sure to|make sure|feel free|"
    r"remember to|try to|never mind)\b|"
    rf"(?:{_VERBS})(?:,| (?:the|an?|your|this|these|those|it|them|him|me|us|here|our|all|any|on|"
    r"out|up|in|to|for|with|from|through|more|also|at|by|how|what|when|where|whether|why|if|"
    r"that|and|`|\d)(?!\w)))|"
    r"^(?:请(?!求|示|愿|假)|点击|不要|切勿|勿|务必|欢迎|记得|试试)",
    re.IGNORECASE,
)
# What stands around articles: credits, bylines, galleries, calls to subscribe.
_BOILERPLATE = re.compile(
    r"^\W*(?:enlarge this image|[^\n]{0,60}\(@\w+\)[^\n]{0,30}$|"
    r"(?:read|see|find out|learn|view|show|load) (?:more|also|all)\b|"
    r"(?:photo|image|picture|"
    r"photograph|video|file photo|credit|source|caption|illustration)s?(?: (?:by|credit|source|"
    r"caption|copyright))?\s*[:©/]|image (?:copyright|caption)|photographs? by\b|getty images\b|"
    r"(?:copyright|©|\(c\))|.*\benter your email\b|.*\b\d{1,2}/\d{1,2}\b.*\b\d{1,2}/\d{1,2}\b|"
    r"all rights reserved|advertisement\b|"
    r"story continues|share (?:this|on)|follow (?:us|@)|sign up|subscribe|related(?: stories| "
    r"articles)?\s*[:\-]?$|reporting by\b|editing by\b|additional reporting\b|written by\b|"
    r"(?:by|from) [A-Z][\w.'’-]+(?: [A-Z][\w.'’-]+){1,4}(?:,.{0,60})?$|"
    r"(?:published|posted|updated|last (?:updated|modified)|first published)\b.{0,60}$|"
    r"(?:[\w. ]{2,30}\| ?)?updated\s*:|comments?\s*(?:\(\d+\))?$|tags?\s*:|"
    r"author\s*:|(?:责任编辑|编辑|记者|来源|作者|摄影|图片来源|原标题|延伸阅读|相关阅读)[:：])",
    re.IGNORECASE,
)
_HOPE = re.compile(
    r"\b(?:congratulations|thank(?:s| you)|good luck|happy birthday|welcome)\b", re.I
)
_LEAST_WORDS = {"en": 3, "zh": 5}


def unchecked(text: str) -> str:
    """Why a statement is not to be checked: "question", "instruction", "opinion", "boilerplate"
    (a byline, a caption's credit, "read more"), "fragment" (it states nothing); "" if it is to be.

    By cue words: rough, and erring towards a check.
    """
    lang = "zh" if is_cjk(text) else "en"
    if polarity.is_question(text):
        return "question"
    if _BOILERPLATE.search(text):
        return "boilerplate"
    if _IMPERATIVE.search(text):
        return "instruction"
    if polarity.is_opinion(text) or _HOPE.match(text.lstrip("\"“'‘ ")):
        return "opinion"
    if len(words(text)) < _LEAST_WORDS[lang]:
        return "fragment"
    if lang == "en" and not has_verb(text) and not _states_without_verb(text):
        return "fragment"
    return ""


def _states_without_verb(text: str) -> bool:
    """Headlines and posts leave out verbs, or use ones that look like nouns: "Three dead in Nice
    attack", "Storm kills 12". A name or number with enough words beside it is taken as one."""
    long = len(words(text))
    return long >= _MIN_WORDS and bool(slots.exact(text) or (long > 5 and slots.find(text)))
