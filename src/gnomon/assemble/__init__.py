"""Config to live objects: the only place that knows concrete classes.

``open_gnomon(config)`` gives a ``Gnomon``: what the command line and the server work with.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from gnomon import sample
from gnomon.assemble.checking import open_document
from gnomon.assemble.intake import nothing_in
from gnomon.assemble.models import (
    chat_choice,
    embed_choice,
    load_chat,
    load_embed,
    model_rows,
    move_model,
)
from gnomon.assemble.product import Gnomon
from gnomon.config import Config
from gnomon.errors import InputError, StoreBusy
from gnomon.ingest import Report, ingest, take
from gnomon.sources.files import Files
from gnomon.store.engine import open_store
from gnomon.store.memory import MemoryStore

__all__ = [
    "DEFAULT_MODELS",
    "Gnomon",
    "Report",
    "has_network",
    "load_chat",
    "load_embed",
    "model_rows",
    "move_model",
    "open_document",
    "open_files",
    "open_for_asking",
    "open_for_serving",
    "open_gnomon",
    "open_sample",
]

DEFAULT_MODELS = ("smollm2-135m-instruct", "multilingual-e5-small-q4")
PROBE_TIMEOUT_S = 4.0


def open_gnomon(config: Config, *, readonly: bool = False) -> Gnomon:
    """gnomon over the owner's store. ``readonly`` makes and changes nothing: where there is no
    store yet, it is an empty one in memory.

    Raises StoreError (StoreBusy when another process writes).
    """
    if readonly and not (config.store_dir / "record.db").exists():
        return Gnomon(config, MemoryStore())
    # Retention keeps all of the store under the owner's limit; the record may be no more than that.
    limit = config.max_disk_mb * 2**20
    store = open_store(config.store_dir, readonly=readonly, max_bytes=limit)
    return Gnomon(config, store, reader="the store is only read" if readonly else "")


def open_for_asking(config: Config, *, make: bool = False) -> Gnomon:
    """gnomon over the owner's store, beside another process that writes if there is one.

    Then the store is only read, and answers are not journalled: they have no id, and
    ``Gnomon.unkept`` says so. Where there is no store yet, ``make`` makes one. Raises StoreError.
    """
    if not make and not (config.store_dir / "record.db").exists():
        return open_gnomon(config, readonly=True)
    try:
        return open_gnomon(config)
    except StoreBusy:
        store = open_store(config.store_dir, readonly=True)
        return Gnomon(
            config,
            store,
            reader="another process (gnomon serve, pull or ask) has the store open for writing; "
            "ask on the page of gnomon serve, or once it is done, to keep the answer",
        )


def open_files(config: Config, paths: Sequence[str | Path]) -> Gnomon:
    """gnomon over files alone, in memory: nothing of the owner's store is read or written.

    What in them could not be taken in is in ``status``. Raises InputError for a path that cannot
    be read.
    """
    store = MemoryStore()
    gnomon = Gnomon(config, store)
    given = [Path(path) for path in paths]
    gnomon.post_pictures.files = tuple(map(str, paths))
    gnomon.media_checks.folders = tuple(p if p.is_dir() else p.parent for p in given)
    from gnomon.sources.network import Network

    source = Files([str(path) for path in paths], limits=gnomon.limits())
    with Network() as network:
        report = ingest(source, store, network=network)
    if report.error:
        raise InputError(report.error)
    if not (report.posts or report.set_aside):
        raise InputError(nothing_in(", ".join(map(str, paths))))
    return gnomon


def open_sample(config: Config) -> Gnomon:
    """gnomon over the sample world (fiction), in memory, at the sample's own time."""
    store = MemoryStore()
    for batch in sample.batches():
        take(batch, store)
    return Gnomon(config, store, now=lambda: sample.NOW, is_sample=True)


@contextmanager
def open_for_serving(
    config: Config,
    *,
    files: Sequence[str | Path] = (),
    use_sample: bool = False,
    live: bool = False,
    say: Callable[[str], None] = lambda text: None,
) -> Iterator[Gnomon]:
    """gnomon as the server needs it: over files, the sample world, or the owner's store.

    With ``live``, sources are followed in the background and the small models are fetched; where
    neither posts nor a network are there, it opens the sample world and says so. ``say`` gets a
    sentence about each of these choices.

    Raises ModelMissing for a model that was asked for by name and is not here, StoreError,
    InputError, ConfigError.
    """
    chat_choice(config)
    embed_choice(config)
    if files:
        gnomon = open_files(config, files)
    elif use_sample:
        gnomon = open_sample(config)
    else:
        gnomon = open_gnomon(config)
        online = live and has_network(config)
        if live and not online:
            say("No network: live sources are not followed.")
        if not online and not gnomon.store.status().posts:
            gnomon.close()
            say("Nothing is held yet: this is the sample world, a fictional town.")
            gnomon = open_sample(config)
        elif online:
            gnomon.go_live()
            say(f"Taking in live public posts: {gnomon.supply.spoken()}.")
    with gnomon:
        if live:
            gnomon.setup.pull_missing(DEFAULT_MODELS)
        gnomon.embed_in_background()
        gnomon.keep_pictures_in_background()
        gnomon.rise_in_background()
        gnomon.digest_every_day()
        yield gnomon


def has_network(config: Config) -> bool:
    """Whether the Jetstream host or the first feed's host can be reached (a TCP connection)."""
    urls = (config.jetstream, *config.feeds[:2])

    def reaches(url: str) -> bool:
        try:
            place = urlsplit(url)
            port = place.port or (443 if place.scheme in ("https", "wss") else 80)
            with socket.create_connection((place.hostname or "", port), PROBE_TIMEOUT_S):
                return True
        except (OSError, ValueError):  # ValueError: no host or port that could be one
            return False

    if config.proxy:
        return True  # names resolve at the proxy; the sources themselves will tell
    pool = ThreadPoolExecutor(len(urls))
    try:
        return any(pool.map(reaches, urls, timeout=PROBE_TIMEOUT_S + 1))
    except TimeoutError:  # a name look-up that hangs
        return False
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
