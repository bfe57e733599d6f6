"""``/v1/realtime``: a spoken conversation over a WebSocket, as OpenAI's clients hold one.

https://platform.openai.com/docs/guides/realtime-websocket. Sound comes in, is listened to (Silero
says when somebody speaks, Whisper what), and the last thing the user said is answered on the
checked road: each sentence is captioned and spoken as it passes its check. Whoever begins to speak
interrupts the answer. The subset: session.update; input_audio_buffer.append, commit, clear;
conversation.item.create, retrieve, truncate, delete; response.create, cancel.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from secrets import token_hex
from typing import Any

import orjson
from starlette.routing import BaseRoute, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from gnomon.errors import GnomonError
from gnomon.serve.caller import OWNER
from gnomon.serve.context import Context
from gnomon.serve.contract import Engine
from gnomon.serve.http import ApiError, api_error, dumps, unsupported
from gnomon.serve.http import field as value_of
from gnomon.serve.realtime_ears import LEAST_MS, Buffer, Ear
from gnomon.serve.realtime_items import Item, Items, item_of, new_id
from gnomon.serve.realtime_reply import Reply, never
from gnomon.serve.realtime_session import LAWS, LONGEST_S, RATES, Settings, aloud, spoken, updated
from gnomon.serve.speech import Manifests
from gnomon.types.spoken import Heard, Recording, Segment, Turned

PROTOCOL = "realtime"
HEARING_RATE = 16_000
SEND_S = 30.0


def routes(context: Context, manifests: Manifests) -> Sequence[BaseRoute]:
    async def talk(socket: WebSocket) -> None:
        chosen = PROTOCOL if PROTOCOL in socket.scope.get("subprotocols", ()) else None
        await socket.accept(chosen)
        held = socket.scope.get("gnomon.caller", OWNER)
        await Conversation(context, socket, manifests, held.id).run()

    return [WebSocketRoute("/v1/realtime", talk)]


class Conversation:
    """One connection from its beginning to its end. Everything but the models' work runs in the
    event loop, one message after another."""

    def __init__(
        self, context: Context, socket: WebSocket, manifests: Manifests, owner: str
    ) -> None:
        self._desk = context.desk
        self._socket = socket
        self._manifests = manifests
        self._owner = owner
        self._settings = Settings(new_id("sess"))
        self._items = Items()
        self._buffer = Buffer(RATES[self._settings.heard_as])
        self._stream = token_hex(8)
        self._ear = Ear(self._settings.turns) if self._settings.turns else None
        self._spoken_id = new_id("item")
        self._spoken_from = 0.0
        self._reply: Reply | None = None
        self._running: asyncio.Task[None] | None = None
        self._hearing: asyncio.Task[None] | None = None
        self._sending = asyncio.Lock()

    async def run(self) -> None:
        """Until the client leaves, the hour is over or the server closes."""
        try:
            async with asyncio.timeout(LONGEST_S):
                if self._socket.query_params.get("intent") == "transcription":
                    self._settings = replace(self._settings, kind="transcription")
                await self._tell({"type": "session.created", "session": self._settings.shown()})
                while not self._desk.closing:
                    await self._take(await self._socket.receive_text())
        except WebSocketDisconnect:
            return
        except TimeoutError:
            with suppress(RuntimeError, WebSocketDisconnect):
                await self._socket.close(1000, "an hour is over; connect again")
        finally:
            for task in (self._running, self._hearing):
                if task is not None:
                    task.cancel()
                    with suppress(asyncio.CancelledError):
                        await task
            with suppress(GnomonError):
                await asyncio.to_thread(self._desk.engine.voice.hear, self._stream, b"", last=True)

    # -- messages -------------------------------------------------------------------------------
    async def _take(self, text: str) -> None:
        event_id = None
        try:
            event = _event(text)
            event_id = event.get("event_id")
            does = _CLIENT.get(str(event.get("type")))
            if does is None:
                raise ApiError(
                    400,
                    f"{str(event.get('type'))[:60]!r} is no event that is served here; there are "
                    f"{', '.join(_CLIENT)}.",
                    param="type",
                    code="unknown_event",
                )
            await does(self, event)
        except (ApiError, GnomonError) as error:
            await self._wrong(api_error(error), event_id)

    async def _wrong(self, error: ApiError, event_id: Any = None) -> None:
        told = {
            "type": error.type,
            "code": error.code,
            "message": error.message,
            "param": error.param,
            "event_id": event_id if isinstance(event_id, str) else None,
        }
        await self._tell({"type": "error", "error": told})

    async def _tell(self, event: Mapping[str, Any]) -> None:
        """Raises WebSocketDisconnect where nobody reads."""
        message = dumps({"event_id": new_id("event"), **event}).decode()
        try:
            async with self._sending, asyncio.timeout(SEND_S):
                await self._socket.send_text(message)
        except (TimeoutError, RuntimeError, OSError) as error:
            raise WebSocketDisconnect(1006) from error

    # -- settings -------------------------------------------------------------------------------
    async def _update(self, event: Mapping[str, Any]) -> None:
        before = self._settings
        self._settings = updated(before, value_of(event, "session", dict, {}))
        if self._settings.heard_as != before.heard_as:
            self._buffer = Buffer(RATES[self._settings.heard_as])
        if self._settings.turns != before.turns or self._settings.heard_as != before.heard_as:
            turns = self._settings.turns
            self._ear = Ear(turns, self._buffer.end_ms) if turns else None
            self._stream = token_hex(8)
        await self._tell({"type": "session.updated", "session": self._settings.shown()})

    # -- sound ----------------------------------------------------------------------------------
    async def _append(self, event: Mapping[str, Any]) -> None:
        try:
            data = base64.b64decode(value_of(event, "audio", str, ""), validate=True)
        except (binascii.Error, ValueError):
            raise _invalid(
                "audio", "'audio' is no base64; encode the bytes of the sound."
            ) from None
        voice = self._desk.engine.voice
        law = LAWS.get(self._settings.heard_as)
        pcm = voice.expanded(data, law) if law else data[: len(data) // 2 * 2]
        self._buffer.add(pcm)
        if self._buffer.full:
            self._buffer.forget()
            raise _invalid("audio", "More than five minutes came without a pause; begin again.")
        if self._ear is None:
            return
        rate = self._buffer.rate

        def hear() -> list[float]:
            return voice.hear(self._stream, voice.resampled(pcm, rate, HEARING_RATE))

        try:
            speech = await asyncio.to_thread(hear)
        except GnomonError:
            # Without what hears, the client must say itself when a turn is over.
            self._ear, self._settings = None, replace(self._settings, turns=None)
            raise
        for turned in self._ear.listen(speech):
            await (self._began(turned) if turned.began else self._ended(turned))
        if not self._ear.speaking:
            self._buffer.quiet()

    async def _began(self, turned: Turned) -> None:
        self._spoken_id, self._spoken_from = new_id("item"), turned.at
        await self._tell(
            {
                "type": "input_audio_buffer.speech_started",
                "audio_start_ms": turned.at,
                "item_id": self._spoken_id,
            }
        )
        if self._settings.turns and self._settings.turns.interrupt:
            await self._interrupt("turn_detected")

    async def _ended(self, turned: Turned) -> None:
        await self._tell(
            {
                "type": "input_audio_buffer.speech_stopped",
                "audio_end_ms": turned.at,
                "item_id": self._spoken_id,
            }
        )
        pcm = self._buffer.take(self._spoken_from, turned.at)
        respond = bool(self._settings.turns and self._settings.turns.respond)
        await self._committed(pcm, self._spoken_id, respond=respond)

    async def _commit(self, event: Mapping[str, Any]) -> None:
        if self._buffer.ms < LEAST_MS:
            raise ApiError(
                400,
                f"The buffer holds {self._buffer.ms:.0f} ms of sound; append at least {LEAST_MS} "
                "ms before it is committed.",
                code="input_audio_buffer_commit_empty",
            )
        await self._committed(self._buffer.take(), new_id("item"), respond=False)
        if self._ear is not None and self._settings.turns is not None:
            self._ear = Ear(self._settings.turns, self._buffer.end_ms)

    async def _clear(self, event: Mapping[str, Any]) -> None:
        self._buffer.forget()
        if self._settings.turns is not None:
            self._ear = Ear(self._settings.turns, self._buffer.end_ms)
        await self._tell({"type": "input_audio_buffer.cleared"})

    async def _committed(self, pcm: bytes, name: str, *, respond: bool) -> None:
        item = Item(name, "user", None, sound=True)
        before = self._items.add(item)
        await self._tell(
            {"type": "input_audio_buffer.committed", "item_id": name, "previous_item_id": before}
        )
        for kind in ("added", "done"):
            told = {"type": f"conversation.item.{kind}", "previous_item_id": before}
            await self._tell({**told, "item": item.shown()})
        if self._hearing is not None and not self._hearing.done():
            await self._hearing
        rate = self._buffer.rate
        answers = respond and self._settings.kind == "realtime"
        self._hearing = asyncio.create_task(self._heard(item, pcm, rate, respond=answers))

    async def _heard(self, item: Item, pcm: bytes, rate: int, *, respond: bool) -> None:
        """Find out what was said, tell it, and answer."""
        try:
            heard = await self._listened(pcm, rate)
        except (GnomonError, ApiError) as error:
            failed = api_error(error)
            item.text = ""
            wrong = {"type": failed.type, "code": failed.code, "message": failed.message,
                     "param": None}  # fmt: skip
            kind = "conversation.item.input_audio_transcription.failed"
            await self._tell({"type": kind, "item_id": item.id, "content_index": 0, "error": wrong})
            return
        item.text = heard.text
        if self._settings.caption:
            kind = "conversation.item.input_audio_transcription"
            about = {"item_id": item.id, "content_index": 0}
            if heard.text:
                await self._tell({"type": f"{kind}.delta", "delta": heard.text, **about})
            seconds = {"type": "duration", "seconds": round(heard.seconds, 2)}
            done = {"type": f"{kind}.completed", "transcript": heard.text, "usage": seconds}
            await self._tell({**done, **about})
        if respond and heard.text:
            await self._respond()

    async def _listened(self, pcm: bytes, rate: int) -> Heard:
        settings = self._settings

        def begin(engine: Engine) -> Iterator[Segment | Heard]:
            sound = engine.voice.resampled(pcm, rate, HEARING_RATE)
            recording = Recording(sound, settings.heard_as, rate, 1)
            return engine.voice.listen(
                recording, lang=settings.lang, prompt=settings.prompt, quick=True
            )

        async with self._desk.ask(begin, never, line="voice") as asked:
            while (event := await asked.next()) is not None:
                if isinstance(event, Heard):
                    return event
        raise ApiError(503, "The server is closing.", type="server_error", code="closing")

    # -- items ----------------------------------------------------------------------------------
    async def _create_item(self, event: Mapping[str, Any]) -> None:
        item = item_of(event.get("item"))
        before = self._items.add(item, value_of(event, "previous_item_id", str, "") or None)
        for kind in ("added", "done"):
            told = {"type": f"conversation.item.{kind}", "previous_item_id": before}
            await self._tell({**told, "item": item.shown()})

    async def _retrieve(self, event: Mapping[str, Any]) -> None:
        item = self._items.find(value_of(event, "item_id", str, ""))
        await self._tell({"type": "conversation.item.retrieved", "item": item.shown()})

    async def _delete(self, event: Mapping[str, Any]) -> None:
        name = value_of(event, "item_id", str, "")
        self._items.remove(name)
        await self._tell({"type": "conversation.item.deleted", "item_id": name})

    async def _truncate(self, event: Mapping[str, Any]) -> None:
        """The client stopped playing: what was not heard was not said."""
        item = self._items.find(value_of(event, "item_id", str, ""))
        until = value_of(event, "audio_end_ms", int, 0)
        if item.role != "assistant" or not item.sound:
            raise _invalid("item_id", "Only what was said aloud can be cut short.")
        if item.spoken and until > item.spoken[-1][1] + 1:
            raise _invalid("audio_end_ms", f"Only {item.spoken[-1][1]:.0f} ms were said.")
        item.spoken = tuple(one for one in item.spoken if one[1] <= until)
        item.text = "".join(words for words, _ in item.spoken)
        await self._tell(
            {
                "type": "conversation.item.truncated",
                "item_id": item.id,
                "content_index": 0,
                "audio_end_ms": until,
            }
        )

    # -- answers --------------------------------------------------------------------------------
    async def _create_response(self, event: Mapping[str, Any]) -> None:
        if self._settings.kind != "realtime":
            raise unsupported("type", "A transcription session is not answered.")
        if self._hearing is not None and not self._hearing.done():
            # What was committed a moment ago is what this is to answer.
            await asyncio.shield(self._hearing)
        await self._respond(value_of(event, "response", dict, {}))

    async def _respond(self, asked: Mapping[str, Any] | None = None) -> None:
        asked = asked or {}
        if self._running is not None and not self._running.done():
            raise ApiError(
                400,
                "An answer is under way; wait for response.done, or send response.cancel.",
                code="conversation_already_has_active_response",
            )
        if asked.get("tools"):
            raise unsupported("response.tools", "Spoken answers call no functions.")
        settings = self._settings
        if modalities := value_of(asked, "output_modalities", list, []):
            settings = replace(settings, aloud=aloud(modalities))
        output = value_of(value_of(asked, "audio", dict, {}), "output", dict, {})
        settings = spoken(settings, output)
        items = self._items
        if asked.get("input") is not None:
            items = Items()
            for given in value_of(asked, "input", list, []):
                items.add(item_of(given))
        question, turns = items.asked()
        if question is None or not question.text:
            raise ApiError(
                400,
                "There is nothing to answer yet; say something, or add a message of the user.",
                code="no_question",
            )
        apart = asked.get("conversation") == "none"
        reply = Reply(
            self._desk, settings, self._tell, question.text, turns, self._manifests, self._owner,
            previous=None if apart else question.id,
            metadata=value_of(asked, "metadata", dict, {}) or None,
        )  # fmt: skip
        if not apart:
            self._items.add(reply.item)
        self._reply = reply
        self._running = asyncio.create_task(self._run(reply))

    async def _run(self, reply: Reply) -> None:
        with suppress(WebSocketDisconnect):
            await reply.run()

    async def _cancel(self, event: Mapping[str, Any]) -> None:
        if self._running is None or self._running.done():
            raise ApiError(
                400, "No answer is under way, so there is none to cancel.",
                code="response_cancel_not_active",
            )  # fmt: skip
        await self._interrupt("client_cancelled")

    async def _interrupt(self, why: str) -> None:
        if self._reply is None or self._running is None or self._running.done():
            return
        self._reply.why = why
        self._running.cancel()
        with suppress(asyncio.CancelledError):
            await self._running


_CLIENT: dict[str, Callable[[Conversation, Mapping[str, Any]], Awaitable[None]]] = {
    "session.update": Conversation._update,
    "input_audio_buffer.append": Conversation._append,
    "input_audio_buffer.commit": Conversation._commit,
    "input_audio_buffer.clear": Conversation._clear,
    "conversation.item.create": Conversation._create_item,
    "conversation.item.retrieve": Conversation._retrieve,
    "conversation.item.truncate": Conversation._truncate,
    "conversation.item.delete": Conversation._delete,
    "response.create": Conversation._create_response,
    "response.cancel": Conversation._cancel,
}


def _event(text: str) -> Mapping[str, Any]:
    try:
        event = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise ApiError(400, f"That is no JSON ({error}).", code="invalid_json") from None
    if not isinstance(event, dict):
        raise ApiError(400, "An event is a JSON object with a type.", code="invalid_json")
    return event


def _invalid(param: str, message: str) -> ApiError:
    return ApiError(400, message, param=param, code="invalid_value")
