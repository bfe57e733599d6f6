"""What is held: search, posts, answers, status; and the checking of texts against it."""

from __future__ import annotations

from gnomon.serve.openapi.parts import (
    FILTER,
    FILTER_FIELDS,
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
from gnomon.serve.routes import MAX_RESULTS
from gnomon.serve.verify import MAX_AGAINST, MAX_CLAIM_CHARS, MAX_CLAIMS, MAX_TEXT_CHARS

TAG = "held"
_DOCUMENT = obj(
    {
        "text": text(pattern=r"\S"),
        "id": null_or(text()),
        "title": null_or(text()),
        "author": null_or(text()),
        "url": null_or(text()),
        "created_at": null_or(MOMENT),
    },
    required=["text"],
    extra=True,
    description="A document as a post on the wire; further fields are kept.",
)
_FIELDS = {
    "text": text(f"At most {MAX_TEXT_CHARS:,} characters.", pattern=r"\S"),
    "claims": array(
        text(pattern=r"\S", maxLength=MAX_CLAIM_CHARS),
        "Claims one by one, instead of a text.",
        minItems=1,
        maxItems=MAX_CLAIMS,
    ),
    "against": array(
        _DOCUMENT, "To check against instead of what is held.", minItems=1, maxItems=MAX_AGAINST
    ),
    "format": one_of("text", "markdown"),
    "title": text(),
    "url": text(),
    "date": {**MOMENT, "description": "When the text was written."},
    "stream": flag(default=False),
    **FILTER_FIELDS,
}
_CHECK = {
    **asked(_FIELDS, extra=False),
    "oneOf": [
        {"required": [one], "properties": {one: {"not": {"type": "null"}}, other: {"type": "null"}}}
        for one, other in (("text", "claims"), ("claims", "text"))
    ],
}
_STATUS = obj(
    {
        "version": text(),
        "home": text("Where things lie on the disk; for `admin` alone."),
        "sample": flag("The fictional town is shown."),
        "live": flag(),
        "now": TIME,
        **{n: whole(minimum=0) for n in ("posts", "origins", "tombstones", "answers", "vectors")},
        "newest": null_or(TIME),
        "oldest": null_or(TIME),
        "sources": array(obj({"source": text()}, extra=True)),
        "models": obj({}, extra=True),
    },
    required=["posts", "origins", "sources"],
    extra=True,
    description="What is held, from where, with which gaps, what was set aside and why.",
)
_FOUND = obj(
    {
        "post": ref("Post"),
        "score": number(),
        "origin": ref("Origin"),
        "start": whole(minimum=0),
        "end": whole(minimum=0),
        "quote": text("`text[start:end]` of the post: what answers the words best."),
    }
)

SCHEMAS: dict[str, Schema] = {
    "Found": _FOUND,
    "Status": _STATUS,
    "VerifyRequest": _CHECK,
    "Kept": {
        "description": "A receipt of the journal: an answer, a check or a digest.",
        "anyOf": [ref("Answer"), ref("Verification"), obj({"object": text()}, extra=True)],
    },
}

PATHS: Paths = {
    "/v1/search": {
        "get": does(
            TAG,
            "search",
            "Search what is held: one post for each origin",
            {
                200: gives(
                    "What fits best, best first.",
                    obj(
                        {
                            "object": always("list"),
                            "query": text(),
                            "origins": whole(minimum=0),
                            "posts": whole("Posts that these origins stand for.", minimum=0),
                            "data": array(ref("Found")),
                        }
                    ),
                )
            },
            params=[
                query(
                    "q",
                    text(pattern=r"\S"),
                    "The words to search for.",
                    required=True,
                    example="bridge",
                ),
                query("k", whole(minimum=1, maximum=MAX_RESULTS, default=10)),
                *FILTER,
            ],
        )
    },
    "/v1/posts/{id}": {
        "get": does(
            TAG,
            "post",
            "A held post with its origin, copies, earlier texts and replies",
            {200: gives("The post.", ref("PostView"))},
            404,
            params=[at("id", "The id of a post, which may hold slashes.", pattern=r"^[\s\S]+$")],
        )
    },
    "/v1/answers/{id}": {
        "get": does(
            TAG,
            "answer",
            "A kept answer, check or digest; quotes of posts deleted since are gone",
            {200: gives("The receipt.", ref("Kept"))},
            404,
            params=[at("id", "The `id` of an answer.")],
        )
    },
    "/v1/status": {
        "get": does(
            TAG, "status", "What is held, and how it is doing", {200: gives("It.", ref("Status"))}
        )
    },
    "/v1/verify": {
        "post": does(
            TAG,
            "verify",
            "Check a text, or claims one by one",
            {
                200: streams(
                    gives("The check.", ref("Verification")),
                    {
                        "begin": ref("Verification"),
                        "claim": ref("Finding"),
                        "verification": ref("Verification"),
                        "error": ref("Error"),
                    },
                )
            },
            507,
            body=body(
                ref("VerifyRequest"),
                {
                    "claims": {
                        "claims": ["The fire destroyed nine kilns."],
                        "against": [{"id": "ledger", "text": "The fire destroyed seven kilns."}],
                    },
                    "text": {"text": "The strongest gust of Storm Ottoline was 104 km/h."},
                    "streamed": {"claims": ["The fire destroyed nine kilns."], "stream": True},
                },
            ),
        )
    },
}
