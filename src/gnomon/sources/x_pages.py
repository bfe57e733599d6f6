"""Pages of X's API v2 that a program like twarc wrote to a file, one JSON object a line.

Whole pages and flattened posts, and the lines of batch compliance
(https://docs.x.com/x-api/compliance/batch-compliance/introduction), which say what must be deleted.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gnomon.errors import InputError, SourceError
from gnomon.sources import tables
from gnomon.sources.admission import DEFAULT_LIMITS, Limits, admit, set_aside
from gnomon.sources.contract import Steps
from gnomon.sources.gather import Gathered
from gnomon.sources.lines import Encoding
from gnomon.sources.opened import file_mark, opened
from gnomon.sources.shapes import mapping, moment, name_of, string
from gnomon.sources.tables import Position, Record
from gnomon.sources.x_posts import NETWORK, Page, post_id, post_of, written_at
from gnomon.types import Deletion, Post, SetAside

LONGEST_LINE = 64 * 2**20  # a page of 500 posts with all that they refer to
_FIRST_SNOWFLAKE = 1288914600.0  # 2010-11-04T23:50Z: from then on numbers hold their time
_REASONS = {
    "deleted": "deleted by its author",
    "deactivated": "its author deactivated the account",
    "protected": "its account is protected now",
    "suspended": "its account is suspended",
}


@dataclass
class XPages:
    """``path`` is a .jsonl file (or .gz of one)."""

    path: Path
    limits: Limits = DEFAULT_LIMITS
    now: Callable[[], float] = time.time
    name: str = field(default="", init=False)

    def __post_init__(self) -> None:
        self.path = Path(self.path).expanduser().absolute()
        self.name = f"{NETWORK}-pages:{self.path.name}"

    def steps(self, cursor: str | None) -> Steps:
        """Read it once. Raises SourceError where it cannot be read."""
        mark, at = file_mark(self.path), Position()
        try:
            held = mapping(json.loads(cursor or "{}"))
            if held.get("mark") == mark:
                at = Position(int(held["at"]), int(held["line"]))
        except (ValueError, KeyError, TypeError):
            at = Position()

        def here(after: Position) -> str:
            return json.dumps({"mark": mark, "at": after.at, "line": after.line})

        full = Gathered(self.name)
        try:
            with opened(self.path) as file:
                for record in tables.read_json_lines(file, Encoding("utf-8"), at, LONGEST_LINE):
                    for thing in self._things(record):
                        if full.undoes(thing):
                            yield full.take(None)
                        full.add(thing)
                    at = record.after
                    if full.ready:
                        yield full.take(here(at))
        except SourceError:
            yield full.take(here(at))  # what came before the damage is good
            raise
        yield full.take(here(at))

    def _things(self, record: Record) -> Iterator[Post | SetAside | Deletion]:
        now, where = self.now(), f"{self.path.name}, {record.where}"
        row = record.row
        if row is None:
            yield set_aside(self.name, where, record.problem, now, record.raw)
            return
        if row.get("action") == "delete" and "text" not in row:
            yield self._compliance(row, where)
            return
        page = Page.read(row)
        for tweet in page.newest():
            try:
                post = post_of(tweet, page, source=self.name, fetched_at=now)
            except InputError as error:
                yield set_aside(self.name, post_id(name_of(tweet.get("id"))), str(error), now)
                continue
            yield admit(post, now=now, limits=self.limits) or post
        if not page.tweets and not page.users and "data" not in row and "meta" not in row:
            reason = "it is neither a page of X's API v2 nor a post; give such lines."
            yield set_aside(self.name, where, reason, now, record.raw or str(dict(row))[:200])

    def _compliance(self, row: Mapping[str, Any], where: str) -> Deletion | SetAside:
        """What X says is gone. Lines of a job about accounts look alike: by the time at which
        the thing was made its number tells which it is."""
        number, reason = name_of(row.get("id")), string(row.get("reason"))
        why = _REASONS.get(reason, "X says that it must be deleted")
        if not number.isdigit():
            return set_aside(self.name, where, f"{number[:40]!r} is no post's number.", self.now())
        made = moment(row.get("created_at"))
        by_number = written_at(number)
        if made is None or (by_number is None and made > _FIRST_SNOWFLAKE):
            told = f"{number} is an account's number, and posts are held by its name"
            return set_aside(self.name, where, f"{told}; give the job about posts.", self.now())
        return Deletion(self.name, self.now(), post=post_id(number), reason=why)
