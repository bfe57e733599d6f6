"""Asks a model every set that is there, says which are not, and goes on after a cut."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gnomon.errors import InputError
from gnomon.lab.evaluate import reading
from gnomon.lab.evaluate.results import Result
from gnomon.lab.evaluate.scoring import At, Scorer
from gnomon.lab.evaluate.sets.contract import EvalSet, Run
from gnomon.lab.progress import Progress, Reporter
from gnomon.lab.workspace import file_sha256, fingerprint, write_json

STAGE = "eval"
QUICK_TOKENS = 48
TOKENS = 256
"""Of a generated answer, as the harness has it."""


@dataclass(frozen=True, slots=True)
class Plan:
    """``sets`` is the folder of the sets, None where there is none. ``limit``: items of each set
    at most, 0 for all; ``quick``: as many as each set's own first look takes. ``shots``: solved
    examples, None for each set's usual."""

    sets: Path | None
    chosen: Sequence[EvalSet]
    limit: int = 0
    quick: bool = False
    shots: int | None = None


@dataclass
class Found:
    """``skipped`` says why a set was not asked; ``files`` which file each set was read from."""

    results: list[Result] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)
    files: dict[str, dict[str, str]] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        return {
            "sets": [one.as_json() for one in self.results],
            "skipped": self.skipped,
            "files": self.files,
            "seconds": self.seconds,
        }


def ask_all(
    scorer: Scorer, plan: Plan, reporter: Reporter, kept: Path, identity: Mapping[str, Any]
) -> Found:
    """Every set of the plan; what a cut run has asked is kept below the folder ``kept`` and not
    asked again where ``identity`` (the model) is the same. Raises InputError for a damaged set."""
    if plan.sets is not None and not plan.sets.is_dir():
        raise InputError(f"--sets {str(plan.sets)!r} is no folder; docs/lab-eval.md says what of.")
    found = Found()
    for one in plan.chosen:
        path = reading.find(plan.sets, one.files) if plan.sets is not None else None
        if path is None:
            found.skipped[one.name] = (
                f"no file {' or '.join(one.files)}* in {plan.sets}" if plan.sets else "no --sets"
            )
            continue
        _ask(scorer, one, path, plan, reporter, kept, identity, found)
    if found.skipped:
        told = "; ".join(f"{name} ({why})" for name, why in found.skipped.items())
        reporter.say(f"{STAGE}: not asked: {told}")
    return found


def _ask(
    scorer: Scorer, one: EvalSet, path: Path, plan: Plan, reporter: Reporter, kept: Path,
    identity: Mapping[str, Any], found: Found,
) -> None:  # fmt: skip
    digest = file_sha256(path)
    limit = min(one.quick, plan.limit or one.quick) if plan.quick else plan.limit
    most = min(QUICK_TOKENS if plan.quick else TOKENS, scorer.context // 2)
    asked = fingerprint(
        {**identity, "set": one.name, "file": digest, "limit": limit, "shots": plan.shots,
         "most": most}
    )  # fmt: skip
    found.files[one.name] = {"file": path.name, "sha256": digest}
    before = _kept(kept / f"{one.name}.json", asked)
    if before is None:
        try:
            items = one.read(path)
        except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
            raise InputError(
                f"{path} is not as {one.name} is ({error!r}); docs/lab-eval.md shows a line of it."
            ) from error
        if not items:
            found.skipped[one.name] = f"{path.name} holds no item"
            return
        part = reading.spread(items, limit)
        began = time.monotonic()
        run = Run(plan.shots, most, len(items), _shown(reporter, one.name, len(part)))
        results = one.ask(part, scorer, run)
        before = {
            "asked": asked,
            "seconds": round(time.monotonic() - began, 2),
            "results": [result.as_json() for result in results],
        }
        kept.mkdir(parents=True, exist_ok=True)
        write_json(kept / f"{one.name}.json", before)
    found.seconds[one.name] = before["seconds"]
    found.results += [Result(**result) for result in before["results"]]


def _kept(path: Path, asked: str) -> dict[str, Any] | None:
    try:
        before: dict[str, Any] = json.loads(path.read_text("utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    return before if before.get("asked") == asked else None


def _shown(reporter: Reporter, name: str, total: int) -> At:
    def at(done: int) -> None:
        reporter.at(Progress(f"{STAGE} {name}", done, total, "asked"))

    return at
