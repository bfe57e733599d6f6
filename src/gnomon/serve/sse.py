"""Server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html)."""

from __future__ import annotations

from typing import Any

from gnomon.serve.http import dumps

DONE = b"data: [DONE]\n\n"
# A comment line: keeps proxies and clients from taking a thinking model for a dead connection.
BEAT = b": still working\n\n"
BEAT_S = 15.0


def frame(data: Any, event: str = "") -> bytes:
    """One event. JSON has no raw line breaks, so the data is always one line."""
    name = b"event: " + event.encode("ascii") + b"\n" if event else b""
    return name + b"data: " + dumps(data) + b"\n\n"
