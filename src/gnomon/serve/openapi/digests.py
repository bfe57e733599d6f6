"""Digests: dated briefs, made, kept, followed."""

from __future__ import annotations

from gnomon.serve.digests import MOST_KEPT
from gnomon.serve.openapi.parts import (
    MOMENT,
    TIME,
    Paths,
    Schema,
    always,
    array,
    asked,
    at,
    body,
    does,
    flag,
    gives,
    limit,
    listing,
    obj,
    one_of,
    query,
    ref,
    streams,
    text,
    whole,
    words,
)

TAG = "digests"
MOST_STORIES = 30
"""As many as a digest holds (assemble/digests.py, which a test compares)."""
_HEAD = {
    "object": always("gnomon.digest"),
    "id": text(),
    "made_at": TIME,
    "since": TIME,
    "until": TIME,
    "lang": text(),
    "langs": array(text()),
    "about": text(),
    "stories": array(text(), "Their headlines."),
    "posts": whole(minimum=0),
    "origins": whole(minimum=0),
}
_REQUEST = {
    "since": MOMENT,
    "until": MOMENT,
    "about": text("Only stories that match these words."),
    "lang": one_of("en", "zh", description="The language of our own words."),
    "langs": words("Only stories in these languages."),
    "k": whole("How many stories.", minimum=1, maximum=MOST_STORIES),
    "stream": flag(default=False),
}
_ID = at("id", "The `id` of a digest.")
_FORMS = ("json", "md", "html", "atom", "rss")
_KINDS = ("text/markdown", "text/html", "application/atom+xml", "application/rss+xml")


def schemas(values: dict[str, Schema]) -> dict[str, Schema]:
    """The components of this file, given those of the values."""
    digest = values["Digest"]
    return {
        "Digest": obj(
            {"object": always("gnomon.digest"), **digest["properties"]},
            description=digest["description"],
        ),
        "DigestHead": obj(_HEAD),
        "DigestRequest": asked(_REQUEST, extra=False),
    }


def _shown() -> Schema:
    """A digest in the form that was asked for."""
    written: Schema = {"schema": {"type": "string"}}
    answer = gives("The digest.", ref("Digest"))
    return {**answer, "content": {**answer["content"], **dict.fromkeys(_KINDS, written)}}


def _feed(id: str, kind: str) -> Schema:
    return does(
        TAG,
        id,
        "The digests as a feed",
        {200: gives("The feed.", {"type": "string"}, kind)},
        description="A key may also be the password of HTTP Basic, with any name.",
    )


PATHS: Paths = {
    "/v1/digests": {
        "post": does(
            TAG,
            "make_digest",
            "Make a digest",
            {
                200: streams(
                    gives("The digest.", ref("Digest")),
                    {"step": ref("Step"), "digest": ref("Digest"), "error": ref("Error")},
                )
            },
            507,
            body=body(
                ref("DigestRequest"),
                {"day": {"k": 2}, "week": {"since": "2026-03-09", "k": 3, "stream": True}},
            ),
        ),
        "get": does(
            TAG,
            "digests",
            "The newest",
            {200: gives("The newest first.", listing(ref("DigestHead")))},
            params=[limit(MOST_KEPT, 20)],
        ),
    },
    "/v1/digests/{id}": {
        "get": does(
            TAG,
            "digest",
            "One of them",
            {200: _shown()},
            404,
            params=[_ID, query("format", one_of(*_FORMS))],
        )
    },
    "/digests": {
        "get": does(
            TAG,
            "newest_digest",
            "Leads to the newest, as a page; where there is none yet, to where one is made",
            {302: gives("To it.", location={"required": True, "schema": text()})},
        )
    },
    "/digests/{id}": {
        "get": does(
            TAG,
            "digest_page",
            "A digest as a page",
            {200: gives("The page.", {"type": "string"}, "text/html")},
            404,
            params=[_ID],
        )
    },
    "/digests.atom": {"get": _feed("atom", "application/atom+xml")},
    "/digests.rss": {"get": _feed("rss", "application/rss+xml")},
    "/digests/style.css": {
        "get": does(
            TAG,
            "digest_style",
            "How the pages of digests look",
            {200: gives("CSS.", {"type": "string"}, "text/css")},
        )
    },
}
