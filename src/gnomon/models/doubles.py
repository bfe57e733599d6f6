"""Models without weights: deterministic, instant, and held to the same tests as the real ones.

``HashEmbed`` is a real, if lexical, embedding. ``ScriptedChat`` says what a function tells it to:
it is for tests, and no substitute for a model.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from hashlib import blake2b
from typing import Any, Literal

import numpy as np

from gnomon.errors import ModelError
from gnomon.models import schema as json_schema
from gnomon.models.generation import TIMEOUT_S
from gnomon.models.protocols import Completion, Encoded, Message
from gnomon.text.tokens import tokens
from gnomon.types.generation import CallDelta, Delta, Function, Generation, Spent, Token

_ROLES: dict[str, Literal["system", "user", "assistant"]] = {
    "system": "system",
    "assistant": "assistant",
}

Script = Callable[[Sequence[Message], Mapping[str, Any] | None], str]


class ScriptedChat:
    """A Chat whose replies are ``replies(messages, schema)``. A token is a run of non-blanks
    with the blanks before it; ``requests`` keeps what it was asked."""

    def __init__(
        self,
        replies: Script,
        *,
        name: str = "scripted",
        strong: bool = False,
        context_tokens: int = 4096,
    ) -> None:
        self._replies = replies
        self._name = name
        self._strong = strong
        self._context_tokens = context_tokens
        self.requests: list[tuple[Message, ...]] = []

    @property
    def name(self) -> str:
        return self._name

    @property
    def strong(self) -> bool:
        return self._strong

    @property
    def context_tokens(self) -> int:
        return self._context_tokens

    def complete(
        self,
        messages: Sequence[Message],
        *,
        max_tokens: int = 512,
        temperature: float = 0.0,
        schema: Mapping[str, Any] | None = None,
        stop: Sequence[str] = (),
        timeout_s: float = 60.0,
    ) -> Completion:
        if schema is not None:
            json_schema.check(schema)
        pieces, finish = self._reply(messages, max_tokens, schema, stop)
        text = "".join(pieces)
        if schema is not None:
            json_schema.parse(text, schema)
        return Completion(text, finish, self._prompt_tokens(messages), len(pieces))

    def stream(
        self,
        messages: Sequence[Message],
        *,
        max_tokens: int = 512,
        temperature: float = 0.0,
        stop: Sequence[str] = (),
        timeout_s: float = 60.0,
    ) -> Iterator[str]:
        yield from self._reply(messages, max_tokens, None, stop)[0]

    def generate(
        self, wish: Generation, *, timeout_s: float = TIMEOUT_S
    ) -> Iterator[Delta | Spent]:
        """See ``generation.Generate``. A function is called where one must be, or where the
        script says its name: with the least arguments that fit."""
        written = 0
        for index in range(wish.n):
            asked = [Message(_ROLES.get(m.role, "user"), m.text) for m in wish.messages]
            asked = asked or [Message("user", wish.prompt or "")]
            schema = wish.schema if wish.schema is not None else {} if wish.json else None
            limit = self._context_tokens if wish.max_tokens is None else wish.max_tokens
            pieces, finish = self._reply(asked, limit, schema, wish.stop)
            function = self._called(wish, "".join(pieces))
            if function is not None:
                arguments = json.dumps(_least(function.parameters or {"type": "object"}))
                yield Delta(index, call=CallDelta(0, f"call_{index}", function.name))
                yield Delta(index, call=CallDelta(0, arguments=arguments))
                yield Delta(index, finish="tool_calls")
                continue
            for piece in pieces:
                top = (Token(piece, 0.0, piece.encode()),) * (wish.top_logprobs or 0)
                said = (
                    () if wish.top_logprobs is None else (Token(piece, 0.0, piece.encode(), top),)
                )
                yield Delta(index, piece, said[:1])
            yield Delta(index, finish=finish)
            written += len(pieces)
        yield Spent(self._prompt_tokens(asked), written)

    @staticmethod
    def _called(wish: Generation, said: str) -> Function | None:
        if wish.choice == "none" or not wish.functions:
            return None
        if wish.choice == "function":
            return next((f for f in wish.functions if f.name == wish.named), None)
        named = [f for f in wish.functions if f.name in said]
        return named[0] if named else wish.functions[0] if wish.choice == "required" else None

    def close(self) -> None:
        """Nothing is held."""

    def _reply(
        self,
        messages: Sequence[Message],
        max_tokens: int,
        schema: Mapping[str, Any] | None,
        stop: Sequence[str],
    ) -> tuple[list[str], str]:
        prompt = self._prompt_tokens(messages)
        if prompt > self._context_tokens:
            raise ModelError(
                f"The prompt has {prompt} tokens and {self._name} reads at most "
                f"{self._context_tokens}, its reply included."
            )
        self.requests.append(tuple(messages))
        text = self._replies(messages, schema)
        cuts = [text.index(word) for word in stop if word in text]
        pieces = _pieces(text[: min(cuts, default=len(text))])
        return pieces[:max_tokens], "length" if len(pieces) > max_tokens else "stop"

    def _prompt_tokens(self, messages: Sequence[Message]) -> int:
        return sum(len(_pieces(message.content)) for message in messages)


def least(messages: Sequence[Message], schema: Mapping[str, Any] | None) -> str:
    """A script: the least JSON that fits ``schema``, or the last message again."""
    return messages[-1].content if schema is None else json.dumps(_least(schema))


def _least(schema: Mapping[str, Any]) -> Any:
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return schema["enum"][0]
    if "anyOf" in schema:
        return _least(schema["anyOf"][0])
    match schema.get("type"):
        case "object":
            return {name: _least(schema["properties"][name]) for name in schema.get("required", ())}
        case "array":
            return [_least(schema["items"])] * schema.get("minItems", 0)
        case "string":
            return "x" * schema.get("minLength", 0)
        case "integer" | "number":
            return schema.get("minimum", 0)
        case "boolean":
            return False
    return None


def _pieces(text: str) -> list[str]:
    pieces: list[str] = []
    for word in text.split(" "):
        pieces.append(word if not pieces else f" {word}")
    return [piece for piece in pieces if piece]


class HashEmbed:
    """An Embed by feature hashing: each token adds or subtracts at one place of the vector.

    Weinberger et al. 2009, "Feature Hashing for Large Scale Multitask Learning"
    (https://arxiv.org/abs/0902.2206): the sign makes collisions cancel in expectation. Counts
    enter as 1 + ln(count). Texts are alike where they share words, in any script; meaning is
    beyond it. A text without tokens has a fixed vector of its own.
    """

    def __init__(self, dim: int = 384) -> None:
        if dim < 1:
            raise ModelError(f"dim is {dim}; give at least 1.")
        self._dim = dim

    @property
    def name(self) -> str:
        return f"hash-{self._dim}"

    @property
    def dim(self) -> int:
        return self._dim

    def passages(self, texts: Sequence[str], *, patient: bool = False) -> np.ndarray:
        rows = np.zeros((len(texts), self._dim), np.float32)
        for row, text in zip(rows, texts, strict=True):
            # The empty token stands for the text without any, and breaks the tie of one whose
            # tokens cancel out.
            counts = Counter(tokens(text)) or Counter([""])
            for token, count in counts.items():
                place, sign = self._place(token)
                row[place] += sign * (1.0 + math.log(count))
            if not row.any():
                row[self._place("")[0]] = 1.0
            row /= np.linalg.norm(row)
        return rows

    def query(self, text: str) -> np.ndarray:
        row: np.ndarray = self.passages([text])[0]
        return row

    def encode(self, texts: Sequence[str], *, query: bool = False) -> Encoded:
        """See ``protocols.Encode``. Any length is read at once."""
        return Encoded(self.passages(texts), sum(len(tokens(text)) for text in texts))

    def close(self) -> None:
        """Nothing is held."""

    def _place(self, token: str) -> tuple[int, float]:
        digest = blake2b(token.encode("utf-8", "surrogatepass"), digest_size=9).digest()
        return int.from_bytes(digest[:8], "big") % self._dim, 1.0 if digest[8] & 1 else -1.0
