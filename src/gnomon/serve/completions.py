"""``POST /v1/completions``: OpenAI's legacy API, the bare continuation of a text.

https://platform.openai.com/docs/api-reference/completions. A chat model continues ``prompt`` as it
stands, without a chat template. The model ``gnomon`` takes the prompt for a question, and its text
is the checked answer. ``suffix`` and ``best_of`` are refused, and prompts of token numbers: which
numbers they are depends on a tokenizer that the client cannot know.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any
from uuid import uuid4

from starlette.requests import Request
from starlette.routing import BaseRoute, Route

from gnomon.serve import quota
from gnomon.serve.chat_words import Data, unchecked, usage
from gnomon.serve.context import Context
from gnomon.serve.contract import Engine
from gnomon.serve.http import ApiError, field, read_json, unsupported
from gnomon.serve.models_list import model_for
from gnomon.serve.render import Answering
from gnomon.serve.request import MODEL, Asking, max_tokens
from gnomon.serve.sampling import choices, legacy_logprobs, sampling
from gnomon.serve.sse import DONE, frame
from gnomon.serve.talking import closing
from gnomon.serve.transcript import Transcript, links, tokens, urls
from gnomon.types import Checked, Citation, Event, Filter, Finished
from gnomon.types.generation import Delta, Generation, Spent, Token
from gnomon.wire import answer_to_json

MOST_PROMPTS = 16
_DEFAULT_TOKENS = 16
"""``max_tokens`` where it is not given, as that API has it."""


def routes(context: Context) -> Sequence[BaseRoute]:
    return [Route("/v1/completions", partial(create, context), methods=["POST"])]


async def create(context: Context, request: Request) -> Answering[Any]:
    body = await read_json(request)
    _refused(body)
    stream = field(body, "stream", bool, False)
    counting = field(field(body, "stream_options", dict, {}), "include_usage", bool, False)
    name = field(body, "model", str, "")
    prompts = _prompts(body)
    if name == MODEL:
        if len(prompts) > 1 or choices(body) > 1:
            raise unsupported("prompt", "gnomon answers one question at a time; give one prompt.")
        asking = Asking(prompts[0], Filter(), stream, max_tokens=max_tokens(body, "max_tokens"))
        link = links(context.base(request))
        return Answering(context.desk, asking, CheckedText(asking, link, counting))
    model = await context.desk.call(partial(model_for, context.desk.engine, name, "chat"))
    wish = Generation(
        max_tokens=max_tokens(body, "max_tokens") or _DEFAULT_TOKENS,
        top_logprobs=legacy_logprobs(body),
        **sampling(body),
    )
    echo = field(body, "echo", bool, False)
    if echo and wish.top_logprobs is not None:
        raise unsupported(
            "logprobs", "The runtime has no log probabilities of a prompt; leave out 'echo'."
        )
    wanted = Continuing(model, tuple(prompts), wish, stream, echo)
    return Answering(context.desk, wanted, PlainText(wanted, counting))


def _refused(body: Mapping[str, Any]) -> None:
    if body.get("suffix"):
        raise unsupported("suffix", "No model here writes what goes between; leave out 'suffix'.")
    n = choices(body)
    if field(body, "best_of", int, n) != n:
        raise unsupported("best_of", f"'best_of' is {body['best_of']}; give as many as 'n'.")


def _prompts(body: Mapping[str, Any]) -> list[str]:
    given = body.get("prompt")
    prompts = [given] if isinstance(given, str) else given
    if isinstance(prompts, list) and any(isinstance(one, int | list) for one in prompts):
        raise unsupported(
            "prompt", "A prompt of token numbers depends on the tokenizer; give it as text."
        )
    right = isinstance(prompts, list) and all(isinstance(one, str) for one in prompts)
    if not right or not prompts or not any(prompts):
        raise ApiError(
            400,
            "'prompt' is missing; give a text, or a list of texts.",
            param="prompt",
            code="missing_required_parameter",
        )
    if len(prompts) > MOST_PROMPTS:
        raise ApiError(
            400, f"There are {len(prompts)} prompts; give at most {MOST_PROMPTS}.", param="prompt"
        )
    return prompts


@dataclass(frozen=True, slots=True)
class Continuing:
    """Prompts to be continued, one after another, each in ``wish.n`` ways."""

    model: str
    prompts: tuple[str, ...]
    wish: Generation
    stream: bool
    echo: bool

    def begin(self, engine: Engine) -> Iterator[Delta | Spent]:
        """Choices are numbered through: those of the first prompt come first."""
        total = Spent()
        for at, prompt in enumerate(self.prompts):
            first = at * self.wish.n
            if self.echo:
                yield from (Delta(first + i, prompt) for i in range(self.wish.n))
            wish = replace(self.wish, prompt=prompt)
            with closing(engine.talk.generate(wish, model=self.model)) as pieces:
                for piece in pieces:
                    if isinstance(piece, Delta):
                        yield replace(piece, index=first + piece.index)
                    else:
                        total = _sum(total, piece)
        yield total


def _sum(one: Spent, other: Spent) -> Spent:
    return Spent(
        one.prompt_tokens + other.prompt_tokens,
        one.completion_tokens + other.completion_tokens,
        one.cached_tokens + other.cached_tokens,
    )


class _Frames:
    """The frames of one completion; streamed and whole have one shape."""

    def __init__(self, model: str, counting: bool) -> None:
        self._counting = counting
        self._head: Data = {
            "id": f"cmpl-{uuid4().hex}",
            "object": "text_completion",
            "created": int(time.time()),
            "model": model,
            "system_fingerprint": None,
        }

    def piece(self, choice: Data, **extra: Any) -> bytes:
        counted = {"usage": None} if self._counting else {}
        return frame({**self._head, "choices": [choice], **counted, **extra})

    def counted(self, counts: Data) -> bytes:
        return frame({**self._head, "choices": [], "usage": counts}) if self._counting else b""

    def whole(self, choices: Sequence[Data], counts: Data, **extra: Any) -> Data:
        return {**self._head, "choices": list(choices), "usage": counts, **extra}


def _choice(
    text: str, index: int = 0, logprobs: Data | None = None, finish: str | None = None
) -> Data:
    return {"text": text, "index": index, "logprobs": logprobs, "finish_reason": finish}


class PlainText:
    """Chunks of a chat model's continuations; see ``render.Renderer``."""

    def __init__(self, wanted: Continuing, counting: bool) -> None:
        self._frames = _Frames(wanted.model, counting)
        self._model = wanted.model
        n = len(wanted.prompts) * wanted.wish.n
        self._texts: list[list[str]] = [[] for _ in range(n)]
        self._tokens: list[list[Token]] = [[] for _ in range(n)]
        self._finish = ["stop"] * n
        self._whole: Data = {}

    def begin(self) -> Iterator[bytes]:
        return iter(())

    def event(self, event: Delta | Spent) -> Iterator[bytes]:
        if isinstance(event, Spent):
            yield from self._close(event)
            return
        at = event.index
        if event.text or event.tokens:
            offset = sum(map(len, self._texts[at]))
            self._texts[at].append(event.text)
            self._tokens[at] += event.tokens
            yield self._frames.piece(_choice(event.text, at, _logprobs(event.tokens, offset)))
        if event.finish:
            self._finish[at] = event.finish
            end = _choice("", at, finish=event.finish)
            yield self._frames.piece(end, gnomon=unchecked(self._model))

    def failed(self, error: ApiError) -> Iterator[bytes]:
        yield frame(error.body())
        yield DONE

    def whole(self) -> Data:
        return self._whole

    def _close(self, spent: Spent) -> Iterator[bytes]:
        quota.spent(spent.prompt_tokens, spent.completion_tokens)
        parts = zip(self._texts, self._tokens, self._finish, strict=True)
        made = [
            _choice("".join(text), at, _logprobs(said, 0), finish)
            for at, (text, said, finish) in enumerate(parts)
        ]
        counts = usage(spent)
        self._whole = self._frames.whole(made, counts, gnomon=unchecked(self._model))
        yield self._frames.counted(counts)
        yield DONE


def _logprobs(said: Sequence[Token], offset: int) -> Data | None:
    """The parallel lists of this API; offsets are into the text of the choice."""
    if not said:
        return None
    offsets = []
    for token in said:
        offsets.append(offset)
        offset += len(token.text)
    return {
        "tokens": [token.text for token in said],
        "token_logprobs": [token.logprob for token in said],
        "top_logprobs": [{top.text: top.logprob for top in token.top} for token in said],
        "text_offset": offsets,
    }


class CheckedText:
    """gnomon's checked answer as a text; see ``render.Renderer``."""

    def __init__(self, asking: Asking, link: Callable[[Citation], str], counting: bool) -> None:
        self._asking = asking
        self._transcript = Transcript(asking.question, link, asking.max_tokens)
        self._frames = _Frames(MODEL, counting)
        self._whole: Data = {}

    def begin(self) -> Iterator[bytes]:
        return iter(())

    def event(self, event: Event) -> Iterator[bytes]:
        if isinstance(event, Checked):
            yield from self._words(self._transcript.checked(event).delta)
        elif isinstance(event, Finished):
            yield from self._words(self._transcript.finished(event.answer).delta)
            yield from self._close(event)

    def failed(self, error: ApiError) -> Iterator[bytes]:
        yield frame(error.body())
        yield DONE

    def whole(self) -> Data:
        return self._whole

    def _words(self, delta: str) -> Iterator[bytes]:
        if delta:
            yield self._frames.piece(_choice(delta))

    def _close(self, event: Finished) -> Iterator[bytes]:
        text = self._transcript.text
        asked, said = tokens(self._asking.question), tokens(text)
        quota.spent(asked, said)
        finish = "length" if self._transcript.cut else "stop"
        cited = urls(self._transcript.annotations)
        extra: Data = {"citations": cited, "gnomon": answer_to_json(event.answer)}
        counts = usage(Spent(asked, said))
        self._whole = self._frames.whole([_choice(text, finish=finish)], counts, **extra)
        yield self._frames.piece(_choice("", finish=finish), **extra)
        yield self._frames.counted(counts)
        yield DONE
