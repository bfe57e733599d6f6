"""What a new part of a story changes in its plot: who died, who is new, what is settled.

Rules see to it that nobody and nothing is dropped; a model, held to a schema, adds what it can
show in the text: each change names the words that bear it, which are looked for.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from gnomon.errors import ModelError
from gnomon.models.protocols import Chat, Message
from gnomon.skills.consistency import named, names_of, sentences, taken_up
from gnomon.text import names, polarity, slots
from gnomon.text.tokens import is_cjk
from gnomon.truth.judge import holds
from gnomon.types.skilled import Change, Character, Plot, Thread

MOST_NEW = 6
NEW_NAMED = 2
"""So often a name must stand in a part for a rule to take it for a character's."""
_DIED = (
    r"died|dies|is dead|was dead|lay dead|fell dead|dropped dead|(?:was|were|been) (?:killed|"
    r"murdered|shot dead|stabbed to death|executed|hanged|drowned|slain)|drowned|"
    r"breathed (?:his|her|their) last|did not survive|took (?:his|her|their) last breath"
)
_DIED_ZH = "死了|死去|去世|身亡|遇难|牺牲|丧命|断了气|断气|被杀|被害|咽了气|没了呼吸"
_KILLS = r"(?:killed|murdered|buried|slew|the (?:dead )?body of|the corpse of|the death of)"
_KILLS_ZH = "杀死了?|杀了|害死了?|埋葬了?|安葬了?"
_UNSURE = re.compile(
    r"\b(?:if|almost|nearly|would|could|might|thought|feared|dreamed|wished|as though|as if|not)\b|"
    r"差点|几乎|如果|要是|以为|好像|没有|并未|未"
)

_SYSTEM = (
    "You keep the notes of a story. The user message holds the notes and the newest part. List "
    "only what the newest part itself says: characters who are new or whose status (alive, dead, "
    "away) changed, threads (open questions that the reader waits for) that are new or were "
    "closed, and facts with names or numbers that later parts must keep to. With each, copy into "
    "quote the exact words of the newest part that say so. Write about and text in few words, in "
    "the language of the story. Where nothing changed, return empty lists."
)


def _listed(**fields: Any) -> dict[str, Any]:
    texts = {"name": 60, "about": 160, "text": 200, "quote": 200}
    made = {
        key: {"type": "string", "maxLength": texts[key]}
        if kind is str
        else {"type": "string", "enum": list(kind)}
        for key, kind in fields.items()
    }
    row = {
        "type": "object", "properties": made, "required": list(made),
        "additionalProperties": False,
    }  # fmt: skip
    return {"type": "array", "maxItems": MOST_NEW, "items": row}


_LISTS = {
    "characters": _listed(name=str, about=str, status=("alive", "dead", "away"), quote=str),
    "threads": _listed(name=str, about=str, status=("open", "closed"), quote=str),
    "facts": _listed(text=str, quote=str),
}
SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "properties": _LISTS,
    "required": list(_LISTS),
    "additionalProperties": False,
}


def settled(
    plot: Plot, part: str, chat: Chat | None, *, timeout_s: float = 60.0
) -> tuple[Plot, list[Change], str]:
    """``plot`` with ``part`` as its newest and what that changes; what was changed or refused; and
    why the model could not be asked ("" where it was, or there is none).

    Only a strong model is asked: what smaller ones listed was refused to the last line, or nothing,
    and took as long as the part itself (SmolLM2 135M, Qwen2.5-Coder 1.5B; LOG.md)."""
    n = len(plot.parts) + 1
    plot = replace(plot, parts=(*plot.parts, part))
    plot, changes = _by_rule(plot, part, n)
    trouble = ""
    if chat is not None and chat.strong:
        try:
            rows = _asked(plot, part, chat, timeout_s)
        except ModelError as error:
            trouble = str(error)
        else:
            plot, more = _by_model(plot, part, n, rows, chat.name)
            changes += more
    return _looked_over(plot, part, n), changes, trouble


def _looked_over(plot: Plot, part: str, n: int) -> Plot:
    """``last`` of all that the part takes up."""
    return replace(
        plot,
        characters=tuple(
            replace(one, last=n) if named(one, part) else one for one in plot.characters
        ),
        threads=tuple(replace(one, last=n) if taken_up(one, part) else one for one in plot.threads),
    )


# ------------------------------------------------------------------------------- by rule


def _by_rule(plot: Plot, part: str, n: int) -> tuple[Plot, list[Change]]:
    changes: list[Change] = []
    said = sentences(part)
    characters = list(plot.characters)
    for at, one in enumerate(characters):
        quote = next((s for s in said if one.status == "alive" and dies(one, s)), "")
        if quote:
            characters[at] = replace(one, status="dead", since=n)
            changes.append(Change("character", one.name, "dead", quote))
    for name, quote in _new_names(plot, said):
        characters.append(Character(name, since=n, last=n))
        changes.append(Change("character", name, "new", quote))
    return replace(plot, characters=tuple(characters)), changes


def dies(one: Character, sentence: str) -> bool:
    """Whether a sentence tells somebody's death as a thing that happened."""
    if _UNSURE.search(sentence) or polarity.is_question(sentence):
        return False
    for name in names_of(one):
        wanted = re.escape(name)
        if is_cjk(name):
            if re.search(rf"{wanted}[^，。！？；的]{{0,6}}?(?:{_DIED_ZH})", sentence) or re.search(
                rf"(?:{_KILLS_ZH}){wanted}", sentence
            ):
                return True
        elif re.search(rf"(?<!\w){wanted} (?:\w+ )?(?:{_DIED})\b", sentence, re.I) or re.search(
            rf"\b{_KILLS} (?:old |poor |young )?{wanted}(?!\w)(?!['’]s)", sentence, re.I
        ):
            return True
    return False


def _new_names(plot: Plot, said: Sequence[str]) -> list[tuple[str, str]]:
    """People whom the part names more than once and who speak or act in it."""
    counted: Counter[str] = Counter()
    first: dict[str, str] = {}
    for sentence in said:
        for slot in names.find(sentence):
            name = re.sub(r"['’]s$", "", slot.text)
            known = any(named(one, name) for one in plot.characters)
            if not known and len(name) > 1 and not name.isupper():
                counted[name] += 1
                first.setdefault(name, sentence)
    text = " ".join(said)
    found = [
        name
        for name, times in counted.items()
        if _introduced(name, text) or (times >= NEW_NAMED and _person(name, text))
    ]
    return [(name, first[name]) for name in found[:MOST_NEW]]


def _introduced(name: str, text: str) -> bool:
    """Whether somebody is said to be called so: "a sailor named Jack"."""
    if is_cjk(name):
        return bool(re.search(rf"(?:名叫|叫做|叫作){re.escape(name)}", text))
    wanted = rf"(?:{_PEOPLE})(?:,? \w+){{0,4}}? (?:named|called) {re.escape(name)}(?!\w)"
    return bool(re.search(wanted, text, re.I))


_PEOPLE = (
    r"\w*man|\w*woman|men|boy|girl|child|friend|stranger|sailor|captain|doctor|teacher|brother|"
    r"sister|\w*mother|\w*father|son|daughter|wife|husband|\w+er|\w+or|soldier|priest|someone|"
    r"somebody|person|student|cook|guard|boss|cousin|aunt|uncle|king|queen|prince|princess|thief"
)


def _person(name: str, text: str) -> bool:
    """Whether a name does what only people do."""
    wanted = re.escape(name)
    if is_cjk(name):
        return bool(re.search(rf"{wanted}[^，。]{{0,4}}?(?:说|问|道|喊|答|笑|点头)", text))
    return bool(
        re.search(
            rf"(?<!\w){wanted} (?:\w+ly )?(?:said|asked|replied|answered|whispered|shouted|"
            rf"nodded|smiled|laughed|sighed|walked|ran|turned|looked|stood|sat|thought|knew|felt)\b"
            rf"|\b(?:said|asked|replied|answered|whispered|shouted) {wanted}(?!\w)",
            text,
        )
    )


# ------------------------------------------------------------------------------- by a model


def notes(plot: Plot) -> str:
    """The state in lines, as a model is shown it."""
    lines = [f"Premise: {plot.premise}"] if plot.premise else []
    for one in plot.characters:
        about = f": {one.about}" if one.about else ""
        lines.append(f"Character: {one.name} ({one.status}){about}")
    for thread in plot.threads:
        about = f": {thread.about}" if thread.about else ""
        lines.append(f"Thread: {thread.name} ({thread.status}){about}")
    lines += [f"Fact: {fact}" for fact in plot.facts]
    return "\n".join(lines)


def _asked(plot: Plot, part: str, chat: Chat, timeout_s: float) -> Mapping[str, Any]:
    """The model's lists. Raises ModelError."""
    room = max(600, (chat.context_tokens - 900) * (1 if plot.lang == "zh" else 3))
    shown = f"Notes:\n{notes(plot)[: room // 3]}\n\nNewest part:\n{part[-2 * room // 3 :]}"
    messages = [Message("system", _SYSTEM), Message("user", shown)]
    reply = chat.complete(messages, max_tokens=700, schema=SCHEMA, timeout_s=timeout_s)
    try:
        rows = json.loads(reply.text)
        assert isinstance(rows, dict), "the schema says so"
    except ValueError as error:
        raise ModelError(f"The model's notes are no JSON: {reply.text[:80]!r}.") from error
    return rows


def _by_model(
    plot: Plot, part: str, n: int, rows: Mapping[str, Any], by: str
) -> tuple[Plot, list[Change]]:
    changes: list[Change] = []
    for row in rows.get("characters", ()):
        plot, change = _character(plot, part, n, row, by)
        changes += [change] if change else []
    for row in rows.get("threads", ()):
        plot, change = _thread(plot, part, n, row, by)
        changes += [change] if change else []
    for row in rows.get("facts", ()):
        text, quote = str(row["text"]).strip(), str(row["quote"])
        if not text or text in plot.facts:
            continue
        why = _unborne(text, quote, part)
        changes.append(Change("fact", text, "new", quote, by, why))
        if not why:
            plot = replace(plot, facts=(*plot.facts, text))
    return plot, changes


def _character(
    plot: Plot, part: str, n: int, row: Mapping[str, Any], by: str
) -> tuple[Plot, Change | None]:
    name, status, quote = str(row["name"]).strip(), str(row["status"]), str(row["quote"])
    about = str(row["about"]).strip()
    held = next((one for one in plot.characters if name and named(one, name)), None)
    if held is None:
        why = _unborne(name, quote, part)
        if not why and not any(name in slot.text for slot in names.find(part)) and not is_cjk(name):
            why = "it is no name in the text"
        why = why or ("" if status == "alive" else "nobody new begins so")
        made = Change("character", name, f"new: {about}" if about else "new", quote, by, why)
        if why:
            return plot, made
        new = Character(name, about, since=n, last=n)
        return replace(plot, characters=(*plot.characters, new)), made
    fresh = held
    change: Change | None = None
    if status != held.status:
        why = "" if holds(part, quote) else "its quote is not in the text"
        if not why and not named(held, quote):
            why = "its quote is not about them"
        if not why and status == "dead" and not dies(held, quote):
            why = "its quote tells of no death"
        if not why and held.status == "dead":
            why = "who is dead stays dead; edit the plot if it is meant"
        change = Change("character", held.name, status, quote, by, why)
        if not why:
            fresh = replace(fresh, status=status, since=n)
    if about and not held.about and holds(part, quote) and named(held, quote):
        fresh = replace(fresh, about=about)
        change = change or Change("character", held.name, f"about: {about}", quote, by)
    rows = tuple(fresh if one is held else one for one in plot.characters)
    return replace(plot, characters=rows), change


def _thread(
    plot: Plot, part: str, n: int, row: Mapping[str, Any], by: str
) -> tuple[Plot, Change | None]:
    name, status, quote = str(row["name"]).strip(), str(row["status"]), str(row["quote"])
    held = next((one for one in plot.threads if one.name.casefold() == name.casefold()), None)
    why = "" if holds(part, quote) else "its quote is not in the text"
    if not name:
        return plot, None
    if held is None:
        if status == "closed":
            why = why or "nobody had opened it"
        elif not why and not taken_up(Thread(name), quote):
            why = "its quote is not about it"
        change = Change("thread", name, "new", quote, by, why)
        if why:
            return plot, change
        new = Thread(name, str(row["about"]).strip(), last=n)
        return replace(plot, threads=(*plot.threads, new)), change
    if status == held.status:
        return plot, None
    change = Change("thread", held.name, status, quote, by, why)
    if why:
        return plot, change
    rows = tuple(replace(one, status=status) if one is held else one for one in plot.threads)
    return replace(plot, threads=rows), change


def _unborne(text: str, quote: str, part: str) -> str:
    """Why a quote does not bear a text; "" where it does."""
    if not holds(part, quote):
        return "its quote is not in the text"
    if slots.missing(text, quote):
        return "its quote does not give its numbers"
    lacking = [
        slot.text for slot in names.find(text) if slot.text.casefold() not in part.casefold()
    ]
    return f"the text does not name {lacking[0]!r}" if lacking else ""
