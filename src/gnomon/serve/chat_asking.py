"""A request for a chat completion, read: a question for gnomon, or a wish for a chat model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gnomon.errors import InputError, NotFound
from gnomon.serve.contract import Engine
from gnomon.serve.http import ApiError, field, unsupported
from gnomon.serve.making import Made, Wanted, make
from gnomon.serve.models_list import listed, not_here
from gnomon.serve.request import conversation, max_tokens
from gnomon.serve.sampling import choices, sampling, top_logprobs
from gnomon.serve.structured import Form, form_of
from gnomon.serve.tools import Choice, Tools, choice_of, search_tools
from gnomon.types.generation import Call, Delta, Generation, Said, Spent

LIVE_SEARCH_GONE = (
    "Live search is deprecated. Please switch to the Agent Tools API: "
    "POST /v1/responses with the tool web_search."
)
_ROLES = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "assistant": "assistant",
    "tool": "tool",
}


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of gnomon."""

    wanted: Wanted
    counting: bool

    @property
    def stream(self) -> bool:
        return self.wanted.stream

    def begin(self, engine: Engine) -> Iterator[Made]:
        """See ``making.make``; a fault of the form has this API's name for it."""
        try:
            yield from make(engine, self.wanted)
        except ApiError as error:
            raise _renamed(error) from None


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked of a chat model, and whether the end is to count tokens."""

    model: str
    generation: Generation
    stream: bool
    counting: bool

    def begin(self, engine: Engine) -> Iterator[Delta | Spent]:
        """See ``contract.Talk.generate``; a fault of the wish names its field. Raises ApiError."""
        try:
            return engine.talk.generate(self.generation, model=self.model)
        except NotFound:
            raise not_here(self.model, listed(engine)) from None
        except InputError as error:
            of_a_function = "of the function" in str(error)
            param = "tools" if of_a_function else "response_format"
            raise ApiError(400, str(error), param=param, code="invalid_json_schema") from None


def question(body: Mapping[str, Any]) -> Question:
    """Raises ApiError naming the field that cannot be served."""
    _refused(body)
    if choices(body) != 1:
        raise unsupported("n", f"'n' is {body['n']}; gnomon gives one checked answer, so 1.")
    top_logprobs(body)  # accepted: checked text has none, and says null
    tools = _tools(body)
    if tools.shelves:
        raise unsupported(
            "tools", "file_search is served by POST /v1/responses, which can show what it found."
        )
    wanted = Wanted(
        asked=conversation(_messages(body), "messages"),
        tools=tools,
        choice=_choice(body, tools),
        parallel=field(body, "parallel_tool_calls", bool, False),
        form=_form(body),
        max_tokens=max_tokens(body, "max_completion_tokens", "max_tokens"),
        stream=field(body, "stream", bool, False),
        store=False,
        body=body,
    )
    return Question(wanted, _counting(body))


def wish(body: Mapping[str, Any]) -> Wish:
    """Raises ApiError naming the field that cannot be served."""
    _refused(body)
    tools = search_tools(field(body, "tools", list, []))
    if tools.web or tools.x or tools.shelves:
        raise unsupported(
            "tools", "Only the model 'gnomon' searches; give this model tools of type function."
        )
    if body.get("web_search_options"):
        raise unsupported("web_search_options", "Only the model 'gnomon' searches; ask for it.")
    choice = _choice(body, tools)
    known = tuple(f for f in tools.functions if choice.names is None or f.name in choice.names)
    named = known[0].name if choice.mode == "required" and len(known) == 1 else ""
    form = _form(body)
    mode: Any = "function" if named else choice.mode
    generation = Generation(
        spoken(_messages(body)),
        max_tokens=max_tokens(body, "max_completion_tokens", "max_tokens"),
        top_logprobs=top_logprobs(body),
        functions=known,
        choice=mode,
        named=named,
        parallel=field(body, "parallel_tool_calls", bool, False)
        if body.get("parallel_tool_calls") is not None
        else None,
        schema=form.schema if form else None,
        json=form is not None and form.schema is None,
        **sampling(body),
    )
    return Wish(str(body["model"]), generation, field(body, "stream", bool, False), _counting(body))


def _refused(body: Mapping[str, Any]) -> None:
    """What no model here has."""
    if body.get("search_parameters") is not None:
        raise ApiError(410, LIVE_SEARCH_GONE, param="search_parameters", code="gone")
    if "audio" in field(body, "modalities", list, []) or body.get("audio"):
        raise unsupported("modalities", "gnomon answers in text only so far.")
    if field(body, "store", bool, False):
        raise unsupported(
            "store", "Chat completions are not kept; POST /v1/responses keeps its responses."
        )
    for name in ("functions", "function_call"):
        if body.get(name):
            raise unsupported(name, f"{name!r} is the older form; use 'tools' and 'tool_choice'.")


def _tools(body: Mapping[str, Any]) -> Tools:
    """The tools, and what ``web_search_options`` says as one of them."""
    tools = list(field(body, "tools", list, []))
    if body.get("web_search_options") is not None:
        options = field(body, "web_search_options", dict, {})
        tools.append({**options, "type": "web_search"})
    return search_tools(tools)


def _choice(body: Mapping[str, Any], tools: Tools) -> Choice:
    choice = choice_of(body.get("tool_choice"), tools.functions)
    if choice.mode == "required" and not tools.functions:
        raise ApiError(
            400,
            "'tool_choice' demands a call and there is no function among the tools.",
            param="tool_choice",
            code="invalid_value",
        )
    return choice


def _form(body: Mapping[str, Any]) -> Form | None:
    try:
        return form_of({"format": field(body, "response_format", dict, {}) or None})
    except ApiError as error:
        raise _renamed(error) from None


def _renamed(error: ApiError) -> ApiError:
    """Structured output is ``text.format`` to Responses and ``response_format`` here."""
    param = error.param or ""
    if not param.startswith("text.format"):
        return error
    return ApiError(
        error.status,
        error.message.replace("text.format", "response_format"),
        type=error.type,
        param=param.replace("text.format", "response_format"),
        code=error.code,
        headers=error.headers,
    )


def _counting(body: Mapping[str, Any]) -> bool:
    return field(field(body, "stream_options", dict, {}), "include_usage", bool, False)


def _messages(body: Mapping[str, Any]) -> Sequence[Any]:
    messages: Sequence[Any] = field(body, "messages", list, [])
    if not messages:
        raise ApiError(
            400,
            "'messages' is empty; give at least a message of the user.",
            param="messages",
            code="missing_required_parameter",
        )
    return messages


def spoken(messages: Sequence[Any]) -> tuple[Said, ...]:
    """Messages of a request as a conversation for a chat model: every role as it was sent."""
    return tuple(_said(message, f"messages[{at}]") for at, message in enumerate(messages))


def _said(message: Any, where: str) -> Said:
    if not isinstance(message, Mapping):
        raise ApiError(400, f"{where} is no object.", param=where, code="invalid_type")
    role = _ROLES.get(str(message.get("role")))
    if role is None:
        raise ApiError(
            400,
            f"{where} has the role {str(message.get('role'))[:40]!r}; give system, developer, "
            "user, assistant or tool.",
            param=f"{where}.role",
            code="invalid_value",
        )
    calls = tuple(
        _call(call, f"{where}.tool_calls[{at}]")
        for at, call in enumerate(field(message, "tool_calls", list, []))
    )
    spoken: Any = role
    return Said(
        spoken,
        _words(message.get("content"), f"{where}.content", bool(calls)),
        calls,
        str(message.get("tool_call_id") or ""),
    )


def _call(call: Any, where: str) -> Call:
    function = call.get("function") if isinstance(call, Mapping) else None
    if not isinstance(function, Mapping) or not isinstance(function.get("name"), str):
        raise ApiError(400, f"{where} is no call of a function.", param=where, code="invalid_value")
    return Call(str(call.get("id") or ""), function["name"], str(function.get("arguments") or ""))


def _words(content: Any, where: str, may_lack: bool) -> str:
    if isinstance(content, str):
        return content
    if content is None and may_lack:
        return ""
    if not isinstance(content, list):
        raise ApiError(
            400, f"{where} is neither text nor a list of parts.", param=where, code="invalid_type"
        )
    words = []
    for at, part in enumerate(content):
        kind = part.get("type") if isinstance(part, Mapping) else None
        text = part.get("text") if isinstance(part, Mapping) else None
        if kind == "refusal":
            continue
        if kind not in ("text", "input_text", "output_text") or not isinstance(text, str):
            raise unsupported(
                f"{where}[{at}]",
                f"{where}[{at}] is {str(kind)[:40]!r}; this model reads only text.",
            )
        words.append(text)
    return "\n".join(words)
