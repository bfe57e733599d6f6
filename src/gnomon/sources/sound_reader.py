"""The process that decodes one sound: its bytes on standard input; on standard output a line of
JSON, then 16-bit mono at 16 kHz.

    python -P -m gnomon.sources.sound_reader '{"most_s": 3600, "cpu_s": 60, "memory_bytes": ...}'

``sounds.decode`` is what starts it.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any, BinaryIO

from gnomon.sources import confine

RATE = 16_000
SUFFIXES = "flac, m4a, mp3, mp4, mpeg, ogg, opus, wav or webm"
# Containers that hold sound; FFmpeg knows many more, some of which open other files.
FORMATS = "aac,aiff,amr,asf,au,avi,caf,flac,matroska,webm,mov,mp4,m4a,mp3,mpeg,mpegts,ogg,wav,w64"


class _UnfitError(Exception):
    """``code`` is unsupported or invalid."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def _first_sound(container: Any) -> Any:
    streams = container.streams.audio
    if not streams:
        what = "a video without sound" if container.streams.video else "no sound that is read here"
        raise _UnfitError("unsupported", f"is {what}; send {SUFFIXES}.")
    stream = streams[0]
    stream.thread_count = 1  # this process may start no thread
    return stream


def _length_s(container: Any, stream: Any) -> float:
    """As its head says; 0 where it does not."""
    if stream.duration and stream.time_base:
        return float(stream.duration * stream.time_base)
    return container.duration / 1_000_000 if container.duration else 0.0


def _too_long(seconds: float, most_s: float) -> _UnfitError:
    said = f"{int(seconds // 3600)}:{int(seconds // 60) % 60:02}:{int(seconds) % 60:02}"
    return _UnfitError(
        "invalid",
        f"lasts {said} (hours, minutes, seconds), and at most {most_s / 60:g} minutes are "
        "listened to at once; split it, or raise the setting `listen_s`.",
    )


def _unread(data: BinaryIO) -> _UnfitError:
    data.seek(0)
    if data.read(12)[4:8] == b"ftyp":
        return _UnfitError(
            "invalid", "is a video or sound (MP4) that was cut off before its index; send it again."
        )
    return _UnfitError("unsupported", f"is no sound file that can be read; send {SUFFIXES}.")


def _announced_s(data: BinaryIO) -> float:
    """How long a WAV says that it is, which FFmpeg corrects by the bytes that came; 0 where that
    is not known."""
    data.seek(0)
    head = data.read(4096)
    data.seek(0)
    at = head.find(b"data", 12)
    if not head.startswith(b"RIFF") or at < 0 or len(head) < 32:
        return 0.0
    size = int.from_bytes(head[at + 4 : at + 8], "little")
    bytes_a_second = int.from_bytes(head[28:32], "little")
    # Who writes into a pipe cannot know, and writes one of these.
    known = size not in (0, 0x7FFF_FFFF, 0xFFFF_FFFF) and size < 0x7FFF_0000
    return size / bytes_a_second if known and bytes_a_second else 0.0


def _decode(data: BinaryIO, most_s: float) -> tuple[dict[str, Any], bytes]:
    import av

    announced_s = _announced_s(data)
    try:
        # Without `format` FFmpeg guesses from the bytes, as a name cannot be believed.
        container = av.open(data, "r", options={"format_whitelist": FORMATS})
    except (av.FFmpegError, ValueError, EOFError):
        raise _unread(data) from None
    stream = _first_sound(container)
    length_s = max(announced_s, _length_s(container, stream))
    if length_s > most_s:
        raise _too_long(length_s, most_s)
    resampler = av.AudioResampler(format="s16", layout="mono", rate=RATE)
    pcm, most, why = bytearray(), int(most_s * 2 * RATE), ""
    try:
        for frame in container.decode(stream):
            for piece in resampler.resample(frame):
                pcm += bytes(piece.planes[0])[: 2 * piece.samples]
            if len(pcm) > most:
                raise _too_long(len(pcm) / 2 / RATE, most_s)
        for piece in resampler.resample(None):
            pcm += bytes(piece.planes[0])[: 2 * piece.samples]
    except (av.FFmpegError, EOFError) as error:
        why = str(error)[:80]
    got_s = len(pcm) / 2 / RATE
    if not pcm:
        reason = f" ({why})" if why else ""
        raise _UnfitError("invalid", f"holds no sound that can be decoded{reason}; save it again.")
    cut = ""
    if why or (length_s and got_s < 0.9 * length_s - 1):
        of = f" of {length_s:.1f} s" if length_s else ""
        cut = f"The file is cut or damaged: {got_s:.1f} s{of} could be read."
    about = {
        "kind": container.format.name,
        "rate": stream.rate or 0,
        "channels": stream.channels or 0,
        "video": any(v.codec_context.name != "mjpeg" for v in container.streams.video),
        "cut": cut,
    }
    return about, bytes(pcm)


def main() -> None:
    asked = json.loads(sys.argv[1])
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # libraries print; nothing may land in the answer
    import av
    import av.logging

    av.logging.set_level(None)
    fences = confine.confine(cpu_s=asked["cpu_s"], memory_bytes=asked["memory_bytes"])
    pcm = b""
    try:
        answer, pcm = _decode(sys.stdin.buffer, asked["most_s"])
        answer["fences"] = fences
    except _UnfitError as error:
        answer = {"error": str(error), "code": error.code}
    except MemoryError:
        answer = {"error": "takes more memory than a file may; split it.", "code": "invalid"}
    out.write(json.dumps(answer).encode("ascii") + b"\n" + pcm)
    out.close()
    os._exit(0)


if __name__ == "__main__":
    main()
