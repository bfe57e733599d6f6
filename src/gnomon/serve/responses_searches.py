"""The searches of one response as items: ``web_search_call``, ``file_search_call``, and for
``x_search`` a ``custom_tool_call`` with the name and input that xAI sends.

gnomon searches once for a question; each tool that the request names shows that search as its own.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from gnomon.serve.forgetting import UPLOAD
from gnomon.serve.making import Searched, Wanted
from gnomon.serve.responses_object import new_id, shaped_item
from gnomon.serve.transcript import Annotation, Links
from gnomon.types import Citation, Found

Data = dict[str, Any]


class Searches:
    """The items of the searches, in the order of the request's tools. ``event`` makes an event of
    the response; ``link`` tells where a citation leads."""

    def __init__(self, wanted: Wanted, link: Links, event: Callable[..., Data]) -> None:
        self._wanted = wanted
        self._link = link
        self._event = event
        self._begun = False
        self._over = False
        self._found = Searched()
        self.items: list[Data] = []

    def begin(self) -> Iterator[Data]:
        """The searches begin, once."""
        if self._begun:
            return
        self._begun = True
        for make in self._named()[: self._wanted.max_calls]:
            item = make()
            at = len(self.items)
            self.items.append(item)
            yield self._event("output_item.added", output_index=at, item=self._shown(item))
            if item["type"] == "custom_tool_call":
                yield from self._input(at, item)
            else:
                yield self._event(
                    f"{item['type']}.in_progress", item_id=item["id"], output_index=at
                )

    def searching(self) -> Iterator[Data]:
        """The index is being read."""
        for at, item in self._standard():
            yield self._event(f"{item['type']}.searching", item_id=item["id"], output_index=at)

    def found(self, searched: Searched) -> None:
        """What came of it, for those who want it listed."""
        self._found = searched

    def end(self) -> Iterator[Data]:
        """The search is over once words come: they are what it found."""
        if self._over:
            return
        self._over = True
        for at, item in enumerate(self.items):
            item["status"] = "completed"
            if item["type"] == "custom_tool_call":
                continue
            yield self._event(f"{item['type']}.completed", item_id=item["id"], output_index=at)
            self._list(item, [])
            yield self._event("output_item.done", output_index=at, item=self._shown(item))

    def stop(self) -> None:
        """The response failed in the middle."""
        if not self._over:
            for item in self.items:
                item["status"] = "incomplete"

    def whole(self, cited: Sequence[Citation]) -> list[Data]:
        """The finished items: what the answer cites is among their sources."""
        for item in self.items:
            self._list(item, [self._link(citation) for citation in cited])
        return [self._bare(item) for item in self.items]

    def file_citation(self, annotation: Annotation) -> Data | None:
        """A citation of an upload, as ``file_search`` has them; None for any other."""
        source = annotation.source
        if not source.startswith(UPLOAD):
            return None
        file = source.removeprefix(UPLOAD)
        name = self._found.names.get(file, annotation.title)
        return {
            "type": "file_citation",
            "index": annotation.start,
            "file_id": file,
            "filename": name,
        }

    # -- the items ------------------------------------------------------------------------------
    def _named(self) -> list[Callable[[], Data]]:
        tools = self._wanted.tools
        if not self._wanted.choice.search:
            return []
        return [
            make
            for named, make in (
                (tools.web, self._web),
                (tools.x, self._x),
                (bool(self._wanted.shelves), self._files),
            )
            if named
        ]

    def _web(self) -> Data:
        question = self._wanted.question
        return {
            "id": new_id("ws"),
            "type": "web_search_call",
            "status": "in_progress",
            "action": {"type": "search", "query": question, "queries": [question]},
        }

    def _files(self) -> Data:
        return {
            "id": new_id("fs"),
            "type": "file_search_call",
            "status": "in_progress",
            "queries": [self._wanted.question],
            "results": None,
        }

    def _x(self) -> Data:
        # As captured from xAI: an item of the kind that OpenAI has for tools with free input.
        query = {"query": self._wanted.question, "limit": self._wanted.tools.results}
        return {
            "id": new_id("ctc"),
            "type": "custom_tool_call",
            "status": "in_progress",
            "call_id": new_id("xs"),
            "name": "x_keyword_search",
            "input": json.dumps(query | {"mode": "Latest"}, ensure_ascii=False),
        }

    def _input(self, at: int, item: Data) -> Iterator[Data]:
        place = {"item_id": item["id"], "output_index": at}
        yield self._event("custom_tool_call_input.delta", **place, delta=item["input"])
        yield self._event("custom_tool_call_input.done", **place, input=item["input"])
        yield self._event("output_item.done", output_index=at, item=self._bare(item))

    def _standard(self) -> Iterator[tuple[int, Data]]:
        return (
            (at, item) for at, item in enumerate(self.items) if item["type"] != "custom_tool_call"
        )

    def _list(self, item: Data, cited: list[str]) -> None:
        """Sources and results of a search that is over."""
        if item["type"] == "web_search_call":
            results = [self._result(found) for found in self._found.found]
            listed = dict.fromkeys([*cited, *(result["url"] for result in results)])
            sources = [{"type": "url", "url": url} for url in listed]
            item["action"] = item["action"] | {"sources": sources}
            item["results"] = results
        elif item["type"] == "file_search_call":
            item["results"] = [
                {
                    "file_id": chunk.file,
                    "filename": self._found.names.get(chunk.file, ""),
                    "score": chunk.score,
                    "text": chunk.text,
                    "attributes": {},
                }
                for chunk in self._found.chunks
            ]

    def _result(self, found: Found) -> Data:
        post = found.post
        return {
            "url": self._link.to(post.url, post.id),
            "title": post.title or post.author or post.source,
            "text": post.text[found.start : found.end],
            "post": post.id,
            "posts": found.origin.posts,
        }

    def _shown(self, item: Data) -> Data:
        return shaped_item(self._bare(item), self._wanted.include)

    @staticmethod
    def _bare(item: Data) -> Data:
        """As it goes out: a ``custom_tool_call`` has no status."""
        return {
            k: v for k, v in item.items() if (item["type"], k) != ("custom_tool_call", "status")
        }
