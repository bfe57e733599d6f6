"""The archive that X sends an account's owner.

The archive (a folder or .zip; https://help.x.com/en/managing-your-account/how-to-download-your-x-
archive) holds ``data/tweets.js`` and its parts. Only public posts are read: no messages, no circle
posts, nothing of a protected account; ``deleted-tweets.js`` says what the author deleted, and is
obeyed. Nothing of a .zip is unpacked to disk, and what unpacks to more than it can be is refused.
"""

from __future__ import annotations

import io
import json
import re
import struct
import time
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gnomon.errors import InputError, SourceError
from gnomon.sources import tables
from gnomon.sources.admission import DEFAULT_LIMITS, Limits, admit, quoted, set_aside
from gnomon.sources.contract import Steps
from gnomon.sources.gather import Gathered
from gnomon.sources.lines import Encoding
from gnomon.sources.rows import post_from_row
from gnomon.sources.shapes import (
    array,
    filled,
    loads,
    mapping,
    mappings,
    moment_iso,
    name_of,
    string,
    strings,
)
from gnomon.sources.tables import Position, Record
from gnomon.sources.x_posts import NETWORK, SITE, plain, post_id
from gnomon.types import Deletion, Post, SetAside

_TWEETS = re.compile(r"(?:^|/)data/(?:tweets?|community-tweet)(?:-part\d+)?\.js")
_DELETED = re.compile(r"(?:^|/)data/deleted-tweets?(?:-part\d+)?\.js")
_NOTES = re.compile(r"(?:^|/)data/note-tweet(?:-part\d+)?\.js")
# JSON packs to a tenth; a hundredth is a bomb.
MOST_UNPACKED = 8 * 2**30
MOST_RATIO = 200
MOST_SMALL_FILE = 64 * 2**20
_NOTE_KEY_CHARS = 60
# What zipfile lets through from a damaged or locked file.
_READING = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    NotImplementedError,
    OSError,
    RuntimeError,
    ValueError,
)


def is_archive(path: Path) -> bool:
    """Whether a folder or .zip is an archive of X."""
    try:
        if path.is_dir():
            return (path / "data" / "account.js").is_file()
        if not zipfile.is_zipfile(path):
            return False
        with zipfile.ZipFile(path) as packed:
            return any(re.search(r"(?:^|/)data/account\.js$", one) for one in packed.namelist())
    except (zipfile.BadZipFile, OSError, ValueError):
        return False


@dataclass
class XArchive:
    """``path`` is the archive's folder or .zip."""

    path: Path
    limits: Limits = DEFAULT_LIMITS
    now: Callable[[], float] = time.time
    name: str = field(default="", init=False)
    _author: str = field(default="", init=False)
    _about: dict[str, Any] = field(default_factory=dict, init=False)
    _notes: dict[str, list[str]] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        self.path = Path(self.path).expanduser().absolute()
        self.name = f"{NETWORK}-archive:{self.path.name}"

    def steps(self, cursor: str | None) -> Steps:
        """Read it once. Raises SourceError where it is no archive, or its account is protected."""
        done, at = _read_cursor(cursor, self._mark())
        try:
            with _opened(self.path) as files:
                self._account(files)
                self._read_notes(files)
                for name in files.names:
                    kind = "tweets" if _TWEETS.search(name) else "deleted"
                    if kind == "deleted" and not _DELETED.search(name):
                        continue
                    if name not in done:
                        yield from self._file(files, name, kind, done, at.pop(name, 0))
                        done.append(name)
        except _READING as error:
            raise SourceError(
                f"{self.path.name!r} cannot be read ({str(error)[:120]}); download it again."
            ) from error
        yield Gathered(self.name).take(self._cursor(done))

    def _account(self, files: _Files) -> None:
        """Whose archive it is. Raises SourceError for a protected account."""
        account = mapping(mapping(_first(files, "account.js")).get("account"))
        self._author = string(account.get("username")) or name_of(account.get("accountId"))
        if not self._author:
            raise SourceError(
                f"{self.path.name!r} is no archive of X: its data/account.js names no account."
            )
        changes = [
            mapping(one.get("protectedHistory")) for one in _items(files, "protected-history.js")
        ]
        changes.sort(key=lambda one: string(one.get("protectedAt")))
        if changes and changes[-1].get("action") == "Protect":
            raise SourceError(
                f"@{self._author} is protected: its posts are not public, and not taken in."
            )
        self._about = filled(
            name=string(account.get("accountDisplayName")),
            author_id=name_of(account.get("accountId")),
            account_created_at=moment_iso(account.get("createdAt")),
        )

    def _read_notes(self, files: _Files) -> None:
        """Long posts stand in a file of their own, and are told by how they begin."""
        self._notes = {}
        for name in files.names:
            if _NOTES.search(name):
                for record in files.items(name, 0):
                    note = mapping(mapping(record.row or {}).get("noteTweet"))
                    text = string(mapping(note.get("core")).get("text"))
                    if text:
                        self._notes.setdefault(text[:_NOTE_KEY_CHARS], []).append(text)

    def _file(self, files: _Files, name: str, kind: str, done: list[str], at: int) -> Steps:
        full = Gathered(self.name)
        for record in files.items(name, at):
            things = self._tweet(name, record) if kind == "tweets" else self._deleted(record)
            for thing in things:
                if full.undoes(thing):
                    yield full.take(None)
                full.add(thing)
            if full.ready:
                yield full.take(self._cursor(done, name, record.after.at))
        if full:
            yield full.take(self._cursor([*done, name]))

    def _tweet(self, name: str, record: Record) -> Iterator[Post | SetAside]:
        now, where = self.now(), f"{self.path.name}/{name}, {record.where}"
        if record.row is None:
            yield set_aside(self.name, where, record.problem, now, record.raw)
            return
        row = mapping(record.row.get("tweet")) or record.row
        if name_of(row.get("id_str") or row.get("id")) != _versions(row)[-1]:
            return  # an earlier version: the last one stands in the archive, too
        try:
            post = self._post(row, now)
        except InputError as error:
            yield set_aside(self.name, where, str(error), now)
            return
        yield admit(post, now=now, limits=self.limits) or post

    def _post(self, row: Mapping[str, Any], now: float) -> Post:
        number, first = name_of(row.get("id_str") or row.get("id")), _versions(row)[0]
        entities, urls = (
            mapping(row.get("entities")),
            mappings(mapping(row.get("entities")).get("urls")),
        )
        media = mappings(mapping(row.get("extended_entities")).get("media")) or mappings(
            entities.get("media")
        )
        text = string(row.get("full_text")) or row.get("text")
        if not isinstance(text, str) or not number.isdigit():
            raise InputError(f"{str(row)[:60]!r} is no post of X: it lacks id_str or full_text.")
        pictures = [{**one, "display_url": "pic.x.com/"} for one in media]
        reply = name_of(row.get("in_reply_to_status_id_str"))
        sensitive = row.get("possibly_sensitive") is True
        fields = {
            "id": post_id(first),
            "text": self._long(plain(text, [*urls, *pictures])),
            "author": self._author,
            "created_at": row.get("created_at"),
            "lang": "" if string(row.get("lang")) in ("und", "zxx") else string(row.get("lang")),
            "url": f"{SITE}/{self._author}/status/{number}",
            "reply_to": post_id(reply) if reply else None,
            "links": list(strings(string(one.get("expanded_url")) for one in urls)),
            "media": list(strings(_file(one) for one in media)),
            "labels": ["sensitive", "adult"] if sensitive and media else [],
            "counts": {
                ours: int(count)
                for ours, theirs in (("likes", "favorite_count"), ("reposts", "retweet_count"))
                if (count := name_of(row.get(theirs))).isdigit() and len(count) < 19
            },
        }
        extra = filled(
            **self._about,
            tags=list(strings(string(t.get("text")) for t in mappings(entities.get("hashtags")))),
            mentions=list(
                strings(
                    string(u.get("screen_name")) for u in mappings(entities.get("user_mentions"))
                )
            ),
            alt=list(strings(string(one.get("ext_alt_text")) for one in media)),
            versions=_versions(row) if number != first else [],
        )
        return post_from_row({**fields, "extra": extra}, source=self.name, fetched_at=now)

    def _long(self, text: str) -> str:
        """The whole of a long post whose beginning is ``text``."""
        begins = text.rstrip("…. ")
        for note in self._notes.get(text[:_NOTE_KEY_CHARS], ()):
            if note.startswith(begins[:240]):
                return note
        return text

    def _deleted(self, record: Record) -> Iterator[Deletion]:
        row = mapping(mapping(record.row or {}).get("tweet"))
        first = _versions(row)[0]
        if first.isdigit():
            yield Deletion(self.name, self.now(), post=post_id(first))

    def _mark(self) -> str:
        try:
            state = self.path.stat()
        except OSError as error:
            raise SourceError(f"{str(self.path)!r} cannot be read ({error.strerror}).") from error
        return f"{state.st_size}:{state.st_mtime_ns}"

    def _cursor(self, done: list[str], name: str = "", at: int = 0) -> str:
        value = {"mark": self._mark(), "done": done, "at": {name: at} if name else {}}
        return json.dumps(value, separators=(",", ":"))


def _read_cursor(cursor: str | None, mark: str) -> tuple[list[str], dict[str, int]]:
    try:
        value = mapping(json.loads(cursor or "{}"))
    except ValueError:
        value = {}
    if value.get("mark") != mark:
        return [], {}
    at = {name: n for name, n in mapping(value.get("at")).items() if isinstance(n, int)}
    return [string(one) for one in array(value.get("done"))], at


def _versions(row: Mapping[str, Any]) -> list[str]:
    info = mapping(row.get("edit_info"))
    edit = mapping(info.get("edit"))
    known = mapping(info.get("initial")) or mapping(edit.get("editControlInitial")) or edit
    numbers = [name_of(one) for one in array(known.get("editTweetIds"))]
    numbers = sorted((one for one in numbers if one.isdigit()), key=int)
    return numbers or [name_of(row.get("id_str") or row.get("id") or row.get("tweet_id"))]


def _file(media: Mapping[str, Any]) -> str:
    films = mappings(mapping(media.get("video_info")).get("variants"))
    films = [one for one in films if one.get("content_type") == "video/mp4"]
    rates = [int(name_of(one.get("bitrate")) or 0) if name_of(one.get("bitrate")).isdigit() else 0
             for one in films]  # fmt: skip
    best = string(films[rates.index(max(rates))].get("url")) if films else ""
    return best or string(media.get("media_url_https"))


# -- the files of an archive ---------------------------------------------------------------------


@dataclass(frozen=True)
class _Files:
    """The .js files of an archive: ``names`` in order, read as the JSON after ``... = ``."""

    names: tuple[str, ...]
    open: Callable[[str], Any]

    def items(self, name: str, at: int) -> Iterator[Record]:
        """The items of the file's array from number ``at`` on."""
        with self.open(name) as raw:
            file = io.BufferedReader(raw)
            start = file.peek(4096)[:4096].find(b"[")
            if start < 0:
                yield Record("its beginning", Position(0), problem="it holds no list of posts.")
                return
            yield from tables.read_json_array(
                file, Encoding("utf-8", start), Position(at, at), 16 * 2**20
            )


@contextmanager
def _opened(path: Path) -> Iterator[_Files]:
    if path.is_dir():
        names = sorted(str(one.relative_to(path)) for one in path.glob("data/*.js"))
        yield _Files(tuple(names), lambda name: (path / name).open("rb", buffering=0))
        return
    if not zipfile.is_zipfile(path):
        raise SourceError(f"{path.name!r} is neither a folder nor a .zip; give X's archive.")
    with zipfile.ZipFile(path) as packed:
        entries = {one.filename: one for one in packed.infolist() if one.filename.endswith(".js")}
        wanted = {
            name: one
            for name, one in entries.items()
            if any(p.search(name) for p in (_TWEETS, _DELETED, _NOTES, _SMALL))
        }
        for name, one in wanted.items():
            if one.file_size > MOST_UNPACKED or one.file_size > MOST_RATIO * (
                one.compress_size + 1024
            ):
                raise SourceError(
                    f"{path.name!r} holds {quoted(name)}, which unpacks from "
                    f"{one.compress_size:,} to {one.file_size:,} bytes: no archive of X does."
                )
        yield _Files(tuple(sorted(wanted)), lambda name: packed.open(wanted[name]))


_SMALL = re.compile(r"(?:^|/)data/(?:account|protected-history)\.js$")


def _items(files: _Files, file: str) -> list[Mapping[str, Any]]:
    """The items of a small file, [] where there is none."""
    name = next((one for one in files.names if one.endswith(f"data/{file}")), "")
    if not name:
        return []
    with files.open(name) as raw:
        data = raw.read(MOST_SMALL_FILE)
    try:
        return mappings(loads(data[max(0, data.find(b"[")) :]))
    except ValueError:
        return []


def _first(files: _Files, file: str) -> Mapping[str, Any]:
    return next(iter(_items(files, file)), {})
