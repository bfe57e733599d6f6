"""Pictures drawn within a response: ``image_generation_call`` items and their events, then a
message that says what was drawn and where it is kept.

https://platform.openai.com/docs/guides/tools-image-generation. Whether to draw is decided in
``picture_wishes``.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from typing import Any

from gnomon.serve.drawing import Drawn, Hung, Shown, told_of
from gnomon.serve.responses_object import new_id
from gnomon.types.pictures import Picture, Understood

Data = dict[str, Any]


class PictureCalls:
    """``event`` makes an event of the response, ``base`` begins the addresses of kept pictures.
    ``items`` are the calls so far, in the order of their coming."""

    def __init__(self, event: Callable[..., Data], base: str) -> None:
        self._event = event
        self._base = base
        self._partial = 0
        self.items: list[Data] = []
        self.told: list[Data] = []

    def event(self, event: Drawn) -> Iterator[Data]:
        """The events of the response that one event of drawing comes to."""
        if isinstance(event, Understood):
            yield from self._begin()
        elif isinstance(event, Shown) and event.picture.preview:
            picture = event.picture
            yield self._event(
                "image_generation_call.partial_image",
                **self._place,
                partial_image_b64=_packed(picture),
                partial_image_index=self._partial,
                output_format=picture.mime.removeprefix("image/"),
                size=f"{picture.width}x{picture.height}",
            )
            self._partial += 1
        elif isinstance(event, Shown):
            if self.items[-1]["status"] == "completed":
                yield from self._begin()
            yield from self._completed(event)

    def text(self, event: Hung) -> str:
        """What the message says."""
        return told_of(event, self._base)

    @property
    def _place(self) -> Data:
        return {"item_id": self.items[-1]["id"], "output_index": len(self.items) - 1}

    def _begin(self) -> Iterator[Data]:
        self._partial = 0
        item: Data = {
            "id": new_id("ig"),
            "type": "image_generation_call",
            "status": "in_progress",
            "result": None,
        }
        self.items.append(item)
        at = len(self.items) - 1
        yield self._event("output_item.added", output_index=at, item=dict(item))
        yield self._event("image_generation_call.in_progress", **self._place)
        item["status"] = "generating"
        yield self._event("image_generation_call.generating", **self._place)

    def _completed(self, shown: Shown) -> Iterator[Data]:
        picture, item = shown.picture, self.items[-1]
        yield self._event("image_generation_call.completed", **self._place)
        item |= {
            "status": "completed",
            "result": _packed(picture),
            "revised_prompt": picture.understood.prompt,
            "output_format": picture.mime.removeprefix("image/"),
            "size": f"{picture.width}x{picture.height}",
            "background": "opaque",
            "action": "generate",
        }
        self.told.append({"id": shown.kept.id if shown.kept else None, **picture.about()})
        yield self._event(
            "output_item.done", **{"output_index": len(self.items) - 1}, item=dict(item)
        )


def _packed(picture: Picture) -> str:
    return base64.b64encode(picture.data).decode("ascii")
