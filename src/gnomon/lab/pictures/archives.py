"""Files out of a package, one at a time and into memory: nothing is unpacked to the disk.

A package is a stranger's archive. No name of a member is ever used as a path of this machine, links
and devices are passed over, and each member, and all of them, are bounded.
"""

from __future__ import annotations

import lzma
import struct
import tarfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from gnomon.errors import InputError

MEMBER_BYTES = 128 * 2**20
ALL_BYTES = 2 * 2**30
_AR, _AR_ENTRY = b"!<arch>\n", struct.Struct("16s12s6s6s8s10s2s")
"""The archive format of Debian's packages, https://manpages.debian.org/deb.5."""


def members(path: Path, wanted: Callable[[str], bool]) -> Iterator[tuple[str, bytes]]:
    """Name and bytes of every plain file in a .tgz of npm or a .deb whose name is ``wanted``; names
    are without "./". Raises InputError for an archive that is damaged or too large."""
    total = 0
    try:
        with _tar(path) as tar:
            for member in tar:
                name = member.name.removeprefix("./")
                if not member.isfile() or not wanted(name):
                    continue
                total += member.size
                if member.size > MEMBER_BYTES or total > ALL_BYTES:
                    raise InputError(
                        f"{path.name} holds more than it may ({name!r}: {member.size:,} bytes); "
                        "it is not the package it should be."
                    )
                file = tar.extractfile(member)
                assert file is not None, name
                yield name, file.read()
    except (tarfile.TarError, lzma.LZMAError, zlib.error, EOFError, OSError) as error:
        raise InputError(f"{path} is damaged ({error}); delete it and fetch it again.") from error


@contextmanager
def _tar(path: Path) -> Iterator[tarfile.TarFile]:
    with path.open("rb") as file:
        if file.read(len(_AR)) == _AR:
            _to_data(file, path)
        else:
            file.seek(0)
        with tarfile.open(fileobj=file, mode="r|*") as tar:
            yield tar


def _to_data(file: IO[bytes], path: Path) -> None:
    """Stand at the first byte of ``data.tar.*`` of a Debian package."""
    while header := file.read(_AR_ENTRY.size):
        if len(header) < _AR_ENTRY.size:
            break
        name, *_, size, _end = _AR_ENTRY.unpack(header)
        if name.startswith(b"data.tar"):
            return
        try:
            length = int(size)
        except ValueError:
            break
        file.seek(length + length % 2, 1)
    raise InputError(f"{path} is no Debian package with files in it; fetch it again.")
