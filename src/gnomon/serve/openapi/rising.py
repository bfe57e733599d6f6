"""What is rising: trends, and stories."""

from __future__ import annotations

from gnomon.serve.openapi.parts import (
    MOMENT,
    TIME,
    Paths,
    Schema,
    always,
    array,
    at,
    does,
    gives,
    many,
    null_or,
    obj,
    one_of,
    query,
    ref,
    text,
    whole,
)
from gnomon.serve.rising import KINDS
from gnomon.serve.rising import MOST as MOST_TRENDS
from gnomon.serve.stories import DETAILS, MOST

TAG = "rising"
_COUNTS = ("posts", "origins", "authors", "tested", "behind")
_TERM = obj({"object": always("list"), "data": array(ref("TrendObject"))})
_TRENDS = obj(
    {
        "object": always("list"),
        "since": TIME,
        "until": TIME,
        **{name: whole(minimum=0) for name in _COUNTS},
        "data": array(ref("TrendObject")),
    }
)
_STORIES = obj(
    {
        "object": always("list"),
        "since": TIME,
        "until": TIME,
        "by": one_of("interest", "support"),
        "total": whole("Stories that were ranked.", minimum=0),
        "behind": whole("Changes of the record that are not counted yet.", minimum=0),
        "data": array(ref("StoryHead")),
    }
)
_SPREAD = obj(
    {
        "object": always("spread"),
        "origin": text(),
        "posts": whole(minimum=0),
        "authors": whole(minimum=0),
        "first_seen": TIME,
        "repeats": array(obj({"said_at": TIME, "kind": text("As in a post's link.")})),
        "campaign": null_or(ref("Campaign")),
    }
)


def schemas(values: dict[str, Schema]) -> dict[str, Schema]:
    """The components of this file, given those of the values."""
    trend, story = values.pop("Trend"), values.pop("Story")
    told = story["properties"]
    head = {name: told[name] for name in told if name not in DETAILS}
    return {
        "TrendObject": obj({"object": always("trend"), **trend["properties"]}),
        "Story": obj({"object": always("story"), **told}, description=story["description"]),
        "StoryHead": obj(
            {"object": always("story"), **head}, description="A story as a list shows it."
        ),
    }


PATHS: Paths = {
    "/v1/trends": {
        "get": does(
            TAG,
            "trends",
            "What rises in a window, or the figures of one term",
            {200: gives("The most surprising first.", {"anyOf": [_TRENDS, _TERM]})},
            404,
            params=[
                query(
                    "window",
                    text(pattern=r"^\d{1,4}(s|m|min|h|d|w)$", default="1h"),
                    "Its length, such as 30m, 6h or 1d.",
                ),
                query("kind", one_of(*KINDS)),
                query("lang", text(pattern="^[A-Za-z]{2,8}$", maxLength=12), "A language code."),
                query("k", whole(minimum=1, maximum=MOST_TRENDS, default=20)),
                query("now", MOMENT, "When the window ends."),
                query("sure", one_of("true", "false"), "Without what may be chance."),
                query("term", text(maxLength=200), "The figures of this term, rising or not."),
            ],
        )
    },
    "/v1/spread": {
        "get": does(
            TAG,
            "spread",
            "Who repeated the origin of a post, when and how",
            {200: gives("The origin and its repeats.", _SPREAD)},
            404,
            params=[query("post", text(minLength=1), "The id of a post.", required=True)],
        )
    },
    "/v1/stories": {
        "get": does(
            TAG,
            "stories",
            "What is spoken of",
            {200: gives("The best first.", _STORIES)},
            params=[
                query("since", MOMENT),
                query("until", MOMENT),
                many("lang", "Only stories in these languages."),
                query("k", whole(minimum=1, maximum=MOST, default=20)),
                query("by", one_of("interest", "support")),
            ],
        )
    },
    "/v1/stories/{id}": {
        "get": does(
            TAG,
            "story",
            "One story, told: timeline, what is agreed, what is disputed",
            {200: gives("The story.", ref("Story"))},
            404,
            params=[
                at(
                    "id",
                    "The `id` of a story, or of a post in it, which may hold slashes.",
                    pattern=r"^[\s\S]+$",
                )
            ],
        )
    },
}
