"""Chat through any OpenAI-compatible URL: vLLM, Ollama, llama.cpp's server, a cloud.

The wire is https://platform.openai.com/docs/api-reference/chat; of it we use messages,
max_tokens, temperature, stop, stream and response_format. A server that refuses
``response_format`` is asked in words, and its JSON is checked here either way.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import httpx

from gnomon.errors import ConfigError, ModelError, ModelTimeout
from gnomon.models import schema as json_schema
from gnomon.models.chatwire import as_dicts
from gnomon.models.generation import (
    TIMEOUT_S,
    as_wire,
    deltas_of,
    function_wire,
    sampling,
    spent_of,
)
from gnomon.models.protocols import Completion, Message
from gnomon.types.generation import Delta, Generation, Spent

_ATTEMPTS = 4
_CONNECT_S = 10.0
_MAX_REPLY_BYTES = 16 << 20


class UrlChat:
    """A Chat. ``base_url`` is the part before ``/chat/completions`` (often ends in ``/v1``).

    Without ``model`` the first one that the server lists is asked for. ``key`` is sent as a bearer
    token and never put into a message or log.
    """

    def __init__(
        self,
        base_url: str,
        *,
        model: str = "",
        key: str = "",
        strong: bool = True,
        context_tokens: int = 8192,
    ) -> None:
        try:
            url = httpx.URL(base_url.strip().rstrip("/"))
        except httpx.InvalidURL as error:
            raise ConfigError(f"chat_model is {base_url!r}, which is no URL: {error}.") from error
        if url.scheme not in ("http", "https") or not url.host:
            raise ConfigError(f"chat_model is {base_url!r}; give an http(s) URL.")
        self._url = str(url)
        self._shown = str(url.copy_with(userinfo=b"", query=None))
        self._model = model
        self._strong = strong
        self._context_tokens = context_tokens
        self._plain_json = False
        self._client = httpx.Client(
            headers={"Authorization": f"Bearer {key}"} if key else {},
            # A redirect could carry the key elsewhere.
            follow_redirects=False,
        )
        self._key = key

    @property
    def name(self) -> str:
        return f"{self._model or 'the model'} at {self._shown}"

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
        deadline = time.monotonic() + timeout_s
        if schema is None:
            return self._complete(self._body(messages, max_tokens, temperature, stop), deadline)
        json_schema.check(schema)
        if not self._plain_json:
            body = self._body(messages, max_tokens, temperature, stop)
            body["response_format"] = {
                "type": "json_schema",
                "json_schema": {"name": "reply", "schema": dict(schema), "strict": True},
            }
            try:
                return self._conforming(self._complete(body, deadline), schema)
            except _RefusedError:
                self._plain_json = True
            except _UnfitError:
                pass
        return self._ask_in_words(messages, schema, max_tokens, temperature, stop, deadline)

    def stream(
        self,
        messages: Sequence[Message],
        *,
        max_tokens: int = 512,
        temperature: float = 0.0,
        stop: Sequence[str] = (),
        timeout_s: float = 60.0,
    ) -> Iterator[str]:
        deadline = time.monotonic() + timeout_s
        body = {**self._body(messages, max_tokens, temperature, stop), "stream": True}
        with self._post(body, deadline) as response:
            for event in _events(self._lines(response, deadline)):
                if "error" in event:
                    raise ModelError(f"{self.name} broke off: {self._clean(event['error'])}.")
                for choice in event.get("choices") or ():
                    if text := (choice.get("delta") or {}).get("content"):
                        yield text

    def generate(
        self, wish: Generation, *, timeout_s: float = TIMEOUT_S
    ) -> Iterator[Delta | Spent]:
        """See ``generation.Generate``: the wish is passed on as it is, functions included."""
        return self._generate(self._wished(wish), wish, time.monotonic() + timeout_s)

    def _generate(
        self, body: dict[str, Any], wish: Generation, deadline: float
    ) -> Iterator[Delta | Spent]:
        chat = wish.prompt is None
        spent, written = Spent(), 0
        with self._post(body, deadline, "chat/completions" if chat else "completions") as response:
            for event in _events(self._lines(response, deadline)):
                if "error" in event:
                    raise ModelError(f"{self.name} broke off: {self._clean(event['error'])}.")
                for choice in event.get("choices") or ():
                    for delta in deltas_of(choice, chat=chat):
                        written += bool(delta.text or delta.call)
                        yield delta
                if usage := event.get("usage"):
                    spent = spent_of(usage)
        # A server that does not count: one piece is about one token.
        yield spent if spent.completion_tokens else Spent(0, written)

    def _wished(self, wish: Generation) -> dict[str, Any]:
        body = {"model": self._model, **sampling(wish)}
        if wish.n != 1:
            body["n"] = wish.n
        if wish.prompt is not None:
            return body | {"prompt": wish.prompt}
        body["messages"] = as_wire(wish.messages)
        if wish.functions:
            body["tools"] = [function_wire(function) for function in wish.functions]
            named = {"type": "function", "function": {"name": wish.named}}
            body["tool_choice"] = named if wish.choice == "function" else wish.choice
            if wish.parallel is not None:
                body["parallel_tool_calls"] = wish.parallel
        if wish.schema is not None:
            form = {"name": "reply", "schema": dict(wish.schema), "strict": True}
            body["response_format"] = {"type": "json_schema", "json_schema": form}
        elif wish.json:
            body["response_format"] = {"type": "json_object"}
        return body

    def close(self) -> None:
        self._client.close()

    # ------------------------------------------------------------------------------ one request

    def _body(
        self, messages: Sequence[Message], max_tokens: int, temperature: float, stop: Sequence[str]
    ) -> dict[str, Any]:
        body: dict[str, Any] = {
            "model": self._model,
            "messages": as_dicts(messages),
            "max_tokens": max_tokens,
            "temperature": temperature,
        }
        return {**body, "stop": list(stop)} if stop else body

    def _complete(self, body: dict[str, Any], deadline: float) -> Completion:
        with self._post(body, deadline) as response:
            raw = b"".join(self._bytes(response, deadline))
        try:
            reply = json.loads(raw)
            choice = reply["choices"][0]
            usage = reply.get("usage") or {}
            return Completion(
                text=choice["message"].get("content") or "",
                finish="length" if choice.get("finish_reason") == "length" else "stop",
                prompt_tokens=int(usage.get("prompt_tokens", 0)),
                completion_tokens=int(usage.get("completion_tokens", 0)),
            )
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            raise ModelError(
                f"{self._shown} answers with something that is no chat completion "
                f"({self._clean(raw[:120])}); is it an OpenAI-compatible base URL?"
            ) from error

    def _ask_in_words(
        self,
        messages: Sequence[Message],
        schema: Mapping[str, Any],
        max_tokens: int,
        temperature: float,
        stop: Sequence[str],
        deadline: float,
    ) -> Completion:
        """Without a grammar: the schema in the prompt, one more try with what was wrong."""
        wish = "Reply with one JSON value and nothing else. It must fit this JSON Schema:\n"
        asked = [*messages, Message("user", wish + json.dumps(schema, ensure_ascii=False))]
        body = self._body(asked, max_tokens, temperature, stop)
        done = self._complete(body, deadline)
        try:
            return self._conforming(done, schema)
        except _UnfitError as unfit:
            again = [Message("assistant", done.text), Message("user", f"{unfit} {wish.strip()}")]
            body = self._body([*asked, *again], max_tokens, temperature, stop)
            try:
                return self._conforming(self._complete(body, deadline), schema)
            except _UnfitError as error:
                raise ModelError(f"{self.name} does not keep to the schema. {error}") from error

    @staticmethod
    def _conforming(done: Completion, schema: Mapping[str, Any]) -> Completion:
        text = done.text.strip()
        if text.startswith("```"):
            text = text.strip("`").removeprefix("json").strip()
        try:
            json_schema.parse(text, schema)
        except ModelError as error:
            raise _UnfitError(str(error)) from error
        return Completion(text, done.finish, done.prompt_tokens, done.completion_tokens)

    # ----------------------------------------------------------------------------------- the wire

    @contextmanager
    def _post(
        self, body: dict[str, Any], deadline: float, road: str = "chat/completions"
    ) -> Iterator[httpx.Response]:
        """The response, once it is a success; 429 and 5xx are tried again until the deadline."""
        if not body["model"]:
            body["model"] = self._model = self._first_model(deadline)
        url = f"{self._url}/{road}"
        for attempt in range(1, _ATTEMPTS + 1):
            with self._translated(deadline):
                request = self._client.build_request(
                    "POST", url, json=body, timeout=self._timeout(deadline)
                )
                response = self._client.send(request, stream=True)
            try:
                if response.status_code == 200:
                    yield response
                    return
                with self._translated(deadline):
                    said = b"".join(self._bytes(response, deadline, limit=4000))
                self._refuse(response, said, body, last=attempt == _ATTEMPTS)
                self._pause(response, attempt, deadline)
            finally:
                response.close()

    def _refuse(
        self, response: httpx.Response, said: bytes, body: Mapping[str, Any], *, last: bool
    ) -> None:
        """Raise for a status that another try will not mend."""
        status, words = response.status_code, self._clean(said)
        if status in (400, 422) and "response_format" in body:
            raise _RefusedError(words)
        if status in (401, 403):
            raise ModelError(f"{self._shown} refuses the key (HTTP {status}); set chat_url_key.")
        if status == 404:
            raise ModelError(
                f"{self._shown} has no {body['model']!r} or no chat completions (HTTP 404): {words}"
            )
        if last or not (status in (408, 425, 429) or status >= 500):
            raise ModelError(f"{self.name} answers HTTP {status}: {words}")

    @staticmethod
    def _pause(response: httpx.Response, attempt: int, deadline: float) -> None:
        asked = response.headers.get("Retry-After", "")
        pause = float(asked) if asked.replace(".", "", 1).isdigit() else 2.0**attempt / 4
        if time.monotonic() + pause >= deadline:
            raise ModelTimeout(
                f"HTTP {response.status_code} from {response.url.host}, to be tried again in "
                f"{pause:g} s, which is past the deadline; ask again later."
            )
        time.sleep(pause)

    def _first_model(self, deadline: float) -> str:
        with self._translated(deadline):
            response = self._client.get(f"{self._url}/models", timeout=self._timeout(deadline))
        try:
            if response.status_code == 200:
                return str(response.json()["data"][0]["id"])
        except (ValueError, LookupError, TypeError):
            pass
        raise ModelError(
            f"{self._shown} does not list its models (HTTP {response.status_code}); "
            "set chat_url_model to the one to ask."
        )

    def _bytes(
        self, response: httpx.Response, deadline: float, limit: int = _MAX_REPLY_BYTES
    ) -> Iterator[bytes]:
        """The body, until the deadline: httpx's own timeout starts anew with every read."""
        size = 0
        with self._translated(deadline):
            for data in response.iter_bytes():
                size += len(data)
                if size > limit:
                    if limit == _MAX_REPLY_BYTES:
                        raise ModelError(f"{self.name} sends more than {limit} bytes; refused.")
                    return
                yield data
                if time.monotonic() > deadline:
                    raise ModelTimeout(self._late())

    def _lines(self, response: httpx.Response, deadline: float) -> Iterator[str]:
        rest = b""
        for data in self._bytes(response, deadline):
            *lines, rest = (rest + data).split(b"\n")
            yield from (line.decode("utf-8", "replace").rstrip("\r") for line in lines)
        if rest:
            yield rest.decode("utf-8", "replace")

    @contextmanager
    def _translated(self, deadline: float) -> Iterator[None]:
        try:
            yield
        except httpx.TimeoutException as error:
            if isinstance(error, httpx.ConnectTimeout) and time.monotonic() < deadline:
                raise ModelError(f"{self._shown} cannot be reached; is it running?") from error
            raise ModelTimeout(self._late()) from error
        except httpx.HTTPError as error:
            raise ModelError(
                f"{self._shown} cannot be used ({self._clean(str(error))}); is it running?"
            ) from error

    def _timeout(self, deadline: float) -> httpx.Timeout:
        left = deadline - time.monotonic()
        if left <= 0:
            raise ModelTimeout(self._late())
        return httpx.Timeout(left, connect=min(_CONNECT_S, left))

    def _late(self) -> str:
        return f"{self.name} did not finish in time; raise model_timeout_s or ask for less."

    def _clean(self, said: Any) -> str:
        """What a server says, short, on one line, and without our key if it repeats it."""
        text = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
        text = " ".join(text.split())
        if self._key:
            text = text.replace(self._key, "(key)")
        return text[:300]


class _RefusedError(ModelError):
    """The server does not take ``response_format``."""


class _UnfitError(ModelError):
    """The reply does not fit the schema."""


def _events(lines: Iterator[str]) -> Iterator[dict[str, Any]]:
    """Server-sent events with a JSON object each, until ``[DONE]``
    (https://html.spec.whatwg.org/multipage/server-sent-events.html)."""
    for line in lines:
        if not line.startswith("data:"):
            continue
        data = line[5:].strip()
        if data == "[DONE]":
            return
        try:
            event = json.loads(data)
        except ValueError as error:
            raise ModelError(f"The stream has {data[:80]!r}, which is no JSON.") from error
        if isinstance(event, dict):
            yield event
