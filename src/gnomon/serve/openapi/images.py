"""Pictures: drawn, edited, kept."""

from __future__ import annotations

from gnomon.serve.images import MOST_LISTED
from gnomon.serve.images_asking import FORMATS, QUALITIES
from gnomon.serve.openapi.parts import (
    AFTER,
    Paths,
    Schema,
    always,
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
    record,
    ref,
    streams,
    text,
    whole,
)

TAG = "images"
_ABOUT: dict[str, Schema] = {
    "mime": text(),
    "width": whole(minimum=1),
    "height": whole(minimum=1),
    "drawn": text("The size at which the model drew it; a model of one size is enlarged."),
    "seed": whole("The same seed, prompt and model give the same picture.", minimum=0),
    "steps": whole(minimum=0),
    "model": text(),
    "model_sha256": text("Of its weights; empty where they are elsewhere."),
    "asked": text("What was asked for."),
    "prompt": text("What the model got."),
    "expanded_by": one_of("", "model", "words", description="Who made one of the other."),
    "lang": text(),
    "not_translated": array(text()),
    "signed": flag("Whether it carries a C2PA manifest."),
    "unsigned": text("Why not."),
    "warnings": array(text("A rule of the owner's policy, as kind/rule.")),
    "checked": array(text("A kind that the picture itself was looked at for.")),
    "unchecked": record(text(), "Kinds that it was not, and why."),
    "seconds": number(minimum=0),
}
_USAGE = obj(
    {
        "input_tokens": whole(minimum=0),
        "input_tokens_details": obj(
            {"text_tokens": whole(minimum=0), "image_tokens": whole(minimum=0)}
        ),
        "output_tokens": whole(minimum=0),
        "total_tokens": whole(minimum=0),
    },
    description="Estimated: a token for each square of 32 x 32 pixels.",
)
_WISH: dict[str, Schema] = {
    "prompt": text("At most 4000 characters."),
    "model": text("Where it is missing, the model that the owner set."),
    "n": whole(minimum=1, maximum=100),
    "size": text("auto, or WIDTHxHEIGHT."),
    "aspect_ratio": text("xAI's: 16:9 and the like, or auto."),
    "resolution": text("xAI's: 1k or 2k."),
    "quality": one_of(*QUALITIES, description="A share of the model's own number of steps."),
    "steps": whole(minimum=0, maximum=10_000),
    "seed": whole(minimum=0, maximum=2**32 - 1),
    "guidance": number(minimum=0, maximum=100),
    "negative_prompt": text(),
    "strength": number("How far an edit goes from its picture.", minimum=0.01, maximum=1),
    "expand": flag("Whether keywords become a full prompt."),
    "store": flag("Whether the pictures are kept."),
    "output_format": one_of(*FORMATS, "jpg"),
    "output_compression": whole(minimum=1, maximum=100),
    "response_format": one_of("b64_json", "url"),
    "stream": flag(),
    "progress": flag("Whether a stream tells each step."),
    "partial_images": whole(minimum=0, maximum=3),
    "background": one_of("auto", "opaque"),
    "user": text(),
}
_PICTURE: Schema = {"anyOf": [text("A data URL."), obj({}, required=[], extra=True)]}
_KEPT = obj({"id": null_or(text()), "url": text(), **_ABOUT}, required=["id", *_ABOUT])
SCHEMAS: dict[str, Schema] = {
    "ImageRequest": asked(_WISH, ["prompt"]),
    "ImageEditRequest": asked({**_WISH, "image": _PICTURE, "mask": _PICTURE}, ["prompt", "image"]),
    "Images": obj(
        {
            "created": whole(),
            "background": always("opaque"),
            "data": array(
                obj(
                    {
                        "b64_json": text(),
                        "url": text(),
                        "mime_type": text(),
                        "revised_prompt": text(),
                        "gnomon": _KEPT,
                    },
                    required=["mime_type", "revised_prompt", "gnomon"],
                )
            ),
            "output_format": one_of(*FORMATS),
            "size": text(),
            "usage": _USAGE,
            "model": text(),
        }
    ),
    "ImageEvent": obj(
        {
            "type": text(),
            "b64_json": text(),
            "created_at": whole(),
            "background": text(),
            "output_format": text(),
            "quality": text(),
            "size": text(),
            "partial_image_index": whole(minimum=0),
            "usage": _USAGE,
            "gnomon": _KEPT,
        },
        required=["type", "b64_json"],
    ),
    "KeptImage": obj(
        {
            "id": text(),
            "object": always("gnomon.image"),
            "created_at": whole(),
            "url": text(),
            "bytes": whole(minimum=0),
            **_ABOUT,
        }
    ),
}
_STREAMED = {
    f"image_{kind}.{state}": ref("ImageEvent")
    for kind in ("generation", "edit")
    for state in ("partial_image", "completed")
} | {
    "gnomon.image.progress": obj({"type": text()}, extra=True),
    "error": ref("Error"),
}
_ID = at("id", "The `id` of a picture.")
_SQUARE = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAIAAAACCAIAAAD91JpzAAAAFklEQVR4nGM8oaHBwMDAxMDA"
    "wMDAAAAN6gEcJJUQNAAAAABJRU5ErkJggg=="
)


PATHS: Paths = {
    "/v1/images/generations": {
        "post": does(
            TAG,
            "draw",
            "Pictures of a prompt (404: nothing draws here)",
            {200: streams(gives("The pictures.", ref("Images")), _STREAMED)},
            404,
            507,
            body=body(
                ref("ImageRequest"),
                {
                    "one": {"prompt": "a lighthouse in fog, woodcut"},
                    "seed": {"prompt": "a red kite", "seed": 7, "n": 2, "response_format": "url"},
                },
            ),
            description="What the owner's policy refuses is 400 with the code "
            "`moderation_blocked`; the message names the rule, whom to ask, and the entry of the "
            "owner's log.",
        )
    },
    "/v1/images/edits": {
        "post": does(
            TAG,
            "edit_picture",
            "A picture made out of another",
            {200: streams(gives("The pictures.", ref("Images")), _STREAMED)},
            404,
            507,
            body=body(ref("ImageEditRequest"), {"edit": {"prompt": "in winter", "image": _SQUARE}}),
            description="OpenAI's clients send a form (`multipart/form-data`) with the same "
            "fields, `image` and `mask` as files; a mask is transparent where it may change.",
        )
    },
    "/v1/images/prompt": {
        "post": does(
            TAG,
            "picture_prompt",
            "What a prompt would become, to be seen and changed first",
            {
                200: gives(
                    "The prompt.",
                    obj(
                        {
                            "object": always("gnomon.image_prompt"),
                            "asked": text(),
                            "prompt": text(),
                            "expanded_by": one_of("", "model", "words"),
                            "lang": text(),
                            "not_translated": array(text()),
                        }
                    ),
                )
            },
            404,
            body=body(
                asked({"prompt": text(), "model": text(), "expand": flag()}, ["prompt"]),
                {"words": {"prompt": "fox snow"}},
            ),
        )
    },
    "/v1/images/about": {
        "get": does(
            TAG,
            "pictures_about",
            "What draws here, its limits, and the owner's rules",
            {
                200: gives(
                    "What there is.",
                    obj(
                        {
                            "object": always("gnomon.images"),
                            "models": array(obj({"id": text()}, extra=True)),
                            "why": text("Why there is no model."),
                            "limits": record(whole()),
                            "formats": array(text()),
                            "policy": record(one_of("off", "warn", "refuse")),
                            "rules": record(text()),
                            "appeal": text(),
                            "second_judge": flag(),
                            "checked_after": array(text()),
                            "not_checked_after": record(text()),
                        }
                    ),
                )
            },
        )
    },
    "/v1/images/log": {
        "get": does(
            TAG,
            "pictures_log",
            "What the policy refused or warned of",
            {200: gives("The newest first.", listing(obj({"reference": text()}, extra=True)))},
            params=[limit(MOST_LISTED, 50)],
            scope="admin",
        )
    },
    "/v1/images": {
        "get": does(
            TAG,
            "pictures",
            "One's own pictures",
            {200: gives("The newest first.", listing(ref("KeptImage"), paged=True))},
            params=[AFTER, limit(MOST_LISTED, 20)],
        )
    },
    "/v1/images/{id}": {
        "get": does(
            TAG,
            "picture",
            "One of them",
            {200: gives("What is known of it.", ref("KeptImage"))},
            404,
            params=[_ID],
        ),
        "delete": does(
            TAG,
            "delete_picture",
            "Delete it",
            {200: gives("It is gone.", deleted("gnomon.image"))},
            404,
            params=[_ID],
        ),
    },
    "/v1/images/{id}/content": {
        "get": does(
            TAG,
            "picture_content",
            "The file",
            {200: gives("PNG, JPEG or WebP.", {"type": "string", "format": "binary"}, "image/png")},
            404,
            params=[_ID],
        )
    },
}
