"""Accounts that fill a form again and again ("Now playing: ..."): a few of them are enough."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from xxhash import xxh3_64_intdigest

from gnomon.lab.data.documents import Document
from gnomon.text.tokens import words

FLOOD = 20
"""So many posts of one account that begin alike are a form."""
KEPT = 3
OPENING_WORDS = 3

_NUMBER = re.compile(r"\d+")


@dataclass
class Forms:
    """Counts openings by author while documents pass; then tells which are one form too many."""

    _count: Counter[int] = field(default_factory=Counter)
    _seen: Counter[int] = field(default_factory=Counter)

    def counted(self, documents: Iterable[Document]) -> Iterator[Document]:
        """The documents as they come, counted."""
        for document in documents:
            if key := _key(document):
                self._count[key] += 1
            yield document

    def too_many(self, document: Document) -> str:
        """The reason for which it is dropped, "" where it is not; asked once for each document, in
        the order in which they are read."""
        key = _key(document)
        if not key or self._count[key] < FLOOD:
            return ""
        self._seen[key] += 1
        if self._seen[key] <= KEPT:
            return ""
        return f"spam: one of {self._count[key]:,} posts that its author begins so"


def _key(document: Document) -> int:
    """The author and the first words, digits as 0; 0 for what has no author."""
    author = str(document.metadata.get("author", ""))
    if not author:
        return 0
    opening = words(document.text[:200])[:OPENING_WORDS]
    if len(opening) < OPENING_WORDS:
        return 0
    shape = " ".join(_NUMBER.sub("0", word) for word in opening)
    source = document.metadata.get("source", "")
    return xxh3_64_intdigest(f"{source}\0{author}\0{shape}".encode("utf-8", "surrogatepass"))
