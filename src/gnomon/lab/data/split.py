"""Which documents are learned from and which measure: told by the origin, for ever."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

_WHOLE = 2.0**64


def place(origin: str, seed: int) -> float:
    """A number in [0, 1) that an origin's id alone settles (and the seed): BLAKE2b of it."""
    digest = hashlib.blake2b(origin.encode("utf-8", "surrogatepass"), digest_size=8,
                             salt=seed.to_bytes(16, "little")).digest()  # fmt: skip
    return int.from_bytes(digest, "little") / _WHOLE


def split_of(origin: str, share: float, seed: int = 0) -> str:
    """``val`` for about ``share`` of all origins, ``train`` for the others. It depends on nothing
    else, so a corpus that grows moves no document from one to the other, and all that says one
    thing stands on one side."""
    return "val" if place(origin, seed) < share else "train"


def chosen(origins: Iterable[str], share: float, seed: int = 0) -> float:
    """The share that leaves neither side empty: ``share``, or for a small corpus the least that
    holds one origin out and one in. With fewer than two origins: ``share``."""
    least, most = 1.0, 0.0
    lowest, second = 1.0, 1.0
    for origin in origins:
        at = place(origin, seed)
        least, most = min(least, at), max(most, at)
        if at < lowest:
            lowest, second = at, lowest
        elif at < second:
            second = at
    if least >= most:
        return share
    if share <= least:  # nothing would be held out: the lowest is
        return (lowest + second) / 2
    return min(share, most)  # strictly below `most`, so at least that one is learned from
