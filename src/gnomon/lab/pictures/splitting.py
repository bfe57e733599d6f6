"""Which pictures are learned from and which measure: told by the concept, never by the picture."""

from __future__ import annotations

from collections.abc import Sequence

from gnomon.lab.data.split import place
from gnomon.lab.pictures.held import Item
from gnomon.lab.pictures.likeness import SAME_BITS, SAME_COLOURS, Looks, copies

HELD_OUT = 0.05
"""Share of the concepts that each of val and test gets."""

Dropped = dict[int, tuple[str, str]]
"""Row to reason and detail."""


def split_of(concept: str) -> str:
    """``test``, ``val`` or ``train``: settled by the concept alone, for every set and seed, so that
    what one model never saw another, made of another set, never saw either."""
    at = place(f"pictures {concept}", 0)
    return "test" if at < HELD_OUT else "val" if at < 2 * HELD_OUT else "train"


def doubles(items: Sequence[Item], looks: Looks) -> Dropped:
    """Pictures of one concept in one style that are the same: the first stays."""
    groups: dict[tuple[str, str], list[int]] = {}
    for row, item in enumerate(items):
        groups.setdefault((item.concept, item.style), []).append(row)
    out: Dropped = {}
    for rows in groups.values():
        if len(rows) < 2:
            continue
        for one, other, _ in copies(looks, rows, rows, bits=SAME_BITS, colours=SAME_COLOURS):
            if other < one and other not in out:
                out.setdefault(one, ("the same picture", items[other].id))
    return out


def across(items: Sequence[Item], looks: Looks, left: Dropped) -> Dropped:
    """Held-out pictures that have a near-copy among those that are learned from; and of val those
    that have one in test."""
    rows: dict[str, list[int]] = {"train": [], "val": [], "test": []}
    for row, item in enumerate(items):
        if row not in left:
            rows[split_of(item.concept)].append(row)
    out: Dropped = {}
    for mine, theirs in (("test", "train"), ("val", "train"), ("val", "test")):
        pairs = copies(looks, rows[mine], rows[theirs])
        nearest: dict[int, tuple[float, int]] = {}
        for one, other, gap in pairs:
            nearest[one] = min(nearest.get(one, (gap, other)), (gap, other))
        for one, (_, other) in nearest.items():
            if one not in out:
                out[one] = (f"a near-copy in {theirs}", items[other].id)
    return out
