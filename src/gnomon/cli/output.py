"""JSON on standard output, and remarks that several commands make."""

from __future__ import annotations

import argparse
import json
import re
import shlex
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gnomon.assemble import Gnomon

_STEERING = re.compile("[\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def print_json(value: Any) -> None:
    """One JSON document on standard output; what could steer a terminal is escaped."""
    ascii_only = (sys.stdout.encoding or "").lower().replace("-", "") != "utf8"
    text = json.dumps(value, ensure_ascii=ascii_only, indent=2, default=str)
    print(_STEERING.sub(lambda found: f"\\u{ord(found[0]):04x}", text))


def say_unindexed(changes: int) -> None:
    """That a search did not see everything: what it did not find may be held all the same."""
    from gnomon import terminal

    if changes:
        terminal.warn(
            f"The index is still being made: {terminal.count(changes, 'change')} of what is held "
            "could not be searched, so something may be missing above; gnomon serve, pull and ask "
            "go on with it."
        )


def say_set_aside(args: argparse.Namespace, gnomon: Gnomon) -> None:
    """Of files given with ``--file``, which nothing else would tell about."""
    from gnomon import terminal

    total = gnomon.store.status().set_aside if args.file else 0
    if total:
        paths = " ".join(f"--file {shlex.quote(path)}" for path in args.file)
        said = terminal.count(total, "thing")
        terminal.warn(f"Set aside: {said}; `gnomon status {paths}` says what and why.")
