"""The server's log: plain lines or JSON, never with anybody's words or secrets in them.

A line of ours holds ids, routes, statuses and times. What other libraries log is kept to its
message; where they log an error, only its type and place are written: the text of a foreign error
may quote what somebody asked.
"""

from __future__ import annotations

import logging
import sys
from datetime import UTC, datetime
from typing import TextIO

from gnomon.serve.guards import place_of
from gnomon.serve.http import dumps
from gnomon.serve.keys import masked

FIELDS = ("request_id", "method", "route", "status", "took_ms", "caller", "gone")
"""What a request's line holds beside its message."""


class _Plain(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return f"{at} {record.levelname.lower()} {_said(record)}"


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
        }
        held = {name: getattr(record, name) for name in FIELDS if hasattr(record, name)}
        if held:
            line |= {"message": "request"} | held
        else:
            line["message"] = _said(record)
        return dumps(line).decode("utf-8")


def _said(record: logging.LogRecord) -> str:
    """The message on one line, without keys; of its error the place, without the error's text."""
    said = record.getMessage()
    if record.exc_info and record.exc_info[1] is not None:
        said = f"{said.strip()} ({place_of(record.exc_info[1])})"
    return masked(" ".join(said.split()))


def set_up(kind: str, stream: TextIO | None = None) -> logging.Handler:
    """Log to ``stream`` (standard error): "warnings" alone, a line for each of the "requests", or
    all of it as "json". Returns the handler, which replaces the root logger's others."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(_Json() if kind == "json" else _Plain())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    ours = logging.INFO if kind in ("requests", "json") else logging.WARNING
    logging.getLogger("gnomon").setLevel(ours)
    return handler
