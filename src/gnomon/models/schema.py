"""The part of JSON Schema that gnomon asks models for, and the check of what they return.

A runtime's grammar is not trusted blindly: llama.cpp drops a schema that it cannot compile with
no more than a line in its log, and URLs vary. Keywords as in
https://json-schema.org/draft/2020-12/json-schema-validation; any other keyword is refused, so
that no schema promises what nobody checks.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from gnomon.errors import ModelError

_TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
}
_KEYWORDS = frozenset(
    {
        *("type", "enum", "const", "anyOf", "title", "description"),
        *("properties", "required", "additionalProperties"),
        *("items", "minItems", "maxItems"),
        *("minLength", "maxLength", "pattern"),
        *("minimum", "maximum"),
    }
)


def check(schema: Mapping[str, Any]) -> None:
    """Raises ModelError naming a type or keyword that is not in the part above."""
    for word in schema:
        if word not in _KEYWORDS:
            raise ModelError(f"The schema uses {word!r}; use only {', '.join(sorted(_KEYWORDS))}.")
    if schema.get("type", "null") not in _TYPES:
        raise ModelError(f"The schema's type {schema['type']!r} is none of {', '.join(_TYPES)}.")
    for inner in (*schema.get("properties", {}).values(), *schema.get("anyOf", ())):
        check(inner)
    for word in ("items", "additionalProperties"):
        if isinstance(schema.get(word), Mapping):
            check(schema[word])


def parse(text: str, schema: Mapping[str, Any]) -> Any:
    """``text`` as JSON that conforms. Raises ModelError saying where it does not."""
    try:
        value = json.loads(text)
    except ValueError as error:
        raise ModelError(f"The model's reply {_short(text)} is not JSON ({error}).") from error
    if wrong := violation(value, schema):
        raise ModelError(f"The model's reply {_short(text)} does not fit the schema: {wrong}.")
    return value


def violation(value: Any, schema: Mapping[str, Any], at: str = "$") -> str:
    """The first violation, with its JSON path; "" where ``value`` conforms."""
    if "type" in schema and not _is(value, schema["type"]):
        return f"{at} is {_short(value)}, not of type {schema['type']}"
    if "enum" in schema and not any(_same(value, option) for option in schema["enum"]):
        return f"{at} is {_short(value)}, none of {schema['enum']}"
    if "const" in schema and not _same(value, schema["const"]):
        return f"{at} is {_short(value)}, not {schema['const']!r}"
    if "anyOf" in schema and all(violation(value, option, at) for option in schema["anyOf"]):
        return f"{at} is {_short(value)}, which fits none of the alternatives"
    if isinstance(value, str):
        return _string(value, schema, at)
    if isinstance(value, list):
        return _array(value, schema, at)
    if isinstance(value, dict):
        return _object(value, schema, at)
    if _is(value, "number"):
        if value < schema.get("minimum", value):
            return f"{at} is {value}, less than {schema['minimum']}"
        if value > schema.get("maximum", value):
            return f"{at} is {value}, more than {schema['maximum']}"
    return ""


def _string(value: str, schema: Mapping[str, Any], at: str) -> str:
    if len(value) < schema.get("minLength", 0):
        return f"{at} has {len(value)} characters, fewer than {schema['minLength']}"
    if len(value) > schema.get("maxLength", len(value)):
        return f"{at} has {len(value)} characters, more than {schema['maxLength']}"
    if "pattern" in schema and not re.search(schema["pattern"], value):
        return f"{at} is {_short(value)}, which does not match {schema['pattern']!r}"
    return ""


def _array(value: list[Any], schema: Mapping[str, Any], at: str) -> str:
    if len(value) < schema.get("minItems", 0):
        return f"{at} has {len(value)} items, fewer than {schema['minItems']}"
    if len(value) > schema.get("maxItems", len(value)):
        return f"{at} has {len(value)} items, more than {schema['maxItems']}"
    found = (violation(v, schema.get("items", {}), f"{at}[{i}]") for i, v in enumerate(value))
    return next((wrong for wrong in found if wrong), "")


def _object(value: dict[str, Any], schema: Mapping[str, Any], at: str) -> str:
    for name in schema.get("required", ()):
        if name not in value:
            return f"{at} lacks {name!r}"
    known, rest = schema.get("properties", {}), schema.get("additionalProperties", True)
    for name, item in value.items():
        if name not in known and rest is False:
            return f"{at} has {name!r}, which is not asked for"
        inner = known.get(name, rest if isinstance(rest, Mapping) else {})
        if wrong := violation(item, inner, f"{at}.{name}"):
            return wrong
    return ""


def _is(value: Any, name: str) -> bool:
    # In Python, True is an int.
    if isinstance(value, bool):
        return name == "boolean"
    if name == "integer" and isinstance(value, float):
        return value.is_integer()
    return isinstance(value, _TYPES[name])


def _same(value: Any, option: Any) -> bool:
    return value == option and isinstance(value, bool) == isinstance(option, bool)


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 120 else text[:117] + "..."
