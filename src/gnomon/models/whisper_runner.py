"""Whisper in its worker, by faster-whisper over CTranslate2.

Whisper was taught to write what was said and, where nothing was, writes what its subtitles often
said there ("Thank you for watching"). So only what Silero takes for speech reaches it, and of that
only phrases that it is sure enough of (Radford et al. 2022, section 4.5,
https://arxiv.org/abs/2212.04356, has these thresholds).
"""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

RATE = 16_000
SPEECH = {
    "threshold": 0.5,
    "min_speech_duration_ms": 150,
    "min_silence_duration_ms": 500,
    "speech_pad_ms": 300,
}
"""For Silero; the padding keeps soft beginnings and ends."""
LEAST_SPEECH_S = 0.2
LEAST_LOGPROB, MOST_SILENCE, MOST_COMPRESSION = -1.0, 0.6, 2.4
_TRADITIONAL = frozenset({"zh-tw", "zh-hk", "zh-mo", "zh-hant"})
_CERTAINLY_NOT = -1.4
"""Below this mean log probability a phrase goes, whatever the model says of silence."""


class WhisperRunner:
    """``payload`` is 16-bit mono at 16 kHz."""

    def __init__(self, load: Mapping[str, Any]) -> None:
        os.environ["HF_HUB_OFFLINE"] = "1"
        from faster_whisper import WhisperModel  # type: ignore[import-untyped]

        self._model = WhisperModel(
            load["path"],
            device="cpu",
            compute_type="int8",
            cpu_threads=load["threads"],
            local_files_only=True,
        )
        self._busy = threading.Lock()

    def facts(self) -> dict[str, Any]:
        return {"languages": list(self._model.supported_languages)}

    def run(self, request: dict[str, Any], send: Any, cancelled: threading.Event) -> None:
        import numpy as np
        from faster_whisper.vad import (  # type: ignore[import-untyped]
            VadOptions,
            get_speech_timestamps,
        )

        audio = np.frombuffer(request.get("payload", b""), "<i2").astype(np.float32) / 32_768
        spoken = get_speech_timestamps(audio, VadOptions(**SPEECH)) if audio.size else []
        speech_s = sum(part["end"] - part["start"] for part in spoken) / RATE
        # What remains of a blip once its padding is taken away.
        pad_s = 2 * SPEECH["speech_pad_ms"] / 1000 * len(spoken)
        if not spoken or (speech_s - pad_s < LEAST_SPEECH_S and speech_s < LEAST_SPEECH_S + pad_s):
            send("end", lang="", sure=0.0, speech_s=0.0)
            return
        with self._busy:
            lang, sure = request["lang"].partition("-")[0], 1.0
            if not lang:
                first = spoken[0]["start"]
                lang, sure, _ = self._model.detect_language(audio[first : first + 30 * RATE])
            phrases, about = self._model.transcribe(
                audio,
                language=lang,
                task="translate" if request["translate"] else "transcribe",
                initial_prompt=request["prompt"] or _script(request["lang"] or lang) or None,
                temperature=request["temperature"],
                beam_size=request["beams"],
                word_timestamps=request["words"],
                condition_on_previous_text=False,
                no_speech_threshold=MOST_SILENCE,
                log_prob_threshold=LEAST_LOGPROB,
                compression_ratio_threshold=MOST_COMPRESSION,
                vad_filter=True,
                vad_parameters=VadOptions(**SPEECH),
            )
            for phrase in phrases:
                if cancelled.is_set():
                    break
                if _trusted(phrase):
                    send("segment", **_fields(phrase, in_script(request["lang"] or lang)))
        send("end", lang=about.language, sure=sure, speech_s=speech_s)


def _script(lang: str) -> str:
    """What has Chinese written in the script that is wanted: Whisper mixes the two, and goes on
    as it was begun (https://github.com/openai/whisper/discussions/277)."""
    if lang.partition("-")[0] != "zh":
        return ""
    return "以下是普通話的句子。" if lang.lower() in _TRADITIONAL else "以下是普通话的句子。"


def in_script(lang: str) -> Mapping[int, str]:
    """What is left of the wrong script after that, for ``str.translate``: a phrase in five was all
    in traditional characters although it had been begun in simplified ones."""
    if lang.partition("-")[0] != "zh" or lang.lower() in _TRADITIONAL:
        return {}
    return _simplified()


@cache
def _simplified() -> Mapping[int, str]:
    path = files("gnomon.models") / "simplified.txt"
    lines = path.read_text(encoding="utf-8").splitlines()
    pairs = " ".join(line for line in lines if not line.startswith("#")).split()
    return {ord(pair[0]): pair[1] for pair in pairs}


def _trusted(phrase: Any) -> bool:
    if phrase.avg_logprob < _CERTAINLY_NOT or phrase.compression_ratio > 2 * MOST_COMPRESSION:
        return False
    unsure = phrase.avg_logprob < LEAST_LOGPROB
    looping = phrase.compression_ratio > MOST_COMPRESSION
    return not (unsure and (looping or phrase.no_speech_prob > MOST_SILENCE))


def _fields(phrase: Any, script: Mapping[int, str]) -> dict[str, Any]:
    return {
        "text": phrase.text.translate(script),
        "start": phrase.start,
        "end_s": phrase.end,
        "logprob": phrase.avg_logprob,
        "silence": phrase.no_speech_prob,
        "compression": phrase.compression_ratio,
        "temperature": phrase.temperature or 0.0,
        "ids": list(phrase.tokens),
        "words": [
            [w.word.translate(script), w.start, w.end, w.probability] for w in phrase.words or ()
        ],
    }
