"""A client's functions for a model under a grammar: the prompt, the grammar, the reading of calls.

llama.cpp's own tool parsing depends on the chat template and on habits that small models lack:
with several it neither calls nor obeys ``tool_choice``. So the model is shown the functions in the
form that Hermes and Qwen models were trained on
(https://github.com/NousResearch/Hermes-Function-Calling, https://qwen.readthedocs.io/en/latest/
framework/function_call.html), whatever its template, and its reply is held to that form. Where it
need not call ("auto"), it first chooses, under the same grammar, between the functions and one of
our own that stands for answering in words; the words are then generated without functions.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any
from uuid import uuid4

from gnomon.models import schema as json_schema
from gnomon.models.chatwire import disarm
from gnomon.models.generation import function_wire
from gnomon.types.generation import CallDelta, Function, Generation

MOST_CALLS = 8
"""Calls to one reply: a weak model that may go on never stops."""

_REPLY = "reply_in_words"
_ABOUT_REPLY = (
    "Answer the user in words: for greetings and thanks, for what is known already, and for "
    "whatever no other function is for"
)
_PROMPT = """# Tools

You may call one or more functions to assist with the user query.

You are provided with function signatures within <tools></tools> XML tags:
<tools>
{signatures}
</tools>

For each function call, return a json object with function name and arguments within \
<tool_call></tool_call> XML tags:
<tool_call>
{{"name": <function-name>, "arguments": <args-json-object>}}
</tool_call>"""
# One line with fixed separators, as in llamacpp.request_body.
FIXED = {"whitespace_flexible": False, "item_separator": ", ", "key_separator": ": "}


def reply_name(functions: Sequence[Function]) -> str:
    """The name of our own function, unlike any of the client's."""
    name = _REPLY
    while any(function.name == name for function in functions):
        name += "_"
    return name


def rendered(wish: Generation, *, offered: bool) -> list[dict[str, str]]:
    """The conversation as plain messages, calls and results in the form above; the functions are
    shown in the system message where they are ``offered``."""
    messages: list[dict[str, str]] = []
    for said in wish.messages:
        text = disarm(said.text)
        if said.role == "tool":
            text = f"<tool_response>\n{text}\n</tool_response>"
            # Templates that insist on user and assistant by turns want the results as one.
            if messages and messages[-1]["content"].endswith("</tool_response>"):
                messages[-1]["content"] += f"\n{text}"
                continue
        calls = [_call_text(call.name, call.arguments) for call in said.calls]
        content = "\n".join([text, *calls] if text or not calls else calls)
        messages.append({"role": "user" if said.role == "tool" else said.role, "content": content})
    if offered:
        tools = _prompt(wish)
        if messages and messages[0]["role"] == "system":
            messages[0]["content"] += f"\n\n{tools}"
        else:
            messages.insert(0, {"role": "system", "content": tools})
    return messages


def _prompt(wish: Generation) -> str:
    shown = list(wish.functions)
    if wish.choice == "auto":
        shown.append(Function(reply_name(shown), _ABOUT_REPLY))
    lines = [json.dumps(function_wire(function), ensure_ascii=False) for function in shown]
    return _PROMPT.format(signatures="\n".join(disarm(line) for line in lines))


def _call_text(name: str, arguments: str) -> str:
    inner = f'{{"name": {json.dumps(name)}, "arguments": {arguments.strip() or "{}"}}}'
    return f"<tool_call>\n{disarm(inner)}\n</tool_call>"


def grammar(wish: Generation, *, parallel: bool) -> str:
    """What a reply with functions may be, for llguidance
    (https://github.com/guidance-ai/llguidance/blob/main/docs/syntax.md).

    Raises InputError naming the function whose parameters cannot be held."""
    allowed = [f for f in wish.functions if wish.choice != "function" or f.name == wish.named]
    lines = ["%llguidance {}", "start: calls"]
    if wish.choice == "auto":
        lines = ["%llguidance {}", "start: reply | calls"]
        lines.append(_rule("reply", Function(reply_name(wish.functions))))
    more = f' ("\\n" call){{0,{MOST_CALLS - 1}}}' if parallel else ""
    # A rule for each: references within a schema begin at its own root.
    rules = [f"call{at}" for at in range(len(allowed))]
    lines += [f"calls: call{more}", f"call: {' | '.join(rules)}"]
    return "\n".join([*lines, *map(_rule, rules, allowed)])


def _rule(name: str, function: Function) -> str:
    schema = {"x-guidance": FIXED, **_call_schema(function)}
    return f'{name}: "<tool_call>\\n" %json {json.dumps(schema)} "\\n</tool_call>"'


def _call_schema(function: Function) -> dict[str, Any]:
    wanted = function.parameters or {"type": "object", "properties": {}}
    if "properties" not in wanted and "$ref" not in wanted:
        wanted = {**wanted, "properties": {}}
    held = json_schema.grammatical(
        {"additionalProperties": False, **wanted},
        strict=function.strict,
        what=f"the parameters of the function {function.name!r}",
    )
    # References begin at the root, which the parameters no longer are.
    lifted = {word: held.pop(word) for word in ("$defs", "definitions") if word in held}
    return lifted | {
        "type": "object",
        "properties": {"name": {"const": function.name}, "arguments": held},
        "required": ["name", "arguments"],
        "additionalProperties": False,
    }


_HEAD = re.compile(r'\s*<tool_call>\s*\{"name": ("(?:[^"\\]|\\.)*"), "arguments": ')


class CallReader:
    """Takes the reply's text as it comes and gives the calls in it, each once: the first as it is
    written, later ones whole, for a weak model repeats itself. ``words`` becomes True where the
    model chose to answer in words."""

    def __init__(self, reply: str = "") -> None:
        self._reply = reply
        self._rest = ""
        self._name = self._arguments = ""
        self._made: list[tuple[str, str]] = []
        self._depth = 0
        self._quoted = self._escaped = self._inside = False
        self.words = False

    @property
    def calls(self) -> int:
        """How many there are."""
        return len(self._made)

    def feed(self, text: str) -> Iterator[CallDelta]:
        self._rest += text
        while self._rest:
            if self._inside:
                cut = self._arguments_end()
                more, self._rest = self._rest[:cut], self._rest[cut:]
                self._arguments += more
                yield from self._more(more)
                continue
            if not (head := _HEAD.search(self._rest)):
                return
            self._rest = self._rest[head.end() :]
            self._inside, self._depth, self._arguments = True, 0, ""
            self._name = json.loads(head[1])
            self.words = self._name == self._reply
            if not self._made and not self.words:
                yield self._begun(0)

    def _more(self, arguments: str) -> Iterator[CallDelta]:
        if self.words:
            return
        if not self._made:
            yield CallDelta(0, arguments=arguments)
        if self._inside:
            return
        call = (self._name, self._arguments)
        if self._made and call not in self._made:
            yield self._begun(len(self._made))
            yield CallDelta(len(self._made), arguments=self._arguments)
        if call not in self._made:
            self._made.append(call)

    def _begun(self, at: int) -> CallDelta:
        return CallDelta(at, f"call_{uuid4().hex[:24]}", self._name)

    def _arguments_end(self) -> int:
        """How much of the rest is arguments: up to the brace that closes them."""
        for at, character in enumerate(self._rest):
            if self._escaped:
                self._escaped = False
            elif self._quoted:
                self._escaped = character == "\\"
                self._quoted = character != '"'
            elif character == '"':
                self._quoted = True
            elif character in "{[":
                self._depth += 1
            elif character in "}]":
                self._depth -= 1
                if self._depth == 0:
                    self._inside = False
                    return at + 1
        return len(self._rest)
