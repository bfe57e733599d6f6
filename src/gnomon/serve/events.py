"""``POST /v1/ask``: gnomon's own events, as the page reads them.

``step`` (``name``, ``detail``, ``data``), ``sentence`` (a sentence that passed its check, with its
verdicts and the citations it uses), ``answer`` (the whole, as ``GET /v1/answers/{id}`` gives it),
or ``error`` (the error object).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from gnomon.serve import quota
from gnomon.serve.http import ApiError, field, filter_from
from gnomon.serve.request import Asking
from gnomon.serve.sse import frame
from gnomon.serve.transcript import tokens
from gnomon.types import Checked, Event, Step, Turn
from gnomon.wire import answer_to_json, citation_to_json, to_json


def parse(body: Mapping[str, Any], turns: tuple[Turn, ...] = ()) -> Asking:
    """``{"question", "stream"?, "previous"?, "store"?, "web"?, "since"?, "until"?, "source"?,
    "author"?, "lang"?}``; ``turns`` are those that ``previous`` names, ``web`` allows the owner's
    search engine."""
    question = field(body, "question", str, "")
    if not question.strip():
        raise ApiError(400, "'question' is empty; ask something.", param="question")
    stream = field(body, "stream", bool, True)
    live = field(body, "web", bool, False)
    return Asking(question, filter_from(body), stream, turns=turns, live=live)


class OwnRenderer:
    """Our own events, as they are; see ``render.Renderer``. ``_extra`` goes into the answer."""

    def __init__(self) -> None:
        self._whole: dict[str, Any] = {}
        self._extra: dict[str, Any] = {}

    def begin(self) -> Iterator[bytes]:
        return iter(())

    def event(self, event: Event) -> Iterator[bytes]:
        if isinstance(event, Step):
            yield frame(
                {"name": event.name, "detail": event.detail, "data": to_json(event.data)}, "step"
            )
        elif isinstance(event, Checked):
            yield frame(
                {
                    "sentence": to_json(event.sentence),
                    "citations": [citation_to_json(citation) for citation in event.citations],
                },
                "sentence",
            )
        else:
            quota.spent(tokens(event.answer.question), tokens(event.answer.text))
            self._whole = answer_to_json(event.answer) | self._extra
            yield frame(self._whole, "answer")

    def failed(self, error: ApiError) -> Iterator[bytes]:
        yield frame(error.body(), "error")

    def whole(self) -> dict[str, Any]:
        return self._whole
