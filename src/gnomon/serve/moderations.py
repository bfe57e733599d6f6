"""``POST /v1/moderations``: rules that say which of them fired. No model judges here.

https://platform.openai.com/docs/api-reference/moderations. OpenAI's categories are all there and
all null: nobody here can judge them, and "false" would say that somebody had. Two categories of
our own are judged: words addressed to a machine that reads the text, and personal data that its
form gives away.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any
from uuid import uuid4

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from gnomon.serve.context import Context
from gnomon.serve.http import ApiError, field, json_response, read_json, unsupported
from gnomon.serve.request import MODEL
from gnomon.types.generation import Fired

RULES = "gnomon-rules"
JUDGED = ("gnomon/prompt-injection", "gnomon/personal-data")
NOT_JUDGED = (
    *("harassment", "harassment/threatening", "hate", "hate/threatening", "illicit"),
    *("illicit/violent", "self-harm", "self-harm/instructions", "self-harm/intent", "sexual"),
    *("sexual/minors", "violence", "violence/graphic"),
)
MOST_TEXTS = 256


def routes(context: Context) -> Sequence[BaseRoute]:
    return [Route("/v1/moderations", partial(create, context), methods=["POST"])]


async def create(context: Context, request: Request) -> Response:
    body = await read_json(request)
    name = field(body, "model", str, RULES)
    if name not in (RULES, MODEL):
        raise ApiError(
            404,
            f"The model {name[:60]!r} is not here: moderation is by rules; ask for {RULES!r}, or "
            "leave out 'model'.",
            type="not_found",
            param="model",
            code="model_not_found",
        )
    texts = _texts(body.get("input"))
    talk = context.desk.engine.talk
    found = await context.desk.call(lambda: [talk.moderate(text) for text in texts])
    results = [_result(fired) for fired in found]
    return json_response({"id": f"modr-{uuid4().hex}", "model": RULES, "results": results})


def _texts(given: Any) -> list[str]:
    if isinstance(given, str):
        return [given]
    if not isinstance(given, list) or not given or len(given) > MOST_TEXTS:
        raise ApiError(
            400,
            f"'input' is no text; give a text, or a list of at most {MOST_TEXTS}.",
            param="input",
            code="invalid_type",
        )
    texts = []
    for at, one in enumerate(given):
        text = one.get("text") if isinstance(one, Mapping) else one
        if isinstance(one, Mapping) and one.get("type") != "text":
            kind = str(one.get("type"))[:40]
            raise unsupported(f"input[{at}]", f"input[{at}] is {kind!r}; the rules read only text.")
        if not isinstance(text, str):
            raise ApiError(
                400, f"input[{at}] is no text.", param=f"input[{at}]", code="invalid_type"
            )
        texts.append(text)
    # Parts with a type are one thing to be judged, texts without are many.
    return ["\n".join(texts)] if isinstance(given[0], Mapping) else texts


def _result(fired: Sequence[Fired]) -> dict[str, Any]:
    scores: dict[str, Any] = dict.fromkeys(NOT_JUDGED)
    for name in JUDGED:
        scores[name] = max((one.score for one in fired if one.category == name), default=0.0)
    return {
        "flagged": bool(fired),
        "categories": {n: None if score is None else score > 0 for n, score in scores.items()},
        "category_scores": scores,
        "category_applied_input_types": {n: ["text"] if n in JUDGED else [] for n in scores},
        "gnomon": {
            "judged": JUDGED,
            "not_judged": NOT_JUDGED,
            "fired": [
                {
                    "category": one.category,
                    "rule": one.rule,
                    "start": one.start,
                    "end": one.end,
                    "score": one.score,
                }
                for one in fired
            ],
        },
    }
