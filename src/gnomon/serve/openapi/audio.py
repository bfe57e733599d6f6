"""Speech, transcriptions, spoken conversations."""

from __future__ import annotations

from gnomon.serve import speech, transcriptions
from gnomon.serve.openapi.errors import REQUEST_ID
from gnomon.serve.openapi.parts import (
    EVENTS,
    Paths,
    Schema,
    always,
    array,
    asked,
    at,
    body,
    does,
    gives,
    null_or,
    number,
    obj,
    one_of,
    ref,
    text,
    whole,
)

TAG = "audio"
FORM = "multipart/form-data"
_BYTES: Schema = {"type": "string", "format": "binary", "description": "The bytes."}

_VOICE: Schema = {"anyOf": [text(), obj({"id": text()})]}
_TOLD = obj(
    {
        "language": null_or(text()),
        "language_probability": number(minimum=0, maximum=1),
        "speech_seconds": number(minimum=0),
        "note": null_or(text("That nobody speaks, or that the file is cut.")),
    }
)
_WORD = {"start": number(minimum=0), "end": number(minimum=0)}
_USAGE = obj({"type": always("duration"), "seconds": number(minimum=0)})

SCHEMAS: dict[str, Schema] = {
    "SpeechRequest": asked(
        {
            "input": text("What to say.", minLength=1, maxLength=speech.MOST_CHARS),
            "model": text("Left to the voice where it is missing or a name of OpenAI's."),
            "voice": _VOICE,
            "response_format": one_of(*speech.FORMATS),
            "speed": number(minimum=speech.SLOWEST, maximum=speech.FASTEST),
            "stream_format": one_of("audio", "sse"),
            "instructions": text("Not followed; `x-gnomon-ignored` says so."),
        },
        ["input"],
    ),
    "SpeechEvent": obj(
        {
            "type": one_of("speech.audio.delta", "speech.audio.done", "error"),
            "audio": text("A piece of the file, as base64."),
        },
        required=["type"],
        extra=True,
    ),
    "TtsRequest": asked(
        {
            "text": text("What to say.", minLength=1, maxLength=speech.MOST_CHARS),
            "voice_id": text(),
            "language": text("BCP 47, or auto."),
            "speed": number(minimum=speech.SLOWEST, maximum=speech.FASTEST),
            "output_format": {
                "anyOf": [
                    one_of(*speech.CODECS),
                    asked(
                        {
                            "codec": one_of(*speech.CODECS),
                            "sample_rate": {"type": "integer", "enum": list(speech.RATES)},
                        }
                    ),
                ]
            },
        },
        ["text"],
    ),
    "Voices": obj(
        {
            "object": always("list"),
            "data": array(
                obj(
                    {
                        "id": text(),
                        "object": always("audio.voice"),
                        "name": text(),
                        "language": null_or(text("ISO 639-1; null: many.")),
                        "gender": null_or(one_of("female", "male")),
                        "model": text(),
                        "also": array(text("What other APIs call it.")),
                    }
                )
            ),
            "has_more": always(False),
        }
    ),
    "TranscriptionRequest": obj(
        {
            "file": _BYTES,
            "model": text(),
            "language": text("ISO 639-1."),
            "prompt": text("Names that may occur."),
            "response_format": one_of(*transcriptions.FORMATS),
            "temperature": number(minimum=0, maximum=1),
            "timestamp_granularities[]": array(one_of(*transcriptions.GRANULARITIES)),
            "stream": one_of("true", "false"),
        },
        required=["file"],
        extra=True,
    ),
    "Transcription": obj(
        {
            "text": text("Empty where nobody speaks."),
            "usage": _USAGE,
            "gnomon": _TOLD,
            "task": one_of("transcribe", "translate"),
            "language": text("Its English name."),
            "duration": number(minimum=0),
            "segments": array(obj({"id": whole(minimum=0), "text": text(), **_WORD}, extra=True)),
            "words": array(obj({"word": text(), **_WORD})),
        },
        required=["text"],
    ),
    "SttRequest": obj({"file": _BYTES, "language": text()}, required=["file"], extra=True),
    "Stt": obj(
        {
            "text": text(),
            "language": text(),
            "duration": number(minimum=0),
            "words": array(obj({"text": text(), **_WORD})),
            "gnomon": _TOLD,
        }
    ),
}


def _sound(said: str, *kinds: str) -> Schema:
    """A file of one of several media types."""
    return {
        "description": said,
        "headers": {"x-request-id": REQUEST_ID},
        "content": {kind: {"schema": _BYTES} for kind in kinds},
    }


_KINDS = tuple(dict.fromkeys(kind.partition(";")[0] for kind in speech.MIME.values()))
_HEARD: Schema = {
    "description": "What was said.",
    "headers": {"x-request-id": REQUEST_ID},
    "content": {
        "application/json": {"schema": ref("Transcription")},
        "text/plain": {"schema": text()},
        "text/vtt": {"schema": text()},
        EVENTS: {"schema": obj({"type": text()}, extra=True)},
    },
}


def _hears(id: str, said: str) -> Schema:
    return does(
        TAG,
        id,
        said,
        {200: _HEARD},
        404,
        413,
        501,
        body=body(ref("TranscriptionRequest"), {}, FORM),
    )


PATHS: Paths = {
    "/v1/audio/speech": {
        "post": does(
            TAG,
            "speech",
            "A text read aloud, signed; whole, or as it is made",
            {
                200: {
                    "description": "The sound; x-gnomon-provenance says where its manifest is.",
                    "headers": {"x-request-id": REQUEST_ID},
                    "content": {
                        **{kind: {"schema": _BYTES} for kind in _KINDS},
                        EVENTS: {"schema": ref("SpeechEvent")},
                    },
                }
            },
            404,
            501,
            body=body(
                ref("SpeechRequest"),
                {"wav": {"input": "It opens in May.", "response_format": "wav"}},
            ),
        )
    },
    "/v1/audio/voices": {
        "get": does(TAG, "voices", "The voices that are here", {200: gives("Them.", ref("Voices"))})
    },
    "/v1/audio/provenance/{id}": {
        "get": does(
            TAG,
            "sound_provenance",
            "The manifest (C2PA) of a sound that could not hold it; the last ones are kept",
            {200: _sound("The manifest.", "application/c2pa")},
            404,
            params=[at("id", "From `x-gnomon-provenance`.")],
        )
    },
    "/v1/audio/transcriptions": {"post": _hears("transcribe", "What is said in a sound or video")},
    "/v1/audio/translations": {"post": _hears("translate_sound", "The same, in English")},
    "/v1/tts": {
        "post": does(
            TAG,
            "tts",
            "A text read aloud, as xAI's API has it",
            {200: _sound("The sound.", *_KINDS)},
            404,
            501,
            body=body(
                ref("TtsRequest"), {"wav": {"text": "Hello.", "output_format": {"codec": "wav"}}}
            ),
        )
    },
    "/v1/tts/voices": {
        "get": does(
            TAG,
            "tts_voices",
            "The voices by every name that they go by",
            {
                200: gives(
                    "Them.",
                    obj(
                        {
                            "voices": array(
                                obj(
                                    {
                                        "voice_id": text(),
                                        "name": text(),
                                        "language": null_or(text()),
                                        "gender": null_or(text()),
                                    }
                                )
                            )
                        }
                    ),
                )
            },
        )
    },
    "/v1/stt": {
        "post": does(
            TAG,
            "stt",
            "What is said in a sound, with the time of each word, as xAI's API has it",
            {200: gives("What was said.", ref("Stt"))},
            404,
            413,
            501,
            body=body(ref("SttRequest"), {}, FORM),
        )
    },
}
