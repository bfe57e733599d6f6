"""Whom and what a statement names, and of which kind: by titles, endings and what stands around.

A name's kind is a guess by rule; ``Mention.sure`` says where a title or an ending speaks for it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

from gnomon.text import slots
from gnomon.text.tokens import is_cjk
from gnomon.types import SlotKind


class Kind(Enum):
    PERSON = "person"
    ORGANISATION = "organisation"
    PLACE = "place"
    UNKNOWN = ""


@dataclass(frozen=True, slots=True)
class Mention:
    """A name at ``[start:end]``; ``gender`` is "m", "f" or "" (not known); ``roles`` are offices
    that stand beside it ("mayor"), in small letters."""

    name: str
    start: int
    end: int
    kind: Kind
    gender: str = ""
    roles: frozenset[str] = frozenset()
    sure: bool = False


_OFFICES = (
    "president|prime minister|vice president|minister|chancellor|mayor|governor|senator|"
    "congressman|congresswoman|king|queen|prince|princess|pope|bishop|judge|sheriff|chief|director|chairman|"
    "chairwoman|chair|chief executive|ceo|founder|spokesman|spokeswoman|spokesperson|secretary|"
    "ambassador|general|captain|coach|manager|professor|actor|actress|singer|comedian|quarterback|"
    "pilot|driver|commissioner|attorney|lawyer|prosecutor|candidate|author|analyst|astronaut"
)
_COMPANIES = (
    "company|firm|bank|airline|retailer|carmaker|automaker|chipmaker|manufacturer|publisher|"
    "broadcaster|network|startup|start-up|club|team|university|agency|ministry|party|union|group|"
    "organisation|organization|newspaper|bureau|department|council|operator|tech giant|lender"
)
_PLACES = "city|town|village|island|province|county|district"
NOUNS = f"{_OFFICES}|{_COMPANIES}|{_PLACES}"


# Who tells the news is hardly ever "the company" in it.
AGENCIES = frozenset(
    "reuters ap afp upi pa bbc cnn nbc abc cbs npr xinhua bloomberg tass dpa ansa kyodo".split()
) | {"associated press", "the associated press", "agence france-presse", "press association",
     "new york times", "wall street journal", "washington post", "guardian"}  # fmt: skip


def noun_kind(noun: str) -> Kind:
    """The kind of a noun of ``NOUNS``."""
    if re.fullmatch(_OFFICES, noun):
        return Kind.PERSON
    return Kind.ORGANISATION if re.fullmatch(_COMPANIES, noun) else Kind.PLACE


_MR = {"mr": "m", "sir": "m", "lord": "m", "king": "m", "prince": "m", "mrs": "f", "ms": "f",
       "miss": "f", "lady": "f", "dame": "f", "queen": "f", "princess": "f", "dr": "", "prof": "",
       "professor": "", "rep": "", "sen": "", "gov": "", "gen": "", "lt": "", "capt": "",
       "sgt": "", "rev": "", "judge": "", "pope": "m"}  # fmt: skip
# The commonest given names in the United States since 1920 (Social Security Administration,
# https://www.ssa.gov/oact/babynames/decades/century.html) that are hardly ever surnames or words.
_MEN = frozenset(
    "michael robert john david william richard joseph thomas christopher charles daniel matthew "
    "anthony steven andrew paul joshua kenneth kevin brian timothy ronald george jason edward "
    "jeffrey jacob nicholas gary eric jonathan stephen larry justin brandon benjamin samuel "
    "gregory alexander patrick frank raymond jack dennis jerry tyler aaron adam nathan henry "
    "zachary peter kyle noah ethan jeremy christian walter keith austin roger sean carl dylan "
    "harold juan jose carlos luis ahmed mohammed muhammad ali ivan vladimir boris elon barack "
    "donald bill jim joe tim tom mike steve dan ben sam chris alex quentin bruce xi".split()
)
_WOMEN = frozenset(
    "mary patricia jennifer linda elizabeth barbara susan jessica karen sarah lisa nancy sandra "
    "betty ashley emily kimberly margaret donna michelle carol amanda melissa deborah stephanie "
    "rebecca sharon laura cynthia dorothy amy kathleen angela shirley emma brenda pamela nicole "
    "anna samantha katherine christine helen debra rachel carolyn janet maria catherine heather "
    "diane olivia julie joyce victoria ruth kelly lauren christina joan evelyn judith megan andrea "
    "cheryl hannah jacqueline martha gloria teresa ann sara kathryn theresa may hillary kate uma "
    "fatima chrissy marine".split()
) - {"may"}
_ORGANISED = re.compile(
    r"\b(?:inc|corp|corporation|ltd|llc|plc|co|company|group|bank|holdings?|university|college|"
    r"council|ministry|department|agency|authority|commission|committee|association|union|party|"
    r"police|army|navy|airlines?|airways|institute|hospital|school|court|club|fc|foundation|times|"
    r"post|news|services?|systems|technologies|motors|partners|media|press|senate|congress|"
    r"parliament|house|board|bureau|office|federation|league|nations|works|society|museum|"
    r"organi[sz]ation|administration|center|centre|network|studios?|records|labs?)\.?$",
    re.IGNORECASE,
)
_PLACED = re.compile(
    r"\b(?:city|county|river|bridge|island|islands|street|road|avenue|square|park|beach|valley|"
    r"mountains?|lake|sea|ocean|airport|harbou?r|bay|peninsula|province|republic|kingdom|states)$",
    re.IGNORECASE,
)
_COUNTRIES = frozenset("us u.s. uk u.k. usa uae eu u.s.a. dprk drc".split())
_IN = re.compile(
    r"\b(?:in|near|from|across|throughout|outside|around|inside|towards?)\s+(?:the )?$"
)
_SAYS = re.compile(
    r"^,? (?:said|says|told|added|wrote|tweeted|testified|argued|insisted|resigned|died|was born|"
    r"was arrested|was sentenced|pleaded)\b"
)
_AGED = re.compile(r"^,? (?:\(?\d{1,2}\)?|aged \d{1,2})[,) ]")
_COMPANY_BEFORE = re.compile(rf"\b(?:{_COMPANIES})\s+$", re.IGNORECASE)
_PLACE_BEFORE = re.compile(rf"\b(?:{_PLACES}) of\s+$", re.IGNORECASE)
_OFFICE_BEFORE = re.compile(rf"\b(?P<role>{_OFFICES})\s+$", re.IGNORECASE)
_OFFICE_AFTER = re.compile(
    rf"^, (?:the |its |a |an |who is |\w+['’]s )?(?:[\w'’-]+ ){{0,3}}?(?P<role>{_OFFICES})\b"
)
_COMPANY_AFTER = re.compile(rf"^, (?:the |a |an )(?:[\w'’-]+ ){{0,4}}?(?:{_COMPANIES})\b")
_SHARES = re.compile(
    r"^['’]s (?:shares|stock|chief|ceo|board|profits?|revenues?|headquarters|customers)"
)
_TWICE = re.compile(r"(\S+) \1\b")
_DEMONYMS = frozenset(
    "american british english french german russian chinese japanese korean indian italian spanish "
    "canadian australian european african asian israeli palestinian iranian iraqi syrian turkish "
    "greek dutch swiss swedish norwegian danish finnish polish ukrainian mexican brazilian "
    "argentine egyptian saudi pakistani afghan nigerian kenyan south north irish scottish welsh "
    "muslim christian jewish catholic islamic arab western eastern northern southern democratic "
    "republican democrat democrats republicans americans russians germans israelis palestinians "
    "christmas easter internet english".split()
)


def is_demonym(word: str) -> bool:
    """Whether a word says where somebody is from ("French"), and names nobody."""
    return word.casefold() in _DEMONYMS


def find(text: str) -> list[Mention]:
    """The names of ``text`` in order, without those that stand inside a date or number."""
    found = slots.find(text)
    exact = [s for s in found if s.kind is not SlotKind.NAME]
    chinese = is_cjk(text)
    out = []
    for slot in found:
        if slot.kind is not SlotKind.NAME or slot.text.startswith("@"):
            continue
        if any(slot.start < s.end and s.start < slot.end for s in exact):
            continue
        made = _chinese(slot.text, slot.start) if chinese else _mention(text, slot.start, slot.end)
        if made is not None:
            out.append(made)
    return out


def _mention(text: str, start: int, end: int) -> Mention | None:
    """The name at ``[start:end]`` with its kind, titles taken off its front."""
    name = text[start:end]
    if name.endswith(("'s", "’s")):
        name, end = name[:-2], end - 2
    if twice := _TWICE.match(name):  # a caption's credit before its sentence: "Equifax Equifax"
        name, start = name[twice.end(1) + 1 :], start + twice.end(1) + 1
    gender, roles, person = "", set[str](), False
    while (space := name.find(" ")) > 0:
        word = name[:space].rstrip(".").lower()
        if word in _MR or re.fullmatch(_OFFICES, word):
            gender, person = gender or _MR.get(word, ""), True
            roles |= {word} if re.fullmatch(_OFFICES, word) else set()
            name, start = name[space + 1 :], start + space + 1
        else:
            break
    if not name or is_demonym(name):
        return None
    before, after = text[:start], text[end:]
    if office := _OFFICE_BEFORE.search(before) or _OFFICE_AFTER.match(after):
        roles.add(office["role"].lower())
        person = True
    given = name.split()[0].casefold()
    gender = gender or ("m" if given in _MEN else "f" if given in _WOMEN else "")
    kind, sure = _kind(name, before, after, person=person, given=bool(gender))
    if kind is not Kind.PERSON:
        gender, roles = "", set()
    return Mention(name, start, end, kind, gender, frozenset(roles), sure)


def _kind(name: str, before: str, after: str, *, person: bool, given: bool) -> tuple[Kind, bool]:
    """The kind of a name, and whether more than its place in the sentence speaks for it."""
    if name.casefold() in _COUNTRIES or _PLACED.search(name) or _PLACE_BEFORE.search(before):
        return Kind.PLACE, True
    beside = _COMPANY_BEFORE.search(before) or _COMPANY_AFTER.match(after) or _SHARES.match(after)
    if beside or _ORGANISED.search(name):
        return Kind.ORGANISATION, True
    if person or _AGED.match(after) or (given and " " in name):
        return Kind.PERSON, True
    if name.isupper() and 2 <= len(name) <= 6:
        return Kind.ORGANISATION, False
    if _IN.search(before):
        return Kind.PLACE, False
    if " " in name and _SAYS.match(after):
        return Kind.PERSON, False
    return Kind.UNKNOWN, False


_ORGANISED_ZH = re.compile(
    r"(?:公司|集团|银行|大学|学校|中学|小学|医院|法院|检察院|公安局|局|部|委|厅|电视台|报社|日报|新闻社|新华社)$"
)
_PLACED_ZH = re.compile(
    r"(?:市|县|區|区|镇|鎮|乡|村|省|州|路|街|大桥|桥|河|江|湖|山|岛|站|港|机场|公园|广场)$"
)


def _chinese(name: str, start: int) -> Mention:
    end = start + len(name)
    if _ORGANISED_ZH.search(name):
        return Mention(name, start, end, Kind.ORGANISATION, sure=True)
    if _PLACED_ZH.search(name):
        return Mention(name, start, end, Kind.PLACE, sure=True)
    kind = Kind.PERSON if 2 <= len(name) <= 4 else Kind.UNKNOWN
    return Mention(name, start, end, kind)
