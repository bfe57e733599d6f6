"""Printing to a person: two consoles, and words that cannot steer a terminal.

Posts are written by strangers. Whatever could steer a terminal (escape sequences, other control
characters, switches of writing direction) is shown as its code, and nothing in a post is markup.
Prose is wrapped at words on a terminal and never in a pipe; addresses and ids are never broken.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

from rich.console import Console
from rich.markup import escape

out = Console(highlight=False, emoji=False)
err = Console(stderr=True, highlight=False, emoji=False)

# C0 and C1 controls but tab and line feed, DEL, and the switches of writing direction
# (https://trojansource.codes).
_STEERING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def safe(text: str) -> str:
    """A stranger's text, for printing: no control codes, no markup."""
    return escape(_STEERING.sub(lambda found: f"\\x{ord(found[0]):02x}", text))


def line(text: str, *, to: Console = out) -> None:
    """Something that is not broken by us: ids, addresses, rows."""
    to.print(text, soft_wrap=True)


def prose(text: str, *, to: Console = out) -> None:
    """Sentences: wrapped at words for a person, one line each for a program."""
    to.print(text, soft_wrap=not to.is_terminal)


def warn(text: str) -> None:
    """A remark beside the result, on standard error."""
    prose(f"[yellow]{safe(text)}[/]", to=err)


def when(seconds: float | None) -> str:
    """A time as people read it, UTC, to the minute."""
    if seconds is None:
        return "at an unknown time"
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M")


def count(n: int, noun: str) -> str:
    """``n`` of something, with its plural."""
    return f"{n:,} {noun}{'' if n == 1 else 's'}"


def one_line(text: str) -> str:
    """Without line breaks and runs of space."""
    return re.sub(r"\s+", " ", text).strip()
