"""Before step 1: a question that leans on the turns before it is made to stand alone.

"When did it open?" after a question about Lantern Bridge is "When did Lantern Bridge open?"; "And
Cliff Road?" after "When will Lantern Bridge reopen?" is "When will Cliff Road reopen?". The task is
conversational question rewriting (Elgohary et al. 2019, https://aclanthology.org/D19-1605/; Anantha
et al. 2021, https://aclanthology.org/2021.naacl-main.44/). Rules first resolve what they are sure
of; a strong chat model may do it instead, and its words are used only where every name and number
in them was said in the conversation. What stands alone is never changed: a wrong subject would be
answered with confidence, a missing one only with "I don't know".
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from gnomon.errors import ModelError
from gnomon.models.protocols import Chat, Message
from gnomon.text import slots
from gnomon.text.tokens import is_cjk, tokens
from gnomon.truth import mentions
from gnomon.truth.mentions import Kind
from gnomon.truth.rewrite import as_claim
from gnomon.truth.subject import (
    AUXILIARY,
    PHRASE,
    QUESTION_ZH,
    WH_LEAD,
    names_in,
    subject_of,
    where_of,
)
from gnomon.truth.terms import content_terms
from gnomon.types import SlotKind, Turn

MOST_TURNS = 8
"""Turns that are looked at, the newest; a conversation that drifted further is about something
else."""
BARE_TERMS = 2
"""A question of no more content words than this, and no name, is about what was spoken of before:
"How many people were hurt?" asks nothing by itself."""


def standing_alone(
    question: str, turns: Sequence[Turn], *, chat: Chat | None = None, timeout_s: float = 20.0
) -> str:
    """``question`` with what it takes from ``turns`` (oldest first) written into it; the question
    itself where it takes nothing, or where what it means cannot be told."""
    if not turns or not question.strip():
        return question
    turns = turns[-MOST_TURNS:]
    if not leans(question):
        return question
    if chat is not None and (said := _by_model(question, turns, chat, timeout_s)):
        return said
    before = ""
    answers: list[str] = []
    for turn in turns:
        before = _resolved(turn.question, before, answers) if before else turn.question
        answers.append(turn.answer)
    return _resolved(question, before, answers)


def leans(question: str) -> bool:
    """Whether a question cannot be understood without what was said before it."""
    text = question.strip()
    if is_cjk(text):
        return bool(
            _POINTS_ZH.search(text)
            or _ELLIPSIS_ZH.match(text)
            or _WHY_ZH.fullmatch(text)
            or (not names_in(text) and len(_content_zh(text)) <= BARE_TERMS * 2)
        )
    if _ELLIPSIS.match(text) or _WHY.fullmatch(text):
        return True
    if any(not _own_antecedent(text, match) for match in _POINTS.finditer(text)):
        return True
    return not names_in(text) and len(content_terms(text)) <= BARE_TERMS


# "It", "he", "there", "that"; but "that" and "this" only where no noun follows that they point to
# with the question's own words ("that bridge" still points back; "is it true that" does not).
_POINTS = re.compile(
    r"\b(?:it|its|he|him|his|she|her|hers|they|them|their|theirs|(?<!is )(?<!are )(?<!was )"
    r"(?<!were )there(?! (?:is|are|was|were|any|been)\b)|this|these|those|that(?=[?!.\s]*$))\b"
    r"(?!['’])",
    re.IGNORECASE,
)
_EXPLETIVE = re.compile(
    r"\bit (?:true|correct|right|possible|likely|known|clear|safe to|legal to|raining|snowing)\b|"
    r"\b(?:this|these) (?:week|month|year|morning|afternoon|evening|days)\b",
    re.IGNORECASE,
)
_ELLIPSIS = re.compile(
    r"^(?:(?:and|so|but|ok|okay)[, ]+)?(?:what|how) about (?P<about>[^?]{2,80}?)\s*\?*$|"
    r"^and (?P<prep>(?:in|at|for|on|with|to|from|near) )?"
    r"(?P<and>(?!who|what|when|where|why|how|is|are|was|were|did|does|do|has|have|will|can)[^?]{2,80}?)\s*\?*$",
    re.IGNORECASE,
)
_WHY = re.compile(
    r"(?:(?:and|but|so) )?(?P<wh>why(?: not| is that| so)?|how so|how come|when|where|since when|"
    r"who(?: says(?: so| that)?)?|how (?:many|much|long|often))\s*[?.!]*",
    re.IGNORECASE,
)
_POINTS_ZH = re.compile(
    r"它们?|[他她]们?(?!人)|这个?(?=[是会有在为怎么什么吗？]|$)|那里|那儿|当地|当时|其中|该"
)
_ELLIPSIS_ZH = re.compile(r"^(?:那么?|还有)?(?P<about>[^，。？?]{2,24}?)呢[？?]*$")
_WHY_ZH = re.compile(
    r"(?:那|但)?(?:为什么|为何|怎么会|什么时候|何时|在哪里?|谁说的|多少|多久)[呢？?]*"
)


def _content_zh(text: str) -> str:
    """The characters of a Chinese question that are no question words."""
    return "".join(c for c in QUESTION_ZH.sub("", text) if c.isalnum())


def _own_antecedent(text: str, match: re.Match[str]) -> bool:
    """Whether a pronoun points to something in its own question ("Did the mayor say she ...")."""
    if _EXPLETIVE.match(text, match.start()):
        return True
    before = text[: match.start()]
    return bool(mentions.find(before)) or bool(_NOUN_BEFORE.search(before))


_NOUN_BEFORE = re.compile(r"\b(?:the|a|an) (?!same\b)\w{3,}", re.IGNORECASE)


# ------------------------------------------------------------------------------- by rule


def _resolved(question: str, before: str, answers: Sequence[str]) -> str:
    """``question`` as it is meant after ``before``, a question that stands alone, was answered."""
    text = question.strip()
    if is_cjk(text):
        return _resolved_zh(text, before, answers)
    if swapped := _swapped(text, before):
        return swapped
    if bare := _WHY.fullmatch(text):
        return _asked_again(bare["wh"], before)
    if not leans(text):
        return text
    text = re.sub(r"^(?:and|but|so|then)[, ]+(?=\w)", "", text, flags=re.IGNORECASE)
    for match in _pointing(text):
        meant = _meant(match.group().lower(), before, answers)
        if meant and meant.casefold() not in text.casefold():
            return _capital(text[: match.start()] + _fit(match, text, meant) + text[match.end() :])
    subject = subject_of(before)
    if subject and subject.casefold() not in text.casefold():
        about = ", ".join(filter(None, (subject, _beside(before, subject))))
        return _capital(f"{text.rstrip('?. ')} ({about})?")
    return _capital(text)


def _pointing(text: str) -> list[re.Match[str]]:
    """The pronouns of ``text`` that point out of it; "it" before the "they" who did it."""
    found = [m for m in _POINTS.finditer(text) if not _own_antecedent(text, m)]
    return sorted(found, key=lambda m: m.group().lower() in ("they", "them", "their"))


def _swapped(text: str, before: str) -> str:
    """ "What about X?": the question before with X in the place of what it was about."""
    found = _ELLIPSIS.match(text)
    if found is None:
        return ""
    other = (found["about"] or found["and"]).strip()
    prep = (found["prep"] or "").lower()
    old = subject_of(before)
    if not old:
        return f"{before.rstrip('?. ')} ({prep}{other})?"
    # A place of the old question changes for a place, a day for a day.
    for kind in (SlotKind.DATE, SlotKind.NUMBER):
        mine = [s for s in slots.find(other) if s.kind is kind]
        theirs = [s for s in slots.find(before) if s.kind is kind]
        if mine and len(mine[0].text) >= len(other) - 4:
            if theirs:
                return before.replace(theirs[0].text, mine[0].text, 1)
            return f"{before.rstrip('?. ')} {prep or 'in '}{other}?"
    placed = next((m for m in names_in(before) if where_of(before, m)), None)
    other_thing = placed and placed.name != old and _KIND.search(other)
    if placed and _BARE_NAME.fullmatch(other) and not other_thing:
        return before[: placed.start] + other + before[placed.end :]
    if prep:
        # "And to pedestrians?" after "... open to cars?" stands in the place of the cars.
        last = re.search(rf"\b{prep}(?!.*\b{prep})[^?]{{2,40}}(?=[?. ]*$)", before)
        return (
            f"{before[: last.start()]}{prep}{other}?"
            if last
            else f"{before.rstrip('?. ')} {prep}{other}?"
        )
    old = old if old in before else re.sub("^the ", "a ", old)
    old = old if old in before else re.sub("^a ", "an ", old)
    return before.replace(old, other, 1) if old in before else f"{before.rstrip('?. ')} ({other})?"


_BARE_NAME = re.compile(r"[A-Z][\w'’.-]*(?: (?:of|the|de|[A-Z][\w'’.-]*))*")
# A name that says itself what it names stands for the thing, not for where the thing is.
_KIND = re.compile(
    r" (?:Bridge|Road|Street|Lane|Square|Park|Hospital|School|College|University|Airport|Harbour|"
    r"Station|Museum|Library|Church|Works|Hotel|Bank|Club|Council|Festival|Tower|Hall|Pier)$"
)


def _asked_again(word: str, before: str) -> str:
    """ "Why?", "When?": the statement inside the question before, asked so."""
    if word.lower().startswith("who says"):
        return f"Who says that {as_claim(before)}?"
    word = word.split()[0] if word.lower().startswith("why") else word
    rest = WH_LEAD.sub("", before.strip()).rstrip("?. ")
    return _capital(f"{word} {rest[:1].lower() + rest[1:] if AUXILIARY.match(rest) else rest}?")


def _meant(pronoun: str, before: str, answers: Sequence[str]) -> str:
    """Whom or what a pronoun of a follow-up means; "" where it might be several."""
    last = answers[-1] if answers else ""
    if pronoun in ("he", "him", "his", "she", "her", "hers"):
        gender = "m" if pronoun in ("he", "him", "his") else "f"
        for text in (before, last):
            people = {
                m.name
                for m in mentions.find(_without_markers(text))
                if (m.kind is Kind.PERSON or (m.kind is Kind.UNKNOWN and " " in m.name))
                and m.gender in ("", gender)
            }
            people = {p for p in people if not any(p != q and p in q for q in people)}
            if len(people) == 1:
                return people.pop()
            if people:
                return ""
        return subject_of(before) if not mentions.find(before) else ""
    if pronoun == "there":
        places = [m.name for m in mentions.find(before) if m.kind is Kind.PLACE]
        place = places[-1] if places else subject_of(before)
        return f"in {place}" if place else ""
    subject = subject_of(before)
    if _only_a_place(before, subject):
        return ""
    if pronoun in ("it", "its") and _may_be_person(before, subject) and _beside(before, subject):
        return ""
    return subject


def _only_a_place(question: str, subject: str) -> bool:
    """Whether the subject is but where something happened: of "What happened in Marrowick?" no
    "it" can be told."""
    named = next((m for m in mentions.find(question) if m.name == subject), None)
    return named is not None and where_of(question, named) is not None


def _may_be_person(question: str, name: str) -> bool:
    found = next((m for m in mentions.find(question) if m.name == name), None)
    return found is not None and (
        found.kind is Kind.PERSON
        or (found.kind is Kind.UNKNOWN and " " in name and not _NAMED_THING.match(name))
    )


_NAMED_THING = re.compile(r"(?:storm|hurricane|typhoon|cyclone|operation|project|mount)\b", re.I)


def _beside(question: str, subject: str) -> str:
    """Another thing that a question speaks of behind its subject; "" where there is none."""
    behind = question.partition(subject)[2].rstrip("?. ")
    phrase = PHRASE.search(behind)
    return phrase.group().strip() if phrase else ""


def _without_markers(text: str) -> str:
    return re.sub(r"\s*\[\d+\]", "", text)


def _fit(match: re.Match[str], text: str, meant: str) -> str:
    """``meant`` in the form of the pronoun that it replaces."""
    word = match.group().lower()
    owns = word in ("its", "his", "their") or (
        word == "her"
        and re.match(r" (?!(?:on|in|at|to|that|and|for|from|with|by)\b)\w", text[match.end() :])
    )
    return f"{meant}'s" if owns and not meant.startswith("in ") else meant


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


# ------------------------------------------------------------------------------- Chinese


# A foreign name as Chinese writes it: 罗莎·林德, behind an office or a verb of choosing, or at the
# beginning. What stands before the first dot is no longer than four characters.
_PERSON_ZH = re.compile(
    r"(?:^|[，。：；、\s（]|[长任席统理员师授]|当选|选出|是|为)"
    r"(?P<name>[一-龥]{1,4}(?:[·・•][一-龥]{1,6}?)+?)(?=当选|出任|获胜|表示|说|称|宣布|在|于|[，。、；\s]|$)"
)
_OF_IT_ZH = re.compile(r"票价|价格|费用|学费|人数|人口|损失|面积|高度|长度|温度|伤亡|工资|预算")
_DAY_ZH = re.compile(r"[今去前明后][年天日]|[本上下]个?[周月]|昨[天日晚]|今晚|周[一二三四五六日末]")


def _resolved_zh(text: str, before: str, answers: Sequence[str]) -> str:
    subject = subject_of(before) if is_cjk(before) else ""
    if found := _ELLIPSIS_ZH.match(text):
        other = found["about"].removeprefix("那").strip()
        if subject and _DAY_ZH.fullmatch(other):
            day = _DAY_ZH.search(before)
            old, new = (day.group(), other) if day else (subject, subject + other)
            return before.replace(old, new, 1)
        if subject and _OF_IT_ZH.fullmatch(other):
            return f"{subject}{other}是多少？"
        if subject and not QUESTION_ZH.search(other):
            return before.replace(subject, other, 1)
    if _WHY_ZH.fullmatch(text) and before:
        core = re.sub(r"[吗呢？?]+$", "", before.strip())
        core = re.sub(r"是否|会不会|有没有|是不是", "", core)
        asked = text.removeprefix("那").removeprefix("但").rstrip("呢？?")
        if not QUESTION_ZH.search(re.sub(r"[会将已经被了]", "", core)):
            return f"{core}，{asked}？"
    person = re.search("[他她](?![们人])", text)
    if person and answers:
        people = {m["name"] for said in (before, answers[-1]) for m in _PERSON_ZH.finditer(said)}
        if len(people) == 1:
            return text[: person.start()] + people.pop() + text[person.end() :]
    if not subject or subject in text:
        return text
    pointed = _POINTS_ZH.search(text)
    if pointed:
        word = pointed.group()
        if word in ("那里", "那儿", "当地"):
            return text[: pointed.start()] + f"{subject}" + text[pointed.end() :]
        if word not in ("当时", "其中"):
            return text[: pointed.start()] + subject + text[pointed.end() :]
    if leans(text):
        return f"{subject}{text}" if not pointed else f"{subject}，{text}"
    return text


# ------------------------------------------------------------------------------- by a model

_SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "properties": {"question": {"type": "string", "minLength": 3, "maxLength": 400}},
    "required": ["question"],
    "additionalProperties": False,
}
_PROMPT = (
    "Rewrite the last question of a conversation so that it can be understood alone. Put the names "
    "that its pronouns mean in their place. Add nothing that was not said, answer nothing, keep "
    "its language. Reply with JSON."
)


def _by_model(question: str, turns: Sequence[Turn], chat: Chat, timeout_s: float) -> str:
    """The model's rewriting; "" where it cannot be had or brings a name or number of its own."""
    said = [
        {"question": t.question[:500], "answer": _without_markers(t.answer)[:1000]} for t in turns
    ]
    given = json.dumps({"turns": said, "last_question": question}, ensure_ascii=False)
    messages = [Message("system", _PROMPT), Message("user", given)]
    try:
        reply = chat.complete(messages, max_tokens=200, schema=_SCHEMA, timeout_s=timeout_s)
        made = " ".join(str(json.loads(reply.text)["question"]).split())
    except (ModelError, ValueError, KeyError, TypeError):
        return ""
    return made if _only_what_was_said(made, question, turns) else ""


def _only_what_was_said(made: str, question: str, turns: Sequence[Turn]) -> bool:
    """Whether every name and number of ``made`` stands in the conversation."""
    spoken = " ".join([question, *(f"{t.question} {t.answer}" for t in turns)])
    held = set(tokens(spoken))
    values = {(s.kind, s.value, s.unit) for s in slots.find(spoken) if s.kind is not SlotKind.NAME}
    for slot in slots.find(made):
        if slot.kind is SlotKind.NAME:
            if not set(tokens(slot.text)) <= held:
                return False
        elif (slot.kind, slot.value, slot.unit) not in values:
            return False
    return bool(made) and is_cjk(made) == is_cjk(question)
