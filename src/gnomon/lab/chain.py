"""The whole road from raw posts to a model that the assistant serves: the stages in their order.

Each stage is a function of its own that can be run alone; here is only what each is told, and how
a time for all is shared out. What a stage has done already is not done again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from gnomon.errors import InputError
from gnomon.lab import dial
from gnomon.lab.command import Bench
from gnomon.lab.data import marks
from gnomon.lab.workspace import Workspace, write_json
from gnomon.store.engine import open_store

SMALL = 3
"""Up to this depth a model is made within minutes on two cores, unless said otherwise."""
MINUTES = 4.0
SHARES = {"pretrain": 0.45, "sft": 0.15, "rl": 0.15}
"""Of the time for all; the rest is for reading, the vocabulary, measuring and export."""


@dataclass(frozen=True, slots=True)
class Order:
    """What is wanted. ``sources`` as ``data`` takes them. ``minutes``: about so long for all, where
    training takes ``SHARES`` of it; 0: as long as the dial says. ``until`` is the last stage to do.
    ``eval_dir`` holds evaluation sets, which the corpus is kept clear of; ``chats`` a folder of
    published conversations, ``own`` files of the owner's. ``anew`` reads the sources again."""

    sources: tuple[str, ...] = ("record",)
    languages: tuple[str, ...] = ()
    depth: int = 2
    seed: int = 0
    minutes: float = 0.0
    until: str = "export"
    limit: int = 0
    eval_dir: str = ""
    chats: str = ""
    own: tuple[str, ...] = ()
    licence: str = ""
    anew: bool = False

    def minutes_of(self, stage: str) -> float | None:
        """A training stage's part of the time."""
        return self.minutes * SHARES[stage] if self.minutes else None


Stage = Callable[[], dict[str, Any]]


def run(work: Workspace, bench: Bench, order: Order) -> dict[str, Any]:
    """Do the stages up to ``order.until``; how long each took, and what each reported.

    Raises what the stages raise; what was done stays, and the same call goes on."""
    if not 0 <= order.minutes < 10_000:
        raise InputError(f"--minutes is {order.minutes}; give a number from 0 to 10000.")
    write_json(work.folder / "run.json", _told(order))
    _follow_deletions(bench)
    if order.anew:
        work.clear("data")
    done: dict[str, dict[str, Any]] = {}
    seconds: dict[str, float] = {}
    for name, stage in stages(work, bench, order):
        began = time.monotonic()
        done[name] = stage()
        seconds[name] = round(time.monotonic() - began, 1)
        bench.reporter.say(f"{name}: done in {seconds[name]:.0f} s")
        if name == order.until:
            break
    report = {
        "stage": "run",
        "name": work.name,
        "folder": str(done.get("export", {}).get("folder") or work.folder),
        "seconds": seconds,
        "stages": done,
    }
    write_json(work.folder / "whole.json", report)
    return report


def stages(work: Workspace, bench: Bench, order: Order) -> Iterator[tuple[str, Stage]]:
    """Each stage with what it is told. A stage is looked up only when its turn comes: the first two
    need no torch."""
    size = dial.sizes(order.depth)

    def data() -> dict[str, Any]:
        from gnomon.lab.data.stage import Settings, stage

        return stage(
            work,
            bench,
            Settings(
                sources=order.sources,
                languages=order.languages,
                eval_dir=order.eval_dir,
                limit=order.limit,
                seed=order.seed,
            ),
        )

    def tokenizer() -> dict[str, Any]:
        from gnomon.lab.tokenizer.stage import Settings, stage

        return stage(work, bench, Settings(vocab=size.vocab, context=size.context))

    def pretrain() -> dict[str, Any]:
        from gnomon.lab.model.pretrain import Settings, pretrain

        minutes = order.minutes_of("pretrain")
        return pretrain(work, bench, Settings(order.depth, order.seed, minutes=minutes))

    def sft() -> dict[str, Any]:
        from gnomon.lab.chat.sft import Settings, sft

        return sft(
            work,
            bench,
            Settings(
                order.depth,
                order.seed,
                sets=order.chats or None,
                own=order.own,
                minutes=order.minutes_of("sft"),
            ),
        )

    def rl() -> dict[str, Any]:
        from gnomon.lab.rl.stage import Settings, rl

        return rl(work, bench, Settings(order.depth, order.seed, minutes=order.minutes_of("rl")))

    def evaluate() -> dict[str, Any]:
        from gnomon.lab.evaluate.stage import Settings, stage

        return stage(work, bench, Settings(sets=order.eval_dir, quick=order.depth <= SMALL))

    def export() -> dict[str, Any]:
        from gnomon.lab.export.stage import Settings, stage

        return stage(work, bench, Settings(licence=order.licence))

    yield "data", data
    yield "tokenizer", tokenizer
    yield "pretrain", pretrain
    yield "sft", sft
    yield "rl", rl
    yield "eval", evaluate
    yield "export", export


def _follow_deletions(bench: Bench) -> None:
    """Mark what was learnt from posts that are gone since, and say so."""
    folder = bench.home / "store"
    if not folder.is_dir():
        return
    with open_store(folder, readonly=True) as store:
        for mark in marks.check(store, bench.home, bench.models_dir):
            bench.reporter.say(mark.line)


def _told(order: Order) -> Mapping[str, Any]:
    return {name: getattr(order, name) for name in Order.__slots__}
