"""What the owner sets up: sources, settings, models to fetch."""

from __future__ import annotations

from gnomon.serve.openapi.parts import (
    TIME,
    Paths,
    Schema,
    always,
    anything,
    asked,
    at,
    body,
    does,
    flag,
    gives,
    listing,
    null_or,
    number,
    obj,
    one_of,
    query,
    record,
    ref,
    text,
    whole,
)
from gnomon.serve.sources import SHORTEST_S

TAG = "owner"
_SPEC = text("What is followed, such as `hn` or an address.", pattern=r"\S", maxLength=2000)
_SOURCE = {
    "object": always("source"),
    "spec": text(),
    "source": text(),
    "state": text(),
    "health": text(),
    "paused": flag(),
    "every_s": null_or(number()),
    "added_at": null_or(TIME),
    "posts": whole(minimum=0),
    "newest": null_or(TIME),
    "last_write": null_or(TIME),
    "lag_s": null_or(number()),
    "errors": whole(minimum=0),
    "error": text(),
    "gaps": whole(minimum=0),
    "set_aside": whole(minimum=0),
}
_LEAVES = {
    "chat": null_or(text("The host of a chat model elsewhere.")),
    "sources": flag("Whether sources are fetched from."),
    "web": null_or(text("Who is asked when a question may search the web.")),
}
_SETTING = {"value": anything(), "default": anything(), "doc": text()}

SCHEMAS: dict[str, Schema] = {
    "Source": obj(_SOURCE),
    "Pull": obj(
        {
            "name": text(),
            "state": one_of("waiting", "running", "done", "failed", "stopped"),
            "done": whole(minimum=0),
            "total": null_or(whole(minimum=0)),
            "error": null_or(text()),
        },
        required=["name", "state"],
        extra=True,
    ),
}
_ROWS = gives("What is followed now.", listing(ref("Source")))
_NAMED = asked({"spec": _SPEC}, ["spec"])


def _admin(
    id: str, summary: str, answers: dict[int, Schema], *errors: int, **more: Schema
) -> Schema:
    sent = more.get("body")
    params = [more["param"]] if "param" in more else []
    return does(TAG, id, summary, answers, *errors, params=params, body=sent, scope="admin")


PATHS: Paths = {
    "/v1/sources": {
        "get": does(TAG, "sources", "What is followed", {200: _ROWS}),
        "post": _admin(
            "add_source",
            "Follow one more source of the network",
            {201: _ROWS},
            507,
            body=body(
                asked({"spec": _SPEC, "every_s": number(minimum=SHORTEST_S)}, ["spec"]),
                {"hackernews": {"spec": "hn"}},
            ),
        ),
        "delete": _admin(
            "remove_source",
            "Follow it no more; what was taken in stays",
            {200: _ROWS},
            404,
            507,
            param=query("spec", _SPEC, required=True, example="hn"),
        ),
    },
    "/v1/sources/test": {
        "post": _admin(
            "test_source",
            "What a source gives, kept nowhere",
            {
                200: gives(
                    "What it gave in the time.",
                    {"allOf": [ref("TriedObject")]},
                )
            },
            body=body(
                asked({"spec": _SPEC, "for_s": number(minimum=SHORTEST_S)}, ["spec"]),
                {"refused": {"spec": "/etc/passwd"}},
            ),
        )
    },
    "/v1/sources/pause": {
        "post": _admin(
            "pause_source",
            "Take nothing from it for now",
            {200: _ROWS},
            404,
            507,
            body=body(_NAMED, {"bluesky": {"spec": "bluesky"}}),
        )
    },
    "/v1/sources/resume": {
        "post": _admin(
            "resume_source",
            "Follow it again",
            {200: _ROWS},
            404,
            507,
            body=body(_NAMED, {"bluesky": {"spec": "bluesky"}}),
        )
    },
    "/v1/settings": {
        "get": does(
            TAG,
            "settings",
            "What leaves the machine; to `admin` every setting",
            {
                200: gives(
                    "The settings.",
                    obj(
                        {
                            "object": always("gnomon.settings"),
                            "leaves": obj(_LEAVES),
                            "settings": record(obj(_SETTING)),
                        },
                        required=["object", "leaves"],
                    ),
                )
            },
        )
    },
    "/v1/pulls": {
        "get": _admin(
            "pulls", "How each goes", {200: gives("The pulls.", listing(ref("Pull")))}
        ),
        "post": _admin(
            "pull",
            "Begin to fetch a model",
            {202: gives("It has begun.", ref("Pull"))},
            404,
            507,
            body=body(
                asked({"model": text("A name of /v1/models.", minLength=1)}, ["model"]),
                {"unknown": {"model": "no-such-model"}},
            ),
        ),
    },
    "/v1/pulls/{model}": {
        "delete": _admin(
            "stop_pull",
            "Stop fetching one",
            {200: gives("It stops.", ref("Pull"))},
            404,
            param=at("model", "Its name."),
        )
    },
}  # fmt: skip


def schemas(values: dict[str, Schema]) -> dict[str, Schema]:
    """The components of this file, given those of the values."""
    tried = values.pop("Tried")
    told = {"object": always("source.test"), **tried["properties"]}
    return {**SCHEMAS, "TriedObject": obj(told, description=tried["description"])}
