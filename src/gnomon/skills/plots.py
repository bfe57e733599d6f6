"""A plot as TOML, for people to edit, and as JSON, for programs."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import fields
from typing import Any, TypeVar

from gnomon.errors import InputError
from gnomon.text.tokens import is_cjk
from gnomon.types.skilled import Character, Plot, Thread

LANGS = ("en", "zh")
STATUS = {Character: ("alive", "dead", "away"), Thread: ("open", "closed")}
MOST = {"characters": 200, "threads": 200, "facts": 200, "parts": 2_000}
MOST_CHARS = 1_000_000
HEAD = (
    "# A plot of gnomon. Edit anything: the next `gnomon story --plot` goes by what stands here.\n"
    "# status of characters: alive, dead, away; of threads: open, closed. Numbers are those of\n"
    "# parts. (Comments of your own are not kept when a part is added.)\n\n"
)
T = TypeVar("T", Character, Thread)


def from_toml(text: str, name: str = "the plot") -> Plot:
    """Raises InputError naming what cannot be used."""
    try:
        return from_json(tomllib.loads(text), name)
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{name} is not valid TOML ({error}); mend that line.") from error


def from_json(value: Any, name: str = "plot") -> Plot:
    """A plot from plain JSON; every field may be missing (``lang``: that of the premise). Raises
    InputError."""
    if not isinstance(value, Mapping):
        raise InputError(f"{name} is no object; give one like {{'premise': '...'}}.")
    _known(value, Plot, name)
    plain = {key: _text(value, key, name) for key in ("title", "premise", "lang", "style")}
    told = plain["premise"] or "".join(_texts(value, "parts", name)[-1:])
    lang = plain.pop("lang") or ("zh" if is_cjk(told) else "en")
    if lang not in LANGS:
        raise InputError(f"{name}.lang is {lang[:20]!r}; give {' or '.join(LANGS)}.")
    plot = Plot(
        lang=lang,
        facts=_texts(value, "facts", name),
        parts=_texts(value, "parts", name),
        characters=_rows(value, "characters", Character, name),
        threads=_rows(value, "threads", Thread, name),
        **plain,
    )
    if (chars := sum(map(len, (plot.premise, *plot.parts, *plot.facts)))) > MOST_CHARS:
        raise InputError(
            f"{name} has {chars:,} characters, and at most {MOST_CHARS:,} are read; begin a new "
            "plot with a premise that sums this one up."
        )
    return plot


def to_toml(plot: Plot) -> str:
    """What ``from_toml`` reads."""
    lines = [HEAD.rstrip(), ""]
    lines += [f"{key} = {_quoted(getattr(plot, key))}" for key in ("title", "lang")]
    lines += [f"{key} = {_block(getattr(plot, key))}" for key in ("premise", "style")]
    lines += ["facts = [", *(f"    {_quoted(fact)}," for fact in plot.facts), "]"]
    lines += ["parts = [", *(f"{_block(part)}," for part in plot.parts), "]"]
    rows: tuple[tuple[str, tuple[Character | Thread, ...]], ...] = (
        ("characters", plot.characters),
        ("threads", plot.threads),
    )
    for key, values in rows:
        for row in values:
            lines += ["", f"[[{key}]]"]
            lines += [f"{f.name} = {_value(getattr(row, f.name))}" for f in fields(row)]
    return "\n".join(lines) + "\n"


# ------------------------------------------------------------------------------------- reading


def _known(value: Mapping[str, Any], kind: type, name: str) -> None:
    names = [f.name for f in fields(kind)]
    for key in value:
        if key not in names:
            raise InputError(
                f"{name} has {str(key)[:40]!r}, which is no field; there are {', '.join(names)}."
            )


def _text(value: Mapping[str, Any], key: str, name: str) -> str:
    found = value.get(key)
    if found is None:
        return ""
    if not isinstance(found, str):
        raise InputError(f"{name}.{key} is {str(found)[:40]!r}; give a string.")
    return found.strip()


def _texts(value: Mapping[str, Any], key: str, name: str) -> tuple[str, ...]:
    found = value.get(key) or ()
    if not isinstance(found, list | tuple) or not all(isinstance(one, str) for one in found):
        raise InputError(f"{name}.{key} is no list of strings.")
    _bounded(found, key, name)
    return tuple(one.strip() for one in found if one.strip())


def _bounded(found: Any, key: str, name: str) -> None:
    most = MOST.get(key, 200)
    if len(found) > most:
        raise InputError(f"{name}.{key} has {len(found):,} entries, and at most {most:,} are read.")


def _rows(value: Mapping[str, Any], key: str, kind: type[T], name: str) -> tuple[T, ...]:
    found = value.get(key) or ()
    if not isinstance(found, list | tuple):
        raise InputError(f"{name}.{key} is no list.")
    _bounded(found, key, name)
    rows = [_row(one, kind, f"{name}.{key}[{n}]") for n, one in enumerate(found)]
    names = [row.name.casefold() for row in rows]
    if twice := next((one for one in names if names.count(one) > 1), None):
        raise InputError(f"{name}.{key} has {twice!r} twice; keep one of them.")
    return tuple(rows)


def _row(value: Any, kind: type[T], name: str) -> T:
    if not isinstance(value, Mapping):
        raise InputError(f"{name} is no object; give one like {{'name': '...'}}.")
    _known(value, kind, name)
    made: dict[str, Any] = {key: _text(value, key, name) for key in ("name", "about")}
    if not made["name"]:
        raise InputError(f"{name} has no name; give it one.")
    allowed = STATUS[kind]
    made["status"] = _text(value, "status", name) or allowed[0]
    if made["status"] not in allowed:
        said = made["status"][:20]
        raise InputError(f"{name}.status is {said!r}; give {', '.join(allowed)}.")
    for key in ("since", "last"):
        if (number := value.get(key)) is not None:
            if not isinstance(number, int) or isinstance(number, bool) or not 0 <= number < 10_000:
                raise InputError(f"{name}.{key} is {str(number)[:20]!r}; give a part's number.")
            made[key] = number
    if "also" in value:
        made["also"] = _texts(value, "also", name)
    return kind(**made)


# ------------------------------------------------------------------------------------- writing

# TOML's basic strings (https://toml.io/en/v1.0.0#string) take JSON's escapes, and no raw DEL.
_RAW = re.compile("[\x00-\x08\x0b-\x1f\x7f]")


def _quoted(text: str) -> str:
    sound = text.encode("utf-8", "replace").decode("utf-8")
    return json.dumps(sound, ensure_ascii=False).replace("\x7f", "\\u007f")


def _block(text: str) -> str:
    """Lines as they are, for whoever edits them."""
    if "\n" not in text:
        return _quoted(text)
    sound = text.encode("utf-8", "replace").decode("utf-8").replace("\\", "\\\\")
    sound = sound.replace('"""', '""\\"').replace("\r", "\\r")
    sound = _RAW.sub(lambda found: f"\\u{ord(found[0]):04x}", sound)
    if sound.endswith('"'):
        sound = sound[:-1] + '\\"'
    return f'"""\n{sound}"""'


def _value(value: Any) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(map(_quoted, value))}]"
    return str(value) if isinstance(value, int) else _quoted(value)
