"""Signing what is made here, and reading what others signed."""

from __future__ import annotations

import threading
import time
from functools import cached_property

from gnomon import __version__
from gnomon.config import Config
from gnomon.provenance import manifest, reader
from gnomon.provenance.keys import Key, Keys
from gnomon.types.provenance import Made, Provenance

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

    def sign(self, data: bytes, mime: str, made: Made) -> bytes:
        """``data`` with a manifest in it; a format that can carry none comes back as it is."""
        return manifest.sign(data, mime, made, self.key(), GENERATOR)

    def sidecar(self, data: bytes, mime: str, made: Made) -> bytes:
        """A manifest to lie beside ``data`` as a ``.c2pa`` file."""
        return manifest.sidecar(data, mime, made, self.key(), GENERATOR)

    def read(self, data: bytes, mime: str = "") -> Provenance:
        """What the manifest of a file says, and whether it holds."""
        return reader.read(data, mime, self.keys.all(), self.keys.trusted())
