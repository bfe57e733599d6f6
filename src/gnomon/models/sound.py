"""Sound as numbers: other sampling rates, plain formats, and the worker that makes all others.

Speech flows as signed 16-bit little-endian mono. WAV, bare PCM and the telephone's two laws are
written here; MP3, Opus, AAC and FLAC by FFmpeg in a worker (``sound_runner``), for which
``gnomon[voice]`` must be installed.
"""

from __future__ import annotations

import importlib.util
import itertools
import struct
from collections.abc import Iterable, Iterator
from fractions import Fraction
from functools import lru_cache
from math import ceil
from secrets import token_hex

import numpy as np

from gnomon.errors import ModelMissing, pip_install
from gnomon.models.process import WorkerProcess

MIME: dict[str, str] = {
    "mp3": "audio/mpeg",
    "wav": "audio/wav",
    "opus": "audio/ogg",
    "pcm": "audio/pcm",
    "flac": "audio/flac",
    "aac": "audio/aac",
    "mulaw": "audio/basic",
    "alaw": "audio/x-alaw-basic",
}
PLAIN = frozenset({"wav", "pcm", "mulaw", "alaw"})
NEEDED = ("av", "faster_whisper")
IDLE_S = 300.0
_TIMEOUT_S = 60.0
_UNKNOWN_BYTES = 0xFFFF_FFFF
"""A size that WAV readers take for "to the end"."""


def missing() -> str:
    """The package of ``gnomon[voice]`` that is not installed, "" where all are."""
    return next((name for name in NEEDED if importlib.util.find_spec(name) is None), "")


class Sounds:
    """The worker for sound. Thread-safe; starts when it is first needed."""

    def __init__(self) -> None:
        load = {"op": "load", "task": "sound"}
        self.worker = WorkerProcess("sound", load, threads=1, slots=4, idle_s=IDLE_S)

    def encode(self, parts: Iterable[bytes], form: str, rate: int) -> Iterator[bytes]:
        """A file of ``form`` as it is made of pieces of PCM at ``rate``; for ``form`` in PLAIN
        without a worker. Raises ModelMissing without ``gnomon[voice]``, ModelError."""
        if form in PLAIN:
            yield from _plain(parts, form, rate)
            return
        stream = token_hex(8)
        for part in itertools.chain(parts, (None,)):
            if made := self._piece(stream, part or b"", form, rate, last=part is None):
                yield made

    def whole(self, pcm: bytes, form: str, rate: int) -> bytes:
        """The same at once, with its length in its head."""
        if form == "wav":
            return wav_head(rate, len(pcm)) + pcm
        if form in PLAIN:
            return b"".join(_plain([pcm], form, rate))
        return self._piece(token_hex(8), pcm, form, rate, last=True, whole=True)

    def _piece(
        self, stream: str, pcm: bytes, form: str, rate: int, *, last: bool, whole: bool = False
    ) -> bytes:
        check_installed(f"{form} is made")
        asked = {"op": "run", "do": "encode", "stream": stream, "format": form, "rate": rate,
                 "last": last, "whole": whole}  # fmt: skip
        made = b""
        for frame in self.worker.request(asked, timeout_s=_TIMEOUT_S, payload=pcm):
            made = frame.payload
        return made

    def hear(self, stream: str, pcm: bytes, *, last: bool = False) -> list[float]:
        """How likely somebody speaks in each further 32 ms of ``stream`` (PCM at 16 kHz). Raises
        ModelMissing without ``gnomon[voice]``, ModelError."""
        check_installed("Speech is told from silence")
        asked = {"op": "run", "do": "hear", "stream": stream, "last": last}
        speech: list[float] = []
        for frame in self.worker.request(asked, timeout_s=_TIMEOUT_S, payload=pcm):
            speech = frame.header.get("speech", [])
        return speech

    def close(self) -> None:
        self.worker.close()


def check_installed(what: str) -> None:
    """Raises ModelMissing, saying how to install what ``what`` needs."""
    if name := missing():
        raise ModelMissing(
            f"{what} by {name.replace('_', '-')}, which is not installed; "
            f"run: {pip_install('gnomon[voice]')}. WAV and PCM need nothing more."
        )


def _plain(parts: Iterable[bytes], form: str, rate: int) -> Iterator[bytes]:
    if form == "wav":
        yield wav_head(rate)
    for part in parts:
        yield _companded(part, form) if form in ("mulaw", "alaw") else part


def wav_head(rate: int, size: int | None = None) -> bytes:
    """The 44 bytes before 16-bit mono PCM; ``size`` bytes of it, None where nobody knows yet
    (http://soundfile.sapp.org/doc/WaveFormat/)."""
    data = _UNKNOWN_BYTES if size is None else size
    riff = _UNKNOWN_BYTES if size is None else size + 36
    return struct.pack(
        "<4sI4s4sIHHIIHH4sI", b"RIFF", riff, b"WAVE", b"fmt ", 16, 1, 1, rate, 2 * rate, 2, 16,
        b"data", data,
    )  # fmt: skip


# --------------------------------------------------------------------------- sampling rates


def resampled(pcm: bytes, rate: int, wanted: int) -> bytes:
    """PCM at another rate, by a windowed sinc (Smith, *Digital Audio Resampling*,
    https://ccrma.stanford.edu/~jos/resample/), 16 zero crossings on each side."""
    if rate == wanted or not pcm:
        return pcm
    signal = np.frombuffer(pcm, "<i2").astype(np.float32)
    ratio = Fraction(wanted, rate)
    taps, half = _taps(ratio.numerator, ratio.denominator)
    count = ceil(len(signal) * ratio)
    padded = np.concatenate([np.zeros(half, np.float32), signal, np.zeros(half + 1, np.float32)])
    out = np.empty(count, np.float32)
    # Outputs whose distance from the samples is the same share their taps.
    for phase in range(min(ratio.numerator, count)):
        at = np.arange(phase, count, ratio.numerator)
        first = at * ratio.denominator // ratio.numerator
        windows = padded[first[:, None] + np.arange(1, 2 * half + 1)[None, :]]
        out[at] = windows @ taps[phase]
    return np.clip(np.rint(out), -32_768, 32_767).astype("<i2").tobytes()


@lru_cache(maxsize=8)
def _taps(up: int, down: int) -> tuple[np.ndarray, int]:
    """``[up, 2 * half]``: the filter for each distance of an output from the sample before it."""
    cutoff = min(1.0, up / down)
    half = ceil(16 / cutoff)
    offsets = np.arange(1 - half, half + 1)[None, :]
    fraction = ((np.arange(up) * down) % up / up)[:, None]
    distance = offsets - fraction
    window = np.cos(np.pi * np.clip(distance / (half + 1), -1, 1) / 2) ** 2
    taps = cutoff * np.sinc(cutoff * distance) * window
    taps /= taps.sum(axis=1, keepdims=True)
    return taps.astype(np.float32), half


# ------------------------------------------------------------------------- the telephone's laws


def _companded(pcm: bytes, law: str) -> bytes:
    """16-bit PCM as eight bits of ITU-T G.711 (https://www.itu.int/rec/T-REC-G.711)."""
    found = np.frombuffer(pcm, "<i2").astype(np.int32)
    table = expanded_table(law)
    order = np.argsort(table, kind="stable")
    ranked = table[order]
    at = np.clip(np.searchsorted(ranked, found), 1, 255)
    lower = found - ranked[at - 1] < ranked[at] - found
    return order[np.where(lower, at - 1, at)].astype(np.uint8).tobytes()


def expanded(data: bytes, law: str) -> bytes:
    """The way back."""
    return expanded_table(law)[np.frombuffer(data, np.uint8)].astype("<i2").tobytes()


@lru_cache(maxsize=2)
def expanded_table(law: str) -> np.ndarray:
    """``[256]`` int32: what each byte stands for."""
    byte = np.arange(256, dtype=np.int32)
    if law == "mulaw":
        byte = ~byte & 0xFF
        size = (((byte & 0x0F) << 3) + 0x84 << ((byte & 0x70) >> 4)) - 0x84
        return np.where(byte & 0x80, -size, size)
    byte ^= 0x55
    exponent, mantissa = (byte & 0x70) >> 4, byte & 0x0F
    size = np.where(
        exponent == 0, (mantissa << 4) + 8, ((mantissa << 4) + 0x108) << np.maximum(exponent - 1, 0)
    )
    return np.where(byte & 0x80, size, -size)
