"""What a client asks, taken out of the two request shapes: a question, what was said before it,
and a Filter.

Of a conversation **the last message of the user is asked**; the turns before it only help to
understand it. System messages and ``instructions`` are accepted and change nothing, so that no
prompt can talk the checking away.
"""

from __future__ import annotations

import base64
import json
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from gnomon.serve.attached import MOST_FILES, Attached, attached
from gnomon.serve.contract import Engine
from gnomon.serve.http import ApiError, field, unsupported
from gnomon.types import Event, Filter, Turn
from gnomon.types.said import MARKER

MODEL = "gnomon"
_TEXT_PARTS = ("input_text", "text", "output_text")
# Items of an earlier response that clients send back with the next question.
_EARLIER = (
    *("reasoning", "web_search_call", "file_search_call", "x_search_call", "custom_tool_call"),
    *("function_call", "image_generation_call", "compaction", "compaction_summary"),
)
MOST_UNPACKED = 4_000_000
"""Bytes that a compaction item may come to: a small one could be made to fill the memory."""
_MARKERS = re.compile(rf" ?(?:{MARKER.pattern})+")
_OUTPUTS = ("function_call_output", "custom_tool_call_output")


@dataclass(frozen=True, slots=True)
class Asking:
    """A request's question, where to look, and what the client wants to see of it. ``turns`` are
    those before it, oldest first; ``live`` allows the owner's search engine."""

    question: str
    where: Filter
    stream: bool
    max_tokens: int | None = None
    turns: tuple[Turn, ...] = ()
    live: bool = False

    def begin(self, engine: Engine) -> Iterator[Event]:
        """What this has the engine do."""
        return engine.ask(self.question, where=self.where, turns=self.turns, live=self.live)


def max_tokens(body: Mapping[str, Any], *names: str) -> int | None:
    for name in names:
        value = field(body, name, int, 0)
        if value < 0:
            raise ApiError(400, f"{name!r} is {value}; give 1 or more.", param=name)
        if value:
            return value
    return None


@dataclass(frozen=True, slots=True)
class Given:
    """What a function of the client's own returned: the caller's data, checked by nobody."""

    call_id: str
    name: str
    output: str


@dataclass(frozen=True, slots=True)
class Conversation:
    """``question`` is the last message of the user, ``turns`` those before it, oldest first.
    ``given`` are the functions' outputs since that message; ``unseen`` counts its pictures,
    ``files`` are those attached to it."""

    question: str
    turns: tuple[Turn, ...] = ()
    given: tuple[Given, ...] = ()
    unseen: int = 0
    files: tuple[Attached, ...] = ()


def conversation(messages: Iterable[Any], param: str, earlier: int = 0) -> Conversation:
    """What the messages or items of a request say, the first ``earlier`` of which come from
    before it. Raises 400 where the user asks nothing, or where something cannot be read."""
    said: list[list[str]] = []
    names: dict[str, str] = {}
    given: list[Given] = []
    unseen = 0
    files: list[Attached] = []
    for at, message in enumerate(messages):
        where = f"{param}[{at - earlier}]"
        if not isinstance(message, Mapping):
            raise ApiError(400, f"{where} is no object.", param=where, code="invalid_type")
        kind = message.get("type") or "message"
        if kind in ("function_call", "custom_tool_call"):
            names[str(message.get("call_id"))] = str(message.get("name"))
        if kind in _OUTPUTS or message.get("role") == "tool":
            given.append(_given(message, names, where))
        elif kind in ("compaction", "compaction_summary"):
            said += [[turn.question, turn.answer] for turn in compacted(message, where)]
        elif kind not in _EARLIER and not str(kind).startswith("gnomon:"):
            role = _role(message, kind, where)
            if role == "user":
                content = message.get("content")
                text, unseen, files = _seen(content, f"{where}.content")
                said.append([text, ""])
                given = []
            elif role == "assistant":
                names |= _called(message.get("tool_calls"))
                if said:
                    answer = _seen(message.get("content") or "", f"{where}.content")[0]
                    said[-1][1] = "\n".join(filter(None, (said[-1][1], answer)))
    if not said or not said[-1][0].strip():
        raise ApiError(
            400,
            "There is no question: give a message of the user with text in it.",
            param=param,
            code="no_question",
        )
    turns = tuple(Turn(question, unmarked(answer)) for question, answer in said[:-1])
    return Conversation(said[-1][0], turns, tuple(given), unseen, tuple(files))


def check_items(items: Iterable[Any], param: str) -> None:
    """Raises 400 where something among input items cannot be read."""
    try:
        conversation(items, param)
    except ApiError as error:
        if error.code != "no_question":
            raise


def unmarked(text: str) -> str:
    """An earlier answer without the markers of its citations."""
    return _MARKERS.sub("", text)


def _role(message: Mapping[str, Any], kind: Any, where: str) -> str:
    if kind != "message":
        raise unsupported(where, f"{where} has the type {kind!r}, which gnomon cannot read.")
    role = message.get("role")
    if role not in ("user", "assistant", "system", "developer", "function"):
        raise ApiError(
            400,
            f"{where} has the role {role!r}; give user, assistant, system or developer.",
            param=f"{where}.role",
            code="invalid_value",
        )
    return str(role)


def _given(message: Mapping[str, Any], names: Mapping[str, str], where: str) -> Given:
    """The output of a function: a ``function_call_output`` item, or a message of the tool."""
    call = str(message.get("call_id") or message.get("tool_call_id") or "")
    if not call:
        raise ApiError(
            400, f"{where} names no call_id.", param=f"{where}.call_id", code="invalid_value"
        )
    output = message.get("output", message.get("content"))
    return Given(call, names.get(call, ""), _text(output, f"{where}.output"))


def _called(calls: Any) -> dict[str, str]:
    """Names of functions by the id of their call, as Chat Completions lists them."""
    return {
        str(call.get("id")): str(call["function"].get("name", ""))
        for call in (calls if isinstance(calls, list) else ())
        if isinstance(call, Mapping) and isinstance(call.get("function"), Mapping)
    }


def _seen(content: Any, param: str) -> tuple[str, int, list[Attached]]:
    """The words of a message, how many pictures beside them nobody here can look at, and the files
    attached to it."""
    if not isinstance(content, list):
        return _text(content, param), 0, []
    pictures, files, kept = 0, [], []
    for at, part in enumerate(content):
        kind = part.get("type") if isinstance(part, Mapping) else None
        if kind in ("input_image", "image_url"):
            pictures += 1
        elif kind == "input_file":
            files.append(attached(part, f"{param}[{at}]"))
        elif kind != "refusal":
            kept.append((at, part))
    if len(files) > MOST_FILES:
        raise ApiError(400, f"{param} holds more than {MOST_FILES} files.", param=param)
    return "\n".join(_part(part, f"{param}[{at}]") for at, part in kept), pictures, files


def _part(part: Any, param: str) -> str:
    kind = part.get("type") if isinstance(part, Mapping) else None
    text = part.get("text") if isinstance(part, Mapping) else None
    if kind not in _TEXT_PARTS or not isinstance(text, str):
        raise unsupported(param, f"{param} is {kind!r}; gnomon reads only text so far.")
    return text


def compacted(item: Mapping[str, Any], where: str) -> list[Turn]:
    """The turns in a compaction item of ours; see ``compaction``."""
    try:
        packed = base64.b64decode(str(item.get("encrypted_content")), validate=True)
        raw = zlib.decompressobj().decompress(packed, MOST_UNPACKED)
        return [Turn(str(question), str(answer)) for question, answer in json.loads(raw)]
    except (ValueError, TypeError, RecursionError, zlib.error):
        raise ApiError(
            400,
            f"{where} is no compaction of this server; send what /v1/responses/compact returned.",
            param=f"{where}.encrypted_content",
            code="invalid_value",
        ) from None


def compaction(turns: Iterable[Turn]) -> str:
    """Turns in one string. It is packed, not encrypted: what is in it is the caller's own."""
    raw = json.dumps([[turn.question, turn.answer] for turn in turns]).encode("ascii")
    return base64.b64encode(zlib.compress(raw)).decode("ascii")


def _text(content: Any, param: str) -> str:
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        raise ApiError(
            400, f"{param} is neither text nor a list of parts.", param=param, code="invalid_type"
        )
    return "\n".join(_part(part, f"{param}[{at}]") for at, part in enumerate(content))
