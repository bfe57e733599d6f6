"""A text to check, made ready: read from its file, its statements told, copies of it set apart."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import IO

from gnomon import journal
from gnomon.errors import InputError
from gnomon.ingest import take
from gnomon.origins import link
from gnomon.sources.reading import read_document
from gnomon.store.contract import Store
from gnomon.store.memory import MemoryStore
from gnomon.text.tokens import words
from gnomon.truth.check import Bench
from gnomon.truth.factcheck import fact_check
from gnomon.truth.statements import given, statements
from gnomon.types import Batch, Document, Filter, Finding, Post, Statement, Verification

# Later than any post: the text under check never becomes the root of an origin.
_LAST = 2.4e11
# As much of a long text is enough to know it by.
KNOWN_BY_CHARS = 200_000
STDIN = "(stdin)"
# Two texts with so many sentences of so many words in common, and such a share of all that long,
# were not written apart: text reuse as in the METER corpus (Clough et al. 2002,
# https://aclanthology.org/P02-1020/), where verbatim sentences mark a copy of the wire.
REUSED, REUSED_WORDS, REUSED_SHARE = 3, 8, 0.15
PROBES = 8
_QUOTES = re.compile(r"[\"“”「『]")


def open_document(
    path: str,
    *,
    stdin: IO[bytes] | None = None,
    kind: str = "",
    encoding: str = "",
    date: float | None = None,
    now: float,
) -> Document:
    """The text of the file at ``path`` ("-": of ``stdin``), with the date from which its relative
    dates are read: ``date``, or what it states, or the file's time of change, or ``now``.

    Raises InputError.
    """
    if encoding:
        try:
            codecs.lookup(encoding)
        except LookupError:
            raise InputError(
                f"{encoding!r} is no encoding; give one like utf-8, gb18030 or cp1252."
            ) from None
    changed: float | None = None
    if path == "-":
        if stdin is None:
            raise InputError("there is no standard input to read; give a file instead of '-'.")
        data, name = stdin.read(), STDIN
    else:
        place = Path(path).expanduser()
        if place.is_dir():
            raise InputError(f"{path!r} is a folder; name the files in it that are to be checked.")
        try:
            data, name, changed = place.read_bytes(), path, place.stat().st_mtime
        except OSError as error:
            raise InputError(
                f"{path!r} cannot be read ({error.strerror or error}); check the path."
            ) from error
    try:
        document = read_document(data, name, kind=kind, encoding=encoding)
    except InputError as error:
        said = str(error)
        raise InputError(said if repr(name) in said else f"{name!r}: {said}") from error
    if date is not None:
        return replace(document, date=date, date_from="given")
    if document.date is not None:
        return document
    guess, how = (now, "now") if changed is None else (changed, "file")
    return replace(document, date=guess, date_from=how)


def store_of(posts: Sequence[Post]) -> Store:
    """``posts`` alone, in memory, as evidence."""
    store = MemoryStore()
    take(Batch("against", posts=tuple(posts)), store)
    return store


def check(
    document: Document | Sequence[str],
    bench: Bench,
    *,
    now: float,
    where: Filter,
    date: float | None = None,
    most: int | None = None,
    keep: bool = True,
) -> Iterator[Verification | Finding]:
    """See ``Gnomon.check``. Errors of the input are raised here, before the first is yielded."""
    if isinstance(document, Document):
        found, skipped = statements(document)
        itself = held_copies(bench.store, document, found)
    else:
        document, found = given(document, date=date)
        skipped, itself = [], []
    if most is not None and len(found) > most:
        raise InputError(
            f"The text makes {len(found):,} statements, and at most {most:,} are checked at once; "
            "send it in parts."
        )
    events = fact_check(
        document, found, bench, now=now, where=where, skipped=skipped, itself=itself
    )
    return _kept(events, bench.store) if keep else events


def _kept(
    events: Iterator[Verification | Finding], store: Store
) -> Iterator[Verification | Finding]:
    """``events``, the whole Verification with its receipt's id."""
    for event in events:
        if isinstance(event, Verification) and event.complete:
            yield journal.record_check(store, event)
        else:
            yield event


def held_copies(store: Store, document: Document, found: Sequence[Statement]) -> list[str]:
    """Held posts that are ``document`` or stand in one origin with it, by id.

    They have the very same words, or would stand in one origin with it, or share whole sentences
    (see ``_reusing``). Of a single statement only the same words count: others may have made one
    like it.
    """
    text = document.text[:KNOWN_BY_CHARS]
    said = words(text)
    same = {hit.post.id for hit in store.search(text[:1000], 10) if words(hit.post.text) == said}
    if len(found) > 1:
        post = Post(
            id="check:this text",
            text=text,
            source="check",
            fetched_at=_LAST,
            created_at=_LAST,
            title=document.title,
            url=document.url,
        )
        links, _ = link(store, [post])
        origins = {one.origin for one in links if one.post == post.id} - {post.id}
        same |= {member.id for origin in origins for member in store.members(origin)} | origins
        same |= _reusing(store, found)
    links_of = store.links(sorted(same))
    origins = {links_of[one].origin if one in links_of else one for one in same}
    members = {member.id for origin in origins for member in store.members(origin)}
    return sorted(same | members)


def _reusing(store: Store, found: Sequence[Statement]) -> set[str]:
    """Held posts that share whole sentences with a text, in the writer's own words: an article and
    the wire copy that it is made of. What both quote of others may be the same without that."""
    sentences = {
        " ".join(said)
        for statement in found
        if not _QUOTES.search(statement.quote)
        and len(said := words(statement.quote)) >= REUSED_WORDS
    }
    longest = sorted(sentences, key=len, reverse=True)[:PROBES]
    posts = {
        hit.post.id: hit.post for text in longest for hit in store.search(text, 5, per_origin=None)
    }
    least = max(REUSED, REUSED_SHARE * len(sentences))
    return {
        name
        for name, post in posts.items()
        for held in [" ".join(words(post.text))]
        if sum(text in held for text in sentences) >= least
    }
