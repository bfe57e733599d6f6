"""Chat Completions, and the legacy Completions."""

from __future__ import annotations

from gnomon.serve.completions import MOST_PROMPTS
from gnomon.serve.openapi.asking import QUESTION
from gnomon.serve.openapi.parts import (
    Paths,
    Schema,
    always,
    anything,
    array,
    asked,
    at,
    body,
    does,
    flag,
    gives,
    null_or,
    number,
    obj,
    one_of,
    record,
    ref,
    streams,
    text,
    whole,
)
from gnomon.serve.sampling import MOST_CHOICES

TAG = "chat"
_SAMPLING = {
    "n": whole("With `gnomon`: 1.", minimum=1, maximum=MOST_CHOICES, default=1),
    "temperature": number("Counts only with a chat model's id.", minimum=0, maximum=2),
    "top_p": number("Counts only with a chat model's id.", minimum=0, maximum=1),
    "frequency_penalty": number(minimum=-2, maximum=2),
    "presence_penalty": number(minimum=-2, maximum=2),
    "seed": whole(),
    "stop": {"anyOf": [text(), array(text(), maxItems=16)]},
    "logit_bias": record(number(minimum=-100, maximum=100)),
}
_REQUEST = {
    "model": text("`gnomon` (checked; the default) or a chat model of /v1/models (unchecked)."),
    "messages": array(ref("ChatMessage"), minItems=1),
    "stream": flag(default=False),
    "stream_options": obj({"include_usage": null_or(flag())}, required=[], extra=True),
    "max_tokens": whole(minimum=0),
    "max_completion_tokens": whole(minimum=0),
    "tools": array(ref("Tool")),
    "tool_choice": anything("`auto`, `none`, `required`, or an object that names a function."),
    "parallel_tool_calls": flag(),
    "response_format": ref("ResponseFormat"),
    "web_search_options": obj({}, extra=True),
    "logprobs": flag("With a chat model's id."),
    "top_logprobs": whole("Where `logprobs` is true.", minimum=0, maximum=20),
    "store": always(False),
    **_SAMPLING,
}
_USAGE = obj(
    {
        "prompt_tokens": whole(minimum=0),
        "completion_tokens": whole(minimum=0),
        "total_tokens": whole(minimum=0),
        "prompt_tokens_details": record(whole(minimum=0)),
        "completion_tokens_details": record(whole(minimum=0)),
    }
)
_NOTE = obj(
    {
        "type": always("url_citation"),
        "url_citation": obj(
            {"start_index": whole(), "end_index": whole(), "url": text(), "title": text()}
        ),
    }
)
_CALL = obj(
    {
        "id": text(),
        "type": always("function"),
        "function": obj({"name": text(), "arguments": text()}),
    }
)
_SAID = {
    "role": always("assistant"),
    "content": null_or(text()),
    "refusal": {"type": "null"},
    "annotations": array(_NOTE),
    "tool_calls": array(_CALL),
}
_FINISH = one_of("stop", "length", "tool_calls")
_GNOMON: Schema = {
    "description": "The checked answer; of a chat model, that nobody checked it.",
    "anyOf": [ref("Answer"), ref("Form"), ref("Unchecked")],
}
_HEAD = {
    "id": text(),
    "created": whole(),
    "model": text(),
    "system_fingerprint": {"type": "null"},
}
_TOLD = {"citations": array(text(), "Cited addresses, as xAI lists them."), "gnomon": _GNOMON}
_LOGPROBS = null_or(obj({}, extra=True))


def _choice(**more: Schema) -> Schema:
    return obj({"index": whole(minimum=0), "logprobs": _LOGPROBS, **more})


def _completion(kind: str, choice: Schema) -> Schema:
    head = _HEAD | {"object": always(kind), "choices": array(choice), "usage": _USAGE}
    return obj(head | _TOLD, required=[*head, "gnomon"])


def _chunk(kind: str, choice: Schema) -> Schema:
    head = _HEAD | {"object": always(kind), "choices": array(choice)}
    return obj(head | _TOLD | {"usage": null_or(_USAGE)}, required=list(head))


SCHEMAS: dict[str, Schema] = {
    "ChatMessage": obj(
        {
            "role": text(examples=["user"]),
            "content": {"anyOf": [text(), array(obj({"type": text()}, extra=True)),
                                  {"type": "null"}]},
        },
        required=["role"],
        extra=True,
    ),
    "ResponseFormat": obj(
        {
            "type": one_of("text", "json_object", "json_schema"),
            "json_schema": obj({"schema": obj({}, extra=True)}, extra=True),
        },
        required=["type"],
        extra=True,
    ),
    "ChatRequest": asked(_REQUEST, ["messages"]),
    "ChatCompletion": _completion(
        "chat.completion",
        _choice(
            message=obj(_SAID, required=["role", "content", "refusal", "annotations"]),
            finish_reason=_FINISH,
        ),
    ),
    "ChatChunk": _chunk(
        "chat.completion.chunk",
        _choice(delta=obj({}, extra=True), finish_reason=null_or(_FINISH)),
    ),
    "CompletionRequest": asked(
        {
            "model": text("Where it is missing, the first chat model."),
            "prompt": {
                "anyOf": [text(minLength=1), array(text(), minItems=1, maxItems=MOST_PROMPTS)]
            },
            "stream": flag(default=False),
            "stream_options": obj({"include_usage": null_or(flag())}, required=[], extra=True),
            "max_tokens": whole(minimum=0),
            "echo": flag(),
            "logprobs": whole(minimum=0, maximum=20),
            "best_of": whole("As many as `n`."),
            **_SAMPLING,
        },
        ["prompt"],
    ),
    "Completion": _completion("text_completion", _choice(text=text(), finish_reason=_FINISH)),
    "CompletionChunk": _chunk(
        "text_completion", _choice(text=text(), finish_reason=null_or(_FINISH))
    ),
}  # fmt: skip
_ASKED = [{"role": "user", "content": QUESTION}]
_NOT_KEPT: dict[int, Schema] = {}
_ID = at("id", "Any: none is kept.")


def _not_kept(method: str, of: str, *params: Schema) -> Schema:
    return does(
        TAG,
        f"{method}_{of}",
        "Chat completions are not kept: always 404",
        _NOT_KEPT,
        404,
        params=params,
    )


PATHS: Paths = {
    "/v1/chat/completions": {
        "post": does(
            TAG,
            "chat",
            "Chat Completions, streaming and not",
            {
                200: streams(
                    gives("The completion.", ref("ChatCompletion")),
                    {"": {"anyOf": [ref("ChatChunk"), ref("Error")]}},
                    done=True,
                )
            },
            404,
            410,
            507,
            description="`search_parameters` gets 410: /v1/responses has the search tools.",
            body=body(
                ref("ChatRequest"),
                {
                    "question": {"model": "gnomon", "messages": _ASKED},
                    "streamed": {
                        "messages": _ASKED,
                        "stream": True,
                        "stream_options": {"include_usage": True},
                    },
                    "form": {"messages": _ASKED, "response_format": {"type": "json_object"}},
                },
            ),
        ),
        "get": _not_kept("list", "chat_completions"),
    },
    "/v1/chat/completions/{id}": {
        "get": _not_kept("show", "chat_completion", _ID),
        "post": _not_kept("change", "chat_completion", _ID),
        "delete": _not_kept("delete", "chat_completion", _ID),
    },
    "/v1/chat/completions/{id}/messages": {"get": _not_kept("list", "chat_messages", _ID)},
    "/v1/completions": {
        "post": does(
            TAG,
            "complete",
            "The bare continuation of a text; of `gnomon`, its checked answer to it",
            {
                200: streams(
                    gives("The completion.", ref("Completion")),
                    {"": {"anyOf": [ref("CompletionChunk"), ref("Error")]}},
                    done=True,
                )
            },
            404,
            507,
            body=body(
                ref("CompletionRequest"),
                {
                    "question": {"model": "gnomon", "prompt": QUESTION},
                    "streamed": {"model": "gnomon", "prompt": [QUESTION], "stream": True},
                },
            ),
        )
    },
}
