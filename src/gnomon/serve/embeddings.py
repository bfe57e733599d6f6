"""``POST /v1/embeddings``: vectors from the encoder that is here.

https://platform.openai.com/docs/api-reference/embeddings. OpenAI's clients ask for base64 of
little-endian float32 and decode it themselves; lists of numbers come where ``encoding_format`` is
"float" or missing. The encoder was trained with prefixes: a text is taken as a passage to be
found, or, with ``input_type`` "query", as what somebody looks for.
"""

from __future__ import annotations

import array
import base64
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from gnomon.serve import quota
from gnomon.serve.context import Context
from gnomon.serve.contract import Engine
from gnomon.serve.http import ApiError, field, json_response, read_json, unsupported
from gnomon.serve.models_list import model_for
from gnomon.types.generation import Vectors

MOST_TEXTS = 2048
"""As many as OpenAI takes at once."""
_AT_ONCE = 32
"""Texts between two looks at whether the client is still there."""
_KINDS = {"query": True, "passage": False, "document": False}


def routes(context: Context) -> Sequence[BaseRoute]:
    return [Route("/v1/embeddings", partial(create, context), methods=["POST"])]


@dataclass(frozen=True, slots=True)
class Embedding:
    """What is to be encoded, and how it is to be told."""

    texts: tuple[str, ...]
    model: str
    query: bool
    packed: bool

    def begin(self, engine: Engine) -> Iterator[Vectors]:
        """Vectors, some texts at a time."""
        for first in range(0, len(self.texts), _AT_ONCE):
            part = self.texts[first : first + _AT_ONCE]
            yield engine.talk.embed(part, model=self.model, query=self.query)


async def create(context: Context, request: Request) -> Response:
    body = await read_json(request)
    texts = _texts(body.get("input"))
    kind = field(body, "input_type", str, "passage")
    if kind not in _KINDS:
        raise _invalid("input_type", f"'input_type' is {kind[:40]!r}; give query or passage.")
    form = field(body, "encoding_format", str, "float")
    if form not in ("float", "base64"):
        raise _invalid("encoding_format", f"{form[:40]!r} is no format; give float or base64.")
    name = field(body, "model", str, "")
    model = await context.desk.call(partial(model_for, context.desk.engine, name, "embed"))
    wanted = Embedding(texts, model, _KINDS[kind], form == "base64")
    parts: list[Vectors] = []
    async with context.desk.ask(wanted.begin, request.receive) as asked:
        while (part := await asked.next()) is not None:
            parts.append(part)
            _check_dimensions(body, part.dim, model)
    tokens = sum(part.tokens for part in parts)
    quota.spent(tokens, 0)
    return json_response(_whole(parts, wanted, tokens))


def _check_dimensions(body: Mapping[str, Any], dim: int, model: str) -> None:
    """Cutting a vector short is honest only of encoders trained for it (Kusupati et al. 2022,
    https://arxiv.org/abs/2205.13147), which ours is not."""
    wanted = field(body, "dimensions", int, dim)
    if wanted != dim:
        raise unsupported(
            "dimensions",
            f"'dimensions' is {wanted}; {model} gives {dim}, and was not trained to be cut short.",
        )


def _whole(parts: Sequence[Vectors], wanted: Embedding, tokens: int) -> dict[str, Any]:
    data: list[dict[str, Any]] = []
    averaged: list[int] = []
    for part in parts:
        averaged += [len(data) + at for at in part.averaged]
        size = 4 * part.dim
        for first in range(0, len(part.data), size):
            raw = part.data[first : first + size]
            vector = base64.b64encode(raw).decode("ascii") if wanted.packed else _numbers(raw)
            data.append({"object": "embedding", "index": len(data), "embedding": vector})
    return {
        "object": "list",
        "data": data,
        "model": wanted.model,
        "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
        "gnomon": {"input_type": "query" if wanted.query else "passage", "averaged": averaged},
    }


def _numbers(raw: bytes) -> list[float]:
    numbers = array.array("f", raw)
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers.tolist()


def _texts(given: Any) -> tuple[str, ...]:
    texts = [given] if isinstance(given, str) else given
    if isinstance(texts, list) and any(isinstance(one, int | list) for one in texts):
        raise unsupported(
            "input",
            "Numbers of tokens belong to another tokenizer than this encoder's; give text "
            "(LangChain: OpenAIEmbeddings(check_embedding_ctx_length=False)).",
        )
    if not isinstance(texts, list) or not texts or not all(isinstance(one, str) for one in texts):
        raise _invalid("input", "'input' is missing; give a text, or a list of texts.")
    if len(texts) > MOST_TEXTS:
        raise _invalid("input", f"'input' has {len(texts)} texts; give at most {MOST_TEXTS}.")
    for at, text in enumerate(texts):
        if not text:
            raise _invalid(f"input[{at}]", f"input[{at}] is empty; leave it out.")
    return tuple(texts)


def _invalid(param: str, message: str) -> ApiError:
    return ApiError(400, message, param=param, code="invalid_value")
