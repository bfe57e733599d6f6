"""The one error object, and what every caller may get instead of an answer."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

CALLER = (400, 401, 403, 413, 429, 500, 503, 504)
"""What the guards and the desk may answer to any request."""

REQUEST_ID: dict[str, Any] = {"$ref": "#/components/headers/x-request-id"}
_RETRY: dict[str, Any] = {"$ref": "#/components/headers/retry-after"}

HEADERS: dict[str, Any] = {
    "x-request-id": {
        "description": "The id under which the log tells of this request.",
        "required": True,
        "schema": {"type": "string"},
    },
    "retry-after": {
        "description": "Seconds to wait before trying again.",
        "schema": {"type": "integer", "minimum": 1},
    },
}

SCHEMA: dict[str, Any] = {
    "type": "object",
    "description": "Every error, also as the data of an `error` event of a stream.",
    "properties": {
        "error": {
            "type": "object",
            "properties": {
                "message": {
                    "type": "string",
                    "description": "For people: quotes the value, names the next step.",
                },
                "type": {
                    "enum": [
                        "invalid_request_error",
                        "not_found",
                        "permission_error",
                        "too_many_requests",
                        "server_error",
                        "model_error",
                    ]
                },
                "param": {
                    "type": ["string", "null"],
                    "description": "The field that is at fault.",
                },
                "code": {"type": ["string", "null"], "description": "For programs."},
            },
            "required": ["message", "type", "param", "code"],
            "additionalProperties": False,
        }
    },
    "required": ["error"],
    "additionalProperties": False,
}

_SAID = {
    400: "Something in the request cannot be used; `param` names it.",
    401: "No key is given, or a wrong one.",
    403: "The caller may not do this, or comes from a page elsewhere.",
    404: "There is no such thing, or it is somebody else's.",
    408: "The body did not come in time.",
    409: "It was done before, or its time has not come or is over.",
    410: "This was taken out of the API.",
    413: "The body, or something in it, is too large.",
    429: "A limit is reached, or too many wait.",
    500: "gnomon or a model failed; the log says where.",
    501: "This is not built or not installed here.",
    503: "The server is closing or its store is busy.",
    504: "It took longer than the deadline.",
    507: "There is no room on the disk.",
}


def answer_name(code: int) -> str:
    """The name of an error among the components, such as ``TooManyRequests``."""
    return "".join(word.capitalize() for word in HTTPStatus(code).name.split("_"))


def answers() -> dict[str, Any]:
    """The errors as components, by name."""
    return {
        answer_name(code): {
            "description": said,
            "headers": {"x-request-id": REQUEST_ID}
            | ({"retry-after": _RETRY} if code in (429, 503) else {}),
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
        }
        for code, said in _SAID.items()
    }
