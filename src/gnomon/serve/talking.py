"""A chat model at work on a response: deciding on the client's functions, and answering plainly.

With the model ``gnomon`` a chat model only decides whether one of the client's functions is to be
called; words that it writes instead are dropped, for the checked road answers. Any other model
answers itself, unchecked. What a function returned is the caller's own data and never evidence.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from gnomon.serve.contract import Engine
from gnomon.serve.http import ApiError, unsupported
from gnomon.serve.request import MODEL, Conversation
from gnomon.serve.sampling import number
from gnomon.serve.tools import Choice
from gnomon.types.generation import Call, Delta, Function, Generation, Said, Spent

CALL_TOKENS = 512
_TASK = (
    "You decide whether one of the functions must be called before a question can be answered, "
    "and with which arguments. Questions about news, posts and public facts need no call: reply "
    "with the one word ANSWER."
)


@dataclass(frozen=True, slots=True)
class Decided:
    """The last event of a response that is nothing but calls; ``model`` is who decided."""

    model: str


def chat_model(engine: Engine) -> Mapping[str, Any] | None:
    """The chat model that would answer, None where there is none."""
    return next((one for one in engine.talk.models() if one.get("task") == "chat"), None)


def check_model(engine: Engine, name: str) -> None:
    """Raises 404 unless ``name`` is a chat model that is here."""
    here = [str(one["id"]) for one in engine.talk.models() if one.get("task") == "chat"]
    if name not in here:
        raise ApiError(
            404,
            f"The model {name[:60]!r} is not here; ask for {' or '.join([MODEL, *here])}.",
            type="not_found",
            param="model",
            code="model_not_found",
        )


def generate(engine: Engine, wish: Generation) -> tuple[str, str]:
    """What the default chat model writes, and its name. Raises ModelError, InputError, NotFound."""
    chat = chat_model(engine)
    with closing(engine.talk.generate(wish)) as pieces:
        text = "".join(piece.text for piece in pieces if isinstance(piece, Delta))
    return text, str((chat or {}).get("id", ""))


def when(engine: Engine, functions: Sequence[Function], choice: Choice) -> tuple[bool, bool]:
    """Whether to decide on calls before the question is answered, and whether only where it
    cannot be. A small model calls whatever it is shown, so that with "auto" it decides only where
    nothing that is held answers."""
    if not functions or choice.mode == "none":
        return False, False
    chat = chat_model(engine)
    if choice.mode == "required" or (chat is not None and chat.get("strong")):
        return True, False
    return False, chat is not None


def calls(
    engine: Engine,
    asked: Conversation,
    functions: Sequence[Function],
    choice: Choice,
    *,
    parallel: bool = True,
) -> Iterator[Delta | Decided]:
    """Calls as they are decided on, then ``Decided``; nothing where the question is to be
    answered. Raises ApiError where a call is demanded and there is no chat model to make it;
    ModelError."""
    known = tuple(f for f in functions if choice.names is None or f.name in choice.names)
    must = choice.mode == "required" and not asked.given
    chat = chat_model(engine)
    if chat is None:
        if must:
            raise unsupported(
                "tool_choice",
                "A function call is demanded, and there is no chat model here to fill its "
                "arguments; `gnomon models pull` fetches one, or use tool_choice 'auto'.",
            )
        return
    # A small model that has its result asks for it again and again.
    if not known or (asked.given and not chat.get("strong")):
        return
    one = must and len(known) == 1
    wish = Generation(
        _messages(asked),
        max_tokens=CALL_TOKENS,
        temperature=0.0,
        functions=known,
        choice="function" if one else "required" if must else "auto",
        named=known[0].name if one else "",
        parallel=parallel,
    )
    called = False
    with closing(engine.talk.generate(wish)) as pieces:
        for piece in pieces:
            if not isinstance(piece, Delta):
                continue
            if piece.call is not None:
                called = True
                yield piece
            elif piece.text.strip() and not called:
                return
    if called:
        yield Decided(str(chat.get("id", "")))
    elif must:
        raise ApiError(
            500,
            f"{chat.get('id')} made no call; use a larger model, or tool_choice 'auto'.",
            type="model_error",
            code="no_call",
        )


def _messages(asked: Conversation) -> tuple[Said, ...]:
    said = [Said("system", _TASK)]
    for turn in asked.turns[-4:]:
        said += [Said("user", turn.question), Said("assistant", turn.answer)]
    said.append(Said("user", asked.question))
    for given in asked.given:
        made = Call(given.call_id, given.name or "function", "{}")
        said.append(Said("assistant", "", calls=(made,)))
        said.append(Said("tool", given.output, call_id=given.call_id))
    return tuple(said)


def plainly(
    engine: Engine,
    body: Mapping[str, Any],
    said: tuple[Said, ...],
    functions: Sequence[Function],
    choice: Choice,
    *,
    parallel: bool,
    schema: Mapping[str, Any] | None,
    any_json: bool,
    max_tokens: int | None,
) -> Iterator[Delta | Spent]:
    """The answer of the model that ``body`` names, unchecked. Raises NotFound, InputError,
    ModelError."""
    known = tuple(f for f in functions if choice.names is None or f.name in choice.names)
    named = known[0].name if choice.mode == "required" and len(known) == 1 else ""
    mode: Any = "function" if named else choice.mode
    wish = Generation(
        said,
        max_tokens=max_tokens,
        temperature=_number(body, "temperature"),
        top_p=_number(body, "top_p"),
        frequency_penalty=_number(body, "frequency_penalty"),
        presence_penalty=_number(body, "presence_penalty"),
        top_logprobs=_logprobs(body),
        functions=known,
        choice=mode,
        named=named,
        parallel=parallel,
        schema=schema,
        json=any_json,
    )
    return engine.talk.generate(wish, model=str(body["model"]))


def _logprobs(body: Mapping[str, Any]) -> int | None:
    include = body.get("include") or ()
    return int(number(body, "top_logprobs", 0, 20) or 0) if LOGPROBS in include else None


LOGPROBS = "message.output_text.logprobs"


def _number(body: Mapping[str, Any], name: str) -> float | None:
    value = body.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ApiError(
            400, f"{name!r} is {str(value)[:40]!r}; give a number.", param=name, code="invalid_type"
        )
    return float(value)


def messages(items: Sequence[Mapping[str, Any]], instructions: Any) -> tuple[Said, ...]:
    """Input items as a conversation for a chat model: every role as it was sent."""
    said: list[Said] = []
    if isinstance(instructions, str) and instructions.strip():
        said.append(Said("system", instructions))
    for item in items:
        kind = item.get("type") or "message"
        if kind == "function_call":
            if not item.get("call_id") or not item.get("name"):
                raise ApiError(
                    400,
                    "A function_call among the items has no call_id or no name.",
                    param="input",
                    code="invalid_value",
                )
            call = Call(str(item["call_id"]), str(item["name"]), str(item.get("arguments") or ""))
            said.append(Said("assistant", "", calls=(call,)))
        elif kind == "function_call_output":
            said.append(Said("tool", _words(item.get("output")), call_id=str(item["call_id"])))
        elif kind == "message":
            role = item.get("role")
            spoken: Any = "system" if role == "developer" else role
            said.append(Said(spoken, _words(item.get("content"))))
    return tuple(said)


def _words(content: Any) -> str:
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        parts = (part.get("text") for part in content if isinstance(part, Mapping))
        return "\n".join(text for text in parts if isinstance(text, str))
    return json.dumps(content, ensure_ascii=False)


@contextmanager
def closing(events: Iterator[Any]) -> Iterator[Iterator[Any]]:
    """``events``, closed at the end where they can be."""
    try:
        yield events
    finally:
        if isinstance(events, Generator):
            events.close()
