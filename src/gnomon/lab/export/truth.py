"""Whether an exported model is the same model everywhere: the numbers beside the claim.

Held side by side are the trainer's class, ``transformers`` and llama.cpp: log-probabilities of
every token, greedy tokens, and texts to tokens and back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from gnomon.errors import ModelError
from gnomon.lab.export import gguf_file
from gnomon.lab.export.runtimes import Runtime, Served, Stock, Trainer
from gnomon.lab.export.samples import texts

TOLERANCE = 1e-3
"""Of log-probabilities, between runtimes that compute in float32."""
PLACES = 24
GREEDY = 64
ROUND_TRIPS = 1000


@dataclass(frozen=True, slots=True)
class Agreement:
    """``log_probs``: the largest difference to the trainer's, by runtime, over ``places``
    positions times the vocabulary. ``greedy``: equal tokens of ``greedy_of``. ``round_trips``:
    texts of ``round_trips_of`` that become the same tokens in every runtime and come back whole.
    ``served``: for each shipped GGUF file, as chat runs it, the mean Kullback-Leibler divergence
    from the trainer in nats, the largest difference of a log-probability, and how often both
    find the same token likeliest."""

    places: int
    log_probs: Mapping[str, float]
    greedy: Mapping[str, int]
    greedy_of: int
    round_trips: int
    round_trips_of: int
    served: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    @property
    def whole(self) -> bool:
        """Whether nothing differs but by rounding."""
        return (
            max(self.log_probs.values()) <= TOLERANCE
            and min(self.greedy.values()) == self.greedy_of
            and self.round_trips == self.round_trips_of
        )

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "whole": self.whole}


def agreement(folder: Path, *, context: int, threads: int, seed: int = 0) -> Agreement:
    """Run the exported ``folder``, its GGUF files among it, in all three. Raises ModelError."""
    trainer, stock = Trainer(folder), Stock(folder)
    sample = texts(ROUND_TRIPS, seed)
    row = _row(trainer, sample, context)
    # Late positions hold what rotary positions and caches get wrong.
    places = sorted({round(place) for place in np.linspace(0, len(row) - 1, PLACES)})
    told = trainer.log_probs(row, places)
    with TemporaryDirectory() as scratch:
        exact = Path(scratch) / "exact.gguf"
        gguf_file.write(folder, exact, "f32", name=folder.name)
        served = Served(exact, context=context, threads=threads)
        try:
            others: tuple[Runtime, ...] = (stock, served)
            log_probs = {
                one.name: float(np.abs(one.log_probs(row, places) - told).max()) for one in others
            }
            prompt = row[: max(1, min(16, context - GREEDY - 1))]
            greedy = greedy_agreement(trainer, others, prompt, min(GREEDY, context // 2))
            same = len(round_trips((trainer, *others), sample))
        finally:
            served.close()
    return Agreement(
        places=len(places),
        log_probs=log_probs,
        greedy={name: count for name, (count, _) in greedy.items()},
        greedy_of=next(iter(greedy.values()))[1],
        round_trips=len(sample) - same,
        round_trips_of=len(sample),
        served={
            file.name: _shipped(file, told, row, places, context, threads)
            for file in sorted(folder.glob("*.gguf"))
        },
    )


def _row(trainer: Runtime, sample: Sequence[str], context: int) -> list[int]:
    """A context full of tokens."""
    row: list[int] = []
    for ids in trainer.tokens(sample):
        row += ids
        if len(row) >= context - 1:
            break
    return row[: context - 1]


def greedy_agreement(
    trainer: Runtime, others: Sequence[Runtime], prompt: Sequence[int], most: int
) -> dict[str, tuple[int, int]]:
    """By runtime, how many tokens go with the trainer's from the first on, of how many."""
    wanted = trainer.greedy(prompt, most)
    found: dict[str, tuple[int, int]] = {}
    for one in others:
        made = one.greedy(prompt, most)
        same = 0
        while same < min(len(made), len(wanted)) and made[same] == wanted[same]:
            same += 1
        # One that goes on where the trainer ends is no agreement.
        whole = same == len(wanted) == len(made)
        found[one.name] = (same if whole or same < len(wanted) else same - 1, len(wanted))
    return found


def round_trips(runtimes: Sequence[Runtime], sample: Sequence[str]) -> list[str]:
    """The texts that do not become the same tokens in every runtime, or do not come back whole."""
    rows = [one.tokens(sample) for one in runtimes]
    back = [one.texts(rows[0]) for one in runtimes]
    return [
        text
        for number, text in enumerate(sample)
        if any(ids[number] != rows[0][number] for ids in rows)
        or any(texts[number] != text for texts in back)
    ]


def _shipped(
    file: Path, told: np.ndarray, row: Sequence[int], places: Sequence[int], context: int,
    threads: int,
) -> dict[str, float]:  # fmt: skip
    served = Served(file, context=context, threads=threads, exact=False)
    try:
        found = served.log_probs(row, places)
    finally:
        served.close()
    if not np.isfinite(found).all():
        raise ModelError(f"{file} gives numbers that are none; export it again with --gguf f32.")
    return {
        "kl_nats": float((np.exp(told) * (told - found)).sum(-1).mean()),
        "largest": float(np.abs(found - told).max()),
        "same_likeliest": float((found.argmax(-1) == told.argmax(-1)).mean()),
    }
