"""A kept answer loses the words of a post whose author has deleted it since.

The journal does this to its receipts when the deletion comes in; what the server keeps follows
when it is next read, and is written back, so that the words leave the disk. Offsets of citations
are moved with the text.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from gnomon.errors import NotFound
from gnomon.serve.contract import Engine
from gnomon.serve.ledger import Kept, Ledger

GONE = "[deleted]"
UPLOAD = "file:upload/"
"""How the source of what an upload says begins; the upload's id follows."""
TELLING_BYTES = 12
"""A shorter quote ("Yes.") may be anybody's words, where it stands in another row."""
# Fields that hold people's words; others (ids, types, labels) are never touched.
_WORDS = frozenset(
    {
        *("text", "delta", "quote", "question", "reason", "detail", "title", "claim", "context"),
        *("query", "queries", "content", "output", "arguments", "input", "instructions", "reads"),
    }
)


def settled(ledger: Ledger, engine: Engine, kept: Kept, *, thorough: bool = True) -> Kept:
    """``kept`` without the words of posts deleted since. What else the caller keeps that repeats
    those words (a follow-up that was sent the answer) loses them too. Unless ``thorough``, only
    what the answer cites is looked up. Raises StoreError."""
    lost = lost_posts(engine, kept, thorough=thorough)
    if not lost:
        return kept
    gone = Gone.of(kept.object, lost)
    stripped = without(kept, gone)
    ledger.keep(stripped)
    for quote in gone.quotes:
        if len(quote.encode("utf-8", "replace")) < TELLING_BYTES:
            continue
        for other in ledger.quoting(kept.owner, quote):
            ledger.keep(without(other, gone))
    return stripped


def lost_posts(engine: Engine, kept: Kept, *, thorough: bool = True) -> frozenset[str]:
    """The posts that ``kept`` quotes and that are no longer held."""
    quoted = {
        str(item["post"]): str(item.get("source", ""))
        for item in _objects(kept.object)
        if item.get("post") and _quote(item) and not item.get("deleted")
    }
    if not quoted:
        return frozenset()
    receipt = _receipt(engine, kept) if kept.answer else None
    lost = set(quoted) & set((receipt or {}).get("lost", ()))
    checked = kept.object.get("gnomon") or {}
    attached = bool(checked.get("attached"))  # the caller's own words, on no shelf since
    known = {str(citation.get("post")) for citation in (receipt or {}).get("citations", ())}
    if receipt is not None and not thorough:
        return frozenset(lost)
    for post, source in quoted.items():
        if post in known or (attached and source.startswith(UPLOAD)):
            continue
        # What was uploaded is on shelves alone: without a receipt its shelf is gone.
        held = receipt is not None if source.startswith(UPLOAD) else _is_held(engine, post)
        if not held:
            lost.add(post)
    return frozenset(lost)


def evidence_in(body: Any) -> list[dict[str, str]]:
    """Which posts a JSON value quotes: each ``post``, ``quote``, ``title``, ``source`` once."""
    found = {
        (str(item["post"]), _quote(item), str(item.get("title", "")), str(item.get("source", "")))
        for item in _objects(body)
        if item.get("post") and _quote(item) and not item.get("deleted")
    }
    return [dict(zip(("post", "quote", "title", "source"), one, strict=True)) for one in found]


def _receipt(engine: Engine, kept: Kept) -> Mapping[str, Any] | None:
    """The journal's receipt of an answer, or that of the shelves it was made from."""
    checked = kept.object if kept.kind == "ask" else kept.object.get("gnomon") or {}
    try:
        if shelves := checked.get("vector_stores"):
            return engine.library.answer(shelves[0], kept.answer)
        return engine.answer(kept.answer)
    except NotFound:
        return None


def _is_held(engine: Engine, post: str) -> bool:
    try:
        engine.show(post)
    except NotFound:
        return False
    return True


def _quote(item: Mapping[str, Any]) -> str:
    """The words of a post that an object repeats: evidence has a quote, a search result a text."""
    return str(item.get("quote") or item.get("text") or "")


@dataclass(frozen=True, slots=True)
class Gone:
    """What is to go: the words and titles of posts, longest first, and the posts themselves."""

    quotes: tuple[str, ...]
    titles: frozenset[str]
    posts: frozenset[str]

    @classmethod
    def of(cls, body: Any, posts: frozenset[str]) -> Gone:
        """What a JSON value repeats of ``posts``."""
        items = [item for item in _objects(body) if item.get("post") in posts]
        quotes = {_quote(item) for item in items if _quote(item).strip()}
        titles = frozenset(str(item["title"]) for item in items if item.get("title"))
        return cls(tuple(sorted(quotes, key=len, reverse=True)), titles, posts)


def without(kept: Kept, gone: Gone) -> Kept:
    """``kept`` with the quotes replaced by ``[deleted]``, and the evidence of the posts marked."""
    strip = _Strip(gone)
    shifts = {
        (item.get("id"), at): Shift(str(part.get("text", "")), gone.quotes)
        for item in kept.object.get("output", ())
        for at, part in enumerate(item.get("content", ()))
    }
    return replace(
        kept,
        question=Shift(kept.question, gone.quotes).text,
        input=strip.value(list(kept.input)),
        object=strip.value(dict(kept.object)),
        events=[strip.value(_moved(event, shifts)) for event in kept.events],
    )


@dataclass(frozen=True, slots=True)
class _Strip:
    gone: Gone

    def value(self, value: Any, words: bool = False) -> Any:
        """A JSON value without the quotes; ``words``: a string here is somebody's words."""
        if isinstance(value, Mapping):
            return self._object(value)
        if isinstance(value, list | tuple):
            return [self.value(item, words) for item in value]
        if words and isinstance(value, str):
            return Shift(value, self.gone.quotes).text
        return value

    def _object(self, value: Mapping[str, Any]) -> dict[str, Any]:
        out = {name: self.value(item, name in _WORDS) for name, item in value.items()}
        if isinstance(value.get("annotations"), list) and isinstance(value.get("text"), str):
            shift = Shift(value["text"], self.gone.quotes)
            out["annotations"] = [shift.annotation(note) for note in value["annotations"]]
        if isinstance(value.get("sentences"), list) and isinstance(value.get("text"), str):
            shift = Shift(value["text"], self.gone.quotes)
            out["sentences"] = [
                {**sentence, "start": shift.at(old["start"]), "end": shift.at(old["end"])}
                for sentence, old in zip(out["sentences"], value["sentences"], strict=True)
            ]
        if out.get("title") in self.gone.titles:
            out["title"] = ""
        if value.get("slots") and out.get("text") != value.get("text"):
            out["slots"] = []  # names and numbers out of those words
        if value.get("post") in self.gone.posts:
            out |= {"deleted": True} | {name: "" for name in ("quote", "text") if name in out}
        return out


class Shift:
    """A text whose ``quotes`` have become ``[deleted]``, and where its offsets have gone."""

    def __init__(self, text: str, quotes: Sequence[str]) -> None:
        spans: list[tuple[int, int]] = []
        for quote in quotes:
            at = text.find(quote) if quote else -1
            while at >= 0:
                end = at + len(quote)
                if all(end <= start or at >= stop for start, stop in spans):
                    spans.append((at, end))
                at = text.find(quote, end)
        self._spans = sorted(spans)
        pieces, done = [], 0
        for start, end in self._spans:
            pieces += [text[done:start], GONE]
            done = end
        self.text = "".join((*pieces, text[done:]))

    def at(self, offset: int) -> int:
        """Where ``offset`` of the old text is in the new one."""
        moved = 0
        for start, end in self._spans:
            if offset >= end:
                moved += len(GONE) - (end - start)
            elif offset > start:
                return start + moved + len(GONE)
        return offset + moved

    def annotation(self, note: Mapping[str, Any]) -> dict[str, Any]:
        """A citation at its new place."""
        if "start_index" not in note:
            return dict(note)
        start, end = self.at(note["start_index"]), self.at(note["end_index"])
        return {**note, "start_index": start, "end_index": end}


def _moved(event: Mapping[str, Any], shifts: Mapping[Any, Shift]) -> Mapping[str, Any]:
    """An event that adds one citation, at its new place in the whole text."""
    note = event.get("annotation")
    shift = shifts.get((event.get("item_id"), event.get("content_index")))
    if isinstance(note, Mapping) and shift is not None:
        return {**event, "annotation": shift.annotation(note)}
    return event


def _objects(value: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(value, Mapping):
        yield value
        for item in value.values():
            yield from _objects(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _objects(item)
