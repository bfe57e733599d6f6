"""The list of sources that an owner follows, kept as a file that can be read and edited.

``$GNOMON_HOME/sources.json``. A server that runs sees a change within a second or two, whoever
made it: the command line, the API or an editor. Each of ours reads the file, changes it and puts it
back while it holds ``sources.lock``, so that of two at once neither is lost.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from gnomon.errors import ConfigError, InputError, NotFound

DEFAULTS = ("bluesky", "feeds")


@dataclass(frozen=True, slots=True)
class Followed:
    """One line of the list. ``spec`` is what `gnomon pull` takes; ``every_s`` is how often a
    source that is polled is asked (None: its own default); ``added_at`` is epoch seconds."""

    spec: str
    every_s: float | None = None
    paused: bool = False
    added_at: float | None = None


class SourceList:
    """The file at ``path``. Without one, the list is DEFAULTS."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def stamp(self) -> tuple[int, int]:
        """Changes whenever the file does."""
        try:
            held = self._path.stat()
        except FileNotFoundError:
            return (0, 0)
        return (held.st_mtime_ns, held.st_size)

    def read(self) -> list[Followed]:
        """Raises ConfigError naming what in the file cannot be read."""
        try:
            text = self._path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return [Followed(spec) for spec in DEFAULTS]
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(
                f"{self._path} cannot be read ({error}); mend or remove it."
            ) from error
        try:
            rows = json.loads(text)["sources"]
            return [_followed(row) for row in rows]
        except (ValueError, LookupError, TypeError) as error:
            raise ConfigError(
                f"{self._path} is not the list that gnomon writes ({error}); mend it, or remove it "
                "to go back to the default sources."
            ) from error

    def add(self, spec: str, *, every_s: float | None, now: float) -> Followed:
        """Raises InputError where it is there already, ConfigError as ``read``."""
        made = Followed(spec, every_s, added_at=now)
        with self._changing() as rows:
            if any(row.spec == spec for row in rows):
                raise InputError(f"{spec!r} is followed already; `gnomon sources list` shows it.")
            rows.append(made)
        return made

    def pause(self, spec: str, paused: bool) -> Followed:
        """Raises NotFound, ConfigError as ``read``."""
        with self._changing() as rows:
            at = self._place(rows, spec)
            rows[at] = replace(rows[at], paused=paused)
        return rows[at]

    def remove(self, spec: str) -> Followed:
        """What was taken in from it stays. Raises NotFound, ConfigError as ``read``."""
        with self._changing() as rows:
            return rows.pop(self._place(rows, spec))

    def _place(self, rows: Sequence[Followed], spec: str) -> int:
        for at, row in enumerate(rows):
            if row.spec == spec:
                return at
        known = ", ".join(repr(row.spec) for row in rows[:8]) or "none"
        raise NotFound(f"{spec[:200]!r} is not followed; followed are: {known}.")

    @contextmanager
    def _changing(self) -> Iterator[list[Followed]]:
        """The list, to be changed in place; it is written when the block ends without an error.
        Nobody else changes it meanwhile, in this process or in another."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            # A file of its own: the list's is another one after each change.
            lock = os.open(self._path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise ConfigError(f"{self._path} cannot be changed ({error}).") from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            rows = self.read()
            yield rows
            write_whole(self._path, {"sources": [_plain(row) for row in rows]})
        finally:
            os.close(lock)


def write_whole(path: Path, value: Any) -> None:
    """JSON under its name only once it is whole; others of this machine cannot read it (a feed's
    address may hold a secret)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    making = path.with_suffix(f".{os.getpid()}")
    descriptor = os.open(making, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(value, file, ensure_ascii=False, indent=1)
    making.replace(path)


def _plain(row: Followed) -> Mapping[str, Any]:
    """A row without what is as by default."""
    blank = Followed(row.spec)
    return {
        name: value
        for name, value in asdict(row).items()
        if name == "spec" or value != getattr(blank, name)
    }


_READ: Mapping[str, Callable[[Any], Any]] = {
    "spec": str,
    "every_s": float,
    "paused": bool,
    "added_at": float,
}


def _followed(row: Any) -> Followed:
    if not isinstance(row, dict) or not isinstance(row.get("spec"), str) or not row["spec"].strip():
        raise ValueError(f"{str(row)[:80]!r} has no 'spec'")
    names = {f.name for f in fields(Followed)}
    known = {k: _READ[k](v) for k, v in row.items() if k in names and v is not None}
    return Followed(**known)
