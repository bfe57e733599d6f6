"""Does a prompt ask for what the policy forbids? Pure rules, English and Chinese, no model.

A file ``rules/KIND.toml`` has ``groups`` (words that mean one thing) and ``rule``s: a rule fires
where all its groups are found in one reading of the prompt and none of its ``unless`` groups is.
``harmless`` phrases are taken out first ("blood orange"), and a word that is denied does not count
("no blood", "没有血"). Groups of ``rules/shared.toml`` serve every kind; ``@person`` is a person's
name (``names.py``). ``"cruel > young"`` is found where a word of the one group has a word of the
other for its object: behind it in the same clause, with nothing but articles, adjectives and
adverbs between (``clauses.py``); ``verbs`` are listed once and found in all their forms.
"""

from __future__ import annotations

import json
import re
import tomllib
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import Any

from gnomon.guardrails.clauses import MOST_LATIN, forms, joined
from gnomon.guardrails.names import person
from gnomon.guardrails.policy import KINDS, Policy, Ruling
from gnomon.guardrails.spelling import plain, readings

MOST_CHARS = 8000
"""What is read of a prompt: longer ones are not drawn (assemble/pictures.py)."""
_PERSON = "@person"
_JOINED = " > "
# A girl of twenty-five is no child; a toddler is one whoever else is named with an age.
_MADE_OF = {
    "child": ("child_sure", "child_maybe"),
    "young": ("child_sure", "child_maybe", "offspring"),
}
_MAYBE_GROWN = ("child_maybe", "offspring")
# A denial right before a word; "no clothes" and its like are words of their own.
_DENIED = re.compile(
    r"(?:\b(?:no|not|non|never|without|avoid(?:ing)?|stop(?:ping)?|end(?:ing)?|against|anti|prevent(?:ing)?|"
    r"free of|nothing|zero|fighting)[ -](?:any |all |the |a |an )?(?:\w+ (?:or|and) )?"
    r"|没有?(?:任何)?|无|不要|不含|不是|禁止|禁|避免|反对|反|拒绝|防止|防|远离|打击|抵制|预防|消除)$"
)


@dataclass(frozen=True, slots=True)
class _Rule:
    name: str
    all: tuple[str, ...]
    unless: tuple[str, ...]
    denied_counts: bool


@dataclass(frozen=True, slots=True)
class _Kind:
    harmless: re.Pattern[str] | None
    groups: Mapping[str, re.Pattern[str]]
    rules: tuple[_Rule, ...]


def judge(prompt: str, policy: Policy, *, context: str = "") -> list[Ruling]:
    """The rules that ``prompt`` breaks, at most one of each kind, in the order of ``KINDS``; kinds
    that are off are not looked at. What stands in ``context`` can excuse and not condemn.
    Deterministic; about a millisecond for a usual prompt."""
    prompt = prompt[:MOST_CHARS]
    if policy.allow:
        allowed = "|".join(re.escape(plain(phrase)) for phrase in policy.allow)
        prompt = re.sub(allowed, " ", plain(prompt))
    texts = readings(prompt, _pinyin())
    found = []
    for kind in KINDS:
        action = policy.action(kind)
        if action == "off":
            continue
        if hit := _first(_kind(kind), texts, prompt, context):
            found.append(Ruling(kind, hit[0], action, hit[1]))
    return found


def judge_written(text: str, prompt: str, policy: Policy) -> list[Ruling]:
    """The rules that the writing in a finished picture breaks: those of prompts, and those of
    papers and money (``rules/written.toml``). ``prompt`` is what was asked for: a toy banknote may
    look like one."""
    text = text[:MOST_CHARS]
    found = [replace(one, judge="picture") for one in judge(text, policy, context=prompt)]
    action = policy.action("forged")
    if action == "off" or any(one.kind == "forged" for one in found):
        return found
    if hit := _first(_kind("written"), [plain(text)], text, prompt):
        found.append(Ruling("forged", f"{hit[0]}-in-picture", action, hit[1], "picture"))
    return found


def about_children(prompt: str) -> bool:
    """Whether a prompt speaks of children: what is shown of them is looked at more strictly."""
    kind = _kind("minors")
    texts = readings(prompt[:MOST_CHARS], _pinyin())
    return any(_Reading(kind, text, prompt).places("child") for text in texts)


def _first(
    kind: _Kind, texts: Iterable[str], prompt: str, context: str = ""
) -> tuple[str, str] | None:
    """The first rule that fires in any reading, and the words that it saw."""
    around = plain(context)
    for text in texts:
        bare = _Reading(kind, kind.harmless.sub(" ▢ ", text) if kind.harmless else text, prompt)
        whole = _Reading(kind, f"{text} | {around}", prompt)
        for rule in kind.rules:
            words = []
            for group in rule.all:
                if (word := bare.word(group, denied_counts=rule.denied_counts)) is None:
                    break
                words.append(word)
            else:
                if not any(whole.word(group, denied_counts=True) for group in rule.unless):
                    return rule.name, " … ".join(dict.fromkeys(words))[:120]
    return None


class _Reading:
    """One reading of a prompt, and which groups' words are where in it."""

    def __init__(self, kind: _Kind, text: str, prompt: str) -> None:
        self.kind, self.text, self.prompt = kind, text, prompt
        self._words: dict[tuple[str, bool], str | None] = {}
        self._places: dict[str, list[tuple[int, int]]] = {}

    def word(self, group: str, *, denied_counts: bool) -> str | None:
        """The first word of ``group`` that is not denied; for groups that are joined, all that lies
        between them."""
        key = group, denied_counts
        if key not in self._words:
            self._words[key] = self._word(group, denied_counts)
        return self._words[key]

    def _word(self, group: str, denied_counts: bool) -> str | None:
        if group == _PERSON:
            return person(self.prompt, self.text)
        first, *others = group.split(_JOINED)
        for start, end in self.places(first):
            if not denied_counts and _DENIED.search(self.text[max(0, start - 24) : start]):
                continue
            last: int | None = end
            for other in others:
                last = None if last is None else self._object(last, other)
            if last is not None:
                return self.text[start:last].strip()
        return None

    def _object(self, end: int, group: str) -> int | None:
        """Where the word of ``group`` ends that is joined to what ends at ``end``."""
        places = self.places(group)
        at = bisect_left(places, (end, 0))
        while at < len(places) and places[at][0] <= end + MOST_LATIN:
            if joined(self.text, end, places[at][0]):
                return places[at][1]
            at += 1
        return None

    def places(self, group: str) -> list[tuple[int, int]]:
        """Where the words of ``group`` stand, in their order."""
        if group not in self._places:
            names = _MADE_OF.get(group, (group,))
            if len(names) > 1 and self.kind.groups["grown"].search(self.text):
                names = tuple(name for name in names if name not in _MAYBE_GROWN)
            found = (m.span() for name in names for m in self.kind.groups[name].finditer(self.text))
            self._places[group] = sorted(found)
        return self._places[group]


@cache
def _kind(name: str) -> _Kind:
    shared, own = _read("shared"), _read(name)
    parts: Mapping[str, str] = {**shared.get("parts", {}), **own.get("parts", {})}
    listed: dict[str, list[str]] = {**shared["groups"], **own["groups"]}
    for name, verbs in own.get("verbs", {}).items():
        listed[name], listed[f"{name}_done"] = forms(verbs)
    rules = tuple(
        _Rule(
            rule["name"],
            tuple(rule["all"]),
            tuple(rule.get("unless", ())),
            bool(rule.get("denied_counts")),
        )
        for rule in own["rule"]
    )
    used = {
        part
        for rule in rules
        for group in (*rule.all, *rule.unless)
        for one in group.split(_JOINED)
        for part in _MADE_OF.get(one, (one,))
    }
    groups = {group: _pattern(listed[group], parts) for group in {*used, "grown"} - {_PERSON}}
    harmless = [*shared.get("harmless", ()), *own.get("harmless", ())]
    return _Kind(_pattern(harmless, parts) if harmless else None, groups, rules)


def _pattern(words: Iterable[str], parts: Mapping[str, str]) -> re.Pattern[str]:
    """Words as one pattern: Latin ones whole, Chinese ones anywhere; ``<name>`` is of ``parts``."""
    latin: list[str] = []
    han: list[str] = []
    for word in words:
        for name, part in parts.items():
            word = word.replace(f"<{name}>", part)
        (latin if re.match(r"[\x00-\x7f]*$", word) else han).append(word)
    whole = [rf"(?<![a-z0-9])(?:{'|'.join(latin)})(?![a-z0-9])"] if latin else []
    return re.compile("|".join([*whole, *han]))


def _read(name: str) -> Mapping[str, Any]:
    path = files("gnomon.guardrails") / "rules" / f"{name}.toml"
    return tomllib.loads(path.read_text(encoding="utf-8"))


@cache
def _pinyin() -> Mapping[str, str]:
    path = files("gnomon.guardrails") / "rules" / "pinyin.json"
    table: Mapping[str, str] = json.loads(path.read_text(encoding="utf-8"))
    return table
