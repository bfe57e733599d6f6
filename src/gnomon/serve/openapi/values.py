"""Schemas of gnomon's own values, read off their types: what ``wire.to_json`` makes of each.

A field that is added to a value is described as soon as it is there.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Mapping
from enum import Enum
from typing import Any

from gnomon.serve.openapi.parts import TIME, Schema, null_or, ref, text
from gnomon.types import (
    Campaign,
    Citation,
    Digest,
    Evidence,
    Gap,
    LeftOut,
    Link,
    Origin,
    Post,
    PostView,
    SetAside,
    Skipped,
    Step,
    Story,
    Trend,
    Tried,
    Verdict,
)
from gnomon.types.measured import Joules
from gnomon.types.skilled import Argued, Debate, Piece, Reading, Stretch, Told, Translation
from gnomon.wire import TIMES

_ROOTS = (
    Argued, Campaign, Citation, Debate, Digest, Evidence, Gap, Joules, LeftOut, Link, Origin,
    Piece, Post, PostView, Reading, SetAside, Skipped, Step, Story, Stretch, Told, Translation,
    Trend, Tried, Verdict,
)  # fmt: skip
_PLAIN: dict[Any, Schema] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    float: {"type": "number"},
    bool: {"type": "boolean"},
    Any: {},
    object: {},
}


def schemas() -> dict[str, Schema]:
    """By the name of the value."""
    made: dict[str, Schema] = {}
    for root in _ROOTS:
        _schema(root, made)
    return made


def _schema(kind: Any, made: dict[str, Schema]) -> Schema:
    """The schema of an annotation; values go into ``made`` and are pointed at."""
    if kind in _PLAIN:
        return _PLAIN[kind]
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        return _union([one for one in inner if one is not type(None)], len(inner), made)
    if origin is typing.Literal:
        return {"enum": list(inner)}
    if origin is tuple:
        return {"type": "array", "items": _schema(inner[0], made)}
    if origin is not None and issubclass(origin, Mapping):
        return {"type": "object", "additionalProperties": _schema(inner[1], made)}
    if issubclass(kind, Enum):
        return {"enum": [one.value for one in kind]}
    assert dataclasses.is_dataclass(kind), kind
    assert isinstance(kind, type), kind
    name: str = kind.__name__
    if name not in made:
        made[name] = {}  # a value may hold values of its own kind
        made[name] = _post(made) if kind is Post else _value(kind, made)
    return ref(name)


def _union(kinds: list[Any], all_of_them: int, made: dict[str, Schema]) -> Schema:
    told = [_schema(one, made) for one in kinds]
    whole = told[0] if len(told) == 1 else {"anyOf": told}
    return null_or(whole) if all_of_them > len(kinds) else whole


def _value(kind: Any, made: dict[str, Schema]) -> Schema:
    properties = _fields(kind, made)
    if kind is Evidence:
        properties["stance"] = {"enum": ["supports", "refutes", "neither"]}
    return {
        "type": "object",
        "description": _first_words(kind),
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _post(made: dict[str, Schema]) -> Schema:
    """Empty fields are left out, unknown ones stand beside the known."""
    properties = _fields(Post, made)
    del properties["extra"]
    return {
        "type": "object",
        "description": f"{_first_words(Post)} Empty fields are left out; unknown ones are kept.",
        "properties": properties | {"hash": text("SHA-256 of `text`.")},
        "required": ["id", "text", "source", "fetched_at", "hash"],
        "additionalProperties": True,
    }


def _fields(kind: Any, made: dict[str, Schema]) -> dict[str, Schema]:
    hints = typing.get_type_hints(kind)
    return {f.name: _field(f.name, hints[f.name], made) for f in dataclasses.fields(kind)}


def _field(name: str, kind: Any, made: dict[str, Schema]) -> Schema:
    if name in TIMES and kind is float:
        return TIME
    if name in TIMES and kind == (float | None):
        return null_or(TIME)
    return _schema(kind, made)


def _first_words(kind: Any) -> str:
    """The first sentence of a value's docstring."""
    said = " ".join((kind.__doc__ or "").replace("``", "`").split())
    return said.partition(". ")[0].rstrip(".") + "."
