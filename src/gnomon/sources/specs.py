"""What an owner types after ``gnomon pull``, as sources (docs/sources.md lists the forms)."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO
from urllib.parse import unquote, urlsplit

from gnomon.errors import InputError, Refused
from gnomon.sources.admission import DEFAULT_LIMITS, Limits
from gnomon.sources.contract import Source
from gnomon.sources.guard import place_of

ACCEPTED = (
    "a file or folder (posts, documents, X archives, Stack Exchange dumps, ZIM, mbox), the URL of "
    "a feed, 'bluesky', 'feeds' (those of the configuration), mastodon:HOST, hn, reddit:r/NAME, "
    "x:from:HANDLE, page:URL, sitemap:URL, weibo:FILE, json:FILE --map MAPPING, map:MAPPING, or "
    "'-' for JSON lines on standard input"
)
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*)://", re.IGNORECASE)
_KIND = re.compile(r"([a-z][a-z-]*):(.+)", re.DOTALL)
_MAP = re.compile(r"\s+--map[ =](.+)", re.DOTALL)
# Kinds whose rest is a path, by which a file is named that does not say itself what it is.
FILES = ("x-archive", "x-pages", "weibo", "json", "map", "stackexchange", "zim", "mail")
_HEAD_BYTES = 4096
_HOST = re.compile(r"[\w-]+(?:\.[\w-]+)*(?::\d+)?")


@dataclass(frozen=True, slots=True)
class Access:
    """The keys with which an owner is let in: ``mastodon`` as ``HOST=TOKEN``, one for each
    instance; ``reddit`` an app's ``ID:SECRET``; ``x`` a bearer token. Never shown."""

    mastodon: Sequence[str] = field(default=(), repr=False)
    reddit: str = field(default="", repr=False)
    x: str = field(default="", repr=False)

    def token(self, host: str) -> str:
        """The token for a Mastodon instance, "" where none is set."""
        for pair in self.mastodon:
            name, _, token = pair.partition("=")
            if name.strip().lower() == host.lower():
                return token.strip()
        return ""


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What every source is made with."""

    limits: Limits
    every_s: float | None
    access: Access
    mapping: str
    name: str
    encoding: str


REMOTE = ("mastodon", "hn", "reddit", "x", "page", "sitemap", "feed")
"""Kinds of ``kind:rest`` that name something on the network."""


def make_sources(
    spec: str,
    *,
    feeds: Sequence[str] = (),
    jetstream: str = "",
    limits: Limits = DEFAULT_LIMITS,
    name: str = "",
    encoding: str = "",
    every_s: float | None = None,
    stdin: IO[bytes] | None = None,
    access: Access = Access(),
    mapping: str = "",
) -> tuple[Source, ...]:
    """The sources that ``spec`` names. ``name`` (``--name NAME``) goes before the ids of files
    and of a pipe; ``every_s`` makes what is polled poll, and what streams stream; ``stdin`` is what
    "-" reads; ``access`` holds keys; ``mapping`` (``--map FILE``, also within ``spec``) says how
    JSON is read.

    Raises InputError or ConfigError naming the value and what is accepted.
    """
    spec = spec.strip()
    within = _MAP.search(spec)
    if within:
        spec, mapping = spec[: within.start()].strip(), within[1].strip()
    wanted = _Wanted(limits, every_s, access, mapping, name, encoding)
    if spec == "-":
        if stdin is None:
            raise InputError("there is no standard input to read; give a file instead of '-'.")
        from gnomon.sources.pipe import Pipe

        return (Pipe(stdin, name=name or "pipe", namespace=name, limits=limits),)
    if spec == "bluesky":
        from gnomon.sources.jetstream import DEFAULT_HOST, Jetstream

        return (Jetstream(jetstream or DEFAULT_HOST, limits=limits),)
    if spec == "feeds":
        if not feeds:
            raise InputError("no feeds are configured; set 'feeds' or give a feed's URL.")
        return tuple(_feed(url, limits, every_s) for url in feeds)
    scheme = _SCHEME.match(spec)
    if scheme:
        if scheme[1].lower() in ("http", "https"):
            _addressed(spec)
            return (_feed(spec, limits, every_s),)
        raise InputError(f"{spec!r} is no source: {scheme[1]} URLs are not read. Give {ACCEPTED}.")
    if spec and os.path.lexists(_home(spec)):
        return (_path(_home(spec), spec, wanted),)
    kind = _KIND.fullmatch(spec)
    if kind or spec == "hn":
        source = _named(kind[1] if kind else "hn", kind[2].strip() if kind else "", wanted)
        if source is not None:
            return (source,)
    raise InputError(f"{spec!r} is no source: there is no such file. Give {ACCEPTED}.")


def _addressed(url: str) -> None:
    """Raises InputError for what no address can be made of."""
    try:
        place_of(url)
    except Refused as error:
        raise InputError(f"{url!r} cannot be followed: {error}") from error


def settled(spec: str) -> str:
    """``spec`` with its paths made absolute, so that it means the same from another folder."""
    from gnomon.sources.mapping import SHIPPED

    within = _MAP.search(spec)
    tail = ""
    if within:
        where = within[1].strip()
        tail = f" --map {where if where in SHIPPED else _home(where).absolute()}"
    head = (spec[: within.start()] if within else spec).strip()
    if os.path.lexists(_home(head)):
        return f"{_home(head).absolute()}{tail}"
    kind = _KIND.fullmatch(head)
    if kind and kind[1] in FILES:
        return f"{kind[1]}:{_home(kind[2].strip()).absolute()}{tail}"
    return head + tail


def _home(path: str) -> Path:
    """``path`` with its ``~`` followed where there is such a home: ``Path.expanduser`` fails for
    the home of nobody, and both for what no path can hold."""
    return Path(path if "\0" in path else os.path.expanduser(path))


def is_remote(spec: str) -> bool:
    """Whether ``spec`` names something on the network alone: no file of this machine, no pipe, and
    no mapping that is read from one."""
    spec = spec.strip()
    if _MAP.search(spec) or os.path.lexists(_home(spec)):
        return False
    if spec in ("bluesky", "feeds", "hn"):
        return True
    scheme, kind = _SCHEME.match(spec), _KIND.fullmatch(spec)
    if scheme:
        return scheme[1].lower() in ("http", "https")
    return kind is not None and kind[1] in REMOTE


def _named(kind: str, rest: str, wanted: _Wanted) -> Source | None:
    """The source of a ``kind:rest``, None where the kind is not known."""
    if kind in FILES:
        return _file(kind, _home(rest), wanted)
    limits, every_s = wanted.limits, wanted.every_s
    if kind == "mastodon":
        return _mastodon(rest, wanted)
    if kind == "hn":
        from gnomon.sources.hackernews import HackerNews

        return HackerNews(rest, every_s, limits)
    if kind == "reddit":
        from gnomon.sources.reddit import Reddit

        return Reddit(rest.lstrip("/"), wanted.access.reddit, every_s, limits)
    if kind == "x":
        from gnomon.sources.x_api import XApi

        return XApi(rest, wanted.access.x, every_s, limits)
    if kind in ("page", "sitemap", "feed"):
        from gnomon.sources.pages import Page, Sitemap

        _addressed(rest)
        if kind == "feed":
            return _feed(rest, limits, every_s)
        return (Page if kind == "page" else Sitemap)(rest, every_s, limits)
    return None


def _file(kind: str, path: Path, wanted: _Wanted) -> Source:
    """A file whose kind is said. Raises InputError where it is not there."""
    if not path.exists():
        raise InputError(f"{str(path)!r} is no source: there is no such file.")
    limits = wanted.limits
    if kind in ("weibo", "json", "map"):
        return _mapped(kind, path, wanted)
    if kind == "x-archive":
        from gnomon.sources.x_archive import XArchive

        return XArchive(path, limits)
    if kind == "x-pages":
        from gnomon.sources.x_pages import XPages

        return XPages(path, limits)
    if kind == "stackexchange":
        from gnomon.sources.stackexchange import StackExchange

        return StackExchange(path, wanted.name, limits)
    if kind == "zim":
        from gnomon.sources.zim import Zim

        return Zim(path, limits)
    from gnomon.sources.mailbox import Mailbox

    return Mailbox(path, limits)


def _mapped(kind: str, path: Path, wanted: _Wanted) -> Source:
    from gnomon.sources.mapped import MappedFile, MappedPages
    from gnomon.sources.mapping import load

    if kind == "map":
        return MappedPages(load(path), wanted.every_s, wanted.limits)
    where = wanted.mapping or ("weibo" if kind == "weibo" else "")
    if not where:
        raise InputError(
            f"json:{path} needs a mapping that says how its posts are read; add --map FILE."
        )
    return MappedFile(path, load(where), wanted.limits)


def _path(path: Path, spec: str, wanted: _Wanted) -> Source:
    """A file or folder, by what it is."""
    if wanted.mapping:
        return _mapped("json", path, wanted)
    kind = recognised(path)
    if kind:
        return _file(kind, path, wanted)
    from gnomon.sources.files import Files

    return Files((spec,), namespace=wanted.name, encoding=wanted.encoding, limits=wanted.limits)


def recognised(path: Path) -> str:
    """Which of FILES a file or folder is, as its first bytes tell; "" for rows and documents."""
    from gnomon.sources import mailbox, stackexchange, x_archive

    if path.is_dir():
        if x_archive.is_archive(path):
            return "x-archive"
        return "mail" if mailbox.is_maildir(path) else ""
    if not path.is_file():
        return ""
    head = _head(path)
    if head.startswith(b"ZIM\x04"):
        return "zim"
    if head.startswith(b"PK") and x_archive.is_archive(path):
        return "x-archive"
    if stackexchange.is_dump(head):
        return "stackexchange"
    return "mail" if mailbox.is_mbox(head) else ""


def _head(path: Path) -> bytes:
    """The first bytes, unpacked; b"" where they cannot be read (its source will say so)."""
    from gnomon.errors import SourceError
    from gnomon.sources.opened import opened

    try:
        with opened(path) as file:
            return file.read(_HEAD_BYTES)
    except SourceError:
        return b""


def _mastodon(rest: str, wanted: _Wanted) -> Source:
    """``HOST``, ``HOST/local``, ``HOST/tags/WORD``, ``HOST/@ACCOUNT``, or the URL of those."""
    from gnomon.sources.mastodon import Mastodon

    url = rest if _SCHEME.match(rest) else f"https://{rest}"
    parts = urlsplit(url)
    what = unquote(parts.path.strip("/"))
    what = {"": "public", "public/local": "local", "public/remote": "public"}.get(what, what)
    if parts.scheme not in ("http", "https") or not _HOST.fullmatch(parts.netloc):
        raise InputError(f"{rest!r} names no instance; give one like mastodon:mastodon.social.")
    server = f"{parts.scheme}://{parts.netloc}"
    token = wanted.access.token(parts.netloc)
    return Mastodon(server, what, token, wanted.every_s, wanted.limits)


def _feed(url: str, limits: Limits, every_s: float | None) -> Source:
    from gnomon.sources.feeds import Feed

    return Feed(url, every_s=every_s, limits=limits)
