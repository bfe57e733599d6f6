"""`gnomon lab STAGE`: what each stage's module hands the command line, and what it gets."""

from __future__ import annotations

import argparse
import importlib
import importlib.util
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from gnomon.errors import InputError, pip_install
from gnomon.lab.progress import Reporter
from gnomon.lab.workspace import Workspace, workspace


@dataclass(frozen=True, slots=True)
class Bench:
    """What a recipe may use of the machine and of the owner's things. ``home`` holds the record
    (read only, for the lab) and, below ``lab/``, the runs."""

    home: Path
    models_dir: Path
    threads: int
    reporter: Reporter

    def workspace(self, name: str) -> Workspace:
        return workspace(self.home, name)


class StageModule(Protocol):
    """A stage's ``command`` module: cheap to import, torch only inside ``run``."""

    SUMMARY: str
    DETAIL: str

    def add_arguments(self, parser: argparse.ArgumentParser) -> None: ...

    def run(self, args: argparse.Namespace, bench: Bench) -> Mapping[str, Any]:
        """Do it; what comes back is the stage's report, with ``"folder"`` in it."""
        ...


MODULES = {
    "run": "gnomon.lab.chain_command",
    "data": "gnomon.lab.data.command",
    "tokenizer": "gnomon.lab.tokenizer.command",
    "pretrain": "gnomon.lab.model.command",
    "sft": "gnomon.lab.chat.command",
    "rl": "gnomon.lab.rl.command",
    "eval": "gnomon.lab.evaluate.command",
    "export": "gnomon.lab.export.command",
    "verifier": "gnomon.lab.verifier.command",
    "pictures": "gnomon.lab.pictures.command",
    "clip": "gnomon.lab.clip.command",
    "draw": "gnomon.lab.draw.command",
    "dream": "gnomon.lab.dream.command",
    "gan": "gnomon.lab.gan.command",
}
"""Stage to module, in the order in which help lists them."""


def stages() -> Mapping[str, StageModule]:
    """Every stage that is here."""
    return {
        name: importlib.import_module(module)
        for name, module in MODULES.items()
        if importlib.util.find_spec(module) is not None
    }


def add_common(parser: argparse.ArgumentParser) -> None:
    """``--name``, ``--depth`` and ``--seed``, which every stage of the chain has."""
    parser.add_argument(
        "--name", default="my-model", help="the run, and the model that comes of it (my-model)"
    )
    parser.add_argument(
        "--depth", type=int, default=2, metavar="N",
        help="layers; every other size follows from it (2, for two cores)",
    )  # fmt: skip
    parser.add_argument("--seed", type=int, default=0)


def require(packages: Sequence[str]) -> None:
    """Raises InputError where one of the lab's packages is not installed."""
    lacking = [name for name in packages if importlib.util.find_spec(name) is None]
    if lacking:
        raise InputError(
            f"the lab needs {', '.join(lacking)}; install it with: {pip_install('gnomon[lab]')}"
        )
