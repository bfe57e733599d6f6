"""The routes of stories: ``GET /v1/stories`` and ``GET /v1/stories/{id}``."""

from __future__ import annotations

from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gnomon.serve.context import Context
from gnomon.serve.http import ApiError, in_range, json_response
from gnomon.types import Stories, Story
from gnomon.wire import iso, parse_time, to_json

MOST = 100
DETAILS = ("timeline", "agreed", "disputed", "was", "checked_by", "one_voice")


def routes(context: Context) -> list[Route]:
    return StoryRoutes(context).routes()


class StoryRoutes:
    """The endpoints over one Context."""

    def __init__(self, context: Context) -> None:
        self._desk = context.desk

    def routes(self) -> list[Route]:
        return [
            Route("/v1/stories", self.list_stories),
            # The id of a post in a story leads to it, too, and may hold slashes.
            Route("/v1/stories/{id:path}", self.show_story),
        ]

    async def list_stories(self, request: Request) -> Response:
        """``?since=&until=&lang=&k=&by=``; ``lang`` may repeat, ``by`` is interest or support."""
        query = request.query_params
        k = query.get("k", "20")
        if not in_range(k, 1, MOST):
            raise ApiError(400, f"'k' is {k[:20]!r}; give 1 to {MOST}.", param="k")
        by = query.get("by", "interest")
        if by not in ("interest", "support"):
            raise ApiError(400, f"'by' is {by[:40]!r}; give interest or support.", param="by")
        times = {name: parse_time(query[name]) for name in ("since", "until") if query.get(name)}
        find = partial(
            self._desk.engine.rising.stories,
            **times,
            langs=tuple(query.getlist("lang")),
            k=int(k),
            by=by,
        )
        return json_response(_list(await self._desk.call(find, line="ranking"), by))

    async def show_story(self, request: Request) -> Response:
        tell = partial(self._desk.engine.rising.story, request.path_params["id"])
        return json_response(_story(await self._desk.call(tell, line="ranking")))


def _list(found: Stories, by: str) -> dict[str, Any]:
    return {
        "object": "list",
        "since": iso(found.since),
        "until": iso(found.until),
        "by": by,
        "total": found.total,
        "behind": found.behind,
        "data": [
            {name: value for name, value in _story(story).items() if name not in DETAILS}
            for story in found.stories
        ],
    }


def _story(story: Story) -> dict[str, Any]:
    return {"object": "story", **to_json(story)}
