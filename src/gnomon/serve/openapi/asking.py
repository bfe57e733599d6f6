"""Our own way of asking, and the history of what was asked."""

from __future__ import annotations

from gnomon.serve.openapi.checked import LABEL
from gnomon.serve.openapi.parts import (
    FILTER_FIELDS,
    MOMENT,
    TIME,
    Paths,
    Schema,
    always,
    anything,
    array,
    asked,
    at,
    body,
    deleted,
    does,
    flag,
    gives,
    limit,
    listing,
    null_or,
    number,
    obj,
    one_of,
    query,
    ref,
    streams,
    text,
    whole,
)

TAG = "asking"
QUESTION = "What was the strongest gust of Storm Ottoline?"
_LINE = {
    "id": text(),
    "object": always("gnomon.kept"),
    "kind": one_of("ask", "response"),
    "created_at": TIME,
    "status": text(),
    "model": null_or(text()),
    "question": text(),
    "excerpt": text("The beginning of the answer."),
    "verdict": null_or(
        obj(
            {"label": LABEL, "confidence": null_or(number(minimum=0, maximum=1))},
            description="On the whole of the answer: its weakest part, and how sure that is.",
        )
    ),
    "answer": null_or(text("It opens the receipt at /v1/answers/{id}.")),
    "previous": null_or(text("What this followed up.")),
    "conversation": null_or(text()),
}
_WHOLE = {
    "thread": array(ref("HistoryLine"), "What it goes on from, oldest first."),
    "ask": ref("AskAnswer"),
    "response": ref("Response"),
}

SCHEMAS: dict[str, Schema] = {
    "HistoryLine": obj(_LINE),
    "HistoryEntry": obj(_LINE | _WHOLE, required=[*_LINE, "thread"]),
    "Step": obj({"name": text(), "detail": text(), "data": anything()}),
    "AskRequest": asked(
        {
            "question": text(pattern=r"\S"),
            "stream": flag(default=True),
            "previous": text("The `response` or `id` of an earlier answer, to go on from it."),
            "web": flag("Allows the owner's search engine.", default=False),
            "store": flag("False keeps it out of the history.", default=True),
            **FILTER_FIELDS,
        },
        ["question"],
    ),
}
_KEPT = at("id", "An id of the history.")


def answer(whole_answer: Schema) -> Schema:
    """The answer to ``POST /v1/ask``: a checked answer, and where it is kept."""
    kept = null_or(text("Under which id it is kept; null where it could not be."))
    return {**whole_answer, "properties": whole_answer["properties"] | {"response": kept}}


PATHS: Paths = {
    "/v1/ask": {
        "post": does(
            TAG,
            "ask",
            "Ask, and see each step",
            {
                200: streams(
                    gives("The answer.", ref("AskAnswer")),
                    {
                        "step": ref("Step"),
                        "sentence": ref("SentenceEvent"),
                        "answer": ref("AskAnswer"),
                        "error": ref("Error"),
                    },
                )
            },
            507,
            body=body(
                ref("AskRequest"),
                {
                    "streamed": {"question": QUESTION},
                    "whole": {"question": QUESTION, "stream": False, "since": "2026-03-01"},
                },
            ),
        )
    },
    "/v1/history": {
        "get": does(
            TAG,
            "history",
            "What you asked here, the newest first",
            {200: gives("A page of it.", listing(ref("HistoryLine"), has_more=flag()))},
            404,
            params=[
                query("q", text(), "Words that must stand in the question or the answer."),
                query(
                    "before",
                    {"anyOf": [text(pattern="^(resp|ask)_"), *MOMENT["anyOf"]]},
                    "An id of the list, or a time: what came before it.",
                ),
                limit(100, 20),
            ],
        ),
        "delete": does(
            TAG,
            "clear_history",
            "Forget all of it, conversations too",
            {200: gives("It is forgotten.",
                        obj({"object": always("gnomon.kept"), "deleted": whole(minimum=0)}))},
            507,
        ),
    },
    "/v1/history/{id}": {
        "get": does(
            TAG,
            "history_entry",
            "One of it whole, with what it goes on from",
            {200: gives("It.", ref("HistoryEntry"))},
            404,
            params=[_KEPT],
        ),
        "delete": does(
            TAG,
            "forget",
            "Forget one of it",
            {200: gives("It is forgotten.", deleted("gnomon.kept"))},
            404,
            507,
            params=[_KEPT],
        ),
    },
}  # fmt: skip
