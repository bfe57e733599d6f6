"""The whole description: the groups put together, with what they share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gnomon.serve.openapi import (
    asking,
    audio,
    chat,
    checked,
    conversations,
    digests,
    errors,
    files,
    held,
    images,
    models,
    owners,
    provenance,
    quiz,
    responses,
    rising,
    server,
    session,
    skills,
    values,
    vector_stores,
)
from gnomon.serve.openapi.parts import Paths, Schema

_ABOUT = """\
gnomon answers from what is held on this machine, with every sentence checked and cited.

OpenAI's clients work with the address of this server and `/v1`. Every GET also answers HEAD. Every
error is the one object `Error`, with `x-request-id`; a method that an address does not have is 405,
an address that does not exist 404. Bodies are bounded: 1 MB (uploads apart), 32 levels. Objects of
OpenAI's API are described by their main fields where they truly vary. Where an answer may be a
stream, the schema under `text/event-stream` is that of one event.
"""
_TAGS = {
    held.TAG: "Posts, answers, and the checking of texts against them.",
    asking.TAG: "gnomon's own way of asking, and the history.",
    responses.TAG: "OpenAI's Responses API.",
    conversations.TAG: "OpenAI's Conversations.",
    chat.TAG: "OpenAI's older APIs.",
    models.TAG: "Models, vectors, moderation.",
    audio.TAG: "Speaking and listening; `/v1/realtime` is a WebSocket (docs/voice.md).",
    files.TAG: "Uploads, each caller's own.",
    vector_stores.TAG: "Uploads made searchable.",
    rising.TAG: "Trends and stories.",
    images.TAG: "Pictures: drawn within the owner's rules, edited, kept.",
    quiz.TAG: "Human or machine: rounds of pictures, and what the answers show.",
    provenance.TAG: "Who signed a file, and our own keys.",
    digests.TAG: "Dated briefs and their feeds.",
    skills.TAG: "Old skills of language models: story, debate, translate, read.",
    owners.TAG: "Sources, settings, models to fetch.",
    session.TAG: "Signing in.",
    server.TAG: "The server itself, and MCP.",
    server.PAGE: "The page for people.",
    server.LATER: "Answered with 501 and the reason.",
}
_WAYS: dict[str, Schema] = {
    "key": {"type": "http", "scheme": "bearer", "description": "A key: `gnomon keys create`."},
    "header": {"type": "apiKey", "in": "header", "name": "x-api-key"},
    "cookie": {
        "type": "apiKey",
        "in": "cookie",
        "description": "A session, from signing in; counts only for pages of this server.",
    },
}
_GROUPS = (
    asking, audio, responses, conversations, chat, models, files, vector_stores, provenance, images,
    quiz, session, server,
)  # fmt: skip


def document(
    *, version: str, base: str, page_files: Sequence[str], locked: bool, cookie: str
) -> dict[str, Any]:
    """The description of a server at ``base``. ``locked``: callers must say who they are;
    ``cookie`` is the name of the session's; ``page_files`` are the names of the page's files."""
    ways: list[dict[str, list[str]]] = [{name: []} for name in _WAYS]
    schemes = {**_WAYS, "cookie": {**_WAYS["cookie"], "name": cookie}}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "gnomon",
            "version": version,
            "description": _ABOUT,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": base}],
        "security": ways if locked else [{}, *ways],
        "tags": [{"name": name, "description": said} for name, said in _TAGS.items()],
        "paths": paths(page_files),
        "components": {
            "schemas": _schemas(),
            "responses": errors.answers(),
            "headers": errors.HEADERS,
            "securitySchemes": schemes,
        },
    }


def paths(page_files: Sequence[str]) -> Paths:
    """Every address with its operations."""
    made: Paths = {**held.PATHS, **rising.PATHS, **digests.PATHS, **owners.PATHS, **skills.PATHS}
    for group in _GROUPS:
        made |= group.PATHS
    return made | server.page(page_files)


def _schemas() -> dict[str, Schema]:
    made = values.schemas()
    digest = digests.schemas(made) | skills.schemas(made)
    answers = checked.schemas(made)
    told: dict[str, Schema] = {"Error": errors.SCHEMA, **rising.schemas(made)}
    told |= owners.schemas(made) | answers | held.SCHEMAS
    told["AskAnswer"] = asking.answer(answers["Answer"])
    for group in _GROUPS:
        told |= group.SCHEMAS
    return dict(sorted({**made, **told, **digest}.items()))
