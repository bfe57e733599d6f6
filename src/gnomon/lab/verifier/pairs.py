"""Pairs to train and measure the verifier on: a window of text, a claim, and how they stand."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pair:
    """One window of one to three sentences, one claim, and how the first bears on the second."""

    window: str
    claim: str
    label: int
    """0 the window supports the claim, 1 it refutes it, 2 neither."""
    source: str
    """The set or the family of edits it is from: `fever`, `edit:number`."""
    group: str
    """Shared by all pairs that stem from one original: no split or bootstrap divides them."""
