"""Sound in a worker: our speech into files that others play, and whether somebody speaks.

The encoders are FFmpeg's, in PyAV's wheel, which holds GPL parts: they run here and nowhere else.
Voice activity is Silero's network (MIT, https://github.com/snakers4/silero-vad) in the form that
faster-whisper carries.
"""

from __future__ import annotations

import importlib.util
import threading
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

# Container, codec, samples a second (0: as it comes), bits a second.
CODECS = {
    "mp3": ("mp3", "libmp3lame", 0, 96_000),
    "opus": ("ogg", "libopus", 48_000, 48_000),
    "aac": ("adts", "aac", 0, 96_000),
    "flac": ("flac", "flac", 0, 0),
}
_MOST_OPEN = 256
"""Sounds under way; one that was given up goes when so many others came after it."""
_STEP, _CONTEXT = 512, 64


class SoundRunner:
    """``do`` is encode or hear; ``stream`` names the sound that a piece belongs to."""

    def __init__(self, load: Mapping[str, Any]) -> None:
        self._encoders: OrderedDict[str, _Encoder] = OrderedDict()
        self._ears: OrderedDict[str, _Ear] = OrderedDict()
        self._session: Any = None
        self._busy = threading.Lock()

    def facts(self) -> dict[str, Any]:
        return {}

    def run(self, request: dict[str, Any], send: Any, cancelled: threading.Event) -> None:
        with self._busy:
            if request["do"] == "encode":
                send("end", payload=self._encode(request))
            else:
                send("end", speech=self._hear(request))

    def _encode(self, request: Mapping[str, Any]) -> bytes:
        stream = request["stream"]
        encoder = self._encoders.pop(stream, None)
        if encoder is None:
            encoder = _Encoder(request["format"], request["rate"], request["whole"])
        made = encoder.add(request.get("payload", b""))
        if request["last"]:
            return made + encoder.end()
        self._encoders[stream] = encoder
        while len(self._encoders) > _MOST_OPEN:
            self._encoders.popitem(last=False)
        return made

    def _hear(self, request: Mapping[str, Any]) -> list[float]:
        if self._session is None:
            self._session = _silero()
        stream = request["stream"]
        ear = self._ears.pop(stream, None) or _Ear(self._session)
        heard = ear.hear(request.get("payload", b""))
        if not request["last"]:
            self._ears[stream] = ear
            while len(self._ears) > _MOST_OPEN:
                self._ears.popitem(last=False)
        return heard


class _Pipe:
    """What a container is written into as it is made: it cannot be gone back in, so that the
    container is one that can be played as it comes."""

    def __init__(self) -> None:
        self._made = bytearray()

    def write(self, data: bytes) -> int:
        self._made += data
        return len(data)

    def take(self) -> bytes:
        made, self._made = bytes(self._made), bytearray()
        return made


class _Encoder:
    def __init__(self, form: str, rate: int, whole: bool) -> None:
        import io

        import av

        container, codec, fixed_rate, bits = CODECS[form]
        self._rate = rate
        self._at = 0
        self._whole = io.BytesIO() if whole else None
        self._pipe = _Pipe()
        options = {"flush_packets": "1"}
        if container == "ogg":
            options["page_duration"] = "200000"
        self._out: Any = av.open(self._whole or self._pipe, "w", format=container, options=options)
        stream: Any = self._out.add_stream(codec, rate=fixed_rate or rate, layout="mono")
        if bits:
            stream.bit_rate = bits
        self._stream = stream

    def add(self, pcm: bytes) -> bytes:
        import av
        import numpy as np

        if pcm:
            samples = np.frombuffer(pcm, "<i2").reshape(1, -1)
            frame = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
            frame.sample_rate = self._rate
            frame.pts = self._at
            self._at += samples.shape[1]
            self._out.mux(self._stream.encode(frame))
        return self._pipe.take()

    def end(self) -> bytes:
        self._out.mux(self._stream.encode(None))
        self._out.close()
        return self._whole.getvalue() if self._whole is not None else self._pipe.take()


def _silero() -> Any:
    import onnxruntime

    found = importlib.util.find_spec("faster_whisper")
    if found is None or not found.submodule_search_locations:
        raise RuntimeError("faster-whisper is not installed; run: pip install 'gnomon[voice]'")
    path = Path(found.submodule_search_locations[0]) / "assets" / "silero_vad_v6.onnx"
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


class _Ear:
    """One sound as it comes, listened to 32 ms at a time."""

    def __init__(self, session: Any) -> None:
        import numpy as np

        self._session = session
        self._h = self._c = np.zeros((1, 1, 128), np.float32)
        self._before: Any = np.zeros(_CONTEXT, np.float32)
        self._rest = b""

    def hear(self, pcm: bytes) -> list[float]:
        """The probability of speech in each whole 32 ms that there now are."""
        import numpy as np

        data = self._rest + pcm
        whole = len(data) // (2 * _STEP) * 2 * _STEP
        data, self._rest = data[:whole], data[whole:]
        if not data:
            return []
        audio = np.frombuffer(data, "<i2").astype(np.float32) / 32_768
        rows = np.stack(
            [
                np.concatenate([self._before, audio[:_STEP]])
                if at == 0
                else audio[at - _CONTEXT : at + _STEP]
                for at in range(0, len(audio), _STEP)
            ]
        )
        self._before = audio[-_CONTEXT:]
        speech, self._h, self._c = self._session.run(
            None, {"input": rows, "h": self._h, "c": self._c}
        )
        return [float(one) for one in speech.reshape(-1)]
