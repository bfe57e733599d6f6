"""Where one model of the owner's comes to be: a folder a stage, and what each stage was made from.

    <home>/lab/<name>/
        run.json          what was asked for: depth, seed, the sources
        data/  tokenizer/  pretrain/  sft/  rl/  eval/  export/      what reads and writes
        pictures/  clip/  draw/  dream/  gan/                        what sees and draws
            report.json   written last: a stage without it is not done
            report.md     the same for a person

A stage whose inputs have not changed since its report is not done again; what it left half done it
goes on with. ``fingerprint`` says what "inputs" are: the stage's own settings, and the reports of
the stages before it.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gnomon.errors import InputError

STAGES = ("data", "tokenizer", "pretrain", "sft", "rl", "eval", "export")
PICTURE_STAGES = ("pictures", "clip", "draw", "dream", "gan")
REPORT = "report.json"
NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


@dataclass(frozen=True, slots=True)
class Workspace:
    """The folder of one run. Nothing outside it is written, but for the exported model."""

    folder: Path

    @property
    def name(self) -> str:
        return self.folder.name

    def stage(self, name: str) -> Path:
        """The folder of a stage, made if it is not there."""
        assert name in STAGES or name in PICTURE_STAGES, name
        folder = self.folder / name
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def report(self, name: str) -> dict[str, Any] | None:
        """What a finished stage reported, None where it has not finished."""
        try:
            found: dict[str, Any] = json.loads((self.folder / name / REPORT).read_text("utf-8"))
        except FileNotFoundError:
            return None
        except ValueError as error:
            raise InputError(
                f"{self.folder / name / REPORT} is not JSON ({error}); delete the folder "
                f"{self.folder / name} to do the stage anew."
            ) from error
        return found

    def needs(self, name: str, *, wanted_by: str) -> dict[str, Any]:
        """The report of a stage that must have finished. Raises InputError."""
        found = self.report(name)
        if found is None:
            raise InputError(
                f"{wanted_by} needs {name}, which has not finished in {self.folder}; "
                f"run: gnomon lab {name} --name {self.name}"
            )
        return found

    def current(self, name: str, inputs: Mapping[str, Any]) -> dict[str, Any] | None:
        """The report of a stage that was made from just these inputs; None: do it."""
        found = self.report(name)
        return found if found and found.get("inputs") == fingerprint(inputs) else None

    def begin(self, name: str, inputs: Mapping[str, Any]) -> Path:
        """The folder of a stage that is about to be done: its last report goes, so that a cut is
        seen as one. What it kept to go on from stays; whether it still fits is the stage's to
        see."""
        folder = self.stage(name)
        (folder / REPORT).unlink(missing_ok=True)
        write_json(folder / "inputs.json", {"inputs": fingerprint(inputs), **inputs})
        return folder

    def clear(self, name: str) -> None:
        """Forget what a stage made, all of it."""
        assert name in STAGES or name in PICTURE_STAGES, name
        shutil.rmtree(self.folder / name, ignore_errors=True)

    def finish(
        self, name: str, inputs: Mapping[str, Any], report: Mapping[str, Any], text: str
    ) -> dict[str, Any]:
        """Declare a stage done. ``text`` is Markdown for a person."""
        folder = self.stage(name)
        (folder / "report.md").write_text(text, "utf-8")
        whole = {"stage": name, "inputs": fingerprint(inputs), **report}
        write_json(folder / REPORT, whole)
        return whole


def workspace(home: Path, name: str) -> Workspace:
    """The run of that name, its folder made. Raises InputError for a name that is no file name."""
    if not NAME.fullmatch(name):
        raise InputError(
            f"{name!r} cannot be a model's name; use lower-case letters, digits, '.', '_' and '-', "
            "a letter or digit first, 64 at most."
        )
    folder = home / "lab" / name
    folder.mkdir(parents=True, exist_ok=True)
    return Workspace(folder)


def fingerprint(inputs: Mapping[str, Any]) -> str:
    """SHA-256 of the inputs as JSON with sorted keys."""
    return hashlib.sha256(json.dumps(inputs, sort_keys=True, default=str).encode()).hexdigest()


def write_json(path: Path, value: Any) -> None:
    """Whole or not at all: a reader never sees half of it, nor does a cut leave half."""
    fresh = path.with_name(path.name + ".new")
    with fresh.open("w", encoding="utf-8") as file:
        json.dump(value, file, indent=1, ensure_ascii=False)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())
    os.replace(fresh, path)


def file_sha256(path: Path) -> str:
    """In hexadecimal digits, as cards and manifests carry it."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
