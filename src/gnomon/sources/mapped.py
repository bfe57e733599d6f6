"""JSON read by a declared mapping: files, and pages that follow one another on the web."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from gnomon.errors import InputError, SourceError
from gnomon.sources import tables
from gnomon.sources.admission import (
    DEFAULT_LIMITS,
    Limits,
    admit,
    ascii_safe,
    quoted,
    set_aside,
)
from gnomon.sources.asking import Asker, rounds
from gnomon.sources.contract import Fetch, Steps
from gnomon.sources.gather import Gathered
from gnomon.sources.lines import Encoding
from gnomon.sources.mapping import Declared
from gnomon.sources.opened import file_mark, opened
from gnomon.sources.shapes import authority, body_json, joined, mapping, name_of, string
from gnomon.sources.tables import Position
from gnomon.types import Deletion, Post, SetAside

LONGEST = 64 * 2**20
MOST_PAGES = 200


def things(
    declared: Declared, document: Any, *, source: str, where: str, now: float, limits: Limits
) -> Iterator[Post | SetAside | Deletion]:
    """What a document brings by its mapping."""
    for row in declared.rows(document):
        own = declared.id_of(row)
        why = declared.gone(row)
        if why and own:
            yield Deletion(source, now, post=own, reason=why)
            continue
        try:
            post = declared.post(row, source=source, fetched_at=now)
        except InputError as error:
            thing = json.dumps(row, default=str)[:200]
            yield set_aside(source, own or where, str(error), now, thing)
            continue
        yield admit(post, now=now, limits=limits) or post


@dataclass
class MappedFile:
    """``path`` is a .json or .jsonl file, or .gz of one: a document, an array or lines of them."""

    path: Path
    declared: Declared
    limits: Limits = DEFAULT_LIMITS
    now: Callable[[], float] = time.time
    name: str = field(default="", init=False)

    def __post_init__(self) -> None:
        self.path = Path(self.path).expanduser().absolute()
        self.name = ascii_safe(f"{self.declared.name}:{self.path.name}")

    def steps(self, cursor: str | None) -> Steps:
        """Read it once. Raises SourceError where it cannot be read."""
        mark, at = file_mark(self.path), Position()
        try:
            held = mapping(json.loads(cursor or "{}"))
            if held.get("mark") == mark:
                at = Position(int(held["at"]), int(held["line"]))
        except (ValueError, KeyError, TypeError):
            at = Position()
        full = Gathered(self.name)
        try:
            with opened(self.path) as file:
                # Where an object's list is, is for the mapping to say.
                for record in tables.read_json_document(
                    file, Encoding("utf-8"), at, LONGEST, list_keys=()
                ):
                    where = f"{self.path.name}, {record.where}"
                    for thing in self._things(record, where):
                        if full.undoes(thing):
                            yield full.take(None)
                        full.add(thing)
                    at = record.after
                    if full.ready:
                        yield full.take(_here(mark, at))
        except UnicodeDecodeError as error:
            yield full.take(_here(mark, at))
            raise SourceError(f"{self.path.name!r} is not UTF-8 ({error}); convert it.") from error
        except SourceError:
            yield full.take(_here(mark, at))
            raise
        yield full.take(_here(mark, at))

    def _things(self, record: tables.Record, where: str) -> Iterator[Post | SetAside | Deletion]:
        now = self.now()
        if record.row is None:
            yield set_aside(self.name, where, record.problem, now, record.raw)
            return
        empty = True
        for thing in things(
            self.declared, record.row, source=self.name, where=where, now=now, limits=self.limits
        ):
            empty = False
            yield thing
        if empty:
            paths = " or ".join(path.text for path in self.declared.items)
            said = f"nothing stands at {paths}; see 'items' of the mapping."
            yield set_aside(self.name, where, said, now, json.dumps(record.row, default=str)[:200])


@dataclass
class MappedPages:
    """The pages of ``declared.url``. Where that holds ``{next}``, what ``page.next`` leads to goes
    there; else ``page.next`` leads to the next page's whole address. A look ends at a page that
    has no next one, or no post that the last look did not see first."""

    declared: Declared
    every_s: float | None = None
    limits: Limits = DEFAULT_LIMITS
    most_pages: int = MOST_PAGES
    now: Callable[[], float] = time.time
    name: str = field(default="", init=False)

    def __post_init__(self) -> None:
        if not self.declared.url:
            raise InputError("the mapping has no [page] with a url; give it, or a file to read.")
        self.name = f"{self.declared.name}:{self.declared.url.partition('?')[0]}"
        self._asker = Asker(self.now)
        self._next, self._top, self._seen = "", "", ""

    def steps(self, cursor: str | None) -> Steps:
        """Raises SourceError where a page cannot be had."""
        try:
            held = mapping(json.loads(cursor or "{}"))
        except ValueError:
            held = {}
        self._next, self._top, self._seen = (
            string(held.get(key)) for key in ("next", "top", "seen")
        )
        yield from rounds(self._round, self.every_s)

    def _round(self) -> Steps:
        for _ in range(self.most_pages):
            asked = self._next
            request = Fetch(
                self._address(asked),
                {"accept": "application/json", **self.declared.headers},
                robots=self.declared.robots,
            )
            response = yield from self._asker.ask(request)
            if response.status != 200:
                raise SourceError(
                    f"{quoted(response.url)} answers {response.status}; check page.url."
                )
            document = body_json(response)
            ids = [one for row in self.declared.rows(document) if (one := self.declared.id_of(row))]
            self._top = self._top or next(iter(ids), "")
            path = self.declared.next
            self._next = name_of(path.first(document)) if path else ""
            ended = not self._next or not ids or self._next == asked or self._seen in ids
            if ended:
                self._seen, self._top, self._next = self._top or self._seen, "", ""
            yield from self._give(document)
            if ended:
                return

    def _address(self, after: str) -> str:
        url = self.declared.url
        if "{next}" in url:
            return url.replace("{next}", quote(after, safe=""))
        following = joined(url, after) if after else url
        same = authority(url) == authority(following)
        if not same or url.partition(":")[0] != following.partition(":")[0]:
            raise SourceError(
                f"{quoted(url)} names {quoted(following)} as its next page, which is elsewhere; "
                "check page.next."
            )
        return following

    def _give(self, document: Any) -> Steps:
        full = Gathered(self.name)
        for thing in things(
            self.declared,
            document,
            source=self.name,
            where=self.declared.url,
            now=self.now(),
            limits=self.limits,
        ):
            if full.undoes(thing):
                yield full.take(None)
            full.add(thing)
        value = {"next": self._next, "top": self._top, "seen": self._seen}
        yield full.take(json.dumps(value))


def _here(mark: str, at: Position) -> str:
    return json.dumps({"mark": mark, "at": at.at, "line": at.line})
