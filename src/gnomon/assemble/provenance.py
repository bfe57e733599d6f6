"""Signing what is made here, and reading what others signed."""

from __future__ import annotations

import threading
import time
from functools import cached_property
from pathlib import Path
from typing import Any

from gnomon import __version__
from gnomon.config import Config
from gnomon.errors import InputError
from gnomon.provenance import manifest, pixels, reader
from gnomon.provenance.keys import Key, Keys
from gnomon.provenance.media import plain
from gnomon.types.provenance import Made, Provenance
from gnomon.wire import iso

GENERATOR = ("gnomon", __version__)


class Signed:
    """The real ``serve.contract.Provenance``. Thread-safe.

    Certificates are judged by the clock on the wall, so keys are, too: the sample world's own time
    is not theirs.
    """

    def __init__(self, config: Config) -> None:
        self._config = config
        self._lock = threading.Lock()

    @cached_property
    def keys(self) -> Keys:
        return Keys(self._config.home / "provenance")

    def key(self) -> Key:
        """The key to sign with; made by its first use. Raises StoreError, ConfigError."""
        with self._lock:
            return self.keys.current(time.time())

    @staticmethod
    def now() -> float:
        """The clock on the wall."""
        return time.time()

    def sign(self, data: bytes, mime: str, made: Made) -> bytes:
        """``data`` with a manifest in it; a format that can carry none comes back as it is. A
        picture gets the invisible mark first, unless the owner said no."""
        manifest.library()
        key = self.key()
        if made.kind == "picture" and self._config.watermark and plain(mime) in pixels.MARKED:
            data = pixels.marked(data, plain(mime), key.mark)
        return manifest.sign(data, mime, made, key, GENERATOR)

    def sidecar(self, data: bytes, mime: str, made: Made) -> bytes:
        """A manifest to lie beside ``data`` as a ``.c2pa`` file."""
        return manifest.sidecar(data, mime, made, self.key(), GENERATOR)

    def read(self, data: bytes | Path, mime: str = "", *, sidecar: bytes = b"") -> Provenance:
        """What the manifest of a file says, and whether it holds. Raises Unsupported, InputError,
        SourceError, ConfigError."""
        held = data if isinstance(data, bytes) else self._bytes(data)
        return reader.read(held, mime, self.keys.all(), self.keys.trusted(), sidecar=sidecar)

    def read_file(self, path: Path) -> Provenance:
        """As ``read``; a manifest that lies beside the file, as ``NAME.c2pa``, is taken too."""
        beside = path.with_name(f"{path.name}.c2pa")
        return self.read(path, path.name, sidecar=self._bytes(beside) if beside.is_file() else b"")

    def about(self) -> dict[str, Any]:
        """Plain JSON: the keys, the newest first, and how many certificates are trusted."""
        return {
            "keys": [
                {
                    "id": key.id,
                    "since": iso(key.since),
                    "until": iso(key.until),
                    "retired": key.retired,
                    "public": key.public,
                    "root": key.root,
                }
                for key in self.keys.all()
            ],
            "trusted": self.keys.trusted().count("BEGIN CERTIFICATE"),
            "trust_list": str(self.keys.folder / "trusted.pem"),
        }

    def rotate(self) -> Key:
        """A new key in place of the old one; what that signed goes on being verified."""
        with self._lock:
            return self.keys.rotate(time.time())

    @staticmethod
    def _bytes(path: Path) -> bytes:
        try:
            size = path.stat().st_size
            if size > reader.BOUNDS.max_bytes:
                raise InputError(
                    f"{str(path)!r} is {size:,} bytes, over {reader.BOUNDS.max_bytes:,}; "
                    "give a smaller file."
                )
            return path.read_bytes()
        except OSError as error:
            raise InputError(f"{str(path)!r} cannot be read ({error.strerror}).") from error
