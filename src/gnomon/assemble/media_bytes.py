"""The bytes of what came with a post: fetched through the guarded network, or read from beside the
files that posts came from."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from gnomon.errors import InputError, SourceError
from gnomon.sources.contract import Fetch

if TYPE_CHECKING:
    from gnomon.sources.network import Network

MOST = 4
"""Pictures of one post: what the networks allow in one."""
MAX_BYTES = 20_000_000
TIMEOUT_S = 20.0


def is_url(media: str) -> bool:
    return media.lower().startswith(("http://", "https://"))


def fetched(url: str, network: Network, stop: threading.Event | None = None) -> bytes:
    """A stranger gave the address: private ones are out of reach, the owner's own servers too.
    Raises Refused, Unreachable, SourceError."""
    wish = Fetch(url, max_bytes=MAX_BYTES, timeout_s=TIMEOUT_S, stranger=True)
    answer = network.fetch(wish, stop)
    if answer.status != 200:
        raise SourceError(f"The picture's host answered {answer.status}.")
    return answer.body


def beside(media: str, folders: Iterable[Path]) -> bytes:
    """A picture in one of ``folders``, and nowhere else. Raises InputError."""
    for folder in folders:
        path = (folder / media).resolve()
        if not path.is_relative_to(folder.resolve()) or not path.is_file():
            continue
        if path.stat().st_size > MAX_BYTES:
            raise InputError(f"The picture is over {MAX_BYTES:,} bytes.")
        return path.read_bytes()
    raise InputError(
        "The picture has no address on the web and does not lie beside the files that posts "
        "are read from (--file)."
    )
