"""Skills: a story gone on with, a motion debated, a text translated, a document read."""

from __future__ import annotations

from typing import Any

from gnomon.serve.openapi.parts import (
    FILTER_FIELDS,
    Paths,
    Schema,
    always,
    array,
    asked,
    body,
    does,
    flag,
    gives,
    null_or,
    obj,
    one_of,
    record,
    ref,
    streams,
    text,
    whole,
)
from gnomon.serve.skills import MAX_TEXT_CHARS, ROUNDS, WORDS

TAG = "skills"
_MODEL = text("A chat model of `/v1/models`; unset: the owner's.")
_STREAM = flag(default=False)
_WORDS: dict[str, Any] = {"pattern": r"\S", "maxLength": MAX_TEXT_CHARS}
_CHARACTER = {
    "name": text(pattern=r"\S"),
    "about": null_or(text()),
    "status": null_or(one_of("alive", "dead", "away")),
    "since": null_or(whole(minimum=0, maximum=9_999)),
    "last": null_or(whole(minimum=0, maximum=9_999)),
    "also": array(text()),
}
_THREAD = {
    "name": text(pattern=r"\S"),
    "about": null_or(text()),
    "status": null_or(one_of("open", "closed")),
    "last": null_or(whole(minimum=0, maximum=9_999)),
}
_PLOT = {
    "title": null_or(text()),
    "premise": null_or(text()),
    "lang": null_or(one_of("en", "zh")),
    "style": null_or(text()),
    "facts": array(text()),
    "characters": array(obj(_CHARACTER, required=["name"])),
    "threads": array(obj(_THREAD, required=["name"])),
    "parts": array(text()),
}
_REQUESTS: dict[str, Schema] = {
    "StoryRequest": asked(
        {
            "plot": {
                "description": "The plot so far, as an object or as TOML.",
                "anyOf": [obj(_PLOT, required=[]), text()],
            },
            "wish": text("What happens next."),
            "words": whole("About so many.", minimum=WORDS[0], maximum=WORDS[1], default=WORDS[2]),
            "keep": flag("What does not fit the plot stays, marked.", default=False),
            "model": _MODEL,
            "stream": _STREAM,
        },
        extra=False,
    ),
    "DebateRequest": asked(
        {
            "motion": text("What is argued.", pattern=r"\S", maxLength=1_000),
            "rounds": whole(minimum=ROUNDS[0], maximum=ROUNDS[1], default=ROUNDS[2]),
            "model": _MODEL,
            "stream": _STREAM,
            **FILTER_FIELDS,
        },
        ["motion"],
        extra=False,
    ),
    "TranslateRequest": asked(
        {
            "text": text(**_WORDS),
            "to": text("An ISO 639 code, such as en or zh.", pattern=r"\S"),
            "from": text("The same of the source; unset: it is found out."),
            "glossary": record(text(pattern=r"\S"), "Terms that are always translated so."),
            "model": _MODEL,
            "stream": _STREAM,
        },
        ["text", "to"],
        extra=False,
    ),
    "ReadRequest": asked(
        {
            "question": text(**_WORDS),
            "text": text("What is read; or one of the next two.", maxLength=MAX_TEXT_CHARS),
            "file_id": text("An upload of yours."),
            "file_data": text("A file in base64, with its `filename`."),
            "filename": text(),
            "model": _MODEL,
            "stream": _STREAM,
        },
        ["question"],
        extra=False,
    ),
}


def schemas(values: dict[str, Schema]) -> dict[str, Schema]:
    """The components of this file, given those of the values."""

    def made(name: str, kind: str, more: dict[str, Schema]) -> Schema:
        value = values[kind]
        properties = {"object": always(f"gnomon.{name}"), **value["properties"], **more}
        return obj(properties, description=value["description"])

    return {
        **_REQUESTS,
        "Told": made("story", "Told", {"toml": text("The plot, for people to edit.")}),
        "Debate": made("debate", "Debate", {}),
        "Translation": made("translation", "Translation", {"whole": flag("Nothing was lost.")}),
        "Reading": made("reading", "Reading", {}),
    }


def _skill(
    name: str, summary: str, more: dict[str, Schema], last: str, examples: dict[str, Any], said: str
) -> Schema:
    kind = {"story": "Told", "debate": "Debate", "translation": "Translation"}.get(last, "Reading")
    request = {"story": "Story", "debate": "Debate", "translation": "Translate"}.get(last, "Read")
    return does(
        TAG,
        f"skill_{name}",
        summary,
        {
            200: streams(
                gives("The whole.", ref(kind)),
                {"step": ref("Step"), **more, last: ref(kind), "error": ref("Error")},
            )
        },
        404,
        507,
        body=body(ref(f"{request}Request"), examples),
        description=said,
    )


_DUES = "Dues of the rowing club\n\nThe annual dues are 40 crowns. Members under 18 pay half."
PATHS: Paths = {
    "/v1/skills/story": {
        "post": _skill(
            "story",
            "Continue a plot",
            {"piece": ref("Piece")},
            "story",
            {
                "begun": {
                    "plot": {"premise": "A lighthouse keeper finds a letter.", "title": "The Lamp"},
                    "wish": "She opens it.",
                    "words": 60,
                },
                "toml": {"plot": 'premise = "A letter comes."', "words": 40, "stream": True},
            },
            "Without a chat model: 404, and how to get one.",
        )
    },
    "/v1/skills/debate": {
        "post": _skill(
            "debate",
            "Two sides of a motion, every factual sentence checked",
            {"argued": ref("Argued")},
            "debate",
            {
                "plain": {"motion": "The emergency department should close."},
                "streamed": {"motion": "应该卖掉港口。", "stream": True, "rounds": 1},
            },
            "Without a strong chat model each side is composed of quotes.",
        )
    },
    "/v1/skills/translate": {
        "post": _skill(
            "translate",
            "Translate a text, its numbers, names and addresses held to",
            {"stretch": ref("Stretch")},
            "translation",
            {
                "plain": {"text": "The ferry leaves at 11:30.", "to": "zh"},
                "streamed": {
                    "text": "渡轮11点30分开。", "to": "en", "from": "zh",
                    "glossary": {"渡轮": "ferry"}, "stream": True,
                },
            },
            "Without a chat model: 404, and how to get one.",
        )
    },
    "/v1/skills/read": {
        "post": _skill(
            "read",
            "Look a question up in a document",
            {},
            "reading",
            {
                "text": {"question": "What are the annual dues?", "text": _DUES},
                "streamed": {"question": "Who founded it?", "text": _DUES, "stream": True},
                "file": {
                    "question": "What are the dues?",
                    "file_data": "VGhlIGR1ZXMgYXJlIDQwIGNyb3ducy4=",
                    "filename": "dues.txt",
                },
            },
            "`says` is false where the document does not answer; no model is needed.",
        )
    },
}  # fmt: skip
