"""The items of a realtime conversation: what was said by whom, in order."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gnomon.serve.http import ApiError, unsupported
from gnomon.types import Turn

MOST_ITEMS = 500
MOST_CHARS = 4000


def new_id(kind: str) -> str:
    return f"{kind}_{secrets.token_hex(12)}"


@dataclass
class Item:
    """One message. ``text`` of the user's sound is None until it was heard. ``spoken`` are the
    sentences of an answer with the milliseconds at which each has been said."""

    id: str
    role: str
    text: str | None
    sound: bool = False
    status: str = "completed"
    spoken: tuple[tuple[str, float], ...] = ()

    def shown(self) -> dict[str, Any]:
        part: dict[str, Any]
        if self.role == "assistant":
            part = (
                {"type": "output_audio", "transcript": self.text or ""}
                if self.sound
                else {"type": "output_text", "text": self.text or ""}
            )
        elif self.sound:
            part = {"type": "input_audio", "transcript": self.text}
        else:
            part = {"type": "input_text", "text": self.text or ""}
        return {
            "id": self.id,
            "object": "realtime.item",
            "type": "message",
            "status": self.status,
            "role": self.role,
            "content": [part] if self.status != "in_progress" or self.text else [],
        }


class Items:
    """In order; the oldest go when there are too many."""

    def __init__(self) -> None:
        self._held: list[Item] = []

    def add(self, item: Item, after: str | None = None) -> str | None:
        """Puts it last, or after the one that is named ("root": first); the id before it. Raises
        ApiError."""
        at = len(self._held)
        if after == "root":
            at = 0
        elif after:
            at = self._held.index(self.find(after)) + 1
        self._held.insert(at, item)
        if len(self._held) > MOST_ITEMS:
            del self._held[0]
            at -= 1
        return self._held[at - 1].id if at > 0 else None

    def find(self, name: str) -> Item:
        for item in self._held:
            if item.id == name:
                return item
        raise ApiError(
            404, f"There is no item {name[:60]!r}.", type="invalid_request_error",
            param="item_id", code="item_not_found",
        )  # fmt: skip

    def remove(self, name: str) -> None:
        self._held.remove(self.find(name))

    def asked(self) -> tuple[Item | None, tuple[Turn, ...]]:
        """The last message of the user, and the turns before it."""
        question: Item | None = None
        turns: list[Turn] = []
        open_question = ""
        for item in self._held:
            if item.role == "user":
                question = item
                open_question = item.text or ""
            elif item.role == "assistant" and open_question and item.text:
                turns.append(Turn(open_question, item.text))
                open_question = ""
        if question is not None and turns and turns[-1].question == question.text:
            # The last question was answered: it is asked again, and its answer is no turn before.
            turns.pop()
        return question, tuple(turns)


def item_of(given: Any) -> Item:
    """A message that a client adds. Raises ApiError."""
    if not isinstance(given, Mapping):
        raise _invalid("item", "'item' is no object; give a message.")
    if given.get("type", "message") != "message":
        raise unsupported("item.type", "Only messages can be added; functions are not called here.")
    role = given.get("role")
    if role not in ("user", "assistant", "system"):
        raise _invalid("item.role", f"{str(role)[:40]!r} is no role; user, assistant or system.")
    content = given.get("content")
    if not isinstance(content, list):
        raise _invalid("item.content", "'content' is no list of parts.")
    words: list[str] = []
    for at, part in enumerate(content):
        kind = part.get("type") if isinstance(part, Mapping) else None
        if kind == "input_audio":
            raise unsupported(
                f"item.content[{at}]", "Send sound with input_audio_buffer.append and commit."
            )
        text = part.get("text") if isinstance(part, Mapping) else None
        if kind == "output_audio":
            text = part.get("transcript")
        if kind not in ("input_text", "output_text", "text", "output_audio") or not isinstance(
            text, str
        ):
            raise unsupported(f"item.content[{at}]", f"{str(kind)[:40]!r} is not read here.")
        words.append(text)
    said = "\n".join(words).strip()
    if not said or len(said) > MOST_CHARS:
        raise _invalid("item.content", f"Give 1 to {MOST_CHARS} characters of text.")
    name = given.get("id")
    return Item(name if isinstance(name, str) and name else new_id("item"), str(role), said)


def _invalid(param: str, message: str) -> ApiError:
    return ApiError(400, message, param=param, code="invalid_value")
