"""How well a held sentence answers a question, 0..1: does it speak of what was asked, and does it
hold a new thing of the kind that was asked for?

Being about the subject is not enough. "The works caught fire" is about the works and does not say
where they are registered: what is asked of the subject must be in the sentence, too.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

from gnomon.text import slots
from gnomon.text.tokens import is_cjk, normalise
from gnomon.truth.asked import RELATIVE, Asked
from gnomon.truth.bearing import other_head
from gnomon.truth.bilingual import gloss
from gnomon.truth.entities import about_another
from gnomon.truth.retrieve import dated, window_of
from gnomon.truth.rewrite import Asks
from gnomon.truth.sought import FORWARDED, TYPED, counted_terms, has_attribute, kind_fit
from gnomon.truth.terms import content_terms, coverage, term_set
from gnomon.types import Passage, SlotKind

# Shares of a sentence's fit: its own words of the question, its context's, and a thing of the kind
# asked for. With ANSWERS in draft.py, chosen on the development half of tests/cases.
OWN, CONTEXT, KIND = 0.45, 0.3, 0.25
# What each fault leaves of the fit.
OTHER_VALUE = 0.7  # it gives another number where the question names one
OTHER_DAY = 0.7  # it is about another day than the one asked about
NO_SUCH_THING = 0.6  # it has no number, date, name, place or cause where one was asked for
NO_ATTRIBUTE = 0.5  # it is about the right subject, but not about what is asked of it
SECOND_HAND = 0.97  # a clean original is quoted before its "RT @name: ... http://..."
# What a rare word of the question that the passage lacks costs, and the word it turns on.
LACKING, LACKING_VERB = 0.3, 0.6
# A name that the passage lacks costs half when it is rare in the store; a store about one town
# rarely says the town's name.
LACKING_NAME, RARE_NAME = 0.5, 0.5
ANOTHER_THING = 0.4  # it is about another bridge than the one asked about
NAME_ACROSS = 0.5  # of a name's words; more than the half that is only its kind ("Road")
LONG_PART, LONG_SHARE = 4, 0.6
KIND_HELD = 0.5


def fit(asked: Asked, passage: Passage, similar: float | None) -> float:
    """How well the sentence answers. ``similar`` (0..1) is what the encoder says, if there is one;
    across languages nothing else can tell."""
    around = window_of(passage)
    if is_cjk(asked.question) != is_cjk(passage.text):
        return _across(asked, passage, around, similar)
    terms, own = term_set(around), term_set(passage.text)
    here = coverage(asked.focus or asked.wanted, own, asked.wanted)
    context = coverage(asked.wanted, terms, asked.wanted)
    right = kind_fit(asked, passage.post, passage.text)
    if right and asked.kind is Asks.COUNT:  # "12,000 visitors" counts people who came
        here = coverage(asked.focus or asked.wanted, own | counted_terms(asked), asked.wanted)
    if asked.parts:
        here = (here + _characters(asked, passage.text)) / 2
        context = (context + _characters(asked, around)) / 2
    score = OWN * here + CONTEXT * context + KIND * right
    if similar is not None:
        score = max(score, 0.75 * score + 0.25 * similar)
    score *= _names_held(asked, normalise(around), terms)
    where = asked.kind is Asks.WHERE
    if any(about_another(n, passage.text, around, asks_where=where) for n in asked.things):
        score *= ANOTHER_THING
    if asked.kind is not Asks.WHETHER and slots.conflicts(asked.question, passage.text):
        score *= OTHER_VALUE
    if _other_year(asked, passage, around):
        score *= ANOTHER_THING
    elif not _same_day(asked, passage, around):
        score *= OTHER_DAY
    if asked.kind in TYPED and (right < KIND_HELD or _OPEN.search(passage.text)):
        score *= NO_SUCH_THING
    if not has_attribute(asked.question, passage.text):
        score *= NO_ATTRIBUTE
    if FORWARDED.search(passage.text):
        score *= SECOND_HAND
    if (
        asked.kind is Asks.WHO
        and _FORMER.search(passage.text)
        and not _FORMER.search(asked.question)
    ):
        score *= OTHER_VALUE
    return score * _lacking(asked, terms, around)


def _characters(asked: Asked, text: str) -> float:
    """The share of a Chinese question's parts that ``text`` has, by characters: 倒树 shares none of
    the bigrams of 树倒, and says the same."""
    total = sum(asked.parts.values())
    held = sum(w * sum(c in text for c in p) / len(p) for p, w in asked.parts.items())
    return held / total if total else 0.0


# A gloss is coarse: what it matches counts a little less than words of one language.
GLOSSED = 0.95


def _across(asked: Asked, passage: Passage, around: str, similar: float | None) -> float:
    """The fit of a passage in the other language: by the glossary, names and numbers, and by the
    encoder where there is one."""
    right = kind_fit(asked, passage.post, passage.text)
    if is_cjk(asked.question):
        question = gloss(RELATIVE.sub(" ", asked.question), around)
        wanted, unknown = set(content_terms(question.text)), question.unknown
        own, terms = term_set(passage.text), term_set(around)
    else:
        wanted, unknown = set(asked.focus or asked.wanted), 0.0
        own, terms = (term_set(gloss(text, asked.question).text) for text in (passage.text, around))
    if not wanted:
        return 0.0
    # A glossed word stands with its synonyms; the weights of the store's language are of no use.
    here, context = len(wanted & own) / len(wanted), len(wanted & terms) / len(wanted)
    score = GLOSSED * (OWN * here + CONTEXT * context + KIND * right) * (1.0 - unknown)
    if asked.kind in TYPED and right < KIND_HELD:
        score *= NO_SUCH_THING
    if asked.names and not any(_name_across(name, around, terms) for name in asked.names):
        score *= LACKING_NAME
    return score if similar is None else max(score, 0.6 * similar + 0.4 * right)


def _name_across(name: str, around: str, terms: frozenset[str]) -> bool:
    """Whether the other language's text holds a name: as it is written, or with most of its words
    by the glossary or by their sound. "A road reopens" is not about Cliff Road."""
    if normalise(name) in normalise(around):
        return True
    english = gloss(name, around) if is_cjk(name) else None
    words = set(content_terms(english.text if english else name))
    known = 1.0 - english.unknown if english else 1.0
    return bool(words) and known * len(words & terms) / len(words) > NAME_ACROSS


_FORMER = re.compile(r"\b(?:deputy|vice|former|ex|acting|then)[- ](?=\w)", re.IGNORECASE)
# "When it reopens is not yet known": the question is raised and left open.
_OPEN = re.compile(
    r"\b(?:not (?:yet )?(?:known|clear|settled|decided|been (?:decided|announced|confirmed))|"
    r"unclear|to be (?:announced|confirmed|decided)|remains? unknown|t\.?b\.?[ac]\b)|"
    r"通知为准|待定|未定|尚不清楚|尚未(?:公布|确定)|另行通知|还不知道",
    re.IGNORECASE,
)


def holds_names(asked: Asked, passage: Passage) -> bool:
    """Whether what the question names is in the passage or its context, as far as it names any."""
    around = window_of(passage)
    return _names_held(asked, normalise(around), term_set(around)) == 1.0


def _names_held(asked: Asked, held: str, terms: frozenset[str]) -> float:
    """1, or less for a name that the passage does not hold: about somebody or somewhere else."""
    absent = [
        weight
        for name, weight in asked.names.items()
        if normalise(name) not in held and not (term_set(name) & terms)
    ]
    return 1.0 - LACKING_NAME * min(1.0, max(absent, default=0.0) / RARE_NAME)


def _lacking(asked: Asked, terms: frozenset[str], around: str) -> float:
    """1, or less for what the question says that the passage lacks altogether."""
    # Bigrams across a Chinese word boundary are rare by accident; there, whole parts are
    # held to it.
    lacking = max(
        (w for t, w in asked.focus.items() if t not in terms and t.isascii()), default=0.0
    )
    left = 1.0 - LACKING * lacking
    if asked.verb and asked.verb not in terms:
        left = min(left, LACKING_VERB)
    held = [slot for slot in slots.exact(around) if slot.unit == "ordinal"]
    for slot in asked.known:
        if slot.unit == "ordinal" and not any(slots.same(slot, other) for other in held):
            left = min(left, NO_ATTRIBUTE)
    attribute = _ATTRIBUTE_ZH.search(asked.question)
    if attribute and not re.search(rf"(?<![副前原]){attribute[1]}", around):
        left = min(left, NO_ATTRIBUTE)
    if any(place not in around for place in _PLACES.findall(asked.question)):
        left = min(left, NO_ATTRIBUTE)
    if other_head(asked.question, around, asked.wanted):
        left = min(left, NO_ATTRIBUTE)
    for part, weight in asked.parts.items():
        if not _touches(part, around):
            left = min(left, 1.0 - (1.0 - NO_ATTRIBUTE) * min(1.0, weight / RARE_NAME))
    return left


# "林先生的电话号码是多少": Chinese nouns end in their head, and the head before the question
# word is what is asked for.
_ATTRIBUTE_ZH = re.compile(r"([一-龥]{2})(?:是|为|叫)(?:谁|什么|多少|哪个?)[?？]?$")


# Countries and regions by their ending, and the commonest without it: "谁当选泰国总理" asks of no
# other country.
_PLACES = re.compile(
    r"[^各全外该本两多哪几我这个的在是和][国省市州](?![际家民内])|"
    r"日本|印度|印尼|越南|朝鲜|俄罗斯|乌克兰|以色列|台湾|香港|澳门|北京|上海|广东|"
    r"新加坡|马来西亚|菲律宾|加拿大|澳大利亚|澳洲|巴西|土耳其|伊朗|埃及|南非|欧盟|意大利|西班牙"
)


def _touches(part: str, text: str) -> bool:
    """Whether ``text`` speaks of a part of a Chinese question: two of its characters in a row, all
    of them in any order, or most of a long one (several words in a row)."""
    held = sum(character in text for character in part)
    if len(part) < LONG_PART:
        return held == len(part) or any(part[i : i + 2] in text for i in range(len(part) - 1))
    return held >= LONG_SHARE * len(part)


_YEAR = re.compile(r"(?<![\d.,])(?:19|20)\d\d(?![\d.,]?\d)")


def _other_year(asked: Asked, passage: Passage, around: str) -> bool:
    """Whether the sentence is of another year than the one that the question names: it says so, or
    nothing around it names that year and it was written in neither it nor the next."""
    wanted = set(_YEAR.findall(asked.question)) if asked.dates else set()
    told = set(_YEAR.findall(passage.text))
    if not wanted or told:
        return bool(told) and bool(wanted) and not wanted & told
    said = passage.post.created_at
    if said is None or wanted & set(_YEAR.findall(around)):
        return False
    year = datetime.fromtimestamp(said, UTC).year
    return not {str(year), str(year - 1)} & wanted


def _same_day(asked: Asked, passage: Passage, around: str) -> bool:
    """Whether a date that the question names may be that of the passage: it says so, or it was
    written on that day. True where the question names none."""
    if not asked.dates or is_cjk(asked.question) != is_cjk(around):
        return True
    said = passage.post.created_at
    text = dated(around, said)
    if said is not None:
        text += f" {datetime.fromtimestamp(said, UTC):%Y-%m-%d}"
    held = [slot for slot in slots.exact(text) if slot.kind is SlotKind.DATE]
    return any(slots.same(date, other) for date in asked.dates for other in held)
