"""What is held: search, posts, answers, status; and the checking of texts against it."""

from __future__ import annotations

from gnomon.serve.openapi.checked import UNINDEXED
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
        "unindexed": UNINDEXED,
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

_SEEN = obj(
    {
        "id": text("Names the small copy.", pattern=r"^[0-9a-f]{64}$"),
        "url": text("Where the small copy is handed out here."),
        "sha256": text("Of the original's bytes."),
        "media": text("Where the original was, as the post says it."),
        "alt": text("What its author says is in it."),
        "width": whole("Of the original.", minimum=1),
        "height": whole(minimum=1),
        "form": text("PNG, JPEG, WEBP or GIF."),
        "moving": flag("It was the first of several pictures."),
        "fetched_at": TIME,
    }
)
_PICTURE_FOUND = obj(
    {
        "picture": _SEEN,
        "post": ref("Post"),
        "first": ref("Post"),
        "score": number("Both rankings as one, by reciprocal rank."),
        "similarity": null_or(number("Cosine of picture and words.")),
        "by_words": flag("Its description or post has words of the search."),
        "posts": whole("That show it or a copy.", minimum=1),
        "authors": whole(minimum=1),
        "others": array(text(), "Ids of further posts that show it."),
    },
    description="One picture, however many posts show it; `first` is the earliest of them.",
)

SCHEMAS: dict[str, Schema] = {
    "Found": _FOUND,
    "PictureFound": _PICTURE_FOUND,
    "Status": _STATUS,
    "VerifyRequest": _CHECK,
    "Kept": {
        "description": "A receipt of the journal: an answer, a check or a digest.",
        "anyOf": [ref("Answer"), ref("Verification"), obj({"object": text()}, extra=True)],
    },
}

_POSTS = obj(
    {
        "object": always("list"),
        "query": text(),
        "origins": whole(minimum=0),
        "posts": whole("Posts that these origins stand for.", minimum=0),
        "unindexed": UNINDEXED,
        "data": array(ref("Found")),
    }
)
_PICTURES = obj(
    {
        "object": always("list"),
        "query": text(),
        "images": always(True),
        "pictures": whole(minimum=0),
        "posts": whole("Posts that show these pictures.", minimum=0),
        "kept": whole("Pictures that are kept.", minimum=0),
        "unseen": whole("Of these, what the model has not seen yet.", minimum=0),
        "model": null_or(text("What compared words and pictures.")),
        "why": text("Why only descriptions were searched, or why nothing could be; else empty."),
        "asked": text("What the model was asked: Chinese is translated where it reads none."),
        "not_translated": array(text()),
        "data": array(ref("PictureFound")),
    }
)

PATHS: Paths = {
    "/v1/search": {
        "get": does(
            TAG,
            "search",
            "Search what is held: one post for each origin",
            {
                200: gives(
                    "What fits best, best first.",
                    {"anyOf": [_POSTS, _PICTURES]},
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
                query(
                    "images",
                    one_of("true", "false"),
                    "Find kept pictures in posts by what they show.",
                ),
                *FILTER,
            ],
        )
    },
    "/v1/search/pictures/{id}": {
        "get": does(
            TAG,
            "post_picture",
            "A kept picture of a post, small; gone with the last post that shows it",
            {
                200: {
                    "description": "The picture.",
                    "content": {"image/webp": {"schema": {"type": "string", "format": "binary"}}},
                }
            },
            404,
            params=[at("id", "The `id` of a picture that a search found.")],
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
