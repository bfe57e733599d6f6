"""What a realtime conversation is set to, as OpenAI's ``session`` object.

https://platform.openai.com/docs/api-reference/realtime-client-events/session/update. What is
sent replaces what was; what nothing here can do is refused by name, except wishes about manner
(instructions, temperature), which are kept and change nothing: no prompt can talk the checking
away.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from gnomon.serve.http import ApiError, unsupported
from gnomon.serve.http import field as value_of
from gnomon.serve.languages import code_of

RATES = {"audio/pcm": 24_000, "audio/pcmu": 8_000, "audio/pcma": 8_000}
LAWS = {"audio/pcmu": "mulaw", "audio/pcma": "alaw"}
LONGEST_S = 3600.0
"""How long one conversation may last; OpenAI's end after an hour, too."""
# Silence after which a turn is over, for ``semantic_vad``: here it is heard, not understood.
_EAGER_MS = {"low": 1200, "medium": 700, "auto": 700, "high": 400}


@dataclass(frozen=True, slots=True)
class Turns:
    """When somebody begins and ends to speak. ``kind`` is server_vad or semantic_vad."""

    kind: str = "server_vad"
    threshold: float = 0.5
    prefix_ms: int = 300
    silence_ms: int = 500
    respond: bool = True
    interrupt: bool = True

    def shown(self) -> dict[str, Any]:
        return {
            "type": self.kind,
            "threshold": self.threshold,
            "prefix_padding_ms": self.prefix_ms,
            "silence_duration_ms": self.silence_ms,
            "create_response": self.respond,
            "interrupt_response": self.interrupt,
            "idle_timeout_ms": None,
        }


@dataclass(frozen=True, slots=True)
class Settings:
    """``turns`` None leaves it to the client to commit. ``caption`` tells what was heard."""

    id: str
    heard_as: str = "audio/pcm"
    spoken_as: str = "audio/pcm"
    voice: str = ""
    speed: float = 1.0
    lang: str = ""
    prompt: str = ""
    aloud: bool = True
    caption: bool = True
    turns: Turns | None = Turns()
    instructions: str = ""
    kind: str = "realtime"
    began: float = field(default_factory=time.time)

    def shown(self) -> dict[str, Any]:
        """As the client sees it."""
        turns = self.turns.shown() if self.turns else None
        told = {"model": "whisper", "language": self.lang or None, "prompt": self.prompt or None}
        hearing = {
            "format": _format(self.heard_as),
            "transcription": told if self.caption else None,
            "noise_reduction": None,
            "turn_detection": turns,
        }
        if self.kind == "transcription":
            return {
                "type": "transcription",
                "object": "realtime.transcription_session",
                "id": self.id,
                "audio": {"input": hearing},
                "expires_at": int(self.began + LONGEST_S),
                "include": None,
            }
        return {
            "type": "realtime",
            "object": "realtime.session",
            "id": self.id,
            "model": "gnomon",
            "output_modalities": ["audio" if self.aloud else "text"],
            "instructions": self.instructions,
            "tools": [],
            "tool_choice": "auto",
            "max_output_tokens": "inf",
            "tracing": None,
            "prompt": None,
            "truncation": "auto",
            "expires_at": int(self.began + LONGEST_S),
            "include": None,
            "audio": {
                "input": hearing,
                "output": {
                    "format": _format(self.spoken_as),
                    "voice": self.voice or "marin",
                    "speed": self.speed,
                },
            },
        }


def _format(kind: str) -> dict[str, Any]:
    return {"type": kind, "rate": RATES[kind]} if kind == "audio/pcm" else {"type": kind}


def updated(now: Settings, asked: Mapping[str, Any]) -> Settings:
    """``now`` with what ``session.update`` asks for. Raises ApiError naming the field."""
    kind = value_of(asked, "type", str, now.kind)
    if kind not in ("realtime", "transcription"):
        raise _invalid("session.type", f"{kind[:40]!r} is no kind; realtime or transcription.")
    if asked.get("tools"):
        raise unsupported("session.tools", "Spoken answers call no functions; leave 'tools' out.")
    new = replace(now, kind=kind)
    if "instructions" in asked:
        new = replace(new, instructions=value_of(asked, "instructions", str, "")[:20_000])
    if modalities := value_of(asked, "output_modalities", list, []):
        new = replace(new, aloud=aloud(modalities))
    audio = value_of(asked, "audio", dict, {})
    new = _heard(new, value_of(audio, "input", dict, {}))
    return spoken(new, value_of(audio, "output", dict, {}))


def aloud(modalities: list[Any]) -> bool:
    """Raises ApiError."""
    if modalities not in (["audio"], ["text"], ["text", "audio"], ["audio", "text"]):
        raise _invalid("output_modalities", "Give ['audio'] (captions come with it) or ['text'].")
    return "audio" in modalities


def _heard(new: Settings, asked: Mapping[str, Any]) -> Settings:
    if asked.get("format") is not None:
        new = replace(new, heard_as=_kind(asked["format"], "session.audio.input.format"))
    if "transcription" in asked:
        told = asked["transcription"]
        new = replace(new, caption=told is not None)
        if isinstance(told, Mapping):
            lang = code_of(value_of(told, "language", str, ""))
            new = replace(new, lang=lang, prompt=value_of(told, "prompt", str, "")[:800])
    if "turn_detection" in asked:
        new = replace(new, turns=_turns(asked["turn_detection"]))
    return new


def spoken(new: Settings, asked: Mapping[str, Any]) -> Settings:
    """``new`` with what ``audio.output`` asks for. Raises ApiError."""
    if asked.get("format") is not None:
        new = replace(new, spoken_as=_kind(asked["format"], "session.audio.output.format"))
    if asked.get("voice") is not None:
        voice = asked["voice"]
        name = voice.get("id") if isinstance(voice, Mapping) else voice
        if not isinstance(name, str):
            raise _invalid("session.audio.output.voice", "That is no name of a voice.")
        new = replace(new, voice=name.lower())
    speed = asked.get("speed")
    if speed is not None:
        right = isinstance(speed, int | float) and not isinstance(speed, bool)
        if not right or not 0.25 <= speed <= 4:
            raise _invalid("session.audio.output.speed", "Give a speed from 0.25 to 4.")
        new = replace(new, speed=float(speed))
    return new


def _kind(given: Any, name: str) -> str:
    kind = given.get("type") if isinstance(given, Mapping) else given
    if kind not in RATES:
        raise _invalid(name, f"{str(kind)[:40]!r} is no format; {', '.join(RATES)}.")
    rate = given.get("rate") if isinstance(given, Mapping) else None
    if rate not in (None, RATES[kind]):
        raise _invalid(name, f"{kind} is at {RATES[kind]} samples a second, not {str(rate)[:20]}.")
    return str(kind)


def _turns(given: Any) -> Turns | None:
    if given is None:
        return None
    where = "session.audio.input.turn_detection"
    if not isinstance(given, Mapping):
        raise _invalid(where, "Give an object, or null to commit by yourself.")
    kind = value_of(given, "type", str, "server_vad")
    if kind not in ("server_vad", "semantic_vad"):
        raise _invalid(where, f"{kind[:40]!r} is none; server_vad or semantic_vad.")
    threshold = given.get("threshold", 0.5)
    if isinstance(threshold, bool) or not isinstance(threshold, int | float):
        raise _invalid(f"{where}.threshold", "Give a number from 0 to 1.")
    silence = value_of(given, "silence_duration_ms", int, Turns().silence_ms)
    if kind == "semantic_vad":
        silence = _EAGER_MS.get(str(given.get("eagerness") or "auto"), 700)
    prefix = value_of(given, "prefix_padding_ms", int, Turns().prefix_ms)
    if not (0 < threshold <= 1 and 0 <= prefix <= 5000 and 50 <= silence <= 10_000):
        raise _invalid(where, "threshold is 0 to 1, padding to 5000 ms, silence 50 to 10000 ms.")
    return Turns(
        kind,
        float(threshold),
        prefix,
        silence,
        value_of(given, "create_response", bool, True),
        value_of(given, "interrupt_response", bool, True),
    )


def _invalid(param: str, message: str) -> ApiError:
    return ApiError(400, message, param=param, code="invalid_value")
