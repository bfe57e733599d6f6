"""The events of one response, in the order and with the fields that clients check.

https://www.openresponses.org/specification and the openai client's own types are the reference.
Sentences are sent as each passes its check. An answer that abstains is a completed response. The
checked answer (verdicts, evidence, what was left out) is the extra field ``gnomon`` of the
completed response: strict clients drop fields they do not know. Items of a search appear only
where the request names its tool.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any

from gnomon.serve import quota
from gnomon.serve.drawing import Hung, Shown, cost
from gnomon.serve.http import ApiError
from gnomon.serve.making import Made, Searched, Wanted
from gnomon.serve.responses_object import (
    NO_CITATIONS,
    VERDICTS,
    counted,
    new_id,
    shaped,
    usage,
    verdict_items,
)
from gnomon.serve.responses_pictures import PictureCalls
from gnomon.serve.responses_searches import Searches
from gnomon.serve.structured import Filled
from gnomon.serve.talking import Decided
from gnomon.serve.transcript import Annotation, Links, Piece, Transcript, tokens
from gnomon.types import Answer, Checked, Event, Finished
from gnomon.types.generation import CallDelta, Delta, Spent, Token
from gnomon.types.pictures import Stroke, Understood
from gnomon.wire import answer_to_json

Data = dict[str, Any]


class Maker:
    """Turns what is made into events. ``response`` is the object as it stands, with everything in
    it; events and ``seen`` show it as the client asked. ``done`` once the last event is out."""

    def __init__(self, response: Data, wanted: Wanted, link: Links) -> None:
        self.response = response
        self.done = False
        self._wanted = wanted
        self._transcript = Transcript(
            wanted.question, link, wanted.max_tokens, markers=NO_CITATIONS not in wanted.include
        )
        self._searches = Searches(wanted, link, self._event)
        self._pictures = PictureCalls(self._event, link.base)
        self._sequence = -1
        self._message: Data | None = None
        self._said: list[str] = []  # what a chat model writes
        self._logprobs: list[Data] = []
        self._calls: dict[int, Data] = {}
        self._items: list[Data] = []  # after those of the searches, in the order of their coming
        self._finish_reason = ""

    @property
    def seen(self) -> Data:
        """The object as the client asked to see it."""
        return shaped(self.response, self._wanted.include)

    @property
    def answer_id(self) -> str:
        """The journal's name for the answer, "" where there is none."""
        return str((self.response.get("gnomon") or {}).get("id") or "")

    def created(self) -> Iterator[Data]:
        """Before anything is known of the answer."""
        yield self._lifecycle("created")
        if self._wanted.background:
            yield self._lifecycle("queued")

    def begin(self) -> Iterator[Data]:
        """Work on it has begun."""
        self.response |= {"status": "in_progress"}
        yield self._lifecycle("in_progress")

    def event(self, event: Made) -> Iterator[Data]:
        """What one event of the making comes to."""
        if isinstance(event, Understood | Stroke | Shown):
            yield from self._pictures.event(event)
        elif isinstance(event, Hung):
            yield from self._drawn(event)
        elif isinstance(event, Delta):
            yield from self._delta(event)
        elif isinstance(event, Decided):
            yield from self._decided({"checked": False, "called_by": event.model}, None)
        elif isinstance(event, Spent):
            counts = usage(event.prompt_tokens, event.completion_tokens, event.cached_tokens)
            yield from self._decided({"checked": False}, counts)
        else:
            yield from self._searches.begin()
            yield from self._checked(event)

    def _checked(self, event: Event | Searched | Filled) -> Iterator[Data]:
        if isinstance(event, Searched):
            self._searches.found(event)
        elif isinstance(event, Checked):
            yield from self._words(self._transcript.checked(event))
        elif isinstance(event, Finished):
            yield from self._words(self._transcript.finished(event.answer))
            yield from self._finish(event.answer, {})
        elif isinstance(event, Filled):
            yield from self._words(Piece(event.text))
            extra = {"unsupported": list(event.unsupported), "filled_by": event.by}
            yield from self._finish(event.answer, extra, event.text)
        elif event.name == "retrieve":
            yield from self._searches.searching()

    def failed(self, error: ApiError) -> Iterator[Data]:
        """The events that end a response which has begun. ``error`` is flat, as OpenAI sends it:
        its client takes any nested "error" for a broken stream."""
        self._sequence += 1
        yield {
            "type": "error",
            "sequence_number": self._sequence,
            "code": error.code or error.type,
            "message": error.message,
            "param": error.param,
        }
        code = "server_error" if error.status >= 500 else "invalid_prompt"
        if error.status == 429:
            code = "rate_limit_exceeded"
        self.response |= {"status": "failed", "error": {"code": code, "message": error.message}}
        self._searches.stop()
        yield self._lifecycle("failed")
        self.done = True

    def cancelled(self) -> Iterator[Data]:
        """The caller wants no more of it: OpenAI has no event for that, and ends the stream with
        the object as it stands."""
        self.response |= {"status": "cancelled"}
        yield self._lifecycle("incomplete")
        self.done = True

    # -- one event ------------------------------------------------------------------------------
    def _event(self, name: str, **data: Any) -> Data:
        self._sequence += 1
        return {"type": f"response.{name}", "sequence_number": self._sequence, **data}

    def _lifecycle(self, name: str) -> Data:
        return self._event(name, response=self.seen)

    # -- words ----------------------------------------------------------------------------------
    def _words(self, piece: Piece, logprobs: list[Data] | None = None) -> Iterator[Data]:
        if not self._pictures.items:
            yield from self._searches.end()
        if self._message is None:
            self._message = {
                "id": new_id("msg"),
                "type": "message",
                "role": "assistant",
                "status": "in_progress",
                "content": [],
            }
            yield self._added(self._message)
            yield self._event("content_part.added", **self._place, part=_part("", []))
        if not piece.delta:
            return
        yield self._event(
            "output_text.delta", **self._place, delta=piece.delta, logprobs=logprobs or []
        )
        before = len(self._transcript.annotations) - len(piece.annotations)
        for at, annotation in enumerate(piece.annotations, before):
            yield self._event(
                "output_text.annotation.added",
                **self._place,
                annotation_index=at,
                annotation=self._note(annotation),
            )

    def _added(self, item: Data) -> Data:
        """A new item of the output, in its place behind the searches."""
        self._items.append(item)
        return self._event("output_item.added", output_index=self._at(item), item=dict(item))

    def _at(self, item: Data) -> int:
        own = next(n for n, one in enumerate(self._items) if one is item)
        return len(self._searches.items) + len(self._pictures.items) + own

    @property
    def _place(self) -> Data:
        assert self._message is not None
        at = self._at(self._message)
        return {"item_id": self._message["id"], "output_index": at, "content_index": 0}

    def _note(self, annotation: Annotation) -> Data:
        return self._searches.file_citation(annotation) or annotation.flat()

    def _close_message(self, text: str, notes: list[Data], status: str) -> Iterator[Data]:
        assert self._message is not None
        part = _part(text, notes, self._logprobs)
        yield self._event(
            "output_text.done", **self._place, text=text, logprobs=_tops(self._logprobs)
        )
        yield self._event("content_part.done", **self._place, part=part)
        self._message |= {"status": status, "content": [part]}
        yield self._event(
            "output_item.done", output_index=self._at(self._message), item=dict(self._message)
        )

    # -- pictures -------------------------------------------------------------------------------
    def _drawn(self, event: Hung) -> Iterator[Data]:
        """The message below the pictures, and the end."""
        assert self._wanted.commission is not None
        text = self._pictures.text(event)
        yield from self._words(Piece(text))
        yield from self._close_message(text, [], "completed")
        counts = usage(*cost(self._wanted.commission, event.shown, tell=False))
        told = {"checked": False, "pictures": self._pictures.told}
        items = [*self._pictures.items, *self._items]
        yield from self._end(items, "completed", told, counts)

    # -- a chat model at work -------------------------------------------------------------------
    def _delta(self, delta: Delta) -> Iterator[Data]:
        if delta.text or delta.tokens:
            self._said.append(delta.text)
            found = [_logprob(token) for token in delta.tokens]
            self._logprobs += found
            yield from self._words(Piece(delta.text), _tops(found))
        if delta.call is not None:
            yield from self._calling(delta.call)
        self._finish_reason = delta.finish or self._finish_reason

    def _calling(self, delta: CallDelta) -> Iterator[Data]:
        item = self._calls.get(delta.at)
        if item is None:
            yield from self._searches.end()
            item = {
                "id": new_id("fc"),
                "type": "function_call",
                "status": "in_progress",
                "call_id": delta.id or new_id("call"),
                "name": delta.name,
                "arguments": "",
            }
            self._calls[delta.at] = item
            yield self._added(item)
        if delta.arguments:
            item["arguments"] += delta.arguments
            yield self._event(
                "function_call_arguments.delta",
                item_id=item["id"],
                output_index=self._at(item),
                delta=delta.arguments,
            )

    def _decided(self, checked: Data, counts: Data | None) -> Iterator[Data]:
        """The end of what a chat model did: its calls, and its words if there are any."""
        cut = self._finish_reason == "length"
        status = "incomplete" if cut else "completed"
        said = "".join(self._said)
        if self._message is None and not self._calls:
            yield from self._words(Piece(""))
        if self._message is not None:
            yield from self._close_message(said, [], status)
        for item in self._calls.values():
            at = {"item_id": item["id"], "output_index": self._at(item)}
            arguments = item["arguments"]
            yield self._event("function_call_arguments.done", **at, arguments=arguments)
            item["status"] = status
            yield self._event("output_item.done", output_index=at["output_index"], item=dict(item))
        if counts is None:
            said += "".join(item["arguments"] for item in self._calls.values())
            counts = self._counts(tokens(said))
        items = [*self._searches.whole(()), *self._items]
        yield from self._end(items, status, checked, counts)

    # -- the end --------------------------------------------------------------------------------
    def _finish(self, answer: Answer, extra: Mapping[str, Any], form: str = "") -> Iterator[Data]:
        text = form or self._transcript.text
        status = "incomplete" if self._transcript.cut else "completed"
        notes = [self._note(annotation) for annotation in self._transcript.annotations]
        yield from self._close_message(text, notes, status)
        items = [*self._searches.whole(answer.citations), *self._items]
        checked = answer_to_json(answer) | self._around(answer) | dict(extra)
        if VERDICTS in self._wanted.include:
            for n, item in enumerate(verdict_items(checked), len(items)):
                yield self._event("output_item.added", output_index=n, item=item)
                yield self._event("output_item.done", output_index=n, item=item)
        yield from self._end(items, status, checked, self._counts(tokens(text)))

    def _around(self, answer: Answer) -> Data:
        """What the checked answer does not hold: what the caller's own functions said, pictures
        that were not looked at, and where in the text sent the answer begins."""
        asked = self._wanted.asked
        around: Data = {}
        if asked.given:
            around["given"] = [
                {"call_id": one.call_id, "name": one.name, "output": one.output, "checked": False}
                for one in asked.given
            ]
        if asked.files:
            around["attached"] = [file.name for file in asked.files]
        if self._wanted.shelves:
            around["vector_stores"] = [shelf.id for shelf in self._wanted.shelves]
        if asked.unseen:
            around["pictures_not_seen"] = asked.unseen
        begins = self._transcript.text.find(answer.text) if answer.text else 0
        return around | ({"begins": begins} if begins > 0 else {})

    def _counts(self, said: int) -> Data:
        """Estimated: an answer composed of quotes passes through no tokenizer."""
        asked = counted(list(self._wanted.items)) + sum(
            tokens(turn.question) + tokens(turn.answer) for turn in self._wanted.asked.turns
        )
        return usage(asked, said)

    def _end(self, items: list[Data], status: str, checked: Data, counts: Data) -> Iterator[Data]:
        done = status == "completed"
        quota.spent(counts["input_tokens"], counts["output_tokens"])
        self.response |= {
            "status": status,
            "completed_at": int(time.time()) if done else None,
            "incomplete_details": None if done else {"reason": "max_output_tokens"},
            "output": items,
            "usage": counts,
            "gnomon": checked,
        }
        self.done = True
        yield self._lifecycle(status)


def _part(text: str, annotations: list[Data], logprobs: list[Data] | None = None) -> Data:
    return {
        "type": "output_text",
        "text": text,
        "annotations": annotations,
        "logprobs": list(logprobs or ()),
    }


def _logprob(token: Token) -> Data:
    """A token as a finished part has it."""
    top = [{"token": one.text, "bytes": list(one.raw), "logprob": one.logprob} for one in token.top]
    return {
        "token": token.text,
        "bytes": list(token.raw),
        "logprob": token.logprob,
        "top_logprobs": top,
    }


def _tops(logprobs: list[Data]) -> list[Data]:
    """The same as an event of the stream has it, which is without bytes."""
    return [
        {
            "token": one["token"],
            "logprob": one["logprob"],
            "top_logprobs": [
                {"token": top["token"], "logprob": top["logprob"]} for top in one["top_logprobs"]
            ],
        }
        for one in logprobs
    ]
