"""Every error that gnomon raises on purpose.

    GnomonError
    ├── ConfigError          a setting that cannot be used
    ├── InputError           a question, file or value that cannot be used
    │   ├── Unsupported      a file in a format that is not read here
    │   └── Forbidden        a picture that the owner's policy refuses
    ├── NotFound             a post, answer, model or source that is not here
    ├── SourceError          a source that could not be read
    │   ├── Refused          a fetch that our own rules forbid (robots, private address, too large)
    │   └── Unreachable      the network or the other side failed; worth another try
    ├── StoreError           the record or a view failed
    │   ├── StoreFull        no space left on the disk, or over the owner's limit
    │   └── StoreBusy        another process is writing
    └── ModelError           a model failed
        ├── ModelMissing     no such model here; the message says how to get it
        ├── ModelMismatch    the bytes are not the publisher's: refused
        └── ModelTimeout     it did not answer within the deadline

Foreign errors are translated where they enter. A message quotes the value and names the next step.
"""

from __future__ import annotations

import shlex
import sys
from contextlib import suppress
from pathlib import Path


def pip_install(package: str) -> str:
    """The command that brings ``package`` to the Python that runs gnomon: a bare ``pip`` is often
    another's, and many systems refuse to use their own."""
    python = Path(sys.executable)
    with suppress(OSError, ValueError):
        python = python.relative_to(Path.cwd())
    return f"{shlex.quote(str(python))} -m pip install {shlex.quote(package)}"


class GnomonError(Exception):
    """Base of the tree. ``str(error)`` is one clear sentence for a person."""


class ConfigError(GnomonError):
    """A setting that cannot be used."""


class InputError(GnomonError):
    """A question, file or value that cannot be used."""


class Unsupported(InputError):
    """A file in a format that is not read here."""


class Forbidden(InputError):
    """A picture that the owner's policy refuses. ``kind`` and ``rule`` name what it breaks, and
    ``reference`` the entry of the owner's log."""

    def __init__(self, message: str, *, kind: str, rule: str, reference: str) -> None:
        super().__init__(message)
        self.kind, self.rule, self.reference = kind, rule, reference


class NotFound(GnomonError):
    """A post, answer, model or source that is not here."""


class SourceError(GnomonError):
    """A source that could not be read."""


class Refused(SourceError):
    """A fetch that our own rules forbid: robots, a private address, a body over the cap."""


class Unreachable(SourceError):
    """The network or the other side failed; another try may succeed.

    ``retry_after_s`` is what the other side asked for, if it did.
    """

    def __init__(self, message: str, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class StoreError(GnomonError):
    """The record or a view failed."""


class StoreFull(StoreError):
    """No space is left, on the disk or under the owner's limit."""


class StoreBusy(StoreError):
    """Another process holds the writer's place."""


class ModelError(GnomonError):
    """A model failed."""


class ModelMissing(ModelError):
    """No such model on this machine."""


class ModelMismatch(ModelError):
    """The bytes are not the ones that the publisher's SHA-256 names."""


class ModelTimeout(ModelError):
    """The model did not answer within the deadline."""
