"""Does a prompt ask for what the policy forbids? Pure rules, English and Chinese, no model.

A file ``rules/KIND.toml`` has ``groups`` (words that mean one thing) and ``rule``s: a rule fires
where all its groups are found in one reading of the prompt and none of its ``unless`` groups is.
``harmless`` phrases are taken out first ("blood orange"), and a word that is denied does not count
("no blood", "没有血"). Groups of ``rules/shared.toml`` serve every kind; ``@person`` is a person's
name (``names.py``).
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from gnomon.guardrails.names import person
from gnomon.guardrails.policy import KINDS, Policy, Ruling
from gnomon.guardrails.spelling import plain, readings

MOST_CHARS = 8000
"""What is read of a prompt: longer ones are not drawn (assemble/pictures.py)."""
_PERSON = "@person"
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


def judge(prompt: str, policy: Policy) -> list[Ruling]:
    """The rules that ``prompt`` breaks, at most one of each kind, in the order of ``KINDS``; kinds
    that are off are not looked at. Deterministic; about a millisecond for a usual prompt."""
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
        if hit := _first(_kind(kind), texts, prompt):
            found.append(Ruling(kind, hit[0], action, hit[1]))
    return found


def about_children(prompt: str) -> bool:
    """Whether a prompt speaks of children: what is shown of them is looked at more strictly."""
    words = _kind("minors").groups["child"]
    return any(words.search(text) for text in readings(prompt[:MOST_CHARS], _pinyin()))


def _first(kind: _Kind, texts: Iterable[str], prompt: str) -> tuple[str, str] | None:
    """The first rule that fires in any reading, and the words that it saw."""
    for text in texts:
        bare = kind.harmless.sub(" ▢ ", text) if kind.harmless else text
        seen: dict[str, str | None] = {}
        for rule in kind.rules:
            words = [_look(kind, group, bare, prompt, seen, rule) for group in rule.all]
            if not all(words):
                continue
            if any(_look(kind, group, text, prompt, {}, rule, True) for group in rule.unless):
                continue
            return rule.name, " … ".join(dict.fromkeys(word for word in words if word))[:120]
    return None


def _look(
    kind: _Kind,
    group: str,
    text: str,
    prompt: str,
    seen: dict[str, str | None],
    rule: _Rule,
    context: bool = False,
) -> str | None:
    """The first word of ``group`` in ``text`` that is not denied."""
    key = f"{group}{rule.denied_counts}"
    if key in seen:
        return seen[key]
    if group == _PERSON:
        seen[key] = person(prompt, text)
        return seen[key]
    word = None
    for match in kind.groups[group].finditer(text):
        denied = _DENIED.search(text[max(0, match.start() - 24) : match.start()])
        if context or rule.denied_counts or not denied:
            word = match[0].strip()
            break
    seen[key] = word
    return word


@cache
def _kind(name: str) -> _Kind:
    shared, own = _read("shared"), _read(name)
    words: dict[str, list[str]] = {**shared["groups"], **own["groups"]}
    rules = tuple(
        _Rule(
            rule["name"],
            tuple(rule["all"]),
            tuple(rule.get("unless", ())),
            bool(rule.get("denied_counts")),
        )
        for rule in own["rule"]
    )
    named = {group for rule in rules for group in (*rule.all, *rule.unless)} - {_PERSON}
    groups = {group: _pattern(words[group]) for group in named}
    harmless = [*shared.get("harmless", ()), *own.get("harmless", ())]
    return _Kind(_pattern(harmless) if harmless else None, groups, rules)


def _pattern(words: Iterable[str]) -> re.Pattern[str]:
    """Words as one pattern: Latin ones whole, Chinese ones anywhere."""
    latin: list[str] = []
    han: list[str] = []
    for word in words:
        (latin if re.match(r"[\x00-\x7f]*$", word) else han).append(word)
    parts = [rf"(?<![a-z0-9])(?:{'|'.join(latin)})(?![a-z0-9])"] if latin else []
    return re.compile("|".join([*parts, *han]))


def _read(name: str) -> Mapping[str, Any]:
    path = files("gnomon.guardrails") / "rules" / f"{name}.toml"
    return tomllib.loads(path.read_text(encoding="utf-8"))


@cache
def _pinyin() -> Mapping[str, str]:
    path = files("gnomon.guardrails") / "rules" / "pinyin.json"
    table: Mapping[str, str] = json.loads(path.read_text(encoding="utf-8"))
    return table
