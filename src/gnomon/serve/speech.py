"""``POST /v1/audio/speech`` (OpenAI's) and ``/v1/tts`` (xAI's): a text read aloud.

https://platform.openai.com/docs/api-reference/audio/createSpeech. Every sound is signed. One that
is sent whole has its manifest (C2PA) inside where the format can hold one; one that is sent as it
is made, and Opus, AAC and bare PCM, have theirs at the address in ``x-gnomon-provenance``.
"""

from __future__ import annotations

import base64
import re
import secrets
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from gnomon.errors import GnomonError, ModelMissing
from gnomon.serve import quota
from gnomon.serve.caller import caller_of
from gnomon.serve.context import Context
from gnomon.serve.contract import Engine
from gnomon.serve.desk import Desk, HungUp
from gnomon.serve.http import ApiError, api_error, json_response, read_json
from gnomon.serve.http import field as value_of
from gnomon.serve.languages import code_of
from gnomon.serve.models_list import model_for_voice
from gnomon.serve.render import HEADERS
from gnomon.serve.sse import BEAT, frame
from gnomon.serve.transcript import tokens
from gnomon.types.spoken import Spoken

MOST_CHARS = 15_000
"""Of one request: what xAI takes; OpenAI takes 4,096."""
MIME = {
    "mp3": "audio/mpeg",
    "opus": "audio/ogg; codecs=opus",
    "aac": "audio/aac",
    "flac": "audio/flac",
    "wav": "audio/wav",
    "pcm": "audio/pcm",
    "mulaw": "audio/basic",
    "alaw": "audio/x-alaw-basic",
}
FORMATS = ("mp3", "opus", "aac", "flac", "wav", "pcm")
CARRYING = ("mp3", "wav")
"""What holds its manifest. FLAC could only behind an ID3 tag, which many players refuse."""
CODECS = ("mp3", "wav", "pcm", "mulaw", "alaw")
RATES = (8000, 16_000, 22_050, 24_000, 44_100, 48_000)
SLOWEST, FASTEST = 0.25, 4.0
_KEPT = 256
"""Manifests that lie beside a sound are kept so long as no more than this many came after."""
_CUES = re.compile(r"\[[a-z][a-z -]{1,24}\]")
"""xAI's stage directions ("[pause]", "[laugh]"), which no voice here can follow."""


def routes(context: Context, manifests: Manifests) -> Sequence[BaseRoute]:
    api = _Api(context, manifests)
    return [
        Route("/v1/audio/speech", api.speech, methods=["POST"]),
        Route("/v1/audio/voices", api.voices, methods=["GET"]),
        Route("/v1/audio/provenance/{id}", api.provenance, methods=["GET"]),
        Route("/v1/tts", api.tts, methods=["POST"]),
        Route("/v1/tts/voices", api.tts_voices, methods=["GET"]),
    ]


@dataclass(frozen=True, slots=True)
class Wish:
    """A text to be read aloud. ``rate`` 0 is the voice's own; ``stream`` is "", audio or sse;
    ``id`` names the manifest that will lie beside it."""

    text: str
    voice: str = ""
    lang: str = ""
    speed: float = 1.0
    form: str = "mp3"
    rate: int = 0
    stream: str = ""
    id: str = field(default_factory=lambda: f"sound_{secrets.token_hex(12)}")

    def begin(self, engine: Engine) -> Iterator[Piece]:
        """What this has the engine do: pieces of the file, the last with its manifest."""
        with told_missing():
            yield from self._made(engine)

    def _made(self, engine: Engine) -> Iterator[Piece]:
        voice = engine.voice
        spoken = voice.say(self.text, voice=self.voice, lang=self.lang, speed=self.speed)
        first = next(iter(spoken), None)
        if first is None:
            raise ApiError(400, "Nothing can be said of this text.", param="input")
        rate, model = self.rate or first.rate, first.model

        def pcm() -> Iterator[bytes]:
            for piece in _all(first, spoken):
                yield voice.resampled(piece.pcm, piece.rate, rate)

        if not self.stream:
            whole = voice.file(b"".join(pcm()), self.form, rate)
            data, manifest = whole, b""
            if self.form in CARRYING:
                data, why = voice.signed(whole, self.form, self.text, model)
            else:
                manifest, why = voice.sidecar(whole, self.form, self.text, model)
            yield Piece(data, first.voice, model, why, manifest)
            return
        made = bytearray()
        for data in voice.encode(pcm(), self.form, rate):
            made += data
            yield Piece(data, first.voice, model)
        manifest, why = voice.sidecar(bytes(made), self.form, self.text, model)
        yield Piece(b"", first.voice, model, why, manifest)


@contextmanager
def told_missing() -> Iterator[None]:
    """A voice, an ear or a package that is not here is no fault of the request, and trying again is
    of no use. Raises ApiError 501."""
    try:
        yield
    except ModelMissing as error:
        headers = {"x-should-retry": "false"}
        raise ApiError(
            501, str(error), type="server_error", code="not_installed", headers=headers
        ) from error


@dataclass(frozen=True, slots=True)
class Piece:
    """``why`` says why there is no manifest."""

    data: bytes
    voice: str
    model: str
    why: str = ""
    manifest: bytes = b""


def _all(first: Spoken, rest: Iterator[Spoken]) -> Iterator[Spoken]:
    yield first
    yield from rest


class Manifests:
    """What lies beside sounds that were sent, for those who asked for them."""

    def __init__(self) -> None:
        self._held: OrderedDict[str, tuple[str, bytes]] = OrderedDict()

    def keep(self, id: str, owner: str, manifest: bytes) -> None:
        if manifest:
            self._held[id] = (owner, manifest)
            while len(self._held) > _KEPT:
                self._held.popitem(last=False)

    def find(self, id: str, owner: str) -> bytes:
        held = self._held.get(id)
        if held is None or held[0] != owner:
            raise ApiError(
                404,
                f"There is no manifest {id[:60]!r}; those of the last {_KEPT} sounds are kept.",
                type="not_found",
                code="not_found",
            )
        return held[1]


class _Api:
    def __init__(self, context: Context, manifests: Manifests) -> None:
        self._desk = context.desk
        self._manifests = manifests

    async def speech(self, request: Request) -> Response | Sounding:
        """``input``, ``voice``, ``model``, ``response_format``, ``speed``, ``stream_format``;
        ``instructions`` are accepted and not followed, and ``x-gnomon-ignored`` says so."""
        body = await read_json(request)
        text = _text(body, "input")
        voice = _voice(body.get("voice"), "voice")
        model = await self._desk.call(
            partial(model_for_voice, self._desk.engine, value_of(body, "model", str, ""), "speak")
        )
        stream = value_of(body, "stream_format", str, "")
        if stream not in ("", "audio", "sse"):
            raise _invalid("stream_format", f"{stream[:40]!r} is no way to stream; audio or sse.")
        # OpenAI's client for Python says so when its caller reads the sound as it comes.
        if not stream and request.headers.get("x-stainless-raw-response") == "stream":
            stream = "audio"
        wish = Wish(
            text,
            "espeak" if model == "espeak-ng" and not voice.startswith("espeak") else voice,
            speed=_speed(body),
            form=_one_of(body, "response_format", "mp3", FORMATS),
            stream=stream,
        )
        ignored = "instructions" if value_of(body, "instructions", str, "").strip() else ""
        return Sounding(self._desk, wish, self._manifests, caller_of(request).id, ignored)

    async def tts(self, request: Request) -> Response | Sounding:
        """``text``, ``voice_id``, ``language``, ``output_format`` (``codec``, ``sample_rate``)."""
        body = await read_json(request)
        text = _CUES.sub(" ", _text(body, "text"))
        form = body.get("output_format")
        asked: Any = {"codec": form} if isinstance(form, str) else {} if form is None else form
        if not isinstance(asked, Mapping):
            raise _invalid("output_format", "'output_format' is no object; give {'codec': 'mp3'}.")
        rate = value_of(asked, "sample_rate", int, 24_000)
        if rate not in RATES:
            rates = ", ".join(map(str, RATES))
            raise _invalid("output_format.sample_rate", f"{rate} is no rate; give one of {rates}.")
        wish = Wish(
            text,
            _voice(body.get("voice_id"), "voice_id"),
            lang=_short(code_of(value_of(body, "language", str, ""))),
            speed=_speed(body),
            form=_one_of(asked, "codec", "mp3", CODECS),
            rate=rate,
        )
        return Sounding(self._desk, wish, self._manifests, caller_of(request).id)

    async def voices(self, request: Request) -> Response:
        """The voices that are here."""
        found = await self._desk.call(lambda: self._desk.engine.voice.speakers())
        data = [
            {
                "id": one.id,
                "object": "audio.voice",
                "name": one.id,
                "language": one.lang or None,
                "gender": one.gender or None,
                "model": one.model,
                "also": list(one.also),
            }
            for one in found
        ]
        return json_response({"object": "list", "data": data, "has_more": False})

    async def tts_voices(self, request: Request) -> Response:
        """The same as xAI lists them; its own names stand for the nearest of ours."""
        found = await self._desk.call(lambda: self._desk.engine.voice.speakers())
        rows = [
            {"voice_id": name, "name": name, "language": one.lang or None,
             "gender": one.gender or None}
            for one in found
            for name in (one.id, *one.also)
        ]  # fmt: skip
        return json_response({"voices": rows})

    async def provenance(self, request: Request) -> Response:
        """The C2PA manifest that belongs to a sound which could not hold it."""
        name = request.path_params["id"]
        manifest = self._manifests.find(name, caller_of(request).id)
        said = f'attachment; filename="{name}.c2pa"'
        return Response(manifest, media_type="application/c2pa",
                        headers={"content-disposition": said})  # fmt: skip


class Sounding:
    """An ASGI response: a text aloud, whole or as it is made. The first piece is awaited before
    anything is sent, so that what cannot be said gets a proper status."""

    def __init__(
        self, desk: Desk, wish: Wish, manifests: Manifests, owner: str, ignored: str = ""
    ) -> None:
        self._desk = desk
        self._wish = wish
        self._manifests = manifests
        self._owner = owner
        self._ignored = ignored

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with self._desk.ask(self._wish.begin, receive, line="voice") as asked:
            try:
                first = await asked.next()
                assert first is not None
                quota.spent(tokens(self._wish.text), 0)
                if not self._wish.stream:
                    self._manifests.keep(self._wish.id, self._owner, first.manifest)
                    headers = {**self._headers(first), "content-type": MIME[self._wish.form]}
                    await Response(first.data, headers=headers)(scope, receive, send)
                    return
                await self._stream(first, asked, send)
            except HungUp:
                return

    async def _stream(self, first: Piece, asked: Any, send: Send) -> None:
        sse = self._wish.stream == "sse"
        told = [(k.encode(), v.encode("latin-1")) for k, v in self._headers(first).items()]
        kind = HEADERS if sse else [(b"content-type", MIME[self._wish.form].encode())]
        await send({"type": "http.response.start", "status": 200, "headers": [*kind, *told]})

        async def out(body: bytes) -> None:
            if body:
                await send({"type": "http.response.body", "body": body, "more_body": True})

        piece: Piece | None = first
        try:
            while piece is not None:
                self._manifests.keep(self._wish.id, self._owner, piece.manifest)
                if sse and piece.data:
                    sound = base64.b64encode(piece.data).decode("ascii")
                    await out(frame({"type": "speech.audio.delta", "audio": sound}))
                elif not sse:
                    await out(piece.data)
                piece = await asked.next()
            if sse:
                await out(frame(self._done()))
        except (GnomonError, ApiError) as error:
            if not sse:
                # The status is gone; only a broken connection still says that this is not all.
                raise
            await out(BEAT + frame({"type": "error", **api_error(error).body()}))
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    def _done(self) -> dict[str, Any]:
        asked = tokens(self._wish.text)
        return {
            "type": "speech.audio.done",
            "usage": {"input_tokens": asked, "output_tokens": 0, "total_tokens": asked},
            "gnomon": {"provenance": f"/v1/audio/provenance/{self._wish.id}"},
        }

    def _headers(self, piece: Piece) -> dict[str, str]:
        told = {"x-gnomon-voice": piece.voice, "x-gnomon-model": piece.model}
        beside = bool(self._wish.stream) or self._wish.form not in CARRYING
        if piece.why:
            told["x-gnomon-provenance"] = f"none: {_latin(piece.why)}"
        else:
            told["x-gnomon-provenance"] = (
                f"/v1/audio/provenance/{self._wish.id}" if beside else "embedded"
            )
        if self._ignored:
            told["x-gnomon-ignored"] = self._ignored
        return told


def _latin(text: str) -> str:
    return " ".join(text.encode("ascii", "replace").decode().split())[:200]


def _short(code: str) -> str:
    return "zh" if code.startswith("zh") else code


def _text(body: Mapping[str, Any], name: str) -> str:
    text = value_of(body, name, str, "")
    if not text.strip():
        raise ApiError(400, f"{name!r} is empty; give a text to read aloud.", param=name,
                       code="missing_required_parameter")  # fmt: skip
    if len(text) > MOST_CHARS:
        raise _invalid(name, f"{name!r} has {len(text):,} characters; give at most {MOST_CHARS:,}.")
    return text


def _voice(given: Any, name: str) -> str:
    voice = given.get("id") if isinstance(given, Mapping) else given
    if voice is None:
        return ""
    if not isinstance(voice, str):
        raise _invalid(name, f"{name!r} is no name of a voice; GET /v1/audio/voices lists them.")
    return voice.strip().lower()


def _speed(body: Mapping[str, Any]) -> float:
    speed = body.get("speed")
    if speed is None:
        return 1.0
    right = isinstance(speed, int | float) and not isinstance(speed, bool)
    if not right or not SLOWEST <= speed <= FASTEST:
        raise _invalid("speed", f"'speed' is {str(speed)[:20]}; give {SLOWEST} to {FASTEST}.")
    return float(speed)


def _one_of(body: Mapping[str, Any], name: str, default: str, known: Sequence[str]) -> str:
    value = value_of(body, name, str, default) or default
    if value not in known:
        raise _invalid(name, f"{name!r} is {value[:40]!r}; give one of {', '.join(known)}.")
    return value


def _invalid(param: str, message: str) -> ApiError:
    return ApiError(400, message, param=param, code="invalid_value")
