"""Plain generation: what a model on this machine is asked for, and the pieces that come back.

Nothing in here is checked against anything: checked answers are ``said.Answer``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class Call:
    """A function that the model wants called. ``arguments`` is JSON text, as it was written."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Said:
    """One message of a conversation. ``calls`` are an assistant's; ``call_id`` is the call whose
    result a "tool" message holds."""

    role: Literal["system", "user", "assistant", "tool"]
    text: str
    calls: tuple[Call, ...] = ()
    call_id: str = ""


@dataclass(frozen=True, slots=True)
class Function:
    """A function of the client. ``parameters`` is JSON Schema for an object; where ``strict``,
    all of it is held, and a keyword that cannot be is refused."""

    name: str
    description: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    strict: bool = False


@dataclass(frozen=True, slots=True)
class Generation:
    """What to generate: the next message of ``messages``, or, where ``prompt`` is not None, the
    bare continuation of that text.

    Unset (None) leaves a choice to the runtime. ``seed`` of the choice ``i`` is ``seed + i``.
    ``top_logprobs`` None wants no log probabilities, 0 only those of the tokens chosen.
    ``choice`` is which function to call: "auto", "none", "required", or "function" with
    ``named``; ``parallel`` allows several calls at once (unset: of a strong model only).
    ``schema`` (JSON Schema) or ``json`` hold the words to JSON.
    """

    messages: tuple[Said, ...] = ()
    prompt: str | None = None
    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    seed: int | None = None
    stop: tuple[str, ...] = ()
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    logit_bias: Mapping[str, float] = field(default_factory=dict)
    top_logprobs: int | None = None
    functions: tuple[Function, ...] = ()
    choice: Literal["auto", "none", "required", "function"] = "auto"
    named: str = ""
    parallel: bool | None = None
    schema: Mapping[str, Any] | None = None
    json: bool = False
    n: int = 1


@dataclass(frozen=True, slots=True)
class Token:
    """A token and its natural log probability; ``top`` are the likeliest at that place.

    ``raw`` are its bytes: a token may hold part of a character."""

    text: str
    logprob: float
    raw: bytes = b""
    top: tuple[Token, ...] = ()


@dataclass(frozen=True, slots=True)
class CallDelta:
    """More of the call number ``at``: its ``id`` and ``name`` come first, then its arguments."""

    at: int
    id: str = ""
    name: str = ""
    arguments: str = ""


@dataclass(frozen=True, slots=True)
class Delta:
    """More of the choice number ``index``. ``finish`` is set on its last: "stop", "length" or
    "tool_calls"."""

    index: int = 0
    text: str = ""
    tokens: tuple[Token, ...] = ()
    call: CallDelta | None = None
    finish: str = ""


@dataclass(frozen=True, slots=True)
class Spent:
    """The end of a generation: tokens as the runtime counted them. ``cached`` prompt tokens were
    still in its memory."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Vectors:
    """Unit vectors of ``dim`` little-endian float32 each, one after another in ``data``.
    ``averaged`` are the numbers of the texts that were longer than the encoder reads at once, so
    that their vector is the mean over windows."""

    data: bytes
    dim: int
    tokens: int
    averaged: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Fired:
    """A rule that found something at ``text[start:end]``. ``score`` is how sure the rule is:
    1 where a check digit or the form itself decides."""

    category: str
    rule: str
    start: int
    end: int
    score: float = 1.0
