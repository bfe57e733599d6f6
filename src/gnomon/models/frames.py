"""Frames between gnomon and a model's worker process: a JSON header and raw bytes.

Layout: two big-endian unsigned 32-bit lengths (header, payload), then the two. Standard library
only, because the worker imports it.
"""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass
from typing import Any, BinaryIO

_LENGTHS = struct.Struct(">II")


@dataclass(frozen=True, slots=True)
class Frame:
    header: dict[str, Any]
    payload: bytes = b""


def write(stream: BinaryIO, header: dict[str, Any], payload: bytes = b"") -> None:
    """Write and flush one frame. Lone surrogates survive, escaped by JSON."""
    head = json.dumps(header).encode("ascii")
    stream.write(_LENGTHS.pack(len(head), len(payload)) + head + payload)
    stream.flush()


def read(stream: BinaryIO) -> Frame | None:
    """The next frame, or None where the other side has gone, even in the middle of one."""
    lengths = stream.read(_LENGTHS.size)
    if len(lengths) < _LENGTHS.size:
        return None
    head_size, payload_size = _LENGTHS.unpack(lengths)
    head = stream.read(head_size)
    payload = stream.read(payload_size)
    if len(head) < head_size or len(payload) < payload_size:
        return None
    return Frame(json.loads(head), payload)
