"""The owner's policy: for each kind of picture off, warn or refuse, in one file of TOML.

    [kinds]
    sexual = "refuse"

The file is ``$GNOMON_HOME/pictures.toml``; without it the policy is ``policy_text()``.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

from gnomon.errors import ConfigError

Action = Literal["off", "warn", "refuse"]
FILE = "pictures.toml"

KINDS: dict[str, str] = {
    "sexual": "nudity and sexual acts of adults",
    "minors": "children in sexual scenes, or harmed, drugged or armed",
    "people": "real people, named, in scenes that compromise them",
    "gore": "mutilation, torture, bloodshed",
    "hate": "contempt for people because of what they are; praise of those who killed for it",
    "forged": "documents, money and news that are made to deceive",
}
"""Each kind with what it means, for people."""
_ALWAYS_REFUSED = ("minors",)
"""Sexual pictures of children are a crime nearly everywhere, so this one cannot be switched off."""


@dataclass(frozen=True, slots=True)
class Ruling:
    """One rule that fired. ``kind`` is of ``KINDS``, ``rule`` its name in ``rules/KIND.toml`` (or
    the check of the picture that fired), ``words`` what in the prompt it saw ("" for a picture).
    ``judge`` is "rules", "model" or "picture"."""

    kind: str
    rule: str
    action: Literal["warn", "refuse"]
    words: str = ""
    judge: str = "rules"


@dataclass(frozen=True, slots=True)
class Policy:
    """``kinds`` by name; ``nsfw_threshold`` is the score from which a finished picture counts as
    sexual, 0 to 1; ``second_judge`` has a chat model judge prompts that the rules let pass;
    ``appeal`` is what a refusal says about whom to ask; ``log_days`` is how long the log is kept;
    ``allow`` are phrases that are never held against a prompt."""

    kinds: dict[str, Action] = field(default_factory=lambda: dict.fromkeys(KINDS, "refuse"))
    nsfw_threshold: float = 0.8
    second_judge: bool = False
    appeal: str = "If this is a mistake, ask the owner of this server to look at it."
    log_days: float = 30.0
    allow: tuple[str, ...] = ()

    def action(self, kind: str) -> Action:
        return self.kinds.get(kind, "refuse")


def policy_text() -> str:
    """The default policy as a file with its explanations, as ``gnomon draw --policy`` writes it."""
    lines = [
        '# What pictures may show here. For each kind: "off" (anything goes), "warn" (drawn, and',
        '# said), or "refuse". Every refusal names its rule; `gnomon draw --log` lists them.',
        "",
        "[kinds]",
    ]
    for kind, meaning in KINDS.items():
        fixed = "; cannot be off" if kind in _ALWAYS_REFUSED else ""
        lines.append(f'{kind} = "refuse"{" " * (8 - len(kind))}# {meaning}{fixed}')
    default = Policy()
    lines += [
        "",
        "# A finished picture counts as sexual from this score on (0 to 1; needs the model",
        "# `gnomon models pull open-nsfw`). Of the other kinds only what is written in a picture",
        "# is read (needs gnomon[ocr]).",
        f"nsfw_threshold = {default.nsfw_threshold}",
        "# Have the chat model, if there is a strong one, judge what the rules let pass.",
        "second_judge = false",
        "# What a refusal says about whom to ask.",
        f'appeal = "{default.appeal}"',
        "# How long the log of refusals and warnings is kept, in days; 0 keeps none.",
        f"log_days = {default.log_days:g}",
        "# Phrases that are never held against a prompt, such as the name of your band.",
        "allow = []",
        "",
    ]
    # Settings that are no kind stand before the table, where TOML wants them.
    head, kinds, rest = lines[:2], lines[2:11], lines[11:]
    return "\n".join([*head, *rest[:-1], *kinds, ""])


def load_policy(home: Path) -> Policy:
    """The policy of ``home``. Raises ConfigError naming the setting that cannot be used."""
    path = home / FILE
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return Policy()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read ({error}); mend or remove it.") from error
    try:
        return read_policy(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path} is not valid TOML ({error}); mend or remove it.") from error
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from None


def read_policy(given: dict[str, Any]) -> Policy:
    """A policy from what a file holds. Raises ConfigError."""
    known = {"kinds", "nsfw_threshold", "second_judge", "appeal", "log_days", "allow"}
    if unknown := sorted(set(given) - known):
        raise ConfigError(f"{unknown[0]!r} is no setting; there are {', '.join(sorted(known))}.")
    default = Policy()
    kinds = dict(default.kinds)
    for kind, action in _typed(given, "kinds", dict, {}).items():
        if kind not in KINDS:
            raise ConfigError(f"kinds.{kind} is no kind; there are {', '.join(KINDS)}.")
        if action not in get_args(Action):
            raise ConfigError(f"kinds.{kind} is {action!r}; give off, warn or refuse.")
        if kind in _ALWAYS_REFUSED and action != "refuse":
            raise ConfigError(f"kinds.{kind} is {action!r}; this kind can only be 'refuse'.")
        kinds[kind] = action
    threshold = float(_typed(given, "nsfw_threshold", (int, float), default.nsfw_threshold))
    if not 0 < threshold <= 1:
        raise ConfigError(f"nsfw_threshold is {threshold}; give more than 0 and at most 1.")
    days = float(_typed(given, "log_days", (int, float), default.log_days))
    if not 0 <= days <= 3650:
        raise ConfigError(f"log_days is {days}; give 0 to 3650.")
    allow = _typed(given, "allow", list, [])
    if not all(isinstance(phrase, str) and phrase.strip() for phrase in allow):
        raise ConfigError("allow holds something that is no phrase; give strings.")
    return Policy(
        kinds,
        threshold,
        _typed(given, "second_judge", bool, default.second_judge),
        _typed(given, "appeal", str, default.appeal),
        days,
        tuple(phrase.strip() for phrase in allow),
    )


def _typed(given: dict[str, Any], name: str, kind: Any, default: Any) -> Any:
    value = given.get(name, default)
    wrong_bool = isinstance(value, bool) and kind is not bool
    if not isinstance(value, kind) or wrong_bool:
        raise ConfigError(f"{name} is {value!r}, which cannot be used there.")
    return value
