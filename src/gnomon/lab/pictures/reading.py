"""Where pictures come from: the sets that were named, the owner's folders, the record's posts."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gnomon.errors import InputError
from gnomon.lab.command import Bench
from gnomon.lab.pictures import emoji_sets, folder, openclipart, posts, stamps
from gnomon.lab.pictures.emoji import Names, read_names
from gnomon.lab.pictures.found import Offers
from gnomon.lab.pictures.packages import NAMES, PACKAGES, SETS, PictureSet, obtain

if TYPE_CHECKING:
    from gnomon.lab.pictures.stage import Settings

CACHE = "packages"
"""Below ``<home>/lab``: archives that were fetched, for every run."""


def check(settings: Settings) -> None:
    """Raises InputError, naming it, for a set that is not known or a folder that is not there."""
    for name in settings.sets:
        if name not in SETS:
            raise InputError(f"{name!r} is no set of pictures; there are: {', '.join(SETS)}.")
    for place in (settings.packages, *settings.folders):
        if place and not Path(place).expanduser().is_dir():
            raise InputError(f"{place!r} is no folder; give one that is there.")


def marks(settings: Settings) -> dict[str, Any]:
    """What names the archives and the owner's files, for the inputs of the stage."""
    check(settings)
    found: dict[str, Any] = {}
    for name in settings.sets:
        package = PACKAGES[SETS[name].package]
        found[package.name] = package.sha256
    for place in settings.folders:
        files = [p for p in sorted(Path(place).expanduser().rglob("*")) if p.is_file()]
        states = [file.stat() for file in files]
        found[place] = [len(files), sum(s.st_size for s in states),
                        max((s.st_mtime_ns for s in states), default=0)]  # fmt: skip
    return found


def read(bench: Bench, settings: Settings) -> Offers:
    """Every picture of every source, or why it is left out. Raises InputError, ModelMismatch,
    Unreachable."""
    cache = bench.home / "lab" / CACHE
    given = Path(settings.packages).expanduser() if settings.packages else None

    def archive(package: str) -> Path:
        return obtain(PACKAGES[package], cache, given, bench.reporter)

    names = read_names(archive(NAMES)) if settings.sets else Names((), {})
    elder: dict[str, str] = {}
    for package in ("@iconify-json/noto", "@iconify-json/fluent-emoji-flat"):
        if any(SETS[name].package in _UNCODED for name in settings.sets):
            elder = {**elder, **emoji_sets.elder_names(archive(package))}
    for name in settings.sets:
        what = SETS[name]
        offers = _offers(archive(what.package), what, names, elder)
        yield from islice(offers, settings.limit or None)
    for place in settings.folders:
        yield from islice(folder.pictures(Path(place).expanduser(), names), settings.limit or None)
    if settings.posts:
        offers = posts.pictures(
            bench, names, fetch=settings.fetch, left_out=settings.left_out
        )  # fmt: skip
        yield from islice(offers, settings.limit or None)


_UNCODED = frozenset({"@iconify-json/noto-v1", "@iconify-json/fluent-emoji",
                      "@iconify-json/fxemoji"})  # fmt: skip
"""Packages that do not tell the codes of their emoji."""


def _offers(archive: Path, what: PictureSet, names: Names, elder: Mapping[str, str]) -> Offers:
    if what.name == "fluent-3d":
        return emoji_sets.fluent_3d(archive, what, names)
    if what.name == "openmoji":
        return emoji_sets.openmoji(archive, what, names)
    if what.name == "openclipart":
        return openclipart.drawings(archive, what, names)
    if what.name == "tuxpaint":
        return stamps.stamps(archive, what, names)
    return emoji_sets.iconify(archive, what, names, elder)
