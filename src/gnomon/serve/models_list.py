"""``GET /v1/models`` and ``/v1/models/{id}``: gnomon, and each model that is here.

https://platform.openai.com/docs/api-reference/models. ``gnomon`` answers with checked sentences;
the others answer by themselves, unchecked, which their field ``gnomon`` says. Names of models that
are elsewhere (``gpt-...``) stand for nothing here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from gnomon.serve.context import Context
from gnomon.serve.contract import Engine
from gnomon.serve.http import ApiError, json_response
from gnomon.serve.request import MODEL

_CREATED = 1767225600  # 2026-01-01: the list demands a time of making
_GNOMON = {
    "id": MODEL,
    "object": "model",
    "created": _CREATED,
    "owned_by": MODEL,
    "gnomon": {"task": "answer", "checked": True},
}


def routes(context: Context) -> Sequence[BaseRoute]:
    return [
        Route("/v1/models", partial(list_models, context), methods=["GET"]),
        Route("/v1/models/{id:path}", partial(show_model, context), methods=["GET"]),
    ]


async def list_models(context: Context, request: Request) -> Response:
    """``gnomon.known`` is the table of models that could be here."""
    engine = context.desk.engine
    here, known = await context.desk.call(lambda: (listed(engine), engine.models()))
    return json_response({"object": "list", "data": here, "gnomon": {"known": known}})


async def show_model(context: Context, request: Request) -> Response:
    name = request.path_params["id"]
    here = await context.desk.call(partial(listed, context.desk.engine))
    for model in here:
        if model["id"] == name:
            return json_response(model)
    raise not_here(name, here)


def listed(engine: Engine) -> list[Mapping[str, Any]]:
    """The entries of the list."""
    rows = [*engine.talk.models(), *engine.voice.models(), *engine.pictures.models()]
    return [_GNOMON, *(_entry(row) for row in rows)]


def not_here(name: str, here: Sequence[Mapping[str, Any]]) -> ApiError:
    return ApiError(
        404,
        f"The model {name[:60]!r} is not here; ask for "
        f"{' or '.join(str(model['id']) for model in here)}.",
        type="not_found",
        param="model",
        code="model_not_found",
    )


def model_for(engine: Engine, name: str, task: str) -> str:
    """The id of the model for a task ("chat" or "embed"): the one named, or the first where the
    name is empty. Raises 404 saying what is here."""
    here = [_entry(row) for row in engine.talk.models() if row["task"] == task]
    if name and any(model["id"] == name for model in here):
        return name
    if here and not name:
        return str(here[0]["id"])
    if not here:
        kind = "encoder" if task == "embed" else "chat model"
        raise ApiError(
            404,
            f"There is no {kind} on this machine; `gnomon models` shows what can be pulled.",
            type="not_found",
            param="model",
            code="model_not_found",
        )
    raise not_here(name, here)


def model_for_voice(engine: Engine, name: str, task: str) -> str:
    """The id of the model that speaks or listens: the one named, or "" to leave the choice to the
    voice or the engine. The names that OpenAI's clients send by themselves (``tts-1``,
    ``whisper-1``, ``gpt-...``) leave it, too. Raises 404 saying what is here."""
    if name in ("", MODEL) or name.startswith(("tts-", "whisper-1", "gpt-", "grok")):
        return ""
    here = [_entry(row) for row in engine.voice.models() if row["task"] == task]
    if not any(model["id"] == name for model in here):
        raise not_here(name, [_GNOMON, *here])
    return name


def _entry(row: Mapping[str, Any]) -> Mapping[str, Any]:
    told = ("task", "context_tokens", "strong", "licence")
    return {
        "id": row["id"],
        "object": "model",
        "created": row["created"] or _CREATED,
        "owned_by": row["owned_by"],
        "gnomon": {"checked": False, **{name: row[name] for name in told if name in row}},
    }
