"""``POST /v1/chat/completions``: OpenAI's older API, for the many clients that speak it.

https://platform.openai.com/docs/api-reference/chat. For the model ``gnomon`` the answer is checked:
annotations are nested, as that API has them, and come in the delta of their sentence while
streaming; ``citations`` lists the cited addresses, as xAI does; the checked answer is the extra
field ``gnomon``, on the last chunk when streaming. Any other model answers by itself, and the
field ``gnomon`` says that nobody checked it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from gnomon.serve import quota
from gnomon.serve.caller import caller_of
from gnomon.serve.chat_asking import Question, Wish, question, wish
from gnomon.serve.chat_words import Calls, Chunks, Data, logprobs, message, unchecked, usage
from gnomon.serve.context import Context
from gnomon.serve.drawing import Hung, told_of
from gnomon.serve.http import ApiError, field, read_json
from gnomon.serve.making import Made
from gnomon.serve.picture_wishes import commissioned
from gnomon.serve.render import Answering
from gnomon.serve.request import MODEL
from gnomon.serve.sse import DONE, frame
from gnomon.serve.structured import Filled
from gnomon.serve.talking import Decided
from gnomon.serve.transcript import Links, Piece, Transcript, links, tokens, urls
from gnomon.types import Answer, Checked, Finished
from gnomon.types.generation import Delta, Spent, Token
from gnomon.wire import answer_to_json

_NOT_KEPT = (
    "Chat completions are not kept, so there is none to fetch, list or change; "
    "POST /v1/responses keeps its responses."
)


def routes(context: Context) -> Sequence[BaseRoute]:
    return [
        Route("/v1/chat/completions", partial(create, context), methods=["POST"]),
        Route("/v1/chat/completions", not_kept, methods=["GET"]),
        Route("/v1/chat/completions/{id}", not_kept, methods=["GET", "POST", "DELETE"]),
        Route("/v1/chat/completions/{id}/messages", not_kept, methods=["GET"]),
    ]


async def create(context: Context, request: Request) -> Answering[Any]:
    body = await read_json(request)
    name = field(body, "model", str, MODEL) or MODEL
    if name == MODEL:
        asked = question(body)
        caller = caller_of(request).id
        asked = replace(asked, wanted=await commissioned(context, asked.wanted, caller))
        link = links(context.base(request))
        return Answering(context.desk, asked, CheckedRenderer(asked, link))
    wanted = wish(body)
    return Answering(context.desk, wanted, PlainRenderer(wanted))


async def not_kept(request: Request) -> Response:
    raise ApiError(404, _NOT_KEPT, type="not_found", code="not_kept")


class CheckedRenderer:
    """Chunks of a completion by gnomon; see ``render.Renderer``."""

    def __init__(self, asked: Question, link: Links) -> None:
        self._base = link.base
        self._asked = asked.wanted
        self._transcript = Transcript(self._asked.question, link, self._asked.max_tokens)
        self._chunks = Chunks(MODEL, counting=asked.counting)
        self._calls = Calls()
        self._whole: Data = {}

    def begin(self) -> Iterator[bytes]:
        yield self._chunks.chunk({"role": "assistant", "content": ""})

    def event(self, event: Made) -> Iterator[bytes]:
        if isinstance(event, Checked):
            yield from self._words(self._transcript.checked(event))
        elif isinstance(event, Finished):
            yield from self._words(self._transcript.finished(event.answer))
            yield from self._answered(event.answer, self._transcript.text)
        elif isinstance(event, Hung):
            yield from self._drawn(event)
        elif isinstance(event, Filled):
            yield self._chunks.chunk({"content": event.text})
            held = {"unsupported": list(event.unsupported), "filled_by": event.by}
            yield from self._answered(event.answer, event.text, **held)
        elif isinstance(event, Delta) and event.call is not None:
            yield self._chunks.chunk(self._calls.add(event.call))
        elif isinstance(event, Decided):
            yield from self._close("", "tool_calls", [], unchecked(event.model, calls_only=True))

    def failed(self, error: ApiError) -> Iterator[bytes]:
        yield frame(error.body())
        yield DONE

    def whole(self) -> Data:
        return self._whole

    def _drawn(self, event: Hung) -> Iterator[bytes]:
        """Pictures as Markdown: this API has no other place for them."""
        text = told_of(event, self._base)
        yield self._chunks.chunk({"content": text})
        pictures = [
            {"id": one.kept.id if one.kept else None, **one.picture.about()} for one in event.shown
        ]
        yield from self._close(text, "stop", [], {"checked": False, "pictures": pictures})

    def _words(self, piece: Piece) -> Iterator[bytes]:
        if piece.delta:
            delta: Data = {"content": piece.delta}
            if piece.annotations:
                delta["annotations"] = [note.nested() for note in piece.annotations]
            yield self._chunks.chunk(delta)

    def _answered(self, answer: Answer, text: str, **more: Any) -> Iterator[bytes]:
        finish = "length" if self._transcript.cut else "stop"
        notes = self._transcript.annotations
        nested = [note.nested() for note in notes]
        cited = urls(notes) or ([c.evidence.url for c in answer.citations] if more else [])
        told = {**answer_to_json(answer), **more}
        yield from self._close(text, finish, nested, told, citations=cited)

    def _close(
        self,
        text: str,
        finish: str,
        annotations: list[dict[str, object]],
        told: Mapping[str, Any],
        **extra: Any,
    ) -> Iterator[bytes]:
        calls = self._calls.all()
        said = tokens(text) + sum(tokens(call["function"]["arguments"]) for call in calls)
        asked = tokens(self._asked.question)
        counts = usage(Spent(asked, said))
        quota.spent(asked, said)
        extra["gnomon"] = told
        whole = message(text, calls) | {"annotations": annotations}
        choice = {"index": 0, "message": whole, "logprobs": None, "finish_reason": finish}
        self._whole = self._chunks.whole([choice], counts, **extra)
        yield self._chunks.chunk({}, finish, **extra)
        yield self._chunks.counted(counts)
        yield DONE


class PlainRenderer:
    """Chunks of a completion by a chat model; see ``render.Renderer``."""

    def __init__(self, wanted: Wish) -> None:
        self._model = wanted.model
        self._chunks = Chunks(wanted.model, counting=wanted.counting)
        n = wanted.generation.n
        self._texts: list[list[str]] = [[] for _ in range(n)]
        self._tokens: list[list[Token]] = [[] for _ in range(n)]
        self._calls = [Calls() for _ in range(n)]
        self._finish = [""] * n
        self._whole: Data = {}

    def begin(self) -> Iterator[bytes]:
        for index in range(len(self._texts)):
            yield self._chunks.chunk({"role": "assistant", "content": ""}, index=index)

    def event(self, event: Delta | Spent) -> Iterator[bytes]:
        if isinstance(event, Spent):
            yield from self._close(event)
            return
        if event.text or event.tokens:
            self._texts[event.index].append(event.text)
            self._tokens[event.index] += event.tokens
            said = logprobs(event.tokens)
            yield self._chunks.chunk({"content": event.text}, index=event.index, logprobs=said)
        if event.call is not None:
            yield self._chunks.chunk(self._calls[event.index].add(event.call), index=event.index)
        if event.finish:
            self._finish[event.index] = event.finish
            told = unchecked(self._model)
            yield self._chunks.chunk({}, event.finish, index=event.index, gnomon=told)

    def failed(self, error: ApiError) -> Iterator[bytes]:
        yield frame(error.body())
        yield DONE

    def whole(self) -> Data:
        return self._whole

    def _close(self, spent: Spent) -> Iterator[bytes]:
        quota.spent(spent.prompt_tokens, spent.completion_tokens)
        parts = zip(self._texts, self._tokens, self._calls, self._finish, strict=True)
        choices = [
            {
                "index": index,
                "message": message("".join(text), calls.all()),
                "logprobs": logprobs(said),
                "finish_reason": finish or "stop",
            }
            for index, (text, said, calls, finish) in enumerate(parts)
        ]
        counts = usage(spent)
        self._whole = self._chunks.whole(choices, counts, gnomon=unchecked(self._model))
        yield self._chunks.counted(counts)
        yield DONE
