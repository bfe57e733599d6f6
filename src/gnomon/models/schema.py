"""The part of JSON Schema that gnomon asks models for, and the check of what they return.

A runtime's grammar is not trusted blindly: llama.cpp drops a schema that it cannot compile with
no more than a line in its log, and URLs vary. Keywords as in
https://json-schema.org/draft/2020-12/json-schema-validation; any other keyword is refused, so
that no schema promises what nobody checks.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from gnomon.errors import InputError, ModelError

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


# What a client's schema may say beyond the part above. llguidance holds these
# (https://github.com/guidance-ai/llguidance/blob/main/docs/json_schema.md); formats that it does
# not know say nothing about which text is allowed, and neither do these words.
_HELD = _KEYWORDS | {
    *("$ref", "$defs", "definitions", "allOf", "oneOf", "format", "prefixItems"),
    *("exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
}
_SILENT = frozenset(
    {
        *("title", "description", "default", "examples", "example", "deprecated", "readOnly"),
        *("writeOnly", "discriminator", "$schema", "$comment", "$id", "$anchor", "strict"),
    }
)
_FORMATS = frozenset("date-time time date duration email hostname ipv4 ipv6 uuid uri".split())
_MOST_NODES = 2000


def grammatical(schema: Mapping[str, Any], *, strict: bool, what: str) -> dict[str, Any]:
    """A client's schema as the grammar takes it. ``oneOf`` becomes ``anyOf``.

    A keyword that cannot be held is left out where not ``strict``. Raises InputError for one where
    it is, and for what is no schema at all.
    """
    nodes = iter(range(_MOST_NODES))
    held: dict[str, Any] = _grammatical(schema, strict, what, nodes)
    for target in _references(held):
        if _resolve(target, held) is None:
            raise InputError(f"{what} refers to {target!r}, which is not among its $defs.")
    return held


def _grammatical(schema: Any, strict: bool, what: str, nodes: Iterator[int]) -> Any:
    if isinstance(schema, bool) or schema is None:
        return schema
    if not isinstance(schema, Mapping):
        raise InputError(f"In {what}, {_short(schema)} is no JSON Schema; give an object.")
    if next(nodes, None) is None:
        raise InputError(f"{what} has more than {_MOST_NODES} parts; make it smaller.")
    held: dict[str, Any] = {}
    for word, value in schema.items():
        if word in _SILENT or (word == "format" and value not in _FORMATS):
            continue
        if word not in _HELD:
            if strict:
                raise InputError(f"{what} uses {word!r}, which no grammar holds; leave it out.")
            continue
        held["anyOf" if word == "oneOf" else word] = _inner(word, value, strict, what, nodes)
    types = held.get("type", "null")
    for name in types if isinstance(types, list) else [types]:
        if name not in _TYPES:
            raise InputError(f"In {what}, the type {name!r} is none of {', '.join(_TYPES)}.")
    if not isinstance(held.get("required", []), list):
        raise InputError(f"In {what}, 'required' is no list.")
    return held


def _inner(word: str, value: Any, strict: bool, what: str, nodes: Iterator[int]) -> Any:
    """What a keyword holds, schemas within it included."""

    def inner(schema: Any) -> Any:
        return _grammatical(schema, strict, what, nodes)

    if word in ("properties", "$defs", "definitions"):
        if not isinstance(value, Mapping):
            raise InputError(f"In {what}, {word!r} is no object.")
        return {name: inner(one) for name, one in value.items()}
    if word in ("anyOf", "oneOf", "allOf", "prefixItems"):
        if not isinstance(value, list) or not value:
            raise InputError(f"In {what}, {word!r} is no list of schemas.")
        return [inner(one) for one in value]
    if word in ("items", "additionalProperties"):
        return inner(value)
    if word == "pattern":
        try:
            re.compile(value)
        except (re.error, TypeError) as error:
            raise InputError(f"In {what}, the pattern {_short(value)} is none: {error}.") from None
    return value


def _references(schema: Any) -> Iterator[str]:
    if isinstance(schema, Mapping):
        if isinstance(target := schema.get("$ref"), str):
            yield target
        for inner in schema.values():
            yield from _references(inner)
    elif isinstance(schema, list):
        for inner in schema:
            yield from _references(inner)


def _resolve(target: str, root: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """A JSON pointer within the schema (https://www.rfc-editor.org/rfc/rfc6901)."""
    if not target.startswith("#"):
        return None
    found: Any = root
    for part in target[1:].split("/")[1:]:
        name = part.replace("~1", "/").replace("~0", "~")
        if not isinstance(found, Mapping) or name not in found:
            return None
        found = found[name]
    return found if isinstance(found, Mapping) else None


def parse(text: str, schema: Mapping[str, Any]) -> Any:
    """``text`` as JSON that conforms. Raises ModelError saying where it does not."""
    try:
        value = json.loads(text)
    except ValueError as error:
        raise ModelError(f"The model's reply {_short(text)} is not JSON ({error}).") from error
    if wrong := violation(value, schema):
        raise ModelError(f"The model's reply {_short(text)} does not fit the schema: {wrong}.")
    return value


def violation(value: Any, schema: Any, at: str = "$", root: Mapping[str, Any] | None = None) -> str:
    """The first violation, with its JSON path; "" where ``value`` conforms. References are looked
    up in ``root``, by default the schema itself."""
    if not isinstance(schema, Mapping):
        return f"{at} is not allowed" if schema is False else ""
    root = schema if root is None else root
    if "$ref" in schema:
        target = _resolve(schema["$ref"], root)
        if target is None:
            return f"{at} has the unknown type {schema['$ref']!r}"
        if wrong := violation(value, target, at, root):
            return wrong
    types = schema.get("type")
    if types and not any(_is(value, t) for t in (types if isinstance(types, list) else [types])):
        return f"{at} is {_short(value)}, not of type {schema['type']}"
    if "enum" in schema and not any(_same(value, option) for option in schema["enum"]):
        return f"{at} is {_short(value)}, none of {schema['enum']}"
    if "const" in schema and not _same(value, schema["const"]):
        return f"{at} is {_short(value)}, not {schema['const']!r}"
    options = schema.get("anyOf") or schema.get("oneOf")
    if options and all(violation(value, option, at, root) for option in options):
        return f"{at} is {_short(value)}, which fits none of the alternatives"
    for part in schema.get("allOf", ()):
        if wrong := violation(value, part, at, root):
            return wrong
    if isinstance(value, str):
        return _string(value, schema, at)
    if isinstance(value, list):
        return _array(value, schema, at, root)
    if isinstance(value, dict):
        return _object(value, schema, at, root)
    return _number(value, schema, at) if _is(value, "number") else ""


def _number(value: Any, schema: Mapping[str, Any], at: str) -> str:
    if value < schema.get("minimum", value):
        return f"{at} is {value}, less than {schema['minimum']}"
    if value > schema.get("maximum", value):
        return f"{at} is {value}, more than {schema['maximum']}"
    if "exclusiveMinimum" in schema and value <= schema["exclusiveMinimum"]:
        return f"{at} is {value}, not more than {schema['exclusiveMinimum']}"
    if "exclusiveMaximum" in schema and value >= schema["exclusiveMaximum"]:
        return f"{at} is {value}, not less than {schema['exclusiveMaximum']}"
    return ""


def _string(value: str, schema: Mapping[str, Any], at: str) -> str:
    if len(value) < schema.get("minLength", 0):
        return f"{at} has {len(value)} characters, fewer than {schema['minLength']}"
    if len(value) > schema.get("maxLength", len(value)):
        return f"{at} has {len(value)} characters, more than {schema['maxLength']}"
    if "pattern" in schema and not re.search(schema["pattern"], value):
        return f"{at} is {_short(value)}, which does not match {schema['pattern']!r}"
    return ""


def _array(value: list[Any], schema: Mapping[str, Any], at: str, root: Mapping[str, Any]) -> str:
    if len(value) < schema.get("minItems", 0):
        return f"{at} has {len(value)} items, fewer than {schema['minItems']}"
    if len(value) > schema.get("maxItems", len(value)):
        return f"{at} has {len(value)} items, more than {schema['maxItems']}"
    first = schema.get("prefixItems", ())
    for i, item in enumerate(value):
        inner = first[i] if i < len(first) else schema.get("items", {})
        if wrong := violation(item, inner, f"{at}[{i}]", root):
            return wrong
    return ""


def _object(
    value: dict[str, Any], schema: Mapping[str, Any], at: str, root: Mapping[str, Any]
) -> str:
    for name in schema.get("required", ()):
        if name not in value:
            return f"{at} lacks {name!r}"
    known, rest = schema.get("properties", {}), schema.get("additionalProperties", True)
    for name, item in value.items():
        if name not in known and rest is False:
            return f"{at} has {name!r}, which is not asked for"
        inner = known.get(name, rest if isinstance(rest, Mapping) else {})
        if wrong := violation(item, inner, f"{at}.{name}", root):
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
