"""What one request has the engine do, as one stream of events: decide on the client's functions,
search, answer, fill a form.

Runs in a thread of the desk; closing the stream stops whatever is at work.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gnomon.serve import structured, talking
from gnomon.serve.attached import shelved
from gnomon.serve.contract import Engine
from gnomon.serve.drawing import Drawn, drawing
from gnomon.serve.picture_rows import KeptPictures
from gnomon.serve.request import Conversation
from gnomon.serve.responses_object import RESULTS, SOURCES
from gnomon.serve.structured import Filled, Form
from gnomon.serve.talking import Decided, closing
from gnomon.serve.tools import Choice, Tools
from gnomon.serve.transcript import mostly_cjk
from gnomon.types import Checked, Event, Finished, Found, Sentence, Step
from gnomon.types.generation import Delta, Said, Spent
from gnomon.types.library import ChunkHit, Shelf
from gnomon.types.pictures import Commission


@dataclass(frozen=True, slots=True)
class Wanted:
    """One request to make a response. ``shelves`` are the caller's own vector stores that
    ``file_search`` names, ``naming`` tells the names of uploads by id. ``items`` is what was
    sent, as input items; ``plain`` the conversation for a chat model that answers by itself, None
    where gnomon answers. ``commission`` is what is to be drawn instead of an answer, ``table``
    where it is kept, within ``room`` bytes."""

    asked: Conversation
    tools: Tools = field(default_factory=Tools)
    choice: Choice = field(default_factory=Choice)
    parallel: bool = True
    form: Form | None = None
    include: frozenset[str] = frozenset()
    max_tokens: int | None = None
    max_calls: int | None = None
    shelves: Sequence[Shelf] = ()
    naming: Callable[[list[str]], Mapping[str, str]] = lambda _: {}
    stream: bool = False
    background: bool = False
    store: bool = True
    previous: str = ""
    conversation: str = ""
    items: Sequence[Mapping[str, Any]] = ()
    body: Mapping[str, Any] = field(default_factory=dict)
    plain: tuple[Said, ...] | None = None
    commission: Commission | None = None
    table: KeptPictures | None = None
    room: int = 0

    @property
    def question(self) -> str:
        return self.asked.question

    def begin(self, engine: Engine) -> Iterator[Made]:
        """What this has the engine do."""
        return make(engine, self)


@dataclass(frozen=True, slots=True)
class Searched:
    """What a search found, for a client that wants it listed; ``names`` of uploads by id."""

    found: tuple[Found, ...] = ()
    chunks: tuple[ChunkHit, ...] = ()
    names: Mapping[str, str] = field(default_factory=dict)


Made = Event | Searched | Delta | Spent | Decided | Filled | Drawn


def make(engine: Engine, wanted: Wanted) -> Generator[Made, None, None]:
    """Events up to ``Finished``, ``Filled``, ``Decided`` or ``Spent``. Raises InputError, ApiError,
    NotFound, ModelError."""
    if wanted.commission is not None:
        yield from drawing(engine, wanted.commission, wanted.table, wanted.room)
        return
    if wanted.plain is not None:
        yield from _plainly(engine, wanted, wanted.plain)
        return
    first, last = talking.when(engine, wanted.tools.functions, wanted.choice)
    if first:
        for piece in _calls(engine, wanted):
            yield piece
            if isinstance(piece, Decided):
                return
    if wanted.form is not None:
        wanted.form.check(engine)
    with closing(_answering(engine, wanted)) as events:
        held: list[Made] = []
        for event in events:
            if last and isinstance(event, Finished) and event.answer.abstained:
                for piece in _calls(engine, wanted):
                    yield piece
                    if isinstance(piece, Decided):
                        return
            if last and isinstance(event, Checked | Searched | Finished):
                # Until something is answered, a call may still take its place.
                held.append(event)
                if not (isinstance(event, Finished) or _tells(event)):
                    continue
                last = False
                for one in held:
                    yield from _formed(engine, wanted, one)
            else:
                yield from _formed(engine, wanted, event)


def _calls(engine: Engine, wanted: Wanted) -> Iterator[Delta | Decided]:
    return talking.calls(
        engine, wanted.asked, wanted.tools.functions, wanted.choice, parallel=wanted.parallel
    )


def _tells(event: Event | Searched) -> bool:
    """Whether an event is an answer's own sentence, not a remark."""
    return isinstance(event, Checked) and event.sentence.kind == "claim"


def _formed(engine: Engine, wanted: Wanted, event: Made) -> Iterator[Made]:
    """An event as it is; where a form is wanted, the filled form instead of sentences."""
    if wanted.form is None:
        yield event
    elif isinstance(event, Finished):
        yield structured.fill(engine, wanted.form, wanted.asked, event.answer)
    elif not isinstance(event, Checked):
        yield event


def _plainly(engine: Engine, wanted: Wanted, said: tuple[Said, ...]) -> Generator[Made, None, None]:
    form = wanted.form
    pieces = talking.plainly(
        engine,
        wanted.body,
        said,
        wanted.tools.functions,
        wanted.choice,
        parallel=wanted.parallel,
        schema=form.schema if form else None,
        any_json=form is not None and form.schema is None,
        max_tokens=wanted.max_tokens,
    )
    with closing(pieces) as found:
        yield from found


def _answering(engine: Engine, wanted: Wanted) -> Generator[Event | Searched, None, None]:
    """The engine's events, with what the search found after its step and our own remarks before
    the first sentence."""
    with shelved(engine, wanted.asked.files) as (own, unread):
        yield from _asking(engine, wanted, [*wanted.shelves, *own], unread)


def _asking(
    engine: Engine, wanted: Wanted, shelves: Sequence[Shelf], unread: Sequence[str]
) -> Generator[Event | Searched, None, None]:
    asked = wanted.asked
    live = wanted.tools.live and wanted.choice.web
    if shelves:
        events = engine.library.ask(
            asked.question,
            shelves,
            held=wanted.tools.web or wanted.tools.x,
            where=wanted.tools.where,
            turns=asked.turns,
            live=live,
        )
    else:
        events = engine.ask(asked.question, where=wanted.tools.where, turns=asked.turns, live=live)
    remarked = False
    with closing(events):
        for event in events:
            if isinstance(event, Checked) and not remarked:
                remarked = True
                yield from (Checked(note, ()) for note in remarks(asked, unread))
            yield event
            if isinstance(event, Step) and event.name == "retrieve":
                yield from _listed(engine, wanted)


def _listed(engine: Engine, wanted: Wanted) -> Iterator[Searched]:
    tools = wanted.tools
    found: list[Found] = []
    if tools.web and wanted.include & {SOURCES, RESULTS}:
        found = engine.search(wanted.question, k=tools.results, where=tools.where)
    chunks: list[ChunkHit] = []
    if wanted.shelves:
        hits = engine.library.search(wanted.shelves, [wanted.question], k=tools.chunks)
        chunks = [hit for hit in hits if hit.score >= tools.least_score]
    if found or chunks:
        names = wanted.naming(sorted({hit.file for hit in chunks}))
        yield Searched(tuple(found), tuple(chunks), names)


def remarks(asked: Conversation, unread: Sequence[str] = ()) -> list[Sentence]:
    """What is said before the answer: what the caller's functions returned, quoted as the caller's
    own and unchecked, that pictures were not looked at, and why files were not read."""
    chinese = mostly_cjk(asked.question)
    notes = []
    for given in asked.given:
        name = given.name or given.call_id
        if chinese:
            notes.append(f"{name} 返回(您自己的数据,未经核实):{given.output}")
        else:
            notes.append(f"{name} returned (your own data, not checked): {given.output}")
    if asked.unseen:
        notes.append(
            "没有查看图片:目前只能读文字。"
            if chinese
            else "The picture was not looked at: gnomon reads only text so far."
        )
    notes += unread
    return [Sentence(f"{note}\n", 0, 0, kind="note") for note in notes]
