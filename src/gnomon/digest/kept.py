"""A digest as the journal keeps it, and back.

What the journal gives back may lack the words of posts that their authors have deleted since
(``"deleted": true``, an empty quote, ``[deleted]`` in sentences); it is a digest all the same.
"""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Mapping
from enum import Enum
from functools import cache
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from gnomon.types import Digest
from gnomon.wire import parse_time, to_json

OBJECT = "gnomon.digest"
T = TypeVar("T")


def to_body(digest: Digest) -> dict[str, Any]:
    """``digest`` as JSON, without its id (which is the hash of this)."""
    body = to_json(digest)
    assert isinstance(body, dict)
    body.pop("id")
    return {"object": OBJECT, **body}


def cites(digest: Digest) -> list[str]:
    """The posts whose words stand in it."""
    found = {citation.evidence.post for citation in digest.citations}
    return sorted(found | {brief.first.post for brief in digest.briefs})


def from_body(body: Mapping[str, Any]) -> Digest:
    """The Digest of a kept body with its ``id``. Raises ValueError where it is none."""
    if body.get("object") != OBJECT:
        raise ValueError(f"a {body.get('object')!r} is no digest")
    return _made(Digest, body)


def _made(cls: type[T], value: Mapping[str, Any]) -> T:
    hints: Mapping[str, Any] = _hints(cls)  # type: ignore[arg-type]  # a type is hashable
    given = {name: _read(hint, value[name]) for name, hint in hints.items() if name in value}
    return cls(**given)


@cache
def _hints(cls: Any) -> dict[str, Any]:
    hints = get_type_hints(cls)
    return {f.name: hints[f.name] for f in dataclasses.fields(cls)}


def _read(hint: Any, value: Any) -> Any:
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        if value is None:
            return None
        return _read(next(arg for arg in get_args(hint) if arg is not type(None)), value)
    if origin is tuple:
        return tuple(_read(get_args(hint)[0], item) for item in value)
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return _made(hint, value)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return hint(value)
    if hint is float:
        return parse_time(value) if isinstance(value, str) else float(value)
    return value
