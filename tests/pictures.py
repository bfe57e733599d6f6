"""Small files of every kind that a manifest can be in, made here, not fetched."""

from __future__ import annotations

import array
import io
import math
import struct
import wave
import zlib


def png(width: int = 64, height: int = 64, shift: int = 0) -> bytes:
    """An 8-bit RGB picture."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    rows = b"".join(
        b"\0" + bytes((x * y + shift) % 256 for x in range(width * 3)) for y in range(height)
    )
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    # Stored, not deflated: a byte of a pixel is a byte of the file.
    packed = zlib.compress(rows, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", packed) + chunk(b"IEND", b"")
    )


def wav(seconds: float = 0.5, rate: int = 8000) -> bytes:
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        tone = [int(3000 * math.sin(i / 5)) for i in range(int(seconds * rate))]
        file.writeframes(array.array("h", tone).tobytes())
    return out.getvalue()


def mp3(frames: int = 20) -> bytes:
    """Silent MPEG-1 layer III frames, 128 kbit/s at 44.1 kHz."""
    return (b"\xff\xfb\x90\xc4" + b"\0" * 413) * frames


def encoded(kind: str, width: int = 64, height: int = 64) -> bytes:
    """A picture as JPEG, WEBP, GIF or TIFF."""
    from PIL import Image

    out = io.BytesIO()
    Image.open(io.BytesIO(png(width, height))).save(out, kind)
    return out.getvalue()
