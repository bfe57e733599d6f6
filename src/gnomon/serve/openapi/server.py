"""The server itself: whether it runs, its page, its description, MCP, and what is not built."""

from __future__ import annotations

from collections.abc import Sequence

from gnomon.serve.not_yet import REASONS
from gnomon.serve.openapi.parts import (
    EVENTS,
    Paths,
    Schema,
    anything,
    at,
    body,
    does,
    gives,
    obj,
    one_of,
    ref,
    text,
)

TAG, PAGE, LATER = "server", "page", "not yet"
_STATE = one_of("ok", "closing", "full", "failed", "slow", "busy")
_READY = obj(
    {
        "status": one_of("ready", "not_ready"),
        "parts": obj(dict.fromkeys(("server", "queue", "database", "engine"), _STATE)),
    }
)
_RPC = obj(
    {"jsonrpc": text(), "id": anything(), "method": text(), "params": anything()},
    required=[],
    extra=True,
    description="A message of JSON-RPC 2.0, as the Model Context Protocol has them.",
)
SCHEMAS: dict[str, Schema] = {"Message": _RPC}
_ASSET = {"type": "string", "format": "binary"}
_TYPES = ("text/html", "text/javascript", "text/css", "image/svg+xml", "image/png",
          "application/manifest+json")  # fmt: skip
_WRONG = {"anyOf": [ref("Message"), ref("Error")]}


def _health(id: str, summary: str, answers: dict[int, Schema]) -> Schema:
    return does(TAG, id, summary, answers, public=True)


def _description(id: str) -> Schema:
    return does(
        TAG, id, "This description", {200: gives("OpenAPI 3.1.", obj({"openapi": text()},
                                                                   extra=True))}
    )  # fmt: skip


def _asset(id: str, summary: str, kinds: Sequence[str], *params: Schema) -> Schema:
    answer = gives("It.", etag={"required": True, "schema": text()})
    held: Schema = {**answer, "content": {kind: {"schema": _ASSET} for kind in kinds}}
    same = gives("It has not changed (`if-none-match`).")
    wrong = [404] if id == "page_file" else []
    return does(PAGE, id, summary, {200: held, 304: same}, *wrong, params=params, public=True)


def page(names: Sequence[str]) -> Paths:
    """The page's files; ``names`` are theirs."""
    file = at("name", "A file of the page.", enum=list(names))
    post = at("id", "The id of a post, which may hold slashes.", pattern=r"^[\s\S]+$")
    return {
        "/": {"get": _asset("page", "The page", _TYPES[:1])},
        "/posts/{id}": {"get": _asset("post_page", "The page, at a post", _TYPES[:1], post)},
        "/page/{name}": {"get": _asset("page_file", "A file of the page", _TYPES[1:], file)},
    }


def _mcp(id: str, summary: str, answers: dict[int, Schema], sent: Schema | None = None) -> Schema:
    wrong = gives("What is wrong, as JSON-RPC.", _WRONG)
    unlike = dict.fromkeys((400, 404, 405, 406, 409, 415), wrong)
    session = {
        "name": "mcp-session-id", "in": "header", "schema": text(),
        "description": "The session, from the answer that began it.",
    }  # fmt: skip
    return does(
        TAG, id, summary, {**answers, **unlike}, 501, params=[session], body=sent
    )  # fmt: skip


_MCP_STREAM = gives("Messages as events.", {"type": "string"}, EVENTS)
_INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "example", "version": "1"},
    },
}

PATHS: Paths = {
    "/health": {
        "get": _health(
            "health", "The server runs", {200: gives("It does.", obj({"status": one_of("ok")}))}
        )
    },
    "/ready": {
        "get": _health(
            "ready",
            "It can answer, or which part cannot",
            {
                200: gives("It can.", _READY),
                503: gives("It cannot, or has too much to do.",
                           {"anyOf": [_READY, ref("Error")]}),
            },
        )
    },
    "/metrics": {
        "get": does(
            TAG,
            "metrics",
            "Figures for Prometheus",
            {200: gives("In its text format.", {"type": "string"}, "text/plain")},
        )
    },
    "/openapi.json": {"get": _description("openapi")},
    "/v1/openapi.json": {"get": _description("openapi_v1")},
    "/mcp": {
        "post": _mcp(
            "mcp",
            "Messages of the Model Context Protocol",
            {
                200: {
                    **_MCP_STREAM,
                    "content": {
                        **_MCP_STREAM["content"],
                        "application/json": {"schema": _RPC},
                    },
                },
                202: gives("Taken."),
            },
            body(_RPC, {"initialize": _INITIALIZE}),
        ),
        "get": _mcp("mcp_stream", "The stream of a session", {200: _MCP_STREAM}),
        "delete": _mcp("mcp_end", "The end of a session", {200: gives("It is over."),
                                                           204: gives("It is over.")}),
    },
    **{
        path: {
            "post": does(
                LATER,
                "not_yet_" + path.removeprefix("/v1/").replace("/", "_"),
                "Not built yet: always 501",
                {},
                501,
                description=why,
            )
        }
        for path, why in REASONS.items()
    },
}  # fmt: skip
