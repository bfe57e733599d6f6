"""Who made what: signatures, receipts, the pictures of posts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from gnomon.types.provenance import Made, MediaCheck, ReceiptCheck
from gnomon.types.provenance import Provenance as Origins


class Provenance(Protocol):
    """What is made here is signed, and what others signed is read (C2PA)."""

    def sign(self, data: bytes, mime: str, made: Made) -> bytes:
        """``data`` with a manifest in it; a format that can carry none comes back as it is (see
        ``sidecar``). The key is made by its first use. Raises InputError where ``data`` is not of
        the type, ConfigError without ``gnomon[provenance]``, StoreError."""
        ...

    def sidecar(self, data: bytes, mime: str, made: Made) -> bytes:
        """A manifest to lie beside ``data`` as a ``.c2pa`` file. Raises as ``sign``."""
        ...

    def read(self, data: bytes | Path, mime: str = "", *, sidecar: bytes = b"") -> Origins:
        """What the manifest of anybody's file says and whether it holds, read in a confined
        process. ``mime`` is only a hint; the bytes decide. ``sidecar`` is a manifest that lies
        beside the file. Raises Unsupported, InputError,
        SourceError, ConfigError."""
        ...

    def about(self) -> Mapping[str, Any]:
        """Plain JSON: our own ``keys`` (``id``, ``since``, ``until``, ``retired``, ``public`` and
        ``root`` as PEM), how many certificates are ``trusted``."""
        ...


class MediaChecks(Protocol):
    """Who signed the pictures that came with posts."""

    def check(self, post: str) -> Sequence[MediaCheck]:
        """Fetch and look at the pictures of a held post now; only the verdicts are kept
        (``PostView.media_checks``). Raises NotFound, ConfigError, StoreError."""
        ...


class Receipts(Protocol):
    """The signed receipts of what is in the journal."""

    def show(self, id: str) -> Mapping[str, Any]:
        """The receipt of an answer or a check, to take away: ``statement``, ``jws``, ``leaves``,
        the ``answer``, ``public_key``. Raises NotFound, StoreError."""
        ...

    def verify(self, given: Mapping[str, Any], public: str = "") -> ReceiptCheck:
        """Whether a receipt holds, by our own keys or the ``public`` one (PEM). Raises
        InputError."""
        ...
