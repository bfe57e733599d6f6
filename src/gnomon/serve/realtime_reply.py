"""One answer of a realtime conversation: checked sentences, each spoken as it passes its check.

Two things go on at once: the question is answered, and the sentences that are through are spoken,
in their order. What is told is OpenAI's events of a response
(https://platform.openai.com/docs/api-reference/realtime-server-events/response).
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from starlette.types import Message

from gnomon.errors import GnomonError
from gnomon.serve import quota
from gnomon.serve.contract import Engine
from gnomon.serve.desk import Desk
from gnomon.serve.http import ApiError, api_error
from gnomon.serve.realtime_items import Item, new_id
from gnomon.serve.realtime_session import LAWS, RATES, Settings
from gnomon.serve.speech import Manifests
from gnomon.serve.transcript import Transcript, tokens
from gnomon.types import Checked, Event, Filter, Finished, Turn
from gnomon.types.spoken import Spoken

Tell = Callable[[Mapping[str, Any]], Awaitable[None]]


@dataclass
class Reply:
    """``run`` is done in a task, which is cancelled to interrupt; ``why`` then says by whom
    (client_cancelled, turn_detected)."""

    desk: Desk
    settings: Settings
    tell: Tell
    question: str
    turns: tuple[Turn, ...]
    manifests: Manifests
    owner: str
    previous: str | None
    metadata: Mapping[str, Any] | None = None
    id: str = field(default_factory=lambda: new_id("resp"))
    item: Item = field(default_factory=lambda: Item(new_id("item"), "assistant", ""))
    why: str = ""
    _pcm: bytearray = field(default_factory=bytearray)
    _model: str = ""
    _answer: str | None = None

    async def run(self) -> None:
        """Answer, to the end or until cancelled. Never raises, but for cancellation of the
        connection itself."""
        self.item.sound, self.item.status = self.settings.aloud, "in_progress"
        status = "completed"
        detail: Mapping[str, Any] | None = None
        try:
            await self._begin()
            await self._answered()
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if not self.why or task is None:
                raise
            task.uncancel()
            status, detail = "cancelled", {"type": "cancelled", "reason": self.why}
        except (GnomonError, ApiError) as error:
            failed = api_error(error)
            wrong = {"type": failed.type, "code": failed.code, "message": failed.message}
            status, detail = "failed", {"type": "failed", "error": wrong}
        await self._end(status, detail)

    # -- the words ------------------------------------------------------------------------------
    async def _answered(self) -> None:
        sentences: asyncio.Queue[str | None] = asyncio.Queue()
        speaking = asyncio.create_task(self._speak_all(sentences))
        try:
            async for words in self._sentences():
                await self._words(words)
                sentences.put_nowait(words)
            sentences.put_nowait(None)
            await speaking
        finally:
            speaking.cancel()
            with suppress(asyncio.CancelledError, GnomonError, ApiError):
                await speaking

    async def _sentences(self) -> AsyncIterator[str]:
        """The words of each sentence that has passed its check, as the text joins them."""
        transcript = Transcript(self.question, lambda citation: "", markers=False)
        begin = partial(_ask, self.question, self.turns)
        async with self.desk.ask(begin, never) as asked:
            while (event := await asked.next()) is not None:
                if isinstance(event, Checked):
                    yield transcript.checked(event).delta
                elif isinstance(event, Finished):
                    self._answer = event.answer.id
                    quota.spent(tokens(self.question), tokens(event.answer.text))
                    if rest := transcript.finished(event.answer).delta:
                        yield rest
                    return

    async def _words(self, words: str) -> None:
        self.item.text = (self.item.text or "") + words
        kind = "output_audio_transcript" if self.settings.aloud else "output_text"
        await self._of_part(f"response.{kind}.delta", delta=words)

    # -- the sound ------------------------------------------------------------------------------
    async def _speak_all(self, sentences: asyncio.Queue[str | None]) -> None:
        while (words := await sentences.get()) is not None:
            if not self.settings.aloud or not words.strip():
                continue
            begin = partial(_say, words.strip(), self.settings)
            async with self.desk.ask(begin, never, line="voice") as asked:
                while (piece := await asked.next()) is not None:
                    self._model = piece.model
                    self._pcm += piece.pcm
                    await self._sound(piece)
            said_ms = len(self._pcm) / 2 / 24
            self.item.spoken = (*self.item.spoken, (words, said_ms))

    async def _sound(self, piece: Spoken) -> None:
        voice, kind = self.desk.engine.voice, self.settings.spoken_as
        data = await asyncio.to_thread(voice.resampled, piece.pcm, piece.rate, RATES[kind])
        if kind in LAWS:
            data = b"".join(voice.encode([data], LAWS[kind], RATES[kind]))
        delta = base64.b64encode(data).decode("ascii")
        await self._of_part("response.output_audio.delta", delta=delta)

    # -- what is told ---------------------------------------------------------------------------
    async def _begin(self) -> None:
        await self.tell({"type": "response.created", "response": self._shown("in_progress")})
        item = self.item.shown()
        await self._of("response.output_item.added", item=item)
        await self.tell(
            {"type": "conversation.item.added", "previous_item_id": self.previous, "item": item}
        )
        await self._of_part("response.content_part.added", part=self._part(""))

    async def _end(self, status: str, detail: Mapping[str, Any] | None) -> None:
        self.item.status = "completed" if status == "completed" else "incomplete"
        text = self.item.text or ""
        if self.settings.aloud:
            await self._of_part("response.output_audio.done")
            await self._of_part("response.output_audio_transcript.done", transcript=text)
        else:
            await self._of_part("response.output_text.done", text=text)
        await self._of_part("response.content_part.done", part=self._part(text))
        item = self.item.shown()
        await self._of("response.output_item.done", item=item)
        await self.tell(
            {"type": "conversation.item.done", "previous_item_id": self.previous, "item": item}
        )
        whole = self._shown(status, detail)
        asked, said = tokens(self.question), tokens(text)
        whole["usage"] = {
            "input_tokens": asked,
            "output_tokens": said,
            "total_tokens": asked + said,
            "input_token_details": {"text_tokens": asked, "audio_tokens": 0, "cached_tokens": 0},
            "output_token_details": {"text_tokens": said, "audio_tokens": 0},
        }
        whole["output"] = [item]
        whole["gnomon"] = {"answer": self._answer, "provenance": await self._signed()}
        await self.tell({"type": "response.done", "response": whole})

    async def _signed(self) -> str | None:
        """Where the manifest of what was spoken lies: of it all, as 16-bit mono at 24 kHz."""
        if not self._pcm:
            return None
        sign = partial(
            self.desk.engine.voice.sidecar, bytes(self._pcm), "pcm", self.item.text or "",
            self._model,
        )  # fmt: skip
        try:
            manifest, _ = await asyncio.to_thread(sign)
        except GnomonError:
            return None
        self.manifests.keep(self.id, self.owner, manifest)
        return f"/v1/audio/provenance/{self.id}" if manifest else None

    def _part(self, text: str) -> dict[str, Any]:
        if self.settings.aloud:
            return {"type": "audio", "transcript": text}
        return {"type": "text", "text": text}

    def _shown(self, status: str, detail: Mapping[str, Any] | None = None) -> dict[str, Any]:
        settings = self.settings.shown()
        return {
            "id": self.id,
            "object": "realtime.response",
            "status": status,
            "status_details": detail,
            "output": [],
            "conversation_id": self.settings.id.replace("sess", "conv"),
            "output_modalities": ["audio" if self.settings.aloud else "text"],
            "max_output_tokens": "inf",
            "audio": {"output": settings["audio"]["output"]} if self.settings.aloud else None,
            "usage": None,
            "metadata": self.metadata,
        }

    async def _of(self, kind: str, **more: Any) -> None:
        await self.tell({"type": kind, "response_id": self.id, "output_index": 0, **more})

    async def _of_part(self, kind: str, **more: Any) -> None:
        await self._of(kind, item_id=self.item.id, content_index=0, **more)


def _ask(question: str, turns: tuple[Turn, ...], engine: Engine) -> Iterator[Event]:
    return engine.ask(question, where=Filter(), turns=turns)


def _say(words: str, settings: Settings, engine: Engine) -> Iterator[Spoken]:
    return engine.voice.say(words, voice=settings.voice, speed=settings.speed)


async def never() -> Message:
    """The connection itself tells when its other end has gone."""
    return await asyncio.Future()
