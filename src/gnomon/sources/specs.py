"""What an owner types after ``gnomon pull``, as sources."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from gnomon.errors import InputError
from gnomon.sources.admission import DEFAULT_LIMITS, Limits
from gnomon.sources.contract import Source

ACCEPTED = (
    "a file or folder, the URL of a feed, 'bluesky', 'feeds' (those of the configuration), or "
    "'-' for JSON lines on standard input"
)
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*)://", re.IGNORECASE)


def make_sources(
    spec: str,
    *,
    feeds: Sequence[str] = (),
    jetstream: str = "",
    limits: Limits = DEFAULT_LIMITS,
    name: str = "",
    encoding: str = "",
    every_s: float | None = None,
    stdin: IO[bytes] | None = None,
) -> tuple[Source, ...]:
    """The sources that ``spec`` names. ``name`` (``--source NAME``) goes before the ids of files
    and of a pipe; ``every_s`` makes feeds poll; ``stdin`` is what "-" reads.

    Raises InputError naming the value and what is accepted.
    """
    spec = spec.strip()
    if spec == "-":
        if stdin is None:
            raise InputError("there is no standard input to read; give a file instead of '-'.")
        from gnomon.sources.pipe import Pipe

        return (Pipe(stdin, name=name or "pipe", namespace=name, limits=limits),)
    if spec == "bluesky":
        from gnomon.sources.jetstream import DEFAULT_HOST, Jetstream

        return (Jetstream(jetstream or DEFAULT_HOST, limits=limits),)
    if spec == "feeds":
        if not feeds:
            raise InputError("no feeds are configured; set 'feeds' or give a feed's URL.")
        return tuple(_feed(url, limits, every_s) for url in feeds)
    scheme = _SCHEME.match(spec)
    if scheme:
        if scheme[1].lower() in ("http", "https"):
            return (_feed(spec, limits, every_s),)
        raise InputError(f"{spec!r} is no source: {scheme[1]} URLs are not read. Give {ACCEPTED}.")
    if spec and (Path(spec).expanduser().exists() or os.path.islink(spec)):
        from gnomon.sources.files import Files

        return (Files((spec,), namespace=name, encoding=encoding, limits=limits),)
    raise InputError(f"{spec!r} is no source: there is no such file. Give {ACCEPTED}.")


def _feed(url: str, limits: Limits, every_s: float | None) -> Source:
    from gnomon.sources.feeds import Feed

    return Feed(url, every_s=every_s, limits=limits)
