"""A long text cut into overlapping chunks that begin and end where sentences do."""

from __future__ import annotations

import re
from collections.abc import Iterator

from gnomon.text.sentences import split

BYTES_PER_TOKEN = 4
"""OpenAI's rule of thumb (https://help.openai.com/en/articles/4936856): what is searched here
passes through no one tokenizer, so a size in tokens is a size in bytes of UTF-8."""
_BREAK = re.compile(r"\s+")


def cut(text: str, max_tokens: int, overlap_tokens: int = 0) -> list[tuple[int, int]]:
    """Spans ``(start, end)`` that together hold every sentence of ``text``, in order.

    Each is at most ``max_tokens`` long and begins at most ``overlap_tokens`` before the end of the
    one before it. A sentence that is longer by itself is cut between words, or within one.
    ``overlap_tokens`` is less than ``max_tokens``.
    """
    most, shared = max_tokens * BYTES_PER_TOKEN, overlap_tokens * BYTES_PER_TOKEN
    units = [
        piece for start, end in split(text) for piece in _pieces(text, start, end, most - shared)
    ]
    if not units:
        return []
    at = _byte_offsets(text, units)
    chunks: list[tuple[int, int]] = []
    first = 0
    while True:
        last = first
        while last + 1 < len(units) and at[last + 1][1] - at[first][0] <= most:
            last += 1
        chunks.append((units[first][0], units[last][1]))
        if last + 1 == len(units):
            return chunks
        begin = last + 1
        room = min(shared, most - (at[last + 1][1] - at[last + 1][0]))
        while begin - 1 > first and at[last][1] - at[begin - 1][0] <= room:
            begin -= 1
        # The next sentence must fit beside what is shared, or nothing would be gained.
        while begin <= last and at[last + 1][1] - at[begin][0] > most:
            begin += 1
        first = begin


def size(text: str) -> int:
    """How many tokens ``text`` counts as."""
    return -(-_bytes(text) // BYTES_PER_TOKEN)


def _pieces(text: str, start: int, end: int, most: int) -> Iterator[tuple[int, int]]:
    """A sentence as it is, or in pieces of at most ``most`` bytes."""
    while _bytes(text[start:end]) > most:
        window = text[start : min(end, start + most)]
        while _bytes(window) > most:
            window = window[: max(1, len(window) * most // _bytes(window))]
            if len(window) == 1:
                break
        breaks = [match.start() for match in _BREAK.finditer(window)]
        stop = start + (breaks[-1] if breaks and breaks[-1] > 0 else len(window))
        yield start, stop
        start = stop
        while start < end and text[start].isspace():
            start += 1
    if start < end:
        yield start, end


def _byte_offsets(text: str, units: list[tuple[int, int]]) -> list[tuple[int, int]]:
    out, here, done = [], 0, 0
    for start, end in units:
        begin = here + _bytes(text[done:start])
        here = begin + _bytes(text[start:end])
        out.append((begin, here))
        done = end
    return out


def _bytes(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))
