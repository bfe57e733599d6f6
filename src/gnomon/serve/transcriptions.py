"""``POST /v1/audio/transcriptions`` and ``/translations`` (OpenAI's), ``/v1/stt`` (xAI's).

https://platform.openai.com/docs/api-reference/audio/createTranscription. A file is decoded in a
confined process and listened to; where nobody speaks the text is empty and the field ``gnomon``
says so, for a model that is made to write would make something up.
"""

from __future__ import annotations

import math
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from gnomon.errors import GnomonError
from gnomon.serve import quota
from gnomon.serve.context import Context
from gnomon.serve.contract import Engine
from gnomon.serve.desk import Asked, Desk, HungUp
from gnomon.serve.http import ApiError, api_error, json_response, unsupported
from gnomon.serve.languages import code_of, name_of
from gnomon.serve.models_list import model_for_voice
from gnomon.serve.multipart import Form, read_form
from gnomon.serve.render import HEADERS, next_of
from gnomon.serve.speech import told_missing
from gnomon.serve.sse import BEAT, BEAT_S, DONE, frame
from gnomon.serve.transcript import tokens
from gnomon.types.spoken import Heard, Segment, Word

FORMATS = ("json", "text", "srt", "verbose_json", "vtt")
GRANULARITIES = ("segment", "word")
_FORGIVEN = ("logprobs",)


def routes(context: Context) -> Sequence[BaseRoute]:
    api = _Api(context)
    return [
        Route("/v1/audio/transcriptions", api.transcribe, methods=["POST"]),
        Route("/v1/audio/translations", api.translate, methods=["POST"]),
        Route("/v1/stt", api.stt, methods=["POST"]),
    ]


@dataclass(frozen=True, slots=True)
class Listening:
    """A file to listen to. It is removed when that is done."""

    path: Path
    name: str
    lang: str = ""
    translate: bool = False
    prompt: str = ""
    words: bool = False
    temperature: float | None = None

    def begin(self, engine: Engine) -> Iterator[Segment | Heard]:
        """What this has the engine do: phrases, then all that was heard."""
        with told_missing():
            recording = engine.voice.decode(self.path, self.name)
            yield from engine.voice.listen(
                recording,
                lang=self.lang,
                translate=self.translate,
                prompt=self.prompt,
                words=self.words,
                temperature=self.temperature,
            )


class _Api:
    def __init__(self, context: Context) -> None:
        self._context = context
        self._desk = context.desk

    async def transcribe(self, request: Request) -> Response | Hearing:
        """``file``, ``model``, ``language``, ``prompt``, ``response_format``, ``temperature``,
        ``timestamp_granularities[]``, ``stream``."""
        return await self._begin(request, translate=False)

    async def translate(self, request: Request) -> Response | Hearing:
        """The same into English."""
        return await self._begin(request, translate=True)

    async def stt(self, request: Request) -> Response | Hearing:
        """``file``, ``language``; words with their times are always told."""
        path, form = await self._upload(request)
        try:
            if form.fields.get("url"):
                raise unsupported("url", "Nothing is fetched for you here; send the sound itself.")
            if _flag(form.fields, "diarize") or _flag(form.fields, "multichannel"):
                raise unsupported("diarize", "Speakers are not told apart here; leave it out.")
            lang = code_of(form.fields.get("language", ""))
            listening = Listening(path, form.name, lang=lang, words=True)
        except ApiError:
            path.unlink(missing_ok=True)
            raise
        return Hearing(self._desk, listening, lambda heard: json_response(_as_stt(heard)))

    async def _begin(self, request: Request, *, translate: bool) -> Response | Hearing:
        path, form = await self._upload(request)
        try:
            wanted = form.fields.get("model", "")
            await self._desk.call(partial(model_for_voice, self._desk.engine, wanted, "listen"))
            kind, granularities = _format(form.fields), _granularities(form.fields)
            _refuse(form.fields)
            listening = Listening(
                path,
                form.name,
                lang="" if translate else code_of(form.fields.get("language", "")),
                translate=translate,
                prompt=form.fields.get("prompt", ""),
                words="word" in granularities,
                temperature=_temperature(form.fields),
            )
            stream = not translate and _flag(form.fields, "stream")
        except (ApiError, GnomonError):
            path.unlink(missing_ok=True)
            raise
        render = partial(_answer, kind, granularities, "translate" if translate else "transcribe")
        return Hearing(self._desk, listening, render, stream=stream)

    async def _upload(self, request: Request) -> tuple[Path, Form]:
        """The file of a form, on the disk. Raises ApiError."""
        engine = self._desk.engine
        most = engine.library.limits.file_bytes
        path = engine.library.files_dir / f".sound-{secrets.token_hex(16)}"
        form = await read_form(
            request, path, file="file", limit=most,
            too_large=lambda: ApiError(
                413,
                f"The file is larger than {most:,} bytes; send it as MP3 or Opus, split it, or "
                "raise the setting upload_mb.",
                param="file",
                code="file_too_large",
            ),
        )  # fmt: skip
        if not form.has_file:
            path.unlink(missing_ok=True)
            raise ApiError(400, "There is no 'file' in the form.", param="file",
                           code="missing_required_parameter")  # fmt: skip
        return path, form


class Hearing:
    """An ASGI response: what was heard, whole or phrase by phrase. The file goes when it ends."""

    def __init__(
        self,
        desk: Desk,
        listening: Listening,
        render: Callable[[Heard], Response],
        *,
        stream: bool = False,
    ) -> None:
        self._desk = desk
        self._listening = listening
        self._render = render
        self._stream = stream

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            # As long as the longest sound may take, at the pace at which it plays.
            deadline_s = self._desk.engine.voice.listen_s
            async with self._desk.ask(
                self._listening.begin, receive, line="voice", deadline_s=deadline_s
            ) as asked:
                try:
                    event = await next_of(asked)
                    if self._stream:
                        await self._frames(event, asked, send)
                        return
                    while not isinstance(event, Heard):
                        event = await next_of(asked)
                except HungUp:
                    return
            quota.spent(0, tokens(event.text))
            # Whoever has the words may count on the sound being gone.
            self._listening.path.unlink(missing_ok=True)
            await self._render(event)(scope, receive, send)
        finally:
            self._listening.path.unlink(missing_ok=True)

    async def _frames(
        self, event: Segment | Heard, asked: Asked[Segment | Heard], send: Send
    ) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": HEADERS})

        async def out(body: bytes) -> None:
            await send({"type": "http.response.body", "body": body, "more_body": True})

        first = True
        try:
            while not isinstance(event, Heard):
                delta = event.text.lstrip() if first else event.text
                first = False
                await out(frame({"type": "transcript.text.delta", "delta": delta}))
                while True:
                    try:
                        event = await next_of(asked, BEAT_S)
                        break
                    except TimeoutError:
                        await out(BEAT)
            quota.spent(0, tokens(event.text))
            done = {"type": "transcript.text.done", "text": event.text, **_told(event)}
            await out(frame(done) + DONE)
        except (GnomonError, ApiError) as error:
            await out(frame({"type": "error", **api_error(error).body()}) + DONE)
        await send({"type": "http.response.body", "body": b"", "more_body": False})


# ------------------------------------------------------------------------------ what is asked


def _format(fields: Mapping[str, str]) -> str:
    kind = fields.get("response_format", "") or "json"
    if kind == "diarized_json":
        raise unsupported("response_format", "Speakers are not told apart here; ask for json.")
    if kind not in FORMATS:
        raise _invalid(
            "response_format", f"{kind[:40]!r} is no format; give one of {', '.join(FORMATS)}."
        )
    return kind


def _granularities(fields: Mapping[str, str]) -> frozenset[str]:
    given = fields.get("timestamp_granularities[]", fields.get("timestamp_granularities", ""))
    wanted = frozenset(part.strip() for part in given.split(",") if part.strip())
    if unknown := sorted(wanted - set(GRANULARITIES)):
        raise _invalid(
            "timestamp_granularities", f"{unknown[0][:40]!r} is none; give segment or word."
        )
    return wanted or frozenset({"segment"})


def _refuse(fields: Mapping[str, str]) -> None:
    for name in ("known_speaker_names[]", "known_speaker_references[]"):
        if fields.get(name):
            raise unsupported(name, "Speakers are not told apart here; leave it out.")
    include = fields.get("include[]", "")
    if include and include not in _FORGIVEN:
        raise _invalid("include", f"{include[:40]!r} cannot be included.")


def _temperature(fields: Mapping[str, str]) -> float | None:
    given = fields.get("temperature", "")
    if not given:
        return None
    try:
        value = float(given)
    except ValueError:
        value = math.nan
    if not 0 <= value <= 1:
        raise _invalid("temperature", f"'temperature' is {given[:20]!r}; give 0 to 1.")
    return value


def _flag(fields: Mapping[str, str], name: str) -> bool:
    return fields.get(name, "").strip().lower() in ("true", "1", "yes")


def _invalid(param: str, message: str) -> ApiError:
    return ApiError(400, message, param=param, code="invalid_value")


# ---------------------------------------------------------------------------- what is answered


def _answer(kind: str, granularities: frozenset[str], task: str, heard: Heard) -> Response:
    note = {"x-gnomon-note": _latin(heard.note)} if heard.note else {}
    if kind == "text":
        return PlainTextResponse(f"{heard.text}\n", headers=note)
    if kind == "srt":
        return PlainTextResponse(srt(heard.segments), headers=note)
    if kind == "vtt":
        return Response(vtt(heard.segments), media_type="text/vtt; charset=utf-8", headers=note)
    usage = {"type": "duration", "seconds": math.ceil(heard.seconds)}
    if kind == "json":
        return json_response({"text": heard.text, "usage": usage, **_told(heard)}, headers=note)
    told: dict[str, Any] = {
        "task": task,
        "language": "english" if task == "translate" else name_of(heard.lang) or "none",
        "duration": round(heard.seconds, 3),
        "text": heard.text,
        "usage": usage,
        **_told(heard),
    }
    if "segment" in granularities:
        told["segments"] = [_segment(at, one) for at, one in enumerate(heard.segments)]
    if "word" in granularities:
        told["words"] = [_word(word, "word") for one in heard.segments for word in one.words]
    return json_response(told, headers=note)


def _told(heard: Heard) -> dict[str, Any]:
    return {
        "gnomon": {
            "language": heard.lang or None,
            "language_probability": round(heard.sure, 4),
            "speech_seconds": round(heard.speech_s, 3),
            "note": heard.note or None,
        }
    }


def _as_stt(heard: Heard) -> dict[str, Any]:
    words = [_word(word, "text") for one in heard.segments for word in one.words]
    return {
        "text": heard.text,
        "language": name_of(heard.lang).title(),
        "duration": round(heard.seconds, 3),
        "words": words,
        **_told(heard),
    }


def _word(word: Word, name: str) -> dict[str, Any]:
    return {name: word.text.strip(), "start": round(word.start, 3), "end": round(word.end, 3)}


def _segment(at: int, one: Segment) -> dict[str, Any]:
    return {
        "id": at,
        "seek": int(one.start * 100),
        "start": round(one.start, 3),
        "end": round(one.end, 3),
        "text": one.text,
        "tokens": list(one.ids),
        "temperature": one.temperature,
        "avg_logprob": round(one.logprob, 4),
        "compression_ratio": round(one.compression, 4),
        "no_speech_prob": round(one.silence, 6),
    }


def srt(segments: Sequence[Segment]) -> str:
    """SubRip: a number, times with a comma, the words."""
    rows = [
        f"{at}\n{_clock(one.start, ',')} --> {_clock(one.end, ',')}\n{one.text.strip()}\n"
        for at, one in enumerate(segments, 1)
    ]
    return "\n".join(rows) + ("\n" if rows else "")


def vtt(segments: Sequence[Segment]) -> str:
    """WebVTT (https://www.w3.org/TR/webvtt1/): words cannot be taken for markup or for a time."""
    rows = [
        f"{_clock(one.start, '.')} --> {_clock(one.end, '.')}\n{_cue(one.text)}\n"
        for one in segments
    ]
    return "WEBVTT\n\n" + "\n".join(rows) + ("\n" if rows else "")


def _cue(text: str) -> str:
    safe = text.strip().replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return " ".join(safe.split())


def _clock(seconds: float, mark: str) -> str:
    millis = round(seconds * 1000)
    hours, rest = divmod(millis, 3_600_000)
    minutes, rest = divmod(rest, 60_000)
    return f"{hours:02}:{minutes:02}:{rest // 1000:02}{mark}{rest % 1000:03}"


def _latin(text: str) -> str:
    return " ".join(text.encode("ascii", "replace").decode().split())[:300]
