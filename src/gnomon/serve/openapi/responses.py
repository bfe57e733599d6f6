"""The Responses API, as gnomon serves it."""

from __future__ import annotations

from gnomon.serve.openapi.asking import QUESTION
from gnomon.serve.openapi.parts import (
    AFTER,
    ORDER,
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
    record,
    ref,
    streams,
    text,
    whole,
)

TAG = "responses"
METADATA = {
    **record(text(maxLength=512)),
    "maxProperties": 16,
    "propertyNames": {"maxLength": 64},
    "description": "At most 16 pairs, kept and given back.",
}
INPUT: Schema = {
    "description": "The question, or a conversation whose last message of the user is asked.",
    "anyOf": [text(pattern=r"\S"), array(ref("InputItem"))],
}
STATUS = one_of("queued", "in_progress", "completed", "failed", "incomplete", "cancelled")
_ROADS = {
    "previous_response_id": text("A kept response to go on from."),
    "conversation": {
        "description": "A conversation to go on with, by its id.",
        "anyOf": [text(), obj({"id": text()}, extra=True)],
    },
}
_REQUEST = {
    "input": INPUT,
    "model": text("`gnomon` (checked; the default) or a chat model of /v1/models (unchecked)."),
    "instructions": anything("Accepted; changes nothing with `gnomon`."),
    **_ROADS,
    "tools": array(ref("Tool")),
    "tool_choice": anything("`auto`, `none`, `required`, or an object that names a function."),
    "parallel_tool_calls": flag(),
    "max_tool_calls": whole(minimum=0),
    "max_output_tokens": whole("The text ends after the last sentence that fits.", minimum=0),
    "text": obj({"format": null_or(ref("TextFormat"))}, required=[], extra=True),
    "include": array(text(examples=["gnomon:verdicts", "web_search_call.action.sources"])),
    "stream": flag(default=False),
    "store": flag(default=True),
    "background": flag(default=False),
    "metadata": METADATA,
    "temperature": number("Counts only with a chat model's id."),
    "top_p": number("Counts only with a chat model's id."),
}
_USAGE = obj(
    {
        "input_tokens": whole(minimum=0),
        "input_tokens_details": obj(
            {"cached_tokens": whole(minimum=0), "cache_write_tokens": whole(minimum=0)}
        ),
        "output_tokens": whole(minimum=0),
        "output_tokens_details": obj({"reasoning_tokens": whole(minimum=0)}),
        "total_tokens": whole(minimum=0),
    }
)
_OBJECT = {
    "id": text(pattern="^resp_"),
    "object": always("response"),
    "created_at": whole(),
    "completed_at": null_or(whole()),
    "status": STATUS,
    "incomplete_details": null_or(obj({"reason": text()}, extra=True)),
    "model": text(),
    "previous_response_id": null_or(text()),
    "instructions": anything(),
    "output": array(ref("OutputItem")),
    "error": null_or(obj({"code": text(), "message": text()}, extra=True)),
    "tools": array(obj({}, extra=True)),
    "tool_choice": anything(),
    "truncation": text(),
    "parallel_tool_calls": flag(),
    "text": obj({"format": obj({}, extra=True)}, extra=True),
    "top_p": number(),
    "presence_penalty": number(),
    "frequency_penalty": number(),
    "top_logprobs": whole(),
    "temperature": number(),
    "reasoning": null_or(obj({}, extra=True)),
    "user": null_or(text()),
    "usage": null_or(_USAGE),
    "max_output_tokens": null_or(whole()),
    "max_tool_calls": null_or(whole()),
    "store": flag(),
    "background": flag(),
    "service_tier": text(),
    "metadata": METADATA,
    "safety_identifier": null_or(text()),
    "prompt_cache_key": null_or(text()),
}
_MORE = {
    "conversation": obj({"id": text()}),
    "gnomon": {
        "description": "The checked answer; of a chat model, that nobody checked it.",
        "anyOf": [obj({"object": always("gnomon.answer")}, extra=True), ref("Unchecked")],
    },
}

SCHEMAS: dict[str, Schema] = {
    "InputItem": obj(
        {
            "type": null_or(text(examples=["message"])),
            "role": text(examples=["user"]),
            "content": {"anyOf": [text(), array(obj({"type": text()}, extra=True))]},
        },
        required=[],
        extra=True,
        description="A message, or another item of OpenAI's: function_call_output, compaction, "
        "item_reference, or what an earlier response put out.",
    ),
    "OutputItem": obj(
        {"id": text(), "type": text(examples=["message", "web_search_call", "gnomon:verdict"])},
        extra=True,
        description="A message with url_citation and file_citation annotations, a search, a call "
        "of a function, or (if included) a verdict.",
    ),
    "Tool": obj(
        {"type": text(examples=["web_search", "x_search", "file_search", "function"])},
        extra=True,
        description="What narrows the search, or a function of the client's.",
    ),
    "TextFormat": obj(
        {"type": one_of("text", "json_object", "json_schema"), "schema": obj({}, extra=True)},
        required=["type"],
        extra=True,
    ),
    "Response": obj(_OBJECT | _MORE, required=list(_OBJECT)),
    "ResponseRequest": asked(_REQUEST, ["input"]),
    "ResponseEvent": obj({"type": text(), "sequence_number": whole(minimum=0)}, extra=True),
}
_ID = at("id", "The `id` of a kept response.")
_STREAMED = {"": ref("ResponseEvent")}


def _context(name: str) -> Schema:
    return body(
        asked({"input": INPUT, "instructions": anything(), **_ROADS}), {name: {"input": QUESTION}}
    )


PATHS: Paths = {
    "/v1/responses": {
        "post": does(
            TAG,
            "create_response",
            "Make a response, streaming or not, in the background or not",
            {200: streams(gives("The response.", ref("Response")), _STREAMED, done=True)},
            404,
            507,
            body=body(
                ref("ResponseRequest"),
                {
                    "question": {"model": "gnomon", "input": QUESTION},
                    "streamed": {
                        "input": [{"role": "user", "content": QUESTION}],
                        "tools": [{"type": "web_search"}],
                        "include": ["gnomon:verdicts", "web_search_call.action.sources"],
                        "stream": True,
                    },
                    "form": {"input": QUESTION, "text": {"format": {"type": "json_object"}}},
                    "background": {"input": QUESTION, "background": True},
                },
            ),
        )
    },
    "/v1/responses/input_tokens": {
        "post": does(
            TAG,
            "count_input_tokens",
            "How many tokens a request would read",
            {
                200: gives(
                    "An estimate.",
                    obj(
                        {
                            "object": always("response.input_tokens"),
                            "input_tokens": whole(minimum=0),
                        }
                    ),
                )
            },
            404,
            body=_context("question"),
        )
    },
    "/v1/responses/compact": {
        "post": does(
            TAG,
            "compact",
            "A conversation in one item",
            {
                200: gives(
                    "The item, in a list.",
                    obj(
                        {
                            "id": text(),
                            "object": always("response.compaction"),
                            "created_at": whole(),
                            "output": array(ref("OutputItem")),
                            "usage": _USAGE,
                        }
                    ),
                )
            },
            404,
            body=_context("question"),
        )
    },
    "/v1/responses/{id}": {
        "get": does(
            TAG,
            "response",
            "A kept response, or its events again",
            {200: streams(gives("The response.", ref("Response")), _STREAMED, done=True)},
            404,
            params=[
                _ID,
                query("stream", text(examples=["true"]), "`true` or `1`: its events again."),
                query("starting_after", whole("The sequence_number of the last event seen.")),
                query("include", array(text()), style="form", explode=True),
            ],
        ),
        "delete": does(
            TAG,
            "delete_response",
            "Forget it",
            {200: gives("It is forgotten.", deleted("response"))},
            404,
            507,
            params=[_ID],
        ),
    },
    "/v1/responses/{id}/cancel": {
        "post": does(
            TAG,
            "cancel_response",
            "Stop one in the background",
            {200: gives("As it ended.", ref("Response"))},
            404,
            params=[_ID],
        )
    },
    "/v1/responses/{id}/input_items": {
        "get": does(
            TAG,
            "input_items",
            "What it was made from",
            {200: gives("A page of items.", listing(ref("OutputItem"), paged=True))},
            404,
            params=[_ID, AFTER, limit(100, 20), ORDER],
        )
    },
}
