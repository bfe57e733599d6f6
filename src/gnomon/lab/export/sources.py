"""Which model a run has come to, and what its stages said on the way."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gnomon.errors import InputError
from gnomon.lab.workspace import Workspace

TRAINING = ("pretrain", "sft", "rl")
"""The stages that leave a model, the last of them the one that counts."""


@dataclass(frozen=True, slots=True)
class Trained:
    """The model that ``stage`` left in ``folder``; ``tuned``: it was taught to chat."""

    stage: str
    folder: Path
    tuned: bool


def latest(work: Workspace, wanted_by: str, stage: str = "") -> Trained:
    """The model of ``stage``, or of the last stage that has finished. Raises InputError."""
    if stage and stage not in TRAINING:
        raise InputError(f"{stage!r} leaves no model; choose {', '.join(TRAINING)}.")
    names = (stage,) if stage else tuple(reversed(TRAINING))
    for name in names:
        report = work.report(name)
        if report is None:
            continue
        folder = Path(report["folder"])
        if (folder / "config.json").is_file():
            return Trained(name, folder, name != "pretrain")
        raise InputError(
            f"The model of {name} is not in {folder} any more; run: gnomon lab {name} "
            f"--name {work.name}"
        )
    work.needs(names[-1], wanted_by=wanted_by)
    raise AssertionError("a stage that is needed is there, or an error")


def reports(work: Workspace) -> dict[str, dict[str, Any]]:
    """What every finished stage before the export reported, without what only concerns the run."""
    names = ("data", "tokenizer", *TRAINING, "eval")
    found = {name: work.report(name) for name in names}
    apart = ("stage", "inputs", "folder")
    return {
        name: {key: value for key, value in report.items() if key not in apart}
        for name, report in found.items()
        if report is not None
    }
