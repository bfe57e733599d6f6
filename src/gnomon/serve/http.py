"""HTTP at its plainest: one error shape, JSON in and out, the reading of fields.

Every error that leaves the server is ``{"error": {"message", "type", "param", "code"}}``, the
shape that OpenAI's clients parse (https://platform.openai.com/docs/guides/error-codes); the types
are those of Open Responses (https://www.openresponses.org/specification).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, TypeVar

import orjson
from starlette.requests import Request
from starlette.responses import Response

from gnomon.errors import (
    Forbidden,
    GnomonError,
    InputError,
    ModelError,
    ModelTimeout,
    NotFound,
    StoreBusy,
    StoreFull,
)
from gnomon.types import Filter
from gnomon.wire import parse_time

MAX_BODY_BYTES = 1_000_000
MAX_DEPTH = 32

T = TypeVar("T")


class ApiError(Exception):
    """An answer other than success. ``param`` names the field that is at fault."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        type: str = "invalid_request_error",
        param: str | None = None,
        code: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.type = type
        self.param = param
        self.code = code
        self.headers = dict(headers or {})

    def body(self) -> dict[str, Any]:
        """The error object, as every client gets it."""
        return {
            "error": {
                "message": self.message,
                "type": self.type,
                "param": self.param,
                "code": self.code,
            }
        }

    def response(self) -> Response:
        return json_response(self.body(), self.status, self.headers)


def api_error(error: GnomonError | ApiError) -> ApiError:
    """One of our own errors as an answer. Its message was written for people, so it is sent."""
    if isinstance(error, ApiError):
        return error
    message = str(error)
    if isinstance(error, NotFound):
        return ApiError(404, message, type="not_found", code="not_found")
    if isinstance(error, Forbidden):
        # As OpenAI's images API says it.
        kind, code = "image_generation_user_error", "moderation_blocked"
        return ApiError(400, message, type=kind, param="prompt", code=code)
    if isinstance(error, InputError):
        return ApiError(400, message, code="invalid_input")
    if isinstance(error, StoreBusy):
        headers = {"retry-after": "2"}
        return ApiError(503, message, type="server_error", code="store_busy", headers=headers)
    if isinstance(error, StoreFull):
        return ApiError(507, message, type="server_error", code="store_full")
    if isinstance(error, ModelTimeout):
        return ApiError(504, message, type="model_error", code="model_timeout")
    if isinstance(error, ModelError):
        return ApiError(500, message, type="model_error", code="model_error")
    return ApiError(500, message, type="server_error", code="server_error")


def unsupported(param: str, message: str) -> ApiError:
    """A field that we know and do not serve: said aloud instead of silently ignored."""
    return ApiError(400, message, param=param, code="unsupported_parameter")


def dumps(value: Any) -> bytes:
    """JSON in UTF-8, on one line; lone surrogates (damaged posts) become escapes."""
    try:
        return orjson.dumps(value)
    except TypeError:
        return json.dumps(value, separators=(",", ":")).encode("ascii")


def json_response(
    value: Any, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    return Response(dumps(value), status, headers, media_type="application/json")


async def read_json(request: Request, *, most: int = MAX_BODY_BYTES) -> dict[str, Any]:
    """The request's body as a JSON object: at most ``most`` bytes and 32 levels deep."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > most:
            raise ApiError(
                413,
                f"The body is larger than {most} bytes; send less at once.",
                code="body_too_large",
            )
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise ApiError(
            400, f"The body is not valid JSON ({error}); send one object.", code="invalid_json"
        ) from None
    if not isinstance(value, dict):
        raise ApiError(400, "The body is JSON but no object; send {...}.", code="invalid_json")
    if _deeper_than(value, MAX_DEPTH):
        raise ApiError(400, f"The body nests deeper than {MAX_DEPTH} levels.", code="invalid_json")
    return value


def _deeper_than(value: Any, limit: int) -> bool:
    level = [value]
    for _ in range(limit):
        level = [
            child
            for item in level
            if isinstance(item, dict | list)
            for child in (item.values() if isinstance(item, dict) else item)
        ]
        if not level:
            return False
    return True


def field(body: Mapping[str, Any], name: str, kind: type[T], default: T) -> T:
    """``body[name]`` as ``kind``; the default where it is missing or null."""
    value = body.get(name)
    if value is None:
        return default
    if kind is int and isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)  # type: ignore[return-value]  # JSON has one kind: 10.0 is 10
    right = isinstance(value, kind) and not (kind is int and isinstance(value, bool))
    if not right:
        words = {bool: "true or false", int: "a whole number", str: "a string", list: "a list"}
        raise ApiError(
            400,
            f"{name!r} is {_short(value)}; give {words.get(kind, 'an object')}.",
            param=name,
            code="invalid_type",
        )
    return value  # type: ignore[no-any-return]


def in_range(text: str, least: int, most: int) -> bool:
    """Whether a parameter of the address is a whole number from ``least`` to ``most``. Its length
    is looked at first: Python reads no numbers of thousands of digits."""
    return len(text) <= 12 and text.isdecimal() and least <= int(text) <= most


def strings(value: Any, name: str) -> tuple[str, ...]:
    """A string or a list of strings, as a tuple; None is empty."""
    items = [] if value is None else [value] if isinstance(value, str) else value
    if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
        raise ApiError(
            400,
            f"{name!r} is {_short(value)}; give a list of strings.",
            param=name,
            code="invalid_type",
        )
    return tuple(item.strip() for item in items if item.strip())


def moment(value: Any, name: str) -> float | None:
    """A time field as epoch seconds; None where it is missing or empty."""
    if value is None or value == "":
        return None
    try:
        return parse_time(value)
    except InputError as error:
        raise ApiError(400, str(error), param=name, code="invalid_time") from None


def filter_from(fields: Mapping[str, Any]) -> Filter:
    """``since``, ``until``, ``source``, ``author`` and ``lang`` as a Filter."""
    return Filter(
        since=moment(fields.get("since"), "since"),
        until=moment(fields.get("until"), "until"),
        sources=strings(fields.get("source"), "source"),
        authors=strings(fields.get("author"), "author"),
        langs=strings(fields.get("lang"), "lang"),
    )


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
