"""A Stack Exchange dump: the questions and answers of one site's ``Posts.xml``.

https://meta.stackexchange.com/questions/2677 describes the fields. The file is read as a stream, a
row at a time, whatever its size; entities and document types are refused, so nothing in it can
grow or reach elsewhere. The texts are CC BY-SA: author, address and licence are kept.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO
from xml.parsers import expat

from gnomon.errors import InputError, SourceError
from gnomon.sources.admission import DEFAULT_LIMITS, Limits, admit, quoted, set_aside
from gnomon.sources.contract import Steps
from gnomon.sources.gather import Gathered
from gnomon.sources.markup import plain_text
from gnomon.sources.opened import file_mark, opened
from gnomon.sources.shapes import filled, mapping, moment, moment_iso, strings
from gnomon.types import Post, SetAside

NETWORK = "stackexchange"
_PIECE = 256 * 1024
_QUESTION, _ANSWER = "1", "2"
_HREF = re.compile(r'href="(https?://[^"]+)"')
_SITE = re.compile(
    r"(?:[a-z0-9-]+\.)*(?:stackexchange|stackoverflow|superuser|serverfault|askubuntu|mathoverflow"
    r"|stackapps)\.(?:com|net)"
)


def is_dump(head: bytes) -> bool:
    """Whether a file that begins so is a ``Posts.xml``."""
    return b"<posts>" in head and b"<row " in head and b"PostTypeId=" in head


@dataclass
class StackExchange:
    """``path`` is ``Posts.xml`` (or .gz of it). ``site`` is where it is from
    (``ai.stackexchange.com``); without it the file's folder is taken, if it is named so."""

    path: Path
    site: str = ""
    limits: Limits = DEFAULT_LIMITS
    now: Callable[[], float] = time.time
    name: str = field(default="", init=False)

    def __post_init__(self) -> None:
        self.path = Path(self.path).expanduser().absolute()
        folder = self.path.parent.name.lower()
        self.site = self.site or (folder if _SITE.fullmatch(folder) else "")
        self.name = f"{NETWORK}:{self.site or self.path.parent.name or 'dump'}"

    def steps(self, cursor: str | None) -> Steps:
        """Read it once. Raises SourceError where it cannot be read or is no dump; what came before
        the damage is kept."""
        mark, row = file_mark(self.path), 0
        try:
            held = mapping(json.loads(cursor or "{}"))
            if held.get("mark") == mark and isinstance(held.get("row"), int):
                row = held["row"]
        except ValueError:
            row = 0
        full, number = Gathered(self.name), 0
        try:
            with opened(self.path) as file:
                for number, attributes in enumerate(_rows(file, self.path.name), 1):
                    if number <= row:
                        continue
                    for thing in self._things(attributes, number):
                        full.add(thing)
                    if full.ready:
                        yield full.take(_cursor(mark, number))
        except SourceError:
            yield full.take(_cursor(mark, max(row, number)))
            raise
        yield full.take(_cursor(mark, max(row, number)))

    def _things(self, row: Mapping[str, str], number: int) -> Iterator[Post | SetAside]:
        now = self.now()
        if row.get("PostTypeId") not in (_QUESTION, _ANSWER):
            return  # wikis of tags, moderators' nominations: nothing that somebody said
        try:
            post = self._post(row, now)
        except InputError as error:
            where = f"{self.path.name}, row {number}"
            yield set_aside(self.name, where, str(error), now, str(dict(row)))
            return
        yield admit(post, now=now, limits=self.limits) or post

    def _post(self, row: Mapping[str, str], now: float) -> Post:
        own, html = row.get("Id", ""), row.get("Body", "")
        if not (own.isascii() and own.isdigit()):
            raise InputError(f"its Id is {quoted(own, 40)}, not a number.")
        prefix = f"{NETWORK}:{self.site or self.path.parent.name}"
        kind = "q" if row["PostTypeId"] == _QUESTION else "a"
        tags = re.findall(r"[^<>|]+", row.get("Tags", ""))
        parent = row.get("ParentId", "")
        score = {
            ours: int(row[theirs])
            for ours, theirs in (("likes", "Score"), ("replies", "AnswerCount"),
                                 ("views", "ViewCount"))
            if re.fullmatch(r"-?\d{1,18}", row.get(theirs, ""))
        }  # fmt: skip
        user = row.get("OwnerUserId", "")
        return Post(
            id=f"{prefix}/{own}",
            text=plain_text(html),
            source=self.name,
            fetched_at=now,
            author=row.get("OwnerDisplayName") or (f"user{user}" if user else ""),
            created_at=moment(row.get("CreationDate")),
            title=row.get("Title", ""),
            url=f"https://{self.site}/{kind}/{own}" if self.site else "",
            reply_to=f"{prefix}/{parent}" if parent.isdigit() else "",
            links=strings(one.replace("&amp;", "&") for one in _HREF.findall(html)),
            counts=score,
            extra=filled(
                site=self.site,
                author_id=user,
                edited_at=moment_iso(row.get("LastEditDate")),
                tags=tags,
                accepted=row.get("AcceptedAnswerId", ""),
                license=row.get("ContentLicense", "CC BY-SA"),
            ),
        )


def _rows(file: IO[bytes], name: str) -> Iterator[dict[str, str]]:
    """The attributes of each ``<row>``, a piece of the file at a time."""
    found: list[dict[str, str]] = []

    def begin(tag: str, attributes: dict[str, str]) -> None:
        if tag == "row":
            found.append(attributes)

    def refuse(*args: object) -> None:
        raise SourceError(f"{name!r} declares a document type or entities; no dump does.")

    parser = expat.ParserCreate()
    parser.StartElementHandler = begin
    parser.StartDoctypeDeclHandler = refuse
    parser.EntityDeclHandler = refuse
    last = False
    while not last:
        data = file.read(_PIECE)
        last = not data
        try:
            parser.Parse(data, last)
        except (expat.ExpatError, LookupError, ValueError) as error:
            yield from found
            raise SourceError(f"{name!r} is damaged ({error}); fetch it again.") from error
        yield from found
        found.clear()


def _cursor(mark: str, row: int) -> str:
    return json.dumps({"mark": mark, "row": row})
