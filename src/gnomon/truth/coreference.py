"""Statements made to stand alone: who "he" is, which company "the company", when "yesterday" was.

The task is decontextualisation (Choi et al. 2021, https://aclanthology.org/2021.tacl-1.27/). Rules
over the names and subjects of the sentences before, after the salience factors of Lappin and Leass
1994 (https://aclanthology.org/J94-4002/): nearer first, subjects first, kind, number and gender
must agree. Where two are as likely, nothing is replaced: a wrong name is worse than a pronoun.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

from gnomon.text import slots
from gnomon.text.tokens import is_cjk
from gnomon.text.verbs import verb_at
from gnomon.truth import mentions
from gnomon.truth.mentions import Kind, Mention
from gnomon.types import Slot, SlotKind

# How many statements back a pronoun, a definite noun ("the company") and "there" may reach.
PRONOUN_REACH, NOUN_REACH, PLACE_REACH = 3, 8, 2
# A text is about a name that stands in so many of its statements (its title counts for two).
TOPIC = 0.3


@dataclass
class _Entity:
    """Somebody or something spoken of. ``last`` is the number of the statement that named it."""

    name: str
    kind: Kind
    gender: str = ""
    roles: set[str] = field(default_factory=set)
    last: int = 0
    was_subject: bool = False


class Discourse:
    """What a text has spoken of so far. Feed it the statements in their order."""

    def __init__(self, title: str = "") -> None:
        self._entities: list[_Entity] = []
        self._counted: Counter[str] = Counter()
        self._at = 0
        self._subject = ""
        self._title = title.casefold()

    def standalone(self, text: str, *, said_at: float | None = None) -> str:
        """``text`` with what points outside it resolved, and remembered for the next one."""
        self._at += 1
        resolved = self._resolved_zh(text) if is_cjk(text) else self._resolved(text)
        self._remember(text, resolved)
        return dates_written_out(resolved, said_at)

    def topic(self, text: str) -> str:
        """What a statement that names nobody and nothing is about: the name that the text so far
        is about, by TOPIC; "" where there is none, or the statement names something itself."""
        if mentions.find(text) or not self._counted:
            return ""
        counts = {n: c + 2 * (n.casefold() in self._title) for n, c in self._counted.items()}
        name = max(counts, key=lambda n: counts[n])
        return name if counts[name] >= max(2, TOPIC * self._at) else ""

    # -- remembering -------------------------------------------------------------------------
    def _remember(self, text: str, resolved: str) -> None:
        """Note whom the statement names, by word or by pronoun; counted is what it names itself."""
        found = mentions.find(resolved)
        subject, self._subject = _subject_of(resolved, found), ""
        if isinstance(subject, str):
            self._subject = subject
        for mention in found:
            entity = self._note(mention, subject=mention is subject)
            self._counted[entity.name] += mention.name in text

    def _note(self, mention: Mention, *, subject: bool) -> _Entity:
        entity = next((e for e in self._entities if _same(e, mention)), None)
        if entity is None:
            entity = _Entity(mention.name, mention.kind)
            self._entities.append(entity)
        if len(mention.name) > len(entity.name):
            self._counted[mention.name] += self._counted.pop(entity.name, 0)
            entity.name = mention.name
        if entity.kind is Kind.UNKNOWN or mention.sure:
            entity.kind = mention.kind if mention.kind is not Kind.UNKNOWN else entity.kind
        entity.gender = entity.gender or mention.gender
        entity.roles |= mention.roles
        entity.last, entity.was_subject = self._at, subject
        return entity

    # -- resolving ---------------------------------------------------------------------------
    def _resolved(self, text: str) -> str:
        text = self._nouns(text)
        text = self._pronoun(text)
        return self._there(text)

    def _pronoun(self, text: str) -> str:
        """The first pronoun of the statement, if nothing before it in the statement is meant."""
        match = next((m for m in _PRONOUN.finditer(text) if not _in_quotes(text, m.start())), None)
        if match is None:
            return text
        word = match.group().lower()
        before = [m for m in mentions.find(text) if m.end <= match.start()]
        if word in ("it", "its"):
            name = "" if before or _PLEONASTIC.match(text, match.start()) else self._thing(match)
        elif word in ("they", "their", "them"):
            name = "" if before or not _opens(match) else self._many()
        elif any(m.kind in (Kind.PERSON, Kind.UNKNOWN) for m in before):
            name = ""
        else:
            name = self._person("f" if word in ("she", "her") else "m")
        if not name:
            return text
        if word in ("his", "its", "their") or (word == "her" and _OWNS.match(text, match.end())):
            name += "'" if name.endswith("s") and word == "their" else "'s"
        if match.start() == 0:
            name = name[0].upper() + name[1:]
        elif name.startswith("The "):
            name = name[0].lower() + name[1:]
        return text[: match.start()] + name + text[match.end() :]

    def _person(self, gender: str) -> str:
        """The person meant by "he" or "she"; "" where it might be another."""
        near = [
            e
            for e in self._entities
            if 0 < self._at - e.last <= PRONOUN_REACH
            and (e.kind is Kind.PERSON or (e.was_subject and _may_be_person(e)))
            and e.gender in ("", gender)
        ]
        if not near:
            return ""
        near.sort(key=lambda e: (e.last, e.was_subject), reverse=True)
        first = near[0]
        beside = [
            e
            for e in self._entities
            if e is not first
            and e.last == first.last
            and e.was_subject == first.was_subject
            and e.gender in ("", gender)
        ]
        if any(e.kind is Kind.PERSON or _may_be_person(e) for e in beside):
            return ""
        first.gender, first.kind = gender, Kind.PERSON
        first.last, first.was_subject = self._at, True
        return first.name

    def _thing(self, match: re.Match[str]) -> str:
        """What "it" is: the subject of the statement before, by its name or as it stands."""
        if not _opens(match):
            return ""
        for entity in self._entities:
            if entity.last == self._at - 1 and entity.was_subject:
                return "" if entity.kind is Kind.PERSON else entity.name
        return "" if _is_plural(self._subject) else self._subject

    def _many(self) -> str:
        """Who "they" are: a plural subject of the statement before."""
        return self._subject if _is_plural(self._subject) else ""

    def _nouns(self, text: str) -> str:
        """ "The company", "the mayor", "the city": the nearest one of its kind, where the statement
        names none before."""
        for match in reversed(list(_DEFINITE.finditer(text))):
            if _in_quotes(text, match.start()):
                continue
            noun = match["noun"].lower()
            kind = mentions.noun_kind(noun)
            if any(m.kind is kind and m.end <= match.start() for m in mentions.find(text)):
                continue
            near = [
                e
                for e in self._entities
                if self._at - e.last <= NOUN_REACH
                and e.kind is kind
                and e.name.casefold() not in mentions.AGENCIES
                and (kind is not Kind.PERSON or noun in e.roles)
                and (kind is not Kind.PLACE or self._counted[e.name] > 1)
            ]
            # Who is spoken of most, not the paper that was named last.
            near.sort(key=lambda e: (self._counted[e.name], e.last, e.was_subject), reverse=True)
            if not near or (
                len(near) > 1
                and self._counted[near[0].name] == self._counted[near[1].name]
                and near[0].last == near[1].last
            ):
                continue
            text = text[: match.start()] + near[0].name + text[match.end() :]
        return text

    def _there(self, text: str) -> str:
        match = next((m for m in _THERE.finditer(text) if not _in_quotes(text, m.start())), None)
        if match is None or any(m.kind is Kind.PLACE for m in mentions.find(text)):
            return text
        near = [
            e
            for e in self._entities
            if 0 < self._at - e.last <= PLACE_REACH and e.kind is Kind.PLACE
        ]
        best = max(near, key=lambda e: e.last, default=None)
        if best is None or sum(e.last == best.last for e in near) > 1:
            return text
        return text[: match.start()] + f"in {best.name}" + text[match.end() :]

    def _resolved_zh(self, text: str) -> str:
        for pattern, kind in _POINTING_ZH:
            match = pattern.search(text)
            if match is None or _in_quotes(text, match.start("it")):
                continue
            if any(m.kind is kind and m.end <= match.start("it") for m in mentions.find(text)):
                continue
            near = [
                e for e in self._entities if 0 < self._at - e.last <= NOUN_REACH and e.kind is kind
            ]
            best = max(near, key=lambda e: (e.last, e.was_subject), default=None)
            if best is None or (kind is Kind.PERSON and sum(e.last == best.last for e in near) > 1):
                continue
            text = text[: match.start("it")] + best.name + text[match.end("it") :]
        return text


_PRONOUN = re.compile(r"\b(?:he|she|his|her|him|it|its|they|their|them)\b(?!['’])", re.IGNORECASE)
_PLEONASTIC = re.compile(
    r"(?:it|its)\b(?: is| was|['’]s| has been| had been| will be| would be| may be| might be|"
    r" seems?| seemed| appears?| appeared| remains?| became| is not| was not| isn['’]t| wasn['’]t)"
    r"(?: \w+ly| not| still| yet| also| now)?"
    r" (?:that\b|the (?:first|second|third|latest|last|only|biggest|worst)\b|clear|unclear|likely|"
    r"unlikely|possible|impossible|important|true|believed|thought|understood|known|unknown|"
    r"reported|expected|hoped|feared|claimed|said|alleged|revealed|announced|confirmed|raining|"
    r"snowing|time|hard|difficult|easy|necessary|good|bad|too|about|when|why|how|what|because|"
    r"also (?:clear|true|known)|immediately)|"
    r"it(?: \w+ly)? (?:takes?|took|turned out|comes as|came as)\b",
    re.IGNORECASE,
)
# A noun behind "her": "her lawyer", not "told her on Monday".
_OWNS = re.compile(
    r" (?!(?:on|in|at|to|that|and|or|but|for|from|with|by|as|of|after|before|when|if|because|a|an|"
    r"the|not|was|is|were|had|has|will|would)\b)[\w'’-]+"
)
_OPENERS = re.compile(
    r"^\W*(?:(?:but|and|so|yet|then|also|still|now|however|meanwhile|instead|therefore|later|"
    r"earlier|afterwards?|separately|in addition|according to [^,]{1,60}|"
    r"(?:on|in|at|by|after|during|since|last|this|for|as|with|under|over)\b[^,]{1,60}),? )?$",
    re.IGNORECASE,
)


def _opens(match: re.Match[str]) -> bool:
    """Whether a pronoun is the subject with which its statement begins."""
    return bool(_OPENERS.match(match.string[: match.start()]))


_DEFINITE = re.compile(
    rf"\b[Tt]he (?P<noun>{mentions.NOUNS})\b(?! (?:of|that|which|who|whose|behind|where|[A-Z]))"
)
_THERE = re.compile(
    r"(?<=\w )(?<!out )(?<!over )(?<!and )(?<!but )(?<!that )(?<!is )(?<!are )(?<!was )there\b"
    r"(?!['’]|,? (?:is|are|was|were|has|have|had|will|would|may|might|could|can|seems?|appears?|"
    r"remains?|must|should|to be)\b)"
)
_POINTING_ZH = (
    (re.compile(r"(?:^|[，。；：])(?P<it>[他她](?!们|人))"), Kind.PERSON),
    (re.compile(r"(?P<it>该(?:公司|集团|企业|行|银行|校|大学|院|机构|局|厂))"), Kind.ORGANISATION),
    (re.compile(r"(?P<it>(?:当地|该[市县区镇省州国地]))(?!时间)"), Kind.PLACE),
)


def _in_quotes(text: str, at: int) -> bool:
    """Whether ``at`` stands inside quotation marks: what somebody said is not rewritten."""
    before = text[:at]
    straight = before.count('"') % 2 == 1
    return (
        straight or before.count("“") > before.count("”") or before.count("「") > before.count("」")
    )


_PLURAL = re.compile(
    r"\b(?:police|people|officers|authorities|\w+ and \w+)$|(?<!s)(?<!u)(?<!i)s$", re.IGNORECASE
)


def _is_plural(subject: str) -> bool:
    return bool(subject) and bool(_PLURAL.search(subject))


_LEADING = re.compile(
    r"^(?:(?:on|in|at|by|after|before|during|since|for|with|from|under|over|despite|as|meanwhile|"
    r"however|earlier|later|also|instead|still|yesterday|today|last|this|hours|days|weeks|months|"
    r"years|according)\b[^,]{0,80}, )(?=\w)|^(?:but|and|so|yet|then|also|however|meanwhile),? ",
    re.IGNORECASE,
)
_COMMON_SUBJECT = re.compile(
    r"^(?P<article>[Tt]he|[Aa]n?|[Tt]his|[Tt]hat|[A-Z][\w.-]*['’]s) "
    r"(?P<noun>(?!also\b|still\b|now\b|then\b|only\b|just\b|really\b|\w+ly\b)"
    r"(?!.*\b(?:that|who|which)\b)[\w'’ -]{2,50})$"
)
LONGEST_SUBJECT = 80


def _subject_of(text: str, found: Sequence[Mention]) -> Mention | str | None:
    """Who or what a statement is about: the name that stands before its verb, or "the ...";
    None where that cannot be told."""
    leading = _LEADING.match(text)
    start = leading.end() if leading and verb_at(leading.group()) < 0 else 0
    verb = verb_at(text[start:])
    if verb <= 0 or verb > LONGEST_SUBJECT:
        return None
    end = start + verb
    phrase = text[start:end].rstrip()
    head = phrase.split(",")[0].rstrip()
    for mention in found:
        # The name ends the phrase ("Apple's chief Tim Cook"), or the appositive begins behind it.
        if mention.end == start + len(head) or (
            mention.start == start and text[mention.end : mention.end + 1] == ","
        ):
            return mention
    common = _COMMON_SUBJECT.match(head)
    if common is None:
        return None
    article = common["article"]
    owned = article[0].isupper() and article.endswith(("'s", "’s"))
    return f"{article} {common['noun']}" if owned else f"the {common['noun']}"


def _may_be_person(entity: _Entity) -> bool:
    """Whether an entity of unknown kind may be somebody: two words or three."""
    parts = entity.name.split()
    return (
        entity.kind is Kind.UNKNOWN
        and 2 <= len(parts) <= 3
        and not any(p.isupper() or mentions.is_demonym(p) for p in parts)
    )


def _same(entity: _Entity, mention: Mention) -> bool:
    """Whether a mention is of an entity: the same name, or its last word ("Obama", "the Bridge"),
    or a person's first."""
    a, b = entity.name.casefold().split(), mention.name.casefold().split()
    if a == b:
        return True
    kinds = {entity.kind, mention.kind} - {Kind.UNKNOWN}
    if len(kinds) > 1 or len(a) == len(b):
        return False
    short, long = (a, b) if len(a) < len(b) else (b, a)
    return short == long[-len(short) :] or (kinds == {Kind.PERSON} and short == long[: len(short)])


# ------------------------------------------------------------------------------- dates

_BEFORE_DATE = re.compile(
    r"\b(?:on|since|until|till|by|from|before|after|of|for|in|to|and|or|through|"
    r"between|next|last|this|the)\s*$",
    re.IGNORECASE,
)


def dates_written_out(text: str, said_at: float | None) -> str:
    """``text`` with its relative dates as dates: "yesterday" becomes "on 7 March 2026".

    Weeks ("last week") and possessives ("Tuesday's vote") stay as they are. Without ``said_at``
    nothing changes.
    """
    if said_at is None:
        return text
    plain = {(s.start, s.end, s.value) for s in slots.find(text) if s.kind is SlotKind.DATE}
    out, at = [], 0
    for slot in slots.find(text, now=said_at):
        if slot.kind is not SlotKind.DATE or (slot.start, slot.end, slot.value) in plain:
            continue
        written = _written(str(slot.value), chinese=is_cjk(text))
        if slot.start < at or not written or text[slot.end : slot.end + 1] in ("'", "’"):
            continue
        if slot.text.lower() == "today" and not _HAPPENED.search(text):
            continue  # "today" as nowadays: the port is today the biggest
        if _may_be_tomorrow(slot, said_at) or _ROUGHLY.search(slot.text):
            continue
        end = slot.end
        if part := _PART_OF_DAY.match(text, end):
            written, end = f"the {part[1]} of {written}", part.end()
        before = text[at : slot.start]
        if not is_cjk(text) and not _BEFORE_DATE.search(text[: slot.start]):
            written = ("in " if len(str(slot.value)) < len("2026-03-07") else "on ") + written
            written = written[0].upper() + written[1:] if slot.start == 0 else written
        out.append(before + written)
        at = end
    return "".join(out) + text[at:]


# "Two years ago" is no year: "more than two years ago".
_ROUGHLY = re.compile(r"(?:week|month|year)s? ago$|(?:周|月|年)之?前$", re.IGNORECASE)
_PART_OF_DAY = re.compile(r" (morning|afternoon|evening|night)\b")


def _may_be_tomorrow(slot: Slot, said_at: float) -> bool:
    """Whether a bare weekday is the one that follows: an article of Thursday that was updated says
    "early Friday", and means no day of the week before."""
    six_days_ago = datetime.fromtimestamp(said_at - 6 * DAY_S, UTC).date().isoformat()
    bare = slot.text.casefold().removeprefix("on ") in _WEEKDAYS
    return bare and str(slot.value)[:10] == six_days_ago


DAY_S = 86400.0
_WEEKDAYS = frozenset("monday tuesday wednesday thursday friday saturday sunday".split())
_HAPPENED = re.compile(
    r"\b(?:\w{2,}ed|said|told|was|were|will|won|lost|met|fell|rose|took|left|went|came|began|has|have|"
    r"found|hit|struck|shot|sold|set|made|opens?|closes?|starts?|begins?)\b"
)
_MONTHS = (
    "January February March April May June July August September October November December".split()
)
_ISO = re.compile(r"(\d{4})(?:-(\d\d)(?:-(\d\d)(?:T(\d\d:\d\d))?)?)?$")


def _written(value: str, *, chinese: bool) -> str:
    """An ISO date as people write it; "" for a week or a weekday."""
    found = _ISO.match(value)
    if found is None:
        return ""
    year, month, day, time = found.groups()
    if chinese:
        out = f"{year}年" + (f"{int(month)}月" if month else "") + (f"{int(day)}日" if day else "")
        return out + (f"{time}" if time else "")
    if day:
        spoken = date(int(year), int(month), int(day))
        out = f"{spoken.day} {_MONTHS[spoken.month - 1]} {year}"
        return f"{out} at {time}" if time else out
    return f"{_MONTHS[int(month) - 1]} {year}" if month else year
