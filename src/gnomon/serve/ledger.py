"""What was asked here and what was answered: kept responses, one caller's apart from another's.

A row is one response of the API, or one answer of the page. It is kept as it was sent, so that it
can be fetched again, followed up, listed and deleted; ``forgetting`` takes out of it the words of
posts whose authors have deleted them since.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from gnomon.serve.database import Database, Row

_TABLES = """
CREATE TABLE responses (
    n INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    owner TEXT NOT NULL,
    kind TEXT NOT NULL,
    created REAL NOT NULL,
    status TEXT NOT NULL,
    previous TEXT NOT NULL,
    conversation TEXT NOT NULL,
    background INT NOT NULL,
    question TEXT NOT NULL,
    answer TEXT NOT NULL,
    words TEXT NOT NULL,
    input TEXT NOT NULL,
    object TEXT NOT NULL,
    events TEXT NOT NULL
);
CREATE INDEX responses_of_owner ON responses (owner, n);
CREATE INDEX responses_after ON responses (previous);
"""
_COLUMNS = (
    "id, owner, kind, created, status, previous, conversation, background, question, answer, "
    "input, object, events"
)
CONVERSATION = "conversation"
LONGEST_CHAIN = 64
"""Responses that a follow-up is traced back through; what is older is not read."""
UNFINISHED = ("queued", "in_progress")
STOPPED = "The server stopped while this was being answered; ask again."


@dataclass(frozen=True, slots=True)
class Kept:
    """One answer as it was given.

    ``kind`` is "response" (``object`` is the response object), "ask" (``object`` is the answer)
    or "conversation" (``input`` are its items; it is no part of the history).
    ``answer`` is its id in the journal, "" where it has none. ``text`` is what was said. ``input``
    are the items that were sent with it, ``events`` those of its stream.
    """

    id: str
    owner: str
    kind: str
    created: float
    status: str
    question: str
    previous: str = ""
    conversation: str = ""
    background: bool = False
    answer: str = ""
    input: Sequence[Mapping[str, Any]] = ()
    object: Mapping[str, Any] = field(default_factory=dict)
    events: Sequence[Mapping[str, Any]] = ()

    @property
    def text(self) -> str:
        """The words of the answer, "" where there are none."""
        if self.kind != "response":
            return str(self.object.get("text", ""))
        return output_text(self.object.get("output", ()))


def output_text(output: Sequence[Mapping[str, Any]]) -> str:
    """The words of the messages among output items."""
    parts = [
        str(part.get("text", ""))
        for item in output
        if item.get("type") == "message"
        for part in item.get("content", ())
        if part.get("type") == "output_text"
    ]
    return "".join(parts)


class Ledger:
    """The kept responses in the server's database. Thread-safe.

    What was still being answered when the server stopped is found ``failed`` on the next start.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        database.tables("responses", _TABLES)
        for row in database.run(
            f"SELECT {_COLUMNS} FROM responses WHERE status IN (?, ?)", UNFINISHED
        ):
            self.keep(_failed(_kept(row)))

    def keep(self, kept: Kept) -> None:
        """Keep it, in place of what stood under its id. Raises StoreError, StoreFull."""
        values = (
            kept.id,
            kept.owner,
            kept.kind,
            kept.created,
            kept.status,
            kept.previous,
            kept.conversation,
            int(kept.background),
            kept.question,
            kept.answer,
            *(_dump(value) for value in (kept.input, kept.object, kept.events)),
            _words(kept),
        )
        changed = ", ".join(f"{name} = excluded.{name}" for name in _COLUMNS.split(", ")[1:])
        self._database.run(
            f"INSERT INTO responses ({_COLUMNS}, words) VALUES ({', '.join('?' * len(values))}) "
            f"ON CONFLICT (id) DO UPDATE SET {changed}, words = excluded.words",
            values,
        )

    def find(self, id: str, owner: str, kind: str = "") -> Kept | None:
        """One row of ``owner``; None where there is none, or another's."""
        found = self._database.run(
            f"SELECT {_COLUMNS} FROM responses WHERE id = ? AND owner = ?", (id, owner)
        )
        kept = _kept(found[0]) if found else None
        return None if kept is None or (kind and kept.kind != kind) else kept

    def named(self, id: str, owner: str) -> Kept | None:
        """A row by its own id, or the newest that the journal names so."""
        rows = self._database.run(
            f"SELECT {_COLUMNS} FROM responses WHERE owner = ? AND (id = ? OR answer = ?) "
            f"AND kind <> '{CONVERSATION}' ORDER BY n DESC LIMIT 1",
            (owner, id, id),
        )
        return _kept(rows[0]) if rows else None

    def chain(self, id: str, owner: str) -> list[Kept]:
        """``id`` and what it follows up, oldest first; empty where ``id`` is not kept."""
        found: list[Kept] = []
        at = id
        while at and len(found) < LONGEST_CHAIN:
            kept = self.find(at, owner)
            if kept is None:
                break
            found.append(kept)
            at = kept.previous
        return found[::-1]

    def change(self, id: str, owner: str, kind: str, change: Callable[[Kept], Kept]) -> None:
        """Replace a row by what ``change`` makes of it; nothing where it is gone."""
        with self._database.transaction():
            kept = self.find(id, owner, kind)
            if kept is not None:
                self.keep(change(kept))

    def history(
        self, owner: str, words: str = "", before: str | float | None = None, limit: int = 20
    ) -> list[Kept]:
        """The newest first: those that hold every one of ``words``, older than ``before`` (an id,
        or epoch seconds)."""
        wanted, values = ["owner = ?", "kind <> ?"], [owner, CONVERSATION]
        for word in words.casefold().split():
            wanted.append("instr(words, ?) > 0")
            values.append(word)
        if isinstance(before, str):
            wanted.append("n < (SELECT n FROM responses WHERE id = ? AND owner = ?)")
            values += [before, owner]
        elif before is not None:
            wanted.append("created < ?")
            values.append(before)  # type: ignore[arg-type]
        rows = self._database.run(
            f"SELECT {_COLUMNS} FROM responses WHERE {' AND '.join(wanted)} "
            "ORDER BY n DESC LIMIT ?",
            (*values, limit),
        )
        return [_kept(row) for row in rows]

    def quoting(self, owner: str, words: str) -> list[Kept]:
        """Rows of ``owner`` in which ``words`` stand, as JSON spells them."""
        spelled = _dump(words)[1:-1]
        rows = self._database.run(
            f"SELECT {_COLUMNS} FROM responses WHERE owner = ? AND "
            "(instr(input, ?) OR instr(object, ?) OR instr(events, ?) OR instr(question, ?))",
            (owner, spelled, spelled, spelled, words),
        )
        return [_kept(row) for row in rows]

    def item(self, owner: str, name: str) -> Kept | None:
        """The newest row of ``owner`` that holds an item of this id."""
        spelled = _dump(name)
        rows = self._database.run(
            f"SELECT {_COLUMNS} FROM responses WHERE owner = ? AND "
            "(instr(object, ?) OR instr(input, ?)) ORDER BY n DESC LIMIT 1",
            (owner, spelled, spelled),
        )
        return _kept(rows[0]) if rows else None

    def forget(self, owner: str, id: str | None = None) -> int:
        """Delete one row of ``owner``, or all of them; how many went."""
        values = (owner,) if id is None else (owner, id)
        one = "" if id is None else " AND id = ?"
        gone = self._database.run(f"DELETE FROM responses WHERE owner = ?{one} RETURNING n", values)
        return len(gone)


def _failed(kept: Kept) -> Kept:
    error = {"code": "server_error", "message": STOPPED}
    body = {**kept.object, "status": "failed", "error": error}
    last = max((int(event["sequence_number"]) for event in kept.events), default=-1)
    failed = {"type": "response.failed", "sequence_number": last + 1}
    return replace(kept, status="failed", object=body, events=[*kept.events, failed])


def _kept(row: Row) -> Kept:
    sent, body, events = (json.loads(text) for text in row[10:])
    return Kept(
        id=row[0],
        owner=row[1],
        kind=row[2],
        created=row[3],
        status=row[4],
        previous=row[5],
        conversation=row[6],
        background=bool(row[7]),
        question=row[8],
        answer=row[9],
        input=sent,
        object=body,
        events=events,
    )


def _words(kept: Kept) -> str:
    """What a search of the history looks in; damaged text is mended, for SQLite takes none."""
    said = f"{kept.question}\n{kept.text}".casefold()
    return said.encode("utf-8", "replace").decode("utf-8")


def _dump(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))
