"""What the description of every group is made of: schemas, parameters, bodies, answers.

OpenAPI 3.1 (https://spec.openapis.org/oas/v3.1.1), whose schemas are JSON Schema 2020-12.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from gnomon.serve.openapi.errors import CALLER, REQUEST_ID, answer_name

Schema = dict[str, Any]
Paths = dict[str, dict[str, Any]]

JSON = "application/json"
EVENTS = "text/event-stream"
TIME: Schema = {"type": "string", "format": "date-time"}
NAME_OF_ID = r"^[^/]+$"
"""An id in an address is one part of it."""


# --------------------------------------------------------------------------------- schemas


def ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def text(description: str = "", **more: Any) -> Schema:
    return _said({"type": "string", **more}, description)


def whole(description: str = "", **more: Any) -> Schema:
    return _said({"type": "integer", **more}, description)


def number(description: str = "", **more: Any) -> Schema:
    return _said({"type": "number", **more}, description)


def flag(description: str = "", **more: Any) -> Schema:
    return _said({"type": "boolean", **more}, description)


def one_of(*values: str | None, description: str = "") -> Schema:
    """One of some words."""
    return _said({"enum": list(values)}, description)


def always(value: Any) -> Schema:
    return {"const": value}


def anything(description: str = "") -> Schema:
    return _said({}, description)


def array(items: Schema, description: str = "", **more: Any) -> Schema:
    return _said({"type": "array", "items": items, **more}, description)


def obj(
    properties: Mapping[str, Schema],
    *,
    required: Sequence[str] | None = None,
    extra: bool | Schema = False,
    description: str = "",
) -> Schema:
    """An object; ``required`` None: every property is there."""
    said: Schema = {"type": "object", "properties": dict(properties)}
    needed = list(properties) if required is None else list(required)
    if needed:
        said["required"] = needed
    return _said({**said, "additionalProperties": extra}, description)


def record(values: Schema, description: str = "", **more: Any) -> Schema:
    """An object with any names."""
    return _said({"type": "object", "additionalProperties": values, **more}, description)


def null_or(schema: Schema) -> Schema:
    """``schema``, or null."""
    if not schema.keys() - {"description"}:
        return schema
    if "anyOf" in schema:
        return {**schema, "anyOf": [*schema["anyOf"], {"type": "null"}]}
    if isinstance(schema.get("type"), str):
        return {**schema, "type": [schema["type"], "null"]}
    if "enum" in schema:
        return {**schema, "enum": [*schema["enum"], None]}
    outer = {"description": schema["description"]} if "description" in schema else {}
    return {**outer, "anyOf": [schema, {"type": "null"}]}


def asked(
    properties: Mapping[str, Schema], required: Sequence[str] = (), *, extra: bool = True
) -> Schema:
    """What a request's body may be: a field that is not required may be null. ``extra`` is
    whether unknown fields are ignored (or refused)."""
    said = {n: s if n in required else null_or(s) for n, s in properties.items()}
    return obj(said, required=required, extra=extra)


def listing(items: Schema, *, paged: bool = False, **more: Schema) -> Schema:
    """A list object; ``paged`` with the ids that lead on."""
    pages: dict[str, Schema] = {}
    if paged:
        pages = {
            "first_id": null_or(text()), "last_id": null_or(text()), "has_more": flag(),
        }  # fmt: skip
    return obj({"object": always("list"), "data": array(items), **pages, **more})


def deleted(kind: str) -> Schema:
    return obj({"id": text(), "object": always(kind), "deleted": always(True)})


def _said(schema: Schema, description: str) -> Schema:
    return {**schema, "description": description} if description else schema


# --------------------------------------------------------------------------------- parameters


def at(name: str, description: str, **more: Any) -> Schema:
    """A part of the address."""
    schema = {"type": "string", "minLength": 1, "pattern": NAME_OF_ID, **more}
    return {
        "name": name, "in": "path", "required": True,
        "description": description, "schema": schema,
    }  # fmt: skip


def query(
    name: str, schema: Schema, description: str = "", *, required: bool = False, **more: Any
) -> Schema:
    said: Schema = {"name": name, "in": "query", "schema": schema, **more}
    if required:
        said["required"] = True
    return _said(said, description)


def many(name: str, description: str) -> Schema:
    """A parameter that may be given several times."""
    return query(name, array(text()), description, style="form", explode=True)


def moment_at(name: str, description: str) -> Schema:
    return query(name, MOMENT, description)


MOMENT: Schema = {
    "description": "ISO 8601 (without a zone: UTC) in the years 5 to 9900, or seconds, "
    "milliseconds or microseconds since 1970. Empty is as if it were not given.",
    "anyOf": [
        {"type": "string", "format": "date-time", "examples": ["2026-03-12T08:00:00Z"]},
        {"type": "string", "format": "date"},
        {"const": ""},
        {"type": "number", "exclusiveMinimum": -6.2e10, "exclusiveMaximum": 2.5e17},
        {"type": "number", "exclusiveMinimum": -6.2e13, "exclusiveMaximum": -1e11},
        {"type": "number", "exclusiveMinimum": -6.2e16, "exclusiveMaximum": -1e14},
    ],
}


def limit(most: int, usual: int) -> Schema:
    return query("limit", whole(minimum=1, maximum=most, default=usual))


ORDER = query("order", {"enum": ["asc", "desc"], "default": "desc"})
AFTER = query("after", text(), "An id of the list: what comes after it.")
BEFORE = query("before", text(), "An id of the list: what comes before it.")
FILTER = [
    moment_at("since", "Only posts from then on."),
    moment_at("until", "Only posts before then."),
    many("source", "Only these sources."),
    many("author", "Only these authors."),
    many("lang", "Only these languages."),
]


def words(description: str) -> Schema:
    """A string or several."""
    return {"description": description, "anyOf": [text(), array(text())]}


FILTER_FIELDS: dict[str, Schema] = {
    "since": MOMENT,
    "until": MOMENT,
    "source": words("Only these sources."),
    "author": words("Only these authors."),
    "lang": words("Only these languages."),
}


# --------------------------------------------------------------------------------- operations


def body(
    schema: Schema, examples: Mapping[str, Any], kind: str = JSON, *, required: bool = True
) -> Schema:
    """A request's body, with examples that the sample world answers."""
    named = {name: {"value": value} for name, value in examples.items()}
    return {"required": required, "content": {kind: {"schema": schema, "examples": named}}}


def gives(
    description: str, schema: Schema | None = None, kind: str = JSON, **content: Schema
) -> Schema:
    """A good answer. ``content`` are further headers."""
    headers = {"x-request-id": REQUEST_ID, **content}
    said: Schema = {"description": description, "headers": headers}
    if schema is not None:
        said["content"] = {kind: {"schema": schema}}
    return said


def streams(answer: Schema, events: Mapping[str, Schema], *, done: bool = False) -> Schema:
    """``answer``, which may also come as server-sent events: each one's data by its name (by ""
    those of any name). ``done``: the last is the literal ``[DONE]``."""
    kinds = [_event(name, data) for name, data in events.items()]
    if done:
        kinds.append(obj({"data": always("[DONE]")}, extra=True))
    told = {
        "type": "object",
        "description": "Each event of the stream; lines that are comments keep it open.",
        "anyOf": kinds,
    }
    return {**answer, "content": {**answer.get("content", {}), EVENTS: {"schema": told}}}


def _event(name: str, data: Schema) -> Schema:
    said = text(contentMediaType=JSON, contentSchema=data)
    return obj({"event": always(name) if name else text(), "data": said}, extra=True)


def does(
    tag: str,
    id: str,
    summary: str,
    answers: Mapping[int, Schema],
    *errors: int,
    params: Sequence[Schema] = (),
    body: Schema | None = None,
    description: str = "",
    public: bool = False,
    scope: str = "ask",
) -> Schema:
    """One operation. ``errors`` are those beside what every caller may get."""
    codes = {*errors, *CALLER} | ({408} if body else set())
    if public:
        codes -= {401} - {*errors}
    said: Schema = {"tags": [tag], "operationId": id, "summary": summary}
    if description:
        said["description"] = description
    if params:
        said["parameters"] = list(params)
    if body:
        said["requestBody"] = body
    good = {str(code): answer for code, answer in answers.items()}
    bad = {str(c): {"$ref": f"#/components/responses/{answer_name(c)}"} for c in sorted(codes)}
    said["responses"] = {**good, **{code: how for code, how in bad.items() if code not in good}}
    if public:
        said["security"] = []
    else:
        said["x-gnomon-scope"] = scope
    assert all(HTTPStatus(int(code)) for code in said["responses"])
    return said
